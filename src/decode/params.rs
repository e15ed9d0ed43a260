//! Parameters: declared once, with range, unit, symbol, help and what they affect; flags, the
//! parameter pane, traces and the documents all read these declarations.

use std::{collections::BTreeMap, fmt};

/// What changing a parameter in the middle of a run costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affects {
    /// Decisions only: the pending one is made again at once.
    Decide,
    /// The forward pass: a new one is needed.
    Predict,
    /// The first canvas: only a new run shows it.
    Start,
}

impl Affects {
    /// In words, for the interface.
    pub fn words(self) -> &'static str {
        match self {
            Self::Decide => "decides again at once",
            Self::Predict => "needs a new forward pass",
            Self::Start => "takes effect in a new run",
        }
    }
}

/// Type, range and step of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A whole number in `min..=max`, turned by `step`.
    Int {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// One turn of the knob.
        step: i64,
        /// The reference's default.
        default: i64,
    },
    /// A number in `min..=max`, turned by `step`.
    Float {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// One turn of the knob.
        step: f64,
        /// The reference's default.
        default: f64,
    },
}

/// The declaration of one parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParamSpec {
    /// The reference's name; the flag is the same with hyphens.
    pub name: &'static str,
    /// The paper's symbol.
    pub symbol: &'static str,
    /// Unit, e.g. `positions`, `probability`.
    pub unit: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Type and range.
    pub kind: Kind,
    /// What a change costs.
    pub affects: Affects,
}

/// A parameter's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
}

impl Value {
    /// As a float, whichever it is.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
        }
    }
}

/// A value that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// No parameter of that name.
    #[error("there is no parameter `{0}`")]
    Unknown(String),
    /// The text is not a number of the right type.
    #[error("`{name}` takes {wanted}, not `{text}`")]
    NotANumber {
        /// The parameter.
        name: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What was given.
        text: String,
    },
    /// The value is out of range.
    #[error("`{name}` must lie in {range}, not {text}")]
    OutOfRange {
        /// The parameter.
        name: &'static str,
        /// The range in words.
        range: String,
        /// What was given.
        text: String,
    },
}

impl ParamSpec {
    /// The default value.
    pub const fn default(&self) -> Value {
        match self.kind {
            Kind::Int { default, .. } => Value::Int(default),
            Kind::Float { default, .. } => Value::Float(default),
        }
    }

    /// The flag, without the two hyphens before it.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The range in words, e.g. `0..=2`.
    pub fn range(&self) -> String {
        match self.kind {
            Kind::Int { min, max, .. } => format!("{min}..={max}"),
            Kind::Float { min, max, .. } => format!("{min}..={max}"),
        }
    }

    /// Smallest and largest value.
    pub fn bounds(&self) -> (f64, f64) {
        match self.kind {
            Kind::Int { min, max, .. } => (min as f64, max as f64),
            Kind::Float { min, max, .. } => (min, max),
        }
    }

    /// Reads and checks a value.
    ///
    /// # Errors
    /// If the text is no number of the right type, or out of range.
    pub fn parse(&self, text: &str) -> Result<Value, ParamError> {
        let not_a_number = |wanted| ParamError::NotANumber {
            name: self.name,
            wanted,
            text: text.trim().to_owned(),
        };
        let value = match self.kind {
            Kind::Int { .. } => {
                Value::Int(text.trim().parse().map_err(|_| not_a_number("a whole number"))?)
            }
            Kind::Float { .. } => {
                Value::Float(text.trim().parse().map_err(|_| not_a_number("a number"))?)
            }
        };
        self.check(value)
    }

    /// Checks a value's type and range; a whole number passes for a float.
    ///
    /// # Errors
    /// [`ParamError::OutOfRange`], also for a fraction where a whole number is wanted.
    pub fn check(&self, value: Value) -> Result<Value, ParamError> {
        let ok = match (self.kind, value) {
            (Kind::Int { min, max, .. }, Value::Int(value)) => (min..=max).contains(&value),
            (Kind::Int { .. }, Value::Float(_)) => false,
            (Kind::Float { min, max, .. }, value) => (min..=max).contains(&value.as_f64()),
        };
        match (ok, self.kind) {
            (false, _) => Err(ParamError::OutOfRange {
                name: self.name,
                range: self.range(),
                text: value.to_string(),
            }),
            (true, Kind::Float { .. }) => Ok(Value::Float(value.as_f64())),
            (true, Kind::Int { .. }) => Ok(value),
        }
    }

    /// The value one or more steps up (`steps` > 0) or down, kept in range and free of binary
    /// dust (0.1 + 0.2 shows as 0.3).
    pub fn turned(&self, value: Value, steps: i64) -> Value {
        match self.kind {
            Kind::Int { min, max, step, .. } => {
                let value = value.as_f64() as i64;
                Value::Int(value.saturating_add(steps.saturating_mul(step)).clamp(min, max))
            }
            Kind::Float { min, max, step, .. } => {
                let turned = value.as_f64() + steps as f64 * step;
                Value::Float(((turned * 1e6).round() / 1e6).clamp(min, max))
            }
        }
    }
}

