//! Forward passes: asked for once for all runs that want them, answered, cancelled.

use super::ComparisonScreen;
use crate::{
    compare::WantedPass,
    predict::{Key, PredictError, Progress},
    session::EngineReport,
    tui::{
        app::{Busy, interface::Effect},
        paint::theme::Role,
    },
};

impl ComparisonScreen {
    /// Asks for the passes that are wanted, each once; those that nobody waits for are cancelled.
    pub(super) fn want(&mut self, effects: &mut Vec<Effect>) {
        if self.held || self.open {
            return;
        }
        let wanted = self.lockstep.wanted();
        let stale = |asked: &(usize, Key)| {
            !wanted.iter().any(|wanted| (wanted.model, wanted.key) == *asked)
        };
        if self.asked.iter().any(stale) && !wanted.is_empty() {
            effects.push(Effect::Cancel);
            // What was cancelled with them is asked for again.
            self.asked.clear();
        }
        for WantedPass { model, key, request } in wanted {
            if self.asked.insert((model, key)) {
                effects.push(Effect::Submit(model, key, request));
                self.busy.get_or_insert(Busy { key, progress: Progress { done: 0, of: 1 } });
            }
        }
    }

    pub(super) fn answer(&mut self, model: usize, report: EngineReport, effects: &mut Vec<Effect>) {
        match report {
            EngineReport::Progress(key, progress) => {
                if self.asked.contains(&(model, key)) {
                    self.busy = Some(Busy { key, progress });
                }
            }
            EngineReport::Done { key, prediction, took } => {
                self.settle(model, key);
                self.lockstep.supply(model, key, prediction, took);
                self.refresh();
                if self.owed > 0 && self.step() {
                    self.owed -= 1;
                } else if self.running && !self.paced {
                    self.step();
                }
            }
            // Cancelled for the run that is open: it is asked for again behind it.
            EngineReport::Failed(key, PredictError::Cancelled) if self.open => {
                self.settle(model, key);
            }
            EngineReport::Failed(_, PredictError::Cancelled) => {}
            EngineReport::Failed(key, error) => {
                self.settle(model, key);
                (self.held, self.running, self.owed) = (true, false, 0);
                self.message = Some((Role::Bad, format!("{error}; s tries again")));
            }
            EngineReport::Died(message) => {
                self.died = Some(message);
                effects.push(Effect::Quit);
            }
        }
    }

    fn settle(&mut self, model: usize, key: Key) {
        self.asked.remove(&(model, key));
        let next = self.asked.iter().next().copied();
        self.busy = next.map(|(_, key)| Busy { key, progress: Progress { done: 0, of: 1 } });
    }

    /// Pauses and cancels; false if there was nothing to stop.
    pub(super) fn stop(&mut self, effects: &mut Vec<Effect>) -> bool {
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
}
