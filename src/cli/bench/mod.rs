//! `demask bench`: what a step costs on this machine, part by part.
//!
//! A run is made as in the debugger: the same session, recorder and screen, only that nobody looks
//! and that each part is waited for before the next. Nothing runs beside what is measured.

mod measure;
mod recorder;
mod report;

use std::{
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use clap::Args;

use super::{
    ConfigOptions, Fault, ModelOptions,
    fault::{say, tell},
    host::Program,
    open::{self, Opened},
    progress::{Shown, pass_bar, show_session},
    prompt::Otherwise,
    replay::size,
    stop,
};
use crate::{
    escape::{escaped, escaped_json},
    headless::watched_pass,
    model,
    predict::{Attention, Pass, Predictor, Request},
    session::{Pending, Session},
    tui::{OffScreen, Source, Start},
};

use measure::Samples;
use recorder::{Place, Spent, Waiting};
use report::{Bare, Facts, Report, Steps};

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
    let stopped = stop::on_signals();
    let spent = Spent::default();
    let place = match &args.model.record {
        Some(path) => {
            open::nothing_lost(args.model.overwrite, path)?;
            Place::Kept(path.clone())
        }
        None => Place::temporary(),
    };
    let started = Instant::now();
    let prompt = args.prompt.as_deref();
    let asked = args.model.load.prompt.read(prompt, Otherwise::Sample(open::SAMPLE_PROMPT))?;
    let opened = open::open(&args.model, &config, asked, Shown::Bar, |header, loaded| {
        if !args.lengths.is_empty() {
            return Ok(None);
        }
        let recorder = Waiting::create(&place, header, loaded, spent.clone())?;
        Ok(Some(Box::new(recorder)))
    })?;
    let load = started.elapsed();
    let matmul = model::matmul_speed(&args.model.load.source.computing()?.device)?;
    let facts = Facts::new(&opened, load, matmul);
    let mut report = if args.lengths.is_empty() {
        let host = Program::new(&config);
        Report::of_run(facts, run(args, opened, host, &spent, &stopped)?)
    } else {
        Report::of_lengths(facts, lengths(args, opened, &stopped)?)
    };
    let stopped = stopped.load(Ordering::Relaxed);
    (report.stopped, report.peak_memory_bytes) = (stopped, model::memory::peak());
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

/// How a pass is divided: the layers, and the head with the reduction to columns.
#[derive(Default)]
struct Split {
    forward: Duration,
    head: Duration,
}

/// Makes the run, step by step.
fn run(
    args: &BenchArgs,
    opened: Opened,
    host: Program,
    spent: &Spent,
    stopped: &AtomicBool,
) -> Result<Steps, Fault> {
    let Opened { session, loaded, question, header: _ } = opened;
    let mut predictor = loaded.predictor;
    let start = Start {
        recording: args.model.record.clone(),
        prompt_text: question.text,
        ..Start::new(session, loaded.tokenizer, loaded.facts, Source::Live, Box::new(host))
    };
    let (width, height) = args.size;
    let mut screen = OffScreen::new(start, width, height)?;
    // The first frame is drawn whole, once.
    screen.draw()?;
    let mut steps = Steps::on(args.size);
    let bar = pass_bar();
    let limit = args.limit.map_or(usize::MAX, |limit| limit as usize);
    while steps.whole.len() < limit && !stopped.load(Ordering::Relaxed) {
        spent.take();
        let started = Instant::now();
        let mut pass = Split::default();
        match screen.session().pending().clone() {
            Pending::Done(_) => break,
            Pending::Failed(error) => return Err(Fault::failure(error)),
            Pending::Decided { .. } => {}
            Pending::Wanted { key, request } => {
                let (split, prediction) = match divided(predictor.as_mut(), &request, stopped) {
                    Err(_) if stopped.load(Ordering::Relaxed) => break,
                    answer => answer?,
                };
                let positions = request.pass.ids.len() * request.canvases();
                steps.positions.push(positions);
                screen.supply(key, prediction, split.forward + split.head);
                pass = split;
            }
        }
        steps.frame_bytes += screen.draw()?;
        if !screen.step() {
            return Err(Fault::failure("the pending step cannot be made"));
        }
        let whole = started.elapsed();
        if let Some(fault) = screen.session().recorder_fault() {
            return Err(Fault::failure(fault));
        }
        let made = screen.session().node().step();
        let decide = made.map(|step| step.timing.decide).unwrap_or_default();
        let record = spent.take();
        let known = pass.forward + pass.head + decide + record;
        steps.forward.push(pass.forward);
        steps.head.push(pass.head);
        steps.decide.push(decide);
        steps.record.push(record);
        // What is left is the interface: its bookkeeping, the frame, and what a terminal is sent.
        steps.draw.push(whole.saturating_sub(known));
        steps.whole.push(whole);
        show_session(&bar, screen.session());
    }
    bar.finish_and_clear();
    steps.finish(screen.session());
    screen.close().map_err(Fault::failure)?;
    Ok(steps)
}

/// Runs a pass and divides its time where the head begins.
fn divided(
    predictor: &mut dyn Predictor,
    request: &Request,
    stopped: &AtomicBool,
) -> Result<(Split, crate::predict::Prediction), Fault> {
    let mut head_from = None;
    let (prediction, took) = watched_pass(predictor, request, stopped, |progress, time| {
        if progress.done + 1 >= progress.of {
            head_from.get_or_insert(time);
        }
    })?;
    let forward = head_from.unwrap_or(took).min(took);
    Ok((Split { forward, head: took - forward }, prediction))
}

/// Measures passes over the prompt and so many masks.
fn lengths(args: &BenchArgs, opened: Opened, stopped: &AtomicBool) -> Result<Vec<Bare>, Fault> {
    let Opened { session, loaded, .. } = opened;
    let mut predictor = loaded.predictor;
    let mut measured = Vec::new();
    for &masks in &args.lengths {
        let request = over_masks(&session, masks as usize)?;
        let (mut forward, mut head, mut whole) =
            (Samples::default(), Samples::default(), Samples::default());
        for repeat in 0..=args.repeats {
            let (split, _) = match divided(predictor.as_mut(), &request, stopped) {
                Err(_) if stopped.load(Ordering::Relaxed) => break,
                answer => answer?,
            };
            // The first one warms up.
            if repeat > 0 {
                forward.push(split.forward);
                head.push(split.head);
                whole.push(split.forward + split.head);
            }
        }
        let positions = request.pass.ids.len();
        measured.extend(Bare::of(masks, positions, [&forward, &head, &whole]));
    }
    Ok(measured)
}

/// What the strategy asks of its first pass, on a canvas of so many masks.
fn over_masks(session: &Session, masks: usize) -> Result<Request, Fault> {
    let Pending::Wanted { request, .. } = session.pending() else {
        return Err(Fault::failure(
            "this strategy asks for no pass at the start. Take a longer canvas \
             (--initial-gen-length or --gen-length)",
        ));
    };
    let prompt = session.canvas().prompt();
    let mask = session.canvas().special().mask;
    let ids = prompt.iter().copied().chain(std::iter::repeat_n(mask, masks)).collect();
    let attention = match &request.pass.attention {
        Attention::Keys(_) => Attention::Full,
        attention => attention.clone(),
    };
    Ok(Request {
        pass: Pass { ids, positions: None, attention },
        rows: prompt.len()..prompt.len() + masks,
        guidance: None,
        sampling: None,
        suppressed: Vec::new(),
        earlier: None,
        shadow: None,
        ..Request::clone(request)
    })
}
