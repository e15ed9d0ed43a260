//! The debugger on a sampling loop in Python: an extra, since not every machine has Python.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use demask::trace;

use super::pty::{Terminal, shows_step};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn python() -> String {
    std::env::var("DEMASK_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// A loop in Python, whose sockets are in a folder of its own.
struct Loop {
    child: Child,
    folder: tempfile::TempDir,
}

impl Loop {
    fn start(script: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(python());
        command.arg(Path::new(ROOT).join(script)).args(arguments);
        command.env("XDG_RUNTIME_DIR", folder.path()).env("PYTHONDONTWRITEBYTECODE", "1");
        command.current_dir(folder.path());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{} cannot be run: {error}", python()));
        let it = Self { child, folder };
        until("the loop listens", || fs::read_dir(it.sockets()).is_ok_and(|all| all.count() > 0));
        it
    }

    fn sockets(&self) -> PathBuf {
        self.folder.path().join("demask")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn attach(&self, arguments: &[&str], size: (u16, u16)) -> Terminal {
        let folder = self.folder.path().to_str().unwrap();
        let words = [&["attach", "--no-config"], arguments].concat();
        Terminal::start(&words, size, &[("XDG_RUNTIME_DIR", folder)])
    }

    fn in_batch(&self, script: &str, record: &Path) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("demask"));
        command.args(["attach", "--no-config", "--batch", "--exec", script, "--overwrite"]);
        command.arg("--record").arg(record).env("XDG_RUNTIME_DIR", self.folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The lines that it wrote to a file so far, whole ones.
    fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.file(name)).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(ToOwned::to_owned).collect()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}: it does not come to that");
        std::thread::yield_now();
    }
}

#[test]
#[ignore = "needs python3"]
fn attach_step_break_edit_turn_detach_and_attach_again() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut run = Loop::start("examples/python/debug_loop.py", &["--wait"]);
        let mut terminal = run.attach(&[], size);
        terminal.wait_text("DRIVING owl");
        terminal.wait_text("PAUSED");
        // What it is about to do is on screen before it is done.
        terminal.wait_text("next: fills 1");
        terminal.step_to(1);
        terminal.press(":break masks <= 5\r");
        terminal.press("c");
        terminal.wait("step 3", |screen| shows_step(screen, 3));
        terminal.wait_text("5 masks");
        terminal.press(":fill 6 \" owl\"\r");
        terminal.wait_text("EDITED");
        terminal.press(":set per_step 3\r");
        terminal.wait_text("was 1");
        terminal.press("s");
        // What was proposed is done; the knob counts from the next step on.
        terminal.wait_text("next: fills 3");
        // Leaving lets the loop go on to its end.
        terminal.press("q");
        terminal.wait_text("Not saved");
        terminal.press("q");
        assert!(terminal.exit().success(), "{}", terminal.text());
        terminal.assert_restored();
        let mut last = String::new();
        let mut printed = BufReader::new(run.child.stdout.take().unwrap());
        printed.read_line(&mut last).unwrap();
        let ids: Vec<u32> = serde_json::from_str(&last).unwrap();
        assert_eq!((ids.len(), ids[6]), (8, 5), "the edit is in what the loop returns");
        assert!(!ids.contains(&0) && run.child.wait().unwrap().success());
    }
    let mut run = Loop::start("tests/python/driving/endless.py", &["-", "steps"]);
    for _ in 0..2 {
        let mut terminal = run.attach(&[], (120, 40));
        terminal.wait_text("DRIVING endless");
        terminal.wait_text("PAUSED");
        let there = run.lines("steps").len();
        terminal.step_to(1);
        terminal.press("q");
        terminal.wait_text("Not saved");
        terminal.press("q");
        assert!(terminal.exit().success(), "{}", terminal.text());
        until("the loop goes on", || run.lines("steps").len() > there + 10);
    }
    run.kill();
}

