//! Values of a JSON text with their paths: token ids, and columns with a value for each position.

use std::{collections::BTreeSet, fmt::Display};

use serde_json::{Map, Value};

use super::super::{json, skipped::SkippedInput, token};
use crate::canvas::{NO_TOKEN, TokenId};

/// What is wrong with a value, and the path to it. Each caller adds its part in front of the path.
#[derive(Debug)]
pub struct Wrong {
    path: String,
    problem: String,
}

impl Wrong {
    pub fn new(problem: impl Into<String>) -> Self {
        Self { path: String::new(), problem: problem.into() }
    }

    /// Says that the value stands in the member `name`.
    pub fn of(mut self, name: &str) -> Self {
        self.path.insert_str(0, &format!(".{name}"));
        self
    }

    /// Says that the value is an item of a list.
    pub fn at(mut self, place: usize) -> Self {
        self.path.insert_str(0, &format!("[{place}]"));
        self
    }

    /// The error in words; the path begins at `from`.
    pub fn told(self, from: impl Display) -> String {
        match self.path.trim_start_matches('.') {
            "" => format!("{from}: {}", self.problem),
            path => format!("{from}, at {path}: {}", self.problem),
        }
    }
}

impl From<String> for Wrong {
    fn from(problem: String) -> Self {
        Self::new(problem)
    }
}

/// An object, and which of its members were taken.
pub struct ImportedFields<'a> {
    object: &'a Map<String, Value>,
    taken: BTreeSet<&'a str>,
}

impl<'a> ImportedFields<'a> {
    pub fn new(object: &'a Map<String, Value>) -> Self {
        Self { object, taken: BTreeSet::new() }
    }

    /// The member under the first of some names that fits, which is taken.
    pub fn take_if(
        &mut self,
        names: &[&str],
        fits: impl Fn(&Value) -> bool,
    ) -> Option<(&'a str, &'a Value)> {
        let found = |name: &&str| self.object.get_key_value(*name);
        let (name, value) =
            names.iter().filter_map(found).find(|(_, value)| !value.is_null() && fits(value))?;
        self.taken.insert(name);
        Some((name, value))
    }

    pub fn take(&mut self, names: &[&str]) -> Option<(&'a str, &'a Value)> {
        self.take_if(names, |_| true)
    }

    /// The member under a name, which is taken if it is a text.
    pub fn text(&mut self, names: &[&str]) -> Option<(&'a str, &'a str)> {
        let (name, value) = self.take_if(names, Value::is_string)?;
        Some((name, value.as_str()?))
    }

    /// The names of members that were not taken, except those that are `null`.
    pub fn left(&self) -> impl Iterator<Item = &'a str> {
        let members = self.object.iter().filter(|(_, value)| !value.is_null());
        members.map(|(name, _)| name.as_str()).filter(|name| !self.taken.contains(name))
    }
}

/// A value for a message.
pub fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A whole number, as `1` or as `1.0`.
pub fn whole(value: &Value) -> Option<i64> {
    json::whole(value.as_number()?)
}

pub fn id(value: &Value) -> Result<TokenId, Wrong> {
    let number = whole(value).ok_or_else(|| {
        let null = if value.is_null() { "; NaN and infinities are read as null" } else { "" };
        format!(
            "{} is no token id (a whole number, 0 to {}{null}). Write the id of a token at each \
             position, and that of the mask where nothing is written yet",
            shown(value),
            NO_TOKEN - 1
        )
    })?;
    Ok(token(number)?)
}

pub fn ids(list: &[Value]) -> Result<Vec<TokenId>, Wrong> {
    let id = |(at, value): (usize, &Value)| id(value).map_err(|wrong| wrong.at(at));
    list.iter().enumerate().map(id).collect()
}

/// A column of a step: a value for each position, such as a confidence or a guess.
pub struct ImportedColumn<T> {
    pub name: String,
    pub values: Vec<T>,
}

