//! Choosing a token for the position under the cursor: from the model's candidates, or by typing.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use ratatui::layout::Rect;
use tui_input::{Input, backend::crossterm::EventHandler};

use super::super::{
    app::{App, InputMode, mode::Picker},
    paint::{
        pen::Pen,
        popup,
        text::{self, ShownToken},
        theme::Role,
    },
    panes::inspector,
};
use crate::{
    canvas::TokenId,
    debugger::{Command, TokenRef},
};

/// Opens the list for the position under the cursor.
pub(in crate::tui) fn open(app: &mut App) {
    let Some(cell) = app.canvas().cells().get(app.display.position).copied() else { return };
    let (prediction, position) = inspector::candidates(app, &cell);
    let candidates = prediction.map_or_else(Vec::new, |found| found.top_k(position).to_vec());
    app.top.mode =
        InputMode::Pick(Picker { input: Input::default(), line: 0, slot: cell.slot, candidates });
}

/// A key while a token is chosen.
pub(in crate::tui) fn press(app: &mut App, key: KeyEvent, mut picker: Picker) {
    let shown = shown(app, &picker);
    let last = shown.len().saturating_sub(1);
    match key.code {
        KeyCode::Esc => return,
        KeyCode::Up => picker.line = picker.line.saturating_sub(1),
        KeyCode::Down => picker.line = (picker.line + 1).min(last),
        KeyCode::Enter => {
            let typed = picker.input.value();
            let token = match (shown.get(picker.line), typed.strip_prefix("id:")) {
                (Some(&(token, _)), _) => Some(TokenRef::Id(token)),
                (None, Some(id)) => id.trim().parse().ok().map(TokenRef::Id),
                (None, None) if typed.is_empty() => None,
                (None, None) => Some(TokenRef::Text(typed.to_owned())),
            };
            let Some(token) = token else {
                app.say("no candidates are known here: type a token's text, or id:N");
                app.top.mode = InputMode::Pick(picker);
                return;
            };
            app.edit(|at| Command::fill(at, token), &mut Vec::new());
            return;
        }
        _ => {
            picker.input.handle_event(&TerminalEvent::Key(key));
            picker.line = 0;
        }
    }
    app.top.mode = InputMode::Pick(picker);
}

/// Candidates whose text begins as typed; a leading blank need not be typed.
fn shown(app: &App, picker: &Picker) -> Vec<(TokenId, f32)> {
    let typed = picker.input.value();
    let fits = |&(token, _): &(TokenId, f32)| {
        let piece = app.debugger.vocabulary.piece(token);
        let text = piece.map(|piece| String::from_utf8_lossy(piece.bytes()).into_owned());
        let text = text.unwrap_or_default();
        typed.is_empty() || text.starts_with(typed) || text.trim_start().starts_with(typed)
    };
    picker.candidates.iter().copied().filter(fits).collect()
}

/// Where the box with so many candidates is.
fn place(screen: Rect, candidates: usize) -> Rect {
    let rows = u16::try_from(candidates).unwrap_or(u16::MAX).clamp(1, 12) + 3;
    popup::middle(screen, (46, rows))
}

/// The first candidate in view.
fn first(picker: &Picker, list: Rect) -> usize {
    (picker.line + 1).saturating_sub(usize::from(list.height))
}

/// A click: on a candidate it writes it.
pub(in crate::tui) fn click(app: &mut App, mut picker: Picker, screen: Rect, (x, y): (u16, u16)) {
    let count = shown(app, &picker).len();
    let inside = popup::inside(place(screen, count));
    let list = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    if list.contains((x, y).into()) {
        let at = first(&picker, list) + usize::from(y - list.y);
        if at < count {
            picker.line = at;
            return press(app, KeyCode::Enter.into(), picker);
        }
    }
    app.top.mode = InputMode::Pick(picker);
}

/// Draws the list of candidates, with the line that is typed.
pub(in crate::tui) fn draw(app: &App, pen: &mut Pen, screen: Rect, picker: &Picker) {
    let shown = shown(app, picker);
    let title = format!(" Write at {} ", app.display.position);
    let area = place(screen, shown.len());
    let inside = popup::frame(pen, area, &title, " Enter writes · Esc leaves ");
    let field = Rect { height: 1, ..inside };
    pen.field(field, &picker.input);
    if picker.input.value().is_empty() {
        let hint = "or type a token, or id:N";
        pen.say(field.x + 1, field.y, field.width.saturating_sub(1), hint, Role::Dim);
    }
    let list = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    if shown.is_empty() {
        let text = match picker.candidates.is_empty() {
            true => "no candidates are known here",
            false => "none begins so: Enter looks at all tokens",
        };
        pen.say(list.x, list.y, list.width, text, Role::Dim);
        return;
    }
    let held = app.canvas().position(picker.slot).map(|at| app.canvas().cells()[at].token);
    let first = first(picker, list);
    for (y, (at, (token, p))) in
        (list.y..list.bottom()).zip(shown.into_iter().enumerate().skip(first))
    {
        let label = ShownToken::of(&*app.debugger.vocabulary, token).label(app.theme.ascii());
        let role = if Some(token) == held { Role::Strong } else { Role::Text };
        pen.put(list.x, y, 20, &label, pen.theme.style(role));
        pen.say(list.x + 21, y, 8, &text::candidate(p), Role::Dim);
        let bar = list.x + 30;
        pen.gauge(bar, y, list.right().saturating_sub(bar), p, Role::Heat(Some(p)));
        if at == picker.line {
            pen.wash(Rect { y, height: 1, ..list }, Role::Selected);
        }
    }
}
