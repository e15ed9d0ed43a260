//! `eb_sampler`: a fixed length in blocks; the most confident positions are filled as long as
//! their entropies together stay under a bound, at least one (EB-Sampler, arXiv 2505.24857, as
//! `src/generation/vanilla.py` of Kamichanw/d2Cache has it).
//!
//! The paper's bound is Σ H − max H over the positions filled. The published code takes the
//! running maximum along the batch instead of the ranking, so that with one sequence the entropy
//! of the last position stands in its place; that is variant `d2cache`, the default, and `paper`
//! is the paper's.

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, Measure, ParamSpec, Params, Test, Value,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Picks, Shape, State},
        filtering::{Filtering, SCORED},
        specs::{
            BLOCK_LENGTH, GEN_LENGTH, SEED, TEMPERATURE_OFF, TOP_K, TOP_P_OFF, choice, number,
        },
    },
    predict::{Column, Score},
};

const SPECS: &[ParamSpec] = &[
    number(
        "gamma",
        "γ",
        "nats",
        (0.0, 1000.0, 0.001),
        0.001,
        "Positions are unmasked, the most confident first, while Σ H − max H of them is at most this",
    ),
    GEN_LENGTH,
    BLOCK_LENGTH,
    TEMPERATURE_OFF,
    TOP_P_OFF,
    TOP_K,
    choice(
        "variant",
        "variant",
        &["d2cache", "paper"],
        Affects::Decide,
        "Whose bound: the published code's, or the paper's",
    ),
    SEED,
];

pub(in crate::decode) struct EbSampler;

pub(in crate::decode) struct Settings {
    gamma: f32,
    shape: Shape,
    filtering: Filtering,
    paper: bool,
}

impl BlockPolicy for EbSampler {
    type Settings = Settings;

    const NAME: &'static str = "eb_sampler";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            gamma: params.float("gamma")? as f32,
            shape: Shape::of(params)?,
            filtering: Filtering::of(params)?,
            paper: params.name("variant")? == "paper",
        })
    }

    fn check(settings: &Settings) -> Result<(), DecodeError> {
        settings.shape.whole_blocks()
    }

    fn shape(settings: &Settings) -> Shape {
        settings.shape
    }

    fn ask(_: &Canvas, settings: &Settings, _: &State) -> PassOptions {
        PassOptions { columns: SCORED, score: Some(Score::NegEntropy), ..settings.filtering.ask() }
    }

    fn ends(_: &Settings, _: usize) -> Ends {
        Ends::Full { limit: None }
    }

    fn draws(settings: &Settings) -> bool {
        settings.filtering.temperature > 0.0
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        let (ranked, sums) = sums(evidence, settings)?;
        let passed = sums.iter().take_while(|sum| **sum <= settings.gamma).count();
        Ok(Picks::tested(&ranked, passed, |rank, _| Test {
            measure: Measure::Entropy,
            value: sums[rank],
            bound: settings.gamma,
        }))
    }

    fn breaks(
        name: &str,
        evidence: &BlockEvidence,
        settings: &Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        if name != "gamma" {
            return Ok(None);
        }
        let (_, sums) = sums(evidence, settings)?;
        Ok(Some(sums.iter().map(|sum| Value::Float(f64::from(*sum))).collect()))
    }
}

/// The candidates by confidence, and Σ H − max H up to each.
fn sums(
    evidence: &BlockEvidence,
    settings: &Settings,
) -> Result<(Vec<usize>, Vec<f32>), DecodeError> {
    let score = evidence.prediction.numbers(Column::Score)?;
    evidence.finite(score)?;
    let ranked = evidence.ranked(|at| f64::from(evidence.p[at]));
    let (mut sum, mut most) = (0.0_f64, 0.0_f64);
    let sums = ranked
        .iter()
        .map(|&at| {
            // Rounding may make the entropy of a certain position negative.
            let entropy = f64::from(-score[at]).max(0.0);
            sum += entropy;
            most = if settings.paper { most.max(entropy) } else { entropy };
            (sum - most) as f32
        })
        .collect();
    Ok((ranked, sums))
}
