//! Text to tokens, each with its place.

use std::ops::Range;

use super::{SyntaxError, fault};

/// Most tokens of a text: more is an attack on the stack.
const MOST_TOKENS: usize = 400;

/// A word, number, text or sign of a condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lexeme {
    Word(String),
    Number(f64),
    Text(String),
    /// An operator, bracket or `#`.
    Sign(&'static str),
}

impl Lexeme {
    /// True for this word.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found == word)
    }
}

const SIGNS: [&str; 22] = [
    "<=", ">=", "==", "!=", "||", "&&", "<", ">", "=", "!", "(", ")", "[", "]", "#", "+", "-", "≤",
    "≥", ".", "|", ",",
];

/// The tokens of `text`.
///
/// # Errors
/// An unclosed quote, a sign that means nothing, too many of them.
pub(super) fn lex(text: &str) -> Result<Vec<(Lexeme, Range<usize>)>, SyntaxError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let rest = &text[at..];
        let length = |wanted: &dyn Fn(char) -> bool| {
            rest.char_indices().find(|(_, c)| !wanted(*c)).map_or(rest.len(), |(end, _)| end)
        };
        let (lexeme, end) = if c.is_alphabetic() || c == '_' {
            let end = word(rest);
            (Lexeme::Word(rest[..end].to_owned()), end)
        } else if c.is_ascii_digit() || c == '.' && begins_with_digit(&rest[1..]) {
            let mut end = length(&|c| c.is_ascii_digit() || c == '.');
            // An exponent: 1e-3.
            let exponent = rest[end..].strip_prefix(['e', 'E']).map(|power| {
                let digits = power.strip_prefix(['-', '+']).unwrap_or(power);
                let count = digits.chars().take_while(char::is_ascii_digit).count();
                (count > 0).then_some(1 + power.len() - digits.len() + count)
            });
            end += exponent.flatten().unwrap_or(0);
            let number = rest[..end].parse::<f64>().ok().filter(|number| number.is_finite());
            let number = number.ok_or_else(|| {
                SyntaxError::new(
                    at..at + end,
                    format!("{} is no number", fault::quoted(&rest[..end])),
                )
            })?;
            (Lexeme::Number(number), end)
        } else if c == '"' || c == '\'' {
            let (string, end) = quoted(rest, c).ok_or_else(|| {
                SyntaxError::new(at..text.len(), "the quote is not closed".to_owned())
            })?;
            (Lexeme::Text(string), end)
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign)).ok_or_else(|| {
                SyntaxError::new(at..at + c.len_utf8(), format!("`{c}` means nothing here"))
            })?;
            (Lexeme::Sign(sign), sign.len())
        };
        found.push((lexeme, at..at + end));
        at += end;
        if found.len() > MOST_TOKENS {
            return Err(SyntaxError::new(
                at..text.len(),
                format!("this is too long: more than {MOST_TOKENS} words, numbers and signs"),
            ));
        }
    }
    Ok(found)
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The length of the word that `rest` begins with; a dot in front of a letter joins two:
/// `after.conf`.
fn word(rest: &str) -> usize {
    let mut end = 0;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let joins = c == '.' && chars.peek().is_some_and(|(_, next)| next.is_alphabetic());
        if !(c.is_alphanumeric() || c == '_' || joins) {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// A text in quotes and its length with them.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut string = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((string, at + c.len_utf8())),
            '\\' => string.push(match chars.next()?.1 {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            c => string.push(c),
        }
    }
    None
}
