//! Problems of a Parquet file, as published data sets are stored: its rows become JSON, a line each.

use std::fs::File;

use parquet::{
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row},
};
use serde_json::{Map, Value};

use super::lines::LARGEST_PROBLEM_FILE;

/// The first bytes of a Parquet file.
pub const MAGIC: &[u8] = b"PAR1";

/// The rows, one JSON object a line, with every column whose type JSON can express.
///
/// # Errors
/// In words, if the file is damaged, or packed in a way that is not supported.
pub fn lines(file: File) -> Result<Vec<u8>, String> {
    read(file).map_err(|error| {
        format!(
            "this Parquet file cannot be read ({error}). Download it again, or save it as JSON lines, \
             e.g. with datasets.load_dataset(…).to_json(…)"
        )
    })
}

fn read(file: File) -> Result<Vec<u8>, ParquetError> {
    let reader = SerializedFileReader::new(file)?;
    let mut lines = Vec::new();
    for row in reader.get_row_iter(None)? {
        let object = Value::Object(object(&row?));
        lines.extend(object.to_string().into_bytes());
        lines.push(b'\n');
        if lines.len() as u64 > LARGEST_PROBLEM_FILE {
            return Err(ParquetError::General(format!(
                "it holds more than {} MiB",
                LARGEST_PROBLEM_FILE >> 20
            )));
        }
    }
    Ok(lines)
}

fn object(row: &Row) -> Map<String, Value> {
    row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Bool(truth) => Value::from(*truth),
        Field::Byte(number) => Value::from(*number),
        Field::Short(number) => Value::from(*number),
        Field::Int(number) => Value::from(*number),
        Field::Long(number) => Value::from(*number),
        Field::UByte(number) => Value::from(*number),
        Field::UShort(number) => Value::from(*number),
        Field::UInt(number) => Value::from(*number),
        Field::ULong(number) => Value::from(*number),
        Field::Float16(number) => Value::from(f32::from(*number)),
        Field::Float(number) => Value::from(*number),
        Field::Double(number) => Value::from(*number),
        Field::Str(text) => Value::from(text.as_str()),
        // Text whose column was not declared as text.
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Value::from(text),
            Err(_) => Value::Null,
        },
        Field::Group(row) => Value::Object(object(row)),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::MapInternal(map) => {
            let entry = |(name, of): &(Field, Field)| {
                let name = match name {
                    Field::Str(name) => name.clone(),
                    other => other.to_string(),
                };
                (name, value(of))
            };
            Value::Object(map.entries().iter().map(entry).collect())
        }
        // Values of these types are no part of a problem.
        Field::Null
        | Field::Decimal(_)
        | Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf, sync::Arc};

    use parquet::{
        basic::Compression,
        data_type::{ByteArray, ByteArrayType, Int32Type},
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };

    use super::super::{Benchmark, file};
    use super::*;

    /// Two problems of MBPP, as the hub stores them.
    fn mbpp() -> Vec<u8> {
        let schema = "message schema {
            required int32 task_id;
            required binary text (UTF8);
            optional group test_list (LIST) {
                repeated group list { optional binary element (UTF8); }
            }
        }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut bytes = Vec::new();
        let mut writer =
            SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let texts = |texts: &[&str]| texts.iter().map(|text| ByteArray::from(*text)).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[11, 12], None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let values: Vec<ByteArray> = texts(&["Add", "Halve “it”"]);
        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let values: Vec<ByteArray> = texts(&["assert a", "assert b", "assert c"]);
        let (levels, repeats) = ([3, 3, 3], [0, 1, 0]);
        let column_of = column.typed::<ByteArrayType>();
        column_of.write_batch(&values, Some(&levels), Some(&repeats)).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        bytes
    }

    fn kept(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join("test-00000-of-00001.parquet");
        fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn rows_become_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = kept(&folder, &mbpp());
        let text = String::from_utf8(lines(File::open(path).unwrap()).unwrap()).unwrap();
        let rows: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected = [
            serde_json::json!({"task_id": 11, "text": "Add", "test_list": ["assert a", "assert b"]}),
            serde_json::json!({"task_id": 12, "text": "Halve “it”", "test_list": ["assert c"]}),
        ];
        assert_eq!(rows, expected);
        let read = file::read(&kept(&folder, &mbpp()), "mbpp", Some(1), None).unwrap();
        assert_eq!(read.benchmark, Some(Benchmark::Mbpp));
        let questions: Vec<&str> =
            read.problems.iter().map(|problem| problem.question.as_str()).collect();
        assert_eq!(questions, ["Add"]);
    }

    #[test]
    fn damage_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let whole = mbpp();
        for bytes in [&whole[..whole.len() / 2], b"PAR1", b"PAR1\0\0\0\0\0\0\0\0PAR1"] {
            let told = lines(File::open(kept(&folder, bytes)).unwrap()).unwrap_err();
            assert!(told.contains("cannot be read") && told.contains("JSON lines"), "{told}");
        }
    }
}
