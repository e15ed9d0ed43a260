//! Text to commands: one line, or a script of several parted by `;` or line ends.

use std::ops::Range;

use super::command::{COMMANDS, Change, Command, EVENTS, Place, Spec, Spot, Takes, Token, Way};
use crate::{
    canvas::Slot,
    inspect::{Condition, Query, SyntaxError, nearest, quoted},
    session::NodeId,
};

/// A text that is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// The place in the line, in bytes.
    pub at: Range<usize>,
    /// The fault, and what to do.
    pub message: String,
}

impl CommandError {
    fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// Moves the place: the text was part of a longer one.
    fn behind(mut self, offset: usize) -> Self {
        self.at = self.at.start + offset..self.at.end + offset;
        self
    }
}

/// A word with its place.
struct Word {
    text: String,
    quoted: bool,
    at: Range<usize>,
}

/// The words of a line; quotes keep blanks together.
fn words(line: &str) -> Result<Vec<Word>, CommandError> {
    let mut words = Vec::new();
    let mut chars = line.char_indices().peekable();
    while let Some(&(start, c)) = chars.peek() {
        if c.is_whitespace() {
            chars.next();
            continue;
        }
        let mut text = String::new();
        let quote = matches!(c, '"' | '\'').then_some(c);
        if quote.is_some() {
            chars.next();
        }
        let mut closed = quote.is_none();
        let mut end = line.len();
        while let Some(&(at, c)) = chars.peek() {
            if quote.is_none() && c.is_whitespace() {
                end = at;
                break;
            }
            chars.next();
            if Some(c) == quote {
                closed = true;
                end = at + c.len_utf8();
                break;
            }
            match (quote, c) {
                (Some(_), '\\') => text.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, 't')) => '\t',
                    Some((_, other)) => other,
                    None => '\\',
                }),
                _ => text.push(c),
            }
        }
        if !closed {
            return Err(CommandError::new(start..line.len(), "the quote is not closed"));
        }
        words.push(Word { text, quoted: quote.is_some(), at: start..end });
    }
    Ok(words)
}

/// The specification of a command by its name or another of its names.
pub fn find(name: &str) -> Option<&'static Spec> {
    COMMANDS.iter().find(|spec| spec.name == name || spec.aliases.contains(&name))
}

/// Cuts a script at `;` and line ends outside quotes; lines that begin with `#` are comments.
pub fn statements(script: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quote, mut escaped) = (0, None, false);
    let (mut comment, mut letter) = (false, false);
    for (at, c) in script.char_indices() {
        if comment {
            if c == '\n' {
                comment = false;
                start = at + 1;
            }
            continue;
        }
        match (quote, c) {
            _ if escaped && c != '\n' => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            // One behind a letter is an apostrophe.
            (None, '\'') if letter => {}
            (None, '"' | '\'') => quote = Some(c),
            (_, '\n') | (None, ';') => {
                parts.push(&script[start..at]);
                (start, quote, escaped) = (at + 1, None, false);
            }
            (None, '#') if script[start..at].trim().is_empty() => comment = true,
            _ => {}
        }
        letter = c.is_alphanumeric();
    }
    if !comment {
        parts.push(&script[start..]);
    }
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Commands of editors and other debuggers that people type out of habit, with their names here.
const HABITS: &[(&str, &str)] = &[
    ("e", OTHER_FILE),
    ("edit", OTHER_FILE),
    ("o", OTHER_FILE),
    ("open", OTHER_FILE),
    ("r", "`restart` starts the run anew, `remask POSITION` masks a position again"),
    ("run", "`continue` runs to the next breakpoint or the end, `restart` starts anew"),
    ("list", "`text` prints the answer, `branches` and `breaks` list those"),
    ("info", "`breaks`, `branches` and `presets` list those, `print NAME` prints a value"),
    ("bt", "`branches` lists the branches, `why POSITION` says why a position is as it is"),
    ("where", "`why POSITION` says why a position is as it is"),
    ("finish", "`run-block` and `run-stage` run to the end of those"),
];

/// Another file is another session.
const OTHER_FILE: &str = "end with `quit`, and open another recording with `demask replay FILE`";

