//! Branches, bookmarks, breakpoints, findings and the rows of a query, as one list.

use ratatui::layout::Rect;

use super::{
    super::{
        app::App,
        layout::Pane,
        pen::{self, Pen},
        sessions, text,
        theme::Role,
    },
    canvas::scrollbar,
};

/// A row of the pane: a line, or one more row of it.
struct Row {
    at: usize,
    text: String,
    role: Role,
}

/// Lines around the chosen one, broken into rows, from the first in view on.
fn rows(app: &App, inside: Rect) -> (Vec<Row>, usize) {
    let width = usize::from(inside.width).max(1);
    let height = usize::from(inside.height);
    let entries = app.entries();
    let all = entries.len();
    let chosen = sessions::chosen(&entries, app.found.line);
    let mut rows: Vec<Row> = Vec::new();
    for (at, entry) in entries.into_iter().enumerate().skip(chosen.saturating_sub(height)) {
        if at > chosen + height {
            break;
        }
        let text = text::safe(&app.theme.say(&entry.text), app.theme.ascii());
        // Breaking lines eats the blanks before the first word.
        let words = text.trim_start();
        let own = text.len() - words.len();
        for (part, line) in
            text::wrap(words, width.saturating_sub(4).max(1)).into_iter().enumerate()
        {
            let indent = if part == 0 { own } else { 4 };
            rows.push(Row { at, text: format!("{:indent$}{line}", ""), role: entry.role });
        }
    }
    let stands = rows.iter().position(|row| row.at == chosen).unwrap_or(0);
    let most = rows.len().saturating_sub(height);
    let first = stands.saturating_sub(height / 2).min(most);
    (rows.into_iter().skip(first).take(height).collect(), all)
}

/// The entry under a row of the pane.
pub fn hit(app: &App, area: Rect, y: u16) -> Option<usize> {
    let inside = pen::inner(area);
    let row = usize::from(y.checked_sub(inside.y)?);
    rows(app, inside).0.get(row).map(|row| row.at)
}

/// Draws the pane.
pub fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let hint = "Enter goes · D takes away";
    let focused = app.focus == Pane::Session;
    let inside = pen.heading(area, Pane::Session.title(), focused, if focused { hint } else { "" });
    draw_inside(app, pen, area, inside);
}

/// Draws what is under the heading.
pub fn draw_inside(app: &App, pen: &mut Pen, area: Rect, inside: Rect) {
    let (rows, all) = rows(app, inside);
    let chosen = sessions::chosen(&app.entries(), app.found.line);
    for (y, row) in (inside.y..inside.bottom()).zip(&rows) {
        pen.put(inside.x, y, inside.width, &row.text, pen.theme.style(row.role));
        if app.focus == Pane::Session && row.at == chosen {
            pen.wash(Rect { y, height: 1, ..inside }, Role::Selected);
        }
    }
    let shown = rows.first().zip(rows.last()).map(|(first, last)| (first.at, last.at + 1));
    if let Some((first, end)) = shown.filter(|&(first, end)| end - first < all) {
        scrollbar(pen, area, first, end - first, all);
    }
}
