//! Runs under other parameters, made in spare time: when each goes on, and which pass it asks for.

use super::{App, Busy, interface::Effect};
use crate::{predict::Progress, session::QuestionPass};

/// Steps over known ground that a try makes at once: a key waits no longer.
const STEPS: usize = 32;

impl App {
    /// Goes on with the try over what is known; says so where it is over and the box is closed.
    pub(in crate::tui) fn try_on(&mut self) {
        let before = self.debugger.tries.running().map(|tried| tried.id);
        self.debugger.try_on(STEPS);
        if before.is_some() && self.debugger.tries.running().is_none() && !self.top.tries_shown {
            let text = self.debugger.try_text();
            if let Some(line) = text.first() {
                self.say(line.clone());
            }
        }
    }

    /// True if a try could go on at once.
    pub(in crate::tui) fn try_due(&self) -> bool {
        let running = self.debugger.tries.running().is_some();
        running && self.debugger.live && self.debugger.try_wanted().is_none()
    }

    /// Asks for what is wanted in spare time, if nothing else is asked for: the exact pass beside the
    /// pending one, else the next pass of the question, else the pass of the try, else one that a later
    /// step needs. One that is given up
    /// by now is cancelled.
    pub(in crate::tui) fn want_in_spare_time(&mut self, effects: &mut Vec<Effect>) {
        let exact = self.debugger.exact_wanted();
        let wanted = match &exact {
            Some(exact) => Some((exact.key, exact.request.clone())),
            None => {
                let asked = |pass: &QuestionPass| (pass.key, pass.request.clone());
                let asked = self.debugger.question_wanted().map(asked);
                asked
                    .or_else(|| self.debugger.try_wanted())
                    .or_else(|| self.debugger.ahead_wanted())
            }
        };
        let stale = self.running.background.is_some_and(|background| {
            self.running.busy.is_none_or(|busy| busy.key != background.key)
                && wanted.as_ref().is_none_or(|(key, _)| *key != background.key)
        });
        if stale {
            effects.push(Effect::Cancel);
            // Its report is still to come; until then nothing is asked for.
            self.running.background = None;
        }
        if let Some((key, request)) = wanted
            && self.running.asked.is_empty()
        {
            if let Some(exact) = &exact {
                self.debugger.session.await_exact(exact);
            }
            if let Some(asked) = self.debugger.question_wanted().cloned()
                && asked.key == key
            {
                self.debugger.session.await_answer(&asked);
            }
            effects.push(Effect::Submit(0, key, request));
            self.running.asked.insert(key);
            self.running.background = Some(Busy { key, progress: Progress { done: 0, of: 1 } });
        }
    }
}
