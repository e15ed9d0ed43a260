//! "Name 6 animals and objects.": many right answers, each word about equally likely.

use super::rng::Rng;
use super::words::{ANIMALS, OBJECTS, PLACES};
use super::{Task, TaskProblem};

/// The kinds of things asked for.
const KINDS: [(&str, &[&str; 24]); 3] =
    [("animals", &ANIMALS), ("objects", &OBJECTS), ("places", &PLACES)];

/// Who is asking; it only makes the prompts differ.
const OPENINGS: [&str; 4] = ["Name", "Please name", "Can you name", "List"];

/// One request for 2 to 12 things, in two kinds.
pub(super) fn draw(rng: &mut Rng) -> TaskProblem {
    let kinds = rng.sample(&KINDS, 2);
    let (first, second) = (rng.range(1, 6) as usize, rng.range(1, 6) as usize);
    let opening = *rng.pick(&OPENINGS);
    let mut words: Vec<&str> = rng.sample(kinds[0].1, first).into_iter().copied().collect();
    words.extend(rng.sample(kinds[1].1, second).into_iter().copied());
    TaskProblem {
        task: Task::Naming,
        prompt: format!("{opening} {first} {} and {second} {}.", kinds[0].0, kinds[1].0),
        answer: format!("So: {}.", words.join(", ")),
        number: None,
        size: first + second,
    }
}

/// Whether `text` is a list of `size` known words.
pub(super) fn is_list(text: &str, size: usize) -> bool {
    let Some(list) = text.trim().strip_prefix("So: ").and_then(|rest| rest.strip_suffix('.'))
    else {
        return false;
    };
    let words: Vec<&str> = list.split(", ").collect();
    words.len() == size
        && words.iter().all(|word| KINDS.iter().any(|(_, known)| known.contains(word)))
}
