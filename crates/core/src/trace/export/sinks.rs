//! Where the rows of tables go: CSV, JSON, or Parquet by row groups. None holds more than a row
//! group of rows at once.

use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};

use serde::{Serialize, Serializer};

use super::{
    ExportError,
    table::{Cell, ColumnSpec, Kind, Table},
};
use crate::{
    escape::{escaped_json, one_line},
    trace::Recording,
};

/// Rows of a row group.
const GROUP: usize = 1 << 16;

/// A table being written.
pub struct Tables<W: Write + Send> {
    table: Table,
    sink: Sink<W>,
}

enum Sink<W: Write + Send> {
    Csv(Box<csv::Writer<W>>),
    Json(W),
    Parquet(Box<Groups<W>>),
}

impl<W: Write + Send> Tables<W> {
    /// A table as CSV, with a line of names.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn csv(table: Table, out: W) -> Result<Self, ExportError> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(table.columns().iter().map(|column| column.name))?;
        Ok(Self { table, sink: Sink::Csv(Box::new(writer)) })
    }

    /// A table as JSON, an object a line, with every column in each.
    pub fn json(table: Table, out: W) -> Self {
        Self { table, sink: Sink::Json(out) }
    }

    /// A table as Parquet, compressed with Snappy, which every reader knows.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn parquet(table: Table, out: W) -> Result<Self, ExportError> {
        Ok(Self { table, sink: Sink::Parquet(Box::new(Groups::new(table, out, GROUP)?)) })
    }

    /// Adds the rows of a recording, called `file` in them.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn add(&mut self, file: &str, recording: &Recording) -> Result<(), ExportError> {
        let sink = &mut self.sink;
        let columns = self.table.columns();
        self.table.rows(file, recording, |row| match sink {
            Sink::Csv(writer) => {
                for cell in row {
                    write_field(writer, cell)?;
                }
                writer.write_record(None::<&[u8]>)?;
                Ok(())
            }
            Sink::Json(out) => write_object(out, columns, row),
            Sink::Parquet(groups) => Ok(groups.push(row)?),
        })
    }

    /// Writes what is left and gives the writer back.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> Result<W, ExportError> {
        match self.sink {
            Sink::Csv(writer) => {
                writer.into_inner().map_err(|error| ExportError::Io(error.into_error()))
            }
            Sink::Json(out) => Ok(out),
            Sink::Parquet(groups) => Ok(groups.finish()?),
        }
    }
}

fn write_field<W: Write>(writer: &mut csv::Writer<W>, cell: &Cell) -> Result<(), csv::Error> {
    match cell {
        Cell::Null => writer.write_field(""),
        Cell::Int(value) => writer.write_field(value.to_string()),
        Cell::Float(value) => writer.write_field(value.to_string()),
        Cell::Double(value) => writer.write_field(value.to_string()),
        Cell::Flag(value) => writer.write_field(if *value { "true" } else { "false" }),
        Cell::Text(text) => writer.write_field(plain(text)),
    }
}

/// A row as an object on a line of its own.
fn write_object<W: Write>(
    out: &mut W,
    columns: &[ColumnSpec],
    row: &[Cell],
) -> Result<(), ExportError> {
    struct Object<'a>(&'a [ColumnSpec], &'a [Cell<'a>]);
    impl Serialize for Object<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let names = self.0.iter().map(|column| column.name);
            serializer.collect_map(names.zip(self.1))
        }
    }
    let line = serde_json::to_string(&Object(columns, row))
        .map_err(|error| ExportError::Table(error.into()))?;
    // It may be standard output, and so a terminal.
    Ok(writeln!(out, "{}", escaped_json(&line))?)
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

/// The values of a column in the row group at hand.
enum Values {
    Int(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Flag(Vec<bool>),
    Text(Vec<ByteArray>),
}

struct Held {
    spec: ColumnSpec,
    values: Values,
    /// 1 for a row with a value, 0 for one without.
    levels: Vec<i16>,
}

/// A Parquet file written by row groups.
pub(super) struct Groups<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Held>,
    rows: usize,
    most: usize,
}

