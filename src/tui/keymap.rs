//! The keys, as data: one table of defaults, which a configuration may change, feeds dispatch, the
//! hints at the bottom, the help box and the README.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent};

use super::chord::{Chord, code, ctrl, ctrl_code, key};

/// Something a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table says what each does")]
pub enum Action {
    Step,
    Back,
    Forward,
    RunPause,
    Slower,
    Faster,
    RunToEnd,
    RunBlock,
    RunStage,
    ReverseContinue,
    BackBlock,
    BackStage,
    Restart,
    EditPrompt,
    PreviousEvent,
    NextEvent,
    FirstStep,
    LastStep,
    Previous,
    Mark,
    Break,
    Watch,
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
    NextMatch,
    PreviousMatch,
    Pick,
    Remask,
    Pin,
    Veto,
    Expansion,
    Insert,
    Remove,
    Trim,
    Undo,
    Redo,
    NextParam,
    PreviousParam,
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
    Waterfall,
    Align,
    Exact,
    Command,
    Help,
    Redraw,
    Save,
    Escape,
    Interrupt,
    Suspend,
    Quit,
}

impl Action {
    /// Its name in configurations: the variant's in kebab-case, e.g. `run-pause`, `pane-2`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for c in format!("{self:?}").chars().filter(|&c| c != ')') {
            match c {
                '(' => name.push('-'),
                c if c.is_ascii_uppercase() && !name.is_empty() => {
                    name.push('-');
                    name.push(c.to_ascii_lowercase());
                }
                c => name.push(c.to_ascii_lowercase()),
            }
        }
        name
    }

    /// The action of that name, if the table has it.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().map(|binding| binding.action).find(|action| action.name() == name)
    }

    /// True if a keymap without it would leave one helpless.
    pub fn is_needed(self) -> bool {
        matches!(self, Self::Interrupt | Self::Quit | Self::Help)
    }
}

/// Sections of the help box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Making steps.
    Run,
    /// Going over known steps.
    Travel,
    /// The cursor.
    Position,
    /// Changing the canvas.
    Edit,
    /// Parameters.
    Parameters,
    /// What is on screen.
    View,
    /// The program.
    Program,
}

impl Group {
    /// Every group, in the order of the help box.
    pub const ALL: [Self; 7] = [
        Self::Run,
        Self::Travel,
        Self::Position,
        Self::Edit,
        Self::Parameters,
        Self::View,
        Self::Program,
    ];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Travel => "Go back and forth",
            Self::Position => "Position",
            Self::Edit => "Edit the canvas",
            Self::Parameters => "Parameters",
            Self::View => "View",
            Self::Program => "Program",
        }
    }
}

/// A row of the table of defaults.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What is done.
    pub action: Action,
    /// The keys that do it unless they are changed.
    pub keys: &'static [Chord],
    /// One line of help.
    pub help: &'static str,
    /// A word for the hints at the bottom, for the keys one needs first.
    pub hint: Option<&'static str>,
    /// Section of the help box.
    pub group: Group,
}

macro_rules! bindings {
    ($($group:ident { $($action:expr, [$($key:expr),+], $hint:expr, $help:literal;)+ })+) => {
        &[$($(Binding {
            action: $action,
            keys: &[$($key),+],
            help: $help,
            hint: $hint,
            group: Group::$group,
        }),+),+]
    };
}

