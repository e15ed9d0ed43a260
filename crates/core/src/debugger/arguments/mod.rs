//! The arguments of commands: their kinds, and how each is read from a text and written so that it
//! reads back.

mod kind;
mod places;
mod read;
mod write;

use std::path::PathBuf;

use super::{CommandFailed, words::CommandError};
use crate::inspect::{Condition, Query};
use kind::takes;
pub(super) use kind::usage;
pub use kind::{ArgumentKind, TOKENS_REMASKED};
pub use places::{Destination, PositionRef, TokenRef};

/// An argument of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// A number, as [`ArgumentKind::Steps`] takes it.
    Steps(usize),
    /// A number, as [`ArgumentKind::Masks`] takes it.
    Masks(usize),
    /// A number, as [`ArgumentKind::Passes`] takes it.
    Passes(usize),
    /// Of [`ArgumentKind::Condition`] and [`ArgumentKind::Event`].
    Condition(Condition),
    /// A place, as [`ArgumentKind::Destination`] takes it.
    Destination(Destination),
    /// A name and its value: one of [`ArgumentKind::Assignments`].
    Assignment(String, String),
    /// A try's number, as [`ArgumentKind::TryOrLast`] takes it.
    Try(u32),
    /// The rest of the line, as [`ArgumentKind::Prompt`] takes it.
    Prompt(String),
    /// The rest of the line, as [`ArgumentKind::Expression`] takes it.
    Expression(String),
    /// Of [`ArgumentKind::Breakpoint`]; `None` is all of them.
    Breakpoint(Option<u32>),
    /// A position, as [`ArgumentKind::Position`] takes it.
    Position(PositionRef),
    /// A token, as [`ArgumentKind::Token`] takes it.
    Token(TokenRef),
    /// A query and the file for its answer, as [`ArgumentKind::Query`] takes them.
    Query(Query, Option<PathBuf>),
    /// A path, as [`ArgumentKind::File`] takes it.
    File(PathBuf),
    /// The name or value of anything else.
    Text(String),
}

/// The arguments of one command, in the order of its kinds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments(Vec<Argument>);

impl Arguments {
    /// Arguments of these kinds; what is left out is filled in where it has a default.
    ///
    /// # Errors
    /// If an argument is missing, too many or of another kind.
    pub(super) fn new(
        command: &str,
        kinds: &[ArgumentKind],
        given: impl IntoIterator<Item = Argument>,
    ) -> Result<Self, CommandError> {
        let wrong = || CommandError::new(0..0, takes(command, kinds));
        let mut given = given.into_iter().peekable();
        let mut arguments = Vec::new();
        for kind in kinds {
            let before = arguments.len();
            let most = if *kind == ArgumentKind::Assignments { usize::MAX } else { 1 };
            while arguments.len() - before < most
                && let Some(argument) = given.next_if(|argument| kind.holds(argument))
            {
                arguments.push(argument);
            }
            if arguments.len() == before {
                if kind.is_required() {
                    return Err(wrong());
                }
                arguments.extend(kind.default());
            }
        }
        if given.next().is_some() { Err(wrong()) } else { Ok(Self(arguments)) }
    }

    /// These arguments, which are known to be of the command's kinds.
    pub(super) fn given(arguments: Vec<Argument>) -> Self {
        Self(arguments)
    }

    /// What stands for arguments of these kinds where all are left out.
    pub(super) fn left_out(kinds: &[ArgumentKind]) -> Self {
        Self(kinds.iter().filter_map(|kind| kind.default()).collect())
    }

    /// Each argument, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Argument> {
        self.0.iter()
    }

    fn first<'a, T>(
        &'a self,
        read: impl FnMut(&'a Argument) -> Option<T>,
    ) -> Result<T, CommandFailed> {
        let missing = || CommandFailed::new("an argument of this command is of another kind");
        self.0.iter().find_map(read).ok_or_else(missing)
    }

    /// The number of steps, masks or passes.
    pub(super) fn count(&self) -> Result<usize, CommandFailed> {
        self.first(|argument| match argument {
            Argument::Steps(n) | Argument::Masks(n) | Argument::Passes(n) => Some(*n),
            _ => None,
        })
    }

    pub(super) fn condition(&self) -> Result<&Condition, CommandFailed> {
        self.first(|argument| match argument {
            Argument::Condition(condition) => Some(condition),
            _ => None,
        })
    }

    pub(super) fn destination(&self) -> Result<&Destination, CommandFailed> {
        self.first(|argument| match argument {
            Argument::Destination(destination) => Some(destination),
            _ => None,
        })
    }

    pub(super) fn assignments(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|argument| match argument {
            Argument::Assignment(name, value) => Some((&**name, &**value)),
            _ => None,
        })
    }

    /// The number of the try, if one is given.
    pub(super) fn try_number(&self) -> Option<u32> {
        self.0.iter().find_map(|argument| match argument {
            Argument::Try(number) => Some(*number),
            _ => None,
        })
    }

    /// The number of the breakpoint; `None` is all of them.
    pub(super) fn breakpoint(&self) -> Result<Option<u32>, CommandFailed> {
        self.first(|argument| match argument {
            Argument::Breakpoint(number) => Some(*number),
            _ => None,
        })
    }

    pub(super) fn position(&self) -> Result<PositionRef, CommandFailed> {
        self.first(|argument| match argument {
            Argument::Position(position) => Some(*position),
            _ => None,
        })
    }

    pub(super) fn token(&self) -> Result<&TokenRef, CommandFailed> {
        self.first(|argument| match argument {
            Argument::Token(token) => Some(token),
            _ => None,
        })
    }

    pub(super) fn query(&self) -> Result<(&Query, Option<&PathBuf>), CommandFailed> {
        self.first(|argument| match argument {
            Argument::Query(query, file) => Some((query, file.as_ref())),
            _ => None,
        })
    }

    /// The file, if one is given.
    pub(super) fn file(&self) -> Option<&PathBuf> {
        self.0.iter().find_map(|argument| match argument {
            Argument::File(file) => Some(file),
            _ => None,
        })
    }

    /// The only text, or the first of two.
    pub(super) fn text(&self) -> Result<&str, CommandFailed> {
        self.first(text_of)
    }

    /// The first text, if one is given.
    pub(super) fn optional_text(&self) -> Option<&str> {
        self.0.iter().find_map(text_of)
    }

    /// Two texts: a parameter and its value, two branches.
    pub(super) fn two_texts(&self) -> Result<(&str, &str), CommandFailed> {
        let mut texts = self.0.iter().filter_map(text_of);
        let pair = texts.next().zip(texts.next());
        pair.ok_or_else(|| CommandFailed::new("two arguments are wanted"))
    }
}

fn text_of(argument: &Argument) -> Option<&str> {
    match argument {
        Argument::Text(text) | Argument::Prompt(text) | Argument::Expression(text) => Some(text),
        _ => None,
    }
}
