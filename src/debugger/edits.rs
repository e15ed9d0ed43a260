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
    /// An edit made the second node from the first.
    Edit(NodeId, NodeId),
    /// The parameters were these at this node before this one was turned.
    Param(NodeId, String, Params),
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
        let before = self.session.at();
        let node = self.session.edit(&[edit]).map_err(Failed::new)?;
        self.goal = None;
        self.undo.push(Undo::Edit(before, node));
        self.redo.clear();
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

    /// Takes back what was done last, where it was done: that is said if it is elsewhere.
    pub(super) fn take_back(&mut self) -> Result<String, Failed> {
        let here = self.session.at();
        let said = self.taken_back()?;
        let there = self.session.at();
        Ok(match there == here || self.session.timeline()[here].parent == Some(there) {
            true => said,
            false => format!("{said}; this is {}", self.branch_text()),
        })
    }

    fn taken_back(&mut self) -> Result<String, Failed> {
        self.goal = None;
        match self.undo.pop() {
            None => Err(Failed::new("there is nothing to take back; `back` goes a step back")),
            Some(Undo::Edit(before, node)) => {
                self.go(before);
                self.session.turn_away(node);
                self.redo.push(node);
                Ok("the edit is taken back; `redo` makes it again".to_owned())
            }
            Some(Undo::Param(node, name, params)) => {
                self.go(node);
                self.take_params(&params);
                let value = params.get(&name).map_err(Failed::new)?;
                Ok(format!("{name} is {value} again"))
            }
            Some(Undo::Branch(nodes)) => {
                self.session.restore_branch(&nodes);
                let tip = nodes.first().copied().unwrap_or_else(|| self.session.at());
                self.switch(tip);
                Ok("the branch is back".to_owned())
            }
        }
    }

    /// Makes the edit again that was taken back last.
    pub(super) fn make_again(&mut self) -> Result<String, Failed> {
        // Its branch may have been deleted since.
        let live = |&node: &NodeId| !self.session.timeline()[node].deleted;
        let node = std::iter::from_fn(|| self.redo.pop()).find(live);
        let node = node.ok_or_else(|| Failed::new("no edit was taken back"))?;
        let before = self.session.timeline()[node].parent.unwrap_or(node);
        self.go(node);
        self.undo.push(Undo::Edit(before, node));
        Ok("the edit is made again".to_owned())
    }
}