/// Every action there is, with its default keys.
pub const TABLE: &[Binding] = bindings! {
    Run {
        Action::Step, [key('s')], Some("step"), "make the pending step";
        Action::RunPause, [key(' ')], Some("run/pause"), "run at the chosen speed, or pause";
        Action::Slower, [key('<')], None, "run slower";
        Action::Faster, [key('>')], None, "run faster: 1, 2, 5, 10, 30 steps a second, or as fast as it goes";
        Action::RunBlock, [key(')')], None, "run to the end of the block";
        Action::RunStage, [key('}')], None, "run to the end of the stage";
        Action::RunToEnd, [key('c')], Some("continue"), "run to the next breakpoint or the end";
        Action::Restart, [key('R')], None, "start a new run under the parameters as they are";
        Action::EditPrompt, [key('E')], None, "edit the prompt and start a new run";
    }
    Travel {
        Action::Back, [key('S'), code(KeyCode::Backspace)], Some("back"), "go one step back";
        Action::Forward, [key('f')], None, "go one known step forward";
        Action::ReverseContinue, [key('C')], None, "go back to the last breakpoint, or the start";
        Action::Break, [key('b')], Some("break"), "set a breakpoint: a condition is asked for";
        Action::Watch, [key('B')], None, "set a breakpoint on the position under the cursor";
        Action::Mark, [key('m')], None, "set a bookmark here: a name is asked for";
        Action::Previous, [key('\'')], None, "go back to where you were before the last jump";
        Action::PreviousEvent, [key('[')], Some("events"), "go back to the last expansion, fallback, stuck or dropping step, or change of block or stage";
        Action::NextEvent, [key(']')], Some(""), "go on to the next of these";
        Action::BackBlock, [key('(')], None, "go back to the start of the block";
        Action::BackStage, [key('{')], None, "go back to the start of the stage";
        Action::FirstStep, [key('0'), ctrl_code(KeyCode::Home)], None, "go to the start of the run";
        Action::LastStep, [key('$'), ctrl_code(KeyCode::End)], None, "go to the last known step";
    }
    Position {
        Action::Left, [key('h'), code(KeyCode::Left)], Some("position"), "move left (in the timeline: one step back)";
        Action::Right, [key('l'), code(KeyCode::Right)], Some(""), "move right (in the timeline: one step forward)";
        Action::Up, [key('k'), code(KeyCode::Up)], None, "move up, or to the entry above in a list (in the timeline: to the lane above)";
        Action::Down, [key('j'), code(KeyCode::Down)], None, "move down, or to the entry below in a list (in the timeline: to the lane below)";
        Action::NextWord, [key('w')], None, "move to the next word";
        Action::PreviousWord, [key('W')], None, "move to the word before";
        Action::NextBlock, [code(KeyCode::PageDown), ctrl('d')], None, "move to the next block, or a page down";
        Action::PreviousBlock, [code(KeyCode::PageUp), ctrl('u')], None, "move to the block before, or a page up";
        Action::First, [key('g'), code(KeyCode::Home)], None, "move to the first position or entry";
        Action::Last, [key('G'), code(KeyCode::End)], None, "move to the last position or entry";
        Action::NextTouched, [key('.')], None, "move to the next position the pending step changes";
        Action::PreviousTouched, [key(',')], None, "move to the one before";
        Action::Follow, [key('o')], None, "let the cursor follow what happens, or stay";
        Action::Search, [key('/')], Some("search"), "search the canvas (or the log) for a text, or id:N for a token";
        Action::NextMatch, [key('n')], None, "go to the next match";
        Action::PreviousMatch, [key('N')], None, "go to the match before";
    }
    Edit {
        Action::Pick, [key('e')], Some("edit"), "write a token here: choose a candidate or type one";
        Action::Remask, [key('r')], None, "take the token here back";
        Action::Pin, [key('#')], None, "pin it: not written, expanded or dropped; again: let it go";
        Action::Veto, [key('!')], None, "never write the model's guess here (needs a new forward pass)";
        Action::Expansion, [key('X')], None, "expand it in the next step; again: never; again: by the rules";
        Action::Insert, [key('I')], None, "put a mask before it";
        Action::Remove, [key('D')], None, "remove it; in the session's lists: take the entry away";
        Action::Trim, [key('T')], None, "cut the canvas before it";
        Action::Undo, [key('u')], None, "take back the last edit, turned parameter or deleted branch";
        Action::Redo, [key('U')], None, "make the edit again that was taken back";
    }
    Parameters {
        Action::More, [key('+'), key('=')], Some("value"), "turn the chosen parameter up";
        Action::Less, [key('-')], Some(""), "turn it down";
        Action::NextParam, [key('p')], None, "choose the next parameter";
        Action::PreviousParam, [key('P')], None, "choose the one before";
        Action::ResetParam, [key('x')], None, "give it back the value the run was started with";
        Action::Try, [key('a')], Some("try"), "try them: run again from the start in spare time, beside the run on screen";
        Action::Enter, [code(KeyCode::Enter)], None, "type its value; on a position: go to where it was written or inserted; in the log: go to that step";
    }
    View {
        Action::NextPane, [code(KeyCode::Tab)], Some("pane"), "give the keys to the next pane";
        Action::PreviousPane, [code(KeyCode::BackTab)], None, "give them to the pane before";
        Action::Pane(1), [key('1')], None, "EOS and length";
        Action::Pane(2), [key('2')], None, "inspector";
        Action::Pane(3), [key('3')], None, "parameters";
        Action::Pane(4), [key('4')], None, "timeline";
        Action::Pane(5), [key('5')], None, "log";
        Action::Pane(6), [key('6')], None, "waterfall (position × step); again: back";
        Action::Pane(7), [key('7')], None, "session: branches, bookmarks, breakpoints, diagnosis, query";
        Action::Zoom, [key('z')], Some("zoom"), "let this pane fill the screen, or give it back";
        Action::Ghost, [key('t')], Some("draft"), "show masks as the draft the model has in mind, or as bars";
        Action::Waterfall, [key('v')], None, "show the waterfall (position × step) in place of the blocks, or the blocks again";
        Action::Align, [key('i')], None, "waterfall: align positions by identity, or by number";
        Action::Exact, [key('d')], None, "hold pending steps against their exact passes (with --cache), or no more";
    }
    Program {
        Action::Command, [key(':')], Some("command"), "type a command, or choose one: every command and key is there";
        Action::Help, [key('?')], Some("help"), "show or close this help";
        Action::Save, [ctrl('s')], None, "save what was done to a file";
        Action::Redraw, [ctrl('l')], None, "draw the screen anew";
        Action::Escape, [code(KeyCode::Esc)], None, "close what is open; stop a run; cancel a forward pass";
        Action::Interrupt, [ctrl('c')], None, "stop a run and cancel a forward pass; twice: quit";
        Action::Suspend, [ctrl('z')], None, "go to the shell; `fg` comes back";
        Action::Quit, [key('q')], Some("quit"), "quit";
    }
};

