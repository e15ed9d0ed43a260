//! `demask bench`: what a step costs on this machine, part by part.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::Ordering,
    time::Instant,
};

use clap::Args;

use super::{
    ConfigOptions, Fault, ModelOptions,
    fault::{say, tell, unwritable},
    host::Program,
    open::{self, OpenedSession},
    progress::{ProgressTarget, pass_bar, show_session},
    prompt::PromptDefault,
    replay::size,
    stop,
};
use crate::{
    bench::{
        self, AgainstEarlier, BenchError, BenchReport, Measured, RecordingFile, Spent,
        TimedRecorder,
    },
    bounded,
    escape::{escaped, escaped_json},
    model,
    tui::{Start, StepSource},
};

/// No report of a benchmark is longer, bytes.
const LONGEST_REPORT: u64 = 1 << 20;

#[derive(Debug, Args)]
pub struct BenchArgs {
    /// The prompt [default: a sample]
    #[arg(value_name = "PROMPT")]
    prompt: Option<String>,
    /// One JSON object on stdout instead of the table
    #[arg(long)]
    json: bool,
    /// Make N steps at most [default: all of the run]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Size of the screen that is drawn after every step, in characters
    #[arg(long, value_name = "WxH", default_value = "120x40", value_parser = size)]
    size: (u16, u16),
    /// Measure single passes instead of a run: over the prompt and so many masks, each
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    lengths: Vec<u32>,
    /// Passes at each length, after one that is not counted
    #[arg(long, value_name = "N", default_value_t = 5, requires = "lengths", value_parser = clap::value_parser!(u16).range(1..))]
    repeats: u16,
    /// Compare with what --json printed earlier, and say what got slower
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    #[command(flatten)]
    model: ModelOptions,
}

pub fn main(args: &BenchArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    if args.model.record.as_deref() == Some(Path::new("-")) {
        return Err(Fault::usage("--record - writes to stdout, as the result does. Give a file"));
    }
    if args.model.record.is_some() && !args.lengths.is_empty() {
        return Err(Fault::usage("--lengths makes no run to record. Leave one of the two out"));
    }
    let config = options.read()?;
    // Read first: what is measured may be written over it.
    let earlier = args.against.as_deref().map(read_earlier).transpose()?;
    let stopped = stop::on_signals();
    let spent = Spent::default();
    let file = match &args.model.record {
        Some(path) => {
            open::nothing_lost(args.model.overwrite, path)?;
            RecordingFile::Kept(path.clone())
        }
        None => RecordingFile::temporary(),
    };
    let started = Instant::now();
    let prompt = args.prompt.as_deref();
    let asked = args.model.load.prompt.read(prompt, PromptDefault::Sample(open::SAMPLE_PROMPT))?;
    let opened = open::open(&args.model, &config, asked, ProgressTarget::Bar, |header, loaded| {
        if !args.lengths.is_empty() {
            return Ok(None);
        }
        let recorder = TimedRecorder::create(&file, header, loaded, spent.clone())?;
        Ok(Some(Box::new(recorder)))
    })?;
    let load = started.elapsed();
    let matmul = model::matmul_speed(&args.model.load.source.computing()?.device)?;
    let OpenedSession { session, mut loaded, question, header: _ } = opened;
    let measured = Measured::new(&session, &loaded, load, matmul);
    let mut report = if args.lengths.is_empty() {
        let host = Program::new(&config);
        let start = Start {
            recording: args.model.record.clone(),
            prompt_text: question.text,
            ..Start::new(session, loaded.tokenizer, loaded.facts, StepSource::Live, Box::new(host))
        };
        let bar = pass_bar();
        let limit = args.limit.map_or(usize::MAX, |limit| limit as usize);
        let predictor = loaded.predictor.as_mut();
        let steps = bench::run(start, predictor, args.size, limit, &spent, &stopped, |session| {
            show_session(&bar, session);
        })?;
        bar.finish_and_clear();
        BenchReport::of_run(measured, steps)
    } else {
        let predictor = loaded.predictor.as_mut();
        let lengths = bench::lengths(&session, predictor, &args.lengths, args.repeats, &stopped)?;
        BenchReport::of_lengths(measured, lengths)
    };
    let stopped = stopped.load(Ordering::Relaxed);
    (report.stopped, report.peak_memory_bytes) = (stopped, model::memory::peak());
    if let Some(earlier) = earlier {
        let now = serde_json::to_value(&report).map_err(Fault::failure)?;
        report.against = Some(AgainstEarlier::of(&now, &earlier)?);
    }
    match args.json {
        true => say(&escaped_json(&serde_json::to_string(&report).map_err(Fault::failure)?))?,
        false => say(&escaped(&report.text()))?,
    }
    if stopped {
        tell("stopped by a signal: this is what was measured until then");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// An earlier report.
fn read_earlier(path: &Path) -> Result<String, Fault> {
    bounded::read(path, LONGEST_REPORT)
        .and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other))
        .map_err(|error| {
            Fault::failure(format!(
                "{}: it cannot be read ({error}). Write one with `demask bench --json > FILE`",
                path.display()
            ))
        })
}

impl From<BenchError> for Fault {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Unwritable { path, error } => unwritable(&path, &error),
            error => Self::failure(error),
        }
    }
}
