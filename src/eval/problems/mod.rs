//! Problem sets: questions with the answers wanted, generated or read from a file, how they are
//! put to a model and how its answers are checked.
//!
//! ```
//! use demask::eval::problems::{Checker, ModelAnswer, Problem};
//!
//! let problem = Problem { expected: Some("12".to_owned()), ..Problem::default() };
//! let text = "3 of 15 are eaten, so 12 are left.";
//! let verdict = Checker::Number.check(&problem, ModelAnswer { text, whole: text }, None)?;
//! assert_eq!(verdict.correct, Some(true), "the last number of the text counts");
//! # Ok::<(), demask::eval::problems::PythonError>(())
//! ```

mod benchmark;
pub mod boxed;
mod checker;
pub mod choice;
pub mod code;
mod file;
mod format;
pub mod latex;
mod lines;
pub mod number;
pub mod published;
mod table;

use std::{collections::HashSet, path::Path};

pub use benchmark::Benchmark;
pub use checker::{Checker, CheckerVerdict, ModelAnswer};
pub use code::{Python, PythonError};
pub use format::PromptFormat;
use xxhash_rust::xxh3::Xxh3;

use super::tasks::{self, Task};
use crate::model::Surroundings;

/// Problems of a generated set, unless it is said how many.
pub const DEFAULT_COUNT: usize = 100;

/// Problems of all of MBPP, and the test split among them: tasks 11 to 510, from 1.
const MBPP: usize = 974;
const MBPP_TEST: std::ops::Range<usize> = 10..510;

/// After this many problems in a row that were drawn before, a kind counts as exhausted.
const PATIENCE: usize = 1000;

/// A question and what answers it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// Its number, from 0, through all sets that are measured together.
    pub number: usize,
    /// Its kind within the set.
    pub task: String,
    /// The question, without the words around it; empty where a text with holes is all there is.
    pub question: String,
    /// What stands beside the question: a suffix, a text with holes, or texts on both sides of a gap.
    pub surroundings: Surroundings,
    /// The answer wanted; of a program, the tests it must pass. `None` where there is none to check
    /// by.
    pub expected: Option<String>,
    /// How the answer is run, if it is a program.
    pub code: Option<code::CodeTask>,
    /// The choices, for multiple choice.
    pub choices: Vec<String>,
    /// What it was generated as.
    pub generated: Option<tasks::TaskProblem>,
}

/// Problems under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemSet {
    /// The name: a generated set's, or the file's without its ending.
    pub name: String,
    /// What it was asked for as: the name of a generated set, or of a file without its folder.
    pub source: String,
    /// How answers are checked.
    pub checker: Checker,
    /// How questions are put.
    pub format: PromptFormat,
    /// The seed of a generated set.
    pub seed: u64,
    /// The problems, numbered from 0.
    pub problems: Vec<Problem>,
    /// The benchmark that a file looks like.
    pub benchmark: Option<Benchmark>,
}

/// Why there are no problems.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemError {
    /// Neither a set nor a file.
    #[error(
        "there is no problem set `{name}`, nor a file of that name. There are {sets}; a file has \
         one JSON object a line: {{\"question\": \"…\", \"answer\": \"…\"}}",
        sets = names().collect::<Vec<_>>().join(", ")
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A file that cannot be read.
    #[error("{place}: the problems cannot be read ({error})")]
    File {
        /// The path, as it was given.
        place: String,
        /// What the system said.
        error: String,
    },
    /// A line that is no problem.
    #[error("{place}:{line}: {what}; {wanted}")]
    Line {
        /// The path, as it was given.
        place: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with the line.
        what: String,
        /// What a line has to be.
        wanted: &'static str,
    },
    /// A file without problems.
    #[error("{place}: there is no problem in it; {wanted}")]
    Empty {
        /// The path, as it was given.
        place: String,
        /// What the file has to hold.
        wanted: &'static str,
    },
    /// A checker that does not go with the set.
    #[error("the checker {checker} does not go with {set}. Leave --checker out")]
    Checker {
        /// The name of the checker.
        checker: &'static str,
        /// The name of the set.
        set: String,
    },
    /// A file that is none of the paper's benchmarks.
    #[error(
        "{place}: these are not problems of GSM8K, MATH-500, HumanEval or MBPP as they are \
         published. Give such a file, or measure this one with --problems"
    )]
    Unpublished {
        /// The path, as it was given.
        place: String,
    },
    /// Two files of one benchmark.
    #[error("{place}: {name} is there already. Give one file of each benchmark")]
    Twice {
        /// The path of the second file.
        place: String,
        /// The name of the benchmark.
        name: &'static str,
    },
    /// Fewer problems than asked for.
    #[error(
        "{set} with this seed has only {found} different problems, not {wanted}. Lower --limit"
    )]
    Exhausted {
        /// The name of the set.
        set: String,
        /// How many there are.
        found: usize,
        /// How many were asked for.
        wanted: usize,
    },
}

