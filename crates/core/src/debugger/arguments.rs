//! The arguments of commands: their kinds, and how each is read from a text and written so that it
//! reads back.

use std::{fmt, path::PathBuf};

use super::{
    Failed,
    events::EVENTS,
    words::{CommandError, Word, in_quotes, quoted, words},
};
use crate::{
    canvas::{Slot, TokenId},
    inspect::{Condition, Query, SyntaxError},
    session::NodeId,
};

/// Where `goto` leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The start of the run.
    Start,
    /// The last known step of the branch.
    End,
    /// A step of the branch.
    Step(usize),
    /// A node by its number, on any branch.
    Node(NodeId),
    /// A bookmark.
    Bookmark(String),
}

/// A generated position, as a command names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PositionRef {
    /// By its number now.
    Position(usize),
    /// By its identity, which stays under insertions.
    Slot(Slot),
}

/// A token, as a command names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRef {
    /// By its number.
    Id(TokenId),
    /// By its whole text.
    Text(String),
}

/// What an argument may be: it decides how the argument is read, completed and shown in help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// A number of steps, one if it is left out.
    Steps,
    /// A number of masks, one if it is left out.
    Masks,
    /// A condition.
    Condition,
    /// One of [`EVENTS`] or a condition.
    Event,
    /// Where to go.
    Destination,
    /// The name of a parameter.
    Parameter,
    /// The name of a parameter; all of them if it is left out.
    ParameterOrAll,
    /// The value of a parameter.
    Value,
    /// Any number of parameters with values.
    Assignments,
    /// The number of a try; the last if it is left out.
    TryOrLast,
    /// A prompt, with or without quotes.
    Prompt,
    /// A name or a condition whose value is printed.
    Expression,
    /// The number of a breakpoint, or `all`.
    Breakpoint,
    /// A branch, by number or name.
    Branch,
    /// A branch; that on screen if it is left out.
    BranchOrThis,
    /// A new name, which may have blanks.
    Name,
    /// A bookmark.
    Bookmark,
    /// A position, by number or slot.
    Position,
    /// A token, by number or text.
    Token,
    /// A query, and the file that its rows go to.
    Query,
    /// A file; the program chooses one if it is left out.
    File,
    /// A preset.
    Preset,
    /// A macro.
    Macro,
}

/// An argument of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// Of [`ArgumentKind::Steps`].
    Steps(usize),
    /// Of [`ArgumentKind::Masks`].
    Masks(usize),
    /// Of [`ArgumentKind::Condition`] and [`ArgumentKind::Event`].
    Condition(Condition),
    /// Of [`ArgumentKind::Destination`].
    Destination(Destination),
    /// One of [`ArgumentKind::Assignments`].
    Assignment(String, String),
    /// Of [`ArgumentKind::TryOrLast`].
    Try(u32),
    /// Of [`ArgumentKind::Prompt`].
    Prompt(String),
    /// Of [`ArgumentKind::Expression`].
    Expression(String),
    /// Of [`ArgumentKind::Breakpoint`]; `None` is all of them.
    Breakpoint(Option<u32>),
    /// Of [`ArgumentKind::Position`].
    Position(PositionRef),
    /// Of [`ArgumentKind::Token`].
    Token(TokenRef),
    /// Of [`ArgumentKind::Query`].
    Query(Query, Option<PathBuf>),
    /// Of [`ArgumentKind::File`].
    File(PathBuf),
    /// The name or value of anything else.
    Text(String),
}

