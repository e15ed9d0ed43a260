//! Strategies of a fixed length, filled block after block: what they share.
//!
//! A canvas of `gen_length` masks is cut into blocks. A step may fill masked positions up to the
//! end of the block in work, those left over in earlier blocks too; a `BlockPolicy` says which, and
//! whether a block ends after a number of passes or when it is full.
//!
//! ```
//! use demask_core::decode::{Recipe, State, blocks};
//!
//! let recipe = Recipe::parse("threshold:gen_length=64,block_length=32")?;
//! let special = demask_core::canvas::SpecialTokens { mask: 9, eos: 8 };
//! let (canvas, state) = recipe.strategy.start(&(&[1, 2]).into(), special, &recipe.params(&[])?)?;
//! let State::Blocks(blocks::State { cursor, masks, .. }) = state else { unreachable!() };
//! assert_eq!((canvas.len(), cursor, masks), (64, 0, 32), "the first block is all masks");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    DecisionOf, DecodeError, FillRule, Finish, Growth, LeftRule, Mode, ParamSpec, Params, Phase,
    Plan, Preset, Test, Value, Verdict,
    ask::PassOptions,
    noise::NoisePlace,
    specs::{BLOCK_LENGTH, GEN_LENGTH},
    strategy::{Context, Strategy},
};
use crate::{
    canvas::{Canvas, Edit, FixedText, SpecialTokens, TokenId},
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
    /// What else a policy remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<PositionHistory>,
    /// Positions of the block in work, where its first pass has said how many. Since format 1.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
}

pub(super) fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What is remembered of each generated position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Memory")]
pub struct PositionHistory {
    /// Steps in a row that its divergence was under the threshold, at most 255.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<u8>,
    /// What it held when it was predicted last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<TokenId>,
    /// Credit of tokens at masked positions of the block in work, in order of positions and tokens.
    /// Since format 1.7.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<TokenCredit>,
}

/// Credit that a token has at a position, for having been the best there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenCredit {
    /// The generated position, from 0.
    pub position: usize,
    /// The token that the credit is for.
    pub token: TokenId,
    /// How much it has: at least 0.
    pub credit: f32,
}

// Credit is never NaN.
impl Eq for TokenCredit {}

/// Why a run ends before its blocks are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Steps change nothing any more: the reference would never end.
    Stagnant,
    /// The schedule has no step left: the reference would fail.
    OutOfSteps,
    /// All that was left was filled at once. Since format 1.6.
    Early,
    /// An end-of-sequence token was written. Since format 1.7.
    EndOfSequence,
}

impl Over {
    /// The same as the end of a run.
    pub(super) fn finish(self, canvas: &Canvas) -> Finish {
        match self {
            Self::Stagnant => Finish::Stagnant,
            Self::EndOfSequence => Finish::EndOfSequence,
            Self::Early if canvas.masks() == 0 => Finish::Complete,
            // Where the mask itself was predicted it is left.
            Self::Early | Self::OutOfSteps => Finish::OutOfSteps,
        }
    }
}

/// How long the generated region is, and how it is divided into blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Positions of the generated region.
    pub length: usize,
    /// Positions of a block; the last may be shorter.
    pub block: usize,
}

impl Shape {
    pub(super) fn of(params: &Params) -> Result<Self, DecodeError> {
        let (length, block) = (params.count(GEN_LENGTH.name)?, params.count(BLOCK_LENGTH.name)?);
        Ok(Self { length, block })
    }

    /// Refuses a length that is no multiple of the block, as the references do. A run that is under
    /// way may have any block.
    pub(super) fn whole_blocks(self) -> Result<(), DecodeError> {
        let Self { length, block } = self;
        if length.is_multiple_of(block) {
            return Ok(());
        }
        let less = length / block * block;
        let lengths =
            if less == 0 { block.to_string() } else { format!("{less} or {}", less + block) };
        Err(DecodeError::Unfit(format!(
            "gen_length must be a multiple of block_length, as the reference has it: {length} is not \
             one of {block}. Take gen_length {lengths}, or block_length {length}"
        )))
    }

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
        /// Passes that a run may take; `None` is as many as it needs.
        limit: Option<usize>,
    },
}

/// What a policy decides on.
pub(super) struct BlockEvidence<'a> {
    pub canvas: &'a Canvas,
    /// The state in the block that is worked on.
    pub state: State,
    /// Open positions up to the end of the block, in order.
    pub candidates: Vec<usize>,
    /// Tokens chosen, one a generated position.
    pub choice: &'a [TokenId],
    /// Their probabilities; finite at the candidates.
    pub p: &'a [f32],
    pub prediction: &'a Prediction,
}

