//! `demask diff`: two runs compared, the same from both sides, nothing left out.

use std::{fs, path::Path};

use crate::support::play;
use assert_cmd::Command;
use demask::{
    canvas::{Canvas, Edit, Slot, SpecialTokens, TokenId},
    compare::{ChangeKind, Comparison, Correspondence, RunPath, StepPair, trajectories},
    decode::Params,
    session::{Pending, Session},
};
use proptest::prelude::*;
use serde_json::Value;

const SPECIAL: SpecialTokens = SpecialTokens { mask: 1, eos: 2 };

/// Runs to the end.
fn played(params: Params) -> Session {
    let mut session = play::session(params, &[1, 2, 3]);
    while play::ready(&mut session) {
        session.step().unwrap();
    }
    assert!(matches!(session.pending(), Pending::Done(_)), "{:?}", session.pending());
    session
}

fn held(a: &Session, b: &Session) -> (Comparison, Vec<StepPair>) {
    let mut pairs = Vec::new();
    let found = trajectories(RunPath::here(a), RunPath::here(b), |pair| pairs.push(pair));
    (found, pairs)
}

/// Fills that the decisions of a run name.
fn decided(session: &Session) -> usize {
    let timeline = session.timeline();
    let steps = timeline.path(session.at());
    let edits = steps.iter().filter_map(|&id| timeline[id].step());
    edits
        .flat_map(|step| &step.decision.edits)
        .filter(|edit| matches!(edit, Edit::Fill { .. } | Edit::Replace { .. }))
        .count()
}

fn written(session: &Session) -> usize {
    session.canvas().cells().iter().filter(|cell| cell.filled.is_some()).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_run_does_not_differ_from_itself(params in play::params()) {
        let (one, two) = (played(params.clone()), played(params));
        let (found, pairs) = held(&one, &two);
        prop_assert!(found.equal() && found.divergence.is_none(), "{found:?}");
        prop_assert!(pairs.iter().all(|pair| !pair.differs()));
        prop_assert_eq!(found.fills.alike, written(&one));
        prop_assert_eq!(found.predictions.compared, found.steps);
        prop_assert_eq!(found.predictions.differing, 0);
    }

    #[test]
    fn it_is_the_same_from_both_sides(a in play::params(), b in play::params()) {
        let (one, two) = (played(a), played(b));
        let ((found, pairs), (swapped, back)) = (held(&one, &two), held(&two, &one));
        for (pair, mirrored) in pairs.iter().zip(&back) {
            prop_assert_eq!((&pair.a, &pair.b), (&mirrored.b, &mirrored.a));
        }
        prop_assert_eq!(pairs.len(), back.len());
        prop_assert_eq!((found.steps, found.differing), (swapped.steps, swapped.differing));
        match (found.divergence, swapped.divergence) {
            (Some(one), Some(two)) => {
                prop_assert_eq!((one.step, one.a, one.b), (two.step, two.b, two.a));
                prop_assert_eq!(one.params.len(), two.params.len());
            }
            (one, two) => prop_assert!(one.is_none() && two.is_none()),
        }
        let (one, two) = (found.fills, swapped.fills);
        prop_assert_eq!((one.alike, one.other_step), (two.alike, two.other_step));
        prop_assert_eq!((one.only_a, one.only_b), (two.only_b, two.only_a));
        prop_assert_eq!(one.other_token, two.other_token);
    }

    #[test]
    fn every_fill_and_growth_is_accounted_for(a in play::params(), b in play::params()) {
        let (one, two) = (played(a), played(b));
        let (found, pairs) = held(&one, &two);
        let did = |pair: &StepPair, of_a: bool| {
            let did = if of_a { &pair.a } else { &pair.b };
            did.iter().flat_map(|did| did.changes.clone()).collect::<Vec<_>>()
        };
        for (session, of_a) in [(&one, true), (&two, false)] {
            let changes: Vec<_> = pairs.iter().flat_map(|pair| did(pair, of_a)).collect();
            let fills = changes.iter().filter(|change| matches!(change.effect, ChangeKind::Fill(_)));
            prop_assert_eq!(fills.count(), decided(session));
            let root = session.timeline().path(session.at())[0];
            let start = session.timeline()[root].canvas.len() as isize;
            let grown: isize = changes.iter().map(|change| change.effect.growth()).sum();
            prop_assert_eq!(start + grown, session.canvas().len() as isize);
        }
        // What is alike is alike on both sides.
        for pair in &pairs {
            let alike = |of_a| did(pair, of_a).iter().filter(|change| change.alike).count();
            prop_assert_eq!(alike(true), alike(false));
        }
        let fills = found.fills;
        let both = fills.alike + fills.other_step + fills.other_token;
        prop_assert_eq!(both + fills.only_a, written(&one));
        prop_assert_eq!(both + fills.only_b, written(&two));
        // Up to the first step that differs nothing does, and the canvases are the same.
        if let (Some(parting), true) = (&found.divergence, found.same_start) {
            let tokens = |session: &Session, step: usize| {
                let path = session.timeline().path(session.at());
                session.timeline()[path[step]].canvas.tokens()
            };
            for step in 0..parting.step {
                prop_assert_eq!(tokens(&one, step), tokens(&two, step));
            }
        }
    }

    #[test]
    fn an_insertion_only_shifts(
        tokens in prop::collection::vec(1..6_u32, 1..40),
        at in any::<prop::sample::Index>(),
        n in 1..9_usize,
    ) {
        let canvas = Canvas::holding([0], &tokens, SPECIAL);
        let mut found = Correspondence::default();
        found.follow(&canvas, &canvas);
        let at = at.index(tokens.len());
        let grown = canvas.apply(&[Edit::Insert { slot: Slot(at as u32), n }], 1).unwrap().canvas;
        found.follow(&canvas, &grown);
        for (position, cell) in canvas.cells().iter().enumerate() {
            let behind = if position >= at { n } else { 0 };
            prop_assert_eq!(found.in_b(cell.slot), Some(position + behind));
        }
        for cell in grown.cells().range(at..at + n) {
            prop_assert_eq!(found.in_a(cell.slot), None);
        }
    }
}

