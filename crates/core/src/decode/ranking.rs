//! How positions are ranked: by confidence, or by chance.

use super::{
    DecodeError, Measure, Params, Test, Value,
    ask::PassOptions,
    blocks::{BlockEvidence, Picks},
    noise::Purpose,
    specs::{REMASKING, SEED, TEMPERATURE},
};
use crate::predict::Column;

/// The parameters `remasking`, `temperature` and `seed`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranking {
    /// Chance ranks positions, not the confidence.
    pub random: bool,
    /// Noise on the choice of tokens.
    pub temperature: f64,
    /// Seed of all noise.
    pub seed: u64,
}

impl Ranking {
    pub(super) fn of(params: &Params) -> Result<Self, DecodeError> {
        Ok(Self {
            random: params.name(REMASKING.name)? == "random",
            temperature: params.float(TEMPERATURE.name)?,
            seed: params.seed(SEED.name)?,
        })
    }

    /// A pass with these parameters.
    pub(super) fn ask(&self) -> PassOptions {
        PassOptions {
            columns: &[Column::Argmax, Column::Choice, Column::PChoice, Column::PEos],
            temperature: self.temperature,
            seed: self.seed,
            ..PassOptions::default()
        }
    }

    /// True if anything is drawn.
    pub(super) fn draws(&self) -> bool {
        self.temperature > 0.0 || self.random
    }

    /// What ranks the position `at`: its confidence, or chance.
    pub(super) fn score(&self, evidence: &BlockEvidence, at: usize) -> f32 {
        match self.random {
            true => {
                let slot = evidence.canvas.cells()[at].slot;
                evidence.place(self.seed).uniform(Purpose::Fill, slot) as f32
            }
            false => evidence.p[at],
        }
    }

    /// The candidates, best first.
    pub(super) fn ranked(&self, evidence: &BlockEvidence) -> Vec<usize> {
        evidence.ranked(|at| f64::from(self.score(evidence, at)))
    }

    /// The candidates whose score is at least `bound`, and the best in any case.
    pub(super) fn reaching(&self, evidence: &BlockEvidence, bound: f32) -> Picks {
        let score = |at: usize| self.score(evidence, at);
        let ranked = self.ranked(evidence);
        let over = ranked.iter().take_while(|at| score(**at) >= bound).count();
        let test = |at| Test { measure: Measure::Confidence, value: score(at), bound };
        Picks::tested(&ranked, over, |_, at| test(at))
    }

    /// For each candidate the first bound that it does not reach.
    pub(super) fn bounds(&self, evidence: &BlockEvidence) -> Vec<Value> {
        let over = |&at: &usize| Value::Float(f64::from(self.score(evidence, at).next_up()));
        evidence.candidates.iter().map(over).collect()
    }
}
