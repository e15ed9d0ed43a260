//! Verdicts: why a position is filled, expanded, refused or left, with the numbers.

mod effect;
mod fill;
mod left;
mod measure;
mod reason;
mod refuse;
mod remask;
mod text;

use crate::canvas::TokenId;
pub use effect::PositionEffect;
pub use fill::FillRule;
pub use left::LeftRule;
pub use measure::{Measure, Test, finite};
pub use reason::Reason;
pub use refuse::RefuseRule;
pub use remask::RemaskRule;

/// Why a position fares as it does in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// It holds a token already, which stays.
    Unchanged,
    /// A token is written.
    Fill {
        /// The token that it holds now.
        token: TokenId,
        /// Its probability; without the mask token's share under [`FillRule::WithoutMask`].
        p: f32,
        /// The rule that chose it.
        rule: FillRule,
        /// τ_high, where the rule goes by it.
        threshold: Option<f32>,
    },
    /// The token held gives way to a mask.
    Remask {
        /// The token that it held.
        token: TokenId,
        /// Its probability, where the rule goes by one.
        p: Option<f32>,
        /// The rule that it fails.
        rule: RemaskRule,
    },
    /// The token held gives way to another one.
    Replace {
        /// The token that it held.
        was: TokenId,
        /// The one written in its place.
        token: TokenId,
        /// The probability of that one; NaN where it is not known.
        p: f32,
        /// The rule that chose the new one.
        rule: FillRule,
        /// τ_high, where the rule goes by it.
        threshold: Option<f32>,
    },
    /// It becomes `n` masks.
    Expand {
        /// Its confidence, 0..=1.
        p: f32,
        /// τ_low, which the confidence is under.
        threshold: f32,
        /// Masks in its place.
        n: usize,
        /// The EOS confidence, 0..=1.
        eos: f32,
        /// τ_expand, which the EOS confidence is under.
        eos_threshold: f32,
    },
    /// It becomes `n` masks, since the token that stands for them is predicted there.
    ExpandToken {
        /// The token that stands for the masks.
        token: TokenId,
        /// Its probability, 0..=1.
        p: f32,
        /// Masks in its place.
        n: usize,
        /// The rule that chose the position.
        rule: FillRule,
    },
    /// Masks are put before it, since the token that asks for that is predicted there.
    Split {
        /// The token that asks for the masks.
        token: TokenId,
        /// Its probability, 0..=1.
        p: f32,
        /// Masks put before it.
        n: usize,
        /// The rule that chose the position.
        rule: FillRule,
    },
    /// The position is deleted, since a token that stands for that would be written there.
    Delete {
        /// That token; `None` is the end-of-sequence token.
        token: Option<TokenId>,
        /// The probability of that token, 0..=1.
        p: f32,
        /// The rule that chose the position.
        rule: FillRule,
    },
    /// It becomes `n` masks because the user asked for it.
    Forced {
        /// Its confidence, 0..=1.
        p: f32,
        /// Masks in its place.
        n: usize,
    },
    /// It becomes `n` masks; its program does not say why.
    Grown {
        /// Masks in its place.
        n: usize,
    },
    /// Its confidence `p` is under the low threshold, or the user asked for it, but it is not
    /// expanded.
    Refused {
        /// Its confidence, 0..=1.
        p: f32,
        /// τ_low, which the confidence is compared with.
        threshold: f32,
        /// The rule that forbids the expansion.
        rule: RefuseRule,
    },
    /// The recording does not say: it was decided by rules this program does not have.
    Unrecorded,
    /// It stays masked in this step.
    Left {
        /// Its confidence, 0..=1.
        p: f32,
        /// The rule that it does not pass.
        rule: LeftRule,
    },
}

impl Verdict {
    /// The name in traces and filters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unchanged => "written",
            Self::Fill { .. } => "fill",
            Self::Remask { .. } => "remask",
            Self::Replace { .. } => "replace",
            Self::Expand { .. } => "expand",
            Self::ExpandToken { .. } => "expand_token",
            Self::Split { .. } => "split",
            Self::Delete { .. } => "delete",
            Self::Forced { .. } => "forced",
            Self::Grown { .. } => "grown",
            Self::Refused { .. } => "refused",
            Self::Left { .. } => "left",
            Self::Unrecorded => "unrecorded",
        }
    }

    /// The numbers of this position alone that its text may hold.
    pub fn own_numbers(&self) -> Vec<f32> {
        match *self {
            Self::Unchanged | Self::Grown { .. } | Self::Unrecorded => Vec::new(),
            Self::Fill { p, rule, .. }
            | Self::Replace { p, rule, .. }
            | Self::ExpandToken { p, rule, .. }
            | Self::Split { p, rule, .. }
            | Self::Delete { p, rule, .. } => rule.own_numbers(p),
            Self::Left { p, rule } => rule.own_numbers(p),
            Self::Remask { p, rule, .. } => rule.own_numbers(p),
            Self::Expand { p, .. } | Self::Forced { p, .. } | Self::Refused { p, .. } => vec![p],
        }
    }
}
