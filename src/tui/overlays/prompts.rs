//! Prompts that a small model knows: a list above the line where a prompt is typed, and on the
//! first screen.

use ratatui::layout::Rect;
use tui_input::Input;

use super::super::{
    app::App,
    paint::{pen::Pen, popup, text, theme::Role},
    panes::welcome::list,
};

/// The prompt before or behind the one typed, where the model knows some; from none of them, the
/// first or the last.
pub(in crate::tui) fn other(app: &App, typed: &str, down: bool) -> Option<Input> {
    let prompts = &app.debugger.host.repertoire()?.prompts;
    let last = prompts.len().checked_sub(1)?;
    let at = prompts.iter().position(|(_, prompt)| prompt == typed);
    let next = match (at, down) {
        (None, true) => 0,
        (None, false) => last,
        (Some(at), true) => (at + 1) % prompts.len(),
        (Some(at), false) => at.checked_sub(1).unwrap_or(last),
    };
    Some(Input::new(prompts[next].1.clone()))
}

/// Draws the list above the line where a prompt is typed.
pub(in crate::tui) fn draw(app: &App, pen: &mut Pen, screen: Rect, row: Rect, typed: &str) {
    let Some(known) = app.debugger.host.repertoire() else { return };
    let width = screen.width.min(100);
    let about = text::wrap(&pen.theme.say(&known.about), usize::from(width.saturating_sub(4)));
    let height = u16::try_from(known.prompts.len() + about.len() + 2).unwrap_or(u16::MAX);
    let height = height.min(row.y.saturating_sub(screen.y));
    if height < 3 {
        return;
    }
    let area = Rect { x: screen.x, y: row.y - height, width, height };
    let hint = " ↑ ↓ choose · Enter runs · or type your own ";
    let inside = popup::frame(pen, area, " Prompts it knows ", hint);
    let used = pen.paragraph(inside, &known.about, Role::Dim);
    let rows = Rect { y: inside.y + used, height: inside.height.saturating_sub(used), ..inside };
    list(pen, rows, known, Some(typed));
}
