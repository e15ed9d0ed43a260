//! Commands: what can be asked of the debugger, typed. Keys, the command line, `--exec` and
//! macros all come down to these, and each has a text that reads back to it.

use std::{fmt, path::PathBuf};

use crate::{
    canvas::{Slot, TokenId},
    inspect::{Condition, Query},
    session::NodeId,
};

/// A place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
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

/// A generated position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// By its number now.
    Position(usize),
    /// By its identity.
    Slot(Slot),
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// By its number.
    Id(TokenId),
    /// By its whole text.
    Text(String),
}

/// The direction of a search over known steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Towards the start.
    Back,
    /// Towards the end.
    On,
}

/// A person's wish for a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Write a token, whether it is masked or not.
    Fill(Token),
    /// Take its token back.
    Remask,
    /// Put so many masks before it.
    Insert(usize),
    /// Remove it.
    Remove,
    /// Keep it as it is, or no more.
    Pin(bool),
    /// Forbid a token there, or allow it again.
    Veto(Token, bool),
    /// Expand it in the next step, never, or by the rules again.
    Expand(Option<bool>),
    /// Cut the canvas before it.
    Trim,
}

/// Something the debugger can do.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the table of commands says what each does")]
pub enum Command {
    Step(usize),
    Back(usize),
    Forward(usize),
    Continue,
    ReverseContinue,
    Until(Condition),
    RunBlock,
    RunStage,
    BackBlock,
    BackStage,
    Goto(Place),
    Find(Way, Condition),
    Previous,
    Set(String, String),
    Reset(Option<String>),
    Restart,
    Stop,
    Prompt(String),
    Resimulate,
    Try(Vec<(String, String)>),
    Take(Option<u32>),
    Exact,
    Break(Condition),
    Breaks,
    Enable(Option<u32>, bool),
    Unbreak(Option<u32>),
    Branches,
    Switch(String),
    NameBranch(String),
    DeleteBranch(Option<String>),
    Compare(String, String),
    Mark(String),
    Unmark(String),
    Edit(Spot, Change),
    Undo,
    Redo,
    Text,
    Passes,
    Print(String),
    Why(Spot),
    Query(Query, Option<PathBuf>),
    Lint,
    Save(Option<PathBuf>),
    PresetSave(String),
    PresetLoad(String),
    Presets,
    Macro(String),
    Help,
    Quit,
    QuitNow,
    SaveQuit(Option<PathBuf>),
}

/// The argument of a command, for help and completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A number, which may be left out.
    Count,
    /// A condition.
    Condition,
    /// A place.
    Place,
    /// A kind of event or a condition.
    Event,
    /// A parameter and a value.
    ParamValue,
    /// A parameter, which may be left out.
    Param,
    /// Parameters with values; none is the parameters as they are.
    Assignments,
    /// A try's number, which may be left out.
    Try,
    /// Words.
    Words,
    /// A breakpoint's number, or `all`.
    Breakpoint,
    /// A branch, by number or name.
    Branch,
    /// Two of them.
    TwoBranches,
    /// A name.
    Name,
    /// A bookmark.
    Bookmark,
    /// A position.
    Spot,
    /// A position and a token.
    SpotToken,
    /// A position and a number.
    SpotCount,
    /// A query, and `to FILE`.
    Query,
    /// A file, which may be left out.
    File,
    /// A preset.
    Preset,
    /// A macro.
    Macro,
}

impl Takes {
    /// As it is written in help.
    pub fn text(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Count => "[N]",
            Self::Condition => "CONDITION",
            Self::Place => "start|end|STEP|@NODE|BOOKMARK",
            Self::Event => "EVENT|CONDITION",
            Self::ParamValue => "PARAMETER VALUE",
            Self::Param => "[PARAMETER]",
            Self::Assignments => "[PARAMETER=VALUE …]",
            Self::Try => "[N]",
            Self::Words => "TEXT",
            Self::Breakpoint => "N|all",
            Self::Branch => "BRANCH",
            Self::TwoBranches => "BRANCH BRANCH",
            Self::Name => "NAME",
            Self::Bookmark => "BOOKMARK",
            Self::Spot => "POSITION",
            Self::SpotToken => "POSITION TOKEN",
            Self::SpotCount => "POSITION [N]",
            Self::Query => "QUERY [to FILE]",
            Self::File => "[FILE]",
            Self::Preset => "PRESET",
            Self::Macro => "MACRO",
        }
    }
}

/// A row of the table of commands.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// Shorter or other names.
    pub aliases: &'static [&'static str],
    /// The argument.
    pub takes: Takes,
    /// One line of help.
    pub help: &'static str,
}

const fn spec(
    name: &'static str,
    aliases: &'static [&'static str],
    takes: Takes,
    help: &'static str,
) -> Spec {
    Spec { name, aliases, takes, help }
}

