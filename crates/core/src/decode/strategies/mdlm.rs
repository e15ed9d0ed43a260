//! `mdlm`: dLLM's sampler for masked diffusion models (`dllm/core/samplers/mdlm.py` of
//! ZHZisZZ/dllm), under its linear schedule, without its stochastic transfer.
//!
//! Lengths need not be multiples of the block: the last one may be shorter.

use crate::{
    canvas::Canvas,
    decode::{
        DecodeError, ParamKind, ParamSpec, Params, TokenList,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Picks, Shape, State},
        ranking::Ranking,
        schedule,
        specs::{
            BLOCK_LENGTH, CFG_SCALE, GEN_LENGTH, MOST_POSITIONS, REMASKING, SEED, STEPS,
            TEMPERATURE, shift, tokens,
        },
    },
};

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
        "Token ids that get no confidence, at every step: they are unmasked last",
    ),
    shift(
        false,
        "A position reads the logits of the one before it, as models converted from autoregressive \
         ones want it",
    ),
    SEED,
];

/// The reference has one block for its whole default length.
const WIDE_BLOCK: ParamSpec = ParamSpec {
    kind: ParamKind::Int { min: 1, max: MOST_POSITIONS, step: 1, default: 128 },
    ..BLOCK_LENGTH
};

pub(in crate::decode) struct Mdlm;

pub(in crate::decode) struct Settings {
    steps: usize,
    shape: Shape,
    ranking: Ranking,
    cfg_scale: f64,
    shift: bool,
    suppress: TokenList,
    begin_suppress: TokenList,
}

impl BlockPolicy for Mdlm {
    type Settings = Settings;

    const NAME: &'static str = "mdlm";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        let (length, block) = (params.count("max_new_tokens")?, params.count("block_size")?);
        Ok(Settings {
            steps: params.count("steps")?,
            shape: Shape { length, block },
            ranking: Ranking::of(params)?,
            cfg_scale: params.float("cfg_scale")?,
            shift: params.switch("right_shift_logits")?,
            suppress: params.tokens("suppress_tokens")?,
            begin_suppress: params.tokens("begin_suppress_tokens")?,
        })
    }

    fn shape(settings: &Settings) -> Shape {
        settings.shape
    }

    fn ask(_: &Canvas, settings: &Settings, _: &State) -> PassOptions {
        PassOptions {
            cfg_scale: settings.cfg_scale,
            shift: Some(settings.shift),
            suppressed: settings.suppress,
            begin_suppressed: settings.begin_suppress,
            ..settings.ranking.ask()
        }
    }

    fn ends(settings: &Settings, masks: usize) -> Ends {
        Ends::After(quotas(settings.steps, settings.shape, masks).len())
    }

    fn draws(settings: &Settings) -> bool {
        settings.ranking.draws()
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        let quotas = quotas(settings.steps, settings.shape, evidence.state.masks);
        let quota = quotas.get(evidence.state.step).copied().unwrap_or(0);
        Ok(Picks::quota(&settings.ranking.ranked(evidence), quota))
    }
}

/// How many positions each step of a block fills.
pub(super) fn quotas(steps: usize, shape: Shape, masks: usize) -> Vec<usize> {
    schedule::linear(masks, steps.div_ceil(shape.blocks()))
}
