//! The keys in use: a table of rows, which a configuration may change, feeds dispatch, the hints at the
//! bottom, the help box, the palette and the README.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent};

use super::{super::input::chord::Chord, App, interface::Effect};
use crate::debugger::PlainCommand;

/// What a key asks of whatever has the keys. A row has one if a pane, a box or the comparison answers
/// it in its own way, or shows its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table says what each does")]
pub enum Action {
    Step,
    Back,
    Forward,
    RunPause,
    Slower,
    Faster,
    RunToEnd,
    RunStage,
    BackStage,
    EditPrompt,
    PreviousEvent,
    NextEvent,
    FirstStep,
    LastStep,
    Mark,
    Break,
    Left,
    Right,
    Up,
    Down,
    NextWord,
    PreviousWord,
    NextBlock,
    PreviousBlock,
    First,
    Last,
    NextTouched,
    PreviousTouched,
    Follow,
    Search,
    Pick,
    Remove,
    NextParam,
    More,
    Less,
    ResetParam,
    Try,
    Enter,
    NextPane,
    PreviousPane,
    Pane(u8),
    Zoom,
    Ghost,
    Exact,
    Command,
    Help,
    SelectText,
    Redraw,
    Escape,
    Interrupt,
    Suspend,
    Quit,
}

/// How a row is carried out.
#[derive(Debug, Clone, Copy)]
enum Does {
    /// By a command of the debugger.
    Command(PlainCommand),
    /// By a function of the screen.
    Function(fn(&mut App, &mut Vec<Effect>)),
}

/// A row of the table of keys.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Its name in configurations and in the command line, e.g. `run-pause`.
    pub name: &'static str,
    /// The keys that do it unless they are changed.
    pub keys: &'static [Chord],
    /// One line of help.
    pub help: &'static str,
    /// What it asks of whatever has the keys, before it does what it always does.
    pub action: Option<Action>,
    does: Does,
}

/// A row that carries out the command of its name.
pub(in crate::tui) const fn command(
    name: &'static str,
    keys: &'static [Chord],
    help: &'static str,
) -> Binding {
    Binding { name, keys, help, action: None, does: Does::Command(PlainCommand::named(name)) }
}

/// A row that does something to the screen.
pub(in crate::tui) const fn function(
    name: &'static str,
    keys: &'static [Chord],
    help: &'static str,
    function: fn(&mut App, &mut Vec<Effect>),
) -> Binding {
    Binding { name, keys, help, action: None, does: Does::Function(function) }
}

impl Binding {
    /// The row, for whatever has the keys to answer as this.
    pub(in crate::tui) const fn asks(self, action: Action) -> Self {
        Self { action: Some(action), ..self }
    }

    /// Does what the key always does.
    pub(in crate::tui) fn perform(&self, app: &mut App, effects: &mut Vec<Effect>) {
        match self.does {
            Does::Command(command) => {
                app.run(command, effects);
            }
            Does::Function(function) => function(app, effects),
        }
    }

    /// Does what the key does where the keys go now: the pane's own, or what it always does.
    pub(in crate::tui) fn act(&self, app: &mut App, effects: &mut Vec<Effect>) {
        let pane = app.display.focus;
        if !self.action.is_some_and(|action| pane.act(app, action, effects)) {
            self.perform(app, effects);
        }
    }

    /// True if a keymap without it would leave one helpless.
    fn is_needed(&self) -> bool {
        matches!(self.action, Some(Action::Interrupt | Action::Quit | Action::Help))
    }
}

/// Rows of the table under one heading of the help box, which sections that follow each other may share.
#[derive(Debug)]
pub struct KeySection {
    /// The heading above the rows.
    pub title: &'static str,
    /// The rows, in the order of the help box.
    pub rows: &'static [Binding],
}

/// Why keys cannot be so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// One key, two rows.
    #[error(
        "`{}` is the key of both `{}` and `{}`. Give one of them another key, or [] for none",
        .key.syntax(), .one, .other
    )]
    Clash {
        /// The key that both have.
        key: Chord,
        /// The row that comes first in the table.
        one: &'static str,
        /// The row that comes behind it.
        other: &'static str,
    },
    /// A row that one cannot do without has no key.
    #[error("`{0}` cannot be left without a key. Give it one")]
    Needed(&'static str),
}

/// A table of keys, changed by a configuration.
#[derive(Debug, Clone)]
pub struct Keymap {
    table: &'static [KeySection],
    /// The keys of every row of the table.
    keys: Vec<Vec<Chord>>,
}

