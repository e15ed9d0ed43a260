//! Tables and Markdown against the recordings they are of.

use std::{collections::BTreeMap, io::Write, path::Path};

use ::parquet::{
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::Field,
};
use serde_json::Value;

use super::{parquet::Groups, walk::RecordingWalk, *};
use crate::{
    predict::{COLUMNS, ColumnSpec},
    trace::{Recording, read},
};

const NAMES: [&str; 6] = [
    "added-sentences",
    "maximum-length",
    "short-answer",
    "stage-1-growth",
    "stage-2-expansions",
    "wrong-count",
];

fn recording(name: &str) -> Recording {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    read(&folder.join(format!("{name}.jsonl"))).unwrap()
}

/// A recording whose texts are hostile: the lines of another, with other texts and no checksums.
fn hostile() -> Recording {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings/short-answer.jsonl");
    let evil = [
        "=1+1",
        "@SUM(A1)",
        "-2",
        "a|b",
        "`",
        "```\n# x",
        "<script>alert(1)</script>",
        "\u{202e}\u{2028}\x1b[31m",
        "x\r\ny,\"z\"",
    ];
    let mut lines = String::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        value.as_object_mut().unwrap().remove("sum");
        if value["kind"] == "header" {
            value["prompt_text"] = evil.concat().into();
            value["model"]["name"] = evil.concat().into();
        }
        if let Some(tokens) = value["tokens"].as_object_mut() {
            for (id, text) in tokens {
                *text = evil[id.parse::<usize>().unwrap() % evil.len()].into();
            }
        }
        lines += &format!("{value}\n");
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(lines.as_bytes()).unwrap();
    read(file.path()).unwrap()
}

fn table_as(format: &str, table: Table, recording: &Recording) -> Vec<u8> {
    let Make::Rows { begin, .. } = super::format(format).unwrap().make else {
        panic!("{format} has no rows")
    };
    let mut out = Vec::new();
    let mut tables = Tables::begin(table, begin, &mut out).unwrap();
    tables.add("a.jsonl", recording).unwrap();
    tables.finish().unwrap();
    out
}

fn csv_of(table: Table, recording: &Recording) -> String {
    String::from_utf8(table_as("csv", table, recording)).unwrap()
}

fn parquet_of(table: Table, recording: &Recording) -> Vec<u8> {
    table_as("parquet", table, recording)
}

fn document(format: &str, name: &str, recording: &Recording) -> String {
    let Make::Document(write) = super::format(format).unwrap().make else {
        panic!("{format} is no document")
    };
    let mut out = Vec::new();
    let document = Document { name, recording, step: 0, colors: "", theme: None };
    write(&document, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The rows of a Parquet file, absent values left out.
fn rows(bytes: &[u8]) -> Vec<BTreeMap<String, Field>> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let cells = row.get_column_iter().filter(|(_, field)| **field != Field::Null);
        cells.map(|(name, field)| (name.clone(), field.clone())).collect()
    });
    rows.collect()
}

