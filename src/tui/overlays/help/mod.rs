//! The help box: how things are done, every key, the colours, the commands and the glossary, to be read through or
//! searched, in two columns where there is room.

mod glossary;
mod lines;
mod tasks;

use crossterm::event::{Event as TerminalEvent, KeyEvent};
use ratatui::layout::Rect;
use tui_input::backend::crossterm::EventHandler;

use super::super::{
    app::{Action, App, InputMode, Keymap, mode::HelpView},
    paint::{pen::Pen, popup, theme::Role},
};
use lines::HelpRow;

/// From so many columns of the screen on the box has two columns.
const WIDE: u16 = 140;
/// Cells between them.
const GAP: u16 = 3;

/// Where the rows of the box are.
struct HelpAreas {
    frame: Rect,
    /// The line of what is searched for, if something is.
    search: Option<Rect>,
    rows: Rect,
    columns: u16,
}

impl HelpAreas {
    fn of(screen: Rect, view: &HelpView) -> Self {
        let columns = if screen.width >= WIDE { 2 } else { 1 };
        let frame = popup::middle(screen, (100 * columns, 60));
        let inside = popup::inside(frame);
        let searched = view.typing || !view.search.value().is_empty();
        let above = if searched { 1.min(inside.height) } else { 0 };
        let search = (above > 0).then_some(Rect { height: 1, ..inside });
        let rows = Rect { y: inside.y + above, height: inside.height - above, ..inside };
        Self { frame, search, rows, columns }
    }

    /// Cells of a column.
    fn width(&self) -> u16 {
        ((self.rows.width + GAP) / self.columns).saturating_sub(GAP)
    }

    /// Rows shown at once.
    fn shown(&self) -> usize {
        usize::from(self.rows.height) * usize::from(self.columns)
    }
}

/// Carries a key out while the box is open.
pub(in crate::tui) fn press(
    app: &mut App,
    key: KeyEvent,
    action: Option<Action>,
    mut view: HelpView,
) {
    let screen = Rect::new(0, 0, app.display.width, app.display.height);
    let areas = HelpAreas::of(screen, &view);
    let rows = lines::rows(app.theme, &app.keymap, areas.width().into(), view.search.value());
    let last = rows.len().saturating_sub(areas.shown());
    // Two rows stay in view.
    let page = areas.shown().saturating_sub(2).max(1);
    let heading = |row: &usize| rows[*row].heading;
    let scroll = view.scroll.min(last);
    let searched = view.typing || !view.search.value().is_empty();
    view.scroll = match action {
        Some(Action::Escape) if searched => {
            return app.top.mode = InputMode::Help(HelpView::default());
        }
        Some(Action::Enter) if view.typing => {
            view.typing = false;
            scroll
        }
        Some(Action::Help | Action::Escape | Action::Quit | Action::Enter) => return,
        Some(Action::Search) => {
            view.typing = true;
            scroll
        }
        Some(Action::Down) => scroll + 1,
        Some(Action::Up) => scroll.saturating_sub(1),
        Some(Action::NextBlock | Action::RunPause) => scroll + page,
        Some(Action::PreviousBlock) => scroll.saturating_sub(page),
        Some(Action::NextPane) => (scroll + 1..rows.len()).find(heading).unwrap_or(scroll),
        Some(Action::PreviousPane) => (0..scroll).rev().find(heading).unwrap_or(0),
        Some(Action::First) => 0,
        Some(Action::Last) => last,
        _ if view.typing => {
            view.search.handle_event(&TerminalEvent::Key(key));
            0
        }
        _ => scroll,
    };
    app.top.mode = InputMode::Help(view);
}

/// Draws the box over the middle of the screen.
pub fn draw(pen: &mut Pen, keymap: &Keymap, screen: Rect, view: &HelpView) {
    let areas = HelpAreas::of(screen, view);
    let rows = lines::rows(pen.theme, keymap, areas.width().into(), view.search.value());
    let count = rows.len();
    let last = count.saturating_sub(areas.shown());
    let first = view.scroll.min(last);
    let end = (first + areas.shown()).min(count);
    let title = if last == 0 { " Help ".to_owned() } else { format!(" Help · {end} of {count} ") };
    popup::frame(pen, areas.frame, &title, &closing(keymap, view, first < last));
    if let Some(line) = areas.search {
        let used = pen.say(line.x, line.y, line.width, "/", Role::Key);
        let field = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
        if view.typing {
            pen.field(field, &view.search);
        } else {
            pen.say(field.x, field.y, field.width, view.search.value(), Role::Strong);
        }
    }
    if count == 0 {
        pen.say(areas.rows.x, areas.rows.y, areas.rows.width, "no help entry matches", Role::Dim);
    }
    let height = usize::from(areas.rows.height).max(1);
    for (at, row) in rows[first..end].iter().enumerate() {
        let column = u16::try_from(at / height).unwrap_or(0);
        let x = areas.rows.x + column * (areas.width() + GAP);
        let y = areas.rows.y + u16::try_from(at % height).unwrap_or(0);
        draw_row(pen, Rect { x, y, width: areas.width(), height: 1 }, row);
    }
}

fn draw_row(pen: &mut Pen, line: Rect, row: &HelpRow) {
    let indent = u16::try_from(row.indent).unwrap_or(line.width).min(line.width);
    let room = if row.right.is_empty() { line.width } else { indent };
    pen.say(line.x, line.y, room, &row.left, row.role);
    let parts: Vec<(&str, Role)> = row
        .right
        .iter()
        .map(|(words, quoted)| (words.as_str(), if *quoted { Role::Key } else { Role::Text }))
        .collect();
    pen.line(line.x + indent, line.y, line.width - indent, &parts);
}

/// The hints: how to scroll, and how to close the box.
fn closing(keymap: &Keymap, view: &HelpView, more: bool) -> String {
    let (escape, help) = (keymap.first(Action::Escape), keymap.first(Action::Help));
    let close = if escape.is_empty() { help } else { escape };
    if view.typing {
        return " Enter ends typing · Esc shows all ".to_owned();
    }
    if !view.search.value().is_empty() {
        return format!(" {close} shows all ");
    }
    let keys = |action| keymap.first(action);
    let hints = [
        (keys(Action::Search), "search"),
        (keys(Action::NextPane), "next part"),
        (if more { keys(Action::NextBlock) } else { String::new() }, "more"),
        (close, "closes"),
    ];
    let hints = hints.into_iter().filter(|(key, _)| !key.is_empty());
    let hints: Vec<String> = hints.map(|(key, word)| format!("{key} {word}")).collect();
    format!(" {} ", hints.join(" · "))
}
