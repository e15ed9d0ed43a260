//! Damaged and hostile files: whatever stands in them, they are read or refused with a reason, and
//! what is read can be walked, verified and exported. The same targets as a fuzzer's, under a
//! generator that runs anywhere: files of the corpus (this folder's, the shipped recordings and the
//! fixtures of imports) are changed byte by byte, line by line and value by value.
//!
//! `DEMASK_FUZZ_CASES=100000 cargo test --release --test all fuzz::` runs longer; a file that fails is
//! written to the folder of temporary files and named.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use demask::{
    export::{Document, FORMATS, Make},
    import,
    session::Session,
    trace,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

/// Cases of a target in a run of the tests.
const CASES: u32 = 1500;

/// Texts that steer terminals, pages and tables.
const HOSTILE: [&str; 8] = [
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "\u{202e}dlrow",
    "</script><script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "a|b\n\n# c`",
    "\u{0}\u{8}\u{85}\u{2028}",
    "\u{d7ff}\u{10ffff}\u{feff}",
    "",
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn corpus(folders: &[&str], endings: &[&str]) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for name in folders {
        for entry in fs::read_dir(folder(name)).unwrap() {
            let path = entry.unwrap().path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if endings.contains(&ending) {
                let bytes = fs::read(&path).unwrap();
                // Long files are cut to a few predictions: they say no more.
                files.push(bytes[..bytes.len().min(40_000)].to_vec());
            }
        }
    }
    assert!(!files.is_empty());
    files
}

/// A change of a file.
#[derive(Debug, Clone)]
enum Change {
    /// Another byte at a place (0..1 of the length).
    Byte(f64, u8),
    /// Some bytes are taken out.
    Cut(f64, f64),
    /// Some bytes are put in.
    Put(f64, Vec<u8>),
    /// A line doubled, dropped, or moved to another place.
    Line(f64, f64, u8),
    /// The n-th value of a line is another one.
    Value(f64, usize, Value),
    /// The end is cut off.
    End(f64),
    /// Brackets are put in, nested so deep.
    Deep(f64, usize),
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        (0..40_i64).prop_map(Value::from),
        Just(json!(u64::MAX)),
        Just(json!(u32::MAX)),
        Just(json!(1 << 17)),
        Just(json!(-1)),
        Just(json!(1e308)),
        Just(json!(0.5)),
        Just(Value::Null),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[9, 9], [9, 9, 9, 9], []])),
        prop::collection::vec(0..12_u32, 0..9).prop_map(Value::from),
        prop::sample::select(HOSTILE.to_vec()).prop_map(Value::from),
        Just(json!("x".repeat(10_000))),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let place = || 0.0..1.0_f64;
    prop_oneof![
        3 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => (place(), 0.0..0.1_f64).prop_map(|(at, part)| Change::Cut(at, part)),
        1 => (place(), prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(at, bytes)| Change::Put(at, bytes)),
        3 => (place(), place(), 0..3_u8).prop_map(|(from, to, how)| Change::Line(from, to, how)),
        9 => (place(), 0..400_usize, value()).prop_map(|(line, nth, value)| Change::Value(line, nth, value)),
        1 => place().prop_map(Change::End),
        1 => (place(), 1..3000_usize).prop_map(|(at, depth)| Change::Deep(at, depth)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let length = bytes.len();
    let at = |place: f64| ((length as f64 * place) as usize).min(length.saturating_sub(1));
    match change {
        _ if bytes.is_empty() => {}
        Change::Byte(place, byte) => bytes[at(*place)] = *byte,
        Change::Cut(place, part) => {
            let from = at(*place);
            let to = (from + (length as f64 * part) as usize).min(length);
            bytes.drain(from..to);
        }
        Change::Put(place, put) => {
            let from = at(*place);
            bytes.splice(from..from, put.iter().copied());
        }
        Change::End(place) => bytes.truncate(at(*place)),
        Change::Deep(place, depth) => {
            let from = at(*place);
            bytes.splice(from..from, std::iter::repeat_n(b'[', *depth));
        }
        Change::Line(..) | Change::Value(..) => {
            let mut lines: Vec<Vec<u8>> =
                bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            let line = |place: f64| ((lines.len() as f64 * place) as usize).min(lines.len() - 1);
            match change {
                Change::Line(from, to, how) => {
                    let (from, to) = (line(*from), line(*to));
                    let moved = match how {
                        0 => lines[from].clone(),
                        _ => lines.remove(from),
                    };
                    if *how < 2 {
                        lines.insert(to.min(lines.len()), moved);
                    }
                }
                Change::Value(place, nth, value) => {
                    let number = line(*place);
                    if let Ok(mut whole) = serde_json::from_slice::<Value>(&lines[number]) {
                        if let Some(object) = whole.as_object_mut() {
                            object.remove("sum");
                        }
                        let mut left = *nth % count(&whole).max(1);
                        replace(&mut whole, &mut left, value);
                        lines[number] = whole.to_string().into_bytes();
                    }
                }
                _ => {}
            }
            *bytes = lines.join(&b'\n');
        }
    }
}

/// How many values there are in a value.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts `new` in the place of the n-th value.
fn replace(value: &mut Value, left: &mut usize, new: &Value) -> bool {
    if *left == 0 {
        *value = new.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, left, new)),
        Value::Object(fields) => fields.values_mut().any(|field| replace(field, left, new)),
        _ => false,
    }
}

