//! Forward passes: asked for once for all runs that want them, answered, cancelled.

use super::ComparisonScreen;
use crate::{
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

    pub(super) fn answer(&mut self, report: EngineReport, effects: &mut Vec<Effect>) {
        match report {
            EngineReport::Progress(key, progress) => {
                if self.asked.contains(&key) {
                    self.busy = Some(Busy { key, progress });
                }
            }
            EngineReport::Done { key, prediction, took } => {
                self.settle(key);
                self.lockstep.supply(key, prediction, took);
                self.refresh();
                if self.owed > 0 && self.step() {
                    self.owed -= 1;
                } else if self.running && !self.paced {
                    self.step();
                }
            }
            EngineReport::Failed(_, PredictError::Cancelled) => {}
            EngineReport::Failed(key, error) => {
                self.settle(key);
                (self.held, self.running, self.owed) = (true, false, 0);
                self.message = Some((Role::Bad, format!("{error}; s tries again")));
            }
            EngineReport::Died(message) => {
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
