//! Recordings while they are written: another writer, a disk that is full, a file that is removed.
//! Nothing is damaged, and the answer is printed whatever becomes of the recording.
#![cfg(unix)]

use crate::support::pipe;
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use demask::trace;
use pipe::Pipe;

const PROMPT: &str = "Name 2 animals and 3 places.";

fn demask() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demask"));
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command.stdin(Stdio::null());
    command
}

fn answer() -> Vec<u8> {
    demask().args(["run", PROMPT]).output().unwrap().stdout
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs with a recording while a test does something to its file.
fn meanwhile(path: &Path, overwrite: bool, deed: impl FnOnce()) -> Output {
    let pipe = Pipe::new();
    let mut command = demask();
    command.args(["run", PROMPT, "--record"]).arg(path);
    command.args(overwrite.then_some("--overwrite")).env("DEMASK_TEST_PASS_BY", pipe.name());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // It waits in its first pass: the recording has begun.
    let held = pipe.open();
    deed();
    drop(held);
    child.wait_with_output().unwrap()
}

#[test]
fn a_recording_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.jsonl", "a.jsonl.zst"] {
        let path = folder.path().join(name);
        let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
        let output = meanwhile(&path, false, || {
            let mut run = demask();
            run.args(["run", PROMPT, "--overwrite", "--record"]).arg(&path);
            let mut export = demask();
            export.arg("export").arg(recordings.join("maximum-length.jsonl")).arg(&path);
            export.args(["--overwrite", "--to", "md"]);
            for mut second in [run, export] {
                let refused = second.output().unwrap();
                assert_eq!(refused.status.code(), Some(1), "{}", printed(&refused));
                assert!(
                    printed(&refused).contains("another run is writing it"),
                    "{}",
                    printed(&refused)
                );
                assert!(refused.stdout.is_empty());
            }
        });
        assert!(output.status.success(), "{}", printed(&output));
        let verified = demask().arg("verify").arg(&path).output().unwrap();
        assert!(verified.status.success(), "{}", printed(&verified));
        // The first has ended: the file is free.
        assert!(meanwhile(&path, true, || {}).status.success());
    }
}

#[test]
fn a_recording_that_is_removed_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let removed = || fs::remove_file(&path).unwrap();
    let replaced = || fs::rename(folder.path().join("other"), &path).unwrap();
    fs::write(folder.path().join("other"), "somebody's").unwrap();
    let deeds: [&dyn Fn(); 2] = [&removed, &replaced];
    for deed in deeds {
        let output = meanwhile(&path, false, deed);
        assert_eq!(output.status.code(), Some(1));
        assert!(printed(&output).contains("was removed or replaced"), "{}", printed(&output));
        assert_eq!(output.stdout, answer());
    }
    assert_eq!(fs::read(&path).unwrap(), b"somebody's");
}

/// Runs with a disk of so many blocks of half a kilobyte, or of a kilobyte: shells differ.
fn on_small_disk(blocks: usize, path: &Path) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_demask"), "run", PROMPT, "--record"])
        .arg(path);
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_disk_that_is_full_from_the_start_leaves_nothing_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"] {
        let path = folder.path().join(name);
        let output = on_small_disk(0, &path);
        assert_eq!(output.status.code(), Some(1));
        assert!(printed(&output).contains("Free some space"), "{}", printed(&output));
        assert!(!path.exists());
        assert!(meanwhile(&path, false, || {}).status.success(), "the next run begins");
    }
}

#[test]
fn a_disk_that_becomes_full_costs_the_recording_but_not_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let output = on_small_disk(40, &path);
    assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
    assert!(printed(&output).contains("Free some space"), "{}", printed(&output));
    assert_eq!(output.stdout, answer());
    // What was written before is kept.
    let recording = trace::read(&path).unwrap();
    assert!(recording.recorded.timeline.len() > 1);
}
