//! Why: everything about the position under the cursor.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::{
    super::{
        app::{
            Action, App,
            interface::Effect,
            pane::{Pane, Region},
        },
        paint::{
            pen::{self, Pen},
            text::{self, ShownToken},
            theme::{self, Role},
        },
    },
    PaneView,
    chart::{Axis, ChartBar, bars},
    influence,
    steps::{self, guess, pending},
};
use crate::{
    canvas::{Cell, Origin, Slot, TokenId},
    debugger::exact_decision,
    decode::PositionEffect,
    inspect::{self, Thought},
    predict::{COLUMNS, Prediction},
    session::Pending,
};

/// Widest a candidate's text gets.
const TOKEN: u16 = 18;

/// Why it is so at the position under the cursor.
pub struct InspectorPane;

impl Pane {
    pub const INSPECTOR: Self = Self::new(&InspectorPane);
}

impl PaneView for InspectorPane {
    fn title(&self) -> &'static str {
        "Inspector"
    }

    fn region(&self) -> Region {
        Region::RightMiddle
    }

    fn tab(&self) -> Option<&'static str> {
        Some("Why")
    }

    fn summary(&self, app: &App, _area: Rect) -> String {
        if app.display.follow { "follows".to_owned() } else { String::new() }
    }

    fn draw(&self, app: &App, pen: &mut Pen, area: Rect) {
        draw(app, pen, area);
    }

    fn act(&self, app: &mut App, action: Action, _effects: &mut Vec<Effect>) -> bool {
        app.enter_position(action)
    }
}

/// What the model thought of a slot on the way to here.
pub fn thoughts(app: &App, slot: Slot) -> Vec<Thought> {
    let session = &app.debugger.session;
    inspect::thoughts(session, session.at(), slot)
}

/// The step that wrote a cell and its place on the canvas before: for rivals and reasons then.
fn writing(app: &App, cell: &Cell) -> Option<(usize, usize, Option<Arc<Prediction>>)> {
    let step = cell.filled? as usize;
    let before = step.checked_sub(1)?;
    let node = app.history.moments.get(before)?.node;
    let position = app.debugger.session.timeline()[node].canvas.position(cell.slot)?;
    Some((step, position, app.prediction_at(before)))
}

/// Draws what is under the heading.
fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let inside = pen::inner(area);
    let Some(cell) = app.canvas().cells().get(app.display.position).copied() else {
        pen.say(inside.x, inside.y, inside.width, "the canvas has no positions", Role::Dim);
        return;
    };
    let mut room = inside;
    let take = |room: &mut Rect, rows: u16| {
        let rows = rows.min(room.height);
        room.y += rows;
        room.height -= rows;
    };
    if room.height == 0 {
        return;
    }
    let used = title(app, pen, room, &cell);
    take(&mut room, used);

    // In the tabbed place of a small screen text and candidates stand beside each other.
    let wide = room.width >= 72 && room.height < 12;
    let mut left = room;
    let mut right = room;
    if wide {
        left.width = room.width * 11 / 20;
        right.x = left.right() + 2;
        right.width = room.width - left.width - 2;
    }
    let used = pen.paragraph(left, &why(app, &cell), Role::Text);
    take(&mut left, used);
    let timeline = app.debugger.session.timeline();
    let notes = timeline.notes_at(app.debugger.session.at());
    for (_, text) in notes.filter(|(slot, _)| *slot == cell.slot) {
        let text =
            format!("{} {}", app.theme.sign(theme::NOTE), text::safe(text, app.theme.ascii()));
        let used = pen.paragraph(left, &text, Role::Warn);
        take(&mut left, used);
    }
    if let Some(text) = rewritten(app, &cell) {
        let used = pen.paragraph(left, &text, Role::Dim);
        take(&mut left, used);
    }
    if let Some(text) = exact(app) {
        let used = pen.paragraph(left, &text, Role::Dim);
        take(&mut left, used);
    }
    let used = influence::draw(app, pen, left, cell.slot);
    take(&mut left, used);
    let used = numbers(app, pen, left, &cell);
    take(&mut left, used);

    let (candidates, position) = candidates(app, &cell);
    let rest = if wide { &mut right } else { &mut left };
    let history = thoughts(app, cell.slot);
    // A few rows are kept for the history where there is room for both.
    let keep = match rest.height {
        _ if wide || history.len() < 2 => 0,
        0..5 => 0,
        5..8 => 2,
        _ => 4,
    };
    let mut list = *rest;
    list.height -= keep;
    let used = ranking(app, pen, list, candidates.as_deref(), position);
    if wide {
        story(app, pen, left, &history);
    } else {
        take(rest, used);
        let used = story(app, pen, *rest, &history);
        take(rest, used);
        let table = Rect { y: rest.y + 1, height: rest.height.saturating_sub(1), ..*rest };
        steps::draw(app, pen, table, cell.slot, &history);
    }
}