impl ArgumentKind {
    /// How help writes it.
    pub fn usage(self) -> &'static str {
        match self {
            Self::Steps | Self::Masks | Self::TryOrLast => "[N]",
            Self::Condition => "CONDITION",
            Self::Event => "EVENT|CONDITION",
            Self::Destination => "start|end|STEP|@NODE|BOOKMARK",
            Self::Parameter => "PARAMETER",
            Self::ParameterOrAll => "[PARAMETER]",
            Self::Value => "VALUE",
            Self::Assignments => "[PARAMETER=VALUE …]",
            Self::Prompt | Self::Expression => "TEXT",
            Self::Breakpoint => "N|all",
            Self::Branch => "BRANCH",
            Self::BranchOrThis => "[BRANCH]",
            Self::Name => "NAME",
            Self::Bookmark => "BOOKMARK",
            Self::Position => "POSITION",
            Self::Token => "TOKEN",
            Self::Query => "QUERY [to FILE]",
            Self::File => "[FILE]",
            Self::Preset => "PRESET",
            Self::Macro => "MACRO",
        }
    }

    /// The largest number of words that it is read from.
    fn max_words(self) -> usize {
        match self {
            Self::Name | Self::Assignments => usize::MAX,
            _ => 1,
        }
    }

    /// The argument that stands for one left out, if there is one.
    fn default(self) -> Option<Argument> {
        match self {
            Self::Steps => Some(Argument::Steps(1)),
            Self::Masks => Some(Argument::Masks(1)),
            _ => None,
        }
    }

    fn is_required(self) -> bool {
        !self.usage().starts_with('[')
    }

    /// True if the argument is of this kind.
    fn holds(self, argument: &Argument) -> bool {
        match argument {
            Argument::Steps(_) => self == Self::Steps,
            Argument::Masks(_) => self == Self::Masks,
            Argument::Condition(_) => matches!(self, Self::Condition | Self::Event),
            Argument::Destination(_) => self == Self::Destination,
            Argument::Assignment(..) => self == Self::Assignments,
            Argument::Try(_) => self == Self::TryOrLast,
            Argument::Prompt(_) => self == Self::Prompt,
            Argument::Expression(_) => self == Self::Expression,
            Argument::Breakpoint(_) => self == Self::Breakpoint,
            Argument::Position(_) => self == Self::Position,
            Argument::Token(_) => self == Self::Token,
            Argument::Query(..) => self == Self::Query,
            Argument::File(_) => self == Self::File,
            Argument::Text(_) => matches!(
                self,
                Self::Parameter
                    | Self::ParameterOrAll
                    | Self::Value
                    | Self::Branch
                    | Self::BranchOrThis
                    | Self::Name
                    | Self::Bookmark
                    | Self::Preset
                    | Self::Macro
            ),
        }
    }
}

