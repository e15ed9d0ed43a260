//! The Python package: its own tests, the recorder's examples, and a run of ours that it recorded.
//!
//! What runs Python is an extra, since not every machine has it: `cargo test --test all python:: --
//! --ignored` needs the system's `python3` and nothing beside it, but for the tests of engines, of driven
//! loops and of notebooks: those need the Python that `DEMASK_PYTHON` names, with torch,
//! transformers and safetensors; notebooks also pyarrow and nbclient.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use demask::{
    canvas::TokenId,
    predict::{Column, Vocabulary},
    trace::{self, Recording},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs Python; what it printed.
fn python(arguments: &[&str]) -> String {
    python_of("python3", arguments)
}

fn python_of(program: &str, arguments: &[&str]) -> String {
    let mut python = Command::new(program);
    python.current_dir(root()).env("PYTHONDONTWRITEBYTECODE", "1").args(arguments);
    // The program that Python starts is this one, whatever is installed.
    let demask = Path::new(env!("CARGO_BIN_EXE_demask"));
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders = demask.parent().map(Path::to_owned).into_iter();
    let folders = std::env::join_paths(folders.chain(std::env::split_paths(&others))).unwrap();
    python.env("DEMASK", demask).env("PATH", folders);
    let output = python.output().unwrap_or_else(|error| {
        panic!(
            "{program} cannot be run ({error}): install Python 3.8 or later, or put it on the path"
        )
    });
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?} fails:\n{told}");
    format!("{}{told}", String::from_utf8_lossy(&output.stdout))
}

