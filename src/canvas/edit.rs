//! Edits: the only way a canvas changes. Applying them is checked, and reports what fell off.

use std::collections::HashMap;

use super::{Born, Canvas, Cell, Slot, TokenId};

/// What an appended position holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filler {
    /// A mask, to be written later.
    Mask,
    /// The end-of-sequence token.
    Eos,
}

/// One change of the generated region. Slots name positions as they were before the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Write a token into a masked position.
    Fill {
        /// The position.
        slot: Slot,
        /// What is written; never the mask token.
        token: TokenId,
    },
    /// Write another token into a written position.
    Replace {
        /// The position.
        slot: Slot,
        /// What is written; never the mask token.
        token: TokenId,
    },
    /// Take a written token back.
    Remask {
        /// The position.
        slot: Slot,
    },
    /// Replace a masked position by `n` new masks; the length grows by `n - 1`.
    Expand {
        /// The position.
        slot: Slot,
        /// Number of masks in its place; 0 removes it.
        n: usize,
    },
    /// Add `n` positions at the tail.
    Append {
        /// Number of positions.
        n: usize,
        /// What they hold.
        filler: Filler,
    },
    /// Remove a position.
    Delete {
        /// The position.
        slot: Slot,
    },
    /// Cut the region to `length` positions; what lies behind is dropped.
    Truncate {
        /// Positions kept.
        length: usize,
    },
}

/// An edit that does not fit the canvas.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The slot is not on the canvas.
    #[error("slot #{} is not on the canvas", .0.0)]
    NoSuchSlot(Slot),
    /// A fill or an expansion of a position that is written already.
    #[error("slot #{} is not masked", .0.0)]
    NotMasked(Slot),
    /// A replacement or remasking of a position that is masked.
    #[error("slot #{} is masked", .0.0)]
    Masked(Slot),
    /// The mask token can never be written.
    #[error("slot #{} would be filled with the mask token", .0.0)]
    WritesMask(Slot),
}

/// The result of a list of edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The canvas afterwards.
    pub canvas: Canvas,
    /// Cells cut off by [`Edit::Truncate`], in order.
    pub dropped: Vec<Cell>,
}

impl Canvas {
    /// Applies `edits` in order, as step number `step` (1-based) of a path.
    ///
    /// # Errors
    /// The first edit that does not fit; the canvas itself is left as it was.
    pub fn apply(&self, edits: &[Edit], step: u32) -> Result<Applied, EditError> {
        let mut canvas = self.clone();
        let mut dropped = Vec::new();
        let mut at: HashMap<Slot, usize> =
            self.cells.iter().enumerate().map(|(position, cell)| (cell.slot, position)).collect();
        for edit in edits {
            let moved = canvas.change(*edit, step, &at, &mut dropped)?;
            if moved {
                at = canvas
                    .cells
                    .iter()
                    .enumerate()
                    .map(|(position, cell)| (cell.slot, position))
                    .collect();
            }
        }
        Ok(Applied { canvas, dropped })
    }

    /// One edit; true if positions moved.
    fn change(
        &mut self,
        edit: Edit,
        step: u32,
        at: &HashMap<Slot, usize>,
        dropped: &mut Vec<Cell>,
    ) -> Result<bool, EditError> {
        let mask = self.special.mask;
        let find = |slot: Slot| at.get(&slot).copied().ok_or(EditError::NoSuchSlot(slot));
        match edit {
            Edit::Fill { slot, token } | Edit::Replace { slot, token } => {
                let cell = &mut self.cells[find(slot)?];
                match (edit, cell.token == mask) {
                    (Edit::Fill { .. }, false) => return Err(EditError::NotMasked(slot)),
                    (Edit::Replace { .. }, true) => return Err(EditError::Masked(slot)),
                    _ if token == mask => return Err(EditError::WritesMask(slot)),
                    _ => {}
                }
                cell.token = token;
                cell.filled = Some(step);
                Ok(false)
            }
            Edit::Remask { slot } => {
                let cell = &mut self.cells[find(slot)?];
                if cell.token == mask {
                    return Err(EditError::Masked(slot));
                }
                cell.token = mask;
                cell.filled = None;
                Ok(false)
            }
            Edit::Expand { slot, n } => {
                let position = find(slot)?;
                if self.cells[position].token != mask {
                    return Err(EditError::NotMasked(slot));
                }
                let tail = self.cells.split_off(position + 1);
                self.cells.pop();
                self.push(n, mask, Born::Inserted { step, from: slot });
                self.cells.extend(tail);
                Ok(true)
            }
            Edit::Append { n, filler } => {
                let token = match filler {
                    Filler::Mask => mask,
                    Filler::Eos => self.special.eos,
                };
                self.push(n, token, Born::Appended { step });
                Ok(true)
            }
            Edit::Delete { slot } => {
                self.cells.remove(find(slot)?);
                Ok(true)
            }
            Edit::Truncate { length } => {
                if length < self.cells.len() {
                    dropped.extend(self.cells.split_off(length));
                }
                Ok(true)
            }
        }
    }
}
