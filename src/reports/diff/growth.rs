//! Where a run grew or shrank, step by step.

use super::sentences::doing;
use crate::compare::{ChangeKind, StepPair};

/// Where a run grew (or shrank): the same at the tail in steps that follow each other is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiffGrowth {
    /// The first of its steps.
    pub first: usize,
    /// The last of its steps.
    pub last: usize,
    /// The position, counted before the (first) step.
    pub position: usize,
    /// What made it grow or shrink.
    pub effect: ChangeKind,
}

/// Adds the growths of a step to those of A and B.
pub fn grown(found: &mut [Vec<DiffGrowth>; 2], pair: &StepPair) {
    for (found, did) in found.iter_mut().zip([&pair.a, &pair.b]) {
        let changes = did.iter().flat_map(|did| &did.changes);
        for change in changes.filter(|change| change.effect.growth() != 0) {
            let (step, effect, position) = (pair.step, change.effect, change.position);
            match found.last_mut() {
                Some(before)
                    if before.last + 1 == step
                        && before.effect == effect
                        && matches!(effect, ChangeKind::Append(..)) =>
                {
                    before.last = step;
                }
                _ => found.push(DiffGrowth { first: step, last: step, position, effect }),
            }
        }
    }
}

/// A growth in a few words.
pub fn in_words(growth: &DiffGrowth) -> String {
    let DiffGrowth { first, last, position, effect } = *growth;
    let what = match effect {
        ChangeKind::Expand(0) | ChangeKind::Delete => format!("−1 at {position}"),
        ChangeKind::Expand(n) => format!("+{} at {position}", n - 1),
        effect => doing(effect, position),
    };
    match first == last {
        true => format!("step {first}: {what}"),
        false => format!("steps {first}–{last}: {what} each"),
    }
}
