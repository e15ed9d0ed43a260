//! A debugger without a screen: commands one after the other, each run to its stop.

use std::{
    collections::VecDeque,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use super::{
    Observer,
    error::HeadlessError,
    pass::{pass, watched_pass},
};
use crate::{
    debugger::{Command, Debugger, FollowUp, Requires, Stop, Tick},
    predict::Predictor,
    session::{Pending, RunNews},
};

/// How often a script that waits for a loop looks at the flag.
const BEAT: Duration = Duration::from_millis(100);

/// A debugger with its model, driven to its stops.
pub struct BatchDebugger {
    /// The debugger that commands are given to.
    pub debugger: Debugger,
    /// The model; `None` for a recording.
    pub predictor: Option<Box<dyn Predictor>>,
    /// Time spent in forward passes.
    pub forward: Duration,
    /// Canvases evaluated in them: two a pass with guidance.
    pub canvases: usize,
    /// Hears how passes go on, and warnings.
    pub observer: Box<dyn Observer>,
    /// News of the loop, if one is being debugged.
    pub news: Option<mpsc::Receiver<RunNews>>,
    /// The recording is the only output: the run ends if the recording does.
    pub only_recorded: bool,
    /// It was said that the recording has stopped.
    told: bool,
}

impl BatchDebugger {
    /// A debugger at the start of its session.
    pub fn new(
        debugger: Debugger,
        predictor: Option<Box<dyn Predictor>>,
        observer: Box<dyn Observer>,
    ) -> Self {
        Self {
            debugger,
            predictor,
            forward: Duration::ZERO,
            canvases: 0,
            observer,
            news: None,
            only_recorded: false,
            told: false,
        }
    }

    /// Runs to the stop of the goal that is set. `stepped` is told after every step.
    ///
    /// # Errors
    /// If the flag is raised, a pass fails, or the only output does.
    pub fn finish(
        &mut self,
        stopped: &AtomicBool,
        mut stepped: impl FnMut(&Debugger),
    ) -> Result<Option<Stop>, HeadlessError> {
        loop {
            if stopped.load(Ordering::Relaxed) {
                return Err(HeadlessError::Stopped);
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
    fn heed_recorder(&mut self) -> Result<(), HeadlessError> {
        if self.told {
            return Ok(());
        }
        let Some(fault) = self.debugger.session.recorder_fault() else { return Ok(()) };
        if self.only_recorded {
            return Err(HeadlessError::Recording(fault));
        }
        self.told = true;
        self.observer.warn(&format!("warning: {fault}. The run goes on"));
        Ok(())
    }

    /// Runs the forward pass that is wanted, if one is.
    fn predict(&mut self, stopped: &AtomicBool) -> Result<(), HeadlessError> {
        let Pending::Wanted { key, request } = self.debugger.session.pending().clone() else {
            return Ok(());
        };
        let Some(predictor) = &mut self.predictor else { return Ok(()) };
        let told = |progress, time| self.observer.layers(progress, time);
        let (prediction, took) = watched_pass(predictor.as_mut(), &request, stopped, told)?;
        self.forward += took;
        self.canvases += request.canvases();
        self.debugger.session.supply(key, prediction, took);
        Ok(())
    }

    /// Runs the try that was begun to its end.
    fn run_try(&mut self, stopped: &AtomicBool) -> Result<(), HeadlessError> {
        while self.debugger.tries.running().is_some() {
            self.debugger.try_on(usize::MAX);
            let Some((key, request)) = self.debugger.try_wanted() else { continue };
            let Some(predictor) = &mut self.predictor else { break };
            let told = |progress, time| self.observer.layers(progress, time);
            let (prediction, took) = watched_pass(predictor.as_mut(), &request, stopped, told)?;
            self.forward += took;
            self.canvases += request.canvases();
            self.debugger.try_supply(key, prediction, took);
        }
        Ok(())
    }

    /// Runs the exact pass beside the pending one, if that left something out.
    fn run_exact(&mut self, stopped: &AtomicBool) -> Result<(), HeadlessError> {
        let Some(exact) = self.debugger.exact_wanted() else { return Ok(()) };
        let Some(predictor) = &mut self.predictor else { return Ok(()) };
        self.debugger.session.await_exact(&exact);
        let (prediction, took) = pass(predictor.as_mut(), &exact.request, stopped)?;
        self.forward += took;
        self.canvases += exact.request.canvases();
        self.debugger.session.supply(exact.key, prediction, took);
        Ok(())
    }

    /// Runs the passes of the question that was asked, one after the other.
    fn run_question(&mut self, stopped: &AtomicBool) -> Result<(), HeadlessError> {
        while let Some(asked) = self.debugger.question_wanted().cloned() {
            let Some(predictor) = &mut self.predictor else { break };
            self.debugger.session.await_answer(&asked);
            let told = |progress, time| self.observer.layers(progress, time);
            let (prediction, took) =
                watched_pass(predictor.as_mut(), &asked.request, stopped, told)?;
            self.forward += took;
            self.canvases += asked.request.canvases();
            self.debugger.session.supply(asked.key, prediction, took);
        }
        Ok(())
    }

    /// Waits for the next news of a loop and handles it; the flag ends the waiting.
    fn hear(&mut self, stopped: &AtomicBool) -> Result<(), HeadlessError> {
        let Some(news) = &self.news else { return Ok(()) };
        let news = loop {
            match news.recv_timeout(BEAT) {
                Ok(news) => break news,
                Err(mpsc::RecvTimeoutError::Timeout) if stopped.load(Ordering::Relaxed) => {
                    return Err(HeadlessError::Stopped);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break RunNews::Over(Vec::new()),
            }
        };
        match news {
            RunNews::Events(events) => self.debugger.learn(&events, true),
            RunNews::Loop(word) => {
                if let Some(line) = self.debugger.hear(word) {
                    self.observer.warn(&format!("note: {line}"));
                }
            }
            RunNews::Read(..) => {}
            RunNews::Over(_) => self.debugger.end_following(),
            RunNews::Failed(why) => {
                self.debugger.end_following();
                return Err(HeadlessError::Loop(why));
            }
        }
        Ok(())
    }

    /// Carries commands out, one after the other, and says what each answers. Ends at the first
    /// that fails. Answers with the last stop.
    ///
    /// # Errors
    /// If a command or a pass fails, the flag is raised, or `say` fails.
    pub fn script<E: From<HeadlessError>>(
        &mut self,
        commands: Vec<Command>,
        stopped: &AtomicBool,
        mut say: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<Option<Stop>, E> {
        let mut queue: VecDeque<Command> = commands.into();
        let mut last = None;
        while let Some(command) = queue.pop_front() {
            match command.spec().requires {
                Requires::Prediction => self.predict(stopped)?,
                // Here a try is over as soon as it is begun.
                Requires::Nothing | Requires::FinishedTry => {}
            }
            let failed = |why: String| HeadlessError::Command { command: command.to_string(), why };
            let reply =
                self.debugger.execute(&command).map_err(|error| failed(error.to_string()))?;
            for line in &reply.lines {
                say(line)?;
            }
            if let Some(warning) = &reply.warning {
                self.observer.warn(&format!("note: {warning}"));
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
                    FollowUp::Question => {
                        self.run_question(stopped)?;
                        for line in self.debugger.question_text() {
                            say(&line)?;
                        }
                        self.debugger.close_question();
                    }
                    FollowUp::Try => {
                        self.run_try(stopped)?;
                        for line in self.debugger.try_text() {
                            say(&line)?;
                        }
                    }
                    // For a screen.
                    FollowUp::Help
                    | FollowUp::Restarted
                    | FollowUp::Prompted(_)
                    | FollowUp::ParamsChanged
                    | FollowUp::CloseTries
                    | FollowUp::Compare(_)
                    | FollowUp::Picture(_)
                    | FollowUp::Show(_)
                    | FollowUp::Saved => {}
                }
            }
            if let Some(stop) = self.finish(stopped, |_| {})? {
                let simulated = self.debugger.end_simulation();
                let text = self.debugger.stop_text(&stop);
                if simulated.is_none() && !stop.is_fine() {
                    return Err(failed(text).into());
                }
                say(&simulated.unwrap_or(text))?;
                last = Some(stop);
            }
        }
        Ok(last)
    }
}