impl BlockEvidence<'_> {
    /// The candidates by a score, greatest first, in order of positions among equals.
    pub(super) fn ranked(&self, score: impl Fn(usize) -> f64) -> Vec<usize> {
        let mut ranked = self.candidates.clone();
        ranked.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
        ranked
    }

    /// Where this step draws its position noise.
    pub(super) fn place(&self, seed: u64) -> NoisePlace {
        NoisePlace { seed, round: self.state.cursor as u64, step: self.state.step as u64 }
    }

    /// Refuses numbers, one a generated position, that are not finite at a candidate.
    pub(super) fn finite(&self, numbers: &[f32]) -> Result<(), DecodeError> {
        match self.candidates.iter().find(|&&at| !numbers[at].is_finite()) {
            Some(&at) => Err(DecodeError::NotFinite(at)),
            None => Ok(()),
        }
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

    /// The first `passed` of `ranked`, and the best in any case; `test` of rank (from 0) and
    /// position.
    pub(super) fn tested(
        ranked: &[usize],
        passed: usize,
        test: impl Fn(usize, usize) -> Test,
    ) -> Self {
        let mode = if passed == 0 { Mode::Fallback } else { Mode::HighConf };
        let mut picks = Self { mode, filled: Vec::new(), left: Vec::new() };
        for (rank, &at) in ranked.iter().enumerate() {
            let test = test(rank, at);
            match rank {
                rank if rank < passed => picks.filled.push((at, FillRule::Passes(test))),
                0 => picks.filled.push((at, FillRule::Best(test))),
                _ => picks.left.push((at, LeftRule::Fails(test))),
            }
        }
        picks
    }
}

/// Which masks of a block a pass unmasks, and when the block ends: what tells one strategy of this
/// kind from another.
pub(super) trait BlockPolicy: Send + Sync + 'static {
    /// Its parameters, read once for each call.
    type Settings;

    /// What becomes [`Strategy::NAME`].
    const NAME: &'static str;

    /// What becomes [`Strategy::PARAMS`].
    const PARAMS: &'static [ParamSpec];

    /// What becomes [`Strategy::PRESETS`].
    const PRESETS: &'static [Preset] = &[];

    /// As [`Strategy::settings`].
    ///
    /// # Errors
    /// If one is missing: `params` are another strategy's.
    fn settings(params: &Params) -> Result<Self::Settings, DecodeError>;

    /// Whether a run may start so, where parameters say the length: what the source refuses is
    /// refused.
    ///
    /// # Errors
    /// [`DecodeError::Unfit`] if parameters do not go together.
    fn check(_settings: &Self::Settings) -> Result<(), DecodeError> {
        Ok(())
    }

    /// Whether a run may start on this canvas.
    ///
    /// # Errors
    /// [`DecodeError::Unfit`] if the settings are not for a canvas of its length.
    fn fits(_canvas: &Canvas, _settings: &Self::Settings) -> Result<(), DecodeError> {
        Ok(())
    }

    /// The length of the canvas and the width of its blocks.
    fn shape(settings: &Self::Settings) -> Shape;

    /// What a pass is asked for.
    fn ask(canvas: &Canvas, settings: &Self::Settings, state: &State) -> PassOptions;

    /// How wide a block that begins is, where its first prediction says so and not the shape.
    ///
    /// # Errors
    /// If the prediction lacks a column.
    fn width(
        _canvas: &Canvas,
        _state: &State,
        _prediction: &Prediction,
        _settings: &Self::Settings,
    ) -> Result<Option<usize>, DecodeError> {
        Ok(None)
    }

    /// Why the run is over with this step, whatever its blocks have left to do.
    fn over(_picks: &Picks) -> Option<Over> {
        None
    }

    /// When a block that began with `masks` masks ends.
    fn ends(settings: &Self::Settings, masks: usize) -> Ends;

    /// True if a step that changed nothing may be followed by one that does, since it draws anew.
    fn draws(settings: &Self::Settings) -> bool;

    /// What to fill.
    ///
    /// # Errors
    /// If the prediction lacks a column.
    fn pick(evidence: &BlockEvidence, settings: &Self::Settings) -> Result<Picks, DecodeError>;

    /// What to remember for the next step.
    ///
    /// # Errors
    /// If the prediction lacks a column.
    fn remember(
        _evidence: &BlockEvidence,
        _settings: &Self::Settings,
    ) -> Result<Option<PositionHistory>, DecodeError> {
        Ok(None)
    }

    /// True if nothing that [`BlockPolicy::pick`] reads of the memory has changed, so that the same
    /// canvas will be decided on as before.
    fn settled(
        _before: Option<&PositionHistory>,
        _after: Option<&PositionHistory>,
        _settings: &Self::Settings,
    ) -> bool {
        true
    }

    /// Values of a number with fractions at which [`BlockPolicy::pick`] or
    /// [`BlockPolicy::remember`] may change, as [`Strategy::breaks`].
    ///
    /// # Errors
    /// As [`BlockPolicy::pick`].
    fn breaks(
        _name: &str,
        _evidence: &BlockEvidence,
        _settings: &Self::Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        Ok(None)
    }
}

