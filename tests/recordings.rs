//! Recordings: what is written is read back, whatever happens to the file's end.

use std::{fs, ops::ControlFlow, path::Path, sync::Arc, time::Duration};

use crate::support::fake::{Fake, FakeTexts, SPECIAL};
use demask::{
    canvas::FixedText,
    decode::{AnyStrategy, Extras, Params, Value, daedal::Daedal},
    predict::{Column, ColumnSet, ModelFacts, Predictor, Vocabulary},
    session::{NodeId, Pending, Session},
    trace::{self, Header, TraceError, TraceRecorder},
};

fn facts() -> ModelFacts {
    ModelFacts {
        name: "fake".to_owned(),
        family: "none".to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        vocabulary: 12,
        context: 1000,
        layers: 0,
        special: SPECIAL,
        reading: Default::default(),
        attention: String::new(),
    }
}

fn extras() -> Extras {
    let columns = ColumnSet::display();
    Extras { columns, top_k: 2, ..Extras::NONE }
}

fn header() -> Header {
    Header::new(&facts(), "daedal", "a prompt", extras())
}

fn ready(session: &mut Session) -> bool {
    if let Pending::Wanted { key, request } = session.pending().clone() {
        let prediction = Fake.predict(&request, &mut |_| ControlFlow::Continue(())).unwrap();
        session.supply(key, prediction, Duration::from_micros(1234));
    }
    matches!(session.pending(), Pending::Decided { .. })
}

/// A run with a branch in it, recorded to `path`.
fn recorded(path: &Path) -> Session {
    recorded_on(path, &(&[1, 2, 8, 9]).into())
}

/// The same on this text.
fn recorded_on(path: &Path, text: &FixedText) -> Session {
    let recorder = TraceRecorder::create(path, &header(), Arc::new(FakeTexts)).unwrap();
    let mut params = Params::defaults(Daedal.params());
    params.set("initial_gen_length", Value::Int(16)).unwrap();
    params.set("max_gen_length", Value::Int(60)).unwrap();
    params.set("eos_check_tokens", Value::Int(4)).unwrap();
    let mut session =
        Session::new(&Daedal, text, SPECIAL, params, extras(), Some(Box::new(recorder))).unwrap();
    let mut step = 0;
    while ready(&mut session) {
        session.step().unwrap();
        step += 1;
        if step == 14 {
            // The next pass of this branch is known, too.
            assert!(ready(&mut session));
            (0..5).for_each(|_| assert!(session.back()));
            session.set_param("high_conf_threshold", Value::Float(0.2)).unwrap();
        }
    }
    session.finish_recording().unwrap();
    session
}

fn same(a: &Session, b: &Session) {
    let (a, b) = (a.timeline(), b.timeline());
    assert_eq!(a.len(), b.len());
    for id in (0..a.len()).map(NodeId) {
        let (a, b) = (&a[id], &b[id]);
        assert_eq!((&a.canvas, &a.params), (&b.canvas, &b.params));
        assert_eq!(a.edits(), b.edits());
        assert_eq!((a.parent, &a.children, &a.state), (b.parent, &b.children, &b.state));
        match (a.step(), b.step()) {
            (Some(a), Some(b)) => {
                assert_eq!(a.prediction, b.prediction);
                assert_eq!(a.decision, b.decision);
            }
            (None, None) => {}
            _ => panic!("a step on one side only"),
        }
    }
}

