//! The command line: every command and every key by name, with completion. It is the
//! palette, too: with nothing typed it lists all there is.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use tui_input::{Input, backend::crossterm::EventHandler};

use super::super::{
    app::{App, InputMode, branches, interface::Effect, keymap, mode::CommandLine},
    paint::{pen::Pen, popup, text, theme::Role},
};
use crate::{
    debugger::{COMMANDS, ScreenContext, find_command, parse, statements},
    inspect::{self, language::Candidate},
    session::Branch,
};

/// Most candidates shown at once.
const ROWS: u16 = 12;

/// What may come next, and where the part it replaces begins.
pub fn candidates(app: &App, line: &str) -> (usize, Vec<Candidate>) {
    let start = line.len() - line.trim_start().len();
    let body = &line[start..];
    let Some(end) = body.find(char::is_whitespace) else {
        return (start, names(app, body));
    };
    let Some(spec) = find_command(&body[..end]) else { return (line.len(), Vec::new()) };
    let offset = line.len() - body[end..].trim_start().len();
    let rest = &line[offset..];
    let branch_name = |branch: &Branch| branches::name_of(app, branch.tip, branch.shared);
    let screen = ScreenContext { position: app.display.position, branch_name: &branch_name };
    let completion = app.debugger.complete(spec, rest, screen);
    (offset + completion.from, completion.candidates)
}

fn candidate(text: impl Into<String>, help: impl Into<String>) -> Candidate {
    Candidate { text: text.into(), help: help.into() }
}

/// Commands, then actions that are no command, best matches first.
fn names(app: &App, begun: &str) -> Vec<Candidate> {
    let commands = COMMANDS.iter().map(|spec| {
        let usage = spec.arguments_usage();
        let usage = if usage.is_empty() { usage } else { format!("{usage} · ") };
        candidate(spec.name, format!("{usage}{}", spec.help))
    });
    let rows = app.keymap.rows().filter(|(row, _)| find_command(row.name).is_none());
    let actions = rows.map(|(row, keys)| {
        let keys = keymap::names(keys);
        let keys = if keys.is_empty() { String::new() } else { format!("{keys} · ") };
        candidate(row.name, format!("{keys}{}", row.help))
    });
    let all: Vec<Candidate> = commands.chain(actions).collect();
    let mut found: Vec<Candidate> =
        all.iter().filter(|one| one.text.starts_with(begun)).cloned().collect();
    let other = |one: &&Candidate| !one.text.starts_with(begun);
    // Then those that have it anywhere, then those that speak of it.
    found.extend(all.iter().filter(other).filter(|one| one.text.contains(begun)).cloned());
    found.extend(
        all.iter()
            .filter(other)
            .filter(|one| !one.text.contains(begun) && speaks_of(one, begun))
            .cloned(),
    );
    if found.is_empty() { near(&all, begun) } else { found }
}

/// True if its name or its help has what was typed.
fn speaks_of(one: &Candidate, begun: &str) -> bool {
    one.text.contains(begun) || one.help.contains(begun)
}

/// Most names proposed for one that there is not.
const NEAR: usize = 5;
/// How alike they are at least, 0..=1.
const ALIKE: f64 = 0.6;

/// The names most like one that there is not.
fn near(all: &[Candidate], begun: &str) -> Vec<Candidate> {
    let alike = all.iter().map(|one| (strsim::jaro_winkler(&one.text, begun), one));
    let mut alike: Vec<(f64, &Candidate)> = alike.filter(|(alike, _)| *alike > ALIKE).collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    alike.into_iter().take(NEAR).map(|(_, one)| one.clone()).collect()
}

/// What is shown where nothing can be listed: how the command is written, or that there is none.
fn instead(line: &str) -> Candidate {
    let name = line.split_whitespace().next().unwrap_or_default();
    match find_command(name) {
        Some(spec) => candidate(spec.usage(), spec.help),
        None => candidate(name, "there is no command like this; Ctrl-U clears the line"),
    }
}

/// A key while a command is typed.
pub fn press(app: &mut App, key: KeyEvent, mut line: CommandLine, effects: &mut Vec<Effect>) {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => return,
        KeyCode::Enter => return enter(app, line, effects),
        KeyCode::Tab | KeyCode::BackTab => complete(app, &mut line, key.code == KeyCode::Tab),
        KeyCode::Down => choose(app, &mut line, true),
        KeyCode::Up => choose(app, &mut line, false),
        KeyCode::Char('p' | 'n') if ctrl => recall(app, &mut line, key.code == KeyCode::Char('p')),
        KeyCode::Backspace if line.input.value().is_empty() => return,
        _ => {
            line.input.handle_event(&TerminalEvent::Key(key));
            line.chosen = None;
            line.wrong = None;
        }
    }
    app.top.mode = InputMode::Command(line);
}

