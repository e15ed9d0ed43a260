//! The parameters of other programs' strategies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Param;
use crate::decode::{self, KnobRange, SWITCH};

/// A parameter of another program's strategy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Knob")]
pub struct RecordedKnob {
    /// The name that the program has for it.
    pub name: String,
    /// `float`, `int`, `bool` or `choice`.
    pub kind: String,
    /// The value it has where nobody has changed it.
    pub(super) default: Param,
    /// The least value of a number; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The greatest value of a number; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// The names of a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// What it does, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
}

/// The knobs as parameters of a strategy. A knob is left out if its default does not fit its kind
/// or range, or if its kind is of a later version.
pub fn knobs(knobs: &[RecordedKnob]) -> Vec<decode::Knob> {
    let known = |knob: &RecordedKnob| {
        Some(decode::Knob { name: knob.name.clone(), help: knob.help.clone(), range: range(knob)? })
    };
    knobs.iter().filter_map(known).collect()
}

fn range(knob: &RecordedKnob) -> Option<KnobRange> {
    let (low, high) = (knob.low.unwrap_or(-f64::MAX), knob.high.unwrap_or(f64::MAX));
    let named = |options: Vec<String>, name: &str| {
        let at = options.iter().position(|option| option == name)?;
        Some(KnobRange::Name(options, at))
    };
    match (knob.kind.as_str(), &knob.default) {
        ("float", Param::Float(default)) if (low..=high).contains(default) => {
            Some(KnobRange::Float(low, high, *default))
        }
        ("float", Param::Int(default)) if (low..=high).contains(&(*default as f64)) => {
            Some(KnobRange::Float(low, high, *default as f64))
        }
        // A cast of a float saturates at the bounds of i64.
        ("int", Param::Int(default)) => {
            let (low, high) = (low.ceil() as i64, high.floor() as i64);
            (low..=high).contains(default).then_some(KnobRange::Int(low, high, *default))
        }
        ("bool", Param::Switch(default)) => {
            named(SWITCH.iter().map(ToString::to_string).collect(), &default.to_string())
        }
        ("choice", Param::Name(default)) => named(knob.choices.clone(), default),
        _ => None,
    }
}
