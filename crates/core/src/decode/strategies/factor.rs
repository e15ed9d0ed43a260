//! `factor`: a fixed length in blocks; the n-th most confident position is filled if its
//! confidence reaches 1 − factor / (n + 1) (Fast-dLLM, later versions of `llada/generate.py`).
//!
//! In Fast-dLLM's own version the positions before the first failure are filled, and a failure of
//! the very last one is not noticed. Variant `dllm`, dLLM's port, fills as many as pass anywhere
//! in the ranking, compares in f32, and fails when a block takes more passes than its schedule
//! has; here such a run is out of steps.

use super::{mdlm, threshold};
use crate::{
    canvas::Canvas,
    decode::{
        DecodeError, Measure, ParamSpec, Params, Test, Value,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Picks, Shape, State, crossing},
        ranking::Ranking,
        specs::{BLOCK_LENGTH, GEN_LENGTH, REMASKING, SEED, STEPS, TEMPERATURE, number},
    },
};

/// The largest factor that can be set.
const LARGEST_FACTOR: f64 = 1e6;

const SPECS: &[ParamSpec] = &[
    number(
        "factor",
        "f",
        "",
        (0.0, LARGEST_FACTOR, 0.1),
        1.0,
        "The n-th most confident position is unmasked if its confidence is at least \
         1 − factor / (n + 1); the best always",
    ),
    GEN_LENGTH,
    BLOCK_LENGTH,
    REMASKING,
    TEMPERATURE,
    STEPS_OF_PORT,
    threshold::VARIANT,
    SEED,
];

/// Steps that only the port looks at.
const STEPS_OF_PORT: ParamSpec = ParamSpec {
    help: "Only variant dllm: a block that needs more passes than its part of these ends the run",
    ..STEPS
};

pub(in crate::decode) struct Factor;

pub(in crate::decode) struct Settings {
    factor: f64,
    shape: Shape,
    ranking: Ranking,
    steps: usize,
    port: bool,
}

impl BlockPolicy for Factor {
    type Settings = Settings;

    const NAME: &'static str = "factor";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            factor: params.float("factor")?,
            shape: Shape::of(params)?,
            ranking: Ranking::of(params)?,
            steps: params.count("steps")?,
            port: threshold::is_port(params)?,
        })
    }

    /// In Fast-dLLM's own version blocks must be whole.
    fn check(settings: &Settings) -> Result<(), DecodeError> {
        if settings.port { Ok(()) } else { settings.shape.whole_blocks() }
    }

    fn shape(settings: &Settings) -> Shape {
        settings.shape
    }

    fn ask(_: &Canvas, settings: &Settings, _: &State) -> PassOptions {
        settings.ranking.ask()
    }

    fn ends(settings: &Settings, masks: usize) -> Ends {
        let passes = || mdlm::quotas(settings.steps, settings.shape, masks).len();
        Ends::Full { limit: settings.port.then(passes) }
    }

    fn draws(settings: &Settings) -> bool {
        settings.ranking.draws()
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        let &Settings { factor, port, ref ranking, .. } = settings;
        let score = |at: usize| ranking.score(evidence, at);
        let ranked = ranking.ranked(evidence);
        let passes = |rank: usize| passes(score(ranked[rank]), rank, factor, port);
        let passed = match port {
            true => (0..ranked.len()).filter(|&rank| passes(rank)).count(),
            false => match (0..ranked.len()).position(|rank| !passes(rank)) {
                // "Failed at the last one" and "none failed" look the same to the reference.
                Some(rank) if rank + 1 < ranked.len() => rank,
                _ => ranked.len(),
            },
        };
        Ok(Picks::tested(&ranked, passed, |rank, at| Test {
            measure: Measure::Rank,
            value: score(at),
            bound: if rank == 0 { 0.0 } else { bound(rank, factor) as f32 },
        }))
    }

    fn breaks(
        name: &str,
        evidence: &BlockEvidence,
        settings: &Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        if name != "factor" {
            return Ok(None);
        }
        let &Settings { port, ref ranking, .. } = settings;
        let ranked = ranking.ranked(evidence);
        let from = |(rank, &at): (usize, &usize)| {
            let score = ranking.score(evidence, at);
            crossing(0.0, LARGEST_FACTOR as f32, |factor| {
                passes(score, rank, f64::from(factor), port)
            })
        };
        Ok(Some(ranked.iter().enumerate().skip(1).filter_map(from).collect()))
    }
}

/// The bound of a rank, from 0.
fn bound(rank: usize, factor: f64) -> f64 {
    1.0 - factor / (rank as f64 + 2.0)
}

/// True if the confidence `p` passes at a rank, from 0; the best always does.
fn passes(p: f32, rank: usize, factor: f64, port: bool) -> bool {
    match (rank, port) {
        (0, _) => true,
        (_, true) => p >= 1.0 - factor as f32 / (rank as f32 + 2.0),
        (_, false) => f64::from(p) >= bound(rank, factor),
    }
}
