//! Sampling from logits filtered by temperature, top-p and top-k, as Dream does.

use super::{
    DecodeError, Params,
    ask::PassOptions,
    specs::{SEED, TEMPERATURE_OFF, TOP_K, TOP_P_OFF},
};
use crate::predict::{Column, Filters};

/// The columns of a pass that ranks by confidence.
pub(super) const PLAIN: &[Column] =
    &[Column::Argmax, Column::Choice, Column::PChoice, Column::PEos];

/// The columns of a pass that ranks by a score.
pub(super) const SCORED: &[Column] =
    &[Column::Argmax, Column::Choice, Column::PChoice, Column::PEos, Column::Score];

/// The parameters `temperature`, `top_p`, `top_k` and `seed`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filtering {
    /// Logits are divided by it, and tokens sampled; 0 takes the most probable.
    pub temperature: f64,
    top_p: f64,
    top_k: usize,
    /// Seed of all noise.
    pub seed: u64,
}

impl Filtering {
    pub(super) fn of(params: &Params) -> Result<Self, DecodeError> {
        Ok(Self {
            temperature: params.float(TEMPERATURE_OFF.name)?,
            top_p: params.float(TOP_P_OFF.name)?,
            top_k: params.count(TOP_K.name)?,
            seed: params.seed(SEED.name)?,
        })
    }

    /// Refuses both filters at once: the program that this follows keeps the `top_k` best before the
    /// nucleus, which comes out differently.
    pub(super) fn one_filter(&self) -> Result<(), DecodeError> {
        match self.top_k > 0 && self.top_p < 1.0 {
            false => Ok(()),
            true => Err(DecodeError::Unfit(
                "top_k and top_p at once are not what the reference does, where top_k comes first: \
                 set one of them"
                    .to_owned(),
            )),
        }
    }

    /// A pass over filtered logits, from which tokens are sampled with a temperature over 0.
    pub(super) fn ask(&self) -> PassOptions {
        let Self { temperature, top_p, top_k, seed } = *self;
        let filters = Filters { temperature, top_p, top_k, strict: false };
        PassOptions {
            columns: PLAIN,
            // The logits are divided already: noise of this strength draws from their softmax.
            temperature: if temperature > 0.0 { 1.0 } else { 0.0 },
            seed,
            filters: (temperature > 0.0 || top_p < 1.0 || top_k > 0).then_some(filters),
            ..PassOptions::default()
        }
    }
}
