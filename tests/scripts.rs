//! The debugger without a screen, from outside: scripts, breakpoints, re-simulation, lints.

use std::{fs, path::PathBuf};

use assert_cmd::Command;
use serde_json::Value;

const STORY: &str = "Write a story in 7 sentences about a small owl who finds a drum.";

/// Exit code, stdout and stderr of a run of the program.
fn demask(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(args).env_remove("NO_COLOR").env_remove("DEMASK_CONFIG");
    let output = command.env("XDG_CONFIG_HOME", "/nonexistent").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn run(script: &str) -> (Option<i32>, String, String) {
    demask(&["run", STORY, "--exec", script])
}

fn recording() -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("recordings");
    folder.join("stage-2-expansions.jsonl").display().to_string()
}

#[test]
fn a_breakpoint_stops_reports_and_exits_with_3() {
    let (code, out, _) = demask(&["run", STORY, "--break", "eos_conf crosses 0.9"]);
    assert_eq!(code, Some(3));
    assert!(out.contains("breakpoint 1: eos_conf crosses 0.9 (eos_conf = 0."), "{out}");
    // One that never holds lets the run end.
    let (code, out, _) = demask(&["run", "Name 6 animals.", "--break", "length > 4000"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(!out.contains("breakpoint"));
    let (code, out, _) = demask(&["run", STORY, "--break", "expanded", "--json"]);
    assert_eq!(code, Some(3));
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["finish"], "breakpoint");
    assert_eq!(json["breakpoints"][0], "expanded");
    // It stops after the step, and costs no pass more than the steps made.
    assert_eq!(json["passes"], json["steps"]);
}

#[test]
fn bad_conditions_and_commands_are_pointed_at() {
    for (args, words) in [
        (&["--break", "lenght > 3"][..], &["did you mean `length`?", "lenght > 3\n^^^^^^"][..]),
        (&["--exec", "step; stpe 3"], &["did you mean `step`?", "stpe 3\n^^^^"]),
        (&["--exec", "set"], &["set takes PARAMETER VALUE"]),
        (&["--exec-file", "/no/such/file"], &["cannot be read"]),
    ] {
        let (code, out, err) = demask(&[&["run", "Name 6 animals."], args].concat());
        assert_eq!(code, Some(2), "{args:?}: {err}");
        assert!(out.is_empty());
        for word in words {
            assert!(err.contains(word), "{args:?}: {err}");
        }
    }
    // What fails as it is carried out ends the script.
    let (code, out, err) = run("step 2; goto 99; step 50");
    assert_eq!(code, Some(1));
    assert!(err.contains("`goto 99`: this branch goes to step 2"), "{err}");
    assert!(out.contains("at step 2") && !out.contains("at step 52"));
}

#[test]
fn approximate_passes_are_held_against_exact_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl").display().to_string();
    let words = ["run", "Name 6 animals.", "--strategy", "threshold", "--gen-length", "64"];
    let cached = [&words[..], &["--cache", "dual", "--record", &path]].concat();
    let script = "exact; step; exact; passes; exact; step; exact";
    let (code, out, err) = demask(&[&cached[..], &["--exec", script]].concat());
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("this pass leaves nothing out: a block"), "{out}");
    assert!(out.contains("the exact pass: |Δ confidence| at most 0."), "{out}");
    assert!(out.contains("the exact decision "), "{out}");
    // Two passes of the run and the exact one.
    assert!(out.contains("3 forward passes"), "{out}");
    // On record: the same numbers without the model, but only where they were asked for.
    let replay = |script: &str| demask(&["replay", &path, "--batch", "--exec", script]);
    let (code, again, err) = replay("goto 1; exact");
    assert_eq!(code, Some(0), "{err}");
    let line = again.lines().find(|line| line.contains("|Δ confidence|"));
    assert!(line.is_some_and(|line| out.contains(line)), "{again}");
    // Nothing is approximate unless it is asked for.
    let (_, out, _) = demask(&[&words[..], &["--exec", "step 2; exact"]].concat());
    assert!(out.contains("this pass leaves nothing out: no cache is on"), "{out}");
    let (code, _, err) = demask(&[&words[..], &["--cache", "sliding"]].concat());
    assert_eq!(code, Some(2));
    assert!(err.contains("none, prefix, dual"), "{err}");
}

