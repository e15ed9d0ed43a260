//! Why something ended before its end.

use crate::predict::PredictError;

/// Why a run, a script or a pass ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum HeadlessError {
    /// The flag was raised.
    #[error("stopped by a signal")]
    Stopped,
    /// The model panicked: the hook has printed where.
    #[error("the model panicked, see above")]
    Panicked,
    /// The predictor could not answer a request.
    #[error(transparent)]
    Predict(PredictError),
    /// One of several models could not.
    #[error("{error}")]
    Model {
        /// The number of the model, from 0.
        at: usize,
        /// Why it could not.
        error: PredictError,
    },
    /// The recording stopped, which is the only output.
    #[error("{0}")]
    Recording(String),
    /// A command was refused, or did not come to a good end.
    #[error("`{command}`: {why}")]
    Command {
        /// The text of the command.
        command: String,
        /// What was wrong, in words.
        why: String,
    },
    /// The loop that is debugged failed.
    #[error("{0}")]
    Loop(String),
    /// A run of several failed.
    #[error("{why}")]
    Run {
        /// The number of the run, from 0.
        at: usize,
        /// What was wrong, in words.
        why: String,
    },
}
