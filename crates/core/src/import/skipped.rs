//! Fields and values of a file that have no place in a recording. Each kind is named once, so that
//! nothing is dropped in silence.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

/// The most names that are listed. An object may hold any number of them.
const MOST_NAMES: usize = 64;

/// Names and values that were not taken over.
#[derive(Debug, Default)]
pub(super) struct SkippedInput {
    names: BTreeSet<String>,
    /// Kinds of values: what is wrong with them, how many there are, and the first with its place.
    values: BTreeMap<String, (usize, String)>,
}

impl SkippedInput {
    /// Notes names that no reader asked for.
    pub fn names<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            if self.names.len() < MOST_NAMES {
                self.names.insert(name.chars().take(80).collect());
            }
        }
    }

    /// Notes a value: `what` names its field and the reason, `place` the value and its place.
    pub fn value(&mut self, what: impl Display, place: impl FnOnce() -> String) {
        self.values.entry(what.to_string()).or_insert_with(|| (0, place())).0 += 1;
    }

    /// A line for each kind of value, and one for the names.
    pub fn notices(self) -> Vec<String> {
        let value = |(what, (count, first)): (String, (usize, String))| match count {
            1 => format!("left out: {what}: {first}"),
            _ => format!("left out: {what}: {count} times, first {first}"),
        };
        let mut notices: Vec<String> = self.values.into_iter().map(value).collect();
        if !self.names.is_empty() {
            let names: Vec<String> = self.names.into_iter().collect();
            notices.push(format!("left out: {}", names.join(", ")));
        }
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_named_once() {
        let mut left = SkippedInput::default();
        left.names(["seed", "note", "seed"]);
        left.value("`conf` that is no number", || "\"high\" in step 2".to_owned());
        left.value("`conf` that is no number", || unreachable!("the first is there"));
        left.value("`eos`", || "[]".to_owned());
        assert_eq!(
            left.notices(),
            [
                "left out: `conf` that is no number: 2 times, first \"high\" in step 2",
                "left out: `eos`: []",
                "left out: note, seed",
            ]
        );
        assert!(SkippedInput::default().notices().is_empty());
    }
}
