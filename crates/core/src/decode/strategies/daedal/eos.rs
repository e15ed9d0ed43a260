//! The EOS confidence: how sure the model is that the answer ends within the canvas.

use super::DaedalColumns;
use crate::{
    canvas::TokenId,
    decode::{DecodeError, EosMeasure},
};

impl EosMeasure {
    /// Walks from the tail, takes up to `window` positions whose argmax is EOS, adjacent or not,
    /// masked or not, and divides the sum of their P(EOS) by `window`. Sum and division in f64 over
    /// f32 probabilities, then rounded to f32, as the reference does. `argmax` and `p_eos` have one
    /// entry a position.
    ///
    /// # Errors
    /// [`DecodeError::NotFinite`] if one of those P(EOS) is not finite.
    pub fn of(
        argmax: &[TokenId],
        p_eos: &[f32],
        eos: TokenId,
        window: usize,
        threshold: f32,
    ) -> Result<Self, DecodeError> {
        let taken: Vec<usize> = found(argmax, eos).take(window).collect();
        let mut sum = 0.0_f64;
        for &position in &taken {
            let p = p_eos[position];
            if !p.is_finite() {
                return Err(DecodeError::NotFinite(position));
            }
            sum += f64::from(p);
        }
        Ok(Self { taken, window, confidence: mean(sum, window), threshold })
    }
}

/// The positions whose argmax is EOS, from the tail.
fn found(argmax: &[TokenId], eos: TokenId) -> impl Iterator<Item = usize> {
    (0..argmax.len()).rev().filter(move |&position| argmax[position] == eos)
}

fn mean(sum: f64, window: usize) -> f32 {
    (sum / window as f64) as f32
}

/// The windows in `2..=most` at which the confidence gets under `threshold` or is no longer
/// under it, in order; up to the one from which it cannot be measured.
pub(super) fn crossings(
    columns: &DaedalColumns,
    eos: TokenId,
    threshold: f32,
    most: usize,
) -> Vec<usize> {
    let mut crossings = Vec::new();
    let (mut sum, mut window, mut was) = (0.0_f64, 0, None);
    for position in found(columns.argmax, eos).take(most) {
        let p = columns.p_eos[position];
        if !p.is_finite() {
            return crossings;
        }
        window += 1;
        sum += f64::from(p);
        let under = mean(sum, window) < threshold;
        if was.is_some_and(|was| was != under) {
            crossings.push(window);
        }
        was = Some(under);
    }
    // Nothing more to take: from here on only the divisor grows, so it crosses once at most.
    let (mut same, mut other) = (window.max(1), most);
    let under = |window: usize| mean(sum, window) < threshold;
    if under(same) != under(other) {
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            if under(middle) == under(other) {
                other = middle;
            } else {
                same = middle;
            }
        }
        crossings.push(other);
    }
    crossings
}

/// The smallest window for which there is no finite confidence.
pub(super) fn unmeasurable(columns: &DaedalColumns, eos: TokenId) -> Option<usize> {
    let finite = |position: usize| columns.p_eos[position].is_finite();
    found(columns.argmax, eos).position(|position| !finite(position)).map(|before| before + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tail: not EOS, then these.
    fn check(p_eos: &[f32], threshold: f32, expected: &[usize]) {
        let mut argmax = vec![8; p_eos.len()];
        let mut p_eos: Vec<f32> = p_eos.iter().rev().copied().collect();
        argmax.push(1);
        p_eos.push(0.9);
        let columns =
            DaedalColumns { argmax: &argmax, choice: &argmax, p_choice: &p_eos, p_eos: &p_eos };
        assert_eq!(crossings(&columns, 8, threshold, 1 << 20), expected, "{p_eos:?}");
        let scanned: Vec<usize> = (2..40)
            .filter(|&window| {
                let under = |window| {
                    EosMeasure::of(&argmax, &p_eos, 8, window, threshold)
                        .map(|eos| eos.confidence < threshold)
                };
                matches!((under(window - 1), under(window)), (Ok(was), Ok(is)) if was != is)
            })
            .collect();
        let near: Vec<usize> = expected.iter().copied().filter(|&window| window < 40).collect();
        assert_eq!(scanned, near, "{p_eos:?}");
    }

    #[test]
    fn crossings_are_where_the_comparison_turns() {
        check(&[], 0.5, &[]);
        check(&[1.0, 1.0], 0.5, &[5]);
        check(&[0.25, 1.0, 1.0], 0.5, &[2, 5]);
        check(&[1.0, 0.0, 0.0, 1.0, 1.0], 0.5, &[3, 4, 7]);
        check(&[1.0, 0.0, f32::NAN, 1.0], 0.6, &[2]);
        check(&[1.0], 0.0, &[]);
        check(&[1.0], 2.0, &[]);
        check(&[1.0], 0.001, &[1001]);
        check(&[1.0], 1e-9, &[]);
    }

    #[test]
    fn a_window_that_takes_nan_cannot_be_measured() {
        let (argmax, p_eos) = ([8, 8, 1, 8], [f32::INFINITY, f32::NAN, f32::NAN, 0.5]);
        let columns =
            DaedalColumns { argmax: &argmax, choice: &argmax, p_choice: &p_eos, p_eos: &p_eos };
        assert_eq!(unmeasurable(&columns, 8), Some(2));
        assert_eq!(unmeasurable(&columns, 7), None);
    }
}
