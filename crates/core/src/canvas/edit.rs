//! Edits: the only way a canvas changes. Applying them is checked, and reports what fell off.

use std::sync::Arc;

use super::{Canvas, Cell, Origin, Override, Slot, TokenId};

/// What an appended position holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filler {
    /// A mask, to be written later.
    Mask,
    /// The end-of-sequence token, as in the tail behind an answer.
    Eos,
}

/// One change of the generated region. Slots name positions as they were before the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Write a token into a masked position.
    Fill {
        /// The position, which holds a mask.
        slot: Slot,
        /// What is written; never the mask token.
        token: TokenId,
    },
    /// Write another token into a written position.
    Replace {
        /// The position, which holds another token.
        slot: Slot,
        /// What is written; never the mask token.
        token: TokenId,
    },
    /// Take a written token back.
    Remask {
        /// The position, which holds a token.
        slot: Slot,
    },
    /// Replace a masked position by `n` new masks; the length grows by `n - 1`.
    Expand {
        /// The masked position, which is no more afterwards.
        slot: Slot,
        /// Number of masks in its place; 0 removes it.
        n: usize,
    },
    /// Add `n` positions at the tail.
    Append {
        /// Number of positions, which get slots of their own.
        n: usize,
        /// What all of them hold.
        filler: Filler,
    },
    /// Put `n` masks before a position, which stays.
    Split {
        /// The position they stand before.
        slot: Slot,
        /// Number of masks, which get slots of their own.
        n: usize,
    },
    /// Put `n` masks before a position, by hand.
    Insert {
        /// The position they stand before.
        slot: Slot,
        /// Number of masks, which get slots of their own.
        n: usize,
    },
    /// Ask something of a position, in place of what was asked of it.
    Override {
        /// The position it is about.
        slot: Slot,
        /// What replaces the earlier override.
        overridden: Override,
    },
    /// Forbid a token at a position, or allow it again.
    Veto {
        /// The position it is about.
        slot: Slot,
        /// The token that is vetoed or allowed.
        token: TokenId,
        /// True forbids the token, false allows it again.
        on: bool,
    },
    /// Remove a position; those behind it move up.
    Delete {
        /// The position that goes, with what it holds.
        slot: Slot,
    },
    /// Cut the region to `length` positions; what lies behind is dropped.
    Truncate {
        /// Number of positions kept, from the first on.
        length: usize,
    },
}

impl Edit {
    fn names_a_slot(self) -> bool {
        !matches!(self, Self::Append { .. } | Self::Truncate { .. })
    }

    /// True if positions behind this edit have other numbers afterwards.
    pub fn moves(self) -> bool {
        matches!(
            self,
            Self::Expand { .. } | Self::Split { .. } | Self::Delete { .. } | Self::Insert { .. }
        )
    }
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
    #[error("slot #{} would be unmasked into the mask token", .0.0)]
    WritesMask(Slot),
    /// Given text is neither changed nor removed.
    #[error("slot #{} is given text, which stays as it is", .0.0)]
    Given(Slot),
}

/// The result of a list of edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The canvas after all edits.
    pub canvas: Canvas,
    /// Cells cut off by [`Edit::Truncate`], in order.
    pub dropped: Vec<Cell>,
}

/// The position of each slot on a canvas, by the slot's number; `None` for one that is gone. No map:
/// every decision tries its edits on the canvas, and to hash all slots took half of its time.
#[derive(Default)]
struct SlotPositions(Vec<Option<usize>>);

impl SlotPositions {
    fn on(canvas: &Canvas) -> Self {
        let mut positions = vec![None; canvas.next_slot as usize];
        for (position, cell) in canvas.cells.iter().enumerate() {
            positions[cell.slot.0 as usize] = Some(position);
        }
        Self(positions)
    }

    fn find(&self, slot: Slot) -> Result<usize, EditError> {
        self.0.get(slot.0 as usize).copied().flatten().ok_or(EditError::NoSuchSlot(slot))
    }
}

impl Canvas {
    /// Applies `edits` in order, as step number `step` (1-based) of a path.
    ///
    /// # Errors
    /// The first edit that does not fit; the canvas itself is left as it was.
    pub fn apply(&self, edits: &[Edit], step: u32) -> Result<Applied, EditError> {
        let mut canvas = self.clone();
        let mut dropped = Vec::new();
        let mut at = SlotPositions::default();
        let mut stale = true;
        for edit in edits {
            if stale && edit.names_a_slot() {
                at = SlotPositions::on(&canvas);
                stale = false;
            }
            stale |= canvas.change(*edit, step, &at, &mut dropped)?;
        }
        if !canvas.vetoes.is_empty() {
            let at = SlotPositions::on(&canvas);
            if canvas.vetoes.iter().any(|&(slot, _)| at.find(slot).is_err()) {
                Arc::make_mut(&mut canvas.vetoes).retain(|&(slot, _)| at.find(slot).is_ok());
            }
        }
        Ok(Applied { canvas, dropped })
    }

