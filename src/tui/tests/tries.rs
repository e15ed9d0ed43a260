//! Tries: runs under other parameters beside the one on screen, in spare time.

use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};

use super::{
    fake::{app, finish, predict, typed},
    screens::check,
};
use crate::{
    predict::{Key, PredictError},
    session::EngineReport,
    tui::{
        App, Look, Palette,
        app::interface::{AppEvent, Effect},
        screen::update,
    },
};

/// Passes asked for, answered as the engine would until none is; how many there were.
pub fn settle(app: &mut App, mut effects: Vec<Effect>) -> usize {
    let mut passes = 0;
    loop {
        let asked = effects.iter().find_map(|effect| match effect {
            Effect::Submit(_, key, request) => Some((*key, request.clone())),
            _ => None,
        });
        match asked {
            Some((key, request)) => {
                effects.retain(
                    |effect| !matches!(effect, Effect::Submit(_, other, _) if *other == key),
                );
                passes += 1;
                effects.extend(done(app, key, predict(&request)));
            }
            None if app.try_due() => effects.extend(update(app, AppEvent::Spare)),
            None => return passes,
        }
    }
}

pub fn done(app: &mut App, key: Key, prediction: crate::predict::Prediction) -> Vec<Effect> {
    update(
        app,
        AppEvent::Report(0, EngineReport::Done { key, prediction, took: Duration::from_millis(7) }),
    )
}

pub fn key(name: &str) -> AppEvent {
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Down" => KeyCode::Down,
        name => KeyCode::Char(name.chars().next().expect("a key")),
    };
    AppEvent::Terminal(TerminalEvent::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// Presses keys, answering what is asked after each; how many passes that took.
fn press(app: &mut App, keys: &str) -> usize {
    let mut passes = 0;
    for name in keys.split(' ') {
        let effects = update(app, key(name));
        passes += settle(app, effects);
    }
    passes
}

/// A run that is over, with a try of another threshold that is over too.
fn tried(look: Look, width: u16, height: u16) -> App {
    let mut app = app(look, 0, width, height);
    finish(&mut app);
    typed(&mut app, ":set high_conf_threshold 0.3");
    press(&mut app, "Enter a");
    app
}

#[test]
fn the_box() {
    for (name, palette, ascii, width, height) in [
        ("try_80x24", Palette::TrueColor, false, 80, 24),
        ("try_120x40", Palette::TrueColor, false, 120, 40),
        ("try_mono_ascii", Palette::Mono, true, 80, 24),
    ] {
        let mut app = tried(Look { palette, ascii, ..Look::default() }, width, height);
        press(&mut app, "- - Down");
        // One more runs still.
        update(&mut app, key("-"));
        check(name, &app);
    }
}

#[test]
fn a_try_is_the_run_that_the_parameters_make() {
    let mut app = tried(Look::default(), 80, 24);
    let steps = app.debugger.session.timeline().len();
    let tries = app.debugger.tries.list();
    assert_eq!(tries.len(), 1);
    assert!(tries[0].over() && app.top.tries_shown);
    let tokens = tries[0].session.canvas().tokens();
    let (passes, run) = (tries[0].session.passes(), tries[0].session.node().steps as usize);
    // Stage 1 is the same: its passes are not run again.
    assert!(passes > 0 && passes < run, "{passes} of {run}");
    // Looking at it changes nothing.
    assert_eq!(app.debugger.session.timeline().len(), steps);
    // Taken over it is a run of the session, without a pass.
    let before = app.debugger.session.passes();
    assert_eq!(press(&mut app, "Enter"), 0);
    assert_eq!(app.debugger.session.passes(), before);
    assert_eq!(app.canvas().tokens(), tokens);
    assert!(!app.top.tries_shown && app.debugger.session.timeline().branches().len() == 2);
    // What the parameters were is with it; the run before is kept.
    assert_eq!(app.debugger.session.params().float("high_conf_threshold"), Ok(0.3));
    press(&mut app, "'");
    assert_ne!(app.canvas().tokens(), tokens);
}

#[test]
fn a_turn_gives_the_running_try_up_and_begins_another() {
    let mut app = app(Look::default(), 0, 80, 24);
    finish(&mut app);
    typed(&mut app, ":set high_conf_threshold 0.3");
    press(&mut app, "Enter");
    let effects = update(&mut app, key("a"));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Submit(..))), "{effects:?}");
    let Some((first, _)) = app.debugger.try_wanted() else { panic!("nothing is wanted") };
    for c in ":set high_conf_threshold 0.5".chars() {
        update(&mut app, key(&c.to_string()));
    }
    let effects = update(&mut app, key("Enter"));
    let tries: Vec<u32> = app.debugger.tries.list().iter().map(|tried| tried.id).collect();
    assert_eq!(tries, [2]);
    let wanted = app.debugger.try_wanted().map(|(key, _)| key);
    assert_ne!(wanted, Some(first));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Cancel)), "{effects:?}");
    assert_eq!(submitted(&effects), None);
    // It is asked for when the cancelled pass has said so.
    let report = EngineReport::Failed(first, PredictError::Cancelled);
    let effects = update(&mut app, AppEvent::Report(0, report));
    settle(&mut app, effects);
    assert!(app.debugger.tries.running().is_none());
    assert!(!app.running.held, "the foreground was not cancelled");
}

