//! In what order a run unmasked its answer, as numbers; docs/measures.md defines each.
//!
//! They are read from the last canvas alone, where each position has the step that unmasked it
//! last, so they cost no prediction. The *content* is what stands before the tail of
//! end-of-sequence tokens.
//!
//! ```
//! use demask_core::{
//!     canvas::{Canvas, Edit, Slot, SpecialTokens},
//!     inspect::OrderMeasures,
//! };
//!
//! let mut canvas = Canvas::masked(vec![], 3, SpecialTokens { mask: 9, eos: 8 });
//! for (step, position) in [(1, 2), (2, 0), (3, 1)] {
//!     canvas = canvas.apply(&[Edit::Fill { slot: Slot(position), token: 5 }], step)?.canvas;
//! }
//! let found = OrderMeasures::of(&canvas);
//! assert_eq!(found.mean_jump, Some(1.5), "from 2 to 0, and from 0 to 1");
//! assert_eq!(found.adjacent, Some(0.5), "one jump of two is to the next position");
//! # Ok::<(), demask_core::canvas::EditError>(())
//! ```

use crate::canvas::Canvas;

/// In what order the positions of a canvas were unmasked. A measure is `None` where there is too
/// little to measure.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OrderMeasures {
    /// Kendall's τ-b of step against position over the content, −1..=1: 1 from left to right, −1 from
    /// right to left. Positions of one step are tied. `None` if all are.
    pub tau: Option<f64>,
    /// Mean distance from one unmasked position of the content to the next one in time, positions; those
    /// of one step follow each other from left to right.
    pub mean_jump: Option<f64>,
    /// The share of these jumps that lead to a neighbour, 0..=1.
    pub adjacent: Option<f64>,
    /// The share of the pairs of a position of the tail and one of the content in which the tail's was
    /// unmasked earlier, 0..=1; a pair of one step counts half. Tokens that were appended, not unmasked,
    /// are left out.
    pub tail_first: Option<f64>,
}

impl OrderMeasures {
    /// The measures of a canvas.
    pub fn of(canvas: &Canvas) -> Self {
        let tail = canvas.tail();
        let steps = |from: usize, to: usize| -> Vec<(usize, u32)> {
            let cells = canvas.cells().range(from..to).zip(from..);
            let mask = canvas.special().mask;
            let unmasked = cells.filter(|(cell, _)| cell.token != mask && !cell.is_given());
            unmasked.filter_map(|(cell, at)| Some((at, cell.filled?))).collect()
        };
        let (content, tail) = (steps(0, tail), steps(tail, canvas.len()));
        let in_reading_order: Vec<u32> = content.iter().map(|&(_, step)| step).collect();
        let mut in_time = content;
        in_time.sort_by_key(|&(_, step)| step);
        let jumps: Vec<usize> =
            in_time.windows(2).map(|pair| pair[0].0.abs_diff(pair[1].0)).collect();
        let share = |part: usize, all: usize| (all > 0).then(|| part as f64 / all as f64);
        Self {
            tau: kendall(&in_reading_order),
            mean_jump: share(jumps.iter().sum(), jumps.len()),
            adjacent: share(jumps.iter().filter(|&&jump| jump == 1).count(), jumps.len()),
            tail_first: earlier(tail.into_iter().map(|(_, step)| step).collect(), in_reading_order),
        }
    }
}

/// Kendall's τ-b of values against their places, which are never tied: pairs in order less pairs out
/// of order, over √(all pairs · pairs that are not tied). `None` if every pair is tied. In
/// O(n log n).
fn kendall(values: &[u32]) -> Option<f64> {
    let pairs = |n: usize| n as u64 * (n as u64).saturating_sub(1) / 2;
    let mut sorted = values.to_vec();
    let inversions = sort_counting(&mut sorted);
    let tied: u64 = sorted.chunk_by(|a, b| a == b).map(|tied| pairs(tied.len())).sum();
    let (all, untied) = (pairs(values.len()), pairs(values.len()) - tied);
    let difference = untied as f64 - 2.0 * inversions as f64;
    (untied > 0).then(|| difference / (all as f64 * untied as f64).sqrt())
}

/// Sorts values by merging; the number of pairs that stood in the wrong order.
fn sort_counting(values: &mut [u32]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut inversions = sort_counting(left) + sort_counting(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        if left[l] <= right[r] {
            merged.push(left[l]);
            l += 1;
        } else {
            // It goes before all that is left on the left.
            inversions += (left.len() - l) as u64;
            merged.push(right[r]);
            r += 1;
        }
    }
    merged.extend_from_slice(&left[l..]);
    merged.extend_from_slice(&right[r..]);
    values.copy_from_slice(&merged);
    inversions
}

