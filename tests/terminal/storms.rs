//! More than anybody types: pastes without an end, floods of keys, screens of absurd size.

use portable_pty::PtySize;

use super::pty::Terminal;

fn started(size: (u16, u16)) -> Terminal {
    let terminal = Terminal::start(&[], size, &[]);
    terminal.wait_text("demask");
    terminal
}

fn leave(mut terminal: Terminal) {
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}

#[test]
fn a_paste_without_an_end_does_not_take_the_keys_away() {
    let mut terminal = started((120, 40));
    terminal.wait_text("PAUSED");
    terminal.press("/\x1b[200~pasted");
    // What came is there, and keys are keys again.
    terminal.wait_text("pasted");
    terminal.press("typed");
    terminal.wait_text("pastedtyped");
    terminal.press("\x1b");
    terminal.wait_gone("pastedtyped");
    // An end that comes late is nothing.
    terminal.press("\x1b[201~?");
    terminal.wait_text("How do I");
    terminal.press("\x1b");
    terminal.wait_gone("How do I");
    leave(terminal);
}

#[test]
fn a_flood_of_keys_is_taken_in() {
    let mut terminal = started((120, 40));
    terminal.wait_text("PAUSED");
    // As the prompt, in the palette, and as a search.
    for opened in ["E", ":", "/"] {
        terminal.press(opened);
        terminal.press(&"a".repeat(100_000));
        terminal.press("end");
        terminal.wait_text("aaend");
        terminal.press("\x1b");
        terminal.wait_gone("aaend");
    }
    leave(terminal);
}

#[test]
fn a_terminal_of_absurd_size_is_drawn_in_part() {
    const ABSURD: u16 = u16::MAX;
    let size = |rows, cols| PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
    let enough = 2 << 30;
    let terminal = started((ABSURD, ABSURD));
    assert!(terminal.peak().is_none_or(|peak| peak < enough), "{:?}", terminal.peak());
    leave(terminal);
    // And one that becomes so, and small again.
    let mut terminal = started((80, 24));
    terminal.wait_text("PAUSED");
    for (rows, cols) in [(ABSURD, ABSURD), (1, ABSURD), (ABSURD, 1), (1, 1), (24, 80)] {
        terminal.master.resize(size(rows, cols)).unwrap();
    }
    terminal.press("s");
    terminal.wait("step 1", |screen| super::shows_step(screen, 1));
    assert!(terminal.peak().is_none_or(|peak| peak < enough), "{:?}", terminal.peak());
    terminal.press("q");
    terminal.wait_text("Not saved");
    leave(terminal);
}