/// The rows of a table as JSON.
fn objects(table: Table, recording: &Recording) -> Vec<serde_json::Map<String, Value>> {
    let text = String::from_utf8(table_as("ndjson", table, recording)).unwrap();
    assert!(!text.contains(['\u{202e}', '\u{2028}', '\x1b', '\r']));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn json_holds_what_parquet_holds() {
    for (table, recording) in [
        (Table::Steps, recording("maximum-length")),
        (Table::Positions, recording("short-answer")),
        (Table::Positions, hostile()),
        (Table::Steps, hostile()),
    ] {
        let (objects, rows) = (objects(table, &recording), rows(&parquet_of(table, &recording)));
        assert!(objects.len() == rows.len() && !rows.is_empty());
        for (object, row) in objects.iter().zip(&rows) {
            assert_eq!(object.len(), table.columns().len());
            for (name, value) in object {
                let same = match row.get(name) {
                    None => value.is_null(),
                    Some(Field::Long(number)) => value.as_i64() == Some(*number),
                    Some(Field::Float(number)) => {
                        value.as_f64().map(|value| value as f32) == Some(*number)
                    }
                    Some(Field::Double(number)) => value.as_f64() == Some(*number),
                    Some(Field::Bool(flag)) => value.as_bool() == Some(*flag),
                    Some(Field::Str(text)) => value.as_str() == Some(text),
                    Some(other) => panic!("{name}: {other:?}"),
                };
                assert!(same, "{name}: {value} is not {:?}", row.get(name));
            }
        }
    }
}

#[test]
fn every_position_of_every_step_is_a_row() {
    for name in NAMES {
        let recording = recording(name);
        let positions = rows(&parquet_of(Table::Positions, &recording));
        let mut positions = positions.iter();
        let (walk, mut steps) = (RecordingWalk::new(&recording), 0);
        for trajectory in walk.trajectories() {
            for moment in walk.moments(&trajectory.path) {
                steps += 1;
                for (at, cell) in moment.node.canvas.cells().iter().enumerate() {
                    let row = positions.next().unwrap();
                    let number = |name: &str| match row[name] {
                        Field::Long(number) => number as usize,
                        ref other => panic!("{name}: {other:?}"),
                    };
                    assert_eq!(number("branch"), trajectory.number);
                    assert_eq!((number("before"), number("position")), (moment.step, at));
                    let step = row.contains_key("step").then(|| number("step"));
                    let last = moment.id == trajectory.path[trajectory.path.len() - 1];
                    assert_eq!(step, (!last).then_some(moment.step + 1));
                    assert_eq!(number("token"), cell.token as usize);
                    assert_eq!(number("slot"), cell.slot.0 as usize);
                    let mask = moment.node.canvas.is_masked(at);
                    assert_eq!(row["masked"], Field::Bool(mask));
                    assert_eq!(row.contains_key("action"), moment.decision.is_some());
                }
            }
        }
        assert!(positions.next().is_none());
        assert_eq!(rows(&parquet_of(Table::Steps, &recording)).len(), steps);
        assert_eq!(csv_of(Table::Steps, &recording).lines().count(), steps + 1);
    }
}

#[test]
fn row_groups_change_nothing() {
    let recording = recording("short-answer");
    let mut out = Vec::new();
    let mut small = Groups::new(Table::Positions, &mut out, 7).unwrap();
    Table::Positions.rows("a.jsonl", &recording, |row| small.row(row)).unwrap();
    Box::new(small).finish().unwrap();
    let whole = rows(&parquet_of(Table::Positions, &recording));
    assert!(whole.len() > 7);
    assert_eq!(rows(&out), whole);
}

#[test]
fn rows_have_the_columns_they_should() {
    for (table, name) in [(Table::Steps, "maximum-length"), (Table::Positions, "short-answer")] {
        let recording = recording(name);
        let mut seen = vec![false; table.columns().len()];
        let told = table.rows::<()>("a", &recording, |row| {
            assert_eq!(row.len(), table.columns().len());
            for ((cell, column), seen) in row.iter().zip(table.columns()).zip(&mut seen) {
                let fits = match (cell, column.kind) {
                    (TableValue::Null, _) => !column.always,
                    (TableValue::Int(_), ValueKind::Int)
                    | (TableValue::Float(_), ValueKind::Float)
                    | (TableValue::Double(_), ValueKind::Double)
                    | (TableValue::Flag(_), ValueKind::Flag)
                    | (TableValue::Text(_), ValueKind::Text) => true,
                    _ => false,
                };
                assert!(fits, "{}: {cell:?}", column.name);
                *seen |= *cell != TableValue::Null;
            }
            Ok(())
        });
        assert!(told.is_ok());
        let never = table.columns().iter().zip(seen).filter(|(_, seen)| !seen);
        let never: Vec<&str> = never.map(|(column, _)| column.name).collect();
        // Not named, or columns that the recorded strategy does not ask for.
        let expected: Vec<&str> = match table {
            Table::Steps => vec!["branch_name"],
            Table::Positions => {
                let predictions = || recording.recorded.store.iter();
                let held = |spec: &&ColumnSpec| {
                    predictions().any(|(_, one)| one.columns().any(|(held, _)| held == spec.column))
                };
                let lacking = COLUMNS.iter().filter(|spec| spec.in_table && !held(spec));
                lacking.map(|spec| spec.name).collect()
            }
        };
        assert_eq!(never, expected);
    }
}

#[test]
fn a_run_as_markdown_and_as_rows() {
    let recording = recording("short-answer");
    insta::assert_snapshot!("markdown", document("md", "short-answer.jsonl", &recording));
    insta::assert_snapshot!("steps", csv_of(Table::Steps, &recording));
    let positions = csv_of(Table::Positions, &recording);
    insta::assert_snapshot!("positions", positions.lines().take(60).collect::<Vec<_>>().join("\n"));
}

#[test]
fn hostile_texts_do_nothing_in_csv() {
    for table in [Table::Steps, Table::Positions] {
        let text = csv_of(table, &hostile());
        assert!(!text.contains(['\u{202e}', '\u{2028}', '\x1b', '\r']));
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let (mut records, mut quoted) = (0, 0);
        for record in reader.records() {
            records += 1;
            for (field, column) in record.unwrap().iter().zip(table.columns()) {
                let formula = field.trim_start().starts_with(['=', '+', '-', '@']);
                assert!(column.kind != ValueKind::Text || !formula, "{}: {field}", column.name);
                quoted += usize::from(field.starts_with("'="));
            }
        }
        // One line a row, whatever is in it.
        assert_eq!(text.lines().count(), records + 1);
        assert!(quoted > 0);
    }
}

#[test]
fn hostile_texts_are_kept_as_they_are_in_parquet() {
    let rows = rows(&parquet_of(Table::Positions, &hostile()));
    assert!(rows.iter().any(|row| row.get("text") == Some(&Field::Str("=1+1".to_owned()))));
    assert!(rows.iter().any(|row| {
        row.get("text") == Some(&Field::Str("\u{202e}\u{2028}\x1b[31m".to_owned()))
    }));
}

#[test]
fn hostile_texts_do_nothing_in_markdown() {
    let text = document("md", "a|b\n.jsonl", &hostile());
    assert!(!text.contains(['\u{202e}', '\u{2028}', '\x1b']));
    let (before, rest) = text.split_once("## Text").unwrap();
    assert!(!before.contains("<script"));
    // Every row of the first table has two cells.
    for line in before.lines().filter(|line| line.starts_with('|')) {
        let bare = line.replace("\\\\", "").replace("\\|", "");
        assert_eq!(bare.matches('|').count(), 3, "{line}");
    }
    // The block ends where it should: the steps come behind it.
    let fence: String = rest.trim_start().chars().take_while(|c| *c == '`').collect();
    assert!(fence.len() >= 3);
    assert_eq!(rest.matches(&fence).count(), 2);
    assert!(rest.split(&fence).nth(2).unwrap().trim_start().starts_with("## Steps"));
}

#[test]
fn a_page_holds_nothing_but_itself() {
    let recording = hostile();
    let page = document("html", "</title><script>\u{202e}", &recording);
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains(['\u{202e}', '\u{2028}', '\x1b']));
    for loads in ["src=", "href=", "http:", "https:", "url(", "import("] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(page.contains("default-src 'none'"));
    let data = page.split("type=\"application/json\">").nth(1).unwrap();
    let data = data.split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["file"], "</title><script>\u{202e}");
}

