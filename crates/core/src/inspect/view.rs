//! What is known at a node, by name: the step that led there, the prediction that it was decided on,
//! the canvas that it left and the prediction on that.

use std::{cell::OnceCell, collections::HashMap, sync::Arc};

use super::{
    eos,
    language::{Index, Name, NameKind, NameValue, NamedValues, Reads, Use, When},
    order::OrderMeasures,
};
use crate::{
    canvas::{Canvas, Cell, Origin, Slot, TokenId},
    decode::{self, Decision, Finish, Mode, ParamRole, Params, PositionEffect},
    predict::{Column, Piece, Prediction, Vocabulary},
    session::{Node, NodeId, Pending, Session},
};

/// What the model thought of a slot at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thought {
    /// Steps and edits made before.
    pub step: usize,
    /// The token it would have chosen.
    pub token: Option<TokenId>,
    /// The probability of that token, 0..=1.
    pub p: Option<f32>,
    /// The place of that token's confidence among the masked positions, from 1.
    pub rank: Option<usize>,
}

/// The node that the step made from a node led to, on the branch on screen.
fn made_from(session: &Session, at: NodeId) -> Option<NodeId> {
    let timeline = session.timeline();
    let node = &timeline[at];
    // The user's edit may stand before the step that was made elsewhere from here.
    let mut children = node.next.into_iter().chain(timeline.live(at));
    children.find(|&child| timeline[child].step().is_some())
}

/// The prediction on the canvas of a node, if it is known.
pub fn prediction_at(session: &Session, at: NodeId) -> Option<Arc<Prediction>> {
    if at == session.at()
        && let Pending::Decided { prediction, .. } = session.pending()
    {
        return Some(prediction.clone());
    }
    let made = made_from(session, at).and_then(|made| session.timeline()[made].step());
    let made = made.and_then(|made| session.prediction(made.prediction));
    // The user may have edited instead of stepping.
    made.or_else(|| session.predicted(at))
}

/// The decision that follows a node: what the screen shows as pending there.
fn decision_at(session: &Session, at: NodeId) -> Option<Arc<Decision>> {
    if at == session.at()
        && let Pending::Decided { decision, .. } = session.pending()
    {
        return Some(decision.clone());
    }
    session.decision(made_from(session, at)?)
}

/// What the model would choose at a row, and with what confidence.
fn guess(prediction: &Prediction, row: usize) -> (Option<TokenId>, Option<f32>) {
    (prediction.guess(row), prediction.confidence(row))
}

/// The place of a row's confidence among the open positions, from 1.
fn rank(prediction: &Prediction, canvas: &Canvas, row: usize) -> Option<usize> {
    // The column once, not row by row: this is asked for every step of a branch.
    let p = prediction.confidences()?;
    let own = *p.get(row)?;
    let mask = canvas.special().mask;
    let masked = canvas.cells().iter().zip(p).filter(|(cell, _)| cell.token == mask);
    Some(masked.filter(|&(_, &other)| other > own).count() + 1)
}

/// The moments on the way to a node at which a slot was masked and predicted: the step, the slot's
/// position then, the node and its prediction.
fn looks(
    session: &Session,
    at: NodeId,
    slot: Slot,
) -> impl Iterator<Item = (usize, usize, NodeId, Arc<Prediction>)> + '_ {
    let timeline = session.timeline();
    let mut hint = 0;
    timeline.path(at).into_iter().enumerate().filter_map(move |(step, id)| {
        let canvas = &timeline[id].canvas;
        // It is mostly where it was a step before.
        let same = canvas.cells().get(hint).is_some_and(|cell| cell.slot == slot);
        let position = if same { hint } else { canvas.position(slot)? };
        hint = position;
        if !canvas.is_masked(position) {
            return None;
        }
        Some((step, position, id, prediction_at(session, id)?))
    })
}

/// What the model thought of a slot on the way to a node, as long as it was masked.
pub fn thoughts(session: &Session, at: NodeId, slot: Slot) -> Vec<Thought> {
    looks(session, at, slot)
        .map(|(step, position, id, prediction)| {
            let (token, p) = guess(&prediction, position);
            let rank = rank(&prediction, &session.timeline()[id].canvas, position);
            Thought { step, token, p, rank }
        })
        .collect()
}

