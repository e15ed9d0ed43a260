//! A run as a terminal would have shown it: an asciicast (version 2) with an event a step.

use std::io::{self, Write};

use crossterm::style::force_color_output;
use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::Buffer,
    layout::Rect,
};
use serde_json::json;

use super::{App, Start, frame, paint::theme::Palette};

/// How long the last screen stays, seconds.
const HOLD: f64 = 3.0;

/// Writes the run of `start` from where it stands to its end: a header, then the screen at each step,
/// `speed` of them a second, only what changed on it. Answers with the number of steps.
///
/// # Errors
/// If it cannot be written.
pub fn cast(
    start: Start,
    (width, height): (u16, u16),
    speed: f64,
    title: &str,
    out: &mut dyn Write,
) -> io::Result<usize> {
    // The palette says what colours there are, whatever the environment is.
    force_color_output(start.look.palette != Palette::Mono);
    let mut app = App::new(start, width, height);
    let header = json!({ "version": 2, "width": width, "height": height, "title": title });
    writeln!(out, "{header}")?;
    let mut event = |at: f64, text: &str| {
        // Microseconds: events stay in order at any speed.
        writeln!(out, "{}", json!([(at * 1e6).round() / 1e6, "o", text]))
    };
    event(0.0, "\x1b[?25l\x1b[2J")?;
    let mut before = Buffer::empty(Rect::new(0, 0, width, height));
    let mut steps = 0;
    loop {
        let screen = frame::picture(&app, width, height);
        event(steps as f64 / speed, &changes(&before, &screen)?)?;
        before = screen;
        let at = app.debugger.session.at();
        app.run("forward", [], &mut Vec::new());
        if app.debugger.session.at() == at {
            break;
        }
        steps += 1;
    }
    event(steps as f64 / speed + HOLD, "\x1b[0m\x1b[?25h")?;
    Ok(steps)
}

/// What a terminal is told to turn one screen into the next.
fn changes(before: &Buffer, screen: &Buffer) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut backend = CrosstermBackend::new(&mut bytes);
    backend.draw(before.diff(screen).into_iter())?;
    Backend::flush(&mut backend)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}
