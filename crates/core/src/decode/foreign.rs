//! A strategy that this program does not know: another program decided, and what it did is shown
//! as recorded. Nothing can be decided anew here; its parameters are read by that program alone.

use super::{
    Affects, AnyStrategy, Decision, DecodeError, Extras, ParamKind, ParamRole, ParamSpec, Params,
    Phase, Plan, State, Value,
};
use crate::{
    canvas::{Canvas, FixedText, SpecialTokens},
    predict::Prediction,
};

/// Longest name kept, characters.
const LONGEST_NAME: usize = 40;

/// The most knobs that are shown, and the longest text of one in characters. They are bounded
/// because they are never freed.
const MOST_KNOBS: usize = 64;
const LONGEST_TEXT: usize = 200;

/// Another program's strategy under the name it has there.
#[derive(Debug)]
pub struct Foreign {
    name: &'static str,
    knobs: &'static [ParamSpec],
}

/// A parameter of another program's strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Knob {
    /// The name that the other program has for it.
    pub name: String,
    /// What it does, in one sentence of the other program's.
    pub help: String,
    /// Type, range and default.
    pub range: KnobRange,
}

/// Type, range and default of a knob.
#[derive(Debug, Clone, PartialEq)]
pub enum KnobRange {
    /// A whole number in `min..=max`.
    Int(i64, i64, i64),
    /// A number in `min..=max`.
    Float(f64, f64, f64),
    /// One of several names.
    Name(Vec<String>, usize),
}

impl Foreign {
    /// The strategy of this name. Strategies live as long as the program, so each call keeps the
    /// few bytes of a name for good: once an opened recording. What is not a letter, a digit or
    /// one of `_-.+` becomes `_`.
    pub fn named(name: &str) -> &'static dyn AnyStrategy {
        Self::with(name, &[])
    }

    /// The same with parameters, which the other program reads. They can be changed while it is
    /// under the debugger; a recording shows their values.
    pub fn with(name: &str, knobs: &[Knob]) -> &'static dyn AnyStrategy {
        let plain = |c: char| if c.is_alphanumeric() || "_-.+".contains(c) { c } else { '_' };
        let name: String = name.chars().take(LONGEST_NAME).map(plain).collect();
        let name = if name.is_empty() { "unknown".to_owned() } else { name };
        let knobs: Vec<ParamSpec> = knobs.iter().take(MOST_KNOBS).map(spec).collect();
        Box::leak(Box::new(Self { name: name.leak(), knobs: knobs.leak() }))
    }
}

fn kept(text: &str) -> &'static str {
    text.chars().take(LONGEST_TEXT).collect::<String>().leak()
}

fn spec(knob: &Knob) -> ParamSpec {
    // Twenty turns lead from one bound to the other; without bounds, twenty turns double the value.
    let kind = match &knob.range {
        KnobRange::Int(min, max, default) => {
            let span = max.saturating_sub(*min).min(1000.max(default.saturating_abs()));
            ParamKind::Int { min: *min, max: *max, step: (span / 20).max(1), default: *default }
        }
        KnobRange::Float(min, max, default) => {
            let span = (max - min).min(1000f64.max(default.abs()));
            ParamKind::Float { min: *min, max: *max, step: span / 20.0, default: *default }
        }
        KnobRange::Name(options, default) => {
            let options: Vec<&'static str> =
                options.iter().take(MOST_KNOBS).map(|it| kept(it)).collect();
            let options: &'static [&'static str] = options.leak();
            ParamKind::Name { options, default: options.get(*default).copied().unwrap_or_default() }
        }
    };
    let (name, help) = (kept(&knob.name), kept(&knob.help));
    ParamSpec {
        name,
        aliases: &[],
        symbol: name,
        unit: "",
        help,
        kind,
        affects: Affects::Loop,
        role: ParamRole::Other,
    }
}

/// The error of a strategy of another program, which cannot decide here.
pub fn unknown() -> DecodeError {
    DecodeError::Unfit(
        "another program's strategy decided here: what it did is shown as recorded, and nothing \
         can be decided anew"
            .to_owned(),
    )
}

impl AnyStrategy for Foreign {
    fn name(&self) -> &'static str {
        self.name
    }

    fn params(&self) -> &'static [ParamSpec] {
        self.knobs
    }

    fn decides(&self) -> bool {
        false
    }

    fn changes_tokens(&self) -> bool {
        // It is not known, so it is assumed.
        true
    }

    fn start(
        &self,
        _: &FixedText,
        _: SpecialTokens,
        _: &Params,
    ) -> Result<(Canvas, State), DecodeError> {
        Err(unknown())
    }

    fn plan(
        &self,
        _: &Canvas,
        _: &State,
        _: &Params,
        _: u32,
        _: Extras,
    ) -> Result<Plan, DecodeError> {
        Err(unknown())
    }

    fn decide(
        &self,
        _: &Canvas,
        _: &State,
        _: &Params,
        _: &Prediction,
    ) -> Result<Decision, DecodeError> {
        Err(unknown())
    }

    fn edited(&self, _: &Canvas, _: &State, _: &Params) -> Result<State, DecodeError> {
        Ok(State::Foreign)
    }

    fn breaks(
        &self,
        _: &str,
        _: &Canvas,
        _: &State,
        _: &Params,
        _: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        Ok(None)
    }

    fn phase(&self, _: &Canvas, _: &State, _: &Params) -> Phase {
        Phase { stage: 1, name: "as recorded", block: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_harmless() {
        for (name, expected) in [
            ("llada2", "llada2"),
            ("my sampler\u{1b}[31m", "my_sampler__31m"),
            ("", "unknown"),
            ("模型", "模型"),
        ] {
            assert_eq!(Foreign::named(name).name(), expected);
        }
        assert_eq!(Foreign::named(&"x".repeat(1000)).name().len(), LONGEST_NAME);
    }
}
