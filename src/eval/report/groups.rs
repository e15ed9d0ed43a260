//! Rows that belong together.

use std::{collections::HashMap, hash::Hash};

use crate::eval::EvalRow;

/// Rows by what they have in common, in order of first appearance.
pub(super) fn groups<'a, K: Copy + Eq + Hash>(
    rows: impl Iterator<Item = &'a EvalRow>,
    by: impl Fn(&'a EvalRow) -> K,
) -> Vec<(K, Vec<&'a EvalRow>)> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<(K, Vec<&EvalRow>)> = Vec::new();
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
