//! A recording that is still being read or written, or a sampling loop under the debugger: what
//! there is so far can be looked at, and the rest is added as it comes.

use std::io;

use super::{App, Saved};
use crate::{
    debugger::{Driven, Goal},
    session::{LoopMessage, RunNews},
    tui::StepSource,
};

/// Is called with news; returns false if they are not needed any more.
pub type Notify = Box<dyn Fn(RunNews) -> bool + Send>;

/// Starts a thread that passes on news.
pub type Feed = Box<dyn FnOnce(Notify) -> io::Result<()> + Send>;

/// The rest of a recording, or of what a loop does.
pub struct Rest {
    /// Where it comes from.
    pub feed: Feed,
    /// Bytes read so far, and the total if it is known.
    pub progress: (u64, Option<u64>),
    /// Every step is shown as it comes, from the last one on.
    pub live: bool,
}

/// How reading goes on.
pub(in crate::tui) struct ReadingProgress {
    feed: Option<Feed>,
    live: bool,
    done: u64,
    of: Option<u64>,
}

impl ReadingProgress {
    /// How far a recording is read whose rest is still to come.
    pub fn of(rest: Rest) -> Self {
        let (done, of) = rest.progress;
        Self { live: rest.live, done, of, feed: Some(rest.feed) }
    }

    /// Where the rest comes from, for the thread that reads it.
    pub fn take_feed(&mut self) -> Option<Feed> {
        self.feed.take()
    }

    /// The words for it in the title.
    pub fn badge(&self) -> String {
        match (self.live, self.of) {
            (true, _) => "FOLLOWING".to_owned(),
            (false, Some(of)) => format!("READING {} %", self.done * 100 / of.max(1)),
            (false, None) => "READING".to_owned(),
        }
    }
}

impl App {
    /// True where the next step has not been read, or not been made yet.
    pub(in crate::tui) fn awaits_step(&self) -> bool {
        self.debugger.awaits_step()
    }

    fn end_reading(&mut self) {
        self.reading = None;
        self.debugger.end_following();
        self.refresh();
    }

    /// Handles news of the recording or the loop.
    pub(in crate::tui) fn take_news(&mut self, news: RunNews) {
        let Some(reading) = &mut self.reading else { return };
        let live = reading.live;
        match news {
            RunNews::Read(done, of) => (reading.done, reading.of) = (done, of),
            RunNews::Events(events) => {
                // What comes from the file that is followed is in it.
                let all_saved = matches!(self.source, StepSource::Replay(_)) && self.all_saved();
                self.debugger.learn(&events, live);
                if all_saved {
                    self.storage.saved = Saved::all_of(&self.debugger.session);
                }
                self.refresh();
                // A run visits the step that it asked for at once, before further news is handled.
                if self.debugger.driven.is_some()
                    && self.debugger.goal().is_some()
                    && self.debugger.known_forward()
                {
                    self.go_on();
                }
            }
            RunNews::Loop(word) => {
                // After a changed parameter, a loop may propose another step in place of the one on
                // screen. The user sees it before it is made.
                let asked = self.debugger.driven.as_ref().is_some_and(Driven::asked);
                if matches!(word, LoopMessage::Proposes(_))
                    && asked
                    && self.debugger.goal() == Some(&Goal::Steps(1))
                {
                    self.debugger.halt();
                    self.say("the step was decided anew; s makes it");
                }
                if let Some(line) = self.debugger.hear(word) {
                    self.complain(line);
                }
                self.refresh();
            }
            RunNews::Over(notices) => {
                let driven = self.debugger.driven.is_some();
                self.end_reading();
                for notice in notices {
                    self.complain(notice);
                }
                match (driven, live) {
                    (true, _) => self.say("the loop has ended; its steps stay here"),
                    (false, true) => self.say("the recording has ended"),
                    (false, false) => {}
                }
            }
            RunNews::Failed(why) => {
                self.end_reading();
                self.complain(why);
            }
        }
    }
}
