//! Decisions of steps that were made. A long recording holds of most only what is on record of them:
//! the rest is made again from their predictions, when the user looks at it.

use std::sync::{Arc, PoisonError};

use super::{NodeId, Session};
use crate::decode::Decision;

/// Decisions that are kept once they were made again: what is on a screen is asked for again and
/// again. One takes 40 bytes a position.
const MOST_DECIDED: usize = 64;

impl Session {
    /// The decision of the step that led to a node, with all that can be said of it; `None` where no
    /// step led there. A step's own `decision` may say only what is on record.
    pub fn decision(&self, node: NodeId) -> Option<Arc<Decision>> {
        let step = self.timeline[node].step()?;
        if !step.decision.verdicts.are_in_part() {
            return Some(step.decision.clone());
        }
        let known = || self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, decision)) = known().iter().find(|(known, _)| *known == node) {
            return Some(decision.clone());
        }
        let decision = Arc::new(self.decided_again(node)?);
        let mut known = known();
        known.truncate(MOST_DECIDED - 1);
        known.push_front((node, decision.clone()));
        Some(decision)
    }

    fn decided_again(&self, node: NodeId) -> Option<Decision> {
        let made = &self.timeline[node];
        let (step, before) = (made.step()?, &self.timeline[made.parent?]);
        let on_record = &*step.decision;
        let Some(prediction) = self.store.get(step.prediction) else {
            return Some(on_record.clone());
        };
        let again = self.strategy.decides().then(|| {
            self.strategy.decide(&before.canvas, &before.state, &made.params, &prediction).ok()
        });
        let same = |it: &Decision| it.edits == on_record.edits && it.next == on_record.next;
        Some(again.flatten().filter(same).unwrap_or_else(|| Decision {
            verdicts: on_record.verdicts.completed(|at, token| prediction.probability(token, at)),
            ..on_record.clone()
        }))
    }
}
