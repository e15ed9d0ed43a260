//! A table as CSV, with a line of names.

use super::{
    error::ExportError,
    format::{ExportFormat, Make},
    rows::{RowWriter, RowsOut},
    table::{Table, TableValue},
};
use crate::escape::one_line;

/// The row of the table of formats: `csv`.
pub const FORMAT: ExportFormat = ExportFormat {
    name: "csv",
    help: "a table as text, of steps or (`--table positions`) of positions",
    step: None,
    make: Make::Rows { usual: Table::Steps, begin },
};

fn begin<'w>(table: Table, out: RowsOut<'w>) -> Result<Box<dyn RowWriter + 'w>, ExportError> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(table.columns().iter().map(|column| column.name))?;
    Ok(Box::new(writer))
}

impl RowWriter for csv::Writer<RowsOut<'_>> {
    fn row(&mut self, row: &[TableValue]) -> Result<(), ExportError> {
        for cell in row {
            match cell {
                TableValue::Null => self.write_field(""),
                TableValue::Int(value) => self.write_field(value.to_string()),
                TableValue::Float(value) => self.write_field(value.to_string()),
                TableValue::Double(value) => self.write_field(value.to_string()),
                TableValue::Flag(value) => self.write_field(if *value { "true" } else { "false" }),
                TableValue::Text(text) => self.write_field(plain(text)),
            }?;
        }
        Ok(self.write_record(None::<&[u8]>)?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        Ok(self.flush()?)
    }
}

/// Text that does nothing where a CSV file is read by eye or by a spreadsheet: what cannot be seen
/// is shown, a row stays on its line, and what a spreadsheet would take for a formula has an
/// apostrophe before it.
fn plain(text: &str) -> String {
    let mut line = one_line(text);
    if line.trim_start().starts_with(['=', '+', '-', '@']) {
        line.insert(0, '\'');
    }
    line
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Self::Io(error),
            kind => Self::Table(format!("{kind:?}").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn text_of_a_field_is_no_formula() {
        for (text, expected) in [
            ("owl", "owl"),
            (" owl", " owl"),
            ("=1+1", "'=1+1"),
            (" =1", "' =1"),
            ("-", "'-"),
            ("\t@x", "⇥@x"),
            ("a\n=b", "a↵=b"),
            ("\u{202e}\u{1b}", "⟨U+202E⟩␛"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