/// How often the guess at a slot changed on the way to a node.
fn flips(session: &Session, at: NodeId, slot: Slot) -> usize {
    let guesses = looks(session, at, slot);
    let mut guesses: Vec<TokenId> =
        guesses.filter_map(|(_, position, _, prediction)| guess(&prediction, position).0).collect();
    guesses.dedup();
    guesses.len().saturating_sub(1)
}

/// A canvas with the prediction on it and what was decided on that: one side of a step.
struct StepSide {
    at: NodeId,
    prediction: Option<Arc<Prediction>>,
    decision: Option<Arc<Decision>>,
}

/// A node, as conditions see it.
pub struct View<'a> {
    session: &'a Session,
    vocabulary: &'a dyn Vocabulary,
    at: NodeId,
    decided_on: OnceCell<Option<StepSide>>,
    after: OnceCell<StepSide>,
    before: OnceCell<Option<Box<View<'a>>>>,
}

impl<'a> View<'a> {
    /// Why the run is over there; `None` if it is not.
    fn finish(&self) -> Option<Finish> {
        match self.session.pending() {
            Pending::Done(finish) if self.at == self.session.at() => Some(*finish),
            _ if self.at == self.session.at() => None,
            _ => self.session.finish(self.at),
        }
    }

    /// The view of a node.
    pub fn new(session: &'a Session, vocabulary: &'a dyn Vocabulary, at: NodeId) -> Self {
        Self {
            session,
            vocabulary,
            at,
            decided_on: OnceCell::new(),
            after: OnceCell::new(),
            before: OnceCell::new(),
        }
    }

