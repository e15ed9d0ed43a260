//! Prompts that a small model knows, on the first screen.

use ratatui::layout::Rect;

use super::super::{
    app::{Action, App},
    paint::{pen::Pen, theme::Role},
};
use crate::debugger::Repertoire;

/// Cells of a prompt's kind.
const KIND: u16 = 14;

/// The prompts that the model knows, while the first screen shows them.
fn known(app: &App) -> Option<&Repertoire> {
    let begun = app.debugger.session.timeline().len() > 1 || app.step() > 0;
    app.debugger.host.repertoire().filter(|_| !begun && app.debugger.live)
}

/// Rows of the welcome: its sentence takes two, each prompt one, and one stays free.
pub fn rows(app: &App) -> usize {
    known(app).map_or(0, |known| known.prompts.len() + 3)
}

/// On the first screen: what answers here, and what it knows. `area` is what is free for it.
pub fn welcome(app: &App, pen: &mut Pen, area: Rect) {
    let Some(known) = known(app) else { return };
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
pub fn list(pen: &mut Pen, area: Rect, known: &Repertoire, typed: Option<&str>) {
    let rows = area.y..area.bottom();
    for (y, (kind, prompt)) in rows.zip(&known.prompts) {
        pen.say(area.x, y, KIND.min(area.width), kind, Role::Dim);
        let room = area.width.saturating_sub(KIND);
        let role = if typed == Some(prompt) { Role::Strong } else { Role::Key };
        pen.say(area.x + KIND, y, room, prompt, role);
    }
}
