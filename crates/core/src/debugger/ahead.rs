//! Passes run ahead: while the user looks at a step, the model runs the passes that the next steps
//! need, so that a step needs no wait. Their predictions are kept apart from the session; they are
//! counted and recorded once a step asks for them.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::Debugger;
use crate::{
    predict::{Key, Prediction, Request},
    session::{PassAhead, Pending},
};

/// Steps whose passes are run ahead.
pub const STEPS_AHEAD: usize = 4;

/// Predictions that are kept for steps that may never be made; the oldest goes first.
const PREDICTIONS_KEPT: usize = 64;

/// What was run ahead.
#[derive(Default)]
pub struct Lookahead {
    /// Steps that are looked ahead; 0 for none.
    pub steps: usize,
    asked: Option<PassAhead>,
    known: HashMap<Key, (Arc<Prediction>, Duration)>,
    /// The keys of `known`, oldest first.
    order: VecDeque<Key>,
}

impl Lookahead {
    /// Passes that were run ahead and that no step has asked for.
    pub fn unused(&self) -> usize {
        self.known.len()
    }
}

impl Debugger {
    /// The pass that a later step needs, if there is time for it.
    pub fn ahead_wanted(&mut self) -> Option<(Key, Arc<Request>)> {
        let known = |key| self.ahead.known.get(&key).map(|(prediction, _)| prediction.clone());
        let wanted = match self.live {
            true => self.session.pass_ahead(self.ahead.steps, known),
            false => None,
        };
        self.ahead.asked = wanted;
        self.ahead.asked.as_ref().map(|pass| (pass.key, pass.request.clone()))
    }

    /// Takes in the answer to a pass that was run ahead; gives it back if it is none.
    ///
    /// # Errors
    /// The prediction, if nobody asked for it ahead.
    pub fn ahead_supply(
        &mut self,
        key: Key,
        prediction: Prediction,
        took: Duration,
    ) -> Result<(), Prediction> {
        let Some(pass) = self.ahead.asked.take_if(|pass| pass.key == key) else {
            return Err(prediction);
        };
        let unknown = pass.canvas.len().saturating_sub(prediction.rows());
        let prediction = prediction.behind(unknown).kept(&pass.canvas);
        let ahead = &mut self.ahead;
        ahead.known.insert(key, (Arc::new(prediction), took));
        ahead.order.push_back(key);
        if ahead.order.len() > PREDICTIONS_KEPT
            && let Some(oldest) = ahead.order.pop_front()
        {
            ahead.known.remove(&oldest);
        }
        Ok(())
    }

    /// Hands the session the prediction that it wants, if it was run ahead; true if so.
    pub fn take_ahead(&mut self) -> bool {
        let Pending::Wanted { key, .. } = self.session.pending() else { return false };
        let key = *key;
        let Some((prediction, took)) = self.ahead.known.remove(&key) else { return false };
        self.ahead.order.retain(|&kept| kept != key);
        self.session.supply(key, Arc::unwrap_or_clone(prediction), took);
        true
    }

    /// A pass that was run ahead has failed: no further one is tried, and the step that needs it
    /// says why.
    pub fn ahead_failed(&mut self, key: Key) {
        if self.ahead.asked.take_if(|pass| pass.key == key).is_some() {
            self.ahead.steps = 0;
        }
    }
}
