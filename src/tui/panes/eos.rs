//! Is it long enough: P(EOS) at the tail, what the rule makes of it, and both over the steps.

use ratatui::layout::Rect;

use super::{
    super::{
        app::{
            App,
            pane::{Pane, Region},
        },
        paint::{
            pen::{self, Pen},
            text,
            theme::{self, Role},
        },
    },
    PaneView,
    chart::{Axis, ChartBar, bars},
    length,
};
use crate::{
    decode::{Decision, EosMeasure, Growth, Mode, State, Verdict, cal},
    predict::Column,
    session::Pending,
};

/// Cells of a chart's labels.
const LABEL: u16 = 8;

/// Is it long enough.
pub struct EosPane;

impl Pane {
    pub const EOS: Self = Self::new(&EosPane);
}

impl PaneView for EosPane {
    fn title(&self) -> &'static str {
        "EOS & length"
    }

    fn region(&self) -> Region {
        Region::RightTop
    }

    fn tab(&self) -> Option<&'static str> {
        Some("EOS")
    }

    fn summary(&self, app: &App, _area: Rect) -> String {
        let eos = app.decision().and_then(|decision| decision.eos.as_ref());
        let words = |eos: &EosMeasure| format!("EOS {}", text::probability(Some(eos.confidence)));
        eos.map(words).unwrap_or_default()
    }

    fn draw(&self, app: &App, pen: &mut Pen, area: Rect) {
        draw(app, pen, area);
    }

    fn click(&self, app: &mut App, area: Rect, x: u16, y: u16) {
        if let Some(step) = hit(app, area, x, y) {
            app.go_step(step);
        }
    }

    fn wheel(&self, app: &mut App, _area: Rect, down: bool) {
        app.go_one_step(down);
    }
}

/// What the length rule says, in words.
pub fn rule(app: &App, decision: &Decision) -> String {
    if let State::Cal(state) = &decision.next {
        return tried(decision, state);
    }
    let Some(eos) = &decision.eos else { return "this strategy has no length rule".to_owned() };
    let length = app.canvas().len();
    let density = matches!(decision.next, State::RhoEos(_));
    let symbol = if density { "ρ" } else { symbol(app.debugger.session.phase().stage) };
    let sign = if eos.confidence < eos.threshold { "<" } else { "≥" };
    let (confidence, threshold) = text::compared(eos.confidence, eos.threshold);
    let compared = format!("{confidence} {sign} {symbol} {threshold}");
    let then = match (decision.mode, decision.growth) {
        (Mode::Grow, Growth::To(to)) => {
            format!("will grow by {} to {to}", to.saturating_sub(length))
        }
        (Mode::Settle, Growth::To(to)) if to > length => {
            format!("long enough; {} EOS will follow, length {to}", to - length)
        }
        (Mode::Settle, Growth::To(to)) => format!("will be cut to {to}"),
        (Mode::Settle, Growth::AtMaximum(maximum)) => {
            format!("would grow, but {maximum} is the maximum")
        }
        (Mode::Settle, Growth::Stays) => "stage 2 begins".to_owned(),
        (_, Growth::AtMaximum(maximum)) if density => {
            format!("would grow, but {maximum} is the maximum")
        }
        (_, Growth::Stays) if density => "the length stays".to_owned(),
        (_, Growth::AtMaximum(maximum)) => format!("would expand, but {maximum} is the maximum"),
        (_, Growth::To(to)) => match decision.expansions().next() {
            Some(position) if forced(decision) => {
                format!("position {position} will be expanded by hand, length {to}")
            }
            Some(position) => format!("will expand position {position}, length {to}"),
            None => format!("the length becomes {to}"),
        },
        (_, Growth::Stays) if eos.confidence >= eos.threshold => {
            let refused = decision
                .verdicts
                .iter()
                .filter(|verdict| matches!(verdict, Verdict::Refused { .. }))
                .count();
            match refused {
                0 => "long enough, nothing to expand".to_owned(),
                refused => format!("long enough; {refused} under τ_low not expanded"),
            }
        }
        (_, Growth::Stays) => "may expand, but none is under τ_low".to_owned(),
    };
    format!("{compared}: {then}")
}

