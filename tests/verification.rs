//! Verification: what the reference decided is verified, and a change of any byte is noticed or
//! changes nothing.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::support::{
    Trace,
    fake::{Fake, FakeTexts, SPECIAL},
};
use demask::{
    canvas::TokenId,
    decode::{AnyStrategy, Extras, Params, Value, daedal::Daedal},
    predict::{ModelFacts, Piece, Predictor, Vocabulary},
    session::{NodeId, Pending, Session},
    trace::{self, Header, TraceRecorder},
};
use proptest::prelude::*;

/// Texts of a golden model: there are none.
struct Nameless;

impl Vocabulary for Nameless {
    fn piece(&self, _: TokenId) -> Option<Piece> {
        None
    }

    fn ids(&self) -> Vec<TokenId> {
        Vec::new()
    }
}

fn facts(name: &str, special: demask::canvas::SpecialTokens) -> ModelFacts {
    ModelFacts {
        name: name.to_owned(),
        family: "llada".to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        vocabulary: 1000,
        context: 4096,
        layers: 2,
        special,
        reading: Default::default(),
        attention: String::new(),
    }
}

/// A golden run as a recording: the predictions are those of the reference.
fn import(golden: &Trace, path: &Path) -> Session {
    let facts = facts(&golden.model, golden.special());
    let header = Header::new(&facts, "daedal", "", Extras::NONE);
    let recorder = TraceRecorder::create(path, &header, Arc::new(Nameless)).unwrap();
    let (params, recorder) = (golden.params(), Box::new(recorder));
    let special = golden.special();
    let mut session =
        Session::new(&Daedal, &golden.prompt, special, params, Extras::NONE, Some(recorder))
            .unwrap();
    for step in &golden.steps {
        if let Pending::Wanted { key, .. } = session.pending().clone() {
            session.supply(key, step.prediction(), Duration::ZERO);
        }
        assert_eq!(session.canvas().tokens(), step.ids_before, "{}", golden.name);
        session.step().unwrap();
    }
    assert_eq!(session.canvas().tokens(), golden.final_ids, "{}", golden.name);
    session.finish_recording().unwrap();
    session
}

#[test]
fn every_golden_trace_is_imported_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("golden.jsonl.zst");
    let (mut runs, mut steps) = (0, 0);
    for golden in Trace::all() {
        let session = import(&golden, &path);
        let (recording, found) = trace::verify(&path).unwrap();
        assert_eq!(found.first, None, "{}", golden.name);
        assert_eq!(found.steps, golden.steps.len());
        assert_eq!((found.decisions, found.requests), (found.steps, found.steps));
        assert_eq!((found.canvases, found.hashes), (found.steps, found.steps));
        assert_eq!(recording.recorded.end, session.at());
        let last = &recording.recorded.timeline[recording.recorded.end];
        assert_eq!(last.canvas.tokens(), golden.final_ids);
        runs += 1;
        steps += found.steps;
    }
    assert!(runs >= 59 && steps > 3000, "{runs} runs, {steps} steps");
}

#[test]
fn every_shipped_recording_is_verified() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    assert!(files.len() >= 6);
    for path in files {
        let (_, found) = trace::verify(&path).unwrap();
        assert_eq!(found.first, None, "{}", path.display());
        assert_eq!((found.decisions, found.requests), (found.steps, found.steps));
        assert_eq!(found.hashes, found.canvases);
    }
}

/// A short run with a branch and an edit, recorded to `path`.
fn recorded(path: &Path) -> Session {
    let header = Header::new(&facts("fake", SPECIAL), "daedal", "a prompt", Extras::NONE);
    let recorder = TraceRecorder::create(path, &header, Arc::new(FakeTexts)).unwrap();
    let mut params = Params::defaults(Daedal.params());
    for (name, value) in
        [("initial_gen_length", 8), ("max_gen_length", 20), ("expansion_factor", 3)]
    {
        params.set(name, Value::Int(value)).unwrap();
    }
    let recorder = Some(Box::new(recorder) as Box<_>);
    let mut session =
        Session::new(&Daedal, &[1, 2], SPECIAL, params, Extras::NONE, recorder).unwrap();
    let mut steps = 0;
    while ready(&mut session) && steps < 12 {
        session.step().unwrap();
        steps += 1;
        if steps == 5 {
            (0..2).for_each(|_| assert!(session.back()));
            session.set_param("high_conf_threshold", Value::Float(0.25)).unwrap();
        }
    }
    session.finish_recording().unwrap();
    session
}

fn ready(session: &mut Session) -> bool {
    if let Pending::Wanted { key, request } = session.pending().clone() {
        let prediction = Fake.predict(&request, &mut |_| ControlFlow::Continue(())).unwrap();
        session.supply(key, prediction, Duration::from_micros(5));
    }
    matches!(session.pending(), Pending::Decided { .. })
}