fn demask(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.current_dir(folder).args(args).env_remove("NO_COLOR").env_remove("FORCE_COLOR");
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What it prints; it must succeed.
fn printed(folder: &Path, args: &[&str]) -> String {
    let output = demask(folder, args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const LONG: &str = "recordings/stage-2-expansions.jsonl";
const CUT: &str = "recordings/maximum-length.jsonl";

/// A text against a snapshot, but for the times that were measured.
fn check(name: &str, text: &str) {
    let lines = text.lines().filter(|line| !line.starts_with("time "));
    let lines: Vec<&str> = lines.collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 100), "{text}");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("diff");
    settings.bind(|| insta::assert_snapshot!(name, lines.join("\n")));
}

#[test]
fn recordings_side_by_side() {
    check("other_parameter", &printed(here(), &["diff", LONG, CUT]));
    check("other_prompt", &printed(here(), &["diff", "recordings/short-answer.jsonl", CUT]));
    check("itself", &printed(here(), &["diff", LONG, LONG]));
    let all = printed(here(), &["diff", LONG, CUT, "--all"]);
    assert!(!all.contains("--all lists them"));
    assert!(all.lines().count() > printed(here(), &["diff", LONG, CUT]).lines().count());
}

#[test]
fn its_json_is_one_object() {
    let json: Value =
        serde_json::from_str(&printed(here(), &["diff", LONG, CUT, "--json"])).unwrap();
    assert_eq!(json["equal"], false);
    assert_eq!(json["same_start"], true);
    assert_eq!(json["differs"][0]["name"], "max_gen_length");
    assert_eq!(json["a"]["file"], LONG);
    for side in ["a", "b"] {
        let ids = json[side]["ids"].as_array().unwrap().len() as u64;
        assert_eq!(Some(ids), json[side]["n_token"].as_u64());
    }
    let steps = json["step_differences"].as_array().unwrap();
    assert_eq!(Some(steps.len() as u64), json["differing_steps"].as_u64());
    assert_eq!(steps[0]["step"], json["divergence"]["step"]);
    let (place, other) = (&json["divergence"]["a"], &json["divergence"]["b"]);
    assert!(place["position"].is_u64() && place["why"].is_string(), "{place}");
    assert_eq!((&other["deed"], &other["n"]), (&"cut".into(), &3.into()), "{other}");
    let swapped: Value =
        serde_json::from_str(&printed(here(), &["diff", CUT, LONG, "--json"])).unwrap();
    assert_eq!(swapped["divergence"]["a"], json["divergence"]["b"]);
    assert_eq!(swapped["fills"]["only_a"], json["fills"]["only_b"]);
}

/// Every field of the object is described, and none is described that is not there.
#[test]
fn the_document_names_every_field() {
    fn names(value: &Value, found: &mut std::collections::BTreeSet<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                found.insert(name.clone());
                names(value, found);
            }),
            Value::Array(values) => values.iter().for_each(|value| names(value, found)),
            _ => {}
        }
    }
    let text = fs::read_to_string(here().join("docs/diff.md")).unwrap();
    let json: Value =
        serde_json::from_str(&printed(here(), &["diff", LONG, CUT, "--json"])).unwrap();
    let mut found = std::collections::BTreeSet::new();
    names(&json, &mut found);
    assert!(found.len() > 40);
    let missing: Vec<&String> =
        found.iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A recording with two branches, the second named, in a folder of its own.
