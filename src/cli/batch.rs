//! A debugger without a screen: commands one after the other, each run to its stop.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use indicatif::ProgressBar;

use super::{Fault, fault::tell, progress::show_layers};
use crate::{
    debugger::{Command, Debugger, FollowUp, Requires, Stop, Tick},
    escape::escaped,
    predict::{PredictError, Prediction, Predictor, Progress, Request},
    session::{News, Pending},
};

/// Exit code of a run that stopped at a breakpoint.
pub const AT_BREAKPOINT: u8 = 3;

/// A debugger with its model, driven to its stops.
pub struct Batch {
    /// The debugger.
    pub debugger: Debugger,
    /// The model; `None` for a recording.
    pub predictor: Option<Box<dyn Predictor>>,
    /// Time spent in forward passes.
    pub forward: Duration,
    /// Canvases evaluated in them: two a pass with guidance.
    pub canvases: usize,
    /// Shows the layers of slow passes; hidden until there is one.
    pub bar: ProgressBar,
    /// News of the loop, if one is being debugged.
    pub news: Option<mpsc::Receiver<News>>,
    /// The recording is the only output: the run ends if the recording does.
    pub only_recorded: bool,
    /// It was said that the recording has stopped.
    told: bool,
}

impl Batch {
    /// A debugger at the start of its session.
    pub fn new(debugger: Debugger, predictor: Option<Box<dyn Predictor>>) -> Self {
        let bar = ProgressBar::hidden();
        Self {
            debugger,
            predictor,
            forward: Duration::ZERO,
            canvases: 0,
            bar,
            news: None,
            only_recorded: false,
            told: false,
        }
    }

    /// Runs to the stop of the goal that is set. `stepped` is told after every step.
    pub fn finish(
        &mut self,
        stopped: &AtomicBool,
        mut stepped: impl FnMut(&Debugger),
    ) -> Result<Option<Stop>, Fault> {
        loop {
            if stopped.load(Ordering::Relaxed) {
                return Err(Fault::failure("stopped by a signal"));
            }
            match self.debugger.tick() {
                Tick::Idle => return Ok(None),
                Tick::Stopped(stop) => return Ok(Some(stop)),
                Tick::Waiting if self.debugger.driven.is_some() => self.hear(stopped)?,
                Tick::Waiting => self.predict(stopped)?,
                Tick::Moved => {
                    self.heed_recorder()?;
                    stepped(&self.debugger);
                }
            }
        }
    }

    /// Warns once if the recording has stopped. The run goes on for its answer, unless the
    /// recording on stdout is its only output.
    fn heed_recorder(&mut self) -> Result<(), Fault> {
        if self.told {
            return Ok(());
        }
        let Some(fault) = self.debugger.session.recorder_fault() else { return Ok(()) };
        if self.only_recorded {
            return Err(Fault::failure(fault));
        }
        self.told = true;
        self.bar.suspend(|| tell(&escaped(&format!("warning: {fault}. The run goes on"))));
        Ok(())
    }

    /// Runs the forward pass that is wanted, if one is.
    pub fn predict(&mut self, stopped: &AtomicBool) -> Result<(), Fault> {
        let Pending::Wanted { key, request } = self.debugger.session.pending().clone() else {
            return Ok(());
        };
        let Some(predictor) = &mut self.predictor else { return Ok(()) };
        let told = |progress, time| show_layers(&self.bar, progress, time);
        let (prediction, took) = watched_pass(predictor.as_mut(), &request, stopped, told)?;
        self.forward += took;
        self.canvases += request.canvases();
        self.debugger.session.supply(key, prediction, took);
        Ok(())
    }

    /// Runs the try that was begun to its end.
    fn run_try(&mut self, stopped: &AtomicBool) -> Result<(), Fault> {
        while self.debugger.tries.running().is_some() {
            self.debugger.try_on(usize::MAX);
            let Some((key, request)) = self.debugger.try_wanted() else { continue };
            let Some(predictor) = &mut self.predictor else { break };
            let told = |progress, time| show_layers(&self.bar, progress, time);
            let (prediction, took) = watched_pass(predictor.as_mut(), &request, stopped, told)?;
            self.forward += took;
            self.canvases += request.canvases();
            self.debugger.try_supply(key, prediction, took);
        }
        Ok(())
    }

