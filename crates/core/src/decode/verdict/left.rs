//! The rules by which a masked position is left alone: what each is called, compares and says.

use std::fmt;

use super::{measure::Test, reason::Reason};
use crate::decode::{ShownProbability, against};

/// The rule that left a masked position alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LeftRule {
    /// This stage fills nothing.
    Stage,
    /// It is not in the current block.
    OutsideBlock,
    /// Not over the threshold. `best` is the position filled instead, if only one was.
    NotConfident {
        /// τ_high: what it had to exceed.
        threshold: f32,
        /// Position and confidence of the one filled instead.
        best: Option<(usize, f32)>,
    },
    /// It predicts the mask token, which is never unmasked into a position.
    PredictsMask,
    /// It is not among the best of a step that fills a fixed number.
    Quota {
        /// Its rank, from 1.
        rank: usize,
        /// How many are filled.
        quota: usize,
    },
    /// It does not pass its test.
    Fails(Test),
    /// Its distribution has not settled long enough.
    Settles {
        /// Steps in a row so far.
        steps: usize,
        /// Steps in a row that it needs.
        of: usize,
    },
    /// It was not drawn.
    NotDrawn {
        /// With this chance of it, 0..=1.
        chance: f32,
    },
    /// It is pinned, so that no strategy unmasks it.
    Pinned,
    /// Another position comes before it in the order.
    After {
        /// The position that comes before it.
        position: usize,
    },
    /// Not over the threshold, and not the most confident of its run of neighbouring masks.
    InRun {
        /// The threshold that it had to exceed.
        threshold: f32,
        /// The most confident position of the run and its confidence.
        best: (usize, f32),
    },
    /// It predicts the token that expands it, and other positions take the room there is.
    NoRoom {
        /// The length of the canvas, positions.
        length: usize,
    },
    /// It is to be expanded, after another one.
    Waits {
        /// The one that comes first.
        first: usize,
    },
}

impl LeftRule {
    /// What it compares for a position whose best token has probability `p`, in the words of the format.
    pub(super) fn reason(self, p: f32) -> Reason {
        match self {
            Self::Stage => Reason::of("stage", None, None),
            Self::OutsideBlock => Reason::of("outside_block", Some(p), None),
            Self::NotConfident { threshold, .. } => {
                Reason::of("not_confident", Some(p), Some(threshold))
            }
            Self::PredictsMask => Reason::of("predicts_mask", Some(p), None),
            Self::Quota { .. } => Reason::of("quota", Some(p), None),
            Self::Fails(test) => Reason::of("fails", Some(test.value), Some(test.bound)),
            Self::Settles { .. } => Reason::of("settles", Some(p), None),
            Self::NotDrawn { chance } => Reason::of("not_drawn", Some(chance), None),
            Self::Pinned => Reason::of("pinned", Some(p), None),
            Self::After { .. } => Reason::of("after", Some(p), None),
            Self::InRun { threshold, .. } => Reason::of("in_run", Some(p), Some(threshold)),
            Self::NoRoom { .. } => Reason::of("no_room", Some(p), None),
            Self::Waits { .. } => Reason::of("waits", Some(p), None),
        }
    }

    /// The confidence, where that is not what it compares.
    pub(super) fn confidence(self, p: f32) -> Option<f32> {
        matches!(self, Self::Stage | Self::NotDrawn { .. }).then_some(p)
    }

    /// The numbers of the position alone that its sentence may hold.
    pub(super) fn own_numbers(self, p: f32) -> Vec<f32> {
        match self {
            Self::Fails(test) => vec![test.value, test.bound, p],
            _ => vec![p],
        }
    }

    /// Why the position is left.
    pub(super) fn write(self, f: &mut fmt::Formatter, p: f32) -> fmt::Result {
        match self {
            Self::Stage => write!(f, "left: stage 1 only adjusts the length"),
            Self::OutsideBlock => write!(f, "left: not in the current block"),
            Self::NotConfident { threshold, best: None } => {
                let (p, threshold) = against(p, threshold);
                write!(f, "left: {p} is not > τ_high {threshold}")
            }
            Self::NotConfident { threshold, best: Some((position, best)) } => {
                let (p, threshold) = against(p, threshold);
                let best = ShownProbability(best);
                write!(
                    f,
                    "left: {p} is not > τ_high {threshold}; best of the block is {position} with \
                     {best}"
                )
            }
            Self::Pinned => write!(f, "left: pinned by hand"),
            Self::Quota { rank, quota } => {
                write!(f, "left: {} is rank {rank}, {quota} are unmasked", ShownProbability(p))
            }
            Self::Fails(test) => write!(f, "left: {}", test.failed()),
            Self::Settles { steps, of } => {
                write!(f, "left: settled for {steps} of {of} steps; {}", ShownProbability(p))
            }
            Self::NotDrawn { chance } => {
                write!(
                    f,
                    "left: not drawn, with a chance of {}; {}",
                    ShownProbability(chance),
                    ShownProbability(p)
                )
            }
            Self::After { position } => {
                write!(
                    f,
                    "left: position {position} comes first in the order; {}",
                    ShownProbability(p)
                )
            }
            Self::InRun { threshold, best: (position, best) } => {
                let (p, threshold) = against(p, threshold);
                write!(
                    f,
                    "left: {p} ≤ τ {threshold}; the most confident of its run of masks is {position} with {}",
                    ShownProbability(best)
                )
            }
            Self::NoRoom { length } => {
                write!(
                    f,
                    "left: others expand, and at length {length} there is no more room; {}",
                    ShownProbability(p)
                )
            }
            Self::Waits { first } => {
                write!(f, "left: to be expanded by hand, after position {first}")
            }
            Self::PredictsMask => {
                write!(
                    f,
                    "left: it predicts the mask token, which is never unmasked into a position"
                )
            }
        }
    }
}
