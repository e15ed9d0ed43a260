//! The debugger in a real pseudo-terminal. Every wait is on a condition, with a deadline.
#![cfg(unix)]

mod support;

use std::{
    io::{Read, Write},
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program on a terminal of its own.
struct Terminal {
    screen: Arc<(Mutex<vt100::Parser>, Condvar)>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    fn start(args: &[&str], (columns, rows): (u16, u16), env: &[(&str, &str)]) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(assert_cmd::cargo::cargo_bin("demask"));
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        // Not the configuration of whoever runs the tests.
        command.env_remove("DEMASK_CONFIG");
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let parser = vt100::Parser::new(rows, columns, 1000);
        let screen = Arc::new((Mutex::new(parser), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let feed = screen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                feed.0.lock().unwrap().process(&buffer[..read]);
                feed.1.notify_all();
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { screen, keys, child, master: pair.master }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// The text on screen.
    fn text(&self) -> String {
        self.screen.0.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as `wanted`.
    fn wait(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let (lock, changed) = &*self.screen;
        let deadline = Instant::now() + PATIENCE;
        let mut parser = lock.lock().unwrap();
        while !wanted(parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} on:\n{}", parser.screen().contents());
            parser = changed.wait_timeout(parser, left).unwrap().0;
        }
    }

    fn wait_text(&self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    fn wait_gone(&self, text: &str) {
        self.wait(&format!("end of {text}"), |screen| !screen.contents().contains(text));
    }

    /// Steps once and waits for it.
    fn step_to(&mut self, number: usize) {
        self.press("s");
        self.wait(&format!("step {number}"), |screen| shows_step(screen, number));
    }

    fn exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.text());
            std::thread::yield_now();
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        // The shell's own kill: not every system has the program.
        let kill = format!("kill -s {name} {pid}");
        let sent = std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
    }

    /// The terminal is as it was before the program.
    fn assert_restored(&self) {
        self.wait("the normal screen", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        // The modes follow the screen, a moment later.
        let deadline = Instant::now() + PATIENCE;
        while !self.master.tty_is_cooked() {
            assert!(Instant::now() < deadline, "raw mode was left on");
        }
    }
}

trait Cooked {
    fn tty_is_cooked(&self) -> bool;
}

impl Cooked for Box<dyn MasterPty + Send> {
    /// Line editing and echo are on: what raw mode switches off.
    fn tty_is_cooked(&self) -> bool {
        let tty = self.tty_name().expect("a pseudo-terminal has a name");
        let output = std::process::Command::new("stty").arg("-a").arg("-F").arg(tty).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.contains(" icanon") && text.contains(" echo ")
    }
}

fn shows_step(screen: &vt100::Screen, number: usize) -> bool {
    let text = screen.contents();
    let title = text.lines().next().unwrap_or_default();
    title.split_whitespace().collect::<Vec<_>>().windows(2).any(|pair| {
        pair[0] == "step" && pair[1].split('/').next() == Some(number.to_string().as_str())
    })
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

#[test]
fn start_step_inspect_turn_and_quit() {
    for size in SIZES {
        let mut terminal = Terminal::start(&[], size, &[]);
        terminal.wait_text("PAUSED");
        terminal.wait_text("Write a story");
        // The decision is on screen before it is made.
        terminal.wait("the pending decision", |screen| {
            let text = screen.contents();
            text.contains("grow") || text.contains("long enough")
        });
        for step in 1..=10 {
            terminal.step_to(step);
        }
        terminal.press("S");
        terminal.wait("step 9", |screen| shows_step(screen, 9));
        terminal.press("?");
        terminal.wait_text("make the pending step");
        terminal.press("\x1b");
        // A key right behind an escape would be read as Alt and that key.
        terminal.wait_gone("make the pending step");
        // Quitting with steps that are not recorded asks once.
        terminal.press("q");
        terminal.wait_text("Not recorded");
        terminal.press("q");
        assert!(terminal.exit().success(), "{}", terminal.text());
        terminal.assert_restored();
    }
}

#[test]
fn a_configuration_moves_keys_and_sets_the_theme() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = "[keys]\nstep = \"n\"\nquit = \"alt-q\"\n[look]\ntheme = \"light\"\n";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let args = ["--color", "truecolor"];
    let mut terminal = Terminal::start(&args, (120, 40), &[("DEMASK_CONFIG", file)]);
    terminal.wait_text("Alt-q quit");
    terminal.wait("the pending decision", |screen| screen.contents().contains("grow"));
    // The key it was does nothing now: one step is made, not two.
    terminal.press("sn");
    terminal.wait("step 1", |screen| shows_step(screen, 1));
    let blue = vt100::Color::Rgb(0, 98, 170);
    terminal.wait("keys for a light ground", |screen| {
        (0..120).any(|column| screen.cell(39, column).is_some_and(|cell| cell.fgcolor() == blue))
    });
    terminal.press("\x1bq");
    terminal.wait_text("Not recorded");
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
}

#[test]
fn a_turned_threshold_decides_again_at_once() {
    let mut terminal = Terminal::start(&["--eos-confidence-threshold", "0"], (120, 40), &[]);
    terminal.wait_text("PAUSED");
    terminal.step_to(1);
    terminal.wait_text("stage 2");
    terminal.wait("the next fills", |screen| screen.contents().contains("next: fills"));
    let before = next_line(&terminal);
    // τ_high is the first parameter: down to nothing, everything in the block is filled.
    terminal.press(&"-".repeat(95));
    terminal.wait("another decision", |screen| next_of(&screen.contents()) != before);
    terminal.press("q");
    terminal.press("q");
    terminal.exit();
    terminal.assert_restored();
}

fn next_line(terminal: &Terminal) -> String {
    next_of(&terminal.text())
}

/// What the canvas pane says comes next.
fn next_of(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("next:")).unwrap_or_default();
    line.split("next:").nth(1).unwrap_or_default().split('─').next().unwrap_or_default().to_owned()
}

#[test]
fn recordings_replay_at_every_size() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let mut recordings: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    recordings.sort();
    assert!(recordings.len() >= 4);
    for (recording, size) in recordings.iter().zip(SIZES.iter().cycle()) {
        let mut terminal = Terminal::start(&["replay", recording.to_str().unwrap()], *size, &[]);
        terminal.wait_text("REPLAY");
        terminal.step_to(1);
        terminal.step_to(2);
        terminal.press("S");
        terminal.wait("step 1", |screen| shows_step(screen, 1));
        terminal.press("q");
        assert!(terminal.exit().success());
        terminal.assert_restored();
    }
}

#[test]
fn a_panic_of_the_model_restores_the_terminal_and_keeps_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("panic.jsonl");
    let args = ["--record", file.to_str().unwrap()];
    let mut terminal = Terminal::start(&args, (100, 30), &[("DEMASK_TEST_PANIC_AT_PASS", "4")]);
    terminal.wait_text("PAUSED");
    terminal.step_to(1);
    terminal.step_to(2);
    terminal.press("s");
    let status = terminal.exit();
    assert_eq!(status.exit_code(), 1);
    terminal.assert_restored();
    terminal.wait_text("asked to panic");
    terminal.wait_text("panic.jsonl");
    let recording = demask::trace::read(&file).unwrap();
    assert!(recording.recorded.timeline.len() >= 3);
}

