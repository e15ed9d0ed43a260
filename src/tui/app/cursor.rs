//! The cursor: a position, which keeps its identity when others are inserted before it.

use super::{
    Action, App,
    history::{LogEntry, LogKind},
    interface::Effect,
};
use crate::{
    canvas::{Edit, Origin, Slot},
    debugger::{Command, PositionRef},
};

impl App {
    /// After the canvas changed: the cursor goes to what happens if it follows, else it stays on
    /// its slot, or on what became of it.
    pub(in crate::tui) fn follow_slot(&mut self) {
        if self.display.follow
            && let Some(&position) = self.touched().first()
        {
            self.place(position);
            return;
        }
        let canvas = self.debugger.session.canvas();
        let known = |slot: Slot| canvas.position(slot);
        let position = self.display.slot.and_then(|slot| {
            known(slot)
                .or_else(|| {
                    // Expanded since: its first successor.
                    let successor = canvas
                        .cells()
                        .iter()
                        .find(|cell| self.ancestors(cell.slot).any(|ancestor| ancestor == slot));
                    successor.and_then(|cell| known(cell.slot))
                })
                .or_else(|| self.ancestors(slot).find_map(known))
        });
        let last = canvas.len().saturating_sub(1);
        self.display.position = position.unwrap_or(self.display.position).min(last);
        self.display.slot = canvas.cells().get(self.display.position).map(|cell| cell.slot);
    }

    /// The slots a slot was made from, nearest first.
    fn ancestors(&self, slot: Slot) -> impl Iterator<Item = Slot> + '_ {
        std::iter::successors(self.history.columns.origin.get(&slot).copied(), |slot| {
            self.history.columns.origin.get(slot).copied()
        })
    }

    /// Puts the cursor on a position.
    pub(in crate::tui) fn place(&mut self, position: usize) {
        let last = self.canvas().len().saturating_sub(1);
        self.display.position = position.min(last);
        self.display.slot = self.canvas().cells().get(self.display.position).map(|cell| cell.slot);
        self.display.scroll = None;
    }

    /// Puts the cursor on a position by hand: it follows no more.
    pub(in crate::tui) fn put(&mut self, position: usize) {
        self.display.follow = false;
        self.place(position);
    }

    /// Positions that the pending step changes, in order.
    pub(in crate::tui) fn touched(&self) -> Vec<usize> {
        let Some(decision) = self.decision() else { return Vec::new() };
        let mut touched: Vec<usize> = decision
            .edits
            .iter()
            .filter_map(|edit| match *edit {
                Edit::Fill { slot, .. }
                | Edit::Replace { slot, .. }
                | Edit::Remask { slot }
                | Edit::Expand { slot, .. }
                | Edit::Split { slot, .. }
                | Edit::Insert { slot, .. }
                | Edit::Delete { slot } => self.canvas().position(slot),
                Edit::Append { .. }
                | Edit::Truncate { .. }
                | Edit::Override { .. }
                | Edit::Veto { .. } => None,
            })
            .collect();
        touched.sort_unstable();
        touched
    }

    /// Moves the cursor to the next block, or to the start of this one or of the one before.
    pub(in crate::tui) fn move_to_block(&mut self, next: bool) {
        let (at, blocks) = (self.display.position, self.blocks());
        self.put(match next {
            true => blocks.around(at).end,
            false => blocks.around(at.saturating_sub(1)).start,
        });
    }

    /// Moves the cursor to the next position that the pending step changes, or the one before.
    pub(in crate::tui) fn move_to_touched(&mut self, next: bool) {
        let at = self.display.position;
        let mut touched = self.touched().into_iter();
        let to = match next {
            true => touched.find(|&position| position > at),
            false => touched.rfind(|&position| position < at),
        };
        self.put(to.unwrap_or(at));
    }

    /// Moves the cursor to the next word, or the one before.
    pub(in crate::tui) fn move_to_word(&mut self, next: bool) {
        let at = self.display.position;
        let starts = |position: &usize| self.starts_word(*position);
        self.put(match next {
            true => (at + 1..self.canvas().len()).find(starts).unwrap_or(usize::MAX),
            false => (0..at).rfind(starts).unwrap_or(0),
        });
    }

    /// True if a new word starts at this position: its text begins with white space.
    fn starts_word(&self, position: usize) -> bool {
        let guess = self.token_at(position);
        let text = guess
            .and_then(|token| self.debugger.vocabulary.piece(token))
            .map(|piece| String::from_utf8_lossy(piece.bytes()).into_owned());
        text.is_none_or(|text| text.starts_with(char::is_whitespace))
    }

    /// Moves up or down where a row is a block; false if the action is another.
    pub(in crate::tui) fn move_by_block(&mut self, action: Action) -> bool {
        let (at, width) = (self.display.position, self.blocks().width());
        let last = self.canvas().len().saturating_sub(1);
        let to = match action {
            Action::Up => at.checked_sub(width),
            Action::Down => at.checked_add(width).filter(|&to| to <= last),
            _ => return false,
        };
        self.put(to.unwrap_or(self.display.position));
        true
    }

    /// Enter on a position: goes to where it was written, or else inserted, to just before that
    /// step, where its reasons are on screen. False if the action is another.
    pub(in crate::tui) fn enter_position(&mut self, action: Action) -> bool {
        if action != Action::Enter {
            return false;
        }
        let Some(cell) = self.canvas().cells().get(self.display.position).copied() else {
            return true;
        };
        let step = cell.filled.or(match cell.origin {
            Origin::Start | Origin::Given => None,
            Origin::Appended { step } | Origin::Inserted { step, .. } | Origin::ByHand { step } => {
                Some(step)
            }
        });
        match step.and_then(|step| step.checked_sub(1)) {
            Some(step) => {
                self.display.follow = false;
                self.go_step(step as usize);
            }
            None => self.say("this position is there from the start and still masked"),
        }
        true
    }

    /// Carries out a command that edits the position under the cursor.
    pub(in crate::tui) fn edit(
        &mut self,
        command: impl FnOnce(PositionRef) -> Command,
        effects: &mut Vec<Effect>,
    ) {
        let Some(cell) = self.canvas().cells().get(self.display.position) else { return };
        let command = command(PositionRef::Slot(cell.slot));
        self.display.follow = false;
        if self.run(command, effects) {
            let last = self.history.moments.get(self.step() as usize);
            let edit = |entry: &&LogEntry| entry.kind == LogKind::Edit;
            if let Some(entry) = last.and_then(|moment| moment.entries.iter().find(edit)) {
                let text = format!("{} · u takes it back", entry.text);
                self.say(text);
            }
        }
    }
}
