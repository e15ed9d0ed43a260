//! Text to commands: one line, or a script of several parted by `;` or line ends.

use std::ops::Range;

use super::{
    arguments::Arguments,
    command::{Command, find_command},
    table::COMMANDS,
};
use crate::inspect::{nearest, quoted};

/// A text that is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// The place in the line, in bytes.
    pub at: Range<usize>,
    /// The fault, and what to do.
    pub message: String,
}

impl CommandError {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// Moves the place: the text was part of a longer one.
    pub(super) fn behind(mut self, offset: usize) -> Self {
        self.at = self.at.start + offset..self.at.end + offset;
        self
    }
}

/// A word with its place.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) quoted: bool,
    pub(super) at: Range<usize>,
}

/// The words of a line; quotes keep blanks together.
pub(super) fn words(line: &str) -> Result<Vec<Word>, CommandError> {
    let mut words = Vec::new();
    let mut chars = line.char_indices().peekable();
    while let Some(&(start, c)) = chars.peek() {
        if c.is_whitespace() {
            chars.next();
            continue;
        }
        let mut text = String::new();
        let quote = matches!(c, '"' | '\'').then_some(c);
        if quote.is_some() {
            chars.next();
        }
        let mut closed = quote.is_none();
        let mut end = line.len();
        while let Some(&(at, c)) = chars.peek() {
            if quote.is_none() && c.is_whitespace() {
                end = at;
                break;
            }
            chars.next();
            if Some(c) == quote {
                closed = true;
                end = at + c.len_utf8();
                break;
            }
            match (quote, c) {
                (Some(_), '\\') => text.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, 't')) => '\t',
                    Some((_, other)) => other,
                    None => '\\',
                }),
                _ => text.push(c),
            }
        }
        if !closed {
            return Err(CommandError::new(start..line.len(), "the quote is not closed"));
        }
        words.push(Word { text, quoted: quote.is_some(), at: start..end });
    }
    Ok(words)
}

/// Cuts a script at `;` and line ends outside quotes; lines that begin with `#` are comments.
pub fn statements(script: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quote, mut escaped) = (0, None, false);
    let (mut comment, mut letter) = (false, false);
    for (at, c) in script.char_indices() {
        if comment {
            if c == '\n' {
                comment = false;
                start = at + 1;
            }
            continue;
        }
        match (quote, c) {
            _ if escaped && c != '\n' => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            // One behind a letter is an apostrophe.
            (None, '\'') if letter => {}
            (None, '"' | '\'') => quote = Some(c),
            (_, '\n') | (None, ';') => {
                parts.push(&script[start..at]);
                (start, quote, escaped) = (at + 1, None, false);
            }
            (None, '#') if script[start..at].trim().is_empty() => comment = true,
            _ => {}
        }
        letter = c.is_alphanumeric();
    }
    if !comment {
        parts.push(&script[start..]);
    }
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Commands of editors and other debuggers that people type out of habit, with their names here.
const HABITS: &[(&str, &str)] = &[
    ("e", OTHER_FILE),
    ("edit", OTHER_FILE),
    ("o", OTHER_FILE),
    ("open", OTHER_FILE),
    ("r", "`restart` starts the run anew, `remask POSITION` masks a position again"),
    ("run", "`continue` runs to the next breakpoint or the end, `restart` starts anew"),
    ("list", "`text` prints the answer, `branches` and `breaks` list those"),
    ("info", "`breaks`, `branches` and `presets` list those, `print NAME` prints a value"),
    ("bt", "`branches` lists the branches, `why POSITION` says why a position is as it is"),
    ("where", "`why POSITION` says why a position is as it is"),
    ("finish", "`run-block` and `run-stage` run to the end of those"),
];

/// Another file is another session.
const OTHER_FILE: &str = "end with `quit`, and open another recording with `demask replay FILE`";

/// Reads one command.
///
/// # Errors
/// [`CommandError`], with the place in the line.
pub fn parse(line: &str) -> Result<Command, CommandError> {
    let start = line.len() - line.trim_start().len();
    let end = line.trim_end().len();
    let body = line.get(start..end).unwrap_or_default();
    let name = body.split_whitespace().next().unwrap_or_default();
    let at = start..start + name.len();
    let spec = find_command(name).ok_or_else(|| CommandError::new(at.clone(), unknown(name)))?;
    let rest = body.get(name.len()..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start().len();
    let offset = at.end + blanks;
    let arguments = Arguments::read(spec.name, spec.arguments, rest.trim());
    Ok(Command::of(spec, arguments.map_err(|error| error.behind(offset))?))
}

/// The message that there is no such command, with the one that was probably meant.
pub(super) fn unknown(name: &str) -> String {
    let hint = HABITS.iter().find(|(habit, _)| *habit == name).map(|(_, instead)| *instead);
    let hint = hint.map_or_else(
        || match nearest(name, COMMANDS.iter().map(|spec| spec.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`help` says what there is".to_owned(),
        },
        str::to_owned,
    );
    format!("there is no command {}; {hint}", quoted(name))
}
