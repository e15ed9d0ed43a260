//! `threshold`: a fixed length in blocks; every position whose confidence reaches the threshold
//! is filled, else the best (Fast-dLLM, `llada/generate.py` of NVlabs/Fast-dLLM, without caches).
//!
//! Variant `dllm` is dLLM's port, where a length may end in a shorter block. On a prediction of
//! the mask token both would go on for ever; here such a run is stagnant.

use super::{
    Affects, DecodeError, FillRule, LeftRule, Measure, Mode, ParamSpec, Params, Test, Value,
    ask::Ask,
    blocks::{Ends, Picks, Rule, Shape, Sight, State},
    low_confidence,
    specs::{BLOCK_LENGTH, GEN_LENGTH, REMASKING, SEED, STEPS, TEMPERATURE, choice, threshold},
};
use crate::canvas::Canvas;

const SPECS: &[ParamSpec] = &[
    threshold(
        "threshold",
        "τ",
        0.9,
        "Every masked position up to the end of the block whose confidence is at least this is \
         filled; if none is, the best",
    ),
    GEN_LENGTH,
    BLOCK_LENGTH,
    REMASKING,
    TEMPERATURE,
    UNUSED_STEPS,
    VARIANT,
    SEED,
];

/// Steps without effect.
const UNUSED_STEPS: ParamSpec = ParamSpec {
    help: "Has no effect: a block takes the passes it needs. The reference only wants it to divide",
    ..STEPS
};

/// Whose version.
pub(super) const VARIANT: ParamSpec = choice(
    "variant",
    "variant",
    &["nvlabs", "dllm"],
    Affects::Decide,
    "Whose version: Fast-dLLM's own, or dLLM's port of it",
);

/// The strategy.
pub(super) struct Threshold;

impl Rule for Threshold {
    fn name(&self) -> &'static str {
        "threshold"
    }

    fn params(&self) -> &'static [ParamSpec] {
        SPECS
    }

    fn check(&self, params: &Params) -> Result<(), DecodeError> {
        check(params)
    }

    fn shape(&self, params: &Params) -> Result<Shape, DecodeError> {
        low_confidence::shape(params)
    }

    fn ask(&self, _: &Canvas, params: &Params, _: &State) -> Result<Ask, DecodeError> {
        low_confidence::noised(params)
    }

    fn ends(&self, _: &Params, _: usize) -> Result<Ends, DecodeError> {
        Ok(Ends::Full { limit: None })
    }

    fn draws(&self, params: &Params) -> Result<bool, DecodeError> {
        low_confidence::draws(params)
    }

    fn pick(&self, sight: &Sight, params: &Params) -> Result<Picks, DecodeError> {
        let bound = params.float("threshold")? as f32;
        let score = low_confidence::score(sight, params)?;
        let ranked = low_confidence::ranked(sight, params)?;
        let over = ranked.iter().take_while(|at| score(**at) >= bound).count();
        Ok(tested(&ranked, over, |_, at| Test {
            measure: Measure::Confidence,
            value: score(at),
            bound,
        }))
    }

    fn breaks(
        &self,
        name: &str,
        sight: &Sight,
        params: &Params,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        if name != "threshold" {
            return Ok(None);
        }
        let score = low_confidence::score(sight, params)?;
        // The first threshold that a position does not reach.
        let over = |&at: &usize| Value::Float(f64::from(score(at).next_up()));
        Ok(Some(sight.candidates.iter().map(over).collect()))
    }
}

/// The first `passed` of `ranked`, and the best in any case; `test` of rank (from 0) and position.
pub(super) fn tested(
    ranked: &[usize],
    passed: usize,
    test: impl Fn(usize, usize) -> Test,
) -> Picks {
    let mut picks = Picks {
        mode: if passed == 0 { Mode::Fallback } else { Mode::HighConf },
        filled: Vec::new(),
        left: Vec::new(),
    };
    for (rank, &at) in ranked.iter().enumerate() {
        let test = test(rank, at);
        match rank {
            rank if rank < passed => picks.filled.push((at, FillRule::Passes(test))),
            0 => picks.filled.push((at, FillRule::Best(test))),
            _ => picks.left.push((at, LeftRule::Fails(test))),
        }
    }
    picks
}

/// In Fast-dLLM's own version blocks must be whole.
pub(super) fn check(params: &Params) -> Result<(), DecodeError> {
    match params.name("variant")? {
        "dllm" => Ok(()),
        _ => low_confidence::whole_blocks(params),
    }
}
