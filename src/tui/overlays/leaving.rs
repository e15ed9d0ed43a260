//! The question at quitting, where steps or notes would be lost.

use ratatui::layout::Rect;

use super::super::{
    app::App,
    paint::{pen::Pen, popup::KeyQuestion, text},
};

/// What would be lost on quitting.
fn lost(app: &App) -> String {
    let count = |number: usize, one: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        number => Some(format!("{number} {one}s")),
    };
    let (steps, notes) = app.unsaved();
    let what: Vec<String> =
        [count(steps, "step"), count(notes, "note")].into_iter().flatten().collect();
    let are = if steps + notes == 1 { "is" } else { "are" };
    format!("{} {are} not saved.", what.join(" and "))
}

/// The keys, each with what it does.
fn answers(app: &App) -> Vec<(String, String, String)> {
    let saves = app.debugger.host.saves_to().map(|path| {
        let path = text::safe(&path.display().to_string(), app.theme.ascii());
        ("w", format!("save to {path}, and quit"))
    });
    let others = [("q", "quit without saving".to_owned()), ("Esc", "stay".to_owned())];
    let all = saves.into_iter().chain(others);
    all.map(|(key, does)| (key.to_owned(), does, String::new())).collect()
}

/// Draws the question over the middle of the screen.
pub(in crate::tui) fn draw(app: &App, pen: &mut Pen, screen: Rect) {
    let (about, answers) = ([lost(app)], answers(app));
    KeyQuestion { title: " Not saved ", about: &about, answers: &answers }.draw(pen, screen);
}
