//! The rules by which a written position is remasked: what each is called, compares and says.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    measure::{Test, finite},
    reason::Reason,
};
use crate::decode::ShownProbability;

/// The rule that remasks a position.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemaskRule {
    /// A draw of the seeded noise chose it.
    Drawn {
        /// With this chance, 0..=1.
        #[serde(deserialize_with = "finite")]
        chance: f32,
    },
    /// It does not pass its test.
    Fails(Test),
    /// It was to be written anew, and its best token is the mask. Since format 1.7.
    PredictsMask,
    /// The recording does not say.
    #[serde(skip)]
    Unrecorded,
}

impl RemaskRule {
    /// What it compares, in the words of the format.
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Drawn { chance } => Reason::of("drawn", Some(chance), None),
            Self::Fails(test) => Reason::of("fails", Some(test.value), Some(test.bound)),
            Self::PredictsMask => Reason::of("predicts_mask", None, None),
            Self::Unrecorded => Reason::default(),
        }
    }

    /// True where a confidence is not what it compares.
    pub(super) fn beside_confidence(self) -> bool {
        matches!(self, Self::Drawn { .. } | Self::PredictsMask | Self::Unrecorded)
    }

    /// The numbers of the position alone that its sentence may hold.
    pub(super) fn own_numbers(self, p: Option<f32>) -> Vec<f32> {
        match self {
            Self::Fails(test) => vec![test.value],
            Self::Drawn { .. } | Self::PredictsMask | Self::Unrecorded => p.into_iter().collect(),
        }
    }
}

impl fmt::Display for RemaskRule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Self::Drawn { chance } => {
                write!(f, "remasked: drawn with a chance of {}", ShownProbability(chance))
            }
            Self::Fails(test) => write!(f, "remasked: {}", test.failed()),
            Self::PredictsMask => write!(f, "remasked: its best token is the mask"),
            Self::Unrecorded => write!(f, "remasked: its program does not say why"),
        }
    }
}