/// Which sequence of a batch is read, and of how many.
#[derive(Clone, Copy)]
pub struct ImportedBatch {
    pub rows: usize,
    pub row: usize,
}

impl ImportedBatch {
    /// A list with one value for each position, of a batch or not. Distributions are no such list.
    fn of(self, value: &Value) -> Option<&Vec<Value>> {
        let list = value.as_array()?;
        match list.first() {
            Some(Value::Array(_)) if list.len() == self.rows => list.get(self.row)?.as_array(),
            Some(Value::Array(_)) => None,
            _ => Some(list),
        }
    }

    /// The column of step `step` under a name. A `null` is an unknown value; a value that `read`
    /// refuses is left out.
    pub fn column<T: Copy>(
        self,
        (name, value): (&str, &Value),
        (step, unknown): (usize, T),
        read: impl Fn(&Value) -> Option<T>,
        left: &mut SkippedInput,
    ) -> Option<ImportedColumn<T>> {
        let Some(list) = self.of(value) else {
            left.value(format!("`{name}` that is not one value a position"), || {
                format!("{} in step {step}", shown(value))
            });
            return None;
        };
        let values = list.iter().enumerate().map(|(at, value)| {
            if value.is_null() {
                return unknown;
            }
            read(value).unwrap_or_else(|| {
                left.value(format!("`{name}` that cannot be one"), || {
                    format!("{} in step {step}, at {name}[{at}]", shown(value))
                });
                unknown
            })
        });
        Some(ImportedColumn { name: name.to_owned(), values: values.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_whole_numbers_however_they_are_written() {
        for (text, expected) in [
            ("[1, 2.0, 3e2]", Ok(vec![1, 2, 300])),
            ("[]", Ok(vec![])),
            ("[1, 1.5]", Err("step 3, at ids[1]: 1.5 is no token id (a whole number, 0 to ")),
            ("[null]", Err("step 3, at ids[0]: null is no token id")),
            ("[-1.0]", Err("step 3, at ids[0]: -1 is no token id")),
            ("[\"1\"]", Err("step 3, at ids[0]: \"1\" is no token id")),
            ("[4294967295]", Err("step 3, at ids[0]: 4294967295 is no token id")),
            ("[1e300]", Err("step 3, at ids[0]: 1e+300 is no token id")),
            ("[true]", Err("step 3, at ids[0]: true is no token id")),
        ] {
            let list: Vec<Value> = serde_json::from_str(text).unwrap();
            let read = ids(&list).map_err(|wrong| wrong.of("ids").told("step 3"));
            match (read, expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{text}"),
                (Err(told), Err(expected)) => assert!(told.contains(expected), "{text}: {told}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
    }

    #[test]
    fn a_column_keeps_what_can_be_read() {
        for (text, expected, told) in [
            ("[0.5, null, 1]", Some(vec![Some(0.5), None, Some(1.0)]), None),
            ("[[0.5], [0.25]]", Some(vec![Some(0.25)]), None),
            ("[[0.1, 0.9]]", None, Some("`conf` that is not one value a position: [[0.1,0.9]] in")),
            ("0.9", None, Some("`conf` that is not one value a position: 0.9 in step 4")),
            (
                "[\"high\", 0.5, \"low\"]",
                Some(vec![None, Some(0.5), None]),
                Some("`conf` that cannot be one: 2 times, first \"high\" in step 4, at conf[0]"),
            ),
        ] {
            let value = serde_json::from_str(text).unwrap();
            let mut left = SkippedInput::default();
            let batch = ImportedBatch { rows: 2, row: 1 };
            let read = |value: &Value| value.as_f64().map(Some);
            let column = batch.column(("conf", &value), (4, None), read, &mut left);
            assert_eq!(column.map(|column| column.values), expected, "{text}");
            let notices = left.notices().join("\n");
            assert_eq!(notices.is_empty(), told.is_none(), "{text}: {notices}");
            assert!(told.is_none_or(|told| notices.contains(told)), "{text}: {notices}");
        }
    }
}
