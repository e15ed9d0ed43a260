//! What is run: the steps of a run, the commands of a script, the forward passes asked for.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use crate::{
    debugger::{Command, FollowUp},
    predict::{Key, Progress},
    session::NodeId,
};

/// Speeds of a run, in steps a second; the last is as fast as it goes.
pub const SPEEDS: [Option<u32>; 6] = [Some(1), Some(2), Some(5), Some(10), Some(30), None];

/// The forward pass in work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// What the pass is asked for.
    pub key: Key,
    /// The progress of the pass.
    pub progress: Progress,
}

/// How a run goes on, what waits to be carried out, and what the model was asked.
pub struct Running {
    /// Whether a run keeps to the chosen speed; else it goes as fast as the model.
    pub paced: bool,
    /// Place of the speed in [`SPEEDS`].
    pub speed: usize,
    /// Commands still to be carried out, one after the other.
    pub queue: VecDeque<Command>,
    /// The commands carried out, as a script that does the same again.
    pub script: Vec<String>,
    /// What is left to do for them, by those who know the panes and the screens.
    pub follow_ups: Vec<FollowUp>,
    /// Nodes where a breakpoint stopped a run.
    pub stops: HashSet<NodeId>,
    /// The pass that the screen waits for.
    pub busy: Option<Busy>,
    /// It takes long: so long by now.
    pub slow: Option<Duration>,
    /// The pass in work for a try.
    pub background: Option<Busy>,
    /// Passes asked for and not answered.
    pub asked: HashSet<Key>,
    /// The last words of the model's thread.
    pub died: Option<String>,
    /// A cancelled pass is not asked for again until a key wants it.
    pub held: bool,
    /// The last key was the one that interrupts.
    pub interrupted: bool,
}

impl Running {
    /// Nothing runs yet; these commands wait.
    pub fn new(speed: Option<u32>, commands: Vec<Command>) -> Self {
        Self {
            paced: false,
            speed: SPEEDS.iter().position(|&at| at == speed).unwrap_or(2),
            queue: commands.into(),
            script: Vec::new(),
            follow_ups: Vec::new(),
            stops: HashSet::new(),
            busy: None,
            slow: None,
            background: None,
            asked: HashSet::new(),
            died: None,
            held: false,
            interrupted: false,
        }
    }

    /// Steps a second that were chosen; `None` for as fast as it goes.
    pub fn rate(&self) -> Option<u32> {
        SPEEDS[self.speed.min(SPEEDS.len() - 1)]
    }

    /// A pass has ended, one way or the other.
    pub fn settle(&mut self, key: Key) {
        self.asked.remove(&key);
        for pass in [&mut self.busy, &mut self.background] {
            pass.take_if(|pass| pass.key == key);
        }
    }
}
