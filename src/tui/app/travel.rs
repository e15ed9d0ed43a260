//! Going to the steps of the session, as their commands do.

use super::App;
use crate::{
    debugger::{Command, Destination},
    session::NodeId,
};

impl App {
    /// Goes to a node of the tree.
    pub(in crate::tui) fn go(&mut self, node: NodeId) {
        let destination = match self.history.moments.iter().position(|moment| moment.node == node) {
            Some(step) => Destination::Step(step),
            None => Destination::Node(node),
        };
        self.running.queue.clear();
        self.run(Command::goto(destination), &mut Vec::new());
    }

    /// Goes one step of the branch forward or back.
    pub(in crate::tui) fn go_one_step(&mut self, forward: bool) {
        let step = self.step() as usize;
        self.go_step(if forward { step + 1 } else { step.saturating_sub(1) });
    }

    /// Goes to a step of the branch.
    pub(in crate::tui) fn go_step(&mut self, step: usize) {
        let step = step.min(self.history.steps());
        if let Some(moment) = self.history.moments.get(step) {
            self.go(moment.node);
        }
    }
}
