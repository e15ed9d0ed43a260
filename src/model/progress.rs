//! How loading a model goes on, for people who wait.

use std::ops::ControlFlow;

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// This file comes from a hub.
    Downloading(String),
    /// Weights are read from the disk.
    Reading,
    /// Weights are read and rounded to this type.
    Quantising(String),
    /// An engine says what it does, and counts it as it likes.
    Engine(String),
}

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadProgress {
    /// What is being done.
    pub work: Work,
    /// Bytes done, or whatever an engine counts.
    pub done: u64,
    /// The same in all; 0 where nobody has said.
    pub of: u64,
}

/// Told as loading goes on; answers whether to go on.
pub type LoadWatch<'a> = dyn FnMut(&LoadProgress) -> ControlFlow<()> + 'a;