/// The share of pairs in which the one is smaller than the other, equal ones counting half.
fn earlier(mut ones: Vec<u32>, others: Vec<u32>) -> Option<f64> {
    let all = ones.len() * others.len();
    ones.sort_unstable();
    let halves = |other: u32| {
        ones.partition_point(|&one| one < other) + ones.partition_point(|&one| one <= other)
    };
    let halves: usize = others.into_iter().map(halves).sum();
    (all > 0).then(|| halves as f64 / (2 * all) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::canvas::{Edit, SpecialTokens};

    const SPECIAL: SpecialTokens = SpecialTokens { mask: 9, eos: 8 };

    /// A canvas whose positions were unmasked in these steps, the tail with EOS; 0 leaves a mask.
    fn canvas(content: &[u32], tail: &[u32]) -> Canvas {
        let steps: Vec<u32> = content.iter().chain(tail).copied().collect();
        let mut canvas = Canvas::masked(vec![], steps.len(), SPECIAL);
        for step in 1..=steps.iter().copied().max().unwrap_or(0) {
            let of_step = steps.iter().enumerate().filter(|(_, at)| **at == step);
            let edits: Vec<Edit> = of_step
                .map(|(position, _)| Edit::Fill {
                    slot: canvas.cells()[position].slot,
                    token: if position < content.len() { 5 } else { SPECIAL.eos },
                })
                .collect();
            canvas = canvas.apply(&edits, step).unwrap().canvas;
        }
        canvas
    }

    /// Kendall's τ-b by its definition: over all pairs.
    fn by_pairs(values: &[u32]) -> Option<f64> {
        let (mut difference, mut untied, mut all) = (0i64, 0u64, 0u64);
        for (at, a) in values.iter().enumerate() {
            for b in &values[at + 1..] {
                all += 1;
                untied += u64::from(a != b);
                difference += i64::from(a < b) - i64::from(a > b);
            }
        }
        (untied > 0).then(|| difference as f64 / (all as f64).sqrt() / (untied as f64).sqrt())
    }

    fn close(found: Option<f64>, expected: Option<f64>) -> bool {
        match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
            (found, expected) => found == expected,
        }
    }

    #[test]
    fn measures_are_those_computed_by_hand() {
        let check = |content: &[u32], tail: &[u32], expected: [Option<f64>; 4]| {
            let OrderMeasures { tau, mean_jump, adjacent, tail_first } =
                OrderMeasures::of(&canvas(content, tail));
            for (found, expected) in
                [tau, mean_jump, adjacent, tail_first].into_iter().zip(expected)
            {
                assert!(close(found, expected), "{content:?} {tail:?}: {found:?} {expected:?}");
            }
        };
        let some = Some;
        check(&[], &[], [None; 4]);
        check(&[1], &[], [None; 4]);
        check(&[1, 2, 3, 4], &[], [some(1.0), some(1.0), some(1.0), None]);
        check(&[4, 3, 2, 1], &[], [some(-1.0), some(1.0), some(1.0), None]);
        // In one step: no order, read from left to right.
        check(&[1, 1, 1], &[], [None, some(1.0), some(1.0), None]);
        // 5 of 6 pairs are untied, 2 in order and 3 not: −1 / √30. In time 1, 3, 0, 2: jumps 2, 3, 2.
        check(&[2, 1, 3, 1], &[], [some(-1.0 / 30f64.sqrt()), some(7.0 / 3.0), some(0.0), None]);
        // 4 pairs in order, 2 not. In time 1, 2, 0, 3: jumps 1, 2, 3.
        check(&[3, 1, 2, 4], &[], [some(1.0 / 3.0), some(2.0), some(1.0 / 3.0), None]);
        // A mask has no step yet: 1 of the pairs (0, 2), in order; one jump of 2.
        check(&[1, 0, 2], &[], [some(1.0), some(2.0), some(0.0), None]);
        // Of 4 pairs with the tail 2 are earlier and 1 is of the same step.
        check(&[2, 3], &[2, 4], [some(1.0), some(1.0), some(1.0), some(1.5 / 4.0)]);
        check(&[3, 4], &[1, 2], [some(1.0), some(1.0), some(1.0), some(1.0)]);
        check(&[1, 2], &[3, 3], [some(1.0), some(1.0), some(1.0), some(0.0)]);
    }

    proptest! {
        #[test]
        fn measures_are_those_of_all_pairs(
            content in prop::collection::vec(1u32..12, 0..60),
            tail in prop::collection::vec(1u32..12, 0..20),
        ) {
            let found = OrderMeasures::of(&canvas(&content, &tail));
            prop_assert!(close(found.tau, by_pairs(&content)), "{:?}", found.tau);
            let pairs = tail.iter().flat_map(|tail| content.iter().map(move |own| (tail, own)));
            let scores = pairs.map(|(tail, own)| match tail.cmp(own) {
                std::cmp::Ordering::Less => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 0.0,
            });
            let scores: Vec<f64> = scores.collect();
            let mean = scores.iter().sum::<f64>() / scores.len() as f64;
            prop_assert!(close(found.tail_first, (!scores.is_empty()).then_some(mean)));
            // From the other end the order is the reverse.
            let reversed: Vec<u32> = content.iter().rev().copied().collect();
            let reversed = OrderMeasures::of(&canvas(&reversed, &[])).tau;
            prop_assert!(close(reversed, found.tau.map(|tau| -tau)));
        }
    }
}
