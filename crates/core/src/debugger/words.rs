//! The words of a command's text, in quotes where they must be, and what is wrong with a text.

use std::ops::Range;

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
pub(super) struct PlacedWord {
    pub(super) text: String,
    pub(super) quoted: bool,
    pub(super) at: Range<usize>,
}

/// The words of a line; quotes keep blanks together.
pub(super) fn words(line: &str) -> Result<Vec<PlacedWord>, CommandError> {
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
        words.push(PlacedWord { text, quoted: quote.is_some(), at: start..end });
    }
    Ok(words)
}

/// A word, in quotes where it must.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { in_quotes(word) }
}

pub(super) fn in_quotes(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
