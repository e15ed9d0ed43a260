//! Is it long enough: P(EOS) at the tail, what the rule makes of it, and both over the steps.

use ratatui::layout::Rect;

use super::{
    super::{
        app::App,
        layout::Pane,
        pen::{self, Pen},
        text,
        theme::{self, Role},
    },
    chart::{Axis, Bar, bars},
};
use crate::{
    decode::{Decision, EosMeasure, Growth, Mode, Verdict},
    predict::Column,
    session::Pending,
};

/// Cells of a chart's labels.
const LABEL: u16 = 6;

/// What the length rule says, in words.
pub fn rule(app: &App, decision: &Decision) -> String {
    let Some(eos) = &decision.eos else { return "this strategy has no length rule".to_owned() };
    let p = |p: f32| text::probability(Some(p));
    let length = app.canvas().len();
    let symbol = symbol(app.session.phase().stage);
    let sign = if eos.confidence < eos.threshold { "<" } else { "≥" };
    let compared = format!("{} {sign} {symbol} {}", p(eos.confidence), p(eos.threshold));
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
        (_, Growth::AtMaximum(maximum)) => format!("would expand, but {maximum} is the maximum"),
        (_, Growth::To(to)) => match decision.expansions().next() {
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
                0 => "nothing to expand, and it would not".to_owned(),
                refused => format!("will not expand ({refused} under τ_low)"),
            }
        }
        (_, Growth::Stays) => "may expand, but none is under τ_low".to_owned(),
    };
    format!("{compared}: {then}")
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
        "counted {} of W_eos {}: {total:.2} / {} = {}",
        eos.taken.len(),
        eos.window,
        eos.window,
        p(eos.confidence)
    )
}

/// Where the two charts lie.
struct Charts {
    eos: Rect,
    length: Rect,
    axis: Axis,
}

fn charts(app: &App, area: Rect) -> Option<Charts> {
    let inside = pen::inner(area);
    let text = text_rows(app, inside);
    let room = inside.height.checked_sub(text)?;
    if room < 2 || inside.width < LABEL + 4 {
        return None;
    }
    let width = inside.width - LABEL;
    let upper = room.div_ceil(2);
    let y = inside.y + text;
    Some(Charts {
        eos: Rect::new(inside.x + LABEL, y, width, upper),
        length: Rect::new(inside.x + LABEL, y + upper, width, room - upper),
        axis: Axis::new(app.history.moments.len(), width),
    })
}

/// Rows above the charts: strip, marks, sum, rule.
fn text_rows(app: &App, inside: Rect) -> u16 {
    let rule = match app.decision() {
        Some(decision) => app.theme.say(&rule(app, decision)),
        None => String::new(),
    };
    let lines = u16::try_from(text::wrap(&rule, usize::from(inside.width)).len()).unwrap_or(1);
    let marks = u16::from(inside.height >= 8);
    (2 + marks + lines.min(2)).min(inside.height)
}

/// The step under a cell of the pane.
pub fn hit(app: &App, area: Rect, x: u16, y: u16) -> Option<usize> {
    let charts = charts(app, area)?;
    let inside = charts.eos.contains((x, y).into()) || charts.length.contains((x, y).into());
    let column = x.checked_sub(charts.eos.x).filter(|_| inside)?;
    charts.axis.step(column)
}

/// Draws the pane.
pub fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let right = match app.session.pending() {
        Pending::Decided { decision, .. } => decision
            .eos
            .as_ref()
            .map(|eos| format!("EOS {}", text::probability(Some(eos.confidence)))),
        _ => None,
    };
    let focused = app.focus == Pane::Eos;
    let inside = pen.heading(area, Pane::Eos.title(), focused, &right.unwrap_or_default());
    draw_inside(app, pen, area, inside);
}

