//! Arguments from the text behind a command's name.

use super::{
    super::{
        events::EVENTS,
        words::{CommandError, PlacedWord, words},
    },
    Argument, ArgumentKind, Arguments, Destination, PositionRef, TokenRef,
    kind::takes,
};
use crate::inspect::{Condition, Query, SyntaxError};

impl Arguments {
    /// Reads the text behind a command's name.
    ///
    /// # Errors
    /// [`CommandError`], with the place in the text.
    pub(in crate::debugger) fn read(
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
                taken if matches!(kind, ArgumentKind::Name | ArgumentKind::Note) => {
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
}

/// An argument of one word; `None` if the word is no such argument.
fn argument(kind: ArgumentKind, word: &PlacedWord) -> Result<Option<Argument>, CommandError> {
    use ArgumentKind as Kind;
    let text = || Argument::Text(word.text.clone());
    Ok(Some(match kind {
        Kind::Steps => Argument::Steps(count(word)?),
        Kind::Masks => Argument::Masks(count(word)?),
        Kind::Passes => Argument::Passes(count(word)?),
        Kind::Destination => Argument::Destination(Destination::read(word)?),
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
        Kind::Position => Argument::Position(PositionRef::read(word)?),
        Kind::Token => Argument::Token(TokenRef::read(word)),
        Kind::File => Argument::File(word.text.clone().into()),
        Kind::Value
        | Kind::Branch
        | Kind::BranchOrThis
        | Kind::Name
        | Kind::Note
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
fn prompt(words: &[PlacedWord], text: &str) -> Option<Argument> {
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

fn count(word: &PlacedWord) -> Result<usize, CommandError> {
    let count = word.text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
    count.ok_or_else(|| CommandError::new(word.at.clone(), "a number from 1 on is wanted"))
}

/// Reads `name=value` with no blank around `=`.
fn assignment(word: &PlacedWord) -> Result<Argument, CommandError> {
    let parts =
        word.text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    let (name, value) = parts.ok_or_else(|| {
        CommandError::new(word.at.clone(), "a parameter and its value are wanted: NAME=VALUE")
    })?;
    Ok(Argument::Assignment(name.replace('-', "_"), value.to_owned()))
}
