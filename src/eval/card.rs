//! The embedded model's card: the figures that say whether it behaves like the real ones where
//! DAEDAL looks.
//!
//! ```
//! use demask::eval::{card::TaskFigures, tasks::Task};
//!
//! let counting =
//!     TaskFigures { task: Task::Counting, problems: 100, right: 0.97, expanded: 0.1, rank: 0.99 };
//! assert_eq!(counting.task.name(), "counting");
//! ```

use std::fmt;

use super::{
    measure::{self, Generated, MeasureError},
    tasks::{self, Task, TaskProblem},
};
use crate::{decode::Value, model::Loaded};

/// Seed of the held-out problems measured on.
const SEED: u64 = 2026;

/// A fixed length that is too short for all but the shortest word problems, positions.
pub const TOO_SHORT: i64 = 16;

/// Margin over the true length that counts as long enough, positions.
const ENOUGH: usize = 24;

/// What one kind of problem came to.
#[derive(Debug, Clone)]
pub struct TaskFigures {
    /// The kind of problem.
    pub task: Task,
    /// Number of problems measured.
    pub problems: usize,
    /// Share answered right, 0 to 1.
    pub right: f64,
    /// Share with at least one expansion in stage 2.
    pub expanded: f64,
    /// Rank correlation of stage 1's length with the true answer's.
    pub rank: f64,
}

/// The figures that a model card gives.
#[derive(Debug, Clone)]
pub struct Card {
    /// Mean EOS confidence on windows that are long enough.
    pub tail_long: f64,
    /// Mean EOS confidence on windows of 60 % of the answer.
    pub tail_short: f64,
    /// Rank correlation of stage 1's length with the true length, over all kinds.
    pub rank: f64,
    /// By kind of problem.
    pub tasks: Vec<TaskFigures>,
    /// Word problems of 1 to 5 events: share right by DAEDAL.
    pub right: f64,
    /// The same with a fixed length that is too short.
    pub right_fixed: f64,
    /// Word problems measured for that.
    pub word_problems: usize,
    /// Steps in which a position was expanded in stage 2, over all problems.
    pub expansions: usize,
}

impl Card {
    /// Measures `model` on `each` held-out problems of every kind. `progress` is told the share
    /// done.
    ///
    /// # Errors
    /// [`MeasureError`].
    pub fn measure(
        model: &mut Loaded,
        each: usize,
        changes: &[(&str, Value)],
        progress: &mut dyn FnMut(f64),
    ) -> Result<Self, MeasureError> {
        let params = measure::params(model, changes)?;
        let mut fixed = params.clone();
        for name in ["initial_gen_length", "max_gen_length"] {
            fixed.set(name, Value::Int(TOO_SHORT)).map_err(crate::decode::DecodeError::from)?;
        }
        let rounds = (Task::ALL.len() + 1) as f64 * each as f64;
        let mut done = 0.0;
        let mut tick = || {
            done += 1.0;
            progress(done / rounds);
        };

        let (mut tail_long, mut tail_short, mut measured) = (0.0, 0.0, 0.0);
        let (mut pairs, mut figures, mut expansions) = (Vec::new(), Vec::new(), 0);
        for task in Task::ALL {
            let mut results: Vec<(TaskProblem, usize, Generated)> = Vec::new();
            for problem in tasks::held_out(task, SEED).take(each) {
                let length = measure::token_count(model, &problem.answer);
                let prompt = &problem.prompt;
                tail_long += measure::tail_confidence(model, prompt, length + ENOUGH, &params)?;
                tail_short +=
                    measure::tail_confidence(model, prompt, (length * 3 / 5).max(1), &params)?;
                measured += 1.0;
                let outcome = measure::generate(model, prompt, params.clone())?;
                results.push((problem, length, outcome));
                tick();
            }
            let lengths: Vec<(f64, f64)> = results
                .iter()
                .map(|(_, length, outcome)| (outcome.stage1 as f64, *length as f64))
                .collect();
            let share = |wanted: &dyn Fn(&(TaskProblem, usize, Generated)) -> bool| {
                results.iter().filter(|result| wanted(result)).count() as f64
                    / results.len().max(1) as f64
            };
            figures.push(TaskFigures {
                task,
                problems: results.len(),
                right: share(&|(problem, _, outcome)| problem.check(&outcome.text)),
                expanded: share(&|(_, _, outcome)| outcome.expansions > 0),
                rank: measure::rank_correlation(&lengths),
            });
            expansions += results.iter().map(|(_, _, outcome)| outcome.expansions).sum::<usize>();
            pairs.extend(lengths);
        }

        let (mut right, mut right_fixed, mut word_problems) = (0, 0, 0);
        for round in 0..each {
            let events = 1 + round % 5;
            let seed = SEED + round as u64;
            let Some(problem) = tasks::held_out_with_events(events, seed).next() else { continue };
            let daedal = measure::generate(model, &problem.prompt, params.clone())?;
            let short = measure::generate(model, &problem.prompt, fixed.clone())?;
            right += usize::from(problem.check(&daedal.text));
            right_fixed += usize::from(problem.check(&short.text));
            word_problems += 1;
            tick();
        }
        let of = |count: usize| count as f64 / word_problems.max(1) as f64;
        Ok(Self {
            tail_long: tail_long / measured,
            tail_short: tail_short / measured,
            rank: measure::rank_correlation(&pairs),
            tasks: figures,
            right: of(right),
            right_fixed: of(right_fixed),
            word_problems,
            expansions,
        })
    }
}

impl fmt::Display for Card {
    /// A Markdown table, as the README holds it.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "| figure | value |\n|---|---|")?;
        writeln!(
            f,
            "| mean tail EOS confidence, windows long enough − too short | {:.3} − {:.3} = **{:.3}** |",
            self.tail_long,
            self.tail_short,
            self.tail_long - self.tail_short
        )?;
        writeln!(
            f,
            "| rank correlation of stage 1's length with the true length | **{:.3}** |",
            self.rank
        )?;
        writeln!(
            f,
            "| word problems of 1–5 events right, DAEDAL / fixed length {TOO_SHORT} ({} problems) | **{:.1} %** / {:.1} % |",
            self.word_problems,
            100.0 * self.right,
            100.0 * self.right_fixed
        )?;
        for task in &self.tasks {
            writeln!(
                f,
                "| {} ({} problems): right / expanded in stage 2 / rank correlation | {:.0} % / {:.0} % / {:.3} |",
                task.task.name(),
                task.problems,
                100.0 * task.right,
                100.0 * task.expanded,
                task.rank
            )?;
        }
        Ok(())
    }
}
