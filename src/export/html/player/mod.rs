//! What the player is given: the tree of a recording in compact columns, as JSON.
//!
//! A canvas is told by what changed from its parent's, a reason by a sentence that many positions
//! share and the numbers that differ, a prediction by its masked positions alone. Token texts are
//! as recorded: the player escapes them, as it joins parts of characters first.

mod changes;
mod data;
mod sentence;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

pub(super) use self::data::Player;
use self::{
    changes::changes,
    data::{Decided, PlayerBranch, PlayerModel, PlayerNode, PlayerPrediction, PlayerText},
    sentence::{sentence, short},
};
use crate::{
    canvas::{Canvas, Cells, Edit, Slot, TokenId},
    decode::{Decision, PositionEffect, Verdict},
    escape,
    export::walk::{AfterCanvas, RecordingWalk, Trajectory},
    predict::{COLUMNS, Column, ColumnKind, ColumnSpec, Piece, Prediction, Vocabulary},
    session::{Node, NodeId, NodeOrigin, Step},
    trace::Recording,
};

impl Player {
    /// What a recording called `file` comes to, to be opened at a step of the branch left last.
    pub fn of(file: &str, recording: &Recording, step: usize) -> Self {
        let walk = RecordingWalk::new(recording);
        let trajectories = walk.trajectories();
        let mut making = PlayerBuilder::new(recording, &trajectories);
        let live: Vec<NodeId> = making.places.keys().copied().collect();
        let nodes = live.iter().map(|&id| making.point(&walk, id)).collect();
        let branches = trajectories.iter().map(|one| making.branch(&walk, one)).collect();
        let header = &recording.header;
        Self {
            file: file.to_owned(),
            model: PlayerModel {
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
            numbers: shown()
                .map(|(spec, label)| (spec.name, label, spec.kind == ColumnKind::Probability))
                .collect(),
            predictions: making.predictions,
            nodes,
            branches,
            branch: trajectories.iter().position(|one| one.current).unwrap_or(0),
            step,
        }
    }
}

/// The columns that are shown of a position beside its confidence, and what they are called there.
fn shown() -> impl Iterator<Item = (&'static ColumnSpec, &'static str)> {
    let shown = COLUMNS.iter().filter_map(|spec| Some((spec, spec.label?)));
    shown.filter(|(spec, _)| spec.column != Column::PChoice)
}

/// What is gathered on the way.
struct PlayerBuilder<'a> {
    recording: &'a Recording,
    /// Live nodes by number.
    places: BTreeMap<NodeId, usize>,
    phases: Vec<&'static str>,
    words: Vec<(&'static str, String)>,
    known: HashMap<(&'static str, String), usize>,
    predictions: Vec<PlayerPrediction>,
    /// By the prediction's address, which stays its own while it is held, and the masked positions.
    predicted: HashMap<(usize, Vec<usize>), (Arc<Prediction>, usize)>,
    used: BTreeSet<TokenId>,
}

impl<'a> PlayerBuilder<'a> {
    fn new(recording: &'a Recording, trajectories: &[Trajectory]) -> Self {
        let live: BTreeSet<NodeId> =
            trajectories.iter().flat_map(|one| one.path.iter().copied()).collect();
        let written = ("written", Verdict::Unchanged.to_string());
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

    fn branch(&mut self, walk: &RecordingWalk, trajectory: &Trajectory) -> PlayerBranch {
        let tip = trajectory.path.last().map(std::slice::from_ref).unwrap_or_default();
        let last = walk.moments(tip).last();
        let prediction = last.as_ref().and_then(|last| last.prediction.as_ref());
        let canvas = last.as_ref().map(|last| &last.node.canvas);
        PlayerBranch {
            name: trajectory.name.clone(),
            path: trajectory.path.iter().filter_map(|id| self.places.get(id).copied()).collect(),
            prediction: prediction.zip(canvas).map(|(found, canvas)| self.columns(found, canvas)),
            finish: last.and_then(|last| match last.next {
                AfterCanvas::End(finish) => finish.map(|finish| finish.name()),
                AfterCanvas::Step(_) | AfterCanvas::Edit => None,
            }),
        }
    }

    fn point(&mut self, walk: &RecordingWalk, id: NodeId) -> PlayerNode {
        let recorded = &self.recording.recorded;
        let node = self.node(id);
        let phase = recorded.strategy.phase(&node.canvas, &node.state, &node.params);
        let parent = node.parent.map(|parent| (parent, self.node(parent)));
        let none = Cells::default();
        let before = parent.map_or(&none, |(_, parent)| parent.canvas.cells());
        let after = node.canvas.cells();
        self.used.extend(after.iter().map(|cell| cell.token));
        let (splice, set) = changes(before, after);
        let prompt = parent.is_none().then(|| node.canvas.prompt().to_vec());
        let suffix = if parent.is_none() { node.canvas.suffix().to_vec() } else { Vec::new() };
        self.used.extend(prompt.iter().flatten().chain(&suffix));
        let made = match &node.made {
            NodeOrigin::Step(step) => {
                let canvas = parent.map_or(&node.canvas, |(_, parent)| &parent.canvas);
                Some(self.decided(walk, (id, step), canvas))
            }
            NodeOrigin::Start | NodeOrigin::Edit(_) => None,
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
        let notes = recorded
            .timeline
            .notes_at(id)
            .filter_map(|(slot, text)| Some((node.canvas.position(slot)?, escape::one_line(text))));
        PlayerNode {
            parent: parent.and_then(|(parent, _)| self.places.get(&parent).copied()),
            prompt,
            suffix,
            nfe: node.steps,
            stage: phase.stage,
            phase: phase_at,
            block: phase.block.map(|block| (block.start, block.end)),
            splice,
            set,
            params: values.map(|(at, (_, value))| (at, value.to_string())).collect(),
            mark: recorded.timeline.bookmark(id).map(str::to_owned),
            notes: notes.collect(),
            made,
            edits: node.edits().map(|edits| {
                edits.iter().map(|edit| self.told(edit, parent.map(|(_, node)| node))).collect()
            }),
        }
    }

    fn decided(
        &mut self,
        walk: &RecordingWalk,
        (id, step): (NodeId, &Step),
        canvas: &Canvas,
    ) -> Decided {
        let decision: &Decision = &walk.decision(id).unwrap_or_else(|| step.decision.clone());
        let (mut why, mut values) = (Vec::new(), Vec::new());
        for verdict in &decision.verdicts {
            let effect = verdict.effect();
            self.used.extend(effect.into_iter().flat_map(PositionEffect::tokens));
            let (sentence, numbers) = sentence(verdict);
            values.extend(numbers);
            let entry = (effect.map_or(verdict.name(), PositionEffect::name), sentence);
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
    fn columns(&mut self, prediction: &Arc<Prediction>, canvas: &Canvas) -> usize {
        let rows = prediction.rows().min(canvas.len());
        let masked: Vec<usize> = (0..rows).filter(|&row| canvas.is_masked(row)).collect();
        let key = (Arc::as_ptr(prediction).addr(), masked);
        if let Some(&(_, known)) = self.predicted.get(&key) {
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
        self.predictions.push(PlayerPrediction {
            at,
            guess,
            p: prediction.confidences().map(picked),
            numbers: shown()
                .filter_map(|(spec, _)| Some((spec.name, pick(spec.column)?)))
                .collect(),
            candidates,
        });
        let place = self.predictions.len() - 1;
        self.predicted.insert(key, (prediction.clone(), place));
        place
    }

    /// An edit in words; tokens by number, since texts are not escaped yet.
    fn told(&mut self, edit: &Edit, before: Option<&Node>) -> String {
        let at = |slot: Slot| match before.and_then(|node| node.canvas.position(slot)) {
            Some(position) => format!("position {position}"),
            None => format!("slot #{}", slot.0),
        };
        match *edit {
            Edit::Fill { slot, token } => format!("token {token} put at {}", at(slot)),
            Edit::Replace { slot, token } => format!("{} replaced by token {token}", at(slot)),
            Edit::Remask { slot } => format!("{} remasked", at(slot)),
            Edit::Expand { slot, n } => format!("{} expanded into {n}", at(slot)),
            Edit::Append { n, .. } => format!("{n} appended"),
            Edit::Split { slot, n } | Edit::Insert { slot, n } => {
                format!("{n} inserted before {}", at(slot))
            }
            Edit::Override { slot, overridden } => {
                let pinned = if overridden.pinned { "pinned" } else { "not pinned" };
                let expand = match overridden.expand {
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

    fn texts(&self) -> BTreeMap<TokenId, PlayerText> {
        let vocabulary = &self.recording.vocabulary;
        let text = |id: TokenId| match vocabulary.piece(id)? {
            Piece::Text(text) => Some(PlayerText::Whole(text)),
            Piece::Bytes(b) => Some(PlayerText::Part { b }),
            Piece::Control(n) => Some(PlayerText::Name { n }),
        };
        self.used.iter().filter_map(|&id| Some((id, text(id)?))).collect()
    }
}