    /// The cell of a slot that is at this position, to be changed.
    fn cell_mut(&mut self, position: usize, slot: Slot) -> Result<&mut Cell, EditError> {
        self.cells.get_mut(position).ok_or(EditError::NoSuchSlot(slot))
    }

    /// One edit; true if slots have other positions, or there are new ones.
    fn change(
        &mut self,
        edit: Edit,
        step: u32,
        at: &SlotPositions,
        dropped: &mut Vec<Cell>,
    ) -> Result<bool, EditError> {
        let mask = self.special.mask;
        let find = |slot| at.find(slot);
        match edit {
            Edit::Fill { slot, token } | Edit::Replace { slot, token } => {
                let cell = self.cell_mut(find(slot)?, slot)?;
                match (edit, cell.token == mask) {
                    (Edit::Fill { .. }, false) => return Err(EditError::NotMasked(slot)),
                    (Edit::Replace { .. }, true) => return Err(EditError::Masked(slot)),
                    _ if cell.is_given() => return Err(EditError::Given(slot)),
                    _ if token == mask => return Err(EditError::WritesMask(slot)),
                    _ => {}
                }
                (cell.token, cell.draft) = (token, None);
                cell.filled = Some(step);
                Ok(false)
            }
            Edit::Remask { slot } => {
                let cell = self.cell_mut(find(slot)?, slot)?;
                if cell.token == mask {
                    return Err(EditError::Masked(slot));
                }
                if cell.is_given() {
                    return Err(EditError::Given(slot));
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
                self.put(position..position + 1, n, mask, Origin::Inserted { step, from: slot });
                Ok(true)
            }
            Edit::Append { n, filler } => {
                let token = match filler {
                    Filler::Mask => mask,
                    Filler::Eos => self.special.eos,
                };
                self.push(n, token, Origin::Appended { step });
                // Later edits may name what is new.
                Ok(true)
            }
            Edit::Split { slot, n } | Edit::Insert { slot, n } => {
                let position = find(slot)?;
                let origin = match edit {
                    Edit::Split { .. } => Origin::Inserted { step, from: slot },
                    _ => Origin::ByHand { step },
                };
                self.put(position..position, n, mask, origin);
                Ok(true)
            }
            Edit::Override { slot, overridden } => {
                self.cell_mut(find(slot)?, slot)?.overridden = overridden;
                Ok(false)
            }
            Edit::Veto { slot, token, on } => {
                find(slot)?;
                let vetoes = Arc::make_mut(&mut self.vetoes);
                if on {
                    vetoes.insert((slot, token));
                } else {
                    vetoes.remove(&(slot, token));
                }
                Ok(false)
            }
            Edit::Delete { slot } => {
                let position = find(slot)?;
                if self.cells[position].is_given() {
                    return Err(EditError::Given(slot));
                }
                self.cells.splice(position..position + 1, []);
                Ok(true)
            }
            Edit::Truncate { length } => {
                if let Some(given) = self.cells.iter().skip(length).find(|cell| cell.is_given()) {
                    return Err(EditError::Given(given.slot));
                }
                if length < self.cells.len() {
                    dropped.extend(self.cells.splice(length..self.cells.len(), []));
                }
                Ok(true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::SpecialTokens;

    const MASK: TokenId = 9;
    const EOS: TokenId = 8;

    fn canvas(tokens: &[TokenId]) -> Canvas {
        Canvas::holding(vec![1, 2], tokens, SpecialTokens { mask: MASK, eos: EOS })
    }

    fn check(before: &[TokenId], edits: &[Edit], after: &[TokenId], dropped: usize) {
        let applied = canvas(before).apply(edits, 1).unwrap();
        assert_eq!(applied.canvas.tokens(), after, "{edits:?}");
        assert_eq!(applied.dropped.len(), dropped, "{edits:?}");
        assert_eq!(applied.canvas.prompt(), [1, 2]);
    }

    #[test]
    fn edits_do_what_they_say() {
        let slot = |number| Slot(number);
        check(&[MASK, 4], &[Edit::Fill { slot: slot(0), token: 5 }], &[5, 4], 0);
        check(&[MASK, 4], &[Edit::Replace { slot: slot(1), token: 5 }], &[MASK, 5], 0);
        check(&[MASK, 4], &[Edit::Remask { slot: slot(1) }], &[MASK, MASK], 0);
        check(&[4, MASK, 5], &[Edit::Expand { slot: slot(1), n: 3 }], &[4, MASK, MASK, MASK, 5], 0);
        check(&[4, MASK, 5], &[Edit::Expand { slot: slot(1), n: 0 }], &[4, 5], 0);
        check(&[4, 5], &[Edit::Split { slot: slot(1), n: 2 }], &[4, MASK, MASK, 5], 0);
        check(&[4], &[Edit::Append { n: 2, filler: Filler::Eos }], &[4, EOS, EOS], 0);
        check(&[4, 5, 6], &[Edit::Delete { slot: slot(1) }], &[4, 6], 0);
        check(&[4, 5, 6], &[Edit::Truncate { length: 1 }], &[4], 2);
        check(&[4, 5, 6], &[Edit::Truncate { length: 7 }], &[4, 5, 6], 0);
        // Slots name positions as they were, also behind an expansion.
        let edits = [
            Edit::Expand { slot: slot(0), n: 2 },
            Edit::Fill { slot: slot(2), token: 7 },
            Edit::Truncate { length: 3 },
        ];
        check(&[MASK, 4, MASK], &edits, &[MASK, MASK, 4], 1);
    }

    #[test]
    fn edits_that_do_not_fit_change_nothing() {
        let slot = Slot(0);
        for (tokens, edit, error) in [
            (&[4], Edit::Fill { slot, token: 5 }, EditError::NotMasked(slot)),
            (&[MASK], Edit::Fill { slot, token: MASK }, EditError::WritesMask(slot)),
            (&[MASK], Edit::Replace { slot, token: 5 }, EditError::Masked(slot)),
            (&[4], Edit::Replace { slot, token: MASK }, EditError::WritesMask(slot)),
            (&[MASK], Edit::Remask { slot }, EditError::Masked(slot)),
            (&[4], Edit::Expand { slot, n: 2 }, EditError::NotMasked(slot)),
            (&[4], Edit::Delete { slot: Slot(7) }, EditError::NoSuchSlot(Slot(7))),
        ] {
            assert_eq!(canvas(tokens).apply(&[edit], 1), Err(error));
        }
    }

    #[test]
    fn given_text_and_suffix_stay() {
        let canvas = canvas(&[MASK, 4, 5, MASK]).with_given([0, 1, 2, 7]).with_suffix([6, 7]);
        let given: Vec<bool> = canvas.cells().iter().map(Cell::is_given).collect();
        assert_eq!(given, [false, true, true, false], "a mask cannot be given");
        assert_eq!(canvas.ids(), [1, 2, MASK, 4, 5, MASK, 6, 7]);
        assert_eq!((canvas.generated(), canvas.effective(), canvas.tail()), (2, 0, 4));
        let slot = Slot(1);
        for edit in [
            Edit::Replace { slot, token: 3 },
            Edit::Remask { slot },
            Edit::Delete { slot },
            Edit::Truncate { length: 1 },
        ] {
            assert_eq!(canvas.apply(&[edit], 1), Err(EditError::Given(slot)), "{edit:?}");
        }
        // What is added at the end stands before the suffix; an end-of-sequence token is a tail.
        let edits = [
            Edit::Expand { slot: Slot(0), n: 2 },
            Edit::Truncate { length: 4 },
            Edit::Append { n: 1, filler: Filler::Eos },
        ];
        let after = canvas.apply(&edits, 1).unwrap().canvas;
        assert_eq!(after.ids(), [1, 2, MASK, MASK, 4, 5, EOS, 6, 7]);
        assert_eq!((after.generated(), after.effective(), after.tail()), (3, 0, 4));
    }

    #[test]
    fn inserted_positions_know_where_they_come_from() {
        let applied = canvas(&[4, MASK]).apply(&[Edit::Expand { slot: Slot(1), n: 2 }], 7).unwrap();
        let origin: Vec<Origin> = applied.canvas.cells().iter().map(|cell| cell.origin).collect();
        let inserted = Origin::Inserted { step: 7, from: Slot(1) };
        assert_eq!(origin, [Origin::Start, inserted, inserted]);
        assert_eq!(applied.canvas.cells()[1].slot, Slot(2));
    }

    #[test]
    fn the_tail_begins_behind_the_last_other_token() {
        let check = |tokens: &[TokenId], tail: usize, before_tail: usize, effective: usize| {
            let canvas = canvas(tokens);
            let found = (canvas.tail(), canvas.before_tail(), canvas.effective());
            assert_eq!(found, (tail, before_tail, effective), "{tokens:?}");
        };
        check(&[], 0, 0, 0);
        check(&[EOS, EOS], 0, 0, 0);
        check(&[4, EOS], 1, 1, 1);
        check(&[EOS, 4], 2, 2, 1);
        check(&[4, EOS, 5, EOS, EOS], 3, 3, 2);
        check(&[4, MASK, EOS], 2, 1, 1);
        check(&[EOS, MASK], 2, 1, 0);
    }
}
