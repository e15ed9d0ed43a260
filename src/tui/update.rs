//! How the interface changes: events in, effects out. No terminal, no thread, no clock.

use std::sync::Arc;

use crossterm::event::{
    Event as TerminalEvent, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind,
};
use tui_input::{Input, backend::crossterm::EventHandler};

use super::{
    app::{App, Busy, Goal, Mode, SPEEDS},
    keymap::{self, Action},
    layout::Pane,
    panes::{canvas, grid, log, params, timeline},
    theme::Role,
};
use crate::{
    canvas::Born,
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

    fn waiting(&self) -> bool {
        matches!(self.session.pending(), Pending::Wanted { .. }) && !self.known_forward()
    }

    /// True if the next step is on record and nothing was changed: then it is gone over, not
    /// made again. A sparse foreign trace may hold steps without their predictions.
    fn known_forward(&self) -> bool {
        self.session.node().next.is_some() && !self.what_if()
    }

    /// Makes one step, or goes over a known one.
    fn advance(&mut self) -> bool {
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
    fn refused(&mut self, error: &StepError) {
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
    let action = keymap::action(&key);
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
            app.mode = match action {
                Some(Action::Help | Action::Escape | Action::Quit | Action::Enter) => Mode::Normal,
                Some(Action::Down) => Mode::Help(scroll + 1),
                Some(Action::Up) => Mode::Help(scroll.saturating_sub(1)),
                Some(Action::NextBlock) => Mode::Help(scroll + 10),
                Some(Action::PreviousBlock) => Mode::Help(scroll.saturating_sub(10)),
                Some(Action::First) => Mode::Help(0),
                _ => Mode::Help(scroll),
            }
        }
        Mode::Leaving => match key.code {
            crossterm::event::KeyCode::Char('q' | 'y') => effects.push(Effect::Quit),
            crossterm::event::KeyCode::Char('w') if save(app) => effects.push(Effect::Quit),
            _ => {}
        },
        Mode::Value(input) => edit(app, key, action, input, Mode::Value, value_typed),
        Mode::Prompt(input) => edit(app, key, action, input, Mode::Prompt, prompt_typed),
    }
}

/// A key in a line editor: Enter takes the text, Esc leaves, the rest edits.
fn edit(
    app: &mut App,
    key: KeyEvent,
    action: Option<Action>,
    mut input: Input,
    mode: fn(Input) -> Mode,
    take: fn(&mut App, Input) -> Option<Input>,
) {
    match action {
        Some(Action::Enter) => {
            if let Some(input) = take(app, input) {
                app.mode = mode(input);
            }
        }
        Some(Action::Escape) => {}
        _ => {
            input.handle_event(&TerminalEvent::Key(key));
            app.mode = mode(input);
        }
    }
}

/// Takes a typed value; gives it back if it is none.
fn value_typed(app: &mut App, input: Input) -> Option<Input> {
    let spec = *app.session.params().specs().get(app.param)?;
    let set = spec.parse(input.value()).and_then(|value| {
        app.session.set_param(spec.name, value)?;
        Ok(())
    });
    match set {
        Ok(()) => {
            changed(app);
            None
        }
        Err(error) => {
            app.message = Some((Role::Bad, error.to_string()));
            Some(input)
        }
    }
}

/// Takes a typed prompt and starts a run with it; gives it back if it cannot be.
fn prompt_typed(app: &mut App, input: Input) -> Option<Input> {
    let Some(encode) = &app.encode else { return None };
    let text = input.value().to_owned();
    let runs = app.session.timeline().roots().len();
    let started = encode(&text)
        .and_then(|ids| app.session.restart(Some(&ids)).map_err(|error| error.to_string()));
    match started {
        Ok(()) => {
            app.prompt_text = text;
            restarted(app, runs);
            None
        }
        Err(error) => {
            app.message = Some((Role::Bad, error));
            Some(input)
        }
    }
}

/// After a new run was started, or an equal one gone back to; there were `runs` before.
fn restarted(app: &mut App, runs: usize) {
    app.run = None;
    app.held = false;
    app.slot = None;
    app.follow = true;
    app.log_line = None;
    app.place(0);
    app.remember_start();
    app.refresh();
    let known = app.session.timeline().roots().len() == runs;
    app.say(if known { "back at the start" } else { "a new run; what was done before is kept" });
}

