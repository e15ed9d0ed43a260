//! What happened, one line an event, with the numbers.

use ratatui::layout::Rect;

use super::{
    super::{
        app::App,
        history::{Entry, Sort},
        layout::Pane,
        pen::{self, Pen},
        theme::{self, Role},
    },
    canvas::scrollbar,
};

/// Cells of the step's number.
const STEP: u16 = 7;

fn first(cursor: usize, count: usize, rows: usize) -> usize {
    cursor.saturating_sub(rows / 2).min(count.saturating_sub(rows))
}

/// The line and its step under a row of the pane.
pub fn hit(app: &App, area: Rect, y: u16) -> Option<(usize, u32)> {
    let inside = pen::inner(area);
    let lines = app.log();
    let rows = usize::from(inside.height);
    let row = usize::from(y.checked_sub(inside.y)?);
    let line = first(app.log_cursor(&lines), lines.len(), rows) + row;
    lines.get(line).map(|entry| (line, entry.step))
}

fn role(entry: &Entry, here: u32) -> Role {
    match entry.sort {
        Sort::Fault => Role::Bad,
        _ if entry.step > here => Role::Faint,
        Sort::Bound => Role::Key,
        Sort::Expansion => Role::ExpandInk,
        Sort::Growth => Role::FillInk,
        Sort::Stuck | Sort::Drop => Role::Stuck,
        Sort::Turn => Role::Warn,
        Sort::Fill | Sort::Plain => Role::Text,
    }
}

/// Draws the pane.
pub fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let inside = pen.heading(area, Pane::Log.title(), app.focus == Pane::Log, "");
    draw_inside(app, pen, area, inside);
}

/// Draws what is under the heading.
pub fn draw_inside(app: &App, pen: &mut Pen, area: Rect, inside: Rect) {
    let lines = app.log();
    let cursor = app.log_cursor(&lines);
    let rows = usize::from(inside.height);
    let first = first(cursor, lines.len(), rows);
    let here = app.step();
    let mut before = None;
    for (row, (at, entry)) in lines.iter().enumerate().skip(first).take(rows).enumerate() {
        let y = inside.y + u16::try_from(row).unwrap_or(0);
        if entry.step == here && before != Some(here) {
            pen.sign(inside.x, y, theme::POINTER, Role::Key);
        }
        if before != Some(entry.step) {
            let role = if entry.step == here { Role::Strong } else { Role::Dim };
            pen.say(inside.x + 1, y, STEP - 2, &format!("{:>4}", entry.step), role);
        }
        before = Some(entry.step);
        let width = inside.width.saturating_sub(STEP);
        let text = pen.theme.say(&entry.text);
        let text = super::super::text::safe(&text, pen.theme.ascii());
        let style = pen.theme.style(role(entry, here));
        pen.put(inside.x + STEP, y, width, &text, style);
        if app.focus == Pane::Log && at == cursor {
            pen.wash(Rect { y, height: 1, ..inside }, Role::Selected);
        }
    }
    if lines.len() > rows {
        scrollbar(pen, area, first, rows, lines.len());
    }
}
