//! `demask export` from outside: what it makes, what it refuses, and that nothing is left half.

#[cfg(unix)]
use crate::support::signal;
use std::{
    fs,
    path::{Path, PathBuf},
};

use assert_cmd::Command;

fn recording(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    folder.join(format!("{name}.jsonl")).display().to_string()
}

fn export(args: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.arg("export").args(args).env_remove("NO_COLOR");
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command.output().unwrap()
}

fn made(args: &[&str]) -> String {
    let output = export(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(args.last().unwrap()).unwrap()
}

fn refused(args: &[&str], code: i32, word: &str) {
    let output = export(args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(stderr.contains(word), "{args:?}: no `{word}` in: {stderr}");
}

fn names(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn the_ending_says_what_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = recording("short-answer");
    let out = |name: &str| folder.path().join(name).display().to_string();
    for (name, start) in [
        ("a.html", "<!doctype html>"),
        ("a.svg", "<svg "),
        ("a.cast", "{"),
        ("a.md", "# short\\-answer"),
        ("a.csv", "file,branch,step,node,model,"),
        ("B.CSV", "file,"),
        ("a.ndjson", "{\"file\":"),
    ] {
        assert!(made(&[&file, &out(name)]).starts_with(start), "{name}");
    }
    assert!(export(&[&file, &out("a.parquet")]).status.success());
    assert!(fs::read(out("a.parquet")).unwrap().starts_with(b"PAR1"));
    let positions = made(&["--to", "csv", "--table", "positions", &file, &out("table")]);
    assert!(positions.starts_with("file,branch,step,before,node,position,"));
    assert_eq!(names(folder.path()).len(), 9);
}

#[test]
fn standard_output_takes_it_too() {
    let output = export(&["--to", "md", &recording("short-answer"), "-"]);
    assert!(output.status.success());
    assert!(output.stdout.starts_with(b"# short\\-answer"));
    assert!(!Path::new("-").exists());
}

/// Whatever is printed, a reader that has seen enough makes no failure of it and no noise.
#[test]
#[cfg(unix)]
fn a_closed_pipe_ends_it_quietly() {
    use std::process::{Command, Stdio};
    let (file, folder) = (recording("stage-2-expansions"), recording(""));
    let folder = folder.trim_end_matches(".jsonl");
    for args in [
        &["export", "--to", "csv", &file, "-"][..],
        &["export", "--to", "ndjson", &file, "-"],
        &["export", "--to", "parquet", &file, "-"],
        &["export", "--to", "html", &file, "-"],
        &["export", "--to", "md", &file, "-"],
        &["export", "--to", "cast", &file, "-"],
        &["export", "--to", "svg", &file, "-"],
        &["info", &file],
        &["info", folder],
        &["lint", folder],
        &["verify", &file],
        &["query", "positions", folder],
        &["diff", "--all", &file, &recording("maximum-length")],
        &["replay", "--batch", "--exec", "query positions", &file],
        &["run", "--record", "-", "Name 2 animals"],
        &["run", "--json", "Name 2 animals"],
        &["run", "Name 2 animals"],
        &["schema"],
        &["config"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_demask"))
            .args(args)
            .env_remove("DEMASK_CONFIG")
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Nobody reads from the first byte on.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        // Whether or not it came to know that they differ.
        let fine = if args[0] == "diff" { &[0, 3][..] } else { &[0] };
        assert!(fine.iter().any(|&code| output.status.code() == Some(code)), "{args:?}: {told}");
        assert!(!told.contains("error"), "{args:?}: {told}");
    }
}

#[test]
#[cfg(unix)]
fn an_interrupted_export_leaves_nothing_behind() {
    use std::process::{self, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.html");
    // It waits for a recording that does not come.
    let mut child = process::Command::new(env!("CARGO_BIN_EXE_demask"))
        .args(["export", "-"])
        .arg(&out)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while names(folder.path()).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    // To wait for a child closes what it reads from, which would end it without the signal.
    let input = child.stdin.take();
    signal::send(child.id(), signal::Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(input);
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

#[test]
fn the_svg_is_that_of_replay() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("1.svg"), folder.path().join("2.svg"));
    let file = recording("stage-2-expansions");
    made(&[&file, "--step", "16", "--size", "100x30", one.to_str().unwrap()]);
    let mut command = Command::cargo_bin("demask").unwrap();
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    let args = ["replay", &file, "--step", "16", "--size", "100x30", "--svg"];
    assert!(command.args(args).arg(&other).output().unwrap().status.success());
    assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap());
}

/// What a recording comes to.
fn export_text(file: &Path) -> String {
    let recording = demask::trace::read(file).unwrap();
    let canvas = &recording.recorded.timeline[recording.recorded.end].canvas;
    let tokens = canvas.tokens();
    demask::predict::Vocabulary::text(&*recording.vocabulary, &tokens[..canvas.tail()])
}

#[test]
fn a_cast_shows_what_the_screen_would() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.cast");
    let file = recording("short-answer");
    // So narrow a screen has the timeline as a line with the step and their number.
    let text = made(&["--size", "90x30", "--speed", "10", &file, out.to_str().unwrap()]);
    let mut lines = text.lines();
    let header: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(
        (&header["version"], &header["width"], &header["height"]),
        (&2.into(), &90.into(), &30.into())
    );
    let steps = demask::trace::read(Path::new(&file)).unwrap();
    let steps = steps.recorded.timeline.path(steps.recorded.end).len();
    let mut terminal = vt100::Parser::new(30, 90, 0);
    let (mut last, mut events) = (0.0, 0);
    for line in lines {
        let event: (f64, String, String) = serde_json::from_str(line).unwrap();
        assert!(event.0 >= last && event.1 == "o");
        last = event.0;
        terminal.process(event.2.as_bytes());
        if events > 0 && events <= steps {
            let shown = format!("step {}/{}", events - 1, steps - 1);
            assert!(terminal.screen().contents().contains(&shown), "{shown}");
        }
        events += 1;
    }
    // Clearing, one a step, and the end.
    assert_eq!(events, steps + 2);
    assert!((last - ((steps - 1) as f64 / 10.0 + 3.0)).abs() < 1e-9, "{last}");
    let shown = terminal.screen().contents();
    let text = export_text(Path::new(&file));
    assert!(shown.contains(text.split(' ').next().unwrap()), "no {text} in {shown}");
}

#[test]
fn tables_are_of_many_recordings_and_of_folders() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("all.csv");
    let out = out.to_str().unwrap();
    let (a, b) = (recording("short-answer"), recording("wrong-count"));
    let both = made(&[&a, &b, out]);
    let of = |text: &str, name: &str| text.lines().filter(|line| line.starts_with(name)).count();
    assert!(of(&both, &a) > 2 && of(&both, &b) > 2);
    assert_eq!(of(&both, &a) + of(&both, &b) + 1, both.lines().count());
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::copy(&a, folder.path().join("in/a.jsonl")).unwrap();
    fs::write(folder.path().join("in/note.txt"), "no recording").unwrap();
    let inside = made(&["--overwrite", folder.path().to_str().unwrap(), out]);
    assert_eq!(inside.lines().count(), of(&both, &a) + 1);
}

#[test]
fn what_does_not_go_is_refused_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (a, b) = (recording("short-answer"), recording("wrong-count"));
    refused(&[&a], 2, "the file to make");
    refused(&[&a, &out("x.gif")], 2, "ends in .html");
    refused(&[&a, &b], 2, "ends in .html");
    refused(&[&a, &b, &out("x.html")], 2, "only tables");
    refused(&[folder.path().to_str().unwrap(), &out("x.html")], 2, "only tables");
    refused(&["--step", "999", &a, &out("x.html")], 2, "0..=");
    refused(&["--step", "999", &a, &out("x.svg")], 2, "0..=");
    refused(&["--step", "1", &a, &out("x.csv")], 2, "--step");
    refused(&["--table", "steps", &a, &out("x.md")], 2, "--table");
    refused(&["--to", "csv", &a, folder.path().to_str().unwrap()], 2, "is a folder");
    refused(&[&out("none.jsonl"), &out("x.md")], 1, "none.jsonl");
    refused(&[&a, &out("none/x.md")], 1, "its folder is there");
    refused(&[folder.path().to_str().unwrap(), &out("x.csv")], 1, "no recording");
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
    // A damaged recording among others leaves no table.
    let text = fs::read_to_string(&a).unwrap();
    fs::write(out("bad.jsonl"), text.replacen("\"rows\":", "\"rows\":1", 1)).unwrap();
    refused(&[&a, &out("bad.jsonl"), &out("x.csv")], 1, "damaged");
    assert_eq!(names(folder.path()).len(), 1);
    // Nothing is written over: neither a file nor a recording, not even where that is asked for.
    fs::write(out("x.md"), "mine").unwrap();
    refused(&[&a, &out("x.md")], 1, "--overwrite");
    assert_eq!(fs::read_to_string(out("x.md")).unwrap(), "mine");
    fs::copy(&a, out("r.jsonl")).unwrap();
    let own = out("r.jsonl");
    refused(&["--overwrite", "--to", "md", &own, &own], 2, "one of the recordings");
    assert_eq!(fs::read(&own).unwrap(), fs::read(&a).unwrap());
    made(&["--overwrite", &a, &out("x.md")]);
    assert_ne!(fs::read_to_string(out("x.md")).unwrap(), "mine");
}

