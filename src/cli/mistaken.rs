//! Words that may be meant for a command or a file, and stand where a prompt does.

use std::path::Path;

use clap::CommandFactory;

use super::{Cli, Fault, fault::tell};
use crate::escape::escaped;
use crate::inspect;

/// A first word that is nearly a command, with something behind it: the parser takes it for a prompt.
pub(super) fn misspelt(error: &clap::Error) -> Option<Fault> {
    use clap::error::ErrorKind::{ArgumentConflict, InvalidSubcommand, UnknownArgument};
    let of_these = matches!(error.kind(), ArgumentConflict | InvalidSubcommand | UnknownArgument);
    let word = std::env::args().nth(1).filter(|word| of_these && !word.starts_with('-'))?;
    let near = command_like(&word).filter(|near| *near != word)?;
    Some(Fault::usage(format!("there is no command `{word}`; did you mean `{near}`?")))
}

/// Refuses a prompt before which no command stands, if it is nearly one. A folder's name is none.
pub(super) fn bare(prompt: Option<&str>) -> Result<(), Fault> {
    let prompt = prompt.filter(|prompt| !Path::new(prompt).is_dir());
    match prompt.and_then(|prompt| Some((prompt, command_like(prompt)?))) {
        None => Ok(()),
        Some((prompt, near)) => Err(Fault::usage(format!(
            "there is no command `{prompt}`; did you mean `{near}`? As a prompt it goes behind a \
             command: `demask tui {prompt}`"
        ))),
    }
}

/// Refuses a prompt that is a file's name.
pub(super) fn no_file(prompt: Option<&str>) -> Result<(), Fault> {
    match prompt.filter(|prompt| Path::new(prompt).is_file()) {
        None => Ok(()),
        Some(file) => Err(Fault::usage(format!(
            "{file} is a file: `demask replay {file}` opens a recording. As a prompt, put a blank \
             before it: \" {file}\""
        ))),
    }
}

/// Says on stderr that a prompt is a command, or nearly one.
pub(super) fn tell_command(prompt: Option<&str>) {
    if let Some((prompt, near)) = prompt.and_then(|prompt| Some((prompt, command_like(prompt)?))) {
        let text = format!("note: `{prompt}` is the prompt here; the command is `demask {near}`");
        tell(&escaped(&text));
    }
}

/// The command that a single word is, or nearly is.
fn command_like(word: &str) -> Option<String> {
    if word.contains(char::is_whitespace) {
        return None;
    }
    let cli = Cli::command();
    let known = cli.get_subcommands().map(clap::Command::get_name);
    inspect::nearest(&word.to_lowercase(), known).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_words_near_a_command_are_known() {
        for (word, near) in [
            ("man", Some("man")),
            ("exprot", Some("export")),
            ("Replay", Some("replay")),
            ("relpay", Some("replay")),
            ("docter", Some("doctor")),
            ("complete", Some("completions")),
            ("Hello", None),
            ("story", None),
            ("run it", None),
            ("", None),
            ("你好", None),
        ] {
            assert_eq!(command_like(word).as_deref(), near, "{word}");
        }
    }
}
