//! Going about in the tree: over known steps, between branches, and back to where one was.

use super::{CommandFailed, Debugger, Destination, Reply, edits::UndoEntry};
use crate::{
    decode::Params,
    inspect::Condition,
    session::{Branch, NodeId},
};

/// The most places remembered for `previous`.
const MAX_PLACES: usize = 100;

/// The direction of a search over known steps.
#[derive(Debug, Clone, Copy)]
pub(super) enum Direction {
    Back,
    Forward,
}

/// What a jump back goes to the start of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    Block,
    Stage,
}

impl Debugger {
    /// Goes to a node and remembers where it was.
    pub fn jump(&mut self, node: NodeId) {
        if node == self.session.at() {
            return;
        }
        self.remember();
        self.go(node);
    }

    /// Goes to a node. A run ends.
    pub(super) fn go(&mut self, node: NodeId) {
        self.goal = None;
        if node != self.session.at() {
            self.session.go(node);
        }
    }

    /// Remembers this place, for [`Debugger::previous`].
    pub(super) fn remember(&mut self) {
        self.places.push((self.session.at(), self.session.params().clone()));
        if self.places.len() > MAX_PLACES {
            self.places.remove(0);
        }
    }

    /// Goes back to where one was before the last jump, parameters included; from there it leads
    /// here again.
    pub(super) fn previous(&mut self) -> Result<Reply, CommandFailed> {
        let found = loop {
            match self.places.pop() {
                None => return Err(CommandFailed::new("you were nowhere else yet")),
                Some((node, _)) if self.session.timeline()[node].deleted => {}
                Some(place) => break place,
            }
        };
        self.remember();
        let (node, params) = found;
        self.go(node);
        self.take_params(&params);
        Ok(Reply::none())
    }

    /// Sets every parameter that differs.
    pub(super) fn take_params(&mut self, params: &Params) {
        for (spec, value) in params.iter() {
            if self.session.params().get(spec.name) != Ok(value) {
                // Each was valid before.
                let _ = self.session.set_param(spec.name, value);
            }
        }
    }

    /// The branch on screen, as nodes.
    pub fn branch(&self) -> Vec<NodeId> {
        self.session.timeline().branch(self.session.at())
    }

    /// The step of the branch stood at.
    pub(super) fn depth(&self) -> usize {
        self.session.node().depth as usize
    }

    pub(super) fn back(&mut self, n: usize) -> Result<Reply, CommandFailed> {
        let depth = self.depth();
        if depth == 0 {
            return Err(CommandFailed::new("this is the start of the run"));
        }
        self.go(self.branch()[depth.saturating_sub(n)]);
        Ok(Reply::none())
    }

    pub(super) fn forward(&mut self, n: usize) -> Result<Reply, CommandFailed> {
        let (depth, branch) = (self.depth(), self.branch());
        let last = branch.len() - 1;
        if depth == last {
            return Err(CommandFailed::new(match self.live {
                true => "no step is known from here; `step` makes one",
                false if self.awaits_step() => self.awaited(),
                false => "the recording ends here",
            }));
        }
        self.go(branch[depth.saturating_add(n).min(last)]);
        Ok(Reply::none())
    }

    pub(super) fn goto(&mut self, destination: &Destination) -> Result<Reply, CommandFailed> {
        let branch = self.branch();
        let node = match destination {
            Destination::Start => branch[0],
            Destination::End => branch[branch.len() - 1],
            Destination::Step(step) => *branch.get(*step).ok_or_else(|| {
                let last = branch.len() - 1;
                CommandFailed::new(format!("this branch goes to step {last}"))
            })?,
            Destination::Node(node) => {
                let timeline = self.session.timeline();
                if node.0 >= timeline.len() || timeline[*node].deleted {
                    return Err(CommandFailed::new(format!("there is no node @{}", node.0)));
                }
                *node
            }
            Destination::Bookmark(name) => self.bookmarked(name)?,
        };
        self.jump(node);
        Ok(Reply::none())
    }

    pub(super) fn bookmarked(&self, name: &str) -> Result<NodeId, CommandFailed> {
        let mut bookmarks = self.session.timeline().bookmarks();
        bookmarks
            .find(|(_, other)| *other == name)
            .map(|(node, _)| node)
            .ok_or_else(|| CommandFailed::new(format!("there is no bookmark `{name}`")))
    }

