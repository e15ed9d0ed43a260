//! `factor`: a fixed length in blocks; the n-th most confident position is filled if its
//! confidence reaches 1 − factor / (n + 1) (Fast-dLLM, later versions of `llada/generate.py`).
//!
//! In Fast-dLLM's own version the positions before the first failure are filled, and a failure of
//! the very last one is not noticed. Variant `dllm`, dLLM's port, fills as many as pass anywhere
//! in the ranking, compares in f32, and fails when a block takes more passes than its schedule
//! has; here such a run is out of steps.

use super::{
    DecodeError, Measure, ParamSpec, Params, Test, Value,
    ask::Ask,
    blocks::{Ends, Picks, Rule, Shape, Sight, State, crossing},
    low_confidence, mdlm,
    specs::{BLOCK_LENGTH, GEN_LENGTH, REMASKING, SEED, STEPS, TEMPERATURE, number},
    threshold::{self, VARIANT},
};
use crate::canvas::Canvas;

/// Largest factor.
const MOST: f64 = 1e6;

const SPECS: &[ParamSpec] = &[
    number(
        "factor",
        "f",
        "",
        (0.0, MOST, 0.1),
        1.0,
        "The n-th most confident position is filled if its confidence is at least \
         1 − factor / (n + 1); the best always",
    ),
    GEN_LENGTH,
    BLOCK_LENGTH,
    REMASKING,
    TEMPERATURE,
    STEPS_OF_PORT,
    VARIANT,
    SEED,
];

/// Steps that only the port looks at.
const STEPS_OF_PORT: ParamSpec = ParamSpec {
    help: "Only variant dllm: a block that needs more passes than its part of these ends the run",
    ..STEPS
};

/// The strategy.
pub(super) struct Factor;

impl Rule for Factor {
    fn name(&self) -> &'static str {
        "factor"
    }

    fn params(&self) -> &'static [ParamSpec] {
        SPECS
    }

    fn check(&self, params: &Params) -> Result<(), DecodeError> {
        threshold::check(params)
    }

    fn shape(&self, params: &Params) -> Result<Shape, DecodeError> {
        low_confidence::shape(params)
    }

    fn ask(&self, _: &Canvas, params: &Params, _: &State) -> Result<Ask, DecodeError> {
        low_confidence::noised(params)
    }

    fn ends(&self, params: &Params, masks: usize) -> Result<Ends, DecodeError> {
        let limit = match params.name("variant")? {
            "dllm" => Some(mdlm::quotas(params.count("steps")?, self.shape(params)?, masks).len()),
            _ => None,
        };
        Ok(Ends::Full { limit })
    }

    fn draws(&self, params: &Params) -> Result<bool, DecodeError> {
        low_confidence::draws(params)
    }

    fn pick(&self, sight: &Sight, params: &Params) -> Result<Picks, DecodeError> {
        let factor = params.float("factor")?;
        let port = params.name("variant")? == "dllm";
        let score = low_confidence::score(sight, params)?;
        let ranked = low_confidence::ranked(sight, params)?;
        let passes = |rank: usize| passes(score(ranked[rank]), rank, factor, port);
        let passed = match port {
            true => (0..ranked.len()).filter(|&rank| passes(rank)).count(),
            false => match (0..ranked.len()).position(|rank| !passes(rank)) {
                // "Failed at the last one" and "none failed" look the same to the reference.
                Some(rank) if rank + 1 < ranked.len() => rank,
                _ => ranked.len(),
            },
        };
        Ok(threshold::tested(&ranked, passed, |rank, at| Test {
            measure: Measure::Rank,
            value: score(at),
            bound: if rank == 0 { 0.0 } else { bound(rank, factor) as f32 },
        }))
    }

    fn breaks(
        &self,
        name: &str,
        sight: &Sight,
        params: &Params,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        if name != "factor" {
            return Ok(None);
        }
        let port = params.name("variant")? == "dllm";
        let score = low_confidence::score(sight, params)?;
        let ranked = low_confidence::ranked(sight, params)?;
        let from = |(rank, &at): (usize, &usize)| {
            let passes = |factor: f32| passes(score(at), rank, f64::from(factor), port);
            crossing(0.0, MOST as f32, passes)
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
