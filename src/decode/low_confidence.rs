//! `low_confidence`: a fixed length in blocks, a fixed number of positions a step, the most
//! confident first (LLaDA, `generate.py` of ML-GSAI/LLaDA).
//!
//! Variants are other programs' versions of the same rule. `daedal_repo` is the baseline in the
//! DAEDAL repository (`models/LLaDA.py`): steps and blocks need not divide, so it may make more or
//! fewer passes than `steps`. `fastdllm` is Fast-dLLM without threshold or factor
//! (`llada/generate.py`): a block ends when it is full, and the run fails if its schedule is used
//! up before.

use super::{
    Affects, DecodeError, Kind, ParamSpec, Params, TokenList,
    ask::Ask,
    blocks::{Ends, Picks, Rule, Shape, Sight, State},
    noise::Purpose,
    schedule,
    specs::{
        BLOCK_LENGTH, CFG_SCALE, GEN_LENGTH, REMASKING, SEED, STEPS, TEMPERATURE, choice, switch,
    },
};
use crate::{canvas::Canvas, predict::Column};

const SPECS: &[ParamSpec] = &[
    STEPS,
    GEN_LENGTH,
    BLOCK_LENGTH,
    REMASKING,
    TEMPERATURE,
    CFG_SCALE,
    switch("logits_eos_inf", false, "The end-of-sequence token is never chosen"),
    switch(
        "confidence_eos_eot_inf",
        false,
        "End of sequence and end of turn get no confidence: they are filled last",
    ),
    EOT_TOKEN_ID,
    choice(
        "variant",
        &["llada", "daedal_repo", "fastdllm"],
        Affects::Decide,
        "Whose version: LLaDA's, the DAEDAL repository's baseline, Fast-dLLM's without a threshold",
    ),
    SEED,
];

const EOT_TOKEN_ID: ParamSpec = ParamSpec {
    name: "eot_token_id",
    aliases: &[],
    symbol: "EoT",
    unit: "token id",
    help: "The end-of-turn token, for confidence_eos_eot_inf; -1 is none",
    kind: Kind::Int { min: -1, max: u32::MAX as i64, step: 1, default: -1 },
    affects: Affects::Predict,
};

/// The strategy.
pub(super) struct LowConfidence;

impl Rule for LowConfidence {
    fn name(&self) -> &'static str {
        "low_confidence"
    }

    fn params(&self) -> &'static [ParamSpec] {
        SPECS
    }

    fn shape(&self, params: &Params) -> Result<Shape, DecodeError> {
        shape(params)
    }

    fn ask(&self, canvas: &Canvas, params: &Params, _: &State) -> Result<Ask, DecodeError> {
        let eos = canvas.special().eos;
        let suppressed = match params.switch("logits_eos_inf")? {
            true => TokenList::of(&[eos]).unwrap_or_default(),
            false => TokenList::default(),
        };
        let eot = u32::try_from(params.get("eot_token_id")?.as_f64() as i64).ok();
        let last: Vec<u32> = [Some(eos), eot].into_iter().flatten().collect();
        let begin_suppressed = match params.switch("confidence_eos_eot_inf")? {
            true => TokenList::of(&last).unwrap_or_default(),
            false => TokenList::default(),
        };
        Ok(Ask {
            cfg_scale: params.float("cfg_scale")?,
            suppressed,
            begin_suppressed,
            ..noised(params)?
        })
    }

    fn ends(&self, params: &Params, masks: usize) -> Result<Ends, DecodeError> {
        let quotas = quotas(params, masks)?.len();
        Ok(match params.name("variant")? {
            "fastdllm" => Ends::Full { limit: Some(quotas) },
            _ => Ends::After(quotas),
        })
    }

    fn draws(&self, params: &Params) -> Result<bool, DecodeError> {
        draws(params)
    }

    fn pick(&self, sight: &Sight, params: &Params) -> Result<Picks, DecodeError> {
        let quotas = quotas(params, sight.state.masks)?;
        let quota = quotas.get(sight.state.step).copied().unwrap_or(0);
        Ok(Picks::quota(&ranked(sight, params)?, quota))
    }
}

fn quotas(params: &Params, masks: usize) -> Result<Vec<usize>, DecodeError> {
    let (steps, blocks) = (params.count("steps")?, shape(params)?.blocks());
    let passes = match params.name("variant")? {
        "daedal_repo" => (steps / blocks).max(1),
        _ if !steps.is_multiple_of(blocks) => {
            return Err(DecodeError::Unfit(format!(
                "steps must be a multiple of the {blocks} blocks, as the reference has it: {steps} \
                 is not. Take {} or {}, or variant daedal_repo, which rounds",
                steps / blocks * blocks,
                (steps / blocks + 1) * blocks
            )));
        }
        _ => steps / blocks,
    };
    Ok(schedule::even(masks, passes))
}

/// Length and blocks, which must divide.
pub(super) fn shape(params: &Params) -> Result<Shape, DecodeError> {
    let (length, block) = (params.count("gen_length")?, params.count("block_length")?);
    if !length.is_multiple_of(block) {
        let block = block.min(length);
        return Err(DecodeError::Unfit(format!(
            "gen_length must be a multiple of block_length, as the reference has it: {length} is \
             not one of {}. Take {} or {}, or another block_length",
            params.count("block_length")?,
            (length / block * block).max(block),
            (length / block + 1) * block
        )));
    }
    Ok(Shape { length, block })
}

/// A pass with the parameters that all such strategies have.
pub(super) fn noised(params: &Params) -> Result<Ask, DecodeError> {
    Ok(Ask {
        columns: &[Column::Argmax, Column::Choice, Column::PChoice, Column::PEos],
        temperature: params.float("temperature")?,
        seed: params.seed("seed")?,
        ..Ask::default()
    })
}

/// True if anything is drawn.
pub(super) fn draws(params: &Params) -> Result<bool, DecodeError> {
    Ok(params.float("temperature")? > 0.0 || params.name("remasking")? == "random")
}

/// What ranks the position `at`: its confidence, or chance.
pub(super) fn score(sight: &Sight, params: &Params) -> Result<impl Fn(usize) -> f32, DecodeError> {
    let random = params.name("remasking")? == "random";
    let place = sight.place(params.seed("seed")?);
    let slots: Vec<_> = sight.canvas.cells().iter().map(|cell| cell.slot).collect();
    let p = sight.p.to_vec();
    Ok(move |at: usize| match random {
        true => place.uniform(Purpose::Fill, slots[at]) as f32,
        false => p[at],
    })
}

/// The candidates, best first.
pub(super) fn ranked(sight: &Sight, params: &Params) -> Result<Vec<usize>, DecodeError> {
    let score = score(sight, params)?;
    Ok(sight.ranked(|at| f64::from(score(at))))
}