#[test]
fn questions_are_answered_in_scripts_and_in_replays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl").display().to_string();
    let question = "influence 14; probability 14 7; probability 14 ' a'";
    let script = format!("step 16; passes; {question}; passes");
    let (code, out, err) = demask(&["run", STORY, "--record", &path, "--exec", &script]);
    assert_eq!(code, Some(0), "{err}");
    let lines: Vec<&str> = out.lines().filter(|line| line.starts_with("without ")).collect();
    assert!(!lines.is_empty() && out.contains("(id 7): p "), "{out}");
    // A pass for each token that is remasked, one for the token that is no candidate, and that of
    // the pending step; the argmax is on record.
    let passes = format!("{} forward passes", 16 + 1 + lines.len() + 1);
    assert!(out.contains("16 forward passes") && out.contains(&passes), "{out}");
    let script = format!("goto 16; {question}; passes");
    let (code, again, err) = demask(&["replay", &path, "--batch", "--exec", &script]);
    assert_eq!(code, Some(0), "{err}");
    assert!(lines.iter().all(|line| again.contains(line)), "{again}");
    assert!(again.contains("0 forward passes"), "{again}");
    let (code, _, err) = demask(&["replay", &path, "--batch", "--exec", "goto 16; influence 12"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("does not hold the passes") && err.contains("--record"), "{err}");
}

#[test]
fn a_script_goes_back_branches_and_compares() {
    let script = "step 30; back 20; set high_conf_threshold 0.6; step 10; passes; branches; \
                  compare 1 2; switch 1; name-branch own; branches; delete-branch 2; undo; branches";
    let (code, out, err) = run(script);
    assert_eq!(code, Some(0), "{out}{err}");
    for words in [
        "at step 30",
        "high_conf_threshold = 0.6 (was 0.9)",
        // Two more steps come out alike under the other threshold.
        "they share the steps up to 12",
        "high_conf_threshold: 0.9 in 1, 0.6 in 2",
        "branch 1 is `own`",
        "branch 2 is deleted, 8 steps of its own",
        "the branch is back",
    ] {
        assert!(out.contains(words), "no {words}:\n{out}");
    }
    assert!(out.trim_end().ends_with("leaves at step 12"), "{out}");
}

#[test]
fn edits_are_made_recorded_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("edited.jsonl");
    let file = file.to_str().unwrap();
    let script = format!(
        "step 9; fill 12 \" owl\"; pin 12; insert 5 2; expand 40; forbid 41; veto 20 \" the\"; \
         why #0; step 4; continue; lint; save {file}"
    );
    let (code, out, err) = run(&script);
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, out, err) =
        demask(&["replay", file, "--batch", "--exec", "query edits; goto end; text"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("edits: 6 rows"), "{out}");
    let answer = out.lines().last().unwrap().to_owned();
    assert!(answer.len() > 20, "{out}");
    // A pinned position refuses, an unknown token is told, undo leads back.
    let (code, _, err) = run("step 9; fill 12 \" owl\"; pin 12; remask 12");
    assert_eq!(code, Some(1));
    assert!(err.contains("position 12 is pinned"), "{err}");
    let (_, _, err) = run("step 9; fill 12 owlish");
    assert!(err.contains("no single token has the text"), "{err}");
    let (_, out, _) = run("step 9; text; fill 12 \" owl\"; undo; text; redo; undo; text");
    let texts: Vec<&str> = out.lines().filter(|line| line.starts_with("Once")).collect();
    assert_eq!(texts.len(), 3, "{out}");
    assert!(texts.iter().all(|text| *text == texts[0]), "{out}");
}

#[test]
fn a_veto_keeps_a_token_out() {
    let held = |script: &str| {
        let (code, out, err) = run(&format!("step 7; {script}continue; goto end; print token[0]"));
        assert_eq!(code, Some(0), "{out}{err}");
        out.lines().last().unwrap().to_owned()
    };
    // The position is written in step 7: the veto comes before.
    let (_, out, _) = run("step 6; print guess[0]");
    assert!(out.contains("Once"), "{out}");
    let (code, out, err) = run("step 6; veto 0 Once; continue; print token[0]");
    assert_eq!(code, Some(0), "{err}");
    assert!(!out.lines().last().unwrap().contains("Once"), "{out}");
    assert!(held("").contains("Once"));
}

