//! Where the runs are: steps, back and on, and to where they differ.

use super::ComparisonScreen;
use crate::{
    compare::LockstepAdvance,
    tui::{app::Action, paint::theme::Role},
};

impl ComparisonScreen {
    /// In words, where a run parts from the first; nothing where it does not.
    pub fn parting(&self, at: usize) -> Option<String> {
        let step = self.lockstep.runs.get(at)?.parting?;
        Some(match step {
            0 => format!("run {} starts from another canvas than run 1", at + 1),
            step => format!("run {} parts from run 1 at step {step}", at + 1),
        })
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.message = Some((Role::Text, text.into()));
    }

    /// Makes the next step of all, if nothing is waited for; false if that was not possible.
    pub(super) fn step(&mut self) -> bool {
        match self.lockstep.step_all() {
            Ok(LockstepAdvance::Moved) => {
                self.refresh();
                if self.running && self.over() {
                    self.running = false;
                    self.say("every run is over");
                }
                true
            }
            Ok(LockstepAdvance::Waiting) => false,
            Ok(LockstepAdvance::Over) => {
                self.running = false;
                self.say("every run is over; S goes back");
                false
            }
            Err((at, error)) => {
                self.running = false;
                self.message = Some((Role::Bad, format!("run {}: {error}", at + 1)));
                false
            }
        }
    }

    pub(super) fn back_to(&mut self, step: usize) {
        (self.running, self.owed) = (false, 0);
        self.lockstep.back_to(step);
        self.refresh();
    }

    /// Goes to a step, back or on over what is on record.
    pub(super) fn go_to(&mut self, step: usize) {
        (self.running, self.owed) = (false, 0);
        self.lockstep.to(step);
        self.refresh();
    }

    /// A tenth of the recorded run back or on.
    pub(super) fn scrub(&mut self, on: bool) {
        if !self.recorded() {
            return self.say("a run that is being made is known as far as it goes: s, S, 0, $");
        }
        let (here, last) = (self.lockstep.step(), self.last_step());
        let by = last.div_ceil(10).max(1);
        self.go_to(if on { (here + by).min(last) } else { here.saturating_sub(by) });
    }

    /// Goes to where the run in focus parts from the first, before the step that does it.
    pub(super) fn go_to_parting(&mut self) {
        let at = self.focus.max(1);
        let Some(run) = self.lockstep.runs.get(at) else { return };
        let Some(step) = run.parting else {
            return self.say(format!("run {} does not part from run 1", at + 1));
        };
        let spots = run.spots.unwrap_or_default();
        self.go_to(step.saturating_sub(1));
        for (run, spot) in [0, at].into_iter().zip(spots) {
            let app = self.lockstep.runs.get_mut(run).map(|run| &mut run.app);
            if let (Some(app), Some(position)) = (app, spot) {
                app.put(position);
            }
        }
        let step_key = self.keymap.first(Action::Step);
        self.say(match step {
            0 => format!("run {} starts from another canvas than run 1", at + 1),
            _ => format!(
                "run {} parts from run 1 in the next step, {step}: {step_key} makes it",
                at + 1
            ),
        });
    }

    /// Goes to the next position of the run in focus that differs from the first run.
    pub(super) fn next_difference(&mut self, on: bool) {
        if self.focus == 0 && self.lockstep.runs.len() == 2 {
            self.focus = 1;
        }
        let first = self.focus == 0;
        let Some(app) = self.focused() else { return };
        let any = app.display.differs.contains(&true);
        let mut differing = (0..app.display.differs.len()).filter(|&at| app.display.differs[at]);
        let found = match on {
            true => differing.find(|&at| at > app.display.position),
            false => differing.rfind(|&at| at < app.display.position),
        };
        match found {
            Some(position) => app.put(position),
            None if first => self.say("run 1 is what the others are compared with"),
            None if !any => self.say("the canvases are alike here"),
            None => self.say("no difference further"),
        }
    }
}
