//! Turn and see: the parameters, with what a change costs.

use ratatui::layout::Rect;

use super::{
    super::{
        app::{
            Action, App, InputMode,
            interface::Effect,
            pane::{Pane, Region},
        },
        paint::{
            pen::{self, Pen},
            text,
            theme::{self, Role},
        },
    },
    KeyHint, PaneView,
    canvas::scrollbar,
    moved_to,
};
use crate::{
    debugger::Command,
    decode::{Affects, Decision, ParamSpec, Value},
};

/// Cells of the symbol; a loop's parameters have names in its place, which may be longer.
const SYMBOL: u16 = 9;
const LONGEST_SYMBOL: u16 = 18;
/// Cells of the value.
const VALUE: u16 = 8;
/// Cells of the field a value is typed in.
const FIELD: u16 = 12;
/// Cells kept behind a slider for the values that change the step.
const NOTE: u16 = 19;
/// Cells of the full name, where there is room.
const NAME: u16 = 33;

/// The narrowest pane whose list has the full names.
const NAMED: u16 = SYMBOL + NAME + VALUE + 16;

/// The parameters, with what a change of them costs.
pub struct ParametersPane;

impl Pane {
    pub const PARAMETERS: Self = Self::new(&ParametersPane);
}

impl PaneView for ParametersPane {
    fn title(&self) -> &'static str {
        "Parameters"
    }

    fn region(&self) -> Region {
        Region::RightBottom
    }

    fn tab(&self) -> Option<&'static str> {
        Some("Params")
    }

    fn rows(&self, app: &App) -> Option<usize> {
        // Help on the chosen one stands under the list.
        Some(app.debugger.session.params().specs().len() + 4)
    }

    fn summary(&self, app: &App, _area: Rect) -> String {
        if app.what_if() { "what if".to_owned() } else { String::new() }
    }

    fn draw(&self, app: &App, pen: &mut Pen, area: Rect) {
        draw(app, pen, area);
    }

    fn hints(&self) -> &'static [KeyHint] {
        &[
            (&[Action::Up, Action::Down], "choose"),
            (&[Action::Less, Action::More], "change"),
            (&[Action::Enter], "type"),
            (&[Action::ResetParam], "reset"),
            (&[Action::Try], "try"),
        ]
    }

    fn act(&self, app: &mut App, action: Action, _effects: &mut Vec<Effect>) -> bool {
        match action {
            Action::Left => change_by(app, -1),
            Action::Right => change_by(app, 1),
            Action::Up | Action::Down | Action::First | Action::Last => {
                let last = app.debugger.session.params().specs().len().saturating_sub(1);
                app.display.param =
                    moved_to(app.display.param, last, action).unwrap_or(app.display.param);
                explain(app);
            }
            _ => return false,
        }
        true
    }

    fn click(&self, app: &mut App, area: Rect, _x: u16, y: u16) {
        if let Some(param) = hit(app, area, y) {
            app.display.param = param;
        }
    }

    fn drag(&self, _app: &mut App, _area: Rect, _x: u16, _y: u16) {}

    fn wheel(&self, app: &mut App, _area: Rect, down: bool) {
        let last = app.debugger.session.params().specs().len().saturating_sub(1);
        app.display.param = if down {
            (app.display.param + 1).min(last)
        } else {
            app.display.param.saturating_sub(1)
        };
    }
}

/// Where on a slider of `width` cells a value lies; `None` where a slider says nothing.
pub fn knob(spec: &ParamSpec, value: Value, width: u16) -> Option<u16> {
    let (min, max) = spec.bounds()?;
    if width < 3 || max - min > 1e9 {
        return None;
    }
    // Ranges over several orders of magnitude are logarithmic.
    let scale = |x: f64| if max - min > 10.0 { (x - min).ln_1p() } else { x - min };
    let share = scale(value.as_f64()) / scale(max);
    Some((share.clamp(0.0, 1.0) * f64::from(width - 1)).round() as u16)
}

