//! Predictions: columns of numbers and tokens, one entry a position.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canvas::TokenId;

/// A prediction. Exact: argmax, choice, p_choice, p_eos, best_unmask, p_best_unmask, p_argmax.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(in crate::trace) struct Prediction {
    /// Its name: up to 32 hexadecimal digits, in our recordings the hash of the request.
    pub key: String,
    /// Generated positions.
    pub rows: usize,
    /// What is known of them.
    pub columns: Columns,
    /// What the pass left uncomputed; absent where it was exact. Since 1.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<LeftOut>,
}

/// What an approximate pass did not compute: outside the window everything is that of an earlier
/// full pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(in crate::trace) struct LeftOut {
    /// The canvas of the full pass, as in the `hash` of a step.
    pub from: String,
    /// First generated position computed, and the one behind the last.
    pub window: [usize; 2],
}

/// Columns, one entry per generated position unless said otherwise; `null` = not finite, absent
/// = not recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(in crate::trace) struct Columns {
    /// The best token; null since 1.4 where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argmax: Option<Vec<Option<TokenId>>>,
    /// Its probability. Exact, as all numbers are that are not said to be rounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_argmax: Option<Vec<Option<f32>>>,
    /// The token chosen, with sampling noise. Absent where it equals `argmax` throughout; null since
    /// 1.4 where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Vec<Option<TokenId>>>,
    /// Probability of the choice: the confidence. Since 1.4 that of `argmax` where it is absent and
    /// `choice` too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_choice: Option<Vec<Option<f32>>>,
    /// Probability of the end-of-sequence token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_eos: Option<Vec<Option<f32>>>,
    /// Probability of the token held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_current: Option<Vec<Option<f32>>>,
    /// Shannon entropy, nats. Rounded; masked positions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entropy: Option<Sparse<Option<f32>>>,
    /// Probability of the best token less that of the second. Rounded; masked positions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<Sparse<Option<f32>>>,
    /// What the strategy ranks by. Since 1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Vec<Option<f32>>>,
    /// KL divergence from an earlier step, nats. Since 1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kl: Option<Vec<Option<f32>>>,
    /// Probability of the token held, at the position's shadow; null where it has none. Since 1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_shadow: Option<Vec<Option<f32>>>,
    /// The best token without the mask token and its probability: only where the choice is the
    /// mask token, since nothing reads it elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_unmask: Option<Sparse<(TokenId, Option<f32>)>>,
    /// The best tokens and their probabilities. Rounded; masked positions only, without candidates
    /// under 0.001 behind the best two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<Sparse<(Vec<TokenId>, Vec<f32>)>>,
}

/// A column with values at some positions only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(in crate::trace) struct Sparse<T> {
    /// The positions.
    pub at: Vec<usize>,
    /// A value each.
    pub values: Vec<T>,
}
