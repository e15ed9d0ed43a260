//! Several strategies on one prompt: a table, where their runs part, and the answers.

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::counts::TokenCounts;
use crate::{
    canvas::TokenId,
    compare::{self, Excerpt, Figures, RunPath},
    predict::Vocabulary,
    session::Session,
};

/// Tokens shown on either side of the place where two answers part.
const AROUND: usize = 6;

/// Runs on one prompt, and what they took together.
#[derive(Serialize)]
pub struct ComparedRuns<'a> {
    /// The prompt as it was typed.
    pub prompt: &'a str,
    /// The name of the model.
    pub model: &'a str,
    /// Forward passes of all runs: one that several asked for counts once.
    passes: usize,
    /// How long all took.
    pub wall_seconds: f64,
    runs: Vec<RunInFigures>,
}

/// A run in figures.
#[derive(Serialize)]
struct RunInFigures {
    /// The strategy as it was written.
    strategy: String,
    #[serde(flatten)]
    counts: TokenCounts,
    /// Predictions the strategy asked for.
    nfe: usize,
    /// Forward passes run for it: what a run before it asked for already is not run again.
    passes: usize,
    /// Seconds its passes and decisions take, those of other runs that it shares included.
    seconds: f64,
    finish: &'static str,
    /// The answer, without its tail of end-of-sequence tokens.
    text: String,
    /// The generated region, tail included.
    ids: Vec<TokenId>,
    /// Where it parts from the first run; null for that.
    difference: Option<RunParting>,
}

/// Where a run parts from the first.
#[derive(Serialize)]
struct RunParting {
    /// The first step after which the canvases differ; null if they never do.
    step: Option<usize>,
    /// The first position at which the answers differ; null if they are equal.
    position: Option<usize>,
    /// The first run's text around it.
    first: Option<Around>,
    /// The text of this run around it.
    own: Option<Around>,
}

/// A text around a position.
#[derive(Serialize)]
struct Around {
    before: String,
    at: String,
    behind: String,
}

impl From<Excerpt> for Around {
    fn from(Excerpt { before, at, behind }: Excerpt) -> Self {
        Self { before, at, behind }
    }
}

impl<'a> ComparedRuns<'a> {
    /// Runs by the names of their strategies; the first one is what the others are compared with.
    pub fn of(
        runs: &[(&str, &Session)],
        vocabulary: &dyn Vocabulary,
        prompt: &'a str,
        model: &'a str,
        wall_seconds: f64,
    ) -> Self {
        let each = (0..runs.len()).map(|at| RunInFigures::of(runs, at, vocabulary));
        let runs: Vec<RunInFigures> = each.collect();
        let passes = runs.iter().map(|run| run.passes).sum();
        Self { prompt, model, passes, wall_seconds, runs }
    }

    /// The table, where runs part, and the answers.
    pub fn text(&self) -> String {
        text(&self.runs)
    }
}

impl RunInFigures {
    fn of(runs: &[(&str, &Session)], at: usize, vocabulary: &dyn Vocabulary) -> Self {
        let (strategy, session) = runs[at];
        let (own, first) = (RunPath::here(session), RunPath::here(runs[0].1));
        let figures = Figures::of(own);
        let difference = compare::first_difference(first, own);
        let around = |run: RunPath| {
            let excerpt = |position| compare::excerpt(run, position, AROUND, vocabulary).into();
            difference.position.map(excerpt)
        };
        Self {
            strategy: strategy.to_owned(),
            counts: TokenCounts::of(&figures),
            nfe: figures.nfe,
            passes: session.passes(),
            seconds: figures.time().as_secs_f64(),
            finish: figures.finish.map_or("failed", |finish| finish.name()),
            text: vocabulary.text(&own.answer()),
            ids: own.canvas().tokens(),
            difference: (at > 0).then(|| RunParting {
                step: difference.step,
                position: difference.position,
                first: around(first),
                own: around(own),
            }),
        }
    }
}

fn text(rows: &[RunInFigures]) -> String {
    const HEAD: [&str; 9] = [
        "strategy",
        "N_token",
        "E_token",
        "E_ratio",
        "before tail",
        "NFE",
        "passes",
        "time",
        "finish",
    ];
    let mut table = vec![HEAD.map(str::to_owned)];
    for (at, row) in rows.iter().enumerate() {
        table.push([
            format!("{} {}", at + 1, row.strategy),
            row.counts.n_token.to_string(),
            row.counts.e_token.to_string(),
            row.counts.e_ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}")),
            row.counts.before_tail.to_string(),
            row.nfe.to_string(),
            row.passes.to_string(),
            format!("{:.2} s", row.seconds),
            row.finish.to_owned(),
        ]);
    }
    let mut text = aligned(&table);
    for (at, row) in rows.iter().enumerate().skip(1) {
        if let Some(parting) = &row.difference {
            text.push_str(&format!("\n{}\n", parted(at + 1, parting)));
        }
    }
    for (at, row) in rows.iter().enumerate() {
        text.push_str(&format!("\n{} {}\n{}\n", at + 1, row.strategy, row.text));
    }
    text.trim_end().to_owned()
}

/// Where a run parts from the first, in words.
fn parted(number: usize, parting: &RunParting) -> String {
    let step = match parting.step {
        None => return format!("{number} and 1 are the same at every step"),
        Some(0) => format!("{number} starts from another canvas than 1"),
        Some(step) => format!("{number} parts from 1 at step {step}"),
    };
    let (Some(position), Some(first), Some(own)) = (parting.position, &parting.first, &parting.own)
    else {
        return format!("{step}; the answers are the same");
    };
    let cut = if position > AROUND { "…" } else { "" };
    let line = |around: &Around| {
        let whole = format!("{cut}{}⟨{}⟩{}", around.before, around.at, around.behind);
        whole.replace('\n', "↵").replace('\t', " ")
    };
    format!(
        "{step}; the answers differ from position {position} on:\n  1 {}\n  {number} {}",
        line(first),
        line(own)
    )
}

/// Rows in columns: the first and the last flush left, numbers flush right.
fn aligned(table: &[[String; 9]]) -> String {
    let width = |column: usize| table.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: [usize; 9] = std::array::from_fn(width);
    let mut text = String::new();
    for row in table {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let blanks = " ".repeat(widths[column] - cell.width());
            match column {
                0 => line.push_str(&format!("{cell}{blanks}")),
                8 => line.push_str(&format!("  {cell}")),
                _ => line.push_str(&format!("  {blanks}{cell}")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
