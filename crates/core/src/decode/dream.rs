//! `dream`: Dream's `diffusion_generate` (`generation_utils.py` of DreamLM/Dream): one canvas
//! without blocks, a share of the masks left each step, the surest first.
//!
//! What "sure" is depends on `alg`: the probability of the token chosen (`maskgit_plus`), its
//! margin over the second (`topk_margin`), the negative entropy (`entropy`), or chance (`origin`,
//! where each position is drawn by itself). Tokens are sampled from the filtered distribution.

use super::{
    Affects, DecodeError, FillRule, Kind, LeftRule, Mode, ParamSpec, Params,
    ask::Ask,
    blocks::{Ends, Picks, Rule, Shape, Sight, State},
    noise::Purpose,
    schedule,
    specs::{GEN_LENGTH, MOST, SEED, STEPS, TEMPERATURE, choice, count, number, switch},
};
use crate::{
    canvas::Canvas,
    predict::{Column, Filters, Score},
};

const SPECS: &[ParamSpec] = &[
    ParamSpec {
        kind: Kind::Int { min: 1, max: MOST, step: 1, default: 512 },
        help: "Steps",
        ..STEPS
    },
    ParamSpec {
        name: "max_new_tokens",
        aliases: &["gen_length"],
        kind: Kind::Int { min: 1, max: MOST, step: 8, default: 512 },
        ..GEN_LENGTH
    },
    choice(
        "alg",
        "alg",
        &["entropy", "origin", "maskgit_plus", "topk_margin"],
        Affects::Predict,
        "What ranks positions: entropy, chance, the best token's probability, or its margin",
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
        kind: Kind::Float { min: 0.0, max: 100.0, step: 0.1, default: 0.2 },
        ..TEMPERATURE_OFF
    },
    ParamSpec { kind: Kind::Float { min: 0.0, max: 1.0, step: 0.01, default: 0.95 }, ..TOP_P_OFF },
    TOP_K,
    number(
        "eps",
        "ε",
        "",
        (1e-6, 0.5, 1e-3),
        1e-3,
        "Where the time of the schedule ends; it begins at 1",
    ),
    switch(
        "right_shift_logits",
        "shift",
        true,
        "A position reads the logits of the one before it, as Dream models want it",
    ),
    SEED,
];

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

/// A pass over filtered logits, from which tokens are sampled with a temperature over 0.
pub(super) fn filtered(params: &Params) -> Result<Ask, DecodeError> {
    let temperature = params.float("temperature")?;
    let (top_p, top_k) = (params.float("top_p")?, params.count("top_k")?);
    let filters = Filters { temperature, top_p, top_k, strict: false };
    Ok(Ask {
        columns: PLAIN,
        // The logits are divided already: noise of this strength draws from their softmax.
        temperature: if temperature > 0.0 { 1.0 } else { 0.0 },
        seed: params.seed("seed")?,
        filters: (temperature > 0.0 || top_p < 1.0 || top_k > 0).then_some(filters),
        ..Ask::default()
    })
}

/// The strategy.
pub(super) struct Dream;

impl Rule for Dream {
    fn name(&self) -> &'static str {
        "dream"
    }

    fn params(&self) -> &'static [ParamSpec] {
        SPECS
    }

    fn shape(&self, params: &Params) -> Result<Shape, DecodeError> {
        let length = params.count("max_new_tokens")?;
        Ok(Shape { length, block: length })
    }

    fn ask(&self, _: &Canvas, params: &Params, _: &State) -> Result<Ask, DecodeError> {
        let score = match params.name("alg")? {
            "topk_margin" => Some(Score::Margin),
            "entropy" => Some(Score::NegEntropy),
            _ => None,
        };
        Ok(Ask {
            columns: if score.is_some() { SCORED } else { PLAIN },
            score,
            shift: Some(params.switch("right_shift_logits")?),
            ..filtered(params)?
        })
    }

    fn ends(&self, params: &Params, _: usize) -> Result<Ends, DecodeError> {
        Ok(Ends::After(params.count("steps")?))
    }

    fn draws(&self, _: &Params) -> Result<bool, DecodeError> {
        Ok(true)
    }

    fn pick(&self, sight: &Sight, params: &Params) -> Result<Picks, DecodeError> {
        let (steps, eps, step) = (params.count("steps")?, params.float("eps")?, sight.state.step);
        let place = sight.place(params.seed("seed")?);
        let slot = |at: usize| sight.canvas.cells()[at].slot;
        if params.name("alg")? == "origin" {
            let last = step + 1 >= steps;
            let chance = if last { 1.0 } else { schedule::dream_share(step, steps, eps) };
            let mut picks = Picks { mode: Mode::Quota, filled: Vec::new(), left: Vec::new() };
            for &at in &sight.candidates {
                match place.uniform(Purpose::Fill, slot(at)) < f64::from(chance) {
                    true => picks.filled.push((at, FillRule::Drawn { chance })),
                    false => picks.left.push((at, LeftRule::NotDrawn { chance })),
                }
            }
            return Ok(picks);
        }
        let score = match params.name("alg")? {
            "maskgit_plus" => sight.p,
            _ => sight.prediction.numbers(Column::Score)?,
        };
        if let Some(&at) = sight.candidates.iter().find(|&&at| !score[at].is_finite()) {
            return Err(DecodeError::NotFinite(at));
        }
        let alg_temp = params.float("alg_temp")?;
        // The greatest of scores with Gumbel noise are drawn by their softmax, without repetition.
        let ranked = sight.ranked(|at| match alg_temp > 0.0 {
            true => f64::from(score[at]) / alg_temp + place.gumbel(Purpose::Fill, slot(at)),
            false => f64::from(score[at]),
        });
        let quota = schedule::dream(sight.candidates.len(), step, steps, eps);
        Ok(Picks::quota(&ranked, quota))
    }
}

const PLAIN: &[Column] = &[Column::Argmax, Column::Choice, Column::PChoice, Column::PEos];
pub(super) const SCORED: &[Column] =
    &[Column::Argmax, Column::Choice, Column::PChoice, Column::PEos, Column::Score];
