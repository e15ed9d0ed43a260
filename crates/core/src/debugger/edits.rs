//! The user's edits: what they mean on the canvas, and how they are undone.

use super::{CommandFailed, Debugger, FollowUp, PositionRef, Reply, TokenRef};
use crate::{
    canvas::{Cell, Edit, NO_TOKEN, Override, TokenId},
    decode::Params,
    session::NodeId,
};

/// Something that can be undone.
#[derive(Debug, Clone)]
pub(super) enum UndoEntry {
    /// An edit made this node.
    Edit(NodeId),
    /// A parameter was changed.
    Param {
        /// The node that the session stood at.
        node: NodeId,
        /// The parameter's name.
        name: String,
        /// All parameters before the change.
        was: Params,
        /// All parameters after the change.
        now: Params,
    },
    /// A branch was deleted.
    Branch(Vec<NodeId>),
}

impl Debugger {
    /// The cell at a position, and the position's number.
    pub(super) fn cell(&self, position: PositionRef) -> Result<(usize, Cell), CommandFailed> {
        let canvas = self.session.canvas();
        let at = match position {
            PositionRef::Position(position) => Some(position),
            PositionRef::Slot(slot) => canvas.position(slot),
        };
        at.and_then(|at| Some((at, *canvas.cells().get(at)?))).ok_or_else(|| {
            if canvas.is_empty() {
                return CommandFailed::new("the canvas is empty: it has no positions");
            }
            let last = canvas.len() - 1;
            CommandFailed::new(format!(
                "there is no position {position} here: they go from 0 to {last}"
            ))
        })
    }

    pub(super) fn token(&self, token: &TokenRef) -> Result<TokenId, CommandFailed> {
        match token {
            TokenRef::Id(id) => Ok(*id),
            TokenRef::Text(text) => self.vocabulary.find(text).ok_or_else(|| {
                CommandFailed::new(format!(
                    "no single token has the text {}; mind the blank that words begin with",
                    super::words::quoted(text)
                ))
            }),
        }
    }

    /// Makes an edit; it is a node of the tree like a step.
    pub(super) fn edit(
        &mut self,
        position: PositionRef,
        edit: impl FnOnce(&Cell) -> Edit,
    ) -> Result<Reply, CommandFailed> {
        let (_, cell) = self.cell(position)?;
        self.make(edit(&cell))
    }

    fn make(&mut self, edit: Edit) -> Result<Reply, CommandFailed> {
        let node = self.session.edit(&[edit]).map_err(CommandFailed::new)?;
        self.goal = None;
        self.did(UndoEntry::Edit(node));
        Ok(Reply::none())
    }

    /// Writes a token, whether the position is masked or not.
    pub(super) fn fill(
        &mut self,
        position: PositionRef,
        token: &TokenRef,
    ) -> Result<Reply, CommandFailed> {
        let (_, Cell { slot, token: now, .. }) = self.cell(position)?;
        let token = self.known(self.token(token)?)?;
        let masked = now == self.session.canvas().special().mask;
        self.make(if masked { Edit::Fill { slot, token } } else { Edit::Replace { slot, token } })
    }

    /// Forbids a token at a position, or allows it again.
    pub(super) fn veto(
        &mut self,
        position: PositionRef,
        token: &TokenRef,
        on: bool,
    ) -> Result<Reply, CommandFailed> {
        let (_, Cell { slot, .. }) = self.cell(position)?;
        let token = self.known(self.token(token)?)?;
        self.make(Edit::Veto { slot, token, on })
    }

    /// Cuts the canvas before a position.
    pub(super) fn trim(&mut self, position: PositionRef) -> Result<Reply, CommandFailed> {
        let (length, _) = self.cell(position)?;
        self.make(Edit::Truncate { length })
    }

    /// Has a mask expanded in the next step, whatever the rules say.
    pub(super) fn expand(&mut self, position: PositionRef) -> Result<Reply, CommandFailed> {
        let (position, cell) = self.cell(position)?;
        if cell.token != self.session.canvas().special().mask {
            return Err(CommandFailed::new(format!(
                "position {position} holds a token; only a mask can be expanded"
            )));
        }
        self.make(expansion(&cell, Some(true)))
    }

