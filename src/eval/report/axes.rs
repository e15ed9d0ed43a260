//! Scales, ticks and the frame of a plot.

use super::svg::{Picture, TextAnchor, WIDTH};

/// The plot's left, right and upper edge.
pub(super) const LEFT: f64 = 58.0;
pub(super) const RIGHT: f64 = WIDTH - 16.0;
pub(super) const TOP: f64 = 14.0;

/// From numbers to places along an axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    log2: bool,
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    /// A linear scale; an empty range is widened.
    pub fn linear(from: (f64, f64), to: (f64, f64)) -> Self {
        let from = if from.1 > from.0 { from } else { (from.0 - 0.5, from.0 + 0.5) };
        Self { log2: false, from, to }
    }

    /// A scale by powers of two around positive numbers, with a third of an octave of air.
    pub fn log2(from: (f64, f64), to: (f64, f64)) -> Self {
        let (low, high) = (from.0.log2() - 0.33, from.1.log2() + 0.33);
        Self { log2: true, ..Self::linear((low, high), to) }
    }

    /// Where a number lies.
    pub fn at(&self, value: f64) -> f64 {
        let value = if self.log2 { value.log2() } else { value };
        let share = (value - self.from.0) / (self.from.1 - self.from.0);
        self.to.0 + share * (self.to.1 - self.to.0)
    }
}

/// Round numbers from 0 that cover `high`, about five of them.
pub(super) fn ticks(high: f64) -> Vec<f64> {
    let high = if high > 0.0 { high } else { 1.0 };
    let power = 10f64.powf((high / 5.0).log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .map(|unit| unit * power)
        .into_iter()
        .find(|step| high / step <= 5.0)
        .unwrap_or(10.0 * power);
    (0..=(high / step).ceil() as usize).map(|at| at as f64 * step).collect()
}

/// A number as a tick says it.
pub(super) fn label(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The range of numbers; `None` without any.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

/// Draws the y axis of shares from 0 to 100 % with its grid, and gives its scale.
pub(super) fn share_axis(picture: &mut Picture, bottom: f64, name: &str) -> Scale {
    let scale = Scale::linear((0.0, 1.0), (bottom, TOP));
    y_axis(picture, &scale, &[0.0, 0.25, 0.5, 0.75, 1.0], |value| label(100.0 * value), name);
    scale
}

/// Draws a y axis with its grid.
pub(super) fn y_axis(
    picture: &mut Picture,
    scale: &Scale,
    ticks: &[f64],
    label: impl Fn(f64) -> String,
    name: &str,
) {
    for tick in ticks {
        let y = scale.at(*tick);
        picture.line("grid", (LEFT, y), (RIGHT, y));
        picture.text("dim", (LEFT - 7.0, y + 5.0), TextAnchor::End, &label(*tick));
    }
    picture.upright((14.0, scale.at((ticks[0] + ticks[ticks.len() - 1]) / 2.0)), name);
}

/// Draws an x axis at `bottom`, with labels at those of the ascending ticks that have room.
pub(super) fn x_axis(picture: &mut Picture, scale: &Scale, bottom: f64, ticks: &[f64], name: &str) {
    picture.line("axis", (LEFT, bottom), (RIGHT, bottom));
    let mut free = f64::NEG_INFINITY;
    for tick in ticks {
        let (x, text) = (scale.at(*tick), label(*tick));
        picture.line("axis", (x, bottom), (x, bottom + 5.0));
        let half = 4.6 * text.len() as f64;
        if x - half > free {
            picture.text("dim", (x, bottom + 20.0), TextAnchor::Middle, &text);
            free = x + half + 6.0;
        }
    }
    picture.text("dim", ((LEFT + RIGHT) / 2.0, bottom + 40.0), TextAnchor::Middle, name);
    picture.height = bottom + 52.0;
}

/// Blue for +1, white for 0, orange for −1; the lightness says how much.
pub(super) fn ramp(value: f64) -> [u8; 3] {
    let far: [f64; 3] = if value < 0.0 { [168.0, 74.0, 0.0] } else { [16.0, 70.0, 140.0] };
    let share = value.abs().min(1.0);
    far.map(|channel| (246.0 + share * (channel - 246.0)).round() as u8)
}

/// The class of text that can be read on a cell.
pub(super) fn ink_on([r, g, b]: [u8; 3]) -> &'static str {
    let light = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    if light > 140.0 { "onlight small" } else { "ondark small" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_map_ends_to_ends() {
        fn check(scale: Scale, value: f64, expected: f64) {
            assert!((scale.at(value) - expected).abs() < 1e-9, "{scale:?} {value}");
        }
        check(Scale::linear((0.0, 10.0), (100.0, 0.0)), 0.0, 100.0);
        check(Scale::linear((0.0, 10.0), (100.0, 0.0)), 2.5, 75.0);
        check(Scale::linear((3.0, 3.0), (0.0, 100.0)), 3.0, 50.0);
        check(Scale::log2((16.0, 64.0), (0.0, 100.0)), 32.0, 50.0);
        check(Scale::log2((64.0, 64.0), (0.0, 100.0)), 64.0, 50.0);
    }

    #[test]
    fn ticks_are_round_and_cover() {
        fn check(high: f64, expected: &[f64]) {
            assert_eq!(ticks(high), expected, "{high}");
        }
        check(0.0, &[0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        check(7.0, &[0.0, 2.0, 4.0, 6.0, 8.0]);
        check(100.0, &[0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    }

    #[test]
    fn labels_are_short_and_text_is_readable_on_its_cell() {
        for (value, expected) in [(0.6000000000000001, "0.6"), (128.0, "128"), (0.0, "0")] {
            assert_eq!(label(value), expected);
        }
        for (value, expected) in
            [(0.0, "onlight small"), (1.0, "ondark small"), (-1.0, "ondark small")]
        {
            assert_eq!(ink_on(ramp(value)), expected);
        }
        assert_eq!(range([3.0, 1.0, 2.0].into_iter()), Some((1.0, 3.0)));
        assert_eq!(range(std::iter::empty()), None);
    }
}
