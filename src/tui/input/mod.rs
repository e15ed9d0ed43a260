//! Keys, mouse, pastes and sizes from the terminal, as events.
//!
//! On Unix this module reads the bytes, not crossterm: crossterm waits for the end of a paste
//! forever, so keys typed meanwhile are lost, and it delivers one key per wake-up.

pub(in crate::tui) mod chord;
mod parse;
#[cfg(unix)]
mod tty;

use std::io;

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

#[cfg(unix)]
use tty::TerminalSource;

/// What a terminal sends, in order.
pub(super) struct Input {
    source: TerminalSource,
    /// Taken from the source, and not handed over yet.
    held: Option<Event>,
}

impl Input {
    /// Reads from the terminal of the process until it is dropped.
    ///
    /// # Errors
    /// If there is no terminal, or no thread to read it.
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { source: TerminalSource::open()?, held: None })
    }

    /// The next event; `None` once the terminal has hung up. Sizes are those that are drawn.
    pub(super) async fn next(&mut self) -> Option<io::Result<Event>> {
        match self.held.take() {
            Some(event) => Some(Ok(event)),
            None => self.source.next().await.map(|event| event.map(drawn)),
        }
    }

    /// The characters that are already waiting behind a typed one. Fast input is inserted at once,
    /// because the cost of inserting one character grows with the length of the text.
    pub(super) fn typed_behind(&mut self) -> String {
        let mut text = String::new();
        while self.held.is_none() {
            match self.source.try_next() {
                None => break,
                Some(event) => match typed(&event) {
                    Some(c) => text.push(c),
                    None => self.held = Some(drawn(event)),
                },
            }
        }
        text
    }
}

/// The character that an event types, if it types one.
pub(super) fn typed(event: &Event) -> Option<char> {
    let Event::Key(key) = event else { return None };
    let plain = key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
    match key.code {
        KeyCode::Char(c) if plain && key.kind != KeyEventKind::Release => Some(c),
        _ => None,
    }
}

/// The largest screen that is drawn, cells: 8K displays have fewer with any font. A terminal that
/// says it is larger gets its upper left part, for each cell is kept twice.
const LARGEST_SCREEN: (u16, u16) = (2000, 1000);

/// The part of a terminal of this size that is drawn.
pub(super) fn bounded(width: u16, height: u16) -> (u16, u16) {
    (width.min(LARGEST_SCREEN.0), height.min(LARGEST_SCREEN.1))
}

/// An event with a size that can be drawn.
fn drawn(event: Event) -> Event {
    match event {
        Event::Resize(width, height) => {
            let (width, height) = bounded(width, height);
            Event::Resize(width, height)
        }
        event => event,
    }
}

/// Where there is no tty: crossterm's own stream.
#[cfg(not(unix))]
struct TerminalSource(crossterm::event::EventStream);

#[cfg(not(unix))]
impl TerminalSource {
    fn open() -> io::Result<Self> {
        Ok(Self(crossterm::event::EventStream::new()))
    }

    async fn next(&mut self) -> Option<io::Result<Event>> {
        futures_util::StreamExt::next(&mut self.0).await
    }

    fn try_next(&mut self) -> Option<Event> {
        futures_util::FutureExt::now_or_never(self.next()).flatten()?.ok()
    }
}
