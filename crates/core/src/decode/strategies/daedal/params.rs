//! DAEDAL's parameters under the reference's names, with its defaults.

use crate::decode::{
    Affects, DecodeError, ParamSpec, Params, Preset, Value,
    specs::{
        BLOCK_LENGTH, CFG_SCALE, INITIAL_GEN_LENGTH, MAX_GEN_LENGTH, SEED, TEMPERATURE, count,
        threshold,
    },
};

/// The declarations, in the order of the screen.
pub const SPECS: &[ParamSpec] = &[
    threshold(
        "high_conf_threshold",
        "τ_high",
        0.9,
        "Stage 2 unmasks every position of the block whose confidence is strictly over this",
    ),
    threshold(
        "low_conf_threshold",
        "τ_low",
        0.1,
        "Stage 2 may expand the least confident masked position of the block if it is strictly \
         under this",
    ),
    threshold(
        "eos_confidence_threshold",
        "τ_eos",
        0.5,
        "Stage 1 adds masks while the EOS confidence is strictly under this",
    ),
    threshold(
        "expand_eos_confidence_threshold",
        "τ_expand",
        0.9,
        "Stage 2 expands only while the EOS confidence is strictly under this",
    ),
    count(
        "eos_check_tokens",
        "W_eos",
        (1, 32, 1),
        Affects::Decide,
        "How many EOS predictions from the tail the EOS confidence counts, and what it divides by",
    ),
    count(
        "expansion_factor",
        "E_factor",
        (0, 8, 1),
        Affects::Decide,
        "How many masks a stage 1 step adds, and how many replace an expanded position in stage 2",
    ),
    ParamSpec { aliases: &[], help: "Width of the block unmasked in stage 2", ..BLOCK_LENGTH },
    MAX_GEN_LENGTH,
    INITIAL_GEN_LENGTH,
    ParamSpec {
        help: "Gumbel noise on the choice of tokens in stage 2; 0 takes the most probable",
        ..TEMPERATURE
    },
    ParamSpec {
        help: "Classifier-free guidance in stage 2, by a second canvas with the prompt masked; 0 is off",
        ..CFG_SCALE
    },
    ParamSpec { help: "Seed of the noise, used with a temperature over 0", ..SEED },
];

/// Nothing is added in stage 1.
const NO_GROWTH: (&str, Value) = ("eos_confidence_threshold", Value::Float(0.0));
/// Nothing is expanded in stage 2.
const NO_EXPANSION: (&str, Value) = ("low_conf_threshold", Value::Float(0.0));

/// The paper's ablation (either stage alone, both, none), and its form for holes.
pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "stage-1",
        help: "stage 1 alone: the length is adjusted at the start, nothing is expanded later",
        values: &[NO_EXPANSION],
    },
    Preset {
        name: "stage-2",
        help: "stage 2 alone: positions are expanded, the initial length is taken as it is",
        values: &[NO_GROWTH],
    },
    Preset {
        name: "both-stages",
        help: "both stages under the reference's thresholds",
        values: &[
            ("eos_confidence_threshold", Value::Float(0.5)),
            ("low_conf_threshold", Value::Float(0.1)),
        ],
    },
    Preset {
        name: "infill",
        help: "DAEDAL as it was published for filling holes (arXiv 2602.00476): stage 2 alone, on few masks",
        values: &[
            NO_GROWTH,
            ("initial_gen_length", Value::Int(8)),
            ("max_gen_length", Value::Int(128)),
            ("eos_check_tokens", Value::Int(8)),
            ("expansion_factor", Value::Int(2)),
            ("low_conf_threshold", Value::Float(0.3)),
        ],
    },
    Preset {
        name: "fixed",
        help: "a fixed length: nothing is added in stage 1, nothing is expanded in stage 2",
        values: &[NO_GROWTH, NO_EXPANSION],
    },
];

/// The parameters, typed. Thresholds are f32, since the reference compares in f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// L_init: positions of the first canvas.
    pub initial_gen_length: usize,
    /// L_max: positions of the longest canvas.
    pub max_gen_length: usize,
    /// Width of a block, positions.
    pub block_length: usize,
    /// E_factor: masks that an expanded position becomes.
    pub expansion_factor: usize,
    /// W_eos: the most positions whose P(EOS) is summed, and what the sum is divided by.
    pub eos_check_tokens: usize,
    /// τ_high: what is more confident is unmasked.
    pub high_conf_threshold: f32,
    /// τ_low: what is less confident may be expanded.
    pub low_conf_threshold: f32,
    /// τ_eos: stage 1 appends masks while the EOS confidence is under it.
    pub eos_confidence_threshold: f32,
    /// τ_expand: stage 2 expands only where the EOS confidence is lower.
    pub expand_eos_confidence_threshold: f32,
    /// T, the temperature of the noise on the choice; 0 is none.
    pub temperature: f64,
    /// Scale of the guidance; 0 is none.
    pub cfg_scale: f64,
    /// Seed of the noise.
    pub seed: u64,
}

impl Settings {
    /// Reads the parameters.
    ///
    /// # Errors
    /// If one is missing: `params` are another strategy's.
    pub fn of(params: &Params) -> Result<Self, DecodeError> {
        Ok(Self {
            initial_gen_length: params.count("initial_gen_length")?,
            max_gen_length: params.count("max_gen_length")?,
            block_length: params.count("block_length")?,
            expansion_factor: params.count("expansion_factor")?,
            eos_check_tokens: params.count("eos_check_tokens")?,
            high_conf_threshold: params.float("high_conf_threshold")? as f32,
            low_conf_threshold: params.float("low_conf_threshold")? as f32,
            eos_confidence_threshold: params.float("eos_confidence_threshold")? as f32,
            expand_eos_confidence_threshold: params.float("expand_eos_confidence_threshold")?
                as f32,
            temperature: params.float("temperature")?,
            cfg_scale: params.float("cfg_scale")?,
            seed: params.seed("seed")?,
        })
    }
}
