//! `demask compare`: several strategies on one prompt, in lockstep on one model.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::AtomicBool,
    time::Instant,
};

use clap::Args;

use super::{
    Config, ConfigOptions, Fault, LoadOptions, LookOptions,
    config::set_all,
    embedded,
    fault::say,
    host::Program,
    open::{self, AskedQuestion},
    progress::{self, OnStderr, ProgressTarget},
    prompt::PromptDefault,
    stop,
};
use crate::{
    canvas::FixedText,
    compare::{Lockstep, LockstepRun},
    decode::{ParamRole, Params, Recipe, Value},
    escape::{escaped, escaped_json},
    headless::{HeadlessError, run_to_end},
    model::{Loaded, Surroundings},
    reports::ComparedRuns,
    session::{self, Pending, Session},
    tui::{self, Start},
};

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
struct ComparedRecipe {
    recipe: Recipe,
    session: Session,
}

impl LockstepRun for ComparedRecipe {
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
    if args.load.prompt.surroundings()? != Surroundings::Nothing {
        recipes.iter().try_for_each(|recipe| open::takes(recipe.strategy))?;
    }
    let config = options.read()?;
    let asked = args.load.prompt.read(args.prompt.as_deref(), PromptDefault::Pipe)?;
    let shown = match args.tui {
        true => ProgressTarget::Screen(args.look.look(&config)),
        false => ProgressTarget::Bar,
    };
    let (mut loaded, question) = open::load(&args.load, asked, shown)?;
    let entries = entries(args, &config, &loaded, &recipes, &question.fixed, &question.text)?;
    if args.tui {
        return show(args, config, loaded, entries, question);
    }
    question.tell();
    let prompt = question.text;
    embedded::tell_of(&loaded, &prompt);
    let mut lockstep = Lockstep { runs: entries };
    let stopped = stop::on_signals();
    let started = Instant::now();
    let outcome = go(&mut lockstep, &mut loaded, &stopped);
    // Whatever happened, what was recorded is closed properly before anything is said, and the
    // figures are said whatever became of the recordings.
    let closed = lockstep.runs.iter_mut().map(|entry| entry.session.finish_recording());
    let closed: Vec<Result<(), String>> = closed.collect();
    let recorded = closed.into_iter().collect::<Result<(), String>>().map_err(Fault::failure);
    outcome.map_err(|error| match &error {
        HeadlessError::Run { at, .. } => {
            Fault::failure(format!("{}: {error}", lockstep.runs[*at].recipe))
        }
        _ => error.into(),
    })?;
    let runs = lockstep.runs.iter();
    let runs: Vec<_> = runs.map(|entry| (entry.recipe.label(), &entry.session)).collect();
    let (model, seconds) = (&loaded.facts.name, started.elapsed().as_secs_f64());
    let compared = ComparedRuns::of(&runs, &*loaded.tokenizer, &prompt, model, seconds);
    if args.json {
        let json = serde_json::to_string(&compared).map_err(Fault::failure)?;
        say(&escaped_json(&json))?;
    } else {
        say(&escaped(&compared.text()))?;
    }
    recorded?;
    let failed = lockstep.runs.iter().find_map(|entry| match entry.session.pending() {
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
    text: &FixedText,
    prompt: &str,
) -> Result<Vec<ComparedRecipe>, Fault> {
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
        open::take_lengths(&mut params, text, |role| recipe.sets_role(role))?;
        open::fit(&mut params, recipe.sets_role(ParamRole::MaxLength), loaded, text)?;
        let special = loaded.facts.special;
        let refuse = |error| Fault::usage(format!("{recipe}: {error}"));
        // Nothing is written over for a run that does not begin.
        session::start(strategy, text, special, &mut params, extras).map_err(refuse)?;
        let header = open::header(&args.load, loaded, strategy.name(), prompt, extras);
        let recorder = match &args.record {
            None => None,
            Some(folder) => {
                let path = file(folder, recipe, at);
                Some(open::file_recorder(args.overwrite, &path, &header, loaded)?)
            }
        };
        let session =
            Session::new(strategy, text, special, params, extras, recorder).map_err(refuse)?;
        let (length, context) = (session.canvas().len(), loaded.facts.context);
        let fixed = text.prompt().len() + text.suffix().len();
        if fixed + length > context {
            return Err(Fault::failure(format!(
                "{recipe}: the prompt has {fixed} tokens, which with {length} positions is more than \
                 the context of {} ({context}). Shorten the prompt or lower the length",
                loaded.facts.name
            )));
        }
        entries.push(ComparedRecipe { recipe: recipe.clone(), session });
    }
    Ok(entries)
}

/// Opens the screen on the runs.
fn show(
    args: &CompareArgs,
    config: Config,
    loaded: Loaded,
    entries: Vec<ComparedRecipe>,
    question: AskedQuestion,
) -> Result<ExitCode, Fault> {
    let look = args.look.look(&config);
    let source = args.load.source.place()?.shown(&loaded.facts.name);
    let runs = entries.into_iter().enumerate().map(|(at, ComparedRecipe { recipe, session })| {
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
    let runs = runs.collect();
    tui::compare(runs, Some(loaded.predictor)).map_err(Fault::failure)?;
    Ok(ExitCode::SUCCESS)
}

/// Where a run is recorded.
fn file(folder: &Path, recipe: &Recipe, at: usize) -> PathBuf {
    folder.join(format!("{}-{}.jsonl", recipe.strategy.name(), at + 1))
}

/// Runs all to their ends, with a bar.
fn go(
    lockstep: &mut Lockstep<ComparedRecipe>,
    loaded: &mut Loaded,
    stopped: &AtomicBool,
) -> Result<(), HeadlessError> {
    let bar = progress::pass_bar();
    let observer = &mut OnStderr { bar: bar.clone() };
    let predictor = loaded.predictor.as_mut();
    run_to_end(lockstep, predictor, stopped, observer, |lockstep| {
        let sessions = || lockstep.runs.iter().map(|entry| &entry.session);
        let positions: usize = sessions().map(|session| session.canvas().len()).sum();
        let masks: usize = sessions().map(|session| session.canvas().masks()).sum();
        bar.set_length(positions as u64);
        bar.set_position((positions - masks) as u64);
        bar.set_prefix("");
        bar.set_message(format!("{} runs · step {}", lockstep.runs.len(), lockstep.step()));
    })?;
    bar.finish_and_clear();
    Ok(())
}