/// After a parameter changed: what it costs and what it changes, in words.
fn changed(app: &mut App) {
    app.held = false;
    app.refresh();
    let Some((spec, value)) = app.session.params().iter().nth(app.param) else { return };
    let own = app.own_params().and_then(|own| own.get(spec.name).ok());
    let was = match own {
        Some(own) if own != value => format!(" (was {})", params::shown(spec, own)),
        _ => String::new(),
    };
    let effect = match (spec.affects, app.decision(), app.recorded_next()) {
        (crate::decode::Affects::Decide, Some(now), Some(then)) => difference(now, then),
        _ => spec.affects.words().to_owned(),
    };
    let value = params::shown(spec, value);
    let text = format!("{} = {value}{was}: {effect}", spec.symbol);
    app.say(text);
}

/// How a decision differs from the one on record.
pub(super) fn difference(now: &crate::decode::Decision, then: &crate::decode::Decision) -> String {
    let counts = |decision: &crate::decode::Decision| {
        (decision.fills().count(), decision.expansions().count())
    };
    let ((fills, expansions), (old_fills, old_expansions)) = (counts(now), counts(then));
    if now.edits == then.edits {
        return "the same step as on record".to_owned();
    }
    format!("fills {old_fills} → {fills}, expansions {old_expansions} → {expansions}")
}

fn interrupt(app: &mut App, effects: &mut Vec<Effect>) {
    if std::mem::replace(&mut app.interrupted, true) {
        effects.push(Effect::Quit);
        return;
    }
    app.mode = Mode::Normal;
    stop(app, effects);
    app.say("stopped; Ctrl-C again quits");
}

/// Pauses a run and cancels the pass in work; false if there was nothing to stop.
fn stop(app: &mut App, effects: &mut Vec<Effect>) -> bool {
    let running = app.run.take().is_some();
    let busy = app.busy.is_some();
    if busy {
        app.held = true;
        effects.push(Effect::Cancel);
    }
    running || busy
}

