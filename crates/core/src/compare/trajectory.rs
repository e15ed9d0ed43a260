//! Two runs compared step by step: what each did, at corresponding positions.
//!
//! Steps are told by their number from the start of the run, the user's edits among them. Nothing
//! is kept but the correspondence of positions, so that the longest runs take little memory.

use std::{collections::HashMap, sync::Arc};

use super::{Correspondence, Predictions, RunPath};
use crate::{
    canvas::{Canvas, Edit, Filler, Slot, TokenId},
    decode::{Mode, Params, PositionEffect, Value, Verdict},
    predict::Column,
    session::{Node, NodeId},
};

/// What happens to a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChangeKind {
    /// A token is written into a mask.
    Fill(TokenId),
    /// A token is written over another one.
    Replace {
        /// The token that was there.
        was: TokenId,
        /// The one in its place.
        token: TokenId,
    },
    /// The position is remasked.
    Remask,
    /// It becomes so many masks; 0 removes it.
    Expand(usize),
    /// So many masks are put before it, by hand.
    Insert(usize),
    /// It is removed from the canvas.
    Delete,
    /// So many masks (or end-of-sequence tokens) are added at the tail, from this position on.
    Append(usize, Filler),
    /// It and what is behind it are cut off: so many.
    Cut(usize),
}

impl ChangeKind {
    /// By how many positions the length changes.
    pub fn growth(self) -> isize {
        let signed = |n: usize| isize::try_from(n).unwrap_or(isize::MAX);
        match self {
            Self::Fill(_) | Self::Replace { .. } | Self::Remask => 0,
            Self::Expand(n) => signed(n) - 1,
            Self::Insert(n) | Self::Append(n, _) => signed(n),
            Self::Delete => -1,
            Self::Cut(n) => -signed(n),
        }
    }
}

/// Something a run did in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Where, counted before the step; what is added at the tail stands behind the last.
    pub position: usize,
    /// The position in the other run that corresponds, if there is one.
    pub other: Option<usize>,
    /// What is done to the position.
    pub effect: ChangeKind,
    /// Its confidence, where a fill or replacement has one on record, 0..=1.
    pub p: Option<f32>,
    /// True if the other run does the same there in the same step.
    pub alike: bool,
}

/// What a run did in a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepChanges {
    /// What kind of step; `None` for an edit of the user.
    pub mode: Option<Mode>,
    /// What changed, in the order it was done.
    pub changes: Vec<Change>,
    /// The length afterwards, positions.
    pub length: usize,
}

/// A step of both.
#[derive(Debug, Clone, PartialEq)]
pub struct StepPair {
    /// Its number, from 1.
    pub step: usize,
    /// What A did; `None` if it is over.
    pub a: Option<StepChanges>,
    /// What B did; `None` if it is over.
    pub b: Option<StepChanges>,
}

impl StepPair {
    /// True if one does what the other does not.
    pub fn differs(&self) -> bool {
        match (&self.a, &self.b) {
            (Some(a), Some(b)) => a.changes.iter().chain(&b.changes).any(|change| !change.alike),
            (None, None) => false,
            _ => true,
        }
    }
}

/// What a run has to say at the place where two part.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// The position, counted before the step.
    pub position: usize,
    /// What happens to it; `None` if nothing does.
    pub effect: Option<ChangeKind>,
    /// Why, where the strategy says something about it.
    pub verdict: Option<Verdict>,
    /// The model's choice for it with its probability, where it is masked and that is on record.
    pub guess: Option<(TokenId, Option<f32>)>,
}

/// One run's side of the first step that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Parted {
    /// The node before the step; of a run that is over, its end.
    pub before: NodeId,
    /// What kind of step; `None` for an edit, or if the run is over.
    pub mode: Option<Mode>,
    /// True if the run is over.
    pub over: bool,
    /// The position; `None` if this run has none that corresponds.
    pub spot: Option<Spot>,
    /// The EOS confidence and its threshold, where the strategy uses one.
    pub eos: Option<(f32, f32)>,
    /// The length afterwards, positions.
    pub length: usize,
}

