//! Where two runs part: in time, and in what they wrote.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{
    ComparedBy, RunPath,
    compared_by::{Part, PartOf, words},
};
use crate::{canvas::Canvas, predict::Vocabulary};

/// Where two runs part first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunDifference {
    /// The first step after which their canvases hold different tokens or texts; 0 is the first
    /// canvas. A run that is over keeps its last canvas. `None` if they never differ.
    pub step: Option<usize>,
    /// The first position of each at which their answers differ, or at which one ends; `None` if they
    /// are equal. Compared by tokens it is the same of both.
    pub positions: Option<[usize; 2]>,
}

/// Where `a` and `b` part first; the same whichever comes first.
pub fn first_difference(a: RunPath, b: RunPath, by: ComparedBy) -> RunDifference {
    let (own, other) = (a.session.timeline().path(a.end), b.session.timeline().path(b.end));
    let last = own.len().max(other.len());
    let differs = |&step: &usize| {
        let one = own[step.min(own.len() - 1)];
        let two = other[step.min(other.len() - 1)];
        let (one, two) = (&a.session.timeline()[one].canvas, &b.session.timeline()[two].canvas);
        match by {
            ComparedBy::Tokens => !same(one, two),
            ComparedBy::Texts(_) => {
                let [one, two] = by.parts([one, two], false);
                part(&one, &two).is_some()
            }
        }
    };
    let positions = answers_part([a.canvas(), b.canvas()], by);
    RunDifference { step: (0..last).find(differs), positions }
}

/// The first position of each at which two answers differ, or at which one ends.
fn answers_part(answers: [&Canvas; 2], by: ComparedBy) -> Option<[usize; 2]> {
    let [one, two] = by.parts(answers, true);
    let at = part(&one, &two)?;
    let place =
        |parts: &[Part], canvas: &Canvas| parts.get(at).map_or(canvas.tail(), |part| part.position);
    Some([place(&one, answers[0]), place(&two, answers[1])])
}

/// True if two canvases hold the same tokens.
pub(super) fn same(a: &Canvas, b: &Canvas) -> bool {
    let of_b = b.cells().iter().map(|cell| cell.token);
    a.cells().iter().map(|cell| cell.token).eq(of_b)
}

/// The first place at which two differ, or at which one ends.
fn part(a: &[Part], b: &[Part]) -> Option<usize> {
    let equal = a.iter().zip(b).take_while(|(one, two)| one.holds == two.holds).count();
    (equal < a.len().max(b.len())).then_some(equal)
}