/// Why keys cannot be so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// One key, two actions.
    #[error(
        "`{}` is the key of both `{}` and `{}`. Give one of them another key, or [] for none",
        .key.syntax(), .one.name(), .other.name()
    )]
    Clash {
        /// The key.
        key: Chord,
        /// The action that comes first in the table.
        one: Action,
        /// The other.
        other: Action,
    },
    /// An action that one cannot do without has no key.
    #[error("`{}` cannot be left without a key. Give it one", .0.name())]
    Needed(Action),
}

/// The keys in use: [`TABLE`], changed by a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// The keys of every row of the table.
    keys: Vec<Vec<Chord>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self { keys: TABLE.iter().map(|binding| binding.keys.to_vec()).collect() }
    }
}

impl Keymap {
    /// The defaults, with other keys (or none) for some actions.
    ///
    /// # Errors
    /// If a key would do two things, or an action that one needs would have none.
    pub fn with(
        changes: impl IntoIterator<Item = (Action, Vec<Chord>)>,
    ) -> Result<Self, KeymapError> {
        let mut keymap = Self::default();
        for (action, mut keys) in changes {
            let mut seen = Vec::new();
            keys.retain(|key| {
                !seen.contains(key) && {
                    seen.push(*key);
                    true
                }
            });
            for (row, binding) in keymap.keys.iter_mut().zip(TABLE) {
                if binding.action == action {
                    row.clone_from(&keys);
                }
            }
        }
        keymap.check()?;
        Ok(keymap)
    }

    fn check(&self) -> Result<(), KeymapError> {
        let mut owners = std::collections::HashMap::new();
        for (binding, keys) in self.rows() {
            if keys.is_empty() && binding.action.is_needed() {
                return Err(KeymapError::Needed(binding.action));
            }
            for &key in keys {
                if let Some(one) = owners.insert(key, binding.action) {
                    return Err(KeymapError::Clash { key, one, other: binding.action });
                }
            }
        }
        Ok(())
    }

    /// The rows of the table with the keys in use.
    pub fn rows(&self) -> impl Iterator<Item = (&'static Binding, &[Chord])> {
        TABLE.iter().zip(self.keys.iter().map(Vec::as_slice))
    }

    /// The keys of an action.
    pub fn keys(&self, action: Action) -> &[Chord] {
        self.rows().find(|(binding, _)| binding.action == action).map_or(&[], |(_, keys)| keys)
    }

    /// The first key of an action as printed; empty if it has none.
    pub fn first(&self, action: Action) -> String {
        self.keys(action).first().map(|key| key.name()).unwrap_or_default()
    }

    /// What a key does.
    pub fn action(&self, event: &KeyEvent) -> Option<Action> {
        let chord = Chord::of(event);
        self.rows().find(|(_, keys)| keys.contains(&chord)).map(|(binding, _)| binding.action)
    }

    /// What a key does in a line editor: Enter and Esc are fixed, and what types a character
    /// does nothing else.
    pub fn typing(&self, event: &KeyEvent) -> Option<Action> {
        match event.code {
            KeyCode::Enter => Some(Action::Enter),
            KeyCode::Esc => Some(Action::Escape),
            _ if Chord::of(event).types() => None,
            _ => self
                .action(event)
                .filter(|action| !matches!(action, Action::Enter | Action::Escape)),
        }
    }

    /// The hints, most needed first: keys and a word. Neighbours whose word is empty share the
    /// one before; what has no key is left out.
    pub fn hints(&self) -> Vec<(String, &'static str)> {
        let mut hints: Vec<(String, &'static str)> = Vec::new();
        for (binding, keys) in self.rows() {
            let Some(word) = binding.hint else { continue };
            if !word.is_empty() {
                hints.push((String::new(), word));
            }
            // Arrows say more than letters.
            let arrows = matches!(binding.action, Action::Left | Action::Right);
            let key = if arrows { keys.last() } else { keys.first() };
            if let (Some(key), Some((names, _))) = (key, hints.last_mut()) {
                if !names.is_empty() {
                    names.push(' ');
                }
                names.push_str(&key.name());
            }
        }
        hints.retain(|(names, _)| !names.is_empty());
        hints
    }

    /// The keys as a Markdown table, for the README.
    pub fn markdown(&self) -> String {
        let mut text = String::from("| key | what it does |\n|---|---|\n");
        for group in Group::ALL {
            let _ = writeln!(text, "| **{}** | |", group.title());
            for (binding, keys) in self.rows().filter(|(binding, _)| binding.group == group) {
                let keys: Vec<String> =
                    keys.iter().map(|key| format!("`{}`", key.name())).collect();
                let _ = writeln!(text, "| {} | {} |", keys.join(" "), binding.help);
            }
        }
        text
    }
}

/// Keys as printed, with a space between.
pub fn names(keys: &[Chord]) -> String {
    keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(" ")
}
