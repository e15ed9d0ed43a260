//! Why nothing was measured.

use std::{io, path::PathBuf};

use crate::headless::HeadlessError;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A pass of the model failed.
    #[error(transparent)]
    Pass(#[from] HeadlessError),
    /// The screen cannot be drawn.
    #[error(transparent)]
    Screen(#[from] io::Error),
    /// The run or its recording failed.
    #[error("{0}")]
    Run(String),
    /// A step is decided and cannot be made.
    #[error("the pending step cannot be made")]
    Stuck,
    /// There is no pass to measure.
    #[error(
        "this strategy asks for no pass at the start. Take a longer canvas (--initial-gen-length or \
         --gen-length)"
    )]
    NoPass,
    /// The earlier report cannot be compared with.
    #[error("--against: {0}")]
    Earlier(String),
    /// The recording cannot be written.
    #[error("{}: it cannot be written ({error})", path.display())]
    Unwritable {
        /// The path of the recording.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}
