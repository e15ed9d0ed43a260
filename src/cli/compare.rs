//! `demask compare`: several strategies on one prompt, in lockstep on one model.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use clap::Args;
use serde::Serialize;

use super::{
    Config, ConfigOptions, Counts, Fault, LoadOptions, LookOptions,
    batch::watched_pass,
    config::set_all,
    embedded,
    fault::{say, tell},
    host::Program,
    open::{self, Question},
    progress::{self, Shown},
    prompt::Otherwise,
    stop,
};
use crate::{
    canvas::TokenId,
    compare::{self, Advance, Excerpt, Figures, Lane, Lockstep, Run},
    decode::{ParamRole, Params, Recipe, Value},
    escape::{escaped, escaped_json},
    model::Loaded,
    predict::Vocabulary,
    session::{Pending, Session},
    tui::{self, Start},
};

/// Tokens shown on either side of the place where two answers part.
const AROUND: usize = 6;

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The prompt; `-`, or none and a pipe, is stdin
    #[arg(value_name = "PROMPT")]
    prompt: Option<String>,
    /// Strategies with their parameters, commas between:
    /// `daedal,daedal:preset=stage-1,block_length=16`
    #[arg(long, value_name = "LIST", required = true)]
    strategies: String,
    /// Seed of every strategy that has one and does not set it itself
    #[arg(long, value_name = "N")]
    seed: Option<i64>,
    /// One JSON object on stdout instead of a table
    #[arg(long)]
    json: bool,
    /// Open the runs side by side on a screen, to be stepped together
    #[arg(long, conflicts_with = "json")]
    tui: bool,
    /// Record each run to a file in DIR: STRATEGY-1.jsonl and so on
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Record over files that exist
    #[arg(long, requires = "record")]
    overwrite: bool,
    #[command(flatten)]
    load: LoadOptions,
    #[command(flatten)]
    look: LookOptions,
}

/// A strategy and its run.
struct Entry {
    recipe: Recipe,
    session: Session,
}

impl Lane for Entry {
    fn session(&self) -> &Session {
        &self.session
    }

    fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

pub fn main(args: &CompareArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    let recipes = Recipe::parse_list(&args.strategies).map_err(Fault::usage)?;
    if recipes.len() < 2 {
        return Err(Fault::usage(
            "--strategies names one strategy. Give two or more, with commas between: \
             `daedal,daedal:preset=fixed`",
        ));
    }
    if args.tui {
        match args.load.prompt.from_stdin(args.prompt.as_deref()) {
            true => super::tui::terminal_beside_stdin()?,
            false => super::tui::terminal_or_fault()?,
        }
    }
    let config = options.read()?;
    let asked = args.load.prompt.read(args.prompt.as_deref(), Otherwise::Pipe)?;
    let shown = match args.tui {
        true => Shown::Screen(args.look.look(&config)),
        false => Shown::Bar,
    };
    let (mut loaded, question) = open::load(&args.load, asked, shown)?;
    let entries = entries(args, &config, &loaded, &recipes, &question.ids, &question.text)?;
    if args.tui {
        return show(args, config, loaded, entries, question);
    }
    question.tell();
    let prompt = question.text;
    embedded::tell_of(&loaded, &prompt);
    let mut lockstep = Lockstep { lanes: entries };
    let stopped = stop::on_signals();
    let started = Instant::now();
    let outcome = go(&mut lockstep, &mut loaded, &stopped);
    // Whatever happened, what was recorded is closed properly before anything is said, and the
    // figures are said whatever became of the recordings.
    let closed = lockstep.lanes.iter_mut().map(|entry| entry.session.finish_recording());
    let closed: Vec<Result<(), String>> = closed.collect();
    let recorded = closed.into_iter().collect::<Result<(), String>>().map_err(Fault::failure);
    outcome?;
    let vocabulary = &*loaded.tokenizer;
    let rows: Vec<Row> =
        (0..lockstep.lanes.len()).map(|at| Row::of(&lockstep.lanes, at, vocabulary)).collect();
    if args.json {
        let summary = Summary {
            prompt: &prompt,
            model: &loaded.facts.name,
            passes: rows.iter().map(|row| row.passes).sum(),
            wall_seconds: started.elapsed().as_secs_f64(),
            runs: &rows,
        };
        let json = serde_json::to_string(&summary).map_err(Fault::failure)?;
        say(&escaped_json(&json))?;
    } else {
        say(&escaped(&report(&rows)))?;
    }
    recorded?;
    let failed = lockstep.lanes.iter().find_map(|entry| match entry.session.pending() {
        Pending::Failed(error) => Some(format!("{}: {error}", entry.recipe)),
        _ => None,
    });
    match failed {
        Some(error) => Err(Fault::failure(error)),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// A session for every strategy, each with its recorder.
fn entries(
    args: &CompareArgs,
    config: &Config,
    loaded: &Loaded,
    recipes: &[Recipe],
    ids: &[TokenId],
    prompt: &str,
) -> Result<Vec<Entry>, Fault> {
    if let Some(folder) = &args.record {
        fs::create_dir_all(folder).map_err(|error| {
            Fault::failure(format!("{}: no such folder can be made ({error})", folder.display()))
        })?;
    }
    let extras = open::extras(args.load.candidates, &loaded.facts);
    let mut entries = Vec::new();
    for (at, recipe) in recipes.iter().enumerate() {
        let strategy = recipe.strategy;
        let mut params = Params::defaults(strategy.params());
        params.suggest(&loaded.suggested.of(strategy.name()));
        set_all(&mut params, &config.params)?;
        recipe.set(&mut params).map_err(Fault::usage)?;
        if let Some(seed) = args.seed.filter(|_| !recipe.sets_role(ParamRole::Seed))
            && let Some(spec) = params.with_role(ParamRole::Seed)
        {
            params.set(spec.name, Value::Int(seed)).map_err(Fault::usage)?;
        }
        open::fit(&mut params, recipe.sets_role(ParamRole::MaxLength), loaded, ids.len())?;
        let special = loaded.facts.special;
        let refuse = |error| Fault::usage(format!("{recipe}: {error}"));
        // Nothing is written over for a run that does not begin.
        strategy.start(ids, special, &params).map_err(refuse)?;
        let header = open::header(&args.load, loaded, strategy.name(), prompt, extras);
        let recorder = match &args.record {
            None => None,
            Some(folder) => {
                let path = file(folder, recipe, at);
                Some(open::file_recorder(args.overwrite, &path, &header, loaded)?)
            }
        };
        let session =
            Session::new(strategy, ids, special, params, extras, recorder).map_err(refuse)?;
        let (length, context) = (session.canvas().len(), loaded.facts.context);
        if ids.len() + length > context {
            return Err(Fault::failure(format!(
                "{recipe}: the prompt has {} tokens, which with {length} positions is more than \
                 the context of {} ({context}). Shorten the prompt or lower the length",
                ids.len(),
                loaded.facts.name
            )));
        }
        entries.push(Entry { recipe: recipe.clone(), session });
    }
    Ok(entries)
}

/// Opens the screen on the runs.
fn show(
    args: &CompareArgs,
    config: Config,
    loaded: Loaded,
    entries: Vec<Entry>,
    question: Question,
) -> Result<ExitCode, Fault> {
    let look = args.look.look(&config);
    let source = args.load.source.place()?.shown(&loaded.facts.name);
    let lanes = entries.into_iter().enumerate().map(|(at, Entry { recipe, session })| {
        let extras = session.extras();
        let name = recipe.strategy.name();
        let header = open::header(&args.load, &loaded, name, &question.text, extras);
        let host = Program::new(&config)
            .encoding(&loaded)
            .asking(question.turns.clone())
            .saving(header, loaded.tokenizer.clone());
        let start = Start {
            recording: args.record.as_deref().map(|folder| file(folder, &recipe, at)),
            prompt_text: question.text.clone(),
            notices: question.notes.clone(),
            look,
            keymap: config.keymap.clone(),
            speed: config.look.speed,
            ..Start::new(
                session,
                loaded.tokenizer.clone(),
                loaded.facts.clone(),
                source.clone(),
                Box::new(host),
            )
        };
        (recipe.label().to_owned(), start)
    });
    let lanes = lanes.collect();
    tui::compare(lanes, Some(loaded.predictor)).map_err(Fault::failure)?;
    Ok(ExitCode::SUCCESS)
}

/// Where a run is recorded.
fn file(folder: &Path, recipe: &Recipe, at: usize) -> PathBuf {
    folder.join(format!("{}-{}.jsonl", recipe.strategy.name(), at + 1))
}

/// Runs all to their ends.
fn go(
    lockstep: &mut Lockstep<Entry>,
    loaded: &mut Loaded,
    stopped: &AtomicBool,
) -> Result<(), Fault> {
    let bar = progress::pass_bar();
    let mut told = false;
    loop {
        if stopped.load(Ordering::Relaxed) {
            return Err(Fault::failure("stopped by a signal"));
        }
        let advance = lockstep.step_all().map_err(|(at, error)| {
            Fault::failure(format!("{}: {error}", lockstep.lanes[at].recipe))
        })?;
        match advance {
            Advance::Over => break,
            Advance::Moved => {}
            Advance::Waiting => {
                for (key, request) in lockstep.wanted() {
                    let told = |progress, time| progress::show_layers(&bar, progress, time);
                    let predictor = loaded.predictor.as_mut();
                    let (answer, took) = watched_pass(predictor, &request, stopped, told)?;
                    lockstep.supply(key, answer, took);
                }
            }
        }
        let sessions = || lockstep.lanes.iter().map(|entry| &entry.session);
        if let Some(fault) = sessions().find_map(Session::recorder_fault).filter(|_| !told) {
            told = true;
            bar.suspend(|| tell(&escaped(&format!("warning: {fault}. The runs go on"))));
        }
        let positions: usize = sessions().map(|session| session.canvas().len()).sum();
        let masks: usize = sessions().map(|session| session.canvas().masks()).sum();
        bar.set_length(positions as u64);
        bar.set_position((positions - masks) as u64);
        bar.set_prefix("");
        bar.set_message(format!("{} runs · step {}", lockstep.lanes.len(), lockstep.step()));
    }
    bar.finish_and_clear();
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
struct Summary<'a> {
    prompt: &'a str,
    model: &'a str,
    /// Forward passes of all runs: one that several asked for counts once.
    passes: usize,
    wall_seconds: f64,
    runs: &'a [Row],
}

/// A run in figures.
#[derive(Serialize)]
struct Row {
    /// The strategy as it was written.
    strategy: String,
    #[serde(flatten)]
    counts: Counts,
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
    difference: Option<Parting>,
}

/// Where a run parts from the first.
#[derive(Serialize)]
struct Parting {
    /// The first step after which the canvases differ; null if they never do.
    step: Option<usize>,
    /// The first position at which the answers differ; null if they are equal.
    position: Option<usize>,
    /// The first run's text around it.
    first: Option<Around>,
    /// This run's.
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

impl Row {
    fn of(entries: &[Entry], at: usize, vocabulary: &dyn Vocabulary) -> Self {
        let entry = &entries[at];
        let (own, first) = (Run::here(&entry.session), Run::here(&entries[0].session));
        let figures = Figures::of(own);
        let difference = compare::first_difference(first, own);
        let around = |run: Run| {
            let excerpt = |position| compare::excerpt(run, position, AROUND, vocabulary).into();
            difference.position.map(excerpt)
        };
        Self {
            strategy: entry.recipe.label().to_owned(),
            counts: Counts::of(&figures),
            nfe: figures.nfe,
            passes: entry.session.passes(),
            seconds: figures.time().as_secs_f64(),
            finish: figures.finish.map_or("failed", |finish| finish.name()),
            text: vocabulary.text(&own.answer()),
            ids: own.canvas().tokens(),
            difference: (at > 0).then(|| Parting {
                step: difference.step,
                position: difference.position,
                first: around(first),
                own: around(own),
            }),
        }
    }
}

/// The table, where runs part, and the answers.
fn report(rows: &[Row]) -> String {
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
fn parted(number: usize, parting: &Parting) -> String {
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
    use unicode_width::UnicodeWidthStr;
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
