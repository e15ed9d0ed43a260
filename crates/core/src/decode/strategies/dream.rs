//! `dream`: Dream's `diffusion_generate` (`generation_utils.py` of DreamLM/Dream): one canvas
//! without blocks, a share of the masks left each step, the most confident first.
//!
//! What "sure" is depends on `alg`: the probability of the token chosen (`maskgit_plus`), its
//! margin over the second (`topk_margin`), the negative entropy (`entropy`), or chance (`origin`,
//! where each position is drawn by itself). Tokens are sampled from the filtered distribution.

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, FillRule, LeftRule, Mode, ParamKind, ParamSpec, Params,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Picks, Shape, State},
        filtering::{Filtering, PLAIN, SCORED},
        noise::Purpose,
        schedule,
        specs::{
            GEN_LENGTH, MOST_POSITIONS, SEED, STEPS, TEMPERATURE_OFF, TOP_K, TOP_P_OFF, choice,
            number, shift,
        },
    },
    predict::{Column, Score},
};

const SPECS: &[ParamSpec] = &[
    ParamSpec {
        kind: ParamKind::Int { min: 1, max: MOST_POSITIONS, step: 1, default: 512 },
        help: "Steps",
        ..STEPS
    },
    ParamSpec {
        name: "max_new_tokens",
        aliases: &["gen_length"],
        kind: ParamKind::Int { min: 1, max: MOST_POSITIONS, step: 8, default: 512 },
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
        kind: ParamKind::Float { min: 0.0, max: 100.0, step: 0.1, default: 0.2 },
        ..TEMPERATURE_OFF
    },
    ParamSpec {
        kind: ParamKind::Float { min: 0.0, max: 1.0, step: 0.01, default: 0.95 },
        ..TOP_P_OFF
    },
    TOP_K,
    number(
        "eps",
        "ε",
        "",
        (1e-6, 0.5, 1e-3),
        1e-3,
        "Where the time of the schedule ends; it begins at 1",
    ),
    shift(true, "A position reads the logits of the one before it, as Dream models want it"),
    SEED,
];

pub(in crate::decode) struct Dream;

pub(in crate::decode) struct Settings {
    steps: usize,
    length: usize,
    rank: Rank,
    alg_temp: f64,
    filtering: Filtering,
    eps: f64,
    shift: bool,
}

/// What positions are ranked by.
#[derive(Clone, Copy, PartialEq)]
enum Rank {
    /// Chance: every position is drawn by itself.
    Chance,
    /// The probability of the choice.
    Confidence,
    /// A score of the prediction.
    Score(Score),
}

impl BlockPolicy for Dream {
    type Settings = Settings;

    const NAME: &'static str = "dream";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            steps: params.count("steps")?,
            length: params.count("max_new_tokens")?,
            rank: match params.name("alg")? {
                "origin" => Rank::Chance,
                "maskgit_plus" => Rank::Confidence,
                "topk_margin" => Rank::Score(Score::Margin),
                _ => Rank::Score(Score::NegEntropy),
            },
            alg_temp: params.float("alg_temp")?,
            filtering: Filtering::of(params)?,
            eps: params.float("eps")?,
            shift: params.switch("right_shift_logits")?,
        })
    }

    fn shape(settings: &Settings) -> Shape {
        Shape { length: settings.length, block: settings.length }
    }

    fn ask(_: &Canvas, settings: &Settings, _: &State) -> PassOptions {
        let score = match settings.rank {
            Rank::Score(score) => Some(score),
            Rank::Chance | Rank::Confidence => None,
        };
        PassOptions {
            columns: if score.is_some() { SCORED } else { PLAIN },
            score,
            shift: Some(settings.shift),
            ..settings.filtering.ask()
        }
    }

    fn ends(settings: &Settings, _: usize) -> Ends {
        Ends::After(settings.steps)
    }

    fn draws(_: &Settings) -> bool {
        true
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        let &Settings { steps, eps, alg_temp, .. } = settings;
        let step = evidence.state.step;
        let place = evidence.place(settings.filtering.seed);
        let slot = |at: usize| evidence.canvas.cells()[at].slot;
        if settings.rank == Rank::Chance {
            let last = step + 1 >= steps;
            let chance = if last { 1.0 } else { schedule::dream_share(step, steps, eps) };
            let mut picks = Picks { mode: Mode::Quota, filled: Vec::new(), left: Vec::new() };
            for &at in &evidence.candidates {
                match place.uniform(Purpose::Fill, slot(at)) < f64::from(chance) {
                    true => picks.filled.push((at, FillRule::Drawn { chance })),
                    false => picks.left.push((at, LeftRule::NotDrawn { chance })),
                }
            }
            return Ok(picks);
        }
        let score = match settings.rank {
            Rank::Confidence => evidence.p,
            _ => evidence.prediction.numbers(Column::Score)?,
        };
        evidence.finite(score)?;
        // The greatest of scores with Gumbel noise are drawn by their softmax, without repetition.
        let ranked = evidence.ranked(|at| match alg_temp > 0.0 {
            true => f64::from(score[at]) / alg_temp + place.gumbel(Purpose::Fill, slot(at)),
            false => f64::from(score[at]),
        });
        let quota = schedule::dream(evidence.candidates.len(), step, steps, eps);
        Ok(Picks::quota(&ranked, quota))
    }
}