    /// A token that the model has.
    pub(super) fn known(&self, token: TokenId) -> Result<TokenId, CommandFailed> {
        let most = self.tokens;
        // Another program's recording may not say how many there are.
        let any = most == 0 && token != NO_TOKEN;
        if any || (token as usize) < most {
            Ok(token)
        } else {
            Err(CommandFailed::new(format!(
                "the model has the tokens 0 to {}",
                most.saturating_sub(1)
            )))
        }
    }

    /// Keeps what was done for [`Debugger::undo`]; what was undone is done with.
    pub(super) fn did(&mut self, done: UndoEntry) {
        self.done.push(done);
        self.undone.clear();
    }

    /// Takes back what was done last, where it was done, and says where that is.
    pub(super) fn undo(&mut self) -> Result<Reply, CommandFailed> {
        let Some(done) = self.done.pop() else {
            return Err(CommandFailed::new("there is nothing to undo; `back` goes a step back"));
        };
        self.goal = None;
        let result = match &done {
            UndoEntry::Edit(node) => {
                self.session.take_back(*node);
                "the edit is undone".to_owned()
            }
            UndoEntry::Param { node, name, was, .. } => self.params_at(*node, name, was)?,
            UndoEntry::Branch(nodes) => {
                self.session.restore_branch(nodes);
                let tip = nodes.first().copied().unwrap_or_else(|| self.session.at());
                self.switch(tip);
                "the branch is back".to_owned()
            }
        };
        self.undone.push(done);
        let line = format!("{result}: {}; `redo` does it again", self.place_text());
        Ok(Reply::line(line).then(FollowUp::ParamsChanged))
    }

    /// Does again what was undone last, and says where.
    pub(super) fn redo(&mut self) -> Result<Reply, CommandFailed> {
        let live = |node: NodeId| !self.session.timeline()[node].deleted;
        // Its branch may have been deleted since.
        let there = |done: &UndoEntry| match done {
            UndoEntry::Edit(node) => self.session.timeline()[*node].parent.is_some_and(live),
            UndoEntry::Param { node, .. } => live(*node),
            UndoEntry::Branch(nodes) => nodes.iter().all(|&node| live(node)),
        };
        let mut done = self.undone.pop().ok_or_else(|| CommandFailed::new("nothing was undone"))?;
        if !there(&done) {
            return Err(CommandFailed::new("it cannot be done again: its branch is deleted"));
        }
        if let UndoEntry::Branch(nodes) = &done
            && !nodes.first().is_some_and(|&tip| self.session.timeline().is_tip(tip))
        {
            return Err(CommandFailed::new("it cannot be done again: the branch has grown since"));
        }
        self.goal = None;
        let result = match &mut done {
            UndoEntry::Edit(node) => {
                if !self.session.make_again(*node) {
                    return Err(CommandFailed::new(
                        "it cannot be done again: its branch is deleted",
                    ));
                }
                "the edit is made again".to_owned()
            }
            UndoEntry::Param { node, name, now, .. } => self.params_at(*node, name, now)?,
            UndoEntry::Branch(nodes) => {
                let tip = nodes.first().copied().unwrap_or_else(|| self.session.at());
                // Another branch may begin on it by now: what they share stays.
                *nodes = self.session.delete_branch(tip).map_err(CommandFailed::new)?;
                "the branch is deleted again".to_owned()
            }
        };
        self.done.push(done);
        let line = format!("{result}: {}", self.place_text());
        Ok(Reply::line(line).then(FollowUp::ParamsChanged))
    }

    /// Goes to where a parameter was changed, under the parameters of one side of that.
    fn params_at(
        &mut self,
        node: NodeId,
        name: &str,
        params: &Params,
    ) -> Result<String, CommandFailed> {
        let value = params.get(name).map_err(CommandFailed::new)?;
        self.go(node);
        self.take_params(params);
        self.session.switch_to_params();
        Ok(format!("{name} is {value} again"))
    }
}

/// The edit that pins a cell, or lets it go.
pub(super) fn pin(cell: &Cell, pinned: bool) -> Edit {
    Edit::Override { slot: cell.slot, overridden: Override { pinned, ..cell.overridden } }
}

/// The edit that has a cell expanded in the next step, never, or by the rules again.
pub(super) fn expansion(cell: &Cell, expand: Option<bool>) -> Edit {
    Edit::Override { slot: cell.slot, overridden: Override { expand, ..cell.overridden } }
}
