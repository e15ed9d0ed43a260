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
}

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadProgress {
    /// What is being done.
    pub work: Work,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all; 0 where nobody has said.
    pub of: u64,
}

/// Told as loading goes on; answers whether to go on.
pub type LoadWatch<'a> = dyn FnMut(&LoadProgress) -> ControlFlow<()> + 'a;
