//! Running an evaluation: every problem under every recipe, into a folder of results.
//!
//! A [`EvalPlan`] says what is to be done, a [`Manifest`] what its results depend on, and [`run`]
//! does what a folder does not have yet. Neither the number of workers nor the order of work nor
//! an interruption changes a byte of the results; only the timings differ. [`merge`] joins the
//! parts that several machines did.
//!
//! ```
//! use demask::eval::run::{Shard, Sweep};
//!
//! let second: Shard = "2/3".parse()?;
//! assert_eq!((0..6).filter(|&problem| second.has(problem)).collect::<Vec<_>>(), [1, 4]);
//! let sweep: Sweep = "threshold=0.7..=0.9:0.1".parse()?;
//! assert_eq!(sweep.values, ["0.7", "0.8", "0.9"]);
//! # Ok::<(), demask::eval::run::PlanError>(())
//! ```

mod folder;
mod generate;
mod manifest;
mod merge;
mod pass;
mod plan;
mod start;
mod tails;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

pub use folder::FolderError;
use folder::{Folder, OpenedFolder};
pub use manifest::{EvaluatedModel, Manifest};
pub use merge::{MergeError, merge};
use pass::Halt;
pub use plan::{EvalPlan, EvalWork, GridPoint, Lengths, PlanError, Shard, Sweep, Traces, points};
pub use tails::{Tail, Tails};

use super::{
    EvalRow, RowTiming,
    problems::PythonError,
    report::{EosTail, EvalFacts},
};
use crate::model::Loaded;

/// Why an evaluation did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folder of the results cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A recording, in words.
    #[error("{0}")]
    Trace(String),
    /// The model panicked: the hook has printed where.
    #[error("the model panicked, see above")]
    Panicked,
    /// It was asked to stop.
    #[error("stopped with {done} of {of} done")]
    Stopped {
        /// Pieces of work that are done and kept.
        done: usize,
        /// Pieces of work in all.
        of: usize,
    },
    /// The code of an answer cannot be run.
    #[error(transparent)]
    Python(#[from] PythonError),
    /// There is no model to run, or a worker could not be started.
    #[error("no worker could be started ({0})")]
    Worker(String),
}

/// How far an evaluation has come, in pieces of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalProgress {
    /// Done now, earlier ones included.
    pub done: usize,
    /// Pieces of work in all.
    pub of: usize,
    /// Right answers among the rows so far.
    pub right: usize,
    /// Answers checked so far.
    pub checked: usize,
}

/// What an evaluation has given.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// What it depends on.
    pub manifest: Manifest,
    /// The rows, in the order of the plan.
    pub rows: Vec<EvalRow>,
    /// How long each row took.
    pub timings: Vec<RowTiming>,
    /// The tails, by problem.
    pub tails: Vec<Tails>,
}

impl Results {
    /// The tails as a report wants them.
    pub fn eos(&self) -> Vec<EosTail> {
        let of = |tails: &Tails| {
            let problem = tails.problem;
            let tail = |Tail { length, p_eos }: &Tail| EosTail {
                length: *length,
                problem,
                model: tails.model.clone(),
                p_eos: p_eos.clone(),
            };
            tails.canvases.iter().map(tail).collect::<Vec<_>>()
        };
        self.tails.iter().flat_map(of).collect()
    }

    /// What a report says about them.
    pub fn facts(&self) -> EvalFacts {
        self.manifest.facts()
    }

    /// Puts rows, timings and tails in the order of the plan, each once.
    fn sort(&mut self) {
        let (points, models) = (self.points(), self.models());
        let place = |row: &EvalRow| {
            let point = points.get(row.recipe.as_str()).copied();
            (row.problem, point, models.get(row.model.as_str()).copied())
        };
        self.rows.sort_by_key(place);
        self.rows.dedup_by_key(|row| place(row));
        self.timings = folder::in_order(&self.rows, std::mem::take(&mut self.timings));
        let place = |tails: &Tails| (tails.problem, models.get(tails.model.as_str()).copied());
        self.tails.sort_by_key(place);
        self.tails.dedup_by_key(|tails| place(tails));
    }

    /// The numbers of the recipes.
    fn points(&self) -> HashMap<String, usize> {
        self.manifest.recipes.iter().cloned().zip(0..).collect()
    }

    /// The numbers of the models.
    fn models(&self) -> HashMap<String, usize> {
        self.manifest.models.iter().map(|model| model.label.clone()).zip(0..).collect()
    }

    /// The work that is not done yet, in order.
    fn missing(&self) -> Vec<EvalWork> {
        let (points, models) = (self.points(), self.models());
        let rows = self.rows.iter().filter_map(|row| {
            let point = *points.get(row.recipe.as_str())?;
            let model = *models.get(row.model.as_str())?;
            Some(EvalWork::Row { problem: row.problem, point, model })
        });
        let tails = self.tails.iter().filter_map(|tails| {
            let model = *models.get(tails.model.as_str())?;
            Some(EvalWork::Tails { problem: tails.problem, model })
        });
        let done: HashSet<EvalWork> = rows.chain(tails).collect();
        self.manifest.work().into_iter().filter(|work| !done.contains(work)).collect()
    }
}

