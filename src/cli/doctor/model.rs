//! Whether a model works at all: the embedded one, on the CPU, for one step.

use std::{
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use clap::Parser;

use super::CheckLine;
use crate::{
    cli::{Config, Fault, ModelOptions, open, progress::ProgressTarget, prompt::PromptDefault},
    headless::pass,
    session::Pending,
};

/// The options of a session on the embedded model, as given by nobody.
#[derive(Debug, Parser)]
struct PlainSession {
    prompt: Option<String>,
    #[command(flatten)]
    model: ModelOptions,
}

/// Loads it and makes a step.
pub fn embedded() -> CheckLine {
    let started = Instant::now();
    let check = |says: String| CheckLine::ok("model", "embedded", says);
    match step() {
        Ok((load, pass)) => {
            let ms = |took: Duration| took.as_secs_f64() * 1e3;
            let whole = ms(started.elapsed());
            check(format!(
                "loads in {:.0} ms and makes a step, with a pass of {:.0} ms ({whole:.0} ms in all)",
                ms(load),
                ms(pass)
            ))
        }
        Err(fault) => {
            check(fault.to_string()).wrong("This is a fault of the program or its build: report it")
        }
    }
}

fn step() -> Result<(Duration, Duration), Fault> {
    let started = Instant::now();
    let options =
        PlainSession::try_parse_from(["demask", "--device", "cpu"]).map_err(Fault::failure)?;
    let asked = options
        .model
        .load
        .prompt
        .read(options.prompt.as_deref(), PromptDefault::Sample(open::SAMPLE_PROMPT))?;
    let mut opened =
        open::open(&options.model, &Config::default(), asked, ProgressTarget::Bar, |_, _| {
            Ok(None)
        })?;
    let load = started.elapsed();
    let Pending::Wanted { key, request } = opened.session.pending().clone() else {
        return Err(Fault::failure("the first step asks for no forward pass"));
    };
    let never = AtomicBool::new(false);
    let (prediction, took) = pass(opened.loaded.predictor.as_mut(), &request, &never)?;
    opened.session.supply(key, prediction, took);
    opened.session.step().map_err(Fault::failure)?;
    Ok((load, took))
}
