//! `demask` and `demask tui`: the debugger on a live model.

use std::{ffi::OsString, path::Path, process::ExitCode};

use clap::Args;

use super::{
    ConfigOptions, Fault, LookOptions, ModelOptions, ScriptOptions, folder, host::Program,
    mistaken, open, progress::ProgressTarget, prompt::PromptDefault, resume,
};
use crate::{
    resume::SessionOrigin,
    tui::{self, Start},
};

#[derive(Debug, Args)]
pub struct TuiArgs {
    /// The prompt [default: a sample], or a folder, whose recordings are listed
    #[arg(value_name = "PROMPT")]
    pub(super) prompt: Option<String>,
    /// Go on with the session that was left last, where it was left
    #[arg(long, conflicts_with_all = ["prompt", "prompt_ids", "prompt_file", "messages", "suffix", "infill", "record"])]
    resume: bool,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    look: LookOptions,
    #[command(flatten)]
    script: ScriptOptions,
    /// Run no passes for later steps while you look at one
    #[arg(long, hide_short_help = true)]
    no_ahead: bool,
    /// Of a folder: one JSON object a recording on stdout, without a screen
    #[arg(long, hide_short_help = true, requires = "prompt")]
    json: bool,
}

pub fn main(args: &TuiArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    if args.model.record.as_deref() == Some(Path::new("-")) {
        return Err(Fault::usage(
            "--record - writes to stdout, which the debugger draws on. Give a file, or use \
             `demask run`",
        ));
    }
    let prompt = args.prompt.as_deref();
    if let Some(name) = prompt.filter(|prompt| Path::new(prompt).is_dir()) {
        if asks_for_a_run(args)? {
            return Err(Fault::usage(format!(
                "{name} is a folder, whose recordings are listed: options of a model, a strategy or a run \
                 have nothing to do there. As a prompt, put a blank before it: \" {name}\""
            )));
        }
        return folder::main(Path::new(name), args.json, &args.look, options);
    }
    if args.json {
        return Err(Fault::usage(
            "--json is for a folder's recordings here. `demask run PROMPT --json` prints a run",
        ));
    }
    mistaken::no_file(prompt)?;
    match args.model.load.prompt.from_stdin(prompt) {
        true => terminal_beside_stdin()?,
        false => terminal_or_fault()?,
    }
    let config = options.read()?;
    let commands = args.script.commands()?;
    if args.resume {
        return resume::main((&args.model, &args.look), config, commands, !args.no_ahead);
    }
    let look = args.look.look(&config);
    let shown = ProgressTarget::Screen(look);
    let asked = args.model.load.prompt.read(prompt, PromptDefault::Sample(open::SAMPLE_PROMPT))?;
    let opened = open::open(&args.model, &config, asked, shown, |header, loaded| {
        let path = args.model.record.as_deref();
        path.map(|path| open::file_recorder(args.model.overwrite, path, header, loaded)).transpose()
    })?;
    let host = Program::new(&config).encoding(&opened.loaded);
    let tokenizer = opened.loaded.tokenizer;
    let from_stdin = args.model.load.prompt.from_stdin(prompt);
    let words = (!from_stdin).then(|| again(std::env::args_os().skip(1))).flatten();
    let host = host.started(words);
    let host = host.asking(opened.question.turns).saving(opened.header.clone(), tokenizer.clone());
    let origin = SessionOrigin {
        model: Some(resume::model_origin(&args.model)?),
        name: String::new(),
        recording: args.model.record.clone(),
        header: opened.header,
        vocabulary: tokenizer.clone(),
    };
    let source = args.model.load.source.place()?.shown(&opened.loaded.facts.name);
    tui::run(Start {
        predictor: Some(opened.loaded.predictor),
        recording: args.model.record.clone(),
        prompt_text: opened.question.text,
        notices: opened.question.notes,
        look,
        keymap: config.keymap,
        ahead: !args.no_ahead,
        speed: config.look.speed,
        commands,
        keep: resume::keeper(origin),
        ..Start::new(opened.session, tokenizer, opened.loaded.facts, source, Box::new(host))
    })
    .map_err(Fault::failure)?;
    Ok(ExitCode::SUCCESS)
}

/// True if there are options that only a run has a use for: the name of a folder may be meant as a prompt then.
fn asks_for_a_run(args: &TuiArgs) -> Result<bool, Fault> {
    let TuiArgs { model, script, .. } = args;
    let source = &model.load.source;
    Ok(source.model.is_some()
        || source.engine.is_some()
        || model.record.is_some()
        || model.preset.is_some()
        || model.params.given().next().is_some()
        || !script.commands()?.is_empty())
}

/// The debugger needs a terminal on both ends.
pub fn terminal_or_fault() -> Result<(), Fault> {
    use std::io::IsTerminal;
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    no_terminal()
}

/// The same where stdin brings a recording: keys are read from the terminal itself then.
pub fn terminal_beside_stdin() -> Result<(), Fault> {
    use std::io::IsTerminal;
    let tty = || std::fs::File::open("/dev/tty").is_ok();
    if std::io::stdout().is_terminal() && (std::io::stdin().is_terminal() || tty()) {
        return Ok(());
    }
    no_terminal()
}

fn no_terminal() -> Result<(), Fault> {
    Err(Fault::failure(
        "the debugger needs a terminal on stdin and stdout. Use `demask run PROMPT` to generate \
         without one, or `demask replay FILE --svg OUT` to draw a recording",
    ))
}

/// The words that the program was started with, without what is kept otherwise: the commands, which are in the
/// script of what was done, and the recording, which would be there already. `None` if one is no text, or
/// no option can follow.
fn again(words: impl Iterator<Item = OsString>) -> Option<Vec<String>> {
    const WITH_VALUE: [&str; 4] = ["--exec", "--exec-file", "--break", "--record"];
    const ALONE: [&str; 1] = ["--overwrite"];
    let mut kept = Vec::new();
    let mut words = words.map(|word| word.into_string().ok());
    while let Some(word) = words.next() {
        let word = word?;
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        if word == "--" {
            // Options could not come behind it.
            return None;
        } else if WITH_VALUE.contains(&word.as_str()) {
            words.next();
        } else if !WITH_VALUE.contains(&name) && !ALONE.contains(&word.as_str()) {
            kept.push(word);
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_otherwise_is_left_out_of_the_words() {
        let check = |given: &str, expected: &str| {
            let words = shlex::split(given).unwrap().into_iter().map(OsString::from);
            assert_eq!(again(words), shlex::split(expected), "{given}");
        };
        check("--model DIR 'a prompt'", "--model DIR 'a prompt'");
        check("--exec 'step 3' --threshold 0.5 --break=expanded x", "--threshold 0.5 x");
        check("--record out.jsonl --overwrite --seed=3", "--seed=3");
        check("--exec-file f --strategy threshold", "--strategy threshold");
        assert_eq!(again(["--", "-x"].into_iter().map(OsString::from)), None);
    }
}