fn save(app: &mut App) -> bool {
    let Some(save) = &app.save else {
        app.message = Some((Role::Warn, "there is nothing to save here".to_owned()));
        return false;
    };
    match (save.write)(&app.session, &save.path) {
        Ok(()) => {
            app.saved = true;
            let text = format!("saved to {}", save.path.display());
            app.say(text);
            true
        }
        Err(error) => {
            app.complain(format!("not saved: {error}"));
            false
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one arm an action")]
fn act(app: &mut App, action: Action, effects: &mut Vec<Effect>) {
    match action {
        // Asked while a pass runs, the step is made when the pass is done: no key is lost.
        Action::Step => match app.run {
            Some(Goal::Steps(left)) => app.run = Some(Goal::Steps(left + 1)),
            _ if app.waiting() && app.busy.is_some() => app.run = Some(Goal::Steps(1)),
            _ => {
                app.run = None;
                app.advance();
            }
        },
        Action::Back => back(app),
        Action::Forward => {
            app.run = None;
            let next = app.session.node().next;
            match next {
                Some(next) => app.go(next),
                None => app.say(if app.has_engine {
                    "no step is known from here; s makes one"
                } else {
                    "the recording ends here"
                }),
            }
        }
        Action::RunPause => match app.run.take() {
            Some(_) => {}
            None => start(app, Goal::Free),
        },
        Action::RunToEnd => start(app, Goal::End),
        Action::RunBlock => {
            let phase = app.session.phase();
            start(app, Goal::Block(phase.stage, phase.block.map(|block| block.start)));
        }
        Action::RunStage => start(app, Goal::Stage(app.session.phase().stage)),
        Action::Slower => {
            app.speed = app.speed.saturating_sub(1);
            app.say(format!("speed {}", app.speed_name()));
        }
        Action::Faster => {
            app.speed = (app.speed + 1).min(SPEEDS.len() - 1);
            app.say(format!("speed {}", app.speed_name()));
        }
        Action::Restart => {
            let runs = app.session.timeline().roots().len();
            match app.session.restart(None) {
                Ok(()) => restarted(app, runs),
                Err(error) => app.complain(error.to_string()),
            }
        }
        Action::EditPrompt => {
            if app.encode.is_some() {
                app.mode = Mode::Prompt(Input::new(app.prompt_text.clone()));
            } else {
                app.say("a recording keeps its prompt");
            }
        }
        Action::PreviousEvent | Action::NextEvent => event(app, action == Action::NextEvent),
        Action::BackBlock | Action::BackStage => bound(app, action == Action::BackStage),
        Action::FirstStep => app.go_step(0),
        Action::LastStep => app.go_step(usize::MAX),
        Action::Left | Action::Right if app.focus == Pane::Timeline => {
            let step = app.step() as usize;
            app.go_step(if action == Action::Left { step.saturating_sub(1) } else { step + 1 });
        }
        Action::Left | Action::Right if app.focus == Pane::Params => {
            turn(app, if action == Action::Left { -1 } else { 1 });
        }
        Action::Up | Action::Down | Action::First | Action::Last if app.focus == Pane::Params => {
            let last = app.session.params().specs().len().saturating_sub(1);
            app.param = listed(app.param, last, action);
        }
        Action::Up
        | Action::Down
        | Action::First
        | Action::Last
        | Action::NextBlock
        | Action::PreviousBlock
            if app.focus == Pane::Log =>
        {
            let lines = app.log();
            let last = lines.len().saturating_sub(1);
            let at = app.log_cursor(&lines);
            app.log_line = Some(listed(at, last, action));
        }
        Action::Left
        | Action::Right
        | Action::Up
        | Action::Down
        | Action::NextWord
        | Action::PreviousWord
        | Action::NextBlock
        | Action::PreviousBlock
        | Action::First
        | Action::Last
        | Action::NextTouched
        | Action::PreviousTouched => app.travel(action),
        Action::Follow => {
            app.follow = !app.follow;
            app.follow_slot();
            app.say(if app.follow { "the cursor follows" } else { "the cursor stays" });
        }
        Action::NextParam | Action::PreviousParam => {
            let count = app.session.params().specs().len().max(1);
            let by = if action == Action::NextParam { 1 } else { count - 1 };
            app.param = (app.param + by) % count;
            show(app, Pane::Params, false);
        }
        Action::More => turn(app, 1),
        Action::Less => turn(app, -1),
        Action::ResetParam => reset(app),
        Action::Enter => enter(app),
        Action::NextPane | Action::PreviousPane => cycle(app, action == Action::NextPane),
        Action::Pane(number) => {
            if let Some(&pane) = Pane::TABS.get(usize::from(number).saturating_sub(1)) {
                show(app, pane, true);
            }
        }
        Action::Zoom => app.zoom = !app.zoom,
        Action::Ghost => app.ghost = !app.ghost,
        Action::Waterfall => {
            app.waterfall = !app.waterfall;
            if !app.zoom {
                let swapped = match app.focus {
                    Pane::Grid => Pane::Waterfall,
                    Pane::Waterfall => Pane::Grid,
                    other => other,
                };
                focus_if_shown(app, swapped);
            }
        }
        Action::Align => {
            app.align = !app.align;
            app.say(if app.align {
                "the waterfall is aligned by identity: an insertion opens columns"
            } else {
                "the waterfall is aligned by position number"
            });
        }
        Action::Help => app.mode = Mode::Help(0),
        Action::Save => {
            save(app);
        }
        Action::Escape => {
            if stop(app, effects) {
                app.say("stopped");
            } else if app.zoom {
                app.zoom = false;
            }
        }
        Action::Quit => {
            if app.unsaved() {
                app.mode = Mode::Leaving;
            } else {
                effects.push(Effect::Quit);
            }
        }
        Action::Interrupt => interrupt(app, effects),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Redraw => effects.push(Effect::Redraw),
    }
}

/// Moves in a list.
fn listed(at: usize, last: usize, action: Action) -> usize {
    const PAGE: usize = 10;
    let to = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at + 1,
        Action::PreviousBlock => at.saturating_sub(PAGE),
        Action::NextBlock => at + PAGE,
        Action::First => 0,
        Action::Last => last,
        _ => at,
    };
    to.min(last)
}

fn start(app: &mut App, goal: Goal) {
    match app.session.pending() {
        Pending::Done(finish) if !app.known_forward() => {
            let error = StepError::Done(*finish);
            app.refused(&error);
        }
        _ => {
            app.held = false;
            app.run = Some(goal);
        }
    }
}

fn back(app: &mut App) {
    let parent = app.session.node().parent;
    match parent {
        Some(parent) => app.go(parent),
        None => app.say("this is the start of the run"),
    }
}

/// Goes to the next or previous event of the branch.
fn event(app: &mut App, forward: bool) {
    let here = app.step() as usize;
    let found = if forward {
        (here + 1..=app.history.steps()).find(|&step| app.history.is_event(step))
    } else {
        (1..here).rev().find(|&step| app.history.is_event(step))
    };
    match found {
        Some(step) => app.go_step(step),
        None => app.say(if forward { "no event further on" } else { "no event before" }),
    }
}

/// Goes back to where the block or stage started.
fn bound(app: &mut App, stage: bool) {
    let here = app.step() as usize;
    let moments = &app.history.moments;
    let mark = |step: usize| {
        let moment = &moments[step];
        (moment.stage, if stage { None } else { moment.block })
    };
    // Standing at a start goes to the start before.
    let Some(before) = here.checked_sub(1).filter(|_| here < moments.len()) else {
        return app.say("this is the start of the run");
    };
    let wanted = mark(before);
    let start = (0..=before).rev().take_while(|&step| mark(step) == wanted).last();
    app.go_step(start.unwrap_or(0));
}

fn turn(app: &mut App, steps: i64) {
    let Some((spec, value)) = app.session.params().iter().nth(app.param) else { return };
    let turned = spec.turned(value, steps);
    match app.session.set_param(spec.name, turned) {
        Ok(_) => changed(app),
        Err(error) => app.complain(error.to_string()),
    }
}

fn reset(app: &mut App) {
    let own = app
        .session
        .params()
        .specs()
        .get(app.param)
        .and_then(|spec| Some((spec.name, app.own_params()?.get(spec.name).ok()?)));
    if let Some((name, value)) = own {
        match app.session.set_param(name, value) {
            Ok(_) => changed(app),
            Err(error) => app.complain(error.to_string()),
        }
    }
}

/// Goes to where the position under the cursor was written, or else inserted: to just before
/// that step, where its reasons are on screen.
fn origin(app: &mut App) {
    let Some(cell) = app.canvas().cells().get(app.position).copied() else { return };
    let step = cell.filled.or(match cell.born {
        Born::Start => None,
        Born::Appended { step } | Born::Inserted { step, .. } => Some(step),
    });
    match step.and_then(|step| step.checked_sub(1)) {
        Some(step) => {
            app.follow = false;
            app.go_step(step as usize);
        }
        None => app.say("this position is there from the start and not written yet"),
    }
}

fn enter(app: &mut App) {
    if matches!(app.focus, Pane::Canvas | Pane::Grid | Pane::Inspector | Pane::Waterfall) {
        return origin(app);
    }
    if app.focus == Pane::Log {
        let lines = app.log();
        let step = lines.get(app.log_cursor(&lines)).map(|entry| entry.step);
        if let Some(step) = step {
            let line = app.log_line;
            app.go_step(step as usize);
            app.log_line = line;
        }
        return;
    }
    let value = app.session.params().iter().nth(app.param).map(|(_, value)| value);
    if let Some(value) = value {
        show(app, Pane::Params, true);
        app.mode = Mode::Value(Input::new(value.to_string()));
    }
}

/// Brings a pane on screen.
fn show(app: &mut App, pane: Pane, focus: bool) {
    let on_screen = |app: &App| app.areas().is_some_and(|areas| areas.of(pane).is_some());
    if app.zoom && focus {
        app.focus = pane;
        app.tab = pane;
        return;
    }
    if !on_screen(app) {
        // In the compact layout it takes the tabbed place; else the waterfall takes the grid's.
        app.tab = pane;
        if !on_screen(app) && pane == Pane::Waterfall {
            app.waterfall = true;
        }
    }
    if focus {
        focus_if_shown(app, pane);
    }
}

fn focus_if_shown(app: &mut App, pane: Pane) {
    let shown = app.areas().is_some_and(|areas| areas.of(pane).is_some());
    app.focus = if shown { pane } else { Pane::Canvas };
}

/// Gives the keys to the next pane on screen; zoomed, the next pane there is.
fn cycle(app: &mut App, forward: bool) {
    let zoomed = std::mem::take(&mut app.zoom);
    let panes: Vec<Pane> = app
        .areas()
        .map(|areas| areas.panes.iter().map(|(pane, _)| *pane).collect())
        .unwrap_or_default();
    app.zoom = zoomed;
    if panes.is_empty() {
        return;
    }
    let at = panes.iter().position(|&pane| pane == app.focus).unwrap_or(0);
    let by = if forward { 1 } else { panes.len() - 1 };
    app.focus = panes[(at + by) % panes.len()];
}

fn paste(app: &mut App, text: &str) {
    if let Mode::Value(input) | Mode::Prompt(input) = &mut app.mode {
        // A line editor has one line.
        for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
            input.handle(tui_input::InputRequest::InsertChar(c));
        }
    }
}

fn click(app: &mut App, mouse: MouseEvent) {
    let (x, y) = (mouse.column, mouse.row);
    let Some(areas) = app.areas() else { return };
    if let Mode::Help(scroll) = app.mode {
        app.mode = match mouse.kind {
            MouseEventKind::ScrollDown => Mode::Help(scroll + 3),
            MouseEventKind::ScrollUp => Mode::Help(scroll.saturating_sub(3)),
            MouseEventKind::Down(_) => Mode::Normal,
            _ => Mode::Help(scroll),
        };
        return;
    }
    let inside = |area: ratatui::layout::Rect| area.contains((x, y).into());
    if let Some(strip) = areas.strip.filter(|&strip| inside(strip)) {
        if matches!(mouse.kind, MouseEventKind::Down(_) | MouseEventKind::Drag(_))
            && let Some(step) = timeline::strip_hit(app, strip, x)
        {
            app.go_step(step);
        }
        return;
    }
    let Some(&(pane, area)) = areas.panes.iter().find(|(_, area)| inside(*area)) else { return };
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            app.message = None;
            if y == area.y {
                if areas.tabbed
                    && pane == app.tab
                    && let Some(tab) = super::frame::tab_hit(area, x)
                {
                    app.tab = tab;
                    app.focus = tab;
                } else {
                    app.focus = pane;
                }
                return;
            }
            app.focus = pane;
            point(app, pane, area, x, y);
        }
        MouseEventKind::Drag(MouseButton::Left) if y > area.y && pane != Pane::Params => {
            point(app, pane, area, x, y);
        }
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            wheel(app, pane, area, mouse.kind == MouseEventKind::ScrollDown);
        }
        _ => {}
    }
}

