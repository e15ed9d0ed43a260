//! `demask doctor` from outside: every line is there, nothing secret is said, and the exit code
//! follows what is wrong.
//!
//! Built for a GPU that is not there, something is wrong on the machine, and rightly said so.
#![cfg(not(any(feature = "cuda", feature = "metal")))]

use std::fs;

use assert_cmd::Command;
use serde_json::Value;

/// The program in an environment of nothing.
fn doctor(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.arg("doctor").args(args).env_clear().env("HOME", "/nonexistent");
    command
}

fn report(command: &mut Command) -> (Value, Option<i32>) {
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code())
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn every_line_is_there_and_nothing_is_wrong() {
    let (report, code) = report(&mut doctor(&["--json"]));
    assert_eq!((code, &report["ok"]), (Some(0), &Value::Bool(true)), "{report}");
    let names: Vec<&str> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    let expected = [
        "version",
        "build",
        "features",
        "processor",
        "cpu",
        if cfg!(target_os = "macos") { "metal" } else { "cuda:0" },
        "memory",
        "size",
        "TERM",
        "COLORTERM",
        "NO_COLOR",
        "colours",
        "characters",
        "italics",
        "whole frames",
        "mouse",
        "configuration",
        "state",
        "HF_HOME",
        "HF_HUB_CACHE",
        "HF_ENDPOINT",
        "HF_HUB_OFFLINE",
        "HF_TOKEN",
        "cache",
        "embedded",
    ];
    assert_eq!(names, expected);
    for check in report["checks"].as_array().unwrap() {
        let state = check["state"].as_str().unwrap();
        assert!(["ok", "missing"].contains(&state), "{check}");
        assert_eq!(state == "missing", check["advice"].is_string(), "{check}");
        assert!(!check["says"].as_str().unwrap().is_empty(), "{check}");
    }
    assert_eq!(check(&report, "size")["state"], "missing");
    assert!(check(&report, "embedded")["says"].as_str().unwrap().contains(" ms"));
    assert!(check(&report, expected[5])["advice"].as_str().unwrap().contains("--features "));
}

#[test]
fn the_lines_say_the_same() {
    let output = doctor(&[]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for topic in ["program\n", "devices\n", "terminal\n", "files\n", "hub\n", "model\n"] {
        assert!(text.contains(topic), "no {topic} in\n{text}");
    }
    assert!(text.contains("  missing configuration  /nonexistent/.config/demask/config.toml\n"));
    assert!(text.contains("  ok      embedded       loads in "), "{text}");
}

#[test]
fn a_broken_configuration_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, "[params]\nhigh_conf = 1\n").unwrap();
    let name = file.to_str().unwrap();
    for mut command in [doctor(&["--json", "--config", name]), {
        let mut command = doctor(&["--json"]);
        command.env("DEMASK_CONFIG", name);
        command
    }] {
        let (report, code) = report(&mut command);
        assert_eq!((code, &report["ok"]), (Some(1), &Value::Bool(false)));
        let found = check(&report, "configuration");
        assert_eq!(found["state"], "wrong");
        assert!(found["says"].as_str().unwrap().contains("config.toml:2:1"), "{found}");
        assert!(found["advice"].is_string());
    }
    let (found, code) = report(&mut doctor(&["--json", "--config", "/no/such/file"]));
    assert_eq!(code, Some(1), "{found}");
    fs::write(&file, "[look]\ncolor = \"256\"\n").unwrap();
    let (found, code) = report(&mut doctor(&["--json", "--config", name]));
    assert_eq!((code, &check(&found, "configuration")["state"]), (Some(0), &"ok".into()));
    assert_eq!(check(&found, "colours")["says"], "256, because of the configuration");
    fs::write(&file, "[").unwrap();
    let (found, code) = report(doctor(&["--json", "--no-config"]).env("DEMASK_CONFIG", name));
    assert_eq!((code, &check(&found, "configuration")["state"]), (Some(0), &"ok".into()));
}

#[test]
fn secrets_and_escapes_stay_inside() {
    let mut command = doctor(&[]);
    command.env("HF_TOKEN", "hf_secret").env("HF_ENDPOINT", "https://me:secret@mirror");
    command.env("TERM", "x\x1b]0;title\x07").env("NO_COLOR", "1");
    let output = command.output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("secret") && !text.contains('\x1b'), "{text}");
    assert!(
        text.contains("https://mirror") && text.contains("none, because of NO_COLOR"),
        "{text}"
    );
}
