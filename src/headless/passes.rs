//! The forward passes of a recording, run once more.

use std::{collections::HashMap, sync::atomic::AtomicBool};

use super::{error::HeadlessError, pass::pass};
use crate::{
    predict::Predictor,
    session::{NodeId, NodeOrigin},
    trace::{Passes, Recording},
};

/// Runs the forward passes of the steps on record again and compares them. `told` hears before each step how
/// many were gone over, of how many.
///
/// # Errors
/// Those of [`pass`](super::pass).
pub fn passes_again(
    recording: &Recording,
    predictor: &mut dyn Predictor,
    stopped: &AtomicBool,
    mut told: impl FnMut(usize, usize),
) -> Result<Passes, HeadlessError> {
    let session = recording.session();
    let timeline = session.timeline();
    let mut passes = Passes::default();
    let mut known = HashMap::new();
    let steps: Vec<NodeId> =
        (0..timeline.len()).map(NodeId).filter(|&node| timeline[node].step().is_some()).collect();
    for (done, &node) in steps.iter().enumerate() {
        told(done, steps.len());
        let (NodeOrigin::Step(step), Some(parent)) = (&timeline[node].made, timeline[node].parent)
        else {
            continue;
        };
        let Some(recorded) = session.prediction(step.prediction) else { continue };
        let Some(request) = session.request_of(node) else { continue };
        let depth = timeline[node].depth as usize;
        // Branches share passes.
        let computed = match known.get(&step.prediction) {
            Some(computed) => computed,
            None => {
                let (computed, _) = pass(predictor, &request, stopped)?;
                passes.compare(depth, &recorded, &computed);
                known.entry(step.prediction).or_insert(computed)
            }
        };
        let (before, params) = (&timeline[parent], &timeline[node].params);
        let context = (session.strategy(), &*before.canvas, &before.state, &**params);
        passes.decide(depth, &step.decision, context, computed);
    }
    Ok(passes)
}

#[cfg(test)]
mod tests {
    use std::{ops::ControlFlow, path::Path};

    use super::*;
    use crate::{
        predict::{KnownPredictions, PredictError, Prediction, Progress, Request, Watch},
        trace,
    };

    /// A model that gives what was recorded.
    struct Recorded(KnownPredictions);

    impl Predictor for Recorded {
        fn predict(
            &mut self,
            request: &Request,
            watch: &mut Watch,
        ) -> Result<Prediction, PredictError> {
            match watch(Progress { done: 0, of: 1 }) {
                ControlFlow::Break(()) => Err(PredictError::Cancelled),
                ControlFlow::Continue(()) => {
                    Ok(Prediction::clone(&self.0.get(request.key()).unwrap()))
                }
            }
        }
    }

    fn recording() -> Recording {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
        trace::read(&folder.join("short-answer.jsonl")).unwrap()
    }

    #[test]
    fn what_is_computed_again_is_what_was_recorded() {
        let recording = recording();
        let mut predictor = Recorded(recording.recorded.store.clone());
        let mut told = Vec::new();
        let flag = AtomicBool::new(false);
        let found =
            passes_again(&recording, &mut predictor, &flag, |done, of| told.push((done, of)));
        let found = found.unwrap();
        assert!(found.run > 0 && found.decisions > 0 && found.differing == 0);
        assert!(found.largest.is_none() && found.first_other.is_none());
        assert_eq!(told.len(), told[0].1);
    }

    #[test]
    fn the_flag_ends_it() {
        let recording = recording();
        let mut predictor = Recorded(recording.recorded.store.clone());
        let flag = AtomicBool::new(true);
        let ended = passes_again(&recording, &mut predictor, &flag, |_, _| {});
        assert!(matches!(ended, Err(HeadlessError::Stopped)));
    }
}
