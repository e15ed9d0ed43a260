//! Branches: every end of the tree is one. Names, deletion and its undoing, bookmarks, notes.

use super::{NodeId, Timeline};
use crate::{canvas::Slot, decode::Params};

/// A way through the tree, from the start of a run to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The node that it ends at.
    pub tip: NodeId,
    /// The number of nodes that the branch shares with older ones; its own part begins behind them.
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

    /// True if a branch ends here.
    pub fn is_tip(&self, id: NodeId) -> bool {
        !self[id].deleted && self.live(id).next().is_none()
    }

    /// The ends of branches, in the order of [`Timeline::branches`].
    pub fn tips(&self) -> Vec<NodeId> {
        self.branches().into_iter().map(|branch| branch.tip).collect()
    }

    /// The branches, in the order they were begun. At a fork the oldest child carries its branch
    /// on, and every other begins one of its own; so a branch keeps its number and its name
    /// however the others grow.
    pub fn branches(&self) -> Vec<Branch> {
        let tips = (0..self.len()).map(NodeId).filter(|&id| self.is_tip(id));
        let mut branches: Vec<(NodeId, Branch)> = tips
            .map(|tip| {
                let own = self.own(tip);
                let branch = Branch {
                    tip,
                    shared: (self[tip].depth as usize + 1).saturating_sub(own.len()),
                    name: own.iter().find_map(|id| self.names.get(id)).cloned(),
                };
                (own.last().copied().unwrap_or(tip), branch)
            })
            .collect();
        branches.sort_unstable_by_key(|(begun, _)| *begun);
        branches.into_iter().map(|(_, branch)| branch).collect()
    }

    /// A branch by its name, or else by its number from 1, with its place among all.
    pub fn branch_called(&self, called: &str) -> Option<(usize, Branch)> {
        let branches = self.branches();
        let named = branches.iter().position(|branch| branch.name.as_deref() == Some(called));
        let numbered = || called.parse::<usize>().ok()?.checked_sub(1);
        named.or_else(numbered).and_then(|at| Some((at, branches.get(at)?.clone())))
    }

    /// A branch's own part, its end first.
    fn own(&self, tip: NodeId) -> Vec<NodeId> {
        let carried =
            |&id: &NodeId| self[id].parent.filter(|&parent| self.live(parent).next() == Some(id));
        std::iter::successors(Some(tip), carried).collect()
    }

    /// The branch that `id` is in the own part of gets a name, or loses it.
    pub fn name(&mut self, id: NodeId, name: Option<String>) {
        for id in self.own(self.tip_of(id)) {
            self.names.remove(&id);
        }
        if let Some(name) = name {
            self.names.insert(id, name);
        }
    }

    /// The node itself, or where its deleted branch left the others.
    pub fn nearest_live(&self, id: NodeId) -> NodeId {
        let live =
            std::iter::successors(Some(id), |&id| self[id].parent).find(|&id| !self[id].deleted);
        live.or_else(|| self.tips().last().copied()).unwrap_or(id)
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
    pub fn switch_away(&mut self, child: NodeId) {
        if let Some(parent) = self[child].parent
            && self[parent].next == Some(child)
        {
            let other = self.live(parent).filter(|&other| other != child).last();
            self.nodes[parent.0].next = other;
        }
    }

    /// *Forward* from `id` leads to the newest child that was made under these parameters, or
    /// nowhere.
    pub fn switch_to(&mut self, id: NodeId, params: &Params) {
        let alike = |&child: &NodeId| *self[child].params == *params;
        self.nodes[id.0].next = self.live(id).filter(alike).last();
    }

    /// Takes an edit out of the tree, if nothing was made of it; false if it stays, as a branch.
    pub fn take_back(&mut self, edit: NodeId) -> bool {
        let used = self.live(edit).next().is_some()
            || self.names.contains_key(&edit)
            || self.bookmarks.contains_key(&edit)
            || self.notes_at(edit).next().is_some();
        let gone = self[edit].edits().is_some() && !self[edit].deleted && !used;
        if gone {
            (self.nodes[edit.0].deleted, self.nodes[edit.0].undone) = (true, true);
        }
        self.switch_away(edit);
        gone
    }

    /// Puts an edit that was undone into the tree again, if its branch is there; false if it
    /// is no such edit.
    pub fn make_again(&mut self, edit: NodeId) -> bool {
        let there = self[edit].parent.is_some_and(|parent| !self[parent].deleted);
        let back = self[edit].undone && there;
        if back {
            (self.nodes[edit.0].deleted, self.nodes[edit.0].undone) = (false, false);
            self.visit(edit);
        }
        back
    }

    /// The branch that goes on from `id` as the tree does: along the oldest children.
    pub fn tip_of(&self, id: NodeId) -> NodeId {
        std::iter::successors(Some(id), |&id| self.live(id).next()).last().unwrap_or(id)
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

    /// The ends of deleted branches and the edits that are undone, in an order in which all of
    /// them can be taken out of the whole tree one by one: what leaves deeper in it goes first, and
    /// of what leaves one node the branches.
    pub fn taken_out(&self) -> Vec<NodeId> {
        let deleted = |id: NodeId| self[id].deleted && !self[id].undone;
        let is_end = |id: NodeId| {
            self[id].undone
                || deleted(id) && self[id].children.iter().all(|&child| self[child].undone)
        };
        let leaves = |id: NodeId| {
            let own = std::iter::successors(Some(id), |&id| self[id].parent);
            let own = own.take_while(|&at| if self[id].undone { at == id } else { deleted(at) });
            own.last().map_or(0, |first| self[first].depth)
        };
        let mut ends: Vec<NodeId> = (0..self.len()).map(NodeId).filter(|&id| is_end(id)).collect();
        ends.sort_by_key(|&id| (std::cmp::Reverse(leaves(id)), self[id].undone));
        ends
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

    /// Notes by node and position, in the order nodes were made; those on deleted branches are left out.
    pub fn notes(&self) -> impl Iterator<Item = (NodeId, Slot, &str)> {
        let live = self.notes.iter().filter(|&(&(id, _), _)| !self[id].deleted);
        live.map(|(&(id, slot), text)| (id, slot, text.as_str()))
    }

    /// The notes at a node.
    pub fn notes_at(&self, id: NodeId) -> impl Iterator<Item = (Slot, &str)> {
        let at = self.notes.range((id, Slot(0))..=(id, Slot(u32::MAX)));
        at.map(|(&(_, slot), text)| (slot, text.as_str()))
    }

    /// Writes the note at a node and a position, or removes it.
    pub fn note(&mut self, id: NodeId, slot: Slot, text: Option<String>) {
        match text {
            Some(text) => self.notes.insert((id, slot), text),
            None => self.notes.remove(&(id, slot)),
        };
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
