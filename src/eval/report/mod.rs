//! Reports: tables and files of an evaluation. A stand-in with the signatures agreed on.

use std::path::{Path, PathBuf};

use super::{Row, Timing};

/// What a report says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its title.
    pub title: String,
    /// The command that gives it.
    pub command: String,
    /// The model's name.
    pub model: String,
    /// The problem set's name.
    pub set: String,
    /// The seed of the problems.
    pub seed: u64,
}

/// P(EOS) at the tail of an all-mask canvas.
#[derive(Debug, Clone, PartialEq)]
pub struct EosTail {
    /// Length of the canvas, positions.
    pub length: usize,
    /// [`Row::problem`].
    pub problem: usize,
    /// True if the canvas holds a right answer and an end-of-sequence token.
    pub sufficient: bool,
    /// The probabilities, nearest the end first.
    pub p_eos: Vec<f32>,
}

/// What one recipe came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The recipe.
    pub recipe: String,
    /// Rows.
    pub rows: usize,
    /// Share of right ones.
    pub right: f64,
}

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{place}: the report cannot be written ({error})")]
pub struct ReportError {
    place: PathBuf,
    error: std::io::Error,
}

/// A summary a recipe.
pub fn summarize(rows: &[Row], _timings: &[Timing]) -> Vec<Summary> {
    let mut summaries: Vec<(Summary, usize)> = Vec::new();
    for row in rows {
        let at = summaries.iter().position(|(known, _)| known.recipe == row.recipe);
        let at = at.unwrap_or_else(|| {
            let recipe = row.recipe.clone();
            summaries.push((Summary { recipe, rows: 0, right: 0.0 }, 0));
            summaries.len() - 1
        });
        summaries[at].0.rows += 1;
        summaries[at].1 += usize::from(row.correct);
    }
    let share = |(summary, right): (Summary, usize)| Summary {
        right: right as f64 / summary.rows as f64,
        ..summary
    };
    summaries.into_iter().map(share).collect()
}

/// The summaries as aligned text.
pub fn table(summaries: &[Summary]) -> String {
    let line = |summary: &Summary| {
        format!("{}: {:.1} % of {} right\n", summary.recipe, summary.right * 100.0, summary.rows)
    };
    summaries.iter().map(line).collect()
}

/// Writes the report's files.
///
/// # Errors
/// [`ReportError`].
pub fn write(
    _dir: &Path,
    _rows: &[Row],
    _timings: &[Timing],
    _eos: &[EosTail],
    _facts: &Facts,
) -> Result<(), ReportError> {
    Ok(())
}
