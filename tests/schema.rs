//! The published JSON Schema says what the reader does: lines of recordings fit it, and what does
//! not fit it is not read.

use crate::support::places;
use std::{fs, path::Path};

use demask::trace;
use places::{other, places};
use serde_json::Value;

fn validator() -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/trace.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn shipped() -> Vec<(String, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.display().to_string(), text.lines().map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn every_line_of_every_recording_fits() {
    let validator = validator();
    let mut lines = 0;
    for (file, text) in shipped() {
        for (at, line) in text.iter().enumerate() {
            let value: Value = serde_json::from_str(line).unwrap();
            let fault = validator.iter_errors(&value).next().map(|error| error.to_string());
            assert_eq!(fault, None, "{file}, line {}", at + 1);
            lines += 1;
        }
    }
    assert!(lines > 300);
}

/// Both ways: a changed line that fits the schema is read, and one that does not is refused.
#[test]
fn a_line_is_read_where_it_fits_and_nowhere_else() {
    let validator = validator();
    let folder = tempfile::tempdir().unwrap();
    let (_, lines) = shipped().into_iter().find(|(file, _)| file.contains("short-answer")).unwrap();
    let (mut refused, mut taken) = (0, 0);
    for (at, line) in lines.iter().enumerate() {
        let mut whole: Value = serde_json::from_str(line).unwrap();
        whole.as_object_mut().unwrap().remove("sum");
        let mut found = Vec::new();
        places(&whole, String::new(), &mut found);
        for place in found {
            // The kind decides what the line is: another one is a later version's.
            if place == "/kind" {
                continue;
            }
            let mut changed = whole.clone();
            let old = changed.pointer(&place).unwrap().clone();
            *changed.pointer_mut(&place).unwrap() = other(&old);
            let path = folder.path().join("changed.jsonl");
            let mut text: Vec<String> = lines.clone();
            text[at] = changed.to_string();
            fs::write(&path, text.join("\n") + "\n").unwrap();
            // A line that fits may still say what cannot be; one that does not parse never fits.
            let parses = match trace::read(&path) {
                Ok(_) => true,
                Err(error) => {
                    let error = error.to_string();
                    let refused = [
                        "this is no record",
                        "no header",
                        "header is faulty",
                        "has format version",
                    ];
                    !refused.iter().any(|text| error.contains(text))
                }
            };
            let fits = validator.is_valid(&changed);
            assert_eq!(parses, fits, "line {}, {place}: {old} as {}", at + 1, other(&old));
            *(if fits { &mut taken } else { &mut refused }) += 1;
        }
    }
    assert!(refused > 100, "{refused} refused, {taken} taken");
}