/// Number, identity, token and origin; the origin on a line of its own if it must. Returns the
/// lines used.
fn title(app: &App, pen: &mut Pen, room: Rect, cell: &Cell) -> u16 {
    let special = app.canvas().special();
    let named = |token| {
        let shown = ShownToken::of(&*app.debugger.vocabulary, token);
        format!("“{}” id {token}", shown.label(app.theme.ascii()))
    };
    let token = match cell.draft {
        Some(draft) => format!("open, holds {}", named(draft)),
        None if cell.token == special.mask => "mask".to_owned(),
        None => named(cell.token),
    };
    let origin = match cell.origin {
        Origin::Start => String::new(),
        Origin::Given => "given".to_owned(),
        Origin::Appended { step } => format!("appended at step {step}"),
        Origin::Inserted { step, from } => {
            format!("inserted at step {step} by the expansion of #{}", from.0)
        }
        Origin::ByHand { step } => format!("inserted by hand at step {step}"),
    };
    let position = format!("Position {}", app.display.position);
    let slot = format!(" · slot #{} · ", cell.slot.0);
    let parts = [(&*position, Role::Strong), (&*slot, Role::Dim), (&*token, Role::Text)];
    let used = pen.line(room.x, room.y, room.width, &parts);
    if origin.is_empty() {
        return 1;
    }
    let left = room.width.saturating_sub(used);
    let short = match cell.origin {
        Origin::Appended { step } => format!(" · from step {step}"),
        _ => String::new(),
    };
    if text::width(&origin) + 3 <= usize::from(left) {
        pen.say(room.x + used, room.y, left, &format!(" · {origin}"), Role::Dim);
        return 1;
    }
    if !short.is_empty() || room.height < 5 {
        if text::width(&short) <= usize::from(left) {
            pen.say(room.x + used, room.y, left, &short, Role::Dim);
        }
        return 1;
    }
    pen.say(room.x, room.y + 1, room.width, &origin, Role::Dim);
    2
}

/// The position under the cursor and its verdict, in a sentence; nothing where there is none.
pub fn in_short(app: &App) -> Option<String> {
    let cell = app.canvas().cells().get(app.display.position)?;
    Some(format!("Position {}: {}", app.display.position, why(app, cell)))
}

/// The verdict in words, behind what the user asks of the position.
fn why(app: &App, cell: &Cell) -> String {
    let mut parts = app.debugger.asked(cell);
    if let Some(first) = parts.first_mut() {
        *first = text::sentence(first);
    }
    parts.push(fate(app, cell));
    parts.join(" · ")
}

/// How a position came to hold what it holds, where that was more than one fill: it was replaced or
/// remasked on the way.
fn rewritten(app: &App, cell: &Cell) -> Option<String> {
    let session = &app.debugger.session;
    let writings = inspect::writings(session, session.at(), cell.slot);
    let name = |token: TokenId| format!("“{}”", guess(app, token));
    inspect::rewritten(&writings, &name).map(|text| app.theme.say(&text::sentence(&text)))
}

