//! Runs side by side on one screen: each lane is a whole debugger of its own, stepped together with
//! the others, and one can be opened. Everything that changes the screen is here; it knows neither
//! terminal nor thread, as the debugger's own `update`.

mod draw;
mod keys;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, time::Duration};

use crossterm::event::{Event as TerminalEvent, KeyEvent, KeyEventKind};
use ratatui::buffer::Buffer;

use super::{
    Source, Start,
    app::{App, Busy, Mode, SPEEDS},
    driver::Interface,
    frame,
    keymap::{Action, Keymap},
    theme::{Role, Theme},
    update::{self, Effect, Event},
};
use crate::{
    compare::{self, Advance, Ahead, Lockstep, Run, StepPair},
    predict::{Key, PredictError, Progress},
    session::{NodeId, Report, Session},
};

/// A run as a debugger of its own.
pub(super) struct Lane {
    /// The strategy as it was written, or the recording's name.
    pub label: String,
    pub app: App,
    /// Of a recorded run: its end.
    end: Option<NodeId>,
    /// The step at which it parts from the first lane.
    parting: Option<usize>,
    /// Of a recorded run beside a recorded first lane: by step from 1, whether it differs.
    differing: Vec<bool>,
}

impl Lane {
    /// The whole run of a recorded lane; of another as far as it has come.
    fn run(&self) -> Run<'_> {
        let session = &self.app.debugger.session;
        Run { session, end: self.end.unwrap_or(session.at()) }
    }
}

impl compare::Lane for Lane {
    fn ahead(&self) -> Ahead {
        match self.app.source {
            Source::Live => Ahead::Decides,
            Source::Replay(_) => Ahead::Known,
        }
    }

    fn session(&self) -> &Session {
        &self.app.debugger.session
    }

    fn session_mut(&mut self) -> &mut Session {
        &mut self.app.debugger.session
    }
}

/// The state of the screen.
pub(super) struct Comparison {
    pub lockstep: Lockstep<Lane>,
    pub focus: usize,
    /// The lane in focus has the whole screen, as a debugger.
    pub open: bool,
    pub help: bool,
    /// It lies over the debugger, which to quit leads back to.
    pub inner: bool,
    /// It runs at the chosen speed, or as fast as it goes.
    pub running: bool,
    paced: bool,
    speed: usize,
    /// Steps asked for while a pass was on its way: no key is lost.
    owed: usize,
    asked: HashSet<Key>,
    pub busy: Option<Busy>,
    /// It takes long: so long by now.
    pub slow: Option<Duration>,
    /// A cancelled pass is not asked for again until a key wants it.
    held: bool,
    interrupted: bool,
    pub message: Option<(Role, String)>,
    pub theme: Theme,
    pub keymap: Keymap,
    pub width: u16,
    pub height: u16,
    pub died: Option<String>,
}

impl Comparison {
    /// The screen at its start; there must be a lane.
    pub fn new(starts: Vec<(String, Start)>, width: u16, height: u16) -> Option<Self> {
        let (_, first) = starts.first()?;
        let (theme, keymap) = (Theme::new(first.look), first.keymap.clone());
        let speed = SPEEDS.iter().position(|&at| at == first.speed).unwrap_or(2);
        let lanes = starts.into_iter().map(|(label, start)| {
            let mut app = App::new(start, width, height);
            let live = app.source == Source::Live;
            app.debugger.live = live;
            let session = &app.debugger.session;
            let end = session.timeline().branch(session.at()).last().copied().filter(|_| !live);
            Lane { label, app, end, parting: None, differing: Vec::new() }
        });
        let mut comparison = Self {
            lockstep: Lockstep { lanes: lanes.collect() },
            focus: 0,
            open: false,
            help: false,
            inner: false,
            running: false,
            paced: false,
            speed,
            owed: 0,
            asked: HashSet::new(),
            busy: None,
            slow: None,
            held: false,
            interrupted: false,
            message: None,
            theme,
            keymap,
            width,
            height,
            died: None,
        };
        comparison.hold_recorded();
        comparison.refresh();
        Some(comparison)
    }

    /// Two recorded lanes over the debugger they are branches of, at the step before they part.
    pub fn of_branches(lanes: Vec<(String, Start)>, width: u16, height: u16) -> Option<Self> {
        let mut comparison = Self::new(lanes, width, height)?;
        comparison.inner = true;
        comparison.go_to_parting();
        Some(comparison)
    }

