//! The branch on screen, reduced to what timeline, charts and log show. It is brought up to date
//! after every change and extended, not rebuilt, when a step is added.

use std::collections::{HashMap, HashSet};

use super::{
    super::paint::text::{self, ShownToken},
    branches,
};
use crate::{
    canvas::{Canvas, Edit, NO_TOKEN, Slot},
    decode::{Decision, EosMeasure, Growth, Mode, PositionEffect, State, Verdict},
    inspect::SlotColumns,
    predict::Vocabulary,
    session::{NodeId, Session, Timeline},
};

/// What kind of line the log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// A stage or block begins.
    Bound,
    /// Positions were unmasked.
    Fill,
    /// Positions were expanded.
    Expansion,
    /// The canvas grown in stage 1.
    Growth,
    /// The step was stuck: every position predicted the mask.
    Stuck,
    /// Positions lost at the maximum length.
    Drop,
    /// A parameter changed since the step before.
    Change,
    /// The user made an edit.
    Edit,
    /// The user's note.
    Note,
    /// A breakpoint stopped a run.
    Stop,
    /// None of the others.
    Plain,
    /// Written positions remasked.
    Remask,
    /// Written positions given another token.
    Replace,
    /// Something went wrong, such as a pass that failed.
    Fault,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Number of the step.
    pub step: u32,
    /// The kind, which says how it looks.
    pub kind: LogKind,
    /// The line itself, without the step.
    pub text: String,
}

/// What the step to a node did.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSummary {
    /// Number of positions unmasked.
    pub fills: usize,
    /// Number of positions remasked.
    pub remasks: usize,
    /// Written positions given another token.
    pub replaced: usize,
    /// Number of positions expanded.
    pub expansions: usize,
    /// Positions that fell off.
    pub dropped: usize,
    /// Positions added at the tail.
    pub appended: usize,
    /// What kind of step.
    pub mode: Mode,
    /// The EOS confidence and the threshold it was compared with.
    pub eos: Option<(f32, f32)>,
    /// Confidence of each fill.
    pub confidence: HashMap<Slot, f32>,
}

/// What steps did in one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockTally {
    /// Number of steps.
    pub steps: usize,
    /// Positions that they unmasked.
    pub unmasked: usize,
}

impl BlockTally {
    /// The same in words, from long to short.
    pub fn words(self) -> Vec<String> {
        let Self { steps, unmasked } = self;
        match steps {
            0 => Vec::new(),
            1 => vec![format!("1 step · {unmasked} unmasked"), "1 step".to_owned()],
            _ => {
                let each = unmasked as f64 / steps as f64;
                vec![format!("{steps} steps · {each:.1} unmasked a step"), format!("{steps} steps")]
            }
        }
    }
}

/// A node of the branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// The node of the tree.
    pub node: NodeId,
    /// Length of the generated region, positions.
    pub length: usize,
    /// Number of masked positions.
    pub masks: usize,
    /// Stage that comes next.
    pub stage: u8,
    /// Number of the block in work, from 1.
    pub block: Option<usize>,
    /// The step that led here.
    pub made: Option<StepSummary>,
    /// True if the user's edits led here.
    pub edited: bool,
    /// The log's lines about that step.
    pub entries: Vec<LogEntry>,
}

/// The branch on screen.
#[derive(Debug, Default)]
pub struct History {
    /// Its nodes; a node's place is its number of steps.
    pub moments: Vec<Moment>,
    /// The columns of its slots when positions are aligned by identity.
    pub columns: SlotColumns,
    /// Lines of the log that no step wrote.
    pub notes: Vec<LogEntry>,
    /// The user's notes on this branch.
    pub annotations: Vec<LogEntry>,
    /// Tokens are named in ASCII, as everywhere on such a screen.
    pub ascii: bool,
}

