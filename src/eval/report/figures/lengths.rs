//! How long DAEDAL's canvases become, problem by problem, against the one length of the best fixed
//! recipe: figures 1b and 4 of the paper (arXiv 2508.00819).

use super::{
    super::{
        axes::{LEFT, RIGHT, Scale, TOP, label, ticks, x_axis, y_axis},
        numbers::percent,
        summary::Summary,
        svg::{Picture, TextAnchor},
        text::one_line,
    },
    Figure, best, is_daedal,
};
use crate::eval::EvalRow;

/// Height of a histogram, and of the gap under it.
const HEIGHT: f64 = 120.0;
const GAP: f64 = 34.0;
/// The most bars of a histogram.
const BARS: usize = 40;
/// Least width of the fixed length's bar, and height of the break in it.
const BAR: f64 = 5.0;
const BREAK: f64 = 4.0;

/// Histograms of the lengths and E_token of DAEDAL itself; without it, of the most accurate recipe
/// of variable length.
pub(super) fn draw(rows: &[EvalRow], summaries: &[Summary]) -> Option<Figure> {
    let variable = || summaries.iter().filter(|summary| summary.variable);
    let shown = variable().find(|summary| is_daedal(summary)).or_else(|| best(variable()))?;
    let fixed = best(summaries.iter().filter(|summary| !summary.variable));
    let own: Vec<&EvalRow> = rows.iter().filter(|row| row.recipe == shown.recipe).collect();
    let longest = own.iter().map(|row| row.length.max(row.e_token)).max()?;
    let far = longest.max(fixed.map_or(0, |fixed| fixed.initial)) + 1;
    let width = (0..).map(|power| 1usize << power).find(|width| far.div_ceil(*width) <= BARS)?;
    let bars = far.div_ceil(width);

    let name = one_line(&shown.recipe);
    let against = match fixed {
        Some(fixed) => format!(
            "The bar that is cut is the {} fixed recipe, {}, which has one length for all problems.",
            if fixed.all.accuracy.is_some() { "most accurate" } else { "first" },
            one_line(&fixed.recipe)
        ),
        None => "There is no recipe of fixed length to compare with.".to_owned(),
    };
    let caption = format!(
        "Lengths problem by problem under {name}, {width} to a bar: positions of the last canvas, \
         and E_token (mean {:.1}). {against}",
        shown.all.e_token.mean
    );
    let bottom = TOP + 2.0 * HEIGHT + GAP + 6.0;
    let (figure, mut picture) = Figure::new("lengths", "Distribution of lengths", caption, bottom);
    let x = Scale::linear((0.0, (bars * width) as f64), (LEFT, RIGHT));
    for (panel, name) in ["length, N_token", "E_token"].into_iter().enumerate() {
        let mut counts = vec![0usize; bars];
        for row in &own {
            counts[[row.length, row.e_token][panel] / width] += 1;
        }
        let top = TOP + 6.0 + panel as f64 * (HEIGHT + GAP);
        let marks = ticks(counts.iter().copied().max().unwrap_or(0) as f64);
        // Counts are whole.
        let marks: Vec<f64> = marks.into_iter().filter(|mark| mark.fract() == 0.0).collect();
        let high = marks.last().copied().unwrap_or(1.0).max(1.0);
        let y = Scale::linear((0.0, high), (top + HEIGHT, top + 14.0));
        y_axis(&mut picture, &y, &marks, label, "problems");
        if let (0, Some(fixed)) = (panel, fixed) {
            cut_bar(&mut picture, fixed, x.at(fixed.initial as f64), (top, top + HEIGHT));
        }
        for (bar, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (from, to) = (x.at((bar * width) as f64), x.at(((bar + 1) * width) as f64));
            let told = format!("{name} {}–{}: {count}", bar * width, (bar + 1) * width - 1);
            let at = (from + 0.5, y.at(*count as f64));
            picture.rect("f0 bar", at, (to - from - 1.0, y.at(0.0) - at.1), &told);
        }
        picture.text("dim", (LEFT + 6.0, top + 6.0), TextAnchor::Start, name);
        if panel == 0 {
            let begin = x.at(shown.initial as f64);
            picture.path("s0 line", &[(begin, top + 14.0), (begin, top + HEIGHT)]);
            picture.line("axis", (LEFT, top + HEIGHT), (RIGHT, top + HEIGHT));
        }
    }
    let end = (bars * width) as f64;
    let marks: Vec<f64> = ticks(end).into_iter().filter(|mark| *mark <= end).collect();
    x_axis(&mut picture, &x, bottom, &marks, "positions");
    let right = |name: &str, summary: &Summary| match summary.all.accuracy {
        Some(accuracy) => format!("{name}: {} right", percent(accuracy.mean)),
        None => name.to_owned(),
    };
    picture.legend(0, false, &right(&name, shown));
    if let Some(fixed) = fixed {
        let name = one_line(&fixed.recipe);
        picture.legend(1, false, &right(&name, fixed));
    }
    picture.note(&format!("the line: the length that the first begins with, {}", shown.initial));
    Some(figure.with(picture))
}

/// The bar of a fixed length, as high as the panel: its count would flatten the others, so it is
/// broken and says it.
fn cut_bar(picture: &mut Picture, fixed: &Summary, x: f64, (top, bottom): (f64, f64)) {
    let (from, gap) = (x - BAR / 2.0, top + 26.0);
    let told = format!("length {}: {} problems", fixed.initial, fixed.all.problems);
    picture.rect("f1 bar", (from, top + 10.0), (BAR, gap - top - 10.0), &told);
    picture.rect("f1 bar", (from, gap + BREAK), (BAR, bottom - gap - BREAK), &told);
    let (at, anchor) = match x > (LEFT + RIGHT) / 2.0 {
        true => (from - 6.0, TextAnchor::End),
        false => (from + BAR + 6.0, TextAnchor::Start),
    };
    let text = format!("all {} at {}", fixed.all.problems, fixed.initial);
    picture.text("ink", (at, top + 20.0), anchor, &text);
}