/// Rows for the list of `count`: the rest is for help on the chosen one.
fn list_rows(inside: Rect, count: usize) -> u16 {
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    let help = match inside.height {
        ..=5 => 0,
        6..=9 => 2,
        _ => 4,
    };
    // A help that leaves room to the list gets what is left.
    if help == 0 { inside.height } else { (inside.height - help).min(count) }
}

fn first(app: &App, rows: u16) -> usize {
    let rows = usize::from(rows);
    let count = app.debugger.session.params().specs().len();
    let keep = app.display.param.saturating_sub(rows.saturating_sub(2));
    if app.display.param + 1 == count { count.saturating_sub(rows) } else { keep }
        .min(count.saturating_sub(rows))
}

/// The parameter under a row of the pane.
fn hit(app: &App, area: Rect, y: u16) -> Option<usize> {
    let inside = pen::inner(area);
    let count = app.debugger.session.params().specs().len();
    let rows = list_rows(inside, count);
    let row = y.checked_sub(inside.y).filter(|&row| row < rows)?;
    let at = first(app, rows) + usize::from(row);
    (at < count).then_some(at)
}

/// Why there is nothing to turn.
pub fn none(app: &App) -> String {
    let strategy = app.debugger.session.strategy();
    match strategy.decides() {
        true => format!("`{}` has no parameters", strategy.name()),
        false => {
            format!("`{}` is another program's: no parameters to change here", strategy.name())
        }
    }
}

/// Draws what is under the heading.
fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let inside = pen::inner(area);
    let count = app.debugger.session.params().specs().len();
    if count == 0 {
        pen.paragraph(inside, &none(app), Role::Dim);
    }
    let rows = list_rows(inside, count);
    let skip = first(app, rows);
    for (row, (at, (spec, value))) in app
        .debugger
        .session
        .params()
        .iter()
        .enumerate()
        .skip(skip)
        .take(usize::from(rows))
        .enumerate()
    {
        let y = inside.y + u16::try_from(row).unwrap_or(0);
        entry(app, pen, Rect { y, height: 1, ..inside }, at, spec, value);
    }
    if usize::from(rows) < count {
        let list = Rect {
            y: inside.y.saturating_sub(1),
            width: inside.width + 1,
            height: rows + 1,
            ..inside
        };
        scrollbar(pen, list, skip, usize::from(rows), count);
    }
    if rows < inside.height
        && let Some((spec, _)) = app.debugger.session.params().iter().nth(app.display.param)
    {
        let help = Rect { y: inside.y + rows, height: inside.height - rows, ..inside };
        detail(app, pen, help, spec);
    }
}

/// The chosen parameter on one line.
pub fn chosen(app: &App, pen: &mut Pen, line: Rect) {
    if let Some((spec, value)) = app.debugger.session.params().iter().nth(app.display.param) {
        entry(app, pen, line, app.display.param, spec, value);
    }
}

