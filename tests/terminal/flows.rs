//! What one does with the debugger, from end to end: what-if, breakpoints, edits and branches, the
//! palette, search.

use std::path::Path;

use super::pty::{Terminal, next_line, next_of, shows_step};

const DOWN: &str = "\x1b[B";

/// A replay of the recording with the expansions.
fn replay(size: (u16, u16)) -> Terminal {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings").join("stage-2-expansions.jsonl");
    let terminal = Terminal::start(&["replay", file.to_str().unwrap()], size, &[]);
    terminal.wait_text("REPLAY");
    terminal
}

/// A live session in stage 2, at step 1 of 2.
fn live() -> Terminal {
    let mut terminal = Terminal::start(&["--eos-confidence-threshold", "0"], (120, 40), &[]);
    terminal.wait_text("PAUSED");
    terminal.step_to(1);
    terminal.step_to(2);
    terminal.press("S");
    terminal.wait("step 1", |screen| shows_step(screen, 1));
    terminal.wait_text("next: fills");
    terminal
}

/// Quits, whether or not there is something to lose.
fn leave(mut terminal: Terminal) {
    terminal.press("q");
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}

/// The number of forward passes in the title.
fn passes(text: &str) -> Option<String> {
    let title = text.lines().next()?;
    title.split("NFE ").nth(1)?.split_whitespace().next().map(str::to_owned)
}

#[test]
fn what_if_in_a_live_session() {
    let mut terminal = live();
    let before = next_line(&terminal);
    let run = passes(&terminal.text());
    assert!(run.is_some());
    terminal.press("3");
    terminal.press(&"-".repeat(90));
    terminal.wait_text("WHAT-IF");
    terminal.wait("another decision", |screen| next_of(&screen.contents()) != before);
    assert_eq!(passes(&terminal.text()), run, "no pass was needed");
    // Turned back, it is what is on record.
    terminal.press(&"+".repeat(90));
    terminal.wait_gone("WHAT-IF");
    assert_eq!(next_line(&terminal), before);
    leave(terminal);
}

#[test]
fn what_if_in_a_replay_leads_where_the_model_is_needed() {
    let mut terminal = replay((80, 24));
    for step in 1..=8 {
        terminal.step_to(step);
    }
    let before = next_line(&terminal);
    terminal.press("3");
    terminal.press(&"-".repeat(90));
    terminal.wait_text("WHAT-IF");
    terminal.wait("another decision", |screen| next_of(&screen.contents()) != before);
    terminal.press("x");
    terminal.wait_gone("WHAT-IF");
    assert_eq!(next_line(&terminal), before);
    terminal.press(&"-".repeat(90));
    terminal.wait_text("what if: fills");
    terminal.step_to(9);
    terminal.wait_text("branch 2/2");
    terminal.press("s");
    terminal.wait_text("needs the model");
    leave(terminal);
}

#[test]
fn a_breakpoint_stops_forward_and_backward() {
    let mut terminal = replay((80, 24));
    terminal.press(":break eos_conf crosses 0.5\r");
    terminal.wait_text("breakpoint 1: eos_conf crosses 0.5");
    terminal.press("c");
    terminal.wait_text(": breakpoint 1: eos_conf");
    let text = terminal.text();
    let stop = text.split(": breakpoint 1:").next().unwrap();
    let stop: usize = stop.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(stop > 0);
    terminal.wait("the stop", |screen| shows_step(screen, stop));
    terminal.step_to(stop + 1);
    terminal.step_to(stop + 2);
    terminal.press("C");
    terminal.wait_text("breakpoint 1: eos_conf");
    terminal.wait("the stop again", |screen| shows_step(screen, stop));
    terminal.press("C");
    terminal.wait_text("no breakpoint before");
    terminal.wait("the start", |screen| shows_step(screen, 0));
    leave(terminal);
}

