//! What a screen and the loop that drives it say to each other.

use std::{sync::Arc, time::Duration};

use crossterm::event::Event as TerminalEvent;
use ratatui::buffer::Buffer;

use super::reading::Feed;
use crate::{
    predict::{Key, Request},
    session::{EngineReport, NodeId, RunNews},
};

/// Something that the interface has to take notice of.
#[derive(Debug)]
pub enum AppEvent {
    /// A key, the mouse, or a new size, from the terminal.
    Terminal(TerminalEvent),
    /// From the engine thread of a model, which has this number.
    Report(usize, EngineReport),
    /// From the thread that reads the recording.
    News(RunNews),
    /// A running run is due for its next step.
    Tick,
    /// There is time for a try.
    Spare,
    /// Something has come that the interface waits for, and it knows where to look.
    Arrived,
}

/// Sends [`AppEvent::Arrived`]; returns false if nobody listens any more.
pub type Wake = Arc<dyn Fn() -> bool + Send + Sync>;

/// Something to be done outside.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Ask the model with this number, 0 where there is one, for a prediction.
    Submit(usize, Key, Arc<Request>),
    /// Cancel what the models work on.
    Cancel,
    /// Give the terminal back and stop the process until it is continued.
    Suspend,
    /// Take the terminal over again: the process was continued.
    Resume,
    /// Put a text on the clipboard.
    Copy(String),
    /// Leave the mouse to the terminal, so that it selects text, or listen to it again.
    ToggleMouse,
    /// Draw every cell anew, whatever the terminal shows.
    Redraw,
    /// Leave the loop; the run and its recording end.
    Quit,
}

/// What the loop drives: the debugger, the screen of a comparison, or the list of a folder.
pub trait Interface {
    /// The terminal has this size.
    fn resize(&mut self, width: u16, height: u16);
    /// What is to be done before the first event.
    fn begin(&mut self) -> Vec<Effect>;
    /// Takes an event in and says what is to be done about it.
    fn update(&mut self, event: AppEvent) -> Vec<Effect>;
    /// True if characters are put into a text, and do nothing else.
    fn takes_text(&self) -> bool {
        false
    }
    /// Draws a frame of the whole screen.
    fn draw(&self, buffer: &mut Buffer);
    /// True if a [`AppEvent::Tick`] is wanted, a [`Interface::period`] after the last.
    fn due(&self) -> bool;
    /// Time between two ticks.
    fn period(&self) -> Duration;
    /// True if an [`AppEvent::Spare`] is wanted: there is work to be done when nothing else is.
    fn spare(&self) -> bool;
    /// The forward pass whose answer the next frame should have, if it comes soon.
    fn busy(&self) -> Option<Key>;
    /// The pass in work takes long: this long so far; `None` while it does not.
    fn set_slow(&mut self, time: Option<Duration>);
    /// The mouse was left to the terminal with a key, or is listened to again.
    fn set_selecting(&mut self, _selecting: bool) {}
    /// The rest of a recording, to be read meanwhile, or what a loop does.
    fn rest(&mut self) -> Option<Feed> {
        None
    }
    /// What is to be called when something comes that the interface waits for.
    fn wake_by(&mut self, _: Wake) {}
}

/// A screen over the debugger, which to quit leads back to.
pub trait InnerScreen: Interface {
    /// Its width and height.
    fn size(&self) -> (u16, u16);
    /// True if the last key was the one that interrupts, which quits when it is pressed twice.
    fn interrupted(&self) -> bool;
    /// Where the debugger is to go, if that was chosen: a branch's end, and a node on it.
    fn chosen(&self) -> Option<(NodeId, NodeId)>;
}