/// Every command there is, in the order of the documents.
pub const COMMANDS: &[Spec] = &[
    spec("step", &["s"], Takes::Count, "make N steps; stop at a breakpoint"),
    spec("back", &["S"], Takes::Count, "go N steps back"),
    spec("forward", &["f"], Takes::Count, "go N known steps forward"),
    spec("continue", &["c"], Takes::Nothing, "run to the next breakpoint or the end"),
    spec(
        "reverse-continue",
        &["rc"],
        Takes::Nothing,
        "go back to the last breakpoint or the start",
    ),
    spec("until", &["u"], Takes::Condition, "run until the condition holds"),
    spec("run-block", &[], Takes::Nothing, "run to the end of the block"),
    spec("run-stage", &[], Takes::Nothing, "run to the end of the stage"),
    spec("back-block", &[], Takes::Nothing, "go back to the start of the block"),
    spec("back-stage", &[], Takes::Nothing, "go back to the start of the stage"),
    spec("goto", &["g"], Takes::Place, "go to a place; another step of the branch costs no pass"),
    spec("next", &["n"], Takes::Event, "go on over known steps to where this happens"),
    spec("last", &["N"], Takes::Event, "go back over known steps to where this happened"),
    spec("previous", &[], Takes::Nothing, "go back to where you were before the last jump"),
    spec(
        "set",
        &[],
        Takes::ParamValue,
        "give a parameter a value; the pending step is decided again",
    ),
    spec("reset", &[], Takes::Param, "give it (or all) back the value the run was started with"),
    spec("restart", &[], Takes::Nothing, "start a new run under the parameters as they are"),
    spec(
        "stop",
        &[],
        Takes::Nothing,
        "end the sampling loop that is driven; quitting leaves it running",
    ),
    spec("prompt", &[], Takes::Words, "start a new run with another prompt"),
    spec(
        "resimulate",
        &[],
        Takes::Nothing,
        "run again from the start under the parameters as they are, on known predictions only",
    ),
    spec(
        "try",
        &[],
        Takes::Assignments,
        "run again from the start under the parameters as turned, or these, in spare time",
    ),
    spec("take", &[], Takes::Try, "make a try that is over, the last or N, a run of the session"),
    spec(
        "exact",
        &[],
        Takes::Nothing,
        "hold pending steps against their exact passes, run in spare time (with --cache); again: no more",
    ),
    spec("break", &["b", "watch"], Takes::Condition, "stop whenever the condition comes to hold"),
    spec("breaks", &[], Takes::Nothing, "list breakpoints with their hits"),
    spec("enable", &[], Takes::Breakpoint, "let a breakpoint stop again"),
    spec("disable", &[], Takes::Breakpoint, "keep a breakpoint, but do not stop at it"),
    spec("unbreak", &["delete"], Takes::Breakpoint, "take a breakpoint away"),
    spec("branches", &[], Takes::Nothing, "list the branches"),
    spec(
        "switch",
        &["branch"],
        Takes::Branch,
        "go to another branch, as near in steps as it can be",
    ),
    spec("name-branch", &[], Takes::Name, "name the branch on screen"),
    spec("delete-branch", &[], Takes::Branch, "delete a branch; undo brings it back"),
    spec(
        "compare",
        &["diff"],
        Takes::TwoBranches,
        "say where two branches part and how they differ; on the screen, show them side by side",
    ),
    spec("mark", &["bookmark"], Takes::Name, "set a bookmark here"),
    spec("unmark", &[], Takes::Bookmark, "take a bookmark away"),
    spec(
        "fill",
        &[],
        Takes::SpotToken,
        "write a token at a position: \" text\" in quotes, or its id",
    ),
    spec("remask", &[], Takes::Spot, "take the token at a position back"),
    spec("insert", &[], Takes::SpotCount, "put N masks before a position"),
    spec("remove", &[], Takes::Spot, "remove a position"),
    spec("trim", &[], Takes::Spot, "cut the canvas before a position"),
    spec("expand", &[], Takes::Spot, "expand a position in the next step, whatever the rules say"),
    spec("forbid", &[], Takes::Spot, "never expand a position"),
    spec("allow", &[], Takes::Spot, "leave the expansion of a position to the rules again"),
    spec("pin", &[], Takes::Spot, "keep a position as it is: not written, expanded or dropped"),
    spec("unpin", &[], Takes::Spot, "let it go again"),
    spec(
        "veto",
        &[],
        Takes::SpotToken,
        "never write this token at this position (needs a new pass)",
    ),
    spec("unveto", &[], Takes::SpotToken, "allow it again"),
    spec(
        "undo",
        &[],
        Takes::Nothing,
        "take back the last edit, turned parameter or deleted branch",
    ),
    spec("redo", &[], Takes::Nothing, "do again what was taken back"),
    spec("text", &[], Takes::Nothing, "print the answer as it stands"),
    spec("passes", &[], Takes::Nothing, "print how many forward passes were run"),
    spec("print", &["p"], Takes::Words, "print a value: a name or a condition, e.g. `eos_conf`"),
    spec("why", &[], Takes::Spot, "say why a position is filled, expanded, left or refused"),
    spec("query", &[], Takes::Query, "list what fits over the whole branch"),
    spec("lint", &["diagnose"], Takes::Nothing, "look for what often goes wrong in a run"),
    spec("save", &["w"], Takes::File, "save what was done to a file"),
    spec("save-preset", &["keep"], Takes::Name, "keep the parameters as they are under a name"),
    spec("preset", &[], Takes::Preset, "take the parameters of a preset"),
    spec("presets", &[], Takes::Nothing, "list the presets"),
    spec("macro", &["m"], Takes::Macro, "do the commands kept under this name"),
    spec("help", &["h"], Takes::Nothing, "list the commands; on the screen, the keys"),
    spec("quit", &["q", "exit"], Takes::Nothing, "end; asks first if steps would be lost"),
    spec("quit!", &["q!"], Takes::Nothing, "end, whatever would be lost"),
    spec("save-quit", &["wq", "x"], Takes::File, "save what was done to a file, and end"),
];

