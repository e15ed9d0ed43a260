//! The next thing at a node: the pass that is wanted, the decision that is pending, or why the run
//! is over. Of another program's run all that is known is what it did.

use std::{sync::Arc, time::Instant};

use super::{ExactPass, NodeId, Pending, Session, Step, cache};
use crate::{
    decode::{self, Decision, DecodeError, Finish, Params, Plan},
    predict::{Cached, Key, Prediction, Request},
};

impl Session {
    /// The prediction that a step from `node` under its own parameters would ask for, if it is
    /// known.
    pub fn predicted(&self, node: NodeId) -> Option<Arc<Prediction>> {
        if !self.strategy.decides() {
            return self.store.get(self.recorded_step(node)?.1.prediction);
        }
        match self.plan_at(node).ok()? {
            Plan::Predict(request) => self.store.get(request.key()),
            Plan::Done(_) => None,
        }
    }

    /// The same with its name and what its pass left out.
    pub fn known_pass(&self, node: NodeId) -> Option<(Key, Arc<Prediction>, Option<Cached>)> {
        match self.plan_at(node).ok()? {
            Plan::Predict(request) => {
                let key = request.key();
                Some((key, self.store.get(key)?, request.cached))
            }
            Plan::Done(_) => None,
        }
    }

    /// The decision that other parameters would make at the current node, and its prediction;
    /// `None` if that is not known.
    pub fn decided_under(&self, params: &Params) -> Option<(Key, Decision)> {
        let Plan::Predict(request) = self.plan(self.at, params).ok()? else { return None };
        let (key, node) = (request.key(), self.node());
        let prediction = self.store.get(key)?;
        Some((key, self.strategy.decide(&node.canvas, &node.state, params, &prediction).ok()?))
    }

    /// The reason why the run is over at `node` under its own parameters; `None` if it is not.
    pub fn finish(&self, node: NodeId) -> Option<Finish> {
        if !self.strategy.decides() {
            return self.recorded_step(node).is_none().then(|| self.recorded_finish(node));
        }
        match self.plan_at(node).ok()? {
            Plan::Done(finish) => Some(finish),
            Plan::Predict(_) => None,
        }
    }

    fn plan_at(&self, node: NodeId) -> Result<Plan, DecodeError> {
        self.plan(node, &self.timeline[node].params)
    }

    /// The next thing at a node under these parameters; a pass is cut down to what the cache
    /// leaves.
    fn plan(&self, at: NodeId, params: &Params) -> Result<Plan, DecodeError> {
        let mut plan = self.plan_exact(at, params)?;
        if let Plan::Predict(request) = &mut plan {
            request.cached = self.cached(at, params, request).ok();
        }
        Ok(plan)
    }

    pub(super) fn plan_exact(&self, at: NodeId, params: &Params) -> Result<Plan, DecodeError> {
        let node = &self.timeline[at];
        self.strategy.plan(&node.canvas, &node.state, params, node.steps + 1, self.extras)
    }

