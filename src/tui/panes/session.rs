//! Branches, bookmarks, breakpoints, findings and the rows of a query, as one list.

use ratatui::layout::Rect;

use super::{
    super::{
        app::{
            Action, App,
            interface::Effect,
            pane::{Pane, Region},
            sessions,
        },
        paint::{
            pen::{self, Pen},
            text,
            theme::Role,
        },
    },
    KeyHint, PaneView,
    canvas::scrollbar,
    moved_to, scrolled,
};

/// Branches, bookmarks, breakpoints, findings, rows of a query.
pub struct SessionPane;

impl Pane {
    pub const SESSION: Self = Self::new(&SessionPane);
}

impl PaneView for SessionPane {
    fn title(&self) -> &'static str {
        "Session"
    }

    fn region(&self) -> Region {
        Region::LowerRight
    }

    fn summary(&self, app: &App, _area: Rect) -> String {
        let focused = app.display.focus == Pane::SESSION;
        if focused { "Enter goes · D takes away".to_owned() } else { String::new() }
    }

    fn draw(&self, app: &App, pen: &mut Pen, area: Rect) {
        draw(app, pen, area);
    }

    fn hints(&self) -> &'static [KeyHint] {
        &[
            (&[Action::Up, Action::Down], "entry"),
            (&[Action::Enter], "go there"),
            (&[Action::Remove], "remove"),
        ]
    }

    fn act(&self, app: &mut App, action: Action, effects: &mut Vec<Effect>) -> bool {
        match action {
            Action::Enter => app.enter_entry(),
            Action::Remove => app.remove_entry(effects),
            _ if moved_to(0, 0, action).is_none() => return false,
            _ => app.choose_entry(|at, last| moved_to(at, last, action).unwrap_or(at)),
        }
        true
    }

    fn click(&self, app: &mut App, area: Rect, _x: u16, y: u16) {
        if let Some(line) = hit(app, area, y) {
            app.display.found.line = line;
            app.enter_entry();
        }
    }

    fn wheel(&self, app: &mut App, _area: Rect, down: bool) {
        let last = app.entries().len().saturating_sub(1);
        app.display.found.line = scrolled(app.display.found.line.min(last), down).min(last);
    }

    fn refresh(&self, app: &mut App) {
        app.diagnose();
    }
}

/// A row of the pane: a line, or one more row of it.
struct SessionRow {
    at: usize,
    text: String,
    role: Role,
}

/// Lines around the chosen one, broken into rows, from the first in view on.
fn rows(app: &App, inside: Rect) -> (Vec<SessionRow>, usize) {
    let width = usize::from(inside.width).max(1);
    let height = usize::from(inside.height);
    let entries = app.entries();
    let all = entries.len();
    let chosen = sessions::chosen(&entries, app.display.found.line);
    let mut rows: Vec<SessionRow> = Vec::new();
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
            rows.push(SessionRow { at, text: format!("{:indent$}{line}", ""), role: entry.role });
        }
    }
    let stands = rows.iter().position(|row| row.at == chosen).unwrap_or(0);
    let most = rows.len().saturating_sub(height);
    let first = stands.saturating_sub(height / 2).min(most);
    (rows.into_iter().skip(first).take(height).collect(), all)
}

/// The entry under a row of the pane.
fn hit(app: &App, area: Rect, y: u16) -> Option<usize> {
    let inside = pen::inner(area);
    let row = usize::from(y.checked_sub(inside.y)?);
    rows(app, inside).0.get(row).map(|row| row.at)
}

/// Draws what is under the heading.
fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let inside = pen::inner(area);
    let (rows, all) = rows(app, inside);
    let chosen = sessions::chosen(&app.entries(), app.display.found.line);
    for (y, row) in (inside.y..inside.bottom()).zip(&rows) {
        pen.put(inside.x, y, inside.width, &row.text, pen.theme.style(row.role));
        if app.display.focus == Pane::SESSION && row.at == chosen {
            pen.wash(Rect { y, height: 1, ..inside }, Role::Selected);
        }
    }
    let shown = rows.first().zip(rows.last()).map(|(first, last)| (first.at, last.at + 1));
    if let Some((first, end)) = shown.filter(|&(first, end)| end - first < all) {
        scrollbar(pen, area, first, end - first, all);
    }
}