    fn node(&self) -> &'a Node {
        &self.session.timeline()[self.at]
    }

    /// The parameters there; where one stands, as they are changed.
    fn params(&self) -> &'a Params {
        if self.at == self.session.at() { self.session.params() } else { &self.node().params }
    }

    fn before(&self) -> Option<&Self> {
        let before = self.before.get_or_init(|| {
            let parent = self.node().parent?;
            Some(Box::new(Self::new(self.session, self.vocabulary, parent)))
        });
        before.as_deref()
    }

    /// What the step that led here was decided on; behind the user's edits, the step before them.
    /// `None` at the start of a run.
    fn decided_on(&self) -> Option<&StepSide> {
        let side = self.decided_on.get_or_init(|| {
            let timeline = self.session.timeline();
            let mut path = std::iter::successors(Some(self.at), |&id| timeline[id].parent);
            let (id, step) = path.find_map(|id| Some((id, timeline[id].step()?)))?;
            Some(StepSide {
                at: timeline[id].parent?,
                prediction: self.session.prediction(step.prediction),
                decision: self.session.decision(id),
            })
        });
        side.as_ref()
    }

    /// The canvas here, with what comes next.
    fn after(&self) -> &StepSide {
        self.after.get_or_init(|| StepSide {
            at: self.at,
            prediction: prediction_at(self.session, self.at),
            decision: decision_at(self.session, self.at),
        })
    }

    fn canvas(&self, side: &StepSide) -> &'a Canvas {
        &self.session.timeline()[side.at].canvas
    }

    fn pending(&self) -> Option<&Decision> {
        self.after().decision.as_deref()
    }

    /// The decision of the step that led here.
    fn made(&self) -> Option<Arc<Decision>> {
        self.session.decision(self.at)
    }

    /// A token with its text; control tokens by their name.
    pub(super) fn token(&self, id: TokenId) -> NameValue {
        let text = match self.vocabulary.piece(id) {
            Some(Piece::Text(text) | Piece::Control(text)) => text,
            Some(Piece::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            None => String::new(),
        };
        NameValue::Token { id, text }
    }

    /// Guesses of masked slots.
    fn guesses(&self, side: &StepSide) -> Option<HashMap<Slot, TokenId>> {
        let prediction = side.prediction.as_ref()?;
        let canvas = self.canvas(side);
        let cells = canvas.cells().iter().enumerate();
        let masked = cells.filter(|(_, cell)| cell.token == canvas.special().mask);
        Some(masked.filter_map(|(at, cell)| Some((cell.slot, guess(prediction, at).0?))).collect())
    }

    fn now(&self, used: Use) -> Option<NameValue> {
        let node = self.node();
        let canvas = &node.canvas;
        let count = |n: usize| Some(NameValue::Number(n as f64));
        let truth = |truth: bool| Some(NameValue::Truth(truth));
        let made =
            |read: &dyn Fn(&Decision) -> usize| count(self.made().map_or(0, |made| read(&made)));
        let mode = |mode: Mode| truth(self.made().is_some_and(|made| made.mode == mode));
        let phase = || self.session.strategy().phase(canvas, &node.state, self.params());
        match used.spec.name {
            Name::Step => count(node.depth as usize),
            Name::Stage => count(usize::from(phase().stage)),
            Name::Block => {
                let block = phase().block.filter(|block| !block.is_empty());
                let blocks = self.session.blocks_at(node);
                count(block.map_or(0, |block| blocks.index(block.start) + 1))
            }
            Name::Length => count(canvas.len()),
            Name::Max => count(self.params().count_of(ParamRole::MaxLength)?),
            Name::Masks => count(canvas.masks()),
            Name::ETokens => count(canvas.effective()),
            Name::ERatio => {
                let length = canvas.generated();
                (length > 0).then(|| NameValue::P(canvas.effective() as f32 / length as f32))
            }
            Name::BeforeTail => count(canvas.before_tail()),
            Name::Nfe => count(node.steps as usize),
            Name::TokensPerPass => (node.steps > 0)
                .then(|| NameValue::Number(canvas.effective() as f64 / f64::from(node.steps))),
            Name::OrderTau => OrderMeasures::of(canvas).tau.map(NameValue::Number),
            Name::MeanJump => OrderMeasures::of(canvas).mean_jump.map(NameValue::Number),
            Name::Adjacent => {
                OrderMeasures::of(canvas).adjacent.map(|share| NameValue::P(share as f32))
            }
            Name::TailFirst => {
                OrderMeasures::of(canvas).tail_first.map(|share| NameValue::P(share as f32))
            }
            Name::Text => {
                let mask = canvas.special().mask;
                let tokens = canvas.tokens();
                let written: Vec<TokenId> =
                    tokens[..canvas.tail()].iter().copied().filter(|&id| id != mask).collect();
                Some(NameValue::Text(self.vocabulary.text(&written)))
            }
            Name::Done => {
                let finish = self.finish();
                // Another program's recording may go on, or not say that it is over.
                (finish != Some(Finish::Unrecorded)).then(|| NameValue::Truth(finish.is_some()))
            }
            Name::Finish => {
                Some(NameValue::Text(self.finish().map_or("", Finish::name).to_owned()))
            }
            Name::Token => Some(self.token(cell(canvas, used.index)?.token)),
            Name::Masked => truth(cell(canvas, used.index)?.token == canvas.special().mask),
            Name::InBlock => {
                let position = position(canvas, used.index).filter(|&at| at < canvas.len())?;
                count(self.session.blocks_at(node).index(position) + 1)
            }
            Name::Origin => count(match cell(canvas, used.index)?.origin {
                Origin::Start | Origin::Given => 0,
                Origin::Appended { step }
                | Origin::Inserted { step, .. }
                | Origin::ByHand { step } => step as usize,
            }),
            Name::Set => count(cell(canvas, used.index)?.filled.unwrap_or(0) as usize),
            Name::Filled => made(&|made| made.fills().count()),
            Name::Expanded => made(&|made| made.expansions().count()),
            Name::Remasked => made(&|made| made.remasks().count()),
            Name::Replaced => made(&|made| made.replacements().count()),
            Name::Dropped => made(&|made| made.dropped.len()),
            Name::Appended => made(&|made| {
                made.edits
                    .iter()
                    .map(|edit| match *edit {
                        crate::canvas::Edit::Append { n, .. } => n,
                        _ => 0,
                    })
                    .sum()
            }),
            Name::Mode => Some(NameValue::Text(self.made()?.mode.name().to_owned())),
            Name::Fallback => mode(Mode::Fallback),
            Name::Stuck => mode(Mode::Stuck),
            Name::Edited => truth(node.edits().is_some()),
            Name::FillConf => {
                let made = self.made()?;
                let filled = made.effects().filter_map(|(_, effect)| match effect {
                    PositionEffect::Fill { p, .. } => Some(p),
                    _ => None,
                });
                filled.reduce(f32::min).map(NameValue::P)
            }
            Name::WillFill => count(self.pending()?.fills().count()),
            Name::WillExpand => count(self.pending()?.expansions().count()),
            Name::WillDrop => count(self.pending()?.dropped.len()),
            Name::Param(name) => Some(match self.params().get(name).ok()? {
                text @ (decode::Value::Name(_) | decode::Value::Tokens(_)) => {
                    NameValue::Text(text.to_string())
                }
                number => NameValue::Number(number.as_f64()),
            }),
            // Of a prediction, or of a query's row.
            Name::Conf
            | Name::EosConf
            | Name::EosDensity
            | Name::TailEos
            | Name::Column(_)
            | Name::Guess
            | Name::Flips
            | Name::Flipped
            | Name::Position
            | Name::Slot
            | Name::P
            | Name::Made
            | Name::Was => None,
        }
    }
}

