//! Tries: the run again from its start under other parameters, in spare time. Each is a session of
//! its own beside the one on screen. What either knows costs the other no pass, and a try that is
//! over can be taken over as a run of the session.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{CommandFailed, Debugger, FollowUp, Reply};
use crate::{
    compare::{ComparedBy, Figures, RunPath, excerpt, first_difference},
    decode::{Params, Value},
    predict::{Key, Prediction, Request},
    session::{Pending, Session},
};

/// Tries kept; a further one takes the place of the oldest.
const TRIES_KEPT: usize = 8;
/// Tokens shown on either side of the place where two answers part.
const AROUND: usize = 6;

/// A run under other parameters.
pub struct Try {
    /// Its number, from 1; never used again.
    pub id: u32,
    /// The run, from its start.
    pub session: Session,
    /// The reason why the try cannot go on, in words.
    pub fault: Option<String>,
}

impl Try {
    /// True if it goes no further.
    pub fn over(&self) -> bool {
        let ended = matches!(self.session.pending(), Pending::Done(_) | Pending::Failed(_));
        ended || self.fault.is_some()
    }

    /// The reason why the try failed, in words; `None` if it did not.
    pub fn failed(&self) -> Option<String> {
        match self.session.pending() {
            Pending::Failed(error) => Some(error.to_string()),
            _ => self.fault.clone(),
        }
    }
}

/// The tries of a session.
#[derive(Default)]
pub struct Tries {
    /// Oldest first; only the last may still run.
    list: Vec<Try>,
    made: u32,
    /// Every prediction that a try had run, given-up tries included.
    known: HashMap<Key, (Arc<Prediction>, Duration)>,
}

impl Tries {
    /// The tries kept, oldest first.
    pub fn list(&self) -> &[Try] {
        &self.list
    }

    /// The one that is not over.
    pub fn running(&self) -> Option<&Try> {
        self.list.last().filter(|tried| !tried.over())
    }

    fn running_mut(&mut self) -> Option<&mut Try> {
        self.list.last_mut().filter(|tried| !tried.over())
    }
}

impl Debugger {
    /// Begins a try of the prompt on screen, under the changed parameters and with these values
    /// besides. One that runs is given up; one that was made before comes back.
    pub(super) fn begin_try<'a>(
        &mut self,
        values: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Reply, CommandFailed> {
        if !self.live {
            return Err(CommandFailed::new(
                "a try needs a model; `resimulate` decides again on what is recorded",
            ));
        }
        let mut params = self.session.params().clone();
        for (name, text) in values {
            let spec = params.spec(name).map_err(CommandFailed::new)?;
            let value: Value = spec.parse(text).map_err(CommandFailed::new)?;
            params.set(spec.name, value).map_err(CommandFailed::new)?;
        }
        self.start_try(params)?;
        Ok(Reply::none().then(FollowUp::Try))
    }

    fn start_try(&mut self, params: Params) -> Result<(), CommandFailed> {
        let text = self.session.text();
        let same = |tried: &Try| *tried.session.params() == params && tried.session.text() == text;
        if self.tries.running().is_some_and(same) {
            return Ok(());
        }
        let special = self.session.canvas().special();
        let known = self.tries.list.iter().position(|tried| tried.over() && same(tried));
        let (strategy, extras) = (self.session.strategy(), self.session.extras());
        let tried = match known {
            Some(at) => self.tries.list.remove(at),
            None => {
                let session = Session::new(strategy, &text, special, params, extras, None)
                    .map_err(CommandFailed::new)?;
                self.tries.made += 1;
                Try { id: self.tries.made, session, fault: None }
            }
        };
        self.drop_try();
        self.tries.list.push(tried);
        if self.tries.list.len() > TRIES_KEPT {
            self.tries.list.remove(0);
        }
        Ok(())
    }

    /// Gives the running try up; false if none runs. What it had predicted stays known.
    pub fn drop_try(&mut self) -> bool {
        let running = self.tries.running().is_some();
        if running {
            self.tries.list.pop();
        }
        running
    }

    /// Goes on with the try that runs, over at most `most` steps whose predictions are known.
    /// True if it could go further at once.
    pub fn try_on(&mut self, most: usize) -> bool {
        for _ in 0..most {
            self.share_with_try();
            let Some(tried) = self.tries.running_mut() else { return false };
            match tried.session.pending() {
                Pending::Decided { .. } => {
                    if let Err(error) = tried.session.step() {
                        tried.fault = Some(error.to_string());
                    }
                }
                _ => return false,
            }
        }
        self.tries.running().is_some() && self.try_wanted().is_none()
    }

    /// Hands the running try the prediction it wants, if it is known here.
    fn share_with_try(&mut self) {
        let Some(key) = self.tries.running().and_then(|tried| wants(&tried.session)) else {
            return;
        };
        let here = || Some((self.session.prediction(key)?, self.session.took(key)));
        let found = here().or_else(|| self.tries.known.get(&key).cloned());
        if let Some(((prediction, took), tried)) = found.zip(self.tries.running_mut()) {
            tried.session.share(key, prediction, took);
        }
    }