    /// Runs the exact pass beside the pending one, if that left something out.
    fn run_exact(&mut self, stopped: &AtomicBool) -> Result<(), Fault> {
        let Some(exact) = self.debugger.exact_wanted() else { return Ok(()) };
        let Some(predictor) = &mut self.predictor else { return Ok(()) };
        self.debugger.session.await_exact(&exact);
        let (prediction, took) = pass(predictor.as_mut(), &exact.request, stopped)?;
        self.forward += took;
        self.canvases += exact.request.canvases();
        self.debugger.session.supply(exact.key, prediction, took);
        Ok(())
    }

    /// Carries commands out, one after the other, and says what each answers. Ends at the first
    /// that fails. Answers with the last stop.
    pub fn script(
        &mut self,
        commands: Vec<Command>,
        stopped: &AtomicBool,
        mut say: impl FnMut(&str) -> Result<(), Fault>,
    ) -> Result<Option<Stop>, Fault> {
        let mut queue: std::collections::VecDeque<Command> = commands.into();
        let mut last = None;
        while let Some(command) = queue.pop_front() {
            match command.spec().requires {
                Requires::Prediction => self.predict(stopped)?,
                // Here a try is over as soon as it is begun.
                Requires::Nothing | Requires::FinishedTry => {}
            }
            let failed = |error| Fault::failure(format!("`{command}`: {error}"));
            let reply = self.debugger.execute(&command).map_err(failed)?;
            for line in &reply.lines {
                say(line)?;
            }
            if let Some(warning) = &reply.warning {
                tell(&escaped(&format!("note: {warning}")));
            }
            for follow_up in reply.follow_ups {
                match follow_up {
                    FollowUp::Leave | FollowUp::Quit => return Ok(last),
                    FollowUp::Commands(commands) => {
                        commands.into_iter().rev().for_each(|command| queue.push_front(command));
                    }
                    FollowUp::Exact => {
                        self.predict(stopped)?;
                        self.run_exact(stopped)?;
                        for line in self.debugger.exact_text() {
                            say(&line)?;
                        }
                        // Without a screen it is asked for one step at a time.
                        self.debugger.exact = false;
                    }
                    FollowUp::Try => {
                        self.run_try(stopped)?;
                        for line in self.debugger.try_text() {
                            say(&line)?;
                        }
                    }
                    // For a screen.
                    FollowUp::Help
                    | FollowUp::Restarted { .. }
                    | FollowUp::Prompted(_)
                    | FollowUp::ParamsChanged
                    | FollowUp::CloseTries
                    | FollowUp::Compare(_)
                    | FollowUp::Show(_)
                    | FollowUp::Saved => {}
                }
            }
            if let Some(stop) = self.finish(stopped, |_| {})? {
                let simulated = self.debugger.end_simulation();
                let text = self.debugger.stop_text(&stop);
                if simulated.is_none() && !stop.is_fine() {
                    return Err(Fault::failure(format!("`{command}`: {text}")));
                }
                say(&simulated.unwrap_or(text))?;
                last = Some(stop);
            }
        }
        Ok(last)
    }
}

/// Runs a forward pass; says how long it took. A signal ends it between two layers.
pub fn pass(
    predictor: &mut dyn Predictor,
    request: &Request,
    stopped: &AtomicBool,
) -> Result<(Prediction, Duration), Fault> {
    watched_pass(predictor, request, stopped, |_, _| {})
}

/// [`pass`]; `told` hears how it goes on, and how long it has taken.
pub fn watched_pass(
    predictor: &mut dyn Predictor,
    request: &Request,
    stopped: &AtomicBool,
    mut told: impl FnMut(Progress, Duration),
) -> Result<(Prediction, Duration), Fault> {
    let started = Instant::now();
    let mut watch = |progress| {
        told(progress, started.elapsed());
        match stopped.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let predict = AssertUnwindSafe(|| predictor.predict(request, &mut watch));
    let prediction = catch_unwind(predict)
        .map_err(|_| Fault::failure("the model panicked, see above"))?
        .map_err(|error| match error {
            PredictError::Cancelled => Fault::failure("stopped by a signal"),
            error => Fault::failure(error),
        })?;
    Ok((prediction, started.elapsed()))
}
