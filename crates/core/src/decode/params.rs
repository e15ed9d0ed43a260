//! Parameters: declared once, with range, unit, symbol, help and what they affect; flags, the
//! parameter pane, traces and the documents all read these declarations.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, PoisonError},
};

use crate::canvas::{FixedText, TokenId};

/// What changing a parameter in the middle of a run costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affects {
    /// Decisions only: the pending one is made again at once.
    Decide,
    /// The forward pass: a new one is needed.
    Predict,
    /// The first canvas: only a new run shows it.
    Start,
    /// A sampling loop in another process, which reads it in its next step.
    Loop,
}

impl Affects {
    /// In words, for the interface.
    pub fn words(self) -> &'static str {
        match self {
            Self::Decide => "decides again at once",
            Self::Predict => "needs a new forward pass",
            Self::Start => "takes effect in a new run",
            Self::Loop => "takes effect in the loop's next step",
        }
    }
}

/// What a parameter is for, where more than its own strategy has to know: what differs from strategy
/// to strategy is the name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamRole {
    /// What its strategy alone knows.
    Other,
    /// Length of a canvas that stays as it is, positions.
    Length,
    /// Length of the first canvas of a run that may grow, positions.
    FirstLength,
    /// The length that a run never grows beyond, positions.
    MaxLength,
    /// Width of a block, positions.
    Block,
    /// Steps of a run.
    Steps,
    /// Noise on the choice of tokens; 0 is none.
    Temperature,
    /// Seed of all noise.
    Seed,
    /// Whether a position reads the logits of the one before it.
    Shift,
}

/// Type, range and step of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParamKind {
    /// A whole number in `min..=max`, changed by `step`.
    Int {
        /// Smallest value allowed.
        min: i64,
        /// Largest value allowed.
        max: i64,
        /// One turn of the knob.
        step: i64,
        /// The default of the reference implementation.
        default: i64,
    },
    /// A number in `min..=max`, changed by `step`.
    Float {
        /// Smallest value allowed.
        min: f64,
        /// Largest value allowed.
        max: f64,
        /// One turn of the knob.
        step: f64,
        /// The default of the reference implementation.
        default: f64,
    },
    /// One of several names; `true` and `false` for a switch.
    Name {
        /// The names there are.
        options: &'static [&'static str],
        /// The default of the reference implementation.
        default: &'static str,
    },
    /// A list of token ids, none by default.
    Tokens,
    /// A line of text, which its strategy reads.
    Text {
        /// What it may be, in words.
        form: &'static str,
        /// The text that a run starts with where none is given.
        default: &'static str,
    },
}

/// The longest line of text that a parameter takes, bytes.
const LONGEST_TEXT: usize = 1 << 16;

/// A text as values hold it. Each is kept for as long as the program runs, once.
fn kept(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    match all.get(text) {
        Some(known) => known,
        None => {
            let text: &'static str = text.to_owned().leak();
            all.insert(text);
            text
        }
    }
}

/// The names of a switch.
pub const SWITCH: &[&str] = &["false", "true"];

/// The declaration of one parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParamSpec {
    /// The reference's name; the flag is the same with hyphens.
    pub name: &'static str,
    /// Other names that sources have for it.
    pub aliases: &'static [&'static str],
    /// The paper's symbol, such as `τ_high`; empty where it has none.
    pub symbol: &'static str,
    /// Unit, e.g. `positions`, `probability`.
    pub unit: &'static str,
    /// What it does, in one sentence, for help and documents.
    pub help: &'static str,
    /// Its type with range, step and default.
    pub kind: ParamKind,
    /// What a change costs.
    pub affects: Affects,
    /// What it is for.
    pub role: ParamRole,
}

/// A value of a parameter, of the type that its [`ParamKind`] says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A whole number, such as a length.
    Int(i64),
    /// A number, such as a threshold.
    Float(f64),
    /// A name, or a line of text.
    Name(&'static str),
    /// Token ids, such as those that are suppressed.
    Tokens(TokenList),
}

impl Value {
    /// As a float; NaN for what is no number.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
            Self::Name(_) | Self::Tokens(_) => f64::NAN,
        }
    }
}

/// A few token ids, at most [`TokenList::MOST_TOKENS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenList {
    ids: [TokenId; Self::MOST_TOKENS],
    len: u8,
}