#[test]
fn what_was_recorded_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let session = recorded(&path);
    let recording = trace::read(&path).unwrap();
    assert!(recording.notices.is_empty(), "{:?}", recording.notices);
    same(&session, &recording.session());
    assert_eq!(recording.recorded.end, session.at());
    assert_eq!(recording.facts(), facts());
    for id in 0..12 {
        assert_eq!(recording.vocabulary.piece(id), FakeTexts.piece(id));
    }
    // Deciding columns are exact, bit for bit; display columns keep 3 significant digits.
    for id in (0..session.timeline().len()).map(NodeId) {
        let Some(step) = session.timeline()[id].step() else { continue };
        let (a, b) = (
            session.prediction(step.prediction).unwrap(),
            recording.recorded.store.get(step.prediction).unwrap(),
        );
        for column in [Column::PChoice, Column::PEos] {
            let bits = |p: &demask::predict::Prediction| -> Vec<u32> {
                p.numbers(column).unwrap().iter().map(|x| x.to_bits()).collect()
            };
            assert_eq!(bits(&a), bits(&b));
        }
        assert_eq!(a.ids(Column::Argmax), b.ids(Column::Argmax));
        let (a, b) = (a.numbers(Column::Entropy).unwrap(), b.numbers(Column::Entropy).unwrap());
        assert!(a.iter().zip(b).all(|(a, b)| b.is_nan() || (a - b).abs() <= 0.005 * a.abs()));
    }
}

/// Suffix and given text are those of every canvas that is read, and of every decision made again.
#[test]
fn given_text_and_suffix_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let holes = [&[None; 6][..], &[Some(3), Some(9)], &[None; 8], &[Some(4), Some(8)]].concat();
    let text = FixedText::with_holes(&[1, 2], holes).unwrap();
    let session = recorded_on(&path, &text);
    assert_eq!(session.params().count("initial_gen_length"), Ok(16), "as the holes say");
    let recording = trace::read(&path).unwrap();
    assert!(recording.notices.is_empty(), "{:?}", recording.notices);
    let read = recording.session();
    same(&session, &read);
    assert_eq!(read.text(), text);
    assert_eq!(recording.vocabulary.piece(8), FakeTexts.piece(8), "the suffix has its texts");
    let (_, verified) = trace::verify(&path).unwrap();
    // The fake model's candidates cannot be, from the first step on; the start is as it must be.
    assert!(verified.first.is_none_or(|first| first.step > 0));
    assert_eq!((verified.decisions, verified.requests), (verified.steps, verified.steps));
    let saved = folder.path().join("saved.jsonl");
    trace::save(&session, &saved, &header(), Arc::new(FakeTexts)).unwrap();
    same(&session, &trace::read(&saved).unwrap().session());
}