#[test]
fn the_foreground_goes_first() {
    let mut app = app(Look::default(), 9, 80, 24);
    typed(&mut app, ":set high_conf_threshold 0.3");
    update(&mut app, key("Enter"));
    let effects = update(&mut app, key("a"));
    let background = submitted(&effects);
    // A step on the canvas on screen wants a pass of its own: the try's is cancelled for it.
    let effects = update(&mut app, key("s"));
    let foreground = submitted(&effects);
    assert!(background.is_some() && foreground.is_some(), "{background:?} {foreground:?}");
    let cancelled = effects.iter().position(|effect| matches!(effect, Effect::Cancel));
    let asked = effects.iter().position(|effect| matches!(effect, Effect::Submit(..)));
    assert!(cancelled.is_some() && cancelled < asked, "{effects:?}");
    assert_eq!(app.running.busy.map(|busy| busy.key), foreground);
    assert_eq!(app.step(), 10, "the key was answered");
}

#[test]
fn a_pass_begun_for_a_try_serves_the_foreground_too() {
    let mut app = app(Look::default(), 2, 80, 24);
    let effects = update(&mut app, key("a"));
    let begun = submitted(&effects);
    assert!(begun.is_some(), "{effects:?}");
    // Stage 1 goes the same way in both.
    let effects = update(&mut app, key("s"));
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(app.running.busy.map(|busy| busy.key), begun);
    let passes = app.debugger.session.passes();
    let request = app.debugger.try_wanted().map(|(_, request)| request).expect("it is wanted");
    let _ = done(&mut app, begun.expect("asked for"), predict(&request));
    assert_eq!(app.debugger.session.passes(), passes + 1);
    assert!(app.decision().is_some() && app.running.busy.is_none());
}

fn submitted(effects: &[Effect]) -> Option<Key> {
    effects.iter().find_map(|effect| match effect {
        Effect::Submit(_, key, _) => Some(*key),
        _ => None,
    })
}

#[test]
fn a_try_of_named_values_turns_nothing() {
    let mut app = app(Look::default(), 0, 80, 24);
    finish(&mut app);
    typed(&mut app, ":try block_length=8 high-conf-threshold=0.5");
    press(&mut app, "Enter");
    assert_eq!(app.debugger.session.params().count("block_length"), Ok(16));
    let tried = &app.debugger.tries.list()[0];
    assert_eq!(tried.session.params().count("block_length"), Ok(8));
    assert!(tried.over());
    // The same again is the same try, and no pass.
    typed(&mut app, ":try block_length=8 high-conf-threshold=0.5");
    assert_eq!(press(&mut app, "Enter"), 0);
    assert_eq!(app.debugger.tries.list().len(), 1);
    press(&mut app, "D");
    assert!(app.debugger.tries.list().is_empty());
    press(&mut app, "Esc");
    assert!(!app.top.tries_shown);
    for (text, word) in [("try block_length=0", "must lie in"), ("try speed=1", "no parameter")] {
        typed(&mut app, &format!(":{text}"));
        press(&mut app, "Enter");
        let message = app.top.message.take().map(|(_, text)| text).unwrap_or_default();
        assert!(message.contains(word), "{text}: {message}");
        press(&mut app, "Esc");
    }
}
