//! The question at quitting, where steps would be lost.

use ratatui::layout::Rect;

use super::super::{
    app::App,
    paint::{
        pen::Pen,
        popup, text,
        theme::{Role, Theme},
    },
};

/// Cells of the box, at most.
const WIDTH: u16 = 64;
/// Cells of the keys.
const KEYS: u16 = 5;

/// What nothing keeps but this session.
fn lost(app: &App) -> String {
    let timeline = app.debugger.session.timeline();
    let count = |number: usize, one: &str, more: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {more}"),
    };
    let steps = count(timeline.len() - timeline.roots().len(), "step is", "steps are");
    match timeline.branches().len() {
        0 | 1 => format!("{steps} on no record."),
        branches => {
            let branches = count(branches, "branch", "branches");
            format!("{steps} on no record, on {branches}.")
        }
    }
}

/// The keys, each with what it does.
fn answers(app: &App, theme: Theme) -> Vec<(&'static str, String)> {
    let saves = app.debugger.host.saves_to().map(|path| {
        let path = text::safe(&path.display().to_string(), theme.ascii());
        ("w", format!("save to {path}, and quit"))
    });
    let others = [("q", "quit without saving".to_owned()), ("Esc", "stay".to_owned())];
    saves.into_iter().chain(others).collect()
}

/// Draws the box over the middle of the screen.
pub(in crate::tui) fn draw(app: &App, pen: &mut Pen, screen: Rect) {
    let width = WIDTH.min(screen.width.saturating_sub(4));
    let room = usize::from(width.saturating_sub(4)).max(1);
    let lines = text::wrap(&pen.theme.say(&lost(app)), room);
    let answers = answers(app, pen.theme);
    let rows = u16::try_from(lines.len() + answers.len()).unwrap_or(u16::MAX);
    let place = popup::middle(screen, (width, rows.saturating_add(3)));
    let inside = popup::frame(pen, place, " Not recorded ", "");
    let mut rows = inside.y..inside.bottom();
    for (y, line) in rows.by_ref().zip(&lines) {
        pen.say(inside.x, y, inside.width, line, Role::Warn);
    }
    // A line between, where there is room for it.
    if rows.len() > answers.len() {
        rows.next();
    }
    for (y, (key, does)) in rows.zip(answers) {
        pen.say(inside.x, y, KEYS, key, Role::Key);
        pen.say(inside.x + KEYS, y, inside.width.saturating_sub(KEYS), &does, Role::Text);
    }
}
