//! Steps to come, as far as they are known: `decide` is pure, so what follows from known predictions can
//! be planned without being made.

use std::sync::Arc;

use super::{Pending, Session};
use crate::{
    canvas::Canvas,
    decode::{Cache, Plan},
    predict::{Key, Prediction, Request},
};

/// A forward pass that a later step needs.
#[derive(Debug, Clone)]
pub struct PassAhead {
    /// Its key.
    pub key: Key,
    /// What is asked.
    pub request: Arc<Request>,
    /// The canvas that it is about.
    pub canvas: Arc<Canvas>,
}

impl Session {
    /// The first pass that the next `most` steps need and that nobody has run, if the pending step
    /// and those behind it are made as they are decided now. `known` has predictions that this
    /// session does not hold. `None` too where a pass depends on more than its canvas, as with a
    /// cache.
    pub fn pass_ahead(
        &self,
        most: usize,
        known: impl Fn(Key) -> Option<Arc<Prediction>>,
    ) -> Option<PassAhead> {
        let Pending::Decided { decision, .. } = &self.pending else { return None };
        if !self.strategy.decides() || self.extras.cache != Cache::None {
            return None;
        }
        let node = self.node();
        let (mut canvas, mut depth, mut steps) = (node.canvas.clone(), node.depth, node.steps);
        let mut decision = decision.clone();
        for _ in 0..most {
            depth += 1;
            steps += 1;
            canvas = Arc::new(canvas.apply(&decision.edits, depth).ok()?.canvas);
            let state = &decision.next;
            let plan = self.strategy.plan(&canvas, state, &self.params, steps + 1, self.extras);
            let Plan::Predict(request) = plan.ok()? else { return None };
            let key = request.key();
            match self.store.get(key).or_else(|| known(key)) {
                None => return Some(PassAhead { key, request: Arc::from(request), canvas }),
                Some(prediction) => {
                    let next = self.strategy.decide(&canvas, state, &self.params, &prediction);
                    decision = Arc::new(next.ok()?);
                }
            }
        }
        None
    }
}