fn branched() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = "continue; goto 9; set high_conf_threshold 0.5; continue; name-branch eager";
    let prompt = "Write a story in 4 sentences about a small owl who finds a drum.";
    let args = ["run", prompt, "--exec", script, "--record", "run.jsonl"];
    printed(folder.path(), &args);
    folder
}

#[test]
fn branches_of_one_file_are_named_shortly() {
    let folder = branched();
    let at = folder.path();
    let both = printed(at, &["diff", "run.jsonl"]);
    assert!(both.contains("A  run.jsonl  branch 1\n"), "{both}");
    assert!(both.contains("B  run.jsonl  branch 2 `eager`\n"), "{both}");
    assert!(both.contains("They part at step 10"), "{both}");
    assert!(both.contains("high_conf_threshold  A 0.9, B 0.5"), "{both}");
    for other in [
        &["diff", "run.jsonl@1", "@2"][..],
        &["diff", "run.jsonl@1", "@eager"],
        &["diff", "run.jsonl@1", "run.jsonl@2"],
        // The branch left last.
        &["diff", "run.jsonl@1", "run.jsonl"],
    ] {
        assert_eq!(printed(at, other), both, "{other:?}");
    }
    // A name that holds the sign is a file where there is one.
    fs::copy(at.join("run.jsonl"), at.join("run@2.jsonl")).unwrap();
    fs::copy(at.join("run.jsonl"), at.join("run")).unwrap();
    assert!(printed(at, &["diff", "run@2.jsonl@1", "@2"]).contains("A  run@2.jsonl  branch 1"));
    assert!(printed(at, &["diff", "run@2.jsonl", "run@1"]).contains("B  run  branch 1"));
}

#[test]
fn scripts_can_tell_by_the_exit_code() {
    let folder = branched();
    for (args, code, word) in [
        (&["run.jsonl@1", "@1", "--exit-code"][..], 0, ""),
        (&["run.jsonl@1", "@2", "--exit-code"], 3, ""),
        (&["run.jsonl@1", "@2"], 0, ""),
        (&["run.jsonl@1", "@2", "--json", "--exit-code"], 3, ""),
        (&["nowhere.jsonl", "run.jsonl"], 1, "nowhere.jsonl"),
        (
            &["run.jsonl@7", "run.jsonl"],
            2,
            "there is no branch `7`. It has the branches 1, 2 `eager`",
        ),
        (&["run.jsonl@1"], 2, "another branch as @BRANCH"),
        (&[], 2, "<A>"),
    ] {
        let output = demask(folder.path(), &[&["diff"], args].concat()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(word), "{args:?}: {stderr}");
        assert_eq!(output.stdout.is_empty(), code == 1 || code == 2, "{args:?}");
    }
    let one = here().join("recordings/short-answer.jsonl");
    let output = demask(folder.path(), &["diff", one.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has one branch"));
}

/// A recording as a foreign program might write it: changed, without checksums.
fn foreign(from: &str, to: &Path, change: impl Fn(&mut Value)) {
    let text = fs::read_to_string(here().join(from)).unwrap();
    let lines = text.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("sum");
        change(&mut record);
        format!("{record}\n")
    });
    fs::write(to, lines.collect::<String>()).unwrap();
}

