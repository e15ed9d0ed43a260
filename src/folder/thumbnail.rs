//! A run's picture of position × step, reduced to a few cells.

use crate::{
    canvas::Canvas,
    decode::PositionEffect,
    inspect::SlotColumns,
    predict::Prediction,
    session::{NodeId, Session},
};

/// Columns of a thumbnail, at most.
const MOST_COLUMNS: usize = 96;

/// Rows of a thumbnail, at most.
const MOST_ROWS: usize = 32;

/// What a cell of a thumbnail shows: what most of the positions behind it hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ThumbnailCell {
    /// There is no position yet.
    Empty,
    /// Masks, with the mean confidence of their guesses where that is on record, 0..=1.
    Masked(Option<f32>),
    /// Masks, some of which are expanded before the row below.
    Expanded,
    /// Tokens.
    Unmasked,
    /// End-of-sequence tokens.
    Eos,
    /// Fixed text between holes.
    Given,
}

/// A picture of position × step: positions from left to right by identity, steps from the top down.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Thumbnail {
    rows: Vec<Vec<ThumbnailCell>>,
}

impl Thumbnail {
    /// The picture of a run, whose nodes from the start on are `path`.
    pub fn of(session: &Session, path: &[NodeId]) -> Self {
        let timeline = session.timeline();
        let columns = SlotColumns::of(timeline, path);
        let shown: Vec<usize> = sampled(path.len(), MOST_ROWS).collect();
        let rows = shown.iter().enumerate().map(|(at, &step)| {
            let canvas = &timeline[path[step]].canvas;
            let next = path.get(step + 1).and_then(|&node| timeline[node].step());
            let prediction = next.and_then(|next| session.prediction(next.prediction));
            let mut row = Row::new(columns.width.min(MOST_COLUMNS), columns.width);
            row.take(canvas, &columns, prediction.as_deref());
            // Of the steps up to the next row no expansion is lost.
            let until = shown.get(at + 1).copied().unwrap_or(step);
            for step in step..until {
                row.expand(session, &columns, path[step], path[step + 1]);
            }
            row.cells()
        });
        Self { rows: rows.collect() }
    }

    /// Its rows, the start first.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Its columns.
    pub fn columns(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }

    /// A cell of the picture drawn `columns` wide and `rows` high.
    pub fn at(
        &self,
        (column, columns): (usize, usize),
        (row, rows): (usize, usize),
    ) -> ThumbnailCell {
        let spread = |at: usize, shown: usize, of: usize| match shown {
            0 | 1 => 0,
            _ => at * of.saturating_sub(1) / (shown - 1),
        };
        let row = self.rows.get(spread(row, rows, self.rows.len()));
        let cell = row.and_then(|row| row.get(spread(column, columns, row.len())));
        cell.copied().unwrap_or(ThumbnailCell::Empty)
    }
}

/// What is behind a cell.
#[derive(Default, Clone, Copy)]
struct Tally {
    masks: usize,
    tokens: usize,
    eos: usize,
    given: usize,
    /// Sum and number of the confidences of masks.
    confidence: (f32, usize),
    expanded: bool,
}

impl Tally {
    fn cell(self) -> ThumbnailCell {
        let Self { masks, tokens, eos, given, .. } = self;
        let most = masks.max(tokens).max(eos).max(given);
        match most {
            0 => ThumbnailCell::Empty,
            _ if self.expanded => ThumbnailCell::Expanded,
            _ if masks == most => {
                let (sum, count) = self.confidence;
                ThumbnailCell::Masked((count > 0).then(|| sum / count as f32))
            }
            _ if tokens == most => ThumbnailCell::Unmasked,
            _ if eos == most => ThumbnailCell::Eos,
            _ => ThumbnailCell::Given,
        }
    }
}

/// A row of the picture while it is made.
struct Row {
    tallies: Vec<Tally>,
    /// Columns of the picture before it was reduced.
    width: usize,
}

impl Row {
    fn new(columns: usize, width: usize) -> Self {
        Self { tallies: vec![Tally::default(); columns], width }
    }

    /// The tally of a column.
    fn tally(&mut self, column: usize) -> Option<&mut Tally> {
        let at = column * self.tallies.len() / self.width.max(1);
        self.tallies.get_mut(at)
    }

    fn take(&mut self, canvas: &Canvas, columns: &SlotColumns, prediction: Option<&Prediction>) {
        let special = canvas.special();
        for (position, cell) in canvas.cells().iter().enumerate() {
            let p = prediction.and_then(|prediction| prediction.confidence(position));
            let Some(&column) = columns.of.get(&cell.slot) else { continue };
            let Some(tally) = self.tally(column) else { continue };
            match cell.token {
                _ if cell.is_given() => tally.given += 1,
                token if token == special.mask => {
                    tally.masks += 1;
                    if let Some(p) = p.filter(|p| p.is_finite()) {
                        tally.confidence = (tally.confidence.0 + p, tally.confidence.1 + 1);
                    }
                }
                token if token == special.eos => tally.eos += 1,
                _ => tally.tokens += 1,
            }
        }
    }

