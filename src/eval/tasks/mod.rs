//! Generated problems: what the embedded model is trained on and measured with.
//!
//! Every problem follows from a seed. A hash of the prompt decides whether a problem is held
//! out (one in [`HELD_OUT_ONE_IN`]); training never sees those, evaluation sees no others.
//!
//! ```
//! use demask::eval::tasks::{Task, held_out};
//!
//! let problem = held_out(Task::Echo, 0).next().unwrap();
//! assert!(problem.is_held_out() && problem.check(&problem.answer));
//! ```

mod counting;
mod echo;
mod known;
mod naming;
mod rng;
mod story;
mod word_problem;
mod words;

pub use known::{examples, unlike};
pub use rng::Rng;
use xxhash_rust::xxh3::xxh3_64;

/// One prompt in this many is held out from training.
pub const HELD_OUT_ONE_IN: u64 = 16;

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Up to ten dated events, a running total and a final number.
    WordProblem,
    /// Counting on in equal steps.
    Counting,
    /// Each word of a list twice.
    Echo,
    /// A list of free choice.
    Naming,
    /// A story of a given number of sentences, of free choice.
    Story,
}

impl Task {
    /// All kinds, in the order of [`MIXTURE`].
    pub const ALL: [Task; 5] =
        [Task::WordProblem, Task::Counting, Task::Echo, Task::Naming, Task::Story];

    /// A lower-case name for reports.
    pub fn name(self) -> &'static str {
        match self {
            Task::WordProblem => "word problem",
            Task::Counting => "counting",
            Task::Echo => "echo",
            Task::Naming => "naming",
            Task::Story => "story",
        }
    }

    fn draw(self, rng: &mut Rng) -> TaskProblem {
        match self {
            Task::WordProblem => word_problem::draw(rng),
            Task::Counting => counting::draw(rng),
            Task::Echo => echo::draw(rng),
            Task::Naming => naming::draw(rng),
            Task::Story => story::draw(rng),
        }
    }
}

/// How often each kind of [`Task::ALL`] is drawn when training begins, in percent.
pub const MIXTURE: [u32; 5] = [72, 4, 7, 5, 12];

/// A prompt with the answer the generator gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskProblem {
    /// The kind of problem.
    pub task: Task,
    /// The user's message, plain text.
    pub prompt: String,
    /// One right answer; where the choice is free there are others.
    pub answer: String,
    /// The final number, where the answer has one.
    pub number: Option<u32>,
    /// Events, terms, words or sentences asked for.
    pub size: usize,
}

impl TaskProblem {
    /// Whether `text` answers the prompt. For word problems the last number counts, for
    /// stories the number of sentences, for free lists the number of known words; for the
    /// others the whole text must match.
    pub fn check(&self, text: &str) -> bool {
        match self.task {
            Task::WordProblem => {
                self.number.is_some_and(|number| word_problem::ends_in(text, number))
            }
            Task::Counting | Task::Echo => text.trim() == self.answer,
            Task::Naming => naming::is_list(text, self.size),
            Task::Story => story::has_sentences(text, self.size),
        }
    }

    /// Whether this problem belongs to the held-out split.
    pub fn is_held_out(&self) -> bool {
        is_held_out(&self.prompt)
    }
}

/// Whether a prompt belongs to the held-out split; depends on its text only.
pub fn is_held_out(prompt: &str) -> bool {
    xxh3_64(prompt.as_bytes()).is_multiple_of(HELD_OUT_ONE_IN)
}

/// Endless training problems of one kind.
pub fn training(task: Task, seed: u64) -> impl Iterator<Item = TaskProblem> {
    problems(task, seed).filter(|problem| !problem.is_held_out())
}

/// Endless held-out problems of one kind; none of them is ever trained on. Word problems have
/// at least one event here.
pub fn held_out(task: Task, seed: u64) -> impl Iterator<Item = TaskProblem> {
    problems(task, seed).filter(|problem| problem.is_held_out() && problem.size > 0)
}

/// Endless held-out word problems with exactly `events` events (1 to 10).
pub fn held_out_with_events(events: usize, seed: u64) -> impl Iterator<Item = TaskProblem> {
    let mut rng = Rng::new(seed, 1_000 + events as u64);
    std::iter::repeat_with(move || word_problem::with_events(&mut rng, events))
        .filter(TaskProblem::is_held_out)
}

/// Endless training problems of all kinds; `shares` says how often each of [`Task::ALL`] is
/// drawn, in any unit, e.g. [`MIXTURE`].
pub fn training_mixture(seed: u64, shares: [u32; 5]) -> impl Iterator<Item = TaskProblem> {
    let mut rng = Rng::new(seed, 500);
    std::iter::repeat_with(move || Task::ALL[rng.weighted(&shares)].draw(&mut rng))
        .filter(|problem| !problem.is_held_out())
}

/// For a story: its answer with one to three sentences too many. A canvas that was expanded
/// leaves such room, and a model must have seen how to fill it. `None` for other tasks.
pub fn lengthened(problem: &TaskProblem, rng: &mut Rng) -> Option<String> {
    if problem.task == Task::Story { story::lengthened(rng, problem) } else { None }
}

fn problems(task: Task, seed: u64) -> impl Iterator<Item = TaskProblem> {
    let mut rng = Rng::new(seed, task as u64);
    std::iter::repeat_with(move || task.draw(&mut rng))
}

#[cfg(test)]
mod tests;
