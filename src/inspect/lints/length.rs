//! Lints about the length: the EOS tail, what stands behind it, the room stage 1 made.

use super::{Finding, Lint, Run};
use crate::decode::{Mode, State};

pub(super) fn look(run: &Run) -> Vec<Finding> {
    [premature_eos(run), after_eos(run), dropped(run), overshoot(run)]
        .into_iter()
        .flatten()
        .collect()
}

/// The tail was begun before half of the answer in front of it was written.
fn premature_eos(run: &Run) -> Option<Finding> {
    let canvas = run.canvas();
    let tail = canvas.tail();
    // Appended cells hold EOS from the start; those written as EOS count.
    let written = |from: usize| canvas.cells()[from..].iter().filter_map(|cell| cell.filled);
    let begun = written(tail).min()?;
    let later =
        canvas.cells()[..tail].iter().filter(|cell| cell.filled.is_none_or(|at| at > begun));
    let later = later.count();
    if tail == 0 || later * 2 < tail {
        return None;
    }
    let first: Vec<usize> =
        (tail..canvas.len()).filter(|&at| canvas.cells()[at].filled == Some(begun)).collect();
    Some(Finding {
        lint: Lint::PrematureEos,
        text: format!(
            "the EOS tail was begun when {later} of the {tail} tokens before it were not written"
        ),
        steps: vec![begun as usize],
        positions: first,
    })
}

/// Tokens behind the first EOS.
fn after_eos(run: &Run) -> Option<Finding> {
    let canvas = run.canvas();
    let special = canvas.special();
    let first = canvas.cells().iter().position(|cell| cell.token == special.eos)?;
    let behind: Vec<usize> = (first + 1..canvas.len())
        .filter(|&at| ![special.eos, special.mask].contains(&canvas.cells()[at].token))
        .collect();
    if behind.is_empty() {
        return None;
    }
    let mut steps: Vec<usize> = behind
        .iter()
        .filter_map(|&at| canvas.cells()[at].filled)
        .map(|step| step as usize)
        .collect();
    steps.sort_unstable();
    steps.dedup();
    Some(Finding {
        lint: Lint::AfterEos,
        text: format!("{} tokens stand behind the first EOS at {first}", behind.len()),
        steps,
        positions: behind,
    })
}

/// Written tokens that fell off.
fn dropped(run: &Run) -> Option<Finding> {
    let eos = run.canvas().special().eos;
    let lost: Vec<(usize, usize)> = run
        .decisions()
        .map(|(step, decision, _)| {
            let tokens = decision.dropped.iter().filter_map(|drop| drop.token);
            (step, tokens.filter(|&token| token != eos).count())
        })
        .filter(|(_, lost)| *lost > 0)
        .collect();
    let all: usize = lost.iter().map(|(_, lost)| lost).sum();
    (all > 0).then(|| Finding {
        lint: Lint::DroppedTokens,
        text: match run.end().state {
            State::RhoEos(_) => format!(
                "{all} written tokens were cut off with the tail; raise high_density_threshold or \
                 take the preset rho-paper, which cuts masks alone"
            ),
            _ => {
                format!("{all} written tokens fell off at the maximum length; raise max_gen_length")
            }
        },
        steps: lost.into_iter().map(|(step, _)| step).collect(),
        positions: Vec::new(),
    })
}

/// A canvas over twice as long as the answer at the end of stage 1.
fn overshoot(run: &Run) -> Option<Finding> {
    let (step, before) = run
        .decisions()
        .find(|(_, decision, _)| decision.mode == Mode::Settle)
        .map(|(step, _, before)| (step, before.len()))?;
    let canvas = run.canvas();
    if canvas.masks() > 0 || canvas.is_empty() {
        return None;
    }
    let answer = canvas.tail();
    let ratio = canvas.effective() as f64 / canvas.len() as f64;
    (before > 2 * answer).then(|| Finding {
        lint: Lint::Overshoot,
        text: format!(
            "stage 1 ended with {before} positions for an answer of {answer} tokens: E_ratio \
             {ratio:.2}; lower initial_gen_length or eos_confidence_threshold"
        ),
        steps: vec![step],
        positions: Vec::new(),
    })
}
