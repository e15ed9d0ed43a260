//! The cells of a canvas, in pieces that canvases share: a step changes few of a thousand positions,
//! and a run has thousands of canvases.

use std::{
    ops::{Index, Range},
    sync::Arc,
};

use super::Cell;

/// Cells in a piece. A change of one cell copies its piece, and a list of all pieces: with 64, about
/// 3 KB for a canvas of 2,048 positions.
const PIECE: usize = 64;

/// The generated region, first position first. What two canvases have in common, up to where one of
/// them moves, they share in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cells {
    /// All hold [`PIECE`] cells, the last one perhaps fewer, and none is empty.
    pieces: Vec<Arc<[Cell]>>,
    len: usize,
}

impl Cells {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The cell at a position; `None` past the end.
    pub fn get(&self, position: usize) -> Option<&Cell> {
        self.pieces.get(position / PIECE)?.get(position % PIECE)
    }

    /// The last cell.
    pub fn last(&self) -> Option<&Cell> {
        self.pieces.last()?.last()
    }

    /// The cells in order.
    pub fn iter(&self) -> EachCell<'_> {
        self.range(0..self.len)
    }

    /// The cells of some positions, in order; what is past the end is left out.
    pub fn range(&self, positions: Range<usize>) -> EachCell<'_> {
        let end = positions.end.min(self.len);
        EachCell { cells: self, left: positions.start.min(end)..end }
    }

    /// The cell at a position, to be changed; `None` past the end.
    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut Cell> {
        Arc::make_mut(self.pieces.get_mut(position / PIECE)?).get_mut(position % PIECE)
    }

    /// Changes cells, in order. Pieces in which `change` says of no cell that it did are not copied.
    pub(super) fn change(&mut self, mut change: impl FnMut(usize, &Cell) -> Option<Cell>) {
        for at in 0..self.len {
            if let Some(cell) = change(at, &self[at])
                && let Some(place) = self.get_mut(at)
            {
                *place = cell;
            }
        }
    }

    /// Puts other cells in the place of those at some positions; answers with those.
    ///
    /// # Panics
    /// If a position is past the end: a fault of the caller.
    pub(super) fn splice(
        &mut self,
        positions: Range<usize>,
        new: impl IntoIterator<Item = Cell>,
    ) -> Vec<Cell> {
        assert!(positions.end <= self.len, "cells {positions:?} of {}", self.len);
        let whole = positions.start / PIECE;
        let mut behind: Vec<Cell> = self.range(whole * PIECE..self.len).copied().collect();
        let from = positions.start - whole * PIECE;
        let gone = behind.splice(from..from + positions.len(), new).collect();
        self.pieces.truncate(whole);
        self.pieces.extend(behind.chunks(PIECE).map(Arc::from));
        self.len = whole * PIECE + behind.len();
        gone
    }
}

impl FromIterator<Cell> for Cells {
    fn from_iter<I: IntoIterator<Item = Cell>>(cells: I) -> Self {
        let mut all = Self::default();
        all.splice(0..0, cells);
        all
    }
}

impl Index<usize> for Cells {
    type Output = Cell;

    /// # Panics
    /// Past the end, as a list does.
    fn index(&self, position: usize) -> &Cell {
        &self.pieces[position / PIECE][position % PIECE]
    }
}

impl<'a> IntoIterator for &'a Cells {
    type Item = &'a Cell;
    type IntoIter = EachCell<'a>;

    fn into_iter(self) -> EachCell<'a> {
        self.iter()
    }
}

/// Goes over the cells of a canvas, or some of them, in order.
#[derive(Debug, Clone)]
pub struct EachCell<'a> {
    cells: &'a Cells,
    left: Range<usize>,
}

impl<'a> Iterator for EachCell<'a> {
    type Item = &'a Cell;

    fn next(&mut self) -> Option<&'a Cell> {
        self.cells.get(self.left.next()?)
    }

    fn nth(&mut self, n: usize) -> Option<&'a Cell> {
        self.cells.get(self.left.nth(n)?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl DoubleEndedIterator for EachCell<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.cells.get(self.left.next_back()?)
    }
}

impl ExactSizeIterator for EachCell<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::{Origin, Override, Slot};

    fn cell(number: usize) -> Cell {
        Cell {
            slot: Slot(number as u32),
            token: 0,
            draft: None,
            origin: Origin::Start,
            filled: None,
            overridden: Override::default(),
        }
    }

    #[test]
    fn they_are_a_list() {
        let mut list: Vec<Cell> = (0..200).map(cell).collect();
        let mut cells: Cells = list.iter().copied().collect();
        for (positions, new) in [(0..0, 3), (70..71, 8), (64..128, 0), (5..140, 1), (6..9, 130)] {
            let new: Vec<Cell> = (500..500 + new).map(cell).collect();
            let gone: Vec<Cell> = list.splice(positions.clone(), new.clone()).collect();
            let end = positions.end;
            assert_eq!(cells.splice(positions, new), gone, "up to {end}");
            assert!(cells.iter().eq(&list) && cells.iter().rev().eq(list.iter().rev()));
            assert_eq!((cells.len(), cells.last()), (list.len(), list.last()));
            assert_eq!(cells, list.iter().copied().collect(), "as if made at once");
            assert!((0..=list.len()).all(|at| cells.get(at) == list.get(at)));
        }
        assert!(cells.range(3..99_999).eq(&list[3..]) && cells.range(999..9_999).len() == 0);
    }

    #[test]
    fn what_is_not_changed_is_shared() {
        let before: Cells = (0..200).map(cell).collect();
        let shared = |after: &Cells| {
            let pairs = before.pieces.iter().zip(&after.pieces);
            pairs.filter(|(a, b)| Arc::ptr_eq(a, b)).count()
        };
        let mut after = before.clone();
        if let Some(cell) = after.get_mut(130) {
            cell.token = 7;
        }
        assert_eq!((after[130].token, before[130].token, shared(&after)), (7, 0, 3));
        after.change(|at, cell| (at == 3).then_some(Cell { token: 5, ..*cell }));
        assert_eq!((after[3].token, shared(&after)), (5, 2));
        after.splice(70..70, [cell(300)]);
        assert_eq!(shared(&after), 0, "the first was changed, the others have moved");
    }
}