#[test]
fn an_edit_makes_a_branch_and_is_taken_back() {
    let mut terminal = live();
    terminal.press("e");
    terminal.wait_text("Write at");
    terminal.press(DOWN);
    terminal.press("\r");
    terminal.wait_text("by hand: wrote");
    terminal.wait_text("EDITED");
    terminal.wait("the edit", |screen| shows_step(screen, 2));
    terminal.step_to(3);
    terminal.press("7");
    terminal.wait("two branches", |screen| {
        let text = screen.contents();
        text.contains("  1 · 2 steps") && text.contains("▸ 2 · by hand · 3 steps")
    });
    terminal.press("g\r");
    terminal.wait_text("branch 1 of 2");
    terminal.wait_gone("EDITED");
    terminal.press(":switch 2\r");
    terminal.wait_text("branch 2 of 2");
    terminal.wait_text("EDITED");
    terminal.press("u");
    terminal.wait_text("the edit is undone");
    terminal.wait_gone("EDITED");
    terminal.press("U");
    terminal.wait_text("EDITED");
    leave(terminal);
}

/// A sentence with two holes: what is given stands around them, and stays.
#[test]
fn holes_are_filled_edited_and_gone_back_over() {
    let text = "On Monday ▢×2 has 12 ▢×3 today.";
    let args = ["--infill", text, "--strategy", "threshold", "--threshold", "0.9"];
    let mut terminal = Terminal::start(&args, (120, 40), &[]);
    terminal.wait_text("PAUSED");
    // The sentence goes on around its holes, in one line.
    terminal.wait("the text", |screen| {
        let text = screen.contents();
        let line = text.lines().find(|line| line.contains("On Monday"));
        line.is_some_and(|line| line.contains(" has 12") && line.contains(" today."))
    });
    terminal.wait_text("next: fills");
    terminal.press("\x1b[C\x1b[C");
    terminal.wait_text("Position 2");
    terminal.wait_text("Given: it stays as it is.");
    // What is given is not to be changed, by hand either.
    terminal.press("r");
    terminal.wait_text("is given text");
    terminal.step_to(1);
    terminal.step_to(2);
    terminal.press("\x1b[D\x1b[D");
    terminal.wait_text("Position 0");
    terminal.press("e");
    terminal.wait_text("Write at");
    terminal.press(DOWN);
    terminal.press("\r");
    terminal.wait_text("EDITED");
    terminal.wait("the edit", |screen| shows_step(screen, 3));
    terminal.press("u");
    terminal.wait_text("the edit is undone");
    for step in [1, 0] {
        terminal.press("S");
        terminal.wait("a step back", |screen| shows_step(screen, step));
    }
    terminal.wait_text(" today.");
    leave(terminal);
}

#[test]
fn the_palette_lists_completes_and_points() {
    let mut terminal = replay((80, 24));
    terminal.press(":");
    terminal.wait_text("make N steps");
    terminal.press("forw");
    terminal.wait_text("go N known steps forward");
    terminal.wait_gone("make N steps");
    terminal.press("\t");
    terminal.wait_text(":forward");
    terminal.press("2\r");
    terminal.wait("step 2", |screen| shows_step(screen, 2));
    terminal.press(":break eos_conf croses 0.9\r");
    terminal.wait_text("Not understood");
    let text = terminal.text();
    let column = |row: &str, what: &str| row.find(what).map(|at| row[..at].chars().count());
    let rows: Vec<&str> = text.lines().collect();
    let at = rows.iter().position(|row| row.contains("croses")).unwrap();
    assert_eq!(column(rows[at], "croses"), column(rows[at + 1], "^^^^^^"), "{text}");
    terminal.press("\x1b");
    terminal.wait_gone("Not understood");
    terminal.wait_gone("croses");
    terminal.step_to(3);
    leave(terminal);
}

#[test]
fn the_canvas_and_the_log_are_searched() {
    let mut terminal = replay((120, 40));
    terminal.press("$");
    terminal.wait_text("DONE");
    terminal.press("/owl\r");
    terminal.wait_text(" for “owl”");
    let text = terminal.text();
    let printed = text.lines().find(|line| line.contains(" for “owl”")).unwrap();
    let words: Vec<&str> = printed.split_whitespace().collect();
    let (first, count): (usize, usize) = (words[0].parse().unwrap(), words[2].parse().unwrap());
    assert!(count > 1, "{printed}");
    // Around the end and back.
    for step in 1..=count {
        terminal.press("n");
        let place = (first - 1 + step) % count + 1;
        terminal.wait_text(&format!("{place} of {count} for “owl”"));
    }
    terminal.press("N");
    let place = (first + count - 2) % count + 1;
    terminal.wait_text(&format!("{place} of {count} for “owl”"));
    terminal.press("5/stage 1 ends\r");
    terminal.wait_text("stage 1 ends: EOS");
    terminal.press("\r");
    terminal.wait("the end of stage 1", |screen| shows_step(screen, 6));
    leave(terminal);
}

