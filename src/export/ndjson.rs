//! A table as JSON: an object a line, with every column in each.

use serde::{Serialize, Serializer};

use super::{
    error::ExportError,
    format::{ExportFormat, Make},
    rows::{RowWriter, RowsOut},
    table::{Table, TableColumn, TableValue},
};
use crate::escape::escaped_json;

/// The row of the table of formats: `ndjson`.
pub const FORMAT: ExportFormat = ExportFormat {
    name: "ndjson",
    help: "a table as JSON, an object a line, of steps or positions",
    step: None,
    make: Make::Rows {
        usual: Table::Steps,
        begin: |table, out| Ok(Box::new(Objects { columns: table.columns(), out })),
    },
};

struct Objects<'w> {
    columns: &'static [TableColumn],
    out: RowsOut<'w>,
}

impl RowWriter for Objects<'_> {
    fn row(&mut self, row: &[TableValue]) -> Result<(), ExportError> {
        let line = serde_json::to_string(&NdjsonRow(self.columns, row))
            .map_err(|error| ExportError::Table(error.into()))?;
        // It may be standard output, and so a terminal.
        Ok(writeln!(self.out, "{}", escaped_json(&line))?)
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        Ok(())
    }
}

/// A row by the names of its columns.
struct NdjsonRow<'a>(&'a [TableColumn], &'a [TableValue<'a>]);

impl Serialize for NdjsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.0.iter().map(|column| column.name);
        serializer.collect_map(names.zip(self.1))
    }
}