/// Puts in the chosen candidate, or what all have in common.
fn complete(app: &App, line: &mut CommandLine, on: bool) {
    let text = line.input.value().to_owned();
    let (from, found) = candidates(app, &text);
    let begun = &text[from.min(text.len())..];
    if let (Some(at), true) = (line.chosen, on)
        && let Some(one) = found.get(at)
    {
        return put(line, from, &one.text);
    }
    let fits: Vec<&Candidate> = found.iter().filter(|one| one.text.starts_with(begun)).collect();
    match fits.as_slice() {
        [] => {
            if let Some(one) = found.first() {
                put(line, from, &one.text);
            }
        }
        [one] => put(line, from, &one.text),
        [first, rest @ ..] => {
            let common = rest.iter().fold(first.text.as_str(), |common, other| {
                let same = common.chars().zip(other.text.chars()).take_while(|(a, b)| a == b);
                let end: usize = same.map(|(c, _)| c.len_utf8()).sum();
                &common[..end]
            });
            if common.len() > begun.len() {
                line.input = Input::new(format!("{}{common}", &text[..from]));
                line.chosen = None;
            } else {
                choose(app, line, on);
            }
        }
    }
}

/// Replaces what was begun by a candidate, with a blank behind it.
fn put(line: &mut CommandLine, from: usize, candidate: &str) {
    let text = line.input.value();
    let blank = if candidate.ends_with('[') { "" } else { " " };
    line.input = Input::new(format!("{}{candidate}{blank}", &text[..from.min(text.len())]));
    line.chosen = None;
}

/// Goes down or up the list.
fn choose(app: &App, line: &mut CommandLine, down: bool) {
    let count = candidates(app, line.input.value()).1.len();
    if count == 0 {
        return;
    }
    line.chosen = Some(match (line.chosen, down) {
        (None, true) => 0,
        (None, false) => count - 1,
        (Some(at), true) => (at + 1) % count,
        (Some(at), false) => (at + count - 1) % count,
    });
}

/// What was carried out before, newest first.
fn recall(app: &App, line: &mut CommandLine, back: bool) {
    let past = if back { line.past + 1 } else { line.past.saturating_sub(1) };
    let text = past.checked_sub(1).and_then(|past| app.running.script.iter().rev().nth(past));
    match (past, text) {
        (0, _) => *line = CommandLine::new(""),
        (_, Some(text)) => *line = CommandLine { past, ..CommandLine::new(text) },
        _ => {}
    }
}

fn enter(app: &mut App, mut line: CommandLine, effects: &mut Vec<Effect>) {
    // A candidate chosen with the arrows is taken first; a command that needs no more is done.
    if let Some(at) = line.chosen.take() {
        let text = line.input.value().to_owned();
        let (from, found) = candidates(app, &text);
        if let Some(one) = found.get(at) {
            put(&mut line, from, &one.text);
            let whole = parse(line.input.value().trim()).is_ok();
            if !whole && app.keymap.named(line.input.value().trim()).is_none() {
                app.top.mode = InputMode::Command(line);
                return;
            }
        }
    }
    let text = line.input.value().trim().to_owned();
    if text.is_empty() {
        return;
    }
    if let Some(row) = app.keymap.named(&text).filter(|_| find_command(&text).is_none()) {
        return row.act(app, effects);
    }
    let mut commands = Vec::new();
    for statement in statements(&text) {
        match parse(statement) {
            Ok(command) => commands.push(command),
            Err(error) => {
                let offset = statement.as_ptr() as usize - text.as_ptr() as usize;
                let at = error.at.start + offset..error.at.end + offset;
                line.input = Input::new(text.clone());
                line.wrong = Some((at, error.message));
                app.top.mode = InputMode::Command(line);
                return;
            }
        }
    }
    let single = commands.len() == 1;
    app.running.queue.extend(commands);
    if single && let Some(command) = app.running.queue.pop_back() {
        app.run(command, effects);
    }
}

/// Where the list of candidates is, above the line in `row`.
fn list(screen: Rect, row: Rect, count: usize) -> Option<Rect> {
    let rows = u16::try_from(count).unwrap_or(u16::MAX).min(ROWS);
    let rows = rows.min(row.y.saturating_sub(4));
    let (width, height) = (screen.width.min(100), rows + 2);
    let area = Rect { x: screen.x, y: row.y.saturating_sub(height), width, height };
    (rows > 0).then_some(area)
}

