//! Where two runs part: in time, and in what they wrote.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::RunPath;
use crate::{
    canvas::{Canvas, TokenId},
    predict::Vocabulary,
};

/// Where two runs part first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunDifference {
    /// The first step after which their canvases hold different tokens; 0 is the first canvas. A
    /// run that is over keeps its last canvas. `None` if they never differ.
    pub step: Option<usize>,
    /// The first position at which their answers differ, or at which one ends; `None` if they are
    /// equal.
    pub position: Option<usize>,
}

/// Where `a` and `b` part first; the same whichever comes first.
pub fn first_difference(a: RunPath, b: RunPath) -> RunDifference {
    let (own, other) = (a.session.timeline().path(a.end), b.session.timeline().path(b.end));
    let last = own.len().max(other.len());
    let differs = |&step: &usize| {
        let one = own[step.min(own.len() - 1)];
        let two = other[step.min(other.len() - 1)];
        let (one, two) = (&a.session.timeline()[one].canvas, &b.session.timeline()[two].canvas);
        !same(one, two)
    };
    RunDifference { step: (0..last).find(differs), position: part(&a.answer(), &b.answer()) }
}

/// True if two canvases hold the same tokens.
pub(super) fn same(a: &Canvas, b: &Canvas) -> bool {
    let of_b = b.cells().iter().map(|cell| cell.token);
    a.cells().iter().map(|cell| cell.token).eq(of_b)
}

/// The first place at which two answers differ.
fn part(a: &[TokenId], b: &[TokenId]) -> Option<usize> {
    let equal = a.iter().zip(b).take_while(|(one, two)| one == two).count();
    (equal < a.len().max(b.len())).then_some(equal)
}

/// For every position of `canvas` before its tail: true if a token is written there that the
/// other canvas does not have at the place that corresponds. Places correspond by a shortest edit
/// script, so that an insertion does not make everything behind it differ.
pub fn differing(other: &Canvas, canvas: &Canvas) -> Vec<bool> {
    let held = |canvas: &Canvas| {
        let mut tokens = canvas.tokens();
        tokens.truncate(canvas.tail());
        tokens
    };
    let (before, now) = (held(other), held(canvas));
    let mask = canvas.special().mask;
    let mut differs: Vec<bool> = now.iter().map(|&token| token != mask).collect();
    for op in capture_diff_slices(Algorithm::Myers, &before, &now) {
        if let DiffOp::Equal { new_index, len, .. } = op {
            differs[new_index..new_index + len].fill(false);
        }
    }
    differs
}

/// What stands around a position of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text before it.
    pub before: String,
    /// Its own text; empty where the answer has ended.
    pub at: String,
    /// The text behind it.
    pub behind: String,
}

/// The text around `position` of a run's answer, at most `around` tokens on either side.
pub fn excerpt(
    run: RunPath,
    position: usize,
    around: usize,
    vocabulary: &dyn Vocabulary,
) -> Excerpt {
    let answer = run.answer();
    let text = |from: usize, to: usize| {
        let to = to.min(answer.len());
        vocabulary.text(&answer[from.min(to)..to])
    };
    let next = position.saturating_add(1);
    Excerpt {
        before: text(position.saturating_sub(around), position),
        at: text(position, next),
        behind: text(next, next.saturating_add(around)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::SpecialTokens;

    const SPECIAL: SpecialTokens = SpecialTokens { mask: 1, eos: 2 };

    fn canvas(tokens: &[TokenId]) -> Canvas {
        Canvas::holding([0], tokens, SPECIAL)
    }

    #[test]
    fn answers_part_where_one_differs_or_ends() {
        for (a, b, expected) in [
            (&[][..], &[][..], None),
            (&[5, 6], &[5, 6], None),
            (&[5, 6], &[5, 7], Some(1)),
            (&[5], &[5, 7], Some(1)),
            (&[], &[5], Some(0)),
        ] {
            assert_eq!(part(a, b), expected);
            assert_eq!(part(b, a), expected);
        }
    }

    #[test]
    fn what_is_moved_does_not_differ() {
        for (other, now, marks) in [
            (&[5, 6, 7][..], &[5, 6, 7][..], "..."),
            (&[5, 6, 7], &[5, 8, 6, 7], ".x.."),
            (&[5, 6, 7], &[5, 8, 7], ".x."),
            // A mask is no difference, nor are end-of-sequence tokens behind the answer.
            (&[5, 6, 7], &[5, 1, 7, 2, 2], "..."),
            (&[1, 1, 1], &[1, 6, 1], ".x."),
            (&[], &[5], "x"),
        ] {
            let differs = differing(&canvas(other), &canvas(now));
            let found: String = differs.iter().map(|&on| if on { 'x' } else { '.' }).collect();
            assert_eq!(found, marks, "{other:?} {now:?}");
        }
    }
}
