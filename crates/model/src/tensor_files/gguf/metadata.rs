//! What a GGUF file says of its model: values under keys.

use std::{collections::HashMap, fmt};

/// A value of the header, of whichever width it has there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GgufValue {
    /// A whole number, signed or not.
    Whole(i128),
    /// A number in f32 or f64.
    Real(f64),
    /// True or false.
    Flag(bool),
    /// A text in UTF-8.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of whole numbers.
    Wholes(Vec<i64>),
    /// A list that nobody asks for.
    Other,
}

impl GgufValue {
    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Whole(_) => "a whole number",
            Self::Real(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Text(_) => "a text",
            Self::Texts(_) | Self::Wholes(_) | Self::Other => "a list",
        }
    }
}

impl fmt::Display for GgufValue {
    /// The value, or what it is where that is long.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Text(text) if text.len() <= 60 => write!(f, "`{}`", text.escape_debug()),
            Self::Text(_) | Self::Texts(_) | Self::Wholes(_) | Self::Other => {
                f.write_str(self.kind())
            }
        }
    }
}

/// All values of a file.
#[derive(Debug, Default)]
pub(crate) struct GgufMetadata(pub(super) HashMap<String, GgufValue>);

impl GgufMetadata {
    /// The value of a key, whatever its type.
    pub(crate) fn get(&self, key: &str) -> Option<&GgufValue> {
        self.0.get(key)
    }

    /// Every key, in order.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.0.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    /// The value of a key, if it is a text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            GgufValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key, if it is a whole number.
    pub(crate) fn whole(&self, key: &str) -> Option<i128> {
        match self.get(key)? {
            GgufValue::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &str) -> Option<&[String]> {
        match self.get(key)? {
            GgufValue::Texts(texts) => Some(texts),
            _ => None,
        }
    }
}
