//! How often two runs answer alike, and where their answers part: what can be said without answers to
//! check by.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    estimate::{Estimate, Share, estimates},
    groups::groups,
};
use crate::eval::EvalRow;

/// Most recipes of which every pair is compared; of more, each is compared with the first.
const MOST_PAIRED: usize = 16;

/// A recipe on a model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct RecipeOnModel<'a> {
    /// The model.
    pub model: &'a str,
    /// The recipe.
    pub recipe: &'a str,
}

/// How two recipes agree on the problems of a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct RecipePair<'a> {
    /// The one that comes first.
    pub first: RecipeOnModel<'a>,
    /// The other.
    pub second: RecipeOnModel<'a>,
    /// Problems that both answered.
    pub problems: usize,
    /// The share of them that both answered alike, 0 to 1.
    pub same: Estimate,
    /// Where the others part: the median number of characters that are equal before.
    pub parts_at: Option<f64>,
}

/// The answer of a row, without blanks around it; `None` if it broke off.
fn answer(row: &EvalRow) -> Option<&str> {
    row.is_whole().then(|| row.answer.trim())
}

/// Whether two rows of a problem answer alike; `None` if one broke off.
pub(super) fn same(one: &EvalRow, other: &EvalRow) -> Option<bool> {
    Some(answer(one)? == answer(other)?)
}

/// The number of characters that are equal before two answers part; `None` where they do not.
pub(super) fn parts_at(one: &EvalRow, other: &EvalRow) -> Option<usize> {
    let (one, other) = (answer(one)?, answer(other)?);
    let equal = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    (one != other).then_some(equal)
}

/// The median; `None` without a value.
pub(super) fn median(mut values: Vec<usize>) -> Option<f64> {
    values.sort_unstable();
    let middle = values.len() / 2;
    let upper = *values.get(middle)? as f64;
    Some(match values.len() % 2 {
        0 => (values[middle - 1] as f64 + upper) / 2.0,
        _ => upper,
    })
}

/// The agreement of every pair of recipes, in order of first appearance.
pub(super) fn agreements(rows: &[EvalRow]) -> Vec<RecipePair<'_>> {
    let recipes = groups(rows.iter(), EvalRow::ran);
    let named = |(model, recipe)| RecipeOnModel { model, recipe };
    let mut found = Vec::new();
    for (at, (first, rows)) in recipes.iter().enumerate() {
        if at > 0 && recipes.len() > MOST_PAIRED {
            break;
        }
        let known: HashMap<usize, &EvalRow> = rows.iter().map(|row| (row.problem, *row)).collect();
        for (second, rows) in &recipes[at + 1..] {
            let pairs: Vec<(&EvalRow, &EvalRow)> =
                rows.iter().filter_map(|row| Some((*known.get(&row.problem)?, *row))).collect();
            let alike: Vec<bool> =
                pairs.iter().filter_map(|(one, other)| same(one, other)).collect();
            let sample: Vec<[Option<Share>; 1]> =
                alike.iter().map(|&same| [Some(Share::value(f64::from(same)))]).collect();
            let [Some(same)] = estimates(&sample) else { continue };
            let places = pairs.iter().filter_map(|(one, other)| parts_at(one, other));
            found.push(RecipePair {
                first: named(*first),
                second: named(*second),
                problems: alike.len(),
                same,
                parts_at: median(places.collect()),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{super::fake, *};

    fn rows(answers: &[(usize, &str, &str)]) -> Vec<EvalRow> {
        let row = fake::rows(1).0.swap_remove(0);
        let made = |&(problem, recipe, answer): &(usize, &str, &str)| EvalRow {
            problem,
            recipe: recipe.to_owned(),
            answer: answer.to_owned(),
            ..row.clone()
        };
        answers.iter().map(made).collect()
    }

    #[test]
    fn pairs_agree_on_what_both_answered() {
        let mut rows = rows(&[
            (0, "a", "blue"),
            (0, "b", " blue\n"),
            (0, "c", "red"),
            (1, "a", "a cat"),
            (1, "b", "a car"),
            (1, "c", "a cat"),
            (2, "a", "é1"),
            (2, "b", "é2"),
            (3, "a", "broke off"),
            (3, "b", "broke off"),
        ]);
        "error: no room".clone_into(&mut rows[9].finish);
        let found: Vec<(&str, &str, usize, f64, Option<f64>)> = agreements(&rows)
            .iter()
            .map(|of| (of.first.recipe, of.second.recipe, of.problems, of.same.mean, of.parts_at))
            .collect();
        let third = 1.0 / 3.0;
        assert_eq!(
            found,
            [
                ("a", "b", 3, third, Some(2.5)),
                ("a", "c", 2, 0.5, Some(0.0)),
                ("b", "c", 2, 0.0, Some(2.0)),
            ]
        );
        assert_eq!(agreements(&rows[..1]), []);
    }
}