/// The kinds as help writes them.
pub(super) fn usage(kinds: &[ArgumentKind]) -> String {
    kinds.iter().map(|kind| kind.usage()).collect::<Vec<_>>().join(" ")
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

    /// Reads the text behind a command's name.
    ///
    /// # Errors
    /// [`CommandError`], with the place in the text.
    pub(super) fn read(
        command: &str,
        kinds: &[ArgumentKind],
        text: &str,
    ) -> Result<Self, CommandError> {
        // These have quotes and blanks of their own.
        let whole = match kinds {
            [ArgumentKind::Condition] => Some(condition(text)?),
            [ArgumentKind::Event] => Some(event(text)?),
            [ArgumentKind::Query] => Some(query(text)?),
            [ArgumentKind::Expression] => Some(expression(command, text)?),
            _ => None,
        };
        if let Some(argument) = whole {
            return Ok(Self(vec![argument]));
        }
        let words = words(text)?;
        let usage = || CommandError::new(0..text.len(), takes(command, kinds));
        if kinds == [ArgumentKind::Prompt] {
            return Ok(Self(vec![prompt(&words, text).ok_or_else(usage)?]));
        }
        let most = kinds.iter().fold(0, |sum: usize, kind| sum.saturating_add(kind.max_words()));
        if let Some(extra) = words.get(most) {
            return Err(CommandError::new(extra.at.clone(), takes(command, kinds)));
        }
        let mut words = words.as_slice();
        let mut arguments = Vec::new();
        for &kind in kinds {
            let (taken, left) = words.split_at(kind.max_words().min(words.len()));
            words = left;
            match taken {
                [] if kind.is_required() => return Err(usage()),
                [] => arguments.extend(kind.default()),
                taken if kind == ArgumentKind::Name => {
                    let name: Vec<&str> = taken.iter().map(|word| &*word.text).collect();
                    arguments.push(Argument::Text(name.join(" ")));
                }
                taken => {
                    for word in taken {
                        arguments.push(argument(kind, word)?.ok_or_else(usage)?);
                    }
                }
            }
        }
        Ok(Self(arguments))
    }

    /// Each argument, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Argument> {
        self.0.iter()
    }

    fn first<'a, T>(&'a self, read: impl FnMut(&'a Argument) -> Option<T>) -> Result<T, Failed> {
        let missing = || Failed::new("an argument of this command is of another kind");
        self.0.iter().find_map(read).ok_or_else(missing)
    }

    /// The number of steps or masks.
    pub(super) fn count(&self) -> Result<usize, Failed> {
        self.first(|argument| match argument {
            Argument::Steps(n) | Argument::Masks(n) => Some(*n),
            _ => None,
        })
    }

    pub(super) fn condition(&self) -> Result<&Condition, Failed> {
        self.first(|argument| match argument {
            Argument::Condition(condition) => Some(condition),
            _ => None,
        })
    }

    pub(super) fn destination(&self) -> Result<&Destination, Failed> {
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
    pub(super) fn breakpoint(&self) -> Result<Option<u32>, Failed> {
        self.first(|argument| match argument {
            Argument::Breakpoint(number) => Some(*number),
            _ => None,
        })
    }

    pub(super) fn position(&self) -> Result<PositionRef, Failed> {
        self.first(|argument| match argument {
            Argument::Position(position) => Some(*position),
            _ => None,
        })
    }

    pub(super) fn token(&self) -> Result<&TokenRef, Failed> {
        self.first(|argument| match argument {
            Argument::Token(token) => Some(token),
            _ => None,
        })
    }

    pub(super) fn query(&self) -> Result<(&Query, Option<&PathBuf>), Failed> {
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
    pub(super) fn text(&self) -> Result<&str, Failed> {
        self.first(text_of)
    }

    /// The first text, if one is given.
    pub(super) fn optional_text(&self) -> Option<&str> {
        self.0.iter().find_map(text_of)
    }

    /// Two texts: a parameter and its value, two branches.
    pub(super) fn two_texts(&self) -> Result<(&str, &str), Failed> {
        let mut texts = self.0.iter().filter_map(text_of);
        let pair = texts.next().zip(texts.next());
        pair.ok_or_else(|| Failed::new("two arguments are wanted"))
    }
}

fn text_of(argument: &Argument) -> Option<&str> {
    match argument {
        Argument::Text(text) | Argument::Prompt(text) | Argument::Expression(text) => Some(text),
        _ => None,
    }
}

fn takes(command: &str, kinds: &[ArgumentKind]) -> String {
    match kinds {
        [] => format!("{command} takes nothing"),
        kinds => format!("{command} takes {}", usage(kinds)),
    }
}

/// An argument of one word; `None` if the word is no such argument.
fn argument(kind: ArgumentKind, word: &Word) -> Result<Option<Argument>, CommandError> {
    use ArgumentKind as Kind;
    let text = || Argument::Text(word.text.clone());
    Ok(Some(match kind {
        Kind::Steps => Argument::Steps(count(word)?),
        Kind::Masks => Argument::Masks(count(word)?),
        Kind::Destination => Argument::Destination(destination(word)?),
        Kind::Parameter | Kind::ParameterOrAll => Argument::Text(word.text.replace('-', "_")),
        Kind::Assignments => assignment(word)?,
        Kind::TryOrLast => match word.text.parse() {
            Ok(number) => Argument::Try(number),
            Err(_) => return Ok(None),
        },
        Kind::Breakpoint => match (&*word.text, word.text.parse()) {
            ("all", _) => Argument::Breakpoint(None),
            (_, Ok(number)) => Argument::Breakpoint(Some(number)),
            (_, Err(_)) => return Ok(None),
        },
        Kind::Position => Argument::Position(position(word)?),
        Kind::Token => Argument::Token(token(word)),
        Kind::File => Argument::File(word.text.clone().into()),
        Kind::Value
        | Kind::Branch
        | Kind::BranchOrThis
        | Kind::Name
        | Kind::Bookmark
        | Kind::Preset
        | Kind::Macro => text(),
        // Read from the whole text.
        Kind::Condition | Kind::Event | Kind::Query | Kind::Expression | Kind::Prompt => {
            return Ok(None);
        }
    }))
}

fn parsed_condition(text: &str) -> Result<Condition, CommandError> {
    Condition::parse(text).map_err(|SyntaxError { at, message, .. }| CommandError { at, message })
}

fn condition(text: &str) -> Result<Argument, CommandError> {
    parsed_condition(text).map(Argument::Condition)
}

/// The condition of a kind of event, or a condition; of any event if none is given.
fn event(text: &str) -> Result<Argument, CommandError> {
    let known = EVENTS.iter().find(|(event, ..)| *event == text);
    let text = if text.is_empty() { EVENTS[0].1 } else { known.map_or(text, |known| known.1) };
    condition(text)
}

fn expression(command: &str, text: &str) -> Result<Argument, CommandError> {
    if text.is_empty() {
        let message = format!("{command} takes a name, e.g. `{command} eos_conf`");
        return Err(CommandError::new(0..0, message));
    }
    Ok(Argument::Expression(text.to_owned()))
}

/// A prompt: what stands in quotes, or all that is typed, as it stands.
fn prompt(words: &[Word], text: &str) -> Option<Argument> {
    match words {
        [] => None,
        [word] if word.quoted => Some(Argument::Prompt(word.text.clone())),
        _ => Some(Argument::Prompt(text.to_owned())),
    }
}

/// Reads a query and the file its rows go to: behind the first ` to ` that ends a whole query,
/// since a text in it may hold others.
fn query(text: &str) -> Result<Argument, CommandError> {
    const TO: &str = " to ";
    let split = text
        .match_indices(TO)
        .find_map(|(at, _)| Query::parse(text.get(..at)?).ok().map(|query| (query, at + TO.len())));
    let Some((query, behind)) = split else {
        let query = Query::parse(text)
            .map_err(|SyntaxError { at, message, .. }| CommandError { at, message })?;
        return Ok(Argument::Query(query, None));
    };
    let file = text.get(behind..).unwrap_or_default();
    match words(file).map_err(|error| error.behind(behind))?.as_slice() {
        [word] => Ok(Argument::Query(query, Some(word.text.clone().into()))),
        _ => {
            let message = "one file is wanted here; a name with blanks stands in quotes";
            Err(CommandError::new(behind..text.len(), message))
        }
    }
}

fn count(word: &Word) -> Result<usize, CommandError> {
    let count = word.text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
    count.ok_or_else(|| CommandError::new(word.at.clone(), "a number from 1 on is wanted"))
}

fn position(word: &Word) -> Result<PositionRef, CommandError> {
    let parsed = match word.text.strip_prefix('#') {
        Some(slot) => slot.parse().ok().map(|slot| PositionRef::Slot(Slot(slot))),
        None => word.text.parse().ok().map(PositionRef::Position),
    };
    parsed.ok_or_else(|| {
        CommandError::new(word.at.clone(), "a position is a number, or #N for a slot")
    })
}

/// `name=value`.
fn assignment(word: &Word) -> Result<Argument, CommandError> {
    let parts =
        word.text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    let (name, value) = parts.ok_or_else(|| {
        CommandError::new(word.at.clone(), "a parameter and its value are wanted: NAME=VALUE")
    })?;
    Ok(Argument::Assignment(name.replace('-', "_"), value.to_owned()))
}

fn token(word: &Word) -> TokenRef {
    match word.text.parse() {
        Ok(id) if !word.quoted => TokenRef::Id(id),
        _ => TokenRef::Text(word.text.clone()),
    }
}

fn destination(word: &Word) -> Result<Destination, CommandError> {
    if !word.quoted && word.text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        let step = word.text.parse().map(Destination::Step);
        return step.map_err(|_| {
            CommandError::new(word.at.clone(), "a step is a number from 0 on; quote a bookmark")
        });
    }

    let node = word.text.strip_prefix('@').and_then(|node| node.parse().ok());
    Ok(match (&*word.text, word.quoted, node) {
        ("start", false, _) => Destination::Start,
        ("end", false, _) => Destination::End,
        (_, false, Some(node)) => Destination::Node(NodeId(node)),
        _ => Destination::Bookmark(word.text.clone()),
    })
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::End => f.write_str("end"),
            Self::Step(step) => step.fmt(f),
            Self::Node(node) => write!(f, "@{}", node.0),
            // In quotes even where it needs none: `start`, `end` and numbers are something else.
            Self::Bookmark(name) => f.write_str(&in_quotes(name)),
        }
    }
}