/// What a trial of a length came to, and what comes of it.
fn tried(decision: &Decision, state: &cal::State) -> String {
    let best = state.best().map_or(0, |best| best.length);
    let many = state.trials.len();
    match (decision.mode, decision.growth) {
        (Mode::Trial, Growth::To(to)) if state.filling.is_none() => {
            format!("{}: {to} is tried next", state.sentence())
        }
        (Mode::Trial, _) => format!("{}: {best} is chosen of {many}", state.sentence()),
        _ => format!("{best} was chosen of {many} lengths that were tried"),
    }
}

/// True if an expansion was asked for by hand.
fn forced(decision: &Decision) -> bool {
    decision.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Forced { .. }))
}

/// The threshold's symbol in a stage.
fn symbol(stage: u8) -> &'static str {
    if stage == 1 { "τ_eos" } else { "τ_expand" }
}

/// How the measure comes about.
fn sum(eos: &EosMeasure) -> String {
    let p = |p: f32| text::probability(Some(p));
    let total = eos.confidence * eos.window as f32;
    format!(
        "counted {} of {}: {total:.2} / {} = {}",
        eos.taken.len(),
        eos.window,
        eos.window,
        p(eos.confidence)
    )
}

/// Where the words and the two charts lie.
struct EosParts {
    words: Rect,
    eos: Rect,
    length: Rect,
    axis: Axis,
}

fn parts(app: &App, inside: Rect) -> EosParts {
    // A wide and low pane has the charts beside the words.
    let side_by_side = inside.width >= 72 && inside.height < 12;
    let half = inside.width / 2;
    let (words, charts) = if side_by_side {
        let charts = Rect { x: inside.x + half + 1, width: inside.width - half - 1, ..inside };
        (Rect { width: half - 1, ..inside }, charts)
    } else {
        let rows = word_rows(app, inside).min(inside.height);
        let charts = Rect { y: inside.y + rows, height: inside.height - rows, ..inside };
        (Rect { height: rows, ..inside }, charts)
    };
    let width = charts.width.saturating_sub(LABEL);
    let (upper, lower) = match charts.height {
        0 | 1 => (charts.height, 0),
        height => (height.div_ceil(2), height / 2),
    };
    let x = charts.x + LABEL.min(charts.width);
    EosParts {
        words,
        eos: Rect::new(x, charts.y, width, upper),
        length: Rect::new(x, charts.y + upper, width, lower),
        axis: Axis::new(app.history.moments.len(), width),
    }
}

/// Rows of words above the charts: strip, marks, sum, rule.
fn word_rows(app: &App, inside: Rect) -> u16 {
    // Always room for two lines of the rule: the charts stand still while it changes.
    4 + marks(app, inside)
}

/// Rows for the marks under the strip.
fn marks(app: &App, inside: Rect) -> u16 {
    // Without colour the marks are all there is to tell.
    let needed = app.theme.colourless() && inside.height > 5;
    u16::from(needed || inside.height >= 11 || inside.width >= 72)
}

/// Lengths that were tried so far, the pending one included, by length, each with the step before
/// its trial.
fn trials(app: &App) -> Vec<(usize, cal::Trial)> {
    let state = app.decision().map_or(app.debugger.session.state(), |decision| &decision.next);
    let State::Cal(state) = state else { return Vec::new() };
    let mut trials: Vec<(usize, cal::Trial)> = state.trials.iter().copied().enumerate().collect();
    trials.sort_by_key(|(_, trial)| trial.length);
    trials
}

