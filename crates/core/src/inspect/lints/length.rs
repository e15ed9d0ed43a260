//! Lints about the length: the EOS tail, what stands behind it, the room there was.

use std::collections::HashSet;

use super::{Finding, Lint, LintedRun, setup::ends_turn};
use crate::{
    canvas::{NO_TOKEN, Slot},
    decode::{Finish, Mode, ParamRole, State},
    predict::{Column, Piece},
};

/// Fewer positions where words gave way to EOS are the end of a draft that moved a little.
const WORDS: usize = 3;

pub(super) fn look(run: &LintedRun) -> Vec<Finding> {
    [cut_off(run), premature_eos(run), after_eos(run), dropped(run), overshoot(run)]
        .into_iter()
        .flatten()
        .collect()
}

/// The flag of the first canvas's length, and its value.
fn first_length(run: &LintedRun) -> Option<(String, usize)> {
    run.count_of(ParamRole::Length).or_else(|| run.count_of(ParamRole::FirstLength))
}

/// Masks were left when nothing could expand any more.
fn out_of_room(run: &LintedRun) -> Option<Finding> {
    let (flag, most) = run.count_of(ParamRole::MaxLength)?;
    let of = |step: usize| match run.node(step).state {
        State::DreamOn(state) => Some((state.expanded, run.node(step).canvas.generated() >= most)),
        _ => None,
    };
    let (all, _) = of(run.path.len() - 1)?;
    let budget = run.end().params.float("expand_budget").ok()?;
    let budget = if budget < 0.0 { most } else { budget as usize };
    let used_up = |step: &usize| of(*step).is_some_and(|(n, full)| n > 0 && (full || n >= budget));
    let step = (1..run.path.len()).find(used_up)?;
    let masks = run.node(step).canvas.masks();
    if masks == 0 {
        return None;
    }
    let (text, advice) = match of(step) {
        Some((_, true)) => (
            format!("the canvas reached the maximum length {most}"),
            format!("raise `{flag}`, which is {most}"),
        ),
        _ => (
            format!("all {all} expansions were used up"),
            format!("raise `--expand-budget`, which is {budget}"),
        ),
    };
    let text = format!("{text} with {masks} masks left, of which none could expand");
    Some(Finding::new(Lint::CutOff, text).advising(advice).at_steps([step]))
}

/// Everything is written and nothing ends the answer.
fn cut_off(run: &LintedRun) -> Option<Finding> {
    // There the end deletes masks, and stands nowhere.
    if matches!(run.end().state, State::DreamOn(_)) {
        return out_of_room(run);
    }
    let canvas = run.canvas();
    let eos = canvas.special().eos;
    let ends = |token: u32| {
        let piece = run.vocabulary.piece(token);
        token == eos || matches!(piece, Some(Piece::Control(name)) if ends_turn(&name))
    };
    let written = canvas.cells().last()?.filled?;
    let over = run.finish() == Some(Finish::Complete) && canvas.masks() == 0;
    if eos == NO_TOKEN || !over || canvas.cells().iter().any(|cell| ends(cell.token)) {
        return None;
    }
    let length = canvas.len();
    let most = run.count_of(ParamRole::MaxLength);
    let fixed = first_length(run);
    let daedal = "or `--strategy daedal`, which finds the length";
    let advice = match (&most, &fixed) {
        (Some((flag, most)), _) if length >= *most => format!("raise `{flag}`, which is {most}"),
        (Some(_), Some((flag, initial))) => format!(
            "raise `{flag}`, which is {initial}, or `--eos-confidence-threshold`, under which stage 1 \
             makes room"
        ),
        (_, Some((flag, _))) => format!("take `{flag} {}` or more, {daedal}", 2 * length),
        (_, None) => "let the run have a longer canvas".to_owned(),
    };
    let at = match most {
        Some((_, most)) if length >= most => "the maximum length",
        _ => "its length",
    };
    let text =
        format!("all {length} positions are unmasked and none is EOS: the answer was cut at {at}");
    let found = Finding::new(Lint::CutOff, text).advising(advice);
    Some(found.at_steps([written as usize]).at_positions([length - 1]))
}

