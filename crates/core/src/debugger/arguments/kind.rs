//! The kinds of arguments.

use super::Argument;

/// How many tokens `influence` remasks where no number is given: a pass each.
pub const TOKENS_REMASKED: usize = 32;

/// What an argument may be: it decides how the argument is read, completed and shown in help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// A number of steps, one if it is left out.
    Steps,
    /// A number of masks, one if it is left out.
    Masks,
    /// A number of forward passes, [`TOKENS_REMASKED`] if it is left out.
    Passes,
    /// A condition that a node is tested with.
    Condition,
    /// One of [`EVENTS`](super::super::EVENTS) or a condition.
    Event,
    /// A place that `goto` can lead to ([`Destination`](super::Destination)).
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
    /// What a note says, which may have blanks.
    Note,
    /// The name of a bookmark that is set.
    Bookmark,
    /// A position, by number or slot.
    Position,
    /// A token, by number or text.
    Token,
    /// A query, and the file that its rows go to.
    Query,
    /// A file; the program chooses one if it is left out.
    File,
    /// The name of one of the strategy's presets.
    Preset,
    /// The name of a macro from the configuration.
    Macro,
}

impl ArgumentKind {
    /// How help writes it.
    pub const fn usage(self) -> &'static str {
        match self {
            Self::Steps | Self::Masks | Self::Passes | Self::TryOrLast => "[N]",
            Self::Condition => "CONDITION",
            Self::Event => "EVENT|CONDITION",
            Self::Destination => "start|end|STEP|@NODE|BOOKMARK",
            Self::Parameter => "PARAMETER",
            Self::ParameterOrAll => "[PARAMETER]",
            Self::Value => "VALUE",
            Self::Assignments => "[PARAMETER=VALUE …]",
            Self::Prompt | Self::Expression | Self::Note => "TEXT",
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
    pub(super) fn max_words(self) -> usize {
        match self {
            Self::Name | Self::Note | Self::Assignments => usize::MAX,
            _ => 1,
        }
    }

    /// The argument that stands for one left out, if there is one.
    pub(super) fn default(self) -> Option<Argument> {
        match self {
            Self::Steps => Some(Argument::Steps(1)),
            Self::Masks => Some(Argument::Masks(1)),
            Self::Passes => Some(Argument::Passes(TOKENS_REMASKED)),
            _ => None,
        }
    }

    /// True if the command needs it: what may be left out is written in brackets.
    pub(in crate::debugger) const fn is_required(self) -> bool {
        !matches!(self.usage().as_bytes(), [b'[', ..])
    }

    /// True if the argument is of this kind.
    pub(super) fn holds(self, argument: &Argument) -> bool {
        match argument {
            Argument::Steps(_) => self == Self::Steps,
            Argument::Masks(_) => self == Self::Masks,
            Argument::Passes(_) => self == Self::Passes,
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
                    | Self::Note
                    | Self::Bookmark
                    | Self::Preset
                    | Self::Macro
            ),
        }
    }
}

/// The kinds as help writes them.
pub(in crate::debugger) fn usage(kinds: &[ArgumentKind]) -> String {
    kinds.iter().map(|kind| kind.usage()).collect::<Vec<_>>().join(" ")
}

/// What is wrong with other arguments.
pub(super) fn takes(command: &str, kinds: &[ArgumentKind]) -> String {
    match kinds {
        [] => format!("{command} takes nothing"),
        kinds => format!("{command} takes {}", usage(kinds)),
    }
}
