//! Commands in the interface: keys, the command line and scripts all come through here, and what
//! was done is kept as a script that does the same again.

use super::{
    super::paint::theme::Role,
    App, InputMode, Saved,
    history::{LogEntry, LogKind},
    interface::Effect,
    mode::HelpView,
};
use crate::debugger::{Command, Driven, FollowUp, Goal, PlainCommand, Reply, Requires, Stop, Tick};

impl App {
    /// Carries a command out and shows its answer; false if it failed.
    pub(in crate::tui) fn run(
        &mut self,
        command: impl Into<Command>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let command = command.into();
        let answered = self.debugger.execute(&command);
        match answered {
            Ok(reply) => match reply.follow_ups.as_slice() {
                [FollowUp::Leave] => self.leave(effects),
                [FollowUp::Quit] => effects.push(Effect::Quit),
                [FollowUp::Help] => self.top.mode = InputMode::Help(HelpView::default()),
                [picture @ FollowUp::Picture(_)] => self.running.follow_ups.push(picture.clone()),
                _ => {
                    self.running.held = false;
                    command.write_to(&mut self.running.script);
                    self.show_reply(reply, effects);
                    // A step that can be made is made at once, not a frame later.
                    let waits = self.debugger.live && self.debugger.waiting();
                    if self.debugger.goal().is_some() && !waits && !self.running.paced {
                        self.go_on();
                    }
                }
            },
            Err(failed) => {
                self.running.held = false;
                self.top.message = Some((Role::Warn, failed.to_string()));
                return false;
            }
        }
        true
    }

    /// Quits, or asks first if something would be lost.
    pub(in crate::tui) fn leave(&mut self, effects: &mut Vec<Effect>) {
        if self.unsaved() != (0, 0) {
            self.top.mode = InputMode::Leaving;
        } else {
            effects.push(Effect::Quit);
        }
    }

    /// Brings the screen up to date with what a command did, and shows its answer: one line in the
    /// status line, more in the log.
    fn show_reply(&mut self, reply: Reply, effects: &mut Vec<Effect>) {
        let listed = reply.follow_ups.iter().any(|next| matches!(next, FollowUp::Show(_)));
        for follow_up in reply.follow_ups {
            self.follow_up(follow_up, effects);
        }
        self.display.log_line = None;
        self.refresh();
        match reply.lines.as_slice() {
            [] => {}
            [line] => self.say(line.clone()),
            [first, ..] if listed => self.say(first.clone()),
            lines => {
                let step = self.step();
                for text in lines {
                    let entry = LogEntry { step, kind: LogKind::Plain, text: text.clone() };
                    self.history.notes.push(entry);
                }
                self.say(format!("{} · the log has {} lines", lines[0], lines.len()));
            }
        }
        if let Some(warning) = reply.warning {
            self.warn(warning);
        }
    }

    fn follow_up(&mut self, follow_up: FollowUp, effects: &mut Vec<Effect>) {
        match follow_up {
            FollowUp::Leave => self.leave(effects),
            FollowUp::Quit => effects.push(Effect::Quit),
            FollowUp::Help => self.top.mode = InputMode::Help(HelpView::default()),
            FollowUp::Commands(commands) => {
                // Before what waits already.
                for command in commands.into_iter().rev() {
                    self.running.queue.push_front(command);
                }
            }
            FollowUp::Restarted => {
                self.display.slot = None;
                self.display.follow = true;
                self.place(0);
            }
            FollowUp::Prompted(prompt) => self.prompt_text = prompt,
            FollowUp::ParamsChanged if self.top.tries_shown => self.try_again(),
            FollowUp::ParamsChanged => {}
            FollowUp::Try => {
                (self.top.tries_shown, self.top.try_line) = (true, 0);
                self.try_on();
            }
            FollowUp::CloseTries => self.top.tries_shown = false,
            FollowUp::Exact => self.report_exact_pass(),
            FollowUp::Question => self.report_question(),
            FollowUp::Compare(_) | FollowUp::Picture(_) | FollowUp::Show(_) => {
                self.running.follow_ups.push(follow_up);
            }
            FollowUp::Saved => self.storage.saved = Saved::all_of(&self.debugger.session),
        }
    }