/// What the exact pass says here, and what would be decided on it.
fn exact(app: &App) -> Option<String> {
    let apart = app.apart()?;
    let decision = text::sentence(&exact_decision(apart));
    let Some(Some(compared)) = apart.positions.get(app.display.position) else {
        return Some(decision);
    };
    let sign = if compared.delta < 0.0 { '−' } else { '+' };
    let (p, delta) = (compared.p, compared.delta.abs());
    let other = match compared.changed {
        true => format!(" for “{}”", guess(app, compared.token)),
        false => String::new(),
    };
    Some(format!("Exact: {p:.4} ({sign}{delta:.4}){other}. {decision}"))
}

fn fate(app: &App, cell: &Cell) -> String {
    let special = app.canvas().special();
    let verdict = app.verdict(app.display.position);
    match verdict.map(|verdict| (verdict, verdict.effect())) {
        Some((verdict, Some(PositionEffect::Remask { .. }))) => return pending(verdict),
        Some((verdict, Some(PositionEffect::Replace { token, .. }))) => {
            return format!("Is replaced by “{}”. {}", guess(app, token), pending(verdict));
        }
        _ => {}
    }
    if cell.token == special.mask {
        let still = if cell.draft.is_some() { "Still open" } else { "Still masked" };
        return match app.debugger.session.pending() {
            Pending::Decided { decision, .. } => {
                decision.verdicts.get(app.display.position).map_or_else(|| "–".to_owned(), pending)
            }
            _ if app.awaits_step() => format!("{still}: {}.", app.debugger.awaited()),
            Pending::Wanted { .. } if app.debugger.live => {
                "Waiting for the forward pass of this step.".to_owned()
            }
            Pending::Wanted { .. } => "No prediction on record for this canvas.".to_owned(),
            Pending::Done(finish) => format!("{still}: the run is over ({}).", finish.name()),
            Pending::Failed(error) => text::sentence(&error.to_string()),
        };
    }
    let Some(step) = cell.filled else {
        return match cell.origin {
            Origin::Appended { step } => format!("Appended as EOS at step {step}."),
            Origin::Given => "Given: it stays as it is.".to_owned(),
            _ => "Written before the run.".to_owned(),
        };
    };
    let moment = app.history.moments.get(step as usize);
    let made = moment.and_then(|moment| app.debugger.session.decision(moment.node));
    let verdict = writing(app, cell).and_then(|(_, position, _)| {
        made.as_ref().and_then(|made| made.verdicts.get(position)).map(ToString::to_string)
    });
    match verdict {
        Some(verdict) => format!("Step {step}: {verdict}"),
        None => format!("Written by hand at step {step}."),
    }
}

/// The numbers of a position, confidence first, now (for a mask) or when it was written.
fn numbers(app: &App, pen: &mut Pen, room: Rect, cell: &Cell) -> u16 {
    let masked = cell.token == app.canvas().special().mask;
    let (prediction, position) = if masked {
        (app.prediction_at(app.step() as usize), app.display.position)
    } else {
        match writing(app, cell) {
            Some((_, position, prediction)) => (prediction, position),
            None => return 0,
        }
    };
    if room.height == 0 {
        return 0;
    }
    let number =
        |column| text::exact(prediction.as_ref().and_then(|found| found.number(column, position)));
    let values: Vec<(&str, String)> =
        COLUMNS.iter().filter_map(|spec| Some((spec.label?, number(spec.column)))).collect();
    // Two on a line, one below the other, where one line is too narrow.
    let narrow = usize::from(room.width) < 17 * values.len();
    let line = |values: &[(&str, String)]| -> Vec<(String, Role)> {
        let parts = values.iter().flat_map(|(name, number)| {
            let name = if narrow { format!("{name:<8}") } else { format!("{name} ") };
            [(name, Role::Dim), (format!("{number:<11} "), Role::Text)]
        });
        parts.collect()
    };
    let on_a_line = if narrow { 2 } else { values.len() };
    let mut used = 0;
    for parts in values.chunks(on_a_line).map(line) {
        if used >= room.height {
            break;
        }
        let parts: Vec<(&str, Role)> =
            parts.iter().map(|(part, role)| (part.as_str(), *role)).collect();
        // Blanks behind the last number may hang over.
        pen.line(room.x, room.y + used, room.width, &parts);
        used += 1;
    }
    used
}

