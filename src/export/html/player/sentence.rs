//! Reasons as sentences that many positions share, and the numbers that differ.

use super::data::Number;
use crate::decode::Verdict;

/// Four significant digits; never rounded up to certainty.
pub(super) fn short(p: f32) -> Option<f64> {
    if !p.is_finite() {
        return None;
    }
    let rounded: f64 = format!("{p:.3e}").parse().ok()?;
    Some(if rounded >= 1.0 && p < 1.0 { 0.9999 } else { rounded })
}

/// A verdict's sentence with `\u{1}` in the place of the position's own numbers, and these.
pub(super) fn sentence(verdict: &Verdict) -> (String, Vec<Number>) {
    let text = verdict.to_string();
    let mut own = verdict.own_numbers();
    let (mut template, mut numbers, mut rest) = (String::new(), Vec::new(), text.as_str());
    // The earliest in the text first: that is the order they are put back in.
    loop {
        let found = own.iter().enumerate().filter_map(|(at, value)| {
            let shown = crate::decode::ShownProbability(*value).to_string();
            Some((rest.find(&shown)?, at, shown))
        });
        let Some((start, at, shown)) = found.min_by_key(|(start, ..)| *start) else { break };
        template.push_str(&rest[..start]);
        template.push('\u{1}');
        rest = &rest[start + shown.len()..];
        numbers.push(number(shown));
        own.remove(at);
    }
    template.push_str(rest);
    (template, numbers)
}

/// A shown number as one that the player shows alike, or as its text.
fn number(shown: String) -> Number {
    // What the player does: toFixed and toExponential.
    let again = |p: f64| match p {
        p if p > 0.999 && p < 1.0 => format!("{p:.6}"),
        p if p != 0.0 && p < 0.001 => format!("{p:.1e}"),
        p if p < 0.1 => format!("{p:.4}"),
        p => format!("{p:.3}"),
    };
    match shown.parse() {
        Ok(p) if again(p) == shown => Number::Value(p),
        _ => Number::Text(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{FillRule, LeftRule, Measure, Test};

    #[test]
    fn sentences_are_told_apart_from_their_numbers() {
        let check = |verdict: Verdict, template: &str, numbers: &[Number]| {
            let (sentence, found) = sentence(&verdict);
            assert_eq!((sentence.as_str(), &*found), (template, numbers));
        };
        let value = Number::Value;
        let rule = LeftRule::NotConfident { threshold: 0.9, best: Some((41, 0.88)) };
        check(
            Verdict::Left { p: 0.31, rule },
            "left: \u{1} is not > τ_high 0.900; best of the block is 41 with 0.880",
            &[value(0.31)],
        );
        let rule = FillRule::Passes(Test { measure: Measure::Rank, value: 0.95, bound: 0.5 });
        check(
            Verdict::Fill { token: 1, p: 0.95, rule, threshold: None },
            "unmasked: \u{1} ≥ 1 − f/(n+1) = \u{1}",
            &[value(0.95), value(0.5)],
        );
        let rule = LeftRule::Stage;
        check(Verdict::Left { p: 0.1, rule }, "left: stage 1 only adjusts the length", &[]);
        let rule = LeftRule::Quota { rank: 3, quota: 2 };
        check(
            Verdict::Left { p: f32::NAN, rule },
            "left: \u{1} is rank 3, 2 are unmasked",
            &[Number::Text("–".to_owned())],
        );
    }

    #[test]
    fn numbers_keep_four_digits_and_never_become_certain() {
        for (p, expected) in [
            (0.123_456, Some(0.1235)),
            (0.999_999, Some(0.9999)),
            (1.0, Some(1.0)),
            (0.000_012_345, Some(0.000_012_35)),
            (f32::NAN, None),
        ] {
            let found = short(p);
            assert!(
                found == expected
                    || found.zip(expected).is_some_and(|(a, b)| (a / b - 1.0).abs() < 1e-3),
                "{p}: {found:?}"
            );
        }
    }
}
