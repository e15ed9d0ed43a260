//! Edits from two canvases: for writers that record what the canvas holds, not what was done to it.
//!
//! Where the length changed, the two are aligned: a mask that became a token is a fill, masks that
//! were not there are an insertion. Which of several masks in a row is new cannot be told: of the gaps
//! that explain the change best it is the one at the end, where something was appended, or else the
//! first, since what is written grows from the front.

use std::ops::Range;

use crate::canvas::{Canvas, Edit, Filler, Slot, TokenId};

/// No alignment takes more cells than this: a canvas of 2,048 that changed throughout.
const MOST_CELLS: usize = 1 << 22;

/// The edits that turn `before` into a canvas that holds `after`. `spend` is asked for the cells that
/// are moved on the way: it takes them all for each position that is gone.
///
/// # Errors
/// What `spend` answers; else only for a fault of this file, as the edits are applied on the way.
pub(super) fn edits(
    before: &Canvas,
    after: &[TokenId],
    spend: impl FnOnce(usize) -> Result<(), String>,
) -> Result<Vec<Edit>, String> {
    let mut edits = structure(before, after);
    spend(edits.len().saturating_mul(before.len()))?;
    let placed = before.apply(&edits, 1).map_err(|error| error.to_string())?.canvas;
    let mask = before.special().mask;
    for (cell, &token) in placed.cells().iter().zip(after) {
        let slot = cell.slot;
        match (cell.token == mask, token == mask) {
            _ if cell.token == token => {}
            (true, _) => edits.push(Edit::Fill { slot, token }),
            (false, true) => edits.push(Edit::Remask { slot }),
            (false, false) => edits.push(Edit::Replace { slot, token }),
        }
    }
    Ok(edits)
}

/// The edits that give `before` the length of `after`.
fn structure(before: &Canvas, after: &[TokenId]) -> Vec<Edit> {
    if before.len() == after.len() {
        return Vec::new();
    }
    let tokens = before.tokens();
    let pair = Pair { before: &tokens, after, mask: before.special().mask };
    let (cost, gaps) = pair.one_gap();
    // A gap explains it if nothing that was written changed.
    let gaps = match cost < Pair::REWRITTEN {
        true => gaps,
        false => pair.aligned().filter(|(other, _)| *other < cost).map_or(gaps, |(_, gaps)| gaps),
    };
    // A truncation counts positions as they were: it comes first.
    let cut = gaps.last().filter(|gap| gap.gone.end == before.len() && !gap.gone.is_empty());
    let mut edits: Vec<Edit> =
        cut.map(|gap| Edit::Truncate { length: gap.gone.start }).into_iter().collect();
    for gap in gaps {
        gap.edits(before, after, &mut edits);
    }
    edits
}

/// Cells of one canvas that have no counterpart on the other.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gap {
    /// Positions of the canvas before that are gone.
    gone: Range<usize>,
    /// Positions of the canvas afterwards that are new.
    new: Range<usize>,
}

impl Gap {
    fn edits(&self, before: &Canvas, after: &[TokenId], edits: &mut Vec<Edit>) {
        let slot = |position: usize| -> Slot { before.cells()[position].slot };
        let at_end = self.gone.end == before.len();
        if !at_end {
            edits.extend(self.gone.clone().map(|position| Edit::Delete { slot: slot(position) }));
        }
        let n = self.new.len();
        if n == 0 {
            return;
        }
        let eos = before.special().eos;
        // The gap before may have expanded the mask between the two.
        let whole = |slot: Slot| {
            !edits
                .iter()
                .any(|edit| matches!(*edit, Edit::Expand { slot: other, .. } if other == slot))
        };
        let left = self.gone.start.checked_sub(1);
        let left = left.filter(|&left| before.is_masked(left) && whole(slot(left)));
        edits.push(if at_end {
            let all_eos = after[self.new.clone()].iter().all(|&token| token == eos);
            Edit::Append { n, filler: if all_eos { Filler::Eos } else { Filler::Mask } }
        } else if before.is_masked(self.gone.end) {
            Edit::Expand { slot: slot(self.gone.end), n: n + 1 }
        } else if let Some(left) = left {
            Edit::Expand { slot: slot(left), n: n + 1 }
        } else {
            Edit::Insert { slot: slot(self.gone.end), n }
        });
    }
}

/// Two canvases being aligned.
struct Pair<'a> {
    before: &'a [TokenId],
    after: &'a [TokenId],
    mask: TokenId,
}