    /// Marks what the step from one node to the next expands.
    fn expand(&mut self, session: &Session, columns: &SlotColumns, from: NodeId, to: NodeId) {
        let timeline = session.timeline();
        let Some(step) = timeline[to].step() else { return };
        let cells = timeline[from].canvas.cells();
        for (position, effect) in step.decision.effects() {
            if !matches!(effect, PositionEffect::Expand { .. } | PositionEffect::Insert { .. }) {
                continue;
            }
            let column = cells.get(position).and_then(|cell| columns.of.get(&cell.slot));
            if let Some(tally) = column.and_then(|&column| self.tally(column)) {
                tally.expanded = true;
            }
        }
    }

    fn cells(self) -> Vec<ThumbnailCell> {
        self.tallies.into_iter().map(Tally::cell).collect()
    }
}

/// At most `most` of the numbers under `count`, evenly, the first and the last among them.
pub(super) fn sampled(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(most);
    (0..shown).map(move |at| match shown {
        0 | 1 => 0,
        _ => at * (count - 1) / (shown - 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace;

    #[test]
    fn the_first_and_the_last_are_among_those_sampled() {
        for (count, most, expected) in [
            (0, 4, &[][..]),
            (1, 4, &[0]),
            (3, 4, &[0, 1, 2]),
            (10, 4, &[0, 3, 6, 9]),
            (10, 1, &[0]),
            (10, 2, &[0, 9]),
        ] {
            assert_eq!(sampled(count, most).collect::<Vec<_>>(), expected, "{count} {most}");
        }
    }

    fn of(name: &str) -> Thumbnail {
        let recording = trace::read(format!("recordings/{name}.jsonl").as_ref()).unwrap();
        let session = recording.session();
        let path = session.timeline().path(recording.recorded.end);
        Thumbnail::of(&session, &path)
    }

    #[test]
    fn it_begins_with_masks_and_ends_with_tokens() {
        let picture = of("stage-2-expansions");
        let (columns, rows) = (picture.columns(), picture.rows());
        assert!(columns <= MOST_COLUMNS && rows <= MOST_ROWS && rows > 1);
        let row = |row| (0..columns).map(move |column| (column, row));
        let count = |row: usize, wanted: fn(ThumbnailCell) -> bool| {
            (0..columns)
                .filter(|&column| wanted(picture.at((column, columns), (row, rows))))
                .count()
        };
        let masked = |cell| matches!(cell, ThumbnailCell::Masked(_) | ThumbnailCell::Expanded);
        assert_eq!(row(0).count(), columns);
        assert!(count(0, masked) > 0);
        assert_eq!(count(0, |cell| cell == ThumbnailCell::Unmasked), 0);
        assert_eq!(count(rows - 1, masked), 0);
        assert!(count(rows - 1, |cell| cell == ThumbnailCell::Unmasked) > columns / 3);
        // What stage 2 expands is in the picture, however small.
        let expanded = (0..rows).map(|at| count(at, |cell| cell == ThumbnailCell::Expanded));
        assert!(expanded.sum::<usize>() > 0);
    }

    #[test]
    fn it_is_drawn_at_any_size() {
        let picture = of("short-answer");
        for (columns, rows) in [(0, 0), (1, 1), (7, 3), (500, 200)] {
            for column in 0..columns {
                for row in 0..rows {
                    picture.at((column, columns), (row, rows));
                }
            }
        }
        assert_eq!(Thumbnail::default().at((0, 1), (0, 1)), ThumbnailCell::Empty);
    }

    #[test]
    fn a_cell_shows_what_most_positions_hold() {
        let tally = Tally::default();
        for (tally, expected) in [
            (tally, ThumbnailCell::Empty),
            (Tally { masks: 2, tokens: 1, ..tally }, ThumbnailCell::Masked(None)),
            (Tally { masks: 2, confidence: (1.0, 2), ..tally }, ThumbnailCell::Masked(Some(0.5))),
            (Tally { masks: 1, tokens: 2, eos: 1, ..tally }, ThumbnailCell::Unmasked),
            (Tally { tokens: 1, eos: 2, ..tally }, ThumbnailCell::Eos),
            (Tally { given: 3, eos: 2, ..tally }, ThumbnailCell::Given),
            (Tally { masks: 3, expanded: true, ..tally }, ThumbnailCell::Expanded),
        ] {
            assert_eq!(tally.cell(), expected);
        }
    }
}
