//! The tree of steps. A node is a canvas and a state; a step leads from one to the next.

use std::{ops::Index, sync::Arc, time::Duration};

use crate::{
    canvas::Canvas,
    decode::{Decision, Params, State},
    predict::Key,
};

/// A node's number; nodes are never removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// How long a step took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// The forward pass; zero if the prediction was known.
    pub forward: Duration,
    /// Planning and deciding.
    pub decide: Duration,
}

/// The step that led to a node.
#[derive(Debug, Clone)]
pub struct Step {
    /// The parameters it was decided under.
    pub params: Arc<Params>,
    /// The prediction it was decided on.
    pub prediction: Key,
    /// What was decided.
    pub decision: Arc<Decision>,
    /// How long it took.
    pub timing: Timing,
}

/// A canvas and a state in the tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// The node stepped from; `None` at the start of a run.
    pub parent: Option<NodeId>,
    /// The nodes stepped to, oldest first.
    pub children: Vec<NodeId>,
    /// The child visited last: where *forward* leads.
    pub next: Option<NodeId>,
    /// Number of steps from the start of the run.
    pub depth: u32,
    /// The canvas.
    pub canvas: Arc<Canvas>,
    /// The strategy's state.
    pub state: State,
    /// The step that led here; `None` at the start of a run.
    pub made: Option<Arc<Step>>,
}

/// Every node of a session, over all runs and branches.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    nodes: Vec<Node>,
    roots: Vec<NodeId>,
}

impl Index<NodeId> for Timeline {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

impl Timeline {
    /// Number of nodes.
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

    /// The ends of branches, in the order they were made.
    pub fn tips(&self) -> Vec<NodeId> {
        let all = (0..self.nodes.len()).map(NodeId);
        all.filter(|&id| self[id].children.is_empty()).collect()
    }

    /// Adds the start of a run.
    pub fn add_root(&mut self, canvas: Arc<Canvas>, state: State) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.nodes.push(Node {
            parent: None,
            children: Vec::new(),
            next: None,
            depth: 0,
            canvas,
            state,
            made: None,
        });
        self.roots.push(id);
        id
    }

    /// Adds a step from `parent`; the state is the one its decision leads to.
    pub fn add_step(&mut self, parent: NodeId, canvas: Arc<Canvas>, step: Arc<Step>) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.nodes.push(Node {
            parent: Some(parent),
            children: Vec::new(),
            next: None,
            depth: self[parent].depth + 1,
            canvas,
            state: step.decision.next.clone(),
            made: Some(step),
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
