//! A strategy that this program does not know: another program decided, and what it did is shown
//! as recorded. Nothing can be decided anew, so nothing can be turned.

use super::{
    Decision, DecodeError, Extras, ParamSpec, Params, Phase, Plan, State, Strategy, Value,
};
use crate::{
    canvas::{Canvas, SpecialTokens, TokenId},
    predict::Prediction,
};

/// Longest name kept, characters.
const LONGEST_NAME: usize = 40;

/// Another program's strategy under the name it has there.
#[derive(Debug)]
pub struct Foreign {
    name: &'static str,
}

impl Foreign {
    /// The strategy of this name. Strategies live as long as the program, so each call keeps the
    /// few bytes of a name for good: once an opened recording. What is not a letter, a digit or
    /// one of `_-.+` becomes `_`.
    pub fn named(name: &str) -> &'static dyn Strategy {
        let plain = |c: char| if c.is_alphanumeric() || "_-.+".contains(c) { c } else { '_' };
        let name: String = name.chars().take(LONGEST_NAME).map(plain).collect();
        let name = if name.is_empty() { "unknown".to_owned() } else { name };
        Box::leak(Box::new(Self { name: name.leak() }))
    }
}

fn unknown() -> DecodeError {
    DecodeError::Unfit(
        "another program's strategy decided here: what it did is shown as recorded, and nothing \
         can be decided anew"
            .to_owned(),
    )
}

impl Strategy for Foreign {
    fn name(&self) -> &'static str {
        self.name
    }

    fn params(&self) -> &'static [ParamSpec] {
        &[]
    }

    fn decides(&self) -> bool {
        false
    }

    fn revises(&self) -> bool {
        // It may, for all that is known.
        true
    }

    fn start(
        &self,
        _: &[TokenId],
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
