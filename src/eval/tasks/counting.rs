//! "Count from 3 to 41 in steps of 2.": the length follows from the three numbers.

use super::rng::Rng;
use super::{Task, TaskProblem};

/// One counting problem of 3 to 20 terms, none above 99.
pub(super) fn draw(rng: &mut Rng) -> TaskProblem {
    let step = *rng.pick(&[1, 1, 2, 2, 3, 5, 10]);
    let most = 20.min(90 / step);
    let terms = rng.range(3, most);
    let first = rng.range(0, 30.min(99 - step * (terms - 1)));
    let last = first + step * (terms - 1);
    let list: Vec<String> = (0..terms).map(|i| (first + i * step).to_string()).collect();
    TaskProblem {
        task: Task::Counting,
        prompt: format!("Count from {first} to {last} in steps of {step}."),
        answer: format!("So: {}.", list.join(", ")),
        number: Some(last),
        size: terms as usize,
    }
}