    fn cached(
        &self,
        at: NodeId,
        params: &Params,
        request: &Request,
    ) -> Result<Cached, &'static str> {
        let rules = (self.strategy, self.extras.cache);
        cache::cached(rules, &self.timeline, (at, params), request)
    }

    /// The part that a pass from `at` under these parameters left out, if `key` names it and it was
    /// not exact.
    pub fn left_out(&self, at: NodeId, key: Key, params: &Params) -> Option<Cached> {
        match self.plan(at, params).ok()? {
            Plan::Predict(request) if request.key() == key => request.cached,
            _ => None,
        }
    }

    /// The forward pass that the step to `node` was decided on, planned again; `None` where no step
    /// leads, or none is asked for there.
    pub fn request_of(&self, node: NodeId) -> Option<Request> {
        let (parent, params) = (self.timeline[node].parent?, &self.timeline[node].params);
        self.timeline[node].step()?;
        match self.plan(parent, params).ok()? {
            Plan::Predict(request) => Some(*request),
            Plan::Done(_) => None,
        }
    }

    /// The exact pass beside the approximate one of the pending step.
    ///
    /// # Errors
    /// The reason why the pending step's pass is exact itself, in words.
    pub fn exact_pass(&self) -> Result<ExactPass, &'static str> {
        if !self.strategy.decides() {
            return Err("another program ran the passes");
        }
        match self.plan_exact(self.at, &self.params) {
            Ok(Plan::Predict(request)) => {
                let cached = self.cached(self.at, &self.params, &request)?;
                Ok(ExactPass { key: request.key(), request: Arc::from(request), cached })
            }
            Ok(Plan::Done(_)) => Err("the run is over"),
            Err(_) => Err("it cannot go on here"),
        }
    }

    /// From now on the answer to this pass, on the canvas stood at, is awaited.
    pub fn await_exact(&mut self, exact: &ExactPass) {
        self.wanted.insert(exact.key, (self.timeline[self.at].canvas.clone(), None));
    }

    /// Plans at the current node, and decides if the prediction is known.
    pub(super) fn replan(&mut self) {
        let started = Instant::now();
        self.pending = self.next_pending().unwrap_or_else(Pending::Failed);
        if let Pending::Wanted { key, request } = &self.pending {
            let canvas = self.timeline[self.at].canvas.clone();
            self.wanted.insert(*key, (canvas, request.cached.clone()));
        }
        self.decide_time = started.elapsed();
    }

    fn next_pending(&self) -> Result<Pending, DecodeError> {
        if !self.strategy.decides() {
            return Ok(self.recorded_pending());
        }
        let node = self.node();
        let (canvas, state) = (&node.canvas, &node.state);
        let request = match self.plan(self.at, &self.params)? {
            Plan::Done(finish) => return Ok(Pending::Done(finish)),
            Plan::Predict(request) => request,
        };
        let key = request.key();
        match self.store.get(key) {
            None => Ok(Pending::Wanted { key, request: Arc::from(request) }),
            Some(prediction) => {
                let decision = self.strategy.decide(canvas, state, &self.params, &prediction)?;
                let decision = Arc::new(decision);
                Ok(Pending::Decided { key, prediction, decision })
            }
        }
    }

    /// The decision that another program's strategy made next, or is about to make: nothing else of
    /// that strategy is known.
    fn recorded_pending(&self) -> Pending {
        let changed = |child: &NodeId| *self.timeline[*child].params != self.params;
        let mut children = self.timeline.live(self.at).filter(|child| !changed(child));
        let made = match self.node().next {
            Some(next) if changed(&next) => children.find_map(|child| self.timeline.step(child)),
            _ => self.recorded_step(self.at),
        };
        let (key, decision) = match (made, &self.proposed) {
            (Some((node, step)), _) => {
                let decision = self.decision(node).unwrap_or_else(|| step.decision.clone());
                (step.prediction, decision)
            }
            (None, Some(proposal)) if proposal.from == self.at => {
                (proposal.key, proposal.decision.clone())
            }
            (None, _) if self.node().next.is_some() => {
                return Pending::Failed(decode::foreign_unknown());
            }
            (None, _) => return Pending::Done(self.recorded_finish(self.at)),
        };
        let prediction = self.store.get(key);
        Pending::Decided {
            key,
            // A column that is not there is never read as zero.
            prediction: prediction
                .unwrap_or_else(|| Arc::new(Prediction::new(self.canvas().len()))),
            decision,
        }
    }

    /// The step from `node` on the branch on screen, or else the first one on record.
    fn recorded_step(&self, node: NodeId) -> Option<(NodeId, &Arc<Step>)> {
        let mut children = self.timeline[node].next.into_iter().chain(self.timeline.live(node));
        children.find_map(|child| self.timeline.step(child))
    }

    /// The reason why another program's run is over where nothing follows, as far as the canvas
    /// tells.
    fn recorded_finish(&self, node: NodeId) -> Finish {
        match self.timeline[node].canvas.masks() {
            0 => Finish::Complete,
            _ => Finish::Unrecorded,
        }
    }
}
