//! Rows of logits: the largest, the k largest, sums of exponentials.

use super::{exp, vectorized};
use crate::canvas::TokenId;

/// Numbers side by side in a loop.
const LANES: usize = 16;

/// Numbers added up in f32 before they are in f64.
const BLOCK: usize = 32 * LANES;

/// The largest of a row and where it is: the first of equals; NaN is never the largest.
pub(crate) fn largest(row: &[f32]) -> (TokenId, f32) {
    let max = max(row);
    let at = row.iter().position(|&value| value == max).unwrap_or(0);
    (at as TokenId, max)
}

/// The largest of a row; NaN is never the largest.
pub(crate) fn max(row: &[f32]) -> f32 {
    vectorized(
        #[inline(always)]
        || max_of(row),
    )
}

#[inline(always)]
fn max_of(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    let rest = chunks.remainder().iter().copied();
    lanes.into_iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// The `k` largest values, largest first, lowest id first among equals. Never empty for a row that
/// is not.
pub(crate) fn best(row: &[f32], k: usize) -> Vec<(TokenId, f32)> {
    vectorized(
        #[inline(always)]
        || {
            let mut top: Vec<(TokenId, f32)> = Vec::with_capacity(k + 1);
            for (number, chunk) in row.chunks(4 * LANES).enumerate() {
                let last = top.get(k - 1).map_or(f32::NEG_INFINITY, |last| last.1);
                // Most chunks hold none of them.
                if top.len() == k && max_of(chunk) <= last {
                    continue;
                }
                for (at, &value) in chunk.iter().enumerate() {
                    if top.len() == k && top.last().is_some_and(|last| value <= last.1) {
                        continue;
                    }
                    let place = top.partition_point(|&(_, other)| other >= value);
                    top.insert(place, ((number * 4 * LANES + at) as TokenId, value));
                    top.truncate(k);
                }
            }
            top
        },
    )
}

/// Sums over a row for its softmax, in f64: a sum of 126,464 numbers in f32 loses digits that
/// thresholds look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SoftmaxSums {
    /// The largest logit of the row.
    pub max: f32,
    /// Σ exp(x − max)
    pub sum: f64,
    /// Σ exp(x − max) · (x − max)
    pub weighted: f64,
}

impl SoftmaxSums {
    /// Over some parts of a row whose largest logit is `max`.
    pub(crate) fn of(parts: &[&[f32]], max: f32) -> Self {
        let (mut sum, mut weighted) = (0.0, 0.0);
        for part in parts {
            let (s, w) = vectorized(
                #[inline(always)]
                || sums_of(part, max),
            );
            sum += s;
            weighted += w;
        }
        Self { max, sum, weighted }
    }

    /// The weight of a logit, exp(x − max).
    pub(crate) fn weight(&self, logit: f32) -> f32 {
        exp::<false>(logit - self.max)
    }

    /// The probability of a logit.
    pub(crate) fn p(&self, logit: f32) -> f32 {
        (f64::from(self.weight(logit)) / self.sum) as f32
    }

    /// Entropy of the distribution, nats.
    pub(crate) fn entropy(&self) -> f32 {
        (self.sum.ln() - self.weighted / self.sum) as f32
    }
}

#[inline(always)]
fn sums_of(row: &[f32], max: f32) -> (f64, f64) {
    let (mut sum, mut weighted) = (0.0_f64, 0.0_f64);
    let term = |value: f32| {
        let shifted = value - max;
        let e = exp::<false>(shifted);
        // An impossible token (−∞) has no weight; 0 · ∞ would be NaN.
        (e, if e == 0.0 { 0.0 } else { e * shifted })
    };
    let mut blocks = row.chunks_exact(BLOCK);
    for block in &mut blocks {
        let (mut sums, mut weights) = ([0.0_f32; LANES], [0.0_f32; LANES]);
        for chunk in block.chunks_exact(LANES) {
            for lane in 0..LANES {
                let (e, w) = term(chunk[lane]);
                sums[lane] += e;
                weights[lane] += w;
            }
        }
        sum += sums.into_iter().map(f64::from).sum::<f64>();
        weighted += weights.into_iter().map(f64::from).sum::<f64>();
    }
    for &value in blocks.remainder() {
        let (e, w) = term(value);
        sum += f64::from(e);
        weighted += f64::from(w);
    }
    (sum, weighted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(length: usize) -> Vec<f32> {
        (0..length).map(|at| ((at * 7919 + 13) % 1009) as f32 * 0.02 - 10.0).collect()
    }

    #[test]
    fn sums_and_largest_are_those_of_a_plain_loop() {
        for length in [1, 15, 16, 17, 511, 512, 513, 5000] {
            let row = row(length);
            let (at, max) = largest(&row);
            let plain = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!((max, at as usize), (plain, row.iter().position(|&x| x == plain).unwrap()));
            let exps = row.iter().map(|&x| f64::from(x - max).exp());
            let sums = SoftmaxSums::of(&[&row[..length / 2], &row[length / 2..]], max);
            let expected: f64 = exps.clone().sum();
            assert!((sums.sum / expected - 1.0).abs() < 3e-7, "{length}: {sums:?} {expected}");
            let weighted: f64 = exps.zip(&row).map(|(e, &x)| e * f64::from(x - max)).sum();
            assert!((sums.weighted - weighted).abs() <= 1e-6 * weighted.abs() + 1e-12);
            let mut sorted: Vec<(TokenId, f32)> =
                row.iter().copied().enumerate().map(|(at, x)| (at as TokenId, x)).collect();
            sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
            sorted.truncate(5);
            assert_eq!(best(&row, 5), sorted);
        }
    }

    #[test]
    fn the_impossible_has_no_weight() {
        let row = [0.0, f32::NEG_INFINITY, 0.0];
        let sums = SoftmaxSums::of(&[&row], 0.0);
        assert_eq!((sums.sum, sums.weighted, sums.p(row[1])), (2.0, 0.0, 0.0));
    }
}