impl fmt::Display for PositionRef {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Position(position) => position.fmt(f),
            Self::Slot(slot) => write!(f, "#{}", slot.0),
        }
    }
}

impl fmt::Display for TokenRef {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            // In quotes even where it needs none: a number is an id.
            Self::Text(text) => f.write_str(&in_quotes(text)),
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Steps(n) | Self::Masks(n) => n.fmt(f),
            Self::Condition(condition) => condition.fmt(f),
            Self::Destination(destination) => destination.fmt(f),
            Self::Assignment(name, value) => {
                let whole = format!("{name}={value}");
                match quoted(name) == *name && quoted(value) == *value {
                    true => f.write_str(&whole),
                    false => f.write_str(&in_quotes(&whole)),
                }
            }
            Self::Try(number) | Self::Breakpoint(Some(number)) => number.fmt(f),
            Self::Breakpoint(None) => f.write_str("all"),
            Self::Prompt(text) => f.write_str(&in_quotes(text)),
            Self::Expression(text) => f.write_str(text),
            Self::Position(position) => position.fmt(f),
            Self::Token(token) => token.fmt(f),
            Self::Query(query, None) => query.fmt(f),
            Self::Query(query, Some(file)) => {
                write!(f, "{query} to {}", quoted(&file.to_string_lossy()))
            }
            Self::File(file) => f.write_str(&quoted(&file.to_string_lossy())),
            Self::Text(text) => f.write_str(&quoted(text)),
        }
    }
}

impl fmt::Display for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // A single step goes without saying.
        let written = self.0.iter().filter(|argument| **argument != Argument::Steps(1));
        for argument in written {
            write!(f, " {argument}")?;
        }
        Ok(())
    }
}
