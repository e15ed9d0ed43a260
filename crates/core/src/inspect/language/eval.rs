//! Whether a condition holds, in three values: what is not known makes it neither true nor false,
//! unless the rest decides it.

use std::{cmp::Ordering, fmt};

use serde::{Serialize, Serializer};

use super::parse::{OperatorSign, Term, Tree, Use};
use crate::{
    canvas::TokenId,
    decode::{apart, two},
};

/// Which moment is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The node that is judged.
    Now,
    /// The node before it.
    Before,
}

/// The value of a name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum NameValue {
    /// A count or a measured number.
    Number(#[serde(serialize_with = "plainly")] f64),
    /// A probability, 0..=1; compared in f32.
    P(f32),
    /// The answer to a question of yes or no.
    Truth(bool),
    /// The name of a mode, a reason or the like.
    Text(String),
    /// A token, which both its id and its text compare with.
    Token {
        /// Its number in the vocabulary.
        id: TokenId,
        /// Its text, as the vocabulary has it.
        text: String,
    },
}

impl fmt::Display for NameValue {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Number(_) | Self::P(_) => f.write_str(&self.rounded_against(&[])),
            Self::Truth(truth) => truth.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Token { id, text } => write!(f, "{text:?} ({id})"),
        }
    }
}

/// A number as JSON; a whole number has no fraction.
fn plainly<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
    match number.fract() == 0.0 && number.abs() < f64::from(u32::MAX) {
        true => to.serialize_i64(*number as i64),
        false => to.serialize_f64(*number),
    }
}

/// Decimals of a number that is not whole.
const DECIMALS: usize = 4;

impl NameValue {
    /// The value as a number, a truth as 0 or 1; `None` for texts, tokens and NaN.
    pub(in crate::inspect) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::P(p) => Some(f64::from(*p)),
            Self::Truth(truth) => Some(f64::from(u8::from(*truth))),
            Self::Text(_) | Self::Token { .. } => None,
        }
        .filter(|number| !number.is_nan())
    }

    /// The value in words, beside the numbers that it is compared with: a number has as many digits
    /// as it takes to tell it from them.
    pub(super) fn rounded_against(&self, others: &[f32]) -> String {
        match *self {
            Self::Number(number) if number.fract() == 0.0 => number.to_string(),
            Self::Number(number) => {
                let text = apart(number as f32, DECIMALS, others);
                match text.contains('e') {
                    true => text,
                    false => text.trim_end_matches('0').to_owned(),
                }
            }
            Self::P(p) => apart(p, DECIMALS, others),
            _ => self.to_string(),
        }
    }

    /// Two values of one name, in words; numbers have as many digits as it takes to tell them
    /// apart.
    pub(super) fn both(&self, before: &Self, others: &[f32]) -> (String, String) {
        match (self, before) {
            (Self::P(now), Self::P(before)) => two((*now, DECIMALS), (*before, DECIMALS), others),
            (now, before) => (now.rounded_against(others), before.rounded_against(others)),
        }
    }
}

/// Something that has values for names.
pub trait NamedValues {
    /// The value of a name; `None` if it is not known.
    fn value(&self, used: Use, when: When) -> Option<NameValue>;
}

impl Term {
    fn value(&self, facts: &dyn NamedValues, when: When) -> Option<NameValue> {
        let sum = |a: &Term, b: &Term, sign: f64| {
            let number = |term: &Term| term.value(facts, when)?.number();
            Some(NameValue::Number(number(a)? + sign * number(b)?))
        };
        match self {
            Self::Number(number) => Some(NameValue::Number(*number)),
            Self::Text(text) => Some(NameValue::Text(text.clone())),
            Self::Use(used) => facts.value(*used, when),
            Self::Sum(a, b) => sum(a, b, 1.0),
            Self::Difference(a, b) => sum(a, b, -1.0),
        }
    }
}

/// How two values compare; probabilities in f32, as the reference does.
fn order(a: &NameValue, b: &NameValue) -> Option<Ordering> {
    match (a, b) {
        (NameValue::P(_), _) | (_, NameValue::P(_)) => {
            (a.number()? as f32).partial_cmp(&(b.number()? as f32))
        }
        _ => a.number()?.partial_cmp(&b.number()?),
    }
}

fn equal(a: &NameValue, b: &NameValue) -> Option<bool> {
    match (a, b) {
        (NameValue::Text(a), NameValue::Text(b))
        | (NameValue::Token { text: a, .. }, NameValue::Text(b))
        | (NameValue::Text(b), NameValue::Token { text: a, .. }) => Some(a == b),
        (NameValue::Token { id: a, .. }, NameValue::Token { id: b, .. }) => Some(a == b),
        (NameValue::Token { id, .. }, other) | (other, NameValue::Token { id, .. }) => {
            Some(f64::from(*id) == other.number()?)
        }
        _ => order(a, b).map(Ordering::is_eq),
    }
}

impl Tree {
    /// Whether it holds; `None` if what is known does not say.
    pub(super) fn holds(&self, facts: &dyn NamedValues) -> Option<bool> {
        let now = |term: &Term| term.value(facts, When::Now);
        let before = |term: &Term| term.value(facts, When::Before);
        match self {
            Self::Or(parts) => any(parts.iter().map(|part| part.holds(facts))),
            Self::And(parts) => {
                any(parts.iter().map(|part| part.holds(facts).map(|holds| !holds))).map(|any| !any)
            }
            Self::Not(inner) => inner.holds(facts).map(|holds| !holds),
            Self::Compare(a, sign, b) => {
                let (a, b) = (now(a)?, now(b)?);
                match sign {
                    OperatorSign::Equal => equal(&a, &b),
                    OperatorSign::Unequal => equal(&a, &b).map(|equal| !equal),
                    OperatorSign::Less => order(&a, &b).map(Ordering::is_lt),
                    OperatorSign::LessOrEqual => order(&a, &b).map(Ordering::is_le),
                    OperatorSign::Greater => order(&a, &b).map(Ordering::is_gt),
                    OperatorSign::GreaterOrEqual => order(&a, &b).map(Ordering::is_ge),
                }
            }
            Self::Changes(term) => equal(&before(term)?, &now(term)?).map(|equal| !equal),
            Self::Crosses(term, line) => {
                let was = order(&before(term)?, &before(line)?)?.is_lt();
                let is = order(&now(term)?, &now(line)?)?.is_lt();
                Some(was != is)
            }
            Self::Contains(text, part) => match (now(text)?, now(part)?) {
                (NameValue::Text(text) | NameValue::Token { text, .. }, NameValue::Text(part)) => {
                    Some(text.contains(&part))
                }
                _ => None,
            },
            Self::Holds(term) => now(term)?.number().map(|number| number != 0.0),
        }
    }
}

/// True if one is, false if all are.
fn any(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(false);
    for part in parts {
        match part {
            Some(true) => return Some(true),
            Some(false) => {}
            None => all = None,
        }
    }
    all
}
