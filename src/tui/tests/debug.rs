//! What the debugger's keys do: breakpoints, edits, lists, search, the command line.

use super::fake::{self, app, command, press, typed};
use crate::{
    canvas::Origin,
    debugger::Goal,
    session::Pending,
    tui::{
        App, Look,
        app::{InputMode, interface::AppEvent, pane::Pane},
        frame,
        screen::update,
    },
};

fn message(app: &App) -> &str {
    app.top.message.as_ref().map_or("", |(_, text)| text)
}

fn run(app: &mut App) {
    while app.debugger.goal().is_some() {
        update(app, AppEvent::Tick);
        fake::settle(app);
    }
}

fn shown(app: &App) -> String {
    fake::glyphs(&frame::picture(app, app.display.width, app.display.height))
}

/// The first masked position that the pending step leaves alone.
fn left_alone(app: &App) -> usize {
    let touched = app.touched();
    let free = |at: &usize| app.canvas().is_masked(*at) && !touched.contains(at);
    (0..app.canvas().len()).find(free).expect("a mask")
}

#[test]
fn a_breakpoint_stops_forward_and_backward() {
    let mut app = app(Look::default(), 0, 80, 24);
    typed(&mut app, "beos_conf crosses 0.5");
    press(&mut app, "Enter c");
    run(&mut app);
    let stop = app.step();
    assert!(message(&app).starts_with(&format!("step {stop}: breakpoint 1")), "{}", message(&app));
    assert!(stop > 0 && matches!(app.debugger.session.pending(), Pending::Decided { .. }));
    press(&mut app, "s s s s C");
    assert_eq!(app.step(), stop, "back to where it held: {}", message(&app));
    press(&mut app, "C");
    assert_eq!(app.step(), 0);
    assert!(message(&app).contains("no breakpoint before"), "{}", message(&app));
    // Taken away in its list, nothing stops any more.
    press(&mut app, "7 G");
    while app.debugger.breakpoints.iter().next().is_some() {
        press(&mut app, "k D");
    }
    press(&mut app, "c");
    run(&mut app);
    assert!(matches!(app.debugger.session.pending(), Pending::Done(_)));
    press(&mut app, "C");
    assert!(message(&app).contains("no breakpoint is set"), "{}", message(&app));
}

#[test]
fn the_position_under_the_cursor_is_watched() {
    let mut app = app(Look::default(), 9, 80, 24);
    let position = app.touched()[0];
    app.put(position);
    press(&mut app, "B Enter c");
    run(&mut app);
    assert_eq!(app.step(), 10, "{}", message(&app));
    assert!(!app.canvas().is_masked(position));
}

#[test]
fn bookmarks_and_the_place_before_a_jump() {
    let mut app = app(Look::default(), 6, 80, 24);
    typed(&mut app, "mhere");
    press(&mut app, "Enter 0");
    assert_eq!(app.step(), 0);
    press(&mut app, "'");
    assert_eq!(app.step(), 6);
    press(&mut app, "'");
    assert_eq!(app.step(), 0);
    command(&mut app, "goto here");
    assert_eq!(app.step(), 6);
    press(&mut app, "0 7");
    assert!(shown(&app).contains("here · step 6"), "{}", shown(&app));
    press(&mut app, "j Enter");
    assert_eq!(app.step(), 6, "down from the branch is the bookmark");
}

#[test]
fn notes_are_written_shown_gone_to_and_removed() {
    let mut app = app(Look::default(), 6, 120, 40);
    app.put(3);
    typed(&mut app, "A");
    typed(&mut app, "it's; \"odd\" # why is the cat here?");
    press(&mut app, "Enter");
    assert_eq!(message(&app), "note on position 3 at step 6");
    assert!(
        app.log().iter().any(|entry| entry.text.ends_with("it's; \"odd\" # why is the cat here?"))
    );
    command(&mut app, "note 3 why is the cat here?");
    // In the inspector, in the log, and in the list, which leads to it.
    assert!(shown(&app).contains("¶ why is the cat here?"), "{}", shown(&app));
    let said = "note on position 3: why is the cat here?";
    assert!(app.log().iter().any(|entry| entry.step == 6 && entry.text == said));
    press(&mut app, "0");
    app.put(0);
    assert!(!shown(&app).contains("¶ why"));
    command(&mut app, "notes");
    assert!(shown(&app).contains("step 6, position 3 · why is the cat here?"), "{}", shown(&app));
    press(&mut app, "Enter");
    assert_eq!((app.step(), app.display.position), (6, 3));
    // Under the column of its step.
    assert!(shown(&app).contains('¶'));
    command(&mut app, "note 3 another");
    assert_eq!(
        app.debugger.session.timeline().notes().count(),
        1,
        "it takes the place of the first"
    );
    press(&mut app, "7 D");
    assert_eq!(app.debugger.session.timeline().notes().count(), 0, "{}", message(&app));
    command(&mut app, "unnote 3");
    assert!(shown(&app).contains("there is no note on position 3"), "{}", shown(&app));
}