impl TokenList {
    /// The most ids that a list holds.
    pub const MOST_TOKENS: usize = 8;

    /// A list of `ids`; `None` if there are too many.
    pub fn of(ids: &[TokenId]) -> Option<Self> {
        let mut list = Self { len: u8::try_from(ids.len()).ok()?, ..Self::default() };
        list.ids.get_mut(..ids.len())?.copy_from_slice(ids);
        Some(list)
    }

    /// The ids, in the order given.
    pub fn ids(&self) -> &[TokenId] {
        &self.ids[..usize::from(self.len)]
    }

    /// Reads ids with commas, semicolons, plus signs or spaces between them; brackets may stand
    /// around.
    fn parse(text: &str) -> Option<Self> {
        let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
        let parts = inner.split([',', ';', '+', ' ']).filter(|part| !part.is_empty());
        Self::of(&parts.map(|part| part.parse().ok()).collect::<Option<Vec<_>>>()?)
    }
}

impl fmt::Display for TokenList {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.len == 0 {
            return f.write_str("none");
        }
        let ids: Vec<String> = self.ids().iter().map(ToString::to_string).collect();
        f.write_str(&ids.join("+"))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            // Not hundreds of digits.
            Self::Float(value) if value.abs() >= 1e16 => write!(f, "{value:e}"),
            Self::Float(value) => value.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Tokens(ids) => ids.fmt(f),
        }
    }
}

/// A value that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// No parameter of that name.
    #[error("there is no parameter `{0}`")]
    Unknown(String),
    /// The text is of the wrong type.
    #[error("`{name}` takes {wanted}, not `{text}`")]
    Type {
        /// The parameter's name.
        name: &'static str,
        /// The type that it takes, in words.
        wanted: String,
        /// The text that was given.
        text: String,
    },
    /// The value is out of range.
    #[error("`{name}` must lie in {range}, not {text}")]
    OutOfRange {
        /// The parameter's name.
        name: &'static str,
        /// The range in words.
        range: String,
        /// The value that was given.
        text: String,
    },
}

impl ParamSpec {
    /// The value that it has where nobody sets it.
    pub const fn default(&self) -> Value {
        match self.kind {
            ParamKind::Int { default, .. } => Value::Int(default),
            ParamKind::Float { default, .. } => Value::Float(default),
            ParamKind::Name { default, .. } | ParamKind::Text { default, .. } => {
                Value::Name(default)
            }
            ParamKind::Tokens => {
                Value::Tokens(TokenList { ids: [0; TokenList::MOST_TOKENS], len: 0 })
            }
        }
    }

    /// True if it goes by `name`.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// The flag, without the two hyphens before it.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The range in words, e.g. `0..=2`.
    pub fn range(&self) -> String {
        match self.kind {
            ParamKind::Int { min, max, .. } => format!("{min}..={max}"),
            ParamKind::Float { min, max, .. } => format!("{min}..={max}"),
            ParamKind::Name { options, .. } => options.join(", "),
            ParamKind::Tokens => format!("at most {} ids", TokenList::MOST_TOKENS),
            ParamKind::Text { form, .. } => form.to_owned(),
        }
    }