/// A click or drag inside a pane.
fn point(app: &mut App, pane: Pane, area: ratatui::layout::Rect, x: u16, y: u16) {
    match pane {
        Pane::Canvas => {
            if let Some(position) = canvas::hit(app, area, x, y) {
                let scroll = canvas::top(app, area);
                app.put(position);
                app.scroll = Some(scroll);
            }
        }
        Pane::Grid => {
            if let Some(position) = grid::hit(app, area, x, y) {
                app.put(position);
            }
        }
        Pane::Waterfall => {
            if let Some((position, step)) = super::panes::waterfall::hit(app, area, x, y) {
                app.go_step(step);
                if let Some(position) = position {
                    app.put(position);
                }
            }
        }
        Pane::Timeline => {
            if let Some(node) = timeline::hit(app, area, x, y) {
                app.go(node);
            }
        }
        Pane::Eos => {
            if let Some(step) = super::panes::eos::hit(app, area, x, y) {
                app.go_step(step);
            }
        }
        Pane::Params => {
            if let Some(param) = params::hit(app, area, y) {
                app.param = param;
            }
        }
        Pane::Log => {
            if let Some((line, step)) = log::hit(app, area, y) {
                app.go_step(step as usize);
                app.log_line = Some(line);
            }
        }
        Pane::Inspector => {}
    }
}

fn wheel(app: &mut App, pane: Pane, area: ratatui::layout::Rect, down: bool) {
    const ROWS: usize = 3;
    match pane {
        Pane::Canvas => {
            let top = canvas::top(app, area);
            app.scroll = Some(if down { top + ROWS } else { top.saturating_sub(ROWS) });
        }
        Pane::Log => {
            let lines = app.log();
            let at = app.log_cursor(&lines);
            let to = if down { at + ROWS } else { at.saturating_sub(ROWS) };
            app.log_line = Some(to.min(lines.len().saturating_sub(1)));
        }
        Pane::Params => {
            let last = app.session.params().specs().len().saturating_sub(1);
            app.param = if down { (app.param + 1).min(last) } else { app.param.saturating_sub(1) };
        }
        Pane::Timeline | Pane::Eos => {
            let step = app.step() as usize;
            app.go_step(if down { step + 1 } else { step.saturating_sub(1) });
        }
        Pane::Grid | Pane::Waterfall => {
            app.travel(if down { Action::NextBlock } else { Action::PreviousBlock });
        }
        Pane::Inspector => {}
    }
}
