//! `eb_sampler`: a fixed length in blocks; the most confident positions are filled as long as
//! their entropies together stay under a bound, at least one (EB-Sampler, arXiv 2505.24857, as
//! `src/generation/vanilla.py` of Kamichanw/d2Cache has it).
//!
//! The paper's bound is Σ H − max H over the positions filled. The published code takes the
//! running maximum along the batch instead of the ranking, so that with one sequence the entropy
//! of the last position stands in its place; that is variant `d2cache`, the default, and `paper`
//! is the paper's.

use super::{
    Affects, DecodeError, Measure, ParamSpec, Params, Test, Value,
    ask::Ask,
    blocks::{Ends, Picks, Rule, Shape, Sight, State},
    dream, low_confidence,
    specs::{BLOCK_LENGTH, GEN_LENGTH, SEED, choice, number},
    threshold,
};
use crate::{
    canvas::Canvas,
    predict::{Column, Score},
};

const SPECS: &[ParamSpec] = &[
    number(
        "gamma",
        "γ",
        "nats",
        (0.0, 1000.0, 0.001),
        0.001,
        "Positions are filled, the most confident first, while Σ H − max H of them is at most this",
    ),
    GEN_LENGTH,
    BLOCK_LENGTH,
    dream::TEMPERATURE_OFF,
    dream::TOP_P_OFF,
    dream::TOP_K,
    choice(
        "variant",
        "variant",
        &["d2cache", "paper"],
        Affects::Decide,
        "Whose bound: the published code's, or the paper's",
    ),
    SEED,
];

/// The strategy.
pub(super) struct EbSampler;

impl Rule for EbSampler {
    fn name(&self) -> &'static str {
        "eb_sampler"
    }

    fn params(&self) -> &'static [ParamSpec] {
        SPECS
    }

    fn check(&self, params: &Params) -> Result<(), DecodeError> {
        low_confidence::whole_blocks(params)
    }

    fn shape(&self, params: &Params) -> Result<Shape, DecodeError> {
        low_confidence::shape(params)
    }

    fn ask(&self, _: &Canvas, params: &Params, _: &State) -> Result<Ask, DecodeError> {
        Ok(Ask {
            columns: dream::SCORED,
            score: Some(Score::NegEntropy),
            ..dream::filtered(params)?
        })
    }

    fn ends(&self, _: &Params, _: usize) -> Result<Ends, DecodeError> {
        Ok(Ends::Full { limit: None })
    }

    fn draws(&self, params: &Params) -> Result<bool, DecodeError> {
        Ok(params.float("temperature")? > 0.0)
    }

    fn pick(&self, sight: &Sight, params: &Params) -> Result<Picks, DecodeError> {
        let gamma = params.float("gamma")? as f32;
        let (ranked, sums) = sums(sight, params)?;
        let passed = sums.iter().take_while(|sum| **sum <= gamma).count();
        Ok(threshold::tested(&ranked, passed, |rank, _| Test {
            measure: Measure::Entropy,
            value: sums[rank],
            bound: gamma,
        }))
    }

    fn breaks(
        &self,
        name: &str,
        sight: &Sight,
        params: &Params,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        if name != "gamma" {
            return Ok(None);
        }
        let (_, sums) = sums(sight, params)?;
        Ok(Some(sums.iter().map(|sum| Value::Float(f64::from(*sum))).collect()))
    }
}

/// The candidates by confidence, and Σ H − max H up to each.
fn sums(sight: &Sight, params: &Params) -> Result<(Vec<usize>, Vec<f32>), DecodeError> {
    let score = sight.prediction.numbers(Column::Score)?;
    if let Some(&at) = sight.candidates.iter().find(|&&at| !score[at].is_finite()) {
        return Err(DecodeError::NotFinite(at));
    }
    let paper = params.name("variant")? == "paper";
    let ranked = sight.ranked(|at| f64::from(sight.p[at]));
    let (mut sum, mut most) = (0.0_f64, 0.0_f64);
    let sums = ranked
        .iter()
        .map(|&at| {
            // Rounding may make the entropy of a certain position negative.
            let entropy = f64::from(-score[at]).max(0.0);
            sum += entropy;
            most = if paper { most.max(entropy) } else { entropy };
            (sum - most) as f32
        })
        .collect();
    Ok((ranked, sums))
}
