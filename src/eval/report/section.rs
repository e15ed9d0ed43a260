//! The parts of a report: one for each set of problems.

use super::{
    EosTail,
    figures::{self, Figure},
    samples::plain,
    summary::{Summary, summarize},
};
use crate::eval::{EvalRow, RowTiming};

/// What was measured on one set.
pub(super) struct Section<'a> {
    /// The name of the set.
    pub set: &'a str,
    /// What names within a page and of figures begin with; nothing where there is one section.
    pub anchor: String,
    /// The rows of the set, of all recipes.
    pub rows: &'a [EvalRow],
    /// What they come to.
    pub summaries: Vec<Summary>,
    /// Some of the problems have an answer.
    pub checked: bool,
}

/// The sections of rows that are in the order of their problems; a single one of no rows.
pub(super) fn sections<'a>(rows: &'a [EvalRow], timings: &[RowTiming]) -> Vec<Section<'a>> {
    let mut parts: Vec<&[EvalRow]> = rows.chunk_by(|row, next| row.set == next.set).collect();
    if parts.is_empty() {
        parts.push(rows);
    }
    let several = parts.len() > 1;
    let section = |rows: &'a [EvalRow]| {
        let set = rows.first().map_or("", |row| row.set.as_str());
        let anchor = if several { format!("{}-", plain(set)) } else { String::new() };
        let checked = rows.is_empty() || rows.iter().any(|row| row.expected.is_some());
        Section { set, anchor, rows, summaries: summarize(rows, timings), checked }
    };
    parts.into_iter().map(section).collect()
}

impl Section<'_> {
    /// The figures of the section, each with its name.
    pub fn figures(&self, tails: &[EosTail]) -> Vec<Figure> {
        let numbers = |row: Option<&EvalRow>| row.map_or(0, |row| row.problem);
        let own = numbers(self.rows.first())..=numbers(self.rows.last());
        let tails: Vec<EosTail> =
            tails.iter().filter(|tail| own.contains(&tail.problem)).cloned().collect();
        let figures = figures::draw(self.rows, &self.summaries, &tails);
        figures.into_iter().map(|figure| figure.within(&self.anchor)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fake, *};

    #[test]
    fn every_set_has_its_own() {
        let (mut rows, timings) = fake::rows(8);
        for row in rows.iter_mut().filter(|row| row.problem >= 3) {
            "other".clone_into(&mut row.set);
        }
        let sections = sections(&rows, &timings);
        let found: Vec<(&str, &str, usize)> = sections
            .iter()
            .map(|section| {
                (section.set, section.anchor.as_str(), section.summaries[0].all.problems)
            })
            .collect();
        assert_eq!(found, [("fake", "fake-", 3), ("other", "other-", 5)]);
        let names: Vec<String> =
            sections[1].figures(&[]).into_iter().map(|figure| figure.name).collect();
        assert_eq!(names, ["other-accuracy", "other-lengths", "other-e-ratio"]);
    }

    #[test]
    fn a_single_one_has_no_names_of_its_own() {
        let (rows, timings) = fake::rows(2);
        let sections = sections(&rows, &timings);
        assert_eq!((sections.len(), sections[0].anchor.as_str()), (1, ""));
        assert_eq!(sections[0].figures(&[])[0].name, "accuracy");
        assert_eq!(super::sections(&[], &[]).len(), 1);
    }
}
