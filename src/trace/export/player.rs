//! What the player is given: the tree of a recording in compact columns, as JSON.
//!
//! A canvas is told by what changed from its parent's, a reason by a sentence that many positions
//! share and the numbers that differ, a prediction by its masked positions alone. Token texts are
//! as recorded: the player makes them harmless, as it joins parts of characters first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::walk::{Next, Trajectory, Walk};
use crate::{
    canvas::{Born, Canvas, Cell, Edit, Slot, TokenId},
    decode::{Decision, FillRule, LeftRule, RemaskRule, Verdict},
    predict::{Column, Piece, Prediction, Vocabulary},
    session::{Made, Node, NodeId, Step},
    trace::Recording,
};

/// Everything the player knows. The names are short, since many stand thousands of times.
#[derive(Serialize)]
pub(super) struct Player {
    file: String,
    model: Model,
    strategy: String,
    prompt_text: String,
    notices: Vec<String>,
    mask: TokenId,
    eos: TokenId,
    /// Name and symbol of each parameter.
    params: Vec<(&'static str, &'static str)>,
    /// Texts by id.
    tokens: BTreeMap<TokenId, Text>,
    phases: Vec<&'static str>,
    /// Kind of verdict, and its sentence with `\u{1}` for each number.
    words: Vec<(&'static str, String)>,
    predictions: Vec<Columns>,
    nodes: Vec<Point>,
    branches: Vec<Branch>,
    /// Which branch is shown first.
    branch: usize,
    /// Which step of it.
    step: usize,
}

#[derive(Serialize)]
struct Model {
    name: String,
    family: String,
    device: String,
    dtype: String,
}

#[derive(Serialize)]
struct Branch {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its nodes, by their place in `nodes`.
    path: Vec<usize>,
    /// What is known on its last canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<&'static str>,
}

/// A token's text: itself, the bytes of a part of a character, or a name to be bracketed.
#[derive(Serialize)]
#[serde(untagged)]
enum Text {
    Whole(String),
    Part { b: Vec<u8> },
    Name { n: String },
}

/// A node.
#[derive(Serialize)]
struct Point {
    /// The parent's place.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    parent: Option<usize>,
    /// The prompt, at the start of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<Vec<TokenId>>,
    /// Predictions asked for on the way here.
    nfe: u32,
    stage: u8,
    phase: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<(usize, usize)>,
    /// First cell that is another one, how many go, and what comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    splice: Option<Splice>,
    /// Position and token in turn, where a cell that stays holds another token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set: Vec<usize>,
    /// Parameters that are not the parent's, by their place.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    params: BTreeMap<usize, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<String>,
    /// The step that led here.
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    made: Option<Decided>,
    /// What a person did that led here.
    #[serde(skip_serializing_if = "Option::is_none")]
    edits: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Splice {
    at: usize,
    gone: usize,
    slots: Vec<u32>,
    tokens: Vec<TokenId>,
    /// Of each: the slot it was expanded from, or one of the numbers of [`origin`].
    from: Vec<i64>,
}

#[derive(Serialize)]
struct Decided {
    mode: &'static str,
    #[serde(rename = "q", skip_serializing_if = "Option::is_none")]
    prediction: Option<usize>,
    /// Confidence, threshold, how many count, and of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    eos: Option<(Option<f64>, Option<f64>, usize, usize)>,
    /// Sentence and number of positions in turn; sentence 0 is of those that are written.
    why: Vec<usize>,
    /// Numbers of the sentences, in order.
    #[serde(rename = "v", skip_serializing_if = "Vec::is_empty")]
    values: Vec<Number>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped: usize,
    /// Forward pass and decision, where they took time.
    ms: (Option<f64>, Option<f64>),
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// A number as a sentence shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Number {
    Value(f64),
    Text(String),
}

/// A prediction at masked positions.
#[derive(Serialize)]
struct Columns {
    /// First position and number of positions in turn.
    at: Vec<usize>,
    /// Guesses.
    #[serde(rename = "g", skip_serializing_if = "Option::is_none")]
    guess: Option<Vec<TokenId>>,
    /// Their probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<Vec<Option<f64>>>,
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    p_eos: Option<Vec<Option<f64>>>,
    #[serde(rename = "h", skip_serializing_if = "Option::is_none")]
    entropy: Option<Vec<Option<f64>>>,
    #[serde(rename = "m", skip_serializing_if = "Option::is_none")]
    margin: Option<Vec<Option<f64>>>,
    /// Token and probability in turn.
    #[serde(rename = "k", skip_serializing_if = "Option::is_none")]
    candidates: Option<Vec<Vec<f64>>>,
}

impl Player {
    /// What a recording called `file` comes to, to be opened at a step of the branch left last.
    pub fn of(file: &str, recording: &Recording, step: usize) -> Self {
        let walk = Walk::new(recording);
        let trajectories = walk.trajectories();
        let mut making = Making::new(recording, &trajectories);
        let live: Vec<NodeId> = making.places.keys().copied().collect();
        let nodes = live.iter().map(|&id| making.point(&walk, id)).collect();
        let branches = trajectories.iter().map(|one| making.branch(&walk, one)).collect();
        let header = &recording.header;
        Self {
            file: file.to_owned(),
            model: Model {
                name: header.model.name.clone(),
                family: header.model.family.clone(),
                device: header.model.device.clone(),
                dtype: header.model.dtype.clone(),
            },
            strategy: header.strategy.clone(),
            prompt_text: recording.prompt(),
            notices: recording.notices.clone(),
            mask: header.model.mask,
            eos: header.model.eos,
            params: recording
                .recorded
                .strategy
                .params()
                .iter()
                .map(|spec| (spec.name, spec.symbol))
                .collect(),
            tokens: making.texts(),
            phases: making.phases,
            words: making.words,
            predictions: making.predictions,
            nodes,
            branches,
            branch: trajectories.iter().position(|one| one.current).unwrap_or(0),
            step,
        }
    }
}

/// What is gathered on the way.
struct Making<'a> {
    recording: &'a Recording,
    /// Live nodes by number.
    places: BTreeMap<NodeId, usize>,
    phases: Vec<&'static str>,
    words: Vec<(&'static str, String)>,
    known: HashMap<(&'static str, String), usize>,
    predictions: Vec<Columns>,
    /// By the prediction's address and the masked positions.
    predicted: HashMap<(usize, Vec<usize>), usize>,
    used: BTreeSet<TokenId>,
}

impl<'a> Making<'a> {
    fn new(recording: &'a Recording, trajectories: &[Trajectory]) -> Self {
        let live: BTreeSet<NodeId> =
            trajectories.iter().flat_map(|one| one.path.iter().copied()).collect();
        let written = ("written", Verdict::Written.to_string());
        Self {
            recording,
            places: live.into_iter().enumerate().map(|(place, id)| (id, place)).collect(),
            phases: Vec::new(),
            words: vec![written.clone()],
            known: HashMap::from([(written, 0)]),
            predictions: Vec::new(),
            predicted: HashMap::new(),
            used: BTreeSet::new(),
        }
    }

    fn node(&self, id: NodeId) -> &'a Node {
        &self.recording.recorded.timeline[id]
    }

    fn branch(&mut self, walk: &Walk, trajectory: &Trajectory) -> Branch {
        let tip = trajectory.path.last().map(std::slice::from_ref).unwrap_or_default();
        let last = walk.moments(tip).last();
        let prediction = last.as_ref().and_then(|last| last.prediction.as_deref());
        let canvas = last.as_ref().map(|last| &last.node.canvas);
        Branch {
            name: trajectory.name.clone(),
            path: trajectory.path.iter().filter_map(|id| self.places.get(id).copied()).collect(),
            prediction: prediction.zip(canvas).map(|(found, canvas)| self.columns(found, canvas)),
            finish: last.and_then(|last| match last.next {
                Next::End(finish) => finish.map(|finish| finish.name()),
                Next::Step(_) | Next::Edit => None,
            }),
        }
    }

    fn point(&mut self, walk: &Walk, id: NodeId) -> Point {
        let recorded = &self.recording.recorded;
        let node = self.node(id);
        let phase = recorded.strategy.phase(&node.canvas, &node.state, &node.params);
        let parent = node.parent.map(|parent| (parent, self.node(parent)));
        let before = parent.map(|(_, parent)| parent.canvas.cells()).unwrap_or_default();
        let after = node.canvas.cells();
        self.used.extend(after.iter().map(|cell| cell.token));
        let (splice, set) = changes(before, after);
        let prompt = parent.is_none().then(|| node.canvas.prompt().to_vec());
        self.used.extend(prompt.iter().flatten());
        let made = match &node.made {
            Made::Step(step) => {
                let canvas = parent.map_or(&node.canvas, |(_, parent)| &parent.canvas);
                Some(self.decided(walk, step, canvas))
            }
            Made::Start | Made::Edit(_) => None,
        };
        let known = self.phases.iter().position(|name| *name == phase.name);
        let phase_at = known.unwrap_or_else(|| {
            self.phases.push(phase.name);
            self.phases.len() - 1
        });
        let values = node.params.iter().enumerate().filter(|(_, (spec, value))| {
            let then = parent.and_then(|(_, parent)| parent.params.get(spec.name).ok());
            then != Some(*value)
        });
        Point {
            parent: parent.and_then(|(parent, _)| self.places.get(&parent).copied()),
            prompt,
            nfe: node.steps,
            stage: phase.stage,
            phase: phase_at,
            block: phase.block.map(|block| (block.start, block.end)),
            splice,
            set,
            params: values.map(|(at, (_, value))| (at, value.to_string())).collect(),
            mark: recorded.timeline.bookmark(id).map(str::to_owned),
            made,
            edits: node.edits().map(|edits| {
                edits.iter().map(|edit| self.told(edit, parent.map(|(_, node)| node))).collect()
            }),
        }
    }

    fn decided(&mut self, walk: &Walk, step: &Step, canvas: &Canvas) -> Decided {
        let decision: &Decision = &step.decision;
        let (mut why, mut values) = (Vec::new(), Vec::new());
        for verdict in &decision.verdicts {
            if let Verdict::Fill { token, .. } | Verdict::Remask { token, .. } = verdict {
                self.used.insert(*token);
            }
            let (sentence, numbers) = sentence(verdict);
            values.extend(numbers);
            let entry = (verdict.name(), sentence);
            let words = &mut self.words;
            let at = *self.known.entry(entry).or_insert_with_key(|entry| {
                words.push(entry.clone());
                words.len() - 1
            });
            match &mut *why {
                [.., last, n] if *last == at => *n += 1,
                _ => why.extend([at, 1]),
            }
        }
        let time = |time: std::time::Duration| {
            (!time.is_zero()).then(|| (time.as_secs_f64() * 1e5).round() / 1e2)
        };
        Decided {
            mode: decision.mode.name(),
            prediction: walk.prediction(step).map(|found| self.columns(&found, canvas)),
            eos: decision.eos.as_ref().map(|eos| {
                (short(eos.confidence), short(eos.threshold), eos.taken.len(), eos.window)
            }),
            why,
            values,
            dropped: decision.dropped.len(),
            ms: (time(step.timing.forward), time(step.timing.decide)),
        }
    }

    /// The place of a prediction on a canvas.
    fn columns(&mut self, prediction: &Prediction, canvas: &Canvas) -> usize {
        let rows = prediction.rows().min(canvas.len());
        let masked: Vec<usize> = (0..rows).filter(|&row| canvas.is_masked(row)).collect();
        let key = (std::ptr::from_ref(prediction).addr(), masked);
        if let Some(&known) = self.predicted.get(&key) {
            return known;
        }
        let masked = &key.1;
        let picked =
            |numbers: &[f32]| masked.iter().map(|&row| short(numbers[row])).collect::<Vec<_>>();
        let pick = |column| prediction.numbers(column).ok().map(picked);
        let mut at: Vec<usize> = Vec::new();
        for &row in masked {
            match &mut *at {
                [.., start, n] if *start + *n == row => *n += 1,
                _ => at.extend([row, 1]),
            }
        }
        let guess = prediction.ids(Column::Choice).or_else(|_| prediction.ids(Column::Argmax)).ok();
        let guess: Option<Vec<TokenId>> =
            guess.map(|ids| masked.iter().map(|&row| ids[row]).collect());
        let candidates = prediction.ranked(Column::TopK).ok().map(|ranked| {
            let row = |&row: &usize| {
                let kept = ranked.row(row).iter();
                kept.flat_map(|&(id, p)| [f64::from(id), short(p).unwrap_or(0.0)]).collect()
            };
            masked.iter().map(row).collect::<Vec<Vec<f64>>>()
        });
        self.used.extend(guess.iter().flatten());
        for row in masked {
            self.used.extend(prediction.top_k(*row).iter().map(|&(id, _)| id));
        }
        self.predictions.push(Columns {
            at,
            guess,
            p: prediction.confidences().map(picked),
            p_eos: pick(Column::PEos),
            entropy: pick(Column::Entropy),
            margin: pick(Column::Margin),
            candidates,
        });
        let place = self.predictions.len() - 1;
        self.predicted.insert(key, place);
        place
    }

    /// An edit in words; tokens by number, since texts are not harmless yet.
    fn told(&mut self, edit: &Edit, before: Option<&Node>) -> String {
        let at = |slot: Slot| match before.and_then(|node| node.canvas.position(slot)) {
            Some(position) => format!("position {position}"),
            None => format!("slot #{}", slot.0),
        };
        match *edit {
            Edit::Fill { slot, token } => format!("token {token} written at {}", at(slot)),
            Edit::Replace { slot, token } => format!("{} replaced by token {token}", at(slot)),
            Edit::Remask { slot } => format!("{} taken back", at(slot)),
            Edit::Expand { slot, n } => format!("{} expanded into {n}", at(slot)),
            Edit::Append { n, .. } => format!("{n} appended"),
            Edit::Insert { slot, n } => format!("{n} inserted before {}", at(slot)),
            Edit::Wish { slot, wish } => {
                let pinned = if wish.pinned { "pinned" } else { "not pinned" };
                let expand = match wish.expand {
                    None => "",
                    Some(true) => ", to be expanded",
                    Some(false) => ", never expanded",
                };
                format!("{} {pinned}{expand}", at(slot))
            }
            Edit::Veto { slot, token, on } => {
                let what = if on { "forbidden" } else { "allowed" };
                format!("token {token} {what} at {}", at(slot))
            }
            Edit::Delete { slot } => format!("{} removed", at(slot)),
            Edit::Truncate { length } => format!("cut to {length}"),
        }
    }

    fn texts(&self) -> BTreeMap<TokenId, Text> {
        let vocabulary = &self.recording.vocabulary;
        let text = |id: TokenId| match vocabulary.piece(id)? {
            Piece::Text(text) => Some(Text::Whole(text)),
            Piece::Bytes(b) => Some(Text::Part { b }),
            Piece::Control(n) => Some(Text::Name { n }),
        };
        self.used.iter().filter_map(|&id| Some((id, text(id)?))).collect()
    }
}

/// What turns one list of cells into another: a piece replaced, and tokens of cells that stay.
fn changes(before: &[Cell], after: &[Cell]) -> (Option<Splice>, Vec<usize>) {
    let same = |a: &Cell, b: &Cell| a.slot == b.slot;
    let head = before.iter().zip(after).take_while(|(a, b)| same(a, b)).count();
    let (rest, others) = (&before[head..], &after[head..]);
    let tail = rest.iter().rev().zip(others.iter().rev()).take_while(|(a, b)| same(a, b)).count();
    let (gone, come) = (&rest[..rest.len() - tail], &others[..others.len() - tail]);
    let splice = (!gone.is_empty() || !come.is_empty()).then(|| Splice {
        at: head,
        gone: gone.len(),
        slots: come.iter().map(|cell| cell.slot.0).collect(),
        tokens: come.iter().map(|cell| cell.token).collect(),
        from: come.iter().map(origin).collect(),
    });
    let kept = (0..head).map(|at| (at, &before[at])).chain((0..tail).map(|back| {
        let at = after.len() - tail + back;
        (at, &before[before.len() - tail + back])
    }));
    let set = kept
        .filter(|&(at, was)| was.token != after[at].token)
        .flat_map(|(at, _)| [at, after[at].token as usize])
        .collect();
    (splice, set)
}

/// Where a cell came from: the slot it was expanded from, or −1 for the first canvas, −2 for the
/// tail, −3 for a hand.
fn origin(cell: &Cell) -> i64 {
    match cell.born {
        Born::Start => -1,
        Born::Appended { .. } => -2,
        Born::ByHand { .. } => -3,
        Born::Inserted { from, .. } => i64::from(from.0),
    }
}

/// Four significant digits; never rounded up to certainty.
fn short(p: f32) -> Option<f64> {
    if !p.is_finite() {
        return None;
    }
    let rounded: f64 = format!("{p:.3e}").parse().ok()?;
    Some(if rounded >= 1.0 && p < 1.0 { 0.9999 } else { rounded })
}

/// A verdict's sentence with `\u{1}` in the place of the position's own numbers, and these.
fn sentence(verdict: &Verdict) -> (String, Vec<Number>) {
    let text = verdict.to_string();
    let mut own: Vec<f32> = match *verdict {
        Verdict::Written | Verdict::Grown { .. } | Verdict::Unrecorded => Vec::new(),
        Verdict::Fill { p, rule, .. } => match rule {
            FillRule::Passes(test) | FillRule::Best(test) => vec![test.value, test.bound, p],
            _ => vec![p],
        },
        Verdict::Remask { p, rule, .. } => match rule {
            RemaskRule::Fails(test) => vec![test.value],
            RemaskRule::Drawn { .. } | RemaskRule::Unrecorded => p.into_iter().collect(),
        },
        Verdict::Expand { p, .. } | Verdict::Forced { p, .. } | Verdict::Refused { p, .. } => {
            vec![p]
        }
        Verdict::Left { p, rule } => match rule {
            LeftRule::Fails(test) => vec![test.value, test.bound, p],
            _ => vec![p],
        },
    };
    let (mut template, mut numbers, mut rest) = (String::new(), Vec::new(), text.as_str());
    // The earliest in the text first: that is the order they are put back in.
    loop {
        let found = own.iter().enumerate().filter_map(|(at, value)| {
            let shown = crate::decode::P(*value).to_string();
            Some((rest.find(&shown)?, at, shown))
        });
        let Some((start, at, shown)) = found.min_by_key(|(start, ..)| *start) else { break };
        template.push_str(&rest[..start]);
        template.push('\u{1}');
        rest = &rest[start + shown.len()..];
        numbers.push(number(shown));
        own.remove(at);
    }
    template.push_str(rest);
    (template, numbers)
}

/// A shown number as one that the player shows alike, or as its text.
fn number(shown: String) -> Number {
    // What the player does: toFixed and toExponential.
    let again = |p: f64| match p {
        p if p > 0.999 && p < 1.0 => format!("{p:.6}"),
        p if p != 0.0 && p < 0.001 => format!("{p:.1e}"),
        p if p < 0.1 => format!("{p:.4}"),
        p => format!("{p:.3}"),
    };
    match shown.parse() {
        Ok(p) if again(p) == shown => Number::Value(p),
        _ => Number::Text(shown),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        canvas::{Filler, SpecialTokens},
        decode::{Measure, Test},
    };

    proptest! {
        /// What the player does with a change gives the canvas it was made from.
        #[test]
        fn changes_give_the_canvas_again(picks in prop::collection::vec((0..7u8, any::<prop::sample::Index>(), 0..4usize), 0..12)) {
            let special = SpecialTokens { mask: 0, eos: 1 };
            let before = Canvas::masked(vec![], 8, special);
            let before = before.apply(&[Edit::Fill { slot: Slot(3), token: 7 }], 1).unwrap().canvas;
            let mut after = before.clone();
            for (kind, index, n) in picks {
                if after.is_empty() {
                    break;
                }
                let slot = after.cells()[index.index(after.len())].slot;
                let edit = match kind {
                    0 => Edit::Fill { slot, token: 9 },
                    1 => Edit::Remask { slot },
                    2 => Edit::Expand { slot, n },
                    3 => Edit::Append { n, filler: Filler::Eos },
                    4 => Edit::Insert { slot, n },
                    5 => Edit::Delete { slot },
                    _ => Edit::Truncate { length: after.len().saturating_sub(n.min(2)) },
                };
                if let Ok(applied) = after.apply(&[edit], 2) {
                    after = applied.canvas;
                }
            }
            let (splice, set) = changes(before.cells(), after.cells());
            let mut cells: Vec<(u32, TokenId)> =
                before.cells().iter().map(|cell| (cell.slot.0, cell.token)).collect();
            if let Some(splice) = splice {
                let come = splice.slots.into_iter().zip(splice.tokens);
                cells.splice(splice.at..splice.at + splice.gone, come);
            }
            for pair in set.chunks(2) {
                cells[pair[0]].1 = pair[1] as TokenId;
            }
            let expected: Vec<(u32, TokenId)> =
                after.cells().iter().map(|cell| (cell.slot.0, cell.token)).collect();
            prop_assert_eq!(cells, expected);
        }
    }

    #[test]
    fn sentences_are_told_apart_from_their_numbers() {
        let check = |verdict: Verdict, template: &str, numbers: &[Number]| {
            let (sentence, found) = sentence(&verdict);
            assert_eq!((sentence.as_str(), &*found), (template, numbers));
        };
        let value = Number::Value;
        let rule = LeftRule::NotConfident { threshold: 0.9, best: Some((41, 0.88)) };
        check(
            Verdict::Left { p: 0.31, rule },
            "left: \u{1} is not > τ_high 0.900; best of the block is 41 with 0.880",
            &[value(0.31)],
        );
        let rule = FillRule::Passes(Test { measure: Measure::Rank, value: 0.95, bound: 0.5 });
        check(
            Verdict::Fill { token: 1, p: 0.95, rule },
            "filled: \u{1} ≥ 1 − f/(n+1) = \u{1}",
            &[value(0.95), value(0.5)],
        );
        let rule = LeftRule::Stage;
        check(Verdict::Left { p: 0.1, rule }, "left: stage 1 only adjusts the length", &[]);
        let rule = LeftRule::Quota { rank: 3, quota: 2 };
        check(
            Verdict::Left { p: f32::NAN, rule },
            "left: \u{1} is rank 3, 2 are filled",
            &[Number::Text("–".to_owned())],
        );
    }

    #[test]
    fn numbers_keep_four_digits_and_never_become_certain() {
        for (p, expected) in [
            (0.123_456, Some(0.1235)),
            (0.999_999, Some(0.9999)),
            (1.0, Some(1.0)),
            (0.000_012_345, Some(0.000_012_35)),
            (f32::NAN, None),
        ] {
            let found = short(p);
            assert!(
                found == expected
                    || found.zip(expected).is_some_and(|(a, b)| (a / b - 1.0).abs() < 1e-3),
                "{p}: {found:?}"
            );
        }
    }
}