    /// The forward pass that the running try needs and that nobody knows.
    pub fn try_wanted(&self) -> Option<(Key, Arc<Request>)> {
        match self.tries.running()?.session.pending() {
            Pending::Wanted { key, request }
                if self.session.prediction(*key).is_none()
                    && !self.tries.known.contains_key(key) =>
            {
                Some((*key, request.clone()))
            }
            _ => None,
        }
    }

    /// Hands in the answer to a pass of a try.
    pub fn try_supply(&mut self, key: Key, prediction: Prediction, took: Duration) {
        let awaited = self.tries.running_mut().filter(|tried| tried.session.awaits(key));
        let known = match awaited {
            Some(tried) => {
                tried.session.supply(key, prediction, took);
                tried.session.prediction(key)
            }
            None => Some(Arc::new(prediction)),
        };
        if let Some(prediction) = known {
            self.tries.known.insert(key, (prediction, took));
        }
    }

    /// A pass has failed: the running try, if it wants it, goes no further.
    pub fn try_failed(&mut self, key: Key, error: String) {
        let wants = |tried: &&mut Try| wants(&tried.session) == Some(key);
        if let Some(tried) = self.tries.running_mut().filter(wants) {
            tried.fault = Some(error);
        }
    }

    /// Takes a try off the list; one that runs is given up. What it had predicted stays known.
    pub fn forget_try(&mut self, id: u32) {
        self.tries.list.retain(|tried| tried.id != id);
    }

    /// The branch on screen to its end: what a try is compared with.
    pub fn run_on_screen(&self) -> RunPath<'_> {
        let end = self.branch().last().copied().unwrap_or_else(|| self.session.at());
        RunPath { session: &self.session, end }
    }

    /// Makes a try, the last by default, a run of the session: its steps are made again here, on
    /// the predictions it had, and one stands at its end.
    pub(super) fn take_try(&mut self, id: Option<u32>) -> Result<Reply, CommandFailed> {
        let found = match id {
            None => self.tries.list.last(),
            Some(id) => self.tries.list.iter().find(|tried| tried.id == id),
        };
        let tried = found.ok_or_else(|| match id {
            Some(id) => CommandFailed::new(format!("there is no try {id}")),
            None => CommandFailed::new("nothing was tried yet; `try` does"),
        })?;
        if !tried.over() {
            return Err(CommandFailed::new(format!("try {} is not over yet", tried.id)));
        }
        let (id, params) = (tried.id, tried.session.params().clone());
        let prompt = tried.session.canvas().prompt().to_vec();
        self.remember();
        self.goal = None;
        self.take_params(&params);
        self.session.restart(Some(&prompt)).map_err(CommandFailed::new)?;
        loop {
            // Known steps bring the parameters of what followed them.
            self.take_params(&params);
            if let Some(key) = wants(&self.session) {
                let tried = self.tries.list.iter().find(|tried| tried.id == id);
                let here =
                    tried.and_then(|tried| Some((tried.session.prediction(key)?, &tried.session)));
                let Some((prediction, session)) = here else { break };
                let took = session.took(key);
                self.session.share(key, prediction, took);
            }
            if self.session.step().is_err() {
                break;
            }
        }
        Ok(Reply::line(format!("try {id} is a run of its own now; `previous` goes back"))
            .then(FollowUp::CloseTries)
            .then(FollowUp::Restarted))
    }

    /// The try made last, in words, compared with the branch on screen.
    pub fn try_text(&self) -> Vec<String> {
        let Some(tried) = self.tries.list.last() else { return Vec::new() };
        let (now, run) = (self.run_on_screen(), RunPath::here(&tried.session));
        let mut lines = vec![
            format!(
                "try {}: {} · {} of its passes were not known",
                tried.id,
                figures_text(&Figures::of(run)),
                tried.session.passes()
            ),
            format!("now: {}", figures_text(&Figures::of(now))),
        ];
        if let Some(fault) = tried.failed() {
            lines.push(format!("try {} failed: {fault}", tried.id));
        }
        let difference = first_difference(now, run, ComparedBy::Tokens);
        lines.extend(difference.positions.map(|[position, _]| {
            let part = |run| {
                let found = excerpt(run, position, AROUND, &*self.vocabulary);
                format!("{}⟨{}⟩{}", found.before, found.at, found.behind).replace('\n', "↵")
            };
            format!("the text differs from position {position} on: {} / {}", part(run), part(now))
        }));
        lines
    }
}

/// The prediction a session waits for.
fn wants(session: &Session) -> Option<Key> {
    match session.pending() {
        Pending::Wanted { key, .. } => Some(*key),
        _ => None,
    }
}

/// Figures in one line.
fn figures_text(figures: &Figures) -> String {
    let ratio = figures.e_ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}"));
    let finish = figures.finish.map_or("not over", |finish| finish.name());
    format!(
        "N_token {} · E_token {} · E_ratio {ratio} · NFE {} · {finish}",
        figures.n_token, figures.e_token, figures.nfe
    )
}
