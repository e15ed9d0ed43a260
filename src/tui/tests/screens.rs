//! Drawings: every size whole, every pane zoomed, every palette once. Snapshots of a buffer
//! leave colour out, so each is glyphs, then a letter for the style of every cell, then what the
//! letters mean.

use super::fake::{self, press, styled};
use crate::{
    session::Session,
    tui::{App, Look, Palette, Shade, StepSource, frame},
};

/// Compares a drawing with the one on file.
pub fn check(name: &str, app: &App) {
    let drawing = styled(&frame::picture(app, app.display.width, app.display.height));
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, drawing));
}

#[test]
fn whole_screens() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        for (name, steps) in [("start", 0), ("growing", 3), ("filling", 9)] {
            let app = fake::app(Look::default(), steps, width, height);
            check(&format!("{width}x{height}_{name}"), &app);
        }
        let mut app = fake::app(Look::default(), 0, width, height);
        fake::finish(&mut app);
        check(&format!("{width}x{height}_done"), &app);
    }
}

#[test]
fn expansions_are_orange() {
    let mut app = fake::app(Look::default(), 0, 100, 30);
    let expands =
        |app: &App| app.decision().is_some_and(|decision| decision.expansions().next().is_some());
    while !expands(&app) {
        press(&mut app, "s");
        assert!(app.step() < 200, "the fake run never expands");
    }
    check("expanding", &app);
    press(&mut app, "s 2");
    check("expanded", &app);
}

#[test]
fn looks() {
    for (name, palette, ascii) in [
        ("256", Palette::Ansi256, false),
        ("16", Palette::Ansi16, false),
        ("mono", Palette::Mono, false),
        ("ascii", Palette::TrueColor, true),
        ("mono_ascii", Palette::Mono, true),
        ("light", Palette::TrueColor, false),
    ] {
        let shade = if name == "light" { Shade::Light } else { Shade::Dark };
        let app = fake::app(Look { palette, ascii, shade, ..Look::default() }, 9, 120, 40);
        check(&format!("look_{name}"), &app);
    }
}

#[test]
fn order_is_read_without_colour() {
    let mut app = fake::app(Look { palette: Palette::Mono, ..Look::default() }, 9, 80, 24);
    press(&mut app, "H z");
    check("canvas_order_mono", &app);
    // The key leads back to confidence.
    let by_confidence = fake::app(Look::default(), 9, 80, 24);
    let mut cycled = fake::app(Look::default(), 9, 80, 24);
    press(&mut cycled, "H H");
    let drawn = |app: &App| styled(&frame::picture(app, 80, 24));
    assert_eq!(drawn(&cycled), drawn(&by_confidence));
}

#[test]
fn panes_alone() {
    for (name, keys) in [
        ("canvas", "z"),
        ("canvas_bars", "t z"),
        ("canvas_order", "H z"),
        ("grid", "Tab z"),
        ("eos", "1 z"),
        ("inspector", "2 z"),
        ("params", "3 j z"),
        ("timeline", "4 z"),
        ("log", "5 z"),
        ("waterfall", "6 z"),
    ] {
        let mut app = fake::app(Look::default(), 12, 90, 26);
        press(&mut app, keys);
        check(&format!("pane_{name}"), &app);
    }
}

#[test]
fn tabs_of_the_small_screen() {
    for (name, keys) in
        [("inspector", "2"), ("params", "3"), ("timeline", "4"), ("log", "5"), ("waterfall", "6")]
    {
        let mut app = fake::app(Look::default(), 12, 80, 24);
        press(&mut app, keys);
        check(&format!("tab_{name}"), &app);
    }
}

#[test]
fn what_lies_over_the_panes() {
    let mut app = fake::app(Look::default(), 4, 80, 24);
    press(&mut app, "?");
    check("help", &app);
    press(&mut app, "Esc E");
    check("prompt", &app);
    press(&mut app, "Esc 3 Enter");
    check("value", &app);
    press(&mut app, "Esc q");
    check("leaving", &app);
    press(&mut app, "Esc y");
    check("copy", &app);
}

#[test]
fn branches_and_what_if() {
    let mut app = fake::app(Look::default(), 9, 120, 40);
    press(&mut app, "S S S S - - - - - - - - - - - - - - - - - - - - - - - - - - - -");
    check("what_if", &app);
    press(&mut app, "s s s s");
    check("branches", &app);
}

#[test]
fn a_recording() {
    let mut app = replay(6);
    check("replay", &app);
    press(&mut app, "$ s");
    check("replay_end", &app);
    press(&mut app, "R");
    check("replay_unknown", &app);
}

/// A replay of a run of some steps, opened before the first.
pub fn replay(steps: usize) -> App {
    let live = fake::app(Look::default(), steps, 80, 24);
    let mut store = std::collections::HashMap::new();
    for node in live.debugger.session.timeline().path(live.debugger.session.at()) {
        if let Some(made) = live.debugger.session.timeline()[node].step()
            && let Some(prediction) = live.debugger.session.prediction(made.prediction)
        {
            store.insert(made.prediction, prediction);
        }
    }
    let mut start = fake::start(Look::default());
    let timeline = live.debugger.session.timeline().clone();
    let at = timeline.roots()[0];
    let extras = crate::decode::Extras {
        columns: crate::predict::ColumnSet::of(&[
            crate::predict::Column::PArgmax,
            crate::predict::Column::Entropy,
            crate::predict::Column::Margin,
            crate::predict::Column::TopK,
        ]),
        top_k: 6,
        ..crate::decode::Extras::NONE
    };
    start.session = Session::over(&crate::decode::daedal::Daedal, extras, timeline, at, store);
    start.predictor = None;
    start.host = Box::new(crate::debugger::NoHost);
    start.source = StepSource::Replay("short.jsonl".to_owned());
    App::new(start, 100, 30)
}