#[test]
fn a_token_is_chosen_and_taken_back() {
    let mut app = app(Look::default(), 9, 80, 24);
    let position = left_alone(&app);
    app.put(position);
    press(&mut app, "e Down Enter");
    let second = app.canvas().cells()[position].token;
    assert!(message(&app).contains("u takes it back"), "{}", message(&app));
    assert_eq!(app.step(), 10);
    assert!(app.edited());
    // Typed: its blank need not be.
    press(&mut app, "u");
    assert!(app.canvas().is_masked(position) && !app.edited());
    press(&mut app, "e");
    typed(&mut app, "id:4");
    press(&mut app, "Enter");
    assert_eq!(app.canvas().cells()[position].token, 4);
    press(&mut app, "r");
    assert!(app.canvas().is_masked(position));
    press(&mut app, "u u");
    assert!(app.canvas().is_masked(position) && !app.edited());
    press(&mut app, "U");
    assert_eq!(app.canvas().cells()[position].token, 4);
    assert_ne!(second, 4);
    // Nothing that is no token.
    press(&mut app, "e");
    typed(&mut app, "no such token");
    press(&mut app, "Enter");
    assert_eq!(app.canvas().cells()[position].token, 4, "{}", message(&app));
    assert!(message(&app).contains("no such token"), "{}", message(&app));
    press(&mut app, "e Esc");
    assert!(matches!(app.top.mode, InputMode::Normal));
}

#[test]
fn wishes_are_set_and_let_go() {
    let mut app = app(Look::default(), 9, 80, 24);
    let position = app.touched()[0];
    app.put(position);
    press(&mut app, "#");
    assert!(app.canvas().cells()[position].overridden.pinned);
    assert!(!app.touched().contains(&position), "a pinned position is not written");
    press(&mut app, "#");
    assert!(!app.canvas().cells()[position].overridden.pinned);
    assert!(app.touched().contains(&position));
    for wanted in [Some(true), Some(false), None] {
        press(&mut app, "X");
        assert_eq!(app.canvas().cells()[position].overridden.expand, wanted);
        let expands = app.decision().is_some_and(|decision| decision.expansions().next().is_some());
        assert_eq!(expands, wanted == Some(true));
    }
    let guess = app.token_at(position).expect("a guess");
    press(&mut app, "!");
    let slot = app.canvas().cells()[position].slot;
    assert_eq!(app.canvas().vetoes_at(slot).collect::<Vec<_>>(), [guess]);
}

#[test]
fn an_edit_under_turned_parameters_is_named_as_the_edit() {
    let mut app = app(Look::default(), 9, 80, 24);
    press(&mut app, "- - -");
    app.put(left_alone(&app));
    press(&mut app, "#");
    assert!(message(&app).starts_with("by hand: "), "{}", message(&app));
}

#[test]
fn positions_are_put_in_removed_and_cut_off() {
    let mut app = app(Look::default(), 9, 80, 24);
    let length = app.canvas().len();
    let position = left_alone(&app);
    let slot = app.canvas().cells()[position].slot;
    app.put(position);
    press(&mut app, "I");
    assert_eq!(app.canvas().len(), length + 1);
    assert!(matches!(app.canvas().cells()[position].origin, Origin::ByHand { .. }));
    assert_eq!(app.canvas().position(slot), Some(position + 1));
    app.put(position);
    press(&mut app, "D");
    assert_eq!((app.canvas().len(), app.canvas().position(slot)), (length, Some(position)));
    app.put(position);
    press(&mut app, "T");
    assert_eq!(app.canvas().len(), position);
    press(&mut app, "u");
    assert_eq!(app.canvas().len(), length);
}

#[test]
fn branches_are_listed_entered_and_deleted() {
    let mut app = app(Look::default(), 9, 200, 60);
    press(&mut app, "S S S");
    app.put(left_alone(&app));
    press(&mut app, "e Down Enter s s");
    assert!(shown(&app).contains("branch 2/2 by hand"), "{}", shown(&app));
    let here = app.debugger.session.at();
    press(&mut app, "7 g");
    assert_eq!(app.display.found.line, 1, "headings are stepped over");
    press(&mut app, "Enter");
    assert!(message(&app).starts_with("branch 1 of 2"), "{}", message(&app));
    assert!(!app.edited());
    assert_ne!(app.debugger.session.at(), here);
    press(&mut app, "g D");
    assert_eq!(app.debugger.session.timeline().branches().len(), 1, "{}", message(&app));
    press(&mut app, "u");
    assert_eq!(app.debugger.session.timeline().branches().len(), 2);
    command(&mut app, "name-branch other");
    assert!(shown(&app).contains(" other"), "{}", shown(&app));
}