#[test]
fn a_recording_is_simulated_again() {
    let (code, out, _) = demask(&["replay", &recording(), "--resimulate"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("re-simulated 62 of 62 steps: 0 different"), "{out}");
    let (_, out, _) =
        demask(&["replay", &recording(), "--resimulate", "--high-conf-threshold", "0.8"]);
    assert!(out.contains("the recorded predictions no longer apply"), "{out}");
    assert!(out.contains("the first at step "), "{out}");
    let (code, _, err) =
        demask(&["replay", &recording(), "--resimulate", "--initial-gen-length", "48"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("takes a new run"), "{err}");
}

#[test]
fn queries_list_and_export() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("fills.csv");
    let script = format!("query fills where p < 0.3 to {}", csv.display());
    let (code, out, err) = demask(&["replay", &recording(), "--batch", "--exec", &script]);
    assert_eq!(code, Some(0), "{err}");
    let rows: usize = out.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let text = fs::read_to_string(&csv).unwrap();
    assert_eq!(text.lines().count(), rows + 1);
    assert!(text.starts_with("step,position,slot,token,text,p,made,was,was_text\n"));
    for line in text.lines().skip(1) {
        // No text of these has a comma.
        let p: f32 = line.split(',').nth(5).unwrap().parse().unwrap();
        assert!(p < 0.3, "{line}");
    }
    // What the condition reads has columns of its own, and a row in words has the values.
    let read = folder.path().join("read.csv");
    let asked = "fills where conf < 0.3 and length < 200";
    let script = format!("query {asked}; query {asked} to {}", read.display());
    let (code, out, err) = demask(&["replay", &recording(), "--batch", "--exec", &script]);
    assert_eq!(code, Some(0), "{err}");
    let first = out.lines().nth(1).unwrap();
    assert!(first.contains(" · conf 0.") && first.contains(" · length "), "{out}");
    let mut table = csv::Reader::from_path(&read).unwrap();
    let names: Vec<&str> = table.headers().unwrap().iter().skip(9).collect();
    assert_eq!(names, ["conf", "length"]);
    for row in table.records() {
        let row = row.unwrap();
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        assert!(number(9) < 0.3 && number(10) < 200.0, "{row:?}");
    }
    let (_, out, _) = demask(&["query", "--json", asked, &recording()]);
    let row: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert!(row["values"]["conf"].as_f64().unwrap() < 0.3, "{row}");
    // A file is never written over.
    let script = format!("query fills to {}", csv.display());
    let (code, _, err) = demask(&["replay", &recording(), "--batch", "--exec", &script]);
    assert_eq!(code, Some(1));
    assert!(err.contains("take another name"), "{err}");
}

#[test]
fn lints_are_printed_and_can_fail() {
    let (code, out, _) = demask(&["lint", &recording()]);
    assert_eq!(code, Some(0));
    assert!(out.contains("low-confidence: 20 of 93 fills"), "{out}");
    let (code, out, _) = demask(&["lint", &recording(), "--strict", "--json"]);
    assert_eq!(code, Some(3));
    let json: Value = serde_json::from_str(&out).unwrap();
    assert!(json.as_array().unwrap().iter().all(|found| found["steps"].is_array()));
    let (_, out, _) = demask(&["run", "Name 6 animals.", "--json", "--lint"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert!(json["lints"].is_array());
    let (code, out, err) = demask(&["lint", "/no/such/file"]);
    assert_eq!(code, Some(1));
    assert!(out.is_empty() && err.contains("cannot be read"), "{err}");
}

#[test]
fn a_run_says_what_to_do_about_too_few_steps() {
    let fixed = ["--strategy", "low_confidence", "--gen-length", "256", "--block-length", "32"];
    let lint = |steps: &str| {
        let args = [&["run", STORY][..], &fixed, &["--steps", steps, "--lint"]].concat();
        let (code, out, err) = demask(&args);
        assert_eq!(code, Some(0), "{err}");
        out
    };
    let told = lint("8");
    assert!(told.contains("too-few-steps: 32 tokens a step: 256 positions"), "{told}");
    assert!(told.contains("(steps 1–8)\n  → take `--steps 256` for one a step"), "{told}");
    // What is advised is taken, and heals it.
    assert!(!lint("128").contains("too-few-steps"));
}

/// A folder of recordings, good and bad, and what else lies in such folders.
fn folder_of_recordings() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("in/it's")).unwrap();
    fs::copy(own.join("stage-2-expansions.jsonl"), at("in/it's/a.jsonl")).unwrap();
    fs::copy(own.join("short-answer.jsonl"), at("b.jsonl")).unwrap();
    let text = fs::read(own.join("wrong-count.jsonl")).unwrap();
    fs::write(at("c.jsonl.zst"), zstd::encode_all(&*text, 1).unwrap()).unwrap();
    fs::write(at("broken.jsonl"), "no recording\n").unwrap();
    fs::write(at("results.jsonl"), "{\"row\":1}\n").unwrap();
    fs::write(at("notes.txt"), "not looked at").unwrap();
    folder
}

#[test]
fn folders_are_linted_and_what_to_open_is_listed() {
    let folder = folder_of_recordings();
    let path = folder.path().to_str().unwrap();
    let (code, out, err) = demask(&["lint", path]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("broken.jsonl: this is no demask recording"), "{err}");
    assert!(err.contains("results.jsonl: these are lines of JSON, but no recording"), "{err}");
    for part in [
        &format!("{path}/in/it's/a.jsonl:\n  low-confidence: 20 of 93 fills"),
        "\n    → ",
        "\n3 recordings, 1 without a finding; 1 could not be read\n",
        "\n  early-punctuation  2 recordings\n",
        &format!("\n  demask replay --step 20 '{path}/in/it'\\''s/a.jsonl'\n"),
    ] {
        assert!(out.contains(part), "no {part:?} in\n{out}");
    }
    assert!(!out.contains("b.jsonl"), "{out}");
    let (code, out, _) = demask(&["lint", "--json", "--strict", path]);
    assert_eq!(code, Some(3));
    let reports: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(reports.len(), 3);
    let advised = |found: &Value| found["advice"].as_str().is_some_and(|text| !text.is_empty());
    assert!(reports.iter().all(|report| report["lints"].as_array().unwrap().iter().all(advised)));
    let empty = tempfile::tempdir().unwrap();
    let (code, out, err) = demask(&["lint", empty.path().to_str().unwrap()]);
    assert_eq!(
        (code, &*out),
        (Some(1), "0 recordings, 0 without a finding; 1 could not be read\n")
    );
    assert!(err.contains("there is no recording in this folder"), "{err}");
}

#[test]
fn folders_are_verified_described_and_queried() {
    let folder = folder_of_recordings();
    let path = folder.path().to_str().unwrap();
    let (code, out, err) = demask(&["verify", path]);
    assert_eq!(code, Some(1), "{err}");
    assert!(out.ends_with("3 recordings: 3 verified, 0 NOT; 1 could not be read\n"), "{out}");
    let (code, out, err) = demask(&["info", path]);
    assert_eq!(code, Some(1), "{err}");
    assert!(out.contains("b.jsonl: daedal, tiny, 2 steps, length "), "{out}");
    assert!(out.trim_end().ends_with("; 1 could not be read"), "{out}");
    fs::remove_file(folder.path().join("broken.jsonl")).unwrap();
    for command in ["verify", "info", "lint"] {
        assert_eq!(demask(&[command, path]).0, Some(0), "{command}");
    }
    let (code, out, err) = demask(&["query", "fills where p < 0.3", path]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("\n20 rows in 1 of 3 recordings\nto open:\n"), "{out}");
    let first = out.lines().next().unwrap();
    assert!(first.contains("a.jsonl: step 21 · position "), "{first}");
    assert!(out.contains("  demask replay --step 20 '"), "{out}");
    // A condition alone asks for steps; one recording is not named in each row.
    let (code, out, err) = demask(&["query", "expanded", &recording()]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("step ") && err.contains(" rows"), "{out}{err}");
    // Of a step it is said what it did.
    for name in [" · expanded ", " · mode ", " · filled ", " · length "] {
        let mut rows = out.lines().filter(|line| line.starts_with("step "));
        assert!(rows.all(|line| line.contains(name)), "{name}: {out}");
    }
    let (_, all, _) =
        demask(&["replay", &recording(), "--batch", "--exec", "query steps where expanded"]);
    assert!(all.contains(&format!(": {}", err.trim_end())), "{all}{err}");
    let (code, out, _) = demask(&["query", "--json", "expansions", &recording()]);
    assert_eq!(code, Some(0));
    let row: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert!(row["step"].is_u64() && row["made"].is_u64(), "{row}");
    // Rows of all recordings are sorted and counted together.
    let (code, out, err) = demask(&["query", "fills where p < 0.3 | top 3 by p", path]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.ends_with("\n3 of 20 rows in 1 of 3 recordings\n"), "{out}");
    let (_, all, _) = demask(&["query", "--json", "fills where p < 0.3", path]);
    let ps = |out: &str| -> Vec<f64> {
        let rows = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| row["p"].as_f64().unwrap()).collect()
    };
    let mut expected = ps(&all);
    expected.sort_by(|a, b| b.total_cmp(a));
    let (_, top, _) = demask(&["query", "--json", "fills where p < 0.3 | top 3 by p", path]);
    assert_eq!(ps(&top), expected[..3]);
    let counted = "fills where p < 0.3 | count, mean p, max p by file";
    let (code, out, err) = demask(&["query", "--json", counted, path]);
    assert_eq!(code, Some(0), "{err}");
    let group: Value = serde_json::from_str(out.trim()).unwrap();
    assert!(group["by"]["file"].as_str().unwrap().ends_with("a.jsonl"), "{group}");
    assert_eq!(group["values"]["count"], 20, "{group}");
    assert_eq!(group["values"]["max p"].as_f64(), Some(expected[0]), "{group}");
    let mean = expected.iter().sum::<f64>() / 20.0;
    assert!((group["values"]["mean p"].as_f64().unwrap() - mean).abs() < 1e-7, "{group} {mean}");
    // In the debugger it is the same table, and a file gets it as CSV.
    let csv = folder.path().join("groups.csv");
    let script =
        format!("query fills | count by mode; query fills | count by mode to {}", csv.display());
    let (code, out, err) = demask(&["replay", &recording(), "--batch", "--exec", &script]);
    assert_eq!(code, Some(0), "{err}");
    let table = fs::read_to_string(&csv).unwrap();
    assert!(table.starts_with("mode,count\n") && table.lines().count() > 1, "{table}");
    let first: Vec<&str> = table.lines().nth(1).unwrap().split(',').collect();
    let row = |line: &str| line.split_whitespace().eq(first.iter().copied());
    assert!(out.lines().any(row), "{out}{table}");
    for (text, words) in [
        ("fills where lenght > 3", "did you mean `length`?"),
        ("lenght > 3", "did you mean `length`?"),
        ("filled >", "filled >"),
        // A long one is shown where its fault is.
        (&format!("fills where {}p <", "p < 0.5 and ".repeat(60)), "and p < 0.5 and p <\n"),
        (&format!("fills where {}", "p < 0.5 and ".repeat(10_000)), "this is too long"),
    ] {
        let (code, _, err) = demask(&["query", text, &recording()]);
        assert_eq!(code, Some(2), "{text}: {err}");
        assert!(err.len() < 700, "{err}");
        assert!(err.contains(words), "{text}: {err}");
    }
}

