//! Strategies of a fixed length, filled block after block: what they share.
//!
//! A canvas of `gen_length` masks is cut into blocks. A step may fill masked positions up to the
//! end of the block in work, those left over in earlier blocks too; a rule says which. A block
//! ends after a number of passes or when it is full, as the rule says.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decision, DecodeError, Extras, FillRule, Finish, Growth, LeftRule, Mode, ParamSpec, Params,
    Phase, Plan, Preset, State as AnyState, Strategy, Value, Verdict, ask::Ask, klass::Memory,
    noise::Place,
};
use crate::{
    canvas::{Canvas, Edit, SpecialTokens, TokenId},
    predict::{Column, Prediction},
};

/// Steps that change nothing before a run that draws at random is given up: the reference would
/// go on for ever.
pub(super) const IDLE: u32 = 64;

/// The longest canvas on which all whole numbers are tried for one that changes a step.
const SHORT: usize = 256;

/// What is remembered between steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// First position of the block in work; at or past the length when all blocks are done.
    pub cursor: usize,
    /// Steps made in it.
    pub step: usize,
    /// Masks in it when it began.
    pub masks: usize,
    /// Steps since one changed the canvas or what is remembered, if none is planned without effect.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle: u32,
    /// No later step can change anything, or there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
    /// What else a rule remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

pub(super) fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Why a run ends before its blocks are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Steps change nothing any more: the reference would never end.
    Stagnant,
    /// The schedule has no step left: the reference would fail.
    OutOfSteps,
}

/// Length and blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Positions.
    pub length: usize,
    /// Positions of a block; the last may be shorter.
    pub block: usize,
}

impl Shape {
    /// Number of blocks, at least 1.
    pub(super) fn blocks(self) -> usize {
        self.length.div_ceil(self.block.max(1)).max(1)
    }
}

/// When a block ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// After this many passes, masks left or not.
    After(usize),
    /// When no mask is left in it; the run cannot go on after `limit` passes.
    Full {
        /// Passes there are.
        limit: Option<usize>,
    },
}

/// What a rule goes by.
pub(super) struct Sight<'a> {
    pub canvas: &'a Canvas,
    pub state: State,
    /// Open positions up to the end of the block, in order.
    pub candidates: Vec<usize>,
    /// Tokens chosen, one a generated position.
    pub choice: &'a [TokenId],
    /// Their probabilities.
    pub p: &'a [f32],
    pub prediction: &'a Prediction,
}

impl Sight<'_> {
    /// The candidates by a score, greatest first, in order of positions among equals.
    pub(super) fn ranked(&self, score: impl Fn(usize) -> f64) -> Vec<usize> {
        let mut ranked = self.candidates.clone();
        ranked.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
        ranked
    }

    /// Where this step draws its position noise.
    pub(super) fn place(&self, seed: u64) -> Place {
        Place { seed, round: self.state.cursor as u64, step: self.state.step as u64 }
    }
}

/// Which candidates are filled, and why the others are not.
pub(super) struct Picks {
    pub mode: Mode,
    pub filled: Vec<(usize, FillRule)>,
    pub left: Vec<(usize, LeftRule)>,
}

impl Picks {
    /// The first `quota` of `ranked`.
    pub(super) fn quota(ranked: &[usize], quota: usize) -> Self {
        let rank = |(index, &at): (usize, &usize)| (at, index + 1);
        let (filled, left) = ranked.split_at(quota.min(ranked.len()));
        Self {
            mode: Mode::Quota,
            filled: filled
                .iter()
                .enumerate()
                .map(rank)
                .map(|(at, rank)| (at, FillRule::Quota { rank, quota }))
                .collect(),
            left: left
                .iter()
                .enumerate()
                .map(rank)
                .map(|(at, rank)| (at, LeftRule::Quota { rank: rank + quota, quota }))
                .collect(),
        }
    }
}

/// What tells one strategy of this kind from another.
pub(super) trait Rule: Send + Sync {
    /// As [`Strategy::name`].
    fn name(&self) -> &'static str;

    /// As [`Strategy::params`].
    fn params(&self) -> &'static [ParamSpec];

