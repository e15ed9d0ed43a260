//! Long work: loading that a test holds up, and a pass that it does. Both read a pipe of the
//! test's.

use std::io::Write;

use super::{
    pipe::Pipe,
    pty::{Signal, Terminal, shows_step},
};

#[test]
fn loading_can_be_cancelled() {
    // Escape, Ctrl-C, and a signal.
    for (key, size) in [(Some("\x1b"), (80, 24)), (Some("\x03"), (30, 6)), (None, (80, 24))] {
        let pipe = Pipe::new();
        let mut terminal = Terminal::start(&[], size, &[("DEMASK_TEST_LOAD_BY", pipe.name())]);
        let mut held = pipe.open();
        held.write_all(&[0; 3]).unwrap();
        terminal.wait_text("downloading model");
        terminal.wait_text("37%");
        terminal.wait_text("cancels");
        terminal.wait("the alternate screen", vt100::Screen::alternate_screen);
        match key {
            Some(key) => terminal.press(key),
            None => terminal.signal(Signal::TERM),
        }
        assert_eq!(terminal.exit().exit_code(), 1, "{}", terminal.text());
        terminal.assert_restored();
        terminal.wait_text("loading was cancelled");
    }
}

#[test]
fn after_loading_the_debugger_appears() {
    let pipe = Pipe::new();
    let mut terminal = Terminal::start(&[], (80, 24), &[("DEMASK_TEST_LOAD_BY", pipe.name())]);
    let mut held = pipe.open();
    held.write_all(&[0]).unwrap();
    terminal.wait_text("12%");
    held.write_all(&[0; 6]).unwrap();
    terminal.wait_text("87%");
    terminal.wait_text("7.00 MB of 8.00 MB");
    drop(held);
    terminal.wait_text("PAUSED");
    terminal.step_to(1);
    terminal.press("q");
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}

#[test]
fn a_fault_in_loading_is_told_below_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = Pipe::new();
    let arguments = ["--model", folder.path().to_str().unwrap()];
    let env = [("DEMASK_TEST_LOAD_BY", pipe.name())];
    let mut terminal = Terminal::start(&arguments, (80, 24), &env);
    let held = pipe.open();
    terminal.wait_text("opening the model");
    drop(held);
    assert_eq!(terminal.exit().exit_code(), 1, "{}", terminal.text());
    terminal.assert_restored();
    terminal.wait_text("config.json");
}

#[test]
fn a_slow_pass_shows_its_layers_and_can_be_cancelled() {
    let pipe = Pipe::new();
    let mut terminal = Terminal::start(&[], (120, 40), &[("DEMASK_TEST_PASS_BY", pipe.name())]);
    let mut held = pipe.open();
    held.write_all(&[0; 6]).unwrap();
    terminal.wait_text("layer 7/24 · ");
    terminal.wait_text("Ctrl-C cancels");
    terminal.wait_text("BUSY 6/25");
    // Keys are answered meanwhile.
    terminal.press("?");
    terminal.wait_text("How do I");
    terminal.press("\x1b");
    terminal.wait_gone("How do I");
    terminal.press("\x1b");
    terminal.wait_text("stopped");
    // The layer in work ends, and with it the pass.
    held.write_all(&[0]).unwrap();
    terminal.wait_text("cancelled; s or Space asks again");
    terminal.wait_gone("layer 7/24");
    drop(held);
    // Asked for again, the pass ends, and the session goes on.
    terminal.press("s");
    drop(pipe.open());
    terminal.wait("step 1", |screen| shows_step(screen, 1));
    terminal.step_to(2);
    terminal.press("q");
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}
