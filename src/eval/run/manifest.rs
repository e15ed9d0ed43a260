//! The manifest: what an evaluation's results depend on. Two with the same manifest give the
//! same results.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EvalPlan, EvalWork, Shard, Traces, plan};
use crate::{
    eval::{
        problems::{Benchmark, Checker, ProblemSet, PromptFormat},
        report::EvalFacts,
    },
    predict::ModelFacts,
};

/// Name of the format.
const FORMAT: &str = "demask-eval";

/// Its version. In 1 a row's N_token was the canvas' length, and E_token what stood before its tail; to 2
/// rows had no findings, and there was one model, which they did not name; to 3 they had no measures of
/// order.
const VERSION: u32 = 4;

/// Longest value quoted in a message, characters.
const QUOTED: usize = 120;

/// What the results depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format's name: `demask-eval`.
    pub format: String,
    /// Version of the format.
    pub version: u32,
    /// Program and version that wrote it.
    pub generator: String,
    /// The models that were evaluated.
    pub models: Vec<EvaluatedModel>,
    /// The sets of problems, in order.
    pub sets: Vec<Set>,
    /// Seed of generated problems.
    pub seed: u64,
    /// Whether the code of answers is run.
    pub run_code: bool,
    /// The recipes' labels, in order.
    pub recipes: Vec<String>,
    /// Lengths of the canvases that P(EOS) is measured on.
    pub tails: Vec<usize>,
    /// Which runs leave a recording.
    pub traces: Traces,
    /// Candidates per position kept in recordings.
    pub candidates: u16,
    /// The part of the work; all of it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
}

/// What results depend on of a set of problems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    /// The name of the set.
    pub name: String,
    /// What it was asked for as.
    pub source: String,
    /// Number of problems in it, over all shards.
    pub problems: usize,
    /// Hash of the problems.
    pub digest: String,
    /// How answers are checked.
    pub checker: Checker,
    /// How questions are put.
    pub prompt_format: PromptFormat,
    /// The benchmark it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<Benchmark>,
}

impl Set {
    fn of(set: &ProblemSet) -> Self {
        Self {
            name: set.name.clone(),
            source: set.source.clone(),
            problems: set.problems.len(),
            digest: set.digest(),
            checker: set.checker,
            prompt_format: set.format,
            benchmark: set.benchmark,
        }
    }

    /// True if it is put and checked as published: named by the benchmark, not by the file.
    fn is_published(&self) -> bool {
        self.benchmark.is_some_and(|benchmark| {
            self.name == benchmark.name()
                && self.checker == benchmark.checker()
                && self.prompt_format == PromptFormat::Daedal
        })
    }
}

/// The model's facts that results depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluatedModel {
    /// What the model is called in the rows: its name, with what was said of it where another has the
    /// same.
    pub label: String,
    /// The name of the model.
    pub name: String,
    /// The device that it is computed on.
    pub device: String,
    /// The type of number that it is computed in.
    pub dtype: String,
    /// Size of its vocabulary.
    pub vocabulary: usize,
    /// Longest sequence that it was made for, positions.
    pub context: usize,
}