    /// As [`Strategy::presets`].
    fn presets(&self) -> &'static [Preset] {
        &[]
    }

    /// Whether a run may start so: what the source refuses is refused.
    ///
    /// # Errors
    /// [`DecodeError::Unfit`] if parameters do not go together.
    fn check(&self, _params: &Params) -> Result<(), DecodeError> {
        Ok(())
    }

    /// Length and blocks.
    ///
    /// # Errors
    /// If a parameter is missing.
    fn shape(&self, params: &Params) -> Result<Shape, DecodeError>;

    /// What a pass is asked for.
    ///
    /// # Errors
    /// If a parameter is missing.
    fn ask(&self, canvas: &Canvas, params: &Params, state: &State) -> Result<Ask, DecodeError>;

    /// When a block that began with `masks` masks ends.
    ///
    /// # Errors
    /// If a parameter is missing.
    fn ends(&self, params: &Params, masks: usize) -> Result<Ends, DecodeError>;

    /// True if a step that changed nothing may be followed by one that does, since it draws anew.
    ///
    /// # Errors
    /// If a parameter is missing.
    fn draws(&self, params: &Params) -> Result<bool, DecodeError>;

    /// What to fill.
    ///
    /// # Errors
    /// If the prediction lacks a column.
    fn pick(&self, sight: &Sight, params: &Params) -> Result<Picks, DecodeError>;

    /// What to remember for the next step.
    ///
    /// # Errors
    /// If the prediction lacks a column.
    fn remember(&self, _sight: &Sight, _params: &Params) -> Result<Option<Memory>, DecodeError> {
        Ok(None)
    }

    /// True if what is remembered has not changed in anything that [`Rule::pick`] reads, so that
    /// the same canvas will be decided on as before.
    ///
    /// # Errors
    /// If a parameter is missing.
    fn settled(
        &self,
        _before: Option<&Memory>,
        _after: Option<&Memory>,
        _params: &Params,
    ) -> Result<bool, DecodeError> {
        Ok(true)
    }

    /// Values of a number with fractions at which [`Rule::pick`] or [`Rule::remember`] may change,
    /// as [`Strategy::breaks`].
    ///
    /// # Errors
    /// As [`Rule::pick`].
    fn breaks(
        &self,
        _name: &str,
        _sight: &Sight,
        _params: &Params,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        Ok(None)
    }
}

/// A strategy made of a rule.
pub(super) struct Blocks<R>(pub R);

impl<R: Rule> Blocks<R> {
    fn own(state: &AnyState) -> Result<State, DecodeError> {
        match state {
            AnyState::Blocks(state) => Ok(state.clone()),
            _ => Err(DecodeError::State),
        }
    }

    /// The state at the first block from `cursor` on that has something to fill.
    fn enter(canvas: &Canvas, mut cursor: usize, block: usize) -> State {
        let block = block.max(1);
        while cursor < canvas.len() && open(canvas, cursor, block).next().is_none() {
            cursor = cursor.saturating_add(block);
        }
        let masks = open(canvas, cursor, block).count();
        State { cursor, step: 0, masks, idle: 0, over: None, memory: None }
    }

    /// The state, moved on if its block was made so narrow that nothing is left in it.
    fn at_work(
        &self,
        canvas: &Canvas,
        state: State,
        params: &Params,
    ) -> Result<State, DecodeError> {
        let shape = self.0.shape(params)?;
        let full = matches!(self.0.ends(params, state.masks)?, Ends::Full { .. });
        Ok(match full && open(canvas, state.cursor, shape.block).next().is_none() {
            true => {
                State { memory: state.memory, ..Self::enter(canvas, state.cursor, shape.block) }
            }
            false => state,
        })
    }