/// What is asked of a problem set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The first so many problems; all of a file, [`DEFAULT_COUNT`] generated ones if absent.
    pub limit: Option<usize>,
    /// The seed of generated problems.
    pub seed: u64,
    /// The checker, if it is not the set's own.
    pub checker: Option<Checker>,
    /// How questions are put.
    pub format: PromptFormat,
}

/// The names of the generated sets: `synthetic` is every kind in turn.
pub fn names() -> impl Iterator<Item = String> {
    std::iter::once("synthetic".to_owned()).chain(Task::ALL.into_iter().map(name_of))
}

fn name_of(task: Task) -> String {
    task.name().replace(' ', "-")
}

impl ProblemSet {
    /// The set called `name`, or that of the file at that path. Generated problems are held-out
    /// ones: the embedded model has not seen them.
    ///
    /// # Errors
    /// [`ProblemError`].
    pub fn load(name: &str, selection: &Selection) -> Result<Self, ProblemError> {
        let kinds: Vec<Task> = match name {
            "synthetic" => Task::ALL.to_vec(),
            _ => Task::ALL.into_iter().filter(|&task| name_of(task) == name).collect(),
        };
        if kinds.is_empty() {
            return Self::of_file(name, selection);
        }
        let checker = selection.checker.unwrap_or(Checker::Synthetic);
        if checker.runs_code() {
            return Err(ProblemError::Checker { checker: checker.name(), set: name.to_owned() });
        }
        Ok(Self {
            name: name.to_owned(),
            source: name.to_owned(),
            checker,
            format: selection.format,
            seed: selection.seed,
            problems: generated(name, &kinds, selection)?,
            benchmark: None,
        })
    }

    fn of_file(name: &str, selection: &Selection) -> Result<Self, ProblemError> {
        let path = Path::new(name);
        if !path.exists() {
            return Err(ProblemError::Unknown { name: name.to_owned() });
        }
        let word = |text: Option<&std::ffi::OsStr>| {
            text.map_or_else(|| name.to_owned(), |text| text.to_string_lossy().into_owned())
        };
        let stem = word(path.file_stem());
        let read = file::read(path, &stem, selection.limit, selection.checker)?;
        let programs = read.problems.iter().all(|problem| problem.code.is_some());
        if read.checker == Checker::Synthetic || read.checker.runs_code() && !programs {
            return Err(ProblemError::Checker { checker: read.checker.name(), set: stem });
        }
        Ok(Self {
            name: stem,
            source: word(path.file_name()),
            checker: read.checker,
            format: selection.format,
            seed: selection.seed,
            problems: read.problems,
            benchmark: read.benchmark,
        })
    }

    /// The benchmarks of DAEDAL's paper in `files`, as its published evaluation takes them: its
    /// prompts, its checkers, and of all of MBPP the test split (tasks 11 to 510). Numbers go
    /// through all of them.
    ///
    /// # Errors
    /// [`ProblemError`], also if a file is none of the four or two are of the same.
    pub fn published(files: &[String], limit: Option<usize>) -> Result<Vec<Self>, ProblemError> {
        let selection = Selection { format: PromptFormat::Daedal, ..Selection::default() };
        let mut sets: Vec<Self> = Vec::new();
        for file in files {
            let mut set = Self::of_file(file, &selection)?;
            let Some(benchmark) = set.benchmark else {
                return Err(ProblemError::Unpublished { place: file.clone() });
            };
            if sets.iter().any(|other| other.benchmark == set.benchmark) {
                return Err(ProblemError::Twice { place: file.clone(), name: benchmark.name() });
            }
            benchmark.name().clone_into(&mut set.name);
            if benchmark == Benchmark::Mbpp && set.problems.len() == MBPP {
                set.problems = set.problems.drain(MBPP_TEST).collect();
            }
            set.problems.truncate(limit.unwrap_or(usize::MAX));
            sets.push(set);
        }
        let problems = sets.iter_mut().flat_map(|set| &mut set.problems);
        problems.enumerate().for_each(|(number, problem)| problem.number = number);
        Ok(sets)
    }

    /// The prompt that asks a problem; empty where there is no question.
    pub fn prompt(&self, problem: &Problem) -> String {
        match problem.question.is_empty() {
            true => String::new(),
            false => self.format.prompt(problem, self.checker),
        }
    }

