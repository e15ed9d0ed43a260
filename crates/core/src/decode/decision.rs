//! Decisions: the edits of a step and everything that explains them.

use super::{PositionEffect, Verdicts};
use crate::canvas::{Edit, Slot, TokenId};

/// What kind of step it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Stage 1: the length grows.
    Grow,
    /// Stage 1: the length suffices; the canvas is prepared for stage 2.
    Settle,
    /// Stage 2: every position over the high threshold is filled.
    HighConf,
    /// Stage 2: none was over the threshold; the best is filled.
    Fallback,
    /// Stage 2: every masked position predicts the mask token; the best other token is filled.
    Stuck,
    /// Stage 2: nothing to fill.
    None,
    /// The best of a fixed number are filled.
    Quota,
    /// Positions are remasked, whatever is unmasked.
    Remask,
    /// No position is masked; written ones may get other tokens.
    Edit,
    /// A length is tried; the canvas gets the next one, or the best.
    Trial,
    /// Another program's step, of which it does not say more.
    Recorded,
}

impl Mode {
    /// Every mode, for tables and tests.
    pub const ALL: [Self; 11] = [
        Self::Grow,
        Self::Settle,
        Self::HighConf,
        Self::Fallback,
        Self::Stuck,
        Self::None,
        Self::Quota,
        Self::Remask,
        Self::Edit,
        Self::Trial,
        Self::Recorded,
    ];

    /// The name in traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grow => "grow",
            Self::Settle => "settle",
            Self::HighConf => "high_conf",
            Self::Fallback => "fallback",
            Self::Stuck => "stuck",
            Self::None => "none",
            Self::Quota => "quota",
            Self::Remask => "remask",
            Self::Edit => "edit",
            Self::Trial => "trial",
            Self::Recorded => "recorded",
        }
    }
}

/// The EOS confidence of a step: the reference walks from the tail, takes the positions whose
/// argmax is EOS, at most `window` of them, and divides the sum of P(EOS) by `window`, however
/// many it found (`_calculate_eos_confidence` in DAEDAL's `LLaDA_DAEDAL.py`).
#[derive(Debug, Clone, PartialEq)]
pub struct EosMeasure {
    /// The positions taken, from the tail.
    pub taken: Vec<usize>,
    /// `eos_check_tokens`: the most that are taken, and the divisor.
    pub window: usize,
    /// The confidence, 0..=1: what thresholds are compared with.
    pub confidence: f32,
    /// The threshold of this stage.
    pub threshold: f32,
}

/// What the length rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// The canvas grows (or is cut) to this length.
    To(usize),
    /// It would grow, but it is at its maximum.
    AtMaximum(usize),
    /// It is neither grown nor cut.
    Stays,
}

/// A position that falls off the end at the maximum length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drop {
    /// The slot that is no more.
    pub slot: Slot,
    /// What it held; `None` for a mask.
    pub token: Option<TokenId>,
}

/// What a step does. `S`: the state of the strategy that decides.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionOf<S> {
    /// What kind of step.
    pub mode: Mode,
    /// The changes, in order.
    pub edits: Vec<Edit>,
    /// Why, for every generated position.
    pub verdicts: Verdicts,
    /// Positions pushed beyond the maximum length, in order.
    pub dropped: Vec<Drop>,
    /// The EOS confidence, where the strategy uses one.
    pub eos: Option<EosMeasure>,
    /// What happens to the length.
    pub growth: Growth,
    /// The strategy's state afterwards.
    pub next: S,
}

impl<S> DecisionOf<S> {
    /// The same with another state.
    pub(super) fn with_state<T>(self, state: impl FnOnce(S) -> T) -> DecisionOf<T> {
        let Self { mode, edits, verdicts, dropped, eos, growth, next } = self;
        DecisionOf { mode, edits, verdicts, dropped, eos, growth, next: state(next) }
    }

    /// The positions that change, with how.
    pub fn effects(&self) -> impl Iterator<Item = (usize, PositionEffect)> {
        let verdicts = self.verdicts.telling();
        verdicts.filter_map(|(position, verdict)| Some((position, verdict.effect()?)))
    }

    /// Positions filled, with their tokens.
    pub fn fills(&self) -> impl Iterator<Item = (usize, TokenId)> {
        self.effects().filter_map(|(position, effect)| match effect {
            PositionEffect::Fill { token, .. } => Some((position, token)),
            _ => None,
        })
    }

    /// Positions that are remasked, with the tokens they lose.
    pub fn remasks(&self) -> impl Iterator<Item = (usize, TokenId)> {
        self.effects().filter_map(|(position, effect)| match effect {
            PositionEffect::Remask { token, .. } => Some((position, token)),
            _ => None,
        })
    }

    /// Written positions whose token gives way to another one: the token held and the new one.
    pub fn replacements(&self) -> impl Iterator<Item = (usize, TokenId, TokenId)> {
        self.effects().filter_map(|(position, effect)| match effect {
            PositionEffect::Replace { was, token, .. } => Some((position, was, token)),
            _ => None,
        })
    }

    /// Positions expanded into more masks, or before which masks are put.
    pub fn expansions(&self) -> impl Iterator<Item = usize> {
        self.effects().filter_map(|(position, effect)| {
            matches!(effect, PositionEffect::Expand { .. } | PositionEffect::Insert { .. })
                .then_some(position)
        })
    }

    /// Positions that are deleted for what is predicted there.
    pub fn deletions(&self) -> impl Iterator<Item = usize> {
        let effects = self.effects();
        effects
            .filter_map(|(position, effect)| (effect == PositionEffect::Delete).then_some(position))
    }
}
