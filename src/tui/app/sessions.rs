//! The lists of a session: branches, bookmarks, breakpoints, what lints found, the rows of a
//! query. What each entry is, where it leads, how it is taken away.

use super::{super::paint::theme::Role, Action, App, branches, interface::Effect};
use crate::{
    canvas::{Canvas, Slot},
    debugger::{Command, Debugger, Destination, PositionRef},
    inspect::{self, Finding, OrderMeasures, Query, QueryRow},
    session::NodeId,
};

/// The rows of the last query, the findings of the branch, and the chosen entry.
#[derive(Debug, Clone, Default)]
pub struct FoundLists {
    /// The query, its rows and what they were found on.
    asked: Option<AskedQuery>,
    /// The chosen entry of the pane.
    pub line: usize,
    /// Findings, with the end of the branch they are of.
    findings: Option<(NodeId, Vec<Finding>)>,
}

/// A query with its rows, which follow the branch on screen.
#[derive(Debug, Clone)]
struct AskedQuery {
    query: Query,
    /// The rows as they are found along the branch.
    rows: Vec<QueryRow>,
    /// The rows in the order that the query asks for, if it asks for one.
    ordered: Option<Vec<QueryRow>>,
    /// The groups, a line each, if the query makes groups.
    groups: Vec<String>,
    /// The branch they are of.
    branch: Vec<NodeId>,
    /// The first step whose values may change though the branch does not.
    open: usize,
}

impl FoundLists {
    /// Takes a query whose rows are to be shown.
    pub fn ask(&mut self, query: Query) {
        self.asked = Some(AskedQuery {
            query,
            rows: Vec::new(),
            ordered: None,
            groups: Vec::new(),
            branch: Vec::new(),
            open: 0,
        });
    }

    /// The query whose rows are shown.
    pub fn query(&self) -> Option<&Query> {
        self.asked.as_ref().map(|asked| &asked.query)
    }

    /// The rows that the query keeps, in its order.
    pub fn rows(&self) -> &[QueryRow] {
        self.asked.as_ref().map_or(&[], AskedQuery::kept)
    }
}

impl AskedQuery {
    /// Finds the rows anew from the first step on that is another than before. Steps made stay what
    /// they were; of the last, and of one where parameters are changed, more may become known.
    fn follow(&mut self, debugger: &Debugger) {
        let branch = debugger.branch();
        let same = branch.iter().zip(&self.branch).take_while(|(a, b)| a == b).count();
        let params_changed =
            debugger.params_changed().then_some(debugger.session.node().depth as usize);
        let last = branch.len().saturating_sub(1);
        let from = same.saturating_sub(1).min(self.open).min(params_changed.unwrap_or(last));
        self.rows.retain(|row| row.step < from);
        let session = &debugger.session;
        self.rows.extend(inspect::rows(
            &self.query,
            session,
            &*debugger.vocabulary,
            (session.at(), from),
        ));
        (self.branch, self.open) = (branch, params_changed.unwrap_or(last));
        let operations = &self.query.operations;
        self.ordered = (!operations.orders.is_empty())
            .then(|| inspect::ordered_rows(operations, self.rows.clone()));
        self.groups = debugger.group_lines(&self.query, self.kept()).unwrap_or_default();
    }

    /// The rows that the query keeps, in its order.
    fn kept(&self) -> &[QueryRow] {
        self.ordered.as_deref().unwrap_or(&self.rows)
    }
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryTarget {
    /// Nothing: the line is a heading.
    None,
    /// Several rows of a query, which lead to no one place.
    Group,
    /// A branch, by its number from 1.
    Branch(usize, NodeId),
    /// A bookmark, with the node that it marks.
    Bookmark(String, NodeId),
    /// A note, by its node and position.
    Note(NodeId, Slot),
    /// A breakpoint, by its number.
    Breakpoint(u32),
    /// A step and a position of the branch.
    Place(usize, Option<usize>),
}

/// A line of the pane.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionLine {
    /// The line itself, in words.
    pub text: String,
    /// The role that gives it its style.
    pub role: Role,
    /// What Enter on the line leads to.
    pub target: EntryTarget,
}

fn line(text: impl Into<String>, role: Role, target: EntryTarget) -> SessionLine {
    SessionLine { text: text.into(), role, target }
}

/// The entry with the cursor: `line`, or the next that leads somewhere if it is a heading.
pub(in crate::tui) fn chosen(entries: &[SessionLine], line: usize) -> usize {
    let at = line.min(entries.len().saturating_sub(1));
    (at..entries.len()).find(|&at| entries[at].target != EntryTarget::None).unwrap_or(at)
}

