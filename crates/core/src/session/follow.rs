//! Follows a recording that is still being read, or a loop that another process runs: adds what
//! comes next to the session's tree, without moving the view.

use std::sync::Arc;

use super::{Event, NodeId, NodeOrigin, Session, Step};
use crate::{
    canvas::Canvas,
    decode::{Decision, Params},
    predict::Key,
};

/// News of a recording that is being read, or of a sampling loop in another process.
#[derive(Debug)]
pub enum RunNews {
    /// What happened, in order.
    Events(Vec<Event>),
    /// Bytes read so far, and the total if it is known.
    Read(u64, Option<u64>),
    /// A message of a sampling loop other than its steps.
    Loop(LoopMessage),
    /// Nothing more will come; notices about it for the user.
    Over(Vec<String>),
    /// It cannot be read any further; the reason for the user.
    Failed(String),
}

/// A message of a sampling loop other than its steps. Nodes are numbered in the order they came, as
/// in a recording of the loop.
#[derive(Debug)]
pub enum LoopMessage {
    /// It waits until it is told to go on.
    Waits(Stand),
    /// The step that it is about to make from this node.
    Proposes(Proposal),
    /// A line for the user.
    Says(String),
    /// It cannot do what it was told, and goes on waiting; the reason for the user.
    Refuses(String),
}

/// Where a sampling loop waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    /// The node whose canvas it has.
    pub node: NodeId,
    /// It has no further step to make from there.
    pub done: bool,
    /// What it keeps of its past.
    pub kept: Option<StateCopies>,
}

/// A step that a sampling loop is about to make.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The node that it starts from.
    pub from: NodeId,
    /// The prediction it was decided on.
    pub key: Key,
    /// What it would do.
    pub decision: Arc<Decision>,
}

/// What a sampling loop keeps of its past, so that it can go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateCopies {
    /// Nodes of which it has a copy of the state.
    pub nodes: usize,
    /// Bytes that these copies take.
    pub bytes: u64,
}

/// Maps the nodes of a recording to those of a session, which may have further nodes of its own.
#[derive(Debug, Clone, Default)]
pub struct Followed {
    nodes: Vec<NodeId>,
    /// The session's node for the next edit of the recording: it was made here and sent to the
    /// loop.
    edit: Option<NodeId>,
}

impl Followed {
    /// All nodes of a session that was made from what has been read so far.
    pub fn all_of(session: &Session) -> Self {
        Self { nodes: (0..session.timeline().len()).map(NodeId).collect(), edit: None }
    }

    /// The node read last.
    pub fn last(&self) -> Option<NodeId> {
        self.nodes.last().copied()
    }

    /// The session's node for a node of the recording.
    pub fn node(&self, node: NodeId) -> Option<NodeId> {
        self.nodes.get(node.0).copied()
    }

    /// The number that a node of the session has in the recording; the last one where several nodes
    /// of the recording are one node here. `None` for a node that was made here.
    pub fn number(&self, node: NodeId) -> Option<NodeId> {
        self.nodes.iter().rposition(|&known| known == node).map(NodeId)
    }

    /// Says that the next edit of the recording is this node, which was made here.
    pub fn expect_edit(&mut self, node: NodeId) {
        self.edit = Some(node);
    }
}

