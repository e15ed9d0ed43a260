//! Means, and ratios of sums, with 95 % bootstrap intervals.
//!
//! Draws are counter-based: a hash of (resample, draw), so equal samples give equal intervals
//! whatever was computed before, and recipes measured on the same problems are resampled alike.

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Resamples an interval is read from.
pub const RESAMPLES: usize = 2_000;

/// Seed of the draws.
const SEED: u64 = 95;

/// A mean, or a ratio of sums, and its 95 % interval: the 2.5th and 97.5th percentile of the
/// resampled ones. All three are finite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Mean or ratio of the sample.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end; the same as the lower one if all values are the same.
    pub high: f64,
}

/// What one member of a sample adds to the two sums whose ratio is estimated. A mean is the ratio
/// of the sum of values to their number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    amount: f64,
    of: f64,
}

impl Share {
    /// A part of `total`, e.g. of the tokens of a text; a member with a total of 0 adds nothing.
    pub fn of(amount: f64, total: f64) -> Self {
        Self { amount, of: total }
    }

    /// A value whose mean is wanted.
    pub fn value(value: f64) -> Self {
        Self::of(value, 1.0)
    }
}

/// The estimates of `N` measurements made on each of the sample's members, which are resampled
/// together. A measurement that is absent or not finite does not count; `None` where none does.
pub fn estimates<const N: usize>(sample: &[[Option<Share>; N]]) -> [Option<Estimate>; N] {
    // Absent ones are 0 of 0: sums without branches.
    let known = |share: &Share| share.amount.is_finite() && share.of.is_finite();
    let none = Share::of(0.0, 0.0);
    let sample: Vec<[Share; N]> = sample
        .iter()
        .map(|shares| shares.map(|share| share.filter(known).unwrap_or(none)))
        .collect();
    let count = sample.len();
    let whole = ratios(sample.iter());
    let mut resampled: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(RESAMPLES));
    for resample in 0..RESAMPLES {
        let drawn = (0..count).map(|draw| &sample[index(resample, draw, count)]);
        for (all, ratio) in resampled.iter_mut().zip(ratios(drawn)) {
            all.extend(ratio);
        }
    }
    std::array::from_fn(|at| {
        let values = &mut resampled[at];
        values.sort_unstable_by(f64::total_cmp);
        let mean = whole[at]?;
        // A resample may have drawn absent values only; if all did, the whole is all we know.
        let end = |share| percentile(values, share).unwrap_or(mean);
        Some(Estimate { mean, low: end(0.025), high: end(0.975) })
    })
}

/// Sums of amounts by sums of what they are of.
fn ratios<'a, const N: usize>(members: impl Iterator<Item = &'a [Share; N]>) -> [Option<f64>; N] {
    let mut sums = [Share::of(0.0, 0.0); N];
    for shares in members {
        for (sum, share) in sums.iter_mut().zip(shares) {
            sum.amount += share.amount;
            sum.of += share.of;
        }
    }
    sums.map(|sum| (sum.of > 0.0).then(|| sum.amount / sum.of))
}

/// Which of `count` members a draw takes.
fn index(resample: usize, draw: usize, count: usize) -> usize {
    let mut counter = [0; 16];
    counter[..8].copy_from_slice(&(resample as u64).to_le_bytes());
    counter[8..].copy_from_slice(&(draw as u64).to_le_bytes());
    let bits = xxh3_64_with_seed(&counter, SEED);
    ((u128::from(bits) * count as u128) >> 64) as usize
}

/// The value below which a share of the sorted values lies, between neighbours in proportion.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)?) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    Some(sorted[below] + (sorted[above] - sorted[below]) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::{Estimate, RESAMPLES, Share, estimates, index, percentile};

    fn one(sample: &[f64]) -> Option<Estimate> {
        let sample: Vec<_> = sample.iter().map(|value| [Some(Share::value(*value))]).collect();
        estimates(&sample)[0]
    }

    fn flags(right: usize, of: usize) -> Vec<f64> {
        (0..of).map(|at| f64::from(at < right)).collect()
    }

    #[test]
    fn an_interval_is_that_of_the_binomial() {
        // 80 of 100: the normal approximation says 0.8 ± 1.96 √(0.8 · 0.2 / 100) = 0.722 … 0.878.
        let found = one(&flags(80, 100)).unwrap();
        assert_eq!(found.mean, 0.8);
        assert!((found.low - 0.722).abs() < 0.015, "{found:?}");
        assert!((found.high - 0.878).abs() < 0.015, "{found:?}");
    }

    #[test]
    fn about_95_in_100_intervals_hold_the_truth() {
        let (truth, size, rounds) = (0.6, 100, 100);
        let held = (0..rounds)
            .filter(|round| {
                let sample: Vec<f64> = (0..size)
                    .map(|at| f64::from(index(RESAMPLES + round, at, 1000) < 600))
                    .collect();
                let found = one(&sample).unwrap();
                (found.low..=found.high).contains(&truth)
            })
            .count();
        assert!((88..=100).contains(&held), "{held}");
    }

    #[test]
    fn samples_at_the_edge() {
        fn check(sample: &[f64], expected: Option<(f64, f64, f64)>) {
            let found = one(sample).map(|found| (found.mean, found.low, found.high));
            assert_eq!(found, expected, "{sample:?}");
        }
        check(&[], None);
        check(&[3.0], Some((3.0, 3.0, 3.0)));
        check(&[1.0; 50], Some((1.0, 1.0, 1.0)));
        check(&[0.0; 50], Some((0.0, 0.0, 0.0)));
        check(&[f64::NAN, f64::INFINITY], None);
        check(&[f64::NAN, 2.0], Some((2.0, 2.0, 2.0)));
    }

    #[test]
    fn absent_measurements_do_not_count_and_do_not_disturb_others() {
        let value = |value| Some(Share::value(value));
        let sample = [[value(1.0), None], [value(2.0), value(4.0)], [value(3.0), None]];
        let [first, second] = estimates(&sample);
        assert_eq!(first, one(&[1.0, 2.0, 3.0]));
        assert_eq!(second.map(|found| (found.mean, found.low, found.high)), Some((4.0, 4.0, 4.0)));
        assert_eq!(estimates(&sample), estimates(&sample));
    }

    #[test]
    fn a_ratio_is_that_of_the_sums() {
        let check = |parts: &[(f64, f64)], expected: Option<f64>| {
            let sample: Vec<_> =
                parts.iter().map(|&(part, of)| [Some(Share::of(part, of))]).collect();
            let [found] = estimates(&sample);
            assert_eq!(found.map(|found| found.mean), expected, "{parts:?}");
            if let Some(Estimate { mean, low, high }) = found {
                assert!(low <= mean && mean <= high, "{found:?}");
            }
        };
        check(&[(10.0, 10.0), (0.0, 90.0)], Some(0.1));
        check(&[(10.0, 10.0), (0.0, 0.0)], Some(1.0));
        check(&[(0.0, 0.0)], None);
        check(&[], None);
    }

    #[test]
    fn percentiles_lie_between_neighbours() {
        fn check(sorted: &[f64], share: f64, expected: Option<f64>) {
            assert_eq!(percentile(sorted, share), expected, "{sorted:?} {share}");
        }
        check(&[], 0.5, None);
        check(&[7.0], 0.975, Some(7.0));
        check(&[0.0, 1.0], 0.25, Some(0.25));
        check(&[0.0, 1.0, 5.0], 1.0, Some(5.0));
    }
}
