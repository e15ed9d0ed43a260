//! What the model has in mind: for the pending step, and for those made.

use std::sync::Arc;

use super::App;
use crate::{
    canvas::TokenId,
    decode::{Decision, PositionEffect, Verdict},
    inspect,
    predict::Prediction,
    session::Pending,
};

impl App {
    /// The token a position holds, is about to hold, or would hold by the model's guess.
    pub(in crate::tui) fn token_at(&self, position: usize) -> Option<TokenId> {
        let canvas = self.canvas();
        let cell = canvas.cells().get(position)?;
        if cell.token != canvas.special().mask {
            return Some(cell.token);
        }
        if let Some(PositionEffect::Fill { token, .. }) = self.effect(position) {
            return Some(token);
        }
        let guess = match self.prediction() {
            Some(prediction) => prediction.guess(position),
            None => self.display.draft.get(&cell.slot).map(|(token, _)| *token),
        };
        guess.filter(|&guess| guess != canvas.special().mask).or(cell.draft)
    }

    /// What the pending step decides about a position.
    pub(in crate::tui) fn verdict(&self, position: usize) -> Option<&Verdict> {
        self.decision()?.verdicts.get(position)
    }

    /// How the pending step changes a position.
    pub(in crate::tui) fn effect(&self, position: usize) -> Option<PositionEffect> {
        self.verdict(position)?.effect()
    }

    /// The model's confidence at a position, if it is known.
    pub(in crate::tui) fn confidence(&self, position: usize) -> Option<f32> {
        let p = match self.prediction() {
            Some(prediction) => prediction.confidence(position),
            None => {
                let slot = self.canvas().cells().get(position)?.slot;
                self.display.draft.get(&slot).map(|(_, p)| *p)
            }
        };
        p.filter(|p| p.is_finite())
    }

    /// The prediction that the step from a node of the branch was decided on.
    pub(in crate::tui) fn prediction_at(&self, step: usize) -> Option<Arc<Prediction>> {
        let node = self.history.moments.get(step)?.node;
        inspect::prediction_at(&self.debugger.session, node)
    }

    /// The decision made (or pending) at a node of the branch: how it changed positions. Of what it
    /// left, [`App::explained_at`] says more.
    pub(in crate::tui) fn decision_at(&self, step: usize) -> Option<&Decision> {
        if step == self.step() as usize
            && let Pending::Decided { decision, .. } = self.debugger.session.pending()
        {
            return Some(decision);
        }
        let next = self.history.moments.get(step + 1)?.node;
        self.debugger.session.timeline()[next].step().map(|made| &*made.decision)
    }

    /// The same with all that can be said of every position.
    pub(in crate::tui) fn explained_at(&self, step: usize) -> Option<Arc<Decision>> {
        if step == self.step() as usize
            && let Pending::Decided { decision, .. } = self.debugger.session.pending()
        {
            return Some(decision.clone());
        }
        self.debugger.session.decision(self.history.moments.get(step + 1)?.node)
    }
}
