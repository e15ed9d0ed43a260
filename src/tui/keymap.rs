//! The keys, as data: one table feeds dispatch, the hints at the bottom, the help box and the
//! README.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

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
    BackBlock,
    BackStage,
    Restart,
    EditPrompt,
    PreviousEvent,
    NextEvent,
    FirstStep,
    LastStep,
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
    NextParam,
    PreviousParam,
    More,
    Less,
    ResetParam,
    Enter,
    NextPane,
    PreviousPane,
    Pane(u8),
    Zoom,
    Ghost,
    Waterfall,
    Align,
    Help,
    Redraw,
    Save,
    Escape,
    Interrupt,
    Suspend,
    Quit,
}

/// A key with its modifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    ctrl: bool,
}

const fn key(c: char) -> Chord {
    Chord { code: KeyCode::Char(c), ctrl: false }
}

const fn ctrl(c: char) -> Chord {
    Chord { code: KeyCode::Char(c), ctrl: true }
}

const fn code(code: KeyCode) -> Chord {
    Chord { code, ctrl: false }
}

const fn ctrl_code(code: KeyCode) -> Chord {
    Chord { code, ctrl: true }
}

impl Chord {
    /// The chord of a key event; a shifted letter is the capital it types.
    pub fn of(event: &KeyEvent) -> Self {
        Self { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) }
    }

    /// As it is printed in help and hints.
    pub fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.ctrl => c.to_ascii_uppercase().to_string(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            other => format!("{other:?}"),
        };
        if self.ctrl { format!("Ctrl-{name}") } else { name }
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
    /// Parameters.
    Parameters,
    /// What is on screen.
    View,
    /// The program.
    Program,
}

impl Group {
    /// Every group, in the order of the help box.
    pub const ALL: [Self; 6] =
        [Self::Run, Self::Travel, Self::Position, Self::Parameters, Self::View, Self::Program];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Travel => "Go back and forth",
            Self::Position => "Position",
            Self::Parameters => "Parameters",
            Self::View => "View",
            Self::Program => "Program",
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What is done.
    pub action: Action,
    /// The keys that do it.
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

/// Every key there is.
pub const TABLE: &[Binding] = bindings! {
    Run {
        Action::Step, [key('s')], Some("step"), "make the pending step";
        Action::RunPause, [key(' ')], Some("run/pause"), "run at the chosen speed, or pause";
        Action::Slower, [key('<')], None, "run slower";
        Action::Faster, [key('>')], None, "run faster: 1, 2, 5, 10, 30 steps a second, or as fast as it goes";
        Action::RunBlock, [key(')')], None, "run to the end of the block";
        Action::RunStage, [key('}')], None, "run to the end of the stage";
        Action::RunToEnd, [key('c')], Some("run to end"), "run to the end";
        Action::Restart, [key('R')], None, "start a new run under the parameters as they are";
        Action::EditPrompt, [key('e')], None, "edit the prompt and start a new run";
    }
    Travel {
        Action::Back, [key('S'), code(KeyCode::Backspace)], Some("back"), "go one step back";
        Action::Forward, [key('f')], None, "go one known step forward";
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
    }
    Parameters {
        Action::More, [key('+'), key('=')], Some("value"), "turn the chosen parameter up";
        Action::Less, [key('-')], Some(""), "turn it down";
        Action::NextParam, [key('p')], None, "choose the next parameter";
        Action::PreviousParam, [key('P')], None, "choose the one before";
        Action::ResetParam, [key('x')], None, "give it back the value the run was started with";
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
        Action::Zoom, [key('z')], Some("zoom"), "let this pane fill the screen, or give it back";
        Action::Ghost, [key('t')], Some("draft"), "show masks as the draft the model has in mind, or as bars";
        Action::Waterfall, [key('v')], None, "show the waterfall (position × step) in place of the blocks, or the blocks again";
        Action::Align, [key('i')], None, "waterfall: align positions by identity, or by number";
    }
    Program {
        Action::Help, [key('?')], Some("help"), "show or close this help";
        Action::Save, [ctrl('s')], None, "save what was done to a file";
        Action::Redraw, [ctrl('l')], None, "draw the screen anew";
        Action::Escape, [code(KeyCode::Esc)], None, "close what is open; stop a run; cancel a forward pass";
        Action::Interrupt, [ctrl('c')], None, "stop a run and cancel a forward pass; twice: quit";
        Action::Suspend, [ctrl('z')], None, "go to the shell; `fg` comes back";
        Action::Quit, [key('q')], Some("quit"), "quit";
    }
};

/// What a key does.
pub fn action(event: &KeyEvent) -> Option<Action> {
    let chord = Chord::of(event);
    TABLE.iter().find(|binding| binding.keys.contains(&chord)).map(|binding| binding.action)
}

impl Binding {
    /// Its keys, as printed.
    pub fn key_names(&self) -> String {
        let names: Vec<String> = self.keys.iter().map(|key| key.name()).collect();
        names.join(" ")
    }
}

/// The hints, most needed first: keys and a word. Neighbours whose word is empty share the one
/// before.
pub fn hints() -> Vec<(String, &'static str)> {
    let mut hints: Vec<(String, &'static str)> = Vec::new();
    for binding in TABLE {
        let name = |last: bool| {
            let key = if last { binding.keys.last() } else { binding.keys.first() };
            key.map(|key| key.name()).unwrap_or_default()
        };
        // Arrows say more than letters.
        let arrows = matches!(binding.action, Action::Left | Action::Right);
        match binding.hint {
            None => {}
            Some("") => {
                if let Some(last) = hints.last_mut() {
                    let _ = write!(last.0, " {}", name(arrows));
                }
            }
            Some(word) => hints.push((name(arrows), word)),
        }
    }
    hints
}

/// The table as Markdown, for the README.
pub fn markdown() -> String {
    let mut text = String::from("| key | what it does |\n|---|---|\n");
    for group in Group::ALL {
        let _ = writeln!(text, "| **{}** | |", group.title());
        for binding in TABLE.iter().filter(|binding| binding.group == group) {
            let keys: Vec<String> =
                binding.keys.iter().map(|key| format!("`{}`", key.name())).collect();
            let _ = writeln!(text, "| {} | {} |", keys.join(" "), binding.help);
        }
    }
    text
}