/// The strategy that a policy makes.
pub(super) struct BlockStrategy<P>(pub P);

impl State {
    /// The state at the first block from `cursor` on that has something to fill.
    pub(super) fn enter(canvas: &Canvas, mut cursor: usize, block: usize) -> Self {
        let block = block.max(1);
        while cursor < canvas.len() && open(canvas, cursor, block).next().is_none() {
            cursor = cursor.saturating_add(block);
        }
        let masks = open(canvas, cursor, block).count();
        Self { cursor, step: 0, masks, idle: 0, over: None, memory: None, width: None }
    }

    /// The width of the block in work.
    fn block(&self, shape: Shape) -> usize {
        self.width.unwrap_or(shape.block)
    }
}

/// The state, moved on if its block was made so narrow that nothing is left in it.
fn at_work<P: BlockPolicy>(at: Context<BlockStrategy<P>>) -> State {
    let Context { canvas, state, settings } = at;
    let shape = P::shape(settings);
    let full = matches!(P::ends(settings, state.masks), Ends::Full { .. });
    match full && open(canvas, state.cursor, state.block(shape)).next().is_none() {
        true => {
            let memory = state.memory.clone();
            State { memory, ..State::enter(canvas, state.cursor, shape.block) }
        }
        false => state.clone(),
    }
}

fn evidence<'a, P: BlockPolicy>(
    at: Context<'a, BlockStrategy<P>>,
    prediction: &'a Prediction,
) -> Result<BlockEvidence<'a>, DecodeError> {
    let (canvas, mut state) = (at.canvas, at_work(at));
    if state.width.is_none() {
        state.width = P::width(canvas, &state, prediction, at.settings)?;
    }
    let block = state.block(P::shape(at.settings));
    let end = state.cursor.saturating_add(block).min(canvas.len());
    let candidates = (0..end).filter(|&at| canvas.is_open(at)).collect();
    let p = prediction.numbers(Column::PChoice)?;
    let choice = prediction.ids(Column::Choice)?;
    let evidence = BlockEvidence { canvas, state, candidates, choice, p, prediction };
    evidence.finite(p)?;
    Ok(evidence)
}

/// The cursor, moved back by whole blocks to the first open position: what the user remasked
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

impl<P: BlockPolicy> Strategy for BlockStrategy<P> {
    type State = State;
    type Settings = P::Settings;

    const NAME: &'static str = P::NAME;
    const PARAMS: &'static [ParamSpec] = P::PARAMS;
    const PRESETS: &'static [Preset] = P::PRESETS;

    fn settings(params: &Params) -> Result<P::Settings, DecodeError> {
        P::settings(params)
    }

    fn start(
        settings: &P::Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, State), DecodeError> {
        // Holes are as long as they are, whatever a reference cuts its canvas into.
        if text.length().is_none() {
            P::check(settings)?;
        }
        let shape = P::shape(settings);
        let canvas = text.canvas(shape.length, special);
        P::fits(&canvas, settings)?;
        let state = State::enter(&canvas, 0, shape.block);
        Ok((canvas, state))
    }

    fn plan(at: Context<Self>) -> Plan<PassOptions> {
        let (canvas, state) = (at.canvas, at_work(at));
        match state.over {
            Some(over) => Plan::Done(over.finish(canvas)),
            None if state.cursor < canvas.len() => {
                Plan::Predict(P::ask(canvas, at.settings, &state))
            }
            None if canvas.masks() > 0 => Plan::Done(Finish::OutOfSteps),
            None => Plan::Done(Finish::Complete),
        }
    }

