//! The figure of E_ratio, a bar for each recipe.

use super::{
    super::{
        axes::{RIGHT, Scale},
        numbers::ratio,
        summary::Summary,
        svg::TextAnchor,
        text::fit_middle,
    },
    Figure,
};

/// Left edge of the bars and room for the number behind them.
const LEFT: f64 = 12.0;
const NUMBER: f64 = 66.0;
/// Height of a recipe's name with its bar.
const STEP: f64 = 40.0;
/// The most bars of the figure.
const BARS: usize = 24;

/// A bar a recipe with its interval.
pub(super) fn draw(summaries: &[Summary]) -> Option<Figure> {
    let known: Vec<_> =
        summaries.iter().filter_map(|summary| Some((summary, summary.all.e_ratio?))).collect();
    if known.is_empty() {
        return None;
    }
    let caption = "E_ratio: the share of all tokens generated that are no end-of-sequence token, \
                   the sum of E_token over the sum of N_token, with its 95 % bootstrap interval. \
                   What is missing to 100 % was computed for padding."
        .to_owned();
    let (figure, mut picture) = Figure::new("e-ratio", "Effective token ratio", caption, 8.0);
    let x = Scale::linear((0.0, 1.0), (LEFT, RIGHT - NUMBER));
    for (summary, share) in known.iter().take(BARS) {
        let top = picture.height;
        let kind = if summary.variable { "variable" } else { "fixed" };
        let name = format!("{} ({kind})", fit_middle(&summary.recipe, 54));
        picture.text("ink", (LEFT, top + 12.0), TextAnchor::Start, &name);
        let look = usize::from(!summary.variable);
        let (from, to) = (x.at(0.0), x.at(share.mean));
        let frame = (x.at(1.0) - from, 14.0);
        picture.rect("track", (from, top + 18.0), frame, "");
        picture.rect(&format!("f{look} bar"), (from, top + 18.0), (to - from, 14.0), "");
        let middle = top + 25.0;
        let (low, high) = (x.at(share.low), x.at(share.high));
        picture.line("error", (low, middle), (high, middle));
        for end in [low, high] {
            picture.line("error", (end, middle - 5.0), (end, middle + 5.0));
        }
        picture.text("ink", (RIGHT, top + 30.0), TextAnchor::End, &ratio(&summary.all));
        picture.height += STEP;
    }
    if known.len() > BARS {
        picture.note(&format!("{} more recipes are in the table only", known.len() - BARS));
    }
    Some(figure.with(picture))
}
