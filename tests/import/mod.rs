//! Imports of recordings of other programs: the same canvases, nothing made up, and clear errors
//! for what cannot be read.

mod histories;
mod left_out;
mod program;
mod refused;
mod steps;
mod trajectories;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use assert_cmd::Command;
use demask::{
    canvas::TokenId,
    import::{self, ImportFormat, Imported, Options},
    predict::{Column, Vocabulary},
    trace::{self, Recording},
};
use proptest::prelude::*;

const MASK: TokenId = 126_336;
const EOS: TokenId = 126_081;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(name)
}

/// Writes the run as a recording, whose lines must fit the published schema, and reads it back.
fn recorded(imported: &Imported) -> Recording {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let texts = Arc::new(imported.texts.clone().unwrap_or_default());
    trace::save_foreign(&imported.run, &path, &imported.header, texts, |_| {}).unwrap();
    static SCHEMA: LazyLock<jsonschema::Validator> =
        LazyLock::new(|| jsonschema::draft202012::new(&trace::schema()).unwrap());
    for line in fs::read_to_string(&path).unwrap().lines() {
        let value = serde_json::from_str(line).unwrap();
        let fault = SCHEMA.iter_errors(&value).next().map(|error| error.to_string());
        assert_eq!(fault, None, "{line}");
    }
    trace::read(&path).unwrap()
}

/// The prompt, and the generated region at every step.
fn canvases(recording: &Recording) -> (Vec<TokenId>, Vec<Vec<TokenId>>) {
    let recorded = &recording.recorded;
    let path = recorded.timeline.path(recorded.end);
    let canvases = path.iter().map(|&node| recorded.timeline[node].canvas.tokens()).collect();
    (recorded.timeline[path[0]].canvas.prompt().to_vec(), canvases)
}

/// The predictions that the steps were decided on: the argmax and its probability at each position.
fn guesses(imported: &Imported) -> Vec<Vec<(Option<TokenId>, Option<f32>)>> {
    let rows = |prediction: &demask::predict::Prediction| {
        let p = |at| prediction.number(Column::PArgmax, at).filter(|p| p.is_finite());
        (0..prediction.rows()).map(|at| (prediction.id(Column::Argmax, at), p(at))).collect()
    };
    let steps = imported.run.steps.iter();
    steps.map(|step| step.prediction.as_ref().map(rows).unwrap_or_default()).collect()
}

const PROMPT: [TokenId; 2] = [11, 12];

/// The run of tests/import/make.py, forced token and all.
fn made() -> Vec<Vec<TokenId>> {
    const M: TokenId = MASK;
    vec![
        vec![M, M, M, M, 99, M],
        vec![21, M, 23, M, 99, M],
        vec![21, 22, 23, M, 99, M],
        vec![21, 22, 23, 24, 99, M],
        vec![21, 22, 23, 24, 99, EOS],
    ]
}

/// Texts of the canvases, `_` for masks.
fn texts(recording: &Recording) -> Vec<String> {
    let mask = recording.header.model.mask;
    let text = |&id: &TokenId| match id == mask {
        true => "_".to_owned(),
        false => recording.vocabulary.text(&[id]),
    };
    canvases(recording).1.iter().map(|canvas| canvas.iter().map(text).collect()).collect()
}

/// What comes of a list of steps: prompt, canvases, guesses.
fn steps_of(text: &str, mask: Option<TokenId>) -> (Imported, Recording) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steps.json");
    fs::write(&path, text).unwrap();
    let imported = import::read(&path, &Options { mask, ..Options::default() });
    let imported = imported.unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(imported.format, ImportFormat::Steps, "{text}");
    let recording = recorded(&imported);
    (imported, recording)
}
