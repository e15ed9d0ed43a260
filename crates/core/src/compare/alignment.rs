//! Which positions of two runs correspond, followed step by step across insertions.
//!
//! A pair of positions holds for as long as both are there: a slot keeps its identity when others
//! are inserted before it. Between the pairs, positions that are new or have lost their partner
//! are paired by a shortest edit script of their tokens, and in order where the tokens differ. So
//! an insertion in one run shifts what is behind it and makes nothing else differ.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::canvas::{Canvas, Cell, Slot, TokenId};

/// Steps of edit scripts that a whole correspondence may cost; beyond it positions are paired in
/// order. Far more than runs of one model ever ask for, and seconds where two have nothing in
/// common.
const BUDGET: usize = 1 << 28;

/// Where a slot was seen: the number of the look, and its position then.
type SlotPlace = (u32, u32);

/// What is known of the slots of one of the two runs.
#[derive(Debug, Clone, Default)]
struct RunSide {
    /// By slot: where it was seen last.
    seen: Vec<SlotPlace>,
    /// By slot: its partner in the other run, which may be gone by now.
    partner: Vec<Option<Slot>>,
}

impl RunSide {
    fn look(&mut self, look: u32, canvas: &Canvas) {
        for (position, cell) in canvas.cells().iter().enumerate() {
            let slot = cell.slot.0 as usize;
            if self.seen.len() <= slot {
                self.seen.resize(slot + 1, (0, 0));
                self.partner.resize(slot + 1, None);
            }
            self.seen[slot] = (look, u32::try_from(position).unwrap_or(u32::MAX));
        }
    }

    fn position(&self, look: u32, slot: Slot) -> Option<usize> {
        let (seen, position) = *self.seen.get(slot.0 as usize)?;
        (seen == look).then_some(position as usize)
    }

    fn partner(&self, slot: Slot) -> Option<Slot> {
        self.partner.get(slot.0 as usize).copied().flatten()
    }
}

/// The pairs of positions of two runs, the first called A and the second B.
#[derive(Debug, Clone)]
pub struct Correspondence {
    a: RunSide,
    b: RunSide,
    look: u32,
    budget: usize,
}

impl Default for Correspondence {
    fn default() -> Self {
        Self { a: RunSide::default(), b: RunSide::default(), look: 0, budget: BUDGET }
    }
}

impl Correspondence {
    /// Takes in the next canvas of each run (the last again of one that is over) and pairs what
    /// has no partner.
    pub fn follow(&mut self, a: &Canvas, b: &Canvas) {
        self.look += 1;
        self.a.look(self.look, a);
        self.b.look(self.look, b);
        let listed = |canvas: &Canvas| canvas.cells().iter().copied().collect::<Vec<Cell>>();
        let (a, b) = (listed(a), listed(b));
        let (mut from_a, mut from_b) = (0, 0);
        for (at, cell) in a.iter().enumerate() {
            // Pairs never cross: neither run changes the order of its positions.
            let Some(other) = self.in_b(cell.slot).filter(|&other| other >= from_b) else {
                continue;
            };
            self.pair_between(&a[from_a..at], &b[from_b..other]);
            (from_a, from_b) = (at + 1, other + 1);
        }
        self.pair_between(&a[from_a..], &b[from_b..]);
    }

    /// The position in B, on the canvas taken in last, that corresponds to a slot of A.
    pub fn in_b(&self, slot: Slot) -> Option<usize> {
        self.b.position(self.look, self.a.partner(slot)?)
    }

    /// The position in A that corresponds to a slot of B.
    pub fn in_a(&self, slot: Slot) -> Option<usize> {
        self.a.position(self.look, self.b.partner(slot)?)
    }

    /// Where a slot of A is on the canvas taken in last.
    pub fn at_a(&self, slot: Slot) -> Option<usize> {
        self.a.position(self.look, slot)
    }

    /// Where a slot of B is.
    pub fn at_b(&self, slot: Slot) -> Option<usize> {
        self.b.position(self.look, slot)
    }

    /// Pairs positions that stand between the same two pairs and have no partner.
    fn pair_between(&mut self, a: &[Cell], b: &[Cell]) {
        if a.is_empty() || b.is_empty() {
            return;
        }
        let same = |(a, b): &(&Cell, &Cell)| a.token == b.token;
        let front = a.iter().zip(b).take_while(same).count();
        let (rest_a, rest_b) = (&a[front..], &b[front..]);
        let back = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(same).count();
        self.pair(&a[..front], &b[..front]);
        self.pair(&rest_a[rest_a.len() - back..], &rest_b[rest_b.len() - back..]);
        let (a, b) = (&rest_a[..rest_a.len() - back], &rest_b[..rest_b.len() - back]);
        let (mut from_a, mut from_b) = (0, 0);
        for (at_a, at_b, length) in self.equal(a, b) {
            self.pair(&a[from_a..at_a], &b[from_b..at_b]);
            self.pair(&a[at_a..at_a + length], &b[at_b..at_b + length]);
            (from_a, from_b) = (at_a + length, at_b + length);
        }
        self.pair(&a[from_a..], &b[from_b..]);
    }

