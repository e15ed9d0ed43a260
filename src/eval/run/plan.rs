//! The plan: which problems under which recipes, in which order, and which part of it is a
//! shard's.

use std::{collections::HashSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    decode::{ParamError, Recipe},
    eval::problems::{Problem, ProblemSet, code::Python},
};

/// Most points of a grid, over all recipes.
const MOST_POINTS: usize = 10_000;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A shard that is not `i/n`.
    #[error("`{0}` is no shard: write i/n, with i from 1 to n, e.g. 2/3")]
    Shard(String),
    /// A sweep that cannot be read.
    #[error(
        "`{text}` is no sweep ({what}): write name=0.7,0.8,0.9, or name=0.5..=0.9:0.1 for every \
         step from one number to another"
    )]
    Sweep {
        /// The text that was given.
        text: String,
        /// What is wrong with it.
        what: String,
    },
    /// Lengths that cannot be read.
    #[error("`{0}` are no lengths: write whole numbers over 0 with commas between, or none")]
    Lengths(String),
    /// A swept parameter no strategy has.
    #[error("none of the strategies has a parameter `{0}` to sweep")]
    Unknown(String),
    /// A value a recipe cannot take.
    #[error("{recipe}: {error}")]
    Value {
        /// The recipe that was to take it.
        recipe: String,
        /// Why it cannot take it.
        error: ParamError,
    },
    /// The same recipe more than once.
    #[error("`{0}` is there more than once. Leave one out")]
    Twice(String),
    /// Too many points, or none.
    #[error("the sweeps make {0} points. Make between 1 and {MOST_POINTS}")]
    Points(usize),
}

/// One of `of` parts of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shard {
    /// The number of the part, from 1.
    pub index: usize,
    /// The number of parts.
    pub of: usize,
}

impl Shard {
    /// True if problem number `problem` is in this part. Problems are dealt out like cards: all
    /// that is done with one is done in one part, and every part has as much of every recipe.
    pub fn has(self, problem: usize) -> bool {
        problem % self.of == self.index - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let parsed = text.split_once('/').and_then(|(index, of)| {
            Some(Self { index: index.trim().parse().ok()?, of: of.trim().parse().ok()? })
        });
        parsed
            .filter(|shard| (1..=shard.of).contains(&shard.index))
            .ok_or_else(|| PlanError::Shard(text.to_owned()))
    }
}

/// A parameter and the values it takes, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// The name of the parameter.
    pub name: String,
    /// Its values, each a number.
    pub values: Vec<String>,
}

impl FromStr for Sweep {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let fault = |what: &str| PlanError::Sweep { text: text.to_owned(), what: what.to_owned() };
        let (name, list) = text.split_once('=').ok_or_else(|| fault("there is no `=`"))?;
        let number = |text: &str| -> Result<f64, PlanError> {
            let text = text.trim();
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            number.ok_or_else(|| fault(&format!("`{text}` is no number")))
        };
        let mut values = Vec::new();
        for part in list.split(',') {
            let Some((from, rest)) = part.split_once("..=") else {
                number(part)?;
                values.push(part.trim().to_owned());
                continue;
            };
            let (to, step) =
                rest.split_once(':').ok_or_else(|| fault("there is no `:` before the step"))?;
            let (from, to, step) = (number(from)?, number(to)?, number(step)?);
            if step <= 0.0 || to < from {
                return Err(fault("the step must be over 0 and the second number not below"));
            }
            // Counted, not added up, and without binary dust: 0.1 + 2 × 0.1 is 0.3.
            let steps = ((to - from) / step + 1e-9).floor();
            if steps >= MOST_POINTS as f64 {
                return Err(fault("there are too many steps"));
            }
            for at in 0..=steps as usize {
                let value = from + at as f64 * step;
                values.push(((value * 1e9).round() / 1e9).to_string());
            }
        }
        Ok(Self { name: name.trim().replace('-', "_"), values })
    }
}

/// Lengths of all-mask canvases, positions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lengths(pub Vec<usize>);

impl FromStr for Lengths {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        if text.trim() == "none" {
            return Ok(Self::default());
        }
        let parsed =
            text.split(',').map(|part| part.trim().parse().ok().filter(|&length| length > 0));
        let lengths: Option<Vec<usize>> = parsed.collect();
        let mut lengths = lengths.ok_or_else(|| PlanError::Lengths(text.to_owned()))?;
        lengths.sort_unstable();
        lengths.dedup();
        Ok(Self(lengths))
    }
}

/// A recipe, and where in the grid it is.
#[derive(Debug, Clone)]
pub struct GridPoint {
    /// The recipe, swept values included.
    pub recipe: Recipe,
    /// The swept values, in order of their names.
    pub swept: Vec<(String, f64)>,
}

