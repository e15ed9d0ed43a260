//! `demask run`: generate without the debugger.

use std::{
    io::{self, IsTerminal, Write},
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{
    ConfigOptions, Fault, ModelOptions,
    fault::tell,
    harmless::{harmless, harmless_json},
    open::{self, Opened},
    stop,
};
use crate::{
    predict::{PredictError, Vocabulary},
    session::{Pending, Recorder, Session},
    trace::TraceRecorder,
};

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The prompt
    #[arg(value_name = "PROMPT", required_unless_present = "prompt_ids")]
    prompt: Option<String>,
    /// One JSON object on stdout instead of the answer
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    config: ConfigOptions,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Summary {
    /// The answer, without its tail of end-of-sequence tokens.
    text: String,
    /// The generated region, tail included.
    ids: Vec<u32>,
    /// N_token: its length.
    length: usize,
    /// Steps made.
    steps: u32,
    /// Predictions the strategy asked for, as the literature counts model calls; with guidance
    /// one call evaluates two canvases.
    nfe: usize,
    /// Forward passes run: fewer than `nfe` where a prediction was known already.
    passes: usize,
    /// Canvases evaluated in them.
    canvases: usize,
    n_token: usize,
    /// Tokens before the tail.
    e_token: usize,
    /// e_token / n_token; null for an empty region.
    e_ratio: Option<f64>,
    /// Why the run ended.
    finish: &'static str,
    wall_seconds: Wall,
}

#[derive(Serialize)]
struct Wall {
    total: f64,
    forward: f64,
    decide: f64,
    other: f64,
}

pub fn main(args: &RunArgs) -> Result<ExitCode, Fault> {
    let to_stdout = args.model.record.as_deref() == Some(Path::new("-"));
    if to_stdout && args.json {
        return Err(Fault::usage(
            "--record - and --json both want stdout. Record to a file, or leave --json out",
        ));
    }
    if to_stdout && io::stdout().is_terminal() {
        return Err(Fault::usage(
            "--record - would write the recording onto the terminal. Redirect stdout or give a file",
        ));
    }
    let config = args.config.read()?;
    let opened = open::open(&args.model, &config, args.prompt.as_deref(), |header, loaded| {
        match &args.model.record {
            None => Ok(None),
            Some(_) if to_stdout => {
                let recorder = TraceRecorder::start(
                    Box::new(io::stdout()),
                    "stdout".to_owned(),
                    header,
                    loaded.tokenizer.clone(),
                );
                Ok(Some(Box::new(recorder.map_err(Fault::failure)?) as Box<dyn Recorder>))
            }
            Some(path) => open::file_recorder(&args.model, path, header, loaded).map(Some),
        }
    })?;
    let stopped = stop::on_signals();
    let mut run = Run { opened, started: Instant::now(), forward: Duration::ZERO, canvases: 0 };
    let outcome = run.finish(&stopped);
    // Whatever happened, what was recorded is closed properly before anything is said.
    run.opened.session.finish_recording().map_err(Fault::failure)?;
    outcome?;
    let answer = run.answer();
    match (args.json, to_stdout) {
        (true, _) => {
            let json = serde_json::to_string(&run.summary(answer)).map_err(Fault::failure)?;
            say(&harmless_json(&json))
        }
        // A pipe gets the text as the model wrote it.
        (false, false) if io::stdout().is_terminal() => say(&harmless(&answer)),
        (false, false) => say(&answer),
        (false, true) => {
            tell(&harmless(&answer));
            Ok(())
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A line on stdout. A reader that has gone away is not a failure.
pub(super) fn say(line: &str) -> Result<(), Fault> {
    match writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Fault::failure(format!("the answer cannot be written ({error})")))
        }
        _ => Ok(()),
    }
}

struct Run {
    opened: Opened,
    started: Instant,
    forward: Duration,
    canvases: usize,
}

impl Run {
    fn finish(&mut self, stopped: &AtomicBool) -> Result<(), Fault> {
        let bar = bar();
        let Opened { session, loaded, .. } = &mut self.opened;
        loop {
            match session.pending().clone() {
                Pending::Done(_) => break,
                Pending::Failed(error) => return Err(Fault::failure(error)),
                Pending::Decided { .. } => {
                    session.step().map_err(Fault::failure)?;
                    if let Some(fault) = session.recorder_fault() {
                        return Err(Fault::failure(fault));
                    }
                    show(&bar, session);
                }
                Pending::Wanted { key, request } => {
                    let started = Instant::now();
                    let mut watch = |_| match stopped.load(Ordering::Relaxed) {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    };
                    let predict =
                        AssertUnwindSafe(|| loaded.predictor.predict(&request, &mut watch));
                    let prediction = catch_unwind(predict)
                        .map_err(|_| Fault::failure("the model panicked, see above"))?
                        .map_err(|error| match error {
                            PredictError::Cancelled => Fault::failure("stopped by a signal"),
                            error => Fault::failure(error),
                        })?;
                    self.forward += started.elapsed();
                    self.canvases += request.canvases();
                    session.supply(key, prediction, started.elapsed());
                }
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn answer(&self) -> String {
        let canvas = self.opened.session.canvas();
        self.opened.loaded.tokenizer.text(&canvas.tokens()[..canvas.tail()])
    }

    fn summary(&self, text: String) -> Summary {
        let session = &self.opened.session;
        let canvas = session.canvas();
        let timeline = session.timeline();
        let decide: Duration = timeline
            .path(session.at())
            .iter()
            .filter_map(|&id| timeline[id].step().map(|step| step.timing.decide))
            .sum();
        let total = self.started.elapsed();
        let (n_token, e_token) = (canvas.len(), canvas.tail());
        Summary {
            text,
            ids: canvas.tokens(),
            length: n_token,
            steps: session.node().depth,
            nfe: session.node().depth as usize,
            passes: session.passes(),
            canvases: self.canvases,
            n_token,
            e_token,
            e_ratio: (n_token > 0).then(|| e_token as f64 / n_token as f64),
            finish: match session.pending() {
                Pending::Done(finish) => finish.name(),
                _ => "stopped",
            },
            wall_seconds: Wall {
                total: total.as_secs_f64(),
                forward: self.forward.as_secs_f64(),
                decide: decide.as_secs_f64(),
                other: total.saturating_sub(self.forward + decide).as_secs_f64(),
            },
        }
    }
}

/// A bar on stderr; invisible if that is no terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} written · {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn show(bar: &ProgressBar, session: &Session) {
    let canvas = session.canvas();
    let phase = session.phase();
    bar.set_length(canvas.len() as u64);
    bar.set_position((canvas.len() - canvas.masks()) as u64);
    bar.set_message(format!("stage {} · step {}", phase.stage, session.node().depth));
}