#[test]
#[ignore = "needs python3"]
fn a_loop_that_is_stopped_or_killed_leaves_the_screen_whole() {
    let run = Loop::start("examples/python/debug_loop.py", &["--wait"]);
    let recorded = run.file("run.jsonl");
    let mut terminal = run.attach(&["--record", recorded.to_str().unwrap()], (120, 40));
    terminal.wait_text("next: fills 1");
    terminal.step_to(1);
    terminal.press(":stop\r");
    terminal.wait_text("the loop has ended");
    terminal.wait_text("REPLAY owl");
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
    assert_eq!(canvases(&recorded).len(), 1);

    let mut run = Loop::start("examples/python/debug_loop.py", &["--wait"]);
    let mut terminal = run.attach(&[], (120, 40));
    terminal.wait_text("next: fills 1");
    terminal.step_to(1);
    run.kill();
    terminal.wait_text("has ended without a word");
    terminal.press("S");
    terminal.wait("step 0", |screen| shows_step(screen, 0));
    terminal.press("q");
    terminal.wait_text("Not saved");
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
}

#[test]
#[ignore = "needs python3"]
fn a_recording_that_cannot_be_written_costs_the_loop_nothing() {
    let run = Loop::start("examples/python/debug_loop.py", &["--wait"]);
    let told = run.in_batch("step 2", Path::new("/dev/full")).output().unwrap();
    let words = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(1), "{words}");
    assert!(words.contains("the recording has stopped"), "{words}");
    let printed = String::from_utf8_lossy(&told.stdout);
    assert!(printed.contains("at step 2"), "{printed}");
}

/// The generated region after each step of a recording; none where its writer was killed before a run
/// began, which no program can open.
fn canvases(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    if !whole.lines().any(|line| line.contains(r#""kind":"root""#)) {
        return Vec::new();
    }
    let recording = trace::read(file).unwrap_or_else(|error| panic!("{error}"));
    let recorded = &recording.recorded;
    let steps = (0..recorded.timeline.len())
        .map(|node| &recorded.timeline[demask::session::NodeId(node)])
        .filter(|node| node.step().is_some());
    steps.map(|node| serde_json::to_string(&node.canvas.tokens()).unwrap()).collect()
}

/// The same without blanks.
fn bare(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| line.replace(' ', "")).collect()
}

#[test]
#[ignore = "needs python3"]
fn either_side_is_killed_at_random_and_no_step_is_lost() {
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut run = Loop::start("tests/python/driving/endless.py", &["all.jsonl", "steps"]);
    for round in 0..100 {
        let copy = run.file("copy.jsonl");
        let _ = fs::remove_file(&copy);
        let mut debugger = run.in_batch("continue", &copy).spawn().unwrap();
        let written = random(8_000);
        until("the debugger writes", || copy.metadata().is_ok_and(|it| it.len() > written));
        if random(2) == 0 {
            debugger.kill().unwrap();
            debugger.wait().unwrap();
            let there = run.lines("steps").len();
            until("the loop goes on", || run.lines("steps").len() > there + 3);
            assert!(run.child.try_wait().unwrap().is_none(), "round {round}: the loop has ended");
        } else {
            run.kill();
            let told = debugger.wait_with_output().unwrap();
            let words = String::from_utf8_lossy(&told.stderr).into_owned();
            assert_eq!(told.status.code(), Some(1), "round {round}: {words}");
            let clear = ["without a word", "ended before it came to a step", "the loop is gone"];
            assert!(clear.iter().any(|it| words.contains(it)), "round {round}: {words}");
        }
        // What the loop recorded is what it did, but for the step in which it was killed.
        let (done, recorded) = (bare(&run.lines("steps")), canvases(&run.file("all.jsonl")));
        let least = done.len().min(recorded.len());
        assert_eq!(done[..least], recorded[..least], "round {round}");
        // What was attached to saw a whole stretch of it, from the first step on.
        let seen = canvases(&copy);
        let seen = &seen[..seen.len().min(least)];
        assert_eq!(*seen, recorded[..seen.len()], "round {round}");
        if run.child.try_wait().unwrap().is_some() {
            assert!(recorded.len() + 1 >= done.len(), "round {round}: steps are lost");
            run = Loop::start("tests/python/driving/endless.py", &["all.jsonl", "steps"]);
        }
    }
}
