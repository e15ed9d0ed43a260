//! `threshold`: a fixed length in blocks; every position whose confidence reaches the threshold
//! is filled, else the best (Fast-dLLM, `llada/generate.py` of NVlabs/Fast-dLLM, without caches).
//!
//! Variant `dllm` is dLLM's port, where a length may end in a shorter block. On a prediction of
//! the mask token both would go on for ever; here such a run is stagnant.

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, ParamSpec, Params, Value,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Picks, Shape, State},
        ranking::Ranking,
        specs::{BLOCK_LENGTH, GEN_LENGTH, REMASKING, SEED, STEPS, TEMPERATURE, choice, threshold},
    },
};

const SPECS: &[ParamSpec] = &[
    threshold(
        "threshold",
        "τ",
        0.9,
        "Every masked position up to the end of the block whose confidence is at least this is \
         unmasked; if none is, the best",
    ),
    GEN_LENGTH,
    BLOCK_LENGTH,
    REMASKING,
    TEMPERATURE,
    UNUSED_STEPS,
    VARIANT,
    SEED,
];

/// `steps`, which the source takes and does not use.
const UNUSED_STEPS: ParamSpec = ParamSpec {
    help: "Has no effect: a block takes the passes it needs. The reference only wants it to divide",
    ..STEPS
};

/// Which of two programs the rule is that of.
pub(super) const VARIANT: ParamSpec = choice(
    "variant",
    "variant",
    &["nvlabs", "dllm"],
    Affects::Decide,
    "Whose version: Fast-dLLM's own, or dLLM's port of it",
);

pub(in crate::decode) struct Threshold;

pub(in crate::decode) struct Settings {
    threshold: f32,
    shape: Shape,
    ranking: Ranking,
    port: bool,
}

impl BlockPolicy for Threshold {
    type Settings = Settings;

    const NAME: &'static str = "threshold";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            threshold: params.float("threshold")? as f32,
            shape: Shape::of(params)?,
            ranking: Ranking::of(params)?,
            port: is_port(params)?,
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

    fn ends(_: &Settings, _: usize) -> Ends {
        Ends::Full { limit: None }
    }

    fn draws(settings: &Settings) -> bool {
        settings.ranking.draws()
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        Ok(settings.ranking.reaching(evidence, settings.threshold))
    }

    fn breaks(
        name: &str,
        evidence: &BlockEvidence,
        settings: &Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        Ok((name == "threshold").then(|| settings.ranking.bounds(evidence)))
    }
}

/// True for dLLM's port.
pub(super) fn is_port(params: &Params) -> Result<bool, DecodeError> {
    Ok(params.name(VARIANT.name)? == "dllm")
}
