//! The tree of steps. A node is a canvas and a state; a step or an edit leads from one to the
//! next.

use std::{collections::BTreeMap, ops::Index, sync::Arc, time::Duration};

use crate::{
    canvas::{Canvas, Edit, Slot},
    decode::{Decision, Params, State},
    predict::Key,
};

/// A node's number; nodes are never removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// The time that a step took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// The forward pass; zero if the prediction was known.
    pub forward: Duration,
    /// Planning the request and deciding on the answer.
    pub decide: Duration,
}

/// A step that was decided.
#[derive(Debug, Clone)]
pub struct Step {
    /// The prediction it was decided on.
    pub prediction: Key,
    /// Its edits, with a verdict for every position.
    pub decision: Arc<Decision>,
    /// The time that the step took.
    pub timing: Timing,
}

impl Step {
    /// True if a decision on a prediction comes to the same: the numbers in its reasons may differ.
    pub fn is(&self, prediction: Key, decision: &Decision) -> bool {
        self.prediction == prediction
            && self.decision.edits == decision.edits
            && self.decision.next == decision.next
    }
}

/// The origin of a node: a start, a step or edits.
#[derive(Debug, Clone)]
pub enum NodeOrigin {
    /// Nothing: a run starts here.
    Start,
    /// A step of the strategy.
    Step(Arc<Step>),
    /// Edits that the user made.
    Edit(Arc<[Edit]>),
}

/// A canvas and a state in the tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// The node before; `None` at the start of a run.
    pub parent: Option<NodeId>,
    /// The nodes behind it, oldest first, deleted ones too.
    pub children: Vec<NodeId>,
    /// The child visited last: where *forward* leads.
    pub next: Option<NodeId>,
    /// Number of steps and edits from the start of the run.
    pub depth: u32,
    /// Number of steps among them: predictions asked for, NFE.
    pub steps: u32,
    /// The canvas that the node stands for.
    pub canvas: Arc<Canvas>,
    /// What the strategy remembers there.
    pub state: State,
    /// The parameters in force when it was made.
    pub params: Arc<Params>,
    /// The step or the edits that led here.
    pub made: NodeOrigin,
    /// True on a branch that was deleted, and where an edit is undone.
    pub deleted: bool,
    /// True for an edit that is undone.
    pub undone: bool,
}

impl Node {
    /// The step that led here, if one did.
    pub fn step(&self) -> Option<&Arc<Step>> {
        match &self.made {
            NodeOrigin::Step(step) => Some(step),
            NodeOrigin::Start | NodeOrigin::Edit(_) => None,
        }
    }

    /// The edits that led here, if they did.
    pub fn edits(&self) -> Option<&[Edit]> {
        match &self.made {
            NodeOrigin::Edit(edits) => Some(edits),
            NodeOrigin::Start | NodeOrigin::Step(_) => None,
        }
    }
}

/// Every node of a session, over all runs and branches.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    pub(super) nodes: Vec<Node>,
    roots: Vec<NodeId>,
    pub(super) names: BTreeMap<NodeId, String>,
    pub(super) bookmarks: BTreeMap<NodeId, String>,
    pub(super) notes: BTreeMap<(NodeId, Slot), String>,
}

impl Index<NodeId> for Timeline {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

impl Timeline {
    /// Number of nodes, undone and deleted ones included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True if there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The starts of runs, oldest first.
    pub fn roots(&self) -> &[NodeId] {
        &self.roots
    }

    /// The start of the run that `id` belongs to.
    pub fn root_of(&self, id: NodeId) -> NodeId {
        std::iter::successors(Some(id), |&id| self[id].parent).last().unwrap_or(id)
    }

    /// A node with the step that led to it, if one did.
    pub(super) fn step(&self, id: NodeId) -> Option<(NodeId, &Arc<Step>)> {
        Some((id, self[id].step()?))
    }

    /// The nodes from the start of the run to `id`, both included.
    pub fn path(&self, id: NodeId) -> Vec<NodeId> {
        let mut path: Vec<NodeId> =
            std::iter::successors(Some(id), |&id| self[id].parent).collect();
        path.reverse();
        path
    }

    /// The path through `id` and on along the children visited last: the branch on screen.
    pub fn branch(&self, id: NodeId) -> Vec<NodeId> {
        let mut branch = self.path(id);
        branch.extend(std::iter::successors(self[id].next, |&id| self[id].next));
        branch
    }

    /// Adds the start of a run.
    pub fn add_root(&mut self, canvas: Arc<Canvas>, state: State, params: Arc<Params>) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.nodes.push(Node {
            parent: None,
            children: Vec::new(),
            next: None,
            depth: 0,
            steps: 0,
            canvas,
            state,
            params,
            made: NodeOrigin::Start,
            deleted: false,
            undone: false,
        });
        self.roots.push(id);
        id
    }

    /// Adds a step or edit behind `parent`.
    pub fn add(
        &mut self,
        parent: NodeId,
        canvas: Arc<Canvas>,
        state: State,
        params: Arc<Params>,
        made: NodeOrigin,
    ) -> NodeId {
        let id = NodeId(self.nodes.len());
        let before = &self[parent];
        self.nodes.push(Node {
            parent: Some(parent),
            children: Vec::new(),
            next: None,
            depth: before.depth + 1,
            steps: before.steps + u32::from(matches!(made, NodeOrigin::Step(_))),
            canvas,
            state,
            params,
            made,
            deleted: false,
            undone: false,
        });
        let parent = &mut self.nodes[parent.0];
        parent.children.push(id);
        parent.next = Some(id);
        id
    }

    /// Remembers that `id` was visited, so that *forward* leads there from its ancestors.
    pub fn visit(&mut self, id: NodeId) {
        let mut child = id;
        while let Some(parent) = self[child].parent {
            self.nodes[parent.0].next = Some(child);
            child = parent;
        }
    }
}