/// The step under a cell of the pane.
fn hit(app: &App, area: Rect, x: u16, y: u16) -> Option<usize> {
    let parts = parts(app, pen::inner(area));
    let trials = trials(app);
    if !trials.is_empty() && parts.eos.contains((x, y).into()) {
        let at = Axis::new(trials.len(), parts.eos.width).hit(x.checked_sub(parts.eos.x)?)?;
        return trials.get(at).map(|(step, _)| *step);
    }
    let inside = parts.eos.contains((x, y).into()) || parts.length.contains((x, y).into());
    parts.axis.hit(x.checked_sub(parts.eos.x).filter(|_| inside)?)
}

/// Draws what is under the heading.
fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let inside = pen::inner(area);
    if inside.height == 0 {
        return;
    }
    let parts = parts(app, inside);
    let words = parts.words;
    match app.decision() {
        Some(decision) => {
            let marks = marks(app, inside);
            strip(app, pen, words, decision.eos.as_ref(), marks > 0);
            let mut y = words.y + 1 + marks;
            if let Some(eos) = decision.eos.as_ref().filter(|_| y < words.bottom()) {
                pen.say(words.x, y, words.width, &sum(eos), Role::Dim);
                y += 1;
            }
            let rest = Rect { y, height: words.bottom().saturating_sub(y), ..words };
            pen.paragraph(rest, &rule(app, decision), Role::Strong);
        }
        None => {
            let sentence = match app.debugger.session.pending() {
                Pending::Wanted { .. } if app.debugger.live => "Waiting for the forward pass.",
                Pending::Wanted { .. } => "No prediction on record for this canvas.",
                Pending::Failed(_) => "The strategy cannot decide here.",
                Pending::Done(_) | Pending::Decided { .. } => "",
            };
            if app.awaits_step() {
                let sentence = text::sentence(app.debugger.awaited());
                pen.paragraph(words, &sentence, Role::Dim);
            } else if matches!(app.debugger.session.pending(), Pending::Done(_)) {
                pen.paragraph(words, &length::why(app), Role::Text);
            } else {
                pen.paragraph(words, sentence, Role::Dim);
            }
        }
    }
    over_steps(app, pen, &parts);
}

/// P(EOS) of the last positions as bars; the ones that count are bright and marked.
fn strip(app: &App, pen: &mut Pen, inside: Rect, eos: Option<&EosMeasure>, marks: bool) {
    const WORD: u16 = 6;
    let Some(prediction) = app.prediction() else { return };
    let window = eos.map_or(32, |eos| eos.window);
    let room = usize::from(inside.width.saturating_sub(WORD));
    let length = prediction.rows();
    let shown = window.min(room).min(length);
    pen.say(inside.x, inside.y, WORD, "P(EOS)", Role::Dim);
    let start = inside.x + WORD + u16::from(inside.width > WORD + 1);
    for (x, position) in (start..inside.right()).zip(length - shown..length) {
        let p = prediction.number(Column::PEos, position);
        let counts = eos.is_some_and(|eos| eos.taken.contains(&position));
        let role = if counts { Role::Heat(p) } else { Role::Quiet };
        let style = app.theme.style(role);
        let style = if position == app.display.position { app.theme.cursor(style) } else { style };
        pen.glyph(x, inside.y, pen.theme.heat_bar(p), style);
        if marks && counts {
            pen.sign(x, inside.y + 1, theme::COUNTED, Role::Text);
        }
    }
    if marks && let Some(eos) = eos {
        let before = eos.taken.iter().filter(|&&position| position + shown < length).count();
        let words = match before {
            0 => "counts".to_owned(),
            before => format!("+{before}"),
        };
        pen.say(inside.x, inside.y + 1, WORD, &words, Role::Dim);
    }
}

