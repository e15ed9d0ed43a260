//! A run with the whole screen: it is the debugger's then, until one goes back.

use std::collections::HashSet;

use crossterm::event::{Event as TerminalEvent, KeyEvent, KeyEventKind};

use super::ComparisonScreen;
use crate::{
    predict::Key,
    tui::app::{
        Action, App, InputMode,
        interface::{AppEvent, Effect, Interface},
    },
};

impl ComparisonScreen {
    /// Opens the run in focus as a debugger.
    pub(super) fn enter(&mut self) {
        (self.running, self.open, self.owed) = (false, true, 0);
        let model = self.focused_model();
        // What other models work on goes on behind the run.
        let own = self.asked.extract_if(|(of, _)| *of == model);
        let asked: HashSet<Key> = own.map(|(_, key)| key).collect();
        let busy = self.busy.take().filter(|busy| asked.contains(&busy.key));
        let (width, height) = (self.width, self.height);
        if let Some(app) = self.focused() {
            (app.display.width, app.display.height) = (width, height);
            (app.running.asked, app.running.busy) = (asked, busy);
            app.display.differs.clear();
            app.running.held = false;
            app.say("this run alone; q goes back to all runs");
            app.refresh();
        }
    }

    /// Goes back to all runs.
    pub(super) fn leave(&mut self) {
        self.open = false;
        let model = self.focused_model();
        if let Some(app) = self.focused() {
            app.debugger.halt();
            app.debugger.drop_try();
            app.running.queue.clear();
            (app.running.background, app.top.tries_shown) = (None, false);
            app.top.mode = InputMode::Normal;
            let (asked, busy) = (std::mem::take(&mut app.running.asked), app.running.busy.take());
            self.asked.extend(asked.into_iter().map(|key| (model, key)));
            self.busy = busy;
        }
        // A recorded run keeps to its branch, whatever was looked at.
        let focused = self.lockstep.runs.get_mut(self.focus);
        if let Some((end, run)) = focused.and_then(|run| Some((run.end?, run))) {
            let session = &mut run.app.debugger.session;
            let path = session.timeline().path(end);
            let step = (session.node().depth as usize).min(path.len() - 1);
            session.go(end);
            session.go(path[step]);
        }
        self.refresh();
    }

    /// The number of the model of the run in focus.
    fn focused_model(&self) -> usize {
        self.lockstep.runs.get(self.focus).map_or(0, |run| run.model)
    }

    /// What happens while a run is open: it is the debugger's. To quit it leads back here.
    pub(super) fn update_open(&mut self, event: AppEvent) -> Vec<Effect> {
        let model = self.focused_model();
        let event = match event {
            AppEvent::Report(of, report) if of != model => {
                let mut effects = Vec::new();
                self.answer(of, report, &mut effects);
                return effects;
            }
            event => event,
        };
        let quits = |app: &App, key: &KeyEvent| {
            matches!(app.top.mode, InputMode::Normal)
                && app.top.comparison.is_none()
                && app.keymap.pressed(key).and_then(|row| row.action) == Some(Action::Quit)
        };
        let Some(app) = self.focused() else { return Vec::new() };
        let back = match &event {
            AppEvent::Terminal(TerminalEvent::Key(key)) => {
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
        let size = (app.display.width, app.display.height);
        let mut effects = app.update(event);
        for effect in &mut effects {
            if let Effect::Submit(of, ..) = effect {
                *of = model;
            }
        }
        if let Some(message) = app.running.died.take() {
            self.died = Some(message);
            return effects;
        }
        let (width, height) = (app.display.width, app.display.height);
        if (width, height) != size {
            self.resize(width, height);
        }
        // `:quit` and its question lead back as well; Ctrl-C twice does not.
        let interrupted = self.focused().is_some_and(|app| app.running.interrupted);
        let asks = self.focused().is_some_and(|app| matches!(app.top.mode, InputMode::Leaving));
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