    /// Stretches with the same tokens by a shortest edit script: where they begin in A and in B,
    /// and how long they are.
    fn equal(&mut self, a: &[Cell], b: &[Cell]) -> Vec<(usize, usize, usize)> {
        if a.is_empty() || b.is_empty() {
            return Vec::new();
        }
        let all = a.len() + b.len();
        let cost = all.saturating_mul(all);
        if cost > self.budget {
            return Vec::new();
        }
        self.budget -= cost;
        let tokens = |cells: &[Cell]| cells.iter().map(|cell| cell.token).collect();
        let (a, b): (Vec<TokenId>, Vec<TokenId>) = (tokens(a), tokens(b));
        // Several scripts may be shortest: the choice must not depend on which run comes first.
        let swapped = (b.len(), &b) < (a.len(), &a);
        let (one, two) = if swapped { (&b, &a) } else { (&a, &b) };
        let ops = capture_diff_slices(Algorithm::Myers, one, two);
        ops.into_iter()
            .filter_map(|op| match op {
                DiffOp::Equal { old_index, new_index, len } if swapped => {
                    Some((new_index, old_index, len))
                }
                DiffOp::Equal { old_index, new_index, len } => Some((old_index, new_index, len)),
                _ => None,
            })
            .collect()
    }

    /// Pairs in order, as far as both go.
    fn pair(&mut self, a: &[Cell], b: &[Cell]) {
        for (a, b) in a.iter().zip(b) {
            self.a.partner[a.slot.0 as usize] = Some(b.slot);
            self.b.partner[b.slot.0 as usize] = Some(a.slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::{Edit, Filler, SpecialTokens};

    const M: TokenId = 1;
    const E: TokenId = 2;

    fn canvas(tokens: &[TokenId]) -> Canvas {
        Canvas::holding([0], tokens, SpecialTokens { mask: M, eos: E })
    }

    /// For every position of A, the one of B that corresponds; both sides agree on it.
    fn pairs(found: &Correspondence, a: &Canvas, b: &Canvas) -> Vec<Option<usize>> {
        let pairs: Vec<_> = a.cells().iter().map(|cell| found.in_b(cell.slot)).collect();
        for (at, cell) in b.cells().iter().enumerate() {
            let back = pairs.iter().position(|pair| *pair == Some(at));
            assert_eq!(found.in_a(cell.slot), back);
        }
        pairs
    }

    #[test]
    fn canvases_are_paired_by_a_shortest_script() {
        for (a, b, expected) in [
            (&[][..], &[][..], &[][..]),
            (&[5, 6, 7], &[5, 6, 7], &[Some(0), Some(1), Some(2)]),
            (&[5, 6, 7], &[5, 8, 6, 7], &[Some(0), Some(2), Some(3)]),
            (&[5, 9, 7], &[5, 8, 7], &[Some(0), Some(1), Some(2)]),
            (&[M, M, M, M], &[M, M], &[Some(0), Some(1), None, None]),
            // The tail stays with the tail.
            (&[M, M, E, E], &[M, M, M, E, E], &[Some(0), Some(1), Some(3), Some(4)]),
            (&[9, 5, 6, 8], &[5, 6, 3, 4], &[None, Some(0), Some(1), Some(2)]),
            (&[5], &[], &[None]),
        ] {
            let (a, b) = (canvas(a), canvas(b));
            let mut found = Correspondence::default();
            found.follow(&a, &b);
            assert_eq!(pairs(&found, &a, &b), expected, "{:?} {:?}", a.tokens(), b.tokens());
        }
    }

    #[test]
    fn pairs_hold_whatever_is_written_or_inserted() {
        let (a, b) = (canvas(&[M; 4]), canvas(&[M; 4]));
        let mut found = Correspondence::default();
        found.follow(&a, &b);
        let expand = |slot| Edit::Expand { slot: Slot(slot), n: 3 };
        let fill = |slot, token| Edit::Fill { slot: Slot(slot), token };
        let a = a.apply(&[expand(1), fill(2, 7), fill(3, 8)], 1).unwrap().canvas;
        let b = b.apply(&[fill(2, 8), fill(3, 7)], 1).unwrap().canvas;
        found.follow(&a, &b);
        // The first of the three stands for the one that they replace.
        let expected = [Some(0), Some(1), None, None, Some(2), Some(3)];
        assert_eq!(pairs(&found, &a, &b), expected);
        // The other run makes room at the same place later: now they correspond.
        let b = b.apply(&[expand(1)], 2).unwrap().canvas;
        found.follow(&a, &b);
        assert_eq!(pairs(&found, &a, &b), [0, 1, 2, 3, 4, 5].map(Some));
        let append = Edit::Append { n: 2, filler: Filler::Eos };
        let a = a.apply(&[append], 3).unwrap().canvas;
        let b = b.apply(&[Edit::Truncate { length: 5 }], 3).unwrap().canvas;
        found.follow(&a, &b);
        assert_eq!(pairs(&found, &a, &b)[5..], [None, None, None]);
    }

    #[test]
    fn without_a_budget_they_are_paired_in_order() {
        let (a, b) = (canvas(&[9, 5, 6, 8]), canvas(&[5, 6, 3]));
        let mut found = Correspondence { budget: 0, ..Correspondence::default() };
        found.follow(&a, &b);
        assert_eq!(pairs(&found, &a, &b), [Some(0), Some(1), Some(2), None]);
    }
}
