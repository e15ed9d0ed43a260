//! A table as Parquet, compressed with Snappy, which every reader knows. No more than a row group of rows is
//! held at once.

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

use super::{
    error::ExportError,
    format::{ExportFormat, Make},
    rows::RowWriter,
    table::{Table, TableColumn, TableValue, ValueKind},
};

/// The row of the table of formats: `parquet`.
pub const FORMAT: ExportFormat = ExportFormat {
    name: "parquet",
    help: "a table for data tools, of positions or (`--table steps`) of steps",
    step: None,
    make: Make::Rows {
        usual: Table::Positions,
        begin: |table, out| Ok(Box::new(Groups::new(table, out, GROUP)?)),
    },
};

/// Rows of a row group.
const GROUP: usize = 1 << 16;

/// The values of a column in the row group at hand.
enum ParquetValues {
    Int(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Flag(Vec<bool>),
    Text(Vec<ByteArray>),
}

struct HeldColumn {
    spec: TableColumn,
    values: ParquetValues,
    /// 1 for a row with a value, 0 for one without.
    levels: Vec<i16>,
}

/// A Parquet file written by row groups.
pub(super) struct Groups<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<HeldColumn>,
    rows: usize,
    most: usize,
}

impl<W: Write + Send> Groups<W> {
    pub fn new(table: Table, out: W, most: usize) -> Result<Self, ParquetError> {
        let fields = table.columns().iter().map(field).collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder(table.name()).with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        let held = |spec: &TableColumn| HeldColumn {
            spec: *spec,
            values: match spec.kind {
                ValueKind::Int => ParquetValues::Int(Vec::new()),
                ValueKind::Float => ParquetValues::Float(Vec::new()),
                ValueKind::Double => ParquetValues::Double(Vec::new()),
                ValueKind::Flag => ParquetValues::Flag(Vec::new()),
                ValueKind::Text => ParquetValues::Text(Vec::new()),
            },
            levels: Vec::new(),
        };
        Ok(Self { writer, columns: table.columns().iter().map(held).collect(), rows: 0, most })
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
}

impl<W: Write + Send> RowWriter for Groups<W> {
    fn row(&mut self, row: &[TableValue]) -> Result<(), ExportError> {
        for (held, cell) in self.columns.iter_mut().zip(row) {
            held.push(cell)?;
        }
        self.rows += 1;
        if self.rows >= self.most {
            self.flush()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        self.flush()?;
        self.writer.into_inner()?;
        Ok(())
    }
}

impl HeldColumn {
    fn push(&mut self, cell: &TableValue) -> Result<(), ParquetError> {
        match (&mut self.values, cell) {
            (_, TableValue::Null) if !self.spec.always => {
                self.levels.push(0);
                return Ok(());
            }
            (ParquetValues::Int(values), TableValue::Int(value)) => values.push(*value),
            (ParquetValues::Float(values), TableValue::Float(value)) => values.push(*value),
            (ParquetValues::Double(values), TableValue::Double(value)) => values.push(*value),
            (ParquetValues::Flag(values), TableValue::Flag(value)) => values.push(*value),
            (ParquetValues::Text(values), TableValue::Text(text)) => {
                values.push(ByteArray::from(&**text))
            }
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
            ParquetValues::Int(values) => put::<Int64Type>(out, values, levels)?,
            ParquetValues::Float(values) => put::<FloatType>(out, values, levels)?,
            ParquetValues::Double(values) => put::<DoubleType>(out, values, levels)?,
            ParquetValues::Flag(values) => put::<BoolType>(out, values, levels)?,
            ParquetValues::Text(values) => put::<ByteArrayType>(out, values, levels)?,
        }
        self.levels.clear();
        Ok(())
    }
}

fn field(column: &TableColumn) -> Result<TypePtr, ParquetError> {
    let physical = match column.kind {
        ValueKind::Int => Physical::INT64,
        ValueKind::Float => Physical::FLOAT,
        ValueKind::Double => Physical::DOUBLE,
        ValueKind::Flag => Physical::BOOLEAN,
        ValueKind::Text => Physical::BYTE_ARRAY,
    };
    let repetition = if column.always { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    let logical = (column.kind == ValueKind::Text).then_some(LogicalType::String);
    let builder = Type::primitive_type_builder(column.name, physical);
    builder.with_repetition(repetition).with_logical_type(logical).build().map(Arc::new)
}

impl From<ParquetError> for ExportError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(error) => {
                error.downcast().map_or_else(Self::Table, |error| Self::Io(*error))
            }
            error => Self::Table(error.into()),
        }
    }
}
