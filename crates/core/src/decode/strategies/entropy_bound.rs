//! `entropy_bound`: noise in the place of masks (`EntropyBoundScheduler` of diffusers, which DiffusionGemma
//! is sampled with).
//!
//! A position without a token holds a random one, drawn anew for each pass. A step samples a token
//! for every position and accepts those of least entropy, as long as Σ H − max H stays within
//! `entropy_bound`: they hold what was sampled, whatever they held before. All others lose what they
//! held and are noise again. The temperature falls from `t_max` to `t_min`.
//!
//! What the pipelines around it do is left out: further canvases, self-conditioning, and an early end where
//! predictions are stable. A canvas of masks shows which positions are noise; a sampled mask
//! token is not written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canvas::{Canvas, Edit, FixedText, SpecialTokens},
    decode::{
        Affects, DecisionOf, DecodeError, FillRule, Finish, Growth, LeftRule, Measure, Mode,
        ParamKind, ParamRole, ParamSpec, Params, Phase, Plan, RemaskRule, Test, Value, Verdict,
        ask::{InputNoise, PassOptions},
        filtering::SCORED,
        specs::{GEN_LENGTH, SEED, count, number},
        strategy::{Context, Strategy},
    },
    predict::{Column, Filters, Prediction, Score},
};

const SPECS: &[ParamSpec] = &[
    number(
        "entropy_bound",
        "γ",
        "",
        (0.0, 1000.0, 0.01),
        0.1,
        "Positions are accepted while Σ H − max H of them is at most this",
    ),
    ParamSpec {
        affects: Affects::Predict,
        ..number("t_max", "T_max", "", (0.01, 100.0, 0.1), 0.8, "Temperature of the first step")
    },
    ParamSpec {
        affects: Affects::Predict,
        ..number("t_min", "T_min", "", (0.01, 100.0, 0.1), 0.4, "Temperature behind the last step")
    },
    ParamSpec {
        unit: "steps",
        role: ParamRole::Steps,
        ..count("num_inference_steps", "steps", (1, 32, 1), Affects::Predict, "Steps in all")
    },
    ParamSpec {
        kind: ParamKind::Int { min: 1, max: 1 << 20, step: 8, default: 256 },
        ..GEN_LENGTH
    },
    ParamSpec {
        unit: "tokens",
        ..count(
            "vocab_size",
            "V",
            (1, 256, 1),
            Affects::Predict,
            "Noise is drawn from the first so many tokens; the model's vocabulary where it says its size",
        )
    },
    SEED,
];

/// What `entropy_bound` remembers between steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EntropyBoundState")]
pub struct State {
    /// Steps made.
    pub step: usize,
}

/// The strategy `entropy_bound`: noise, tokens accepted in order of entropy, and noise again.
#[derive(Debug, Clone, Copy)]
pub struct EntropyBound;

pub(in crate::decode) struct Settings {
    bound: f32,
    t_max: f64,
    t_min: f64,
    steps: usize,
    length: usize,
    vocabulary: u32,
    seed: u64,
}

/// Positions that are decided anew, least entropy first, each with Σ H − max H of those up to it.
fn sums(canvas: &Canvas, prediction: &Prediction) -> Result<Vec<(usize, f32)>, DecodeError> {
    let score = prediction.numbers(Column::Score)?;
    let mut ranked: Vec<usize> =
        (0..canvas.len()).filter(|&at| !canvas.cells()[at].is_fixed()).collect();
    if let Some(&at) = ranked.iter().find(|&&at| !score[at].is_finite()) {
        return Err(DecodeError::NotFinite(at));
    }
    ranked.sort_by(|&a, &b| score[b].total_cmp(&score[a]));
    // As `torch.cumsum` on a CPU: summed in f64, each sum rounded.
    let mut sum = 0.0_f64;
    let summed = ranked.into_iter().map(|at| {
        sum -= f64::from(score[at]);
        (at, sum as f32 + score[at])
    });
    Ok(summed.collect())
}

impl Strategy for EntropyBound {
    type State = State;
    type Settings = Settings;

