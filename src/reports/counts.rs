//! The counts of a run's tokens that `--json` prints, in every command that prints a run.

use serde::Serialize;

use crate::compare::Figures;

/// What `--json` says of a run's tokens.
#[derive(Debug, Clone, Serialize)]
pub struct TokenCounts {
    /// The length of the generated region, positions.
    pub n_token: usize,
    /// Positions written with anything but an end-of-sequence token.
    pub e_token: usize,
    /// e_token / n_token; null for an empty region.
    pub e_ratio: Option<f64>,
    /// Positions written before the tail of end-of-sequence tokens.
    pub before_tail: usize,
    /// before_tail / n_token; null for an empty region.
    before_tail_ratio: Option<f64>,
    /// Written positions that a step remasked, each time counted.
    remasked: usize,
    /// Written positions that a step gave another token, each time counted.
    replaced: usize,
}

impl TokenCounts {
    /// Those of a run.
    pub fn of(figures: &Figures) -> Self {
        Self {
            n_token: figures.n_token,
            e_token: figures.e_token,
            e_ratio: figures.e_ratio(),
            before_tail: figures.before_tail,
            before_tail_ratio: figures.before_tail_ratio(),
            remasked: figures.remasked,
            replaced: figures.replaced,
        }
    }
}