    /// Smallest and largest value; `None` for what is no number.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        match self.kind {
            ParamKind::Int { min, max, .. } => Some((min as f64, max as f64)),
            ParamKind::Float { min, max, .. } => Some((min, max)),
            ParamKind::Name { .. } | ParamKind::Tokens | ParamKind::Text { .. } => None,
        }
    }

    /// What it takes, in words.
    fn wanted(&self) -> String {
        match self.kind {
            ParamKind::Int { .. } => "a whole number".to_owned(),
            ParamKind::Float { .. } => "a number".to_owned(),
            ParamKind::Name { options, .. } => format!("one of {}", options.join(", ")),
            ParamKind::Tokens => format!("at most {} token ids, as 1+2+3", TokenList::MOST_TOKENS),
            ParamKind::Text { form, .. } => form.to_owned(),
        }
    }

    /// Reads and checks a value.
    ///
    /// # Errors
    /// If the text is of the wrong type, or out of range.
    pub fn parse(&self, text: &str) -> Result<Value, ParamError> {
        let text = text.trim();
        let value = match self.kind {
            ParamKind::Int { .. } => text.parse().ok().map(Value::Int),
            ParamKind::Float { .. } => text.parse().ok().map(Value::Float),
            ParamKind::Name { options, .. } => {
                options.iter().find(|option| **option == text).map(|option| Value::Name(option))
            }
            ParamKind::Tokens if text == "none" => Some(self.default()),
            ParamKind::Tokens => TokenList::parse(text).map(Value::Tokens),
            ParamKind::Text { .. } => {
                let fits = !text.is_empty() && text.len() <= LONGEST_TEXT;
                let line = fits && !text.contains(char::is_control);
                line.then(|| Value::Name(kept(text)))
            }
        };
        let wrong =
            || ParamError::Type { name: self.name, wanted: self.wanted(), text: text.to_owned() };
        self.check(value.ok_or_else(wrong)?)
    }

    /// Reads a number from a checkpoint; for a name it is its place in the list, from 0.
    fn suggested(&self, value: f64) -> Result<Value, ParamError> {
        match self.kind {
            ParamKind::Name { options, .. } => {
                self.parse(options.get(value as usize).copied().unwrap_or_default())
            }
            ParamKind::Text { .. } => self.parse(""),
            _ => self.parse(&value.to_string()),
        }
    }

    /// Checks a value's type and range; a whole number passes for a float.
    ///
    /// # Errors
    /// [`ParamError::OutOfRange`], also for a fraction where a whole number is wanted;
    /// [`ParamError::Type`] for another kind of value.
    pub fn check(&self, value: Value) -> Result<Value, ParamError> {
        let fits = match (self.kind, value) {
            (ParamKind::Int { min, max, .. }, Value::Int(value)) => (min..=max).contains(&value),
            (ParamKind::Int { .. }, Value::Float(_)) => false,
            (ParamKind::Float { min, max, .. }, Value::Int(_) | Value::Float(_)) => {
                (min..=max).contains(&value.as_f64())
            }
            (ParamKind::Name { options, .. }, Value::Name(name)) => options.contains(&name),
            (ParamKind::Tokens, Value::Tokens(_)) | (ParamKind::Text { .. }, Value::Name(_)) => {
                true
            }
            _ => {
                return Err(ParamError::Type {
                    name: self.name,
                    wanted: self.wanted(),
                    text: value.to_string(),
                });
            }
        };
        match (fits, self.kind) {
            (false, _) => Err(ParamError::OutOfRange {
                name: self.name,
                range: self.range(),
                text: value.to_string(),
            }),
            (true, ParamKind::Float { .. }) => Ok(Value::Float(value.as_f64())),
            (true, _) => Ok(value),
        }
    }

    /// The value one or more steps up (`steps` > 0) or down, kept in range and free of binary
    /// dust (0.1 + 0.2 shows as 0.3). Names follow one another in order; token ids stay.
    pub fn stepped(&self, value: Value, steps: i64) -> Value {
        match self.kind {
            ParamKind::Int { min, max, step, .. } => {
                let value = value.as_f64() as i64;
                Value::Int(value.saturating_add(steps.saturating_mul(step)).clamp(min, max))
            }
            ParamKind::Float { min, max, step, .. } => {
                let stepped = value.as_f64() + steps as f64 * step;
                Value::Float(((stepped * 1e6).round() / 1e6).clamp(min, max))
            }
            ParamKind::Name { options, .. } => {
                let at = options.iter().position(|option| Value::Name(option) == value);
                let last = options.len() as i64 - 1;
                let to = (at.unwrap_or(0) as i64).saturating_add(steps).clamp(0, last);
                options.get(to as usize).map_or(value, |name| Value::Name(name))
            }
            ParamKind::Tokens | ParamKind::Text { .. } => value,
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

    /// The declarations, in the order in which they are shown.
    pub fn specs(&self) -> &'static [ParamSpec] {
        self.specs
    }

    /// The declaration of `name`.
    ///
    /// # Errors
    /// [`ParamError::Unknown`].
    pub fn spec(&self, name: &str) -> Result<&'static ParamSpec, ParamError> {
        let symbol = name.replace("tau", "τ");
        self.specs
            .iter()
            .find(|spec| spec.is_called(name))
            // As it stands on the screen.
            .or_else(|| self.specs.iter().find(|spec| spec.symbol == symbol))
            .ok_or_else(|| ParamError::Unknown(name.to_owned()))
    }

    /// The declaration with this role, if the strategy has one.
    pub fn with_role(&self, role: ParamRole) -> Option<&'static ParamSpec> {
        self.specs.iter().find(|spec| spec.role == role)
    }

    /// The value with this role as a float.
    pub fn number_of(&self, role: ParamRole) -> Option<f64> {
        self.with_role(role).map(|spec| self.values[spec.name].as_f64())
    }

    /// The value with this role as a count.
    pub fn count_of(&self, role: ParamRole) -> Option<usize> {
        self.number_of(role).map(|value| value as usize)
    }

    /// The value of `name`.
    ///
    /// # Errors
    /// [`ParamError::Unknown`].
    pub fn get(&self, name: &str) -> Result<Value, ParamError> {
        match self.values.get(name) {
            Some(&value) => Ok(value),
            None => self.spec(name).map(|spec| self.values[spec.name]),
        }
    }

    /// True if there is a parameter of that name.
    pub fn has(&self, name: &str) -> bool {
        self.spec(name).is_ok()
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
    /// is left out, and given back with its reason.
    pub fn suggest(&mut self, suggested: &[(String, f64)]) -> Vec<ParamError> {
        let mut left_out = Vec::new();
        for (name, value) in suggested {
            match self.spec(name).and_then(|spec| Ok((spec.name, spec.suggested(*value)?))) {
                Ok((name, value)) => drop(self.values.insert(name, value)),
                Err(error) => left_out.push(error),
            }
        }
        left_out
    }

    /// Takes over the length that the holes of a text say, if they do: what a run starts with.
    ///
    /// # Errors
    /// If the text is longer than any canvas may be.
    pub fn take_length(&mut self, text: &FixedText) -> Result<(), ParamError> {
        let first = self.with_role(ParamRole::FirstLength);
        match (first.or(self.with_role(ParamRole::Length)), text.length()) {
            (Some(spec), Some(length)) => self.set(spec.name, Value::Int(length as i64)),
            _ => Ok(()),
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

    /// The value of `name` as a seed.
    ///
    /// # Errors
    /// [`ParamError::Unknown`].
    pub fn seed(&self, name: &str) -> Result<u64, ParamError> {
        self.get(name).map(|value| match value {
            Value::Int(seed) => seed as u64,
            other => other.as_f64() as u64,
        })
    }

    /// The value of `name`, one of several names.
    ///
    /// # Errors
    /// [`ParamError::Unknown`].
    pub fn name(&self, name: &str) -> Result<&'static str, ParamError> {
        self.get(name).map(|value| match value {
            Value::Name(name) => name,
            _ => "",
        })
    }

    /// The value of a switch.
    ///
    /// # Errors
    /// [`ParamError::Unknown`].
    pub fn switch(&self, name: &str) -> Result<bool, ParamError> {
        self.name(name).map(|name| name == "true")
    }

    /// The value of `name` as token ids.
    ///
    /// # Errors
    /// [`ParamError::Unknown`].
    pub fn tokens(&self, name: &str) -> Result<TokenList, ParamError> {
        self.get(name).map(|value| match value {
            Value::Tokens(ids) => ids,
            _ => TokenList::default(),
        })
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
        assert_eq!(high.stepped(Value::Float(0.1), 20), Value::Float(0.3));
        assert_eq!(high.stepped(Value::Float(0.01), -5), Value::Float(0.0));
        assert_eq!(high.stepped(Value::Float(1.99), 5), Value::Float(2.0));
        let seed = params.spec("seed").unwrap();
        assert_eq!(seed.stepped(Value::Int(i64::MAX), 3), Value::Int(i64::MAX));
    }

    #[test]
    fn a_parameter_goes_by_what_stands_on_the_screen() {
        let params = Params::defaults(SPECS);
        for name in ["high_conf_threshold", "τ_high", "tau_high"] {
            assert_eq!(
                params.spec(name).map(|spec| spec.name),
                Ok("high_conf_threshold"),
                "{name}"
            );
        }
        assert!(params.spec("τ").is_err());
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