#[test]
fn notes_are_in_the_report_and_in_the_player() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings/short-answer.jsonl");
    let text = "look *here*\n</script> \u{202e}twice";
    let note = |slot: u32, text: &str| {
        serde_json::json!({"kind": "note", "node": 1, "slot": slot, "text": text}).to_string()
    };
    let read_with = |notes: &[String]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let lines = std::fs::read_to_string(&path).unwrap();
        let (end, before): (Vec<&str>, Vec<&str>) =
            lines.lines().partition(|line| line.contains("\"kind\":\"end\""));
        for line in before.into_iter().chain(notes.iter().map(String::as_str)).chain(end) {
            writeln!(file, "{line}").unwrap();
        }
        read(file.path())
    };
    let plain = read_with(&[]).unwrap();
    assert!(!markdown("run.jsonl", &plain).contains("## Notes"));
    let slot = plain.recorded.timeline[crate::session::NodeId(1)].canvas.cells()[2].slot.0;
    let noted = read_with(&[note(slot, text)]).unwrap();
    let report = markdown("run.jsonl", &noted);
    assert!(report.contains("## Notes\n\n- step 1, position 2: look \\*here\\*"), "{report}");
    let mut page = Vec::new();
    let document = Document { name: "run", recording: &noted, step: 0, colors: "", theme: None };
    player(&document, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("\"notes\":[[2,\"look *here*"), "the player has it");
    assert!(!page.contains('\u{202e}'), "hidden characters are shown");
    // One that is about nothing is told, or the place it names would be another.
    let broken = read_with(&[note(100_000, "nowhere")]).map(drop).unwrap_err().to_string();
    assert!(broken.contains("there is no slot 100000 on the canvas of node 1"), "{broken}");
}
