//! The rows as CSV and as Parquet: the same columns in both, and nothing but the rows in them,
//! so equal runs give equal files. All of a row is there but its generation, most of which is
//! padding: that is in the samples.
//!
//! A swept parameter is a column `swept.NAME`, empty in rows without it. In CSV an absent text
//! and an empty one look the same. Cells are kept as they are, also those that a spreadsheet
//! would take for a formula: import the text columns as text. `same_as_first` and `parts_at` compare an
//! answer with that of the first recipe; they are empty there.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use parquet::{
    basic::{LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};

use super::agreement;
use crate::eval::EvalRow;

/// The values of one column, a row each.
enum DataColumn<'a> {
    Count(Vec<usize>),
    Text(Vec<&'a str>),
    Made(Vec<String>),
    MaybeFlag(Vec<Option<bool>>),
    MaybeText(Vec<Option<&'a str>>),
    MaybeNumber(Vec<Option<f64>>),
}

fn columns(rows: &[EvalRow]) -> Vec<(String, DataColumn<'_>)> {
    let count = |value: fn(&EvalRow) -> usize| DataColumn::Count(rows.iter().map(value).collect());
    let text = |value: fn(&EvalRow) -> &str| DataColumn::Text(rows.iter().map(value).collect());
    let maybe = |value: fn(&EvalRow) -> Option<&str>| {
        DataColumn::MaybeText(rows.iter().map(value).collect())
    };
    let measure = |value: fn(&EvalRow) -> Option<f64>| {
        DataColumn::MaybeNumber(rows.iter().map(value).collect())
    };
    // The first row of a problem is the first recipe's.
    let mut firsts: HashMap<usize, &EvalRow> = HashMap::new();
    for row in rows {
        firsts.entry(row.problem).or_insert(row);
    }
    let first_of =
        |row: &EvalRow| firsts.get(&row.problem).copied().filter(|first| first.ran() != row.ran());
    let mut columns = vec![
        ("problem".to_owned(), count(|row| row.problem)),
        ("set".to_owned(), text(|row| &row.set)),
        ("task".to_owned(), text(|row| &row.task)),
        ("model".to_owned(), text(|row| &row.model)),
        ("recipe".to_owned(), text(|row| &row.recipe)),
        ("strategy".to_owned(), text(|row| &row.strategy)),
    ];
    let swept: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.swept.iter().map(|(name, _)| name.as_str())).collect();
    for name in swept {
        let value = |row: &EvalRow| {
            row.swept.iter().find(|(other, _)| other == name).map(|(_, value)| *value)
        };
        let values = DataColumn::MaybeNumber(rows.iter().map(value).collect());
        columns.push((format!("swept.{name}"), values));
    }
    columns.extend([
        ("question".to_owned(), text(|row| &row.question)),
        ("expected".to_owned(), maybe(|row| row.expected.as_deref())),
        ("answer".to_owned(), text(|row| &row.answer)),
        ("extracted".to_owned(), maybe(|row| row.extracted.as_deref())),
        ("correct".to_owned(), DataColumn::MaybeFlag(rows.iter().map(|row| row.correct).collect())),
        ("fault".to_owned(), maybe(|row| row.fault.as_deref())),
        ("initial".to_owned(), count(|row| row.initial)),
        ("length".to_owned(), count(|row| row.length)),
        ("before_tail".to_owned(), count(|row| row.before_tail)),
        ("n_token".to_owned(), count(|row| row.n_token)),
        ("e_token".to_owned(), count(|row| row.e_token)),
        ("nfe".to_owned(), count(|row| row.nfe)),
        ("canvases".to_owned(), count(|row| row.canvases)),
        ("expansions".to_owned(), count(|row| row.expansions)),
        ("order_tau".to_owned(), measure(|row| row.order_tau)),
        ("mean_jump".to_owned(), measure(|row| row.mean_jump)),
        ("adjacent".to_owned(), measure(|row| row.adjacent)),
        ("tail_first".to_owned(), measure(|row| row.tail_first)),
        ("flips_per_token".to_owned(), measure(|row| row.flips_per_token)),
        (
            "findings".to_owned(),
            DataColumn::Made(rows.iter().map(|row| row.findings.join(" ")).collect()),
        ),
        (
            "same_as_first".to_owned(),
            DataColumn::MaybeFlag(
                rows.iter().map(|row| agreement::same(first_of(row)?, row)).collect(),
            ),
        ),
        (
            "parts_at".to_owned(),
            DataColumn::MaybeNumber(
                rows.iter()
                    .map(|row| Some(agreement::parts_at(first_of(row)?, row)? as f64))
                    .collect(),
            ),
        ),
        ("finish".to_owned(), text(|row| &row.finish)),
        ("trace".to_owned(), maybe(|row| row.trace.as_deref())),
    ]);
    columns
}