#[test]
fn a_script_file_and_macros_do_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script");
    fs::write(&file, "# a comment\nstep 3\nset low_conf_threshold 0.2; step 2\n\npasses\n")
        .unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, "[macros]\nfive = \"step 3; set low_conf_threshold 0.2; step 2; passes\"\n")
        .unwrap();
    let (code, from_file, err) = demask(&["run", STORY, "--exec-file", file.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{err}");
    assert!(from_file.contains("5 forward passes"), "{from_file}");
    let (code, from_macro, err) =
        demask(&["run", STORY, "--config", config.to_str().unwrap(), "--exec", "macro five"]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(from_file, from_macro);
}

#[test]
fn an_expansion_that_is_refused_ends_the_run() {
    for script in ["expand 3; continue; text", "pin 31; expand 3; continue; text"] {
        let args = ["run", "Name 6 animals.", "--max-gen-length", "32", "--exec", script];
        let (code, out, err) = demask(&args);
        assert_eq!(code, Some(0), "{script}: {out}{err}");
        assert!(out.contains("the run is over"), "{script}: {out}");
    }
    // What cannot be made ends a script.
    let (code, _, err) = demask(&[
        "replay",
        &recording(),
        "--batch",
        "--exec",
        "goto 28; fill 40 \" kind\"; step; text",
    ]);
    assert_eq!(code, Some(1));
    assert!(err.contains("`step`: "), "{err}");
}

#[test]
fn another_seed_at_an_earlier_step_starts_a_branch() {
    let script = "step 14; back 5; set seed 7; step 5; branches; compare 1 2; passes; switch 1; \
                  print seed; switch 2; print seed";
    let (code, out, err) = demask(&["run", STORY, "--temperature", "0.8", "--exec", script]);
    assert_eq!(code, Some(0), "{out}{err}");
    for words in ["leaves at step 9", "seed: 0 in 1, 7 in 2", "seed = 0", "seed = 7"] {
        assert!(out.contains(words), "no {words}:\n{out}");
    }
    // Each branch drew its own tokens.
    assert!(out.contains("first different canvas at step "), "{out}");
}
