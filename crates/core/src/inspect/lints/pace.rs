//! Lints about the number of tokens a step fills.

use super::{Finding, Lint, LintedRun};
use crate::decode::{FillRule, ParamRole, Value, Verdict};

/// So many tokens a step on average are many. Each is chosen without seeing the others of its step.
const MANY: f64 = 4.0;

/// Fewer tokens in all say nothing.
const FEWEST: usize = 8;

/// A token of this confidence is filled early by strategies that look at it, too.
const SURE: f32 = 0.9;

pub(super) fn look(run: &LintedRun) -> Option<Finding> {
    let steps = by_count(run);
    let filled: usize = steps.iter().map(|(_, filled)| filled).sum();
    let each = filled as f64 / steps.len().max(1) as f64;
    if filled < FEWEST || each < MANY {
        return None;
    }
    let noun = if steps.len() == 1 { "step" } else { "steps" };
    let found = Finding::new(
        Lint::TooFewSteps,
        format!(
            "{} tokens a step: {filled} positions were unmasked in {} {noun}, each without seeing \
             the others of its step",
            short(each),
            steps.len()
        ),
    );
    let advice = advice(run, filled);
    Some(found.advising(advice).at_steps(steps.into_iter().map(|(step, _)| step)))
}

/// How many positions each step filled because there were so many to fill, not because they were
/// sure enough; steps without one are left out. Of another program's steps nobody says why: what was
/// sure, and the tail, may have been filled for being so.
fn by_count(run: &LintedRun) -> Vec<(usize, usize)> {
    let eos = run.canvas().special().eos;
    let counted = |verdict: &Verdict| match *verdict {
        Verdict::Fill { rule: FillRule::Quota { .. } | FillRule::Drawn { .. }, .. } => true,
        Verdict::Fill { token, p, rule: FillRule::Unrecorded, .. } => {
            token != eos && (p.is_nan() || p < SURE)
        }
        _ => false,
    };
    let steps = run.decisions().map(|(step, decision, _)| {
        (step, decision.verdicts.iter().filter(|verdict| counted(verdict)).count())
    });
    steps.filter(|(_, filled)| *filled > 0).collect()
}

/// The numbers of steps that fill one token each and two.
fn advice(run: &LintedRun, filled: usize) -> String {
    let length = run.canvas().len();
    let Some((flag, _)) = run.count_of(ParamRole::Steps) else {
        return format!(
            "take as many steps as positions ({filled}) for one a step, or {} for two",
            filled.div_ceil(2)
        );
    };
    let (one, two) = (fitting(run, length), fitting(run, length.div_ceil(2)));
    format!("take `{flag} {one}` for one a step, or `{flag} {two}` for at most two")
}

/// The least number of steps from `least` on that the strategy takes: it may have to be a multiple
/// of the number of blocks.
fn fitting(run: &LintedRun, least: usize) -> usize {
    let (canvas, strategy) = (run.canvas(), run.session.strategy());
    let taken = |steps: &usize| {
        let mut params = (*run.end().params).clone();
        let spec = params.with_role(ParamRole::Steps);
        spec.is_some_and(|spec| params.set(spec.name, Value::Int(*steps as i64)).is_ok())
            && strategy.start(&run.session.text(), canvas.special(), &params).is_ok()
    };
    (least..=least.saturating_mul(2)).find(taken).unwrap_or(least)
}

/// One digit behind the point, if it is not zero.
fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_are_short() {
        for (number, text) in [(32.0, "32"), (4.26, "4.3"), (10.04, "10"), (0.5, "0.5")] {
            assert_eq!(short(number), text);
        }
    }
}
