//! Tables, figures and files, made of evaluation rows and nothing else.
//!
//! ```
//! use demask::eval::report::summarize;
//!
//! assert!(summarize(&[], &[]).is_empty(), "no row, no recipe to sum up");
//! ```

mod agreement;
mod axes;
mod data;
mod estimate;
#[cfg(test)]
pub(super) mod fake;
mod figures;
mod groups;
mod numbers;
mod page;
mod samples;
mod section;
mod summary;
mod svg;
mod table;
mod text;
#[cfg(test)]
mod well_formed;
mod write;

pub use estimate::Estimate;
pub use summary::{Metrics, Summary, summarize};
pub use write::{ReportError, write};

use serde::{Deserialize, Serialize};

use super::{EvalRow, RowTiming};

/// The summaries as aligned text, a line a recipe: one table, or one a set of problems.
pub fn tables(rows: &[EvalRow], timings: &[RowTiming]) -> String {
    table::tables(&section::sections(rows, timings))
}

/// What [`write`](write()) makes in its folder.
pub const FILES: [&str; 8] = [
    "agreement.json",
    "results.csv",
    "results.parquet",
    "summary.csv",
    "report.md",
    "report.html",
    "figures",
    samples::FOLDER,
];

/// What a report says of the run it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalFacts {
    /// Title of the report.
    pub title: String,
    /// The command that made it.
    pub command: String,
    /// Names of the models.
    pub model: String,
    /// Name of the problem set.
    pub set: String,
    /// Seed of the run.
    pub seed: u64,
}

/// The first prediction on a canvas of masks only: how sure the tail is that it is the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EosTail {
    /// Masks on the canvas, positions.
    pub length: usize,
    /// The problem's number, as in [`EvalRow::problem`](crate::eval::EvalRow::problem).
    pub problem: usize,
    /// The model, as in the rows.
    #[serde(default)]
    pub model: String,
    /// Probability of the end-of-sequence token per position, nearest the end first.
    pub p_eos: Vec<f32>,
}