    fn decide(
        at: Context<Self>,
        prediction: &Prediction,
    ) -> Result<DecisionOf<State>, DecodeError> {
        let Context { canvas, settings, .. } = at;
        let evidence = evidence(at, prediction)?;
        let picks = P::pick(&evidence, settings)?;
        let over = P::over(&picks);
        let mut verdicts = outside(canvas, evidence.p);
        for (at, rule) in picks.left {
            verdicts[at] = Verdict::Left { p: evidence.p[at], rule };
        }
        let mut filled = picks.filled;
        filled.sort_by_key(|(at, _)| *at);
        let mut edits = Vec::new();
        for (at, rule) in filled {
            let (token, p) = (evidence.choice[at], evidence.p[at]);
            // The reference writes the mask over the mask: it stays, and uses up its turn.
            if token == canvas.special().mask {
                verdicts[at] = Verdict::Left { p, rule: LeftRule::PredictsMask };
                continue;
            }
            edits.push(Edit::Fill { slot: canvas.cells()[at].slot, token });
            verdicts[at] = Verdict::Fill { token, p, rule, threshold: None };
        }
        let after = canvas.apply(&edits, 0)?.canvas;
        let memory = P::remember(&evidence, settings)?;
        let settled = P::settled(evidence.state.memory.as_ref(), memory.as_ref(), settings);
        let unchanged = edits.is_empty() && settled;
        let next = next::<P>(&after, &evidence.state, settings, unchanged);
        Ok(DecisionOf {
            mode: picks.mode,
            edits,
            verdicts: verdicts.into(),
            dropped: Vec::new(),
            eos: None,
            growth: Growth::Stays,
            next: State { memory, over: over.or(next.over), ..next },
        })
    }

    fn edited(at: Context<Self>) -> State {
        let block = P::shape(at.settings).block.max(1);
        let cursor = back_to_open(at.canvas, at.state.cursor, block);
        let state = State::enter(at.canvas, cursor, block);
        // What is done to the block in work does not change where it ends.
        let width = at.state.width.filter(|_| state.cursor == at.state.cursor);
        State { width, ..state }
    }

    fn breaks(
        at: Context<Self>,
        name: &str,
        present: Value,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let evidence = evidence(at, prediction)?;
        let length = at.canvas.len();
        match present {
            Value::Int(_) if length > SHORT => Ok(None),
            // Beyond the canvas a width is all of it, a number of steps one position a step.
            Value::Int(present) => {
                let last = present.max(length as i64).saturating_add(1);
                Ok(Some((1..=last).map(Value::Int).collect()))
            }
            _ => P::breaks(name, &evidence, at.settings),
        }
    }

    fn phase(at: Context<Self>) -> Phase {
        let state = at_work(at);
        let block = window(at.canvas, state.cursor, state.block(P::shape(at.settings)));
        Phase { stage: 1, name: "denoising", block: Some(block) }
    }
}

/// What holds of positions that no rule looks at; `p`: confidences, one a generated position.
pub(super) fn outside(canvas: &Canvas, p: &[f32]) -> Vec<Verdict> {
    let verdict = |at: usize| match canvas.is_masked(at) {
        false => Verdict::Unchanged,
        true => {
            let pinned = canvas.cells()[at].overridden.pinned;
            let rule = if pinned { LeftRule::Pinned } else { LeftRule::OutsideBlock };
            Verdict::Left { p: p[at], rule }
        }
    };
    (0..canvas.len()).map(verdict).collect()
}

fn next<P: BlockPolicy>(
    after: &Canvas,
    state: &State,
    settings: &P::Settings,
    unchanged: bool,
) -> State {
    let step = state.step + 1;
    let shape = P::shape(settings);
    let block = state.block(shape);
    let on = || State::enter(after, state.cursor.saturating_add(block), shape.block);
    let limit = match P::ends(settings, state.masks) {
        Ends::After(passes) if step >= passes => return on(),
        Ends::After(_) => return State { step, ..state.clone() },
        Ends::Full { limit } => limit,
    };
    if open(after, state.cursor, block).next().is_none() {
        return on();
    }
    let idle = if unchanged { state.idle + 1 } else { 0 };
    let patience = if P::draws(settings) { IDLE } else { 1 };
    let over = if idle >= patience {
        Some(Over::Stagnant)
    } else if limit.is_some_and(|limit| step >= limit) {
        Some(Over::OutOfSteps)
    } else {
        None
    };
    State { step, idle, over, ..state.clone() }
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
