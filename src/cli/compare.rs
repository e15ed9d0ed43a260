//! `demask compare`: several strategies, or several models, on one prompt, in lockstep.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::AtomicBool,
    time::Instant,
};

use clap::Args;

use super::{
    AgainstOptions, Config, ConfigOptions, Fault, LoadOptions, LookOptions,
    against::ChosenModel,
    config::set_all,
    embedded,
    fault::{self, say},
    host::Program,
    open::{self, AskedQuestion},
    progress::{self, OnStderr, ProgressTarget},
    prompt::PromptDefault,
    stop,
};
use crate::{
    compare::{Lockstep, LockstepRun},
    decode::{ParamRole, Params, Recipe, Value, daedal},
    escape::{escaped, escaped_json},
    headless::{HeadlessError, run_to_end},
    model::{Loaded, Surroundings},
    predict::Predictor,
    reports::{ComparedRuns, ModelOfRuns, RunOfSeveral, run_label},
    session::{self, Pending, Session},
    tui::{self, RunStart, Start},
};

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The prompt; `-`, or none and a pipe, is stdin
    #[arg(value_name = "PROMPT")]
    prompt: Option<String>,
    /// Strategies with their parameters, commas between:
    /// `daedal,daedal:preset=stage-1,block_length=16`. Each runs on every model, and with several
    /// models one will do [default with --against: daedal]
    #[arg(long, value_name = "LIST", required_unless_present = "against")]
    strategies: Option<String>,
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
    against: AgainstOptions,
    #[command(flatten)]
    look: LookOptions,
}

/// A model that the strategies run on.
struct ComparedModel {
    chosen: ChosenModel,
    /// The options of the first, but for the model's own.
    options: LoadOptions,
    loaded: Loaded,
    question: AskedQuestion,
    /// What it is called, which no other is.
    label: String,
}

/// A strategy on a model, and its run.
struct ComparedRecipe {
    recipe: Recipe,
    /// The number of the model.
    model: usize,
    /// What the run is called: the strategy, and the model where there are several.
    label: String,
    session: Session,
}

impl LockstepRun for ComparedRecipe {
    fn model(&self) -> usize {
        self.model
    }

    fn session(&self) -> &Session {
        &self.session
    }

    fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

pub fn main(args: &CompareArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    let list = args.strategies.as_deref().unwrap_or(daedal::NAME);
    let recipes = Recipe::parse_list(list).map_err(Fault::usage)?;
    let chosen = args.against.models(&args.load.source)?;
    if recipes.is_empty() || recipes.len() * chosen.len() < 2 {
        return Err(Fault::usage(
            "--strategies names one strategy. Give two or more, with commas between: \
             `daedal,daedal:preset=fixed`, or another model with --against",
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
    let mut models = models(args, &config, chosen)?;
    let entries = entries(args, &config, &models, &recipes)?;
    if args.tui {
        return show(args, config, models, entries);
    }
    tell(&models);
    let mut lockstep = Lockstep { runs: entries };
    let stopped = stop::on_signals();
    let started = Instant::now();
    let outcome = go(&mut lockstep, &mut models, &stopped);
    // Whatever happened, what was recorded is closed properly before anything is said, and the
    // figures are said whatever became of the recordings.
    let closed = lockstep.runs.iter_mut().map(|entry| entry.session.finish_recording());
    let closed: Vec<Result<(), String>> = closed.collect();
    let recorded = closed.into_iter().collect::<Result<(), String>>().map_err(Fault::failure);
    outcome.map_err(|error| match &error {
        HeadlessError::Run { at, .. } => {
            Fault::failure(format!("{}: {error}", lockstep.runs[*at].label))
        }
        HeadlessError::Model { at, .. } if models.len() > 1 => {
            Fault::failure(format!("{}: {error}", models[*at].label))
        }
        _ => error.into(),
    })?;
    let runs = lockstep.runs.iter().map(|entry| RunOfSeveral {
        strategy: entry.recipe.label(),
        model: entry.model,
        session: &entry.session,
    });
    let runs: Vec<RunOfSeveral> = runs.collect();
    let of_runs = models.iter().map(|model| ModelOfRuns {
        label: &model.label,
        facts: &model.loaded.facts,
        vocabulary: &*model.loaded.tokenizer,
    });
    let of_runs: Vec<ModelOfRuns> = of_runs.collect();
    let (prompt, seconds) = (&models[0].question.text, started.elapsed().as_secs_f64());
    let compared = ComparedRuns::of(&runs, &of_runs, prompt, seconds);
    if args.json {
        let json = serde_json::to_string(&compared).map_err(Fault::failure)?;
        say(&escaped_json(&json))?;
    } else {
        say(&escaped(&compared.text()))?;
    }
    recorded?;
    let failed = lockstep.runs.iter().find_map(|entry| match entry.session.pending() {
        Pending::Failed(error) => Some(format!("{}: {error}", entry.label)),
        _ => None,
    });
    match failed {
        Some(error) => Err(Fault::failure(error)),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Loads the models one after the other, each with the prompt as its own tokenizer encodes it.
fn models(
    args: &CompareArgs,
    config: &Config,
    chosen: Vec<ChosenModel>,
) -> Result<Vec<ComparedModel>, Fault> {
    let asked = args.load.prompt.read(args.prompt.as_deref(), PromptDefault::Pipe)?;
    let mut models = Vec::new();
    for one in &chosen {
        let shown = match args.tui {
            true => ProgressTarget::Screen(args.look.look(config)),
            false => ProgressTarget::Bar,
        };
        let options = LoadOptions { source: one.source.clone(), ..args.load.clone() };
        let loaded =
            open::load(&options, asked.clone(), shown).map_err(|fault| one.blame(fault))?;
        models.push((options, loaded));
    }
    let names: Vec<&str> =
        models.iter().map(|(_, (loaded, _))| loaded.facts.name.as_str()).collect();
    let labels = ChosenModel::labels(&chosen, &names);
    let all = models.into_iter().zip(chosen).zip(labels);
    let made = all.map(|(((options, (loaded, question)), chosen), label)| ComparedModel {
        chosen,
        options,
        loaded,
        question,
        label,
    });
    Ok(made.collect())
}

/// Says on stderr what should be known before the runs.
fn tell(models: &[ComparedModel]) {
    match models {
        [model] => model.question.tell(),
        models => {
            for ComparedModel { question, label, .. } in models {
                question
                    .notes
                    .iter()
                    .for_each(|note| fault::tell(&format!("note: {label}: {note}")));
            }
        }
    }
    if let Some(model) = models.iter().find(|model| model.loaded.embedded) {
        embedded::tell_of(&model.loaded, &model.question.text);
    }
}

/// A session for every strategy on every model, each with its recorder. What runs by one strategy stands
/// together.
fn entries(
    args: &CompareArgs,
    config: &Config,
    models: &[ComparedModel],
    recipes: &[Recipe],
) -> Result<Vec<ComparedRecipe>, Fault> {
    if let Some(folder) = &args.record {
        fs::create_dir_all(folder).map_err(|error| {
            Fault::failure(format!("{}: no such folder can be made ({error})", folder.display()))
        })?;
    }
    let mut entries = Vec::new();
    for recipe in recipes {
        for (at, model) in models.iter().enumerate() {
            let label = run_label(recipe.label(), &model.label, models.len());
            let record = args.record.as_ref().map(|folder| file(folder, recipe, entries.len()));
            let session = session(args, config, model, recipe, &label, record.as_deref())
                .map_err(|fault| model.chosen.blame(fault))?;
            entries.push(ComparedRecipe { recipe: recipe.clone(), model: at, label, session });
        }
    }
    Ok(entries)
}

/// A session for a strategy on a model.
fn session(
    args: &CompareArgs,
    config: &Config,
    model: &ComparedModel,
    recipe: &Recipe,
    label: &str,
    record: Option<&Path>,
) -> Result<Session, Fault> {
    let ComparedModel { options, loaded, question, .. } = model;
    let (strategy, text) = (recipe.strategy, &question.fixed);
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
    let extras = open::extras(options.candidates, &loaded.facts);
    let special = loaded.facts.special;
    let refuse = |error| Fault::usage(format!("{label}: {error}"));
    // Nothing is written over for a run that does not begin.
    session::start(strategy, text, special, &mut params, extras).map_err(refuse)?;
    let header = open::header(options, loaded, strategy.name(), &question.text, extras);
    let recorder = match record {
        None => None,
        Some(path) => Some(open::file_recorder(args.overwrite, path, &header, loaded)?),
    };
    let session =
        Session::new(strategy, text, special, params, extras, recorder).map_err(refuse)?;
    let (length, context) = (session.canvas().len(), loaded.facts.context);
    let fixed = text.prompt().len() + text.suffix().len();
    if fixed + length > context {
        return Err(Fault::failure(format!(
            "{label}: the prompt has {fixed} tokens, which with {length} positions is more than \
             the context of {} ({context}). Shorten the prompt or lower the length",
            loaded.facts.name
        )));
    }
    Ok(session)
}

/// Opens the screen on the runs.
fn show(
    args: &CompareArgs,
    config: Config,
    models: Vec<ComparedModel>,
    entries: Vec<ComparedRecipe>,
) -> Result<ExitCode, Fault> {
    let look = args.look.look(&config);
    let recipes = entries.len() / models.len().max(1);
    let run = |(at, entry): (usize, ComparedRecipe)| {
        let ComparedRecipe { recipe, model, label, session } = entry;
        // What all have in common takes the room of what they have not.
        let label = if recipes == 1 { models[model].label.clone() } else { label };
        let ComparedModel { options, loaded, question, .. } = &models[model];
        let name = recipe.strategy.name();
        let header = open::header(options, loaded, name, &question.text, session.extras());
        let host = Program::new(&config)
            .encoding(loaded)
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
                options.source.place()?.shown(&loaded.facts.name),
                Box::new(host),
            )
        };
        Ok(RunStart { label, model, start })
    };
    let runs = entries.into_iter().enumerate().map(run).collect::<Result<Vec<_>, Fault>>()?;
    let predictors = models.into_iter().map(|model| model.loaded.predictor);
    tui::compare(runs, predictors.collect()).map_err(Fault::failure)?;
    Ok(ExitCode::SUCCESS)
}

/// Where a run is recorded.
fn file(folder: &Path, recipe: &Recipe, at: usize) -> PathBuf {
    folder.join(format!("{}-{}.jsonl", recipe.strategy.name(), at + 1))
}

/// Runs all to their ends, with a bar.
fn go(
    lockstep: &mut Lockstep<ComparedRecipe>,
    models: &mut [ComparedModel],
    stopped: &AtomicBool,
) -> Result<(), HeadlessError> {
    let bar = progress::pass_bar();
    let observer = &mut OnStderr { bar: bar.clone() };
    let mut predictors: Vec<&mut Box<dyn Predictor>> =
        models.iter_mut().map(|model| &mut model.loaded.predictor).collect();
    run_to_end(lockstep, &mut predictors, stopped, observer, |lockstep| {
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
