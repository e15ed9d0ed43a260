//! The canvas as running text: tokens laid out in rows, broken at words, and the way back from a
//! cell on screen to the position under it.

use super::text::{Glyph, GlyphKind};

/// A token to be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowPiece {
    /// The position, or `None` for prompt and suffix.
    pub position: Option<usize>,
    /// Its glyphs; may be empty (the rest of a split character).
    pub glyphs: Vec<Glyph>,
    /// Glyphs that follow it and belong to it: an expansion's `+7`.
    pub marker: Option<Glyph>,
    /// The last position of a folded run that starts here.
    pub folded: Option<usize>,
}

/// A glyph in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The column, from 0.
    pub x: u16,
    /// The glyph that is drawn there.
    pub glyph: Glyph,
    /// The piece it belongs to.
    pub piece: usize,
    /// True for a piece's marker.
    pub marker: bool,
}

/// A text that is broken into lines of glyphs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    /// The rows, top first.
    pub rows: Vec<Vec<Placed>>,
    /// The pieces laid out.
    pub pieces: Vec<FlowPiece>,
}

/// Lays `pieces` out in rows of `width` cells; what stands behind the prompt starts on a line of its
/// own if it is `apart`.
pub fn lay(pieces: Vec<FlowPiece>, width: u16, apart: bool) -> Flow {
    let width = width.max(1);
    let mut rows = vec![Vec::new()];
    let mut x = 0;
    // The word being collected, not yet placed.
    let mut word: Vec<Placed> = Vec::new();
    let mut prompt = apart;
    for (index, piece) in pieces.iter().enumerate() {
        if piece.position.is_some() && std::mem::take(&mut prompt) && index > 0 {
            flush(&mut word, &mut rows, &mut x, width);
            if rows.last().is_some_and(|row: &Vec<Placed>| !row.is_empty()) {
                rows.push(Vec::new());
                x = 0;
            }
        }
        let marked = piece.marker.iter().map(|glyph| (glyph, true));
        for (glyph, marker) in piece.glyphs.iter().map(|glyph| (glyph, false)).chain(marked) {
            word.push(Placed { x: 0, glyph: glyph.clone(), piece: index, marker });
            match glyph.kind {
                GlyphKind::Word => {}
                // A stand-in ends a word too: masks in a row may break anywhere.
                GlyphKind::Space | GlyphKind::StandIn => flush(&mut word, &mut rows, &mut x, width),
                GlyphKind::Newline => {
                    flush(&mut word, &mut rows, &mut x, width);
                    rows.push(Vec::new());
                    x = 0;
                }
            }
        }
    }
    flush(&mut word, &mut rows, &mut x, width);
    if rows.len() > 1 && rows.last().is_some_and(Vec::is_empty) {
        rows.pop();
    }
    Flow { rows, pieces }
}

/// Places the word at the end of the text, on a new row if it does not fit.
fn flush(word: &mut Vec<Placed>, rows: &mut Vec<Vec<Placed>>, x: &mut u16, width: u16) {
    if word.is_empty() {
        return;
    }
    // A space at the end of a row may hang over; it is dropped there by the room check below.
    let solid: u32 = word
        .iter()
        .filter(|placed| placed.glyph.kind != GlyphKind::Space)
        .map(|placed| u32::from(placed.glyph.width))
        .sum();
    if *x > 0 && u32::from(*x) + solid > u32::from(width) {
        rows.push(Vec::new());
        *x = 0;
    }
    for mut placed in word.drain(..) {
        let cells = placed.glyph.width;
        if *x > 0 && u32::from(*x) + u32::from(cells) > u32::from(width) {
            rows.push(Vec::new());
            *x = 0;
        }
        if cells > width {
            // Wider than a whole row: cut, so that it is seen at all.
            placed.glyph.symbol = super::text::fit(&placed.glyph.symbol, usize::from(width)).into();
            placed.glyph.width =
                u16::try_from(super::text::width(&placed.glyph.symbol)).unwrap_or(width);
        }
        placed.x = *x;
        *x += placed.glyph.width;
        if let Some(row) = rows.last_mut() {
            row.push(placed);
        }
    }
}

impl Flow {
    /// The piece that holds a position: its own or the folded run it lies in.
    pub fn piece_of(&self, position: usize) -> Option<usize> {
        // Pieces are in the order of positions.
        let holds = |piece: &FlowPiece| {
            piece
                .position
                .is_some_and(|first| first <= position && position <= piece.folded.unwrap_or(first))
        };
        let after = self
            .pieces
            .partition_point(|piece| piece.position.is_none_or(|first| first <= position));
        let index = after.checked_sub(1)?;
        holds(&self.pieces[index]).then_some(index)
    }

    /// Row and first column of a position; a piece without glyphs is where the one before is.
    pub fn place(&self, position: usize) -> Option<(usize, u16)> {
        let piece = self.piece_of(position)?;
        let mut found = None;
        for (y, row) in self.rows.iter().enumerate() {
            for placed in row {
                if placed.piece > piece {
                    return found;
                }
                if placed.piece == piece {
                    return Some((y, placed.x));
                }
                found = Some((y, placed.x));
            }
        }
        found
    }

    /// The position under a cell.
    pub fn hit(&self, row: usize, x: u16) -> Option<usize> {
        let placed = self
            .rows
            .get(row)?
            .iter()
            .find(|placed| placed.x <= x && x < placed.x.saturating_add(placed.glyph.width))?;
        self.pieces[placed.piece].position
    }

    /// The position nearest to a column in a row.
    pub fn nearest(&self, row: usize, x: u16) -> Option<usize> {
        let row = self.rows.get(row)?;
        row.iter()
            .filter(|placed| self.pieces[placed.piece].position.is_some())
            .min_by_key(|placed| placed.x.abs_diff(x))
            .and_then(|placed| self.pieces[placed.piece].position)
    }
}
