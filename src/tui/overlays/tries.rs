//! Tries on screen: a box with the run on screen, the runs under other parameters beside it, and
//! the text of the chosen one with what differs marked. Everything else stays usable under it.

use ratatui::layout::Rect;

use super::super::{
    app::{Action, App, branches, interface::Effect},
    paint::{
        flow::{self, FlowPiece},
        pen::Pen,
        popup,
        text::{self, Glyph, GlyphKind, ShownToken},
        theme::{self, Role},
    },
    panes::params,
};
use crate::{
    canvas::Canvas,
    compare::{ComparedBy, Figures, RunPath, differing, first_difference},
    debugger::{Command, Try},
};

/// The try whose line is chosen, and its line: the newest is line 0.
fn chosen_try(app: &App) -> Option<(usize, &Try)> {
    let list = app.debugger.tries.list();
    let line = app.top.try_line.min(list.len().saturating_sub(1));
    list.iter().rev().nth(line).map(|tried| (line, tried))
}

/// What a key does while the box is open; false if it does what it always does.
pub(in crate::tui) fn act(app: &mut App, action: Action, effects: &mut Vec<Effect>) -> bool {
    let last = app.debugger.tries.list().len().saturating_sub(1);
    match action {
        Action::Up => app.top.try_line = app.top.try_line.min(last).saturating_sub(1),
        Action::Down => app.top.try_line = (app.top.try_line + 1).min(last),
        Action::First => app.top.try_line = 0,
        Action::Last => app.top.try_line = last,
        Action::Enter => {
            if let Some(id) = chosen_try(app).map(|(_, tried)| tried.id) {
                app.run(Command::take(id), effects);
            }
        }
        Action::Remove => {
            if let Some(id) = chosen_try(app).map(|(_, tried)| tried.id) {
                app.debugger.forget_try(id);
            }
        }
        Action::Try | Action::Escape | Action::Quit => app.top.tries_shown = false,
        _ => return false,
    }
    true
}

/// Where the box is.
fn place(screen: Rect) -> Rect {
    popup::middle(screen, (96, 26))
}

/// A click in the box chooses a line; false if it is not in the box.
pub(in crate::tui) fn click(app: &mut App, screen: Rect, (x, y): (u16, u16)) -> bool {
    let area = place(screen);
    let inside = popup::inside(area);
    if let Some(line) = y.checked_sub(inside.y + LIST)
        && usize::from(line) < app.debugger.tries.list().len()
    {
        app.top.try_line = usize::from(line);
    }
    area.contains((x, y).into())
}

/// Rows above the list: the chosen parameter, headings, the run on screen.
const LIST: u16 = 3;
/// Cells of the numbers of a line.
const NUMBERS: u16 = 46;

/// Draws the box with the tries.
pub(in crate::tui) fn draw(app: &App, pen: &mut Pen, screen: Rect) {
    let key = |action| app.keymap.first(action);
    let hint = format!(
        " {} {} change · {} parameter · ↑ ↓ choose · {} takes over · {} closes ",
        key(Action::More),
        key(Action::Less),
        key(Action::NextParam),
        key(Action::Enter),
        key(Action::Escape)
    );
    let inside = popup::frame(pen, place(screen), " Try ", &hint);
    let line = |row: u16| Rect { y: inside.y + row, height: 1, ..inside };
    params::chosen(app, pen, line(0));
    let head = numbers(["", "N_token", "E_token", "E_ratio", "NFE", "passes"]);
    pen.say(inside.x, inside.y + 1, NUMBERS, &head, Role::Dim);
    pen.say(
        inside.x + NUMBERS,
        inside.y + 1,
        inside.width.saturating_sub(NUMBERS),
        "what differs",
        Role::Dim,
    );
    let now = app.debugger.run_on_screen();
    let mut used = LIST;
    entry(pen, line(2), "now", now, app.debugger.session.passes(), "the run on screen");
    let own = &app.debugger.session.timeline()[now.end].params;
    let chosen = chosen_try(app).map(|(line, _)| line);
    let tries = app.debugger.tries.list().iter().rev().enumerate();
    for (at, tried) in tries.take(usize::from(inside.height.saturating_sub(LIST + 4))) {
        let place = line(LIST + at as u16);
        let changes = branches::changes(own, tried.session.params());
        let changes: Vec<String> =
            changes.into_iter().map(|change| format!("{} {}", change.symbol, change.to)).collect();
        let mut differs =
            if changes.is_empty() { "nothing".to_owned() } else { changes.join(", ") };
        if let Some(fault) = tried.failed() {
            differs = format!("failed: {fault}");
        } else if !tried.over() {
            let canvas = tried.session.canvas();
            let (step, masks) = (tried.session.node().depth, canvas.masks());
            differs = format!("step {step}, {masks} masks left · {differs}");
        }
        let differs = text::safe(&differs, app.theme.ascii());
        let run = RunPath::here(&tried.session);
        entry(pen, place, &tried.id.to_string(), run, tried.session.passes(), &differs);
        if Some(at) == chosen {
            pen.wash(place, Role::Selected);
        }
        used += 1;
    }
    let rest = Rect { y: inside.y + used, height: inside.height.saturating_sub(used), ..inside };
    if let Some((_, tried)) = chosen_try(app) {
        detail(app, pen, rest, tried);
    }
}

