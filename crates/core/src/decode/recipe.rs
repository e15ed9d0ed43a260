//! Recipes: a strategy with the parameters that differ from its defaults, in one word of text.
//!
//! `daedal`, `low_confidence:gen_length=128,steps=64`, `daedal:preset=stage-1`. A list is the
//! words with commas between them: a part that is no strategy belongs to the one before it.

use std::fmt;

use super::{AnyStrategy, ParamError, ParamRole, Params, STRATEGIES, Value, strategy};

/// A strategy and how it is set.
#[derive(Clone)]
pub struct Recipe {
    /// The strategy that the text names.
    pub strategy: &'static dyn AnyStrategy,
    values: Vec<(&'static str, Value)>,
    /// The parameters that the text names itself.
    named: Vec<&'static str>,
    text: String,
}

/// The preset that every strategy has: its defaults, which are its reference's.
pub const REFERENCE: &str = "reference";

/// A text that is no recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// No strategy of that name.
    #[error("there is no strategy `{0}`; there are {list}", list = names())]
    Strategy(String),
    /// A part that is not `name=value`.
    #[error("`{0}` in a strategy's parameters: write name=value, with commas between")]
    Part(String),
    /// No preset of that name.
    #[error("{strategy} has no preset `{name}`")]
    Preset {
        /// The name of the strategy.
        strategy: &'static str,
        /// The name that no preset of it has.
        name: String,
    },
    /// A parameter that is unknown or does not fit.
    #[error("{strategy}: {error}")]
    Param {
        /// The strategy's name.
        strategy: &'static str,
        /// What is wrong with it.
        error: ParamError,
    },
}

fn names() -> String {
    STRATEGIES.iter().map(|strategy| strategy.name()).collect::<Vec<_>>().join(", ")
}

