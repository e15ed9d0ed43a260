//! Failures: one paragraph on stderr and an exit code.

use std::{
    fmt,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use crate::{
    escape::{escaped, one_line},
    headless::HeadlessError,
    reports::diff::SidesError,
    trace::{self, Recording, advice},
};

/// Longest message printed, characters.
const LONGEST_FAULT: usize = 1500;

/// The width of the part of a text that an error shows, columns.
pub(super) const WIDTH: usize = 76;

/// Exit code of a run that stopped at a breakpoint, and of runs or recordings in which something was found.
pub(super) const AT_BREAKPOINT: u8 = 3;

/// Why the program ends without success.
#[derive(Debug)]
pub struct Fault {
    text: String,
    code: u8,
}

impl Fault {
    /// A failure: exit code 1.
    pub fn failure(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), code: 1 }
    }

    /// A wrong use: exit code 2.
    pub fn usage(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), code: 2 }
    }

    /// The same, which says where.
    pub(super) fn within(self, place: &str) -> Self {
        Self { text: format!("{place}: {}", self.text), ..self }
    }

    /// Prints the paragraph. Text of files and models may be in it, so nothing that could steer
    /// a terminal gets through, and not too much of it.
    pub(super) fn report(self) -> ExitCode {
        let mut text: String = escaped(&self.text).chars().take(LONGEST_FAULT).collect();
        if self.text.chars().nth(LONGEST_FAULT).is_some() {
            text.push('…');
        }
        tell(&format!("error: {text}"));
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A file cannot be written.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> Fault {
    let (path, advice) = (one_line(&path.display().to_string()), advice(error));
    Fault::failure(format!("{path}: it cannot be written ({error}). {advice}"))
}

/// What the parser of the command line says: help, the version, or what is wrong with it.
pub(super) fn tell_usage(error: &clap::Error) -> ExitCode {
    // The parser of the command line repeats an argument in full, however long it is.
    let text = error.to_string();
    if error.use_stderr() && text.lines().any(|line| line.chars().count() > LONGEST_FAULT) {
        let cut = |line: &str| match line.char_indices().nth(WIDTH) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.to_owned(),
        };
        tell(&escaped(&text.lines().map(cut).collect::<Vec<_>>().join("\n")));
        return ExitCode::from(2);
    }
    match error.print().and_then(|()| io::stdout().flush()).map_err(unnamed) {
        Err(Some(fault)) => fault.report(),
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
    }
}

/// What is wrong with a command line, without how it is used.
pub(super) fn first_paragraph(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let words = first.strip_prefix("error: ").unwrap_or(first).split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

/// A line on stdout. A reader that has gone away is not a failure.
pub(super) fn say(line: &str) -> Result<(), Fault> {
    let error = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
    error.map_err(unnamed).or_else(|fault| fault.map_or(Ok(()), Err))
}

/// Why stdout cannot be written; `None` if its reader has gone away.
fn unnamed(error: io::Error) -> Option<Fault> {
    let advice = advice(&error);
    (error.kind() != io::ErrorKind::BrokenPipe)
        .then(|| Fault::failure(format!("standard output cannot be written ({error}). {advice}")))
}

/// A line on stderr; where nobody reads it, nobody misses it.
pub(super) fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Says on stderr if a recording is cut, where what is made of it does not show that.
pub(super) fn tell_cut(recording: &Recording, file: &Path) {
    if let Some(line) = recording.cut {
        let file = one_line(&file.display().to_string());
        tell(&escaped(&format!("note: {file}: {}", trace::cut_in(line))));
    }
}

impl From<HeadlessError> for Fault {
    fn from(error: HeadlessError) -> Self {
        Self::failure(error)
    }
}

impl From<SidesError> for Fault {
    fn from(error: SidesError) -> Self {
        match error {
            SidesError::Trace(error) => error.into(),
            SidesError::Unclear(text) => Self::usage(text),
        }
    }
}

impl From<crate::model::LoadError> for Fault {
    fn from(error: crate::model::LoadError) -> Self {
        Self::failure(error)
    }
}

impl From<crate::trace::TraceError> for Fault {
    fn from(error: crate::trace::TraceError) -> Self {
        Self::failure(error)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::failure(error)
    }
}
