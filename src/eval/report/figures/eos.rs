//! How much surer the tail of a canvas is of its end where the length suffices than where it does
//! not: figure 2 of the paper (arXiv 2508.00819), which is its line of 128.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    super::{
        EosTail,
        axes::{RIGHT, label, ramp},
        numbers::UNKNOWN,
        summary::Summary,
        svg::TextAnchor,
    },
    Figure, Numbers,
};
use crate::eval::EvalRow;

/// The map's left and upper edge.
const LEFT: f64 = 70.0;
const TOP: f64 = 22.0;
/// Most tail positions shown.
const POSITIONS: usize = 64;
/// Differences that the darkest colour may stand for.
const FULL: [f64; 4] = [0.1, 0.2, 0.5, 1.0];

/// Sums of one kind of canvas at one length.
#[derive(Default, Clone)]
struct LengthSums {
    canvases: usize,
    /// Sum and number of probabilities per tail position.
    tail: Vec<(f64, usize)>,
}

impl LengthSums {
    fn add(&mut self, p_eos: &[f32]) {
        self.canvases += 1;
        if self.tail.len() < p_eos.len() {
            self.tail.resize(p_eos.len(), (0.0, 0));
        }
        for ((sum, count), p) in self.tail.iter_mut().zip(p_eos) {
            if p.is_finite() {
                *sum += f64::from(*p);
                *count += 1;
            }
        }
    }

    fn mean(&self, position: usize) -> Option<f64> {
        let (sum, count) = self.tail.get(position)?;
        (*count > 0).then(|| sum / *count as f64)
    }
}

/// The shortest fixed length at which each problem was answered right; problems that never were
/// are left out.
fn right_from(rows: &[EvalRow], summaries: &[Summary]) -> HashMap<usize, usize> {
    let fixed = summaries.iter().filter(|summary| !summary.variable);
    let fixed: HashSet<&str> = fixed.map(|summary| summary.recipe.as_str()).collect();
    let mut shortest = HashMap::new();
    for row in rows.iter().filter(|row| row.is_right() && fixed.contains(row.recipe.as_str())) {
        let length: &mut usize = shortest.entry(row.problem).or_insert(row.initial);
        *length = row.initial.min(*length);
    }
    shortest
}

/// The map of differences by length and tail position.
pub(super) fn draw(rows: &[EvalRow], summaries: &[Summary], tails: &[EosTail]) -> Option<Figure> {
    let right_from = right_from(rows, summaries);
    let known: Vec<(&EosTail, bool)> = tails
        .iter()
        .filter_map(|tail| Some((tail, *right_from.get(&tail.problem)? <= tail.length)))
        .collect();
    // Insufficient, sufficient.
    let mut lengths: BTreeMap<usize, [LengthSums; 2]> = BTreeMap::new();
    for (tail, sufficient) in &known {
        lengths.entry(tail.length).or_default()[usize::from(*sufficient)].add(&tail.p_eos);
    }
    let longest = known.iter().map(|(tail, _)| tail.p_eos.len()).max();
    let longest = longest.filter(|longest| *longest > 0)?;
    let shown = longest.min(POSITIONS);
    let difference = |[short, long]: &[LengthSums; 2], position| -> Option<f64> {
        Some(long.mean(position)? - short.mean(position)?)
    };

    let differences = lengths.values().flat_map(|sums| (0..shown).map(|at| difference(sums, at)));
    let largest = differences.flatten().map(f64::abs).fold(0.0, f64::max);
    let full = FULL.into_iter().find(|full| largest <= *full).unwrap_or(1.0);

    let caption =
        "Probability of the end-of-sequence token in the first prediction on a canvas of \
                   masks only, by length of the canvas and position from the end: its mean over \
                   problems answered right with that fixed length or a shorter one, minus its mean \
                   over those answered right with longer ones only. Problems never answered right \
                   are left out. Blue: surer where the length suffices; orange with a dash: the \
                   other way; hatched: no problem of one of the two kinds."
            .to_owned();
    let (figure, mut picture) =
        Figure::new("eos", "P(EOS) at the end, sufficient minus insufficient length", caption, TOP);
    let width = (RIGHT - LEFT) / shown as f64;
    let height = (220.0 / lengths.len() as f64).clamp(14.0, 28.0);
    // A line of its own for each length, but labels only where there is room.
    let (mut numbers, mut hatched) = (Vec::new(), false);
    for (line, (length, sums)) in lengths.iter().enumerate() {
        let y = TOP + line as f64 * height;
        picture.text(
            "dim small",
            (LEFT - 8.0, y + height / 2.0 + 4.0),
            TextAnchor::End,
            &length.to_string(),
        );
        for position in 0..shown {
            let at = (LEFT + position as f64 * width, y);
            let size = (width + 0.3, height - 1.0);
            let Some(value) = difference(sums, position) else {
                picture.hatched(at, size, "");
                hatched = true;
                continue;
            };
            let told = format!("length {length}, {} from the end: {value:+.3}", position + 1);
            picture.cell(ramp(value / full), at, size, &told);
            if value < -0.005 * full {
                let middle = y + height / 2.0 - 0.5;
                let from = at.0 + width * 0.25;
                picture.line("minus", (from, middle), (from + width * 0.5, middle));
            }
        }
        let known: Vec<f64> =
            (0..longest).filter_map(|position| difference(sums, position)).collect();
        let mean = match known.len() {
            0 => UNKNOWN.to_owned(),
            count => format!("{:+.3}", known.iter().sum::<f64>() / count as f64),
        };
        let canvases = [&sums[1], &sums[0]].map(|sums| sums.canvases.to_string());
        numbers.push([vec![length.to_string()], canvases.into(), vec![mean]].concat());
    }
    let bottom = TOP + lengths.len() as f64 * height;
    picture.upright((16.0, (TOP + bottom) / 2.0), "length");
    let every = (shown / 8).max(1);
    for position in (0..shown).filter(|position| position % every == 0) {
        let x = LEFT + (position as f64 + 0.5) * width;
        picture.text(
            "dim small",
            (x, bottom + 16.0),
            TextAnchor::Middle,
            &(position + 1).to_string(),
        );
    }
    let middle = (LEFT + RIGHT) / 2.0;
    picture.text(
        "dim",
        (middle, bottom + 36.0),
        TextAnchor::Middle,
        "position, counted from the end",
    );
    picture.height = bottom + 52.0;
    // The scale.
    let (steps, top) = (20, picture.height);
    let step = (RIGHT - LEFT) / f64::from(steps + 1);
    for at in 0..=steps {
        let value = f64::from(at) / f64::from(steps) * 2.0 - 1.0;
        picture.cell(ramp(value), (LEFT + f64::from(at) * step, top), (step + 0.3, 12.0), "");
    }
    let full = label(full);
    for (value, anchor, x) in [
        (format!("−{full}"), TextAnchor::Start, LEFT),
        ("0".to_owned(), TextAnchor::Middle, middle),
        (format!("+{full}"), TextAnchor::End, RIGHT),
    ] {
        picture.text("dim small", (x, top + 27.0), anchor, &value);
    }
    picture.height += 38.0;
    if hatched {
        picture.note("hatched: no problem of one of the two kinds, or the tail is shorter");
    }
    if longest > shown {
        picture.note(&format!("positions beyond {shown} are left out"));
    }
    let head =
        ["length", "right by then", "right later only", "mean difference"].map(str::to_owned);
    let numbers = Some(Numbers { head: head.into(), lines: numbers });
    Some(Figure { numbers, ..figure.with(picture) })
}