#[test]
fn what_cannot_be_given_is_refused() {
    let start = r#"{"kind":"header","format":"demask","version":[1,7],"strategy":"mine","model":{"name":"m","mask":9,"eos":8}}"#;
    let check = |root: &str, fits: bool| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let root = format!(r#"{{"kind":"root","id":0,"prompt":[1],{root}}}"#);
        let step = r#"{"kind":"step","id":1,"parent":0,"canvas":[5,4,6]}"#;
        fs::write(&path, [start, &root, step].join("\n")).unwrap();
        let read = trace::read(&path);
        let taken = read.is_ok_and(|read| read.recorded.timeline.len() == 2);
        assert_eq!(taken, fits, "{root}");
    };
    check(r#""canvas":[9,4,9],"given":[1],"suffix":[7]"#, true);
    check(r#""canvas":[9,4,9],"given":[0]"#, false);
    check(r#""canvas":[9,4,9],"given":[3]"#, false);
    check(r#""length":3,"given":[1]"#, false);
    // What was given does not become another token.
    check(r#""canvas":[9,3,9],"given":[1]"#, false);
}

#[test]
fn a_saved_session_is_the_recorded_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let session = recorded(&path);
    let saved = folder.path().join("saved.jsonl");
    trace::save(&session, &saved, &header(), Arc::new(FakeTexts)).unwrap();
    let read = trace::read(&saved).unwrap().session();
    same(&session, &read);
    // What was known where a branch ends is known there again.
    let tips = session.timeline().tips();
    let known = |session: &Session| -> Vec<bool> {
        tips.iter().map(|&tip| session.known_pass(tip).is_some()).collect()
    };
    assert!(known(&session).contains(&true), "{:?}", known(&session));
    assert_eq!(known(&read), known(&session));
}

#[test]
fn a_replay_steps_and_decides_again_without_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let original = recorded(&path);
    let recording = trace::read(&path).unwrap();
    let mut replay = recording.session();
    let nodes = replay.timeline().len();
    let branch = replay.timeline().branch(replay.at());
    for node in &branch[1..] {
        assert!(matches!(replay.pending(), Pending::Decided { .. }));
        assert_eq!(replay.step().unwrap(), *node);
    }
    assert_eq!(replay.canvas(), original.canvas());
    assert_eq!(replay.timeline().len(), nodes, "walking known ground adds nothing");
    assert_eq!(replay.passes(), 0);
}

#[test]
fn a_recording_cut_anywhere_opens_up_to_its_last_whole_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    recorded(&path);
    let bytes = fs::read(&path).unwrap();
    let whole = trace::read(&path).unwrap().recorded.timeline.len();
    let first_root = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .scan(0, |at, line| {
            *at += line.len();
            Some((*at, line.starts_with(b"{\"kind\":\"root\"")))
        })
        .find(|(_, root)| *root)
        .unwrap()
        .0;
    let cut = folder.path().join("cut.jsonl");
    let mut seen = 0;
    for length in (0..bytes.len()).step_by(977).chain(bytes.len() - 90..bytes.len()) {
        fs::write(&cut, &bytes[..length]).unwrap();
        match trace::read(&cut) {
            Ok(recording) => {
                let steps = bytes[..length]
                    .split_inclusive(|byte| *byte == b'\n')
                    .filter(|line| line.ends_with(b"\n") && line.starts_with(b"{\"kind\":\"step\""))
                    .count();
                let roots = recording.recorded.timeline.roots().len();
                // A last line without its newline may be whole: then it counts too.
                let found = recording.recorded.timeline.len() - roots;
                assert!(found == steps || found == steps + 1, "{found} of {steps}");
                assert!(found >= seen);
                seen = found;
            }
            Err(TraceError::NotARecording { .. }) => assert!(length < first_root, "at {length}"),
            Err(error) => panic!("cut at {length}: {error}"),
        }
    }
    assert_eq!(seen + 1, whole);
}

#[test]
fn bad_files_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    recorded(&path);
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let bad = folder.path().join("bad.jsonl");
    let message = |text: &str| {
        fs::write(&bad, text).unwrap();
        trace::read(&bad).map(|_| ()).unwrap_err().to_string()
    };
    let unsealed = |line: &str| {
        let at = line.rfind(",\"sum\"").unwrap();
        format!("{}}}", &line[..at])
    };
    assert!(message("").contains("empty"));
    assert!(message("hello\nworld\n").contains("no header"));
    assert!(message("\u{0}\u{1}\u{2}").contains("no header"));
    assert!(message("{\"kind\":\"end\",\"at\":1}\n").contains("no header"));
    let [major, minor] = trace::VERSION;
    let version = format!("\"version\":[{major},{minor}]");
    let later = unsealed(lines[0]).replace(&version, "\"version\":[2,0]");
    assert!(message(&later).contains("version 2.0"), "{}", message(&later));
    // A changed byte in the middle is noticed by the checksum.
    let at = lines.iter().position(|line| line.starts_with("{\"kind\":\"step\"")).unwrap();
    let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    changed[at] = changed[at].replacen("\"id\":1", "\"id\":7", 1);
    assert!(message(&changed.join("\n")).contains(&format!("line {}", at + 1)));
    // Without its checksum the same change is noticed by the structure.
    changed[at] = unsealed(&changed[at]).replace("\"parent\":0", "\"parent\":99");
    assert!(message(&changed.join("\n")).contains("no node 99"));
    assert!(matches!(trace::read(Path::new("no/such/file")), Err(TraceError::Unreadable { .. })));
    // Unknown fields and records of a later minor version are ignored.
    let newer: Vec<String> = lines
        .iter()
        .map(|line| unsealed(line).replacen("{\"kind\"", "{\"later\":[1],\"kind\"", 1))
        .chain(["{\"kind\":\"bookmark\",\"at\":1}".to_owned()])
        .collect();
    fs::write(&bad, newer.join("\n").replace("[1,1]", "[1,9]")).unwrap();
    assert!(trace::read(&bad).is_ok());
}

#[test]
fn another_programs_decisions_are_shown_as_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    // No state, no parameters, no prediction, no reasons, no checksums: canvases alone; and a mask
    // that grows.
    let lines = [
        r#"{"kind":"header","format":"demask","version":[1,4],"model":{"name":"m","mask":9},"strategy":"my sampler"}"#,
        r#"{"kind":"root","id":0,"prompt":[1,2],"length":4}"#,
        r#"{"kind":"prediction","key":"a","rows":4,"columns":{"argmax":[3,4,4,4],"p_argmax":[0.5,0.25,0.125,null]}}"#,
        r#"{"kind":"step","id":1,"parent":0,"prediction":"a","canvas":[3,9,9,4]}"#,
        r#"{"kind":"step","id":2,"parent":1,"canvas":[3,9,9,9,4]}"#,
    ];
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let recording = trace::read(&path).unwrap();
    assert!(recording.notices[0].contains("my_sampler"), "{:?}", recording.notices);
    let mut session = recording.session();
    let seen = |session: &Session| match session.pending() {
        Pending::Decided { prediction, decision, .. } => {
            let fills: Vec<String> =
                decision.verdicts.iter().map(|verdict| verdict.to_string()).collect();
            (prediction.number(Column::PArgmax, 0), fills)
        }
        other => panic!("{other:?}"),
    };
    let (p, why) = seen(&session);
    assert_eq!(p, Some(0.5));
    assert_eq!(why[0], "unmasked with 0.500: its program does not say why");
    assert_eq!(why[3], "unmasked: its program does not say why");
    session.step().unwrap();
    assert_eq!(session.canvas().tokens(), [3, 9, 9, 4]);
    let (p, why) = seen(&session);
    assert_eq!((p, why[0].as_str()), (None, "unmasked before"));
    assert!(why.iter().any(|why| why.starts_with("expanded into 2")), "{why:?}");
    session.step().unwrap();
    assert_eq!(session.canvas().tokens(), [3, 9, 9, 9, 4]);
    assert!(matches!(session.pending(), Pending::Done(_)));
    // It is saved and opened like any other.
    let saved = folder.path().join("saved.jsonl");
    trace::save(&session, &saved, &recording.header, recording.vocabulary.clone()).unwrap();
    let again = trace::read(&saved).unwrap().session();
    assert_eq!(again.timeline().len(), session.timeline().len());
    for id in (0..again.timeline().len()).map(NodeId) {
        // A number that is not known equals none: decisions are compared by what is said of them.
        let (a, b) = (&session.timeline()[id], &again.timeline()[id]);
        assert_eq!((&a.canvas, format!("{:?}", a.made)), (&b.canvas, format!("{:?}", b.made)));
    }
}

