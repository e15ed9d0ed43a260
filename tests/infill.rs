//! Texts with holes and suffixes, from the command line to recordings and what is made of these.

use std::{fs, path::Path};

use assert_cmd::Command;
use demask::{predict::Vocabulary as _, trace};
use serde_json::Value;

fn demask(args: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(args).env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command.output().unwrap()
}

fn fine(args: &[&str]) -> String {
    let output = demask(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&fine(args)).unwrap()
}

const TEXT: &str = "On Monday ▢×2 has 12 ▢×3 today.";

#[test]
fn a_text_is_filled_in_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    for (strategy, extra) in [
        ("daedal", &["--preset", "infill"][..]),
        ("daedal", &["--preset", "fixed"]),
        ("cal", &[]),
        ("low_confidence", &[]),
        ("threshold", &[]),
        ("klass", &[]),
        ("wino", &[]),
        ("remdm", &[]),
        ("rho_eos", &["--max-gen-length", "24"]),
        ("low_confidence", &["--cfg-scale", "0.5"]),
        ("threshold", &["--cache", "dual"]),
        ("threshold", &["--cache", "prefix"]),
    ] {
        let file = folder.path().join("run.jsonl");
        let path = file.to_str().unwrap();
        let args = ["run", "--json", "--infill", TEXT, "--strategy", strategy];
        let run = json(&[&args[..], extra, &["--record", path, "--overwrite"]].concat());
        let whole = run["filled_in"].as_str().unwrap();
        let named = format!("{strategy} {extra:?}: {run}");
        assert!(whole.starts_with("On Monday") && whole.ends_with(" today."), "{named}");
        assert!(whole.contains(" has 12"), "{named}");
        // What was given is not counted.
        let given = 3;
        let (length, ids) = (run["length"].as_u64().unwrap(), run["ids"].as_array().unwrap());
        assert_eq!(length as usize, ids.len() - given, "{named}");
        let recording = trace::read(&file).unwrap();
        let canvas = &recording.recorded.timeline[recording.recorded.end].canvas;
        assert_eq!(canvas.generated() + given, canvas.len(), "{named}");
        assert_eq!(recording.vocabulary.text(canvas.suffix()), " today.");
        fine(&["verify", path]);
        let picture = folder.path().join("screen.svg");
        fine(&["replay", path, "--step", "1", "--svg", picture.to_str().unwrap()]);
    }
}

/// The other readers of recordings.
#[test]
fn recordings_of_it_are_told_apart_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (one, two) = (file("one.jsonl"), file("two.jsonl"));
    let run = ["run", "--strategy", "threshold", "--record"];
    fine(&[&run[..], &[&one, "--infill", TEXT]].concat());
    fine(&[&run[..], &[&two, "--infill", &TEXT.replace("today", "there")]].concat());
    assert!(fine(&["diff", &one, &one]).contains("They do the same in every step"));
    assert!(fine(&["diff", &one, &two]).contains("suffix"), "{}", fine(&["diff", &one, &two]));
    assert!(fine(&["info", &one]).contains("suffix"));
    let page = file("run.html");
    fine(&["export", &one, &page]);
    assert!(fs::read_to_string(Path::new(&page)).unwrap().contains("\"suffix\":["));
}

#[test]
fn a_prompt_keeps_its_template_and_the_text_goes_on_from_there() {
    let prompt = "Count from 1 to 5 in steps of 1.";
    let alone = json(&["run", "--json", prompt, "--preset", "fixed"]);
    let before = json(&["run", "--json", prompt, "--suffix", " Done.", "--preset", "fixed"]);
    assert_eq!(alone["prompt"]["ids"], before["prompt"]["ids"]);
    assert_eq!(alone["ids"].as_array().unwrap().len(), before["ids"].as_array().unwrap().len() + 8);
    assert_eq!(before["filled_in"], Value::Null, "what stands behind is known");
    let args = ["run", "--json", prompt, "--infill", "So: 1, ▢×6.", "--strategy", "threshold"];
    let begun = json(&args);
    let template = alone["prompt"]["ids"].as_array().unwrap();
    let ids = begun["prompt"]["ids"].as_array().unwrap();
    assert_eq!(&ids[..template.len()], &template[..]);
    assert!(ids.len() > template.len(), "{ids:?}");
    assert!(begun["filled_in"].as_str().unwrap().starts_with("So: 1,"), "{begun}");
}

#[test]
fn what_cannot_be_filled_in_is_refused_before_the_run() {
    let sdar = ["--strategy", "sdar"];
    for (args, words) in [
        (&["--infill", "a ▢", "--suffix", "b"][..], "cannot be used with"),
        (&["--infill", "no hole"], "--infill: the text has no hole"),
        (&["--infill", ""], "--infill: the text has no hole"),
        (&["--infill", "a ▢×0 b"], "a hole of length 0"),
        (&["--infill", "a ▢×999999 b"], "no canvas holds"),
        (&["--infill", "a ▢ b", "--system", "x"], "Give a prompt, or leave them out"),
        (&["--infill", "a ▢ b", "--initial-gen-length", "8"], "--initial-gen-length says 8"),
        (&["x", "--suffix", ""], "the suffix is empty"),
        (&["x", "--suffix", " b", sdar[0], sdar[1]], "sdar appends block after block"),
        (&["--infill", "a ▢×4", sdar[0], sdar[1]], "sdar appends block after block"),
        (&["--infill", "a ▢ b", "--strategy", "order", "--order", "0+1"], "position 1 is not on"),
        (&["--infill", "a ▢ b", "--block-attention", "4"], "block-causal"),
        (&["--suffix", "b"], "there is no prompt"),
    ] {
        let output = demask(&[&["run"][..], args].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}");
        assert!(stderr.contains(words), "{args:?}: no `{words}` in {stderr}");
    }
}

#[test]
fn the_same_length_given_twice_is_fine_and_strategies_are_compared() {
    let args = ["run", "--json", "--infill", "a ▢▢ b", "--initial-gen-length", "2"];
    assert_eq!(json(&args)["params"]["initial_gen_length"], 2);
    let strategies = "threshold,daedal:preset=infill,low_confidence";
    let table = fine(&["compare", "--strategies", strategies, "--infill", TEXT]);
    assert!(table.contains("low_confidence"), "{table}");
    let args = ["compare", "--strategies", "threshold,sdar", "--infill", TEXT];
    assert!(String::from_utf8_lossy(&demask(&args).stderr).contains("sdar appends"));
}