/// The first step that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// Its number, from 1.
    pub step: usize,
    /// What A did in that step.
    pub a: Parted,
    /// What B did in that step.
    pub b: Parted,
    /// Parameters of the step that differ.
    pub params: Vec<ParamPair>,
}

/// A parameter that differs. `None` where a strategy does not have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParamPair {
    /// The parameter's name.
    pub name: &'static str,
    /// The value in A.
    pub a: Option<Value>,
    /// The value in B.
    pub b: Option<Value>,
}

/// How the tokens that two runs have written at their ends compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fills {
    /// The same token at corresponding positions, in the same step.
    pub alike: usize,
    /// The same token, in another step.
    pub other_step: usize,
    /// A different token at corresponding positions.
    pub other_token: usize,
    /// Written in A only: no position of B corresponds, or nothing is written there.
    pub only_a: usize,
    /// Written in B only.
    pub only_b: usize,
}

/// What a comparison of two runs comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// True if the first canvases hold the same tokens, prompts included.
    pub same_start: bool,
    /// Steps of the longer run.
    pub steps: usize,
    /// How many of them differ.
    pub differing: usize,
    /// The first of them.
    pub divergence: Option<Divergence>,
    /// What the model said where both stood before the same canvas.
    pub predictions: Predictions,
    /// The tokens at the ends.
    pub fills: Fills,
}

impl Comparison {
    /// True if both start from the same canvas and do the same in every step.
    pub fn equal(&self) -> bool {
        self.same_start && self.differing == 0
    }
}

/// Parameters that differ between two sets, in the order of A's, then B's own.
pub fn params_apart(a: &Params, b: &Params) -> Vec<ParamPair> {
    let of = |params: &Params, name| params.has(name).then(|| params.get(name).ok()).flatten();
    let names = a.iter().map(|(spec, _)| spec.name);
    let own = b.iter().map(|(spec, _)| spec.name).filter(|name| !a.has(name));
    names
        .chain(own)
        .map(|name| ParamPair { name, a: of(a, name), b: of(b, name) })
        .filter(|pair| pair.a != pair.b)
        .collect()
}

/// Compares two runs; `each` is told every step, in order.
pub fn trajectories(a: RunPath, b: RunPath, mut each: impl FnMut(StepPair)) -> Comparison {
    let (path_a, path_b) = (a.session.timeline().path(a.end), b.session.timeline().path(b.end));
    let (own, other) = (Way { run: a, path: &path_a }, Way { run: b, path: &path_b });
    let mut pairs = Correspondence::default();
    pairs.follow(&own.node(0).canvas, &other.node(0).canvas);
    let steps = path_a.len().max(path_b.len()) - 1;
    let mut found = Comparison {
        same_start: same_start(own, other),
        steps,
        differing: 0,
        divergence: None,
        predictions: Predictions::default(),
        fills: Fills::default(),
    };
    for step in 1..=steps {
        let (predicted, others) = (own.predicted(step), other.predicted(step));
        let predicted = predicted.as_ref().map(|(canvas, found)| (*canvas, &**found));
        let others = others.as_ref().map(|(canvas, found)| (*canvas, &**found));
        found.predictions.take(step, predicted, others);
        let pair = step_pair(step, own, other, &pairs);
        if pair.differs() {
            found.differing += 1;
            if found.divergence.is_none() {
                found.divergence = Some(divergence(&pair, own, other));
            }
        }
        each(pair);
        pairs.follow(&own.node(step).canvas, &other.node(step).canvas);
    }
    found.fills = fills(&own.node(steps).canvas, &other.node(steps).canvas, &pairs);
    found
}

