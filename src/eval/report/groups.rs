//! Rows that belong together.

use std::collections::HashMap;

use crate::eval::EvalRow;

/// Rows by a text of theirs, in order of first appearance.
pub(super) fn groups<'a>(
    rows: impl Iterator<Item = &'a EvalRow>,
    by: impl Fn(&'a EvalRow) -> &'a str,
) -> Vec<(&'a str, Vec<&'a EvalRow>)> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<(&str, Vec<&EvalRow>)> = Vec::new();
    for row in rows {
        let key = by(row);
        let place = *places.entry(key).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(row);
    }
    groups
}
