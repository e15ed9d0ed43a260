//! Probabilities and other numbers in words: short, but with enough digits that different numbers
//! look different.

use std::fmt;

/// The most decimals. They tell any two f32 probabilities apart, except tiny ones.
const MOST_DECIMALS: usize = 9;

/// A probability as it is shown: three significant digits, and more close to 1. Only 0 and 1
/// themselves are shown as 0 and 1.
pub struct ShownProbability(pub f32);

impl fmt::Display for ShownProbability {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&apart(self.0, usual(self.0), &[]))
    }
}

/// The decimals that show three significant digits, or that keep a number close to 1 apart from 1.
fn usual(p: f32) -> usize {
    match p {
        p if p > 0.999 && p < 1.0 => 6,
        p if p < 0.1 => 4,
        _ => 3,
    }
}

/// Two probabilities that a sentence compares.
pub fn against(p: f32, bound: f32) -> (String, String) {
    two((p, usual(p)), (bound, usual(bound)), &[])
}

/// A number with `decimals` decimals, or with as many more as tell it from 0, from 1 and from
/// `others`.
pub fn apart(number: f32, decimals: usize, others: &[f32]) -> String {
    written(number, enough(number, decimals, others))
}

/// Two numbers that are compared, each with its usual decimals. If these do not tell the numbers
/// apart, from each other or from `others`, both get as many decimals as do.
pub fn two(
    (a, usual_a): (f32, usize),
    (b, usual_b): (f32, usize),
    others: &[f32],
) -> (String, String) {
    let from = |other: f32| [others, &[other]].concat();
    let enough_a = enough(a, usual_a, &from(b));
    let enough_b = enough(b, usual_b, &from(a));
    if enough_a == usual_a && enough_b == usual_b {
        return (written(a, usual_a), written(b, usual_b));
    }
    let same = |decimals: &usize| a != b && written(a, *decimals) == written(b, *decimals);
    let decimals = enough_a.max(enough_b);
    let decimals =
        (decimals..MOST_DECIMALS).find(|decimals| !same(decimals)).unwrap_or(MOST_DECIMALS);
    (written(a, decimals), written(b, decimals))
}

/// How many decimals, at least `decimals`, tell a number from 0, from 1 and from `others`.
fn enough(number: f32, decimals: usize, others: &[f32]) -> usize {
    let tells = |decimals: &usize| {
        let Ok(read) = written(number, *decimals).parse::<f32>() else { return true };
        others.iter().chain(&[0.0, 1.0]).all(|&other| other == number || other != read)
    };
    (decimals..MOST_DECIMALS).find(tells).unwrap_or(MOST_DECIMALS)
}

fn written(number: f32, decimals: usize) -> String {
    match number {
        n if !n.is_finite() => "–".to_owned(),
        n if n != 0.0 && n.abs() < 0.001 => format!("{n:.*e}", decimals.saturating_sub(3)),
        n => format!("{n:.decimals$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_never_round_to_what_they_are_not() {
        for (p, text) in [
            (0.0, "0.0000"),
            (1.0, "1.000"),
            (0.5, "0.500"),
            (0.999_95, "0.999950"),
            (0.999_999_9, "0.9999999"),
            (0.000_12, "1.2e-4"),
            (-2.345, "-2.3450"),
            (f32::NAN, "–"),
        ] {
            assert_eq!(ShownProbability(p).to_string(), text);
        }
    }

    #[test]
    fn two_that_differ_are_seen_to_differ() {
        for (p, bound, expected) in [
            (0.04, 0.1, ("0.0400", "0.100")),
            (0.93, 0.9, ("0.930", "0.900")),
            (0.9, 0.9, ("0.900", "0.900")),
            (0.9003, 0.9, ("0.9003", "0.9000")),
            (0.899_999_9, 0.9, ("0.8999999", "0.9000000")),
            (0.999_997_7, 0.999_998, ("0.9999977", "0.9999980")),
            (0.000_12, 0.000_121, ("1.20e-4", "1.21e-4")),
            (f32::NAN, 0.5, ("–", "0.500")),
        ] {
            let (p, bound) = against(p, bound);
            assert_eq!((p.as_str(), bound.as_str()), expected);
        }
    }
}