#[test]
fn of_a_cut_recording_it_is_said_that_it_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.jsonl");
    let text = fs::read(recording("wrong-count")).unwrap();
    fs::write(&cut, &text[..text.len() / 2]).unwrap();
    let cut = cut.to_str().unwrap();
    for name in ["x.csv", "x.md", "x.svg", "x.html"] {
        let output = export(&[cut, folder.path().join(name).to_str().unwrap()]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        assert!(stderr.contains("is cut in line"), "{name}: {stderr}");
    }
    for args in [["lint", cut, "--json"], ["replay", cut, "--resimulate"]] {
        let output = Command::cargo_bin("demask").unwrap().args(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("is cut in line"), "{args:?}: {stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_with_what_to_do() {
    for kind in ["parquet", "csv", "ndjson", "html", "md"] {
        refused(&["--to", kind, &recording("short-answer"), "/dev/full"], 1, "Free some space");
    }
}

/// What is no file is written into, never replaced.
#[cfg(unix)]
#[test]
fn a_device_stays_a_device() {
    use std::os::unix::fs::FileTypeExt;
    let output = export(&["--to", "csv", &recording("short-answer"), "/dev/stdout"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.starts_with(b"file,branch,step"));
    assert!(export(&["--to", "md", &recording("short-answer"), "/dev/null"]).status.success());
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}