    fn sight<'a>(
        &self,
        canvas: &'a Canvas,
        state: State,
        params: &Params,
        prediction: &'a Prediction,
    ) -> Result<(Sight<'a>, Shape), DecodeError> {
        if prediction.rows() != canvas.len() {
            return Err(DecodeError::Rows { expected: canvas.len(), found: prediction.rows() });
        }
        let shape = self.0.shape(params)?;
        let end = state.cursor.saturating_add(shape.block).min(canvas.len());
        let candidates: Vec<usize> = (0..end).filter(|&at| canvas.is_open(at)).collect();
        let p = prediction.numbers(Column::PChoice)?;
        if let Some(&at) = candidates.iter().find(|&&at| !p[at].is_finite()) {
            return Err(DecodeError::NotFinite(at));
        }
        let choice = prediction.ids(Column::Choice)?;
        Ok((Sight { canvas, state, candidates, choice, p, prediction }, shape))
    }
}

/// The cursor, moved back by whole blocks to the first open position: what a person masked again
/// is to be filled again.
pub(super) fn back_to_open(canvas: &Canvas, mut cursor: usize, block: usize) -> usize {
    let first = (0..canvas.len()).find(|&at| canvas.is_open(at));
    while first.is_some_and(|first| cursor > first) {
        cursor = cursor.saturating_sub(block);
    }
    cursor
}

/// The open positions of the block at `cursor`.
pub(super) fn open(canvas: &Canvas, cursor: usize, block: usize) -> impl Iterator<Item = usize> {
    window(canvas, cursor, block).filter(|&at| canvas.is_open(at))
}

/// The block at `cursor`, clipped to the length.
pub(super) fn window(canvas: &Canvas, cursor: usize, block: usize) -> Range<usize> {
    let start = cursor.min(canvas.len());
    start..start.saturating_add(block).min(canvas.len())
}

impl<R: Rule> Strategy for Blocks<R> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn params(&self) -> &'static [ParamSpec] {
        self.0.params()
    }

    fn presets(&self) -> &'static [Preset] {
        self.0.presets()
    }

    fn start(
        &self,
        prompt: &[TokenId],
        special: SpecialTokens,
        params: &Params,
    ) -> Result<(Canvas, AnyState), DecodeError> {
        self.0.check(params)?;
        let shape = self.0.shape(params)?;
        let canvas = Canvas::masked(prompt, shape.length, special);
        let state = Self::enter(&canvas, 0, shape.block);
        Ok((canvas, AnyState::Blocks(state)))
    }

    fn plan(
        &self,
        canvas: &Canvas,
        state: &AnyState,
        params: &Params,
        step: u32,
        extras: Extras,
    ) -> Result<Plan, DecodeError> {
        let state = self.at_work(canvas, Self::own(state)?, params)?;
        let done = |finish| Ok(Plan::Done(finish));
        match state.over {
            Some(Over::Stagnant) => return done(Finish::Stagnant),
            Some(Over::OutOfSteps) => return done(Finish::OutOfSteps),
            None if state.cursor < canvas.len() => {}
            None if canvas.masks() > 0 => return done(Finish::OutOfSteps),
            None => return done(Finish::Complete),
        }
        let ask = self.0.ask(canvas, params, &state)?;
        Ok(Plan::Predict(Box::new(ask.request(canvas, step, extras))))
    }

    fn decide(
        &self,
        canvas: &Canvas,
        state: &AnyState,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Decision, DecodeError> {
        let state = self.at_work(canvas, Self::own(state)?, params)?;
        let (sight, shape) = self.sight(canvas, state, params, prediction)?;
        let picks = self.0.pick(&sight, params)?;
        let mut verdicts: Vec<Verdict> = (0..canvas.len())
            .map(|at| match canvas.is_masked(at) {
                false => Verdict::Written,
                true => {
                    let pinned = canvas.cells()[at].wish.pinned;
                    let rule = if pinned { LeftRule::Pinned } else { LeftRule::OutsideBlock };
                    Verdict::Left { p: sight.p[at], rule }
                }
            })
            .collect();
        for (at, rule) in picks.left {
            verdicts[at] = Verdict::Left { p: sight.p[at], rule };
        }
        let mut filled = picks.filled;
        filled.sort_by_key(|(at, _)| *at);
        let mut edits = Vec::new();
        for (at, rule) in filled {
            let (token, p) = (sight.choice[at], sight.p[at]);
            // The reference writes the mask over the mask: it stays, and uses up its turn.
            if token == canvas.special().mask {
                verdicts[at] = Verdict::Left { p, rule: LeftRule::PredictsMask };
                continue;
            }
            edits.push(Edit::Fill { slot: canvas.cells()[at].slot, token });
            verdicts[at] = Verdict::Fill { token, p, rule };
        }
        let after = canvas.apply(&edits, 0)?.canvas;
        let memory = self.0.remember(&sight, params)?;
        let settled = self.0.settled(sight.state.memory.as_ref(), memory.as_ref(), params)?;
        let unchanged = edits.is_empty() && settled;
        let next = self.next(&after, &sight.state, shape, params, unchanged)?;
        let next = State { memory, ..next };
        Ok(Decision {
            mode: picks.mode,
            edits,
            verdicts,
            dropped: Vec::new(),
            eos: None,
            growth: Growth::Stays,
            next: AnyState::Blocks(next),
        })
    }

    fn edited(
        &self,
        canvas: &Canvas,
        state: &AnyState,
        params: &Params,
    ) -> Result<AnyState, DecodeError> {
        let block = self.0.shape(params)?.block.max(1);
        let cursor = back_to_open(canvas, Self::own(state)?.cursor, block);
        Ok(AnyState::Blocks(Self::enter(canvas, cursor, block)))
    }

    fn breaks(
        &self,
        name: &str,
        canvas: &Canvas,
        state: &AnyState,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let spec = params.spec(name)?;
        if spec.affects != super::Affects::Decide {
            return Ok(Some(Vec::new()));
        }
        let state = self.at_work(canvas, Self::own(state)?, params)?;
        let (sight, _) = self.sight(canvas, state, params, prediction)?;
        match params.get(name)? {
            Value::Int(_) if canvas.len() > SHORT => Ok(None),
            // Beyond the canvas a width is all of it, a number of steps one position a step.
            Value::Int(present) => {
                let most = present.max(canvas.len() as i64).saturating_add(1);
                Ok(Some((1..=most).map(Value::Int).collect()))
            }
            _ => self.0.breaks(spec.name, &sight, params),
        }
    }

    fn phase(&self, canvas: &Canvas, state: &AnyState, params: &Params) -> Phase {
        let at_work = Self::own(state).and_then(|state| self.at_work(canvas, state, params));
        let (Ok(state), Ok(shape)) = (at_work, self.0.shape(params)) else {
            return Phase::unknown();
        };
        let block = window(canvas, state.cursor, shape.block);
        Phase { stage: 1, name: "denoising", block: Some(block) }
    }
}

