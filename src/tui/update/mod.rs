//! How the interface changes: events in, effects out. No terminal, no thread, no clock.

mod actions;
pub(in crate::tui) mod keys;
pub(in crate::tui) mod mouse;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind};

use super::{
    app::{
        Action, App, Busy, Mode,
        interface::{Effect, Event},
    },
    input::chord::Chord,
    overlays::{
        command_line, help, picker, prompts, search, tries,
        typing::{edit, paste, prompt_typed, value_typed},
    },
};
use crate::{
    debugger::{Command, Destination, Driven, Requires},
    predict::{PredictError, Progress},
    session::{NodeId, Pending, Report},
};
use actions::{interrupt, save};
use mouse::click;

/// Takes an event in and says what is to be done about it.
pub fn update(app: &mut App, event: Event) -> Vec<Effect> {
    // The engine and the file speak to the debugger, whatever lies over it.
    if app.top.beside.is_some() && matches!(event, Event::Terminal(_) | Event::Tick) {
        return app.update_beside(event);
    }
    let mut effects = Vec::new();
    match event {
        Event::Terminal(TerminalEvent::Key(key)) if key.kind != KeyEventKind::Release => {
            press(app, key, &mut effects);
        }
        Event::Terminal(TerminalEvent::Mouse(mouse)) => click(app, mouse, &mut effects),
        Event::Terminal(TerminalEvent::Paste(text)) => paste(app, &text),
        Event::Terminal(TerminalEvent::Resize(width, height)) => {
            (app.display.width, app.display.height) = (width, height);
        }
        Event::Terminal(_) => {}
        Event::Report(report) => answer(app, report, &mut effects),
        Event::News(news) => app.take_news(news),
        Event::Tick => tick(app, &mut effects),
        Event::Spare => app.try_on(),
    }
    if app.fault.is_none()
        && let Some(fault) = app.debugger.session.recorder_fault()
    {
        app.complain(format!("the recording has stopped: {fault}"));
        app.fault = Some(fault);
    }
    want(app, &mut effects);
    effects
}

/// Asks for the prediction that is wanted, once; passes that nobody waits for are cancelled.
pub fn want(app: &mut App, effects: &mut Vec<Effect>) {
    if !app.debugger.live {
        return;
    }
    let wanted = match app.debugger.session.pending() {
        Pending::Wanted { key, request } if !app.running.held => Some((*key, request.clone())),
        _ => None,
    };
    match wanted {
        Some((key, request)) if !app.running.asked.contains(&key) => {
            if !app.running.asked.is_empty() {
                effects.push(Effect::Cancel);
            }
            effects.push(Effect::Submit(key, request));
            app.running.asked.insert(key);
            app.running.busy = Some(Busy { key, progress: Progress { done: 0, of: 1 } });
        }
        // It was begun for a try.
        Some((key, _)) => {
            let begun = app.running.background.filter(|background| background.key == key);
            app.running.busy = begun.or(app.running.busy);
        }
        // Nothing else is wanted: time for a try.
        None => app.want_for_try(effects),
    }
}

fn answer(app: &mut App, report: Report, effects: &mut Vec<Effect>) {
    match report {
        Report::Progress(key, progress) => {
            if app.running.busy.is_some_and(|busy| busy.key == key) {
                app.running.busy = Some(Busy { key, progress });
            }
            if app.running.background.is_some_and(|background| background.key == key) {
                app.running.background = Some(Busy { key, progress });
            }
        }
        Report::Done { key, prediction, took } => {
            app.running.settle(key);
            let exact = app.debugger.exact_wanted().is_some_and(|exact| exact.key == key);
            if app.debugger.session.awaits(key) {
                app.debugger.session.supply(key, prediction, took);
                app.refresh();
                if exact {
                    app.say_exact();
                }
            } else {
                app.debugger.try_supply(key, prediction, took);
            }
            app.try_on();
        }
        Report::Failed(key, error) => {
            let wanted = app.running.busy.is_some_and(|busy| busy.key == key);
            app.running.settle(key);
            match error {
                // Cancelled because something else is wanted by now.
                PredictError::Cancelled if !wanted => {}
                PredictError::Cancelled => {
                    app.running.held = true;
                    app.debugger.halt();
                    app.say("cancelled; s or Space asks again");
                }
                error if app.debugger.exact_wanted().is_some_and(|exact| exact.key == key) => {
                    app.debugger.exact = false;
                    app.complain(format!("the exact pass failed: {error}"));
                }
                error if !wanted && !app.debugger.session.awaits(key) => {
                    app.debugger.try_failed(key, error.to_string());
                }
                error => {
                    app.running.held = true;
                    app.debugger.halt();
                    app.running.queue.clear();
                    app.complain(format!("{error}; R or s tries again"));
                }
            }
        }
        Report::Died(message) => {
            app.died = Some(message);
            effects.push(Effect::Quit);
        }
    }
}

