//! Commands in the interface: keys, the command line and scripts all come through here, and what
//! was done is kept as a script that does the same again.

use super::{
    app::{
        App, Mode,
        history::{Entry, Sort},
        interface::Effect,
        layout::Pane,
    },
    paint::theme::Role,
};
use crate::debugger::{Ask, Command, Goal, Reply, Stop, Tick};

impl App {
    /// Carries a command out and shows its answer; false if it failed.
    pub(super) fn obey(&mut self, command: &Command, effects: &mut Vec<Effect>) -> bool {
        match command {
            Command::Quit => {
                self.leave(effects);
                return true;
            }
            Command::Help => {
                self.mode = Mode::Help(0);
                return true;
            }
            Command::QuitNow => {
                effects.push(Effect::Quit);
                return true;
            }
            _ => {}
        }
        let runs = self.debugger.session.timeline().roots().len();
        let answered = self.debugger.execute(command);
        self.held = false;
        match answered {
            Ok(reply) => {
                self.write_down(command);
                let turns = matches!(
                    command,
                    Command::Set(..)
                        | Command::Reset(_)
                        | Command::PresetLoad(_)
                        | Command::Undo
                        | Command::Redo
                );
                if turns && self.tries_shown {
                    // While they are looked at, every turn is tried.
                    let again = Command::Try(Vec::new());
                    if self.debugger.execute(&again).is_ok() {
                        self.write_down(&again);
                    }
                    self.try_line = 0;
                    self.try_on();
                }
                self.follow_up(command, runs);
                if reply.ask == Some(Ask::Quit) {
                    effects.push(Effect::Quit);
                }
                self.answered(command, reply);
                // A step that can be made is made at once, not a frame later.
                let waits = self.debugger.live && self.debugger.waiting();
                if self.debugger.goal().is_some() && !waits && !self.paced {
                    self.go_on();
                }
                true
            }
            Err(failed) => {
                self.message = Some((Role::Warn, failed.to_string()));
                false
            }
        }
    }

    /// Quits, or asks first if something would be lost.
    pub(super) fn leave(&mut self, effects: &mut Vec<Effect>) {
        if self.unsaved() {
            self.mode = Mode::Leaving;
        } else {
            effects.push(Effect::Quit);
        }
    }

    /// Brings the screen up to date with what a command did.
    fn follow_up(&mut self, command: &Command, runs: usize) {
        match command {
            Command::Restart | Command::Prompt(_) => {
                if let Command::Prompt(text) = command {
                    self.prompt_text.clone_from(text);
                }
                self.slot = None;
                self.follow = true;
                self.place(0);
                if self.debugger.session.timeline().roots().len() > runs {
                    self.saved = false;
                }
            }
            Command::Try(_) => {
                (self.tries_shown, self.try_line) = (true, 0);
                self.try_on();
            }
            Command::Take(_) => {
                self.tries_shown = false;
                self.slot = None;
                self.follow = true;
                self.place(0);
                self.saved = false;
            }
            Command::Compare(a, b) => self.put_beside([a, b]),
            Command::Exact if self.debugger.exact => self.say_exact(),
            Command::Save(_) | Command::SaveQuit(_) => self.saved = true,
            Command::Query(query, None) => {
                self.found.ask(query.clone());
                self.show_session();
                self.turn_to(&query.to_string());
            }
            Command::Lint | Command::Breaks | Command::Branches => {
                self.show_session();
                self.turn_to(match command {
                    Command::Lint => "Diagnosis",
                    Command::Breaks => "Breakpoints",
                    _ => "Branches",
                });
            }
            _ => {}
        }
        self.log_line = None;
        self.refresh();
    }

    /// Says how far the exact pass is away, or why there is none.
    pub(super) fn say_exact(&mut self) {
        if let Some(line) = self.debugger.exact_text().into_iter().next() {
            self.say(line);
        }
    }

    /// Shows what a command answered: one line in the status line, more in the log.
    fn answered(&mut self, command: &Command, reply: Reply) {
        if let Some(Ask::Commands(commands)) = reply.ask {
            // Before what waits already.
            for command in commands.into_iter().rev() {
                self.queue.push_front(command);
            }
        }
        let listed = matches!(
            command,
            Command::Query(_, None) | Command::Lint | Command::Breaks | Command::Branches
        );
        match reply.lines.as_slice() {
            [] => {}
            [line] => self.say(line.clone()),
            [first, ..] if listed => self.say(first.clone()),
            lines => {
                let step = self.step();
                for text in lines {
                    let entry = Entry { step, sort: Sort::Plain, text: text.clone() };
                    self.notes.push(entry);
                }
                self.say(format!("{} · the log has {} lines", lines[0], lines.len()));
            }
        }
        if let Some(warning) = reply.warning {
            self.warn(warning);
        }
    }

    /// Keeps a command for the script; a knob turned on and on is one command.
    fn write_down(&mut self, command: &Command) {
        let number = |line: &str, name: &str| -> Option<usize> {
            match line.strip_prefix(name)? {
                "" => Some(1),
                rest => rest.strip_prefix(' ')?.parse().ok(),
            }
        };
        if let Some(last) = self.script.last_mut() {
            let merged = match command {
                Command::Step(n) => number(last, "step").map(|had| Command::Step(had + n)),
                Command::Back(n) => number(last, "back").map(|had| Command::Back(had + n)),
                Command::Set(name, _) if last.starts_with(&format!("set {name} ")) => {
                    Some(command.clone())
                }
                _ => None,
            };
            if let Some(merged) = merged {
                *last = merged.to_string();
                return;
            }
        }
        // A macro's commands are written down themselves.
        if !matches!(command, Command::Macro(_)) {
            self.script.push(command.to_string());
        }
    }

    /// Makes the run's next step; with none on, the next waiting command is carried out.
    pub(super) fn go_on(&mut self) {
        let before = self.debugger.session.at();
        match self.debugger.tick() {
            Tick::Idle | Tick::Waiting => {}
            Tick::Moved => self.moved(),
            Tick::Stopped(stop) => {
                self.paced = false;
                if self.debugger.session.at() != before {
                    self.moved();
                }
                self.stopped(&stop);
            }
        }
    }

    fn moved(&mut self) {
        self.log_line = None;
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
            self.paced = false;
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
                self.stops.insert(self.debugger.session.at());
                let entry = Entry { step: self.step(), sort: Sort::Stop, text: text.clone() };
                self.notes.push(entry);
                self.message = Some((Role::Warn, text));
            }
            Stop::Done(finish) => {
                let again = "S goes back, R starts anew";
                self.say(format!("the run is over ({}); {again}", finish.name()));
                if text.starts_with("re-simulated") {
                    self.say(text);
                }
            }
            Stop::Unrecorded if self.debugger.what_if() => {
                self.message = Some((Role::Warn, text));
            }
            Stop::Unrecorded => self.say(text),
            Stop::Refused(_) | Stop::Failed(_) | Stop::Loop(_) => {
                self.queue.clear();
                self.complain(text);
            }
        }
    }

    /// Shows the pane of branches, breakpoints, findings and rows.
    pub(super) fn show_session(&mut self) {
        self.show(Pane::SESSION, true);
    }
}
