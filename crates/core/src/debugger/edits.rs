//! A person's edits: what they mean on the canvas, and how they are taken back.

use super::{Change, Debugger, Failed, Spot, Token};
use crate::{
    canvas::{Cell, Edit, NO_TOKEN, TokenId, Wish},
    decode::Params,
    session::NodeId,
};

/// Something that can be taken back.
#[derive(Debug, Clone)]
pub(super) enum Undo {
    /// An edit made this node.
    Edit(NodeId),
    /// A parameter was turned.
    Param {
        /// Where.
        node: NodeId,
        /// Which.
        name: String,
        /// All parameters before.
        was: Params,
        /// And behind.
        now: Params,
    },
    /// A branch was deleted.
    Branch(Vec<NodeId>),
}

impl Debugger {
    /// The cell at a spot and its position.
    pub(super) fn cell(&self, spot: Spot) -> Result<(usize, Cell), Failed> {
        let canvas = self.session.canvas();
        let position = match spot {
            Spot::Position(position) => Some(position),
            Spot::Slot(slot) => canvas.position(slot),
        };
        position.and_then(|at| Some((at, *canvas.cells().get(at)?))).ok_or_else(|| {
            if canvas.is_empty() {
                return Failed::new("the canvas is empty: it has no positions");
            }
            let last = canvas.len() - 1;
            Failed::new(format!("there is no position {spot} here: they go from 0 to {last}"))
        })
    }

    pub(super) fn token(&self, token: &Token) -> Result<TokenId, Failed> {
        match token {
            Token::Id(id) => Ok(*id),
            Token::Text(text) => self.vocabulary.find(text).ok_or_else(|| {
                Failed::new(format!(
                    "no single token has the text {}; mind the blank that words begin with",
                    super::command::quoted(text)
                ))
            }),
        }
    }

    /// Makes an edit; it is a node of the tree like a step.
    pub(super) fn change(&mut self, spot: Spot, change: &Change) -> Result<(), Failed> {
        let (position, cell) = self.cell(spot)?;
        let slot = cell.slot;
        let special = self.session.canvas().special();
        let masked = cell.token == special.mask;
        let wish = |wish: Wish| Edit::Wish { slot, wish };
        let edit = match change {
            Change::Fill(token) => {
                let token = self.known(self.token(token)?)?;
                if masked { Edit::Fill { slot, token } } else { Edit::Replace { slot, token } }
            }
            Change::Remask => Edit::Remask { slot },
            Change::Insert(n) => Edit::Insert { slot, n: *n },
            Change::Remove => Edit::Delete { slot },
            Change::Trim => Edit::Truncate { length: position },
            Change::Pin(pinned) => wish(Wish { pinned: *pinned, ..cell.wish }),
            Change::Expand(Some(true)) if !masked => {
                return Err(Failed::new(format!(
                    "position {position} is written; only a mask can be expanded"
                )));
            }
            Change::Expand(expand) => wish(Wish { expand: *expand, ..cell.wish }),
            Change::Veto(token, on) => {
                Edit::Veto { slot, token: self.known(self.token(token)?)?, on: *on }
            }
        };
        let node = self.session.edit(&[edit]).map_err(Failed::new)?;
        self.goal = None;
        self.did(Undo::Edit(node));
        Ok(())
    }

    /// A token that the model has.
    fn known(&self, token: TokenId) -> Result<TokenId, Failed> {
        let most = self.tokens;
        // Another program's recording may not say how many there are.
        let any = most == 0 && token != NO_TOKEN;
        if any || (token as usize) < most {
            Ok(token)
        } else {
            Err(Failed::new(format!("the model has the tokens 0 to {}", most.saturating_sub(1))))
        }
    }

    /// Keeps what was done for [`Debugger::take_back`]; what was taken back is done with.
    pub(super) fn did(&mut self, done: Undo) {
        self.undo.push(done);
        self.redo.clear();
    }

    /// Takes back what was done last, where it was done, and says where that is.
    pub(super) fn take_back(&mut self) -> Result<String, Failed> {
        let Some(done) = self.undo.pop() else {
            return Err(Failed::new("there is nothing to take back; `back` goes a step back"));
        };
        self.goal = None;
        let said = match &done {
            Undo::Edit(node) => {
                self.session.take_back(*node);
                "the edit is taken back".to_owned()
            }
            Undo::Param { node, name, was, .. } => self.params_at(*node, name, was)?,
            Undo::Branch(nodes) => {
                self.session.restore_branch(nodes);
                let tip = nodes.first().copied().unwrap_or_else(|| self.session.at());
                self.switch(tip);
                "the branch is back".to_owned()
            }
        };
        self.redo.push(done);
        Ok(format!("{said}: {}; `redo` does it again", self.place_text()))
    }

    /// Does again what was taken back last, and says where.
    pub(super) fn make_again(&mut self) -> Result<String, Failed> {
        let live = |node: NodeId| !self.session.timeline()[node].deleted;
        // Its branch may have been deleted since.
        let there = |done: &Undo| match done {
            Undo::Edit(node) => self.session.timeline()[*node].parent.is_some_and(live),
            Undo::Param { node, .. } => live(*node),
            Undo::Branch(nodes) => nodes.iter().all(|&node| live(node)),
        };
        let mut done = self.redo.pop().ok_or_else(|| Failed::new("nothing was taken back"))?;
        if !there(&done) {
            return Err(Failed::new("it cannot be done again: its branch is deleted"));
        }
        if let Undo::Branch(nodes) = &done
            && !nodes.first().is_some_and(|&tip| self.session.timeline().is_tip(tip))
        {
            return Err(Failed::new("it cannot be done again: the branch has grown since"));
        }
        self.goal = None;
        let said = match &mut done {
            Undo::Edit(node) => {
                if !self.session.make_again(*node) {
                    return Err(Failed::new("it cannot be done again: its branch is deleted"));
                }
                "the edit is made again".to_owned()
            }
            Undo::Param { node, name, now, .. } => self.params_at(*node, name, now)?,
            Undo::Branch(nodes) => {
                let tip = nodes.first().copied().unwrap_or_else(|| self.session.at());
                // Another branch may begin on it by now: what they share stays.
                *nodes = self.session.delete_branch(tip).map_err(Failed::new)?;
                "the branch is deleted again".to_owned()
            }
        };
        self.undo.push(done);
        Ok(format!("{said}: {}", self.place_text()))
    }

    /// Goes to where a parameter was turned, under the parameters of one side of that.
    fn params_at(&mut self, node: NodeId, name: &str, params: &Params) -> Result<String, Failed> {
        let value = params.get(name).map_err(Failed::new)?;
        self.go(node);
        self.take_params(params);
        self.session.turn_to_params();
        Ok(format!("{name} is {value} again"))
    }
}