/// Every recipe at every point of the grid that the sweeps of its own parameters make: one sweep
/// after the other, the last turning fastest. A recipe with none of them stays as it is.
///
/// # Errors
/// [`PlanError`].
pub fn points(recipes: &[Recipe], sweeps: &[Sweep]) -> Result<Vec<GridPoint>, PlanError> {
    let has =
        |recipe: &Recipe, name: &str| recipe.strategy.params().iter().any(|spec| spec.name == name);
    if let Some(sweep) =
        sweeps.iter().find(|sweep| !recipes.iter().any(|recipe| has(recipe, &sweep.name)))
    {
        return Err(PlanError::Unknown(sweep.name.clone()));
    }
    let mut points = Vec::new();
    for recipe in recipes {
        let mut grid = vec![GridPoint { recipe: recipe.clone(), swept: Vec::new() }];
        for sweep in sweeps.iter().filter(|sweep| has(recipe, &sweep.name)) {
            if grid.len().saturating_mul(sweep.values.len()) > MOST_POINTS {
                return Err(PlanError::Points(grid.len().saturating_mul(sweep.values.len())));
            }
            let with_value = grid.iter().flat_map(|point| {
                sweep.values.iter().map(move |text| with_value(point, &sweep.name, text))
            });
            grid = with_value.collect::<Result<_, _>>()?;
        }
        points.append(&mut grid);
    }
    if points.is_empty() || points.len() > MOST_POINTS {
        return Err(PlanError::Points(points.len()));
    }
    let mut seen = HashSet::new();
    match points.iter().find(|point| !seen.insert(point.recipe.label())) {
        Some(point) => Err(PlanError::Twice(point.recipe.label().to_owned())),
        None => Ok(points),
    }
}

fn with_value(point: &GridPoint, name: &str, text: &str) -> Result<GridPoint, PlanError> {
    let fault = |error| PlanError::Value { recipe: point.recipe.label().to_owned(), error };
    let specs = point.recipe.strategy.params();
    let spec = specs
        .iter()
        .find(|spec| spec.name == name)
        .ok_or_else(|| PlanError::Unknown(name.to_owned()))?;
    let recipe = spec.parse(text).and_then(|value| point.recipe.with(name, value));
    let mut swept = point.swept.clone();
    swept.push((name.to_owned(), text.parse().unwrap_or(f64::NAN)));
    swept.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(GridPoint { recipe: recipe.map_err(fault)?, swept })
}

/// Which runs leave a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Traces {
    /// Every run
    #[default]
    All,
    /// Runs with a wrong answer, or that broke off
    Wrong,
    /// None
    None,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct EvalPlan {
    /// The sets of problems, one behind the other: numbers of problems go through all of them.
    pub sets: Vec<ProblemSet>,
    /// What the models are called, each another name; every recipe runs on each.
    pub models: Vec<String>,
    /// The recipes, in order, for each set.
    pub points: Vec<GridPoint>,
    /// What the code of answers is run with; it is not run if absent.
    pub python: Option<Python>,
    /// Lengths of the canvases that P(EOS) is measured on.
    pub tails: Lengths,
    /// The part to do, if not all of it.
    pub shard: Option<Shard>,
    /// Which runs leave a recording.
    pub traces: Traces,
    /// Candidates per position kept in recordings.
    pub candidates: u16,
}

impl EvalPlan {
    /// A problem by its number, with its set.
    pub fn problem(&self, number: usize) -> Option<(&ProblemSet, &Problem)> {
        let mut before = 0;
        self.sets.iter().find_map(|set| {
            let found = set.problems.get(number.checked_sub(before)?);
            before += set.problems.len();
            Some((set, found?))
        })
    }
}

/// One piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EvalWork {
    /// A problem under a recipe on a model.
    Row {
        /// The problem's number in the plan.
        problem: usize,
        /// The recipe's number in the plan, from 0.
        point: usize,
        /// The model's number in the plan, from 0.
        model: usize,
    },
    /// The tails of a problem on a model.
    Tails {
        /// The problem's number in the plan.
        problem: usize,
        /// The model's number in the plan, from 0.
        model: usize,
    },
}

impl EvalWork {
    /// The numbers of its problem and of its model.
    pub(super) fn of(self) -> (usize, usize) {
        match self {
            Self::Row { problem, model, .. } | Self::Tails { problem, model } => (problem, model),
        }
    }
}