impl View<'_> {
    /// How many positions at the end measures of EOS look at, at most.
    fn eos_window(&self) -> usize {
        self.params().count("eos_check_tokens").unwrap_or(eos::USUAL_WINDOW).max(1)
    }

    /// The value of a name that is read from the prediction on one side of the step.
    fn predicted(&self, used: Use, side: &StepSide) -> Option<NameValue> {
        let canvas = self.canvas(side);
        let number = |column| {
            let prediction = side.prediction.as_ref()?;
            let number = prediction.number(column, position(canvas, used.index)?)?;
            number.is_finite().then_some(number)
        };
        match used.spec.name {
            Name::EosConf => {
                let decided = side.decision.as_ref().and_then(|decision| decision.eos.as_ref());
                let measured =
                    || eos::eos_confidence(side.prediction.as_ref()?, canvas, self.eos_window());
                decided.map(|eos| eos.confidence).or_else(measured).map(NameValue::P)
            }
            Name::EosDensity => eos::density(side.prediction.as_ref()?, canvas).map(NameValue::P),
            Name::TailEos => {
                eos::mean(side.prediction.as_ref()?, self.eos_window()).map(NameValue::P)
            }
            Name::Conf => {
                let p = number(Column::PChoice).or_else(|| number(Column::PArgmax));
                p.map(NameValue::P)
            }
            Name::Column(column) => number(column).map(|number| match used.spec.kind {
                NameKind::Probability => NameValue::P(number),
                _ => NameValue::Number(f64::from(number)),
            }),
            Name::Guess => {
                let prediction = side.prediction.as_ref()?;
                Some(self.token(guess(prediction, position(canvas, used.index)?).0?))
            }
            Name::Flips => {
                let slot = cell(canvas, used.index)?.slot;
                // The guess that counts last is the one of this side.
                if canvas.is_masked(canvas.position(slot)?) {
                    side.prediction.as_ref()?;
                }
                Some(NameValue::Number(flips(self.session, side.at, slot) as f64))
            }
            Name::Flipped => {
                let now = self.guesses(side)?;
                let parent = self.session.timeline()[side.at].parent?;
                let earlier = Self::new(self.session, self.vocabulary, parent);
                let before = earlier.guesses(earlier.after())?;
                let flipped = now.iter().filter(|(slot, token)| {
                    before.get(*slot).is_some_and(|before| before != *token)
                });
                Some(NameValue::Number(flipped.count() as f64))
            }
            _ => None,
        }
    }
}

/// The position that an index names on a canvas.
fn position(canvas: &Canvas, index: Option<Index>) -> Option<usize> {
    match index? {
        Index::Position(position) => Some(position),
        Index::Slot(slot) => canvas.position(slot),
        Index::Own => None,
    }
}

fn cell(canvas: &Canvas, index: Option<Index>) -> Option<Cell> {
    canvas.cells().get(position(canvas, index)?).copied()
}

impl NamedValues for View<'_> {
    fn value(&self, used: Use, when: When) -> Option<NameValue> {
        let view = match when {
            When::Now => self,
            When::Before => self.before()?,
        };
        match used.spec.reads {
            Reads::Prediction if used.after => view.predicted(used, view.after()),
            Reads::Prediction => view.predicted(used, view.decided_on()?),
            _ => view.now(used),
        }
    }
}
