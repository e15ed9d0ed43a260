//! A value against a bound, and what is measured.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::super::against;

/// Reads a number that `f32` holds: a larger one would be infinite, and infinity is no JSON.
///
/// # Errors
/// If it is larger.
pub fn finite<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    let number = f32::deserialize(from)?;
    match number.is_finite() {
        true => Ok(number),
        false => Err(D::Error::custom("a number is too large")),
    }
}

/// A number that may not be finite: null then.
mod nullable {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &f32, to: S) -> Result<S::Ok, S::Error> {
        number.is_finite().then_some(*number).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
        Ok(Option::<f32>::deserialize(from)?.unwrap_or(f32::NAN))
    }
}

/// What a rule compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The confidence, at least τ.
    Confidence,
    /// The confidence, at least 1 − f / (n + 1) for the n-th best.
    Rank,
    /// The entropies of all that are surer, at most γ (Σ H − max H).
    Entropy,
    /// The KL divergence from the step before, under its threshold.
    Divergence,
    /// The probability of the token held as seen without it, at least τ_back.
    Verified,
    /// The confidence, over τ. Since format 1.6.
    Over,
    /// The confidence of the most confident of a run of neighbouring masks, over τ_low. Since format 1.6.
    Run,
    /// The mean gap between the logits of the two best tokens of the answer's positions, at least a
    /// threshold. Since format 1.6.
    Gap,
    /// The probability of another token than the one held, over τ_edit. Since format 1.7.
    Edit,
    /// The entropies of it and of all that are surer, under a threshold. Since format 1.7.
    EntropySum,
}

impl Measure {
    /// The name in traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confidence => "confidence",
            Self::Rank => "rank",
            Self::Entropy => "entropy",
            Self::Divergence => "divergence",
            Self::Verified => "verified",
            Self::Over => "over",
            Self::Run => "run",
            Self::Gap => "gap",
            Self::Edit => "edit",
            Self::EntropySum => "entropy_sum",
        }
    }

    /// What is measured, the relation that passes, the one that fails, and the bound's symbol.
    fn words(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Confidence => ("", "≥", "<", "τ"),
            Self::Rank => ("", "≥", "<", "1 − f/(n+1) ="),
            Self::Entropy => ("Σ H − max H ", "≤", ">", "γ"),
            Self::Divergence => ("KL ", "<", "≥", "kl_threshold"),
            Self::Verified => ("", "≥", "<", "τ_back"),
            Self::Over => ("", ">", "≤", "τ"),
            Self::Run => ("most confident of its run of masks, ", ">", "≤", "τ_low"),
            Self::Gap => ("mean gap ", "≥", "<", "threshold"),
            Self::Edit => ("", ">", "≤", "τ_edit"),
            Self::EntropySum => ("Σ H ", "<", "≥", "eb_threshold"),
        }
    }
}

/// A value against a bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Test {
    /// What the value is a measure of.
    pub measure: Measure,
    /// The position's value; null where it is not finite.
    #[serde(default = "not_finite", with = "nullable")]
    #[schemars(with = "Option<f32>")]
    pub value: f32,
    /// The bound that the value is compared with.
    #[serde(deserialize_with = "finite")]
    pub bound: f32,
}

fn not_finite() -> f32 {
    f32::NAN
}

impl Test {
    /// That it passes, in words.
    pub(super) fn passed(self) -> String {
        let (what, relation, _, symbol) = self.measure.words();
        let (value, bound) = against(self.value, self.bound);
        format!("{what}{value} {relation} {symbol} {bound}")
    }

    /// That it does not pass, in words.
    pub(super) fn failed(self) -> String {
        let (what, _, relation, symbol) = self.measure.words();
        let (value, bound) = against(self.value, self.bound);
        format!("{what}{value} {relation} {symbol} {bound}")
    }
}
