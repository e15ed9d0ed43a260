//! Values and characters as Python shows and sorts them.

use std::fmt::{self, Write};

use minijinja::{Error, State, Value, value::ValueKind};

use super::{
    arguments::refused,
    budget::{DEEPEST, FueledText},
};

/// What `str(value)` is in Python.
///
/// # Errors
/// If it is nested too deeply, or too long.
pub(super) fn shown(state: &State, value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Undefined => Ok(String::new()),
        ValueKind::String => Ok(value.as_str().unwrap_or_default().to_owned()),
        _ => repr(state, value),
    }
}

/// What `repr(value)` is in Python.
///
/// # Errors
/// As above.
pub(super) fn repr(state: &State, value: &Value) -> Result<String, Error> {
    let mut text = FueledText::new(state);
    write_repr(&mut text, value, 0)?;
    Ok(text.done())
}

fn write_repr(text: &mut FueledText, value: &Value, depth: usize) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(refused("a value is nested too deeply to be shown"));
    }
    match value.kind() {
        ValueKind::Undefined => text.push("Undefined"),
        ValueKind::String => text.push(&quoted(value.as_str().unwrap_or_default())),
        ValueKind::Number => text.push(&float_of(value).map_or_else(|| value.to_string(), float)),
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => match First::of(value) {
            Some(open @ ('[' | '(')) => {
                text.push(if open == '[' { "[" } else { "(" })?;
                let mut items = 0;
                for item in value.try_iter()? {
                    if items > 0 {
                        text.push(", ")?;
                    }
                    write_repr(text, &item, depth + 1)?;
                    items += 1;
                }
                text.push(match (open, items) {
                    ('[', _) => "]",
                    (_, 1) => ",)",
                    _ => ")",
                })
            }
            Some('{') => {
                text.push("{")?;
                for (index, key) in value.try_iter()?.enumerate() {
                    if index > 0 {
                        text.push(", ")?;
                    }
                    write_repr(text, &key, depth + 1)?;
                    text.push(": ")?;
                    write_repr(text, &value.get_item(&key).unwrap_or_default(), depth + 1)?;
                }
                text.push("}")
            }
            // The library's macros and loops print their names.
            _ => text.push(&value.to_string()),
        },
        _ => text.push(&value.to_string()),
    }
}

/// The first character of a value as the library prints it, which shows its kind of brackets. The
/// rest is not printed, since it may be large.
struct First(Option<char>);

impl First {
    fn of(value: &Value) -> Option<char> {
        let mut first = Self(None);
        let _ = write!(first, "{value}");
        first.0
    }
}

impl Write for First {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.0 = piece.chars().next();
        if self.0.is_none() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// The value, if it is a float.
pub(super) fn float_of(value: &Value) -> Option<f64> {
    let float = value.kind() == ValueKind::Number && !value.is_integer();
    float.then(|| f64::try_from(value.clone()).ok()).flatten()
}

/// The shortest digits that are this number, with an exponent outside of 1e-4 … 1e16.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    // Rust's own puts the exponent where Python does, but signs and pads it otherwise.
    let text = format!("{number:?}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let exponent: i32 = exponent.parse().unwrap_or_default();
            format!("{digits}e{exponent:+03}")
        }
        None => text,
    }
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut written = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '\\' => written.push_str("\\\\"),
            _ if c == quote => written.extend(['\\', c]),
            _ if printable(c) => written.push(c),
            _ => written.push_str(&escaped(c)),
        }
    }
    written.push(quote);
    written
}

/// A character as `\xNN`, `\uNNNN` or `\UNNNNNNNN`.
pub(super) fn escaped(c: char) -> String {
    let mut text = String::new();
    let _ = match c as u32 {
        code @ 0..=0xFF => write!(text, "\\x{code:02x}"),
        code @ 0x100..=0xFFFF => write!(text, "\\u{code:04x}"),
        code => write!(text, "\\U{code:08x}"),
    };
    text
}

/// Whether Python prints a character as itself within `repr`.
pub(super) fn printable(c: char) -> bool {
    !matches!(c,
        '\0'..='\x1F' | '\x7F'..='\u{A0}' | '\u{AD}' | '\u{600}'..='\u{605}' | '\u{61C}'
        | '\u{6DD}' | '\u{70F}' | '\u{1680}' | '\u{180E}' | '\u{2000}'..='\u{200F}'
        | '\u{2028}'..='\u{202F}' | '\u{205F}'..='\u{206F}' | '\u{3000}'
        | '\u{E000}'..='\u{F8FF}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{FFFE}'..='\u{FFFF}' | '\u{E0000}'..='\u{10FFFF}')
}

/// Whether Python takes a character for a blank.
pub(super) fn blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1C'..='\x1F')
}

/// The lines of a text, each with its end if `ends`.
pub(super) fn lines(text: &str, ends: bool) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    let line_end = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\x0B' | '\x0C' | '\x1C'..='\x1E' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    while let Some(at) = rest.find(line_end) {
        let end = if rest[at..].starts_with("\r\n") {
            at + 2
        } else {
            at + rest[at..].chars().next().map_or(1, char::len_utf8)
        };
        found.push(&rest[..if ends { end } else { at }]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        found.push(rest);
    }
    found
}

/// Whether a character has a case.
pub(super) fn cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase() || digraph(c).is_some()
}

/// A character at the start of a word: two letters in one have a form of their own.
pub(super) fn title(c: char) -> String {
    if let Some(title) = digraph(c) {
        return title.to_string();
    }
    let mut upper = c.to_uppercase();
    let first = upper.next().into_iter();
    first.chain(upper.flat_map(char::to_lowercase)).collect()
}

fn digraph(c: char) -> Option<char> {
    match c {
        '\u{1C4}'..='\u{1C6}' => Some('\u{1C5}'),
        '\u{1C7}'..='\u{1C9}' => Some('\u{1C8}'),
        '\u{1CA}'..='\u{1CC}' => Some('\u{1CB}'),
        '\u{1F1}'..='\u{1F3}' => Some('\u{1F2}'),
        _ => None,
    }
}

/// A decimal digit's value, in any script of the basic plane.
pub(super) fn digit(c: char) -> Option<u32> {
    const ZEROS: [u32; 37] = [
        0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66,
        0xDE6, 0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
        0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0,
        0xFF10,
    ];
    let code = c as u32;
    ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)).map(|zero| code - zero)
}

/// A text as a number: blanks around it and underscores within are left out.
pub(super) fn plain_number(text: &str) -> Option<String> {
    let trimmed = text.trim_matches(blank);
    let misplaced = trimmed.starts_with('_') || trimmed.ends_with('_') || trimmed.contains("__");
    let digit_of = |c: char| digit(c).and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c);
    (!trimmed.is_empty() && !misplaced)
        .then(|| trimmed.chars().filter(|c| *c != '_').map(digit_of).collect())
}
