//! Presets and macros, asked of the host.

use super::fake::{app_of, press, start, typed};
use crate::tui::{App, Look};

fn app() -> App {
    app_of(start(Look::default()), 9, 100, 30)
}

fn message(app: &App) -> &str {
    app.top.message.as_ref().map_or("", |(_, text)| text)
}

#[test]
fn a_preset_sets_what_it_names_and_is_decided_at_once() {
    let mut app = app();
    let before = app.decision().cloned();
    typed(&mut app, ":preset bold");
    press(&mut app, "Enter");
    assert_eq!(app.debugger.session.params().float("high_conf_threshold"), Ok(0.25));
    assert_ne!(app.decision().cloned(), before);
    assert!(app.what_if());
    typed(&mut app, ":save-preset mine");
    press(&mut app, "Enter");
    assert!(message(&app).contains("kept in mine"), "{}", message(&app));
}

#[test]
fn a_broken_preset_changes_nothing() {
    let mut app = app();
    let before = app.debugger.session.params().clone();
    for (name, word) in [("broken", "no_such"), ("other", "no `other`")] {
        typed(&mut app, &format!(":preset {name}"));
        press(&mut app, "Enter");
        assert!(message(&app).contains(word), "{}", message(&app));
        assert_eq!(app.debugger.session.params(), &before);
    }
}

#[test]
fn a_macro_is_done_command_by_command() {
    let mut app = app();
    typed(&mut app, ":macro twice");
    press(&mut app, "Enter");
    for _ in 0..6 {
        crate::tui::screen::update(&mut app, crate::tui::app::interface::AppEvent::Tick);
        super::fake::settle(&mut app);
    }
    assert_eq!(app.step(), 11);
    assert_eq!(app.debugger.session.params().float("low_conf_threshold"), Ok(0.25));
}
