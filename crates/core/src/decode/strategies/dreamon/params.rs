//! The parameters of `dreamon`, under the names of DreamOn's programs, with the defaults of its evaluation.

use crate::{
    canvas::TokenId,
    decode::{
        Affects, DecodeError, ParamKind, ParamRole, ParamSpec, Params, Preset, TokenList, Value,
        filtering::Filtering,
        specs::{
            MOST_POSITIONS, SEED, STEPS, TEMPERATURE_OFF, TOP_K, TOP_P_OFF, choice, count, number,
            shift, switch, tokens,
        },
    },
    predict::Score,
};

/// The parameter that says which token becomes two masks.
const EXPAND_TOKEN: &str = "expand_token_id";

/// The declarations, in the order of the screen.
pub(super) const SPECS: &[ParamSpec] = &[
    tokens(
        EXPAND_TOKEN,
        "expand",
        "The token that becomes two masks where it is predicted; <|expand|> where the model has it",
    ),
    ParamSpec {
        aliases: &["initial_gen_length"],
        role: ParamRole::FirstLength,
        ..count("min_gen_len", "L_init", (1, 4, 1), Affects::Start, "Masks on the first canvas")
    },
    ParamSpec {
        aliases: &["max_new_tokens", "max_gen_length"],
        role: ParamRole::MaxLength,
        ..count(
            "max_gen_len",
            "L_max",
            (1, 64, 8),
            Affects::Predict,
            "Once so many positions are generated, nothing expands",
        )
    },
    ParamSpec {
        unit: "expansions",
        ..count(
            "expand_budget",
            "budget",
            (-1, -1, 1),
            Affects::Predict,
            "Expansions in all; -1 is as many as max_gen_len",
        )
    },
    ParamSpec { help: "Steps in all", ..STEPS },
    count(
        "number_transfer_tokens",
        "n",
        (1, 1, 1),
        Affects::Decide,
        "How many positions a step decides, the best",
    ),
    choice(
        "alg",
        "alg",
        &["entropy", "maskgit_plus", "topk_margin"],
        Affects::Predict,
        "What ranks positions: entropy, the best token's probability, or its margin",
    ),
    number(
        "alg_temp",
        "T_alg",
        "",
        (0.0, 100.0, 0.1),
        0.0,
        "Noise on the order of positions; 0 is none",
    ),
    ParamSpec {
        affects: Affects::Decide,
        ..switch(
            "delete_eos_token",
            "delete",
            true,
            "A mask at which the end of sequence is predicted is deleted, not filled",
        )
    },
    ParamSpec {
        affects: Affects::Decide,
        ..switch(
            "pad_eos_to_right",
            "pad",
            true,
            "All masks behind the first end-of-sequence token count as ends of sequence",
        )
    },
    ParamSpec {
        kind: ParamKind::Float { min: 0.0, max: 100.0, step: 0.1, default: 0.1 },
        ..TEMPERATURE_OFF
    },
    ParamSpec {
        kind: ParamKind::Float { min: 0.0, max: 1.0, step: 0.01, default: 0.9 },
        ..TOP_P_OFF
    },
    TOP_K,
    shift(true, "A position reads the logits of the one before it, as Dream models want it"),
    SEED,
];

/// What the published programs set.
pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "dreamon-eval",
        help: "the scripts of DreamOn's evaluation on infilling: more steps, more noise",
        values: &[("steps", Value::Int(256)), ("temperature", Value::Float(0.2))],
    },
    Preset {
        name: "dreamon-model",
        help: "the checkpoint's own generation, as its page has it: an end of sequence deletes its mask alone",
        values: &[
            ("steps", Value::Int(MOST_POSITIONS)),
            ("expand_budget", Value::Int(128)),
            ("pad_eos_to_right", Value::Name("false")),
            ("temperature", Value::Float(0.2)),
        ],
    },
];

/// The parameters, typed.
pub(in crate::decode) struct Settings {
    /// The tokens named as the one that becomes two masks.
    pub named: TokenList,
    pub first_length: usize,
    pub max_length: usize,
    /// Expansions of a run.
    pub budget: usize,
    pub steps: usize,
    /// Positions that a step decides.
    pub quota: usize,
    /// What positions are ranked by; `None` is the probability of the choice.
    pub score: Option<Score>,
    pub alg_temp: f64,
    pub deletes: bool,
    pub pads: bool,
    pub filtering: Filtering,
    pub shift: bool,
}

impl Settings {
    pub(super) fn of(params: &Params) -> Result<Self, DecodeError> {
        let max_length = params.count("max_gen_len")?;
        let budget = params.float("expand_budget")?;
        Ok(Self {
            named: params.tokens(EXPAND_TOKEN)?,
            first_length: params.count("min_gen_len")?,
            max_length,
            budget: if budget < 0.0 { max_length } else { budget as usize },
            steps: params.count("steps")?,
            quota: params.count("number_transfer_tokens")?,
            score: match params.name("alg")? {
                "maskgit_plus" => None,
                "topk_margin" => Some(Score::Margin),
                _ => Some(Score::NegEntropy),
            },
            alg_temp: params.float("alg_temp")?,
            deletes: params.switch("delete_eos_token")?,
            pads: params.switch("pad_eos_to_right")?,
            filtering: Filtering::of(params)?,
            shift: params.switch("right_shift_logits")?,
        })
    }

    /// The token that becomes two masks, if there is exactly one.
    pub(super) fn expand(&self) -> Option<TokenId> {
        match self.named.ids() {
            [token] => Some(*token),
            _ => None,
        }
    }

    /// True if a step that changed nothing may be followed by one that does, since it draws anew.
    pub(super) fn draws(&self) -> bool {
        self.alg_temp > 0.0 || self.filtering.temperature > 0.0
    }
}
