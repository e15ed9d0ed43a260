//! `demask eval`: strategies measured on problems, into a folder of results.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    AgainstOptions, Fault, SourceOptions,
    against::ChosenModel,
    fault::{say, tell},
    open::{self, unread_variables},
    progress::{self, ProgressTarget},
    stop,
};
use crate::{
    decode::Recipe,
    escape::escaped,
    eval::{
        paper,
        problems::{Checker, ProblemError, ProblemSet, PromptFormat, Python, Selection},
        report,
        run::{self, EvalPlan, Lengths, MergeError, Results, RunError, Shard, Sweep, Traces},
    },
    model::{Loaded, Surroundings},
};

/// What is measured, unless it is said.
const STRATEGIES: &str = "daedal,threshold:gen_length=32,threshold:gen_length=64,\
     threshold:gen_length=128,threshold:gen_length=256";

/// What is measured with `--quick`, unless it is said.
const QUICK_STRATEGIES: &str =
    "daedal,threshold:gen_length=32,threshold:gen_length=64,threshold:gen_length=128";

/// Lengths of the canvases that P(EOS) is measured on, unless they are said.
const TAILS: &str = "32,64,128,256";

/// Problems with `--quick`: two of every generated kind.
const QUICK_LIMIT: usize = 10;

/// Lengths of canvases that tails are measured on with `--quick`.
const QUICK_TAILS: &str = "32,64";

/// The most workers that can be asked for.
const MOST_JOBS: u16 = 64;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct EvalArgs {
    #[command(subcommand)]
    command: Option<EvalCommand>,
    #[command(flatten)]
    run: EvalRun,
}

#[derive(Debug, Subcommand)]
enum EvalCommand {
    /// Join the results of all shards: they equal those of a single run
    Merge(MergeArgs),
}

#[derive(Debug, Args)]
struct MergeArgs {
    /// Folder for the joined results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The folders of all shards
    #[arg(value_name = "SHARD_DIR", required = true)]
    shards: Vec<PathBuf>,
    /// Lose other results that are in the folder
    #[arg(long)]
    overwrite: bool,
}

#[derive(Debug, Args)]
struct EvalRun {
    /// Folder for the results. After an interruption the same command goes on there
    #[arg(long, value_name = "DIR", required = true)]
    out: Option<PathBuf>,
    /// Few problems and short canvases, for a first look: some seconds with the embedded model
    #[arg(long)]
    quick: bool,
    /// The comparison of DAEDAL's paper on these files, each known by its fields as GSM8K, MATH-500,
    /// HumanEval or MBPP: its prompts and checkers, LLaDA's sampler at lengths 32 to 2048, one token
    /// a step, against DAEDAL from 64; a section of the report for each
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["quick", "problems", "seed", "checker", "prompt_format"])]
    paper: Vec<String>,
    /// The lengths that --paper measures the baseline at [default: 32,64,128,256,512,1024,2048]
    #[arg(
        long,
        value_name = "LENGTHS",
        requires = "paper",
        conflicts_with = "strategies",
        hide_short_help = true
    )]
    lengths: Option<Lengths>,
    /// Run the programs that answers to HumanEval and MBPP hold, with their tests: each in a
    /// Python of its own with little time, memory and reach, in an empty folder. They are a
    /// model's: run them where nothing is lost. Without it they count neither as right nor wrong
    #[arg(long)]
    run_code: bool,
    /// Problems: synthetic (every kind in turn), word-problem, counting, echo, naming, story, or a
    /// file with a line {"question": "…", "answer": "…"} each, or the question alone; the files of
    /// GSM8K, MATH, HumanEval and MBPP will do
    ///
    /// As JSON, packed with gzip or not, or as Parquet. A line may have "suffix" or "infill", and
    /// "choices" makes it multiple choice. Where there is no "answer", nothing is called right or wrong.
    #[arg(long, value_name = "NAME|FILE", default_value = "synthetic")]
    problems: String,
    /// The first N problems [default: 100 generated ones, all of a file]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Seed of generated problems
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How answers are checked [default: as the problems look]
    #[arg(long, value_enum, hide_short_help = true)]
    checker: Option<Checker>,
    /// How questions are put
    #[arg(long, value_enum, default_value_t, hide_short_help = true)]
    prompt_format: PromptFormat,
    /// Strategies, each with its parameters: NAME, NAME:param=value,param=value or
    /// NAME:preset=NAME, with commas between [default: daedal, and threshold at lengths 32 to 256]
    #[arg(long, value_name = "LIST")]
    strategies: Option<String>,
    /// Measure at several values of a parameter: name=0.7,0.8,0.9 or name=0.5..=0.9:0.1. More
    /// than one makes a grid; strategies without the parameter are measured as they are
    #[arg(long, value_name = "SWEEP", hide_short_help = true)]
    sweep: Vec<Sweep>,
    /// Do part i of n, e.g. on several machines: every n-th problem. `demask eval merge` joins them
    #[arg(long, value_name = "I/N", hide_short_help = true)]
    shard: Option<Shard>,
    /// Which runs leave a recording to open with `demask replay`
    #[arg(long, value_enum, default_value_t)]
    traces: Traces,
    /// Candidate tokens kept for every position in recordings; 0 makes them small
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=256), hide_short_help = true)]
    candidates: u16,
    /// Lengths of all-mask canvases to measure P(EOS) at the end of, or none
    /// [default: 32,64,128,256]
    #[arg(long, value_name = "LENGTHS", hide_short_help = true)]
    tails: Option<Lengths>,
    /// Problems worked on at the same time, each with a model of its own in memory. The results
    /// are the same
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_JOBS)), hide_short_help = true)]
    jobs: u16,
    /// Lose other results that are in the folder
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    source: SourceOptions,
    #[command(flatten)]
    against: AgainstOptions,
}

