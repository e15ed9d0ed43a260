//! Line editors: a parameter's value, the prompt, a note.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, backend::crossterm::EventHandler};

use super::super::{
    app::{Action, App, InputMode},
    panes::params::changed,
};
use crate::debugger::{Command, PositionRef};

/// Most characters pasted at once: more than any context holds.
const LONGEST_TEXT: usize = 1 << 16;

/// A key in a line editor: Enter takes the text, Esc leaves, the rest edits.
pub(in crate::tui) fn edit(
    app: &mut App,
    key: KeyEvent,
    action: Option<Action>,
    mut input: Input,
    mode: fn(Input) -> InputMode,
    take: fn(&mut App, Input) -> Option<Input>,
) {
    match action {
        Some(Action::Enter) => {
            if let Some(input) = take(app, input) {
                app.top.mode = mode(input);
            }
        }
        Some(Action::Escape) => {}
        _ => {
            // Held with Ctrl, letters edit.
            let typed = match key.code {
                KeyCode::Char(c) if key.modifiers.difference(KeyModifiers::SHIFT).is_empty() => {
                    Some(c)
                }
                _ => None,
            };
            if typed.is_none_or(|c| fits(&mode(Input::default()), c)) {
                input.handle_event(&TerminalEvent::Key(key));
            }
            app.top.mode = mode(input);
        }
    }
}

/// True if a character may be typed: a value takes those that numbers have.
fn fits(mode: &InputMode, c: char) -> bool {
    !matches!(mode, InputMode::Value(_)) || matches!(c, '0'..='9' | '.' | '-' | '+' | 'e' | 'E')
}

/// Takes a typed value; gives it back if it is none. Without one, the old one stays.
pub(in crate::tui) fn value_typed(app: &mut App, input: Input) -> Option<Input> {
    if input.value().is_empty() {
        return None;
    }
    let spec = *app.debugger.session.params().specs().get(app.display.param)?;
    if app.run(Command::set(spec.name, input.value()), &mut Vec::new()) {
        changed(app);
        return None;
    }
    Some(input)
}

/// Takes a typed prompt and starts a run with it; gives it back if it cannot be.
pub(in crate::tui) fn prompt_typed(app: &mut App, input: Input) -> Option<Input> {
    if app.run(Command::prompt(input.value()), &mut Vec::new()) { None } else { Some(input) }
}

/// Writes a typed note on the position under the cursor; an empty one removes what was there.
pub(in crate::tui) fn note_typed(app: &mut App, input: Input) -> Option<Input> {
    let at = PositionRef::Slot(app.display.slot?);
    let command = match input.value().trim() {
        "" if note_here(app).is_none() => return None,
        "" => Command::unnote(at),
        text => Command::note(at, text),
    };
    if app.run(command, &mut Vec::new()) { None } else { Some(input) }
}

/// The note on the position under the cursor at the step on the screen.
pub(in crate::tui) fn note_here(app: &App) -> Option<&str> {
    let session = &app.debugger.session;
    let mut notes = session.timeline().notes_at(session.at());
    notes.find(|&(slot, _)| Some(slot) == app.display.slot).map(|(_, text)| text)
}

pub(in crate::tui) fn paste(app: &mut App, text: &str) {
    // A line editor has one line. Put in at once: one by one is quadratic in the editor.
    let pasted: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| fits(&app.top.mode, *c))
        .take(LONGEST_TEXT)
        .collect();
    let cut = text.chars().nth(LONGEST_TEXT).is_some();
    let input = match &mut app.top.mode {
        InputMode::Value(input)
        | InputMode::Prompt(input)
        | InputMode::Note(input)
        | InputMode::Search(input) => input,
        InputMode::Command(line) => &mut line.input,
        InputMode::Pick(picker) => &mut picker.input,
        InputMode::Help(view) if view.typing => &mut view.search,
        InputMode::Normal | InputMode::Help(_) | InputMode::Copy | InputMode::Leaving => return,
    };
    {
        let at = input.cursor();
        let before: String = input.value().chars().take(at).collect();
        let behind: String = input.value().chars().skip(at).collect();
        let cursor = at + pasted.chars().count();
        *input = Input::new(format!("{before}{pasted}{behind}")).with_cursor(cursor);
        if cut {
            app.say(format!("only the first {LONGEST_TEXT} characters were pasted"));
        }
    }
}
