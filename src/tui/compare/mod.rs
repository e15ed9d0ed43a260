//! Runs side by side on one screen: each run is a whole debugger of its own, stepped together with
//! the others, and one can be opened. Everything that changes the screen is here; it knows neither
//! terminal nor thread, as the debugger's own `update`.

mod draw;
mod keys;
mod moves;
mod open;
mod passes;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, time::Duration};

use crossterm::event::{Event as TerminalEvent, KeyEvent, KeyEventKind};
use ratatui::buffer::Buffer;

use super::{
    RunStart, StepSource,
    app::{
        Action, App, Busy, Keymap, SPEEDS,
        interface::{AppEvent, Effect, InnerScreen, Interface},
        keymap::Binding,
    },
    frame,
    paint::theme::{Role, Theme},
};
use crate::{
    compare::{self, Ahead, ComparedBy, Lockstep, LockstepAdvance, Parted, RunPath, StepPair},
    predict::{Key, Vocabulary},
    session::{NodeId, Session},
};

/// A run as a debugger of its own.
pub(super) struct ComparedRun {
    /// The strategy as it was written with its model where there are several, or the recording's name.
    pub label: String,
    /// The number of the model that answers it.
    pub model: usize,
    pub app: App,
    /// Its vocabulary is that of the first run.
    by_tokens: bool,
    /// Of a recorded run: its end.
    end: Option<NodeId>,
    /// The step at which it parts from the first run.
    parting: Option<usize>,
    /// Of a recorded run: the positions where the first run and this one part, where they have one.
    spots: Option<[Option<usize>; 2]>,
    /// Of a recorded run beside a recorded first run: by step from 1, whether it differs.
    differing: Vec<bool>,
}

impl ComparedRun {
    /// All of a recorded run; of another as far as it has come.
    fn run(&self) -> RunPath<'_> {
        let session = &self.app.debugger.session;
        RunPath { session, end: self.end.unwrap_or(session.at()) }
    }

    /// What it is compared with the first run by.
    fn compared_by<'a>(&'a self, first: &'a Self) -> ComparedBy<'a> {
        match self.by_tokens {
            true => ComparedBy::Tokens,
            false => ComparedBy::Texts(
                [first, self].map(|run| &*run.app.debugger.vocabulary as &dyn Vocabulary),
            ),
        }
    }
}

impl compare::LockstepRun for ComparedRun {
    fn ahead(&self) -> Ahead {
        match self.app.source {
            StepSource::Live | StepSource::Engine(_) => Ahead::Decides,
            StepSource::Replay(_) | StepSource::Loop(_) => Ahead::Known,
        }
    }

    fn model(&self) -> usize {
        self.model
    }

    fn session(&self) -> &Session {
        &self.app.debugger.session
    }

    fn session_mut(&mut self) -> &mut Session {
        &mut self.app.debugger.session
    }
}

/// What a comparison lies over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScreenBelow {
    Nothing,
    /// The debugger that the runs are branches of.
    Debugger,
    /// The list of a folder, whose recordings the runs are.
    Folder,
}