#[test]
fn a_session_is_resumed_as_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let state = [("XDG_STATE_HOME", folder.path().to_str().unwrap())];
    let script = "step 9; back 4; set high_conf_threshold 0.6; step 3; mark here; break dropped";
    let mut terminal = Terminal::start(&["--exec", script], (120, 40), &state);
    terminal.wait("step 8", |screen| shows_step(screen, 8));
    terminal.wait_text("breakpoint 1: dropped");
    terminal.press("7");
    terminal.wait_text("here · step 8");
    leave(terminal);
    let mut terminal = Terminal::start(&["--resume"], (120, 40), &state);
    terminal.wait("step 8", |screen| shows_step(screen, 8));
    for text in ["branch 2/2", "here · step 8", "1 dropped"] {
        terminal.wait_text(text);
    }
    // It goes on with the model.
    terminal.step_to(9);
    leave(terminal);
    let other = tempfile::tempdir().unwrap();
    let state = [("XDG_STATE_HOME", other.path().to_str().unwrap())];
    let mut terminal = Terminal::start(&["--resume"], (120, 40), &state);
    terminal.wait_text("no session to resume");
    assert_eq!(terminal.exit().exit_code(), 1);
}

#[test]
fn hits_of_breakpoints_and_notes_survive_quitting() {
    let folder = tempfile::tempdir().unwrap();
    let state = [("XDG_STATE_HOME", folder.path().to_str().unwrap())];
    let script = "break length > 33; step 3; note 0 'first word'";
    let mut terminal = Terminal::start(&["--exec", script], (120, 40), &state);
    terminal.wait_text("note on position 0");
    terminal.press("7");
    terminal.wait_text("1 length > 33 · 1 hit");
    leave(terminal);
    let mut terminal = Terminal::start(&["--resume"], (120, 40), &state);
    terminal.press("7");
    for text in ["1 length > 33 · 1 hit", "step 1, position 0 · first word"] {
        terminal.wait_text(text);
    }
    leave(terminal);
}

#[test]
fn runs_side_by_side_are_stepped_and_one_is_opened() {
    let list = "daedal,daedal:high_conf_threshold=0.5";
    let prompt = "Write a story in 4 sentences about a small owl who finds a drum.";
    let arguments = ["compare", "--tui", "--strategies", list, prompt];
    let mut terminal = Terminal::start(&arguments, (120, 40), &[]);
    terminal.wait_text("PAUSED");
    terminal.wait_text(" 2 daedal:high_conf_threshold=0.5 ");
    for step in 1..=3 {
        terminal.step_to(step);
    }
    terminal.press("c");
    terminal.wait_text("DONE");
    terminal.press("\t");
    terminal.wait_text("run 2 parts from run 1 at step");
    let end = terminal.text();
    terminal.press("S");
    terminal.wait_text("PAUSED");
    terminal.press("$");
    terminal.wait("the same end", |screen| screen.contents() == end);
    // The lane in focus alone, and back.
    terminal.press("\r");
    terminal.wait_text("Parameters");
    terminal.press("q");
    terminal.wait("all runs", |screen| screen.contents().contains("2 runs"));
    terminal.press("q");
    assert!(terminal.exit().success(), "{}", terminal.text());
    terminal.assert_restored();
}

#[test]
fn parameters_are_tried_beside_the_run_and_taken_over() {
    let mut terminal = Terminal::start(&[], (120, 40), &[]);
    terminal.wait_text("PAUSED");
    terminal.press("c");
    terminal.wait_text("DONE");
    terminal.press(":try high_conf_threshold=0.5\r");
    terminal.wait_text("what differs");
    let over = |value: &'static str| {
        move |screen: &vt100::Screen| {
            let text = screen.contents();
            text.contains(value) && !text.contains("masks left ·")
        }
    };
    terminal.wait("a try that is over", over("τ_high 0.50"));
    terminal.wait_text("parts from now at step");
    // A turn is tried at once, whatever was tried before.
    terminal.press("-");
    // The message about its end would replace the message that is waited for below.
    terminal.wait("a second try that is over", over("τ_high 0.89"));
    terminal.press("j\r");
    terminal.wait_text("try 1 is a run of its own now");
    terminal.wait_text("branch 2/2");
    leave(terminal);
}