impl Pair<'_> {
    /// What it costs that a written token became something else.
    const REWRITTEN: u32 = 64;

    /// What it costs that `before` became `after` in its place.
    fn change(&self, before: TokenId, after: TokenId) -> u32 {
        match (before == after, before == self.mask) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => Self::REWRITTEN,
        }
    }

    /// What a new cell costs: a mask is what insertions make.
    fn added(&self, token: TokenId) -> u32 {
        2 + u32::from(token != self.mask)
    }

    /// What a cell that is gone costs.
    fn gone(&self, token: TokenId) -> u32 {
        if token == self.mask { 2 } else { Self::REWRITTEN / 2 }
    }

    /// The best way with one gap, and its cost.
    fn one_gap(&self) -> (u32, Vec<Gap>) {
        let (old, new) = (self.before.len(), self.after.len());
        let (shorter, wide) = (old.min(new), old.abs_diff(new));
        let grows = new > old;
        let cell = |at: usize| match grows {
            true => self.added(self.after[at]),
            false => self.gone(self.before[at]),
        };
        // What is behind the gap is as far from the end on both.
        let behind = |at: usize| match grows {
            true => self.change(self.before[at], self.after[at + wide]),
            false => self.change(self.before[at + wide], self.after[at]),
        };
        let ahead = |at: usize| self.change(self.before[at], self.after[at]);
        let mut cost: u32 =
            (0..shorter).map(behind).sum::<u32>() + (0..wide).map(cell).sum::<u32>();
        let (mut best, mut first, mut last) = (cost, 0, 0);
        for at in 0..shorter {
            cost = cost + ahead(at) + cell(at + wide) - behind(at) - cell(at);
            if cost < best {
                (best, first) = (cost, at + 1);
            }
            if cost == best {
                last = at + 1;
            }
        }
        let place = if last == shorter { last } else { first };
        let gap = match grows {
            true => Gap { gone: place..place, new: place..place + wide },
            false => Gap { gone: place..place + wide, new: place..place },
        };
        (best, vec![gap])
    }

    /// The best way with any number of gaps; `None` if that is too much work.
    fn aligned(&self) -> Option<(u32, Vec<Gap>)> {
        let (old, new) = (self.before.len(), self.after.len());
        let width = new + 1;
        if (old + 1).saturating_mul(width) > MOST_CELLS {
            return None;
        }
        // cost[i * width + j]: the rest of `before` from i against the rest of `after` from j.
        let mut cost = vec![0_u32; (old + 1) * width];
        for i in (0..=old).rev() {
            for j in (0..=new).rev() {
                let ways = [
                    (i < old && j < new).then(|| {
                        self.change(self.before[i], self.after[j]) + cost[(i + 1) * width + j + 1]
                    }),
                    (j < new).then(|| self.added(self.after[j]) + cost[i * width + j + 1]),
                    (i < old).then(|| self.gone(self.before[i]) + cost[(i + 1) * width + j]),
                ];
                cost[i * width + j] = ways.into_iter().flatten().min().unwrap_or(0);
            }
        }
        let (mut i, mut j) = (0, 0);
        let mut gaps: Vec<Gap> = Vec::new();
        while i < old || j < new {
            let here = cost[i * width + j];
            let pairs = i < old
                && j < new
                && here
                    == self.change(self.before[i], self.after[j]) + cost[(i + 1) * width + j + 1];
            if pairs {
                (i, j) = (i + 1, j + 1);
                continue;
            }
            let inserts = j < new && here == self.added(self.after[j]) + cost[i * width + j + 1];
            let open = gaps.pop_if(|gap| gap.gone.end == i && gap.new.end == j);
            let mut gap = open.unwrap_or(Gap { gone: i..i, new: j..j });
            if inserts {
                j += 1;
                gap.new.end = j;
            } else {
                i += 1;
                gap.gone.end = i;
            }
            gaps.push(gap);
        }
        Some((cost[0], gaps))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::canvas::SpecialTokens;

    const MASK: TokenId = 9;
    const EOS: TokenId = 8;

    fn canvas(tokens: &[TokenId]) -> Canvas {
        Canvas::holding([1], tokens, SpecialTokens { mask: MASK, eos: EOS })
    }

    #[test]
    fn edits_say_what_happened() {
        let slot = Slot;
        let fill = |number: u32, token| Edit::Fill { slot: slot(number), token };
        for (before, after, expected) in [
            (&[MASK, 4][..], &[5, 4][..], vec![fill(0, 5)]),
            (
                &[4, 5],
                &[MASK, 6],
                vec![Edit::Remask { slot: slot(0) }, Edit::Replace { slot: slot(1), token: 6 }],
            ),
            // Appended masks, and end-of-sequence tokens.
            (&[4, MASK], &[4, MASK, MASK], vec![Edit::Append { n: 1, filler: Filler::Mask }]),
            (&[4], &[4, EOS, EOS], vec![Edit::Append { n: 2, filler: Filler::Eos }]),
            // Appended and written at once.
            (&[4], &[4, 5], vec![Edit::Append { n: 1, filler: Filler::Mask }, fill(1, 5)]),
            // A mask became three, and another position was filled.
            (
                &[4, MASK, 5, MASK],
                &[4, MASK, MASK, MASK, 5, 6],
                vec![Edit::Expand { slot: slot(1), n: 3 }, fill(3, 6)],
            ),
            // Between written tokens, and shorter.
            (&[4, 5], &[4, MASK, 5], vec![Edit::Insert { slot: slot(1), n: 1 }]),
            (&[4, 5, 6], &[4, 6], vec![Edit::Delete { slot: slot(1) }]),
            (&[4, MASK, MASK], &[4], vec![Edit::Truncate { length: 1 }]),
            // Two places at once.
            (
                &[4, MASK, 5, MASK, 6],
                &[4, MASK, MASK, 5, MASK, MASK, 6],
                vec![Edit::Expand { slot: slot(1), n: 2 }, Edit::Expand { slot: slot(3), n: 2 }],
            ),
            (&[], &[MASK], vec![Edit::Append { n: 1, filler: Filler::Mask }]),
        ] {
            assert_eq!(
                edits(&canvas(before), after, |_| Ok(())).unwrap(),
                expected,
                "{before:?} {after:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn they_lead_there_whatever_happened(
            before in prop::collection::vec(4_u32..10, 0..12),
            after in prop::collection::vec(4_u32..10, 0..12),
        ) {
            let before = canvas(&before);
            let edits = edits(&before, &after, |_| Ok(())).unwrap();
            prop_assert_eq!(before.apply(&edits, 1).unwrap().canvas.tokens(), after);
        }
    }
}