impl<R: Rule> Blocks<R> {
    fn next(
        &self,
        after: &Canvas,
        state: &State,
        shape: Shape,
        params: &Params,
        unchanged: bool,
    ) -> Result<State, DecodeError> {
        let step = state.step + 1;
        let on = || Self::enter(after, state.cursor.saturating_add(shape.block), shape.block);
        let ends = self.0.ends(params, state.masks)?;
        let limit = match ends {
            Ends::After(passes) if step >= passes => return Ok(on()),
            Ends::After(_) => return Ok(State { step, ..state.clone() }),
            Ends::Full { limit } => limit,
        };
        if open(after, state.cursor, shape.block).next().is_none() {
            return Ok(on());
        }
        let idle = if unchanged { state.idle + 1 } else { 0 };
        let patience = if self.0.draws(params)? { IDLE } else { 1 };
        let over = if idle >= patience {
            Some(Over::Stagnant)
        } else if limit.is_some_and(|limit| step >= limit) {
            Some(Over::OutOfSteps)
        } else {
            None
        };
        Ok(State { step, idle, over, ..state.clone() })
    }
}

/// The least f32 in `min..=max`, as a value, from which `passes` holds; `None` if it never does.
/// It must hold for all values over one for which it holds.
pub(super) fn crossing(min: f32, max: f32, passes: impl Fn(f32) -> bool) -> Option<Value> {
    if !passes(max) {
        return None;
    }
    // Non-negative floats are ordered as their bits are.
    let (mut low, mut high) = (min.max(0.0).to_bits(), max.to_bits());
    while low < high {
        let middle = low + (high - low) / 2;
        match passes(f32::from_bits(middle)) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Some(Value::Float(f64::from(f32::from_bits(high))))
}
