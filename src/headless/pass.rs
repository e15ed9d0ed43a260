//! One forward pass, waited for.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use super::error::HeadlessError;
use crate::predict::{PredictError, Prediction, Predictor, Progress, Request};

/// Runs a forward pass; says how long it took. The flag ends it between two layers.
///
/// # Errors
/// If the flag is raised, or the model fails or panics.
pub fn pass(
    predictor: &mut dyn Predictor,
    request: &Request,
    stopped: &AtomicBool,
) -> Result<(Prediction, Duration), HeadlessError> {
    watched_pass(predictor, request, stopped, |_, _| {})
}

/// [`pass`]; `told` hears how far it has come, and how long it has taken.
///
/// # Errors
/// Those of [`pass`].
pub fn watched_pass(
    predictor: &mut dyn Predictor,
    request: &Request,
    stopped: &AtomicBool,
    mut told: impl FnMut(Progress, Duration),
) -> Result<(Prediction, Duration), HeadlessError> {
    let started = Instant::now();
    let mut watch = |progress| {
        told(progress, started.elapsed());
        match stopped.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let predict = AssertUnwindSafe(|| predictor.predict(request, &mut watch));
    let prediction = catch_unwind(predict).map_err(|_| HeadlessError::Panicked)?.map_err(
        |error| match error {
            PredictError::Cancelled => HeadlessError::Stopped,
            error => HeadlessError::Predict(error),
        },
    )?;
    Ok((prediction, started.elapsed()))
}