/// The prediction whose candidates are shown, and the row in it.
pub fn candidates(app: &App, cell: &Cell) -> (Option<Arc<Prediction>>, usize) {
    if cell.token == app.canvas().special().mask {
        return (app.prediction_at(app.step() as usize), app.display.position);
    }
    match writing(app, cell) {
        Some((_, position, prediction)) => (prediction, position),
        None => (None, 0),
    }
}

/// Candidates as bars; returns the rows used.
fn ranking(
    app: &App,
    pen: &mut Pen,
    room: Rect,
    prediction: Option<&Prediction>,
    position: usize,
) -> u16 {
    let Some(prediction) = prediction else { return 0 };
    let ranked = prediction.top_k(position);
    if ranked.is_empty() {
        if room.height > 0 {
            pen.say(room.x, room.y, room.width, "candidates –", Role::Dim);
        }
        return room.height.min(1);
    }
    let token_width = TOKEN.min(room.width / 3);
    let special = app.canvas().special();
    let mut rows = 0;
    for (row, &(token, p)) in ranked.iter().enumerate() {
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        if row >= room.height {
            break;
        }
        let y = room.y + row;
        let label = ShownToken::of(&*app.debugger.vocabulary, token).label(app.theme.ascii());
        let role = match () {
            () if token == special.eos => Role::Dim,
            () if row == 0 => Role::Strong,
            () => Role::Text,
        };
        let style = app.theme.style(role);
        pen.put(room.x, y, token_width, &label, style);
        let number = text::candidate(p);
        pen.say(room.x + token_width + 1, y, 8, &number, Role::Dim);
        let bar = room.x + token_width + 9;
        if bar < room.right() {
            pen.gauge(bar, y, room.right() - bar, p, Role::Heat(Some(p)));
        }
        rows = row + 1;
    }
    rows
}

/// Confidence over the steps and how the guess changed; returns the rows used.
fn story(app: &App, pen: &mut Pen, room: Rect, thoughts: &[Thought]) -> u16 {
    if room.height < 2 || thoughts.len() < 2 {
        return 0;
    }
    const WORD: u16 = 9;
    let flips = flips(app, thoughts);
    let text = told(app, &flips, usize::from(room.width.saturating_sub(WORD)));
    let height = (room.height - 1).min(3);
    let chart = Rect::new(room.x + WORD, room.y, room.width.saturating_sub(WORD), height);
    let axis = Axis::new(thoughts.len(), chart.width);
    pen.say(room.x, room.y + height - 1, WORD - 1, "history", Role::Dim);
    bars(pen, chart, axis, |column| {
        let p = axis.last(column).and_then(|at| thoughts.get(at)).and_then(|at| at.p);
        ChartBar { value: p, line: None, role: Role::Heat(p) }
    });
    pen.say(room.x, room.y + height, WORD - 1, "guesses", Role::Dim);
    let style = app.theme.style(Role::Text);
    pen.put(room.x + WORD, room.y + height, room.width.saturating_sub(WORD), &text, style);
    height + 1
}

/// Guesses on one line; where they are too many, the newest.
fn told(app: &App, flips: &[String], width: usize) -> String {
    let changes = flips.len().saturating_sub(1);
    if changes == 0 {
        return app.theme.say(&format!("always {}", flips.first().map_or("–", String::as_str)));
    }
    let noun = if changes == 1 { "change" } else { "changes" };
    let count = app.theme.say(&format!(" ({changes} {noun})"));
    let arrow = app.theme.say(" → ");
    let line = |first: usize| {
        let cut = if first > 0 { app.theme.say("… → ") } else { String::new() };
        format!("{cut}{}{count}", flips[first..].join(&arrow))
    };
    (0..flips.len())
        .map(line)
        .find(|line| text::width(line) <= width)
        .unwrap_or_else(|| line(flips.len() - 1))
}

/// The guesses in order, without repetitions.
fn flips(app: &App, thoughts: &[Thought]) -> Vec<String> {
    let mut tokens: Vec<TokenId> = thoughts.iter().filter_map(|thought| thought.token).collect();
    tokens.dedup();
    tokens.into_iter().map(|token| guess(app, token)).collect()
}
