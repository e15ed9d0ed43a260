//! The user's edits: checked, applied, and kept as a node of the tree like a step.

use std::sync::Arc;

use super::{Event, NodeId, NodeOrigin, Session};
use crate::{
    canvas::{Edit, EditError, Slot},
    decode::{DecodeError, ParamRole},
};

/// The reason why an edit was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditRefused {
    /// The edit does not fit the canvas.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The position is pinned.
    #[error("position {0} is pinned: unpin it first (#, or `unpin {0}`)")]
    Pinned(usize),
    /// The position is given text.
    #[error("position {0} is given text, which stays as it is: put another text in with a new run")]
    Given(usize),
    /// The canvas would be too long.
    #[error("the length would be {length}, over max_gen_length {max}: raise that first")]
    TooLong {
        /// Positions there would be.
        length: usize,
        /// The value of `max_gen_length`.
        max: usize,
    },
    /// The edit changes nothing, so the tree would get a node like its parent.
    #[error("that changes nothing")]
    Nothing,
    /// The strategy cannot go on from there.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl Session {
    /// Makes edits at the node stood at: moves to a new node, or to a known one if the same edits
    /// have been made from here before, under whatever parameters. The strategy's state follows:
    /// what is remasked will be filled again.
    ///
    /// # Errors
    /// [`EditRefused`]; nothing has changed then.
    pub fn edit(&mut self, edits: &[Edit]) -> Result<NodeId, EditRefused> {
        if let Some(known) = self.known_edit(edits)? {
            if self.timeline.make_again(known) {
                self.record(Event::Undo { edit: known, undone: false });
            }
            self.go_over(known);
            return Ok(known);
        }
        let before = self.node().canvas.clone();
        if let Some(refused) = edits.iter().find_map(|edit| self.fixed(edit)) {
            return Err(refused);
        }
        let canvas = before.apply(edits, self.node().depth + 1)?.canvas;
        let max = self.params.count_of(ParamRole::MaxLength).unwrap_or(usize::MAX);
        if canvas.len() > before.len() && canvas.len() > max {
            return Err(EditRefused::TooLong { length: canvas.len(), max });
        }
        if canvas == *before {
            return Err(EditRefused::Nothing);
        }
        let state = self.strategy.edited(&canvas, &self.node().state, &self.params)?;
        let (parent, canvas) = (self.at, Arc::new(canvas));
        let edits: Arc<[Edit]> = edits.into();
        let params = self.params_here();
        self.at = self.timeline.add(
            parent,
            canvas.clone(),
            state.clone(),
            params.clone(),
            NodeOrigin::Edit(edits.clone()),
        );
        self.record(Event::Edit { id: self.at, parent, edits, state, params, canvas });
        self.replan();
        Ok(self.at)
    }

    /// The node that the same edits have made from here, undone or not, if the strategy goes
    /// on alike from it under the parameters as they are.
    fn known_edit(&self, edits: &[Edit]) -> Result<Option<NodeId>, DecodeError> {
        for &child in &self.node().children {
            let node = &self.timeline[child];
            let there = !node.deleted || node.undone;
            if there
                && node.edits() == Some(edits)
                && self.strategy.edited(&node.canvas, &self.node().state, &self.params)?
                    == node.state
            {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }

    /// Why an edit is not made that would change a position that is pinned or given.
    fn fixed(&self, edit: &Edit) -> Option<EditRefused> {
        let cells = self.canvas().cells();
        let refused = |position: usize| match cells[position] {
            cell if cell.is_given() => Some(EditRefused::Given(position)),
            cell => cell.overridden.pinned.then_some(EditRefused::Pinned(position)),
        };
        let at = |slot: Slot| refused(self.canvas().position(slot)?);
        match *edit {
            Edit::Fill { slot, .. }
            | Edit::Replace { slot, .. }
            | Edit::Remask { slot }
            | Edit::Expand { slot, .. }
            | Edit::Delete { slot } => at(slot),
            Edit::Truncate { length } => (length..cells.len()).find_map(refused),
            Edit::Append { .. }
            | Edit::Split { .. }
            | Edit::Insert { .. }
            | Edit::Override { .. }
            | Edit::Veto { .. } => None,
        }
    }
}