/// The Python with the packages of `tests/python/requirements.txt`.
fn chosen_python() -> String {
    std::env::var("DEMASK_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// The generated region at every step.
fn canvases(recording: &Recording) -> Vec<Vec<TokenId>> {
    let recorded = &recording.recorded;
    let path = recorded.timeline.path(recorded.end);
    path.iter().map(|&node| recorded.timeline[node].canvas.tokens()).collect()
}

#[test]
fn the_package_and_the_program_have_one_version() {
    let text = fs::read_to_string(root().join("python/demask/__init__.py")).unwrap();
    let line = format!("__version__ = \"{}\"\n", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&line), "python/demask/__init__.py has no line {line}");
}

#[test]
#[ignore = "needs python3"]
fn the_recorders_own_tests_pass() {
    let told = python(&["-m", "unittest", "discover", "-s", "tests/python"]);
    assert!(told.contains("OK"), "{told}");
}

/// Runs all tests of a folder with the Python that has torch and its kin; none may be skipped.
fn tests_pass(folder: &str) {
    let told = python_of(&chosen_python(), &["-m", "unittest", "discover", "-s", folder]);
    assert!(told.contains("OK") && !told.contains("skipped"), "{told}");
}

#[test]
#[ignore = "needs torch, transformers and safetensors in the Python that DEMASK_PYTHON names"]
fn the_engines_own_tests_pass() {
    tests_pass("tests/python/engine");
}

#[test]
#[ignore = "needs torch and NumPy in the Python that DEMASK_PYTHON names"]
fn loops_are_driven() {
    tests_pass("tests/python/driving");
}

/// Tests with the source of dLLM and of SGLang are skipped where nothing says where it is.
#[test]
#[ignore = "needs torch, transformers and diffusers in the Python that DEMASK_PYTHON names"]
fn published_pipelines_are_driven() {
    let mut python = Command::new(chosen_python());
    python.current_dir(root()).env("PYTHONDONTWRITEBYTECODE", "1");
    python.env("DEMASK_BIN", env!("CARGO_BIN_EXE_demask"));
    python.args(["-m", "unittest", "discover", "-s", "tests/python/adapters"]);
    let output = python.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let sources = ["DEMASK_DLLM", "DEMASK_SGLANG_SOURCE"];
    let all = sources.iter().all(|name| std::env::var_os(name).is_some());
    assert!(output.status.success() && (!all || !told.contains("skipped")), "{told}");
}

#[test]
#[ignore = "needs torch, pyarrow, nbclient and ipykernel in the Python that DEMASK_PYTHON names"]
fn the_notebooks_tests_pass() {
    tests_pass("tests/python/notebook");
}

fn example(name: &str, file: &str) -> (Recording, Vec<Vec<TokenId>>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    let script = format!("examples/python/{name}.py");
    let printed = python(&[script.as_str(), path.to_str().unwrap()]);
    let recording = trace::read(&path).unwrap();
    let canvases = canvases(&recording);
    let last: Vec<TokenId> = serde_json::from_str(&printed).unwrap();
    assert_eq!(canvases.last(), Some(&last), "what the loop returned");
    (recording, canvases)
}

#[test]
#[ignore = "needs python3"]
fn a_loop_in_the_manner_of_llada_is_recorded() {
    for file in ["run.jsonl", "run.jsonl.gz"] {
        let (recording, canvases) = example("llada_loop", file);
        let filled: Vec<usize> = canvases
            .iter()
            .map(|canvas| canvas.iter().filter(|&&token| token != 0).count())
            .collect();
        assert_eq!(filled, [0, 2, 4, 6, 8]);
        let [notice] = recording.notices.as_slice() else { panic!("{:?}", recording.notices) };
        assert!(notice.contains("another program decided (llada)"), "{notice}");
        assert_eq!(recording.header.prompt_text, "Say:");
        let text = recording.vocabulary.text(canvases.last().unwrap());
        assert_eq!(text, " the owl finds a drum.");
        let session = recording.session();
        let prediction = match session.pending() {
            demask::session::Pending::Decided { prediction, .. } => prediction.clone(),
            other => panic!("{other:?}"),
        };
        let p = prediction.number(Column::PArgmax, 0).unwrap();
        assert!((p - 0.711_381_8).abs() < 1e-6, "{p}");
        assert!(prediction.number(Column::PEos, 0).is_some());
        assert_eq!(prediction.top_k(0)[0].0, 4);
        assert_eq!(prediction.top_k(0).len(), 5);
    }
}

#[test]
#[ignore = "needs python3"]
fn a_loop_that_is_only_watched_is_recorded() {
    let (recording, canvases) = example("hook", "run.jsonl");
    assert_eq!(canvases.len(), 9);
    assert!(canvases[0].iter().all(|&token| token == 0));
    assert_eq!(canvases[3], [4, 5, 6, 0, 0, 0, 0, 0]);
    let start = &recording.recorded.timeline[recording.recorded.start];
    assert_eq!(start.canvas.prompt(), [2, 3], "found by its first mask");
}

/// `tests/python/daedal.jsonl.gz` was written with torch 2.15.0 by
///
/// ```text
/// python benches/baseline/daedal.py assets/tiny --initial-gen-length 16 --max-gen-length 256 \
///     --eos-check-tokens 16 --candidates 0 --record tests/python/daedal.jsonl.gz --prompt-ids …
/// ```
///
/// on the prompt of recordings/added-sentences.jsonl: DAEDAL in Python, on the embedded model, with
/// its parameters here.
#[test]
fn daedal_in_python_makes_the_canvases_that_this_program_makes() {
    let theirs = trace::read(&root().join("tests/python/daedal.jsonl.gz")).unwrap();
    let prompt = theirs.recorded.timeline[theirs.recorded.start].canvas.prompt().to_vec();
    let ids: Vec<String> = prompt.iter().map(ToString::to_string).collect();
    let folder = tempfile::tempdir().unwrap();
    let out: PathBuf = folder.path().join("run.jsonl");
    let mut demask = Command::new(env!("CARGO_BIN_EXE_demask"));
    demask.args(["run", "--no-config", "--device", "cpu", "--initial-gen-length", "16"]);
    demask.args(["--prompt-ids", &ids.join(",")]);
    let output = demask.arg("--record").arg(&out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ours = trace::read(&out).unwrap();
    assert_eq!(canvases(&theirs), canvases(&ours));
    // The numbers are those of another implementation: near, and the same tokens.
    let (mut positions, mut largest) = (0, 0_f32);
    let steps = |recording: &Recording| {
        let recorded = &recording.recorded;
        let path = recorded.timeline.path(recorded.end);
        let steps = path.iter().filter_map(|&node| recorded.timeline[node].step().cloned());
        steps.map(|step| recorded.store.get(step.prediction).unwrap()).collect::<Vec<_>>()
    };
    for (theirs, ours) in steps(&theirs).iter().zip(steps(&ours)) {
        for at in 0..ours.rows() {
            positions += 1;
            assert_eq!(theirs.id(Column::Argmax, at), ours.id(Column::Argmax, at));
            let difference =
                theirs.number(Column::PEos, at).unwrap() - ours.number(Column::PEos, at).unwrap();
            largest = largest.max(difference.abs());
        }
    }
    assert!(positions > 500 && largest < 1e-3, "{largest} at {positions} positions");
    assert!(fs::metadata(&out).unwrap().len() > 0);
}
