//! The question at quitting, where steps would be lost.

use ratatui::layout::Rect;

use super::super::{
    app::App,
    paint::{pen::Pen, popup::KeyQuestion, text},
};

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
    KeyQuestion { title: " Not recorded ", about: &about, answers: &answers }.draw(pen, screen);
}
