//! Going along with a recording that is still being read: what is read next is added behind what
//! is there, and one stays where one stands.

use super::{Event, Made, NodeId, Session, Step};
use crate::decode::Params;

/// The place of each node of a recording in a session, which may have more nodes of its own.
#[derive(Debug, Clone, Default)]
pub struct Followed(Vec<NodeId>);

impl Followed {
    /// All nodes there are in a session: it was made from what has been read so far.
    pub fn all_of(session: &Session) -> Self {
        Self((0..session.timeline().len()).map(NodeId).collect())
    }

    /// The node read last.
    pub fn last(&self) -> Option<NodeId> {
        self.0.last().copied()
    }

    fn node(&self, node: NodeId) -> Option<NodeId> {
        self.0.get(node.0).copied()
    }
}

impl Session {
    /// Takes in what a recording says happened next. Events must come in its order, each once;
    /// one about a node that has not come is left out.
    pub fn learn(&mut self, followed: &mut Followed, event: &Event) {
        match event {
            Event::Root { canvas, state, params, .. } => {
                let root = self.timeline.add_root(canvas.clone(), state.clone(), params.clone());
                followed.0.push(root);
            }
            Event::Prediction { key, prediction, .. } => {
                self.store.insert(*key, prediction.clone());
                self.wanted.remove(key);
            }
            Event::Step { parent, step, params, canvas, .. } => {
                let Some(parent) = followed.node(*parent) else { return };
                let node = self.same_step(parent, step, params).unwrap_or_else(|| {
                    let (state, made) = (step.decision.next.clone(), Made::Step(step.clone()));
                    let (canvas, params) = (canvas.clone(), params.clone());
                    self.beside(|timeline| timeline.add(parent, canvas, state, params, made))
                });
                followed.0.push(node);
            }
            Event::Edit { parent, edits, state, params, canvas, .. } => {
                let Some(parent) = followed.node(*parent) else { return };
                let (state, made) = (state.clone(), Made::Edit(edits.clone()));
                let (canvas, params) = (canvas.clone(), params.clone());
                let node =
                    self.beside(|timeline| timeline.add(parent, canvas, state, params, made));
                followed.0.push(node);
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
            Event::End { .. } => {}
        }
        self.replan_if(event, followed);
    }

    /// A step that was made here already, before the recording told of it.
    fn same_step(&self, parent: NodeId, step: &Step, params: &Params) -> Option<NodeId> {
        self.timeline.live(parent).find(|&child| {
            let node = &self.timeline[child];
            *node.params == *params
                && node.step().is_some_and(|made| made.is(step.prediction, &step.decision))
        })
    }

    /// Adds to the tree; where *forward* leads from where one stands, and to it, stays.
    fn beside(&mut self, add: impl FnOnce(&mut super::Timeline) -> NodeId) -> NodeId {
        let ahead = self.node().next;
        let node = add(&mut self.timeline);
        self.timeline.visit(self.at);
        if let Some(ahead) = ahead {
            self.timeline.visit(ahead);
        }
        node
    }

    /// The pending decision changes when its prediction has come, or a step from this node.
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
