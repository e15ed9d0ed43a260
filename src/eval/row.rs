//! A row: what one strategy did with one problem. All that tables, figures and files are made of.

use serde::{Deserialize, Serialize};

/// One problem under one recipe. Nothing in it depends on the clock, the machine's load or the
/// order of work, so equal runs give equal rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalRow {
    /// Number of the problem, from 0, through all sets that were measured together.
    pub problem: usize,
    /// Name of the problem set.
    pub set: String,
    /// Kind of problem within the set, e.g. `counting`.
    pub task: String,
    /// What the model is called, as in the manifest.
    #[serde(default)]
    pub model: String,
    /// The recipe as it was written: strategy and parameters.
    pub recipe: String,
    /// The name of the strategy.
    pub strategy: String,
    /// Values of the swept parameters, in order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub swept: Vec<(String, f64)>,
    /// The question, as the model was asked it.
    pub question: String,
    /// The answer that counts as right; `None` if the problem has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The model's answer, without its tail of end-of-sequence tokens.
    pub answer: String,
    /// What the checker took for the answer, e.g. the last number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extracted: Option<String>,
    /// True if it answers the question; `None` if the problem has no answer, or if that takes running
    /// the program that it is, and it was not run.
    pub correct: Option<bool>,
    /// Why a program that was run has not passed its tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Length of the first canvas, positions.
    pub initial: usize,
    /// Length of the last canvas, positions.
    pub length: usize,
    /// Of those, written before the tail of end-of-sequence tokens.
    pub before_tail: usize,
    /// The last canvas as text, special tokens by their names: what the published scripts read.
    pub generation: String,
    /// N_token: tokens that the tokenizer makes of `generation`. That is `length`, unless the model
    /// wrote a text in other tokens than the tokenizer would.
    pub n_token: usize,
    /// E_token: those of them that are no padding: no end-of-sequence token, wherever it stands.
    pub e_token: usize,
    /// NFE: predictions the strategy asked for.
    pub nfe: usize,
    /// Canvases evaluated in them: two a prediction with guidance.
    pub canvases: usize,
    /// Number of positions expanded.
    pub expansions: usize,
    /// Kendall's τ-b between position and unmasking step in the answer, −1 to 1;
    /// this and the following are as docs/measures.md defines them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_tau: Option<f64>,
    /// Mean distance between positions unmasked one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_jump: Option<f64>,
    /// The share of these distances that are 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjacent: Option<f64>,
    /// The share of pairs of tail and content in which the tail was unmasked earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail_first: Option<f64>,
    /// Mean number of times that the guess at a position of the answer changed while it was masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flips_per_token: Option<f64>,
    /// What `demask lint` finds in the run: the name of the lint of each finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// Why the run ended: `complete`, `stagnant`, …, or an error in words.
    pub finish: String,
    /// The recording, relative to the results' folder; none was asked for if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl EvalRow {
    /// True if the answer is known to be right.
    pub fn is_right(&self) -> bool {
        self.correct == Some(true)
    }

    /// What the row is of: the model and the recipe.
    pub fn ran(&self) -> (&str, &str) {
        (&self.model, &self.recipe)
    }

    /// True if the run came to an end, so that its answer is one.
    pub fn is_whole(&self) -> bool {
        !self.finish.starts_with("error: ")
    }

    /// True if the answer is known to be wrong.
    pub fn is_wrong(&self) -> bool {
        self.correct == Some(false)
    }
}

/// How long one row took. Kept apart from it, since it is never the same twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowTiming {
    /// The problem, as in [`EvalRow::problem`].
    pub problem: usize,
    /// The model, as in [`EvalRow::model`].
    #[serde(default)]
    pub model: String,
    /// The recipe, as in [`EvalRow::recipe`].
    pub recipe: String,
    /// Wall time of the problem, seconds.
    pub seconds: f64,
    /// Of that in forward passes, seconds.
    pub forward: f64,
}