impl History {
    /// Brings the history up to date with the session.
    pub fn follow(&mut self, session: &Session, vocabulary: &dyn Vocabulary) {
        let branch = session.timeline().branch(session.at());
        let same = self
            .moments
            .iter()
            .zip(&branch)
            .take_while(|(moment, node)| moment.node == **node)
            .count();
        if same == self.moments.len() && same == branch.len() {
            return;
        }
        self.moments.truncate(same);
        for &node in &branch[same..] {
            let moment = moment(session, vocabulary, node, self.moments.last(), self.ascii);
            self.moments.push(moment);
        }
        self.columns = SlotColumns::of(session.timeline(), &branch);
    }

    /// Takes in the user's notes on the branch.
    pub fn annotate(&mut self, timeline: &Timeline) {
        let of = |(step, moment): (usize, &Moment)| {
            let canvas = &timeline[moment.node].canvas;
            let line = move |(slot, text): (Slot, &str)| LogEntry {
                step: u32::try_from(step).unwrap_or(u32::MAX),
                kind: LogKind::Note,
                text: format!(
                    "note on position {}: {text}",
                    canvas.position(slot).unwrap_or_default()
                ),
            };
            timeline.notes_at(moment.node).map(line).collect::<Vec<_>>()
        };
        self.annotations = self.moments.iter().enumerate().flat_map(of).collect();
    }

    /// How many steps the branch has.
    pub fn steps(&self) -> usize {
        self.moments.len().saturating_sub(1)
    }

    /// True if something worth stopping at happened in the step to `at`.
    pub fn is_event(&self, at: usize) -> bool {
        let Some((before, here)) =
            at.checked_sub(1).and_then(|before| self.moments.get(before).zip(self.moments.get(at)))
        else {
            return false;
        };
        here.edited
            || before.stage != here.stage
            || before.block != here.block
            || here.made.as_ref().is_some_and(|made| {
                made.expansions > 0
                    || made.remasks > 0
                    || made.replaced > 0
                    || made.dropped > 0
                    || matches!(made.mode, Mode::Fallback | Mode::Stuck)
            })
    }

    /// What the first `steps` steps did in each block, the first block first.
    pub fn blocks(&self, steps: usize) -> Vec<BlockTally> {
        let mut tallies: Vec<BlockTally> = Vec::new();
        for (before, after) in self.moments.iter().zip(self.moments.iter().skip(1)).take(steps) {
            let (Some(number), Some(made)) = (before.block, &after.made) else { continue };
            if tallies.len() < number {
                tallies.resize(number, BlockTally::default());
            }
            let tally = &mut tallies[number - 1];
            tally.steps += 1;
            tally.unmasked += made.fills;
        }
        tallies
    }

    /// The confidence a slot was filled with, if the branch knows.
    pub fn confidence(&self, slot: Slot, step: u32) -> Option<f32> {
        let made = self.moments.get(step as usize)?.made.as_ref()?;
        made.confidence.get(&slot).copied()
    }
}

