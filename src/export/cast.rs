//! A run as a terminal would have shown it: an asciicast (version 2) with an event a step.

use std::io::{self, Write};

use crossterm::style::force_color_output;
use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::Buffer,
    layout::Rect,
};
use serde_json::json;

use super::{
    error::ExportError,
    format::{ExportFormat, Make, Screens},
};

/// The run as an asciicast.
pub const FORMAT: ExportFormat = ExportFormat {
    name: "cast",
    help: "the run as an asciicast (version 2), a screen a step",
    step: Some("begun with"),
    make: Make::Screens { timed: true, write },
};

/// How long the last screen stays, seconds.
const HOLD: f64 = 3.0;

/// Writes a header, then each screen, only what changed on it.
fn write(of: Screens, out: &mut dyn Write) -> Result<(), ExportError> {
    // The screens have the colours that they are to have, whatever the environment is.
    force_color_output(of.colored);
    let (width, height) = of.size;
    let header = json!({ "version": 2, "width": width, "height": height, "title": of.title });
    writeln!(out, "{header}")?;
    let mut event = |at: f64, text: &str| {
        // Microseconds: events stay in order at any speed.
        writeln!(out, "{}", json!([(at * 1e6).round() / 1e6, "o", text]))
    };
    event(0.0, "\x1b[?25l\x1b[2J")?;
    let mut before = Buffer::empty(Rect::new(0, 0, width, height));
    let mut last = 0.0;
    for (step, screen) in of.screens.enumerate() {
        last = step as f64 / of.speed;
        event(last, &changes(&before, &screen)?)?;
        before = screen;
    }
    Ok(event(last + HOLD, "\x1b[0m\x1b[?25h")?)
}

/// What a terminal is told to turn one screen into the next.
fn changes(before: &Buffer, screen: &Buffer) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut backend = CrosstermBackend::new(&mut bytes);
    backend.draw(before.diff(screen).into_iter())?;
    Backend::flush(&mut backend)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}
