//! Failures: one paragraph on stderr and an exit code.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use super::harmless::harmless;

/// Longest message printed, characters.
const LONGEST: usize = 1500;

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

    /// Prints the paragraph. Text of files and models may be in it, so nothing that could steer
    /// a terminal gets through, and not too much of it.
    pub(super) fn report(self) -> ExitCode {
        let mut text: String = harmless(&self.text).chars().take(LONGEST).collect();
        if self.text.chars().nth(LONGEST).is_some() {
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

/// A line on stdout. A reader that has gone away is not a failure.
pub(super) fn say(line: &str) -> Result<(), Fault> {
    match writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Fault::failure(format!("the answer cannot be written ({error})")))
        }
        _ => Ok(()),
    }
}

/// A line on stderr; where nobody reads it, nobody misses it.
pub(super) fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
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
