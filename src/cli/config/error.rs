//! Faults in a configuration: where, what, and what to do.

use std::{fmt, ops::Range};

/// Something wrong in a configuration or preset file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name, as it is shown.
    pub file: String,
    /// Line from 1 and column in characters from 1; `None` if it is about the file as a whole.
    pub at: Option<(usize, usize)>,
    /// What is wrong and what to do.
    pub text: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.text),
            None => write!(f, "{}: {}", self.file, self.text),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The text of a file, to say where something is wrong in it.
#[derive(Clone, Copy)]
pub(super) struct ConfigText<'a> {
    /// The file's name, as it is shown.
    pub(super) file: &'a str,
    /// What the file holds.
    pub(super) text: &'a str,
}

impl ConfigText<'_> {
    /// An error about a part of it, given in bytes.
    pub(super) fn error(&self, span: Range<usize>, text: impl fmt::Display) -> ConfigError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ConfigError { file: self.file.to_owned(), at: Some((line, column)), text: text.to_string() }
    }

    /// An error of the TOML reader's, in our words where it is about names.
    pub(super) fn toml_error(&self, error: &toml::de::Error) -> ConfigError {
        let message = error.message();
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let text = match quoted.as_slice() {
            [name, known @ ..] if message.starts_with("unknown field") => {
                unknown("key", name, known.iter().copied())
            }
            _ => message.trim().replace('\n', "; ").replace("expected a map", "expected a table"),
        };
        self.error(error.span().unwrap_or(0..0), text)
    }
}

/// What is said about a name that nothing has: the nearest that something has, or all of them.
pub(super) fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&name.to_lowercase(), known), known))
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 4))
        .min_by_key(|(distance, _)| *distance);
    match near {
        Some((_, near)) => format!("unknown {what} `{name}`; did you mean `{near}`?"),
        None if known.len() <= 12 => {
            format!("unknown {what} `{name}`. There are: {}", known.join(", "))
        }
        None => format!("unknown {what} `{name}`. `demask config` prints all there are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let text = ConfigText { file: "f", text: "a\né = x\n" };
        for (byte, at) in [(0, (1, 1)), (2, (2, 1)), (4, (2, 2)), (7, (2, 5)), (99, (3, 1))] {
            assert_eq!(text.error(byte..byte, "").at, Some(at), "{byte}");
        }
    }

    #[test]
    fn near_names_are_proposed() {
        for (name, expected) in [
            ("hihg", "unknown key `hihg`; did you mean `high`?"),
            ("HIGH", "unknown key `HIGH`; did you mean `high`?"),
            ("zzzzzz", "unknown key `zzzzzz`. There are: high, low"),
        ] {
            assert_eq!(unknown("key", name, ["high", "low"]), expected);
        }
    }
}
