//! Branches: every end of the tree is one. Names, deletion and its undoing, bookmarks.

use std::collections::HashSet;

use super::{NodeId, Timeline};

/// A way through the tree, from the start of a run to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its end.
    pub tip: NodeId,
    /// How many nodes it shares with older branches: its own part begins there.
    pub shared: usize,
    /// Its name, if it was given one.
    pub name: Option<String>,
}

/// A branch that cannot be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is the only branch; it stays")]
pub struct OnlyBranch;

impl Timeline {
    /// Children on branches that are not deleted.
    pub fn live(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self[id].children.iter().copied().filter(|&child| !self[child].deleted)
    }

    /// The ends of branches, in the order they were made.
    pub fn tips(&self) -> Vec<NodeId> {
        let all = (0..self.len()).map(NodeId);
        all.filter(|&id| !self[id].deleted && self.live(id).next().is_none()).collect()
    }

    /// The branches, oldest end first.
    pub fn branches(&self) -> Vec<Branch> {
        let mut seen: HashSet<NodeId> = HashSet::new();
        self.tips()
            .into_iter()
            .map(|tip| {
                let own: Vec<NodeId> = std::iter::successors(Some(tip), |&id| self[id].parent)
                    .take_while(|id| !seen.contains(id))
                    .collect();
                seen.extend(&own);
                Branch {
                    tip,
                    shared: (self[tip].depth as usize + 1).saturating_sub(own.len()),
                    name: own.iter().find_map(|id| self.names.get(id)).cloned(),
                }
            })
            .collect()
    }

    /// The branch that ends at `tip` gets a name, or loses it.
    pub fn name(&mut self, tip: NodeId, name: Option<String>) {
        let branch = self.branches().into_iter().find(|branch| branch.tip == tip);
        let own = branch.map_or(0, |branch| branch.shared);
        for id in self.path(tip).into_iter().skip(own) {
            self.names.remove(&id);
        }
        if let Some(name) = name {
            self.names.insert(tip, name);
        }
    }

    /// Deletes the branch that ends at `tip`: what it shares with others stays. Answers with the
    /// nodes, for [`Timeline::restore`].
    ///
    /// # Errors
    /// If there is no other.
    pub fn delete(&mut self, tip: NodeId) -> Result<Vec<NodeId>, OnlyBranch> {
        if self.tips().len() < 2 {
            return Err(OnlyBranch);
        }
        let mut gone = vec![tip];
        let mut at = tip;
        while let Some(parent) = self[at].parent
            && self.live(parent).count() == 1
        {
            gone.push(parent);
            at = parent;
        }
        for &id in &gone {
            self.nodes[id.0].deleted = true;
        }
        if let Some(parent) = self[at].parent
            && self[parent].next == Some(at)
        {
            self.nodes[parent.0].next = self.live(parent).last();
        }
        Ok(gone)
    }

    /// *Forward* leads to `child` no more, but to the newest other child, if there is one.
    pub fn turn_away(&mut self, child: NodeId) {
        if let Some(parent) = self[child].parent
            && self[parent].next == Some(child)
        {
            let other = self.live(parent).filter(|&other| other != child).last();
            self.nodes[parent.0].next = other;
        }
    }

    /// Brings deleted nodes back; the first is the branch's end.
    pub fn restore(&mut self, nodes: &[NodeId]) {
        for &id in nodes {
            self.nodes[id.0].deleted = false;
        }
        if let Some(&tip) = nodes.first() {
            self.visit(tip);
        }
    }

    /// The deleted nodes from `tip` on towards the start: what brings its branch back.
    pub fn deleted(&self, tip: NodeId) -> Vec<NodeId> {
        let path = std::iter::successors(Some(tip), |&id| self[id].parent);
        path.take_while(|&id| self[id].deleted).collect()
    }

    /// The ends of deleted branches, oldest first.
    pub fn deleted_tips(&self) -> Vec<NodeId> {
        let gone = |id: &NodeId| self[*id].deleted;
        let ends = (0..self.len()).map(NodeId).filter(gone);
        ends.filter(|&id| self[id].children.is_empty()).collect()
    }

    /// Names by node: each belongs to the branch whose own part the node is in.
    pub fn names(&self) -> impl Iterator<Item = (NodeId, &str)> {
        self.names.iter().map(|(&id, name)| (id, name.as_str()))
    }

    /// Bookmarks by node, in the order nodes were made; those on deleted branches are left out.
    pub fn bookmarks(&self) -> impl Iterator<Item = (NodeId, &str)> {
        let live = self.bookmarks.iter().filter(|&(&id, _)| !self[id].deleted);
        live.map(|(&id, name)| (id, name.as_str()))
    }

    /// The bookmark at a node.
    pub fn bookmark(&self, id: NodeId) -> Option<&str> {
        self.bookmarks.get(&id).map(String::as_str)
    }

    /// Sets or takes away the bookmark at a node; a name stands at one node only.
    pub fn mark(&mut self, id: NodeId, name: Option<String>) {
        match name {
            None => {
                self.bookmarks.remove(&id);
            }
            Some(name) => {
                self.bookmarks.retain(|_, other| *other != name);
                self.bookmarks.insert(id, name);
            }
        }
    }
}
