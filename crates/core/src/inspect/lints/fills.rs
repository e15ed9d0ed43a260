//! Lints about what was written: repetition, doubt, punctuation too early.

use std::collections::HashMap;

use super::{Filled, Finding, Lint, LintedRun};
use crate::{
    canvas::{Slot, TokenId},
    decode::ShownProbability,
};

/// A fill under this confidence is a doubtful one.
const DOUBT: f32 = 0.3;
/// Longest sequence looked for in a loop, tokens.
const PERIOD: usize = 32;
/// Times a sequence stands in a row to count as a loop.
const TIMES: usize = 3;
/// Fewest tokens of a loop: three dots are none.
const SHORTEST_LOOP: usize = 6;

pub(super) fn look(run: &LintedRun) -> Vec<Finding> {
    let filled = run.filled();
    let mut found = repetitions(run);
    found.extend(doubtful(run, &filled));
    found.extend(punctuation(run, &filled));
    found
}

/// Where sequences repeat: start, period and length, longest loops first found from the left.
pub(super) fn loops(tokens: &[TokenId]) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let best = (1..=PERIOD.min((tokens.len() - at) / TIMES))
            .filter_map(|period| {
                let same = tokens[at + period..].iter().zip(&tokens[at..]);
                let length = period + same.take_while(|(a, b)| a == b).count();
                (length >= TIMES * period && length >= SHORTEST_LOOP).then_some((period, length))
            })
            .max_by_key(|&(period, length)| (length, std::cmp::Reverse(period)));
        match best {
            Some((period, length)) => {
                found.push((at, period, length));
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

fn repetitions(run: &LintedRun) -> Vec<Finding> {
    let canvas = run.canvas();
    let special = canvas.special();
    let tokens = canvas.tokens();
    let answer = &tokens[..canvas.tail()];
    loops(answer)
        .into_iter()
        .filter(|&(at, ..)| answer[at] != special.mask)
        .map(|(at, period, length)| {
            let text = run.vocabulary.text(&answer[at..at + period]);
            let shown: String = match text.trim() {
                "" => text.escape_debug().take(40).collect(),
                text => text.chars().take(40).collect(),
            };
            let found = Finding::new(
                Lint::Repetition,
                format!("“{shown}” stands {} times in a row", length / period),
            );
            let found = found.at_steps(run.written(at..at + length)).at_positions(at..at + length);
            // A fixed length that is too long is filled with something.
            match run.is_fixed() {
                true => found.advising(
                    "take a shorter length, more steps, or a temperature over 0; `daedal` finds \
                     the length itself",
                ),
                false => {
                    found.advising("take a temperature over 0, or veto the token where it begins")
                }
            }
        })
        .collect()
}

fn doubtful(run: &LintedRun, filled: &[Filled]) -> Option<Finding> {
    let doubtful: Vec<&Filled> = filled.iter().filter(|fill| fill.p < DOUBT).collect();
    let least = doubtful.iter().map(|fill| fill.p).fold(f32::INFINITY, f32::min);
    (!doubtful.is_empty()).then(|| {
        let text = format!(
            "{} of {} fills were under {DOUBT}, the lowest at {}",
            doubtful.len(),
            filled.len(),
            ShownProbability(least)
        );
        Finding::new(Lint::LowConfidence, text)
            .at_steps(doubtful.iter().map(|fill| fill.step))
            .at_positions(run.positions(doubtful.iter().map(|fill| fill.slot)))
    })
}

/// True for a token of punctuation alone.
fn is_punctuation(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_punctuation() || "…。，！？；：、".contains(c))
}

/// Punctuation in the first third of stage 2 whose left neighbour was still a mask.
fn punctuation(run: &LintedRun, filled: &[Filled]) -> Option<Finding> {
    let (first, last) = (filled.first()?.step, filled.last()?.step);
    let early = first + (last - first) / 3;
    let at_step: HashMap<usize, Vec<&Filled>> =
        filled.iter().filter(|fill| fill.step <= early).fold(HashMap::new(), |mut map, fill| {
            map.entry(fill.step).or_insert_with(Vec::new).push(fill);
            map
        });
    let mut steps = Vec::new();
    let mut slots: Vec<Slot> = Vec::new();
    for step in first..=early {
        let Some(fills) = at_step.get(&step) else { continue };
        let after = &run.node(step).canvas;
        for fill in fills {
            let mark = run.text(fill.token).is_some_and(|text| is_punctuation(&text));
            let before = after.position(fill.slot).and_then(|position| position.checked_sub(1));
            if mark && before.is_some_and(|before| after.is_masked(before)) {
                steps.push(step);
                slots.push(fill.slot);
            }
        }
    }
    (!slots.is_empty()).then(|| {
        let text = match slots.len() {
            1 => "1 punctuation mark was unmasked before the token in front of it".to_owned(),
            n => format!("{n} punctuation marks were unmasked before the token in front of them"),
        };
        let found = Finding::new(Lint::EarlyPunctuation, text).at_steps(steps);
        found.at_positions(run.positions(slots))
    })
}

#[cfg(test)]
mod tests {
    use super::{is_punctuation, loops};

    #[test]
    fn loops_are_found_with_their_period() {
        for (tokens, expected) in [
            (&[][..], &[][..]),
            (&[1, 2, 3, 4, 5, 6, 7, 8], &[]),
            (&[5, 5, 5], &[]),
            (&[5, 5, 5, 5, 5, 5], &[(0, 1, 6)]),
            (&[9, 1, 2, 1, 2, 1, 2, 8], &[(1, 2, 6)]),
            (&[1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 7], &[(0, 3, 10)]),
            (&[1, 2, 1, 2, 7, 7], &[]),
        ] {
            assert_eq!(loops(tokens), expected, "{tokens:?}");
        }
    }

    #[test]
    fn punctuation_is_told_from_words() {
        for (text, expected) in
            [(".", true), (" ,", true), ("?!", true), ("a.", false), (" ", false), ("", false)]
        {
            assert_eq!(is_punctuation(text), expected, "{text:?}");
        }
    }
}
