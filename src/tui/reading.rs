//! A recording that is still being read, or written: what there is so far can be looked at, and
//! goes on by itself.

use std::path::PathBuf;

use super::app::App;
use crate::{
    session::{Followed, Session},
    trace::{News, Reader},
};

/// The rest of a recording.
pub struct Rest {
    /// It has been read so far.
    pub reader: Reader,
    /// The file, if another program is still writing it.
    pub growing: Option<PathBuf>,
    /// Every step is shown as it comes, from the last one on.
    pub live: bool,
}

/// How reading goes on.
pub(super) struct Reading {
    rest: Option<Rest>,
    followed: Followed,
    live: bool,
    done: u64,
    of: Option<u64>,
}

impl Reading {
    /// Reading the rest of what `session` was made of.
    pub fn of(rest: Rest, session: &Session) -> Self {
        let (done, of) = rest.reader.progress();
        let followed = Followed::all_of(session);
        Self { followed, live: rest.live, done, of, rest: Some(rest) }
    }

    /// The rest, for the thread that reads it.
    pub fn take_rest(&mut self) -> Option<Rest> {
        self.rest.take()
    }

    /// What is said of it in the title.
    pub fn badge(&self) -> Option<String> {
        match (self.live, self.of) {
            (true, _) => Some("FOLLOWING".to_owned()),
            (false, Some(of)) => Some(format!("READING {} %", self.done * 100 / of.max(1))),
            (false, None) => Some("READING".to_owned()),
        }
    }
}

impl App {
    /// True where the next step has not been read, or not been written yet.
    pub(super) fn awaits_step(&self) -> bool {
        self.debugger.awaits_step()
    }

    fn end_reading(&mut self) {
        self.reading = None;
        self.debugger.follows = false;
    }

    /// Takes news of the recording in. Whoever stands at its last step goes along with it.
    pub(super) fn take_news(&mut self, news: News) {
        let Some(reading) = &mut self.reading else { return };
        match news {
            News::Read(done, of) => (reading.done, reading.of) = (done, of),
            News::Events(events) => {
                // A run goes over what comes by itself.
                let along = reading.live
                    && self.debugger.goal().is_none()
                    && reading.followed.last() == Some(self.debugger.session.at());
                let session = &mut self.debugger.session;
                for event in &events {
                    session.learn(&mut reading.followed, event);
                }
                if let Some(last) = reading.followed.last().filter(|_| along) {
                    session.go(last);
                }
                self.refresh();
            }
            News::Over(notices) => {
                let live = reading.live;
                self.end_reading();
                for notice in notices {
                    self.complain(notice);
                }
                if live {
                    self.say("the recording has ended");
                }
            }
            News::Failed(why) => {
                self.end_reading();
                self.complain(why);
            }
        }
    }
}
