//! The fields of a config.json. Whoever reads one takes it out, so what is left at the end was
//! read by nobody: it is known to change nothing, or refused, or named as not understood.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Unfit, unread};

/// A field that nobody here knows. It may change numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotUnderstood {
    /// Its name, with the object it stands in: `rope_parameters.factor`. Cut and escaped.
    pub field: String,
    /// Its value as JSON. Cut and escaped.
    pub value: String,
}

/// Characters of a name or a value that are shown.
const CHARACTERS_SHOWN: usize = 60;

impl NotUnderstood {
    pub(super) fn new(field: &str, value: &Value) -> Self {
        Self { field: short(field), value: shown(value) }
    }
}

/// A value for messages, on one line and not long.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", short(text)),
        other => short(&other.to_string()),
    }
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(CHARACTERS_SHOWN).collect();
    if text.chars().nth(CHARACTERS_SHOWN).is_some() {
        short.push('…');
    }
    short
        .chars()
        .map(|c| if c.is_control() { c.escape_debug().collect() } else { c.to_string() })
        .collect()
}

/// Whether two values are the same number, or the same otherwise.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// The fields that nobody has read yet.
#[derive(Debug)]
pub(super) struct UnreadFields {
    left: Map<String, Value>,
    not_understood: Vec<NotUnderstood>,
}

impl UnreadFields {
    pub(super) fn of(config: Map<String, Value>) -> Self {
        Self { left: config, not_understood: Vec::new() }
    }

    /// A field, if it is there; null is a value.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name)
    }

    /// A field that is an object, so that one of its entries can be taken out.
    pub(super) fn object_mut(&mut self, name: &str) -> Option<&mut Map<String, Value>> {
        self.left.get_mut(name).and_then(Value::as_object_mut)
    }

    /// A field, if it is there and not null.
    fn some(&mut self, name: &str) -> Option<Value> {
        self.take(name).filter(|value| !value.is_null())
    }

    /// A size that must be there.
    pub(super) fn size(&mut self, name: &str) -> Result<usize, Unfit> {
        self.optional_size(name)?
            .ok_or_else(|| Unfit::Unreadable(format!("missing field `{name}`")))
    }

    /// As [`UnreadFields::size`], for a field that is read again.
    pub(super) fn given_size(&mut self, name: &str) -> Result<usize, Unfit> {
        let value = self.left.get(name).cloned();
        let size = self.size(name)?;
        self.left.extend(value.map(|value| (name.to_owned(), value)));
        Ok(size)
    }

    /// A list of whole numbers; none where it is absent or null.
    pub(super) fn sizes(&mut self, name: &str) -> Result<Vec<usize>, Unfit> {
        let Some(value) = self.some(name) else { return Ok(Vec::new()) };
        let size = |value: &Value| value.as_u64().and_then(|size| usize::try_from(size).ok());
        let sizes = value.as_array().and_then(|all| all.iter().map(size).collect());
        sizes.ok_or_else(|| unexpected(name, &value, "a list of whole numbers"))
    }

    /// A whole number that is a size, if it is there.
    pub(super) fn optional_size(&mut self, name: &str) -> Result<Option<usize>, Unfit> {
        let Some(value) = self.some(name) else { return Ok(None) };
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
        size.map(Some).ok_or_else(|| unexpected(name, &value, "a whole number"))
    }

    /// A number, `absent` where it is not there.
    pub(super) fn number(&mut self, name: &str, absent: f64) -> Result<f64, Unfit> {
        match self.take(name) {
            None => Ok(absent),
            Some(value) => value.as_f64().ok_or_else(|| unexpected(name, &value, "a number")),
        }
    }

    /// The epsilon that norms add to a variance; `absent` if the field is missing.
    pub(super) fn epsilon(&mut self, name: &str, absent: f64) -> Result<f64, Unfit> {
        within(name, self.number(name, absent)?, &EPSILONS)
    }

    /// A switch, `absent` where it is not there; null is off, as in Python.
    pub(super) fn flag(&mut self, name: &str, absent: bool) -> Result<bool, Unfit> {
        match self.take(name) {
            None => Ok(absent),
            Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(value) => Err(unexpected(name, &value, "true or false")),
        }
    }

    /// A switch that may be left open.
    pub(super) fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Unfit> {
        match self.some(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(value) => Err(unexpected(name, &value, "true, false or null")),
        }
    }

    /// A word that must be one of these where it is there.
    pub(super) fn word(&mut self, name: &str, known: &[&str]) -> Result<(), Unfit> {
        match self.some(name) {
            Some(value) if !value.as_str().is_some_and(|word| known.contains(&word)) => {
                let known = known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>();
                Err(another(name, &value, &known.join(" or ")))
            }
            _ => Ok(()),
        }
    }

    /// A switch that must stand so where it is there.
    pub(super) fn must(&mut self, name: &str, expected: bool) -> Result<(), Unfit> {
        match self.flag(name, expected)? {
            found if found == expected => Ok(()),
            found => Err(another(name, &found.into(), &expected.to_string())),
        }
    }

    /// A token, if it is there.
    pub(super) fn token(&mut self, name: &str) -> Result<Option<u32>, Unfit> {
        let Some(value) = self.some(name) else { return Ok(None) };
        id(&value).map(Some).ok_or_else(|| unexpected(name, &value, "the id of a token"))
    }

    /// Tokens: one, or a list.
    pub(super) fn tokens(&mut self, name: &str) -> Result<Vec<u32>, Unfit> {
        let value = self.take(name).unwrap_or_default();
        ids(&value).ok_or_else(|| unexpected(name, &value, "the id of a token or a list of ids"))
    }

    /// Notes what is known to nobody.
    pub(super) fn note(&mut self, not_understood: NotUnderstood) {
        self.not_understood.push(not_understood);
    }

    /// What nobody has read, without what is known to change nothing: everywhere, or in the family
    /// that `no_effect` is of.
    ///
    /// # Errors
    /// If one of them is known to ask for another network.
    pub(super) fn rest(mut self, no_effect: &[&str]) -> Result<Vec<NotUnderstood>, Unfit> {
        for (name, value) in &self.left {
            if no_effect.contains(&&**name) || unread::has_no_effect(name) || value.is_null() {
                continue;
            }
            match unread::neutral(name) {
                Some(neutral) if same(value, &neutral) => {}
                Some(neutral) => return Err(another(name, value, &shown(&neutral))),
                None => self.not_understood.push(NotUnderstood::new(name, value)),
            }
        }
        Ok(self.not_understood)
    }
}

