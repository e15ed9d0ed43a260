//! A command: a row of the table with its arguments. Keys, the command line, `--exec` and macros
//! all come down to these, and each has a text that reads back to it.

use std::fmt;

use super::{
    CommandFailed, Debugger, Reply,
    arguments::{ArgumentKind, Arguments, usage},
};

/// The function that carries a command out. Nothing has changed where it fails.
type CommandFn = fn(&mut Debugger, &Arguments) -> Result<Reply, CommandFailed>;

/// How a command is kept in the script of what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptForm {
    /// On a line of its own.
    Line,
    /// Its number of steps is added to that of the same command before it.
    Added,
    /// It replaces the same command before it, if that has the same first argument.
    Replaced,
    /// Not at all: it changes nothing, or the commands that it stands for are written.
    Never,
}

/// What has to be there before a command is carried out. Whoever drives the debugger waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requires {
    /// Nothing: the command can be carried out at any time.
    Nothing,
    /// The pending prediction, which the answer speaks of.
    Prediction,
    /// The end of the try that runs.
    FinishedTry,
}

/// A row of the table of commands.
#[derive(Debug)]
pub struct CommandSpec {
    /// The name that it is typed and listed by.
    pub name: &'static str,
    /// Shorter or other names.
    pub aliases: &'static [&'static str],
    /// Its arguments, in the order in which they are typed.
    pub arguments: &'static [ArgumentKind],
    /// One line of help.
    pub help: &'static str,
    /// How it is kept in the script of what was done.
    pub written: ScriptForm,
    /// What has to be there before it is carried out.
    pub requires: Requires,
    pub(super) run: CommandFn,
}

/// A row without anything out of the ordinary.
pub(super) const fn command(
    name: &'static str,
    aliases: &'static [&'static str],
    arguments: &'static [ArgumentKind],
    help: &'static str,
    run: CommandFn,
) -> CommandSpec {
    let (written, requires) = (ScriptForm::Line, Requires::Nothing);
    CommandSpec { name, aliases, arguments, help, written, requires, run }
}

impl CommandSpec {
    pub(super) const fn written(self, written: ScriptForm) -> Self {
        Self { written, ..self }
    }

    pub(super) const fn requires(self, requires: Requires) -> Self {
        Self { requires, ..self }
    }

    /// The command as one writes it: its name and its arguments.
    pub fn usage(&self) -> String {
        format!("{} {}", self.name, self.arguments_usage()).trim_end().to_owned()
    }

    /// Its arguments as one writes them.
    pub fn arguments_usage(&self) -> String {
        usage(self.arguments)
    }
}

/// Something the debugger can do, with its arguments.
#[derive(Clone)]
pub struct Command {
    spec: &'static CommandSpec,
    pub(super) arguments: Arguments,
}

impl Command {
    pub(super) fn of(spec: &'static CommandSpec, arguments: Arguments) -> Self {
        Self { spec, arguments }
    }

    /// Its row of the table.
    pub fn spec(&self) -> &'static CommandSpec {
        self.spec
    }
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.spec.name == other.spec.name && self.arguments == other.arguments
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:?} {:?}", self.spec.name, self.arguments)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}{}", self.spec.name, self.arguments)
    }
}
