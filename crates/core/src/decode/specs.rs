//! Declarations that several strategies share, so that one name means one thing.

use super::{Affects, ParamKind, ParamRole, ParamSpec, SWITCH};

/// Largest length and window accepted: far beyond any model's context.
pub(super) const MOST_POSITIONS: i64 = 1 << 20;

/// A probability threshold: 0..=2, since values over 1 ("never") are legal in the references.
pub(super) const fn threshold(
    name: &'static str,
    symbol: &'static str,
    default: f64,
    help: &'static str,
) -> ParamSpec {
    number(name, symbol, "probability", (0.0, 2.0, 0.01), default, help)
}

/// A number that only decisions look at: smallest, largest, step.
pub(super) const fn number(
    name: &'static str,
    symbol: &'static str,
    unit: &'static str,
    (min, max, step): (f64, f64, f64),
    default: f64,
    help: &'static str,
) -> ParamSpec {
    ParamSpec {
        name,
        aliases: &[],
        symbol,
        unit,
        help,
        kind: ParamKind::Float { min, max, step, default },
        affects: Affects::Decide,
        role: ParamRole::Other,
    }
}

/// A number of positions: smallest, default, step.
pub(super) const fn count(
    name: &'static str,
    symbol: &'static str,
    (min, default, step): (i64, i64, i64),
    affects: Affects,
    help: &'static str,
) -> ParamSpec {
    ParamSpec {
        name,
        aliases: &[],
        symbol,
        unit: "positions",
        help,
        kind: ParamKind::Int { min, max: MOST_POSITIONS, step, default },
        affects,
        role: ParamRole::Other,
    }
}

/// One of several names; the first is the default.
pub(super) const fn choice(
    name: &'static str,
    symbol: &'static str,
    options: &'static [&'static str],
    affects: Affects,
    help: &'static str,
) -> ParamSpec {
    ParamSpec {
        name,
        aliases: &[],
        symbol,
        unit: "",
        help,
        kind: ParamKind::Name { options, default: options[0] },
        affects,
        role: ParamRole::Other,
    }
}

/// A switch that the forward pass depends on.
pub(super) const fn switch(
    name: &'static str,
    symbol: &'static str,
    default: bool,
    help: &'static str,
) -> ParamSpec {
    ParamSpec {
        name,
        aliases: &[],
        symbol,
        unit: "",
        help,
        kind: ParamKind::Name { options: SWITCH, default: if default { "true" } else { "false" } },
        affects: Affects::Predict,
        role: ParamRole::Other,
    }
}

/// Token ids that the forward pass depends on.
pub(super) const fn tokens(
    name: &'static str,
    symbol: &'static str,
    help: &'static str,
) -> ParamSpec {
    ParamSpec {
        name,
        aliases: &[],
        symbol,
        unit: "",
        help,
        kind: ParamKind::Tokens,
        affects: Affects::Predict,
        role: ParamRole::Other,
    }
}

/// Length of the canvas.
pub(super) const GEN_LENGTH: ParamSpec = ParamSpec {
    aliases: &["max_new_tokens"],
    role: ParamRole::Length,
    ..count("gen_length", "L", (1, 128, 8), Affects::Start, "Length of the canvas, fixed")
};

/// Width of a block.
pub(super) const BLOCK_LENGTH: ParamSpec = ParamSpec {
    aliases: &["block_size"],
    role: ParamRole::Block,
    ..count(
        "block_length",
        "block",
        (1, 32, 1),
        Affects::Decide,
        "Width of a block; blocks are decoded one after the other",
    )
};

/// Length of a canvas that grows block after block.
pub(super) const GROWING_LENGTH: ParamSpec = ParamSpec {
    aliases: &["max_new_tokens"],
    role: ParamRole::MaxLength,
    ..count("gen_length", "L", (1, 128, 8), Affects::Predict, "Positions to generate")
};

