//! What is said in place of what a checkpoint's files say.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

use super::{BlockAttention, ChatSettings};
use crate::canvas::TokenId;

/// What is said in place of what a checkpoint's files say; nothing by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// The file of the tokenizer.
    pub tokenizer: Option<PathBuf>,
    /// The mask token, in place of the checkpoint's.
    pub mask: Option<TokenName>,
    /// The end-of-sequence token, in place of the checkpoint's.
    pub eos: Option<TokenName>,
    /// The chat template, its variables and the system prompt.
    pub chat: ChatSettings,
    /// The attention mask, in place of the checkpoint's.
    pub attention: BlockAttention,
}

/// A token as the user gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenName {
    /// By its number in the vocabulary.
    Id(TokenId),
    /// By its text in the tokenizer.
    Text(String),
}

impl FromStr for TokenName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::Text(text.to_owned()), Self::Id))
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}