/// In what order the canvas was unmasked up to this step, in words.
fn order_lines(canvas: &Canvas) -> Vec<String> {
    let OrderMeasures { tau, mean_jump, adjacent, tail_first } = OrderMeasures::of(canvas);
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let order = [
        tau.map(|tau| format!("Kendall's τ {tau:.2}")),
        mean_jump.map(|jump| format!("mean jump {jump:.1}")),
        adjacent.map(|share| format!("adjacent {}", percent(share))),
    ];
    let order: Vec<String> = order.into_iter().flatten().collect();
    let tail = tail_first.map(|share| format!("tail first {}", percent(share)));
    let lines: Vec<String> =
        (!order.is_empty()).then(|| order.join(" · ")).into_iter().chain(tail).collect();
    match lines.is_empty() {
        true => vec!["too few positions are unmasked".to_owned()],
        false => lines,
    }
}

impl App {
    /// Every line of the pane.
    pub(in crate::tui) fn entries(&self) -> Vec<SessionLine> {
        let timeline = self.debugger.session.timeline();
        let mut lines = vec![line("Branches", Role::Strong, EntryTarget::None)];
        let tip = self.history.moments.last().map(|moment| moment.node);
        for (at, branch) in timeline.branches().into_iter().enumerate() {
            let here = Some(branch.tip) == tip;
            let name =
                branch.name.unwrap_or_else(|| branches::name_of(self, branch.tip, branch.shared));
            let name = if name.is_empty() { name } else { format!(" · {name}") };
            let leaves = match branch.shared {
                0 => String::new(),
                shared => format!(" · leaves at step {}", shared - 1),
            };
            let mark = if here { "▸" } else { " " };
            let depth = timeline[branch.tip].depth;
            let noun = if depth == 1 { "step" } else { "steps" };
            let text = format!("{mark} {}{name} · {depth} {noun}{leaves}", at + 1);
            let role = if here { Role::Key } else { Role::Text };
            lines.push(line(text, role, EntryTarget::Branch(at + 1, branch.tip)));
        }
        // A list with nothing in it says how something comes in.
        let none = |action, what: &str| {
            let key = self.keymap.first(action);
            let how = if key.is_empty() { String::new() } else { format!("; {key} {what}") };
            line(format!("  none{how}"), Role::Dim, EntryTarget::None)
        };
        lines.push(line("Bookmarks", Role::Strong, EntryTarget::None));
        if timeline.bookmarks().next().is_none() {
            lines.push(none(Action::Mark, "sets one here"));
        }
        for (node, name) in timeline.bookmarks() {
            let text = format!("  {name} · step {}", timeline[node].depth);
            lines.push(line(text, Role::Text, EntryTarget::Bookmark(name.to_owned(), node)));
        }
        if timeline.notes().next().is_some() {
            lines.push(line("Notes", Role::Strong, EntryTarget::None));
        }
        for (node, slot, text) in timeline.notes() {
            let canvas = &timeline[node].canvas;
            let position = canvas.position(slot).unwrap_or_default();
            let text = format!("  step {}, position {position} · {text}", timeline[node].depth);
            lines.push(line(text, Role::Text, EntryTarget::Note(node, slot)));
        }
        lines.push(line("Breakpoints", Role::Strong, EntryTarget::None));
        if self.debugger.breakpoints.iter().next().is_none() {
            lines.push(none(Action::Break, "sets one"));
        }
        for point in self.debugger.breakpoints.iter() {
            let hits = if point.hits == 1 { "hit" } else { "hits" };
            let off = if point.enabled { "" } else { " · disabled" };
            let text = format!("  {} {} · {} {hits}{off}", point.id, point.condition, point.hits);
            let role = if point.enabled { Role::Text } else { Role::Dim };
            lines.push(line(text, role, EntryTarget::Breakpoint(point.id)));
        }
        lines.push(line("Order", Role::Strong, EntryTarget::None));
        for text in order_lines(self.canvas()) {
            lines.push(line(format!("  {text}"), Role::Text, EntryTarget::None));
        }
        lines.push(line("Diagnosis", Role::Strong, EntryTarget::None));
        let findings = self.findings();
        for finding in findings {
            let step = finding.steps.first().copied().unwrap_or_else(|| self.history.steps());
            let target = EntryTarget::Place(step, finding.positions.first().copied());
            lines.push(line(format!("  {finding}"), Role::Text, target.clone()));
            lines.push(line(format!("    → {}", finding.advice), Role::Dim, target));
        }
        if findings.is_empty() {
            lines.push(line("  nothing was found", Role::Dim, EntryTarget::None));
        }
        if let Some(asked) = &self.display.found.asked {
            let rows = self.display.found.rows();
            let head = format!("{} · {}", asked.query, rows.len());
            lines.push(line(head, Role::Strong, EntryTarget::None));
            for group in &asked.groups {
                lines.push(line(format!("  {group}"), Role::Text, EntryTarget::Group));
            }
            let listed = if asked.query.operations.grouping.is_some() { &[][..] } else { rows };
            for row in listed {
                let text = format!("  {}", self.debugger.row_text(row));
                lines.push(line(text, Role::Text, EntryTarget::Place(row.step, row.position)));
            }
        }
        lines
    }

