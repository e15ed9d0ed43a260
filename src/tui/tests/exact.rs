//! The pending step compared with its exact pass.

use std::time::Duration;

use super::{
    fake::{self, app_of, params, predict, press, special, typed},
    screens::check,
};
use crate::{
    decode::{Cache, Extras},
    predict::PredictError,
    session::{EngineReport, Session},
    tui::{
        App, Look, Palette,
        app::interface::{AppEvent, Effect},
        screen::update,
    },
};

/// A live application whose passes leave out what they may; nothing expands, so that the length
/// stays.
fn app(look: Look, steps: usize, width: u16, height: u16) -> App {
    let vocabulary = fake::vocabulary();
    let mut start = fake::start_with(look, params(&[("low_conf_threshold", "0")]), vocabulary);
    let session = &start.session;
    let (strategy, prompt) = (session.strategy(), session.canvas().prompt().to_vec());
    let extras = Extras { cache: Cache::Dual, ..session.extras() };
    let again = Session::new(strategy, &prompt, special(), session.params().clone(), extras, None);
    start.session = again.expect("a fair start");
    let mut app = app_of(start, 0, width, height);
    for _ in 0..steps {
        press(&mut app, "s");
    }
    // On to a pass that leaves something out.
    while app.debugger.session.exact_pass().is_err() {
        press(&mut app, "s");
        assert!(app.step() < 60, "no pass leaves anything out");
    }
    app
}

/// Presses `d` and answers the pass it asks for.
fn held(app: &mut App) {
    let d = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char('d'));
    let effects = update(app, AppEvent::Terminal(crossterm::event::Event::Key(d)));
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Submit(_, key, request) => Some((*key, request.clone())),
        _ => None,
    });
    let (key, request) = asked.unwrap_or_else(|| panic!("no pass is asked for: {effects:?}"));
    assert!(request.cached.is_none() && app.running.busy.is_none());
    let (prediction, took) = (predict(&request), Duration::from_millis(7));
    update(app, AppEvent::Report(0, EngineReport::Done { key, prediction, took }));
}

#[test]
fn how_far_the_exact_pass_is_away() {
    for (name, palette, ascii, width, height) in [
        ("exact_80x24", Palette::TrueColor, false, 80, 24),
        ("exact_120x40", Palette::TrueColor, false, 120, 40),
        ("exact_mono_ascii", Palette::Mono, true, 80, 24),
    ] {
        let mut app = app(Look { palette, ascii, ..Look::default() }, 14, width, height);
        press(&mut app, "2");
        held(&mut app);
        let changed = app.apart().map(|apart| apart.changed()).unwrap_or_default();
        let shown = changed.first().copied().unwrap_or_default();
        app.put(shown);
        check(name, &app);
    }
}

#[test]
fn the_exact_pass_changes_nothing_and_is_asked_for_once() {
    let mut app = app(Look::default(), 8, 80, 24);
    let (pending, passes) = (app.canvas().clone(), app.debugger.session.passes());
    let decided = app.decision().cloned();
    held(&mut app);
    assert_eq!(app.debugger.session.passes(), passes + 1);
    assert_eq!((app.canvas(), app.decision()), (&pending, decided.as_ref()));
    let apart = app.apart().cloned().expect("both are known");
    assert!(apart.compared() > 0);
    // Looked at again, it is known; where nothing is left out, that is said.
    press(&mut app, "d");
    assert!(app.apart().is_none());
    press(&mut app, "d");
    assert_eq!(app.apart(), Some(&apart));
    assert_eq!(app.debugger.session.passes(), passes + 1);
    press(&mut app, "d 0");
    typed(&mut app, ":exact");
    press(&mut app, "Enter");
    let message = app.top.message.take().map(|(_, text)| text).unwrap_or_default();
    assert!(message.contains("leaves nothing out"), "{message}");
}

#[test]
fn the_exact_pass_gives_way_and_may_fail() {
    let submit = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Submit(_, key, _) => Some(*key),
            _ => None,
        })
    };
    let key = |c| {
        let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char(c));
        AppEvent::Terminal(crossterm::event::Event::Key(key))
    };
    let mut app = app(Look::default(), 8, 80, 24);
    let exact = submit(&update(&mut app, key('d'))).expect("it is asked for");
    // The next step's pass is wanted more.
    let effects = update(&mut app, key('s'));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Cancel)), "{effects:?}");
    assert_ne!(submit(&effects), Some(exact));
    update(&mut app, AppEvent::Report(0, EngineReport::Failed(exact, PredictError::Cancelled)));
    assert!(!app.running.held && app.debugger.exact);

    fake::settle(&mut app);
    app.refresh();
    let again = app.debugger.exact_wanted().map(|exact| exact.key);
    if let Some(again) = again {
        update(&mut app, AppEvent::Tick);
        let error = PredictError::Failed("no memory".to_owned());
        update(&mut app, AppEvent::Report(0, EngineReport::Failed(again, error)));
        assert!(!app.running.held && !app.debugger.exact);
        let message = app.top.message.take().map(|(_, text)| text).unwrap_or_default();
        assert!(message.contains("the exact pass failed"), "{message}");
    }
}
