//! Typing what to search for: a text or a token id, on the canvas as it reads, or in the log.

use crossterm::event::KeyEvent;
use tui_input::Input;

use super::{
    super::app::{Action, App, InputMode, search::Search},
    typing,
};

/// A key while something to search for is typed: the matches show as it grows.
pub(in crate::tui) fn press(app: &mut App, key: KeyEvent, action: Option<Action>, input: Input) {
    if action == Some(Action::Escape) {
        app.display.search = Search::default();
        return;
    }
    typing::edit(app, key, action, input, InputMode::Search, taken);
    if let InputMode::Search(input) = &app.top.mode {
        app.display.search.wanted = input.value().to_owned();
        app.look_for();
    }
}

fn taken(app: &mut App, input: Input) -> Option<Input> {
    // Nothing typed searches for the same again.
    if !input.value().is_empty() {
        app.display.search.wanted = input.value().to_owned();
    }
    app.look_for();
    app.next_match(true);
    None
}