/// All the work, in order: problem by problem, first the recipes, each on every model, then the tails.
pub(super) fn work(
    problems: usize,
    (points, models): (usize, usize),
    tails: bool,
    shard: Option<Shard>,
) -> impl Iterator<Item = EvalWork> {
    (0..problems).filter(move |&problem| shard.is_none_or(|shard| shard.has(problem))).flat_map(
        move |problem| {
            let on_models =
                move |point| (0..models).map(move |model| EvalWork::Row { problem, point, model });
            let tails = (0..models).filter(move |_| tails);
            let tails = tails.map(move |model| EvalWork::Tails { problem, model });
            (0..points).flat_map(on_models).chain(tails)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_are_read() {
        let check = |text: &str, expected: Option<(&str, &[&str])>| {
            let sweep: Option<Sweep> = text.parse().ok();
            let found = sweep.as_ref().map(|sweep| {
                let values: Vec<&str> = sweep.values.iter().map(String::as_str).collect();
                (sweep.name.as_str(), values)
            });
            assert_eq!(found, expected.map(|(name, values)| (name, values.to_vec())), "{text}");
        };
        check("tau=0.7,0.8, 0.9", Some(("tau", &["0.7", "0.8", "0.9"])));
        check("high-conf=0.1..=0.4:0.1", Some(("high_conf", &["0.1", "0.2", "0.3", "0.4"])));
        check("n=8..=30:8", Some(("n", &["8", "16", "24"])));
        check("n=1,4..=4:1", Some(("n", &["1", "4"])));
        for bad in [
            "",
            "n",
            "n=",
            "n=x",
            "n=1..=2",
            "n=2..=1:1",
            "n=1..=2:0",
            "n=1..=2:-1",
            "n=inf",
            "n=0..=1:1e-9",
            "n=1,,2",
            "n=0..2:1",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn shards_and_lengths_are_read() {
        let check = |text: &str, expected: Option<(usize, usize)>| {
            let shard: Option<Shard> = text.parse().ok();
            assert_eq!(shard.map(|shard| (shard.index, shard.of)), expected, "{text}");
        };
        check("1/1", Some((1, 1)));
        check("2/3", Some((2, 3)));
        for bad in ["", "0/3", "4/3", "1/0", "0/0", "1", "1/", "/1", "-1/3", "1/2/3"] {
            check(bad, None);
        }
        assert_eq!("64, 32,64".parse(), Ok(Lengths(vec![32, 64])));
        assert_eq!("none".parse(), Ok(Lengths(vec![])));
        for bad in ["", "0", "x", "8,", "-1"] {
            assert!(bad.parse::<Lengths>().is_err(), "{bad}");
        }
    }

    fn labels(recipes: &str, sweeps: &[&str]) -> Result<Vec<String>, PlanError> {
        let recipes = Recipe::parse_list(recipes).unwrap();
        let sweeps: Vec<Sweep> = sweeps.iter().map(|sweep| sweep.parse().unwrap()).collect();
        let points = points(&recipes, &sweeps)?;
        Ok(points.iter().map(|point| point.recipe.label().to_owned()).collect())
    }

    #[test]
    fn several_sweeps_make_a_grid() {
        assert_eq!(labels("daedal", &[]).unwrap(), ["daedal"]);
        let sweeps = ["high_conf_threshold=0.7,0.9", "block_length=8,16"];
        assert_eq!(
            labels("daedal", &sweeps).unwrap(),
            [
                "daedal:high_conf_threshold=0.7,block_length=8",
                "daedal:high_conf_threshold=0.7,block_length=16",
                "daedal:high_conf_threshold=0.9,block_length=8",
                "daedal:high_conf_threshold=0.9,block_length=16",
            ]
        );
        let recipes = Recipe::parse_list("daedal").unwrap();
        let sweeps: Vec<Sweep> = sweeps.iter().map(|sweep| sweep.parse().unwrap()).collect();
        let first = &points(&recipes, &sweeps).unwrap()[0];
        let swept = [("block_length", 8.0), ("high_conf_threshold", 0.7)];
        assert_eq!(first.swept, swept.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn plans_that_cannot_be_are_refused() {
        let check = |recipes: &str, sweeps: &[&str], part: &str| {
            let error = labels(recipes, sweeps).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        check("daedal", &["speed=1"], "has a parameter `speed`");
        check("daedal", &["block_length=0"], "must lie in");
        check("daedal", &["block_length=1.5"], "a whole number");
        check("daedal,daedal", &[], "more than once");
        check("daedal", &["seed=1,1"], "more than once");
        check("", &[], "0 points");
    }

    #[test]
    fn shards_part_the_work() {
        let whole: Vec<EvalWork> = work(7, (3, 2), true, None).collect();
        assert_eq!(whole.len(), 7 * (3 + 1) * 2);
        assert_eq!(whole[1], EvalWork::Row { problem: 0, point: 0, model: 1 });
        assert_eq!(whole[6], EvalWork::Tails { problem: 0, model: 0 });
        let parts = (1..=3).flat_map(|index| work(7, (3, 2), true, Some(Shard { index, of: 3 })));
        let mut parts: Vec<EvalWork> = parts.collect();
        assert_eq!(parts.len(), whole.len());
        let problem = |work: &EvalWork| work.of().0;
        // Dealt out by problem, in the order of the whole.
        parts.sort_by_key(problem);
        assert_eq!(parts, whole);
    }
}