#[test]
fn signals_restore_the_terminal_and_keep_the_recording() {
    for name in ["TERM", "HUP", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("signal.jsonl");
        let args = ["--record", file.to_str().unwrap()];
        let mut terminal = Terminal::start(&args, (80, 24), &[]);
        terminal.wait_text("PAUSED");
        terminal.step_to(1);
        terminal.step_to(2);
        terminal.signal(name);
        terminal.exit();
        terminal.assert_restored();
        assert_eq!(demask::trace::read(&file).unwrap().recorded.timeline.len(), 3, "{name}");
    }
}

#[test]
fn a_killed_session_replays_up_to_its_last_step() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("killed.jsonl");
    let mut terminal = Terminal::start(&["--record", file.to_str().unwrap()], (80, 24), &[]);
    terminal.wait_text("PAUSED");
    for step in 1..=4 {
        terminal.step_to(step);
    }
    terminal.signal("KILL");
    terminal.exit();
    let steps = demask::trace::read(&file).unwrap().recorded.timeline.len() - 1;
    assert!((3..=4).contains(&steps), "{steps} steps of 4");
    let mut replay = Terminal::start(&["replay", file.to_str().unwrap()], (80, 24), &[]);
    replay.wait_text("REPLAY");
    replay.step_to(1);
    replay.press("q");
    assert!(replay.exit().success());
}

#[test]
fn too_small_a_terminal_says_so_and_grows_back() {
    let mut terminal = Terminal::start(&[], (1, 1), &[]);
    terminal.wait("the alternate screen", vt100::Screen::alternate_screen);
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    terminal.screen.0.lock().unwrap().screen_mut().set_size(24, 80);
    terminal.master.resize(size).unwrap();
    terminal.wait_text("PAUSED");
    terminal.press("q");
    assert!(terminal.exit().success());
    terminal.assert_restored();
}

#[test]
fn suspending_gives_the_terminal_back_and_takes_it_again() {
    let mut terminal = Terminal::start(&[], (80, 24), &[]);
    terminal.wait_text("PAUSED");
    terminal.press("\x1a");
    terminal.assert_restored();
    terminal.signal("CONT");
    terminal.wait("the debugger again", |screen| {
        screen.alternate_screen() && screen.contents().contains("PAUSED")
    });
    terminal.step_to(1);
    terminal.press("q");
    terminal.press("q");
    terminal.exit();
    terminal.assert_restored();
}

#[test]
fn colours_follow_the_environment() {
    let coloured = |screen: &vt100::Screen| {
        let (rows, columns) = screen.size();
        (0..rows).any(|row| {
            (0..columns).any(|column| {
                screen.cell(row, column).is_some_and(|cell| {
                    cell.fgcolor() != vt100::Color::Default
                        || cell.bgcolor() != vt100::Color::Default
                })
            })
        })
    };
    for (env, wanted) in [
        (&[("NO_COLOR", "1")][..], false),
        (&[("COLORTERM", "truecolor")][..], true),
        (&[("TERM", "xterm")][..], true),
    ] {
        let mut terminal = Terminal::start(&[], (80, 24), env);
        terminal.wait_text("PAUSED");
        terminal.wait_gone("BUSY");
        let found = coloured(terminal.screen.0.lock().unwrap().screen());
        assert_eq!(found, wanted, "{env:?}");
        terminal.press("q");
        assert!(terminal.exit().success());
    }
}