/// Everything a reader sees of the steps.
fn seen(session: &Session) -> Vec<String> {
    let timeline = session.timeline();
    (0..timeline.len())
        .map(NodeId)
        .map(|id| {
            let node = &timeline[id];
            let made = node.step().map(|step| (step.prediction, step.decision.clone()));
            let prediction = made.as_ref().and_then(|(key, _)| session.prediction(*key));
            format!("{:?} {:?} {:?} {made:?} {prediction:?}", node.parent, node.canvas, node.state)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A byte that is another one is noticed, or what is read is the same up to where it is.
    #[test]
    fn a_flipped_byte_is_noticed_or_harmless(place in 0.0..1.0_f64, flip in 1..=255_u8) {
        let file = file();
        let at = ((file.bytes.len() as f64 * place) as usize).min(file.bytes.len() - 1);
        let mut bytes = file.bytes.clone();
        bytes[at] ^= flip;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flipped.jsonl");
        fs::write(&path, &bytes).unwrap();
        let Ok(recording) = trace::read(&path) else { return Ok(()) };
        let found = seen(&recording.session());
        // A cut end is told; all else is as it was.
        let whole = recording.notices.is_empty();
        prop_assert!(found.len() == file.seen.len() || !whole, "{at} {flip}: steps are gone");
        prop_assert_eq!(&found[..], &file.seen[..found.len()], "byte {} of {}", at, bytes.len());
    }
}

struct File {
    bytes: Vec<u8>,
    seen: Vec<String>,
}

fn file() -> &'static File {
    static FILE: std::sync::OnceLock<File> = std::sync::OnceLock::new();
    FILE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        recorded(&path);
        let seen = seen(&trace::read(&path).unwrap().session());
        File { bytes: fs::read(&path).unwrap(), seen }
    })
}

/// A line of a recording, changed, without its checksum.
fn changed(line: &str, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
    value.as_object_mut().unwrap().remove("sum");
    change(&mut value);
    value.to_string()
}

#[test]
fn the_first_divergence_is_told_by_step_position_and_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    recorded(&path);
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let check =
        |kind: &str, nth: usize, change: &dyn Fn(&mut serde_json::Value), expected: &[&str]| {
            let start = format!("{{\"kind\":\"{kind}\"");
            let at = (0..lines.len()).filter(|&at| lines[at].starts_with(&start)).nth(nth).unwrap();
            let mut all: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            all[at] = changed(lines[at], change);
            let bad = folder.path().join("bad.jsonl");
            fs::write(&bad, all.join("\n") + "\n").unwrap();
            let printed = match trace::verify(&bad) {
                Ok((_, found)) => found.first.expect("it differs").to_string(),
                Err(error) => error.to_string(),
            };
            for part in expected {
                assert!(printed.contains(part), "{printed:?} does not say {part:?}");
            }
        };
    // The EOS confidence of the first step, by one digit.
    let eos =
        |record: &mut serde_json::Value| record["decision"]["eos"]["confidence"] = 0.25.into();
    check("step", 0, &eos, &["step 1 ", "eos confidence: recorded 0.25, expected "]);
    let settled = |record: &mut serde_json::Value| record["state"]["cursor"] = 3.into();
    check("step", 1, &settled, &["step 2 ", "state", "\"cursor\":3"]);
    let hash = |record: &mut serde_json::Value| record["hash"] = "0000000000000000".into();
    check("step", 2, &hash, &["line ", "recorded hash"]);
    // A fill's reason, where there is one.
    let fills =
        |line: &&&str| line.starts_with("{\"kind\":\"step\"") && line.contains("\"do\":\"fill\"");
    let steps = lines.iter().filter(|line| line.starts_with("{\"kind\":\"step\""));
    let nth = steps.clone().position(|line| fills(&line)).expect("a step fills");
    let why = |record: &mut serde_json::Value| record["decision"]["why"][0]["p"] = 0.125.into();
    check("step", nth, &why, &["reason at position", "0.125", "unmasked"]);
    // A prediction that is another one than was decided on.
    let other = |record: &mut serde_json::Value| {
        let p = record["columns"]["p_choice"].as_array_mut().unwrap();
        p.iter_mut().for_each(|p| *p = 0.5.into());
    };
    let step = steps.clone().nth(nth).unwrap();
    let step: serde_json::Value = serde_json::from_str(step).unwrap();
    let mut predictions = lines.iter().filter(|line| line.starts_with("{\"kind\":\"prediction\""));
    let key = step["prediction"].as_str().unwrap();
    let nth = predictions.position(|line| line.contains(key)).unwrap();
    check("prediction", nth, &other, &["recorded", "expected"]);
    // A start, and an end, that the strategy does not make.
    let length = |record: &mut serde_json::Value| record["params"]["initial_gen_length"] = 4.into();
    check("root", 0, &length, &["step 0 (node 0): length: recorded 8, expected 4"]);
    let state = |record: &mut serde_json::Value| record["state"]["cursor"] = 5.into();
    check("root", 0, &state, &["step 0 (node 0): state: recorded ", "\"cursor\":5"]);
    let finish = |record: &mut serde_json::Value| record["finish"] = "banana".into();
    check("end", 0, &finish, &["finish: recorded banana, expected one of"]);
    // What cannot be, though no decision reads it.
    let beyond = |record: &mut serde_json::Value| record["columns"]["argmax"][1] = 5000.into();
    check("prediction", 0, &beyond, &["step 1 ", "argmax at position 1: recorded 5000, expected"]);
    let time = |record: &mut serde_json::Value| record["timing"]["forward_ms"] = (-2.5).into();
    check("step", 1, &time, &["step 2 ", "forward_ms: recorded -2.5, expected milliseconds"]);
}

