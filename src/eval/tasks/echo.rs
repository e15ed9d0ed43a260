//! "Say each word twice: owl, lamp.": copying, with a length the prompt shows.

use super::rng::Rng;
use super::words::{ADJECTIVES, ANIMALS, OBJECTS, PLACES};
use super::{Task, TaskProblem};

/// One list of 2 to 20 different words.
pub(super) fn draw(rng: &mut Rng) -> TaskProblem {
    let count = rng.range(2, 20) as usize;
    let pool: Vec<&str> =
        [&ANIMALS, &OBJECTS, &PLACES, &ADJECTIVES].into_iter().flatten().copied().collect();
    let words: Vec<&str> = rng.sample(&pool, count).into_iter().copied().collect();
    let twice: Vec<String> = words.iter().map(|word| format!("{word} {word}")).collect();
    TaskProblem {
        task: Task::Echo,
        prompt: format!("Say each word twice: {}.", words.join(", ")),
        answer: format!("So: {}.", twice.join(", ")),
        number: None,
        size: count,
    }
}
