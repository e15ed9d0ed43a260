//! Sessions in lockstep: one step makes a step of each. What one session knows is known to all.

use std::{sync::Arc, time::Duration};

use crate::{
    predict::{Key, Prediction, Request},
    session::{Pending, Session, StepError},
};

/// Something with a session.
pub trait Lane {
    /// The session.
    fn session(&self) -> &Session;
    /// The session, to be stepped.
    fn session_mut(&mut self) -> &mut Session;
}

impl Lane for Session {
    fn session(&self) -> &Session {
        self
    }

    fn session_mut(&mut self) -> &mut Session {
        self
    }
}

/// What a step of all did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// Every session that was to step has.
    Moved,
    /// A forward pass is needed first; nothing has moved.
    Waiting,
    /// Every run is over.
    Over,
}

/// Sessions that are stepped together. Each runs as it would alone; a run that is over waits
/// for the others.
#[derive(Debug, Clone)]
pub struct Lockstep<L> {
    /// The sessions.
    pub lanes: Vec<L>,
}

impl<L: Lane> Lockstep<L> {
    /// How far the furthest is: steps and edits from its start.
    pub fn step(&self) -> usize {
        self.lanes.iter().map(|lane| lane.session().node().depth as usize).max().unwrap_or(0)
    }

    /// Hands every session what another knows, and lists the forward passes that are still
    /// wanted, each once.
    pub fn wanted(&mut self) -> Vec<(Key, Arc<Request>)> {
        let mut wanted: Vec<(Key, Arc<Request>)> = Vec::new();
        for at in 0..self.lanes.len() {
            let Pending::Wanted { key, request } = self.lanes[at].session().pending().clone()
            else {
                continue;
            };
            let known = self.lanes.iter().find_map(|lane| {
                let session = lane.session();
                Some((session.prediction(key)?.clone(), session.took(key)))
            });
            match known {
                Some((prediction, took)) => {
                    self.lanes[at].session_mut().share(key, prediction, took);
                }
                None if wanted.iter().any(|(other, _)| *other == key) => {}
                None => wanted.push((key, request)),
            }
        }
        wanted
    }

    /// Hands in the answer to a pass; it counts as a pass of the first session that asked.
    pub fn supply(&mut self, key: Key, prediction: Prediction, took: Duration) {
        let asked = self.lanes.iter_mut().find(|lane| lane.session().awaits(key));
        if let Some(lane) = asked {
            lane.session_mut().supply(key, prediction, took);
        }
        self.wanted();
    }

    /// Makes the next step of all: those that are behind catch up first.
    ///
    /// # Errors
    /// The number of a session whose step cannot be made, and why; those before it have moved.
    pub fn step_all(&mut self) -> Result<Advance, (usize, StepError)> {
        let goes_on = |lane: &L| {
            matches!(lane.session().pending(), Pending::Wanted { .. } | Pending::Decided { .. })
        };
        let depth = |lane: &L| lane.session().node().depth;
        let Some(from) = self.lanes.iter().filter(|lane| goes_on(lane)).map(depth).min() else {
            return Ok(Advance::Over);
        };
        self.wanted();
        let behind = |lane: &L| goes_on(lane) && depth(lane) == from;
        let waits = |lane: &L| matches!(lane.session().pending(), Pending::Wanted { .. });
        if self.lanes.iter().any(|lane| behind(lane) && waits(lane)) {
            return Ok(Advance::Waiting);
        }
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            if behind(lane) {
                lane.session_mut().step().map_err(|error| (at, error))?;
            }
        }
        Ok(Advance::Moved)
    }

    /// Goes one step back with all that are furthest; false at the start.
    pub fn back_all(&mut self) -> bool {
        let step = self.step();
        self.back_to(step.saturating_sub(1));
        step > 0
    }

    /// Goes back to a step with all that are further.
    pub fn back_to(&mut self, step: usize) {
        for lane in &mut self.lanes {
            let session = lane.session_mut();
            let node = session.timeline().path(session.at()).get(step).copied();
            if let Some(node) = node.filter(|&node| node != session.at()) {
                session.go(node);
            }
        }
    }
}
