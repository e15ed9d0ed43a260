//! How the positions of a generated region lie in blocks.

use std::ops::Range;

/// Blocks of one width over a generated region, of which the first may be shorter: where the grid
/// begins with the sequence, the end of the prompt takes its first positions.
///
/// ```
/// use demask_core::decode::BlockLayout;
///
/// let layout = BlockLayout::new(8, 3);
/// assert_eq!(layout.range(0), 0..5);
/// assert_eq!(layout.range(1), 5..13);
/// assert_eq!(layout.index(5), 1);
/// assert_eq!(layout.count(6), 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLayout {
    width: usize,
    lead: usize,
}

impl BlockLayout {
    /// One block, which holds a region of any length.
    pub const ONE: Self = Self { width: usize::MAX, lead: 0 };

    /// Blocks of `width` positions, at least 1; `lead` positions of the first one, fewer than
    /// `width`, are the prompt's.
    pub fn new(width: usize, lead: usize) -> Self {
        let width = width.max(1);
        Self { width, lead: lead % width }
    }

    /// Positions of a whole block.
    pub fn width(self) -> usize {
        self.width
    }

    /// Positions of the first block that the prompt takes.
    pub fn lead(self) -> usize {
        self.lead
    }

    /// The block that holds a generated position, counted from 0.
    pub fn index(self, position: usize) -> usize {
        position.saturating_add(self.lead) / self.width
    }

    /// The place of a generated position in its block, counted from 0; in the first block places
    /// before [`BlockLayout::lead`] are the prompt's.
    pub fn place(self, position: usize) -> usize {
        position.saturating_add(self.lead) % self.width
    }

    /// The generated positions of a block, as if the region had no end.
    pub fn range(self, index: usize) -> Range<usize> {
        let start = index.saturating_mul(self.width);
        let end = start.saturating_add(self.width);
        start.saturating_sub(self.lead)..end.saturating_sub(self.lead)
    }

    /// The generated positions of the block that holds `position`.
    pub fn around(self, position: usize) -> Range<usize> {
        self.range(self.index(position))
    }

    /// How many blocks a region of `length` positions has.
    pub fn count(self, length: usize) -> usize {
        length.checked_sub(1).map_or(0, |last| self.index(last) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_follow_each_other() {
        let check = |width, lead, length, expected: &[Range<usize>]| {
            let layout = BlockLayout::new(width, lead);
            let ranges: Vec<_> =
                (0..layout.count(length)).map(|index| layout.range(index)).collect();
            assert_eq!(ranges, expected, "width {width}, lead {lead}, length {length}");
            for position in 0..length {
                let range = layout.around(position);
                assert!(range.contains(&position));
                let lead = if range.start == 0 { layout.lead() } else { 0 };
                assert_eq!(layout.place(position), position - range.start + lead);
            }
        };
        check(8, 0, 16, &[0..8, 8..16]);
        check(8, 0, 17, &[0..8, 8..16, 16..24]);
        check(8, 3, 6, &[0..5, 5..13]);
        check(8, 7, 9, &[0..1, 1..9]);
        check(4, 4, 8, &[0..4, 4..8]);
        check(1, 0, 2, &[0..1, 1..2]);
        check(8, 3, 0, &[]);
        assert_eq!(BlockLayout::ONE.count(10_000), 1);
        assert_eq!(BlockLayout::ONE.around(9_999), 0..usize::MAX);
    }
}
