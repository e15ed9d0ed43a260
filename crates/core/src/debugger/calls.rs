//! Commands as the program gives them itself: the compiler finds their names in the table, and their
//! arguments have types.

use super::{
    arguments::{Argument, Arguments, Destination, PositionRef, TOKENS_REMASKED, TokenRef},
    command::{Command, CommandSpec},
    table::COMMANDS,
};
use crate::inspect::Condition;

/// The row of the command of this name.
///
/// # Panics
/// If there is none, which is an error of the compiler where it stands in a constant.
const fn row(name: &str) -> &'static CommandSpec {
    let mut at = 0;
    while at < COMMANDS.len() {
        if same(COMMANDS[at].name.as_bytes(), name.as_bytes()) {
            return &COMMANDS[at];
        }
        at += 1;
    }
    panic!("no command has this name")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// A command that needs no argument.
///
/// ```
/// use demask_core::debugger::{Command, PlainCommand};
///
/// const UNDO: PlainCommand = PlainCommand::named("undo");
/// assert_eq!(Command::from(UNDO).to_string(), "undo");
/// ```
///
/// One that is not there does not compile:
///
/// ```compile_fail
/// const NONE: demask_core::debugger::PlainCommand = demask_core::debugger::PlainCommand::named("undoo");
/// assert_eq!(NONE.spec().name, "undoo");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct PlainCommand(&'static CommandSpec);

impl PlainCommand {
    /// The command of this name.
    ///
    /// # Panics
    /// If there is none, or it needs an argument: an error of the compiler where it stands in a constant.
    pub const fn named(name: &str) -> Self {
        let spec = row(name);
        let mut at = 0;
        while at < spec.arguments.len() {
            assert!(!spec.arguments[at].is_required(), "the command needs an argument");
            at += 1;
        }
        Self(spec)
    }

    /// Its row of the table.
    pub const fn spec(self) -> &'static CommandSpec {
        self.0
    }
}

impl From<PlainCommand> for Command {
    fn from(PlainCommand(spec): PlainCommand) -> Self {
        Self::of(spec, Arguments::left_out(spec.arguments))
    }
}

impl Command {
    fn given(spec: &'static CommandSpec, arguments: impl Into<Vec<Argument>>) -> Self {
        Self::of(spec, Arguments::given(arguments.into()))
    }

    fn on_position(spec: &'static CommandSpec, at: PositionRef) -> Self {
        Self::given(spec, [Argument::Position(at)])
    }

    /// Goes to a place of the session.
    pub fn goto(destination: Destination) -> Self {
        Self::given(const { row("goto") }, [Argument::Destination(destination)])
    }

    /// Gives a parameter a value.
    pub fn set(parameter: &str, value: &str) -> Self {
        Self::given(const { row("set") }, [parameter, value].map(text))
    }

    /// Gives a parameter back the value that the run was started with.
    pub fn reset(parameter: &str) -> Self {
        Self::given(const { row("reset") }, [text(parameter)])
    }

    /// Starts a new run with another prompt.
    pub fn prompt(prompt: &str) -> Self {
        Self::given(const { row("prompt") }, [Argument::Prompt(prompt.to_owned())])
    }

    /// Makes a try that is over a run of the session.
    pub fn take(number: u32) -> Self {
        Self::given(const { row("take") }, [Argument::Try(number)])
    }

    /// Goes to a branch, counted from 1.
    pub fn switch(branch: usize) -> Self {
        Self::given(const { row("switch") }, [text(&branch.to_string())])
    }

    /// Deletes a branch, counted from 1.
    pub fn delete_branch(branch: usize) -> Self {
        Self::given(const { row("delete-branch") }, [text(&branch.to_string())])
    }

    /// Removes the bookmark of that name.
    pub fn unmark(bookmark: &str) -> Self {
        Self::given(const { row("unmark") }, [text(bookmark)])
    }

    /// Writes a note on a position at the step stood at.
    pub fn note(position: PositionRef, note: &str) -> Self {
        Self::given(const { row("note") }, [Argument::Position(position), text(note)])
    }

    /// Removes the note on a position at the step stood at.
    pub fn unnote(position: PositionRef) -> Self {
        Self::given(const { row("unnote") }, [Argument::Position(position)])
    }

    /// Stops whenever the condition comes to hold.
    pub fn break_when(condition: Condition) -> Self {
        Self::given(const { row("break") }, [Argument::Condition(condition)])
    }

    /// Removes the breakpoint of that number.
    pub fn unbreak(breakpoint: u32) -> Self {
        Self::given(const { row("unbreak") }, [Argument::Breakpoint(Some(breakpoint))])
    }

    /// Lets a breakpoint stop again.
    pub fn enable(breakpoint: u32) -> Self {
        Self::given(const { row("enable") }, [Argument::Breakpoint(Some(breakpoint))])
    }

    /// Keeps a breakpoint without stopping at it.
    pub fn disable(breakpoint: u32) -> Self {
        Self::given(const { row("disable") }, [Argument::Breakpoint(Some(breakpoint))])
    }

    /// Writes a token at a position.
    pub fn fill(at: PositionRef, token: TokenRef) -> Self {
        Self::given(const { row("fill") }, [Argument::Position(at), Argument::Token(token)])
    }

    /// Never writes a token at a position.
    pub fn veto(at: PositionRef, token: TokenRef) -> Self {
        Self::given(const { row("veto") }, [Argument::Position(at), Argument::Token(token)])
    }

    /// Asks which tokens moved the guess at a position.
    pub fn influence(at: PositionRef) -> Self {
        let most = Argument::Passes(TOKENS_REMASKED);
        Self::given(const { row("influence") }, [Argument::Position(at), most])
    }

    /// Masks a position again.
    pub fn remask(at: PositionRef) -> Self {
        Self::on_position(const { row("remask") }, at)
    }

    /// Puts a mask before a position.
    pub fn insert(at: PositionRef) -> Self {
        Self::given(const { row("insert") }, [Argument::Position(at), Argument::Masks(1)])
    }

    /// Removes a position with what it holds.
    pub fn remove(at: PositionRef) -> Self {
        Self::on_position(const { row("remove") }, at)
    }

    /// Cuts the canvas before a position.
    pub fn trim(at: PositionRef) -> Self {
        Self::on_position(const { row("trim") }, at)
    }

    /// Expands a position in the next step.
    pub fn expand(at: PositionRef) -> Self {
        Self::on_position(const { row("expand") }, at)
    }

    /// Never expands a position.
    pub fn forbid(at: PositionRef) -> Self {
        Self::on_position(const { row("forbid") }, at)
    }

    /// Leaves the expansion of a position to the rules again.
    pub fn allow(at: PositionRef) -> Self {
        Self::on_position(const { row("allow") }, at)
    }

    /// Keeps a position as it is.
    pub fn pin(at: PositionRef) -> Self {
        Self::on_position(const { row("pin") }, at)
    }

    /// Lets a pinned position go.
    pub fn unpin(at: PositionRef) -> Self {
        Self::on_position(const { row("unpin") }, at)
    }
}

fn text(text: &str) -> Argument {
    Argument::Text(text.to_owned())
}
