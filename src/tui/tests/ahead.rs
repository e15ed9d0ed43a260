//! Passes run ahead of steps, in spare time.

use super::{
    fake::{finish, start},
    tries::{done, key, settle},
};
use crate::{
    debugger::STEPS_AHEAD,
    predict::{Key, PredictError},
    session::{EngineReport, Pending},
    tui::{
        App, Look,
        app::interface::{AppEvent, Effect, Interface},
        screen::update,
    },
};

/// The debugger before its first pass, and the first thing it asks for.
fn begun(ahead: bool) -> (App, Vec<Effect>) {
    let mut app = App::new(crate::tui::Start { ahead, ..start(Look::default()) }, 80, 24);
    let effects = app.begin();
    (app, effects)
}

fn submitted(effects: &[Effect]) -> Option<Key> {
    effects.iter().find_map(|effect| match effect {
        Effect::Submit(_, key, _) => Some(*key),
        _ => None,
    })
}

#[test]
fn a_step_is_there_when_it_is_asked_for() {
    let (mut app, effects) = begun(true);
    assert_eq!(settle(&mut app, effects), 1 + STEPS_AHEAD);
    // What no step has asked for is no pass of the session.
    assert_eq!((app.debugger.session.passes(), app.debugger.ahead.unused()), (1, STEPS_AHEAD));
    for step in 1..=3 {
        let effects = update(&mut app, key("s"));
        assert!(matches!(app.debugger.session.pending(), Pending::Decided { .. }));
        assert_eq!((app.step(), app.debugger.session.passes()), (step, 1 + step as usize));
        // One further step is looked ahead.
        assert_eq!(settle(&mut app, effects), 1);
    }
}

#[test]
fn without_it_a_step_asks_for_its_pass() {
    let (mut app, effects) = begun(false);
    assert_eq!(settle(&mut app, effects), 1);
    let effects = update(&mut app, key("s"));
    assert!(matches!(app.debugger.session.pending(), Pending::Wanted { .. }));
    assert_eq!(settle(&mut app, effects), 1);
}

#[test]
fn a_run_is_the_same() {
    let run = |ahead| {
        let (mut app, effects) = begun(ahead);
        settle(&mut app, effects);
        for _ in 0..6 {
            let effects = update(&mut app, key("s"));
            settle(&mut app, effects);
        }
        finish(&mut app);
        let session = &app.debugger.session;
        let nodes = session.timeline().len();
        (session.canvas().tokens(), session.node().steps, nodes, session.passes())
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn what_is_not_going_to_happen_is_given_up() {
    let (mut app, effects) = begun(true);
    let first = submitted(&effects).unwrap();
    let Pending::Wanted { request, .. } = app.debugger.session.pending() else { panic!("no pass") };
    let prediction = super::fake::predict(&request.clone());
    let ahead = submitted(&done(&mut app, first, prediction)).unwrap();
    // Under another threshold another step follows.
    for c in ":set eos_confidence_threshold 0".chars() {
        update(&mut app, key(&c.to_string()));
    }
    let effects = update(&mut app, key("Enter"));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Cancel)), "{effects:?}");
    assert_ne!(submitted(&effects), Some(ahead));
}

#[test]
fn a_pass_that_failed_is_left_to_the_step_that_needs_it() {
    let (mut app, effects) = begun(true);
    let first = submitted(&effects).unwrap();
    let Pending::Wanted { request, .. } = app.debugger.session.pending() else { panic!("no pass") };
    let prediction = super::fake::predict(&request.clone());
    let ahead = submitted(&done(&mut app, first, prediction)).unwrap();
    let failed = EngineReport::Failed(ahead, PredictError::Unsupported("no memory".into()));
    let effects = update(&mut app, AppEvent::Report(0, failed));
    assert_eq!((submitted(&effects), app.top.message.is_none()), (None, true));
    let effects = update(&mut app, key("s"));
    assert_eq!(submitted(&effects), Some(ahead));
}
