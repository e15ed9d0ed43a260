//! Sessions in lockstep: one step makes a step of each. What one session knows is known to all that
//! run on the same model.

use std::{sync::Arc, time::Duration};

use crate::{
    predict::{Key, Prediction, Request},
    session::{Pending, Session, StepError},
};

/// How a lane goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ahead {
    /// It decides, and asks for the passes that this needs.
    #[default]
    Decides,
    /// Over the steps that are on record, as they are: it asks for nothing.
    Known,
}

/// Something with a session.
pub trait LockstepRun {
    /// The session, to be read.
    fn session(&self) -> &Session;
    /// The session, to be stepped.
    fn session_mut(&mut self) -> &mut Session;
    /// How it goes on.
    fn ahead(&self) -> Ahead {
        Ahead::Decides
    }
    /// The number of the model that answers it: runs of one share predictions.
    fn model(&self) -> usize {
        0
    }

    /// True if it is over: there is no step to make.
    fn over(&self) -> bool {
        match self.ahead() {
            Ahead::Known => self.session().node().next.is_none(),
            Ahead::Decides => {
                matches!(self.session().pending(), Pending::Done(_) | Pending::Failed(_))
            }
        }
    }

    /// The pass that its next step waits for, if it does.
    fn waits(&self) -> Option<(Key, &Arc<Request>)> {
        match (self.ahead(), self.session().pending()) {
            (Ahead::Decides, Pending::Wanted { key, request }) => Some((*key, request)),
            _ => None,
        }
    }
}

impl LockstepRun for Session {
    fn session(&self) -> &Session {
        self
    }

    fn session_mut(&mut self) -> &mut Session {
        self
    }
}

/// What a step of all did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockstepAdvance {
    /// Every session that was to step has.
    Moved,
    /// A forward pass is needed first; nothing has moved.
    Waiting,
    /// Every run is over.
    Over,
}

/// A forward pass that a run waits for.
#[derive(Debug, Clone)]
pub struct WantedPass {
    /// The number of the model that is asked, as [`LockstepRun::model`].
    pub model: usize,
    /// The name of the prediction.
    pub key: Key,
    /// What the model is asked.
    pub request: Arc<Request>,
}

/// Sessions that are stepped together. Each runs as it would alone; a run that is over waits
/// for the others.
#[derive(Debug, Clone)]
pub struct Lockstep<L> {
    /// The sessions, in the order in which they were given.
    pub runs: Vec<L>,
}

impl<L: LockstepRun> Lockstep<L> {
    /// How far the furthest is: steps and edits from its start.
    pub fn step(&self) -> usize {
        self.runs.iter().map(|run| run.session().node().depth as usize).max().unwrap_or(0)
    }

    /// Hands every session what another of its model knows, and lists the forward passes that are
    /// still wanted, each once a model.
    pub fn wanted(&mut self) -> Vec<WantedPass> {
        let mut wanted: Vec<WantedPass> = Vec::new();
        for at in 0..self.runs.len() {
            let waits = self.runs[at].waits();
            let Some((key, request)) = waits.map(|(key, request)| (key, request.clone())) else {
                continue;
            };
            let model = self.runs[at].model();
            let known = self.runs.iter().filter(|run| run.model() == model).find_map(|run| {
                let session = run.session();
                Some((session.prediction(key)?, session.took(key)))
            });
            match known {
                Some((prediction, took)) => {
                    self.runs[at].session_mut().share(key, prediction, took);
                }
                None if wanted.iter().any(|pass| (pass.model, pass.key) == (model, key)) => {}
                None => wanted.push(WantedPass { model, key, request }),
            }
        }
        wanted
    }

    /// Hands in a model's answer to a pass; it counts as a pass of the first session that asked.
    pub fn supply(&mut self, model: usize, key: Key, prediction: Prediction, took: Duration) {
        let mut runs = self.runs.iter_mut().filter(|run| run.model() == model);
        let asked = runs.find(|run| run.session().awaits(key));
        if let Some(run) = asked {
            run.session_mut().supply(key, prediction, took);
        }
        self.wanted();
    }

    /// Makes the next step of all: those that are behind catch up first.
    ///
    /// # Errors
    /// The number of a session whose step cannot be made, and why; those before it have moved.
    pub fn step_all(&mut self) -> Result<LockstepAdvance, (usize, StepError)> {
        let depth = |run: &L| run.session().node().depth;
        let Some(from) = self.runs.iter().filter(|run| !run.over()).map(depth).min() else {
            return Ok(LockstepAdvance::Over);
        };
        self.wanted();
        let behind = |run: &L| !run.over() && depth(run) == from;
        if self.runs.iter().any(|run| behind(run) && run.waits().is_some()) {
            return Ok(LockstepAdvance::Waiting);
        }
        for (at, run) in self.runs.iter_mut().enumerate() {
            match run.ahead() {
                _ if !behind(run) => {}
                Ahead::Decides => {
                    run.session_mut().step().map_err(|error| (at, error))?;
                }
                Ahead::Known => {
                    run.session_mut().forward();
                }
            }
        }
        Ok(LockstepAdvance::Moved)
    }

    /// Goes to a step with every lane that goes over known steps, on its branch, or to its end;
    /// the others go back to it if they are further.
    pub fn to(&mut self, step: usize) {
        for run in self.runs.iter_mut().filter(|run| run.ahead() == Ahead::Known) {
            let session = run.session_mut();
            let branch = session.timeline().branch(session.at());
            let node = branch.get(step).or(branch.last()).copied();
            if let Some(node) = node.filter(|&node| node != session.at()) {
                session.go(node);
            }
        }
        self.back_to(step);
    }

    /// Goes one step back with all that are furthest; false at the start.
    pub fn back_all(&mut self) -> bool {
        let step = self.step();
        self.back_to(step.saturating_sub(1));
        step > 0
    }

    /// Goes back to a step with all that are further.
    pub fn back_to(&mut self, step: usize) {
        for run in &mut self.runs {
            let session = run.session_mut();
            let node = session.timeline().path(session.at()).get(step).copied();
            if let Some(node) = node.filter(|&node| node != session.at()) {
                session.go(node);
            }
        }
    }
}