impl PartialEq for Keymap {
    fn eq(&self, other: &Self) -> bool {
        self.keys == other.keys
    }
}

impl Keymap {
    /// The keys of a table as they are.
    pub(in crate::tui) fn new(table: &'static [KeySection]) -> Self {
        let rows = table.iter().flat_map(|section| section.rows);
        Self { table, keys: rows.map(|row| row.keys.to_vec()).collect() }
    }

    /// Other keys (or none) for the rows of these names.
    ///
    /// # Errors
    /// If a key would do two things, or a row that one needs would have none.
    pub fn with<'n>(
        mut self,
        changes: impl IntoIterator<Item = (&'n str, Vec<Chord>)>,
    ) -> Result<Self, KeymapError> {
        for (name, mut keys) in changes {
            let mut seen = Vec::new();
            keys.retain(|key| {
                !seen.contains(key) && {
                    seen.push(*key);
                    true
                }
            });
            let rows = self.table.iter().flat_map(|section| section.rows);
            for (own, _) in self.keys.iter_mut().zip(rows).filter(|(_, row)| row.name == name) {
                own.clone_from(&keys);
            }
        }
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), KeymapError> {
        let mut owners = std::collections::HashMap::new();
        for (row, keys) in self.rows() {
            if keys.is_empty() && row.is_needed() {
                return Err(KeymapError::Needed(row.name));
            }
            for &key in keys {
                if let Some(one) = owners.insert(key, row.name) {
                    return Err(KeymapError::Clash { key, one, other: row.name });
                }
            }
        }
        Ok(())
    }

    /// The headings of the table, each with its rows and the keys in use.
    pub fn sections(
        &self,
    ) -> impl Iterator<Item = (&'static str, impl Iterator<Item = (&'static Binding, &[Chord])>)>
    {
        let mut from = 0;
        self.table.chunk_by(|a, b| a.title == b.title).map(move |parts| {
            let keys = &self.keys[from..];
            from += parts.iter().map(|part| part.rows.len()).sum::<usize>();
            let rows = parts.iter().flat_map(|part| part.rows);
            (parts[0].title, rows.zip(keys.iter().map(Vec::as_slice)))
        })
    }

    /// The rows of the table with the keys in use.
    pub fn rows(&self) -> impl Iterator<Item = (&'static Binding, &[Chord])> {
        self.sections().flat_map(|(_, rows)| rows)
    }

    /// The row of this name.
    pub fn named(&self, name: &str) -> Option<&'static Binding> {
        self.rows().map(|(row, _)| row).find(|row| row.name == name)
    }

    /// The row of an action.
    pub fn of(&self, action: Action) -> Option<&'static Binding> {
        self.rows().map(|(row, _)| row).find(|row| row.action == Some(action))
    }

    /// The keys of an action.
    pub fn keys(&self, action: Action) -> &[Chord] {
        self.rows().find(|(row, _)| row.action == Some(action)).map_or(&[], |(_, keys)| keys)
    }

    /// The first key of an action as printed; empty if it has none.
    pub fn first(&self, action: Action) -> String {
        self.keys(action).first().map(|key| key.name()).unwrap_or_default()
    }

    /// The row of a key.
    pub fn pressed(&self, event: &KeyEvent) -> Option<&'static Binding> {
        let chord = Chord::of(event);
        self.rows().find(|(_, keys)| keys.contains(&chord)).map(|(row, _)| row)
    }

    /// What a key asks of a line editor: Enter and Esc are fixed, and what types a character does
    /// nothing else.
    pub fn typing(&self, event: &KeyEvent) -> Option<Action> {
        match event.code {
            KeyCode::Enter => Some(Action::Enter),
            KeyCode::Esc => Some(Action::Escape),
            _ if Chord::of(event).types() => None,
            _ => self
                .pressed(event)
                .and_then(|row| row.action)
                .filter(|action| !matches!(action, Action::Enter | Action::Escape)),
        }
    }

    /// The keys as a Markdown table, for the README.
    pub fn markdown(&self) -> String {
        let mut text = String::from("| key | what it does |\n|---|---|\n");
        for (title, rows) in self.sections() {
            let _ = writeln!(text, "| **{title}** | |");
            for (row, keys) in rows {
                let keys: Vec<String> =
                    keys.iter().map(|key| format!("`{}`", key.name())).collect();
                let _ = writeln!(text, "| {} | {} |", keys.join(" "), row.help);
            }
        }
        text
    }
}

/// Keys as printed, with a space between.
pub fn names(keys: &[Chord]) -> String {
    keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(" ")
}
