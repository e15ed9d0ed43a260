//! Why a model could not be loaded, in words that name the file and say what to do.

/// A model that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}. {advice}")]
pub struct LoadError {
    /// The file or folder.
    pub place: String,
    /// What is wrong with it, and what was expected.
    pub problem: String,
    /// What to do next.
    pub advice: String,
}

/// A result whose error says what to do.
pub(super) type Loading<T> = Result<T, LoadError>;

/// The problem of a load that was stopped.
const CANCELLED: &str = "loading was cancelled";

impl LoadError {
    /// An error about `place`.
    pub fn new(
        place: impl Into<String>,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { place: place.into(), problem: problem.into(), advice: advice.into() }
    }

    /// The watcher asked to stop.
    pub fn cancelled(place: impl Into<String>) -> Self {
        Self::new(place, CANCELLED, "Start again: what was done so far is kept where it can be")
    }

    /// Whether the watcher asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.problem == CANCELLED
    }

    /// A tensor operation that failed while loading.
    pub(super) fn tensor(place: &str, error: &candle_core::Error) -> Self {
        Self::new(
            place,
            format!("the weights cannot be put in place ({error})"),
            "Check that the checkpoint is complete and fits the device's memory",
        )
    }
}
