//! The figures of a report. Each says what it shows in words too, and none is drawn without data.

mod accuracy;
mod eos;
mod lengths;
mod ratio;
mod sweep;

use super::{EosTail, summary::Summary, svg::Picture, text::one_line};
use crate::{
    decode::{Recipe, daedal},
    eval::EvalRow,
};

/// A figure of the report, as it is written to a file.
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
pub(super) fn draw(rows: &[EvalRow], summaries: &[Summary], tails: &[EosTail]) -> Vec<Figure> {
    let mut figures: Vec<Figure> =
        [accuracy::draw(summaries), lengths::draw(rows, summaries), ratio::draw(summaries)]
            .into_iter()
            .flatten()
            .collect();
    figures.extend(eos::draw(rows, summaries, tails));
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

    /// The same in a part of a page, whose names begin with `anchor`.
    pub fn within(mut self, anchor: &str) -> Self {
        self.name.insert_str(0, anchor);
        if let Some(picture) = &mut self.picture {
            picture.rename(&format!("figure-{}", self.name));
        }
        self
    }

    /// The same, which says of which model it is.
    pub fn of(self, model: &str) -> Self {
        Self { title: format!("{}: {}", one_line(model), self.title), ..self }
    }

    fn with(self, picture: Picture) -> Self {
        Self { picture: Some(picture), ..self }
    }
}

/// True of DAEDAL itself: with both of its stages. A threshold of 0 switches one off, as ablations
/// do.
fn is_daedal(summary: &Summary) -> bool {
    let params = |recipe: Recipe| recipe.params(&[]).ok();
    let Some(params) = Recipe::parse(&summary.recipe).ok().and_then(params) else { return false };
    summary.strategy == daedal::NAME
        && ["eos_confidence_threshold", "low_conf_threshold"]
            .iter()
            .all(|name| params.float(name).is_ok_and(|threshold| threshold > 0.0))
}

/// The most accurate of some summaries, the first of equals.
fn best<'a>(summaries: impl Iterator<Item = &'a Summary>) -> Option<&'a Summary> {
    summaries.reduce(|best, other| if other.all.right() > best.all.right() { other } else { best })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fake, summarize, well_formed::check},
        *,
    };

    fn drawn(rows: &[EvalRow], tails: &[EosTail]) -> Vec<Figure> {
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
        assert_eq!(names(&drawn(&rows, &fake::tails())), all);
        assert_eq!(names(&drawn(&[], &fake::tails())), [""; 0]);
        assert_eq!(names(&drawn(&rows[..1], &[])), ["accuracy", "e-ratio"]);
        let mut empty = rows[0].clone();
        (empty.initial, empty.length, empty.before_tail) = (0, 0, 0);
        (empty.n_token, empty.e_token) = (0, 0);
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

    /// Rows of fixed lengths: which are right, by problem.
    fn fixed(right: &[(usize, usize, bool)]) -> Vec<EvalRow> {
        let row = fake::rows(1).0.swap_remove(0);
        let made = |&(problem, length, correct): &(usize, usize, bool)| EvalRow {
            problem,
            recipe: format!("threshold:gen_length={length}"),
            initial: length,
            length,
            correct: Some(correct),
            ..row.clone()
        };
        right.iter().map(made).collect()
    }

    #[test]
    fn tails_are_split_by_the_length_that_answers() {
        // Problem 0 is right from 64 on, 1 at 256 only, 2 never, 3 was not asked.
        let rows = fixed(&[
            (0, 64, true),
            (0, 128, false),
            (0, 256, true),
            (1, 64, false),
            (1, 128, false),
            (1, 256, true),
            (2, 64, false),
            (2, 128, false),
            (2, 256, false),
        ]);
        let tail = |problem: usize, length: usize, p: f32| EosTail {
            length,
            problem,
            model: "tiny".to_owned(),
            p_eos: vec![p],
        };
        let tails: Vec<EosTail> = [32, 128, 256]
            .into_iter()
            .flat_map(|length| {
                [
                    tail(0, length, 0.9),
                    tail(1, length, 0.4),
                    tail(2, length, 0.1),
                    tail(3, length, 1.0),
                ]
            })
            .collect();
        let figures = drawn(&rows, &tails);
        let eos = figures.last().unwrap();
        let lines: Vec<Vec<&str>> = eos
            .numbers
            .as_ref()
            .unwrap()
            .lines
            .iter()
            .map(|line| line.iter().map(String::as_str).collect())
            .collect();
        assert_eq!(
            lines,
            [["32", "0", "2", "–"], ["128", "1", "1", "+0.500"], ["256", "2", "0", "–"]]
        );
        let svg = eos.picture.as_ref().unwrap().inline();
        assert!(svg.contains("or the tail is shorter"), "{svg}");
        let both: Vec<EosTail> = tails.into_iter().filter(|tail| tail.length == 128).collect();
        let full = drawn(&rows, &both);
        assert!(
            !full
                .last()
                .unwrap()
                .picture
                .as_ref()
                .unwrap()
                .inline()
                .contains("or the tail is shorter")
        );
    }

    #[test]
    fn the_lengths_are_those_of_daedal_itself() {
        let (mut rows, _) = fake::rows(20);
        let caption = |rows: &[EvalRow]| {
            let figures = drawn(rows, &[]);
            figures.into_iter().find(|figure| figure.name == "lengths").unwrap().caption
        };
        // An ablation that is more accurate does not take its place.
        rows.reverse();
        for row in &mut rows {
            row.correct = Some(row.recipe == "daedal:preset=stage-1");
        }
        assert!(caption(&rows).contains("under daedal,"), "{}", caption(&rows));
        for row in rows.iter_mut().filter(|row| row.recipe == "daedal") {
            row.recipe = "daedal:low_conf_threshold=0".to_owned();
        }
        assert!(caption(&rows).contains("under daedal:preset=stage-1,"), "{}", caption(&rows));
    }

    #[test]
    fn hostile_texts_are_harmless() {
        drawn(&fake::hostile(), &fake::tails());
    }
}