    /// True if the last key was the one that interrupts, which quits when it is pressed twice.
    pub fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// Holds recorded lanes against a recorded first lane, from start to end.
    fn hold_recorded(&mut self) {
        let Some((first, others)) = self.lockstep.lanes.split_first_mut() else { return };
        for lane in others.iter_mut().filter(|lane| lane.end.is_some() && first.end.is_some()) {
            let mut differing = Vec::new();
            let each = |pair: StepPair| differing.push(pair.differs());
            let found = compare::trajectories(first.run(), lane.run(), each);
            lane.parting = match found.same_start {
                true => found.divergence.map(|divergence| divergence.step),
                false => Some(0),
            };
            lane.differing = differing;
        }
    }

    /// True if every lane goes over what is on record.
    pub fn recorded(&self) -> bool {
        self.lockstep.lanes.iter().all(|lane| lane.end.is_some())
    }

    /// The last step of the longest recorded lane.
    fn last_step(&self) -> usize {
        let depth = |lane: &Lane| {
            let end = lane.end?;
            Some(lane.app.debugger.session.timeline()[end].depth as usize)
        };
        self.lockstep.lanes.iter().filter_map(depth).max().unwrap_or(0)
    }

    /// The lane in focus.
    fn focused(&mut self) -> Option<&mut App> {
        self.lockstep.lanes.get_mut(self.focus).map(|lane| &mut lane.app)
    }

    /// True if every run is over.
    pub fn over(&self) -> bool {
        self.lockstep.lanes.iter().all(compare::Lane::over)
    }

    /// Brings what is derived from the sessions up to date.
    fn refresh(&mut self) {
        self.lockstep.wanted();
        for lane in &mut self.lockstep.lanes {
            lane.app.refresh();
        }
        let Some((first, others)) = self.lockstep.lanes.split_first_mut() else { return };
        for lane in others {
            lane.app.differs = compare::differing(first.app.canvas(), lane.app.canvas());
            // Of recorded runs it is known already.
            if lane.differing.is_empty() {
                let (one, own) = (&first.app.debugger.session, &lane.app.debugger.session);
                lane.parting = compare::first_difference(Run::here(one), Run::here(own)).step;
            }
        }
    }

    /// In words, where a lane parts from the first; nothing where it does not.
    pub fn parting(&self, at: usize) -> Option<String> {
        let step = self.lockstep.lanes.get(at)?.parting?;
        Some(match step {
            0 => format!("lane {} starts from another canvas than lane 1", at + 1),
            step => format!("lane {} parts from lane 1 at step {step}", at + 1),
        })
    }

    fn say(&mut self, text: impl Into<String>) {
        self.message = Some((Role::Text, text.into()));
    }

    /// Makes the next step of all, if nothing is waited for; false if that was not possible.
    fn step(&mut self) -> bool {
        match self.lockstep.step_all() {
            Ok(Advance::Moved) => {
                self.refresh();
                if self.running && self.over() {
                    self.running = false;
                    self.say("every run is over");
                }
                true
            }
            Ok(Advance::Waiting) => false,
            Ok(Advance::Over) => {
                self.running = false;
                self.say("every run is over; S goes back");
                false
            }
            Err((at, error)) => {
                self.running = false;
                self.message = Some((Role::Bad, format!("lane {}: {error}", at + 1)));
                false
            }
        }
    }

    fn back_to(&mut self, step: usize) {
        (self.running, self.owed) = (false, 0);
        self.lockstep.back_to(step);
        self.refresh();
    }

    /// Goes to a step, back or on over what is on record.
    fn go_to(&mut self, step: usize) {
        (self.running, self.owed) = (false, 0);
        self.lockstep.to(step);
        self.refresh();
    }

    /// A tenth of the recorded run back or on.
    fn scrub(&mut self, on: bool) {
        if !self.recorded() {
            return self.say("a run that is being made is known as far as it goes: s, S, 0, $");
        }
        let (here, last) = (self.lockstep.step(), self.last_step());
        let by = last.div_ceil(10).max(1);
        self.go_to(if on { (here + by).min(last) } else { here.saturating_sub(by) });
    }

