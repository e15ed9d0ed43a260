//! Questions that take passes of their own: what is said of their answers.

use super::{
    App,
    history::{LogEntry, LogKind},
};

/// Lines of an answer that go into the log: the question, and what moved the guess most.
const LINES_LOGGED: usize = 4;

impl App {
    /// Says how far the question is answered. When all is known, its first lines go into the log too.
    pub(in crate::tui) fn report_question(&mut self) {
        let text = self.debugger.question_text();
        let Some(first) = text.first().cloned() else { return };
        if self.debugger.question_wanted().is_none() {
            let step = self.step();
            let entry = |text| LogEntry { step, kind: LogKind::Plain, text };
            self.history.notes.extend(text.into_iter().take(LINES_LOGGED).map(entry));
        }
        self.say(first);
    }

    /// A pass of the question has failed: no further one is run for it.
    pub(in crate::tui) fn complain_of_question(&mut self, why: &str) {
        self.complain(format!("a pass of the question failed: {why}"));
    }
}