/// Reads one command.
///
/// # Errors
/// [`CommandError`], with the place in the line.
pub fn parse(line: &str) -> Result<Command, CommandError> {
    let start = line.len() - line.trim_start().len();
    let end = line.trim_end().len();
    let body = line.get(start..end).unwrap_or_default();
    let name = body.split_whitespace().next().unwrap_or_default();
    let at = start..start + name.len();
    let spec = find(name).ok_or_else(|| CommandError::new(at.clone(), unknown(name)))?;
    let rest = body.get(name.len()..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start().len();
    let offset = at.end + blanks;
    arguments(spec, rest.trim()).map_err(|error| error.behind(offset))
}

/// The message that there is no such command, with the one that was probably meant.
fn unknown(name: &str) -> String {
    let hint = HABITS.iter().find(|(habit, _)| *habit == name).map(|(_, instead)| *instead);
    let hint = hint.map_or_else(
        || match nearest(name, COMMANDS.iter().map(|spec| spec.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`help` says what there is".to_owned(),
        },
        str::to_owned,
    );
    format!("there is no command {}; {hint}", quoted(name))
}

fn condition(text: &str) -> Result<Condition, CommandError> {
    Condition::parse(text).map_err(|SyntaxError { at, message, .. }| CommandError { at, message })
}

fn arguments(spec: &Spec, rest: &str) -> Result<Command, CommandError> {
    let whole = 0..rest.len();
    // A condition's own grammar has quotes and blanks of its own.
    match (spec.name, spec.takes) {
        ("until", _) => return Ok(Command::Until(condition(rest)?)),
        ("break", _) => return Ok(Command::Break(condition(rest)?)),
        (name, Takes::Event) => {
            let known = EVENTS.iter().find(|(event, ..)| *event == rest);
            let rest =
                if rest.is_empty() { EVENTS[0].1 } else { known.map_or(rest, |known| known.1) };
            let way = if name == "next" { Way::On } else { Way::Back };
            return Ok(Command::Find(way, condition(rest)?));
        }
        ("print", _) if rest.is_empty() => {
            return Err(CommandError::new(whole, "print takes a name, e.g. `print eos_conf`"));
        }
        ("print", _) => return Ok(Command::Print(rest.to_owned())),
        ("query", _) => return query(rest),
        _ => {}
    }
    let words = words(rest)?;
    let usage = || {
        let takes = spec.takes.text();
        CommandError::new(whole.clone(), format!("{} takes {takes}", spec.name).trim().to_owned())
    };
    let most = match spec.takes {
        Takes::Nothing => 0,
        Takes::ParamValue | Takes::SpotToken | Takes::SpotCount | Takes::TwoBranches => 2,
        Takes::Words | Takes::Name | Takes::Assignments => usize::MAX,
        _ => 1,
    };
    if let Some(extra) = words.get(most) {
        let message = match spec.takes {
            Takes::Nothing => format!("{} takes nothing", spec.name),
            takes => format!("{} takes {}", spec.name, takes.text()),
        };
        return Err(CommandError::new(extra.at.clone(), message));
    }
    let word = |at: usize| words.get(at).ok_or_else(usage);
    let text = |at: usize| word(at).map(|word| word.text.clone());
    // A name may have blanks.
    let name = || match words.as_slice() {
        [] => Err(usage()),
        words => Ok(words.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ")),
    };
    let optional = words.first().map(|word| word.text.clone());
    let count = |at: usize| match words.get(at) {
        None => Ok(1),
        Some(word) => word
            .text
            .parse::<usize>()
            .ok()
            .filter(|n| (1..=1_000_000).contains(n))
            .ok_or_else(|| CommandError::new(word.at.clone(), "a number from 1 on is wanted")),
    };
    let breakpoint = || match &*text(0)? {
        "all" => Ok(None),
        number => number.parse().map(Some).map_err(|_| usage()),
    };
    let spot = || word(0).and_then(spot);
    let edit = |change| Ok(Command::Edit(spot()?, change));
    Ok(match spec.name {
        "step" => Command::Step(count(0)?),
        "back" => Command::Back(count(0)?),
        "forward" => Command::Forward(count(0)?),
        "continue" => Command::Continue,
        "reverse-continue" => Command::ReverseContinue,
        "run-block" => Command::RunBlock,
        "run-stage" => Command::RunStage,
        "back-block" => Command::BackBlock,
        "back-stage" => Command::BackStage,
        "goto" => Command::Goto(place(word(0)?)?),
        "previous" => Command::Previous,
        "set" => Command::Set(text(0)?.replace('-', "_"), text(1)?),
        "reset" => Command::Reset(optional.map(|name| name.replace('-', "_"))),
        "restart" => Command::Restart,
        "stop" => Command::Stop,
        // Unquoted words are taken as they stand.
        "prompt" => match words.as_slice() {
            [] => return Err(usage()),
            [word] if word.quoted => Command::Prompt(word.text.clone()),
            _ => Command::Prompt(rest.to_owned()),
        },
        "resimulate" => Command::Resimulate,
        "try" => Command::Try(words.iter().map(assignment).collect::<Result<_, _>>()?),
        "take" => match words.first() {
            None => Command::Take(None),
            Some(word) => Command::Take(Some(word.text.parse().map_err(|_| usage())?)),
        },
        "exact" => Command::Exact,
        "breaks" => Command::Breaks,
        "enable" => Command::Enable(breakpoint()?, true),
        "disable" => Command::Enable(breakpoint()?, false),
        "unbreak" => Command::Unbreak(breakpoint()?),
        "branches" => Command::Branches,
        "switch" => Command::Switch(text(0)?),
        "name-branch" => Command::NameBranch(name()?),
        "delete-branch" => Command::DeleteBranch(optional),
        "compare" => Command::Compare(text(0)?, text(1)?),
        "mark" => Command::Mark(name()?),
        "unmark" => Command::Unmark(text(0)?),
        "fill" => edit(Change::Fill(token(word(1)?)))?,
        "remask" => edit(Change::Remask)?,
        "insert" => edit(Change::Insert(count(1)?))?,
        "remove" => edit(Change::Remove)?,
        "trim" => edit(Change::Trim)?,
        "expand" => edit(Change::Expand(Some(true)))?,
        "forbid" => edit(Change::Expand(Some(false)))?,
        "allow" => edit(Change::Expand(None))?,
        "pin" => edit(Change::Pin(true))?,
        "unpin" => edit(Change::Pin(false))?,
        "veto" => edit(Change::Veto(token(word(1)?), true))?,
        "unveto" => edit(Change::Veto(token(word(1)?), false))?,
        "undo" => Command::Undo,
        "redo" => Command::Redo,
        "text" => Command::Text,
        "passes" => Command::Passes,
        "why" => Command::Why(spot()?),
        "lint" => Command::Lint,
        "save" => Command::Save(optional.map(Into::into)),
        "save-preset" => Command::PresetSave(name()?),
        "preset" => Command::PresetLoad(text(0)?),
        "presets" => Command::Presets,
        "macro" => Command::Macro(text(0)?),
        "help" => Command::Help,
        "save-quit" => Command::SaveQuit(optional.map(Into::into)),
        "quit!" => Command::QuitNow,
        _ => Command::Quit,
    })
}

/// Reads a query and the file its rows go to: behind the first ` to ` that ends a whole query,
/// since a text in it may hold others.
fn query(rest: &str) -> Result<Command, CommandError> {
    const TO: &str = " to ";
    let split = rest
        .match_indices(TO)
        .find_map(|(at, _)| Query::parse(rest.get(..at)?).ok().map(|query| (query, at + TO.len())));
    let Some((query, behind)) = split else {
        let query = Query::parse(rest)
            .map_err(|SyntaxError { at, message, .. }| CommandError { at, message })?;
        return Ok(Command::Query(query, None));
    };
    let file = rest.get(behind..).unwrap_or_default();
    match words(file).map_err(|error| error.behind(behind))?.as_slice() {
        [word] => Ok(Command::Query(query, Some(word.text.clone().into()))),
        _ => {
            let message = "one file is wanted here; a name with blanks stands in quotes";
            Err(CommandError::new(behind..rest.len(), message))
        }
    }
}

fn spot(word: &Word) -> Result<Spot, CommandError> {
    let parsed = match word.text.strip_prefix('#') {
        Some(slot) => slot.parse().ok().map(|slot| Spot::Slot(Slot(slot))),
        None => word.text.parse().ok().map(Spot::Position),
    };
    parsed.ok_or_else(|| {
        CommandError::new(word.at.clone(), "a position is a number, or #N for a slot")
    })
}

/// `name=value`.
fn assignment(word: &Word) -> Result<(String, String), CommandError> {
    let parts =
        word.text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    let (name, value) = parts.ok_or_else(|| {
        CommandError::new(word.at.clone(), "a parameter and its value are wanted: NAME=VALUE")
    })?;
    Ok((name.replace('-', "_"), value.to_owned()))
}

fn token(word: &Word) -> Token {
    match word.text.parse() {
        Ok(id) if !word.quoted => Token::Id(id),
        _ => Token::Text(word.text.clone()),
    }
}

fn place(word: &Word) -> Result<Place, CommandError> {
    if !word.quoted && word.text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        let step = word.text.parse().map(Place::Step);
        return step.map_err(|_| {
            CommandError::new(word.at.clone(), "a step is a number from 0 on; quote a bookmark")
        });
    }

    let node = word.text.strip_prefix('@').and_then(|node| node.parse().ok());
    Ok(match (&*word.text, word.quoted, node) {
        ("start", false, _) => Place::Start,
        ("end", false, _) => Place::End,
        (_, false, Some(node)) => Place::Node(NodeId(node)),
        _ => Place::Bookmark(word.text.clone()),
    })
}