fn demask(args: &[&str]) -> (Option<i32>, String, String) {
    let output = assert_cmd::Command::cargo_bin("demask").unwrap().args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn what_the_program_makes_is_verified_whatever_a_person_did() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.jsonl");
    let path = file.to_str().unwrap();
    for (strategy, script) in [
        // The run is complete though the pinned mask is left.
        ("daedal", "pin 0; continue"),
        ("daedal", "step 2; insert 3 2; forbid 9; veto 4 \" a\"; step 3; undo; step 2; continue"),
        ("rho_eos", "step; pin 1; step 2; trim 20; continue"),
        ("low_confidence", "step 3; fill 1 459; remask 1; step 3; restart; step 2"),
    ] {
        let run = ["run", "Name 3 colours.", "--device", "cpu", "--no-config", "--overwrite"];
        let args = ["--strategy", strategy, "--exec", script, "--record", path];
        let (code, _, err) = demask(&[&run[..], &args].concat());
        assert_eq!(code, Some(0), "{strategy}: {script}: {err}");
        let (code, told, _) = demask(&["verify", path]);
        assert_eq!(code, Some(0), "{strategy}: {script}:\n{told}");
    }
    // As another system ends its lines.
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace('\n', "\r\n")).unwrap();
    let (code, told, err) = demask(&["verify", path]);
    assert_eq!(code, Some(0), "{told}{err}");
    // A start that is refused writes over nothing.
    let before = fs::read(&file).unwrap();
    let run = ["run", "x", "--strategy", "threshold", "--gen-length", "24", "--overwrite"];
    assert_eq!(demask(&[&run[..], &["--record", path]].concat()).0, Some(1));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn the_program_says_what_it_found_and_how_to_look_at_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let good = root.join("recordings/wrong-count.jsonl").display().to_string();
    let (code, told, _) = demask(&["verify", &good, "--device", "cpu", "--passes"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.ends_with("\nverified\n") && told.contains("largest difference"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.jsonl");
    let text = fs::read_to_string(&good).unwrap();
    let step = text.lines().filter(|line| line.starts_with("{\"kind\":\"step\"")).nth(4).unwrap();
    let mode = |record: &mut serde_json::Value| record["decision"]["mode"] = "recorded".into();
    fs::write(&bad, text.replace(step, &changed(step, mode))).unwrap();
    let bad = bad.to_str().unwrap();
    let (code, told, _) = demask(&["verify", bad]);
    assert_eq!(code, Some(1));
    for part in [
        "first difference: step 5 (node 5): mode: recorded recorded, expected ",
        &format!("\n  to see it: demask replay --step 4 {bad}\n"),
        "\nNOT verified\n",
    ] {
        assert!(told.contains(part), "no {part:?} in\n{told}");
    }
    let (code, told, _) = demask(&["verify", "--json", bad]);
    let json: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(code, Some(1));
    assert_eq!((&json["equal"], &json["differing"]), (&false.into(), &1.into()));
    assert_eq!(json["first"]["what"], "mode");
    // Several at once: each in a line, but for those with something to say.
    let none = folder.path().join("none.jsonl").display().to_string();
    let (code, told, err) = demask(&["verify", &good, &none, bad, &good]);
    assert_eq!(code, Some(1));
    assert_eq!(told.matches(&format!("{good}: verified\n")).count(), 2, "{told}");
    assert!(
        told.contains(&format!("\n{bad}:\ncanvases ")) && told.contains("NOT verified"),
        "{told}"
    );
    assert!(err.contains("none.jsonl: it cannot be read"), "{err}");
}