/// The state of the screen.
pub(super) struct ComparisonScreen {
    pub lockstep: Lockstep<ComparedRun>,
    pub focus: usize,
    /// The run in focus has the whole screen, as a debugger.
    pub open: bool,
    pub help: bool,
    /// A key has left the mouse to the terminal.
    pub selecting: bool,
    /// What to quit leads back to.
    pub below: ScreenBelow,
    /// The debugger is to go where the run in focus is.
    chosen: bool,
    /// It runs at the chosen speed, or as fast as it goes.
    pub running: bool,
    paced: bool,
    speed: usize,
    /// Steps asked for while a pass was on its way: no key is lost.
    owed: usize,
    asked: HashSet<(usize, Key)>,
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

impl ComparisonScreen {
    /// The screen at its start; there must be a run.
    pub fn new(starts: Vec<RunStart>, width: u16, height: u16) -> Option<Self> {
        let RunStart { model: first_model, start: first, .. } = starts.first()?;
        let (first_model, vocabulary) = (*first_model, first.vocabulary.clone());
        let (theme, keymap) = (Theme::new(first.look), first.keymap.clone());
        let speed = SPEEDS.iter().position(|&at| at == first.speed).unwrap_or(2);
        let runs = starts.into_iter().map(|RunStart { label, model, start }| {
            let by_tokens = || match ComparedBy::of([&*vocabulary, &*start.vocabulary]) {
                ComparedBy::Tokens => true,
                ComparedBy::Texts(_) => false,
            };
            let by_tokens = model == first_model || by_tokens();
            let mut app = App::new(start, width, height);
            let live = app.source.is_live();
            app.debugger.live = live;
            app.display.inner = true;
            let session = &app.debugger.session;
            let end = session.timeline().branch(session.at()).last().copied().filter(|_| !live);
            let (parting, spots, differing) = (None, None, Vec::new());
            ComparedRun { label, model, app, by_tokens, end, parting, spots, differing }
        });
        let mut comparison = Self {
            lockstep: Lockstep { runs: runs.collect() },
            focus: 0,
            open: false,
            help: false,
            selecting: false,
            below: ScreenBelow::Nothing,
            chosen: false,
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

    /// Two recorded runs over the debugger they are branches of, at the step before they part.
    pub fn of_branches(runs: Vec<RunStart>, width: u16, height: u16) -> Option<Self> {
        let mut comparison = Self::new(runs, width, height)?;
        comparison.below = ScreenBelow::Debugger;
        comparison.go_to_parting();
        Some(comparison)
    }

    /// Recordings of a folder over its list, at the step before the second parts from the first.
    pub fn of_folder(runs: Vec<RunStart>, width: u16, height: u16) -> Option<Self> {
        let mut comparison = Self::new(runs, width, height)?;
        comparison.below = ScreenBelow::Folder;
        comparison.go_to_parting();
        Some(comparison)
    }

    /// True if it was left by the key that interrupts, which quits the program when it is pressed twice.
    pub fn is_interrupted(&self) -> bool {
        let open = self.lockstep.runs.get(self.focus).filter(|_| self.open);
        open.map_or(self.interrupted, |run| run.app.running.interrupted)
    }

    /// Compares recorded runs with a recorded first run, from start to end.
    fn hold_recorded(&mut self) {
        let Some((first, others)) = self.lockstep.runs.split_first_mut() else { return };
        for run in others.iter_mut().filter(|run| run.end.is_some() && first.end.is_some()) {
            let mut differing = Vec::new();
            let each = |pair: StepPair| differing.push(pair.differs());
            let found = compare::trajectories(first.run(), run.run(), each);
            let at = |side: &Parted| side.spot.as_ref().map(|spot| spot.position);
            run.spots = found.divergence.as_ref().map(|parts| [at(&parts.a), at(&parts.b)]);
            run.parting = match found.same_start {
                true => found.divergence.map(|divergence| divergence.step),
                false => Some(0),
            };
            run.differing = differing;
        }
    }

    /// True if every run goes over what is on record.
    pub fn recorded(&self) -> bool {
        self.lockstep.runs.iter().all(|run| run.end.is_some())
    }

    /// The last step of the longest recorded run.
    fn last_step(&self) -> usize {
        let depth = |run: &ComparedRun| {
            let end = run.end?;
            Some(run.app.debugger.session.timeline()[end].depth as usize)
        };
        self.lockstep.runs.iter().filter_map(depth).max().unwrap_or(0)
    }

    /// The run in focus.
    fn focused(&mut self) -> Option<&mut App> {
        self.lockstep.runs.get_mut(self.focus).map(|run| &mut run.app)
    }

    /// True if every run is over.
    pub fn over(&self) -> bool {
        self.lockstep.runs.iter().all(compare::LockstepRun::over)
    }

    /// Brings what is derived from the sessions up to date.
    fn refresh(&mut self) {
        self.lockstep.wanted();
        for run in &mut self.lockstep.runs {
            run.app.refresh();
        }
        let Some((first, others)) = self.lockstep.runs.split_first_mut() else { return };
        for run in others {
            let by = run.compared_by(first);
            let differs = compare::differing(first.app.canvas(), run.app.canvas(), by);
            // Of recorded runs it is known already.
            if run.differing.is_empty() {
                let (one, own) = (&first.app.debugger.session, &run.app.debugger.session);
                let (one, own) = (RunPath::here(one), RunPath::here(own));
                run.parting = compare::first_difference(one, own, by).step;
            }
            run.app.display.differs = differs;
        }
    }

    fn press(&mut self, key: KeyEvent, effects: &mut Vec<Effect>) {
        if let Some(row) = self.keymap.pressed(&key) {
            self.perform(row, effects);
        }
    }

    /// Does what a key or its hint does.
    fn perform(&mut self, row: &Binding, effects: &mut Vec<Effect>) {
        match row.action {
            Some(Action::Interrupt) if std::mem::replace(&mut self.interrupted, true) => {
                return effects.push(Effect::Quit);
            }
            Some(Action::Interrupt) => {
                self.stop(effects);
                let key = self.keymap.first(Action::Interrupt);
                return self.say(format!("stopped; {key} again quits"));
            }
            Some(Action::Suspend) => return effects.push(Effect::Suspend),
            Some(Action::Redraw) => return effects.push(Effect::Redraw),
            Some(Action::SelectText) => return effects.push(Effect::ToggleMouse),
            _ => {}
        }
        self.interrupted = false;
        self.message = None;
        if self.help {
            let closes = [Action::Help, Action::Escape, Action::Quit, Action::Enter];
            self.help = !row.action.is_some_and(|action| closes.contains(&action));
        } else if let Some(action) = row.action {
            self.act(row, action, effects);
        }
    }

    fn act(&mut self, row: &Binding, action: Action, effects: &mut Vec<Effect>) {
        let runs = self.lockstep.runs.len().max(1);
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
                while self.lockstep.step_all() == Ok(LockstepAdvance::Moved) {}
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
            Action::NextPane => self.focus = (self.focus + 1) % runs,
            Action::PreviousPane => self.focus = (self.focus + runs - 1) % runs,
            Action::Pane(number) if usize::from(number) <= runs => {
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
                    row.perform(app, effects);
                }
            }
            Action::Follow => {
                for run in &mut self.lockstep.runs {
                    run.app.display.follow = true;
                    run.app.follow_slot();
                }
                self.say("the cursors follow");
            }
            Action::Ghost => {
                for run in &mut self.lockstep.runs {
                    run.app.display.ghost = !run.app.display.ghost;
                }
            }
            Action::Enter if self.below == ScreenBelow::Debugger => {
                self.chosen = true;
                effects.push(Effect::Quit);
            }
            Action::Enter => self.enter(),
            Action::Help => self.help = true,
            Action::Escape if self.stop(effects) => self.say("stopped"),
            Action::Escape if self.below != ScreenBelow::Nothing => effects.push(Effect::Quit),
            Action::Quit => effects.push(Effect::Quit),
            _ => {}
        }
    }

