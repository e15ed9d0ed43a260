//! What keys do, over the fake model.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use crossterm::event::{
    Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent,
    MouseEventKind,
};

use super::{
    fake::{self, app, command, finish, press, settle},
    screens::replay,
};
use crate::{
    debugger::Goal,
    decode::Value,
    predict::PredictError,
    session::{EngineReport, Pending},
    tui::{
        App, Look,
        app::{
            InputMode,
            interface::{AppEvent, Effect},
            pane::Pane,
        },
        frame,
        screen::update,
    },
};

/// A key without the engine answering.
fn bare(app: &mut App, code: KeyCode, modifiers: KeyModifiers) -> Vec<Effect> {
    update(app, AppEvent::Terminal(TerminalEvent::Key(KeyEvent::new(code, modifiers))))
}

fn message(app: &App) -> &str {
    app.top.message.as_ref().map_or("", |(_, text)| text)
}

#[test]
fn steps_go_forth_and_back() {
    let mut app = app(Look::default(), 5, 80, 24);
    assert_eq!(app.step(), 5);
    let canvas = app.canvas().clone();
    press(&mut app, "S S Backspace");
    assert_eq!(app.step(), 2);
    press(&mut app, "f f f");
    assert_eq!((app.step(), app.canvas()), (5, &canvas));
    press(&mut app, "0");
    assert_eq!(app.step(), 0);
    press(&mut app, "S");
    assert!(message(&app).contains("start of the run"));
    press(&mut app, "$");
    assert_eq!(app.step(), 5);
    assert_eq!(app.debugger.session.timeline().len(), 6, "going over known steps makes none");
}

#[test]
fn a_step_needs_its_forward_pass() {
    let mut app = App::new(fake::start(Look::default()), 80, 24);
    let mut effects = Vec::new();
    crate::tui::update::want(&mut app, &mut effects);
    assert!(matches!(effects[..], [Effect::Submit(..)]), "asked for at the start");
    effects = bare(&mut app, KeyCode::Char('s'), KeyModifiers::NONE);
    assert!(effects.is_empty(), "asked for only once");
    assert_eq!(app.step(), 0);
    assert!(!app.due(), "the step waits for the pass");
    bare(&mut app, KeyCode::Char('s'), KeyModifiers::NONE);
    assert_eq!(app.debugger.goal(), Some(&Goal::Steps(2)), "no key is lost");
    for step in [1, 2, 2] {
        settle(&mut app);
        update(&mut app, AppEvent::Tick);
        assert_eq!(app.step(), step);
    }
}

#[test]
fn a_pass_can_be_cancelled_and_asked_for_again() {
    for (code, modifiers) in
        [(KeyCode::Esc, KeyModifiers::NONE), (KeyCode::Char('c'), KeyModifiers::CONTROL)]
    {
        let mut app = App::new(fake::start(Look::default()), 80, 24);
        let mut effects = Vec::new();
        crate::tui::update::want(&mut app, &mut effects);
        let key = app.running.busy.expect("a pass in work").key;
        let effects = bare(&mut app, code, modifiers);
        assert!(matches!(effects[..], [Effect::Cancel]), "{effects:?}");
        let effects = update(
            &mut app,
            AppEvent::Report(0, EngineReport::Failed(key, PredictError::Cancelled)),
        );
        assert!(effects.is_empty(), "not asked for at once: {effects:?}");
        assert!(app.running.busy.is_none());
        let effects = bare(&mut app, KeyCode::Char('s'), KeyModifiers::NONE);
        assert!(matches!(effects[..], [Effect::Submit(..)]), "{effects:?}");
    }
}

#[test]
fn a_failed_pass_is_told_and_can_be_tried_again() {
    let mut app = App::new(fake::start(Look::default()), 80, 24);
    crate::tui::update::want(&mut app, &mut Vec::new());
    let key = app.running.busy.expect("a pass in work").key;
    let error = PredictError::Failed("out of memory".to_owned());
    update(&mut app, AppEvent::Report(0, EngineReport::Failed(key, error)));
    assert!(message(&app).contains("out of memory"));
    assert!(app.log().iter().any(|entry| entry.text.contains("out of memory")));
    let effects = bare(&mut app, KeyCode::Char('s'), KeyModifiers::NONE);
    assert!(matches!(effects[..], [Effect::Submit(..)]), "{effects:?}");
}

