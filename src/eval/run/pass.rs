//! A forward pass that can be asked to stop.

use std::{
    fmt,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::RunError;
use crate::{
    model::Loaded,
    predict::{PredictError, Prediction, Request},
};

/// Says whether to stop, asked between layers.
pub(super) type Halted<'a> = dyn Fn() -> bool + Sync + 'a;

/// Why a run ended early.
pub(super) enum Halt {
    /// It was asked to stop.
    Stopped,
    /// It cannot go on: this row fails, others may not.
    Failed(String),
    /// Nothing can go on.
    Broken(RunError),
}

impl Halt {
    pub(super) fn failed(error: impl fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs the forward pass that answers `request`.
pub(super) fn predict(
    model: &mut Loaded,
    request: &Request,
    halted: &Halted,
) -> Result<Prediction, Halt> {
    let mut watch = |_| if halted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let predicted = catch_unwind(AssertUnwindSafe(|| model.predictor.predict(request, &mut watch)));
    match predicted {
        Err(_) => Err(Halt::Broken(RunError::Panicked)),
        Ok(Err(PredictError::Cancelled)) => Err(Halt::Stopped),
        Ok(Err(error)) => Err(Halt::failed(error)),
        Ok(Ok(prediction)) => Ok(prediction),
    }
}
