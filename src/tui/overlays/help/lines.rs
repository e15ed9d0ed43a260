//! What the help box says, part by part: how things are done, every key, what the colours mean, every command,
//! and the glossary.

use super::{
    super::super::{
        app::{Keymap, keymap::names},
        paint::{
            text,
            theme::{self, Role, Sign, Theme},
        },
    },
    glossary, tasks,
};
use crate::debugger::COMMANDS;

/// Cells of the column at the left.
const LEFT: usize = 16;

/// A line of the box before it is broken.
enum HelpLine {
    /// A key, a sample, a command or a term, and what it is.
    Row { left: String, role: Role, right: String },
    /// A task, and how to do it.
    Task { wanted: &'static str, how: String },
}

impl HelpLine {
    fn row(left: String, role: Role, right: impl Into<String>) -> Self {
        Self::Row { left, role, right: right.into() }
    }

    /// True if every one of the words, which are in lower case, is in it.
    fn has(&self, words: &[String]) -> bool {
        let (left, right) = match self {
            Self::Row { left, right, .. } => (left.as_str(), right),
            Self::Task { wanted, how } => (*wanted, how),
        };
        let (left, right) = (left.to_lowercase(), right.to_lowercase());
        words.iter().all(|word| left.contains(word) || right.contains(word))
    }
}

/// A row of the box as it is drawn.
pub(super) struct HelpRow {
    pub left: String,
    pub role: Role,
    /// Where `right` begins.
    pub indent: usize,
    /// Its parts, each with whether it is a key or a command.
    pub right: Vec<(String, bool)>,
    /// It begins a part.
    pub heading: bool,
}

impl HelpRow {
    fn of(left: impl Into<String>, role: Role, indent: usize) -> Self {
        Self { left: left.into(), role, indent, right: Vec::new(), heading: false }
    }
}

/// The parts with their headings.
fn parts(theme: Theme, keymap: &Keymap) -> Vec<(&'static str, Vec<HelpLine>)> {
    let task = |(wanted, how): &(&'static str, &str)| HelpLine::Task {
        wanted,
        how: tasks::with_keys(how, keymap),
    };
    let mut parts = vec![("How do I …", tasks::TASKS.iter().map(task).collect())];
    for (title, rows) in keymap.sections() {
        let rows = rows.filter(|(_, keys)| !keys.is_empty());
        let key = |(row, keys): (&super::super::super::Binding, _)| {
            HelpLine::row(names(keys), Role::Key, row.help)
        };
        parts.push((title, rows.map(key).collect()));
    }
    parts.push(("Colours and signs", legend(theme)));
    let command = |spec: &crate::debugger::CommandSpec| {
        HelpLine::row(format!(":{}", spec.usage()), Role::Key, spec.help)
    };
    parts.push(("Commands", COMMANDS.iter().map(command).collect()));
    let term = |(term, meaning)| HelpLine::row(term, Role::Key, meaning);
    parts.push(("Glossary", glossary::terms().map(term).collect()));
    parts
}

/// What the colours and signs of the panes mean.
fn legend(theme: Theme) -> Vec<HelpLine> {
    let sign = |sign: Sign| format!(" {} ", theme.sign(sign));
    let block = format!("{} {}", theme.sign(theme::THICK), theme.sign(theme::THICK_END));
    let legend = [
        (" the ".to_owned(), Role::Fill, "about to be unmasked"),
        (" ◆ +7 ".to_owned(), Role::Expand, "about to be expanded, by 7 more masks"),
        (
            format!(" the{} ", theme.sign(theme::REMASKS)),
            Role::Remask,
            "unmasked, about to be remasked",
        ),
        (
            format!(" the{}a ", theme.sign(theme::REPLACES)),
            Role::Replace,
            "unmasked, about to be replaced",
        ),
        (
            " the ".to_owned(),
            Role::Written(Some(0.98)),
            "unmasked; darker where the model was less confident",
        ),
        (" the ".to_owned(), Role::Ghost(Some(0.4)), "a mask's draft: what the model has in mind"),
        (" ▁▃▅█ ".to_owned(), Role::Heat(Some(0.7)), "confidence, from low to high"),
        (" ▁▂ ".to_owned(), Role::Refused, "under τ_low, but not expanded"),
        (sign(theme::EOS), Role::Eos, "end of sequence; a tail of them is folded into ⟨EOS ×38⟩"),
        (sign(theme::WRITTEN), Role::Text, "unmasked, in the grid of blocks"),
        (block, Role::FillInk, "the block in work stands between these"),
        (
            sign(theme::THRESHOLD),
            Role::Warn,
            "a threshold across a chart: τ_eos in stage 1, then τ_expand",
        ),
        (
            "slot #31".to_owned(),
            Role::Dim,
            "a position's identity: it stays when others are inserted before it",
        ),
    ];
    let sample = |(sample, role, text): (String, Role, &str)| HelpLine::row(sample, role, text);
    let mut lines: Vec<HelpLine> = legend.map(sample).into();
    let asked = [theme::PINNED, theme::VETOED, theme::FORBIDDEN].map(|one| theme.sign(one));
    lines.push(HelpLine::row(
        format!(" the {}", asked.join(" ")),
        Role::ExpandInk,
        "behind a position: pinned, with a veto, never expanded",
    ));
    lines.push(HelpLine::row(
        "underlined".to_owned(),
        Role::Key,
        "a mask that an expansion inserted; a token chosen by hand",
    ));
    lines.push(HelpLine::row(
        " the ".to_owned(),
        Role::Lost,
        "the step on record unmasks or expands it; under the changed parameters it would not",
    ));
    lines
}

/// The lines that have every word of `search`, under their headings, broken into rows of at most `width` cells.
pub(super) fn rows(theme: Theme, keymap: &Keymap, width: usize, search: &str) -> Vec<HelpRow> {
    let words: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
    let mut rows: Vec<HelpRow> = Vec::new();
    for (title, lines) in parts(theme, keymap) {
        let mut lines = lines.into_iter().filter(|line| line.has(&words)).peekable();
        if lines.peek().is_none() {
            continue;
        }
        if !rows.is_empty() {
            rows.push(HelpRow::of("", Role::Text, 0));
        }
        rows.push(HelpRow { heading: true, ..HelpRow::of(title, Role::Strong, 0) });
        lines.for_each(|line| broken(theme, line, width, &mut rows));
    }
    rows
}

/// Breaks a line into rows: what is long goes on under itself.
fn broken(theme: Theme, line: HelpLine, width: usize, rows: &mut Vec<HelpRow>) {
    let (mut left, role, indent, right) = match line {
        HelpLine::Row { left, role, right } => (left, role, LEFT + 1, right),
        HelpLine::Task { wanted, how } => (wanted.to_owned(), Role::Key, 2, how),
    };
    if text::width(&left) >= indent {
        let parts = text::wrap(&left, width.max(1));
        rows.extend(parts.into_iter().map(|part| HelpRow::of(part, role, indent)));
        left.clear();
    }
    // A command in backticks may continue in the next row.
    let mut quoted = false;
    for part in text::wrap(&theme.say(&right), width.saturating_sub(indent).max(1)) {
        let mut row = HelpRow::of(std::mem::take(&mut left), role, indent);
        for (at, words) in part.split('`').enumerate() {
            quoted ^= at > 0;
            row.right.push((words.to_owned(), quoted));
        }
        rows.push(row);
    }
}