    pub fn speed_name(&self) -> String {
        match SPEEDS[self.speed.min(SPEEDS.len() - 1)] {
            Some(speed) if self.paced || !self.running => format!("{speed}/s"),
            _ => "max".to_owned(),
        }
    }
}

impl InnerScreen for ComparisonScreen {
    fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }

    fn interrupted(&self) -> bool {
        self.interrupted
    }

    fn chosen(&self) -> Option<(NodeId, NodeId)> {
        let run = self.lockstep.runs.get(self.focus).filter(|_| self.chosen)?;
        Some((run.end?, run.app.debugger.session.at()))
    }
}

impl Interface for ComparisonScreen {
    fn resize(&mut self, width: u16, height: u16) {
        (self.width, self.height) = (width, height);
        for run in &mut self.lockstep.runs {
            (run.app.display.width, run.app.display.height) = (width, height);
        }
    }

    fn begin(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.want(&mut effects);
        effects
    }

    fn update(&mut self, event: AppEvent) -> Vec<Effect> {
        if self.open {
            return self.update_open(event);
        }
        let mut effects = Vec::new();
        match event {
            AppEvent::Terminal(TerminalEvent::Key(key)) if key.kind != KeyEventKind::Release => {
                self.press(key, &mut effects);
            }
            AppEvent::Terminal(TerminalEvent::Resize(width, height)) => self.resize(width, height),
            AppEvent::Terminal(TerminalEvent::Mouse(mouse)) => match draw::hint_hit(self, mouse) {
                Some(row) => self.perform(row, &mut effects),
                None => draw::click(self, mouse),
            },
            AppEvent::Terminal(_) => {}
            AppEvent::Report(model, report) => self.answer(model, report, &mut effects),
            AppEvent::Tick => {
                self.step();
            }
            AppEvent::Spare | AppEvent::News(_) | AppEvent::Arrived => {}
        }
        self.want(&mut effects);
        effects
    }

    fn draw(&self, buffer: &mut Buffer) {
        match self.lockstep.runs.get(self.focus) {
            Some(run) if self.open => frame::draw(&run.app, buffer),
            _ => draw::draw(self, buffer),
        }
    }

    fn due(&self) -> bool {
        match self.lockstep.runs.get(self.focus) {
            Some(run) if self.open => run.app.due(),
            _ => self.running && self.busy.is_none(),
        }
    }

    fn period(&self) -> Duration {
        match self.lockstep.runs.get(self.focus) {
            Some(run) if self.open => run.app.period(),
            _ => match (self.paced, SPEEDS[self.speed.min(SPEEDS.len() - 1)]) {
                (true, Some(speed)) => Duration::from_secs(1) / speed.max(1),
                _ => Duration::ZERO,
            },
        }
    }

    fn spare(&self) -> bool {
        self.open && self.lockstep.runs.get(self.focus).is_some_and(|run| run.app.spare())
    }

    fn busy(&self) -> Option<Key> {
        match self.lockstep.runs.get(self.focus) {
            Some(run) if self.open => run.app.running.busy.map(|busy| busy.key),
            _ => self.busy.map(|busy| busy.key),
        }
    }

    fn set_slow(&mut self, time: Option<Duration>) {
        self.slow = time;
        for run in &mut self.lockstep.runs {
            run.app.running.slow = time;
        }
    }

    fn set_selecting(&mut self, selecting: bool) {
        self.selecting = selecting;
        for run in &mut self.lockstep.runs {
            run.app.set_selecting(selecting);
        }
    }
}
