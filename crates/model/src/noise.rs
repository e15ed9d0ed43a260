//! Counter-based sampling noise: a function of (seed, step, slot, token) alone, so that the same
//! request draws the same noise however its rows are cut into chunks.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::predict::Sampling;

/// Standard Gumbel noise for one position over `columns` tokens, times the temperature.
///
/// The reference takes the argmax of `exp(logit) / (−ln u)^T`; its logarithm, `logit − T ln(−ln u)`,
/// has the same argmax and does not overflow.
pub(super) fn row(sampling: &Sampling, row: usize, columns: usize) -> impl Iterator<Item = f32> {
    let slot = u64::from(sampling.slots[row].0);
    let place = (u64::from(sampling.step) << 32) | slot;
    let (seed, temperature) = (sampling.seed, sampling.temperature);
    (0..columns as u64).map(move |token| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&place.to_le_bytes());
        bytes[8..].copy_from_slice(&token.to_le_bytes());
        let bits = xxh3_64_with_seed(&bytes, seed) >> 11;
        let uniform = (bits as f64 + 0.5) / (1u64 << 53) as f64;
        (-temperature * (-uniform.ln()).ln()) as f32
    })
}
