//! How the interface changes: events in, effects out. No terminal, no thread, no clock.

use std::sync::Arc;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind};

use super::{
    actions::{act, interrupt, save},
    app::{App, Busy, Goal, Mode},
    help,
    keymap::Action,
    mouse::click,
    theme::Role,
    typing::{edit, paste, prompt_typed, value_typed},
};
use crate::{
    predict::{Key, PredictError, Progress, Request},
    session::{NodeId, Pending, Report, StepError},
};

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// From the terminal.
    Terminal(TerminalEvent),
    /// From the engine thread.
    Report(Report),
    /// A running run is due for its next step.
    Tick,
}

/// Something to be done outside.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Ask the engine for a prediction.
    Submit(Key, Arc<Request>),
    /// Cancel what the engine works on.
    Cancel,
    /// Give the terminal back and stop the process until it is continued.
    Suspend,
    /// Take the terminal over again: the process was continued.
    Resume,
    /// Draw everything anew.
    Redraw,
    /// Leave.
    Quit,
}

/// Takes an event in and says what is to be done about it.
pub fn update(app: &mut App, event: Event) -> Vec<Effect> {
    let mut effects = Vec::new();
    match event {
        Event::Terminal(TerminalEvent::Key(key)) if key.kind != KeyEventKind::Release => {
            press(app, key, &mut effects);
        }
        Event::Terminal(TerminalEvent::Mouse(mouse)) => click(app, mouse),
        Event::Terminal(TerminalEvent::Paste(text)) => paste(app, &text),
        Event::Terminal(TerminalEvent::Resize(width, height)) => {
            (app.width, app.height) = (width, height);
        }
        Event::Terminal(_) => {}
        Event::Report(report) => answer(app, report, &mut effects),
        Event::Tick => tick(app),
    }
    if app.fault.is_none()
        && let Some(fault) = app.session.recorder_fault()
    {
        app.complain(format!("the recording has stopped: {fault}"));
        app.fault = Some(fault);
    }
    want(app, &mut effects);
    effects
}

/// Asks for the prediction that is wanted, once; passes that nobody waits for are cancelled.
pub fn want(app: &mut App, effects: &mut Vec<Effect>) {
    if !app.has_engine || app.held {
        return;
    }
    if let Pending::Wanted { key, request } = app.session.pending()
        && !app.asked.contains(key)
    {
        let key = *key;
        if !app.asked.is_empty() {
            effects.push(Effect::Cancel);
        }
        effects.push(Effect::Submit(key, request.clone()));
        app.asked.insert(key);
        app.busy = Some(Busy { key, progress: Progress { done: 0, of: 1 } });
    }
}

