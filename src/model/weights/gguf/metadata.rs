//! What a GGUF file says of its model: values under keys.

use std::collections::HashMap;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) enum Value {
    /// A whole number.
    Whole(i128),
    /// Another number.
    Real(f64),
    /// Yes or no.
    Flag(bool),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of whole numbers.
    Wholes(Vec<i64>),
    /// A list that nobody asks for.
    Other,
}

impl Value {
    /// What it is, for messages.
    pub(in crate::model) fn kind(&self) -> &'static str {
        match self {
            Self::Whole(_) => "a whole number",
            Self::Real(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Text(_) => "a text",
            Self::Texts(_) | Self::Wholes(_) | Self::Other => "a list",
        }
    }
}

/// All values of a file.
#[derive(Debug, Default)]
pub(in crate::model) struct Metadata(pub(super) HashMap<String, Value>);

impl Metadata {
    /// Any value.
    pub(in crate::model) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// A text.
    pub(in crate::model) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    pub(in crate::model) fn whole(&self, key: &str) -> Option<i128> {
        match self.get(key)? {
            Value::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// A list of texts.
    pub(in crate::model) fn texts(&self, key: &str) -> Option<&[String]> {
        match self.get(key)? {
            Value::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    /// A list of whole numbers.
    pub(in crate::model) fn wholes(&self, key: &str) -> Option<&[i64]> {
        match self.get(key)? {
            Value::Wholes(numbers) => Some(numbers),
            _ => None,
        }
    }
}
