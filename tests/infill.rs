//! Texts with holes and suffixes, from the command line to recordings and what is made of these.

use std::{fs, ops::ControlFlow, path::Path};

use crate::support;
use assert_cmd::Command;
use demask::{
    canvas::SpecialTokens,
    predict::{Column, Prediction, Request, Vocabulary as _},
    trace,
};
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

/// Those of the golden checkpoint.
const SPECIAL: SpecialTokens = SpecialTokens { mask: 507, eos: 503 };

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
        ("dreamon", &["--expand-token-id", "700"]),
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

/// A pass may be asked about rows that end before the sequence does.
#[test]
fn rows_before_a_suffix_are_those_of_the_whole_sequence() {
    let mut model = support::load("llada-a").predictor;
    let ids: Vec<u32> =
        (0..24).map(|at| if (6..18).contains(&at) { 507 } else { 20 + at }).collect();
    let columns = [Column::Argmax, Column::Choice, Column::PChoice, Column::PEos, Column::PShadow];
    let mut predicted = |rows: std::ops::Range<usize>| {
        let plain = support::request(ids.clone(), rows, SPECIAL, &columns, 0);
        let request = Request { shadow: Some(2..5), ..plain };
        model.predict(&request, &mut |_| ControlFlow::Continue(())).unwrap()
    };
    let (part, whole) = (predicted(6..18), predicted(6..24));
    assert_eq!(part.rows(), 12);
    for column in [Column::Argmax, Column::Choice] {
        assert_eq!(part.ids(column).unwrap(), &whole.ids(column).unwrap()[..12]);
    }
    for column in [Column::PChoice, Column::PEos, Column::PShadow] {
        let bits = |p: &Prediction| -> Vec<u32> {
            p.numbers(column).unwrap().iter().take(12).map(|p| p.to_bits()).collect()
        };
        assert_eq!(bits(&part), bits(&whole), "{column:?}");
    }
}

#[test]
fn problems_with_holes_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    let problems = folder.path().join("stories.jsonl");
    let lines = [
        r#"{"infill":"On Monday ▢×2 has 12 ▢×3 today.","answer":"x"}"#,
        r#"{"question":"Name 2 animals.","infill":"So: ▢×4.","answer":"x"}"#,
        r#"{"question":"Name 2 animals.","suffix":" Done.","answer":"x"}"#,
    ];
    fs::write(&problems, lines.join("\n")).unwrap();
    let (problems, out) = (problems.to_str().unwrap(), folder.path().join("out"));
    let eval = |strategies: &str| {
        let out = out.to_str().unwrap();
        let args =
            ["eval", "--overwrite", "--tails", "8", "--out", out, "--strategies", strategies];
        demask(&[&args[..], &["--problems", problems]].concat())
    };
    let measured = eval("daedal:preset=infill,low_confidence:gen_length=32");
    assert!(measured.status.success(), "{}", String::from_utf8_lossy(&measured.stderr));
    let rows = fs::read_to_string(out.join("results.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(rows.len(), 6);
    for row in &rows {
        let (recipe, problem) = (row["recipe"].as_str().unwrap(), row["problem"].as_u64().unwrap());
        assert!(!row["finish"].as_str().unwrap().starts_with("error"), "{row}");
        let wanted = match (problem, recipe.starts_with("daedal")) {
            (0, _) => 8,
            (1, _) => 4,
            (_, true) => 8,
            (_, false) => 32,
        };
        assert_eq!(row["initial"], wanted, "{row}");
    }
    let refused = eval("sdar");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("sdar appends"), "{refused:?}");
}

#[test]
fn programs_with_a_gap_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    let problems = folder.path().join("gaps.jsonl");
    let test = "def check(f):\\n    assert f(2) == 4\\n";
    let line = |prompt: &str, suffix: &str| {
        format!(
            r#"{{"task_id":"SingleLineInfilling/HumanEval/0/L0","prompt":"{prompt}","suffix":"{suffix}","canonical_solution":"x","entry_point":"f","test":"{test}"}}"#
        )
    };
    let lines = [line("def f(x):\\n    y = ", "\\n    return y\\n"), line("def f(x):\\n", "")];
    fs::write(&problems, lines.join("\n")).unwrap();
    let out = folder.path().join("out");
    let args = ["--problems", problems.to_str().unwrap(), "--tails", "8", "--strategies"];
    let args = [&["eval", "--out", out.to_str().unwrap()], &args[..]].concat();
    let measured = demask(&[&args[..], &["threshold:gen_length=32"]].concat());
    let told = String::from_utf8_lossy(&measured.stderr).into_owned();
    assert!(measured.status.success() && told.contains("gaps are not run"), "{told}");
    let rows = fs::read_to_string(out.join("results.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(rows[0]["question"], "def f(x):\n    y = ▢\n    return y\n");
    for (row, [before, behind]) in
        rows.iter().zip([["def f(x):\n    y = ", "\n    return y\n"], ["def f(x):\n", ""]])
    {
        assert!(row["correct"].is_null() && row["length"] == 32, "{row}");
        let recording = demask::trace::read(&out.join(row["trace"].as_str().unwrap())).unwrap();
        let canvas = &recording.recorded.timeline[recording.recorded.end].canvas;
        let text = |ids: &[u32]| demask::predict::Vocabulary::text(&*recording.vocabulary, ids);
        // No template stands around the program.
        assert_eq!([text(canvas.prompt()), text(canvas.suffix())], [before, behind]);
    }
    let refused = demask(&[&args[..], &["sdar"]].concat());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("sdar appends"), "{refused:?}");
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