impl<W: Write + Send> Groups<W> {
    pub fn new(table: Table, out: W, most: usize) -> Result<Self, ParquetError> {
        let fields = table.columns().iter().map(field).collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder(table.name()).with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        let held = |spec: &ColumnSpec| Held {
            spec: *spec,
            values: match spec.kind {
                Kind::Int => Values::Int(Vec::new()),
                Kind::Float => Values::Float(Vec::new()),
                Kind::Double => Values::Double(Vec::new()),
                Kind::Flag => Values::Flag(Vec::new()),
                Kind::Text => Values::Text(Vec::new()),
            },
            levels: Vec::new(),
        };
        Ok(Self { writer, columns: table.columns().iter().map(held).collect(), rows: 0, most })
    }

    pub fn push(&mut self, row: &[Cell]) -> Result<(), ParquetError> {
        for (held, cell) in self.columns.iter_mut().zip(row) {
            held.push(cell)?;
        }
        self.rows += 1;
        if self.rows >= self.most { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for held in &mut self.columns {
            let Some(mut out) = group.next_column()? else { break };
            held.write(&mut out)?;
            out.close()?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    pub fn finish(mut self) -> Result<W, ParquetError> {
        self.flush()?;
        self.writer.into_inner()
    }
}

impl Held {
    fn push(&mut self, cell: &Cell) -> Result<(), ParquetError> {
        match (&mut self.values, cell) {
            (_, Cell::Null) if !self.spec.always => {
                self.levels.push(0);
                return Ok(());
            }
            (Values::Int(values), Cell::Int(value)) => values.push(*value),
            (Values::Float(values), Cell::Float(value)) => values.push(*value),
            (Values::Double(values), Cell::Double(value)) => values.push(*value),
            (Values::Flag(values), Cell::Flag(value)) => values.push(*value),
            (Values::Text(values), Cell::Text(text)) => values.push(ByteArray::from(&**text)),
            _ => {
                let fault = format!("column {} got a value of another kind", self.spec.name);
                return Err(ParquetError::General(fault));
            }
        }
        self.levels.push(1);
        Ok(())
    }

    /// Writes the values and forgets them.
    fn write(&mut self, out: &mut SerializedColumnWriter) -> Result<(), ParquetError> {
        fn put<T: DataType>(
            out: &mut SerializedColumnWriter,
            values: &mut Vec<T::T>,
            levels: Option<&[i16]>,
        ) -> Result<(), ParquetError> {
            out.typed::<T>().write_batch(values, levels, None)?;
            values.clear();
            Ok(())
        }
        let levels = (!self.spec.always).then_some(&*self.levels);
        match &mut self.values {
            Values::Int(values) => put::<Int64Type>(out, values, levels)?,
            Values::Float(values) => put::<FloatType>(out, values, levels)?,
            Values::Double(values) => put::<DoubleType>(out, values, levels)?,
            Values::Flag(values) => put::<BoolType>(out, values, levels)?,
            Values::Text(values) => put::<ByteArrayType>(out, values, levels)?,
        }
        self.levels.clear();
        Ok(())
    }
}

fn field(column: &ColumnSpec) -> Result<TypePtr, ParquetError> {
    let physical = match column.kind {
        Kind::Int => Physical::INT64,
        Kind::Float => Physical::FLOAT,
        Kind::Double => Physical::DOUBLE,
        Kind::Flag => Physical::BOOLEAN,
        Kind::Text => Physical::BYTE_ARRAY,
    };
    let repetition = if column.always { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    let logical = (column.kind == Kind::Text).then_some(LogicalType::String);
    let builder = Type::primitive_type_builder(column.name, physical);
    builder.with_repetition(repetition).with_logical_type(logical).build().map(Arc::new)
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
