//! What may be typed next as an argument of a command.

use super::{ArgumentKind, CommandSpec, Debugger, EVENTS};
use crate::{
    inspect::{
        Condition, Query,
        language::{Candidate, Completion},
    },
    session::Branch,
};

/// What only a screen knows: completion speaks of it.
#[derive(Clone, Copy)]
pub struct ScreenContext<'a> {
    /// The position under the cursor.
    pub position: usize,
    /// How the screen calls a branch without a name.
    pub branch_name: &'a dyn Fn(&Branch) -> String,
}

fn candidate(text: impl Into<String>, help: impl Into<String>) -> Candidate {
    Candidate { text: text.into(), help: help.into() }
}

impl Debugger {
    /// What the arguments begun in `text` may go on with.
    pub fn complete(
        &self,
        command: &CommandSpec,
        text: &str,
        screen: ScreenContext<'_>,
    ) -> Completion {
        let from = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let (before, begun) = text.split_at(from);
        let at = before.split_whitespace().count();
        let kind = match command.arguments {
            [ArgumentKind::Assignments] => Some(ArgumentKind::Assignments),
            // One argument, of any number of words.
            [
                kind @ (ArgumentKind::Condition
                | ArgumentKind::Event
                | ArgumentKind::Query
                | ArgumentKind::Expression),
            ] => Some(*kind),
            kinds => kinds.get(at).copied(),
        };
        let Some(kind) = kind else {
            return Completion { from: text.len(), ..Completion::default() };
        };
        let listed = match kind {
            ArgumentKind::Condition => return Condition::complete(text),
            ArgumentKind::Event => return complete_event(text, at == 0),
            ArgumentKind::Query => return Query::complete(text),
            ArgumentKind::Expression if at == 0 => return Condition::complete(text),
            ArgumentKind::Parameter | ArgumentKind::ParameterOrAll => self.parameters(),
            ArgumentKind::Assignments => self.assignments(),
            ArgumentKind::Branch | ArgumentKind::BranchOrThis => self.branches(screen.branch_name),
            ArgumentKind::Destination => self.destinations(),
            ArgumentKind::Bookmark => self.bookmarks("at step"),
            ArgumentKind::Breakpoint => self.breakpoint_numbers(),
            ArgumentKind::Preset => {
                self.host.presets().into_iter().map(|name| candidate(name, "")).collect()
            }
            ArgumentKind::Macro => {
                let macros = self.host.macros().into_iter();
                macros.map(|(name, text)| candidate(name, text)).collect()
            }
            ArgumentKind::Position => self.positions(screen.position),
            ArgumentKind::Steps
            | ArgumentKind::Masks
            | ArgumentKind::Passes
            | ArgumentKind::Value
            | ArgumentKind::TryOrLast
            | ArgumentKind::Prompt
            | ArgumentKind::Note
            | ArgumentKind::Expression
            | ArgumentKind::Name
            | ArgumentKind::Token
            | ArgumentKind::File => Vec::new(),
        };
        let fits = |one: &Candidate| one.text.trim_start_matches('"').starts_with(begun);
        Completion { from, candidates: listed.into_iter().filter(fits).collect() }
    }

    fn parameters(&self) -> Vec<Candidate> {
        let params = self.session.params().iter();
        let help = |symbol, value, help| format!("{symbol} {value} · {help}");
        params
            .map(|(spec, value)| candidate(spec.name, help(spec.symbol, value, spec.help)))
            .collect()
    }

    fn assignments(&self) -> Vec<Candidate> {
        let params = self.session.params().iter();
        let text = |name, value| format!("{name}={value}");
        params
            .map(|(spec, value)| {
                candidate(text(spec.name, value), format!("{} · {}", spec.symbol, spec.help))
            })
            .collect()
    }

    fn branches(&self, name: &dyn Fn(&Branch) -> String) -> Vec<Candidate> {
        let timeline = self.session.timeline();
        let branches = timeline.branches().into_iter().enumerate();
        branches
            .map(|(at, branch)| {
                let steps = timeline[branch.tip].depth;
                let name = branch.name.clone().unwrap_or_else(|| name(&branch));
                candidate((at + 1).to_string(), format!("{steps} steps {name}"))
            })
            .collect()
    }

    fn bookmarks(&self, help: &str) -> Vec<Candidate> {
        let timeline = self.session.timeline();
        let bookmarks = timeline.bookmarks();
        bookmarks
            .map(|(node, name)| candidate(name, format!("{help} {}", timeline[node].depth)))
            .collect()
    }

    fn destinations(&self) -> Vec<Candidate> {
        let mut found = vec![
            candidate("start", "the start of the run"),
            candidate("end", "the last known step"),
        ];
        found.extend(self.bookmarks("bookmark at step"));
        found
    }

    fn breakpoint_numbers(&self) -> Vec<Candidate> {
        let points = self.breakpoints.iter();
        points
            .map(|point| candidate(point.id.to_string(), point.condition.to_string()))
            .chain([candidate("all", "every breakpoint")])
            .collect()
    }

    fn positions(&self, cursor: usize) -> Vec<Candidate> {
        let cell = self.session.canvas().cells().get(cursor);
        let slot = cell.map_or(String::new(), |cell| format!("#{}", cell.slot.0));
        vec![
            candidate(cursor.to_string(), "the position under the cursor"),
            candidate(slot, "its slot, which stays under insertions"),
        ]
    }
}

/// A kind of event in place of a condition, or a condition.
fn complete_event(text: &str, first: bool) -> Completion {
    let condition = Condition::complete(text);
    let events = EVENTS.iter().filter(|(name, ..)| first && name.starts_with(text));
    let events = events.map(|(name, _, help)| candidate(*name, *help));
    Completion { candidates: events.chain(condition.candidates).collect(), ..condition }
}