    /// Goes to where the lane in focus parts from the first, before the step that does it.
    fn go_to_parting(&mut self) {
        let at = self.focus.max(1);
        let Some(lane) = self.lockstep.lanes.get(at) else { return };
        let Some(step) = lane.parting else {
            return self.say(format!("lane {} does not part from lane 1", at + 1));
        };
        self.go_to(step.saturating_sub(1));
        let step_key = self.keymap.first(Action::Step);
        self.say(match step {
            0 => format!("lane {} starts from another canvas than lane 1", at + 1),
            _ => format!(
                "lane {} parts from lane 1 in the next step, {step}: {step_key} makes it",
                at + 1
            ),
        });
    }

    /// Asks for the passes that are wanted, each once; those that nobody waits for are cancelled.
    fn want(&mut self, effects: &mut Vec<Effect>) {
        if self.held || self.open {
            return;
        }
        let wanted = self.lockstep.wanted();
        let stale = |key: &Key| !wanted.iter().any(|(wanted, _)| wanted == key);
        if self.asked.iter().any(stale) && !wanted.is_empty() {
            effects.push(Effect::Cancel);
            // What was cancelled with them is asked for again.
            self.asked.clear();
        }
        for (key, request) in wanted {
            if self.asked.insert(key) {
                effects.push(Effect::Submit(key, request));
                self.busy.get_or_insert(Busy { key, progress: Progress { done: 0, of: 1 } });
            }
        }
    }

    fn answer(&mut self, report: Report, effects: &mut Vec<Effect>) {
        match report {
            Report::Progress(key, progress) => {
                if self.asked.contains(&key) {
                    self.busy = Some(Busy { key, progress });
                }
            }
            Report::Done { key, prediction, took } => {
                self.settle(key);
                self.lockstep.supply(key, prediction, took);
                self.refresh();
                if self.owed > 0 && self.step() {
                    self.owed -= 1;
                } else if self.running && !self.paced {
                    self.step();
                }
            }
            Report::Failed(_, PredictError::Cancelled) => {}
            Report::Failed(key, error) => {
                self.settle(key);
                (self.held, self.running, self.owed) = (true, false, 0);
                self.message = Some((Role::Bad, format!("{error}; s tries again")));
            }
            Report::Died(message) => {
                self.died = Some(message);
                effects.push(Effect::Quit);
            }
        }
    }

    fn settle(&mut self, key: Key) {
        self.asked.remove(&key);
        let next = self.asked.iter().next().copied();
        self.busy = next.map(|key| Busy { key, progress: Progress { done: 0, of: 1 } });
    }

    /// Pauses and cancels; false if there was nothing to stop.
    fn stop(&mut self, effects: &mut Vec<Effect>) -> bool {
        let running = std::mem::take(&mut self.running);
        let busy = self.busy.take().is_some();
        self.owed = 0;
        if busy {
            self.asked.clear();
            self.held = true;
            effects.push(Effect::Cancel);
        }
        running || busy
    }

    fn press(&mut self, key: KeyEvent, effects: &mut Vec<Effect>) {
        let Some(action) = self.keymap.action(&key) else { return };
        match action {
            Action::Interrupt if std::mem::replace(&mut self.interrupted, true) => {
                return effects.push(Effect::Quit);
            }
            Action::Interrupt => {
                self.stop(effects);
                let key = self.keymap.first(Action::Interrupt);
                return self.say(format!("stopped; {key} again quits"));
            }
            Action::Suspend => return effects.push(Effect::Suspend),
            Action::Redraw => return effects.push(Effect::Redraw),
            _ => {}
        }
        self.interrupted = false;
        self.message = None;
        if self.help {
            self.help =
                !matches!(action, Action::Help | Action::Escape | Action::Quit | Action::Enter);
            return;
        }
        self.act(action, effects);
    }

