//! The rules by which a token is written: what each is called, compares and says.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    measure::{Test, finite},
    reason::Reason,
};
use crate::decode::{ShownProbability, against};

/// The rule that filled a position.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FillRule {
    /// Its confidence is strictly over the threshold.
    Above,
    /// No position was over the threshold; this is the best of the block.
    BestOfBlock,
    /// Every masked position predicts the mask token; without it this is the best.
    WithoutMask,
    /// It is among the best of a step that fills a fixed number. Since format 1.2.
    Quota {
        /// Its rank, from 1.
        rank: usize,
        /// How many are filled.
        quota: usize,
    },
    /// It passes its test. Since format 1.2.
    Passes(Test),
    /// It does not pass, but the best is always filled. Since format 1.2.
    Best(Test),
    /// More are to be filled than masks are left, so it is written anew. Since format 1.7.
    Surplus {
        /// How many are filled.
        quota: usize,
        /// Masks that the block still has.
        masks: usize,
    },
    /// It was drawn. Since format 1.2.
    Drawn {
        /// With this chance, 0..=1.
        #[serde(deserialize_with = "finite")]
        chance: f32,
    },
    /// An end-of-sequence token stands before it, and all masks behind that count as such. Since
    /// format 1.7.
    BehindEos {
        /// Where the token stands; left out where the prompt holds it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<usize>,
    },
    /// Only masks that were inserted since the block began are left, and all are filled. Since format 1.7.
    OnlyInserted,
    /// The last pass over the block fills every mask, and inserts and deletes nothing. Since format 1.7.
    LastPass,
    /// The block was the same before an earlier pass: the least confident position gets the best token
    /// that was not written there yet. Since format 1.7.
    Repeated,
    /// The recording does not say.
    #[serde(skip)]
    Unrecorded,
}

impl FillRule {
    /// What it compares for a token of probability `p`, in the words of the format.
    pub(super) fn reason(self, p: f32, threshold: Option<f32>) -> Reason {
        match self {
            Self::Above => Reason::of("above", Some(p), threshold),
            Self::BestOfBlock => Reason::of("best_of_block", Some(p), threshold),
            Self::WithoutMask => Reason::of("without_mask", Some(p), None),
            Self::Quota { .. } => Reason::of("quota", Some(p), None),
            Self::Surplus { .. } => Reason::of("surplus", Some(p), None),
            Self::Passes(test) => Reason::of("passes", Some(test.value), Some(test.bound)),
            Self::Best(test) => Reason::of("best", Some(test.value), Some(test.bound)),
            Self::Drawn { chance } => Reason::of("drawn", Some(chance), None),
            Self::BehindEos { .. } => Reason::of("behind_eos", Some(p), None),
            Self::OnlyInserted => Reason::of("only_inserted", Some(p), None),
            Self::LastPass => Reason::of("last_pass", Some(p), None),
            Self::Repeated => Reason::of("repeated", Some(p), None),
            Self::Unrecorded => Reason::default(),
        }
    }

    /// The confidence, where that is not what it compares.
    pub(super) fn confidence(self, p: f32) -> Option<f32> {
        matches!(self, Self::Drawn { .. } | Self::Unrecorded).then_some(p)
    }

    /// The numbers of the position alone that its sentence may hold.
    pub(super) fn own_numbers(self, p: f32) -> Vec<f32> {
        match self {
            Self::Passes(test) | Self::Best(test) => vec![test.value, test.bound, p],
            _ => vec![p],
        }
    }

    /// Why a token is written, behind what is done: `filled` or `replaced`.
    pub(super) fn write(
        self,
        f: &mut fmt::Formatter,
        done: &str,
        p: f32,
        threshold: Option<f32>,
    ) -> fmt::Result {
        let threshold = threshold.unwrap_or(f32::NAN);
        match self {
            Self::Above => {
                let (p, threshold) = against(p, threshold);
                write!(f, "{done}: {p} > τ_high {threshold}")
            }
            Self::BestOfBlock => {
                let (p, threshold) = against(p, threshold);
                write!(f, "{done}: best of the block with {p}, none is > τ_high {threshold}")
            }
            Self::WithoutMask => write!(
                f,
                "{done}: every position predicts the mask; without it this one is best with {}",
                ShownProbability(p)
            ),
            Self::Quota { rank, quota } => {
                write!(
                    f,
                    "{done}: rank {rank} of the {quota} to unmask, with {}",
                    ShownProbability(p)
                )
            }
            Self::Surplus { quota, masks } => {
                write!(
                    f,
                    "{done}: {quota} are to be unmasked and only {masks} are masked; {}",
                    ShownProbability(p)
                )
            }
            Self::Passes(test) => write!(f, "{done}: {}", test.passed()),
            Self::Best(test) => {
                write!(f, "{done}: the best always is, although {}", test.failed())
            }
            Self::Drawn { chance } => {
                write!(
                    f,
                    "{done}: drawn with a chance of {}; {}",
                    ShownProbability(chance),
                    ShownProbability(p)
                )
            }
            Self::BehindEos { position: Some(position) } => {
                write!(f, "{done}: behind the end of sequence at position {position}")
            }
            Self::BehindEos { position: None } => {
                write!(f, "{done}: behind an end of sequence in the prompt")
            }
            Self::OnlyInserted => write!(
                f,
                "{done}: only inserted masks are left, and all are unmasked; {}",
                ShownProbability(p)
            ),
            Self::LastPass => write!(
                f,
                "{done}: the last pass over the block leaves no mask, and inserts and deletes \
                 nothing; {}",
                ShownProbability(p)
            ),
            Self::Repeated => write!(
                f,
                "{done}: the block was the same before, so what was written here then is not taken; {}",
                ShownProbability(p)
            ),
            Self::Unrecorded if p.is_finite() => {
                write!(f, "{done} with {}: its program does not say why", ShownProbability(p))
            }
            Self::Unrecorded => write!(f, "{done}: its program does not say why"),
        }
    }
}