#[test]
fn packed_recordings_are_the_same_and_small() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("run.jsonl");
    let session = recorded(&plain);
    for name in ["run.jsonl.zst", "run.jsonl.gz"] {
        let path = folder.path().join(name);
        same(&session, &recorded(&path));
        let recording = trace::read(&path).unwrap();
        assert!(recording.notices.is_empty(), "{:?}", recording.notices);
        same(&session, &recording.session());
        let (packed, whole) = (fs::read(&path).unwrap(), fs::metadata(&plain).unwrap().len());
        assert!((packed.len() as u64) < whole / 2, "{} of {whole}", packed.len());
        // Cut anywhere it opens up to a whole step, as a plain one does.
        let cut = folder.path().join(format!("cut-{name}"));
        let mut seen = 0;
        for length in (packed.len() / 2..packed.len()).step_by(101) {
            fs::write(&cut, &packed[..length]).unwrap();
            let found = trace::read(&cut).unwrap().recorded.timeline.len();
            assert!(found >= seen, "{name} cut at {length}: {found} after {seen}");
            seen = found;
        }
        assert!(seen + 2 >= session.timeline().len(), "{seen}");
        // Damage is told.
        let mut damaged = packed.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 40].fill(0x55);
        fs::write(&cut, &damaged).unwrap();
        let error = trace::read(&cut).map(drop).unwrap_err();
        assert!(matches!(error, TraceError::Damaged { .. }), "{error}");
    }
}