/// The EOS confidence with its thresholds, and the length, over the steps of the branch.
fn over_steps(app: &App, pen: &mut Pen, parts: &EosParts) {
    let moments = &app.history.moments;
    let here = app.step() as usize;
    let axis = parts.axis;
    let pending = app.decision().and_then(|decision| decision.eos.as_ref());
    // The measure taken at a node belongs to the step made from it.
    let measure = |step: usize| {
        if step == here
            && let Some(eos) = pending
        {
            return Some((eos.confidence, eos.threshold));
        }
        moments.get(step + 1).and_then(|next| next.made.as_ref()).and_then(|made| made.eos)
    };
    let stage = |column: u16| {
        axis.last(column).and_then(|step| moments.get(step)).map_or(1, |moment| moment.stage)
    };
    let trials = trials(app);
    if trials.is_empty() {
        bars(pen, parts.eos, axis, |column| {
            let measured = axis.steps(column).rev().find_map(measure);
            ChartBar {
                value: measured.map(|(confidence, _)| confidence),
                line: measured.map(|(_, threshold)| threshold),
                role: if stage(column) == 1 { Role::FillInk } else { Role::Calm },
            }
        });
        label(pen, parts.eos, "EOS", "1");
    } else {
        by_length(pen, parts.eos, &trials);
    }

    let longest = moments.iter().map(|moment| moment.length).max().unwrap_or(0).max(1);
    let expanded = |step: usize| {
        moments
            .get(step)
            .and_then(|moment| moment.made.as_ref())
            .is_some_and(|made| made.expansions > 0)
    };
    bars(pen, parts.length, axis, |column| {
        let steps = axis.steps(column);
        let length = steps.clone().filter_map(|step| moments.get(step)).map(|at| at.length);
        ChartBar {
            value: length.max().map(|length| length as f32 / longest as f32),
            line: None,
            role: match (steps.clone().any(expanded), stage(column)) {
                (true, _) => Role::ExpandInk,
                (false, 1) => Role::FillInk,
                (false, _) => Role::Quiet,
            },
        }
    });
    label(pen, parts.length, "length", &longest.to_string());

    let x = parts.eos.x.saturating_add(axis.cell(axis.column(here)));
    if x < parts.eos.right() {
        let upper = if trials.is_empty() { parts.eos } else { parts.length };
        pen.playhead(x..x + axis.bar(), upper.y..parts.length.bottom());
    }
}

/// What lengths came to that were tried, shortest first; the best is marked.
fn by_length(pen: &mut Pen, chart: Rect, trials: &[(usize, cal::Trial)]) {
    let best = trials.iter().map(|(_, trial)| trial.calibrated).fold(0.0, f64::max);
    let chosen = trials.iter().filter(|(_, trial)| trial.calibrated == best);
    let chosen = chosen.min_by_key(|(step, _)| *step).map(|(step, _)| *step);
    let axis = Axis::new(trials.len(), chart.width);
    bars(pen, chart, axis, |column| {
        let here = trials.get(axis.steps(column)).unwrap_or_default();
        let value = here.iter().map(|(_, trial)| trial.calibrated).fold(0.0, f64::max);
        let marked = here.iter().any(|(step, _)| Some(*step) == chosen);
        ChartBar {
            value: Some((value / best.max(f64::MIN_POSITIVE)) as f32),
            line: marked.then_some(1.0),
            role: if marked { Role::ExpandInk } else { Role::FillInk },
        }
    });
    label(pen, chart, "tried", &format!("{best:.2}"));
}

/// A chart's name at its foot and the top of its scale at its head.
fn label(pen: &mut Pen, chart: Rect, name: &str, top: &str) {
    let Some(x) = chart.x.checked_sub(LABEL).filter(|_| chart.height > 0) else { return };
    // On two rows a threshold's line may lie on the upper one: that is not where 1 is.
    if chart.height > 2 || (chart.height > 1 && name == "length") {
        pen.say(x, chart.y, LABEL - 1, &format!("{top:>7}"), Role::Dim);
    }
    pen.say(x, chart.bottom() - 1, LABEL - 1, &format!("{name:>7}"), Role::Dim);
}
