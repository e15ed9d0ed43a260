//! Passes that answer a question about a prediction and that no step is decided on: how probable given
//! tokens are, and what the prediction would be if one more token were masked.

use std::sync::Arc;

use super::{NodeId, Pending, Session};
use crate::{
    canvas::{Canvas, Edit, Slot, TokenId},
    decode::{Params, Plan},
    predict::{Column, ColumnSet, Key, Prediction, Request},
};

/// The columns of the answer to a question.
const ANSWERED: [Column; 4] =
    [Column::Argmax, Column::PArgmax, Column::PTarget, Column::TargetRank];

/// A prediction that is asked about: that of the pending step, or one that a step on the way here was
/// decided on.
#[derive(Debug, Clone)]
pub struct AskedPrediction {
    /// The node that its pass was planned at.
    pub node: NodeId,
    /// The canvas there.
    pub canvas: Arc<Canvas>,
    /// The exact pass, whatever a cache left out.
    pub request: Arc<Request>,
    /// The answer that the step is or was decided on, if it is known. With a cache it may be that of an
    /// approximate pass.
    pub decided_on: Option<Arc<Prediction>>,
    params: Arc<Params>,
}

impl AskedPrediction {
    /// The row of a generated position in answers; `None` where the pass is not asked about it.
    pub fn row(&self, position: usize) -> Option<usize> {
        let first = self.canvas.len().checked_sub(self.request.rows.len())?;
        position.checked_sub(first).filter(|_| position < self.canvas.len())
    }
}

/// A forward pass that answers a question.
#[derive(Debug, Clone)]
pub struct QuestionPass {
    /// The name of its prediction.
    pub key: Key,
    /// The request to run.
    pub request: Arc<Request>,
    /// The canvas that it is about.
    pub canvas: Arc<Canvas>,
}

impl Session {
    /// The prediction of the pending step.
    ///
    /// # Errors
    /// The reason why there is none to ask about, in words.
    pub fn asked_here(&self) -> Result<AskedPrediction, &'static str> {
        let decided_on = match self.pending() {
            Pending::Decided { prediction, .. } => Some(prediction.clone()),
            _ => None,
        };
        self.asked(self.at(), Arc::new(self.params().clone()), decided_on)
    }

    /// The prediction that the step or edit to `node` found.
    ///
    /// # Errors
    /// The reason why there is none to ask about, in words.
    pub fn asked_before(&self, node: NodeId) -> Result<AskedPrediction, &'static str> {
        let made = &self.timeline()[node];
        let parent = made.parent.ok_or("nothing was predicted before the start")?;
        let decided_on = match made.step() {
            Some(step) => self.prediction(step.prediction),
            None => self.predicted(parent),
        };
        self.asked(parent, made.params.clone(), decided_on)
    }

    fn asked(
        &self,
        node: NodeId,
        params: Arc<Params>,
        decided_on: Option<Arc<Prediction>>,
    ) -> Result<AskedPrediction, &'static str> {
        if !self.strategy().decides() {
            return Err("another program ran the passes, and demask cannot run them again");
        }
        match self.plan_exact(node, &params) {
            Ok(Plan::Predict(request)) => {
                let (canvas, request) = (self.timeline()[node].canvas.clone(), Arc::from(request));
                Ok(AskedPrediction { node, canvas, request, decided_on, params })
            }
            Ok(Plan::Done(_)) => Err("the run is over: go to a step where the position is masked"),
            Err(_) => Err("the run cannot go on here"),
        }
    }

    /// The pass of a prediction once more, with the token of `masked` remasked and nothing else changed;
    /// it is asked about one token at each of some positions, in order.
    ///
    /// # Errors
    /// The reason why the strategy makes no pass of that canvas, in words.
    pub fn question_pass(
        &self,
        asked: &AskedPrediction,
        masked: Option<Slot>,
        targets: &[(usize, TokenId)],
    ) -> Result<QuestionPass, &'static str> {
        let mut request = Request::clone(&asked.request);
        let mut canvas = asked.canvas.clone();
        if let Some(slot) = masked {
            let node = &self.timeline()[asked.node];
            let edited = canvas.apply(&[Edit::Remask { slot }], node.depth + 1);
            canvas = Arc::new(edited.map_err(|_| "a token cannot be remasked")?.canvas);
            // What a model is given for a mask is the strategy's business; all else stays.
            let (state, extras) = (&node.state, self.extras());
            let plan = self.strategy().plan(&canvas, state, &asked.params, node.steps + 1, extras);
            let Ok(Plan::Predict(other)) = plan else {
                return Err("the strategy makes no pass of the canvas with a token remasked");
            };
            request.pass.ids = other.pass.ids;
            if let (Some(guidance), Some(other)) = (&mut request.guidance, other.guidance) {
                guidance.unconditional.ids = other.unconditional.ids;
            }
        }
        let row = |&(position, token): &(usize, TokenId)| Some((asked.row(position)?, token));
        request.targets = targets.iter().filter_map(row).collect();
        request.columns = ColumnSet::of(&ANSWERED);
        // What only other columns need is left out: it is neither computed nor recorded.
        (request.top_k, request.alternatives, request.score) = (0, None, None);
        (request.earlier, request.shadow) = (None, None);
        (request.sampling, request.credits) = (None, None);
        Ok(QuestionPass { key: request.key(), request: Arc::new(request), canvas })
    }

    /// The answers to questions that are known, in order of their keys. They have no column that is kept
    /// for masked positions alone, so they are recorded without their canvases.
    pub fn answers(&self) -> impl Iterator<Item = (Key, Arc<Prediction>)> {
        let asked = self.store.iter().filter(|(_, answer)| answer.numbers(Column::PTarget).is_ok());
        let mut answers: Vec<_> = asked.collect();
        answers.sort_by_key(|(key, _)| *key);
        answers.into_iter()
    }

    /// From now on the answer to this pass is awaited.
    pub fn await_answer(&mut self, pass: &QuestionPass) {
        self.wanted.insert(pass.key, (pass.canvas.clone(), None));
    }
}