pub fn main(args: &EvalArgs) -> Result<ExitCode, Fault> {
    match &args.command {
        Some(EvalCommand::Merge(args)) => merge(args),
        None => evaluate(&args.run),
    }
}

fn evaluate(args: &EvalRun) -> Result<ExitCode, Fault> {
    let Some(out) = &args.out else {
        return Err(Fault::usage("say where the results go: --out DIR"));
    };
    let mut plan = plan(args)?;
    let chosen = args.against.models(&args.source)?;
    // No more workers than pieces of work.
    let jobs = usize::from(args.jobs).min(plan.sets.iter().map(|set| set.problems.len()).sum());
    let workers: Vec<Vec<Loaded>> =
        (0..jobs).map(|_| load(&chosen, jobs)).collect::<Result<_, Fault>>()?;
    let first = workers.first().map(Vec::as_slice).unwrap_or_default();
    plan.models = labels(&chosen, first)?;
    for (model, label) in first.iter().zip(&plan.models) {
        if let Some(note) = unread_variables(&*model.tokenizer) {
            let whose = if first.len() > 1 { format!("{label}: ") } else { String::new() };
            tell(&escaped(&format!("note: {whose}{note}")));
        }
    }
    let stopped = stop::on_signals();
    let bar = bar();
    let mut began = false;
    let mut show = |now: run::EvalProgress| {
        bar.set_length(now.of as u64);
        bar.set_position(now.done as u64);
        bar.set_message(match now.checked {
            0 => String::new(),
            checked => format!("{} of {checked} right", now.right),
        });
        if !began {
            // What was done before says nothing of how fast it goes now.
            bar.reset_eta();
            began = true;
        }
    };
    let results = run::run(out, &plan, workers, args.overwrite, &stopped, &mut show);
    bar.finish_and_clear();
    let results = results.map_err(|error| match &error {
        RunError::Stopped { .. } => Fault::failure(format!(
            "{error}, kept in {}. The same command without --overwrite goes on",
            out.display()
        )),
        _ => Fault::failure(error),
    })?;
    finish(out, &results)
}

/// Loads the models of a worker, one of `jobs`.
fn load(chosen: &[ChosenModel], jobs: usize) -> Result<Vec<Loaded>, Fault> {
    let load = |model: &ChosenModel| {
        let place = model.source.place()?;
        place.serves(jobs)?;
        let computing = model.source.computing()?;
        Ok(progress::load(&place, &computing, ProgressTarget::Bar, |_| Ok(()))?.0)
    };
    chosen.iter().map(|model| load(model).map_err(|fault| model.blame(fault))).collect()
}

/// What the models are called in the results, each another name.
fn labels(chosen: &[ChosenModel], models: &[Loaded]) -> Result<Vec<String>, Fault> {
    let names: Vec<&str> = models.iter().map(|model| model.facts.name.as_str()).collect();
    let labels = ChosenModel::labels(chosen, &names);
    let twice = (1..labels.len()).find(|&at| labels[..at].contains(&labels[at]));
    match twice {
        Some(at) => Err(Fault::usage(format!(
            "--against: the model {} is there more than once. Leave one out",
            labels[at]
        ))),
        None => Ok(labels),
    }
}

fn merge(args: &MergeArgs) -> Result<ExitCode, Fault> {
    let results =
        run::merge(&args.out, &args.shards, args.overwrite).map_err(|error| match error {
            error @ (MergeError::Nothing
            | MergeError::IntoShard(_)
            | MergeError::Twice { .. }
            | MergeError::Missing(_)) => Fault::usage(error),
            error => Fault::failure(error),
        })?;
    finish(&args.out, &results)
}

