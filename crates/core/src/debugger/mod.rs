//! The debugger: a session with a typed [`Command`] for everything that can be asked of it.
//! Breakpoints, goals, jumps, undo. Keys, the command line, scripts and headless runs drive the
//! same commands, so whatever was done by hand can be done again without a screen.
//!
//! The debugger never waits and owns no model: [`Debugger::tick`] says when a forward pass is
//! needed, and whoever drives it supplies the prediction. It knows no terminal, no file and no
//! tokenizer; those are its [`Host`]'s.

mod breakpoints;
mod command;
mod driven;
mod edits;
mod exact;
mod execute;
mod host;
mod report;
mod rows;
mod run;
mod syntax;
#[cfg(test)]
mod tests;
mod travel;
mod tries;

use std::{fmt, sync::Arc};

pub use breakpoints::{Breakpoint, Breakpoints};
pub use command::{
    COMMANDS, Change, Command, EVENTS, Place, Spec, Spot, Takes, Token, Way, command_table,
    event_table,
};
pub use driven::{Driven, Go, Loop};
pub use exact::decision as exact_decision;
pub use host::{Host, NoHost, Repertoire, Values};
pub use run::{Goal, Stop, Tick};
pub use syntax::{CommandError, find as find_command, parse, statements};
pub use tries::{Tries, Try};

use crate::{
    decode::Params,
    predict::Vocabulary,
    session::{Followed, NodeId, Session},
};

/// The reason why a command was not carried out, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(String);

impl Failed {
    fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// Lines for people; none where the screen says it all.
    pub lines: Vec<String>,
    /// Something to look at before going on.
    pub warning: Option<String>,
    /// The part that is left to the driver.
    pub ask: Option<Ask>,
}

/// A deed that only the driver can do.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// End the program.
    Quit,
    /// Do these commands next.
    Commands(Vec<Command>),
}

impl Reply {
    fn none() -> Self {
        Self::default()
    }

    fn line(text: impl Into<String>) -> Self {
        Self { lines: vec![text.into()], ..Self::default() }
    }

    fn lines(lines: Vec<String>) -> Self {
        Self { lines, ..Self::default() }
    }
}

/// A session under a debugger.
pub struct Debugger {
    /// The session.
    pub session: Session,
    /// Token texts.
    pub vocabulary: Arc<dyn Vocabulary>,
    /// The program around it.
    pub host: Box<dyn Host>,
    /// True if a model can supply predictions.
    pub live: bool,
    /// The recording that more may come of, or that of the loop that is driven: where it ends so far,
    /// the run is not over.
    pub followed: Option<Followed>,
    /// The sampling loop in another process that makes the steps.
    pub driven: Option<Driven>,
    /// Conditions that stop a run.
    pub breakpoints: Breakpoints,
    /// Runs under other parameters, made in spare time.
    pub tries: Tries,
    /// Pending steps are held against their exact passes.
    pub exact: bool,
    /// Tokens the model has: ids below this can be written.
    pub tokens: usize,
    goal: Option<Goal>,
    /// The node judged last: breakpoints stop at a node once.
    judged: Option<NodeId>,
    places: Vec<(NodeId, Params)>,
    undo: Vec<edits::Undo>,
    redo: Vec<edits::Undo>,
    /// The branch that is re-simulated.
    simulated_from: Option<Vec<NodeId>>,
}

impl Debugger {
    /// A debugger over a session; `live` if a model can supply predictions, of `tokens` tokens.
    pub fn new(
        session: Session,
        vocabulary: Arc<dyn Vocabulary>,
        host: Box<dyn Host>,
        live: bool,
        tokens: usize,
    ) -> Self {
        Self {
            session,
            vocabulary,
            host,
            live,
            followed: None,
            driven: None,
            breakpoints: Breakpoints::default(),
            tries: Tries::default(),
            exact: false,
            tokens,
            goal: None,
            judged: None,
            places: Vec::new(),
            undo: Vec::new(),
            redo: Vec::new(),
            simulated_from: None,
        }
    }

    /// The parameters that changes are shown against: those of the next known step, else those
    /// in force when the node stood at was made.
    pub fn own_params(&self) -> &Params {
        let timeline = self.session.timeline();
        let node = self.session.node();
        node.next.map_or(&node.params, |next| &timeline[next].params)
    }

    /// The parameters this run was started under.
    pub fn start_params(&self) -> &Params {
        let timeline = self.session.timeline();
        &timeline[timeline.root_of(self.session.at())].params
    }
}
