//! What happened, one line an event, with the numbers; a long one is broken.

use ratatui::layout::Rect;

use super::{
    super::{
        app::{
            Action, App,
            history::{LogEntry, LogKind},
            interface::Effect,
            pane::{Pane, Region},
        },
        paint::{
            pen::{self, Pen},
            text,
            theme::{self, Role},
        },
    },
    KeyHint, PaneView,
    canvas::scrollbar,
    moved_to, scrolled,
};

/// Cells of the step's number.
const STEP: u16 = 7;
/// Most rows for what a step filled.
const FILL: usize = 2;

/// How it came to this, in words.
pub struct LogPane;

impl Pane {
    pub const LOG: Self = Self::new(&LogPane);
}

impl PaneView for LogPane {
    fn title(&self) -> &'static str {
        "Log"
    }

    fn region(&self) -> Region {
        Region::LowerRight
    }

    fn draw(&self, app: &App, pen: &mut Pen, area: Rect) {
        draw(app, pen, area);
    }

    fn hints(&self) -> &'static [KeyHint] {
        &[(&[Action::Up, Action::Down], "line"), (&[Action::Enter], "go there")]
    }

    fn act(&self, app: &mut App, action: Action, _effects: &mut Vec<Effect>) -> bool {
        let lines = app.log();
        let at = app.log_cursor(&lines);
        if let Some(line) = moved_to(at, lines.len().saturating_sub(1), action) {
            app.display.log_line = Some(line);
        } else if action == Action::Enter {
            if let Some(step) = lines.get(at).map(|entry| entry.step) {
                let line = app.display.log_line;
                app.go_step(step as usize);
                app.display.log_line = line;
            }
        } else {
            return false;
        }
        true
    }

    fn click(&self, app: &mut App, area: Rect, _x: u16, y: u16) {
        if let Some((line, step)) = hit(app, area, y) {
            app.go_step(step as usize);
            app.display.log_line = Some(line);
        }
    }

    fn wheel(&self, app: &mut App, _area: Rect, down: bool) {
        let lines = app.log();
        let line = scrolled(app.log_cursor(&lines), down).min(lines.len().saturating_sub(1));
        app.display.log_line = Some(line);
    }

    fn search_prompt(&self) -> &'static str {
        "log /"
    }

    fn next_match(&self, app: &mut App, forward: bool) -> bool {
        let wanted = app.display.search.wanted.to_lowercase();
        let lines = app.log();
        let at = app.log_cursor(&lines);
        let fits = |line: &usize| lines[*line].text.to_lowercase().contains(&wanted);
        let (behind, before) = (at + 1..lines.len(), 0..at);
        let found = match forward {
            true => behind.chain(before).find(fits),
            false => before.rev().chain(behind.rev()).find(fits),
        };
        match found {
            Some(line) => app.display.log_line = Some(line),
            None => app.say(format!("“{}” is not in the log", app.display.search.wanted)),
        }
        true
    }
}

/// A row of the pane: an entry, or one more line of it.
struct LogRow {
    /// The entry's place in the log.
    at: usize,
    text: String,
}

/// The entries around the cursor, broken into rows; those in view.
fn rows(app: &App, lines: &[&LogEntry], inside: Rect) -> Vec<LogRow> {
    let height = usize::from(inside.height);
    let width = usize::from(inside.width.saturating_sub(STEP)).max(1);
    let cursor = app.log_cursor(lines);
    // An entry takes a row at least, so no more of them can be in view.
    let from = cursor.saturating_sub(height);
    let mut rows: Vec<LogRow> = Vec::new();
    for (at, entry) in lines.iter().enumerate().skip(from).take(2 * height + 1) {
        let text = text::safe(&app.theme.say(&entry.text), app.theme.ascii());
        let mut parts = text::wrap(&text, width);
        if entry.kind == LogKind::Fill && parts.len() > FILL {
            // What was filled is on the canvas too.
            parts.truncate(FILL);
            let more = app.theme.say(" …");
            if let Some(last) = parts.last_mut() {
                let room = width.saturating_sub(text::width(&more));
                let cut = text::fit(last, room);
                // Whole ones, with their figures.
                let whole = cut.rfind(", ").map_or(&*cut, |end| &cut[..=end]);
                *last = format!("{whole}{more}");
            }
        }
        rows.extend(parts.into_iter().map(|text| LogRow { at, text }));
    }
    let stands = rows.iter().position(|row| row.at == cursor).unwrap_or(0);
    let end = rows.iter().rposition(|row| row.at == cursor).map_or(0, |last| last + 1);
    let most = rows.len().saturating_sub(height);
    let first = stands.saturating_sub(height / 2).max(end.saturating_sub(height)).min(most);
    rows.into_iter().skip(first).take(height).collect()
}

/// The line and its step under a row of the pane.
fn hit(app: &App, area: Rect, y: u16) -> Option<(usize, u32)> {
    let inside = pen::inner(area);
    let lines = app.log();
    let row = usize::from(y.checked_sub(inside.y)?);
    let at = rows(app, &lines, inside).get(row)?.at;
    lines.get(at).map(|entry| (at, entry.step))
}

fn role(entry: &LogEntry, here: u32) -> Role {
    match entry.kind {
        LogKind::Fault => Role::Bad,
        _ if entry.step > here => Role::Dim,
        LogKind::Bound => Role::Key,
        LogKind::Replace => Role::Replace,
        LogKind::Expansion => Role::ExpandInk,
        LogKind::Growth => Role::FillInk,
        LogKind::Stuck | LogKind::Drop | LogKind::Remask => Role::Stuck,
        LogKind::Change | LogKind::Edit | LogKind::Note | LogKind::Stop => Role::Warn,
        LogKind::Fill | LogKind::Plain => Role::Text,
    }
}

/// Draws what is under the heading.
fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let inside = pen::inner(area);
    let lines = app.log();
    let cursor = app.log_cursor(&lines);
    let here = app.step();
    let mut before = None;
    let rows = rows(app, &lines, inside);
    for (y, row) in (inside.y..inside.bottom()).zip(&rows) {
        let Some(entry) = lines.get(row.at) else { continue };
        if before != Some(entry.step) {
            if entry.step == here {
                pen.sign(inside.x, y, theme::POINTER, Role::Key);
            }
            let role = if entry.step == here { Role::Strong } else { Role::Dim };
            pen.say(inside.x + 1, y, STEP - 2, &format!("{:>4}", entry.step), role);
        }
        before = Some(entry.step);
        let style = pen.theme.style(role(entry, here));
        pen.put(inside.x + STEP, y, inside.width.saturating_sub(STEP), &row.text, style);
        if app.display.focus == Pane::LOG && row.at == cursor {
            pen.wash(Rect { y, height: 1, ..inside }, Role::Selected);
        }
    }
    let shown = rows.first().zip(rows.last()).map(|(first, last)| (first.at, last.at + 1));
    if let Some((first, end)) = shown.filter(|&(first, end)| end - first < lines.len()) {
        scrollbar(pen, area, first, end - first, lines.len());
    }
}
