//! Copying out of the program: what, is asked on the line of messages and answered by a letter.

use crossterm::event::{KeyCode, KeyEvent};

use super::super::{
    app::{App, InputMode, interface::Effect},
    paint::text::fit,
    panes::inspector,
};
use crate::{canvas::TokenId, debugger::PositionRef};

/// A letter, what it copies, and the text of that; `None` where there is none.
type Copied = (char, &'static str, fn(&App) -> Option<String>);

const CHOICES: [Copied; 6] = [
    ('t', "token", |app| token(app).map(|token| app.debugger.vocabulary.text(&[token]))),
    ('i', "id", |app| token(app).map(|token| token.to_string())),
    ('w', "why", why),
    ('a', "answer", |app| Some(app.debugger.answer())),
    ('n', "its ids", |app| Some(ids(app))),
    ('s', "commands", |app| Some(app.running.script.join("\n"))),
];

/// Asks what to copy.
pub(in crate::tui) fn ask(app: &mut App, _: &mut Vec<Effect>) {
    app.top.mode = InputMode::Copy;
}

/// The letters there are.
pub(in crate::tui) fn question() -> String {
    let letters = CHOICES.map(|(letter, name, _)| format!("{letter} {name}"));
    format!("Copy: {} · Esc nothing", letters.join(" · "))
}

/// Copies what the letter says; another key copies nothing.
pub(in crate::tui) fn press(app: &mut App, key: KeyEvent, effects: &mut Vec<Effect>) {
    let chosen = CHOICES.iter().find(|(letter, ..)| key.code == KeyCode::Char(*letter));
    let Some((_, name, text)) = chosen else { return };
    match text(app).filter(|text| !text.is_empty()) {
        None => app.say(format!("there is nothing to copy: {name}")),
        Some(text) => {
            app.say(format!("copied: {}", fit(&text.escape_debug().to_string(), 60)));
            effects.push(Effect::Copy(text));
        }
    }
}

/// The token under the cursor; of a mask the one that is to be written, or the likeliest.
fn token(app: &App) -> Option<TokenId> {
    let cell = app.canvas().cells().get(app.display.position)?;
    if cell.token != app.canvas().special().mask {
        return Some(cell.token);
    }
    let (prediction, position) = inspector::candidates(app, cell);
    prediction?.top_k(position).first().map(|&(token, _)| token)
}

fn why(app: &App) -> Option<String> {
    let slot = app.display.slot?;
    let reply = app.debugger.why(PositionRef::Slot(slot)).ok()?;
    Some(reply.lines.join("\n"))
}

/// The ids of the answer as it stands, without its tail.
fn ids(app: &App) -> String {
    let ids = &app.canvas().tokens()[..app.canvas().tail()];
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
