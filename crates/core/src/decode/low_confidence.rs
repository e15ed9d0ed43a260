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
    switch("logits_eos_inf", "no EOS", false, "The end-of-sequence token is never chosen"),
    switch(
        "confidence_eos_eot_inf",
        "EOS last",
        false,
        "End of sequence and end of turn get no confidence: they are filled last",
    ),
    EOT_TOKEN_ID,
    choice(
        "variant",
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

    fn check(&self, params: &Params) -> Result<(), DecodeError> {
        whole_blocks(params)?;
        let (steps, blocks) = (params.count("steps")?, shape(params)?.blocks());
        if params.name("variant")? == "daedal_repo" || steps.is_multiple_of(blocks) {
            return Ok(());
        }
        let less = steps / blocks * blocks;
        let all =
            if less == 0 { blocks.to_string() } else { format!("{less} or {}", less + blocks) };
        Err(DecodeError::Unfit(format!(
            "steps must be a multiple of the number of blocks, {blocks}, as the reference has it: \
             {steps} is not. Take steps {all}, or variant daedal_repo, which rounds"
        )))
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
    let passes = params.count("steps")? / shape(params)?.blocks();
    Ok(schedule::even(masks, passes.max(1)))
}

/// Length and blocks.
pub(super) fn shape(params: &Params) -> Result<Shape, DecodeError> {
    Ok(Shape { length: params.count("gen_length")?, block: params.count("block_length")? })
}

/// Refuses a length that is no multiple of the block, as the references do. A run that is under
/// way may have any block.
pub(super) fn whole_blocks(params: &Params) -> Result<(), DecodeError> {
    let Shape { length, block } = shape(params)?;
    if length.is_multiple_of(block) {
        return Ok(());
    }
    let less = length / block * block;
    let lengths = if less == 0 { block.to_string() } else { format!("{less} or {}", less + block) };
    Err(DecodeError::Unfit(format!(
        "gen_length must be a multiple of block_length, as the reference has it: {length} is not \
         one of {block}. Take gen_length {lengths}, or block_length {length}"
    )))
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

#[cfg(test)]
mod tests {
    use crate::decode::Recipe;

    #[test]
    fn what_the_reference_refuses_is_refused_with_what_to_do() {
        let check = |recipe: &str, part: Option<&str>| {
            let recipe = Recipe::parse(recipe).unwrap();
            let special = crate::canvas::SpecialTokens { mask: 5, eos: 1 };
            let started = recipe.strategy.start(&[2], special, &recipe.params(&[]).unwrap());
            match (started, part) {
                (Ok(_), None) => {}
                (Err(error), Some(part)) => {
                    let text = error.to_string();
                    assert!(text.contains(part), "{text}");
                }
                (started, part) => panic!("{recipe}: {:?}, {part:?}", started.is_ok()),
            }
        };
        check("low_confidence", None);
        check("low_confidence:gen_length=100", Some("gen_length 96 or 128, or block_length 100"));
        check("low_confidence:gen_length=16", Some("gen_length 32, or block_length 16"));
        check("low_confidence:steps=30", Some("steps 28 or 32"));
        check("low_confidence:steps=3", Some("steps 4,"));
        check("low_confidence:steps=30,variant=daedal_repo", None);
        check("threshold:gen_length=100", Some("block_length"));
        check("threshold:gen_length=100,variant=dllm", None);
        check("mdlm:max_new_tokens=100,block_size=32,steps=7", None);
    }
}
