//! Runs on one prompt, by several strategies or on several models: a table, where they part, and the
//! answers.

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::counts::TokenCounts;
use crate::{
    canvas::TokenId,
    compare::{self, ComparedBy, Excerpt, Figures, RunPath},
    predict::{ModelFacts, Vocabulary},
    session::Session,
};

/// Tokens shown on either side of the place where two answers part.
const AROUND: usize = 6;

/// A model that runs are on.
pub struct ModelOfRuns<'a> {
    /// What it is called, which no other is.
    pub label: &'a str,
    /// Its facts.
    pub facts: &'a ModelFacts,
    /// The texts of its tokens.
    pub vocabulary: &'a dyn Vocabulary,
}

/// A run among others.
pub struct RunOfSeveral<'a> {
    /// The strategy as it was written.
    pub strategy: &'a str,
    /// The number of its model.
    pub model: usize,
    /// The run.
    pub session: &'a Session,
}

/// What a run is called: its strategy, behind its model where there are several.
pub fn run_label(strategy: &str, model: &str, models: usize) -> String {
    match models {
        0 | 1 => strategy.to_owned(),
        _ => format!("{model} · {strategy}"),
    }
}

/// Runs on one prompt, and what they took together.
#[derive(Serialize)]
pub struct ComparedRuns<'a> {
    /// The prompt as it was typed.
    pub prompt: &'a str,
    models: Vec<ModelInShort<'a>>,
    /// Forward passes of all runs: one that several asked for of one model counts once.
    passes: usize,
    /// How long all took.
    pub wall_seconds: f64,
    runs: Vec<RunInFigures>,
}

/// What a model is.
#[derive(Serialize)]
struct ModelInShort<'a> {
    /// What it is called in `runs`.
    label: &'a str,
    name: &'a str,
    family: &'a str,
    device: &'a str,
    dtype: &'a str,
}

/// A run in figures.
#[derive(Serialize)]
struct RunInFigures {
    /// The strategy as it was written.
    strategy: String,
    /// The label of its model.
    model: String,
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
    /// The same in the first run: another one where the models have different vocabularies, and
    /// texts are compared.
    first_position: Option<usize>,
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
    /// Runs on these models; the first one is what the others are compared with.
    pub fn of(
        runs: &[RunOfSeveral],
        models: &[ModelOfRuns<'a>],
        prompt: &'a str,
        wall_seconds: f64,
    ) -> Self {
        let first = runs.first().map_or(0, |run| run.model);
        let by: Vec<ComparedBy> = models
            .iter()
            .enumerate()
            .map(|(at, model)| match at == first {
                true => ComparedBy::Tokens,
                false => ComparedBy::of([models[first].vocabulary, model.vocabulary]),
            })
            .collect();
        let each = (0..runs.len()).map(|at| RunInFigures::of(runs, at, models, &by));
        let runs: Vec<RunInFigures> = each.collect();
        let passes = runs.iter().map(|run| run.passes).sum();
        let models = models.iter().map(|ModelOfRuns { label, facts, .. }| {
            let ModelFacts { name, family, device, dtype, .. } = facts;
            ModelInShort { label, name, family, device, dtype }
        });
        Self { prompt, models: models.collect(), passes, wall_seconds, runs }
    }

    /// The table, where runs part, and the answers.
    pub fn text(&self) -> String {
        text(&self.runs, self.models.len())
    }
}

impl RunInFigures {
    fn of(runs: &[RunOfSeveral], at: usize, models: &[ModelOfRuns], by: &[ComparedBy]) -> Self {
        let RunOfSeveral { strategy, model, session } = runs[at];
        let (own, first) = (RunPath::here(session), RunPath::here(runs[0].session));
        let figures = Figures::of(own);
        let difference = compare::first_difference(first, own, by[model]);
        let around = |run: RunPath, model: usize, side: usize| {
            let vocabulary = models[model].vocabulary;
            let excerpt = |at: [usize; 2]| compare::excerpt(run, at[side], AROUND, vocabulary);
            difference.positions.map(|positions| excerpt(positions).into())
        };
        let place = |side: usize| difference.positions.map(|positions| positions[side]);
        Self {
            strategy: strategy.to_owned(),
            model: models[model].label.to_owned(),
            counts: TokenCounts::of(&figures),
            nfe: figures.nfe,
            passes: session.passes(),
            seconds: figures.time().as_secs_f64(),
            finish: figures.finish.map_or("failed", |finish| finish.name()),
            text: models[model].vocabulary.text(&own.answer()),
            ids: own.canvas().tokens(),
            difference: (at > 0).then(|| RunParting {
                step: difference.step,
                position: place(1),
                first_position: place(0),
                first: around(first, runs[0].model, 0),
                own: around(own, model, 1),
            }),
        }
    }
}

fn text(rows: &[RunInFigures], models: usize) -> String {
    const FIGURES: [&str; 8] =
        ["N_token", "E_token", "E_ratio", "before tail", "NFE", "passes", "time", "finish"];
    // Which model, where there are several.
    let named = |strategy: String, model: &str| {
        let model = (models > 1).then(|| model.to_owned());
        std::iter::once(strategy).chain(model).collect::<Vec<_>>()
    };
    let texts = named(String::new(), "").len();
    let mut table = vec![named("strategy".to_owned(), "model")];
    table[0].extend(FIGURES.map(str::to_owned));
    for (at, row) in rows.iter().enumerate() {
        let mut line = named(format!("{} {}", at + 1, row.strategy), &row.model);
        line.extend([
            row.counts.n_token.to_string(),
            row.counts.e_token.to_string(),
            row.counts.e_ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}")),
            row.counts.before_tail.to_string(),
            row.nfe.to_string(),
            row.passes.to_string(),
            format!("{:.2} s", row.seconds),
            row.finish.to_owned(),
        ]);
        table.push(line);
    }
    let mut text = aligned(&table, texts);
    for (at, row) in rows.iter().enumerate().skip(1) {
        if let Some(parting) = &row.difference {
            text.push_str(&format!("\n{}\n", parted(at + 1, parting)));
        }
    }
    for (at, row) in rows.iter().enumerate() {
        let label = run_label(&row.strategy, &row.model, models);
        text.push_str(&format!("\n{} {label}\n{}\n", at + 1, row.text));
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
    let (Some(position), Some(in_first)) = (parting.position, parting.first_position) else {
        return format!("{step}; the answers are the same");
    };
    let (Some(first), Some(own)) = (&parting.first, &parting.own) else { return step };
    let line = |around: &Around, position: usize| {
        let cut = if position > AROUND { "…" } else { "" };
        let whole = format!("{cut}{}⟨{}⟩{}", around.before, around.at, around.behind);
        whole.replace('\n', "↵").replace('\t', " ")
    };
    let of_first = match position == in_first {
        true => String::new(),
        false => format!(" ({in_first} of 1)"),
    };
    format!(
        "{step}; the answers differ from position {position}{of_first} on:\n  1 {}\n  {number} {}",
        line(first, in_first),
        line(own, position)
    )
}

/// Rows in columns: the first `texts` and the last flush left, numbers flush right.
fn aligned(table: &[Vec<String>], texts: usize) -> String {
    let columns = table.first().map_or(0, Vec::len);
    let width = |column: usize| table.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in table {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let blanks = " ".repeat(widths[column] - cell.width());
            match column < texts || column + 1 == columns {
                true => line.push_str(&format!("{gap}{cell}{blanks}")),
                false => line.push_str(&format!("{gap}{blanks}{cell}")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