/// The figures of a line, in columns.
fn numbers(cells: [&str; 6]) -> String {
    let [name, n, e, ratio, nfe, passes] = cells;
    format!("{name:<4} {n:>7} {e:>7} {ratio:>7} {nfe:>5} {passes:>7}  ")
}

/// A run on one line.
fn entry(pen: &mut Pen, line: Rect, name: &str, run: RunPath, passes: usize, differs: &str) {
    let figures = Figures::of(run);
    let ratio = figures.e_ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}"));
    let (n, e, nfe) = (figures.n_token, figures.e_token, figures.nfe);
    let cells = numbers([
        name,
        &n.to_string(),
        &e.to_string(),
        &ratio,
        &nfe.to_string(),
        &passes.to_string(),
    ]);
    // Figures of a run that is not over will still change.
    let role = if figures.finish.is_some() { Role::Text } else { Role::Dim };
    pen.say(line.x, line.y, NUMBERS, &cells, role);
    pen.say(line.x + NUMBERS, line.y, line.width.saturating_sub(NUMBERS), differs, role);
}

/// Where a try parts from the run on screen, and its text with what differs marked.
fn detail(app: &App, pen: &mut Pen, area: Rect, tried: &Try) {
    if area.height == 0 {
        return;
    }
    let (now, run) = (app.debugger.run_on_screen(), RunPath::here(&tried.session));
    let difference = first_difference(now, run, ComparedBy::Tokens);
    let parting = match (difference.step, difference.positions) {
        (None, _) => "the same as now at every step".to_owned(),
        (Some(step), None) => format!("parts from now at step {step}; the text is the same"),
        (Some(step), Some([_, position])) => {
            format!("parts from now at step {step}; the text differs from position {position} on")
        }
    };
    let parting = format!("{}: {parting}", tried.id);
    pen.rule(Rect { height: 1, ..area }, Role::Faint);
    pen.say(area.x + 1, area.y, area.width.saturating_sub(2), &format!(" {parting} "), Role::Dim);
    let differs = differing(now.canvas(), run.canvas(), ComparedBy::Tokens);
    let flow = flow::lay(pieces(app, run.canvas()), area.width, true);
    // The first difference is in view, with a row before it.
    let first = differs.iter().position(|&on| on).and_then(|at| flow.place(at));
    let room = usize::from(area.height - 1);
    let most = flow.rows.len().saturating_sub(room);
    let top = first.map_or(0, |(row, _)| row.saturating_sub(1)).min(most);
    for (y, row) in (area.y + 1..area.bottom()).zip(flow.rows.iter().skip(top)) {
        for placed in row {
            let position = flow.pieces[placed.piece].position;
            let marked = position.is_some_and(|at| differs.get(at) == Some(&true));
            let masked = position.is_some_and(|at| run.canvas().is_masked(at));
            let role = match (marked, masked) {
                (true, _) => Role::Match,
                (_, true) => Role::Dim,
                _ => Role::Text,
            };
            pen.glyph(area.x + placed.x, y, &placed.glyph.symbol, app.theme.style(role));
        }
    }
}

/// The answer on a canvas, to be laid out.
fn pieces(app: &App, canvas: &Canvas) -> Vec<FlowPiece> {
    let mut shown: Vec<ShownToken> = canvas
        .cells()
        .range(0..canvas.tail())
        .map(|cell| ShownToken::of(&*app.debugger.vocabulary, cell.token))
        .collect();
    text::joined(&mut shown);
    let mask =
        || Glyph { symbol: app.theme.sign(theme::MASK).into(), width: 1, kind: GlyphKind::StandIn };
    shown
        .iter()
        .enumerate()
        .map(|(position, shown)| {
            let glyphs = match canvas.is_masked(position) {
                true => vec![mask()],
                false => shown.glyphs(app.theme.ascii()),
            };
            FlowPiece { position: Some(position), glyphs, marker: None, folded: None }
        })
        .collect()
}