    fn act(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let lanes = self.lockstep.lanes.len().max(1);
        match action {
            Action::Step => {
                self.held = false;
                self.running = false;
                if !self.step() && !self.over() {
                    self.owed += 1;
                }
            }
            Action::Back => match self.lockstep.step() {
                0 => self.say("this is the start"),
                step => self.back_to(step - 1),
            },
            Action::FirstStep => self.back_to(0),
            Action::LastStep if self.recorded() => self.go_to(self.last_step()),
            Action::Forward => {
                self.running = false;
                self.step();
            }
            Action::BackStage | Action::RunStage => self.scrub(action == Action::RunStage),
            Action::PreviousEvent | Action::NextEvent => self.go_to_parting(),
            Action::LastStep => {
                while self.lockstep.step_all() == Ok(Advance::Moved) {}
                self.refresh();
            }
            Action::RunPause | Action::RunToEnd if self.running => self.running = false,
            Action::RunPause | Action::RunToEnd => {
                (self.held, self.running) = (false, true);
                self.paced = action == Action::RunPause;
                self.step();
            }
            Action::Slower | Action::Faster => {
                self.speed = match action {
                    Action::Slower => self.speed.saturating_sub(1),
                    _ => (self.speed + 1).min(SPEEDS.len() - 1),
                };
                self.say(format!("speed {}", self.speed_name()));
            }
            Action::NextPane => self.focus = (self.focus + 1) % lanes,
            Action::PreviousPane => self.focus = (self.focus + lanes - 1) % lanes,
            Action::Pane(number) if usize::from(number) <= lanes => {
                self.focus = usize::from(number).saturating_sub(1);
            }
            Action::NextTouched | Action::PreviousTouched => {
                self.next_difference(action == Action::NextTouched);
            }
            Action::Left
            | Action::Right
            | Action::NextWord
            | Action::PreviousWord
            | Action::NextBlock
            | Action::PreviousBlock
            | Action::First
            | Action::Last => {
                if let Some(app) = self.focused() {
                    app.travel(action);
                }
            }
            Action::Follow => {
                for lane in &mut self.lockstep.lanes {
                    lane.app.follow = true;
                    lane.app.follow_slot();
                }
                self.say("the cursors follow");
            }
            Action::Ghost => {
                for lane in &mut self.lockstep.lanes {
                    lane.app.ghost = !lane.app.ghost;
                }
            }
            Action::Enter => self.enter(),
            Action::Help => self.help = true,
            Action::Escape if self.stop(effects) => self.say("stopped"),
            Action::Quit => effects.push(Effect::Quit),
            _ => {}
        }
    }

    /// Opens the lane in focus as a debugger.
    fn enter(&mut self) {
        (self.running, self.open, self.owed) = (false, true, 0);
        let (asked, busy) = (std::mem::take(&mut self.asked), self.busy.take());
        let (width, height) = (self.width, self.height);
        if let Some(app) = self.focused() {
            (app.width, app.height) = (width, height);
            (app.asked, app.busy) = (asked, busy);
            app.differs.clear();
            app.held = false;
            app.say("this lane alone; q goes back to all");
            app.refresh();
        }
    }

    /// Goes back to all lanes.
    fn leave(&mut self) {
        self.open = false;
        if let Some(app) = self.focused() {
            app.debugger.halt();
            app.debugger.drop_try();
            app.queue.clear();
            (app.background, app.tries_shown) = (None, false);
            app.mode = Mode::Normal;
            let (asked, busy) = (std::mem::take(&mut app.asked), app.busy.take());
            (self.asked, self.busy) = (asked, busy);
        }
        // A recorded lane keeps to its branch, whatever was looked at.
        let focused = self.lockstep.lanes.get_mut(self.focus);
        if let Some((end, lane)) = focused.and_then(|lane| Some((lane.end?, lane))) {
            let session = &mut lane.app.debugger.session;
            let path = session.timeline().path(end);
            let step = (session.node().depth as usize).min(path.len() - 1);
            session.go(end);
            session.go(path[step]);
        }
        self.refresh();
    }

    /// Goes to the next position of the lane in focus that differs from the first lane.
    fn next_difference(&mut self, on: bool) {
        let first = self.focus == 0;
        let Some(app) = self.focused() else { return };
        let mut differing = (0..app.differs.len()).filter(|&at| app.differs[at]);
        let found = match on {
            true => differing.find(|&at| at > app.position),
            false => differing.rfind(|&at| at < app.position),
        };
        match found {
            Some(position) => app.put(position),
            None if first => self.say("lane 1 is what the others are compared with"),
            None => self.say("no difference further"),
        }
    }