    /// Findings of the branch as it is now; none if it was not diagnosed.
    pub(in crate::tui) fn findings(&self) -> &[Finding] {
        let tip = self.history.moments.last().map(|moment| moment.node);
        let found = self.display.found.findings.as_ref();
        found.filter(|(node, _)| Some(*node) == tip).map_or(&[], |(_, found)| found)
    }

    /// Chooses the first entry under the last heading that begins so.
    pub(in crate::tui) fn select_heading(&mut self, heading: &str) {
        let entries = self.entries();
        let at = entries.iter().rposition(|entry| {
            entry.target == EntryTarget::None
                && entry.role == Role::Strong
                && entry.text.starts_with(heading)
        });
        self.display.found.line = at.unwrap_or(0);
    }

    /// Looks the branch over, if it has another end than when it was looked over last, and brings
    /// the rows of the query up to date.
    pub(in crate::tui) fn diagnose(&mut self) {
        if let Some(asked) = &mut self.display.found.asked {
            asked.follow(&self.debugger);
        }
        let Some(tip) = self.history.moments.last().map(|moment| moment.node) else { return };
        if self.display.found.findings.as_ref().is_none_or(|(node, _)| *node != tip) {
            let session = &self.debugger.session;
            let found = inspect::lint(session, &*self.debugger.vocabulary, tip);
            self.display.found.findings = Some((tip, found));
        }
    }

    /// Moves the choice as `moved` says, given the entry chosen and the last; over headings.
    pub(in crate::tui) fn choose_entry(&mut self, moved: impl Fn(usize, usize) -> usize) {
        let entries = self.entries();
        let last = entries.len().saturating_sub(1);
        let at = chosen(&entries, self.display.found.line);
        let to = moved(at, last).min(last);
        let leads = |at: &usize| entries[*at].target != EntryTarget::None;
        let (mut on, mut back) = (to..=last, 0..=to);
        // On in the direction of the move; the other way where nothing is left there.
        self.display.found.line = match to < at {
            true => back.rfind(leads).or_else(|| on.find(leads)),
            false => on.find(leads).or_else(|| back.rfind(leads)),
        }
        .unwrap_or(to);
    }

    fn chosen_entry(&self) -> Option<EntryTarget> {
        let entries = self.entries();
        let at = chosen(&entries, self.display.found.line);
        entries.into_iter().nth(at).map(|entry| entry.target)
    }

    /// Goes to what the chosen entry is about; turns a breakpoint on or off.
    pub(in crate::tui) fn enter_entry(&mut self) {
        let mut effects = Vec::new();
        match self.chosen_entry() {
            Some(EntryTarget::Branch(number, _)) => {
                self.run(Command::switch(number), &mut effects);
            }
            Some(EntryTarget::Bookmark(name, _)) => {
                self.run(Command::goto(Destination::Bookmark(name)), &mut effects);
            }
            Some(EntryTarget::Note(node, slot)) => self.go_to_note(node, slot),
            Some(EntryTarget::Breakpoint(id)) => {
                let on =
                    self.debugger.breakpoints.iter().any(|point| point.id == id && point.enabled);
                let command = if on { Command::disable(id) } else { Command::enable(id) };
                self.run(command, &mut effects);
            }
            Some(EntryTarget::Place(step, position)) => self.go_to_place(step, position),
            Some(EntryTarget::Group | EntryTarget::None) | None => {}
        }
    }

    /// Goes to a note: its node, whichever branch that is on, and its position.
    fn go_to_note(&mut self, node: NodeId, slot: Slot) {
        self.run(Command::goto(Destination::Node(node)), &mut Vec::new());
        if let Some(position) = self.canvas().position(slot) {
            self.put(position);
        }
    }

    /// Goes to a step, and there to a position if one is given.
    pub(in crate::tui) fn go_to_place(&mut self, step: usize, position: Option<usize>) {
        self.go_step(step);
        if let Some(position) = position {
            self.put(position);
        }
    }

    /// Takes the chosen branch, bookmark or breakpoint away.
    pub(in crate::tui) fn remove_entry(&mut self, effects: &mut Vec<Effect>) {
        let command = match self.chosen_entry() {
            Some(EntryTarget::Branch(number, _)) => Command::delete_branch(number),
            Some(EntryTarget::Bookmark(name, _)) => Command::unmark(&name),
            Some(EntryTarget::Note(node, slot)) => {
                self.go_to_note(node, slot);
                Command::unnote(PositionRef::Slot(slot))
            }
            Some(EntryTarget::Breakpoint(id)) => Command::unbreak(id),
            Some(EntryTarget::Place(..) | EntryTarget::Group | EntryTarget::None) | None => {
                return self.say("branches, bookmarks, notes and breakpoints can be removed");
            }
        };
        self.run(command, effects);
    }
}
