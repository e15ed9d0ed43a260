//! Tables of recordings, row by row into whatever format is asked for.

use std::io::Write;

use super::{
    error::ExportError,
    table::{Table, TableValue},
};
use crate::trace::Recording;

/// Writes the rows of a table in some format. No implementation holds more than some thousands of rows.
pub trait RowWriter {
    /// Writes a row: a cell for each column of the table.
    ///
    /// # Errors
    /// If it cannot be written.
    fn row(&mut self, row: &[TableValue]) -> Result<(), ExportError>;

    /// Writes what is left.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finish(self: Box<Self>) -> Result<(), ExportError>;
}

/// Where a file goes.
pub type RowsOut<'w> = &'w mut (dyn Write + Send);

/// Begins a file with the rows of a table.
pub type BeginRows = for<'w> fn(Table, RowsOut<'w>) -> Result<Box<dyn RowWriter + 'w>, ExportError>;

/// A table being written.
pub struct Tables<'w> {
    table: Table,
    rows: Box<dyn RowWriter + 'w>,
}

impl<'w> Tables<'w> {
    /// Begins a file of a table.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(table: Table, begin: BeginRows, out: RowsOut<'w>) -> Result<Self, ExportError> {
        Ok(Self { table, rows: begin(table, out)? })
    }

    /// Adds the rows of a recording, called `file` in them.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn add(&mut self, file: &str, recording: &Recording) -> Result<(), ExportError> {
        self.table.rows(file, recording, |row| self.rows.row(row))
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> Result<(), ExportError> {
        self.rows.finish()
    }
}