/// Width of a block of such a canvas.
pub(super) const GROWING_BLOCK: ParamSpec = ParamSpec {
    affects: Affects::Predict,
    help: "Width of a block; a position sees its block and all before it",
    ..BLOCK_LENGTH
};

/// Where blocks of such a canvas begin.
pub(super) const GRID: ParamSpec = choice(
    "grid",
    "grid",
    &["start", "prompt"],
    Affects::Predict,
    "Where blocks are counted from: the first token, so that the prompt's end shares a block with \
     what is generated, or the end of the prompt",
);

/// Passes over the whole canvas.
pub(super) const STEPS: ParamSpec = ParamSpec {
    unit: "steps",
    role: ParamRole::Steps,
    ..count("steps", "steps", (1, 128, 1), Affects::Decide, "Steps in all, spread over the blocks")
};

/// What the masked positions are ranked by.
pub(super) const REMASKING: ParamSpec = choice(
    "remasking",
    "order",
    &["low_confidence", "random"],
    Affects::Decide,
    "What ranks positions: the confidence, or chance",
);

/// Noise on the choice of tokens.
pub(super) const TEMPERATURE: ParamSpec = ParamSpec {
    role: ParamRole::Temperature,
    affects: Affects::Predict,
    ..number(
        "temperature",
        "T",
        "",
        (0.0, 100.0, 0.1),
        0.0,
        "Gumbel noise on the choice of tokens; 0 takes the most probable",
    )
};

/// How strong classifier-free guidance is.
pub(super) const CFG_SCALE: ParamSpec = ParamSpec {
    affects: Affects::Predict,
    ..number(
        "cfg_scale",
        "cfg",
        "",
        (0.0, 100.0, 0.1),
        0.0,
        "Classifier-free guidance by a second canvas with the prompt masked; 0 is off",
    )
};

/// Seed of all noise. It decides where positions are drawn, and is part of the pass where tokens
/// are.
pub(super) const SEED: ParamSpec = ParamSpec {
    name: "seed",
    aliases: &[],
    symbol: "seed",
    unit: "",
    help: "Seed of the noise, where there is any",
    kind: ParamKind::Int { min: 0, max: i64::MAX, step: 1, default: 0 },
    affects: Affects::Predict,
    role: ParamRole::Seed,
};

/// Sampling, off by default.
pub(super) const TEMPERATURE_OFF: ParamSpec = ParamSpec {
    help: "Logits are divided by this and tokens are sampled; 0 takes the most probable",
    ..TEMPERATURE
};

/// Nucleus, off by default.
pub(super) const TOP_P_OFF: ParamSpec = ParamSpec {
    affects: Affects::Predict,
    ..number(
        "top_p",
        "p",
        "probability",
        (0.0, 1.0, 0.01),
        1.0,
        "Only the most probable tokens that together have this probability; 1 keeps all",
    )
};

/// The best tokens only, off by default.
pub(super) const TOP_K: ParamSpec = ParamSpec {
    unit: "tokens",
    ..count("top_k", "k", (0, 0, 1), Affects::Predict, "Only this many tokens; 0 keeps all")
};

/// Length of the first canvas of a run that may grow.
pub(super) const INITIAL_GEN_LENGTH: ParamSpec = ParamSpec {
    role: ParamRole::FirstLength,
    ..count("initial_gen_length", "L_init", (0, 64, 8), Affects::Start, "Masks on the first canvas")
};

/// The length that a run never grows beyond.
pub(super) const MAX_GEN_LENGTH: ParamSpec = ParamSpec {
    role: ParamRole::MaxLength,
    ..count(
        "max_gen_length",
        "L_max",
        (1, 2048, 8),
        Affects::Decide,
        "The generated region never grows beyond this",
    )
};

/// Whether a position reads the logits of the one before it.
pub(super) const fn shift(default: bool, help: &'static str) -> ParamSpec {
    ParamSpec { role: ParamRole::Shift, ..switch("right_shift_logits", "shift", default, help) }
}
