//! Questions that take passes of their own: which tokens changed a guess, and how probable a token is.

use super::{
    fake::{app, press, typed},
    screens::check,
    tries::{done, key, settle},
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

/// Stands at the first mask behind the tokens that are unmasked.
fn asking(look: Look, width: u16, height: u16) -> App {
    let mut app = app(look, 17, width, height);
    let mask = (0..app.canvas().len()).find(|&at| app.canvas().is_masked(at));
    app.put(mask.expect("a mask is left"));
    app
}

fn submitted(effects: &[Effect]) -> Option<Key> {
    effects.iter().find_map(|effect| match effect {
        Effect::Submit(_, key, _) => Some(*key),
        _ => None,
    })
}

fn message(app: &App) -> String {
    app.top.message.as_ref().map_or(String::new(), |(_, text)| text.clone())
}

#[test]
fn who_moved_a_guess() {
    for (name, palette, ascii, width, height) in [
        ("influence_80x24", Palette::TrueColor, false, 80, 24),
        ("influence_120x40", Palette::TrueColor, false, 120, 40),
        ("influence_mono_ascii", Palette::Mono, true, 80, 24),
    ] {
        let mut app = asking(Look { palette, ascii, ..Look::default() }, width, height);
        press(&mut app, "2");
        let effects = update(&mut app, key("M"));
        assert!(settle(&mut app, effects) > 0);
        assert!(message(&app).starts_with("influence on "), "{}", message(&app));
        check(name, &app);
        if height < 40 {
            continue;
        }
        // At another position one line says what its token does to the guess.
        let source = app.influence().and_then(|influence| Some(influence.ranked().first()?.0.slot));
        let source = source.and_then(|slot| app.canvas().position(slot));
        app.put(source.expect("a token is unmasked"));
        check("influence_elsewhere", &app);
    }
}

#[test]
fn the_question_changes_nothing_and_is_closed_by_its_key() {
    let mut app = asking(Look::default(), 80, 24);
    let (canvas, decision) = (app.canvas().clone(), app.decision().cloned());
    let (passes, nfe) = (app.debugger.session.passes(), app.debugger.session.node().steps);
    let effects = update(&mut app, key("M"));
    let asked = settle(&mut app, effects);
    assert_eq!(app.debugger.session.passes(), passes + asked);
    assert_eq!(app.debugger.session.node().steps, nfe);
    assert_eq!((app.canvas(), app.decision()), (&canvas, decision.as_ref()));
    let influence = app.influence().cloned().expect("it was asked");
    assert_eq!(influence.known(), influence.sources.len());
    press(&mut app, "M");
    assert!(app.influence().is_none());
    // Asked again, it costs nothing.
    let effects = update(&mut app, key("M"));
    assert_eq!((submitted(&effects), app.influence()), (None, Some(&influence)));
}

#[test]
fn the_question_gives_way_stops_and_may_fail() {
    let mut app = asking(Look::default(), 80, 24);
    let first = submitted(&update(&mut app, key("M"))).expect("a pass is asked for");
    // A step that needs a pass goes first.
    let mut effects = update(&mut app, key("s"));
    for _ in 0..3 {
        if effects.iter().any(|effect| matches!(effect, Effect::Cancel)) {
            break;
        }
        effects = update(&mut app, key("s"));
    }
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Cancel)), "{effects:?}");
    assert_ne!(submitted(&effects), Some(first));
    let cancelled = EngineReport::Failed(first, PredictError::Cancelled);
    update(&mut app, AppEvent::Report(0, cancelled));
    assert!(!app.running.held);

    // Esc runs no further pass, and keeps what is known.
    let mut app = asking(Look::default(), 80, 24);
    let effects = update(&mut app, key("M"));
    let (asked, request) = effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Submit(_, key, request) => Some((*key, request.clone())),
            _ => None,
        })
        .expect("a pass is asked for");
    let next = submitted(&done(&mut app, asked, super::fake::predict(&request)));
    assert!(next.is_some_and(|next| next != asked));
    let effects = update(&mut app, key("Esc"));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Cancel)), "{effects:?}");
    assert_eq!(app.influence().map(|influence| influence.known()), Some(1));
    assert!(message(&app).contains("no further pass"), "{}", message(&app));
    update(&mut app, key("Esc"));
    assert!(app.influence().is_none());

    let mut app = asking(Look::default(), 80, 24);
    let asked = submitted(&update(&mut app, key("M"))).expect("a pass is asked for");
    let failed = PredictError::Failed("no memory".to_owned());
    update(&mut app, AppEvent::Report(0, EngineReport::Failed(asked, failed)));
    assert!(message(&app).contains("no memory"), "{}", message(&app));
    assert!(!app.running.held && app.debugger.question_wanted().is_none());
}

#[test]
fn how_probable_a_token_is() {
    let mut app = asking(Look::default(), 80, 24);
    let at = app.display.position;
    typed(&mut app, &format!(":probability {at} 5"));
    let effects = update(&mut app, key("Enter"));
    settle(&mut app, effects);
    assert!(message(&app).contains("(id 5): p "), "{}", message(&app));
}
