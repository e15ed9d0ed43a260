//! Position noise: counter-based, so that a step decided again draws the same. Token noise is the
//! predictor's; the two never meet, since they hash different numbers of bytes.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::canvas::Slot;

/// What a draw is for: different purposes in one step draw independently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Which positions are filled.
    Fill = 1,
    /// Which positions are remasked.
    Remask = 2,
    /// What a position without a token holds.
    Input = 3,
}

/// Where noise is drawn: once for each purpose, place and slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoisePlace {
    /// Seed of the run's noise.
    pub seed: u64,
    /// First position of the block, or another number that tells rounds apart.
    pub round: u64,
    /// Number of the step within the round, from 0.
    pub step: u64,
}

impl NoisePlace {
    /// A number in 0..1, never 0.
    pub(super) fn uniform(self, purpose: Purpose, slot: Slot) -> f64 {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.round.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.step.to_le_bytes());
        bytes[16..].copy_from_slice(&((purpose as u64) << 32 | u64::from(slot.0)).to_le_bytes());
        let bits = xxh3_64_with_seed(&bytes, self.seed) >> 11;
        (bits as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard Gumbel noise: the largest of values with it added is a draw by their softmax.
    pub(super) fn gumbel(self, purpose: Purpose, slot: Slot) -> f64 {
        -(-self.uniform(purpose, slot).ln()).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_repeatable() {
        let place = NoisePlace { seed: 7, round: 32, step: 3 };
        let draws: Vec<f64> =
            (0..4000).map(|slot| place.uniform(Purpose::Fill, Slot(slot))).collect();
        let mean = draws.iter().sum::<f64>() / 4000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!(draws.iter().all(|draw| *draw > 0.0 && *draw < 1.0));
        assert_eq!(place.uniform(Purpose::Fill, Slot(5)), draws[5]);
        assert_ne!(place.uniform(Purpose::Remask, Slot(5)), draws[5]);
        let elsewhere = NoisePlace { step: 4, ..place };
        assert_ne!(elsewhere.uniform(Purpose::Fill, Slot(5)), draws[5]);
        let gumbel: f64 =
            (0..4000).map(|slot| place.gumbel(Purpose::Fill, Slot(slot))).sum::<f64>() / 4000.0;
        assert!((gumbel - 0.577).abs() < 0.08, "{gumbel}");
    }
}
