//! How long answers come out where the length is free, against the best fixed length.

use super::{
    super::{
        axes::{LEFT, RIGHT, Scale, TOP, label, ticks, x_axis, y_axis},
        summary::Summary,
        svg::Anchor,
        text::one_line,
    },
    Figure, best,
};
use crate::eval::Row;

/// Height of a histogram, and of the gap under it.
const HEIGHT: f64 = 120.0;
const GAP: f64 = 34.0;
/// Most bars.
const BARS: usize = 40;

/// Histograms of N_token and E_token of the most accurate recipe of variable length.
pub(super) fn draw(rows: &[Row], summaries: &[Summary]) -> Option<Figure> {
    let shown = best(summaries.iter().filter(|summary| summary.variable))?;
    let fixed = best(summaries.iter().filter(|summary| !summary.variable));
    let own: Vec<&Row> = rows.iter().filter(|row| row.recipe == shown.recipe).collect();
    let longest = own.iter().map(|row| row.n_token.max(row.e_token)).max()?;
    let far = longest.max(fixed.map_or(0, |fixed| fixed.initial)) + 1;
    let width = (0..).map(|power| 1usize << power).find(|width| far.div_ceil(*width) <= BARS)?;
    let bars = far.div_ceil(width);

    let name = one_line(&shown.recipe);
    let against = match fixed {
        Some(fixed) => format!(
            " The dashed line is the length of the most accurate fixed recipe, {}.",
            one_line(&fixed.recipe)
        ),
        None => " There is no recipe of fixed length to compare with.".to_owned(),
    };
    let caption = format!(
        "Lengths under {name}, the most accurate recipe of variable length: positions of the last \
         canvas (mean {:.1}) and tokens before the tail of end-of-sequence tokens (mean {:.1}), \
         {width} to a bar.{against}",
        shown.all.n_token.mean, shown.all.e_token.mean
    );
    let bottom = TOP + 2.0 * HEIGHT + GAP + 6.0;
    let (figure, mut picture) = Figure::new("lengths", "Distribution of lengths", caption, bottom);
    let x = Scale::linear((0.0, (bars * width) as f64), (LEFT, RIGHT));
    for (panel, name) in ["N_token", "E_token"].into_iter().enumerate() {
        let mut counts = vec![0usize; bars];
        for row in &own {
            counts[[row.n_token, row.e_token][panel] / width] += 1;
        }
        let top = TOP + 6.0 + panel as f64 * (HEIGHT + GAP);
        let marks = ticks(counts.iter().copied().max().unwrap_or(0) as f64);
        // Counts are whole.
        let marks: Vec<f64> = marks.into_iter().filter(|mark| mark.fract() == 0.0).collect();
        let high = marks.last().copied().unwrap_or(1.0).max(1.0);
        let y = Scale::linear((0.0, high), (top + HEIGHT, top + 14.0));
        y_axis(&mut picture, &y, &marks, label, "problems");
        for (bar, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (from, to) = (x.at((bar * width) as f64), x.at(((bar + 1) * width) as f64));
            let told = format!("{name} {}–{}: {count}", bar * width, (bar + 1) * width - 1);
            let at = (from + 0.5, y.at(*count as f64));
            picture.rect(&format!("f{panel} bar"), at, (to - from - 1.0, y.at(0.0) - at.1), &told);
        }
        picture.text("ink", (RIGHT, top + 6.0), Anchor::End, name);
        if let Some(fixed) = fixed {
            let at = x.at(fixed.initial as f64);
            picture.path("s2 line", &[(at, top + 10.0), (at, top + HEIGHT)]);
        }
        if panel == 0 {
            picture.line("axis", (LEFT, top + HEIGHT), (RIGHT, top + HEIGHT));
        }
    }
    let end = (bars * width) as f64;
    let marks: Vec<f64> = ticks(end).into_iter().filter(|mark| *mark <= end).collect();
    x_axis(&mut picture, &x, bottom, &marks, "positions");
    if let Some(fixed) = fixed {
        picture.legend(2, true, &format!("best fixed length: {}", fixed.initial));
    }
    Some(figure.with(picture))
}