/// The range of epsilons that norms add to a variance: published models have 10⁻¹² to 10⁻⁵.
pub(super) const EPSILONS: RangeInclusive<f64> = 1e-20..=0.5;

/// The range of bases of the rotation: published models have 10⁴ to 10¹¹.
pub(super) const BASES: RangeInclusive<f64> = 1.0..=1e16;

/// A number, if it is in a range.
pub(super) fn within(name: &str, number: f64, range: &RangeInclusive<f64>) -> Result<f64, Unfit> {
    if range.contains(&number) {
        return Ok(number);
    }
    let (from, to) = (range.start(), range.end());
    Err(Unfit::Unreadable(format!(
        "{name} is {number:?}, expected a number from {from:?} to {to:?}"
    )))
}

pub(super) fn unexpected(name: &str, value: &Value, expected: &str) -> Unfit {
    Unfit::Unreadable(format!("{name} is {}, expected {expected}", shown(value)))
}

/// A value that asks for another network.
pub(super) fn another(name: &str, value: &Value, expected: &str) -> Unfit {
    Unfit::Another(format!("{name} is {}, expected {expected}", shown(value)))
}

fn id(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

/// Token ids as files say them: one, a list, or null for none.
pub(crate) fn ids(value: &Value) -> Option<Vec<u32>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(list) => list.iter().map(id).collect(),
        one => id(one).map(|id| vec![id]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(config: Value) -> UnreadFields {
        UnreadFields::of(config.as_object().unwrap().clone())
    }

    fn problem<T>(read: Result<T, Unfit>) -> String {
        match read {
            Ok(_) => "read".to_owned(),
            Err(Unfit::Unreadable(problem) | Unfit::Another(problem)) => problem,
        }
    }

    #[test]
    fn every_field_is_read_or_known_or_refused_or_named() {
        let left = |config: Value| {
            let rest = fields(config).rest(&["known_here"]);
            rest.map(|left| left.into_iter().map(|one| one.field).collect::<Vec<_>>())
        };
        let none = [
            json!({ "known_here": 3 }),
            json!({ "torch_dtype": "float32", "use_cache": true }),
            json!({ "logit_scale": 1, "num_experts": 0, "attention_bias": false }),
            json!({ "whatever": null }),
        ];
        for config in none {
            assert_eq!(left(config).ok().unwrap(), Vec::<String>::new());
        }
        assert_eq!(left(json!({ "whatever": 1, "zeta": [] })).ok().unwrap(), ["whatever", "zeta"]);
        for (config, expected) in [
            (json!({ "logit_scale": 0.5 }), "logit_scale is 0.5, expected 1"),
            (json!({ "num_experts": 64 }), "num_experts is 64, expected 0"),
            (json!({ "clip_qkv": 8.0 }), "clip_qkv is 8.0, expected null"),
        ] {
            assert_eq!(problem(left(config)), expected);
        }
        let mut read = fields(json!({ "size": 3, "other": 4 }));
        assert_eq!(read.size("size").ok(), Some(3));
        assert_eq!(read.rest(&["other"]).ok().unwrap(), []);
    }

    #[test]
    fn values_of_another_type_are_named() {
        let config = json!({ "a": "x", "b": null, "c": [1, -1], "d": -1, "e": 64.0, "f": 1e300 });
        for (found, expected) in [
            (problem(fields(config.clone()).size("a")), "a is `x`, expected a whole number"),
            (problem(fields(config.clone()).size("z")), "missing field `z`"),
            (problem(fields(config.clone()).number("b", 1.0)), "b is null, expected a number"),
            (problem(fields(config.clone()).flag("a", true)), "a is `x`, expected true or false"),
            (
                problem(fields(config.clone()).tokens("c")),
                "c is [1,-1], expected the id of a token or a list of ids",
            ),
            (problem(fields(config.clone()).token("d")), "d is -1, expected the id of a token"),
            (
                problem(fields(config.clone()).word("a", &["y", "z"])),
                "a is `x`, expected `y` or `z`",
            ),
            (problem(fields(config.clone()).size("e")), "e is 64.0, expected a whole number"),
            (
                problem(fields(config.clone()).epsilon("e", 1.0)),
                "e is 64.0, expected a number from 1e-20 to 0.5",
            ),
            (
                problem(fields(config).epsilon("f", 1.0)),
                "f is 1e300, expected a number from 1e-20 to 0.5",
            ),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_is_shown_is_short_and_on_one_line() {
        let long = NotUnderstood::new("a\nb", &json!("x".repeat(100)));
        assert_eq!(long.field, "a\\nb");
        assert_eq!(long.value, format!("`{}…`", "x".repeat(60)));
        assert_eq!(shown(&json!({ "a": [1, 2] })), r#"{"a":[1,2]}"#);
    }
}