/// Whether the first canvases hold the same tokens. Where a run appends block after block, masks that
/// it has not appended yet make no difference.
fn same_start(a: Way, b: Way) -> bool {
    let (from_a, from_b) = (&a.node(0).canvas, &b.node(0).canvas);
    let masks_behind = |of: Way, longer: &Canvas, length: usize| {
        let more = longer.cells().len().checked_sub(length);
        more.is_some_and(|more| more > 0)
            && of.run.session.strategy().appends_blocks()
            && longer.suffix().is_empty()
            && (length..longer.len()).all(|at| longer.is_masked(at))
    };
    let common = from_a.len().min(from_b.len());
    let prompts = from_a.prompt() == from_b.prompt();
    from_a.ids().eq(&from_b.ids())
        || prompts
            && from_a.tokens()[..common] == from_b.tokens()[..common]
            && (masks_behind(a, from_b, from_a.len()) || masks_behind(b, from_a, from_b.len()))
}

/// Marks the masks that a run appends with a block as alike, if the canvas `there` of the other run
/// holds masks from position `next` on already.
fn reached(changes: &mut [(ChangeAnchor, Change)], of: Way, there: &Canvas, next: usize) {
    if !of.run.session.strategy().appends_blocks() {
        return;
    }
    for (_, change) in changes {
        if let ChangeKind::Append(n, Filler::Mask) = change.effect
            && next < there.len()
            && (next..there.len().min(next + n)).all(|at| there.is_masked(at))
        {
            (change.alike, change.other) = (true, Some(next));
        }
    }
}

/// What a change hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChangeAnchor {
    /// A position that was there before the step.
    Slot(Slot),
    /// One that the step itself has made.
    New,
    /// The end of the canvas.
    Tail,
}

/// A run as a list of nodes.
#[derive(Clone, Copy)]
struct Way<'a> {
    run: RunPath<'a>,
    path: &'a [NodeId],
}

impl<'a> Way<'a> {
    /// The node after so many steps; its end, if it is over.
    fn id(self, step: usize) -> NodeId {
        self.path[step.min(self.path.len() - 1)]
    }

    fn node(self, step: usize) -> &'a Node {
        &self.run.session.timeline()[self.id(step)]
    }

    /// The canvas before a step.
    fn canvas(self, step: usize) -> &'a Canvas {
        &self.node(step - 1).canvas
    }

    fn over(self, step: usize) -> bool {
        step >= self.path.len()
    }

    /// The canvas before a step and what was predicted on it, if that is on record.
    fn predicted(self, step: usize) -> Option<(&'a Canvas, Arc<crate::predict::Prediction>)> {
        let made = (!self.over(step)).then(|| self.node(step).step()).flatten()?;
        let prediction = self.run.session.prediction(made.prediction)?;
        Some((&self.node(step - 1).canvas, prediction))
    }

    /// The edits of a step with the positions they name, and their confidences; `at` finds a
    /// slot on the canvas before it.
    fn changes(
        self,
        step: usize,
        at: impl Fn(Slot) -> Option<usize>,
    ) -> Vec<(ChangeAnchor, Change)> {
        if self.over(step) {
            return Vec::new();
        }
        let (before, after) = (self.node(step - 1), self.node(step));
        let decision = self.run.session.decision(self.id(step));
        let decision = decision.as_deref();
        let edits = decision.map_or(after.edits().unwrap_or_default(), |made| &made.edits);
        let mut length = before.canvas.len();
        let mut changes = Vec::new();
        for edit in edits {
            let (slot, effect) = match *edit {
                Edit::Fill { slot, token } => (Some(slot), ChangeKind::Fill(token)),
                Edit::Replace { slot, token } => {
                    let held = at(slot).and_then(|at| before.canvas.cells().get(at));
                    let effect = held.map(|cell| ChangeKind::Replace { was: cell.token, token });
                    // What the step itself has put there was nothing before.
                    (Some(slot), effect.unwrap_or(ChangeKind::Fill(token)))
                }
                Edit::Remask { slot } => (Some(slot), ChangeKind::Remask),
                Edit::Expand { slot, n } => (Some(slot), ChangeKind::Expand(n)),
                Edit::Split { slot, n } | Edit::Insert { slot, n } => {
                    (Some(slot), ChangeKind::Insert(n))
                }
                Edit::Delete { slot } => (Some(slot), ChangeKind::Delete),
                Edit::Append { n, filler } => (None, ChangeKind::Append(n, filler)),
                Edit::Truncate { length: to } if to < length => {
                    (None, ChangeKind::Cut(length - to))
                }
                Edit::Truncate { .. } | Edit::Override { .. } | Edit::Veto { .. } => continue,
            };
            let (anchor, position) = match (slot.map(|slot| (slot, at(slot))), effect) {
                (Some((slot, Some(position))), _) => (ChangeAnchor::Slot(slot), position),
                (Some((slot, None)), _) => {
                    let made = after.canvas.position(slot);
                    (ChangeAnchor::New, made.unwrap_or(before.canvas.len()))
                }
                (None, ChangeKind::Cut(n)) => {
                    (ChangeAnchor::Tail, before.canvas.len().saturating_sub(n))
                }
                (None, _) => (ChangeAnchor::Tail, before.canvas.len()),
            };
            length = length.saturating_add_signed(effect.growth());
            let decided = decision.and_then(|made| made.verdicts.get(position)?.effect());
            let p = match (effect, decided) {
                (ChangeKind::Fill(_), Some(PositionEffect::Fill { p, .. }))
                | (ChangeKind::Replace { .. }, Some(PositionEffect::Replace { p, .. })) => Some(p),
                _ => None,
            };
            let p = p.filter(|p| p.is_finite());
            changes.push((anchor, Change { position, other: None, effect, p, alike: false }));
        }
        changes
    }

    fn did(self, step: usize, changes: Vec<(ChangeAnchor, Change)>) -> Option<StepChanges> {
        (!self.over(step)).then(|| StepChanges {
            mode: self.node(step).step().map(|made| made.decision.mode),
            changes: changes.into_iter().map(|(_, change)| change).collect(),
            length: self.node(step).canvas.len(),
        })
    }
}

