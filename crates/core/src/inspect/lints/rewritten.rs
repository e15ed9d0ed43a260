//! Lints about tokens that were written and changed again.

use std::collections::HashMap;

use super::{Finding, Lint, LintedRun};
use crate::{
    canvas::{Origin, Slot, TokenId},
    decode::{FillRule, State, Verdict},
};

/// Fewer masks of expansions that are deleted again are an attempt.
const FEWEST_DELETED: usize = 4;

pub(super) fn look(run: &LintedRun) -> Vec<Finding> {
    [back_and_forth(run), expanded_in_vain(run)].into_iter().flatten().collect()
}

/// The tokens of a position, one behind the other, and the steps that brought one back.
#[derive(Default)]
struct PositionTokens {
    tokens: Vec<TokenId>,
    back: Vec<usize>,
}

/// Positions that got a token which they had had before, with another one in between: replaced, or
/// masked and filled again.
fn back_and_forth(run: &LintedRun) -> Option<Finding> {
    let mut slots: HashMap<Slot, PositionTokens> = HashMap::new();
    for (step, decision, before) in run.decisions() {
        for (cell, verdict) in before.cells().iter().zip(&decision.verdicts) {
            let (was, token) = match *verdict {
                Verdict::Fill { token, .. } => (None, token),
                Verdict::Replace { was, token, .. } => (Some(was), token),
                _ => continue,
            };
            let held = slots.entry(cell.slot).or_default();
            for token in was.into_iter().chain([token]) {
                if held.tokens.last() == Some(&token) {
                    continue;
                }
                if held.tokens.contains(&token) {
                    held.back.push(step);
                }
                held.tokens.push(token);
            }
        }
    }
    slots.retain(|_, held| !held.back.is_empty());
    let (slot, first) = slots.iter().min_by_key(|(slot, held)| (held.back.first(), **slot))?;
    const MOST_TOKENS: usize = 5;
    let mut shown: Vec<String> =
        first.tokens.iter().take(MOST_TOKENS).map(|&token| run.vocabulary.named(token)).collect();
    if first.tokens.len() > MOST_TOKENS {
        shown.push("…".to_owned());
    }
    let many = match slots.len() {
        1 => "1 position was".to_owned(),
        n => format!("{n} positions were"),
    };
    let text = format!(
        "{many} given back a token that had gone, as slot #{}: {}",
        slot.0,
        shown.join(" → ")
    );
    let found = Finding::new(Lint::BackAndForth, text)
        .at_steps(slots.values().flat_map(|held| held.back.iter().copied()));
    Some(found.at_positions(run.positions(slots.keys().copied())))
}

/// Half of the expansions or more made a mask that a later step deleted for what it predicts there.
fn expanded_in_vain(run: &LintedRun) -> Option<Finding> {
    let (mut expansions, mut steps) = (0, Vec::new());
    for (step, decision, before) in run.decisions() {
        expansions += decision.expansions().count();
        for (cell, verdict) in before.cells().iter().zip(&decision.verdicts) {
            let predicted = matches!(verdict, Verdict::Delete { rule, .. } if !matches!(rule, FillRule::BehindEos { .. }));
            if predicted && matches!(cell.origin, Origin::Inserted { .. }) {
                steps.push(step);
            }
        }
    }
    if steps.len() < FEWEST_DELETED || steps.len() * 2 < expansions {
        return None;
    }
    let text = format!(
        "{} masks of {expansions} expansions were deleted again: the steps undo each other",
        steps.len()
    );
    let advice = match run.end().state {
        State::Indel(_) => {
            "raise `--edit-threshold`, or forbid the mask there with `forbid POSITION`"
        }
        _ => "lower `--expand-budget`, or forbid the expansion there with `forbid POSITION`",
    };
    Some(Finding::new(Lint::BackAndForth, text).advising(advice).at_steps(steps))
}