fn moment(
    session: &Session,
    vocabulary: &dyn Vocabulary,
    id: NodeId,
    before: Option<&Moment>,
    ascii: bool,
) -> Moment {
    let node = &session.timeline()[id];
    let params = &*node.params;
    let phase = session.strategy().phase(&node.canvas, &node.state, params);
    let blocks = session.blocks_at(node);
    let mut moment = Moment {
        node: id,
        length: node.canvas.len(),
        masks: node.canvas.masks(),
        stage: phase.stage,
        block: phase
            .block
            .filter(|block| !block.is_empty())
            .map(|block| blocks.index(block.start) + 1),
        made: None,
        edited: false,
        entries: Vec::new(),
    };
    let step = node.depth;
    let mut say = |kind, text: String| moment.entries.push(LogEntry { step, kind, text });
    let name = |token: u32| format!("“{}”", ShownToken::of(vocabulary, token).label(ascii));
    let label = |position: usize, token: u32| format!("{} at {position}", name(token));
    if let Some(parent) = node.parent {
        for change in branches::changes(&session.timeline()[parent].params, params) {
            say(LogKind::Change, format!("{} {} → {}", change.symbol, change.from, change.to));
        }
    }
    if let (Some(edits), Some(parent)) = (node.edits(), node.parent) {
        let text = edited(edits, &session.timeline()[parent].canvas, &label);
        say(LogKind::Edit, format!("by hand: {text}"));
        moment.edited = true;
    } else if let (Some(made), Some(parent)) = (node.step(), node.parent) {
        let decision = &made.decision;
        let cells = session.timeline()[parent].canvas.cells();
        let length = before.map_or(0, |before| before.length);
        let eos = node.canvas.special().eos;
        describe(decision, length, eos, &label, &mut say);
        if let Some(text) = replaced(decision, &name) {
            say(LogKind::Replace, text);
        }
        moment.made = Some(StepSummary {
            fills: fills(&decision.edits),
            remasks: decision.remasks().count(),
            replaced: decision.replacements().count(),
            expansions: decision.expansions().count(),
            dropped: decision.dropped.len(),
            appended: decision
                .edits
                .iter()
                .map(|edit| if let Edit::Append { n, .. } = edit { *n } else { 0 })
                .sum(),
            mode: decision.mode,
            eos: decision.eos.as_ref().map(|eos| (eos.confidence, eos.threshold)),
            confidence: decision
                .effects()
                .filter_map(|(position, effect)| match effect {
                    PositionEffect::Fill { p, .. } | PositionEffect::Replace { p, .. } => {
                        Some((cells.get(position)?.slot, p))
                    }
                    _ => None,
                })
                .collect(),
        });
    } else {
        let masks = node.canvas.masks();
        // Stages of other programs are not known, and what starts from noise has no masks.
        say(
            LogKind::Bound,
            match session.strategy().decides() {
                true => format!("start: {masks} masks, stage {}, {}", phase.stage, phase.name),
                false if node.canvas.special().mask == NO_TOKEN => {
                    format!("start: {masks} positions open")
                }
                false => format!("start: {masks} masks"),
            },
        );
    }
    if let Some(before) = before {
        if before.stage != phase.stage {
            say(LogKind::Bound, format!("stage {}: {}", phase.stage, phase.name));
        }
        let number = moment.block;
        if let Some(number) = number.filter(|_| before.block != number) {
            let count = blocks.count(node.canvas.len());
            say(LogKind::Bound, format!("block {number} of {count}"));
        }
    }
    moment
}

/// Fills in words; neighbouring ends of sequence in one.
fn listed(
    fills: &[(usize, u32, f32)],
    eos: u32,
    label: &dyn Fn(usize, u32) -> String,
) -> Vec<String> {
    let p = |p: f32| text::probability(Some(p));
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(&(position, token, confidence)) = fills.get(at) {
        let run = fills[at..]
            .iter()
            .enumerate()
            .take_while(|(ahead, fill)| fill.1 == eos && fill.0 == position + ahead)
            .count();
        if run > 1 {
            let least = fills[at..at + run].iter().map(|fill| fill.2).fold(f32::INFINITY, f32::min);
            parts.push(format!("EOS at {position}–{} {}", position + run - 1, p(least)));
        } else if token == eos {
            parts.push(format!("EOS at {position} {}", p(confidence)));
        } else {
            parts.push(format!("{} {}", label(position, token), p(confidence)));
        }
        at += run.max(1);
    }
    parts
}

/// The first of a list, and how many more there are.
fn some(parts: &[String]) -> String {
    const MOST_PARTS: usize = 6;
    let more = match parts.len().saturating_sub(MOST_PARTS) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("{}{more}", parts[..parts.len().min(MOST_PARTS)].join(", "))
}