/// A place by which changes of two runs are matched: a position of B, or the how-manieth change
/// of what has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum MatchingPlace {
    At(usize),
    Nth(usize),
}

/// The places of changes. Those of the tail and of what is new correspond in their order.
fn places(
    changes: &[(ChangeAnchor, Change)],
    position: impl Fn(&Change) -> Option<usize>,
) -> Vec<Option<MatchingPlace>> {
    let mut nth = 0;
    changes
        .iter()
        .map(|(anchor, change)| match anchor {
            ChangeAnchor::Slot(_) => position(change).map(MatchingPlace::At),
            ChangeAnchor::New | ChangeAnchor::Tail => {
                nth += 1;
                Some(MatchingPlace::Nth(nth))
            }
        })
        .collect()
}

/// What both did in a step, and what of it is alike.
fn step_pair(step: usize, a: Way, b: Way, pairs: &Correspondence) -> StepPair {
    let mut of_a = a.changes(step, |slot| pairs.at_a(slot));
    let mut of_b = b.changes(step, |slot| pairs.at_b(slot));
    // At the tail the position has no slot that changes, but it may have a partner.
    let across =
        |of: Way, change: &Change, found: &dyn Fn(Slot) -> Option<usize>, other: Way| match of
            .node(step - 1)
            .canvas
            .cells()
            .get(change.position)
        {
            Some(cell) => found(cell.slot),
            None => Some(other.node(step - 1).canvas.len()),
        };
    let new = |anchor: &ChangeAnchor| *anchor == ChangeAnchor::New;
    for (_, change) in of_a.iter_mut().filter(|(anchor, _)| !new(anchor)) {
        change.other = across(a, change, &|slot| pairs.in_b(slot), b);
    }
    for (_, change) in of_b.iter_mut().filter(|(anchor, _)| !new(anchor)) {
        change.other = across(b, change, &|slot| pairs.in_a(slot), a);
    }
    let mut by_place: HashMap<MatchingPlace, Vec<usize>> = HashMap::new();
    for (at, place) in places(&of_b, |change| Some(change.position)).into_iter().enumerate() {
        if let Some(place) = place {
            by_place.entry(place).or_default().push(at);
        }
    }
    let places = places(&of_a, |change| change.other);
    for ((_, change), place) in of_a.iter_mut().zip(places) {
        let there = place.and_then(|place| by_place.get(&place)).into_iter().flatten();
        let mut same = there.filter(|&&at| {
            let other = &of_b[at].1;
            other.effect == change.effect && !other.alike
        });
        if let Some(&at) = same.next() {
            (change.alike, of_b[at].1.alike) = (true, true);
        }
    }
    let behind =
        |of: Way, found: &dyn Fn(Slot) -> Option<usize>| match of.canvas(step).cells().last() {
            None => Some(0),
            Some(last) => found(last.slot).map(|at| at + 1),
        };
    if let Some(next) = behind(a, &|slot| pairs.in_b(slot)) {
        reached(&mut of_a, a, b.canvas(step), next);
    }
    if let Some(next) = behind(b, &|slot| pairs.in_a(slot)) {
        reached(&mut of_b, b, a.canvas(step), next);
    }
    StepPair { step, a: a.did(step, of_a), b: b.did(step, of_b) }
}