#[test]
fn nothing_of_a_recording_steers_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.jsonl");
    foreign("recordings/short-answer.jsonl", &file, |record| {
        if let Some(tokens) = record["tokens"].as_object_mut() {
            for text in tokens.values_mut().filter(|text| text.is_string()) {
                *text = "\u{1b}[2J\u{202e}\u{9b}31m".into();
            }
        }
        if record["kind"] == "header" {
            record["model"]["name"] = "\u{1b}]0;title\u{7}".into();
        }
    });
    let own = here().join("recordings/short-answer.jsonl");
    for (more, escapes) in [(&[][..], false), (&["--json"], false), (&["--color", "16"], true)] {
        let args = ["diff", own.to_str().unwrap(), "hostile.jsonl"];
        let text = printed(folder.path(), &[&args[..], more].concat());
        for (at, _) in text.match_indices('\u{1b}') {
            let sequence = &text[at..];
            let ours = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m"];
            assert!(escapes && ours.iter().any(|own| sequence.starts_with(own)), "{text:?}");
        }
        assert_eq!(text.contains('\u{1b}'), escapes);
        assert!(!text.contains(['\u{202e}', '\u{9b}', '\u{7}']), "{text:?}");
    }
}

#[test]
fn what_a_foreign_recording_lacks_is_not_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bare.jsonl");
    foreign(LONG, &file, |record| match record["kind"].as_str() {
        // Without predictions nothing can be decided again, and reasons are not given.
        Some("prediction") => *record = serde_json::json!({"kind": "remark"}),
        Some("step") => {
            record.as_object_mut().unwrap().remove("timing");
            record["decision"].as_object_mut().unwrap().remove("why");
        }
        _ => {}
    });
    let own = here().join(CUT);
    let text = printed(folder.path(), &["diff", "bare.jsonl", own.to_str().unwrap()]);
    assert!(!text.contains("Predictions:"), "{text}");
    let time = text.lines().find(|line| line.starts_with("time ")).unwrap();
    assert!(time.split_whitespace().nth(1) == Some("–"), "{time}");
    let json = ["diff", "bare.jsonl", own.to_str().unwrap(), "--json"];
    let json: Value = serde_json::from_str(&printed(folder.path(), &json)).unwrap();
    assert!(json["a"]["seconds"].is_null());
    assert_eq!(json["predictions"]["compared"], 0);
    let place = &json["divergence"]["a"];
    assert!(place["value"].is_null() && place["p_choice"].is_null(), "{place}");
}

/// A model that says the same a little less surely.
#[test]
fn predictions_on_equal_canvases_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.jsonl");
    let name = "recordings/short-answer.jsonl";
    foreign(name, &file, |record| {
        if let Some(Value::Array(values)) = record["columns"].get_mut("p_choice") {
            for value in values.iter_mut().filter(|value| value.is_number()) {
                let p = value.as_f64().unwrap() as f32;
                *value = serde_json::json!(if p == 1.0 { p } else { p * 0.999_99 });
            }
        }
    });
    let own = here().join(name);
    let args = ["diff", own.to_str().unwrap(), "other.jsonl", "--json", "--exit-code"];
    // Every step is the same all the same.
    let json: Value = serde_json::from_str(&printed(folder.path(), &args)).unwrap();
    assert_eq!(json["equal"], true);
    let printed = &json["predictions"];
    assert_eq!(printed["compared"], json["steps"]);
    assert_eq!(printed["first"]["step"], 1);
    let delta = printed["largest"]["delta"].as_f64().unwrap();
    assert!(delta > 0.0 && delta <= 1.1e-5, "{printed}");
}

/// The types of the public interface are what a library needs.
#[test]
fn runs_of_other_lengths_are_held_against_each_other() {
    let params = |length: i64| {
        let mut params = Params::defaults(demask::decode::strategy("daedal").unwrap().params());
        for (name, value) in [("initial_gen_length", length), ("max_gen_length", 40)] {
            params.set(name, demask::decode::Value::Int(value)).unwrap();
        }
        params
    };
    let (one, two) = (played(params(8)), played(params(24)));
    let (found, _) = held(&one, &two);
    assert!(!found.same_start && !found.equal());
    let ids: Vec<TokenId> = one.canvas().tokens();
    assert_eq!(ids.len(), one.canvas().len());
}
