//! The figures of a run, as the literature counts them.

use std::time::Duration;

use super::RunPath;
use crate::decode::Finish;

/// What a run comes to. Masks count in `n_token` alone: what they will hold is not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// N_token: the length of the generated region, positions.
    pub n_token: usize,
    /// E_token: positions written with anything but an end-of-sequence token.
    pub e_token: usize,
    /// Positions written before the tail of end-of-sequence tokens.
    pub before_tail: usize,
    /// Predictions the strategy asked for: one a step.
    pub nfe: usize,
    /// Positions that its steps have remasked, each time counted.
    pub remasked: usize,
    /// Written positions its steps have given another token, each time counted.
    pub replaced: usize,
    /// Why it is over; `None` if it is not.
    pub finish: Option<Finish>,
    /// Time of the forward passes of its steps, whichever session ran them.
    pub forward: Duration,
    /// Time of planning and deciding.
    pub decide: Duration,
}

impl Figures {
    /// The figures of a run.
    pub fn of(run: RunPath) -> Self {
        let (timeline, canvas) = (run.session.timeline(), run.canvas());
        let mut figures = Self {
            n_token: canvas.generated(),
            e_token: canvas.effective(),
            before_tail: canvas.before_tail(),
            nfe: timeline[run.end].steps as usize,
            remasked: 0,
            replaced: 0,
            finish: run.session.finish(run.end),
            forward: Duration::ZERO,
            decide: Duration::ZERO,
        };
        for step in timeline.path(run.end).into_iter().filter_map(|id| timeline[id].step()) {
            figures.forward += step.timing.forward;
            figures.decide += step.timing.decide;
            figures.remasked += step.decision.remasks().count();
            figures.replaced += step.decision.replacements().count();
        }
        figures
    }

    /// E_token / N_token, 0..=1; `None` for an empty region.
    pub fn e_ratio(&self) -> Option<f64> {
        self.share(self.e_token)
    }

    /// `before_tail` / N_token, 0..=1; `None` for an empty region.
    pub fn before_tail_ratio(&self) -> Option<f64> {
        self.share(self.before_tail)
    }

    /// E_token / NFE; `None` where no prediction was asked for.
    pub fn tokens_per_pass(&self) -> Option<f64> {
        (self.nfe > 0).then(|| self.e_token as f64 / self.nfe as f64)
    }

    fn share(&self, tokens: usize) -> Option<f64> {
        (self.n_token > 0).then(|| tokens as f64 / self.n_token as f64)
    }

    /// The time the run would take alone.
    pub fn time(&self) -> Duration {
        self.forward + self.decide
    }
}
