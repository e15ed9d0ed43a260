//! What a command names: a place in the session, a position, a token.

use std::fmt;

use super::super::words::{CommandError, PlacedWord, in_quotes};
use crate::{
    canvas::{Slot, TokenId},
    session::NodeId,
};

/// A place that `goto` leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The start of the run.
    Start,
    /// The last known step of the branch.
    End,
    /// A step of the branch.
    Step(usize),
    /// A node by its number, on any branch.
    Node(NodeId),
    /// The node of a bookmark, by its name.
    Bookmark(String),
}

/// A generated position, as a command names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PositionRef {
    /// By its number now.
    Position(usize),
    /// By its identity, which stays under insertions.
    Slot(Slot),
}

/// A token, as a command names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRef {
    /// By its number in the vocabulary.
    Id(TokenId),
    /// By its whole text.
    Text(String),
}

impl PositionRef {
    /// Its number, or `#` and its slot.
    pub(super) fn read(word: &PlacedWord) -> Result<Self, CommandError> {
        let parsed = match word.text.strip_prefix('#') {
            Some(slot) => slot.parse().ok().map(|slot| Self::Slot(Slot(slot))),
            None => word.text.parse().ok().map(Self::Position),
        };
        parsed.ok_or_else(|| {
            CommandError::new(word.at.clone(), "a position is a number, or #N for a slot")
        })
    }
}

impl TokenRef {
    /// Its number, or its text.
    pub(super) fn read(word: &PlacedWord) -> Self {
        match word.text.parse() {
            Ok(id) if !word.quoted => Self::Id(id),
            _ => Self::Text(word.text.clone()),
        }
    }
}

impl Destination {
    /// A step, `start`, `end`, `@` and a node, or a bookmark.
    pub(super) fn read(word: &PlacedWord) -> Result<Self, CommandError> {
        if !word.quoted && word.text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let step = word.text.parse().map(Self::Step);
            return step.map_err(|_| {
                CommandError::new(word.at.clone(), "a step is a number from 0 on; quote a bookmark")
            });
        }

        let node = word.text.strip_prefix('@').and_then(|node| node.parse().ok());
        Ok(match (&*word.text, word.quoted, node) {
            ("start", false, _) => Self::Start,
            ("end", false, _) => Self::End,
            (_, false, Some(node)) => Self::Node(NodeId(node)),
            _ => Self::Bookmark(word.text.clone()),
        })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::End => f.write_str("end"),
            Self::Step(step) => step.fmt(f),
            Self::Node(node) => write!(f, "@{}", node.0),
            // In quotes even where it needs none: `start`, `end` and numbers are something else.
            Self::Bookmark(name) => f.write_str(&in_quotes(name)),
        }
    }
}

impl fmt::Display for PositionRef {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Position(position) => position.fmt(f),
            Self::Slot(slot) => write!(f, "#{}", slot.0),
        }
    }
}

impl fmt::Display for TokenRef {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            // In quotes even where it needs none: a number is an id.
            Self::Text(text) => f.write_str(&in_quotes(text)),
        }
    }
}