    /// Goes back to where the block or stage started; standing at a start, to the one before.
    pub(super) fn back_to_bound(&mut self, bound: Bound) -> Result<Reply, CommandFailed> {
        let branch = self.branch();
        let depth = self.depth();
        let mark = |step: usize| {
            let node = &self.session.timeline()[branch[step]];
            let phase = self.session.strategy().phase(&node.canvas, &node.state, &node.params);
            let block = match bound {
                Bound::Block => phase.block.map(|block| block.start),
                Bound::Stage => None,
            };
            (phase.stage, block)
        };
        let Some(before) = depth.checked_sub(1) else {
            return Err(CommandFailed::new("this is the start of the run"));
        };
        let wanted = mark(before);
        let start = (0..=before).rev().take_while(|&step| mark(step) == wanted).last();
        self.jump(branch[start.unwrap_or(0)]);
        Ok(Reply::none())
    }

    /// Goes over known steps to where a condition holds.
    pub(super) fn find(
        &mut self,
        direction: Direction,
        condition: &Condition,
    ) -> Result<Reply, CommandFailed> {
        let (depth, branch) = (self.depth(), self.branch());
        let holds = |node: &&NodeId| condition.holds(&self.view(**node)) == Some(true);
        let found = match direction {
            Direction::Forward => branch[depth + 1..].iter().find(holds).copied(),
            Direction::Back => branch[..depth].iter().rev().find(holds).copied(),
        };
        match found {
            Some(node) => {
                self.jump(node);
                Ok(Reply::none())
            }
            None => Err(CommandFailed::new(match direction {
                Direction::Forward => format!("no known step further on has {condition}"),
                Direction::Back => format!("no step before has {condition}"),
            })),
        }
    }

    /// Goes back to the last node where a breakpoint holds, else to the start.
    pub(super) fn reverse_continue(&mut self) -> Result<Reply, CommandFailed> {
        let (depth, branch) = (self.depth(), self.branch());
        if depth == 0 {
            return Err(CommandFailed::new("this is the start of the run"));
        }
        let found = branch[..depth].iter().rev().find_map(|&node| {
            let (hit, _) = self.hits(node);
            (!hit.is_empty()).then_some((node, hit))
        });
        let (node, hit) = found.unwrap_or((branch[0], Vec::new()));
        self.jump(node);
        self.breakpoints.hit(&hit);
        Ok(Reply::line(match hit.is_empty() {
            true => "no breakpoint before: the start of the run".to_owned(),
            false => self.hit_text(&hit),
        }))
    }

    /// A branch by its number from 1, or by its name.
    pub(super) fn branch_called(&self, called: &str) -> Result<(usize, Branch), CommandFailed> {
        let found = self.session.timeline().branch_called(called);
        found.ok_or_else(|| {
            CommandFailed::new(format!(
                "there is no branch `{called}`; `branches` lists the {} there are",
                self.session.timeline().tips().len()
            ))
        })
    }

    /// The branch on screen and its place among all.
    pub fn current_branch(&self) -> Option<(usize, Branch)> {
        let timeline = self.session.timeline();
        let tip = timeline.tip_of(*self.branch().last()?);
        let branches = self.session.timeline().branches();
        branches.into_iter().enumerate().find(|(_, branch)| branch.tip == tip)
    }

    /// Goes to another branch, as near in steps as it can be told from this one.
    pub(super) fn switch(&mut self, tip: NodeId) {
        let here = self.branch();
        let path = self.session.timeline().path(tip);
        let own = path.iter().zip(&here).take_while(|(a, b)| a == b).count();
        let step = self.depth().max(own).min(path.len() - 1);
        self.remember();
        // By its end first: that the branch on screen is this one to its end.
        self.go(tip);
        self.go(path[step]);
    }

    pub(super) fn delete_branch(&mut self, called: Option<&str>) -> Result<Reply, CommandFailed> {
        let (number, branch) = match called {
            Some(called) => self.branch_called(called)?,
            None => {
                self.current_branch().ok_or_else(|| CommandFailed::new("there is no branch"))?
            }
        };
        self.goal = None;
        let gone = self.session.delete_branch(branch.tip).map_err(CommandFailed::new)?;
        let steps = gone.len();
        self.did(UndoEntry::Branch(gone));
        Ok(Reply::line(format!(
            "branch {} is deleted, {steps} steps of its own; undo brings it back",
            number + 1
        )))
    }
}
