//! What colours and signs on the canvas mean, in as many rows as that takes.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::{
    super::{
        app::{App, TextColoring, history::StepSummary},
        paint::{pen::Pen, text, theme::Role},
    },
    influence,
};

/// Shades of confidence.
const SHADES: usize = 8;

/// The words before the shades.
const CONFIDENCE: &str = "confidence ";

/// The same where the text is coloured by order.
const ORDER: &str = "unmasked first to last ";

/// A sample of the legend: its words and their colour; `None` where the shades of confidence follow.
pub type LegendSample = (Cow<'static, str>, Option<Role>);

/// The legend of what this run may show, in rows of at most `width` cells.
pub fn rows(app: &App, width: u16) -> Vec<Vec<LegendSample>> {
    let made = |counts: fn(&StepSummary) -> usize| {
        app.history
            .moments
            .iter()
            .filter_map(|moment| moment.made.as_ref())
            .any(|made| counts(made) > 0)
    };
    // Few strategies replace and remask.
    let (replaces, remasks) = (made(|made| made.replaced), made(|made| made.remasks));
    let question = influence::legend(app).into_iter().map(|(said, role)| (said.into(), Some(role)));
    let by_confidence = app.display.coloring == TextColoring::Confidence;
    let shades = if by_confidence { CONFIDENCE } else { ORDER };
    let samples = [
        Some((" to unmask ", Some(Role::Fill))),
        Some((" to expand ", Some(Role::Expand))),
        replaces.then_some((" to replace ", Some(Role::Replace))),
        remasks.then_some((" to remask ", Some(Role::Remask))),
        Some((" draft ", Some(Role::Ghost(Some(0.45))))),
        by_confidence.then_some((" unmasked ", Some(Role::Written(Some(1.0))))),
        by_confidence.then_some((" in doubt ", Some(Role::Written(Some(0.1))))),
    ];
    let mut rows: Vec<Vec<LegendSample>> = vec![Vec::new()];
    let mut free = usize::from(width);
    let samples = samples.into_iter().flatten().map(|(said, role)| (Cow::from(said), role));
    for sample in samples.chain(question).chain([(shades.into(), None)]) {
        let cells = text::width(&sample.0) + if sample.1.is_none() { SHADES } else { 0 };
        if cells > free && rows.last().is_some_and(|row| !row.is_empty()) {
            rows.push(Vec::new());
            free = usize::from(width);
        }
        free = free.saturating_sub(cells + 1);
        if let Some(row) = rows.last_mut() {
            row.push(sample);
        }
    }
    rows
}

/// Draws a row of the legend.
pub fn draw(pen: &mut Pen, line: Rect, samples: &[LegendSample]) {
    let mut x = line.x;
    for (sample, role) in samples {
        let room = line.right().saturating_sub(x);
        x +=
            pen.say(x, line.y, room, sample, role.unwrap_or(Role::Dim)) + u16::from(role.is_some());
        if role.is_some() || usize::from(line.right().saturating_sub(x)) < SHADES {
            continue;
        }
        for shade in 0..SHADES {
            let p = Some(shade as f32 / SHADES as f32 + 0.06);
            let (bar, style) = (pen.theme.heat_bar(p), pen.theme.style(Role::Heat(p)));
            pen.glyph(x + shade as u16, line.y, bar, style);
        }
    }
}