/// For every position of `canvas` before its tail: true if a token is written there that the
/// other canvas does not have at the place that corresponds; compared by texts, if a word that it is of
/// is not there. Places correspond by a shortest edit script, so that an insertion does not make
/// everything behind it differ.
pub fn differing(other: &Canvas, canvas: &Canvas, by: ComparedBy) -> Vec<bool> {
    let [before, now] = by.parts([other, canvas], true);
    let (before, now) = (words(&before), words(&now));
    let holds = |words: &[&[Part]]| -> Vec<Vec<PartOf>> {
        words.iter().map(|word| word.iter().map(|part| part.holds).collect()).collect()
    };
    let mut differs = vec![false; canvas.tail()];
    for op in capture_diff_slices(Algorithm::Myers, &holds(&before), &holds(&now)) {
        if let DiffOp::Insert { new_index, new_len, .. }
        | DiffOp::Replace { new_index, new_len, .. } = op
        {
            let parts = now[new_index..new_index + new_len].iter().copied().flatten();
            for part in parts.filter(|part| !canvas.is_masked(part.position)) {
                differs[part.position] = true;
            }
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
    use crate::{
        canvas::{SpecialTokens, TokenId},
        predict::Piece,
    };

    const SPECIAL: SpecialTokens = SpecialTokens { mask: 1, eos: 2 };

    fn canvas(tokens: &[TokenId]) -> Canvas {
        Canvas::holding([0], tokens, SPECIAL)
    }

    /// A vocabulary of these texts by number; a control token in brackets.
    struct Texts(&'static [&'static str]);

    impl Vocabulary for Texts {
        fn piece(&self, id: TokenId) -> Option<Piece> {
            let text = *self.0.get(id as usize)?;
            Some(match text.starts_with('<') {
                true => Piece::Control(text.to_owned()),
                false => Piece::Text(text.to_owned()),
            })
        }

        fn ids(&self) -> Vec<TokenId> {
            (0..self.0.len() as TokenId).collect()
        }
    }

    const LETTERS: Texts = Texts(&["<p>", "<m>", "<e>", "a", "b", "c", " "]);
    const WORDS: Texts = Texts(&["<p>", "<m>", "<e>", "ab", "b c", " ", "c", "<x>"]);

    #[test]
    fn answers_part_where_one_differs_or_ends() {
        for (a, b, expected) in [
            (&[][..], &[][..], None),
            (&[5, 6], &[5, 6], None),
            (&[5, 6], &[5, 7], Some([1, 1])),
            (&[5], &[5, 7], Some([1, 1])),
            (&[], &[5], Some([0, 0])),
        ] {
            let answers = [&canvas(a), &canvas(b)];
            assert_eq!(answers_part(answers, ComparedBy::Tokens), expected);
            let [a, b] = answers;
            assert_eq!(answers_part([b, a], ComparedBy::Tokens), expected);
        }
    }

    #[test]
    fn answers_in_two_vocabularies_part_where_their_texts_do() {
        let by = ComparedBy::of([&LETTERS, &WORDS]);
        for (letters, words, expected) in [
            // “ab c”, of four tokens and of three.
            (&[3, 4, 6, 5][..], &[3, 5, 6][..], None),
            // Control tokens and tails are no text.
            (&[3, 4], &[7, 3, 2, 2], None),
            // “ab b” and “ab c”.
            (&[3, 4, 6, 4], &[3, 5, 6], Some([3, 2])),
            // “ab” and “ab b c”.
            (&[3, 4], &[3, 5, 4], Some([2, 1])),
            // A mask is not a text.
            (&[3, 4, 1], &[3, 5], Some([2, 1])),
            (&[3, 4, 1], &[3, 1], None),
        ] {
            let (a, b) = (canvas(letters), canvas(words));
            assert_eq!(answers_part([&a, &b], by), expected, "{letters:?} {words:?}");
        }
        assert!(matches!(ComparedBy::of([&LETTERS, &LETTERS]), ComparedBy::Tokens));
    }

    #[test]
    fn what_is_moved_does_not_differ() {
        let marks = |other: &[TokenId], now: &[TokenId], by| -> String {
            let differs = differing(&canvas(other), &canvas(now), by);
            differs.iter().map(|&on| if on { 'x' } else { '.' }).collect()
        };
        for (other, now, expected) in [
            (&[5, 6, 7][..], &[5, 6, 7][..], "..."),
            (&[5, 6, 7], &[5, 8, 6, 7], ".x.."),
            (&[5, 6, 7], &[5, 8, 7], ".x."),
            // A mask is no difference, nor are end-of-sequence tokens behind the answer.
            (&[5, 6, 7], &[5, 1, 7, 2, 2], "..."),
            (&[1, 1, 1], &[1, 6, 1], ".x."),
            (&[], &[5], "x"),
        ] {
            assert_eq!(marks(other, now, ComparedBy::Tokens), expected, "{other:?} {now:?}");
        }
        let by = ComparedBy::of([&WORDS, &LETTERS]);
        for (words, letters, expected) in [
            // “ab c”
            (&[3, 5, 6][..], &[3, 4, 6, 5][..], "...."),
            // “c” before “c ab”: a word is inserted, with its blank.
            (&[6], &[5, 6, 3, 4], ".xxx"),
            // “ab c” before “aa c”: the whole word is another.
            (&[3, 5, 6], &[3, 3, 6, 5], "xx.."),
            (&[3, 5, 6], &[3, 1, 6, 5], "x..."),
        ] {
            assert_eq!(marks(words, letters, by), expected, "{words:?} {letters:?}");
        }
    }
}