#[test]
fn branches_are_put_side_by_side_and_left_again() {
    let mut app = app(Look::default(), 9, 120, 40);
    press(&mut app, "S S S");
    app.put(left_alone(&app));
    press(&mut app, "e Down Enter s s");
    let here = app.debugger.session.at();
    command(&mut app, "diff 1 3");
    assert!(
        app.top.comparison.is_none() && message(&app).contains("no branch `3`"),
        "{}",
        message(&app)
    );
    command(&mut app, "diff 1 2");
    let screen = shown(&app);
    for part in ["1 branch 1", "2 branch 2", "parts from run 1 in the next step, 7", "q leave"] {
        assert!(screen.contains(part), "no {part:?} in\n{screen}");
    }
    assert!(screen.contains("step 6"), "{screen}");
    super::screens::check("beside_120x40", &app);
    press(&mut app, "s s");
    assert!(shown(&app).contains("step 8"), "{}", shown(&app));
    update(&mut app, AppEvent::Terminal(crossterm::event::Event::Resize(80, 24)));
    assert!(shown(&app).contains("2 branch 2"), "{}", shown(&app));
    press(&mut app, "q");
    assert!(app.top.comparison.is_none());
    assert_eq!((app.display.width, app.display.height), (80, 24));
    assert_eq!(app.debugger.session.at(), here, "the debugger is where it was");
    // A branch that is chosen is gone to, where it stood.
    command(&mut app, "diff 1 2");
    press(&mut app, "Enter");
    assert!(app.top.comparison.is_none() && shown(&app).contains("branch 1/2"), "{}", shown(&app));
    assert_eq!(app.debugger.session.node().depth, 6);
    press(&mut app, "f");
    assert!(!app.edited(), "the way forward is the branch's");
}

#[test]
fn the_canvas_and_the_log_are_searched() {
    let mut app = app(Look::default(), 12, 120, 40);
    typed(&mut app, "/the");
    assert!(!app.display.search.starts.is_empty(), "matches show while one types");
    press(&mut app, "Enter");
    let count = app.display.search.starts.len();
    assert!(
        count > 1 && message(&app).contains(&format!("of {count} for “the”")),
        "{}",
        message(&app)
    );
    let first = app.display.position;
    press(&mut app, "n");
    assert_ne!(app.display.position, first);
    for _ in 1..count {
        press(&mut app, "n");
    }
    assert_eq!(app.display.position, first, "around the end");
    press(&mut app, "n N");
    assert_eq!(app.display.position, first);
    typed(&mut app, "/zebra");
    press(&mut app, "Enter");
    assert!(message(&app).contains("is not on this canvas"), "{}", message(&app));
    press(&mut app, "/ Esc n");
    assert!(message(&app).contains("nothing is searched for"), "{}", message(&app));
    press(&mut app, "5");
    typed(&mut app, "/stage 1 ends");
    press(&mut app, "Enter");
    let line = app.display.log_line.expect("a line of the log");
    assert!(app.log()[line].text.starts_with("stage 1 ends"));
}

#[test]
fn the_command_line_completes_and_points_at_mistakes() {
    let mut app = app(Look::default(), 4, 80, 24);
    press(&mut app, ":");
    assert!(shown(&app).contains("make N steps"), "with nothing typed it lists: {}", shown(&app));
    typed(&mut app, "forw");
    press(&mut app, "Tab");
    let InputMode::Command(line) = &app.top.mode else { panic!("{:?}", app.top.mode) };
    assert_eq!(line.input.value(), "forward ");
    press(&mut app, "Esc");
    assert!(matches!(app.top.mode, InputMode::Normal));
    command(&mut app, "break eos_conf crosses");
    assert!(matches!(app.top.mode, InputMode::Command(_)), "it stays to be mended");
    assert!(shown(&app).contains("Not understood"), "{}", shown(&app));
    press(&mut app, "Esc");
    // A key's action that is no command, by its name.
    command(&mut app, "zoom");
    assert!(app.display.zoom);
    command(&mut app, "back 2; forward 1");
    for _ in 0..2 {
        update(&mut app, AppEvent::Tick);
    }
    assert_eq!(app.step(), 3);
    press(&mut app, ": C-p");
    let InputMode::Command(line) = &app.top.mode else { panic!("{:?}", app.top.mode) };
    assert!(line.input.value().starts_with("forward"), "{}", line.input.value());
    press(&mut app, "Esc : Down Down Enter");
    assert_eq!(app.step(), 2, "the second candidate is `back`");
}

#[test]
fn a_query_and_the_diagnosis_are_lists_to_go_through() {
    let mut app = app(Look::default(), 12, 100, 30);
    command(&mut app, "query fills where p > 0.5");
    assert_eq!(app.display.focus, Pane::SESSION);
    let first = app.display.found.rows().first().expect("a row").clone();
    press(&mut app, "Enter");
    assert_eq!((app.step() as usize, Some(app.display.position)), (first.step, first.position));
    press(&mut app, "G Enter");
    let row = app.display.found.rows().last().expect("a row").clone();
    assert_eq!((app.step() as usize, Some(app.display.position)), (row.step, row.position));
    press(&mut app, "D");
    assert!(message(&app).contains("can be removed"), "{}", message(&app));
}

#[test]
fn until_runs_to_a_condition() {
    let mut app = app(Look::default(), 0, 80, 24);
    command(&mut app, "until stage == 2");
    assert!(matches!(app.debugger.goal(), Some(Goal::Until(_)) | None));
    run(&mut app);
    assert_eq!(app.debugger.session.phase().stage, 2, "{}", message(&app));
}
