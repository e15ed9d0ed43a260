//! The debugger's screen without a terminal: everything is worked out and written as for one, into
//! nothing. It is for measuring what the interface costs.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};

use super::super::{
    Start,
    app::{Action, App, interface::AppEvent},
    frame,
    update::{update, want},
};
use crate::{
    predict::{Key, Prediction},
    session::{EngineReport, Session},
};

/// The screen of a live session; whoever drives it runs the model.
pub struct OffScreen {
    app: App,
    terminal: Terminal<CrosstermBackend<Sink>>,
    written: Arc<AtomicUsize>,
}

impl OffScreen {
    /// A screen of this many columns and rows.
    ///
    /// # Errors
    /// None that is known: nothing is asked of a terminal.
    pub fn new(start: Start, width: u16, height: u16) -> io::Result<Self> {
        let mut app = App::new(start, width, height);
        app.debugger.live = true;
        want(&mut app, &mut Vec::new());
        let written = Arc::new(AtomicUsize::new(0));
        // Only a fixed size is not asked for.
        let viewport = Viewport::Fixed(Rect::new(0, 0, width, height));
        let backend = CrosstermBackend::new(Sink(written.clone()));
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        Ok(Self { app, terminal, written })
    }

    /// The session that is drawn.
    pub fn session(&self) -> &Session {
        &self.app.debugger.session
    }

    /// Takes the answer to a request in, as from the engine.
    pub fn supply(&mut self, key: Key, prediction: Prediction, took: Duration) {
        update(&mut self.app, AppEvent::Report(0, EngineReport::Done { key, prediction, took }));
    }

    /// Makes the pending step, as its key does; false if it cannot be made.
    pub fn step(&mut self) -> bool {
        let before = self.session().at();
        let mut effects = Vec::new();
        if let Some(row) = self.app.keymap.of(Action::Step) {
            row.act(&mut self.app, &mut effects);
        }
        want(&mut self.app, &mut effects);
        self.session().at() != before
    }

    /// Draws a frame; answers with the bytes that a terminal would get.
    ///
    /// # Errors
    /// None that is known: nothing is written anywhere.
    pub fn draw(&mut self) -> io::Result<usize> {
        self.written.store(0, Ordering::Relaxed);
        self.terminal.draw(|frame| frame::draw(&self.app, frame.buffer_mut()))?;
        Ok(self.written.load(Ordering::Relaxed))
    }

    /// Closes the recording.
    ///
    /// # Errors
    /// What went wrong with it, in words.
    pub fn close(mut self) -> Result<(), String> {
        self.app.debugger.session.finish_recording()
    }
}

/// Where the bytes go: they are counted.
struct Sink(Arc<AtomicUsize>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