/// Writes the report and prints its table.
fn finish(out: &std::path::Path, results: &Results) -> Result<ExitCode, Fault> {
    let (rows, timings) = (&results.rows, &results.timings);
    report::write(out, rows, timings, &results.eos(), &results.facts()).map_err(Fault::failure)?;
    say(escaped(&report::tables(rows, timings)).trim_end())?;
    let broken = rows.iter().filter(|row| row.finish.starts_with("error: ")).count();
    if let Some(row) = rows.iter().find(|row| row.finish.starts_with("error: ")) {
        tell(&escaped(&format!(
            "{broken} of {} runs broke off; the first, problem {} under {}{}: {}",
            rows.len(),
            row.problem,
            row.recipe,
            if results.manifest.models.len() > 1 {
                format!(" on {}", row.model)
            } else {
                String::new()
            },
            row.finish
        )));
    }
    tell(&format!("the results are in {}", escaped(&out.display().to_string())));
    // One that broke off is a row; where all did, nothing was measured.
    Ok(if broken == rows.len() && broken > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn plan(args: &EvalRun) -> Result<EvalPlan, Fault> {
    let sets = sets(args)?;
    let code: Vec<&str> =
        sets.iter().filter(|set| set.checker.runs_code()).map(|set| set.name.as_str()).collect();
    let python = match (code.is_empty(), args.run_code) {
        (true, true) => {
            return Err(Fault::usage("there are no programs to run here. Leave --run-code out"));
        }
        (true, false) => None,
        (false, true) => Some(Python::find().map_err(Fault::failure)?),
        (false, false) => {
            tell(&escaped(&format!(
                "the programs that answer {} are not run, so there is no accuracy of them: add \
                 --run-code to run them here",
                code.join(" and ")
            )));
            None
        }
    };
    for set in &sets {
        let without = set.problems.iter().filter(|problem| problem.expected.is_none()).count();
        if (1..set.problems.len()).contains(&without) {
            let (all, name) = (set.problems.len(), &set.name);
            tell(&escaped(&format!(
                "note: {without} of {all} problems of {name} have no answer: accuracy is that of \
                 the others"
            )));
        }
    }
    let recipes = recipes(args)?;
    let points = run::points(&recipes, &args.sweep).map_err(Fault::usage)?;
    let mut problems = sets.iter().flat_map(|set| &set.problems);
    if problems.any(|problem| problem.surroundings != Surroundings::Nothing) {
        points.iter().try_for_each(|point| open::takes(point.recipe.strategy))?;
    }
    let tails = match &args.tails {
        Some(tails) => tails.clone(),
        None => {
            let lengths = if args.quick { QUICK_TAILS } else { TAILS };
            lengths.parse().map_err(Fault::usage)?
        }
    };
    Ok(EvalPlan {
        sets,
        models: Vec::new(),
        points,
        python,
        tails,
        shard: args.shard,
        traces: args.traces,
        candidates: args.candidates,
    })
}

/// The problems: the benchmarks of `--paper`, or one set.
fn sets(args: &EvalRun) -> Result<Vec<ProblemSet>, Fault> {
    let limit = args.limit.map(|limit| limit as usize).or(args.quick.then_some(QUICK_LIMIT));
    let sets = if args.paper.is_empty() {
        let selection =
            Selection { limit, seed: args.seed, checker: args.checker, format: args.prompt_format };
        ProblemSet::load(&args.problems, &selection).map(|set| vec![set])
    } else {
        ProblemSet::published(&args.paper, limit)
    };
    sets.map_err(|error| match error {
        ProblemError::File { .. } | ProblemError::Line { .. } | ProblemError::Empty { .. } => {
            Fault::failure(error)
        }
        error => Fault::usage(error),
    })
}

fn recipes(args: &EvalRun) -> Result<Vec<Recipe>, Fault> {
    if let Some(list) = &args.strategies {
        return Recipe::parse_list(list).map_err(Fault::usage);
    }
    if args.paper.is_empty() {
        let usual = if args.quick { QUICK_STRATEGIES } else { STRATEGIES };
        return Recipe::parse_list(usual).map_err(Fault::usage);
    }
    let lengths = args.lengths.as_ref().map_or(&paper::LENGTHS[..], |lengths| &lengths.0);
    if let Some(length) = lengths.iter().find(|length| !length.is_multiple_of(paper::BLOCK)) {
        return Err(Fault::usage(format!(
            "--lengths {length}: the published baseline fills blocks of {block}, and a length is a \
             multiple of that. Give multiples of {block}, e.g. --lengths 32,64",
            block = paper::BLOCK
        )));
    }
    paper::recipes(lengths).map_err(Fault::usage)
}

/// A bar on stderr; invisible if that is no terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} · {eta} to go");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