    /// While the tries are looked at, every change of a parameter is tried.
    fn try_again(&mut self) {
        let again = Command::from(const { PlainCommand::named("try") });
        if self.debugger.execute(&again).is_ok() {
            again.write_to(&mut self.running.script);
        }
        self.top.try_line = 0;
        self.try_on();
    }

    /// Says how far the exact pass is away, or why there is none.
    pub(in crate::tui) fn report_exact_pass(&mut self) {
        if let Some(line) = self.debugger.exact_text().into_iter().next() {
            self.say(line);
        }
    }

    /// True if a run is on and its next step can be made, or a command waits.
    pub fn due(&self) -> bool {
        if let Some(comparison) = &self.top.comparison {
            return comparison.due();
        }
        match self.debugger.goal() {
            Some(_) if self.debugger.asks_loop() => {
                self.debugger.driven.as_ref().is_some_and(Driven::waits)
            }
            Some(_) if self.awaits_step() => false,
            Some(_) => {
                !(self.debugger.live && self.debugger.waiting() && self.running.busy.is_some())
            }
            None => {
                // What takes a try waits until it is over.
                let next = self.running.queue.front().map(|command| command.spec().requires);
                let waits =
                    next == Some(Requires::FinishedTry) && self.debugger.tries.running().is_some();
                !self.running.queue.is_empty()
                    && matches!(self.top.mode, InputMode::Normal)
                    && !waits
            }
        }
    }

    /// Makes the run's next step; with none on, the next waiting command is carried out.
    pub(in crate::tui) fn go_on(&mut self) {
        let before = self.debugger.session.at();
        match self.debugger.tick() {
            Tick::Idle | Tick::Waiting => {}
            Tick::Moved => self.moved(),
            Tick::Stopped(stop) => {
                self.running.paced = false;
                if self.debugger.session.at() != before {
                    self.moved();
                }
                self.stopped(&stop);
            }
        }
    }

    fn moved(&mut self) {
        self.display.log_line = None;
        self.refresh();
        // The last step of a run says so at once.
        if let (Some(goal), crate::session::Pending::Done(finish)) =
            (self.debugger.goal(), self.debugger.session.pending())
            && *goal != Goal::Resimulate
            && !self.awaits_step()
            && !self.debugger.known_forward()
            && self.debugger.breakpoints.enabled().next().is_none()
        {
            let text = format!("the run is over: {}", finish.name());
            self.debugger.halt();
            self.running.paced = false;
            self.say(text);
        }
    }

    /// Says why a run has stopped.
    fn stopped(&mut self, stop: &Stop) {
        let simulated = self.debugger.end_simulation();
        let text = simulated.unwrap_or_else(|| self.debugger.stop_text(stop));
        match stop {
            Stop::Reached => {}
            Stop::Hit(_) => {
                self.running.stops.insert(self.debugger.session.at());
                let entry = LogEntry { step: self.step(), kind: LogKind::Stop, text: text.clone() };
                self.history.notes.push(entry);
                self.top.message = Some((Role::Warn, text));
            }
            Stop::Done(finish) => {
                let again = "S goes back, R starts anew";
                self.say(format!("the run is over ({}); {again}", finish.name()));
                if text.starts_with("re-simulated") {
                    self.say(text);
                }
            }
            Stop::Unrecorded if self.debugger.what_if() => {
                self.top.message = Some((Role::Warn, text));
            }
            Stop::Unrecorded => self.say(text),
            Stop::Refused(_) | Stop::Failed(_) | Stop::Loop(_) => {
                self.running.queue.clear();
                self.complain(text);
            }
        }
    }
}
