//! A strategy that masks written positions again: what is about to go is seen before it goes.

use super::{
    fake::{self, glyphs, press},
    screens::check,
};
use crate::{
    decode::{Params, Value, strategy},
    session::Session,
    tui::{App, Look, Palette, frame, theme},
};

/// A run of `remdm` up to a step that takes tokens back.
fn app(look: Look) -> App {
    let remdm = strategy("remdm").unwrap();
    let mut params = Params::defaults(remdm.params());
    for (name, value) in
        [("gen_length", Value::Int(32)), ("steps", Value::Int(12)), ("eta", Value::Float(0.1))]
    {
        params.set(name, value).unwrap();
    }
    let mut start = fake::start(look);
    let prompt = start.session.canvas().prompt().to_vec();
    let extras = crate::decode::Extras::NONE;
    start.session = Session::new(remdm, &prompt, fake::special(), params, extras, None).unwrap();
    let mut app = fake::app_of(start, 0, 100, 30);
    while app.decision().is_none_or(|decision| decision.remasks().next().is_none()) {
        press(&mut app, "s");
        assert!(app.step() < 13, "nothing is ever masked again");
    }
    app
}

#[test]
fn what_is_about_to_be_masked_again_is_marked() {
    for (name, palette, ascii) in [
        ("remasking", Palette::TrueColor, false),
        ("remasking_mono", Palette::Mono, false),
        ("remasking_ascii", Palette::Mono, true),
    ] {
        let app = app(Look { palette, ascii, ..Look::default() });
        let many = app.decision().unwrap().remasks().count();
        let drawn = glyphs(&frame::picture(&app, app.width, app.height));
        let sign = app.theme.sign(theme::REMASKS);
        assert!(drawn.matches(sign).count() >= many, "{drawn}");
        assert!(drawn.contains(&format!("masks {many} again")), "{drawn}");
        check(name, &app);
    }
}

#[test]
fn steps_that_take_back_are_events_and_are_told() {
    let mut app = app(Look::default());
    let at = app.step();
    press(&mut app, "s");
    let told = &app.history.moments[app.step() as usize];
    assert!(told.entries.iter().any(|entry| entry.text.starts_with("masked again")), "{told:?}");
    assert!(told.made.as_ref().is_some_and(|made| made.remasks > 0));
    fake::finish(&mut app);
    // Back from the end over every step that took tokens back, to this one.
    while app.step() > at + 1 {
        let before = app.step();
        press(&mut app, "[");
        assert!(app.step() < before, "no event before {before}");
        let made = app.history.moments[app.step() as usize].made.as_ref();
        assert!(made.is_some_and(|made| made.remasks > 0), "step {}", app.step());
    }
    assert_eq!(app.step(), at + 1);
}
