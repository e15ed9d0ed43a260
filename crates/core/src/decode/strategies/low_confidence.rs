//! `low_confidence`: a fixed length in blocks, a fixed number of positions a step, the most
//! confident first (LLaDA, `generate.py` of ML-GSAI/LLaDA).
//!
//! Variants are other programs' versions of the same rule. `daedal_repo` is the baseline in the
//! DAEDAL repository (`models/LLaDA.py`): steps and blocks need not divide, so it may make more or
//! fewer passes than `steps`. `fastdllm` is Fast-dLLM without threshold or factor
//! (`llada/generate.py`): a block ends when it is full, and the run fails if its schedule is used
//! up before.

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, ParamKind, ParamRole, ParamSpec, Params, TokenList,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Picks, Shape, State},
        ranking::Ranking,
        schedule,
        specs::{
            BLOCK_LENGTH, CFG_SCALE, GEN_LENGTH, REMASKING, SEED, STEPS, TEMPERATURE, choice,
            switch,
        },
    },
};

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
        "End of sequence and end of turn get no confidence: they are unmasked last",
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
    kind: ParamKind::Int { min: -1, max: u32::MAX as i64, step: 1, default: -1 },
    affects: Affects::Predict,
    role: ParamRole::Other,
};

pub(in crate::decode) struct LowConfidence;

pub(in crate::decode) struct Settings {
    steps: usize,
    shape: Shape,
    ranking: Ranking,
    cfg_scale: f64,
    logits_eos_inf: bool,
    confidence_eos_eot_inf: bool,
    eot_token_id: Option<u32>,
    variant: &'static str,
}

impl Settings {
    /// LLaDA's rule without more.
    pub(super) fn plain(steps: usize, shape: Shape, ranking: Ranking, cfg_scale: f64) -> Self {
        Self {
            steps,
            shape,
            ranking,
            cfg_scale,
            logits_eos_inf: false,
            confidence_eos_eot_inf: false,
            eot_token_id: None,
            variant: "llada",
        }
    }

    /// How many positions each step of a block fills that begins with `masks` masks.
    fn quotas(&self, masks: usize) -> Vec<usize> {
        schedule::even(masks, (self.steps / self.shape.blocks()).max(1))
    }
}

impl BlockPolicy for LowConfidence {
    type Settings = Settings;

    const NAME: &'static str = "low_confidence";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            steps: params.count("steps")?,
            shape: Shape::of(params)?,
            ranking: Ranking::of(params)?,
            cfg_scale: params.float("cfg_scale")?,
            logits_eos_inf: params.switch("logits_eos_inf")?,
            confidence_eos_eot_inf: params.switch("confidence_eos_eot_inf")?,
            eot_token_id: u32::try_from(params.get("eot_token_id")?.as_f64() as i64).ok(),
            variant: params.name("variant")?,
        })
    }

    fn check(settings: &Settings) -> Result<(), DecodeError> {
        settings.shape.whole_blocks()?;
        let (steps, blocks) = (settings.steps, settings.shape.blocks());
        if settings.variant == "daedal_repo" || steps.is_multiple_of(blocks) {
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

    fn shape(settings: &Settings) -> Shape {
        settings.shape
    }

    fn ask(canvas: &Canvas, settings: &Settings, _: &State) -> PassOptions {
        let eos = canvas.special().eos;
        let last: Vec<u32> = [Some(eos), settings.eot_token_id].into_iter().flatten().collect();
        let tokens = |on: bool, ids: &[u32]| match on {
            true => TokenList::of(ids).unwrap_or_default(),
            false => TokenList::default(),
        };
        PassOptions {
            cfg_scale: settings.cfg_scale,
            suppressed: tokens(settings.logits_eos_inf, &[eos]),
            begin_suppressed: tokens(settings.confidence_eos_eot_inf, &last),
            ..settings.ranking.ask()
        }
    }

    fn ends(settings: &Settings, masks: usize) -> Ends {
        let quotas = settings.quotas(masks).len();
        match settings.variant {
            "fastdllm" => Ends::Full { limit: Some(quotas) },
            _ => Ends::After(quotas),
        }
    }

    fn draws(settings: &Settings) -> bool {
        settings.ranking.draws()
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        let quotas = settings.quotas(evidence.state.masks);
        let quota = quotas.get(evidence.state.step).copied().unwrap_or(0);
        Ok(Picks::quota(&settings.ranking.ranked(evidence), quota))
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::Recipe;

    #[test]
    fn what_the_reference_refuses_is_refused_with_what_to_do() {
        let check = |recipe: &str, part: Option<&str>| {
            let recipe = Recipe::parse(recipe).unwrap();
            let special = crate::canvas::SpecialTokens { mask: 5, eos: 1 };
            let started =
                recipe.strategy.start(&(&[2]).into(), special, &recipe.params(&[]).unwrap());
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