fn answer(app: &mut App, report: Report, effects: &mut Vec<Effect>) {
    match report {
        Report::Progress(key, progress) => {
            if app.busy.is_some_and(|busy| busy.key == key) {
                app.busy = Some(Busy { key, progress });
            }
        }
        Report::Done { key, prediction, took } => {
            app.settle(key);
            app.session.supply(key, prediction, took);
            app.refresh();
        }
        Report::Failed(key, error) => {
            let wanted = app.busy.is_some_and(|busy| busy.key == key);
            app.settle(key);
            match error {
                // Cancelled because something else is wanted by now.
                PredictError::Cancelled if !wanted => {}
                PredictError::Cancelled => {
                    app.held = true;
                    app.run = None;
                    app.say("cancelled; s or Space asks again");
                }
                error => {
                    app.held = true;
                    app.run = None;
                    app.complain(format!("{error}; s tries again"));
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
    /// A pass has ended, one way or the other.
    fn settle(&mut self, key: Key) {
        self.asked.remove(&key);
        if self.busy.is_some_and(|busy| busy.key == key) {
            self.busy = None;
        }
    }

    /// True if a run is on and the next step can be made.
    pub fn due(&self) -> bool {
        self.run.is_some() && !(self.has_engine && self.waiting())
    }

    pub(super) fn waiting(&self) -> bool {
        matches!(self.session.pending(), Pending::Wanted { .. }) && !self.known_forward()
    }

    /// True if the next step is on record and nothing was changed: then it is gone over, not
    /// made again. A sparse foreign trace may hold steps without their predictions.
    pub(super) fn known_forward(&self) -> bool {
        self.session.node().next.is_some() && !self.what_if()
    }

    /// Makes one step, or goes over a known one.
    pub(super) fn advance(&mut self) -> bool {
        self.held = false;
        if self.known_forward() && !matches!(self.session.pending(), Pending::Decided { .. }) {
            let moved = self.session.forward();
            self.refresh();
            return moved;
        }
        match self.session.step() {
            Ok(_) => {
                self.log_line = None;
                self.refresh();
                true
            }
            Err(error) => {
                self.refused(&error);
                false
            }
        }
    }

    /// Says why there was no step.
    pub(super) fn refused(&mut self, error: &StepError) {
        match error {
            StepError::Waiting if self.has_engine => match self.busy {
                Some(busy) => self.say(format!(
                    "the forward pass for step {} is running: {} of {}",
                    self.step() + 1,
                    busy.progress.done,
                    busy.progress.of
                )),
                None => self.say("the forward pass is asked for"),
            },
            StepError::Waiting if self.what_if() => {
                self.message = Some((
                    Role::Warn,
                    "the recording has no prediction for this: it needs the model".to_owned(),
                ));
            }
            StepError::Waiting => self.say("the recording ends here"),
            StepError::Done(finish) => {
                self.say(format!("the run is over ({}); S goes back, R starts anew", finish.name()))
            }
            error => self.complain(error.to_string()),
        }
    }

    /// Goes to a node of the tree.
    pub(super) fn go(&mut self, node: NodeId) {
        self.run = None;
        self.log_line = None;
        if node != self.session.at() {
            self.session.go(node);
            self.held = false;
            self.refresh();
        }
    }

    /// Goes to a step of the branch.
    pub(super) fn go_step(&mut self, step: usize) {
        let step = step.min(self.history.steps());
        if let Some(moment) = self.history.moments.get(step) {
            self.go(moment.node);
        }
    }
}

/// One step of a run; it ends where its goal is reached.
fn tick(app: &mut App) {
    let Some(goal) = app.run else { return };
    if app.waiting() && app.has_engine {
        return;
    }
    if !app.advance() {
        app.run = None;
        return;
    }
    let phase = app.session.phase();
    let block = phase.block.as_ref().map(|block| block.start);
    let reached = match goal {
        Goal::Free | Goal::End => false,
        Goal::Steps(left) => {
            app.run = Some(Goal::Steps(left.saturating_sub(1)));
            left <= 1
        }
        Goal::Block(stage, start) => phase.stage != stage || block != start,
        Goal::Stage(stage) => phase.stage != stage,
    };
    let done = matches!(app.session.pending(), Pending::Done(_)) && !app.known_forward();
    if reached || done {
        app.run = None;
    }
    if done && let Pending::Done(finish) = app.session.pending() {
        let text = format!("the run is over: {}", finish.name());
        app.say(text);
    }
}

fn press(app: &mut App, key: KeyEvent, effects: &mut Vec<Effect>) {
    let action = match app.mode {
        Mode::Value(_) | Mode::Prompt(_) => app.keymap.typing(&key),
        _ => app.keymap.action(&key),
    };
    // These work everywhere, also in the middle of typing.
    match action {
        Some(Action::Interrupt) => return interrupt(app, effects),
        Some(Action::Suspend) => return effects.push(Effect::Suspend),
        Some(Action::Redraw) => return effects.push(Effect::Redraw),
        _ => {}
    }
    app.interrupted = false;
    app.message = None;
    match std::mem::replace(&mut app.mode, Mode::Normal) {
        Mode::Normal => {
            if let Some(action) = action {
                act(app, action, effects);
            }
        }
        Mode::Help(scroll) => {
            let last = help::last(app.theme, &app.keymap, app.width, app.height);
            let scroll = scroll.min(last);
            app.mode = match action {
                Some(Action::Help | Action::Escape | Action::Quit | Action::Enter) => Mode::Normal,
                Some(Action::Down) => Mode::Help(scroll + 1),
                Some(Action::Up) => Mode::Help(scroll.saturating_sub(1)),
                Some(Action::NextBlock) => Mode::Help(scroll + 10),
                Some(Action::PreviousBlock) => Mode::Help(scroll.saturating_sub(10)),
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
        Mode::Prompt(input) => edit(app, key, action, input, Mode::Prompt, prompt_typed),
    }
}