/// Kinds of events that `next` and `last` know by name, as conditions.
pub const EVENTS: &[(&str, &str, &str)] = &[
    (
        "event",
        "expanded or remasked or replaced or dropped or fallback or stuck or edited or stage changes or block changes",
        "any of those that change the course of a run",
    ),
    ("expansion", "expanded", "a position became several"),
    ("remask", "remasked", "written positions were masked again"),
    ("replace", "replaced", "written tokens gave way to others"),
    ("fallback", "fallback", "none was over the high threshold"),
    ("stuck", "stuck", "every position predicted the mask"),
    ("flip", "flipped", "a guess changed"),
    ("low-confidence", "fill_conf < 0.5", "a token was filled below 0.5"),
    ("drop", "dropped", "positions fell off at the maximum length"),
    ("block", "block changes", "another block came into work"),
    ("stage", "stage changes", "another stage began"),
    ("edit", "edited", "a person's edit"),
];

impl Spec {
    /// The command as one writes it: its name and its arguments.
    pub fn usage(&self) -> String {
        format!("{} {}", self.name, self.takes.text()).trim_end().to_owned()
    }
}

/// The commands as lines for a terminal.
pub(super) fn command_lines() -> Vec<String> {
    let widest = COMMANDS.iter().map(|spec| spec.usage().chars().count()).max().unwrap_or(0);
    COMMANDS.iter().map(|spec| format!("{:<widest$}  {}", spec.usage(), spec.help)).collect()
}

/// The commands as a table in Markdown.
pub fn command_table() -> String {
    let mut table = String::from("| command | short | what it does |\n|---|---|---|\n");
    for spec in COMMANDS {
        let usage = spec.usage().replace('|', "\\|");
        let aliases: Vec<String> = spec.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let aliases = aliases.join(" ");
        table.push_str(&format!("| `{usage}` | {aliases} | {} |\n", spec.help));
    }
    table
}

/// The events as a table in Markdown.
pub fn event_table() -> String {
    let rows = EVENTS
        .iter()
        .map(|(name, condition, help)| format!("| `{name}` | {help} | `{condition}` |\n"));
    format!("| event | what | condition |\n|---|---|---|\n{}", rows.collect::<String>())
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::End => f.write_str("end"),
            Self::Step(step) => step.fmt(f),
            Self::Node(node) => write!(f, "@{}", node.0),
            // In quotes even where it needs none: `start`, `end` and numbers are other places.
            Self::Bookmark(name) => f.write_str(&in_quotes(name)),
        }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Position(position) => position.fmt(f),
            Self::Slot(slot) => write!(f, "#{}", slot.0),
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            // In quotes even where it needs none: a number is an id.
            Self::Text(text) => f.write_str(&in_quotes(text)),
        }
    }
}

/// A word, in quotes where it must.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { in_quotes(word) }
}

