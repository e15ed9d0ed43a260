//! Decisions: the edits of a step, and for each the reason with its numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canvas::TokenId,
    decode::{FillRule, RefuseRule, RemaskRule, finite},
};

/// What a step did, and why.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Decision")]
pub(in crate::trace) struct RecordedDecision {
    /// What kind of step: `grow`, `settle`, `high_conf`, `fallback`, `stuck`, `none`, since 1.2
    /// `quota`, `remask`, since 1.4 `recorded`. Absent since 1.4 in recordings of other programs.
    #[serde(default)]
    pub mode: String,
    /// The changes, in order.
    #[serde(default)]
    pub edits: Vec<RecordedEdit>,
    /// Fills, remaskings, expansions and refusals with their numbers. Positions not named were left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<Why>,
    /// Positions that fell off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
    /// The EOS confidence, where the strategy uses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eos: Option<Eos>,
}

/// A change; slots name positions by identity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Edit")]
pub enum RecordedEdit {
    /// Slot, and the token it holds now.
    Fill(u32, TokenId),
    /// Slot, and the token it holds now.
    Replace(u32, TokenId),
    /// Slot that is masked now.
    Remask(u32),
    /// Slot, number of masks.
    Expand(u32, usize),
    /// Number of masks behind the last position.
    AppendMask(usize),
    /// Number of end-of-sequence tokens.
    AppendEos(usize),
    /// Slot, number of masks that a step puts before it. Since 1.7.
    Split(u32, usize),
    /// Slot, number of masks before it, by hand. Since 1.1.
    Insert(u32, usize),
    /// Slot, what is asked of it. Since 1.1.
    #[serde(rename = "wish")]
    Override(u32, RecordedOverride),
    /// Slot, token that must not be written there. Since 1.1.
    Veto(u32, TokenId),
    /// Slot, token that may be written there again. Since 1.1.
    Allow(u32, TokenId),
    /// Slot that is no more.
    Delete(u32),
    /// Positions that are left.
    Truncate(usize),
}

/// What the user asks of a position; what is left out is not asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "Wish")]
pub struct RecordedOverride {
    /// It stays as it is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// It is to be expanded, or never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expand: Option<bool>,
}

/// Why a position was filled, remasked, expanded or refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(in crate::trace) enum Why {
    /// It is unmasked by a rule.
    Fill {
        /// The generated position, from 0.
        at: usize,
        /// The token that it holds now.
        token: TokenId,
        /// Its confidence, 0..=1.
        #[serde(deserialize_with = "finite")]
        p: f32,
        /// The rule that chose it.
        rule: FillRule,
        /// τ_high; absent where the rule has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        threshold: Option<f32>,
    },
    /// It becomes several masks.
    Expand {
        /// The generated position, from 0.
        at: usize,
        /// Its confidence, 0..=1.
        #[serde(deserialize_with = "finite")]
        p: f32,
        /// τ_low, which the confidence is under.
        #[serde(deserialize_with = "finite")]
        threshold: f32,
        /// Masks in its place.
        n: usize,
        /// The EOS confidence, 0..=1.
        #[serde(deserialize_with = "finite")]
        eos: f32,
        /// The threshold of the EOS confidence.
        #[serde(deserialize_with = "finite")]
        eos_threshold: f32,
    },
    /// It becomes several masks because the user asked. Since 1.1.
    Forced {
        /// The generated position, from 0.
        at: usize,
        /// Its confidence, 0..=1.
        #[serde(deserialize_with = "finite")]
        p: f32,
        /// Masks in its place.
        n: usize,
    },
    /// It becomes several masks, since the token that stands for them is predicted. Since 1.7.
    ExpandToken {
        /// The generated position, from 0.
        at: usize,
        /// The token that stands for the masks.
        token: TokenId,
        /// Its probability, 0..=1.
        #[serde(deserialize_with = "finite")]
        p: f32,
        /// Masks in its place.
        n: usize,
        /// The rule that chose the position.
        rule: FillRule,
    },
    /// Masks are put before it, since the token that asks for that is predicted. Since 1.7.
    Split {
        /// The generated position, from 0.
        at: usize,
        /// The token that asks for the masks.
        token: TokenId,
        /// Its probability, 0..=1.
        #[serde(deserialize_with = "finite")]
        p: f32,
        /// Masks put before it.
        n: usize,
        /// The rule that chose the position.
        rule: FillRule,
    },
    /// The position is deleted, since a token that stands for that would be written there. Since 1.7.
    Delete {
        /// The generated position, from 0.
        at: usize,
        /// That token; absent where it is the end-of-sequence token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<TokenId>,
        /// The probability of that token, 0..=1.
        #[serde(deserialize_with = "finite")]
        p: f32,
        /// The rule that chose the position.
        rule: FillRule,
    },
    /// It is remasked. Since 1.2.
    Remask {
        /// The generated position, from 0.
        at: usize,
        /// The token that it held.
        token: TokenId,
        /// Its confidence; absent where the rule knows none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        p: Option<f32>,
        /// The rule that it fails.
        rule: RemaskRule,
    },
    /// Under the low threshold, and yet not expanded.
    Refused {
        /// The generated position, from 0.
        at: usize,
        /// Its confidence, 0..=1.
        #[serde(deserialize_with = "finite")]
        p: f32,
        /// τ_low, which the confidence is compared with.
        #[serde(deserialize_with = "finite")]
        threshold: f32,
        /// The rule that forbids it.
        because: RefuseRule,
    },
}

impl Why {
    /// The position it is about.
    pub fn at(&self) -> usize {
        match *self {
            Self::Fill { at, .. }
            | Self::Expand { at, .. }
            | Self::Forced { at, .. }
            | Self::ExpandToken { at, .. }
            | Self::Split { at, .. }
            | Self::Delete { at, .. }
            | Self::Remask { at, .. }
            | Self::Refused { at, .. } => at,
        }
    }
}

/// A position that fell off at the maximum length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(in crate::trace) struct Dropped {
    /// The slot that is no more.
    pub slot: u32,
    /// Absent for a mask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
}

/// The EOS confidence of a step, with what it is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(in crate::trace) struct Eos {
    /// Positions whose P(EOS) is summed.
    pub counted: usize,
    /// What the sum is divided by.
    pub window: usize,
    /// The sum divided by the window, 0..=1.
    #[serde(deserialize_with = "finite")]
    pub confidence: f32,
    /// The threshold of this stage.
    #[serde(deserialize_with = "finite")]
    pub threshold: f32,
}
