//! Samples of time, and what is said of them.

use std::time::Duration;

use serde::Serialize;

/// How long something took, each time.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<Duration>);

/// What is said of samples, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SampleFigures {
    /// How many there are.
    pub n: usize,
    /// The shortest, in milliseconds.
    pub min: f64,
    /// The median: half take no longer.
    pub p50: f64,
    /// Nine in ten take no longer.
    pub p90: f64,
    /// 99 in a hundred take no longer.
    pub p99: f64,
    /// The longest, in milliseconds.
    pub max: f64,
    /// The arithmetic mean, in milliseconds.
    pub mean: f64,
    /// The sum, in milliseconds.
    pub total: f64,
}

impl Samples {
    /// Takes in one measured time.
    pub fn push(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The sum of the times.
    pub fn total(&self) -> Duration {
        self.0.iter().sum()
    }

    /// The figures; `None` of no samples.
    pub fn figures(&self) -> Option<SampleFigures> {
        let mut sorted: Vec<f64> = self.0.iter().map(|took| took.as_secs_f64() * 1e3).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let total: f64 = sorted.iter().sum();
        Some(SampleFigures {
            n: sorted.len(),
            min,
            p50: percentile(&sorted, 50),
            p90: percentile(&sorted, 90),
            p99: percentile(&sorted, 99),
            max,
            mean: total / sorted.len() as f64,
            total,
        })
    }
}

/// The smallest of the sorted values that at least `percent` of them do not exceed (nearest
/// rank); 0 of none.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// A number in four digits or so.
pub(super) fn short(number: f64) -> String {
    match number.abs() {
        n if n < 9.9995 => format!("{number:.3}"),
        n if n < 99.995 => format!("{number:.2}"),
        n if n < 999.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples(ms: &[u64]) -> Samples {
        Samples(ms.iter().map(|&ms| Duration::from_millis(ms)).collect())
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let check = |ms: &[u64], percent: usize, expected: f64| {
            let sorted: Vec<f64> = ms.iter().map(|&ms| ms as f64).collect();
            assert_eq!(percentile(&sorted, percent), expected, "p{percent} of {ms:?}");
        };
        check(&[], 50, 0.0);
        check(&[7], 0, 7.0);
        check(&[7], 99, 7.0);
        check(&[1, 2], 50, 1.0);
        check(&[1, 2], 51, 2.0);
        check(&[1, 2, 3], 50, 2.0);
        check(&[1, 2, 3], 90, 3.0);
        let hundred: Vec<u64> = (1..=100).collect();
        check(&hundred, 1, 1.0);
        check(&hundred, 50, 50.0);
        check(&hundred, 90, 90.0);
        check(&hundred, 99, 99.0);
        check(&hundred, 100, 100.0);
        let ten: Vec<u64> = (1..=10).collect();
        check(&ten, 90, 9.0);
        check(&ten, 99, 10.0);
    }

    #[test]
    fn figures_are_in_milliseconds() {
        assert_eq!(samples(&[]).figures(), None);
        let figures = samples(&[30, 10, 20]).figures().unwrap();
        assert_eq!((figures.n, figures.min, figures.p50, figures.max), (3, 10.0, 20.0, 30.0));
        assert!((figures.mean - 20.0).abs() < 1e-9 && (figures.total - 60.0).abs() < 1e-9);
    }

    #[test]
    fn numbers_are_short() {
        for (number, expected) in [
            (0.0, "0.000"),
            (0.0314, "0.031"),
            (9.9996, "10.00"),
            (99.996, "100.0"),
            (123.45, "123.5"),
            (45678.9, "45679"),
        ] {
            assert_eq!(short(number), expected);
        }
    }

    proptest! {
        #[test]
        fn figures_are_in_order(ms in proptest::collection::vec(0_u64..10_000, 1..50)) {
            let f = samples(&ms).figures().unwrap();
            prop_assert!(f.min <= f.p50 && f.p50 <= f.p90 && f.p90 <= f.p99 && f.p99 <= f.max);
            prop_assert!(f.min <= f.mean + 1e-9 && f.mean <= f.max + 1e-9);
        }
    }
}
