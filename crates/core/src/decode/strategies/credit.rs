//! `credit`: a fixed length in blocks; every position whose confidence reaches the threshold is
//! filled, after the logits of tokens that were the best there in earlier passes have been raised
//! (CreditDecoding, arXiv 2510.06133, as `CreditThresholdParallelDecoder` of inclusionAI/dInfer has it,
//! `python/dinfer/decoding/parallel_strategy.py`).
//!
//! In each pass over a block the best token of a masked position earns p^γ; what tokens have earned
//! before decays by β. A logit is raised by α ln(1 + credit), the credit of the same pass included,
//! and the token is chosen, and its confidence read, from the raised logits. So [`Column::Argmax`] is
//! what the model says, and [`Column::Choice`] what credit makes of it. A new block begins without
//! credit, and so does what a person has edited.
//!
//! Positions that predict the mask are left, and do not count as the best. As in that program,
//! positions within 1e-5 of the best are filled along with it.

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, FillRule, LeftRule, Measure, Mode, ParamSpec, Params, Test, Value,
        ask::PassOptions,
        blocks::{
            BlockEvidence, BlockPolicy, Ends, Picks, PositionHistory, Shape, State, TokenCredit,
            window,
        },
        specs::{BLOCK_LENGTH, GEN_LENGTH, SEED, TEMPERATURE, number, threshold},
    },
    predict::{Column, Credits},
};

/// How far under the best a confidence may be that is filled along with it.
const BEST_WITHIN: f32 = 1e-5;

const SPECS: &[ParamSpec] = &[
    threshold(
        "threshold",
        "τ",
        0.9,
        "Every masked position of the block whose confidence, credit included, is at least this is \
         unmasked; if none is, the best",
    ),
    of_pass(
        "credit_alpha",
        "α",
        (0.0, 100.0, 0.05),
        0.7,
        "How much credit counts: a logit is raised by this times ln(1 + credit)",
    ),
    of_pass(
        "boost_gamma",
        "γ",
        (0.0, 10.0, 0.05),
        0.2,
        "The best token of a masked position earns its probability to the power of this",
    ),
    of_pass(
        "decay_beta",
        "β",
        (0.0, 1.0, 0.05),
        0.8,
        "What a token keeps of its credit from one pass to the next",
    ),
    GEN_LENGTH,
    BLOCK_LENGTH,
    TEMPERATURE,
    SEED,
];

/// A number that the forward pass depends on.
const fn of_pass(
    name: &'static str,
    symbol: &'static str,
    range: (f64, f64, f64),
    default: f64,
    help: &'static str,
) -> ParamSpec {
    ParamSpec { affects: Affects::Predict, ..number(name, symbol, "", range, default, help) }
}

pub(in crate::decode) struct Credit;

pub(in crate::decode) struct Settings {
    threshold: f32,
    alpha: f64,
    gamma: f64,
    beta: f32,
    shape: Shape,
    temperature: f64,
    seed: u64,
}

impl Settings {
    /// The credit of the request for a block: what is left of that of the passes before.
    fn credits(&self, canvas: &Canvas, state: &State) -> Credits {
        let rows = window(canvas, state.cursor, self.shape.block);
        let before = state.memory.iter().flat_map(|memory| &memory.credits);
        let open = before
            .filter(|credit| rows.contains(&credit.position) && canvas.is_masked(credit.position));
        let decayed =
            |credit: &TokenCredit| (credit.position, credit.token, credit.credit * self.beta);
        Credits { alpha: self.alpha, gamma: self.gamma, earlier: open.map(decayed).collect(), rows }
    }
}

/// What positions must reach: the threshold, or almost what the best has.
fn bound(p: impl Iterator<Item = f32>, threshold: f32) -> f32 {
    threshold.min(p.fold(f32::NEG_INFINITY, f32::max) - BEST_WITHIN)
}

/// True if the mask is what every candidate predicts, with credit and without: on the same canvas it
/// only gains credit, so no later pass says anything else.
fn only_masks(evidence: &BlockEvidence) -> Result<bool, DecodeError> {
    let (mask, argmax) = (evidence.canvas.special().mask, evidence.prediction.ids(Column::Argmax)?);
    let is_mask = |at: &usize| argmax[*at] == mask && evidence.choice[*at] == mask;
    Ok(evidence.candidates.iter().all(is_mask))
}

