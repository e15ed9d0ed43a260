//! The rules by which an expansion candidate is not expanded: what each is called and says.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measure::finite;
use crate::decode::{ShownProbability, against};

/// The rule that kept an expansion candidate from being expanded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Refusal")]
pub enum RefuseRule {
    /// The EOS confidence says the length suffices.
    EosConfident {
        /// The EOS confidence, 0..=1.
        #[serde(deserialize_with = "finite")]
        eos: f32,
        /// τ_expand, which the EOS confidence is not under.
        #[serde(deserialize_with = "finite")]
        threshold: f32,
    },
    /// The canvas is at its maximum length.
    AtMaximum {
        /// The length of the canvas, positions.
        length: usize,
    },
    /// One position a step is expanded, and another one is less confident.
    NotLowest {
        /// The position expanded instead.
        lowest: usize,
        /// Its confidence, 0..=1.
        #[serde(deserialize_with = "finite")]
        p: f32,
    },
    /// The user forbade it. Since format 1.1.
    Forbidden,
    /// It would push a pinned position, or a given one, off the end. Since format 1.1.
    DropsPinned {
        /// The position that would be dropped.
        pinned: usize,
    },
}

impl RefuseRule {
    /// Its name in the words of the format.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::EosConfident { .. } => "eos_confident",
            Self::AtMaximum { .. } => "at_maximum",
            Self::NotLowest { .. } => "not_lowest",
            Self::Forbidden => "forbidden",
            Self::DropsPinned { .. } => "drops_pinned",
        }
    }
}

impl fmt::Display for RefuseRule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Self::EosConfident { eos, threshold } => {
                let (eos, threshold) = against(eos, threshold);
                write!(f, "EOS {eos} ≥ τ_expand {threshold}")
            }
            Self::AtMaximum { length } => {
                write!(f, "the length {length} is the maximum")
            }
            Self::NotLowest { lowest, p } => {
                write!(f, "position {lowest} is lower with {}", ShownProbability(p))
            }
            Self::Forbidden => write!(f, "it was forbidden by hand"),
            Self::DropsPinned { pinned } => {
                write!(f, "it would drop position {pinned}, which is fixed")
            }
        }
    }
}