    const NAME: &'static str = "entropy_bound";
    const PARAMS: &'static [ParamSpec] = SPECS;
    const CHANGES_TOKENS: bool = true;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            bound: params.float("entropy_bound")? as f32,
            t_max: params.float("t_max")?,
            t_min: params.float("t_min")?,
            steps: params.count("num_inference_steps")?,
            length: params.count(GEN_LENGTH.name)?,
            vocabulary: u32::try_from(params.count("vocab_size")?).unwrap_or(u32::MAX),
            seed: params.seed(SEED.name)?,
        })
    }

    fn start(
        settings: &Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, State), DecodeError> {
        Ok((text.canvas(settings.length, special), State { step: 0 }))
    }

    fn plan(at: Context<Self>) -> Plan<PassOptions> {
        let Context { canvas, state, settings } = at;
        let free = canvas.cells().iter().any(|cell| !cell.is_fixed());
        if state.step >= settings.steps || !free {
            let noise = canvas.masks() > 0;
            return Plan::Done(if noise { Finish::OutOfSteps } else { Finish::Complete });
        }
        let left = (settings.steps - state.step) as f64 / settings.steps as f64;
        let temperature = settings.t_min + (settings.t_max - settings.t_min) * left;
        Plan::Predict(PassOptions {
            columns: SCORED,
            score: Some(Score::NegEntropy),
            filters: Some(Filters { temperature, top_p: 1.0, top_k: 0, strict: false }),
            // The logits are divided already: noise of this strength draws from their softmax.
            temperature: 1.0,
            seed: settings.seed,
            noise: Some(InputNoise {
                seed: settings.seed,
                step: state.step as u64,
                vocabulary: settings.vocabulary,
            }),
            ..PassOptions::default()
        })
    }

    fn decide(
        at: Context<Self>,
        prediction: &Prediction,
    ) -> Result<DecisionOf<State>, DecodeError> {
        let Context { canvas, state, settings } = at;
        let (choice, p) = (prediction.ids(Column::Choice)?, prediction.numbers(Column::PChoice)?);
        let (mask, bound) = (canvas.special().mask, settings.bound);
        let mut verdicts: Vec<Verdict> = (0..canvas.len())
            .map(|at| match canvas.is_masked(at) {
                true => Verdict::Left { p: p[at], rule: LeftRule::Pinned },
                false => Verdict::Unchanged,
            })
            .collect();
        let mut edits = Vec::new();
        for (at, value) in sums(canvas, prediction)? {
            if !p[at].is_finite() {
                return Err(DecodeError::NotFinite(at));
            }
            let (cell, token, p) = (canvas.cells()[at], choice[at], p[at]);
            let (slot, was) = (cell.slot, cell.token);
            let test = Test { measure: Measure::Entropy, value, bound };
            let rule = FillRule::Passes(test);
            let held = was != mask;
            verdicts[at] = match value <= bound {
                false if held => {
                    edits.push(Edit::Remask { slot });
                    Verdict::Remask { token: was, p: Some(p), rule: RemaskRule::Fails(test) }
                }
                false => Verdict::Left { p, rule: LeftRule::Fails(test) },
                true if token == mask && held => {
                    edits.push(Edit::Remask { slot });
                    Verdict::Remask { token: was, p: None, rule: RemaskRule::PredictsMask }
                }
                true if token == mask => Verdict::Left { p, rule: LeftRule::PredictsMask },
                true if token == was => Verdict::Unchanged,
                true if held => {
                    edits.push(Edit::Replace { slot, token });
                    Verdict::Replace { was, token, p, rule, threshold: None }
                }
                true => {
                    edits.push(Edit::Fill { slot, token });
                    Verdict::Fill { token, p, rule, threshold: None }
                }
            };
        }
        Ok(DecisionOf {
            mode: Mode::HighConf,
            edits,
            verdicts: verdicts.into(),
            dropped: Vec::new(),
            eos: None,
            growth: Growth::Stays,
            next: State { step: state.step + 1 },
        })
    }

    fn edited(at: Context<Self>) -> State {
        // What is remasked behind the last step is to be filled again.
        let over = at.state.step >= at.settings.steps;
        State { step: if over { 0 } else { at.state.step } }
    }

    fn breaks(
        at: Context<Self>,
        name: &str,
        _: Value,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        Ok(match name {
            "entropy_bound" => {
                let sums = sums(at.canvas, prediction)?;
                Some(sums.into_iter().map(|(_, sum)| Value::Float(f64::from(sum))).collect())
            }
            _ => None,
        })
    }

    fn phase(_: Context<Self>) -> Phase {
        Phase { stage: 1, name: "denoising", block: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        canvas::TokenId,
        decode::{AnyStrategy, Extras, State as AnyState},
        predict::Data,
    };

    const MASK: TokenId = 9;

    #[test]
    fn positions_are_accepted_in_order_of_entropy_and_the_others_are_noise_again() {
        let special = SpecialTokens { mask: MASK, eos: 8 };
        // Entropies .5, .1, .2, .3; sums without the greatest: .6, 0, .1, .3.
        let check = |tokens: &[TokenId], bound: f64, after: &[TokenId], names: &str| {
            let canvas = Canvas::holding([1], tokens, special);
            let mut params = Params::defaults(SPECS);
            params.set("entropy_bound", Value::Float(bound)).unwrap();
            let prediction = Prediction::new(4)
                .with(Column::Choice, Data::Ids(vec![5, 6, 4, 7]))
                .with(Column::PChoice, Data::Numbers(vec![0.5, 0.9, 0.8, 0.7]))
                .with(Column::Score, Data::Numbers(vec![-0.5, -0.1, -0.2, -0.3]));
            let state = AnyState::EntropyBound(State { step: 0 });
            let decision = EntropyBound.decide(&canvas, &state, &params, &prediction).unwrap();
            assert_eq!(canvas.apply(&decision.edits, 1).unwrap().canvas.tokens(), after);
            let found: Vec<&str> = decision.verdicts.iter().map(Verdict::name).collect();
            assert_eq!(found.join(" "), names);
        };
        let m = MASK;
        check(&[m, m, m, m], 0.0, &[m, 6, m, m], "left fill left left");
        check(&[m, m, m, m], 0.15, &[m, 6, 4, m], "left fill fill left");
        check(&[5, 2, 4, m], 0.15, &[m, 6, 4, m], "remask replace written left");
        check(&[m, m, m, m], 1.0, &[5, 6, 4, 7], "fill fill fill fill");
    }

    #[test]
    fn masks_are_given_to_the_model_as_noise() {
        let special = SpecialTokens { mask: MASK, eos: 8 };
        let canvas = Canvas::holding([1], &[MASK, 3, MASK], special);
        let mut params = Params::defaults(SPECS);
        params.set("vocab_size", Value::Int(5)).unwrap();
        let ids = |step: usize| {
            let state = AnyState::EntropyBound(State { step });
            let Plan::Predict(request) =
                EntropyBound.plan(&canvas, &state, &params, 1, Extras::NONE).unwrap()
            else {
                panic!("no pass")
            };
            request.pass.ids
        };
        for step in 0..8 {
            let ids = ids(step);
            assert_eq!((ids[0], ids[2]), (1, 3));
            assert!(ids[1] < 5 && ids[3] < 5, "{ids:?}");
        }
        assert_eq!(ids(0), ids(0));
        assert!((1..8).any(|step| ids(step) != ids(0)), "noise is drawn anew");
    }
}