    pub fn speed_name(&self) -> String {
        match SPEEDS[self.speed.min(SPEEDS.len() - 1)] {
            Some(speed) if self.paced || !self.running => format!("{speed}/s"),
            _ => "max".to_owned(),
        }
    }

    /// What happens while a lane is open: it is the debugger's. To quit it leads back here.
    fn update_open(&mut self, event: Event) -> Vec<Effect> {
        let quits = |app: &App, key: &KeyEvent| {
            matches!(app.mode, Mode::Normal)
                && app.beside.is_none()
                && app.keymap.action(key) == Some(Action::Quit)
        };
        let Some(app) = self.focused() else { return Vec::new() };
        let back = match &event {
            Event::Terminal(TerminalEvent::Key(key)) => {
                key.kind != KeyEventKind::Release && quits(app, key)
            }
            _ => false,
        };
        if back {
            self.leave();
            let mut effects = Vec::new();
            self.want(&mut effects);
            return effects;
        }
        let size = (app.width, app.height);
        let effects = update::update(app, event);
        if let Some(message) = app.died.take() {
            self.died = Some(message);
            return effects;
        }
        let (width, height) = (app.width, app.height);
        if (width, height) != size {
            self.resize(width, height);
        }
        // `:quit` and its question lead back as well; Ctrl-C twice does not.
        let interrupted = self.focused().is_some_and(|app| app.interrupted);
        let asks = self.focused().is_some_and(|app| matches!(app.mode, Mode::Leaving));
        let quit = |effect: &Effect| matches!(effect, Effect::Quit);
        if asks || (!interrupted && effects.iter().any(quit)) {
            self.leave();
            let mut kept: Vec<Effect> =
                effects.into_iter().filter(|effect| !quit(effect)).collect();
            self.want(&mut kept);
            return kept;
        }
        effects
    }
}

impl Interface for Comparison {
    fn resize(&mut self, width: u16, height: u16) {
        (self.width, self.height) = (width, height);
        for lane in &mut self.lockstep.lanes {
            (lane.app.width, lane.app.height) = (width, height);
        }
    }

    fn begin(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.want(&mut effects);
        effects
    }

    fn update(&mut self, event: Event) -> Vec<Effect> {
        if self.open {
            return self.update_open(event);
        }
        let mut effects = Vec::new();
        match event {
            Event::Terminal(TerminalEvent::Key(key)) if key.kind != KeyEventKind::Release => {
                self.press(key, &mut effects);
            }
            Event::Terminal(TerminalEvent::Resize(width, height)) => self.resize(width, height),
            Event::Terminal(TerminalEvent::Mouse(mouse)) => draw::click(self, mouse),
            Event::Terminal(_) => {}
            Event::Report(report) => self.answer(report, &mut effects),
            Event::Tick => {
                self.step();
            }
            Event::Spare | Event::News(_) => {}
        }
        self.want(&mut effects);
        effects
    }

    fn draw(&self, buffer: &mut Buffer) {
        match self.lockstep.lanes.get(self.focus) {
            Some(lane) if self.open => frame::draw(&lane.app, buffer),
            _ => draw::draw(self, buffer),
        }
    }

    fn due(&self) -> bool {
        match self.lockstep.lanes.get(self.focus) {
            Some(lane) if self.open => lane.app.due(),
            _ => self.running && self.busy.is_none(),
        }
    }

    fn period(&self) -> Duration {
        match self.lockstep.lanes.get(self.focus) {
            Some(lane) if self.open => lane.app.period(),
            _ => match (self.paced, SPEEDS[self.speed.min(SPEEDS.len() - 1)]) {
                (true, Some(speed)) => Duration::from_secs(1) / speed.max(1),
                _ => Duration::ZERO,
            },
        }
    }

    fn spare(&self) -> bool {
        self.open && self.lockstep.lanes.get(self.focus).is_some_and(|lane| lane.app.spare())
    }

    fn busy(&self) -> Option<Key> {
        match self.lockstep.lanes.get(self.focus) {
            Some(lane) if self.open => lane.app.busy.map(|busy| busy.key),
            _ => self.busy.map(|busy| busy.key),
        }
    }

    fn set_slow(&mut self, time: Option<Duration>) {
        self.slow = time;
        for lane in &mut self.lockstep.lanes {
            lane.app.slow = time;
        }
    }
}