/// Both sides of a step that differs, at the first position where it does.
fn divergence(pair: &StepPair, a: Way, b: Way) -> Divergence {
    let step = pair.step;
    let changes = |did: &Option<StepChanges>| -> Vec<Change> {
        did.as_ref().map(|did| did.changes.clone()).unwrap_or_default()
    };
    let (of_a, of_b) = (changes(&pair.a), changes(&pair.b));
    let apart = |changes: &[Change]| -> Vec<Change> {
        changes.iter().filter(|change| !change.alike).copied().collect()
    };
    let places_a = apart(&of_a).into_iter().map(|change| (Some(change.position), change.other));
    let places_b = apart(&of_b).into_iter().map(|change| (change.other, Some(change.position)));
    let order = |(a, b): &(Option<usize>, Option<usize>)| {
        let (a, b) = (a.unwrap_or(usize::MAX), b.unwrap_or(usize::MAX));
        (a.min(b), a.max(b))
    };
    let places: Vec<_> = places_a.chain(places_b).collect();
    let first = places.iter().map(order).min();
    // Where each has a position of its own at the same number, both are meant.
    let met = places.iter().filter(|place| Some(order(place)) == first);
    let (at_a, at_b) = met.fold((None, None), |(a, b), place| (a.or(place.0), b.or(place.1)));
    let params = match (a.over(step), b.over(step)) {
        (false, false) => params_apart(&a.node(step).params, &b.node(step).params),
        _ => Vec::new(),
    };
    Divergence { step, a: parted(a, step, at_a, &of_a), b: parted(b, step, at_b, &of_b), params }
}

fn parted(way: Way, step: usize, position: Option<usize>, changes: &[Change]) -> Parted {
    let over = way.over(step);
    let made = (!over).then(|| way.run.session.decision(way.id(step))).flatten();
    let made = made.as_deref();
    let before = &way.node(step - 1).canvas;
    let prediction = way.predicted(step).map(|(_, prediction)| prediction);
    let spot = position.map(|position| Spot {
        position,
        effect: changes.iter().find(|change| change.position == position).map(|made| made.effect),
        verdict: made.and_then(|made| made.verdicts.get(position)).copied(),
        guess: prediction.filter(|_| before.is_masked(position)).and_then(|prediction| {
            let chosen = prediction.id(Column::Choice, position);
            let choice = chosen.or_else(|| prediction.id(Column::Argmax, position))?;
            let p = prediction.number(Column::PChoice, position).filter(|p| p.is_finite());
            Some((choice, p))
        }),
    });
    let eos = made.and_then(|made| made.eos.as_ref());
    Parted {
        before: way.id(step - 1),
        mode: made.map(|made| made.mode),
        over,
        spot,
        eos: eos.map(|eos| (eos.confidence, eos.threshold)),
        length: way.node(step).canvas.len(),
    }
}