impl Session {
    /// Adds the next event of a recording. Events must come in the recording's order, each once; an
    /// event about an unknown node is ignored.
    pub fn learn(&mut self, followed: &mut Followed, event: &Event) {
        match event {
            Event::Root { canvas, state, params, .. } => {
                let root = self.timeline.add_root(canvas.clone(), state.clone(), params.clone());
                followed.nodes.push(root);
            }
            Event::Prediction { key, prediction, .. } => {
                self.store.insert(*key, prediction.clone());
                self.wanted.remove(key);
            }
            Event::Step { parent, step, params, canvas, .. } => {
                let Some(parent) = followed.node(*parent) else { return };
                let node = self.same_step(parent, step, params, canvas).unwrap_or_else(|| {
                    let (state, made) =
                        (step.decision.next.clone(), NodeOrigin::Step(step.clone()));
                    // Behind several edits that came back as one, steps have other numbers here.
                    let before = &self.timeline[parent];
                    let numbered = before.canvas.apply(&step.decision.edits, before.depth + 1);
                    let canvas = match numbered {
                        Ok(it) => Arc::new(it.canvas.drafted(&canvas.inputs())),
                        Err(_) => canvas.clone(),
                    };
                    let params = params.clone();
                    self.reconnecting(|timeline| timeline.add(parent, canvas, state, params, made))
                });
                followed.nodes.push(node);
            }
            Event::Edit { parent, edits, state, params, canvas, .. } => {
                let Some(parent) = followed.node(*parent) else { return };
                let node = followed.edit.take().unwrap_or_else(|| {
                    let (state, made) = (state.clone(), NodeOrigin::Edit(edits.clone()));
                    let (canvas, params) = (canvas.clone(), params.clone());
                    self.reconnecting(|timeline| timeline.add(parent, canvas, state, params, made))
                });
                followed.nodes.push(node);
            }
            Event::Name { tip, name } => {
                let Some(tip) = followed.node(*tip) else { return };
                self.timeline.name(tip, name.clone());
            }
            Event::Delete { tip, deleted } => {
                let Some(tip) = followed.node(*tip) else { return };
                if !deleted {
                    self.timeline.restore(&self.timeline.deleted(tip));
                } else if self.timeline.delete(tip).is_ok_and(|gone| gone.contains(&self.at)) {
                    self.at = self.timeline.nearest_live(self.at);
                }
            }
            Event::Undo { edit, undone } => {
                let Some(edit) = followed.node(*edit) else { return };
                if !undone {
                    self.timeline.make_again(edit);
                    self.timeline.visit(self.at);
                } else if self.timeline.take_back(edit) && self.at == edit {
                    self.at = self.timeline.nearest_live(edit);
                }
            }
            Event::Mark { node, name } => {
                let Some(node) = followed.node(*node) else { return };
                self.timeline.mark(node, name.clone());
            }
            Event::Note { node, slot, text } => {
                let Some(node) = followed.node(*node) else { return };
                self.timeline.note(node, *slot, text.clone());
            }
            Event::End { .. } => {}
        }
        self.replan_if(event, followed);
    }

    /// Makes `node` the next one from the current node, if it is a child of it.
    pub fn lead_to(&mut self, node: NodeId) {
        if self.timeline[node].parent == Some(self.at) {
            self.timeline.visit(node);
            self.replan();
        }
    }

    /// Stores the step that a loop is about to make: it is the pending decision of its node until
    /// the step is made.
    pub fn propose(&mut self, followed: &Followed, proposal: Proposal) {
        let Some(from) = followed.node(proposal.from) else { return };
        self.proposed = Some(Proposal { from, ..proposal });
        if from == self.at {
            self.replan();
        }
    }

    /// The same step, if it was made here before the recording had it.
    fn same_step(
        &self,
        parent: NodeId,
        step: &Step,
        params: &Params,
        canvas: &Canvas,
    ) -> Option<NodeId> {
        self.timeline.live(parent).find(|&child| {
            let node = &self.timeline[child];
            *node.params == *params
                && node.canvas.inputs() == canvas.inputs()
                && node.step().is_some_and(|made| made.is(step.prediction, &step.decision))
        })
    }

    /// Adds to the tree without changing the current node or the one that is next from it.
    fn reconnecting(&mut self, add: impl FnOnce(&mut super::Timeline) -> NodeId) -> NodeId {
        let ahead = self.node().next;
        let node = add(&mut self.timeline);
        self.timeline.visit(self.at);
        if let Some(ahead) = ahead {
            self.timeline.visit(ahead);
        }
        node
    }

    /// Makes the pending decision anew if the event brought its prediction or a step from this
    /// node.
    fn replan_if(&mut self, event: &Event, followed: &Followed) {
        let concerns = match event {
            Event::Prediction { key, .. } => {
                matches!(&self.pending, super::Pending::Wanted { key: wanted, .. } if wanted == key)
            }
            Event::Step { parent, .. } | Event::Edit { parent, .. } => {
                followed.node(*parent) == Some(self.at)
            }
            Event::Delete { .. } | Event::Undo { .. } => true,
            _ => false,
        };
        if concerns {
            self.replan();
        }
    }
}