/// What a worker has done.
enum WorkerDone {
    Row(Box<EvalRow>, RowTiming),
    Tails(Tails),
}

/// Does what `dir` lacks of `plan`. Each worker has the models of the plan, in its order, and all have the
/// same. `progress` is told before the first piece of work and after each.
///
/// # Errors
/// [`RunError`]; what was done is kept and a second call goes on.
pub fn run(
    dir: &Path,
    plan: &EvalPlan,
    workers: Vec<Vec<Loaded>>,
    overwrite: bool,
    stopped: &AtomicBool,
    progress: &mut dyn FnMut(EvalProgress),
) -> Result<Results, RunError> {
    let Some(first) = workers.first().filter(|models| models.len() == plan.models.len()) else {
        return Err(RunError::Worker("there is no model".to_owned()));
    };
    let manifest = Manifest::new(plan, first.iter().map(|model| &model.facts));
    let (mut folder, mut results) = match Folder::open(dir, &manifest, overwrite)? {
        OpenedFolder::Finished(results) => return Ok(results),
        OpenedFolder::Open(folder, results) => (folder, results),
    };
    let todo = results.missing();
    let of = manifest.work().len();
    let mut now = EvalProgress {
        done: of - todo.len(),
        of,
        right: results.rows.iter().filter(|row| row.is_right()).count(),
        checked: results.rows.iter().filter(|row| row.correct.is_some()).count(),
    };
    progress(now);
    // Raised by the first fault: the others end as if they had been asked to stop.
    let fault = AtomicBool::new(false);
    let halted = || stopped.load(Ordering::Relaxed) || fault.load(Ordering::Relaxed);
    let queue = Mutex::new(todo.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = |mut models: Vec<Loaded>, done: mpsc::Sender<Result<WorkerDone, Halt>>| {
        while !halted() {
            let Some(work) = next() else { return };
            let (number, model) = work.of();
            let Some((set, problem)) = plan.problem(number) else { continue };
            let Some(model) = models.get_mut(model).zip(plan.models.get(model)) else { continue };
            let model = (model.0, model.1.as_str());
            let result = match work {
                EvalWork::Row { point, model: of, .. } => {
                    let Some(recipe) = plan.points.get(point) else { continue };
                    let run = (recipe, point * plan.models.len() + of);
                    generate::row(model, plan, (set, problem), run, dir, &halted)
                        .map(|(row, timing)| WorkerDone::Row(Box::new(row), timing))
                }
                EvalWork::Tails { .. } => {
                    let lengths = &plan.tails.0;
                    let label = model.1.to_owned();
                    let measured = tails::measure(model, set, problem, lengths, &halted);
                    // A prompt that cannot be measured has no tails; its rows say why.
                    let none = Tails { problem: problem.number, model: label, canvases: vec![] };
                    match measured {
                        Err(Halt::Failed(_)) => Ok(WorkerDone::Tails(none)),
                        measured => measured.map(WorkerDone::Tails),
                    }
                }
            };
            if done.send(result).is_err() {
                return;
            }
        }
    };
    let ended: Result<(), RunError> = thread::scope(|scope| {
        let (send, inbox) = mpsc::channel();
        let mut ended = Ok(());
        for models in workers {
            let (send, work) = (send.clone(), &work);
            let worker = thread::Builder::new().name("worker".to_owned());
            if let Err(error) = worker.spawn_scoped(scope, move || work(models, send)) {
                fault.store(true, Ordering::Relaxed);
                ended = Err(RunError::Worker(error.to_string()));
            }
        }
        drop(send);
        for result in inbox {
            let kept = match result {
                Ok(WorkerDone::Row(row, timing)) => folder.row(&row, &timing).map(|()| {
                    now.checked += usize::from(row.correct.is_some());
                    now.right += usize::from(row.is_right());
                    results.rows.push(*row);
                    results.timings.push(timing);
                }),
                Ok(WorkerDone::Tails(tails)) => {
                    folder.tails(&tails).map(|()| results.tails.push(tails))
                }
                Err(Halt::Broken(error)) => {
                    fault.store(true, Ordering::Relaxed);
                    ended = ended.and(Err(error));
                    continue;
                }
                // A failed row is a row; what was stopped is not done.
                Err(Halt::Stopped | Halt::Failed(_)) => continue,
            };
            match kept {
                Ok(()) => {
                    now.done += 1;
                    progress(now);
                }
                Err(error) => {
                    fault.store(true, Ordering::Relaxed);
                    ended = ended.and(Err(error.into()));
                }
            }
        }
        ended
    });
    ended?;
    results.sort();
    if !results.missing().is_empty() {
        return Err(RunError::Stopped { done: now.done, of });
    }
    folder.finish(&results)?;
    Ok(results)
}
