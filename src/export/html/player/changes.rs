//! A canvas by what changed from another.

use super::data::Splice;
use crate::canvas::{Cell, Cells, Origin};

/// What turns one list of cells into another: a piece replaced, and tokens of cells that stay.
pub(super) fn changes(before: &Cells, after: &Cells) -> (Option<Splice>, Vec<usize>) {
    let same = |a: &Cell, b: &Cell| a.slot == b.slot;
    let head = before.iter().zip(after).take_while(|(a, b)| same(a, b)).count();
    let behind = |cells: &'_ Cells| cells.len() - head;
    let pairs = before.iter().rev().zip(after.iter().rev());
    let pairs = pairs.take(behind(before).min(behind(after)));
    let tail = pairs.take_while(|(a, b)| same(a, b)).count();
    let (gone, come) = (behind(before) - tail, after.range(head..after.len() - tail));
    let splice = (gone > 0 || come.len() > 0).then(|| Splice {
        at: head,
        gone,
        slots: come.clone().map(|cell| cell.slot.0).collect(),
        tokens: come.clone().map(|cell| cell.token).collect(),
        from: come.map(origin).collect(),
    });
    let kept = (0..head).map(|at| (at, &before[at])).chain((0..tail).map(|back| {
        let at = after.len() - tail + back;
        (at, &before[before.len() - tail + back])
    }));
    let set = kept
        .filter(|&(at, was)| was.token != after[at].token)
        .flat_map(|(at, _)| [at, after[at].token as usize])
        .collect();
    (splice, set)
}

/// Where a cell came from: the slot it was expanded from, or −1 for the first canvas, −2 for the
/// tail, −3 for a hand, −4 for given text.
fn origin(cell: &Cell) -> i64 {
    match cell.origin {
        Origin::Start => -1,
        Origin::Given => -4,
        Origin::Appended { .. } => -2,
        Origin::ByHand { .. } => -3,
        Origin::Inserted { from, .. } => i64::from(from.0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::canvas::{Canvas, Edit, Filler, Slot, SpecialTokens, TokenId};

    proptest! {
        /// What the player does with a change gives the canvas it was made from.
        #[test]
        fn changes_give_the_canvas_again(picks in prop::collection::vec((0..7u8, any::<prop::sample::Index>(), 0..4usize), 0..12)) {
            let special = SpecialTokens { mask: 0, eos: 1 };
            let before = Canvas::masked(vec![], 8, special);
            let before = before.apply(&[Edit::Fill { slot: Slot(3), token: 7 }], 1).unwrap().canvas;
            let mut after = before.clone();
            for (kind, index, n) in picks {
                if after.is_empty() {
                    break;
                }
                let slot = after.cells()[index.index(after.len())].slot;
                let edit = match kind {
                    0 => Edit::Fill { slot, token: 9 },
                    1 => Edit::Remask { slot },
                    2 => Edit::Expand { slot, n },
                    3 => Edit::Append { n, filler: Filler::Eos },
                    4 => Edit::Insert { slot, n },
                    5 => Edit::Delete { slot },
                    _ => Edit::Truncate { length: after.len().saturating_sub(n.min(2)) },
                };
                if let Ok(applied) = after.apply(&[edit], 2) {
                    after = applied.canvas;
                }
            }
            let (splice, set) = changes(before.cells(), after.cells());
            let mut cells: Vec<(u32, TokenId)> =
                before.cells().iter().map(|cell| (cell.slot.0, cell.token)).collect();
            if let Some(splice) = splice {
                let come = splice.slots.into_iter().zip(splice.tokens);
                cells.splice(splice.at..splice.at + splice.gone, come);
            }
            for pair in set.chunks(2) {
                cells[pair[0]].1 = pair[1] as TokenId;
            }
            let expected: Vec<(u32, TokenId)> =
                after.cells().iter().map(|cell| (cell.slot.0, cell.token)).collect();
            prop_assert_eq!(cells, expected);
        }
    }
}
