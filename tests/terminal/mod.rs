//! The debugger in a real pseudo-terminal. Every wait is on a condition, with a deadline.
#![cfg(unix)]

mod attaching;
mod flows;
mod folder;
mod following;
mod outside;
mod pty;
mod storms;
mod waiting;

use crate::support::pipe;
use std::path::Path;

use portable_pty::PtySize;
use pty::{Signal, Terminal, next_line, next_of, shows_step};

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
        terminal.wait_text("How do I");
        terminal.press("\x1b");
        // A key right behind an escape would be read as Alt and that key.
        terminal.wait_gone("How do I");
        // Quitting with steps that are not recorded asks once.
        terminal.press("q");
        terminal.wait_text("Not saved");
        terminal.press("q");
        assert!(terminal.exit().success(), "{}", terminal.text());
        terminal.assert_restored();
    }
}

#[test]
fn what_is_copied_reaches_the_terminal() {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let mut terminal = Terminal::start(&[], (80, 24), &[]);
    terminal.wait("the pending decision", |screen| screen.contents().contains("grow"));
    terminal.press("y");
    terminal.wait_text("t  token");
    terminal.press("w");
    terminal.until("copied", || !terminal.clipboard().is_empty());
    let copied = BASE64_STANDARD.decode(terminal.clipboard()).unwrap();
    let copied = String::from_utf8(copied).unwrap();
    assert!(copied.starts_with("position 0, slot #"), "{copied}");
    terminal.wait_text("copied: position 0");
    // Another key than those that are offered copies nothing.
    terminal.press("y");
    terminal.wait_text("t  token");
    terminal.press("q");
    terminal.wait_gone("t  token");
    terminal.press("q");
    assert!(terminal.exit().success());
    terminal.assert_restored();
}

#[test]
fn a_configuration_moves_keys_and_sets_the_theme() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = "[keys]\nstep = \"Y\"\nquit = \"alt-q\"\n[look]\ntheme = \"light\"\n";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let args = ["--color", "truecolor"];
    let mut terminal = Terminal::start(&args, (120, 40), &[("DEMASK_CONFIG", file)]);
    terminal.wait_text("Alt-q quit");
    terminal.wait("the pending decision", |screen| screen.contents().contains("grow"));
    // The key it was does nothing now: one step is made, not two.
    terminal.press("sY");
    terminal.wait("step 1", |screen| shows_step(screen, 1));
    let blue = vt100::Color::Rgb(0, 98, 170);
    terminal.wait("keys for a light ground", |screen| {
        (0..120).any(|column| screen.cell(39, column).is_some_and(|cell| cell.fgcolor() == blue))
    });
    terminal.press("\x1bq");
    terminal.wait_text("Not saved");
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
    let args = ["--no-ahead", "--record", file.to_str().unwrap()];
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
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("signal.jsonl");
        let args = ["--record", file.to_str().unwrap()];
        let mut terminal = Terminal::start(&args, (80, 24), &[]);
        terminal.wait_text("PAUSED");
        terminal.step_to(1);
        terminal.step_to(2);
        terminal.signal(signal);
        terminal.exit();
        terminal.assert_restored();
        assert_eq!(demask::trace::read(&file).unwrap().recorded.timeline.len(), 3, "{signal:?}");
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
    let written = || demask::trace::read(&file).map_or(0, |read| read.recorded.timeline.len() - 1);
    // A step that is known is shown before it is on disk.
    terminal.until("three steps on disk", || written() >= 3);
    terminal.signal(Signal::KILL);
    terminal.exit();
    let steps = written();
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
    terminal.signal(Signal::CONT);
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