impl Manifest {
    /// The manifest of `plan` with its models.
    pub fn new<'a>(plan: &EvalPlan, models: impl Iterator<Item = &'a ModelFacts>) -> Self {
        let models = plan.models.iter().zip(models).map(|(label, model)| EvaluatedModel {
            label: label.clone(),
            name: model.name.clone(),
            device: model.device.clone(),
            dtype: model.dtype.clone(),
            vocabulary: model.vocabulary,
            context: model.context,
        });
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            generator: concat!("demask ", env!("CARGO_PKG_VERSION")).to_owned(),
            models: models.collect(),
            sets: plan.sets.iter().map(Set::of).collect(),
            seed: plan.sets.first().map_or(0, |set| set.seed),
            run_code: plan.python.is_some(),
            recipes: plan.points.iter().map(|point| point.recipe.label().to_owned()).collect(),
            tails: plan.tails.0.clone(),
            traces: plan.traces,
            candidates: plan.candidates,
            shard: plan.shard,
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// In words, if it is none, or of a version unknown here.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if value["format"] != FORMAT {
            return Err(format!("it is not of the format {FORMAT}"));
        }
        if value["version"].as_u64().is_some_and(|version| version < u64::from(VERSION)) {
            return Err(
                "an older demask wrote it, whose rows say other things; add --overwrite to \
                        begin anew there"
                    .to_owned(),
            );
        }
        if value["version"] != VERSION {
            return Err(format!("its version is {}, not {VERSION}", value["version"]));
        }
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    /// The work, in order.
    pub(super) fn work(&self) -> Vec<EvalWork> {
        let tails = !self.tails.is_empty();
        let points = (self.recipes.len(), self.models.len());
        plan::work(self.problems(), points, tails, self.shard).collect()
    }

    /// Number of problems, over all sets and shards.
    pub fn problems(&self) -> usize {
        self.sets.iter().map(|set| set.problems).sum()
    }

    /// The same of the whole work.
    pub fn whole(&self) -> Self {
        Self { shard: None, ..self.clone() }
    }

    /// What differs from `other`, in words: `seed is 1 there and 2 here`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let fields = |manifest: &Self| match serde_json::to_value(manifest) {
            Ok(Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (there, here) = (fields(self), fields(other));
        let quoted = |value: Option<&Value>| match value {
            None => "not set".to_owned(),
            Some(value) => {
                let text = value.to_string();
                let short: String = text.chars().take(QUOTED).collect();
                if short.len() < text.len() { format!("{short}…") } else { short }
            }
        };
        let mut names: Vec<&String> = there.keys().chain(here.keys()).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .filter(|&name| there.get(name) != here.get(name))
            .map(|name| {
                let (there, here) = (quoted(there.get(name)), quoted(here.get(name)));
                format!("{name} is {there} there and {here} here")
            })
            .collect()
    }

    /// What a report says about these results. The command gives the whole of them, whatever
    /// part of the work this is.
    pub fn facts(&self) -> EvalFacts {
        let quoted = |text: &str| match text.contains(|c: char| c.is_whitespace() || c == '\'') {
            true => format!("'{}'", text.replace('\'', r"'\''")),
            false => text.to_owned(),
        };
        let lengths: Vec<String> = self.tails.iter().map(usize::to_string).collect();
        let lengths = if lengths.is_empty() { "none".to_owned() } else { lengths.join(",") };
        let limit = self.sets.iter().map(|set| set.problems).max().unwrap_or(0);
        let asked = match self.sets.as_slice() {
            [set] if !set.is_published() => format!(
                "--problems {} --limit {limit} --seed {} --checker {} --prompt-format {}",
                quoted(&set.source),
                self.seed,
                set.checker.name(),
                set.prompt_format.name()
            ),
            sets => {
                let files: Vec<String> = sets.iter().map(|set| quoted(&set.source)).collect();
                format!("--paper {} --limit {limit}", files.join(" "))
            }
        };
        let mut command = format!(
            "demask eval {asked} --strategies {} --tails {lengths}",
            quoted(&self.recipes.join(",")),
        );
        if self.run_code {
            command.push_str(" --run-code");
        }
        for (at, EvaluatedModel { label, name, .. }) in self.models.iter().enumerate() {
            // A label begins with the name where it is of options.
            let said = label.strip_prefix(name).map_or(label.as_str(), str::trim_start);
            match at {
                0 if name == "tiny" => {}
                0 => command.push_str(&format!(" --model {}", quoted(name))),
                _ => {
                    let said = if said.is_empty() { name } else { said };
                    command.push_str(&format!(" --against {}", quoted(said)));
                }
            }
        }
        let part = self.shard.map(|shard| format!(", part {shard}")).unwrap_or_default();
        let names: Vec<&str> = self.sets.iter().map(|set| set.name.as_str()).collect();
        let names = names.join(", ");
        let models: Vec<&str> = self.models.iter().map(|model| model.label.as_str()).collect();
        let models = models.join(", ");
        EvalFacts {
            title: format!("{models} on {} problems of {names}{part}", self.problems()),
            command,
            model: models,
            set: names,
            seed: self.seed,
        }
    }
}
