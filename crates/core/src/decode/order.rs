//! How positions are ranked: by confidence, or by chance.

use super::{
    DecodeError, Params,
    ask::PassOptions,
    blocks::BlockEvidence,
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
}
