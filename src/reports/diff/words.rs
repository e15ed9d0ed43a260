//! Two texts word by word: what one has and the other has not.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Square of the words that an edit script is looked for in; beyond it, everything between the
/// common beginning and end counts as different.
const MOST_COMPARISONS: usize = 1 << 27;

/// A word, or the white space between two, and whether the other text has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffWord<'a> {
    /// The word, or the white space.
    pub text: &'a str,
    /// True if the other text does not have it here.
    pub differs: bool,
}

/// Words and the spaces between them, one after the other; each line end is one of its own.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut from = 0;
    let class = |c: char| match c {
        '\n' => 2,
        c if c.is_whitespace() => 1,
        _ => 0,
    };
    let mut before = None;
    for (at, c) in text.char_indices() {
        if before.is_some_and(|before| before != class(c) || before == 2) {
            words.push(&text[from..at]);
            from = at;
        }
        before = Some(class(c));
    }
    if from < text.len() {
        words.push(&text[from..]);
    }
    words
}

/// The words of both texts.
pub fn marked<'a>(a: &'a str, b: &'a str) -> (Vec<DiffWord<'a>>, Vec<DiffWord<'a>>) {
    let (a, b) = (split(a), split(b));
    let front = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let back = a[front..].iter().rev().zip(b[front..].iter().rev()).take_while(|(a, b)| a == b);
    let back = back.count();
    let all = a.len() + b.len() - 2 * (front + back);
    let (of_a, of_b) = (front..a.len() - back, front..b.len() - back);
    let word = |text| DiffWord { text, differs: false };
    let (mut words_a, mut words_b): (Vec<_>, Vec<_>) =
        (a.iter().copied().map(word).collect(), b.iter().copied().map(word).collect());
    words_a[of_a.clone()].iter_mut().for_each(|word| word.differs = true);
    words_b[of_b.clone()].iter_mut().for_each(|word| word.differs = true);
    if all.saturating_mul(all) <= MOST_COMPARISONS {
        for op in capture_diff_slices(Algorithm::Myers, &a[of_a], &b[of_b]) {
            if let DiffOp::Equal { old_index, new_index, len } = op {
                for at in 0..len {
                    words_a[front + old_index + at].differs = false;
                    words_b[front + new_index + at].differs = false;
                }
            }
        }
    }
    (tidied(words_a), tidied(words_b))
}

/// A space between two words that differ goes with them, and one beside a single one does not.
fn tidied(mut words: Vec<DiffWord>) -> Vec<DiffWord> {
    let given = words.clone();
    let differs = |at: Option<usize>| at.and_then(|at| given.get(at)).map(|word| word.differs);
    for (at, word) in words.iter_mut().enumerate() {
        if word.text.contains(|c: char| c == '\n' || !c.is_whitespace()) {
            continue;
        }
        match (differs(at.checked_sub(1)), differs(Some(at + 1))) {
            (Some(true), Some(true)) => word.differs = true,
            (Some(true), _) | (_, Some(true)) => word.differs = false,
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_differ_are_marked() {
        let show = |words: &[DiffWord]| -> String {
            let mark = |word: &DiffWord| match word.differs {
                true => format!("[{}]", word.text),
                false => word.text.to_owned(),
            };
            words.iter().map(mark).collect()
        };
        for (a, b, first, second) in [
            ("", "", "", ""),
            ("a b c", "a b c", "a b c", "a b c"),
            ("a b c", "a x c", "a [b] c", "a [x] c"),
            ("a\n\nb", "a\nb", "a\n[\n]b", "a\nb"),
            ("a b", "", "[a][ ][b]", ""),
            ("a b c d", "a d", "a [b][ ][c] d", "a d"),
            ("x y", "v w", "[x][ ][y]", "[v][ ][w]"),
            ("a  b", "a b", "a[  ]b", "a[ ]b"),
        ] {
            let (one, two) = marked(a, b);
            assert_eq!((show(&one).as_str(), show(&two).as_str()), (first, second));
        }
    }
}
