//! Runs in lockstep, each to its end.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Observer, error::HeadlessError, pass::watched_pass};
use crate::{
    compare::{Lockstep, LockstepAdvance, LockstepRun, WantedPass},
    predict::Predictor,
    session::Session,
};

/// Runs all to their ends on their models, whose numbers are those in `predictors`. `moved` hears after
/// every step and pass.
///
/// # Errors
/// If the flag is raised, or a pass or a run fails.
pub fn run_to_end<L: LockstepRun>(
    lockstep: &mut Lockstep<L>,
    predictors: &mut [&mut Box<dyn Predictor>],
    stopped: &AtomicBool,
    observer: &mut dyn Observer,
    mut moved: impl FnMut(&Lockstep<L>),
) -> Result<(), HeadlessError> {
    let mut warned = false;
    loop {
        if stopped.load(Ordering::Relaxed) {
            return Err(HeadlessError::Stopped);
        }
        let advance = lockstep
            .step_all()
            .map_err(|(at, error)| HeadlessError::Run { at, why: error.to_string() })?;
        match advance {
            LockstepAdvance::Over => return Ok(()),
            LockstepAdvance::Moved => {}
            LockstepAdvance::Waiting => {
                for WantedPass { model, key, request } in lockstep.wanted() {
                    let none =
                        || HeadlessError::Run { at: 0, why: format!("there is no model {model}") };
                    let predictor = predictors.get_mut(model).ok_or_else(none)?;
                    let told = |progress, time| observer.layers(progress, time);
                    let pass = watched_pass(predictor.as_mut(), &request, stopped, told);
                    let (answer, took) = pass.map_err(|error| match error {
                        HeadlessError::Predict(error) => HeadlessError::Model { at: model, error },
                        error => error,
                    })?;
                    lockstep.supply(model, key, answer, took);
                }
            }
        }
        let mut sessions = lockstep.runs.iter().map(LockstepRun::session);
        if let Some(fault) = sessions.find_map(Session::recorder_fault).filter(|_| !warned) {
            warned = true;
            observer.warn(&format!("warning: {fault}. The runs go on"));
        }
        moved(lockstep);
    }
}
