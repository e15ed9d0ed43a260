//! The debugger: a session with a [`Command`] for everything that can be asked of it, each a row of
//! [`COMMANDS`].
//! Breakpoints, goals, jumps, undo. Keys, the command line, scripts and headless runs drive the
//! same commands, so whatever was done by hand can be done again without a screen.
//!
//! The debugger never waits and owns no model: [`Debugger::tick`] says when a forward pass is
//! needed, and whoever drives it supplies the prediction. It knows no terminal, no file and no
//! tokenizer; those are its [`Host`]'s.
//!
//! ```
//! use std::sync::Arc;
//!
//! use demask_core::{
//!     canvas::SpecialTokens,
//!     debugger::{Debugger, NoHost, Tick, parse},
//!     decode::{Extras, Recipe},
//!     session::Session,
//!     trace::RecordedVocabulary,
//! };
//!
//! let (recipe, special) = (Recipe::parse("threshold")?, SpecialTokens { mask: 9, eos: 8 });
//! let params = recipe.params(&[])?;
//! let session = Session::new(recipe.strategy, &[1, 2], special, params, Extras::NONE, None)?;
//! let texts = Arc::new(RecordedVocabulary::default());
//! let mut debugger = Debugger::new(session, texts, Box::new(NoHost), true, 10);
//! debugger.execute(&parse("break masks < 8")?)?;
//! debugger.execute(&parse("continue")?)?;
//! assert_eq!(debugger.tick(), Tick::Waiting, "the session wants a prediction first");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ahead;
mod arguments;
mod breakpoints;
mod calls;
mod command;
mod complete;
mod driven;
mod edits;
mod events;
mod exact;
mod execute;
mod host;
mod question;
mod report;
mod rows;
mod run;
mod syntax;
mod table;
#[cfg(test)]
mod tests;
mod travel;
mod tries;
mod words;

use std::{fmt, path::PathBuf, sync::Arc};

pub use ahead::{Lookahead, STEPS_AHEAD};
pub use arguments::{
    Argument, ArgumentKind, Arguments, Destination, PositionRef, TOKENS_REMASKED, TokenRef,
};
pub use breakpoints::{Breakpoint, Breakpoints};
pub use calls::PlainCommand;
pub use command::{Command, CommandSpec, Requires, ScriptForm};
pub use complete::ScreenContext;
pub use driven::{Driven, Go, Loop};
pub use events::{EVENTS, event_table};
pub use exact::decision as exact_decision;
pub use host::{Host, NoHost, ParamValues, Repertoire};
pub use question::ModelQuestion;
pub use run::{Goal, Stop, Tick};
pub use syntax::{parse, statements};
pub use table::{COMMANDS, command_table, find_command};
pub use tries::{Tries, Try};
pub use words::CommandError;

use question::QuestionState;

use crate::{
    decode::Params,
    inspect::Query,
    predict::Vocabulary,
    session::{Followed, NodeId, Session},
};

/// The reason why a command was not carried out, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CommandFailed(String);

impl CommandFailed {
    fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// Lines for the user; none where the screen says it all.
    pub lines: Vec<String>,
    /// Something to look at before going on.
    pub warning: Option<String>,
    /// What is left to the driver, in this order.
    pub follow_ups: Vec<FollowUp>,
}

/// What the driver does after a command: only it knows the screen, the script and the process.
#[derive(Debug, Clone, PartialEq)]
pub enum FollowUp {
    /// End the program; ask the user first if something would be lost.
    Leave,
    /// End the program without asking.
    Quit,
    /// Show the help. The lines of the answer are for a driver without a screen.
    Help,
    /// Do these commands next.
    Commands(Vec<Command>),
    /// The session is at the start of a run.
    Restarted,
    /// The prompt is this one now.
    Prompted(String),
    /// The parameters may be others now.
    ParamsChanged,
    /// Go on with the try that was begun, and show it.
    Try,
    /// The tries need not be shown any longer.
    CloseTries,
    /// Run the exact pass, and say how far it is away.
    Exact,
    /// Run the passes of the question that was asked, and say what they answer.
    Question,
    /// Show these branches side by side.
    Compare([String; 2]),
    /// Draw the focused pane into this file, or into one that is named after the pane. The lines of the answer are for a
    /// driver without a screen.
    Picture(Option<PathBuf>),
    /// Show a list of the session.
    Show(List),
    /// Take note that the session is saved: leaving loses nothing now.
    Saved,
}

/// A list of the session.
#[derive(Debug, Clone, PartialEq)]
pub enum List {
    /// The branches, with their names and ends.
    Branches,
    /// The breakpoints, with their numbers.
    Breakpoints,
    /// What the lints found.
    Findings,
    /// The notes, with their places.
    Notes,
    /// The rows of a query.
    Rows(Box<Query>),
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

    fn then(mut self, follow_up: FollowUp) -> Self {
        self.follow_ups.push(follow_up);
        self
    }
}

/// A session under a debugger.
pub struct Debugger {
    /// The session that commands act on.
    pub session: Session,
    /// The texts of token ids, for what is said to the user.
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
    /// Passes that later steps need, run in spare time.
    pub ahead: Lookahead,
    /// Pending steps are compared with their exact passes.
    pub exact: bool,
    question: QuestionState,
    /// Tokens the model has: ids below this can be written.
    pub tokens: usize,
    goal: Option<Goal>,
    /// The node judged last: breakpoints stop at a node once.
    judged: Option<NodeId>,
    places: Vec<(NodeId, Params)>,
    /// What `undo` takes back, the last first to go.
    done: Vec<edits::UndoEntry>,
    /// What `redo` does again.
    undone: Vec<edits::UndoEntry>,
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
            ahead: Lookahead::default(),
            exact: false,
            question: QuestionState::default(),
            tokens,
            goal: None,
            judged: None,
            places: Vec::new(),
            done: Vec::new(),
            undone: Vec::new(),
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
