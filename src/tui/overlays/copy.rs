//! Copying out of the program: what, is asked in a box and answered by a letter.

use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent};

use ratatui::layout::Rect;

use super::super::{
    app::{App, InputMode, interface::Effect, pane::Pane, view::LinkedView},
    paint::{
        pen::Pen,
        popup::KeyQuestion,
        text::{fit, safe},
    },
    panes::{inspector, view},
};
use crate::{
    canvas::{Cell, TokenId},
    debugger::PositionRef,
    escape::one_line,
    predict::{Column, Prediction},
};

/// A letter, what it copies, and the text of that; `None` where there is none.
type Copied = (char, &'static str, fn(&App) -> Option<String>);

const CHOICES: [Copied; 9] = [
    ('t', "token", |app| token(app).map(|token| app.debugger.vocabulary.text(&[token]))),
    ('i', "id", |app| token(app).map(|token| token.to_string())),
    ('w', "why", why),
    ('r', "row", row),
    ('a', "answer", |app| Some(app.debugger.answer())),
    ('n', "its ids", |app| Some(ids(app))),
    ('s', "commands", |app| Some(app.running.script.join("\n"))),
    ('c', "shell command", shell_command),
    ('l', "link", link),
];

/// Asks what to copy.
pub(in crate::tui) fn ask(app: &mut App, _: &mut Vec<Effect>) {
    app.top.mode = InputMode::Copy;
}

/// Draws the letters there are, each with the beginning of what it copies.
pub(in crate::tui) fn draw(app: &App, pen: &mut Pen, screen: Rect) {
    let answers = CHOICES.map(|(letter, name, text)| {
        let text = text(app).unwrap_or_default();
        let text: String = text.chars().take(200).collect();
        let text = safe(&one_line(&text), app.theme.ascii());
        (letter.to_string(), name.to_owned(), text)
    });
    KeyQuestion { title: " Copy ", about: &[], answers: &answers }.draw(pen, screen);
}

/// Copies what the letter says; another key copies nothing.
pub(in crate::tui) fn press(app: &mut App, key: KeyEvent, effects: &mut Vec<Effect>) {
    let chosen = CHOICES.iter().find(|(letter, ..)| key.code == KeyCode::Char(*letter));
    let Some((_, name, text)) = chosen else { return };
    match text(app).filter(|text| !text.is_empty()) {
        None => app.say(format!("there is nothing to copy: {name}")),
        Some(text) => {
            app.say(format!("copied: {}", fit(&one_line(&text), 60)));
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

/// The row under the cursor: the text of a list entry, else the position's numbers below their names,
/// separated by tabs.
fn row(app: &App) -> Option<String> {
    match app.display.focus {
        pane if pane == Pane::SESSION => {
            let entries = app.entries();
            Some(entries.get(app.display.found.line)?.text.trim().to_owned())
        }
        pane if pane == Pane::LOG => {
            let lines = app.log();
            let entry = lines.get(app.log_cursor(&lines))?;
            Some(format!("{}\t{}", entry.step, entry.text))
        }
        pane if pane == Pane::PARAMETERS => {
            let (spec, value) = app.debugger.session.params().iter().nth(app.display.param)?;
            Some(format!("{}\t{value}", spec.name))
        }
        _ => position(app),
    }
}

/// The position under the cursor with its numbers. What is not known is empty.
fn position(app: &App) -> Option<String> {
    let cell: &Cell = app.canvas().cells().get(app.display.position)?;
    let (prediction, at) = inspector::candidates(app, cell);
    let number = |column: Column| {
        let numbers =
            prediction.as_deref().and_then(|known: &Prediction| known.numbers(column).ok());
        let number =
            numbers.and_then(|numbers| numbers.get(at)).filter(|number| number.is_finite());
        number.map(f32::to_string).unwrap_or_default()
    };
    let token = token(app);
    let text = token.map(|token| app.debugger.vocabulary.text(&[token])).unwrap_or_default();
    let why = why(app).unwrap_or_default();
    let fields = [
        ("step", app.step().to_string()),
        ("position", app.display.position.to_string()),
        ("slot", cell.slot.0.to_string()),
        ("token", token.map(|token| token.to_string()).unwrap_or_default()),
        ("text", one_line(&text)),
        ("masked", (cell.token == app.canvas().special().mask).to_string()),
        ("p_choice", number(Column::PChoice)),
        ("p_eos", number(Column::PEos)),
        ("entropy", number(Column::Entropy)),
        ("margin", number(Column::Margin)),
        ("why", why.lines().collect::<Vec<_>>().join(" · ")),
    ];
    let line =
        |of: fn(&(&str, String)) -> String| fields.iter().map(of).collect::<Vec<_>>().join("\t");
    Some(format!("{}\n{}", line(|(name, _)| (*name).to_owned()), line(|(_, value)| value.clone())))
}

/// What shows this run at this step again, typed in a shell: how it was started, and what was done since.
fn shell_command(app: &App) -> Option<String> {
    let mut words = app.debugger.host.started_as()?;
    let mut commands = app.running.script.clone();
    // Also on which branch, and where a run was paused on its way, which no command says.
    let LinkedView { branch, .. } = here(app);
    commands.extend(branch.map(|number| format!("switch {number}")));
    commands.push(format!("goto {}", app.step()));
    words.extend(["--exec".to_owned(), commands.join("; ")]);
    shlex::try_join(words.iter().map(String::as_str)).ok()
}

/// What `demask replay` opens here, quoted for a shell, if all of the run is in a file.
fn link(app: &App) -> Option<String> {
    if !app.all_saved() {
        return None;
    }
    let file = app.recorded_in().map(Path::to_owned).or_else(|| app.debugger.host.file())?;
    let link = format!("{}#{}", file.display(), here(app));
    Some(shlex::try_quote(&link).ok()?.into_owned())
}

/// Where one is, as the end of a link.
pub(in crate::tui) fn here(app: &App) -> LinkedView {
    let branches = app.debugger.session.timeline().branches().len();
    let branch = app.debugger.current_branch().filter(|_| branches > 1);
    LinkedView {
        branch: branch.map(|(at, _)| at + 1),
        step: Some(app.step() as usize),
        position: Some(app.display.position),
        ..view::linked(app)
    }
}