/// Positions that edits fill, new ones too; not what is remasked and unmasked in one step.
fn fills(edits: &[Edit]) -> usize {
    let taken: HashSet<Slot> = edits
        .iter()
        .filter_map(|edit| if let Edit::Remask { slot } = edit { Some(*slot) } else { None })
        .collect();
    let fills = |edit: &&Edit| matches!(edit, Edit::Fill { slot, .. } if !taken.contains(slot));
    edits.iter().filter(fills).count()
}

/// The tokens that a step replaced, both with their texts; `None` if there are none.
fn replaced(decision: &Decision, name: &dyn Fn(u32) -> String) -> Option<String> {
    let one = |(position, verdict): (usize, &Verdict)| match *verdict {
        Verdict::Replace { was, token, p, .. } => {
            let p = if p.is_finite() {
                format!(" {}", text::probability(Some(p)))
            } else {
                String::new()
            };
            Some(format!("at {position}: {} → {}{p}", name(was), name(token)))
        }
        _ => None,
    };
    let given: Vec<String> = decision.verdicts.iter().enumerate().filter_map(one).collect();
    (!given.is_empty()).then(|| format!("replaced {}", some(&given)))
}

/// The user's edits in words.
fn edited(edits: &[Edit], before: &Canvas, label: &dyn Fn(usize, u32) -> String) -> String {
    let at = |slot: Slot| before.position(slot).unwrap_or_default();
    let one = |edit: &Edit| match *edit {
        Edit::Fill { slot, token } | Edit::Replace { slot, token } => {
            format!("wrote {}", label(at(slot), token))
        }
        Edit::Remask { slot } => format!("remasked {}", at(slot)),
        Edit::Expand { slot, n } => format!("expanded {} into {n}", at(slot)),
        Edit::Split { slot, n } | Edit::Insert { slot, n } => {
            format!("{n} {} before {}", if n == 1 { "mask" } else { "masks" }, at(slot))
        }
        Edit::Append { n, .. } => format!("{n} more at the tail"),
        Edit::Delete { slot } => format!("deleted {}", at(slot)),
        Edit::Truncate { length } => format!("cut to {length} positions"),
        Edit::Veto { slot, token, on: true } => format!("vetoed {}", label(at(slot), token)),
        Edit::Veto { slot, token, on: false } => format!("allowed {}", label(at(slot), token)),
        Edit::Override { slot, overridden } => {
            let position = at(slot);
            let was = before.cells().get(position).map(|cell| cell.overridden).unwrap_or_default();
            match (was.pinned != overridden.pinned, overridden.pinned, overridden.expand) {
                (true, true, _) => format!("pinned {position}"),
                (true, false, _) => format!("unpinned {position}"),
                (false, _, Some(true)) => format!("{position} is to be expanded"),
                (false, _, Some(false)) => format!("{position} is never to be expanded"),
                (false, _, None) => format!("{position} is left to the rules again"),
            }
        }
    };
    edits.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A decision in lines of the log.
fn describe(
    decision: &Decision,
    length: usize,
    eos_token: u32,
    label: &dyn Fn(usize, u32) -> String,
    say: &mut dyn FnMut(LogKind, String),
) {
    let fills: Vec<(usize, u32, f32)> = decision
        .effects()
        .filter_map(|(position, effect)| match effect {
            PositionEffect::Fill { token, p } => Some((position, token, p)),
            _ => None,
        })
        .collect();
    if !fills.is_empty() {
        const MOST_PARTS: usize = 6;
        let parts = listed(&fills, eos_token, label);
        let cut = parts.len().saturating_sub(MOST_PARTS);
        let mut parts: Vec<String> = parts.into_iter().take(MOST_PARTS).collect();
        if cut > 0 {
            parts.push(format!("and {cut} more"));
        }
        let how = match decision.mode {
            Mode::Fallback => "fallback: unmasked",
            Mode::Stuck => "stuck: unmasked",
            _ => "unmasked",
        };
        let kind = if decision.mode == Mode::Stuck { LogKind::Stuck } else { LogKind::Fill };
        say(kind, format!("{how} {}", parts.join(", ")));
    }
    let taken: Vec<String> =
        decision.remasks().map(|(position, token)| label(position, token)).collect();
    if !taken.is_empty() {
        say(LogKind::Remask, format!("remasked {}", some(&taken)));
    }
    for position in decision.expansions() {
        let text = match decision.verdicts[position] {
            Verdict::Expand { p, threshold, n, eos, eos_threshold } => {
                let (p, low) = text::compared(p, threshold);
                let (eos, expand) = text::compared(eos, eos_threshold);
                format!(
                    "expanded {position} into {n}: {p} < τ_low {low} · EOS {eos} < τ_expand {expand}"
                )
            }
            Verdict::Forced { n, .. } => {
                format!("expanded {position} into {n}: asked for by hand")
            }
            Verdict::Grown { n } => format!("expanded {position} into {n}"),
            verdict => format!("{position} {verdict}"),
        };
        say(LogKind::Expansion, text);
    }
    let deleted: Vec<String> = decision.deletions().map(|at| at.to_string()).collect();
    if !deleted.is_empty() {
        let by_eos = |verdict: &Verdict| matches!(verdict, Verdict::Delete { token: None, .. });
        let why = match decision.verdicts.iter().any(by_eos) {
            true => "where EOS would stand",
            false => "where the token for that is predicted",
        };
        say(LogKind::Growth, format!("deleted {}, {why}", some(&deleted)));
    }
    let compared = |eos: &EosMeasure, name: &str| {
        let sign = if eos.confidence < eos.threshold { "<" } else { "≥" };
        let (confidence, threshold) = text::compared(eos.confidence, eos.threshold);
        format!("EOS {confidence} {sign} {name} {threshold}")
    };
    let eos = decision.eos.as_ref();
    match (decision.mode, decision.growth) {
        (Mode::Grow, Growth::To(to)) => {
            let why = eos.map_or(String::new(), |eos| format!(": {}", compared(eos, "τ_eos")));
            say(LogKind::Growth, format!("grown by {} to {to}{why}", to.saturating_sub(length)));
        }
        (Mode::Settle, growth) => {
            let why = eos.map_or(String::new(), |eos| format!(": {}", compared(eos, "τ_eos")));
            let then = match growth {
                Growth::To(to) if to > length => {
                    format!(" · +{} EOS → {to}", to - length)
                }
                Growth::To(to) => format!(" · cut to {to}"),
                Growth::AtMaximum(maximum) => format!(" · {maximum} is the maximum"),
                Growth::Stays => String::new(),
            };
            say(LogKind::Plain, format!("stage 1 ends{why}{then}"));
        }
        // Without an expansion the tail itself grew or was cut.
        (_, Growth::To(_)) if !deleted.is_empty() => {}
        (_, Growth::To(to)) if decision.expansions().next().is_none() && to != length => {
            let tried = match &decision.next {
                State::Cal(state) => Some(format!(": {}", state.sentence())),
                _ => None,
            };
            let why = eos.map(|eos| format!(": {}", compared(eos, "ρ"))).or(tried);
            let why = why.unwrap_or_default();
            let how = if to > length {
                format!("grown by {} to {to}", to - length)
            } else {
                format!("cut by {} to {to}", length - to)
            };
            say(LogKind::Growth, format!("{how}{why}"));
        }
        (_, Growth::AtMaximum(maximum)) => {
            say(LogKind::Plain, format!("would expand, but {maximum} is the maximum"));
        }
        _ => {}
    }
    if !decision.dropped.is_empty() {
        let written = decision.dropped.iter().filter(|drop| drop.token.is_some()).count();
        say(
            LogKind::Drop,
            format!(
                "{} dropped {}, {written} of them unmasked",
                decision.dropped.len(),
                if decision.expansions().next().is_some() || decision.mode == Mode::Settle {
                    "at the maximum length"
                } else {
                    "behind the cut"
                }
            ),
        );
    }
}