/// One parameter on one line.
fn entry(app: &App, pen: &mut Pen, line: Rect, at: usize, spec: &ParamSpec, value: Value) {
    let chosen = at == app.display.param;
    let own = app.own_params().get(spec.name).ok();
    let changed = own.is_some_and(|own| own != value);
    let mut x = line.x;
    if chosen {
        pen.sign(x, line.y, theme::POINTER, Role::Key);
    }
    x += 2;
    let role = if chosen { Role::Strong } else { Role::Text };
    let specs = app.debugger.session.params().specs().iter();
    let widest = specs.map(|spec| text::width(spec.symbol) as u16 + 1).max();
    let symbol = widest.unwrap_or(SYMBOL).clamp(SYMBOL, LONGEST_SYMBOL);
    pen.say(x, line.y, symbol, spec.symbol, role);
    x += symbol;
    if line.width >= NAMED && spec.affects != Affects::Loop {
        pen.say(x, line.y, NAME - 1, spec.name, Role::Dim);
        x += NAME;
    }
    if chosen && let InputMode::Value(input) = &app.top.mode {
        let room = line.right().saturating_sub(x);
        pen.field(Rect { x, width: room.min(FIELD), ..line }, input);
        let was = format!("was {}", text::value(spec, value));
        pen.say(x + FIELD + 1, line.y, room.saturating_sub(FIELD + 1), &was, Role::Dim);
        return;
    }
    let role = if changed { Role::Warn } else { role };
    pen.say(x, line.y, VALUE - 1, &format!("{:>6}", text::value(spec, value)), role);
    x += VALUE;
    let was = match own {
        Some(own) if own != value => format!("was {}", text::value(spec, own)),
        _ => String::new(),
    };
    let flips = nearest(app, spec);
    let note = if was.is_empty() { flips } else { was };
    let reserved = if note.is_empty() { 0 } else { text::width(&pen.theme.say(&note)) as u16 + 2 };
    let room = line.right().saturating_sub(x);
    // Sliders of one length, whatever stands behind them, where there is room.
    let behind = if room >= 36 { reserved.max(NOTE) } else { reserved.max(11) };
    let width = room.saturating_sub(behind).min(40);
    if let Some(knob) = knob(spec, value, width) {
        for cell in 0..width {
            let (sign, role) = match cell {
                cell if cell == knob => (theme::KNOB, if changed { Role::Warn } else { Role::Key }),
                cell if cell < knob => (theme::GROOVE_ON, Role::Dim),
                _ => (theme::GROOVE_OFF, Role::Faint),
            };
            pen.sign(x + cell, line.y, sign, role);
        }
    }
    if reserved > 0 && reserved <= room {
        let role = if changed { Role::Warn } else { Role::Dim };
        pen.say(line.right() - reserved + 1, line.y, reserved - 1, &note, role);
    }
}

/// A value at which the pending step comes out differently: typed, it does. Four decimals, rounded
/// away from the present value; the whole f32 where that is too coarse.
fn flip_value(value: Value, up: bool) -> String {
    let Value::Float(exact) = value else { return value.to_string() };
    let scaled = exact * 1e4;
    let rounded = if up { scaled.ceil() } else { scaled.floor() } / 1e4;
    if rounded == 0.0 || exact < 0.01 {
        return (exact as f32).to_string();
    }
    rounded.to_string()
}