/// The answer is empty, or its tail was begun before half of what is in front of it was written, and
/// where the model had had words in mind.
fn premature_eos(run: &LintedRun) -> Option<Finding> {
    let canvas = run.canvas();
    let tail = canvas.tail();
    // Appended cells hold EOS from the start; those written as EOS count.
    let begun = run.written(tail..canvas.len()).min()?;
    let first: Vec<usize> = (tail..canvas.len())
        .filter(|&at| canvas.cells()[at].filled == Some(begun as u32))
        .collect();
    let share = 100.0 * (canvas.len() - tail) as f64 / canvas.len() as f64;
    let found = |text: String| {
        let found = Finding::new(Lint::PrematureEos, text).advising(against_eos(run));
        Some(found.at_steps([begun]).at_positions(first.iter().copied()))
    };
    if tail == 0 {
        return found(format!(
            "the answer is empty: all {} positions are EOS, the first unmasked in step {begun}",
            canvas.len()
        ));
    }
    let later = canvas
        .cells()
        .range(0..tail)
        .filter(|cell| cell.filled.is_none_or(|at| at as usize > begun))
        .count();
    if later * 2 < tail {
        return None;
    }
    let words = match words_in_mind(run, tail) {
        Some(words) if words < WORDS => return None,
        Some(words) => format!("; at {words} of its positions the model had had words in mind"),
        None => String::new(),
    };
    found(format!(
        "the EOS tail, {share:.0} % of the canvas, was begun in step {begun}, when {later} of the \
         {tail} positions before it were still masked{words}"
    ))
}

/// At how many positions of the tail that a step wrote the first prediction was no EOS; `None` if
/// none of them was predicted on record.
fn words_in_mind(run: &LintedRun, tail: usize) -> Option<usize> {
    let canvas = run.canvas();
    let eos = canvas.special().eos;
    let mut wanted: HashSet<Slot> = canvas
        .cells()
        .range(tail..canvas.len())
        .filter(|cell| cell.filled.is_some())
        .map(|cell| cell.slot)
        .collect();
    let mut words = None;
    for step in 1..run.path.len() {
        let Some((prediction, before)) = run.prediction(step) else { continue };
        for (at, cell) in before.cells().iter().enumerate() {
            if !before.is_masked(at) || !wanted.contains(&cell.slot) {
                continue;
            }
            let p_eos = prediction.number(Column::PEos, at).map(|p| p >= 0.5);
            let ends = p_eos.or_else(|| prediction.guess(at).map(|guess| guess == eos));
            let Some(ends) = ends else { continue };
            wanted.remove(&cell.slot);
            *words.get_or_insert(0) += usize::from(!ends);
        }
        if wanted.is_empty() {
            break;
        }
    }
    words
}

/// What keeps EOS from being written early, as far as this strategy has it.
fn against_eos(run: &LintedRun) -> String {
    let params = &run.end().params;
    let mut ways = Vec::new();
    if let Some((flag, block)) = run.count_of(ParamRole::Block)
        && block > 8
    {
        ways.push(format!("a shorter block (`{flag}` is {block})"));
    }
    if params.spec("confidence_eos_eot_inf").is_ok() {
        ways.push("`--confidence-eos-eot-inf`, which unmasks EOS last".to_owned());
    }
    if params.spec("begin_suppress_tokens").is_ok() {
        let eos = run.canvas().special().eos;
        ways.push(format!("`--begin-suppress-tokens {eos}`, which unmasks EOS last"));
    }
    if !matches!(run.end().state, State::Daedal(_)) {
        ways.push("`--strategy daedal`, which finds the length".to_owned());
    }
    match ways.len() {
        0 => "take a shorter first canvas".to_owned(),
        _ => format!("take {}", ways.join(", or ")),
    }
}