    /// A hash of all questions and answers, as hexadecimal digits: two sets with the same are
    /// the same.
    pub fn digest(&self) -> String {
        let mut hasher = Xxh3::new();
        for problem in &self.problems {
            let beside = match &problem.surroundings {
                Surroundings::Nothing => None,
                Surroundings::Suffix(text) => Some(text.clone()),
                Surroundings::Holes(text) => Some(text.to_string()),
                Surroundings::Gap { before, behind } => Some(format!("{before}\0{behind}")),
            };
            let texts = [&problem.task, &problem.question].into_iter().chain(&problem.expected);
            let code = problem
                .code
                .iter()
                .flat_map(|code| [Some(&code.before), code.entry_point.as_ref()]);
            let texts = texts.chain(&problem.choices).chain(code.flatten());
            for text in texts.chain(&beside) {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
            // No text ends like this.
            hasher.update(if problem.expected.is_some() { b"\n" } else { b"?\n" });
        }
        format!("{:016x}", hasher.digest())
    }
}

/// Held-out problems of `kinds` in turn, all different.
fn generated(
    name: &str,
    kinds: &[Task],
    selection: &Selection,
) -> Result<Vec<Problem>, ProblemError> {
    let wanted = selection.limit.unwrap_or(DEFAULT_COUNT);
    let mut streams: Vec<_> =
        kinds.iter().map(|&task| tasks::held_out(task, selection.seed)).collect();
    let mut seen = HashSet::new();
    let mut problems = Vec::new();
    let mut next = 0;
    let checked = selection.checker != Some(Checker::None);
    while problems.len() < wanted {
        if streams.is_empty() {
            let found = problems.len();
            return Err(ProblemError::Exhausted { set: name.to_owned(), found, wanted });
        }
        let at = next % streams.len();
        let fresh = streams[at].by_ref().take(PATIENCE).find(|drawn| !seen.contains(&drawn.prompt));
        let Some(drawn) = fresh else {
            // A kind that has no more takes no more turns; the others go on where it was.
            drop(streams.remove(at));
            next = at;
            continue;
        };
        next = at + 1;
        seen.insert(drawn.prompt.clone());
        problems.push(Problem {
            number: problems.len(),
            task: drawn.task.name().to_owned(),
            question: drawn.prompt.clone(),
            expected: checked.then(|| drawn.answer.clone()),
            generated: Some(drawn),
            ..Problem::default()
        });
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, limit: usize, seed: u64) -> Result<ProblemSet, ProblemError> {
        ProblemSet::load(name, &Selection { limit: Some(limit), seed, ..Selection::default() })
    }

    #[test]
    fn generated_sets_are_held_out_different_and_the_same_again() {
        let set = load("synthetic", 50, 1).unwrap();
        assert_eq!(set, load("synthetic", 50, 1).unwrap());
        assert_ne!(set.digest(), load("synthetic", 50, 2).unwrap().digest());
        let questions: HashSet<_> = set.problems.iter().map(|problem| &problem.question).collect();
        assert_eq!(questions.len(), 50);
        assert!(set.problems.iter().all(|problem| tasks::is_held_out(&problem.question)));
        for task in Task::ALL {
            let of = set.problems.iter().filter(|problem| problem.task == task.name());
            assert_eq!(of.count(), 10, "{task:?}");
        }
        // A kind that runs out leaves its turns to the others.
        let large = load("synthetic", 400, 1).unwrap();
        assert_eq!(large.problems[..50], set.problems);
        // A smaller set is the beginning of a larger one.
        assert_eq!(set.problems[..7], load("synthetic", 7, 1).unwrap().problems);
    }

    #[test]
    fn every_answer_generated_is_right() {
        for name in names() {
            let set = load(&name, 20, 3).unwrap();
            for problem in &set.problems {
                let expected = problem.expected.as_deref().unwrap();
                for (text, right) in [(expected, true), ("", false)] {
                    let written = ModelAnswer { text, whole: text };
                    let verdict = set.checker.check(problem, written, None).unwrap();
                    assert_eq!(verdict.correct, Some(right), "{name}: {problem:?}");
                }
            }
        }
    }

    #[test]
    fn sets_that_are_not_say_what_there_is() {
        let error = load("sums", 1, 0).unwrap_err().to_string();
        assert!(error.contains("synthetic, word-problem, counting"), "{error}");
        let error = load("counting", 1_000_000, 0).unwrap_err();
        assert!(matches!(error, ProblemError::Exhausted { .. }), "{error}");
    }
}
