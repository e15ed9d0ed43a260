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
    format::{Format, Make},
    rows::RowWriter,
    table::{Cell, Kind, Table, TableColumn},
};

/// Tables as Parquet.
pub const FORMAT: Format = Format {
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
enum Values {
    Int(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Flag(Vec<bool>),
    Text(Vec<ByteArray>),
}

struct Held {
    spec: TableColumn,
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
        let held = |spec: &TableColumn| Held {
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
    fn row(&mut self, row: &[Cell]) -> Result<(), ExportError> {
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

fn field(column: &TableColumn) -> Result<TypePtr, ParquetError> {
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
