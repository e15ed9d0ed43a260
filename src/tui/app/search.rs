//! What is searched for on the canvas, and where it stands.

use super::App;
use crate::predict::Piece;

/// What is searched for, and where it stands.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The text; empty for nothing.
    pub wanted: String,
    /// The positions it covers on the canvas.
    pub positions: Vec<usize>,
    /// The first position of each place it stands.
    pub starts: Vec<usize>,
}

impl Search {
    /// True if a match covers a position.
    pub fn covers(&self, position: usize) -> bool {
        self.positions.binary_search(&position).is_ok()
    }
}

impl App {
    /// Finds every place on the canvas where the text stands.
    pub(in crate::tui) fn look_for(&mut self) {
        self.display.search.positions.clear();
        self.display.search.starts.clear();
        let wanted = self.display.search.wanted.to_lowercase();
        if wanted.is_empty() {
            return;
        }
        let id = wanted.strip_prefix("id:").and_then(|id| id.trim().parse().ok());
        let (mut text, mut owner) = (String::new(), Vec::new());
        for position in 0..self.canvas().len() {
            let Some(token) = self.token_at(position) else {
                // Nothing is known of it: it parts what stands around it.
                text.push('\u{0}');
                owner.push(position);
                continue;
            };
            if id == Some(token) {
                self.display.search.starts.push(position);
                self.display.search.positions.push(position);
            }
            let piece = match self.debugger.vocabulary.piece(token) {
                Some(Piece::Text(piece)) => piece.to_lowercase(),
                _ => "\u{0}".to_owned(),
            };
            owner.extend(std::iter::repeat_n(position, piece.len()));
            text.push_str(&piece);
        }
        if id.is_some() {
            return;
        }
        for (at, found) in text.match_indices(&wanted) {
            let covered = &owner[at..at + found.len()];
            self.display.search.starts.extend(covered.first());
            self.display.search.positions.extend_from_slice(covered);
        }
        self.display.search.positions.dedup();
        self.display.search.starts.dedup();
    }

    /// Goes to the last place where `text` stands.
    pub(in crate::tui) fn find_last(&mut self, text: String) {
        self.display.search.wanted = text;
        self.look_for();
        self.display.position = 0;
        self.next_match(false);
    }

    /// Goes to the next place, or the one before; around the end.
    pub(in crate::tui) fn next_match(&mut self, on: bool) {
        if self.display.search.wanted.is_empty() {
            return self.say("nothing is searched for; / begins");
        }
        let pane = self.display.focus;
        if pane.next_match(self, on) {
            return;
        }
        let starts = &self.display.search.starts;
        let found = match on {
            true => starts.iter().find(|&&at| at > self.display.position).or(starts.first()),
            false => starts.iter().rev().find(|&&at| at < self.display.position).or(starts.last()),
        };
        match found.copied() {
            Some(position) => {
                let place = starts.iter().position(|&at| at == position).map_or(0, |at| at + 1);
                let text =
                    format!("{place} of {} for “{}”", starts.len(), self.display.search.wanted);
                self.put(position);
                self.say(text);
            }
            None => {
                let text = format!("“{}” is not on this canvas", self.display.search.wanted);
                self.say(text);
            }
        }
    }
}