/// The nearest values that change the pending step: `↓0.871 ↑0.93`.
fn nearest(app: &App, spec: &ParamSpec) -> String {
    let Some(flips) = app.flip(spec.name) else { return String::new() };
    let part = |arrow: &str, change_by: &Option<(Value, String)>| {
        change_by.as_ref().map(|(value, _)| format!("{arrow}{}", flip_value(*value, arrow == "↑")))
    };
    let parts = [part("↓", &flips.down), part("↑", &flips.up)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The same in words: what each changes.
fn flips(app: &App, spec: &ParamSpec) -> Option<String> {
    let flips = app.flip(spec.name)?;
    let part = |arrow: &str, change_by: &Option<(Value, String)>| {
        let value = |value: Value| flip_value(value, arrow == "↑");
        change_by.as_ref().map(|(at, what)| format!("{arrow} {}: {what}", value(*at)))
    };
    let parts: Vec<String> =
        [part("↓", &flips.down), part("↑", &flips.up)].into_iter().flatten().collect();
    Some(match parts.is_empty() {
        true => "no value changes this step".to_owned(),
        false => format!("flips at {}", parts.join(" · ")),
    })
}

/// Name, range and cost of the chosen parameter, and what it changes.
fn detail(app: &App, pen: &mut Pen, room: Rect, spec: &ParamSpec) {
    let unit = if spec.unit.is_empty() { String::new() } else { format!(", {}", spec.unit) };
    let endless = spec.bounds().is_some_and(|(_, max)| max > 1e6);
    let range = if endless { String::new() } else { format!(" {}", spec.range()) };
    let name = format!("{}{range}{unit}", spec.name);
    // What it is for, under its name or behind it, or in its place where the list has the name.
    let mut wordings = vec![format!("{name} · {}", spec.help)];
    if room.width >= NAMED {
        wordings.push(format!("{range}{unit} · {}", spec.help).trim_start().to_owned());
        wordings.push(format!("{range} · {}", spec.help).trim_start().to_owned());
        wordings.push(spec.help.to_owned());
    }
    let width = |text: &String| text::width(&pen.theme.say(text));
    let one = wordings.iter().find(|text| width(text) <= usize::from(room.width));
    let fits = room.height < 4 && one.is_some();
    let first = one.filter(|_| fits).unwrap_or(&name);
    pen.say(room.x, room.y, room.width, first, Role::Dim);
    if room.height < 2 {
        return;
    }
    let mut y = room.y + 1;
    if !fits && room.height > 2 {
        let height = room.height - 2;
        y += pen.paragraph(Rect { y, height, ..room }, spec.help, Role::Dim);
    }
    let effect = match (app.decision(), app.recorded_next()) {
        (Some(now), Some(then)) if app.what_if() => {
            format!("what if: {}", difference(now, then))
        }
        _ => flips(app, spec).unwrap_or_else(|| spec.affects.words().to_owned()),
    };
    let role = if app.what_if() { Role::Warn } else { Role::Dim };
    pen.say(room.x, y, room.width, &effect, role);
}

/// Turns the chosen parameter up or down.
pub fn change_by(app: &mut App, steps: i64) {
    let Some((spec, value)) = app.debugger.session.params().iter().nth(app.display.param) else {
        return app.complain(none(app));
    };
    let value = spec.stepped(value, steps);
    let set = Command::set(spec.name, &value.to_string());
    if app.run(set, &mut Vec::new()) {
        changed(app);
    }
}

/// Says what the chosen parameter is for, where messages have a line of their own: the pane
/// seldom has the room.
pub fn explain(app: &mut App) {
    let Some(spec) = app.debugger.session.params().specs().get(app.display.param) else { return };
    if app.areas().is_some_and(|areas| areas.message.is_some()) {
        app.say(format!("{}: {}", spec.symbol, spec.help));
    }
}

/// Gives the chosen parameter back the value that the run was started with.
pub fn reset(app: &mut App) {
    let spec = app.debugger.session.params().specs().get(app.display.param);
    let Some(reset) = spec.map(|spec| Command::reset(spec.name)) else { return };
    if app.run(reset, &mut Vec::new()) {
        changed(app);
    }
}

/// After a parameter changed: what it costs and what it changes, in words.
pub fn changed(app: &mut App) {
    app.running.held = false;
    app.refresh();
    let Some((spec, value)) = app.debugger.session.params().iter().nth(app.display.param) else {
        return;
    };
    let own = app.own_params().get(spec.name).ok();
    let was = match own {
        Some(own) if own != value => format!(" (was {})", text::value(spec, own)),
        _ => String::new(),
    };
    let effect = match (spec.affects, app.decision(), app.recorded_next()) {
        (Affects::Decide, Some(now), Some(then)) => difference(now, then),
        _ => spec.affects.words().to_owned(),
    };
    let value = text::value(spec, value);
    let text = format!("{} = {value}{was}: {effect}", spec.symbol);
    app.say(text);
}

/// How a decision differs from the one on record.
fn difference(now: &Decision, then: &Decision) -> String {
    let counts = |decision: &Decision| (decision.fills().count(), decision.expansions().count());
    let ((fills, expansions), (old_fills, old_expansions)) = (counts(now), counts(then));
    if now.edits == then.edits {
        return "the same step as on record".to_owned();
    }
    let changed = |name: &str, old: usize, new: usize| match old == new {
        true => None,
        false => Some(format!("{name} {old} → {new}")),
    };
    let parts: Vec<String> =
        [changed("fills", old_fills, fills), changed("expansions", old_expansions, expansions)]
            .into_iter()
            .flatten()
            .collect();
    // As many, but not the same.
    if parts.is_empty() { "another step than on record".to_owned() } else { parts.join(", ") }
}