/// How what is written at the ends compares.
fn fills(a: &Canvas, b: &Canvas, pairs: &Correspondence) -> Fills {
    let mut found = Fills::default();
    for cell in a.cells().iter().filter(|cell| cell.filled.is_some()) {
        let other = pairs.in_b(cell.slot).and_then(|at| b.cells().get(at));
        match other.filter(|other| other.filled.is_some()) {
            None => found.only_a += 1,
            Some(other) if other.token != cell.token => found.other_token += 1,
            Some(other) if other.filled != cell.filled => found.other_step += 1,
            Some(_) => found.alike += 1,
        }
    }
    let alone = |slot: Slot| {
        let other = pairs.in_a(slot).and_then(|at| a.cells().get(at));
        other.is_none_or(|other| other.filled.is_none())
    };
    let written = b.cells().iter().filter(|cell| cell.filled.is_some());
    found.only_b = written.filter(|cell| alone(cell.slot)).count();
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        canvas::SpecialTokens,
        decode::{Extras, Recipe},
        session::{NodeOrigin, Session, Timeline},
    };

    const SPECIAL: SpecialTokens = SpecialTokens { mask: 1, eos: 2 };

    fn fill(slot: u32, token: TokenId) -> Edit {
        Edit::Fill { slot: Slot(slot), token }
    }

    fn expand(slot: u32, n: usize) -> Edit {
        Edit::Expand { slot: Slot(slot), n }
    }

    fn masks(n: usize) -> Edit {
        Edit::Append { n, filler: Filler::Mask }
    }

    /// A run of such edits, a list a step, from `length` masks.
    fn run(length: usize, steps: &[&[Edit]]) -> Session {
        run_of("daedal", length, steps)
    }

    fn run_of(strategy: &str, length: usize, steps: &[&[Edit]]) -> Session {
        let recipe = Recipe::parse(strategy).unwrap();
        let params = Arc::new(recipe.params(&[]).unwrap());
        let (_, state) = recipe.strategy.start(&(&[0]).into(), SPECIAL, &params).unwrap();
        let mut canvas = Arc::new(Canvas::masked([0], length, SPECIAL));
        let mut timeline = Timeline::default();
        let mut at = timeline.add_root(canvas.clone(), state.clone(), params.clone());
        for (step, edits) in steps.iter().enumerate() {
            canvas = Arc::new(canvas.apply(edits, step as u32 + 1).unwrap().canvas);
            let made = NodeOrigin::Edit(edits.to_vec().into());
            at = timeline.add(at, canvas.clone(), state.clone(), params.clone(), made);
        }
        Session::over(recipe.strategy, Extras::NONE, timeline, at, HashMap::new())
    }

    /// Where they part: the step and the position of each; the same from both sides.
    fn parting(a: &Session, b: &Session) -> Option<(usize, Option<usize>, Option<usize>)> {
        let place = |parted: &Parted| parted.spot.as_ref().map(|spot| spot.position);
        let held = |a, b| trajectories(RunPath::here(a), RunPath::here(b), |_| {}).divergence;
        let found = held(a, b).map(|found| (found.step, place(&found.a), place(&found.b)));
        let swapped = held(b, a).map(|found| (found.step, place(&found.b), place(&found.a)));
        assert_eq!(found, swapped);
        found
    }

    #[test]
    fn runs_part_at_the_first_step_that_differs() {
        let one = &[fill(0, 5)][..];
        for (a, b, expected) in [
            (&[][..], &[][..], None),
            (&[one], &[one], None),
            (&[one, &[fill(3, 6)]], &[one, &[fill(3, 7)]], Some((2, Some(3), Some(3)))),
            // The first place, whoever does something there.
            (&[&[fill(3, 6)]], &[&[fill(2, 6), fill(3, 6)]], Some((1, Some(2), Some(2)))),
            // In the same step it does not matter in which order.
            (&[&[fill(3, 6), fill(1, 6)]], &[&[fill(1, 6), fill(3, 6)]], None),
            (&[one], &[one, &[]], Some((2, None, None))),
            (&[&[masks(2)]], &[&[masks(3)]], Some((1, Some(4), Some(4)))),
            // Behind an insertion of one, positions correspond all the same.
            (&[&[expand(1, 3)], &[fill(3, 6)]], &[&[], &[fill(3, 6)]], Some((1, Some(1), Some(1)))),
            (&[&[masks(1), fill(4, 5)]], &[&[masks(1), fill(4, 5)]], None),
            (&[&[masks(1), fill(4, 5)]], &[&[masks(1), fill(4, 6)]], Some((1, Some(4), Some(4)))),
            // Several edits of one position.
            (
                &[one, &[Edit::Remask { slot: Slot(0) }, fill(0, 6)]],
                &[one, &[Edit::Remask { slot: Slot(0) }, fill(0, 6)]],
                None,
            ),
            (&[&[Edit::Truncate { length: 2 }]], &[&[]], Some((1, Some(2), Some(2)))),
        ] {
            assert_eq!(parting(&run(4, a), &run(4, b)), expected, "{a:?} {b:?}");
        }
    }

    #[test]
    fn what_an_insertion_moves_is_alike() {
        let a = run(4, &[&[expand(1, 3)], &[fill(3, 6)], &[fill(2, 7)]]);
        let b = run(4, &[&[], &[fill(3, 6)], &[fill(2, 8)]]);
        let mut alike = Vec::new();
        let found = trajectories(RunPath::here(&a), RunPath::here(&b), |pair| {
            let changes = pair.a.iter().flat_map(|did| &did.changes);
            alike.extend(changes.map(|change| (change.position, change.other, change.alike)));
        });
        // The second position is wherever the first of the three stands for it.
        assert_eq!(alike, [(1, Some(1), false), (5, Some(3), true), (4, Some(2), false)]);
        let fills = Fills { alike: 1, other_token: 1, ..Fills::default() };
        assert_eq!((found.differing, found.fills), (2, fills));
    }

    #[test]
    fn masks_that_no_step_has_reached_make_no_difference() {
        let steps: &[&[Edit]] = &[&[fill(0, 5)], &[fill(1, 6), masks(2)], &[fill(3, 7)]];
        let whole: &[&[Edit]] = &[&[fill(0, 5)], &[fill(1, 6)], &[fill(3, 7)]];
        let blocks = || run_of("sdar", 2, steps);
        let equal = |a: &Session, b: &Session| {
            let [here, there] = [(a, b), (b, a)]
                .map(|(a, b)| trajectories(RunPath::here(a), RunPath::here(b), |_| {}));
            assert_eq!(here.equal(), there.equal());
            here.equal()
        };
        assert!(equal(&blocks(), &run(4, whole)));
        assert!(equal(&blocks(), &run(9, whole)));
        // A strategy that decides on the length itself begins with another one.
        assert!(!equal(&run(2, steps), &run(4, whole)));
        // What is appended here is not there: it was cut off, or written before it was reached.
        assert!(!equal(&blocks(), &run(2, &[whole[0], whole[1]])));
        let early: &[&[Edit]] = &[&[fill(0, 5), fill(3, 7)], &[fill(1, 6)], &[]];
        assert!(!equal(&blocks(), &run(4, early)));
        // Of two that append, one does so a step later.
        let late: &[&[Edit]] = &[&[fill(0, 5)], &[fill(1, 6)], &[masks(2)], &[fill(3, 7)]];
        assert!(!equal(&blocks(), &run_of("sdar", 2, late)));
    }

    #[test]
    fn growths_add_up() {
        for (effect, by) in [
            (ChangeKind::Fill(5), 0),
            (ChangeKind::Remask, 0),
            (ChangeKind::Expand(8), 7),
            (ChangeKind::Expand(0), -1),
            (ChangeKind::Insert(2), 2),
            (ChangeKind::Append(3, Filler::Eos), 3),
            (ChangeKind::Delete, -1),
            (ChangeKind::Cut(4), -4),
        ] {
            assert_eq!(effect.growth(), by, "{effect:?}");
        }
    }
}
