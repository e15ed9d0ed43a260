//! What the rows of each recipe come to.

use std::collections::HashMap;

use super::{
    agreement,
    estimate::{Estimate, Share, estimates},
    groups::groups,
};
use crate::eval::{EvalRow, RowTiming};

/// What problems come to, each figure with its 95 % bootstrap interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Problems measured; at least 1.
    pub problems: usize,
    /// Share answered right of the answers checked, 0 to 1. Absent if none was.
    pub accuracy: Option<Estimate>,
    /// N_token: mean of [`EvalRow::n_token`].
    pub n_token: Estimate,
    /// E_token: mean of [`EvalRow::e_token`].
    pub e_token: Estimate,
    /// E_ratio: the sum of E_token over the sum of N_token, 0 to 1. The mean of each problem's
    /// ratio may differ from it. Absent if there was no token.
    pub e_ratio: Option<Estimate>,
    /// E_ratio in percent, by the very expression of the published scripts: equal to theirs to
    /// the last digit, however it is rounded.
    pub e_percent: Option<f64>,
    /// Mean of [`EvalRow::before_tail`], positions.
    pub before_tail: Estimate,
    /// The sum of [`EvalRow::before_tail`] over the sum of [`EvalRow::length`], 0 to 1. Absent if no canvas
    /// held anything.
    pub before_tail_ratio: Option<Estimate>,
    /// NFE: predictions asked for.
    pub nfe: Estimate,
    /// The sum of E_token over the sum of NFE. Absent if nothing was predicted.
    pub tokens_per_pass: Option<Estimate>,
    /// Mean number of positions expanded.
    pub expansions: Estimate,
    /// Mean of [`EvalRow::order_tau`] over the runs that have one, as all of the following.
    pub order_tau: Option<Estimate>,
    /// Mean of [`EvalRow::mean_jump`].
    pub mean_jump: Option<Estimate>,
    /// Mean of [`EvalRow::adjacent`].
    pub adjacent: Option<Estimate>,
    /// Mean of [`EvalRow::tail_first`].
    pub tail_first: Option<Estimate>,
    /// Mean of [`EvalRow::flips_per_token`].
    pub flips_per_token: Option<Estimate>,
    /// Mean number of what lints find in a run.
    pub findings: Estimate,
    /// Share of the problems answered as by the first recipe, 0 to 1. Absent of that itself.
    pub same_as_first: Option<Estimate>,
    /// Where the other answers part from the first recipe's: the median number of characters before.
    pub parts_at: Option<f64>,
    /// Wall time of a problem, seconds; absent without timings.
    pub seconds: Option<Estimate>,
}

/// What one recipe came to on one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The model, as in [`EvalRow::model`].
    pub model: String,
    /// The recipe, as in [`EvalRow::recipe`].
    pub recipe: String,
    /// What tables call it: the recipe, behind the model where there are several.
    pub name: String,
    /// The strategy's name, as in [`EvalRow::strategy`].
    pub strategy: String,
    /// The swept values, as in [`EvalRow::swept`].
    pub swept: Vec<(String, f64)>,
    /// Length of the first canvas, positions.
    pub initial: usize,
    /// True if some canvas ended at another length than it began with.
    pub variable: bool,
    /// Over all its problems.
    pub all: Metrics,
    /// By kind of problem, in order of first appearance.
    pub tasks: Vec<(String, Metrics)>,
    /// Wall time of all its problems, seconds; absent without timings.
    pub total_seconds: Option<f64>,
}

impl Summary {
    /// True if it sums the row up.
    pub(super) fn has(&self, row: &EvalRow) -> bool {
        row.ran() == (&*self.model, &*self.recipe)
    }
}

impl Metrics {
    /// Share answered right, to compare by: below all others where none was checked.
    pub(super) fn right(&self) -> f64 {
        self.accuracy.map_or(-1.0, |accuracy| accuracy.mean)
    }
}

/// One summary a recipe and model, in order of first appearance.
pub fn summarize(rows: &[EvalRow], timings: &[RowTiming]) -> Vec<Summary> {
    let seconds: HashMap<(&str, &str, usize), f64> = timings
        .iter()
        .map(|of| ((of.model.as_str(), of.recipe.as_str(), of.problem), of.seconds))
        .collect();
    let of = |row: &EvalRow| seconds.get(&(&*row.model, &*row.recipe, row.problem)).copied();
    let recipes = groups(rows.iter(), EvalRow::ran);
    let models = groups(rows.iter(), |row| row.model.as_str()).len();
    let first = recipes.first().map_or(("", ""), |(ran, _)| *ran);
    let firsts: HashMap<usize, &EvalRow> = recipes
        .first()
        .into_iter()
        .flat_map(|(_, rows)| rows.iter().map(|row| (row.problem, *row)))
        .collect();
    let first_of =
        |row: &EvalRow| (row.ran() != first).then(|| firsts.get(&row.problem).copied()).flatten();
    let measure = |rows: &[&EvalRow]| measure(rows, &of, &first_of);
    recipes
        .into_iter()
        .filter_map(|((model, recipe), rows)| {
            let all = measure(&rows)?;
            let kinds = groups(rows.iter().copied(), |row| row.task.as_str());
            let tasks = match kinds.as_slice() {
                [(task, _)] => vec![((*task).to_owned(), all.clone())],
                kinds => kinds
                    .iter()
                    .filter_map(|(task, rows)| Some(((*task).to_owned(), measure(rows)?)))
                    .collect(),
            };
            let timed: Vec<f64> = rows.iter().filter_map(|row| of(row)).collect();
            let first = rows.first()?;
            Some(Summary {
                model: model.to_owned(),
                recipe: recipe.to_owned(),
                name: match models {
                    1 => recipe.to_owned(),
                    _ => format!("{model} · {recipe}"),
                },
                strategy: first.strategy.clone(),
                swept: first.swept.clone(),
                initial: first.initial,
                variable: rows.iter().any(|row| row.length != row.initial),
                all,
                tasks,
                total_seconds: (!timed.is_empty()).then(|| timed.iter().sum()),
            })
        })
        .collect()
}

