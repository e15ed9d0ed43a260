//! What takes the keys: the panes, or what lies over them with what was typed into it.

use tui_input::Input;

use super::{super::paint::theme::Role, interface::InnerScreen};
use crate::canvas::{Slot, TokenId};

/// What lies on top of the panes.
#[derive(Default)]
pub struct OnTop {
    /// What takes the keys.
    pub mode: InputMode,
    /// What the status line says.
    pub message: Option<(Role, String)>,
    /// The box of tries is open.
    pub tries_shown: bool,
    /// The line chosen in it.
    pub try_line: usize,
    /// Two branches side by side, over everything else.
    pub comparison: Option<Box<dyn InnerScreen>>,
}

/// What takes the keys.
#[derive(Debug, Clone, Default)]
pub enum InputMode {
    /// The pane that has the focus.
    #[default]
    Normal,
    /// The help box.
    Help(HelpView),
    /// A parameter's value is typed.
    Value(Input),
    /// The prompt is typed.
    Prompt(Input),
    /// A note on the position under the cursor is typed.
    Note(Input),
    /// A command is typed.
    Command(CommandLine),
    /// Something to search for is typed.
    Search(Input),
    /// A token for the position under the cursor is chosen.
    Pick(Picker),
    /// What to copy is asked.
    Copy,
    /// To quit would lose what was not recorded.
    Leaving,
}

/// The help box as it is read.
#[derive(Debug, Clone, Default)]
pub struct HelpView {
    /// Rows above those shown.
    pub scroll: usize,
    /// Words that every line shown has.
    pub search: Input,
    /// They are being typed.
    pub typing: bool,
}

/// A token being chosen.
#[derive(Debug, Clone)]
pub struct Picker {
    /// What is typed: a token's text, or its id behind `id:`.
    pub input: Input,
    /// The chosen candidate's place in the list.
    pub line: usize,
    /// The position it is for.
    pub slot: Slot,
    /// What the model holds likely there.
    pub candidates: Vec<(TokenId, f32)>,
}

/// A command being typed.
#[derive(Debug, Clone)]
pub struct CommandLine {
    /// What is typed, with the cursor in it.
    pub input: Input,
    /// The chosen candidate, if one was chosen.
    pub chosen: Option<usize>,
    /// What is wrong with it: a place in bytes and words.
    pub wrong: Option<(std::ops::Range<usize>, String)>,
    /// How far back in what was typed before.
    pub past: usize,
}

impl CommandLine {
    /// A line that begins with `text`.
    pub fn new(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()), chosen: None, wrong: None, past: 0 }
    }
}
