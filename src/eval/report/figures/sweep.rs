//! What came of turning parameters: a line for one, a map for two, a table always.

use super::{
    super::{
        axes::{LEFT, RIGHT, Scale, TOP, ink_on, label, ramp, range, share_axis, x_axis},
        estimate::Estimate,
        numbers::percent_interval,
        summary::{Metrics, Summary},
        svg::{Picture, TextAnchor},
        text::{fit, one_line},
    },
    Figure, Numbers,
};

/// What is read from a summary.
type SweptShare = fn(&Summary) -> Option<Estimate>;

/// A figure for each strategy and set of swept parameters.
pub(super) fn draw(summaries: &[Summary]) -> Vec<Figure> {
    let mut sweeps: Vec<Vec<&Summary>> = Vec::new();
    let names = |summary: &Summary| -> Vec<String> {
        summary.swept.iter().map(|(name, _)| name.clone()).collect()
    };
    let whole = |summary: &&Summary| {
        !summary.swept.is_empty() && summary.swept.iter().all(|(_, value)| value.is_finite())
    };
    for summary in summaries.iter().filter(whole) {
        let alike =
            |other: &Summary| other.strategy == summary.strategy && names(other) == names(summary);
        match sweeps.iter_mut().find(|sweep| alike(sweep[0])) {
            Some(sweep) => sweep.push(summary),
            None => sweeps.push(vec![summary]),
        }
    }
    sweeps.iter().enumerate().map(|(at, sweep)| figure(at + 1, sweep)).collect()
}

fn figure(number: usize, sweep: &[&Summary]) -> Figure {
    let names: Vec<String> = sweep[0].swept.iter().map(|(name, _)| one_line(name)).collect();
    let title = format!("{} by {}", one_line(&sweep[0].strategy), names.join(" and "));
    let checked = sweep.iter().any(|summary| summary.all.accuracy.is_some());
    let caption = match names.len() {
        1 if checked => "Share answered right and E_ratio, each with its 95 % bootstrap interval.",
        1 => "E_ratio with its 95 % bootstrap interval.",
        2 if checked => "Share answered right, %; hatched: not run.",
        2 => "E_ratio, %; hatched: not run.",
        _ => "More than two parameters were swept: there is no picture of that, only the table.",
    };
    let (figure, mut picture) =
        Figure::new(&format!("sweep-{number}"), &title, caption.to_owned(), TOP);
    let numbers = Some(numbers(&names, sweep));
    match names.as_slice() {
        [name] => line(&mut picture, name, sweep),
        [down, across] => map(&mut picture, [down, across], sweep),
        _ => return Figure { numbers, ..figure },
    }
    Figure { numbers, ..figure.with(picture) }
}

fn numbers(names: &[String], sweep: &[&Summary]) -> Numbers {
    let metrics =
        ["n", "accuracy [95 % CI]", "E_ratio [95 % CI]", "N_token", "E_token", "NFE", "expansions"];
    let lines = sweep.iter().map(|summary| {
        let Metrics { problems, accuracy, n_token, e_token, e_ratio, nfe, expansions, .. } =
            &summary.all;
        let mut cells: Vec<String> = summary.swept.iter().map(|(_, value)| label(*value)).collect();
        cells.extend([
            problems.to_string(),
            percent_interval(*accuracy),
            percent_interval(*e_ratio),
            format!("{:.1}", n_token.mean),
            format!("{:.1}", e_token.mean),
            format!("{:.1}", nfe.mean),
            format!("{:.2}", expansions.mean),
        ]);
        cells
    });
    Numbers {
        head: names.iter().cloned().chain(metrics.map(str::to_owned)).collect(),
        lines: lines.collect(),
    }
}