fn in_quotes(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let count = |f: &mut fmt::Formatter, name: &str, n: usize| match n {
            1 => f.write_str(name),
            n => write!(f, "{name} {n}"),
        };
        let number = |f: &mut fmt::Formatter, name: &str, id: Option<u32>| match id {
            Some(id) => write!(f, "{name} {id}"),
            None => write!(f, "{name} all"),
        };
        match self {
            Self::Step(n) => count(f, "step", *n),
            Self::Back(n) => count(f, "back", *n),
            Self::Forward(n) => count(f, "forward", *n),
            Self::Continue => f.write_str("continue"),
            Self::ReverseContinue => f.write_str("reverse-continue"),
            Self::Until(condition) => write!(f, "until {condition}"),
            Self::RunBlock => f.write_str("run-block"),
            Self::RunStage => f.write_str("run-stage"),
            Self::BackBlock => f.write_str("back-block"),
            Self::BackStage => f.write_str("back-stage"),
            Self::Goto(place) => write!(f, "goto {place}"),
            Self::Find(Way::On, condition) => write!(f, "next {condition}"),
            Self::Find(Way::Back, condition) => write!(f, "last {condition}"),
            Self::Previous => f.write_str("previous"),
            Self::Set(name, value) => write!(f, "set {} {}", quoted(name), quoted(value)),
            Self::Reset(None) => f.write_str("reset"),
            Self::Reset(Some(name)) => write!(f, "reset {}", quoted(name)),
            Self::Restart => f.write_str("restart"),
            Self::Stop => f.write_str("stop"),
            Self::Prompt(text) => write!(f, "prompt {}", in_quotes(text)),
            Self::Resimulate => f.write_str("resimulate"),
            Self::Try(values) => {
                f.write_str("try")?;
                values.iter().try_for_each(|(name, value)| {
                    let whole = format!("{name}={value}");
                    match quoted(name) == *name && quoted(value) == *value {
                        true => write!(f, " {whole}"),
                        false => write!(f, " {}", in_quotes(&whole)),
                    }
                })
            }
            Self::Take(None) => f.write_str("take"),
            Self::Take(Some(id)) => write!(f, "take {id}"),
            Self::Break(condition) => write!(f, "break {condition}"),
            Self::Breaks => f.write_str("breaks"),
            Self::Enable(id, true) => number(f, "enable", *id),
            Self::Enable(id, false) => number(f, "disable", *id),
            Self::Unbreak(id) => number(f, "unbreak", *id),
            Self::Branches => f.write_str("branches"),
            Self::Switch(branch) => write!(f, "switch {}", quoted(branch)),
            Self::NameBranch(name) => write!(f, "name-branch {}", quoted(name)),
            Self::DeleteBranch(None) => f.write_str("delete-branch"),
            Self::DeleteBranch(Some(branch)) => write!(f, "delete-branch {}", quoted(branch)),
            Self::Compare(a, b) => write!(f, "compare {} {}", quoted(a), quoted(b)),
            Self::Mark(name) => write!(f, "mark {}", quoted(name)),
            Self::Unmark(name) => write!(f, "unmark {}", quoted(name)),
            Self::Edit(spot, change) => match change {
                Change::Fill(token) => write!(f, "fill {spot} {token}"),
                Change::Remask => write!(f, "remask {spot}"),
                Change::Insert(n) => write!(f, "insert {spot} {n}"),
                Change::Remove => write!(f, "remove {spot}"),
                Change::Pin(true) => write!(f, "pin {spot}"),
                Change::Pin(false) => write!(f, "unpin {spot}"),
                Change::Veto(token, true) => write!(f, "veto {spot} {token}"),
                Change::Veto(token, false) => write!(f, "unveto {spot} {token}"),
                Change::Expand(Some(true)) => write!(f, "expand {spot}"),
                Change::Expand(Some(false)) => write!(f, "forbid {spot}"),
                Change::Expand(None) => write!(f, "allow {spot}"),
                Change::Trim => write!(f, "trim {spot}"),
            },
            Self::Undo => f.write_str("undo"),
            Self::Redo => f.write_str("redo"),
            Self::Exact => f.write_str("exact"),
            Self::Text => f.write_str("text"),
            Self::Passes => f.write_str("passes"),
            Self::Print(what) => write!(f, "print {what}"),
            Self::Why(spot) => write!(f, "why {spot}"),
            Self::Query(query, None) => write!(f, "query {query}"),
            Self::Query(query, Some(file)) => {
                write!(f, "query {query} to {}", quoted(&file.to_string_lossy()))
            }
            Self::Lint => f.write_str("lint"),
            Self::Save(None) => f.write_str("save"),
            Self::Save(Some(file)) => write!(f, "save {}", quoted(&file.to_string_lossy())),
            Self::PresetSave(name) => write!(f, "save-preset {}", quoted(name)),
            Self::PresetLoad(name) => write!(f, "preset {}", quoted(name)),
            Self::Presets => f.write_str("presets"),
            Self::Macro(name) => write!(f, "macro {}", quoted(name)),
            Self::Help => f.write_str("help"),
            Self::Quit => f.write_str("quit"),
            Self::QuitNow => f.write_str("quit!"),
            Self::SaveQuit(None) => f.write_str("save-quit"),
            Self::SaveQuit(Some(file)) => {
                write!(f, "save-quit {}", quoted(&file.to_string_lossy()))
            }
        }
    }
}
