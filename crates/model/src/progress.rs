//! How loading a model goes on, for the user who waits.

use std::ops::ControlFlow;

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadingWork {
    /// This file comes from a hub.
    Downloading(String),
    /// Weights are read from the disk.
    Reading,
    /// Weights are read and rounded to this type.
    Quantising(String),
    /// An engine describes its step in words, and may count in any unit.
    Engine(String),
}

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadProgress {
    /// What is being done.
    pub work: LoadingWork,
    /// Bytes done, or an engine's units.
    pub done: u64,
    /// The total in the same unit; 0 if it is not known.
    pub of: u64,
}

/// Told as loading goes on; answers whether to go on.
pub type LoadWatch<'a> = dyn FnMut(&LoadProgress) -> ControlFlow<()> + 'a;