/// A strategy's parameters: every declared name with a checked value.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    specs: &'static [ParamSpec],
    values: BTreeMap<&'static str, Value>,
}

impl Params {
    /// The defaults of `specs`.
    pub fn defaults(specs: &'static [ParamSpec]) -> Self {
        Self { specs, values: specs.iter().map(|spec| (spec.name, spec.default())).collect() }
    }

    /// The declarations.
    pub fn specs(&self) -> &'static [ParamSpec] {
        self.specs
    }

    /// The declaration of `name`.
    ///
    /// # Errors
    /// [`ParamError::Unknown`].
    pub fn spec(&self, name: &str) -> Result<&'static ParamSpec, ParamError> {
        self.specs
            .iter()
            .find(|spec| spec.name == name)
            .ok_or_else(|| ParamError::Unknown(name.to_owned()))
    }

    /// The value of `name`.
    ///
    /// # Errors
    /// [`ParamError::Unknown`].
    pub fn get(&self, name: &str) -> Result<Value, ParamError> {
        self.values.get(name).copied().ok_or_else(|| ParamError::Unknown(name.to_owned()))
    }

    /// Sets a value after checking it.
    ///
    /// # Errors
    /// [`ParamError`]; nothing is changed.
    pub fn set(&mut self, name: &str, value: Value) -> Result<(), ParamError> {
        let spec = self.spec(name)?;
        let value = spec.check(value)?;
        self.values.insert(spec.name, value);
        Ok(())
    }

    /// Takes over suggested values. A suggestion is not an order: what is unknown or does not fit
    /// is left out.
    pub fn suggest(&mut self, suggested: &[(String, f64)]) {
        for (name, value) in suggested {
            let parsed =
                self.spec(name).and_then(|spec| Ok((spec.name, spec.parse(&value.to_string())?)));
            if let Ok((name, value)) = parsed {
                self.values.insert(name, value);
            }
        }
    }

    /// Every declaration with its value, in declared order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static ParamSpec, Value)> {
        self.specs.iter().map(|spec| (spec, self.values[spec.name]))
    }

    /// The value of `name` as a float.
    ///
    /// # Errors
    /// [`ParamError::Unknown`].
    pub fn float(&self, name: &str) -> Result<f64, ParamError> {
        self.get(name).map(Value::as_f64)
    }

    /// The value of `name` as a count; negative values do not pass [`ParamSpec::check`].
    ///
    /// # Errors
    /// [`ParamError::Unknown`].
    pub fn count(&self, name: &str) -> Result<usize, ParamError> {
        self.get(name).map(|value| value.as_f64() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::daedal::SPECS;

    #[test]
    fn values_are_read_and_checked() {
        let params = Params::defaults(SPECS);
        let high = params.spec("high_conf_threshold").unwrap();
        let block = params.spec("block_length").unwrap();
        for (spec, text, expected) in [
            (high, "0.5", Some(Value::Float(0.5))),
            (high, " 1 ", Some(Value::Float(1.0))),
            (high, "2", Some(Value::Float(2.0))),
            (high, "2.01", None),
            (high, "-0.1", None),
            (high, "nan", None),
            (high, "inf", None),
            (high, "", None),
            (block, "32", Some(Value::Int(32))),
            (block, "0", None),
            (block, "3.5", None),
            (block, "99999999999999999999", None),
        ] {
            assert_eq!(spec.parse(text).ok(), expected, "{} = {text:?}", spec.name);
        }
    }

    #[test]
    fn turning_keeps_in_range_and_free_of_dust() {
        let params = Params::defaults(SPECS);
        let high = params.spec("high_conf_threshold").unwrap();
        assert_eq!(high.turned(Value::Float(0.1), 20), Value::Float(0.3));
        assert_eq!(high.turned(Value::Float(0.01), -5), Value::Float(0.0));
        assert_eq!(high.turned(Value::Float(1.99), 5), Value::Float(2.0));
        let seed = params.spec("seed").unwrap();
        assert_eq!(seed.turned(Value::Int(i64::MAX), 3), Value::Int(i64::MAX));
    }

    #[test]
    fn suggestions_that_do_not_fit_are_left_out() {
        let mut params = Params::defaults(SPECS);
        let suggest = |name: &str, value| (name.to_owned(), value);
        params.suggest(&[
            suggest("block_length", 16.0),
            suggest("low_conf_threshold", 7.0),
            suggest("eos_check_tokens", 1.5),
            suggest("no_such_name", 1.0),
        ]);
        assert_eq!(params.get("block_length").unwrap(), Value::Int(16));
        assert_eq!(params.get("low_conf_threshold").unwrap(), Value::Float(0.1));
        assert_eq!(params.get("eos_check_tokens").unwrap(), Value::Int(32));
    }
}
