//! A row that a query finds.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    debugger::Debugger,
    inspect::{
        QueryRow, RowGroup,
        language::{Grouping, NameValue},
    },
};

/// A row of a query, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct RowReport<'a> {
    file: &'a str,
    step: usize,
    position: Option<usize>,
    slot: Option<u32>,
    token: Option<u32>,
    text: Option<String>,
    p: Option<f32>,
    made: Option<usize>,
    was: Option<u32>,
    /// What the names of the query read there.
    values: BTreeMap<&'a str, Option<&'a NameValue>>,
}

impl<'a> RowReport<'a> {
    /// What is printed of a row of the recording `file`, which `debugger` has open.
    pub fn of(file: &'a str, row: &'a QueryRow, debugger: &Debugger) -> Self {
        Self {
            file,
            step: row.step,
            position: row.position,
            slot: row.slot.map(|slot| slot.0),
            token: row.token,
            text: row.token.map(|token| debugger.vocabulary.named(token)),
            p: row.p,
            made: row.made,
            was: row.was,
            values: row.values.iter().map(|of| (of.name.as_str(), of.value.as_ref())).collect(),
        }
    }
}

/// A group of rows, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct GroupReport<'a> {
    /// What its rows have in common, by name.
    by: BTreeMap<String, Option<&'a NameValue>>,
    /// What was computed of them, as it was asked for.
    values: BTreeMap<String, Option<&'a NameValue>>,
}

impl<'a> GroupReport<'a> {
    /// What is printed of a group.
    pub fn of(grouping: &Grouping, group: &'a RowGroup) -> Self {
        let by = grouping.by.iter().map(ToString::to_string);
        let values = grouping.aggregates.iter().map(ToString::to_string);
        Self {
            by: by.zip(group.by.iter().map(Option::as_ref)).collect(),
            values: values.zip(group.values.iter().map(Option::as_ref)).collect(),
        }
    }
}
