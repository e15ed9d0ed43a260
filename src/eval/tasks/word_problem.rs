//! Word problems: up to ten events, each with a day or a month that no other event has.
//!
//! The anchor makes every step of the answer a look-up by content, the running total a small
//! sum. Totals stay within `0..=60`, deltas within `1..=9`.

use std::fmt::Write;

use super::rng::Rng;
use super::words::{DAYS, GAINS, LOSSES, MONTHS, NAMES, THINGS};
use super::{Task, TaskProblem};

/// How often none, one, ... ten events are drawn. Without an event the answer is all copying,
/// which a model learns from these first.
const EVENT_WEIGHTS: [u32; 11] = [12, 16, 16, 16, 14, 12, 4, 3, 3, 2, 2];

/// The highest running total.
const HIGHEST_TOTAL: u32 = 60;

/// One problem with a number of events drawn from the usual weights.
pub(super) fn draw(rng: &mut Rng) -> TaskProblem {
    let events = rng.weighted(&EVENT_WEIGHTS);
    with_events(rng, events)
}

/// One problem with exactly `events` events (0 to 10).
pub(super) fn with_events(rng: &mut Rng, events: usize) -> TaskProblem {
    let &(name, pronoun) = rng.pick(&NAMES);
    let things = *rng.pick(&THINGS);
    let months = events > DAYS.len() || rng.chance(0.25);
    let (anchors, preposition): (&[&str], &str) =
        if months { (&MONTHS, "In") } else { (&DAYS, "On") };

    let mut total = rng.range(2, 20);
    let mut prompt = format!("{name} has {total} {things}.");
    let mut answer = format!("{name} starts with {total} {things}.");
    for anchor in &anchors[..events] {
        let mut delta = rng.range(1, 9);
        let mut gain = rng.chance(0.5);
        if total == 0 || total + delta > HIGHEST_TOTAL {
            gain = total == 0;
        } else if !gain && delta > total {
            delta = rng.range(1, total.min(9));
        }
        let verb = *rng.pick(if gain { &GAINS } else { &LOSSES });
        let (sign, next) = if gain { ('+', total + delta) } else { ('-', total - delta) };
        let _ = write!(prompt, " {preposition} {anchor} {pronoun} {verb} {delta}.");
        let _ = write!(answer, " {anchor}: {total} {sign} {delta} = {next}.");
        total = next;
    }
    let _ = write!(prompt, " How many {things} does {name} have?");
    let _ = write!(answer, " {name} has {total} {things}.");
    TaskProblem { task: Task::WordProblem, prompt, answer, number: Some(total), size: events }
}

/// Whether the last number in `text` is `number`.
pub(super) fn ends_in(text: &str, number: u32) -> bool {
    text.split(|c: char| !c.is_ascii_digit())
        .rfind(|run| !run.is_empty())
        .is_some_and(|run| run.parse() == Ok(number))
}
