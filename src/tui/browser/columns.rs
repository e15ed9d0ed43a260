//! Which columns of the list there is room for, and where they stand.

use crate::folder::RunColumn;

/// Something that has a column on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShownColumn {
    /// A column of the list.
    Of(RunColumn),
    /// The length over the steps, as a curve.
    Curve,
}

/// A column with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlacedColumn {
    pub column: ShownColumn,
    /// Its first cell.
    pub x: u16,
    /// Number of cells.
    pub width: u16,
}

/// Cells before the first column: for the pointer and the mark.
pub(super) const MARGIN: u16 = 4;

/// The columns by how much they are needed, with the fewest cells of each.
const NEEDED: [(ShownColumn, u16); 12] = [
    (ShownColumn::Of(RunColumn::Name), 24),
    (ShownColumn::Of(RunColumn::Length), 7),
    (ShownColumn::Of(RunColumn::Finding), 15),
    (ShownColumn::Of(RunColumn::Finish), 10),
    (ShownColumn::Of(RunColumn::Nfe), 4),
    (ShownColumn::Curve, 8),
    (ShownColumn::Of(RunColumn::TokensPerPass), 9),
    (ShownColumn::Of(RunColumn::Strategy), 14),
    (ShownColumn::Of(RunColumn::Steps), 6),
    (ShownColumn::Of(RunColumn::OrderTau), 7),
    (ShownColumn::Of(RunColumn::TailFirst), 8),
    (ShownColumn::Of(RunColumn::Model), 14),
];

/// From left to right.
const ORDER: [ShownColumn; 12] = [
    ShownColumn::Of(RunColumn::Name),
    ShownColumn::Of(RunColumn::Model),
    ShownColumn::Of(RunColumn::Strategy),
    ShownColumn::Of(RunColumn::Steps),
    ShownColumn::Of(RunColumn::Nfe),
    ShownColumn::Of(RunColumn::Length),
    ShownColumn::Curve,
    ShownColumn::Of(RunColumn::TokensPerPass),
    ShownColumn::Of(RunColumn::OrderTau),
    ShownColumn::Of(RunColumn::TailFirst),
    ShownColumn::Of(RunColumn::Finish),
    ShownColumn::Of(RunColumn::Finding),
];

/// Most cells of a name.
const WIDEST_NAME: u16 = 48;

/// The columns that fit into `width` cells, the longest name of which has so many.
pub(super) fn placed(width: u16, longest_name: usize) -> Vec<PlacedColumn> {
    let room = width.saturating_sub(MARGIN);
    let mut used = 0;
    let fits = |(_, cells): &&(ShownColumn, u16)| {
        let with = used + cells + 1;
        // The name is there however narrow it is.
        let fits = with <= room + 1 || used == 0;
        if fits {
            used = with;
        }
        fits
    };
    let mut fitting: Vec<(ShownColumn, u16)> = NEEDED.iter().filter(fits).copied().collect();
    let mut spare = (room + 1).saturating_sub(used);
    let longest = u16::try_from(longest_name).unwrap_or(u16::MAX).min(WIDEST_NAME);
    for (column, cells) in &mut fitting {
        let most = match column {
            ShownColumn::Of(RunColumn::Name) => longest.saturating_sub(*cells),
            ShownColumn::Of(RunColumn::Finding) => 0,
            ShownColumn::Curve => 8,
            ShownColumn::Of(_) => 0,
        };
        // Half of what is left is for the finding, which has most to say.
        let more = match column {
            ShownColumn::Curve => most.min(spare / 4),
            _ => most.min(spare),
        };
        (*cells, spare) = (*cells + more, spare - more);
    }
    if let Some((_, cells)) =
        fitting.iter_mut().find(|(column, _)| *column == ShownColumn::Of(RunColumn::Finding))
    {
        *cells += spare;
    }
    let mut x = MARGIN;
    let of = |column: &ShownColumn| fitting.iter().find(|(fits, _)| fits == column).copied();
    ORDER
        .iter()
        .filter_map(of)
        .map(|(column, width)| {
            let place = PlacedColumn { column, x, width };
            x += width + 1;
            place
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_the_width_and_the_name_is_always_there() {
        for width in [40, 60, 80, 100, 120, 160, 200, 400] {
            for name in [3, 24, 90] {
                let placed = placed(width, name);
                assert_eq!(placed[0].column, ShownColumn::Of(RunColumn::Name), "{width}");
                let end = placed.last().map(|last| last.x + last.width).unwrap();
                assert!(end <= width || placed.len() == 1, "{width}: {placed:?}");
                let gap = |pair: &[PlacedColumn]| pair[0].x + pair[0].width + 1 == pair[1].x;
                assert!(placed.windows(2).all(gap), "{width}: {placed:?}");
            }
        }
        assert_eq!(placed(200, 24).len(), NEEDED.len());
        assert_eq!(ORDER.len(), NEEDED.len());
    }
}