impl BlockPolicy for Credit {
    type Settings = Settings;

    const NAME: &'static str = "credit";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            threshold: params.float("threshold")? as f32,
            alpha: params.float("credit_alpha")?,
            gamma: params.float("boost_gamma")?,
            beta: params.float("decay_beta")? as f32,
            shape: Shape::of(params)?,
            temperature: params.float(TEMPERATURE.name)?,
            seed: params.seed(SEED.name)?,
        })
    }

    fn shape(settings: &Settings) -> Shape {
        settings.shape
    }

    fn ask(canvas: &Canvas, settings: &Settings, state: &State) -> PassOptions {
        PassOptions {
            columns: &[
                Column::Argmax,
                Column::PArgmax,
                Column::Choice,
                Column::PChoice,
                Column::PEos,
            ],
            temperature: settings.temperature,
            seed: settings.seed,
            credits: Some(settings.credits(canvas, state)),
            ..PassOptions::default()
        }
    }

    fn ends(_: &Settings, _: usize) -> Ends {
        Ends::Full { limit: None }
    }

    fn draws(settings: &Settings) -> bool {
        settings.temperature > 0.0
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        let (p, threshold, mask) = (evidence.p, settings.threshold, evidence.canvas.special().mask);
        let ranked = evidence.ranked(|at| f64::from(p[at]));
        let (ranked, masks): (Vec<usize>, Vec<usize>) =
            ranked.into_iter().partition(|&at| evidence.choice[at] != mask);
        let least = bound(ranked.iter().map(|&at| p[at]), threshold);
        let test = |at: usize, bound| Test { measure: Measure::Confidence, value: p[at], bound };
        let passes = ranked.first().is_some_and(|&best| p[best] >= threshold);
        let mode = if passes { Mode::HighConf } else { Mode::Fallback };
        let mut picks = Picks { mode, filled: Vec::new(), left: Vec::new() };
        for (rank, &at) in ranked.iter().enumerate() {
            match p[at] {
                p if p >= threshold => {
                    picks.filled.push((at, FillRule::Passes(test(at, threshold))))
                }
                _ if rank == 0 => picks.filled.push((at, FillRule::Best(test(at, threshold)))),
                p if p >= least => picks.filled.push((at, FillRule::Passes(test(at, least)))),
                _ => picks.left.push((at, LeftRule::Fails(test(at, threshold)))),
            }
        }
        picks.left.extend(masks.into_iter().map(|at| (at, LeftRule::PredictsMask)));
        Ok(picks)
    }

    fn remember(
        evidence: &BlockEvidence,
        settings: &Settings,
    ) -> Result<Option<PositionHistory>, DecodeError> {
        if settings.temperature == 0.0 && only_masks(evidence)? {
            return Ok(None);
        }
        let (argmax, p) = (
            evidence.prediction.ids(Column::Argmax)?,
            evidence.prediction.numbers(Column::PArgmax)?,
        );
        evidence.finite(p)?;
        let asked = settings.credits(evidence.canvas, &evidence.state);
        let mut credits: Vec<TokenCredit> = Vec::new();
        for &(position, token, credit) in &asked.earlier {
            credits.push(TokenCredit { position, token, credit });
        }
        for position in asked.rows.clone().filter(|&at| evidence.canvas.is_masked(at)) {
            let (token, earned) = (argmax[position], asked.earned(p[position]));
            let place = credits.binary_search_by_key(&(position, token), |c| (c.position, c.token));
            match place {
                Ok(at) => credits[at].credit += earned,
                Err(at) => credits.insert(at, TokenCredit { position, token, credit: earned }),
            }
        }
        Ok(Some(PositionHistory { settled: Vec::new(), tokens: Vec::new(), credits }))
    }

    fn settled(
        _: Option<&PositionHistory>,
        after: Option<&PositionHistory>,
        settings: &Settings,
    ) -> bool {
        after.is_none() || settings.temperature > 0.0
    }

    fn breaks(
        name: &str,
        evidence: &BlockEvidence,
        _: &Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        // The first threshold that a confidence does not reach.
        let over = |&at: &usize| Value::Float(f64::from(evidence.p[at].next_up()));
        Ok((name == "threshold").then(|| evidence.candidates.iter().map(over).collect()))
    }
}
