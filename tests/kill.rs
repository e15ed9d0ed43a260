//! Recordings survive their writer: killed at any moment, they open, and no completed step is lost.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use demask::trace;

/// Number of recordings whose writer is killed.
const RUNS: usize = 50;

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(path: &Path) -> Killed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demask"));
    command.args(["run", "--no-config", "--initial-gen-length", "16", "--record"]).arg(path);
    command.args(["Write a story in 4 sentences about a small owl who finds a drum."]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Killed(command.spawn().unwrap())
}

/// The canvases of the branch left last.
fn canvases(path: &Path) -> Option<Vec<Vec<u32>>> {
    let recording = trace::read(path).ok()?;
    let timeline = &recording.recorded.timeline;
    let branch = timeline.path(recording.recorded.end);
    Some(branch.into_iter().map(|node| timeline[node].canvas.tokens()).collect())
}

#[test]
fn killed_at_any_moment_a_recording_keeps_every_completed_step() {
    let folder = tempfile::tempdir().unwrap();
    let whole_path = folder.path().join("whole.jsonl");
    assert!(start(&whole_path).0.wait().unwrap().success());
    let whole = canvases(&whole_path).unwrap();
    let most = fs::metadata(&whole_path).unwrap().len();
    assert!(whole.len() > 10, "{} steps", whole.len());
    let mut killed_within = 0;
    let mut random = 0x9e37_79b9_u64;
    for run in 0..RUNS {
        // Every other one is packed, which makes it a fifth of the size.
        let packed = run % 2 == 1;
        let path = folder.path().join(if packed { "run.jsonl.zst" } else { "run.jsonl" });
        let _ = fs::remove_file(&path);
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let most = if packed { most / 5 } else { most };
        let enough = (random >> 33) % most;
        let mut process = start(&path);
        // Until the file has so many bytes, or the run is over.
        let over = loop {
            if process.0.try_wait().unwrap().is_some() {
                break true;
            }
            if fs::metadata(&path).is_ok_and(|found| found.len() >= enough) {
                break false;
            }
            std::thread::yield_now();
        };
        // What is there before the kill must be there behind it.
        let before = canvases(&path);
        process.0.kill().unwrap();
        process.0.wait().unwrap();
        let after = canvases(&path);
        let seen = before.as_ref().map_or(0, Vec::len);
        match &after {
            Some(after) => {
                assert!(after.len() >= seen, "run {run}: {} of {seen} steps", after.len());
                assert_eq!(after[..], whole[..after.len()], "run {run}");
                killed_within += usize::from(!over && after.len() < whole.len());
            }
            // Killed before its first line was written whole, or before its run had started.
            None => {
                assert!(before.is_none(), "run {run}: it does not open any more");
                let text = fs::read(&path).unwrap_or_default();
                assert!(packed || !text.windows(14).any(|part| part == b"{\"kind\":\"step\""));
            }
        }
    }
    assert!(killed_within > RUNS / 2, "only {killed_within} were killed within their run");
}