/// Header, root and the lines given, without checksums, as a foreign writer would.
fn crafted(folder: &Path, root: &str, lines: &[String]) -> Result<(), String> {
    let path = folder.join("run.jsonl");
    recorded(&path);
    let good = fs::read_to_string(&path).unwrap();
    let header = good.lines().next().unwrap();
    let text = format!("{header}\n{root}\n{}\n", lines.join("\n"));
    let file = folder.join("crafted.jsonl");
    fs::write(&file, text).unwrap();
    trace::read(&file).map(|_| ()).map_err(|error| error.to_string())
}

const STATE: &str = r#""state":{"strategy":"daedal","stage":2,"cursor":0}"#;

#[test]
fn positions_that_are_gone_cost_what_they_take() {
    // Each of them moves all behind it: tens of thousands take longer than anybody waits.
    let folder = tempfile::tempdir().unwrap();
    let tokens: Vec<String> = (0..100_000).map(|at| (10 + at % 7).to_string()).collect();
    let every_second: Vec<&str> = tokens.iter().step_by(2).map(String::as_str).collect();
    let canvas = tokens.join(",");
    let root = format!(r#"{{"kind":"root","id":0,"prompt":[1],"canvas":[{canvas}]}}"#);
    let kept = every_second.join(",");
    let step = format!(r#"{{"kind":"step","id":1,"parent":0,"canvas":[{kept}]}}"#);
    let error = crafted(folder.path(), &root, &[step]).unwrap_err();
    assert!(error.contains("more memory"), "{error}");
}

#[test]
fn small_files_cannot_ask_for_much_memory() {
    let folder = tempfile::tempdir().unwrap();
    let root = |id: usize, length: usize| {
        format!(
            r#"{{"kind":"root","id":{id},"prompt":[1],"length":{length},{STATE},"params":{{}}}}"#
        )
    };
    let long = 1 << 17;
    let roots: Vec<String> = (1..2000).map(|id| root(id, long)).collect();
    let error = crafted(folder.path(), &root(0, long), &roots).unwrap_err();
    assert!(error.contains("more memory"), "{error}");
    let rows: Vec<String> = (0..2000)
        .map(|key| {
            format!(
                r#"{{"kind":"prediction","key":"{key:x}","rows":{long},"columns":{{"entropy":{{"at":[],"values":[]}}}}}}"#
            )
        })
        .collect();
    let error = crafted(folder.path(), &root(0, 4), &rows).unwrap_err();
    assert!(error.contains("more memory"), "{error}");
    let steps: Vec<String> = (1..2000)
        .map(|id| {
            format!(
                r#"{{"kind":"step","id":{id},"parent":{},"prediction":"0","decision":{{"mode":"none","edits":[]}},{STATE}}}"#,
                id - 1
            )
        })
        .collect();
    let error = crafted(folder.path(), &root(0, long), &steps).unwrap_err();
    assert!(error.contains("more memory"), "{error}");
    let error = crafted(folder.path(), &root(0, usize::MAX >> 1), &[]).unwrap_err();
    assert!(error.contains("too long"), "{error}");
}

#[test]
fn a_prediction_that_would_write_the_mask_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let root = format!(r#"{{"kind":"root","id":0,"prompt":[1],"length":2,{STATE},"params":{{}}}}"#);
    let prediction = r#"{"kind":"prediction","key":"1","rows":2,"columns":{"argmax":[11,11],"p_choice":[0.5,0.5],"p_eos":[0.0,0.0],"best_unmask":{"at":[0,1],"values":[[11,0.5],[11,0.4]]}}}"#;
    let step = format!(
        r#"{{"kind":"step","id":1,"parent":0,"prediction":"1","decision":{{"mode":"stuck","edits":[{{"fill":[0,3]}}]}},{STATE}}}"#
    );
    crafted(folder.path(), &root, &[prediction.to_owned(), step]).unwrap();
}

#[test]
fn a_failed_save_keeps_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let session = recorded(&path);
    let before = fs::read(&path).unwrap();
    // In place of the file there is a folder.
    let place = folder.path().join("folder");
    fs::create_dir(&place).unwrap();
    assert!(trace::save(&session, &place, &header(), Arc::new(FakeTexts)).is_err());
    let none = folder.path().join("none/run.jsonl");
    assert!(trace::save(&session, &none, &header(), Arc::new(FakeTexts)).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
}

#[test]
fn a_full_disk_is_told_and_stops_nothing() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let started = TraceRecorder::create(Path::new("/dev/full"), &header(), Arc::new(FakeTexts));
    let error = started.err().expect("the header cannot be written");
    assert!(error.contains("/dev/full") && error.contains("cannot be written"), "{error}");
}

#[test]
fn every_f32_reads_back_to_itself() {
    let mut bits = 0x1234_5678_u32;
    for _ in 0..200_000 {
        bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let value = f32::from_bits(bits);
        if value.is_finite() {
            let text = serde_json::to_string(&value).unwrap();
            let back: f32 = serde_json::from_str(&text).unwrap();
            assert_eq!(back.to_bits(), value.to_bits(), "{text}");
        }
    }
}

/// A shipped recording with its events along the last branch.
struct Shipped {
    bytes: usize,
    masked: usize,
    grown: usize,
    expansions: usize,
    length: usize,
    maximum: usize,
    steps: usize,
}

fn shipped(name: &str) -> Shipped {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings").join(name);
    let recording = trace::read(&path).unwrap();
    assert!(recording.notices.is_empty(), "{name}: {:?}", recording.notices);
    let timeline = &recording.recorded.timeline;
    let branch = timeline.path(recording.recorded.end);
    let made: Vec<_> = branch.iter().filter_map(|&id| timeline[id].step().cloned()).collect();
    Shipped {
        bytes: fs::metadata(&path).unwrap().len() as usize,
        masked: branch[..branch.len() - 1].iter().map(|&id| timeline[id].canvas.masks()).sum(),
        grown: made.iter().filter(|step| step.decision.mode.name() == "grow").count(),
        expansions: made.iter().map(|step| step.decision.expansions().count()).sum(),
        length: timeline[recording.recorded.end].canvas.len(),
        maximum: timeline[recording.recorded.end].params.count("max_gen_length").unwrap(),
        steps: made.len(),
    }
}

#[test]
fn the_shipped_recordings_show_what_their_names_say() {
    let short = shipped("short-answer.jsonl");
    assert!(short.length <= 48 && short.steps <= 12, "{} in {}", short.length, short.steps);
    let growth = shipped("stage-1-growth.jsonl");
    assert!(growth.grown >= 5, "{} growths", growth.grown);
    let expansions = shipped("stage-2-expansions.jsonl");
    assert!(expansions.expansions >= 2, "{} expansions", expansions.expansions);
    let maximum = shipped("maximum-length.jsonl");
    assert_eq!(maximum.length, maximum.maximum);
    let all = [short, growth, expansions, maximum];
    let bytes: usize = all.iter().map(|recording| recording.bytes).sum();
    let masked: usize = all.iter().map(|recording| recording.masked).sum();
    let each = bytes as f64 / masked as f64;
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "recordings: {each:.0} bytes per masked position and step");
    // The README gives the figure.
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let printed = readme.split("takes about ").nth(1).and_then(|rest| rest.split(' ').next());
    let printed: f64 =
        printed.and_then(|text| text.parse().ok()).expect("the README says how many");
    assert!(
        (each - printed).abs() <= 0.1 * printed,
        "the README says {printed}, measured {each:.0}"
    );
}