/// The rows as CSV with a line of names.
pub(super) fn csv(rows: &[EvalRow]) -> Result<Vec<u8>, csv::Error> {
    let columns = columns(rows);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(|(name, _)| name))?;
    for row in 0..rows.len() {
        for (_, column) in &columns {
            match column {
                DataColumn::Count(values) => writer.write_field(values[row].to_string())?,
                DataColumn::MaybeFlag(values) => writer
                    .write_field(values[row].map(|value| value.to_string()).unwrap_or_default())?,
                DataColumn::Text(values) => writer.write_field(values[row])?,
                DataColumn::Made(values) => writer.write_field(&values[row])?,
                DataColumn::MaybeText(values) => writer.write_field(values[row].unwrap_or(""))?,
                DataColumn::MaybeNumber(values) => writer
                    .write_field(values[row].map(|value| value.to_string()).unwrap_or_default())?,
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// The rows as a Parquet file of one row group, not compressed.
pub(super) fn parquet(rows: &[EvalRow]) -> Result<Vec<u8>, ParquetError> {
    let columns = columns(rows);
    let fields = columns.iter().map(|(name, column)| field(name, column));
    let schema =
        Type::group_type_builder("rows").with_fields(fields.collect::<Result<_, _>>()?).build()?;
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
    let mut group = writer.next_row_group()?;
    for (_, column) in &columns {
        let Some(mut out) = group.next_column()? else { break };
        match column {
            DataColumn::Count(values) => {
                let values: Vec<i64> =
                    values.iter().map(|value| i64::try_from(*value).unwrap_or(i64::MAX)).collect();
                out.typed::<Int64Type>().write_batch(&values, None, None)?;
            }
            DataColumn::MaybeFlag(values) => {
                let known: Vec<bool> = values.iter().flatten().copied().collect();
                out.typed::<BoolType>().write_batch(&known, Some(&levels(values)), None)?;
            }
            DataColumn::Text(values) => {
                let values: Vec<ByteArray> =
                    values.iter().map(|value| ByteArray::from(*value)).collect();
                out.typed::<ByteArrayType>().write_batch(&values, None, None)?;
            }
            DataColumn::Made(values) => {
                let values: Vec<ByteArray> =
                    values.iter().map(|value| ByteArray::from(value.as_str())).collect();
                out.typed::<ByteArrayType>().write_batch(&values, None, None)?;
            }
            DataColumn::MaybeText(values) => {
                let known: Vec<ByteArray> =
                    values.iter().flatten().map(|value| ByteArray::from(*value)).collect();
                out.typed::<ByteArrayType>().write_batch(&known, Some(&levels(values)), None)?;
            }
            DataColumn::MaybeNumber(values) => {
                let known: Vec<f64> = values.iter().flatten().copied().collect();
                out.typed::<DoubleType>().write_batch(&known, Some(&levels(values)), None)?;
            }
        }
        out.close()?;
    }
    group.close()?;
    writer.into_inner()
}

/// 1 where there is a value, 0 where there is none.
fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
    values.iter().map(|value| i16::from(value.is_some())).collect()
}

fn field(name: &str, column: &DataColumn<'_>) -> Result<TypePtr, ParquetError> {
    let (physical, repetition) = match column {
        DataColumn::Count(_) => (Physical::INT64, Repetition::REQUIRED),
        DataColumn::MaybeFlag(_) => (Physical::BOOLEAN, Repetition::OPTIONAL),
        DataColumn::Text(_) | DataColumn::Made(_) => (Physical::BYTE_ARRAY, Repetition::REQUIRED),
        DataColumn::MaybeText(_) => (Physical::BYTE_ARRAY, Repetition::OPTIONAL),
        DataColumn::MaybeNumber(_) => (Physical::DOUBLE, Repetition::OPTIONAL),
    };
    let logical = (physical == Physical::BYTE_ARRAY).then_some(LogicalType::String);
    let builder = Type::primitive_type_builder(name, physical);
    builder.with_repetition(repetition).with_logical_type(logical).build().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, io::Write as _};

    use parquet::{
        file::{reader::FileReader, serialized_reader::SerializedFileReader},
        record::Field,
    };

    use super::{super::fake, *};

    /// A row from its cells, by column name; an absent one is absent here too.
    fn row(mut cells: HashMap<String, String>) -> EvalRow {
        let mut swept: Vec<(String, f64)> = cells
            .iter()
            .filter_map(|(name, value)| {
                Some((name.strip_prefix("swept.")?.to_owned(), value.parse().unwrap()))
            })
            .collect();
        swept.sort_by(|a, b| a.0.cmp(&b.0));
        let mut maybe = |name: &str| cells.remove(name);
        let (extracted, fault, trace) = (maybe("extracted"), maybe("fault"), maybe("trace"));
        let expected = maybe("expected");
        let correct = maybe("correct").map(|correct| correct.parse().unwrap());
        let measures = ["order_tau", "mean_jump", "adjacent", "tail_first", "flips_per_token"]
            .map(|name| maybe(name).map(|number| number.parse().unwrap()));
        let mut text = |name: &str| cells.remove(name).unwrap_or_default();
        EvalRow {
            problem: text("problem").parse().unwrap(),
            set: text("set"),
            task: text("task"),
            model: text("model"),
            recipe: text("recipe"),
            strategy: text("strategy"),
            swept,
            question: text("question"),
            expected,
            answer: text("answer"),
            extracted,
            correct,
            fault,
            initial: text("initial").parse().unwrap(),
            length: text("length").parse().unwrap(),
            before_tail: text("before_tail").parse().unwrap(),
            generation: String::new(),
            n_token: text("n_token").parse().unwrap(),
            e_token: text("e_token").parse().unwrap(),
            nfe: text("nfe").parse().unwrap(),
            canvases: text("canvases").parse().unwrap(),
            expansions: text("expansions").parse().unwrap(),
            order_tau: measures[0],
            mean_jump: measures[1],
            adjacent: measures[2],
            tail_first: measures[3],
            flips_per_token: measures[4],
            findings: text("findings").split_whitespace().map(str::to_owned).collect(),
            finish: text("finish"),
            trace,
        }
    }

    fn from_csv(bytes: &[u8]) -> Vec<EvalRow> {
        csv::Reader::from_reader(bytes)
            .deserialize::<HashMap<String, String>>()
            .map(|cells| {
                let mut cells = cells.unwrap();
                cells.retain(|_, value| !value.is_empty());
                row(cells)
            })
            .collect()
    }

    fn from_parquet(bytes: &[u8]) -> Vec<EvalRow> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows = reader.get_row_iter(None).unwrap();
        rows.map(|found| {
            let cells = found.unwrap();
            let cells = cells.get_column_iter().filter_map(|(name, field)| {
                let value = match field {
                    Field::Null => return None,
                    Field::Str(text) => text.clone(),
                    Field::Long(number) => number.to_string(),
                    Field::Bool(flag) => flag.to_string(),
                    Field::Double(number) => number.to_string(),
                    other => panic!("{name}: {other:?}"),
                };
                Some((name.clone(), value))
            });
            row(cells.collect())
        })
        .collect()
    }

    #[test]
    fn rows_read_back_as_they_were() {
        fn check(rows: &[EvalRow]) {
            let bare = |row: &EvalRow| EvalRow { generation: String::new(), ..row.clone() };
            let rows: &[EvalRow] = &rows.iter().map(bare).collect::<Vec<_>>();
            assert_eq!(from_csv(&csv(rows).unwrap()), rows);
            assert_eq!(from_parquet(&parquet(rows).unwrap()), rows);
            assert_eq!(csv(rows).unwrap(), csv(rows).unwrap());
            assert_eq!(parquet(rows).unwrap(), parquet(rows).unwrap());
        }
        let (rows, _) = fake::rows(9);
        check(&[]);
        check(&rows[..1]);
        check(&rows);
        check(&fake::hostile());
        check(&[fake::hostile(), rows].concat());
        check(&fake::sweep(2));
    }
}
