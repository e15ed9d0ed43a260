//! The rules that decide over a position, each with the numbers that it went by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measure::{Test, finite};

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
    /// It was drawn. Since format 1.2.
    Drawn {
        /// With this chance, 0..=1.
        #[serde(deserialize_with = "finite")]
        chance: f32,
    },
    /// The recording does not say.
    #[serde(skip)]
    Unrecorded,
}

/// The rule that masks a written position again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemaskRule {
    /// It was drawn.
    Drawn {
        /// With this chance, 0..=1.
        #[serde(deserialize_with = "finite")]
        chance: f32,
    },
    /// It does not pass its test.
    Fails(Test),
    /// The recording does not say.
    #[serde(skip)]
    Unrecorded,
}

/// The rule that left a masked position alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LeftRule {
    /// This stage fills nothing.
    Stage,
    /// It is not in the current block.
    OutsideBlock,
    /// Not over the threshold. `best` is the position filled instead, if only one was.
    NotConfident {
        /// τ_high.
        threshold: f32,
        /// Position and confidence of the one filled instead.
        best: Option<(usize, f32)>,
    },
    /// It predicts the mask token, which is never written.
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
        /// Steps needed.
        of: usize,
    },
    /// It was not drawn.
    NotDrawn {
        /// With this chance of it, 0..=1.
        chance: f32,
    },
    /// It is pinned.
    Pinned,
    /// Another position comes before it in the order.
    After {
        /// That position.
        position: usize,
    },
    /// Not over the threshold, and not the surest of its run of neighbouring masks.
    InRun {
        /// τ.
        threshold: f32,
        /// The surest position of the run and its confidence.
        best: (usize, f32),
    },
    /// It is to be expanded, after another one.
    Waits {
        /// The one that comes first.
        first: usize,
    },
}

/// The rule that kept an expansion candidate from being expanded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Refusal")]
pub enum RefuseRule {
    /// The EOS confidence says the length suffices.
    EosConfident {
        /// The EOS confidence.
        #[serde(deserialize_with = "finite")]
        eos: f32,
        /// τ_expand.
        #[serde(deserialize_with = "finite")]
        threshold: f32,
    },
    /// The canvas is at its maximum length.
    AtMaximum {
        /// The length, positions.
        length: usize,
    },
    /// One position a step is expanded, and another one is less confident.
    NotLowest {
        /// The position expanded instead.
        lowest: usize,
        /// Its confidence.
        #[serde(deserialize_with = "finite")]
        p: f32,
    },
    /// A person forbade it. Since format 1.1.
    Forbidden,
    /// It would push a pinned position off the end. Since format 1.1.
    DropsPinned {
        /// That position.
        pinned: usize,
    },
}
