//! A run that was made without a screen.

use std::time::Duration;

use serde::Serialize;

use super::{FindingReport, OrderReport, TokenCounts};
use crate::{
    compare::{Figures, RunPath},
    debugger::Stop,
    headless::BatchDebugger,
    inspect::{self, Finding, OrderMeasures},
    session::{Pending, Session},
    trace::{self, Header, RecordedModel},
};

/// What was run: a model on a prompt.
#[derive(Debug, Clone, Serialize)]
pub struct RunSubject {
    /// The model, as a recording names it.
    model: RecordedModel,
    prompt: RunPrompt,
}

/// A prompt, as `--json` repeats it.
#[derive(Debug, Clone, Serialize)]
struct RunPrompt {
    /// As it was typed; empty for token ids.
    text: String,
    /// As the model was given it, chat template and all.
    ids: Vec<u32>,
}

impl RunSubject {
    /// The model of a header and the prompt of a session, which was typed as `text`.
    pub fn of(header: &Header, text: &str, session: &Session) -> Self {
        let ids = session.canvas().prompt().to_vec();
        Self { model: header.model.clone(), prompt: RunPrompt { text: text.to_owned(), ids } }
    }
}

/// A run, as `demask run --json` prints it.
#[derive(Debug, Serialize)]
pub struct RunReport {
    #[serde(flatten)]
    subject: RunSubject,
    strategy: &'static str,
    /// Every parameter, as it stands at the end.
    params: serde_json::Value,
    /// The seed of the noise; null for a strategy without one.
    seed: serde_json::Value,
    /// The answer, without its tail of end-of-sequence tokens.
    text: String,
    /// A text that was to be filled in, as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    filled_in: Option<String>,
    /// The generated region, tail included.
    ids: Vec<u32>,
    /// N_token: the length of the generated region, positions.
    length: usize,
    /// Number of steps made.
    steps: u32,
    /// Predictions the strategy asked for, as the literature counts model calls; with guidance
    /// one call evaluates two canvases.
    nfe: usize,
    /// Forward passes run: fewer than `nfe` where a prediction was known already.
    passes: usize,
    /// Canvases evaluated in them.
    canvases: usize,
    #[serde(flatten)]
    counts: TokenCounts,
    /// e_token / nfe; null where no prediction was asked for.
    tokens_per_pass: Option<f64>,
    #[serde(flatten)]
    order: OrderReport,
    /// Mean number of times that the guess at a position of the answer changed while it was masked; null
    /// where no guess is known.
    flips_per_token: Option<f64>,
    /// Why the run ended.
    finish: &'static str,
    /// The conditions of the breakpoints that stopped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    breakpoints: Option<Vec<String>>,
    /// What lints found, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    lints: Option<Vec<FindingReport>>,
    wall_seconds: WallSeconds,
}

#[derive(Debug, Serialize)]
struct WallSeconds {
    total: f64,
    forward: f64,
    decide: f64,
    other: f64,
}

impl RunReport {
    /// The same with the whole of a text that was to be filled in.
    pub fn filled_in(self, whole: Option<String>) -> Self {
        Self { filled_in: whole, ..self }
    }

    /// What is printed of a run that took `total` and gave the answer `text`. `findings`: of lints,
    /// if asked for.
    pub fn of(
        subject: RunSubject,
        batch: &BatchDebugger,
        text: String,
        stop: Option<&Stop>,
        findings: Option<&[Finding]>,
        total: Duration,
    ) -> Self {
        let session = &batch.debugger.session;
        let figures = Figures::of(RunPath::here(session));
        let params = trace::params_json(session.params());
        Self {
            subject,
            strategy: session.strategy().name(),
            seed: params["seed"].clone(),
            params,
            text,
            filled_in: None,
            ids: session.canvas().tokens(),
            length: figures.n_token,
            steps: session.node().steps,
            nfe: figures.nfe,
            passes: session.passes(),
            canvases: batch.canvases,
            counts: TokenCounts::of(&figures),
            tokens_per_pass: figures.tokens_per_pass(),
            order: OrderReport::of(&OrderMeasures::of(session.canvas())),
            flips_per_token: inspect::flips_per_token(session, session.at()),
            finish: match (session.pending(), stop) {
                (Pending::Done(finish), _) => finish.name(),
                (_, Some(Stop::Hit(_))) => "breakpoint",
                _ => "stopped",
            },
            breakpoints: match stop {
                Some(Stop::Hit(ids)) => {
                    let points = batch.debugger.breakpoints.iter();
                    let hit = points.filter(|point| ids.contains(&point.id));
                    Some(hit.map(|point| point.condition.to_string()).collect())
                }
                _ => None,
            },
            lints: findings.map(|found| found.iter().map(FindingReport::of).collect()),
            wall_seconds: WallSeconds {
                total: total.as_secs_f64(),
                forward: batch.forward.as_secs_f64(),
                decide: figures.decide.as_secs_f64(),
                other: total.saturating_sub(batch.forward + figures.decide).as_secs_f64(),
            },
        }
    }
}