/// The first candidate in view.
fn first(line: &CommandLine, inside: Rect) -> usize {
    (line.chosen.unwrap_or(0) + 1).saturating_sub(usize::from(inside.height))
}

/// A click: on a candidate it takes it, as the arrows and Enter do.
pub fn click(
    app: &mut App,
    mut line: CommandLine,
    (screen, row): (Rect, Rect),
    (x, y): (u16, u16),
    effects: &mut Vec<Effect>,
) {
    let count = candidates(app, line.input.value()).1.len();
    let inside = list(screen, row, count).map(popup::inside).filter(|_| line.wrong.is_none());
    if let Some(inside) = inside.filter(|inside| inside.contains((x, y).into())) {
        let at = first(&line, inside) + usize::from(y - inside.y);
        if at < count {
            line.chosen = Some(at);
            return enter(app, line, effects);
        }
    }
    app.top.mode = InputMode::Command(line);
}

/// The wheel goes through the candidates.
pub fn wheel(app: &mut App, mut line: CommandLine, down: bool) {
    choose(app, &mut line, down);
    app.top.mode = InputMode::Command(line);
}

/// Draws the line, and the candidates above it.
pub fn draw(app: &App, pen: &mut Pen, screen: Rect, row: Rect, line: &CommandLine) {
    // Nothing of what stood on the row shines through.
    for position in row.positions() {
        if let Some(cell) = pen.buffer.cell_mut(position) {
            cell.reset();
            cell.set_style(ratatui::style::Style::reset());
        }
    }
    let used = pen.say(row.x, row.y, row.width, ":", Role::Key);
    let field = Rect { x: row.x + used, width: row.width.saturating_sub(used + 1), ..row };
    pen.field(field, &line.input);
    if let Some((at, message)) = &line.wrong {
        return wrong(pen, screen, row, line.input.value(), at, message);
    }
    let typed = line.input.value();
    let (_, mut found) = candidates(app, typed);
    let (mut title, mut hint) =
        ("", format!(" {} · Tab completes · Ctrl-P earlier ones ", found.len()));
    if found.is_empty() {
        found.push(instead(typed));
        hint = " Enter does it · Esc leaves ".to_owned();
    } else if !typed.contains(char::is_whitespace) && !found.iter().any(|one| speaks_of(one, typed))
    {
        title = " Did you mean ";
    }
    let Some(area) = list(screen, row, found.len()) else { return };
    let inside = popup::frame(pen, area, title, &hint);
    let first = first(line, inside);
    let name = found.iter().map(|one| text::width(&one.text)).max().unwrap_or(0).clamp(10, 34);
    let name = u16::try_from(name).unwrap_or(34);
    for (y, (at, one)) in (inside.y..inside.bottom()).zip(found.iter().enumerate().skip(first)) {
        let ascii = app.theme.ascii();
        pen.say(inside.x, y, name, &text::safe(&one.text, ascii), Role::Key);
        let room = inside.width.saturating_sub(name + 2);
        pen.say(
            inside.x + name + 2,
            y,
            room,
            &text::safe(&pen.theme.say(&one.help), ascii),
            Role::Dim,
        );
        if Some(at) == line.chosen {
            pen.wash(Rect { y, height: 1, ..inside }, Role::Selected);
        }
    }
}

/// What is wrong, under the place it is about.
fn wrong(
    pen: &mut Pen,
    screen: Rect,
    row: Rect,
    typed: &str,
    at: &std::ops::Range<usize>,
    message: &str,
) {
    let width = screen.width.min(100);
    // A frame of two columns on each side, and a mark where the text goes on.
    let room = usize::from(width.saturating_sub(6));
    let pointed = inspect::pointed(&text::safe(typed, true), at, room);
    let lines: Vec<&str> = pointed.lines().collect();
    let wrapped = text::wrap(&pen.theme.say(message), usize::from(width.saturating_sub(4)));
    let height = u16::try_from(lines.len() + wrapped.len()).unwrap_or(4) + 2;
    let area = Rect { x: screen.x, y: row.y.saturating_sub(height), width, height };
    let inside = popup::frame(pen, area, " Not understood ", "");
    let mut y = inside.y;
    for line in lines {
        pen.say(inside.x, y, inside.width, line, Role::Text);
        y += 1;
    }
    for line in wrapped {
        pen.say(inside.x, y, inside.width, &line, Role::Bad);
        y += 1;
    }
}
