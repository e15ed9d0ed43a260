//! The keys, as data: one table of defaults, which a configuration may change, feeds dispatch, the
//! hints at the bottom, the help box and the README.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent};

use super::input::chord::{Chord, code, ctrl, ctrl_code, key};

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
    /// Section of the help box.
    pub group: Group,
}

macro_rules! bindings {
    ($($group:ident { $($action:expr, [$($key:expr),+], $help:literal;)+ })+) => {
        &[$($(Binding {
            action: $action,
            keys: &[$($key),+],
            help: $help,
            group: Group::$group,
        }),+),+]
    };
}

/// Every action there is, with its default keys.
pub const TABLE: &[Binding] = bindings! {
    Run {
        Action::Step, [key('s')], "make the pending step";
        Action::RunPause, [key(' ')], "run at the chosen speed, or pause";
        Action::Slower, [key('<')], "run slower";
        Action::Faster, [key('>')], "run faster: 1, 2, 5, 10, 30 steps a second, or as fast as it goes";
        Action::RunBlock, [key(')')], "run to the end of the block";
        Action::RunStage, [key('}')], "run to the end of the stage";
        Action::RunToEnd, [key('c')], "run to the next breakpoint or the end";
        Action::Restart, [key('R')], "start a new run under the parameters as they are; after a pass that failed, ask for it again";
        Action::EditPrompt, [key('E')], "edit the prompt and start a new run";
    }
    Travel {
        Action::Back, [key('S'), code(KeyCode::Backspace)], "go one step back";
        Action::Forward, [key('f')], "go one known step forward";
        Action::ReverseContinue, [key('C')], "go back to the last breakpoint, or the start";
        Action::Break, [key('b')], "set a breakpoint: a condition is asked for";
        Action::Watch, [key('B')], "set a breakpoint on the position under the cursor";
        Action::Mark, [key('m')], "set a bookmark here: a name is asked for";
        Action::Previous, [key('\'')], "go back to where you were before the last jump";
        Action::PreviousEvent, [key('[')], "go back to the last expansion, remasking, replacement, fallback, stuck or dropping step, or change of block or stage";
        Action::NextEvent, [key(']')], "go on to the next of these";
        Action::BackBlock, [key('(')], "go back to the start of the block";
        Action::BackStage, [key('{')], "go back to the start of the stage";
        Action::FirstStep, [key('0'), ctrl_code(KeyCode::Home)], "go to the start of the run";
        Action::LastStep, [key('$'), ctrl_code(KeyCode::End)], "go to the last known step";
    }
    Position {
        Action::Left, [key('h'), code(KeyCode::Left)], "move left (in the timeline: one step back)";
        Action::Right, [key('l'), code(KeyCode::Right)], "move right (in the timeline: one step forward)";
        Action::Up, [key('k'), code(KeyCode::Up)], "move up, or to the entry above in a list (in the timeline: to the lane above)";
        Action::Down, [key('j'), code(KeyCode::Down)], "move down, or to the entry below in a list (in the timeline: to the lane below)";
        Action::NextWord, [key('w')], "move to the next word";
        Action::PreviousWord, [key('W')], "move to the word before";
        Action::NextBlock, [code(KeyCode::PageDown), ctrl('d')], "move to the next block, or a page down";
        Action::PreviousBlock, [code(KeyCode::PageUp), ctrl('u')], "move to the block before, or a page up";
        Action::First, [key('g'), code(KeyCode::Home)], "move to the first position or entry";
        Action::Last, [key('G'), code(KeyCode::End)], "move to the last position or entry";
        Action::NextTouched, [key('.')], "move to the next position the pending step changes";
        Action::PreviousTouched, [key(',')], "move to the one before";
        Action::Follow, [key('o')], "let the cursor follow what happens, or stay";
        Action::Search, [key('/')], "search the canvas (or the log) for a text, or id:N for a token";
        Action::NextMatch, [key('n')], "go to the next match";
        Action::PreviousMatch, [key('N')], "go to the match before";
    }
    Edit {
        Action::Pick, [key('e')], "write a token here: choose a candidate or type one";
        Action::Remask, [key('r')], "take the token here back";
        Action::Pin, [key('#')], "pin it: not written, expanded or dropped; again: let it go";
        Action::Veto, [key('!')], "never write the model's guess here (needs a new forward pass)";
        Action::Expansion, [key('X')], "expand it in the next step; again: never; again: by the rules";
        Action::Insert, [key('I')], "put a mask before it";
        Action::Remove, [key('D')], "remove it; in the session's lists: take the entry away";
        Action::Trim, [key('T')], "cut the canvas before it";
        Action::Undo, [key('u')], "take back the last edit, turned parameter or deleted branch";
        Action::Redo, [key('U'), ctrl('r')], "do again what was taken back";
    }
    Parameters {
        Action::More, [key('+'), key('=')], "turn the chosen parameter up";
        Action::Less, [key('-')], "turn it down";
        Action::NextParam, [key('p')], "choose the next parameter";
        Action::PreviousParam, [key('P')], "choose the one before";
        Action::ResetParam, [key('x')], "give it back the value the run was started with";
        Action::Try, [key('a')], "try them: run again from the start in spare time, beside the run on screen";
        Action::Enter, [code(KeyCode::Enter)], "type its value; on a position: go to where it was written or inserted; in the log: go to that step";
    }
    View {
        Action::NextPane, [code(KeyCode::Tab)], "give the keys to the next pane";
        Action::PreviousPane, [code(KeyCode::BackTab)], "give them to the pane before";
        Action::Pane(1), [key('1')], "EOS and length";
        Action::Pane(2), [key('2')], "inspector";
        Action::Pane(3), [key('3')], "parameters";
        Action::Pane(4), [key('4')], "timeline";
        Action::Pane(5), [key('5')], "log";
        Action::Pane(6), [key('6')], "waterfall (position × step); again: back";
        Action::Pane(7), [key('7')], "session: branches, bookmarks, breakpoints, diagnosis, query";
        Action::Zoom, [key('z')], "let this pane fill the screen, or give it back";
        Action::Ghost, [key('t')], "show masks as the draft the model has in mind, or as bars";
        Action::Waterfall, [key('v')], "show the waterfall (position × step) in place of the blocks, or the blocks again";
        Action::Align, [key('i')], "waterfall: align positions by identity, or by number";
        Action::Exact, [key('d')], "hold pending steps against their exact passes (with --cache), or no more";
    }
    Program {
        Action::Command, [key(':'), ctrl('p')], "type a command, or choose one: every command and key is there";
        Action::Help, [key('?'), code(KeyCode::F(1))], "show or close this help";
        Action::Save, [ctrl('s')], "save what was done to a file";
        Action::Redraw, [ctrl('l')], "draw the screen anew";
        Action::Escape, [code(KeyCode::Esc)], "close what is open; stop a run; cancel a forward pass";
        Action::Interrupt, [ctrl('c')], "stop a run and cancel a forward pass; twice: quit";
        Action::Suspend, [ctrl('z')], "go to the shell; `fg` comes back";
        Action::Quit, [key('q')], "quit";
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
