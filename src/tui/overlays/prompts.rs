//! Prompts that a small model knows: a list above the line where a prompt is typed, and on the
//! first screen.

use ratatui::layout::Rect;
use tui_input::Input;

use super::super::{
    app::App,
    keymap::Action,
    paint::{pen::Pen, popup, text, theme::Role},
};
use crate::debugger::Repertoire;

/// Cells of a prompt's kind.
const KIND: u16 = 14;

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

/// On the first screen: what answers here, and what it knows. `area` is what is free for it.
pub(in crate::tui) fn welcome(app: &App, pen: &mut Pen, area: Rect) {
    let session = &app.debugger.session;
    let begun = session.timeline().len() > 1 || app.step() > 0;
    let Some(known) = app.debugger.host.repertoire().filter(|_| !begun && app.debugger.live) else {
        return;
    };
    let key = app.keymap.first(Action::EditPrompt);
    if area.height < LIST {
        if !key.is_empty() {
            let line = format!("{key} shows the kinds of prompt that this model was trained on");
            pen.say(area.x, area.bottom() - 1, area.width, &line, Role::Dim);
        }
        return;
    }
    // A free row keeps the list apart from the legend.
    let area = Rect { height: area.height - 1, ..area };
    let choose = if key.is_empty() {
        String::new()
    } else {
        format!("; {key} chooses another of these, or your own")
    };
    let mut area = area;
    let used = pen.paragraph(area, &format!("{}{choose}", known.about), Role::Dim);
    area = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
    list(pen, area, known, Some(&app.prompt_text));
}

/// Rows that the first screen's list needs, at least: the sentence, a prompt, a free row.
const LIST: u16 = 4;

/// The prompts with their kinds; the one typed is marked.
fn list(pen: &mut Pen, area: Rect, known: &Repertoire, typed: Option<&str>) {
    let rows = area.y..area.bottom();
    for (y, (kind, prompt)) in rows.zip(&known.prompts) {
        pen.say(area.x, y, KIND.min(area.width), kind, Role::Dim);
        let room = area.width.saturating_sub(KIND);
        let role = if typed == Some(prompt) { Role::Strong } else { Role::Key };
        pen.say(area.x + KIND, y, room, prompt, role);
    }
}