/// Tokens behind the first EOS.
fn after_eos(run: &LintedRun) -> Option<Finding> {
    let canvas = run.canvas();
    let special = canvas.special();
    let first = canvas.cells().iter().position(|cell| cell.token == special.eos)?;
    let behind: Vec<usize> = (first + 1..canvas.len())
        .filter(|&at| ![special.eos, special.mask].contains(&canvas.cells()[at].token))
        .collect();
    if behind.is_empty() {
        return None;
    }
    let (tokens, stand) = if behind.len() == 1 { ("token", "stands") } else { ("tokens", "stand") };
    let text = format!("{} {tokens} {stand} behind the first EOS at {first}", behind.len());
    let found = Finding::new(Lint::AfterEos, text).at_steps(run.written(behind.iter().copied()));
    Some(found.at_positions(behind))
}

/// Written tokens that fell off.
fn dropped(run: &LintedRun) -> Option<Finding> {
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
    let (text, advice) = match run.end().state {
        State::RhoEos(_) => (
            format!("{all} tokens were cut off with the tail"),
            "raise `--high-density-threshold`, or take `--preset rho-paper`, which cuts masks alone",
        ),
        State::Indel(_) => (
            format!("{all} tokens were pushed out of their block by masks put before them"),
            "raise `--edit-threshold`, or forbid the mask there with `forbid POSITION`",
        ),
        _ => (format!("{all} tokens fell off at the maximum length"), "raise `--max-gen-length`"),
    };
    let steps = lost.into_iter().map(|(step, _)| step);
    (all > 0).then(|| Finding::new(Lint::DroppedTokens, text).advising(advice).at_steps(steps))
}

/// A canvas over twice as long as the answer: at the end of stage 1, or all along.
fn overshoot(run: &LintedRun) -> Option<Finding> {
    let settled = run
        .decisions()
        .find(|(_, decision, _)| decision.mode == Mode::Settle)
        .map(|(step, _, before)| (step, before.len()));
    let canvas = run.canvas();
    if canvas.masks() > 0 || canvas.is_empty() {
        return None;
    }
    let answer = canvas.tail();
    let ratio = canvas.effective() as f64 / canvas.generated().max(1) as f64;
    let found = |text: String| Finding::new(Lint::Overshoot, format!("{text}: E_ratio {ratio:.2}"));
    match settled {
        Some((step, before)) if before > 2 * answer => {
            let text =
                format!("stage 1 ended with {before} positions for an answer of {answer} tokens");
            let advice = "lower `--initial-gen-length` or `--eos-confidence-threshold`";
            Some(found(text).advising(advice).at_steps([step]))
        }
        Some(_) => None,
        None if run.is_fixed() && canvas.len() > 2 * answer => {
            behind_the_answer(run, answer, found)
        }
        None => None,
    }
}

/// A fixed length that the answer did not need, and the steps that went into what is behind it.
fn behind_the_answer(
    run: &LintedRun,
    answer: usize,
    found: impl Fn(String) -> Finding,
) -> Option<Finding> {
    let canvas = run.canvas();
    // A tail that was there from the start was not made.
    let tail: Vec<usize> =
        (answer..canvas.len()).filter(|&at| canvas.cells()[at].filled.is_some()).collect();
    if canvas.len() - tail.len() > 2 * answer.max(1) {
        return None;
    }
    let whole = run.written(0..answer).max().unwrap_or(0);
    let after = run.written(tail.iter().copied()).max()?.saturating_sub(whole);
    let wasted = match after {
        0 => String::new(),
        1 => format!(", whole after step {whole}; one more wrote the tail"),
        after => format!(", whole after step {whole}; {after} more wrote the tail"),
    };
    let text = format!("{} positions for an answer of {answer} tokens{wasted}", canvas.len());
    let flag = first_length(run).map_or("a shorter length".to_owned(), |(flag, _)| {
        format!("`{flag} {}` for such answers", (2 * answer).max(8).next_multiple_of(8))
    });
    let advice = format!("take {flag}, or `--strategy daedal`, which finds the length");
    Some(
        found(text).advising(advice).at_steps(run.written(tail.iter().copied())).at_positions(tail),
    )
}
