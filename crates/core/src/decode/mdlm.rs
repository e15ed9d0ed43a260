//! `mdlm`: dLLM's sampler for masked diffusion models (`dllm/core/samplers/mdlm.py` of
//! ZHZisZZ/dllm), under its linear schedule, without its stochastic transfer.
//!
//! Lengths need not be multiples of the block: the last one may be shorter.

use super::{
    DecodeError, ParamSpec, Params,
    ask::Ask,
    blocks::{Ends, Picks, Rule, Shape, Sight, State},
    low_confidence, schedule,
    specs::{
        BLOCK_LENGTH, CFG_SCALE, GEN_LENGTH, REMASKING, SEED, STEPS, TEMPERATURE, switch, tokens,
    },
};
use crate::canvas::Canvas;

const SPECS: &[ParamSpec] = &[
    STEPS,
    ParamSpec { name: "max_new_tokens", aliases: &["gen_length"], ..GEN_LENGTH },
    ParamSpec { name: "block_size", aliases: &["block_length"], ..WIDE_BLOCK },
    REMASKING,
    TEMPERATURE,
    CFG_SCALE,
    tokens("suppress_tokens", "never", "Token ids that are never chosen"),
    tokens(
        "begin_suppress_tokens",
        "last",
        "Token ids that get no confidence, at every step: they are filled last",
    ),
    switch(
        "right_shift_logits",
        "shift",
        false,
        "A position reads the logits of the one before it, as models converted from autoregressive \
         ones want it",
    ),
    SEED,
];

/// The reference has one block for its whole default length.
const WIDE_BLOCK: ParamSpec = ParamSpec {
    kind: super::Kind::Int { min: 1, max: super::specs::MOST, step: 1, default: 128 },
    ..BLOCK_LENGTH
};

/// The strategy.
pub(super) struct Mdlm;

impl Rule for Mdlm {
    fn name(&self) -> &'static str {
        "mdlm"
    }

    fn params(&self) -> &'static [ParamSpec] {
        SPECS
    }

    fn shape(&self, params: &Params) -> Result<Shape, DecodeError> {
        Ok(Shape { length: params.count("max_new_tokens")?, block: params.count("block_size")? })
    }

    fn ask(&self, _: &Canvas, params: &Params, _: &State) -> Result<Ask, DecodeError> {
        Ok(Ask {
            cfg_scale: params.float("cfg_scale")?,
            shift: Some(params.switch("right_shift_logits")?),
            suppressed: params.tokens("suppress_tokens")?,
            begin_suppressed: params.tokens("begin_suppress_tokens")?,
            ..low_confidence::noised(params)?
        })
    }

    fn ends(&self, params: &Params, masks: usize) -> Result<Ends, DecodeError> {
        Ok(Ends::After(quotas(params.count("steps")?, self.shape(params)?, masks).len()))
    }

    fn draws(&self, params: &Params) -> Result<bool, DecodeError> {
        low_confidence::draws(params)
    }

    fn pick(&self, sight: &Sight, params: &Params) -> Result<Picks, DecodeError> {
        let quotas = quotas(params.count("steps")?, self.shape(params)?, sight.state.masks);
        let quota = quotas.get(sight.state.step).copied().unwrap_or(0);
        Ok(Picks::quota(&low_confidence::ranked(sight, params)?, quota))
    }
}

/// How many positions each step of a block fills.
pub(super) fn quotas(steps: usize, shape: Shape, masks: usize) -> Vec<usize> {
    schedule::linear(masks, steps.div_ceil(shape.blocks()))
}