/// The values of a swept parameter, ascending.
fn values(sweep: &[&Summary], parameter: usize) -> Vec<f64> {
    let mut values: Vec<f64> = sweep.iter().map(|summary| summary.swept[parameter].1).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

fn line(picture: &mut Picture, name: &str, sweep: &[&Summary]) {
    const BOTTOM: f64 = 260.0;
    let ticks = values(sweep, 0);
    let Some(span) = range(ticks.iter().copied()) else { return };
    let inside = (LEFT + 16.0, RIGHT - 16.0);
    let log2 = span.0 > 0.0 && span.1 / span.0 >= 16.0;
    let x = if log2 { Scale::log2(span, inside) } else { Scale::linear(span, inside) };
    let y = share_axis(picture, BOTTOM, "%");
    let name = if log2 { format!("{} (log scale)", fit(name, 50)) } else { fit(name, 60) };
    x_axis(picture, &x, BOTTOM, &ticks, &name);
    let mut ordered = sweep.to_vec();
    ordered.sort_by(|a, b| a.swept[0].1.total_cmp(&b.swept[0].1));
    let measured: [(&str, SweptShare); 2] =
        [("right", |summary| summary.all.accuracy), ("E_ratio", |summary| summary.all.e_ratio)];
    let any = |(_, estimate): &(&str, SweptShare)| sweep.iter().any(|of| estimate(of).is_some());
    for (look, (name, estimate)) in measured.into_iter().enumerate().filter(|(_, of)| any(of)) {
        picture.legend(look, true, name);
        let aside = 6.0 * look as f64 - 3.0;
        let known: Vec<(f64, Estimate)> = ordered
            .iter()
            .filter_map(|summary| Some((x.at(summary.swept[0].1) + aside, estimate(summary)?)))
            .collect();
        let points: Vec<(f64, f64)> =
            known.iter().map(|(x, estimate)| (*x, y.at(estimate.mean))).collect();
        picture.path(&format!("s{look} line"), &points);
        for ((x, estimate), point) in known.iter().zip(points) {
            picture.whisker(look, *x, (y.at(estimate.low), y.at(estimate.high)));
            picture.marker(look, point);
        }
    }
}

fn map(picture: &mut Picture, [down, across]: [&str; 2], sweep: &[&Summary]) {
    let accuracy: SweptShare = |summary| summary.all.accuracy;
    let shown = match sweep.iter().any(|summary| accuracy(summary).is_some()) {
        true => accuracy,
        false => |summary: &Summary| summary.all.e_ratio,
    };
    const LEFT: f64 = 84.0;
    const TOP: f64 = 14.0;
    const HEIGHT: f64 = 30.0;
    let (lines, columns) = (values(sweep, 0), values(sweep, 1));
    let width = (RIGHT - LEFT) / columns.len() as f64;
    for (line, first) in lines.iter().enumerate() {
        let y = TOP + line as f64 * HEIGHT;
        picture.text("dim", (LEFT - 8.0, y + 20.0), TextAnchor::End, &fit(&label(*first), 6));
        for (column, second) in columns.iter().enumerate() {
            let (at, size) = ((LEFT + column as f64 * width, y), (width - 1.0, HEIGHT - 1.0));
            let here =
                |summary: &&&Summary| summary.swept[0].1 == *first && summary.swept[1].1 == *second;
            let place = format!("{down} {}, {across} {}", label(*first), label(*second));
            let Some(share) = sweep.iter().find(here).and_then(|found| shown(found)) else {
                picture.hatched(at, size, &format!("{place}: not run"));
                continue;
            };
            let color = ramp(share.mean);
            picture.cell(color, at, size, &format!("{place}: {}", percent_interval(Some(share))));
            if width >= 26.0 {
                let middle = (at.0 + width / 2.0, y + 19.0);
                let text = format!("{:.0}", 100.0 * share.mean);
                picture.text(ink_on(color), middle, TextAnchor::Middle, &text);
            }
        }
    }
    let bottom = TOP + lines.len() as f64 * HEIGHT;
    let mut free = f64::NEG_INFINITY;
    for (column, second) in columns.iter().enumerate() {
        let (x, text) = (LEFT + (column as f64 + 0.5) * width, label(*second));
        let half = 4.6 * text.len() as f64;
        if x - half > free {
            picture.text("dim", (x, bottom + 17.0), TextAnchor::Middle, &text);
            free = x + half + 6.0;
        }
    }
    let middle = (LEFT + RIGHT) / 2.0;
    picture.text(
        "dim",
        (middle, bottom + 38.0),
        TextAnchor::Middle,
        &format!("→ {}", fit(across, 50)),
    );
    picture.height = bottom + 48.0;
    picture.note(&format!("↓ {}", fit(down, 60)));
}