impl App {
    /// True if a run is on and its next step can be made, or a command waits.
    pub fn due(&self) -> bool {
        if let Some(beside) = &self.top.beside {
            return beside.due();
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
                !self.running.queue.is_empty() && matches!(self.top.mode, Mode::Normal) && !waits
            }
        }
    }

    /// Goes to a node of the tree.
    pub(in crate::tui) fn go(&mut self, node: NodeId) {
        let destination = match self.history.moments.iter().position(|moment| moment.node == node) {
            Some(step) => Destination::Step(step),
            None => Destination::Node(node),
        };
        self.running.queue.clear();
        self.run(Command::goto(destination), &mut Vec::new());
    }

    /// Goes one step of the branch forward or back.
    pub(in crate::tui) fn go_one_step(&mut self, forward: bool) {
        let step = self.step() as usize;
        self.go_step(if forward { step + 1 } else { step.saturating_sub(1) });
    }

    /// Goes to a step of the branch.
    pub(in crate::tui) fn go_step(&mut self, step: usize) {
        let step = step.min(self.history.steps());
        if let Some(moment) = self.history.moments.get(step) {
            self.go(moment.node);
        }
    }
}

/// One step of a run, or the next command of a script.
fn tick(app: &mut App, effects: &mut Vec<Effect>) {
    if app.debugger.goal().is_some() {
        app.go_on();
    } else if let Some(command) = app.running.queue.pop_front()
        && !app.run(command.clone(), effects)
    {
        let left = app.running.queue.len();
        app.running.queue.clear();
        let why = app.top.message.take().map_or(String::new(), |(_, text)| format!(": {text}"));
        app.complain(format!("the script stopped at `{command}`{why} ({left} left)"));
    }
}

/// That a key does nothing, and what lists those that do.
fn unbound(app: &App, key: &KeyEvent) -> String {
    let (key, help) = (Chord::of(key).name(), app.keymap.first(Action::Help));
    let command = app.keymap.first(Action::Command);
    let commands = match command.is_empty() {
        true => String::new(),
        false => format!(", {command} every command"),
    };
    format!("{key} does nothing here; {help} lists the keys{commands}")
}

fn press(app: &mut App, key: KeyEvent, effects: &mut Vec<Effect>) {
    let row = app.keymap.pressed(&key);
    let action = match app.top.mode {
        Mode::Value(_) | Mode::Prompt(_) | Mode::Search(_) | Mode::Command(_) | Mode::Pick(_) => {
            app.keymap.typing(&key)
        }
        Mode::Normal | Mode::Help(_) | Mode::Leaving => row.and_then(|row| row.action),
    };
    // These work everywhere, also in the middle of typing.
    match action {
        Some(Action::Interrupt) => return interrupt(app, effects),
        Some(Action::Suspend) => return effects.push(Effect::Suspend),
        Some(Action::Redraw) => return effects.push(Effect::Redraw),
        _ => {}
    }
    app.running.interrupted = false;
    app.top.message = None;
    match std::mem::replace(&mut app.top.mode, Mode::Normal) {
        Mode::Normal => match (row, action) {
            (_, Some(action)) if app.top.tries_shown && tries::act(app, action, effects) => {}
            (Some(row), _) => row.act(app, effects),
            (None, _) => app.say(unbound(app, &key)),
        },
        Mode::Help(scroll) => {
            let last = help::last(app.theme, &app.keymap, app.display.width, app.display.height);
            let page = help::page(app.display.width, app.display.height);
            let scroll = scroll.min(last);
            app.top.mode = match action {
                Some(Action::Help | Action::Escape | Action::Quit | Action::Enter) => Mode::Normal,
                Some(Action::Down) => Mode::Help(scroll + 1),
                Some(Action::Up) => Mode::Help(scroll.saturating_sub(1)),
                Some(Action::NextBlock | Action::RunPause) => Mode::Help(scroll + page),
                Some(Action::PreviousBlock) => Mode::Help(scroll.saturating_sub(page)),
                Some(Action::First) => Mode::Help(0),
                Some(Action::Last) => Mode::Help(last),
                _ => Mode::Help(scroll),
            }
        }
        Mode::Leaving => match key.code {
            KeyCode::Char('q' | 'y') => effects.push(Effect::Quit),
            KeyCode::Char('w') if save(app) => effects.push(Effect::Quit),
            _ => {}
        },
        Mode::Value(input) => edit(app, key, action, input, Mode::Value, value_typed),
        Mode::Prompt(input) => {
            let other = match key.code {
                KeyCode::Up | KeyCode::Down => {
                    prompts::other(app, input.value(), key.code == KeyCode::Down)
                }
                _ => None,
            };
            match other {
                Some(other) => app.top.mode = Mode::Prompt(other),
                None => edit(app, key, action, input, Mode::Prompt, prompt_typed),
            }
        }
        Mode::Command(line) => command_line::press(app, key, line, effects),
        Mode::Search(input) => search::press(app, key, action, input),
        Mode::Pick(picker) => picker::press(app, key, picker),
    }
}