/// Everything that is done with a recording.
fn use_recording(path: &Path) {
    let Ok(recording) = trace::read(path) else {
        assert!(trace::read(path).map(drop).unwrap_err().to_string().len() < 5000);
        return;
    };
    let mut session: Session = recording.session();
    for _ in 0..50 {
        let _ = session.phase();
        if session.step().is_err() {
            break;
        }
    }
    let _ = trace::verify(path);
    let _ = trace::costs(path);
    for format in FORMATS {
        let Make::Document(write) = format.make else { continue };
        let document =
            Document { name: "fuzz", recording: &recording, step: 0, colors: "", theme: None };
        let mut text = Vec::new();
        write(&document, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains('\u{1b}'), "an escape code in {text:?}");
        if format.name == "html" {
            assert_eq!(text.matches("<script").count(), text.matches("</script>").count());
            assert!(!text.contains("<script>alert"), "a script of the recording");
        }
    }
    let copy = path.with_extension("copy.jsonl");
    if trace::save(&session, &copy, &recording.header, recording.vocabulary.clone()).is_ok() {
        trace::read(&copy).map(drop).expect("what was saved opens");
    }
}

/// Everything that is done with a file of another program.
fn use_import(path: &Path) {
    let options = import::Options { mask: Some(9), eos: Some(8), ..import::Options::default() };
    let Ok(imported) = import::read(path, &options) else { return };
    let out = path.with_extension("imported.jsonl");
    let texts: std::sync::Arc<dyn demask::predict::Vocabulary> = match imported.texts {
        Some(texts) => std::sync::Arc::new(texts),
        None => std::sync::Arc::new(trace::RecordedVocabulary::default()),
    };
    if trace::save_foreign(&imported.run, &out, &imported.header, texts, |_| {}).is_ok() {
        use_recording(&out);
    }
}

fn fuzz(files: Vec<Vec<u8>>, ending: &str, target: fn(&Path)) {
    let cases: Option<u32> =
        std::env::var("DEMASK_FUZZ_CASES").ok().and_then(|text| text.parse().ok());
    let config =
        Config { cases: cases.unwrap_or(CASES), failure_persistence: None, ..Config::default() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("case{ending}"));
    let changes = prop::collection::vec(change(), 1..5);
    // The same cases each time, unless more are asked for.
    let mut runner = match cases {
        None => {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(config, rng)
        }
        Some(_) => TestRunner::new(config),
    };
    runner
        .run(&(0..files.len(), changes), |(file, changes)| {
            let mut bytes = files[file].clone();
            changes.iter().for_each(|change| apply(&mut bytes, change));
            fs::write(&path, &bytes).unwrap();
            let done = catch_unwind(AssertUnwindSafe(|| target(&path)));
            if done.is_err() {
                let kept = std::env::temp_dir().join(format!("demask-fuzz{ending}"));
                fs::write(&kept, &bytes).unwrap();
                return Err(TestCaseError::fail(format!("see {}", kept.display())));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn recordings() {
    fuzz(corpus(&["tests/fuzz/corpus", "recordings"], &["jsonl"]), ".jsonl", use_recording);
}

#[test]
fn packed_recordings() {
    let packed = |bytes: Vec<u8>| zstd::encode_all(&bytes[..], 3).unwrap();
    let files = corpus(&["tests/fuzz/corpus"], &["jsonl"]).into_iter().map(packed).collect();
    fuzz(files, ".jsonl.zst", use_recording);
}

#[test]
fn imports() {
    fuzz(corpus(&["tests/fuzz/corpus", "tests/import"], &["json"]), ".json", use_import);
}

#[test]
fn imports_of_torch() {
    fuzz(corpus(&["tests/import"], &["pt"]), ".pt", use_import);
}
