//! The list of a folder's runs: one is opened and left, several are compared, and files that are written
//! meanwhile appear.

use std::{fs, path::Path};

use super::pty::{Terminal, shows_step};

/// A folder with some of the shipped recordings, and a file that is none.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["short-answer", "stage-1-growth", "wrong-count"] {
        copy(name, &folder.path().join(format!("{name}.jsonl")));
    }
    fs::write(folder.path().join("broken.jsonl"), "no recording").unwrap();
    folder
}

fn copy(name: &str, to: &Path) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    fs::copy(shipped.join(format!("{name}.jsonl")), to).unwrap();
}

#[test]
fn a_run_is_opened_from_the_list_and_left() {
    let folder = folder();
    let mut terminal = Terminal::start(&[folder.path().to_str().unwrap()], (80, 24), &[]);
    terminal.wait_text("FOLDER");
    terminal.wait_text("3 runs");
    terminal.wait_text("1 broken");
    terminal.press("G");
    terminal.wait_text("\u{25b8}   wrong-count.jsonl");
    terminal.press("\r");
    terminal.wait_text("REPLAY");
    terminal.step_to(1);
    terminal.wait_text("q leave");
    // Back in the list, the run is still the selected one.
    terminal.press("q");
    terminal.wait_text("FOLDER");
    terminal.wait_text("\u{25b8}   wrong-count.jsonl");
    // A broken one says why, and stays closed.
    terminal.press("g\r");
    terminal.wait_text("no demask recording");
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}

#[test]
fn marked_runs_are_compared_and_one_that_is_written_meanwhile_appears() {
    let folder = folder();
    let args = ["replay", folder.path().to_str().unwrap()];
    let mut terminal = Terminal::start(&args, (120, 40), &[]);
    terminal.wait_text("3 runs");
    terminal.press("G k d");
    terminal.wait_text("steps differ");
    terminal.press("q");
    terminal.wait_text("2 marked");
    copy("short-answer", &folder.path().join("another.jsonl"));
    terminal.wait_text("another.jsonl");
    terminal.wait_text("4 runs");
    terminal.press(":length > 48\r");
    // At first none is shown: every file is read again.
    terminal.wait_text("1 shown");
    terminal.wait_gone("another.jsonl");
    // Pressed twice, the key that interrupts ends the program, also in a run.
    terminal.press("\r");
    terminal.wait_text("REPLAY");
    terminal.wait("the start", |screen| shows_step(screen, 0));
    terminal.press("\x03");
    terminal.wait_text("again quits");
    terminal.press("\x03");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}

#[test]
fn esc_leaves_a_run_and_a_key_leaves_the_mouse_to_the_terminal() {
    use vt100::MouseProtocolMode;
    let folder = folder();
    let mut terminal = Terminal::start(&[folder.path().to_str().unwrap()], (120, 40), &[]);
    let mouse = |terminal: &Terminal, mode: MouseProtocolMode| {
        terminal.wait("mouse mode", |screen| screen.mouse_protocol_mode() == mode);
    };
    terminal.wait_text("3 runs");
    mouse(&terminal, MouseProtocolMode::ButtonMotion);
    terminal.press("V");
    mouse(&terminal, MouseProtocolMode::None);
    terminal.wait_text("V end text selection");
    // It stays so in the run that is opened, where Esc closes one thing after the other.
    terminal.press("G\r");
    terminal.wait_text("REPLAY");
    terminal.wait_text("V end text selection");
    terminal.press("z");
    terminal.wait_gone("Inspector");
    terminal.press("\x1b");
    terminal.wait_text("Inspector");
    terminal.press("\x1b");
    terminal.wait_text("FOLDER");
    terminal.press("V");
    mouse(&terminal, MouseProtocolMode::ButtonMotion);
    terminal.wait_gone("end text selection");
    // A click on a hint does what its key does.
    for word in ["help", "quit"] {
        let text = terminal.text();
        let (row, line) = text.lines().enumerate().last().unwrap();
        let column = line[..line.find(word).unwrap()].chars().count();
        terminal.press(&format!("\x1b[<0;{};{}M", column + 1, row + 1));
        if word == "help" {
            terminal.wait_text("The runs of a folder");
            terminal.press("?");
            terminal.wait_gone("The runs of a folder");
        }
    }
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}
