//! What goes out of the program: shell commands and links that lead back, and the player.

use std::{fs, path::Path, process::Command};

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::pty::{Terminal, shows_step};

/// A copy of a shipped recording, whose name a shell must quote.
fn recording(folder: &Path) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings/stage-2-expansions.jsonl");
    let file = folder.join("a run.jsonl");
    fs::copy(shipped, &file).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Copies what the letter says.
fn copied(terminal: &mut Terminal, letter: &str) -> String {
    let before = terminal.clipboard();
    terminal.press("y");
    terminal.wait_text("shell command");
    terminal.press(letter);
    terminal.until("copied", || terminal.clipboard() != before);
    String::from_utf8(BASE64_STANDARD.decode(terminal.clipboard()).unwrap()).unwrap()
}

/// A replay of the file, three steps on.
fn at_step_3(file: &str) -> Terminal {
    let mut terminal = Terminal::start(&["replay", file], (120, 40), &[]);
    terminal.wait_text("REPLAY");
    for step in 1..=3 {
        terminal.step_to(step);
    }
    terminal
}

fn leave(mut terminal: Terminal) {
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}

#[test]
fn a_shell_command_makes_the_same_canvas_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = recording(folder.path());
    let mut terminal = at_step_3(&file);
    terminal.press("e");
    terminal.wait_text("Write at");
    terminal.press("\x1b[B\r");
    terminal.wait("step 4", |screen| shows_step(screen, 4));
    terminal.wait_text("EDITED");
    let command = copied(&mut terminal, "c");
    let answer = copied(&mut terminal, "a");
    leave(terminal);
    let words = shlex::split(&command).unwrap();
    assert_eq!(words[..3], ["demask", "replay", &file], "{command}");
    let output = Command::new(assert_cmd::cargo::cargo_bin("demask"))
        .args(&words[1..])
        .args(["--batch", "--exec", "text"])
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!answer.is_empty() && said.contains(answer.trim()), "{command}\n{said}\n{answer}");
}

#[test]
fn a_live_run_is_started_again_with_its_own_options() {
    let given = ["--seed", "7", "--threshold", "0.5", "--strategy", "threshold", "Name 2 animals."];
    let mut terminal = Terminal::start(&given, (120, 40), &[]);
    terminal.wait_text("PAUSED");
    terminal.step_to(1);
    let command = copied(&mut terminal, "c");
    terminal.press("q");
    leave(terminal);
    let words = shlex::split(&command).unwrap();
    let expected: Vec<&str> =
        ["demask"].into_iter().chain(given).chain(["--exec", "step; goto 1"]).collect();
    assert_eq!(words, expected, "{command}");
}

/// The link that is copied, as a shell reads it.
fn copied_link(terminal: &mut Terminal) -> String {
    shlex::split(&copied(terminal, "l")).unwrap().concat()
}

#[test]
fn a_link_opens_the_recording_where_it_was_copied() {
    let folder = tempfile::tempdir().unwrap();
    let file = recording(folder.path());
    let mut terminal = at_step_3(&file);
    // Two positions on, in another pane.
    terminal.press("0gll3");
    terminal.wait_text("x reset");
    let link = copied_link(&mut terminal);
    leave(terminal);
    assert_eq!(link, format!("{file}#step=0&position=2&pane=parameters"));
    let elsewhere = link.replace("step=0", "step=3");
    let mut terminal = Terminal::start(&["replay", &elsewhere], (120, 40), &[]);
    terminal.wait("step 3", |screen| shows_step(screen, 3));
    terminal.wait_text("x reset");
    assert_eq!(copied_link(&mut terminal), elsewhere);
    leave(terminal);
    for (place, said) in [
        ("step=99", "the recording has steps"),
        ("branch=9", "the recording has branches 1..="),
        ("stp=1", "`stp` is unknown"),
        ("step=x", "a number is expected"),
    ] {
        let output = Command::new(assert_cmd::cargo::cargo_bin("demask"))
            .args(["replay", &format!("{file}#{place}"), "--batch", "--exec", "text"])
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .output()
            .unwrap();
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && why.contains(said), "{place}: {why}");
    }
}

#[test]
fn the_player_is_written_for_this_step() {
    let folder = tempfile::tempdir().unwrap();
    let file = recording(folder.path());
    let env = [
        ("TMPDIR", folder.path().to_str().unwrap()),
        // Nobody would see a browser.
        ("SSH_CONNECTION", "elsewhere"),
    ];
    let mut terminal = Terminal::start(&["replay", &file], (200, 40), &env);
    terminal.wait_text("REPLAY");
    terminal.step_to(1);
    terminal.press("O");
    terminal.wait_text("open it in a browser: file://");
    terminal.wait_text("#step=1&position=");
    leave(terminal);
    let pages = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<_> =
        pages.filter(|path| path.extension().is_some_and(|it| it == "html")).collect();
    assert_eq!(pages.len(), 1, "{pages:?}");
    let page = fs::read_to_string(&pages[0]).unwrap();
    assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&pages[0]).unwrap().permissions().mode() & 0o077, 0);
    }
}

#[test]
fn a_pane_is_drawn_for_a_paper() {
    let folder = tempfile::tempdir().unwrap();
    let file = recording(folder.path());
    let drawn = folder.path().join("drawn.svg");
    let exported = folder.path().join("exported.svg");
    let mut terminal = Terminal::start(&["replay", &file, "--step", "16"], (120, 40), &[]);
    terminal.wait_text("REPLAY");
    terminal.press("1");
    terminal.press(&format!(":picture '{}'\r", drawn.display()));
    terminal.wait_text("the pane is drawn in");
    // It writes over nothing.
    terminal.press(&format!(":picture '{}'\r", drawn.display()));
    terminal.wait_text("take another name");
    leave(terminal);
    let output = Command::new(assert_cmd::cargo::cargo_bin("demask"))
        .args(["export", &file, "--step", "16", "--pane", "EOS", "--size", "57x24"])
        .arg(&exported)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for file in [&drawn, &exported] {
        let picture = fs::read_to_string(file).unwrap();
        let first = picture.lines().next().unwrap();
        assert!(first.contains("pt\" height="), "{first}");
        assert!(picture.contains("fill=\"#ffffff\""), "light, for paper");
        // The pane alone: its heading, its number, and nothing of the others.
        let texts: String =
            picture.split('>').filter_map(|part| part.strip_suffix("</text")).collect();
        assert!(texts.contains("EOS") && texts.contains("0.895"), "{texts}");
        assert!(!texts.contains("Inspector") && !texts.contains("REPLAY"), "{texts}");
    }
}
