//! The findings on the canvas: at the end of a run, and at the step before they begin.

use super::fake::{self, glyphs, press};
use crate::tui::{App, Look, frame};

/// A run of the fake model that unmasks what it is unsure of.
fn unsure(steps: usize, width: u16, height: u16) -> App {
    let params = fake::params(&[("high_conf_threshold", "0.2")]);
    fake::app_of(
        fake::start_with(Look::default(), params, fake::vocabulary()),
        steps,
        width,
        height,
    )
}

/// The same, made to its end.
fn finished(width: u16, height: u16) -> App {
    let mut app = unsure(0, width, height);
    fake::finish(&mut app);
    app
}

fn text(app: &App) -> String {
    glyphs(&frame::picture(app, app.display.width, app.display.height))
}

#[test]
fn the_first_finding_stands_on_the_canvas_at_the_end_and_enter_goes_there() {
    for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut app = finished(width, height);
        let finding = app.findings().first().expect("the fake model is unsure").clone();
        let before = finding.before().expect("of a step");
        assert!(text(&app).contains(finding.lint.name()), "{width}×{height}\n{}", text(&app));
        press(&mut app, "Enter");
        assert_eq!(app.step() as usize, before);
        assert_eq!(Some(app.display.position), finding.positions.first().copied());
        // The finding stands at this step too.
        assert!(text(&app).contains(finding.lint.name()), "{width}×{height}\n{}", text(&app));
    }
}

#[test]
fn enter_goes_to_the_positions_step_once_the_cursor_was_moved() {
    let mut app = finished(120, 40);
    press(&mut app, "Left");
    let cell = app.canvas().cells()[app.display.position];
    press(&mut app, "Enter");
    assert_eq!(cell.filled.map(|step| step - 1), Some(app.step()));
}

#[test]
fn a_run_is_not_diagnosed_before_its_end() {
    let mut app = unsure(3, 120, 40);
    assert!(app.findings().is_empty());
    fake::finish(&mut app);
    let finding = app.findings().first().expect("the fake model is unsure");
    assert!(text(&app).contains(finding.lint.name()));
}
