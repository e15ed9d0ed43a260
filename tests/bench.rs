//! `demask bench` from outside: what it prints, and that the figures fit together. Nothing here
//! depends on how fast the machine is.

use std::{fs, path::Path};

use assert_cmd::Command;
use serde_json::Value;

fn bench(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.arg("bench").args(args).env_remove("DEMASK_CONFIG");
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

fn json(args: &[&str]) -> Value {
    let output = bench(args).arg("--json").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {stderr}");
    assert!(stderr.is_empty(), "{args:?}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(args: &[&str], words: &[&str]) {
    let output = bench(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{args:?}: no `{word}` in: {stderr}");
    }
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("no number `{name}` in {value}"))
}

/// Figures of `n` samples: in order, and none below 0.
fn fair(figures: &Value, n: u64) {
    assert_eq!(figures["n"], n, "{figures}");
    let order = ["min", "p50", "p90", "p99", "max"].map(|name| number(figures, name));
    assert!(order[0] >= 0.0 && order.is_sorted(), "{figures}");
    assert!((number(figures, "mean") * n as f64 - number(figures, "total")).abs() < 1e-6);
}

#[test]
fn the_parts_of_a_step_add_up() {
    let report = json(&["--limit", "3"]);
    let run = &report["run"];
    assert_eq!((&report["model"], &report["strategy"]), (&"tiny".into(), &"daedal".into()));
    assert_eq!((&report["device"], &report["dtype"]), (&"cpu".into(), &"f32".into()));
    assert_eq!(report["stopped"], false);
    for name in ["load_ms", "matmul_gflops", "threads", "layers", "prompt_tokens"] {
        assert!(number(&report, name) > 0.0, "{name}: {report}");
    }
    assert_eq!((&run["steps"], &run["nfe"], &run["passes"]), (&3.into(), &3.into(), &3.into()));
    assert_eq!(run["finish"], Value::Null);
    let mut parts = 0.0;
    for name in ["forward", "head", "decide", "record", "draw"] {
        fair(&run[name], 3);
        assert!(number(&run[name], "total") > 0.0, "{name} takes time: {run}");
        parts += number(&run[name], "total");
    }
    fair(&run["step"], 3);
    assert!((parts - number(&run["step"], "total")).abs() < 1e-6, "{run}");
    assert!((number(run, "wall_ms") - parts).abs() < 1e-6, "{run}");
    let pass = number(&run["forward"], "total") + number(&run["head"], "total");
    assert!((number(run, "overhead_percent") - 100.0 * (parts - pass) / pass).abs() < 1e-6);
    // Of the largest pass: the prompt, and a canvas that was no longer than at the end.
    let longest = number(&report, "prompt_tokens") + number(run, "length");
    assert!(number(run, "positions") <= longest, "{report}");
    assert!(number(run, "frame_bytes") > 100.0, "{run}");
    if cfg!(target_os = "linux") {
        assert!(number(&report, "peak_memory_bytes") > 1e6, "{report}");
    }
}

#[test]
fn a_run_is_measured_to_its_end_and_recorded_as_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.jsonl");
    let prompt = "Count from 1 to 5 in steps of 1.";
    let report = json(&[prompt, "--record", file.to_str().unwrap(), "--size", "80x24"]);
    let recording = demask::trace::read(&file).unwrap();
    assert!(recording.notices.is_empty(), "{:?}", recording.notices);
    let timeline = &recording.recorded.timeline;
    let end = recording.recorded.end;
    assert_eq!(report["run"]["steps"], timeline.path(end).len() - 1);
    assert_eq!(report["run"]["length"], timeline[end].canvas.len());
    assert_eq!(report["run"]["tokens"], timeline[end].canvas.tail());
    assert!(report["run"]["finish"].is_string());
    // What is measured is what `demask run` does.
    let run = Command::cargo_bin("demask")
        .unwrap()
        .args(["run", "--no-config", "--json", prompt])
        .output()
        .unwrap();
    let run: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(
        (&run["steps"], &run["length"]),
        (&report["run"]["steps"], &report["run"]["length"])
    );
    refused(&[prompt, "--record", file.to_str().unwrap()], &["bench.jsonl", "--overwrite"]);
}

#[test]
fn nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = bench(&["--limit", "1"]).env("TMPDIR", folder.path()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn single_passes_are_measured_at_each_length() {
    let report = json(&["--lengths", "8,32", "--repeats", "2"]);
    assert!(report["run"].is_null());
    let lengths = report["lengths"].as_array().unwrap();
    assert_eq!(lengths.len(), 2);
    for (bare, masks) in lengths.iter().zip([8.0, 32.0]) {
        assert_eq!(number(bare, "masks"), masks);
        assert_eq!(number(bare, "positions"), masks + number(&report, "prompt_tokens"));
        for part in ["forward", "head", "pass"] {
            fair(&bare[part], 2);
        }
        let rate = number(bare, "positions") / number(&bare["pass"], "p50") * 1e3;
        assert!((number(bare, "positions_per_second") / rate - 1.0).abs() < 1e-9);
    }
}

#[test]
fn the_table_fits_into_eighty_columns() {
    let fixed = ["--strategy", "low_confidence", "--gen-length", "32", "--steps", "4"];
    for args in [&["--limit", "2"][..], &["--lengths", "8,500", "--repeats", "1"], &fixed] {
        let output = bench(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for word in ["tiny", "forward", "head", "GFLOP/s", "load"] {
            assert!(text.contains(word), "no `{word}` in\n{text}");
        }
    }
}

#[test]
fn a_wrong_use_is_refused() {
    refused(&["--limit", "0"], &["--limit"]);
    refused(&["--size", "huge"], &["120x40"]);
    refused(&["--repeats", "3"], &["--lengths"]);
    refused(&["--record", "-"], &["stdout"]);
    refused(&["--lengths", "8", "--record", "x.jsonl"], &["--lengths"]);
    refused(&["--lengths", "1000000"], &["context"]);
    assert!(!Path::new("x.jsonl").exists());
}

#[test]
fn a_report_is_compared_with_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("then.json");
    let file = file.to_str().unwrap();
    let lengths = ["--lengths", "16", "--repeats", "1"];
    let mut then = json(&lengths);
    assert!(then["instructions"].is_string() && then.get("against").is_none());
    then["lengths"][0]["pass"]["p50"] = 1e6.into();
    fs::write(file, then.to_string()).unwrap();
    let now = json(&[&lengths[..], &["--against", file]].concat());
    let figures = now["against"]["figures"].as_array().unwrap();
    let pass = figures.iter().find(|one| one["figure"] == "pass over 16 masks").unwrap();
    assert_eq!((&pass["before"], &pass["verdict"]), (&1e6.into(), &"faster".into()));
    assert_eq!(now["against"]["conditions"], Value::Array(Vec::new()));
    refused(&["--against", file, "--limit", "1"], &["--against", "measured other things"]);
    fs::write(file, "{}").unwrap();
    refused(&["--against", file, "--limit", "1"], &["not what `demask bench --json` prints"]);
    refused(&["--against", "/nowhere.json"], &["/nowhere.json", "cannot be read"]);
}