#[test]
fn a_pass_nobody_waits_for_is_cancelled() {
    let mut app = App::new(fake::start(Look::default()), 80, 24);
    crate::tui::update::want(&mut app, &mut Vec::new());
    let first = app.running.busy.expect("a pass in work").key;
    app.debugger.session.set_param("initial_gen_length", Value::Int(24)).expect("in range");
    let effects = bare(&mut app, KeyCode::Char('R'), KeyModifiers::NONE);
    assert!(matches!(effects[..], [Effect::Cancel, Effect::Submit(..)]), "{effects:?}");
    update(&mut app, AppEvent::Report(0, EngineReport::Failed(first, PredictError::Cancelled)));
    assert!(!app.running.held, "what is wanted now goes on");
}

#[test]
fn control_c_twice_quits() {
    let mut app = app(Look::default(), 2, 80, 24);
    let effects = bare(&mut app, KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(effects.is_empty());
    let effects = bare(&mut app, KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(matches!(effects[..], [Effect::Quit]));
}

#[test]
fn a_key_between_makes_it_the_first_again() {
    let mut app = app(Look::default(), 2, 80, 24);
    press(&mut app, "C-c l");
    let effects = bare(&mut app, KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(effects.is_empty());
}

#[test]
fn runs_end_at_their_goals() {
    let mut app = app(Look::default(), 0, 80, 24);
    press(&mut app, "}");
    while app.debugger.goal().is_some() {
        update(&mut app, AppEvent::Tick);
        settle(&mut app);
    }
    assert_eq!(app.debugger.session.phase().stage, 2, "the stage's end");
    let block = app.debugger.session.phase().block.expect("a block").start;
    press(&mut app, ")");
    while app.debugger.goal().is_some() {
        update(&mut app, AppEvent::Tick);
        settle(&mut app);
    }
    let next = app.debugger.session.phase().block.expect("a block").start;
    assert!(next > block, "the block's end");
    press(&mut app, "(");
    assert_eq!(app.debugger.session.phase().block.expect("a block").start, block);
    press(&mut app, "{");
    press(&mut app, "{");
    assert_eq!(app.step(), 0, "the start of stage 1");
    finish(&mut app);
    assert!(matches!(app.debugger.session.pending(), Pending::Done(_)));
    assert!(message(&app).contains("the run is over"));
    press(&mut app, "s");
    assert!(message(&app).contains("the run is over"));
}

#[test]
fn space_runs_and_pauses() {
    let mut app = app(Look::default(), 0, 80, 24);
    press(&mut app, "Space");
    assert_eq!((app.debugger.goal(), app.running.paced), (Some(&Goal::Continue), true));
    update(&mut app, AppEvent::Tick);
    settle(&mut app);
    assert_eq!(app.step(), 1);
    press(&mut app, "Space");
    assert_eq!(app.debugger.goal(), None);
    update(&mut app, AppEvent::Tick);
    assert_eq!(app.step(), 1);
    press(&mut app, "> > > > >");
    assert!(message(&app).contains("max"));
    press(&mut app, "< < < < < < <");
    assert!(message(&app).contains("1/s"));
}

#[test]
fn a_threshold_decides_again_at_once_and_branches() {
    let mut app = app(Look::default(), 8, 80, 24);
    press(&mut app, "S S");
    let fills = |app: &App| app.decision().map_or(0, |decision| decision.fills().count());
    let before = fills(&app);
    let passes = app.debugger.session.passes();
    for _ in 0..60 {
        press(&mut app, "-");
    }
    assert!(fills(&app) > before, "a low threshold fills more");
    assert!(app.what_if());
    assert_eq!(app.debugger.session.passes(), passes, "without a forward pass");
    assert!(message(&app).contains("fills"), "{}", message(&app));
    press(&mut app, "s");
    assert_eq!(app.debugger.session.timeline().tips().len(), 2, "a branch");
    assert!(!app.what_if(), "the new branch's own parameters");
    press(&mut app, "S x");
    let started = fake::params(&[]).get("high_conf_threshold");
    assert_eq!(
        app.debugger.session.params().get("high_conf_threshold"),
        started,
        "as the run was started"
    );
}

#[test]
fn the_end_of_stage_1_is_announced_and_logged_with_its_numbers() {
    let mut app = app(Look::default(), 0, 120, 40);
    let stage = |app: &App| app.debugger.session.phase().stage;
    let mut before = String::new();
    while stage(&app) == 1 {
        before = fake::glyphs(&frame::picture(&app, 120, 40));
        press(&mut app, "s");
    }
    assert!(before.contains("next: stage 2, +4 EOS"), "{before}");
    let line = "stage 1 ends: EOS 0.570 ≥ τ_eos 0.500 · +4 EOS → 44";
    assert!(app.log().iter().any(|entry| entry.text == line), "{:?}", app.log());
    assert!(fake::glyphs(&frame::picture(&app, 120, 40)).contains(line));
}

#[test]
fn help_is_gone_through() {
    let mut app = app(Look::default(), 0, 80, 24);
    let shown = |app: &App| fake::glyphs(&frame::picture(app, 80, 24));
    press(&mut app, "? G");
    let end = shown(&app);
    assert!(end.contains("adapter") && end.contains("knob"), "{end}");
    press(&mut app, "j k");
    assert_ne!(shown(&app), end, "from the end, one line up is one line up");
    press(&mut app, "Home");
    assert!(shown(&app).contains("How do I"));
    press(&mut app, "End");
    assert_eq!(shown(&app), end);
}

#[test]
fn lanes_are_gone_through_in_the_timeline() {
    let mut app = app(Look::default(), 9, 120, 40);
    press(&mut app, "4 Down");
    assert!(message(&app).contains("one branch"), "{}", message(&app));
    press(&mut app, "S S S S - - - - - - - - - - - - - - - - - - - - - - - - s s s");
    assert_eq!(app.debugger.session.timeline().tips().len(), 2);
    let (here, turned) = (app.debugger.session.at(), app.step());
    assert!(app.log().iter().any(|entry| entry.text.starts_with("τ_high 0.90 → ")));
    press(&mut app, "Up");
    assert!(message(&app).contains("branch 1 of 2"), "{}", message(&app));
    assert_ne!(app.debugger.session.at(), here);
    assert_eq!((app.step(), app.history.steps()), (turned, 9));
    press(&mut app, "Down");
    assert!(message(&app).contains("branch 2 of 2: τ_high 0."), "{}", message(&app));
    assert_eq!(app.debugger.session.at(), here);
    // Before the fork, the branch's first own step is gone to: step 6 comes out alike under both.
    press(&mut app, "0 Up");
    assert_eq!((app.step(), app.history.steps()), (7, 9));
}

#[test]
fn a_value_can_be_typed() {
    let mut app = app(Look::default(), 4, 80, 24);
    press(&mut app, "3 j Enter");
    assert!(matches!(app.top.mode, InputMode::Value(_)));
    press(&mut app, "q 0 x . ? 2 5 Enter");
    assert!(matches!(app.top.mode, InputMode::Normal));
    assert_eq!(app.debugger.session.params().get("low_conf_threshold"), Ok(Value::Float(0.25)));
    press(&mut app, "Enter Enter");
    assert!(matches!(app.top.mode, InputMode::Normal), "nothing typed changes nothing");
    assert_eq!(app.debugger.session.params().get("low_conf_threshold"), Ok(Value::Float(0.25)));
    press(&mut app, "Enter");
    update(&mut app, AppEvent::Terminal(TerminalEvent::Paste("a 9\n".to_owned())));
    press(&mut app, "Enter");
    assert!(matches!(app.top.mode, InputMode::Value(_)), "an impossible value stays to be mended");
    assert!(message(&app).contains("must lie in"), "{}", message(&app));
    press(&mut app, "Esc");
    assert_eq!(app.debugger.session.params().get("low_conf_threshold"), Ok(Value::Float(0.25)));
}

#[test]
fn a_prompt_can_be_typed_and_pasted() {
    let mut app = app(Look::default(), 4, 80, 24);
    press(&mut app, "E");
    update(&mut app, AppEvent::Terminal(TerminalEvent::Paste(" more\nlines\x1b".to_owned())));
    press(&mut app, "Enter");
    assert_eq!(app.prompt_text, "Two birds flew over the cat. more lines ");
    assert_eq!(app.debugger.session.timeline().roots().len(), 2);
    assert_eq!(app.canvas().prompt(), [0, 5, 6]);
    assert_eq!(app.step(), 0);
    // An empty one is refused and can be mended.
    press(&mut app, "E C-u");
    for _ in 0..80 {
        press(&mut app, "Backspace");
    }
    press(&mut app, "Enter");
    assert!(matches!(app.top.mode, InputMode::Prompt(_)));
    assert!(message(&app).contains("empty"), "{}", message(&app));
}

#[test]
fn the_cursor_keeps_its_slot() {
    let mut app = app(Look::default(), 0, 80, 24);
    let expanded = |app: &App| app.decision().and_then(|decision| decision.expansions().next());
    while expanded(&app).is_none() {
        press(&mut app, "s");
        assert!(app.step() < 200);
    }
    let at = expanded(&app).expect("an expansion");
    let behind = app.canvas().cells()[at + 2].slot;
    app.put(at + 2);
    press(&mut app, "s");
    assert_eq!(app.display.slot, Some(behind));
    assert_eq!(app.display.position, at + 2 + 7, "seven masks came before it");
    // On the expanded position itself, the first successor takes over, and back again.
    press(&mut app, "S");
    app.put(at);
    let slot = app.display.slot;
    press(&mut app, "f");
    assert_eq!(app.display.position, at);
    press(&mut app, "S");
    assert_eq!((app.display.position, app.display.slot), (at, slot));
}

#[test]
fn the_cursor_follows_until_it_is_moved() {
    let mut app = app(Look::default(), 6, 80, 24);
    assert_eq!(app.touched().first(), Some(&app.display.position));
    press(&mut app, "G");
    assert_eq!(app.display.position, app.canvas().len() - 1);
    press(&mut app, "s");
    assert_ne!(app.touched().first(), Some(&app.display.position));
    press(&mut app, "o");
    assert_eq!(app.touched().first(), Some(&app.display.position));
    press(&mut app, "g PgDn");
    assert_eq!(app.display.position, 16);
    press(&mut app, "PgUp l l h w W");
    assert!(app.display.position <= 16);
}

#[test]
fn events_are_jumped_to() {
    let mut app = app(Look::default(), 0, 80, 24);
    finish(&mut app);
    press(&mut app, "0 ]");
    assert!(app.history.is_event(app.step() as usize));
    let first = app.step();
    press(&mut app, "] ] [ [");
    assert_eq!(app.step(), first);
    press(&mut app, "[");
    assert!(message(&app).contains("no event"));
}

#[test]
fn panes_are_shown_focused_and_zoomed() {
    let mut app = app(Look::default(), 3, 80, 24);
    for (key, pane) in [
        ("1", Pane::EOS),
        ("2", Pane::INSPECTOR),
        ("3", Pane::PARAMETERS),
        ("4", Pane::TIMELINE),
        ("5", Pane::LOG),
        ("6", Pane::WATERFALL),
    ] {
        press(&mut app, key);
        assert_eq!((app.display.focus, app.display.tab), (pane, pane));
        press(&mut app, "z");
        assert_eq!(app.areas().map(|areas| areas.panes.len()), Some(1));
        press(&mut app, "Esc");
        assert!(!app.display.zoom);
    }
    press(&mut app, "6");
    assert_eq!((app.display.focus, app.display.tab), (Pane::LOG, Pane::LOG), "again: back");
    press(&mut app, "6 Esc");
    assert_eq!((app.display.focus, app.display.tab), (Pane::LOG, Pane::LOG), "Esc too");
    press(&mut app, "6 Tab");
    assert_eq!(app.display.focus, Pane::CANVAS);
    press(&mut app, "BackTab BackTab");
    assert_eq!(app.display.focus, Pane::BLOCKS);
    press(&mut app, "v");
    assert_eq!(app.display.focus, Pane::WATERFALL, "it is in the tab already");
    let shown = |app: &App, pane| app.areas().is_some_and(|areas| areas.of(pane).is_some());
    press(&mut app, "1");
    assert!(shown(&app, Pane::WATERFALL) && !shown(&app, Pane::BLOCKS));
    press(&mut app, "v");
    assert!(shown(&app, Pane::BLOCKS) && !shown(&app, Pane::WATERFALL));
}

#[test]
fn clicks_reach_what_they_point_at() {
    let mut app = app(Look::default(), 9, 200, 60);
    for pane in [Pane::CANVAS, Pane::BLOCKS, Pane::EOS, Pane::TIMELINE, Pane::LOG, Pane::PARAMETERS]
    {
        let area = app.areas().and_then(|areas| areas.of(pane)).expect("shown");
        let mouse = MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: area.x + 11,
            row: area.y + 2,
            modifiers: KeyModifiers::NONE,
        };
        update(&mut app, AppEvent::Terminal(TerminalEvent::Mouse(mouse)));
        assert_eq!(app.display.focus, pane);
    }
    let grid = app.areas().and_then(|areas| areas.of(Pane::BLOCKS)).expect("shown");
    let mouse = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: grid.x + 1 + 5 + 3,
        row: grid.y + 2,
        modifiers: KeyModifiers::NONE,
    };
    update(&mut app, AppEvent::Terminal(TerminalEvent::Mouse(mouse)));
    assert_eq!(app.display.position, 16 + 3, "the fourth of the second block");
}

#[test]
fn leaving_unsaved_asks_once() {
    let saved: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
    let mut start = fake::start(Look::default());
    let seen = saved.clone();
    start.host = Box::new(fake::FakeHost { saved: Some(seen), ..Default::default() });
    let mut app = fake::app_of(start, 0, 80, 24);
    let quit = |app: &mut App, key: char| bare(app, KeyCode::Char(key), KeyModifiers::NONE);
    assert!(matches!(quit(&mut app, 'q')[..], [Effect::Quit]), "nothing done, nothing lost");
    press(&mut app, "s");
    assert!(quit(&mut app, 'q').is_empty());
    press(&mut app, "Esc");
    assert!(matches!(app.top.mode, InputMode::Normal));
    assert!(quit(&mut app, 'q').is_empty());
    assert!(matches!(quit(&mut app, 'w')[..], [Effect::Quit]));
    assert_eq!(*saved.lock().expect("not poisoned"), [PathBuf::from("demask-1.jsonl")]);
    assert!(matches!(quit(&mut app, 'q')[..], [Effect::Quit]), "all of it is saved");
    // What is done after that is not.
    press(&mut app, "s");
    assert!(quit(&mut app, 'q').is_empty());
    press(&mut app, "Esc");
    command(&mut app, "w");
    assert!(matches!(quit(&mut app, 'q')[..], [Effect::Quit]));
    command(&mut app, "note 3 here");
    assert_eq!(app.unsaved(), (0, 1));
    assert!(quit(&mut app, 'q').is_empty());
    press(&mut app, "Esc");
    // An edit that comes back was not in the file.
    command(&mut app, "fill 5 3");
    command(&mut app, "undo");
    command(&mut app, "w");
    assert_eq!(app.unsaved(), (0, 0));
    command(&mut app, "redo");
    assert_eq!(app.unsaved(), (1, 0));
}

#[test]
fn a_note_alone_is_asked_for() {
    let mut app = app(Look::default(), 0, 80, 24);
    command(&mut app, "note 3 here");
    assert_eq!(app.unsaved(), (0, 1));
    command(&mut app, "note 3 '  '");
    assert_eq!(app.unsaved(), (0, 1));
}

#[test]
fn leaving_a_replay_asks_for_notes_alone() {
    let mut app = replay(6);
    let quit = |app: &mut App| bare(app, KeyCode::Char('q'), KeyModifiers::NONE);
    press(&mut app, "s s");
    assert!(matches!(quit(&mut app)[..], [Effect::Quit]));
    command(&mut app, "note 3 here");
    assert!(quit(&mut app).is_empty());
    press(&mut app, "Esc");
    command(&mut app, "unnote 3");
    assert!(matches!(quit(&mut app)[..], [Effect::Quit]));
}

#[test]
fn a_replay_walks_known_ground_and_says_where_it_ends() {
    let mut app = replay(6);
    assert_eq!(app.step(), 0);
    press(&mut app, "s s s");
    assert_eq!(app.step(), 3);
    assert!(!app.what_if());
    press(&mut app, "$ s");
    assert_eq!(app.step(), 6);
    assert!(message(&app).contains("the recording ends here"), "{}", message(&app));
    press(&mut app, "f");
    assert!(message(&app).contains("the recording ends here"));
    press(&mut app, "E");
    assert!(message(&app).contains("keeps its prompt"));
    // A threshold is turned on stored predictions, and leads where none are.
    press(&mut app, "0");
    for _ in 0..60 {
        press(&mut app, "p p -");
        press(&mut app, "P P");
    }
    assert!(app.what_if());
    let effects = bare(&mut app, KeyCode::Char('q'), KeyModifiers::NONE);
    assert!(matches!(effects[..], [Effect::Quit]), "a replay has nothing to lose");
}

#[test]
fn a_dead_engine_ends_it() {
    let mut app = app(Look::default(), 2, 80, 24);
    let effects =
        update(&mut app, AppEvent::Report(0, EngineReport::Died("index out of bounds".to_owned())));
    assert!(matches!(effects[..], [Effect::Quit]));
    assert_eq!(app.running.died.as_deref(), Some("index out of bounds"));
}

#[test]
fn while_a_pass_runs_the_draft_stays() {
    let mut app = app(Look::default(), 5, 100, 30);
    let before = frame::picture(&app, 100, 30);
    bare(&mut app, KeyCode::Char('s'), KeyModifiers::NONE);
    assert!(app.running.busy.is_some() && app.decision().is_none());
    let position = app.canvas().len() / 2;
    assert!(app.token_at(position).is_some());
    assert!(app.confidence(position).is_some());
    let during = frame::picture(&app, 100, 30);
    let changed =
        before.content().iter().zip(during.content()).filter(|(a, b)| a.symbol() != b.symbol());
    assert!(changed.count() < 700, "a step does not turn the screen upside down");
    // A position without a guess is a plain mask, not a low confidence.
    press(&mut app, "R");
    assert!(app.display.draft.is_empty());
}

#[test]
fn enter_goes_to_where_a_position_was_written() {
    let mut app = app(Look::default(), 12, 100, 30);
    let written = app.canvas().cells().iter().position(|cell| cell.filled.is_some());
    let written = written.expect("something is written");
    let step = app.canvas().cells()[written].filled.expect("by a step");
    app.put(written);
    press(&mut app, "Enter");
    assert_eq!(app.step(), step - 1);
    assert!(app.touched().contains(&app.display.position), "the pending step writes it");
    press(&mut app, "0 g Enter");
    assert!(message(&app).contains("from the start"));
}

fn mouse(app: &mut App, kind: MouseEventKind, column: u16, row: u16) {
    let modifiers = KeyModifiers::NONE;
    let event = MouseEvent { kind, column, row, modifiers };
    update(app, AppEvent::Terminal(TerminalEvent::Mouse(event)));
    settle(app);
}

/// Where a text stands on the screen, and the cell it begins in.
fn find(app: &App, text: &str) -> (u16, u16) {
    let buffer = frame::picture(app, app.display.width, app.display.height);
    let screen = fake::glyphs(&buffer);
    let found = screen.lines().enumerate().find_map(|(y, line)| {
        let at = line.find(text)?;
        Some((unicode_width::UnicodeWidthStr::width(&line[..at]) as u16, y as u16))
    });
    found.unwrap_or_else(|| panic!("no {text} on\n{screen}"))
}

#[test]
fn everything_is_reached_by_the_mouse() {
    let mut app = app(Look::default(), 6, 120, 40);
    let press = MouseEventKind::Down(MouseButton::Left);
    // A hint does what its key does.
    let (x, y) = find(&app, "S back");
    mouse(&mut app, press, x + 3, y);
    assert_eq!(app.step(), 5);
    let (x, y) = find(&app, ": command");
    mouse(&mut app, press, x, y);
    assert!(matches!(app.top.mode, InputMode::Command(_)));
    // The wheel goes through the list, a click takes what it points at.
    mouse(&mut app, MouseEventKind::ScrollDown, 20, 20);
    mouse(&mut app, MouseEventKind::ScrollDown, 20, 20);
    let (x, y) = find(&app, "back  ");
    mouse(&mut app, press, x + 1, y);
    assert!(matches!(app.top.mode, InputMode::Normal));
    assert_eq!(app.step(), 4);
    // The same for the candidates of a position.
    super::fake::press(&mut app, "e");
    let InputMode::Pick(_) = app.top.mode else { panic!("no list") };
    let (x, y) = find(&app, "Write at");
    mouse(&mut app, press, x + 2, y + 3);
    assert!(app.history.moments[app.step() as usize].edited, "{}", message(&app));
}

#[test]
fn what_the_cursor_is_on_is_copied() {
    let mut app = app(Look::default(), 0, 100, 30);
    finish(&mut app);
    let copied = |app: &mut App, letter| {
        bare(app, KeyCode::Char('y'), KeyModifiers::NONE);
        assert!(matches!(app.top.mode, InputMode::Copy));
        let effects = bare(app, KeyCode::Char(letter), KeyModifiers::NONE);
        assert!(matches!(app.top.mode, InputMode::Normal));
        effects.into_iter().find_map(|effect| match effect {
            Effect::Copy(text) => Some(text),
            _ => None,
        })
    };
    let answer = app.debugger.answer();
    assert_eq!(copied(&mut app, 'a'), Some(answer));
    let token = app.canvas().cells()[app.display.position].token;
    assert_eq!(copied(&mut app, 'i'), Some(token.to_string()));
    let ids = copied(&mut app, 'n').unwrap();
    assert_eq!(ids.split(',').count(), app.canvas().tail());
    let why = copied(&mut app, 'w').unwrap();
    assert!(why.starts_with(&format!("position {}", app.display.position)), "{why}");
    let script = copied(&mut app, 's').unwrap();
    assert_eq!(script, app.running.script.join("\n"));
    // A click takes the question away, and does nothing below it.
    bare(&mut app, KeyCode::Char('y'), KeyModifiers::NONE);
    let focus = app.display.focus;
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), 2, 2);
    assert!(matches!(app.top.mode, InputMode::Normal) && app.display.focus == focus);
    // A row has a line of names over its values, and each as many.
    let row = copied(&mut app, 'r').unwrap();
    let (names, values) = row.split_once('\n').unwrap();
    assert_eq!(names.split('\t').count(), values.split('\t').count(), "{row}");
    let at = names.split('\t').position(|name| name == "token").unwrap();
    assert_eq!(values.split('\t').nth(at), Some(token.to_string().as_str()), "{row}");
    // In a list it is the entry.
    super::fake::press(&mut app, "3");
    assert_eq!(copied(&mut app, 'r').as_deref(), Some("high_conf_threshold\t0.9"));
    // Nobody knows how this one was started, and it is in no file.
    for letter in ['c', 'l', 'x'] {
        assert_eq!(copied(&mut app, letter), None, "{letter}");
    }
}
