//! Keys and clicks in the list.

use std::path::PathBuf;

use crossterm::event::{Event as TerminalEvent, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use tui_input::{Input, backend::crossterm::EventHandler};

use super::{FolderScreen, ListMode, columns::ShownColumn, draw};
use crate::{
    folder::{RowState, RunColumn, RunFilter},
    tui::app::{Action, interface::Effect},
};

/// Runs that are shown side by side, at most: each is held in memory whole.
const MOST_COMPARED: usize = 16;

/// Rows that the wheel moves by.
const WHEEL: isize = 3;

/// Most characters pasted at once.
const LONGEST_TEXT: usize = 1 << 12;

impl FolderScreen {
    pub(super) fn press(&mut self, key: KeyEvent, effects: &mut Vec<Effect>) {
        let typing = matches!(self.mode, ListMode::Name(_) | ListMode::Filter(_));
        let action = match typing {
            true => self.keymap.typing(&key),
            false => self.keymap.pressed(&key).and_then(|row| row.action),
        };
        match action {
            Some(Action::Interrupt) if std::mem::replace(&mut self.interrupted, true) => {
                return effects.push(Effect::Quit);
            }
            Some(Action::Interrupt) => {
                self.opening = None;
                let key = self.keymap.first(Action::Interrupt);
                return self.say(format!("{key} again quits"));
            }
            Some(Action::Suspend) => return effects.push(Effect::Suspend),
            Some(Action::Redraw) => return effects.push(Effect::Redraw),
            Some(Action::SelectText) => return effects.push(Effect::ToggleMouse),
            _ => {}
        }
        self.interrupted = false;
        self.message = None;
        match std::mem::replace(&mut self.mode, ListMode::List) {
            ListMode::Help => {
                let closes = [Action::Help, Action::Escape, Action::Quit, Action::Enter];
                if !action.is_some_and(|action| closes.contains(&action)) {
                    self.mode = ListMode::Help;
                }
            }
            ListMode::Name(input) => self.type_name(key, action, input),
            ListMode::Filter(input) => self.type_filter(key, action, input),
            ListMode::List => match action {
                Some(action) => self.act(action, effects),
                None => self.say("no key of this list"),
            },
        }
    }

    fn act(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let page = isize::try_from(draw::rows_shown(self).max(2) - 1).unwrap_or(1);
        match action {
            Action::Up => self.list.select_by(-1),
            Action::Down => self.list.select_by(1),
            Action::PreviousBlock => self.list.select_by(-page),
            Action::NextBlock => self.list.select_by(page),
            Action::First => self.list.select(0),
            Action::Last => self.list.select(usize::MAX),
            Action::Left | Action::Right => {
                let (column, _) = self.list.order();
                let all = RunColumn::ALL;
                let at = all.iter().position(|one| *one == column).unwrap_or(0);
                let step = if action == Action::Left { all.len() - 1 } else { 1 };
                let column = all[(at + step) % all.len()];
                // What there is much of is looked for first.
                self.list.order_by(column, column.is_number());
                self.say_order();
            }
            Action::Less | Action::More => {
                let (column, _) = self.list.order();
                self.list.order_by(column, action == Action::More);
                self.say_order();
            }
            Action::Search => self.mode = ListMode::Name(Input::new(self.list.name().to_owned())),
            Action::Command => self.mode = ListMode::Filter(Input::new(self.filter.clone())),
            Action::RunPause => match self.list.mark() {
                true => self.list.select_by(1),
                false => self.say("only a run that is read can be marked"),
            },
            Action::Enter => self.open_selected(),
            Action::Exact => self.compare_marked(),
            Action::Escape => self.escape(),
            Action::Help => self.mode = ListMode::Help,
            Action::Quit => effects.push(Effect::Quit),
            _ => self.say("this key does nothing in the list of a folder"),
        }
    }

    fn say_order(&mut self) {
        let (column, descending) = self.list.order();
        let (less, more) = (self.keymap.first(Action::Less), self.keymap.first(Action::More));
        let way = match descending {
            true => format!("the largest first; {less} the smallest first"),
            false => format!("the smallest first; {more} the largest first"),
        };
        self.say(format!("sorted by {}, {way}", column.heading()));
    }

    /// Stops the first thing that there is to be stopped.
    fn escape(&mut self) {
        if self.opening.take().is_some() {
            return self.say("stopped opening");
        }
        let filtered = !self.filter.is_empty() || !self.list.name().is_empty();
        if filtered {
            self.filter.clear();
            self.filter_by(None);
            self.list.filter_name("");
            self.say("all runs are shown");
        } else if self.list.unmark() {
            self.say("no run is marked");
        } else {
            let quit = self.keymap.first(Action::Quit);
            self.say(format!("{quit} quits"));
        }
    }

    fn open_selected(&mut self) {
        let Some(row) = self.list.selected() else {
            return self.say("there is no run to open");
        };
        match &row.state {
            // One that is not read yet may be opened all the same.
            RowState::Read(_) | RowState::Waiting => {
                let (path, name) = (row.file.path.clone(), row.name().to_owned());
                self.begin_to_open(vec![path], name);
            }
            RowState::Broken(_) | RowState::Importable(_) | RowState::Other => {
                let words = row.words().unwrap_or_default();
                self.complain(words);
            }
        }
    }

    fn compare_marked(&mut self) {
        let mut paths: Vec<PathBuf> = self.list.marked().map(ToOwned::to_owned).collect();
        let selected = self.list.selected().filter(|row| row.run().is_some());
        let selected = selected.map(|row| row.file.path.clone());
        if let (1, Some(selected)) = (paths.len(), selected)
            && !paths.contains(&selected)
        {
            paths.push(selected);
        }
        let mark = self.keymap.first(Action::RunPause);
        match paths.len() {
            0 | 1 => self.say(format!("mark the runs to be compared with {mark}, two or more")),
            2..=MOST_COMPARED => {
                let name = format!("{} runs", paths.len());
                self.begin_to_open(paths, name);
            }
            marked => self.say(format!(
                "{marked} runs are marked, at most {MOST_COMPARED} are shown side by side: unmark some \
                 with {mark}"
            )),
        }
    }

    /// A key while a text is typed that names must hold: the list follows.
    fn type_name(&mut self, key: KeyEvent, action: Option<Action>, mut input: Input) {
        match action {
            Some(Action::Enter) => {}
            Some(Action::Escape) => self.list.filter_name(""),
            _ => {
                input.handle_event(&TerminalEvent::Key(key));
                self.list.filter_name(input.value());
                self.mode = ListMode::Name(input);
            }
        }
    }

    /// A key while a condition or query is typed.
    fn type_filter(&mut self, key: KeyEvent, action: Option<Action>, mut input: Input) {
        match action {
            Some(Action::Enter) => {
                let text = input.value().trim().to_owned();
                if text.is_empty() {
                    self.filter.clear();
                    return self.filter_by(None);
                }
                match RunFilter::parse(&text) {
                    Ok(filter) => {
                        self.filter = text;
                        self.filter_by(Some(filter));
                    }
                    Err(error) => {
                        let near = text.get(error.at.start..).unwrap_or_default().trim();
                        let near = if near.is_empty() { "the end" } else { near };
                        self.complain(format!("{} (at: {near})", error.message));
                        self.mode = ListMode::Filter(input);
                    }
                }
            }
            Some(Action::Escape) => {}
            _ => {
                input.handle_event(&TerminalEvent::Key(key));
                self.mode = ListMode::Filter(input);
            }
        }
    }

    /// Keeps the runs that meet a filter: every file is asked again.
    fn filter_by(&mut self, filter: Option<RunFilter>) {
        let Some(watch) = &self.watch else { return };
        let number = watch.filter(filter);
        self.list.filter_runs(number);
    }

    pub(super) fn paste(&mut self, text: &str) {
        // A line editor has one line.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let pasted: String = text.chars().map(plain).take(LONGEST_TEXT).collect();
        let joined = |input: &Input| {
            let at = input.cursor();
            let before: String = input.value().chars().take(at).collect();
            let behind: String = input.value().chars().skip(at).collect();
            let cursor = at + pasted.chars().count();
            Input::new(format!("{before}{pasted}{behind}")).with_cursor(cursor)
        };
        match &mut self.mode {
            ListMode::Filter(input) => *input = joined(input),
            ListMode::Name(input) => {
                *input = joined(input);
                let name = input.value().to_owned();
                self.list.filter_name(&name);
            }
            ListMode::List | ListMode::Help => {}
        }
    }

    /// A click selects a row, and opens the one selected; on a heading it sorts, and on a hint it does what the
    /// key does. The wheel moves the selection.
    pub(super) fn click(&mut self, mouse: MouseEvent, effects: &mut Vec<Effect>) {
        let pressed = matches!(mouse.kind, MouseEventKind::Down(_));
        if matches!(self.mode, ListMode::Help) {
            if pressed {
                self.mode = ListMode::List;
            }
            return;
        }
        let under = draw::hit(self, mouse.column, mouse.row).filter(|_| pressed);
        if pressed {
            self.message = None;
        }
        match mouse.kind {
            MouseEventKind::ScrollDown => self.list.select_by(WHEEL),
            MouseEventKind::ScrollUp => self.list.select_by(-WHEEL),
            MouseEventKind::Down(MouseButton::Left) => match under {
                Some(draw::ListHit::Row(row)) if self.list.row_selected() == Some(row) => {
                    self.open_selected();
                }
                Some(draw::ListHit::Row(row)) => self.list.select(row),
                Some(draw::ListHit::Heading(ShownColumn::Of(column))) => {
                    let (now, descending) = self.list.order();
                    let turned = if now == column { !descending } else { column.is_number() };
                    self.list.order_by(column, turned);
                    self.say_order();
                }
                Some(draw::ListHit::Hint(Action::SelectText)) => {
                    effects.push(Effect::ToggleMouse);
                }
                Some(draw::ListHit::Hint(action)) => self.act(action, effects),
                Some(draw::ListHit::Heading(ShownColumn::Curve)) | None => {}
            },
            _ => {}
        }
    }
}
