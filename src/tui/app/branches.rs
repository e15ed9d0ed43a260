//! Lanes: every end of a branch is one. What each is called, and how one goes from one to another.

use std::collections::HashSet;

use super::{
    super::paint::text::{self, ShownToken},
    App,
};
use crate::{canvas::TokenId, decode::Params, session::NodeId};

/// Most tokens of a prompt in a branch's name.
const TOKENS: usize = 6;

/// Where a branch leaves the older ones: how many nodes it shares with them.
pub fn fork(app: &App, tip: NodeId) -> usize {
    let branches = app.debugger.session.timeline().branches();
    branches.into_iter().find(|branch| branch.tip == tip).map_or(0, |branch| branch.shared)
}

/// The place of the branch on screen among all.
fn current(app: &App) -> Option<usize> {
    let tip = app.history.moments.last()?.node;
    app.debugger.session.timeline().tips().iter().position(|&other| other == tip)
}

/// What makes a branch differ from the one it leaves; empty if nothing is known to.
pub fn name(app: &App, tip: NodeId) -> String {
    name_of(app, tip, fork(app, tip))
}

/// The same where it is known how many nodes it shares.
pub fn name_of(app: &App, tip: NodeId, own: usize) -> String {
    let timeline = app.debugger.session.timeline();
    let path = timeline.path(tip);
    let made = |node: NodeId| timeline[node].parent.map(|_| timeline[node].params.clone());
    match own.checked_sub(1).and_then(|before| path.get(before)) {
        // It leaves another branch: the parameters of its first step, against those of the other's step.
        Some(_) if path.get(own).is_some_and(|&node| timeline[node].edits().is_some()) => {
            "by hand".to_owned()
        }
        Some(&before) => {
            let comparison = timeline[before].children.first().copied();
            let pair = path.get(own).copied().and_then(made).zip(comparison.and_then(made));
            pair.map_or_else(String::new, |(now, then)| {
                changes(&then, &now)
                    .into_iter()
                    .map(|change| format!("{} {}", change.symbol, change.to))
                    .next()
                    .unwrap_or_default()
            })
        }
        // A run of its own.
        None => {
            let (Some(&root), Some(&first)) = (path.first(), timeline.roots().first()) else {
                return String::new();
            };
            if root == first {
                return String::new();
            }
            let (prompt, other) = (timeline[root].canvas.prompt(), timeline[first].canvas.prompt());
            if prompt != other {
                return words(app, prompt, other);
            }
            changes(&timeline[first].params, &timeline[root].params)
                .first()
                .map(|change| format!("{} {}", change.symbol, change.to))
                .unwrap_or_default()
        }
    }
}

/// The first words in which a prompt differs from another.
fn words(app: &App, prompt: &[TokenId], other: &[TokenId]) -> String {
    let same = prompt.iter().zip(other).take_while(|(a, b)| a == b).count();
    let tokens = prompt.get(same..).unwrap_or_default().iter().take(TOKENS);
    let shown = tokens.map(|&token| match ShownToken::of(&*app.debugger.vocabulary, token) {
        ShownToken::Name(_) => String::new(),
        shown => shown.glyphs(app.theme.ascii()).into_iter().map(|glyph| glyph.symbol).collect(),
    });
    let text: String = shown.collect();
    if text.trim().is_empty() {
        "another prompt".to_owned()
    } else {
        format!("“{}…”", text.trim())
    }
}

/// A parameter that differs.
pub struct ParamChange {
    /// The parameter's symbol, or its name.
    pub symbol: &'static str,
    /// The value before, as text.
    pub from: String,
    /// The value now, as text.
    pub to: String,
}

/// The parameters that differ, in declared order.
pub fn changes(then: &Params, now: &Params) -> Vec<ParamChange> {
    now.iter()
        .filter_map(|(spec, value)| {
            let before = then.get(spec.name).ok().filter(|before| *before != value)?;
            let shown = |value| text::value(spec, value);
            Some(ParamChange { symbol: spec.symbol, from: shown(before), to: shown(value) })
        })
        .collect()
}

impl App {
    /// Goes to the branch below or above, as near in steps as it can be told from this one.
    pub(in crate::tui) fn change_branch(&mut self, down: bool) {
        let tips = self.debugger.session.timeline().tips();
        let Some(at) = current(self) else { return };
        let to = if down { at.checked_add(1) } else { at.checked_sub(1) };
        let Some((to, tip)) = to.and_then(|to| Some((to, *tips.get(to)?))) else {
            let count = tips.len();
            let text = match count {
                1 => "there is one branch only; a step under other parameters makes another"
                    .to_owned(),
                _ => format!("branch {} of {count}: none further", at + 1),
            };
            return self.say(text);
        };
        let here: HashSet<NodeId> = self.history.moments.iter().map(|moment| moment.node).collect();
        let path = self.debugger.session.timeline().path(tip);
        let own = path.iter().take_while(|node| here.contains(*node)).count();
        let step = (self.step() as usize).max(own).min(path.len().saturating_sub(1));
        // By its tip first: so that the branch on screen is this one, to its end.
        self.go(tip);
        if let Some(&node) = path.get(step) {
            self.go(node);
        }
        let name = name(self, tip);
        let name = if name.is_empty() { name } else { format!(": {name}") };
        self.say(format!("branch {} of {}{name}", to + 1, tips.len()));
    }
}
