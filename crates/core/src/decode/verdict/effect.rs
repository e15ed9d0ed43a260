//! What a verdict does to its position, whatever its reason.

use super::Verdict;
use crate::canvas::TokenId;

/// How a step changes a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PositionEffect {
    /// A token is written into a mask.
    Fill {
        /// The token written.
        token: TokenId,
        /// Its probability, 0..=1; NaN where it is not known.
        p: f32,
    },
    /// The token held gives way to another one.
    Replace {
        /// The token that the position held.
        was: TokenId,
        /// The token written in its place.
        token: TokenId,
        /// The probability of that one, 0..=1; NaN where it is not known.
        p: f32,
    },
    /// The token held gives way to a mask.
    Remask {
        /// The token that the position held.
        token: TokenId,
        /// Its probability, 0..=1, where the rule goes by one.
        p: Option<f32>,
    },
    /// The position becomes several masks.
    Expand {
        /// Masks in its place.
        n: usize,
        /// Its confidence, 0..=1, where the program says it.
        p: Option<f32>,
    },
    /// Masks are put before the position, which stays.
    Insert {
        /// Masks put before it.
        n: usize,
        /// The probability of the token that asks for them, 0..=1.
        p: f32,
    },
    /// The position is taken from the canvas.
    Delete,
}

impl PositionEffect {
    /// Its name in the player.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fill { .. } => "fill",
            Self::Replace { .. } => "replace",
            Self::Remask { .. } => "remask",
            Self::Expand { .. } => "expand",
            Self::Insert { .. } => "insert",
            Self::Delete => "delete",
        }
    }

    /// The tokens that it takes or writes.
    pub fn tokens(self) -> impl Iterator<Item = TokenId> {
        let (taken, written) = match self {
            Self::Fill { token, .. } => (None, Some(token)),
            Self::Replace { was, token, .. } => (Some(was), Some(token)),
            Self::Remask { token, .. } => (Some(token), None),
            Self::Expand { .. } | Self::Insert { .. } | Self::Delete => (None, None),
        };
        taken.into_iter().chain(written)
    }
}

impl Verdict {
    /// How the position changes; `None` where it stays as it is, or where the recording does not
    /// say.
    pub fn effect(&self) -> Option<PositionEffect> {
        Some(match *self {
            Self::Fill { token, p, .. } => PositionEffect::Fill { token, p },
            Self::Replace { was, token, p, .. } => PositionEffect::Replace { was, token, p },
            Self::Remask { token, p, .. } => PositionEffect::Remask { token, p },
            Self::Expand { p, n, .. } | Self::ExpandToken { p, n, .. } | Self::Forced { p, n } => {
                PositionEffect::Expand { n, p: Some(p) }
            }
            Self::Grown { n } => PositionEffect::Expand { n, p: None },
            Self::Split { p, n, .. } => PositionEffect::Insert { n, p },
            Self::Delete { .. } => PositionEffect::Delete,
            Self::Unchanged | Self::Left { .. } | Self::Refused { .. } | Self::Unrecorded => {
                return None;
            }
        })
    }
}