/// What rows come to. `first` gives the row of the first recipe that one is compared with.
fn measure<'a>(
    rows: &[&EvalRow],
    seconds: &impl Fn(&EvalRow) -> Option<f64>,
    first: &impl Fn(&EvalRow) -> Option<&'a EvalRow>,
) -> Option<Metrics> {
    let count = |count: usize| Some(Share::value(count as f64));
    let share = |part: usize, of: usize| Some(Share::of(part as f64, of as f64));
    let sample: Vec<_> = rows
        .iter()
        .map(|row| {
            [
                row.correct.map(|correct| Share::value(f64::from(correct))),
                count(row.n_token),
                count(row.e_token),
                share(row.e_token, row.n_token),
                count(row.before_tail),
                share(row.before_tail, row.length),
                count(row.nfe),
                share(row.e_token, row.nfe),
                count(row.expansions),
                row.order_tau.map(Share::value),
                row.mean_jump.map(Share::value),
                row.adjacent.map(Share::value),
                row.tail_first.map(Share::value),
                row.flips_per_token.map(Share::value),
                count(row.findings.len()),
                first(row)
                    .and_then(|first| agreement::same(first, row))
                    .map(|same| Share::value(f64::from(same))),
                seconds(row).map(Share::value),
            ]
        })
        .collect();
    let [
        accuracy,
        n_token,
        e_token,
        e_ratio,
        before_tail,
        before_tail_ratio,
        nfe,
        tokens_per_pass,
        expansions,
        order_tau,
        mean_jump,
        adjacent,
        tail_first,
        flips_per_token,
        findings,
        same_as_first,
        seconds,
    ] = estimates(&sample);
    let places = rows.iter().filter_map(|row| agreement::parts_at(first(row)?, row));
    let sum = |of: fn(&EvalRow) -> usize| rows.iter().map(|row| of(row)).sum::<usize>() as f64;
    let (tokens, padding) = (sum(|row| row.n_token), sum(|row| row.n_token - row.e_token));
    Some(Metrics {
        problems: rows.len(),
        accuracy,
        n_token: n_token?,
        e_token: e_token?,
        e_ratio,
        e_percent: (tokens > 0.0).then(|| 100.0 - padding / tokens * 100.0),
        before_tail: before_tail?,
        before_tail_ratio,
        nfe: nfe?,
        tokens_per_pass,
        expansions: expansions?,
        order_tau,
        mean_jump,
        adjacent,
        tail_first,
        flips_per_token,
        findings: findings?,
        same_as_first,
        parts_at: agreement::median(places.collect()),
        seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::fake, *};

    #[test]
    fn recipes_and_tasks_are_summarized_in_order_of_appearance() {
        let (rows, timings) = fake::rows(40);
        let summaries = summarize(&rows, &timings);
        let recipes: Vec<&str> = summaries.iter().map(|summary| summary.recipe.as_str()).collect();
        assert_eq!(recipes, fake::RECIPES.map(|recipe| recipe.0));
        for summary in &summaries {
            let own: Vec<&EvalRow> =
                rows.iter().filter(|row| row.recipe == summary.recipe).collect();
            let right = own.iter().filter(|row| row.is_right()).count();
            let accuracy = summary.all.accuracy.unwrap();
            assert_eq!(accuracy.mean, right as f64 / own.len() as f64);
            assert_eq!(summary.variable, summary.strategy == "daedal");
            let parts: usize = summary.tasks.iter().map(|(_, metrics)| metrics.problems).sum();
            assert_eq!(parts, summary.all.problems);
            assert!(summary.total_seconds.is_some());
        }
        assert_eq!(summaries, summarize(&rows, &timings));
    }

    #[test]
    fn nothing_and_nearly_nothing() {
        assert_eq!(summarize(&[], &[]), []);
        let (mut rows, _) = fake::rows(1);
        rows.truncate(1);
        let row = &mut rows[0];
        (row.n_token, row.e_token, row.length, row.before_tail) = (0, 0, 0, 0);
        let summaries = summarize(&rows, &[]);
        assert_eq!(summaries.len(), 1);
        assert_eq!(summaries[0].all.e_ratio, None);
        assert_eq!(summaries[0].all.e_percent, None);
        assert_eq!(summaries[0].all.before_tail_ratio, None);
        assert_eq!(summaries[0].all.seconds, None);
        assert_eq!(summaries[0].total_seconds, None);
    }

    #[test]
    fn ratios_are_those_of_the_sums() {
        let (rows, _) = fake::rows(1);
        let make = |n_token, e_token, length, before_tail| EvalRow {
            n_token,
            e_token,
            length,
            before_tail,
            ..rows[0].clone()
        };
        let summaries = summarize(&[make(10, 10, 16, 12), make(90, 0, 84, 13)], &[]);
        let all = &summaries[0].all;
        assert_eq!(all.e_ratio.map(|ratio| ratio.mean), Some(0.1));
        assert_eq!(all.e_percent, Some(10.0));
        assert_eq!((all.n_token.mean, all.e_token.mean), (50.0, 5.0));
        assert_eq!(all.before_tail_ratio.map(|ratio| ratio.mean), Some(0.25));
        assert_eq!(all.before_tail.mean, 12.5);
    }
}
