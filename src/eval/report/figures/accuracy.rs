//! Accuracy against the length of the first canvas.

use super::{
    super::{
        axes::{LEFT, RIGHT, Scale, TOP, range, share_axis, x_axis},
        summary::Summary,
        text::one_line,
    },
    Figure, is_daedal,
};

const BOTTOM: f64 = 290.0;
/// Lines that can still be told apart: more are left to the table.
const LEVELS: usize = 3;
const LINES: usize = 6;

/// Fixed lengths as lines, recipes of variable length as levels. Nothing where no answer was
/// checked.
pub(super) fn draw(summaries: &[Summary]) -> Option<Figure> {
    if summaries.iter().any(|summary| summary.all.accuracy.is_none()) {
        return None;
    }
    let length = |summary: &Summary| summary.initial.max(1) as f64;
    let span = range(summaries.iter().map(length))?;
    let mut levels: Vec<&Summary> = summaries.iter().filter(|summary| summary.variable).collect();
    levels.sort_by(|a, b| {
        let by_accuracy = || b.all.right().total_cmp(&a.all.right());
        is_daedal(b).cmp(&is_daedal(a)).then_with(by_accuracy)
    });
    let mut lines = lines(summaries);
    let left_out =
        levels.len().saturating_sub(LEVELS) + lines.iter().skip(LINES).map(Vec::len).sum::<usize>();
    levels.truncate(LEVELS);
    lines.truncate(LINES);

    let caption =
        "Share answered right, with its 95 % bootstrap interval. Fixed lengths are points \
                   joined by a line; a recipe of variable length is a level with its interval as a \
                   band, marked at the length it begins with."
            .to_owned();
    let (figure, mut picture) =
        Figure::new("accuracy", "Accuracy against initial length", caption, BOTTOM);
    let y = share_axis(&mut picture, BOTTOM, "right, %");
    let x = Scale::log2(span, (LEFT, RIGHT));
    let mut ticks: Vec<f64> = summaries.iter().map(length).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    x_axis(&mut picture, &x, BOTTOM, &ticks, "length of the first canvas, positions (log scale)");

    for (look, summary) in levels.iter().enumerate() {
        let Some(accuracy) = summary.all.accuracy else { continue };
        let (high, low) = (y.at(accuracy.high).max(TOP), y.at(accuracy.low));
        picture.rect(&format!("f{look} band"), (LEFT, high), (RIGHT - LEFT, low - high), "");
        let level = y.at(accuracy.mean);
        picture.path(&format!("s{look} line"), &[(LEFT, level), (RIGHT, level)]);
    }
    let drawn = levels.len() + lines.len();
    // Side by side, so that whiskers at the same length do not hide each other.
    let aside = |look: usize| 7.0 * (look as f64 - (drawn as f64 - 1.0) / 2.0);
    for (at, line) in lines.iter().enumerate() {
        let look = levels.len() + at;
        let place =
            |summary: &&Summary| (x.at(length(summary)) + aside(look), y.at(summary.all.right()));
        let points: Vec<(f64, f64)> = line.iter().map(place).collect();
        picture.path(&format!("s{} line", look % super::super::svg::LOOKS), &points);
        for (summary, point) in line.iter().zip(points) {
            let Some(accuracy) = summary.all.accuracy else { continue };
            picture.whisker(look, point.0, (y.at(accuracy.low), y.at(accuracy.high)));
            picture.marker(look, point);
        }
    }
    for (look, summary) in levels.iter().enumerate() {
        picture.marker(look, (x.at(length(summary)) + aside(look), y.at(summary.all.right())));
    }
    for (look, summary) in levels.iter().enumerate() {
        picture.legend(look, true, &format!("{} (variable)", one_line(&summary.recipe)));
    }
    for (at, line) in lines.iter().enumerate() {
        let name = match line.as_slice() {
            [only] => one_line(&only.recipe),
            [first, ..] => format!("{} ({} lengths)", one_line(&first.strategy), line.len()),
            [] => continue,
        };
        picture.legend(levels.len() + at, true, &name);
    }
    if left_out > 0 {
        picture.note(&format!("{left_out} more recipes are in the table only"));
    }
    Some(figure.with(picture))
}

/// Recipes of fixed length: a line a strategy, by length; a second recipe of the same strategy
/// and length goes to a second line.
fn lines(summaries: &[Summary]) -> Vec<Vec<&Summary>> {
    let mut lines: Vec<Vec<&Summary>> = Vec::new();
    for summary in summaries.iter().filter(|summary| !summary.variable) {
        let fits = |line: &&mut Vec<&Summary>| {
            line.iter()
                .all(|other| other.strategy == summary.strategy && other.initial != summary.initial)
        };
        match lines.iter_mut().find(fits) {
            Some(line) => line.push(summary),
            None => lines.push(vec![summary]),
        }
    }
    for line in &mut lines {
        line.sort_by_key(|summary| summary.initial);
    }
    lines
}
