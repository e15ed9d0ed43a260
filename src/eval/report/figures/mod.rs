//! The figures of a report. Each says what it shows in words too, and none is drawn without data.

mod accuracy;
mod eos;
mod lengths;
mod ratio;
mod sweep;

use super::{EosTail, summary::Summary, svg::Picture};
use crate::eval::Row;

/// A figure.
pub(super) struct Figure {
    /// Name of its file, without the ending.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// The drawing, if it can be drawn.
    pub picture: Option<Picture>,
    /// The numbers it was drawn from, where the summary does not have them.
    pub numbers: Option<Numbers>,
}

/// A table of numbers.
pub(super) struct Numbers {
    /// Names of the columns.
    pub head: Vec<String>,
    /// Lines of as many cells.
    pub lines: Vec<Vec<String>>,
}

/// All figures that the data can fill.
pub(super) fn draw(rows: &[Row], summaries: &[Summary], tails: &[EosTail]) -> Vec<Figure> {
    let mut figures: Vec<Figure> =
        [accuracy::draw(summaries), lengths::draw(rows, summaries), ratio::draw(summaries)]
            .into_iter()
            .flatten()
            .collect();
    figures.extend(eos::draw(tails));
    figures.extend(sweep::draw(summaries));
    figures
}

impl Figure {
    fn new(name: &str, title: &str, caption: String, height: f64) -> (Self, Picture) {
        let picture = Picture::new(&format!("figure-{name}"), title, &caption, height);
        let figure = Self {
            name: name.to_owned(),
            title: title.to_owned(),
            caption,
            picture: None,
            numbers: None,
        };
        (figure, picture)
    }

    fn with(self, picture: Picture) -> Self {
        Self { picture: Some(picture), ..self }
    }
}

/// The most accurate of some summaries, the first of equals.
fn best<'a>(summaries: impl Iterator<Item = &'a Summary>) -> Option<&'a Summary> {
    summaries.reduce(
        |best, other| {
            if other.all.accuracy.mean > best.all.accuracy.mean { other } else { best }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fake, summarize, well_formed::check},
        *,
    };

    fn drawn(rows: &[Row], tails: &[EosTail]) -> Vec<Figure> {
        let figures = draw(rows, &summarize(rows, &[]), tails);
        for figure in &figures {
            if let Some(picture) = &figure.picture {
                for svg in [picture.inline(), picture.file()] {
                    check(&svg);
                    assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{}", figure.name);
                }
                assert!(picture.file().len() < 60_000, "{} is large", figure.name);
            }
            for line in figure.numbers.iter().flat_map(|numbers| &numbers.lines) {
                assert_eq!(line.len(), figure.numbers.as_ref().unwrap().head.len());
            }
        }
        figures
    }

    fn names(figures: &[Figure]) -> Vec<&str> {
        figures.iter().map(|figure| figure.name.as_str()).collect()
    }

    #[test]
    fn figures_are_drawn_where_there_is_data() {
        let (rows, _) = fake::rows(300);
        let all = ["accuracy", "lengths", "e-ratio", "eos"];
        assert_eq!(names(&drawn(&rows, &fake::tails(48))), all);
        assert_eq!(names(&drawn(&[], &[])), [""; 0]);
        assert_eq!(names(&drawn(&[], &fake::tails(0))), ["eos"]);
        assert_eq!(names(&drawn(&rows[..1], &[])), ["accuracy", "e-ratio"]);
        let mut empty = rows[0].clone();
        (empty.initial, empty.n_token, empty.e_token) = (0, 0, 0);
        assert_eq!(names(&drawn(&[empty], &[])), ["accuracy"]);
    }

    #[test]
    fn sweeps_are_drawn_by_the_number_of_their_parameters() {
        for parameters in 1..=3 {
            let figures = drawn(&fake::sweep(parameters), &[]);
            let sweep = figures.last().unwrap();
            assert_eq!(sweep.name, "sweep-1");
            assert_eq!(sweep.picture.is_some(), parameters < 3);
            let expected = [5, 15, 30][parameters - 1];
            assert_eq!(sweep.numbers.as_ref().unwrap().lines.len(), expected);
        }
    }

    #[test]
    fn lengths_without_both_kinds_are_hatched_and_said_so() {
        let figures = drawn(&[], &fake::tails(48));
        let svg = figures[0].picture.as_ref().unwrap().inline();
        assert!(svg.contains("url(#figure-eos-hatch)"));
        assert!(svg.contains("hatched: no data"));
        let both: Vec<EosTail> =
            fake::tails(0).into_iter().filter(|tail| (32..=64).contains(&tail.length)).collect();
        let full = drawn(&[], &both);
        assert!(!full[0].picture.as_ref().unwrap().inline().contains("no data"));
    }

    #[test]
    fn hostile_texts_are_harmless() {
        drawn(&fake::hostile(), &fake::tails(16));
    }
}
