//! Positions aligned by identity: the column that each slot of a branch has in a picture of position × step.

use std::collections::HashMap;

use crate::{
    canvas::{Edit, Origin, Slot},
    session::{NodeId, Timeline},
};

/// The columns of a branch's slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotColumns {
    /// The column of each slot.
    pub of: HashMap<Slot, usize>,
    /// Number of columns in all.
    pub width: usize,
    /// The slot that each inserted slot was made from.
    pub origin: HashMap<Slot, Slot>,
}

impl SlotColumns {
    /// Gives every slot of a branch a column: the canvas at its last node in order, an expanded slot the
    /// column of its first successor, and what fell off behind.
    pub fn of(timeline: &Timeline, branch: &[NodeId]) -> Self {
        let mut columns = Self::default();
        let Some(&tip) = branch.last() else { return columns };
        for (column, cell) in timeline[tip].canvas.cells().iter().enumerate() {
            columns.of.insert(cell.slot, column);
        }
        columns.width = timeline[tip].canvas.len();
        for &node in branch.iter().rev() {
            let Some(step) = timeline[node].step() else { continue };
            for drop in &step.decision.dropped {
                if !columns.of.contains_key(&drop.slot) {
                    columns.of.insert(drop.slot, columns.width);
                    columns.width += 1;
                }
            }
            let depth = timeline[node].depth;
            for edit in &step.decision.edits {
                // A position that is split keeps its column.
                let (slot, mut first) = match *edit {
                    Edit::Expand { slot, .. } => (slot, true),
                    Edit::Split { slot, .. } => (slot, false),
                    _ => continue,
                };
                for cell in timeline[node].canvas.cells() {
                    if cell.origin != (Origin::Inserted { step: depth, from: slot }) {
                        continue;
                    }
                    columns.origin.insert(cell.slot, slot);
                    if std::mem::take(&mut first)
                        && let Some(&column) = columns.of.get(&cell.slot)
                    {
                        columns.of.insert(slot, column);
                    }
                }
            }
        }
        columns
    }
}