/// Draws what is under the heading.
pub fn draw_inside(app: &App, pen: &mut Pen, area: Rect, inside: Rect) {
    if inside.height == 0 {
        return;
    }
    let text = text_rows(app, inside);
    match app.decision() {
        Some(decision) => {
            let marks = u16::from(inside.height >= 8);
            strip(app, pen, inside, decision.eos.as_ref(), marks > 0);
            let mut y = inside.y + 1 + marks;
            if let Some(eos) = decision.eos.as_ref().filter(|_| y < inside.bottom()) {
                pen.say(inside.x, y, inside.width, &sum(eos), Role::Dim);
                y += 1;
            }
            let rest = Rect { y, height: (inside.y + text).saturating_sub(y), ..inside };
            pen.paragraph(rest, &rule(app, decision), Role::Strong);
        }
        None => {
            let words = match app.session.pending() {
                Pending::Wanted { .. } if app.has_engine => "waiting for the forward pass",
                Pending::Wanted { .. } => "no prediction on record for this canvas",
                Pending::Done(_) => "the run is over: no forward pass follows",
                Pending::Failed(_) => "the strategy cannot decide here",
                Pending::Decided { .. } => "",
            };
            pen.say(inside.x, inside.y, inside.width, words, Role::Dim);
        }
    }
    if let Some(charts) = charts(app, area) {
        over_steps(app, pen, &charts);
    }
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
    let mut x = inside.x + WORD + u16::from(inside.width > WORD + 1);
    for position in length - shown..length {
        if x >= inside.right() {
            break;
        }
        let p = prediction.number(Column::PEos, position);
        let counts = eos.is_some_and(|eos| eos.taken.contains(&position));
        let role = if counts { Role::Heat(p) } else { Role::Faint };
        let style = match position == app.position {
            true => app.theme.cursor(app.theme.style(role)),
            false => app.theme.style(role),
        };
        pen.glyph(x, inside.y, pen.theme.heat_bar(p), style);
        if marks && counts {
            pen.sign(x, inside.y + 1, theme::COUNTED, Role::Text);
        }
        x += 1;
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
fn over_steps(app: &App, pen: &mut Pen, charts: &Charts) {
    let moments = &app.history.moments;
    let here = app.step() as usize;
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
    let columns = 0..charts.axis.columns();
    let last = |column: u16| charts.axis.steps(column).rev().find_map(measure);
    bars(
        pen,
        charts.eos,
        columns.clone().map(|column| {
            let measured = last(column);
            let steps = charts.axis.steps(column);
            let stage = moments.get(steps.end.saturating_sub(1)).map_or(1, |moment| moment.stage);
            Bar {
                value: measured.map(|(confidence, _)| confidence),
                line: measured.map(|(_, threshold)| threshold),
                role: if stage == 1 { Role::FillInk } else { Role::Good },
            }
        }),
    );
    label(pen, charts.eos, "EOS", "1", "0");

    let longest = moments.iter().map(|moment| moment.length).max().unwrap_or(0).max(1);
    let grew = |step: usize| {
        step > 0
            && moments
                .get(step)
                .is_some_and(|moment| moment.made.as_ref().is_some_and(|made| made.expansions > 0))
    };
    bars(
        pen,
        charts.length,
        columns.map(|column| {
            let steps = charts.axis.steps(column);
            let length = steps.clone().filter_map(|step| moments.get(step)).map(|at| at.length);
            let stage = moments.get(steps.end.saturating_sub(1)).map_or(1, |moment| moment.stage);
            let expanded = steps.clone().any(grew);
            Bar {
                value: length.max().map(|length| length as f32 / longest as f32),
                line: None,
                role: match (expanded, stage) {
                    (true, _) => Role::ExpandInk,
                    (false, 1) => Role::FillInk,
                    (false, _) => Role::Dim,
                },
            }
        }),
    );
    label(pen, charts.length, "length", &longest.to_string(), "");

    let x = charts.eos.x + charts.axis.column(here);
    if x < charts.eos.right() {
        for y in charts.eos.y..charts.length.bottom() {
            if let Some(cell) = pen.buffer.cell_mut((x, y)) {
                let style = app.theme.cursor(cell.style());
                cell.set_style(style);
            }
        }
    }
}

/// A chart's name and the ends of its scale.
fn label(pen: &mut Pen, chart: Rect, name: &str, top: &str, bottom: &str) {
    let x = chart.x - LABEL;
    if chart.height == 0 {
        return;
    }
    if chart.height == 1 {
        pen.say(x, chart.y, LABEL - 1, name, Role::Dim);
        return;
    }
    pen.say(x, chart.y, LABEL - 1, &format!("{top:>5}"), Role::Dim);
    let middle = chart.y + chart.height / 2;
    let middle = if middle == chart.y { chart.bottom() - 1 } else { middle };
    if chart.height > 2 {
        pen.say(x, chart.bottom() - 1, LABEL - 1, &format!("{bottom:>5}"), Role::Dim);
    }
    pen.say(x, middle, LABEL, name, Role::Dim);
}