impl Recipe {
    /// Reads `strategy` or `strategy:name=value,name=value`; `preset=NAME` stands for the values
    /// of one of the strategy's presets, `preset=reference` for its defaults, whatever a
    /// checkpoint suggests.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let text = text.trim();
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let strategy =
            strategy(name.trim()).ok_or_else(|| RecipeError::Strategy(name.trim().to_owned()))?;
        let known = Params::defaults(strategy.params());
        let (mut values, mut named) = (Vec::new(), Vec::new());
        for part in rest.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| RecipeError::Part(part.to_owned()))?;
            let (name, value) = (name.trim().replace('-', "_"), value.trim());
            if name == "preset" && value == REFERENCE {
                values.extend(strategy.params().iter().map(|spec| (spec.name, spec.default())));
                continue;
            }
            if name == "preset" {
                let presets = strategy.presets();
                let preset = presets.iter().find(|preset| preset.name == value);
                let missing =
                    || RecipeError::Preset { strategy: strategy.name(), name: value.to_owned() };
                values.extend(preset.ok_or_else(missing)?.values);
                continue;
            }
            let parsed = known.spec(&name).and_then(|spec| Ok((spec.name, spec.parse(value)?)));
            let (name, value) =
                parsed.map_err(|error| RecipeError::Param { strategy: strategy.name(), error })?;
            values.push((name, value));
            named.push(name);
        }
        Ok(Self { strategy, values, named, text: text.to_owned() })
    }

    /// Reads several with commas between them.
    ///
    /// # Errors
    /// [`RecipeError`] of the first that does not fit.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, RecipeError> {
        let mut words: Vec<String> = Vec::new();
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            let begins = part.split_once('=').is_none_or(|(name, _)| name.contains(':'));
            match words.last_mut() {
                Some(word) if !begins => {
                    word.push(if word.contains(':') { ',' } else { ':' });
                    word.push_str(part.trim());
                }
                _ => words.push(part.trim().to_owned()),
            }
        }
        words.iter().map(|word| Self::parse(word)).collect()
    }

    /// The recipe as it was written: its label in tables.
    pub fn label(&self) -> &str {
        &self.text
    }

    /// Sets one more parameter, e.g. a point of a sweep; the label says so.
    ///
    /// # Errors
    /// If there is no such parameter or the value does not fit.
    pub fn with(&self, name: &str, value: Value) -> Result<Self, ParamError> {
        let known = Params::defaults(self.strategy.params());
        let spec = known.spec(name)?;
        let mut recipe = self.clone();
        recipe.values.push((spec.name, spec.check(value)?));
        recipe.named.push(spec.name);
        let between = if recipe.text.contains(':') { ',' } else { ':' };
        recipe.text.push_str(&format!("{between}{}={value}", spec.name));
        Ok(recipe)
    }

    /// True if the recipe names `name` itself, not only through a preset.
    pub fn sets(&self, name: &str) -> bool {
        self.named.contains(&name)
    }

    /// True if the recipe itself names the parameter with this role.
    pub fn sets_role(&self, role: ParamRole) -> bool {
        self.strategy.params().iter().any(|spec| spec.role == role && self.sets(spec.name))
    }

    /// The parameters: the defaults, what a checkpoint suggests, then the recipe's own.
    ///
    /// # Errors
    /// If a value does not fit.
    pub fn params(&self, suggested: &[(String, f64)]) -> Result<Params, ParamError> {
        let mut params = Params::defaults(self.strategy.params());
        params.suggest(suggested);
        self.set(&mut params)?;
        Ok(params)
    }

    /// Sets the recipe's own values.
    ///
    /// # Errors
    /// If `params` are another strategy's.
    pub fn set(&self, params: &mut Params) -> Result<(), ParamError> {
        self.values.iter().try_for_each(|&(name, value)| params.set(name, value))
    }
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("Recipe").field(&self.text).finish()
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<String> {
        let recipes = Recipe::parse_list(text).unwrap();
        recipes.iter().map(|recipe| recipe.label().to_owned()).collect()
    }

    #[test]
    fn lists_fall_into_recipes() {
        assert_eq!(labels("daedal"), ["daedal"]);
        assert_eq!(
            labels("daedal:block_length=16, temperature=0.5,daedal"),
            ["daedal:block_length=16,temperature=0.5", "daedal"]
        );
        assert_eq!(labels("daedal,seed=3"), ["daedal:seed=3"]);
        assert!(labels(" ").is_empty());
    }

    #[test]
    fn values_are_set_over_suggestions() {
        let recipe = Recipe::parse("daedal:preset=fixed,block-length=16").unwrap();
        let suggested = [("block_length".to_owned(), 8.0), ("eos_check_tokens".to_owned(), 4.0)];
        let params = recipe.params(&suggested).unwrap();
        assert_eq!(params.count("block_length"), Ok(16));
        assert_eq!(params.count("eos_check_tokens"), Ok(4));
        assert_eq!(params.float("low_conf_threshold"), Ok(0.0));
        assert!(recipe.sets("block_length") && !recipe.sets("low_conf_threshold"));
        let swept = recipe.with("seed", Value::Int(7)).unwrap();
        assert_eq!(swept.label(), "daedal:preset=fixed,block-length=16,seed=7");
        assert_eq!(swept.params(&[]).unwrap().count("seed"), Ok(7));
        let recipe = Recipe::parse("daedal:preset=reference,seed=3").unwrap();
        let params = recipe.params(&suggested).unwrap();
        let mut reference = Params::defaults(recipe.strategy.params());
        reference.set("seed", Value::Int(3)).unwrap();
        assert_eq!(params, reference);
        assert!(recipe.sets("seed") && !recipe.sets("max_gen_length"));
    }

    #[test]
    fn faults_say_what_there_is() {
        for (text, part) in [
            ("dadal", "there is no strategy `dadal`; there are daedal"),
            ("daedal:fast", "write name=value"),
            ("daedal:preset=fast", "daedal has no preset `fast`"),
            ("daedal:speed=1", "daedal: there is no parameter `speed`"),
            ("daedal:block_length=0", "daedal: `block_length` must lie in"),
        ] {
            let error = Recipe::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
