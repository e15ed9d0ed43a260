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
    /// The figures of the section, each with its name: those of each model where there are several.
    pub fn figures(&self, tails: &[EosTail]) -> Vec<Figure> {
        let numbers = |row: Option<&EvalRow>| row.map_or(0, |row| row.problem);
        let own = numbers(self.rows.first())..=numbers(self.rows.last());
        let mut models: Vec<&str> = Vec::new();
        for summary in &self.summaries {
            if !models.contains(&summary.model.as_str()) {
                models.push(&summary.model);
            }
        }
        let of_model = |(number, model): (usize, &&str)| {
            let is_own = |tail: &&EosTail| own.contains(&tail.problem) && tail.model == *model;
            let tails: Vec<EosTail> = tails.iter().filter(is_own).cloned().collect();
            let rows = self.rows.iter().filter(|row| row.model == *model).cloned();
            let rows: Vec<EvalRow> = rows.collect();
            let summaries = self.summaries.iter().filter(|summary| summary.model == *model);
            let summaries: Vec<Summary> = summaries.cloned().collect();
            let figures = figures::draw(&rows, &summaries, &tails).into_iter();
            let named = |figure: Figure| match models.len() {
                1 => figure.within(&self.anchor),
                _ => figure.of(model).within(&format!("{}model-{}-", self.anchor, number + 1)),
            };
            figures.map(named).collect::<Vec<_>>()
        };
        models.iter().enumerate().flat_map(of_model).collect()
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
    fn every_model_has_its_own_figures() {
        let (rows, _) = fake::rows(8);
        let of = |model: &str| {
            let named = |row: &EvalRow| EvalRow { model: model.to_owned(), ..row.clone() };
            rows.iter().map(named).collect::<Vec<_>>()
        };
        let mut both = [of("one"), of("two")].concat();
        both.sort_by_key(|row| row.problem);
        let sections = sections(&both, &[]);
        let summaries = &sections[0].summaries;
        assert_eq!(summaries.len(), 2 * fake::RECIPES.len());
        assert_eq!(summaries[0].name, format!("one · {}", fake::RECIPES[0].0));
        assert!(summaries.iter().all(|summary| summary.all.problems == 8));
        let figures = sections[0].figures(&[]);
        let names: Vec<[&str; 2]> =
            figures.iter().map(|figure| [figure.name.as_str(), figure.title.as_str()]).collect();
        assert_eq!(names[0], ["model-1-accuracy", "one: Accuracy against initial length"]);
        assert_eq!(names[5], ["model-2-e-ratio", "two: Effective token ratio"]);
        assert_eq!(names.len(), 6);
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
