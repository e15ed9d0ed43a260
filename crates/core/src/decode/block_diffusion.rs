//! Block diffusion: a canvas that grows block after block. What its strategies share.
//!
//! The masks of a block are denoised until the block is done, then those of the next one are
//! appended, until the length is reached or an end-of-sequence token ends the run. Attention is
//! block-causal: a position sees its block and all before it, so a finished block never changes its
//! keys and values, and a pass is asked about the block in work alone. Blocks lie on a grid that
//! begins with the sequence, so that the end of a prompt may share the first block with what is
//! generated, or with the generated region.
//!
//! A `BlockSampler` says what a pass unmasks, and when a block is done.
//!
//! ```
//! use demask_core::{canvas::SpecialTokens, decode::Recipe};
//!
//! let recipe = Recipe::parse("sdar:gen_length=16,block_length=4")?;
//! let special = SpecialTokens { mask: 9, eos: 8 };
//! let (canvas, _) = recipe.strategy.start(&(&[1, 2, 3, 4]).into(), special, &recipe.params(&[])?)?;
//! assert_eq!(canvas.tokens(), [9; 4], "the next block is appended when this one is done");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    BlockLayout, DecisionOf, DecodeError, Drop, FillRule, Finish, Growth, LeftRule, Mode,
    ParamSpec, Params, Phase, Plan, Preset, RemaskRule, Value, Verdict,
    ask::PassOptions,
    blocks::{IDLE, Over, is_zero, outside},
    specs::{GRID, GROWING_BLOCK, GROWING_LENGTH},
    strategy::{Context, Strategy},
};
use crate::{
    canvas::{Canvas, Cell, Edit, Filler, FixedText, SpecialTokens, TokenId},
    predict::{Attention, Column, Grid, Prediction, Reading},
};

/// The largest number of which all smaller ones are tried for one that changes a step.
const MOST_TRIED: i64 = 256;

/// What is remembered between steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BlockDiffusionState")]
pub struct State {
    /// First generated position of the block in work; at or past the length at the end of the run.
    pub cursor: usize,
    /// Passes over the block while it had masks.
    pub step: usize,
    /// Passes over the block since it had none.
    #[serde(default, skip_serializing_if = "is_zero_count")]
    pub post_steps: usize,
    /// Steps since one changed the canvas, where such a step would repeat.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle: u32,
    /// Why no step follows, where that is not the length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
}

fn is_zero_count(n: &usize) -> bool {
    *n == 0
}

impl State {
    /// At the beginning of the block that begins at `cursor`.
    fn enter(cursor: usize) -> Self {
        Self { cursor, step: 0, post_steps: 0, idle: 0, over: None }
    }
}

/// How long a canvas becomes, and where its blocks lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockShape {
    /// Positions of the whole generated region.
    pub length: usize,
    /// Positions of a block, at least 1.
    pub block: usize,
    /// Where the grid of blocks begins.
    pub grid: Grid,
}

impl BlockShape {
    pub fn of(params: &Params) -> Result<Self, DecodeError> {
        let grid = if params.name(GRID.name)? == "prompt" { Grid::Prompt } else { Grid::Start };
        let length = params.count(GROWING_LENGTH.name)?;
        Ok(Self { length, block: params.count(GROWING_BLOCK.name)?.max(1), grid })
    }

    /// Where the blocks lie behind a prompt of so many tokens.
    pub fn layout(self, prompt: usize) -> BlockLayout {
        let lead = match self.grid {
            Grid::Start => prompt % self.block,
            Grid::Prompt => 0,
        };
        BlockLayout::new(self.block, lead)
    }

    /// The rest of the block at `cursor`, as far as there is a canvas.
    pub fn window(self, canvas: &Canvas, cursor: usize) -> Range<usize> {
        let start = cursor.min(canvas.len());
        start..self.layout(canvas.prompt().len()).around(cursor).end.clamp(start, canvas.len())
    }

    /// Positions of the prompt in the block that holds these generated positions.
    fn lead(self, canvas: &Canvas, positions: &Range<usize>) -> usize {
        if positions.start == 0 { self.layout(canvas.prompt().len()).lead() } else { 0 }
    }

    /// The canvas at the start of a run: the first block.
    ///
    /// # Errors
    /// If text stands behind what is generated; `name` is the strategy's.
    pub fn first_canvas(
        self,
        name: &str,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<Canvas, DecodeError> {
        if text.has_text_behind() || text.length().is_some() {
            return Err(DecodeError::Unfit(format!(
                "{name} appends block after block, and a block sees what stands before it alone: it takes \
                 neither a suffix nor a text with holes. Leave them out, or take a strategy that sees \
                 the whole canvas, such as daedal or threshold"
            )));
        }
        let first = self.layout(text.prompt().len()).around(0).end;
        Ok(text.canvas(first, special))
    }

    /// Who may attend to whom; `hidden`: nobody sees what lies behind the length.
    pub fn attention(self, canvas: &Canvas, hidden: bool) -> Attention {
        let prompt = canvas.prompt().len();
        let before = match self.grid {
            Grid::Start => 0,
            Grid::Prompt => prompt.next_multiple_of(self.block) - prompt,
        };
        let seen = prompt + self.length;
        let hidden = hidden && prompt + canvas.len() > seen;
        Attention::BlockCausal { block: self.block, before, seen: hidden.then_some(seen) }
    }

    /// The first position of the block behind one that is done and ends at `end`, and by how many
    /// masks the canvas grows for it.
    pub fn behind(self, after: &Canvas, end: usize) -> (usize, Option<usize>) {
        let layout = self.layout(after.prompt().len());
        let mut cursor = end;
        // Blocks behind this one are there where the user went back to it.
        while cursor < after.len() && self.window(after, cursor).all(|at| !after.is_open(at)) {
            cursor = layout.around(cursor).end;
        }
        let grows = cursor >= after.len() && after.len() < self.length;
        let n = grows.then(|| layout.around(after.len()).end - after.len());
        (if grows { after.len() } else { cursor }, n)
    }

    /// The end of the run, where the block at `cursor` is not on the canvas.
    pub fn end(canvas: &Canvas, cursor: usize, over: Option<Over>) -> Option<Finish> {
        let left = canvas.masks() > 0;
        let end = if left { Finish::OutOfSteps } else { Finish::Complete };
        match over {
            Some(over) => Some(over.finish(canvas)),
            None => (cursor >= canvas.len()).then_some(end),
        }
    }

    /// What is done in the block at `cursor`, in a word.
    pub fn phase(self, canvas: &Canvas, cursor: usize) -> Phase {
        let block = self.window(canvas, cursor);
        let open = block.clone().any(|at| canvas.is_open(at));
        let name = if open || block.is_empty() { "denoising" } else { "editing" };
        Phase { stage: 1, name, block: Some(block) }
    }
}

/// Whether blocks that a canvas grows by begin where those of the model's attention do, behind a
/// prompt of so many tokens. A strategy without such blocks always fits.
///
/// # Errors
/// [`DecodeError::Unfit`], which names both.
pub(crate) fn fits(params: &Params, reading: Reading, prompt: usize) -> Result<(), DecodeError> {
    let own = reading.block.filter(|&own| own > 0);
    let (Some(own), Ok(shape)) = (own, BlockShape::of(params)) else { return Ok(()) };
    if shape.grid == reading.grid || prompt.is_multiple_of(own) {
        return Ok(());
    }
    let (asked, from) = match shape.grid {
        Grid::Prompt => ("prompt", "the first token"),
        Grid::Start => ("start", "the end of the prompt"),
    };
    Err(DecodeError::Unfit(format!(
        "grid={asked}: the model counts its blocks of {own} from {from}. Leave grid out, or take \
         the model's attention for full with `--block-attention full`"
    )))
}

/// True if an end-of-sequence token was generated.
pub(super) fn holds_eos(canvas: &Canvas) -> bool {
    let eos = canvas.special().eos;
    canvas.cells().iter().any(|cell| cell.token == eos)
}

/// What a sampler decides on. `S`: what is remembered between steps.
pub(super) struct Window<'a, S = State> {
    /// The canvas before the step.
    pub canvas: &'a Canvas,
    pub state: S,
    /// Generated positions of the block in work.
    pub positions: Range<usize>,
    /// Positions of the block that lie before those: the end of the prompt.
    pub lead: usize,
    /// Tokens chosen, one a generated position.
    pub choice: &'a [TokenId],
    /// Their probabilities; finite in the block.
    pub p: &'a [f32],
    pub prediction: &'a Prediction,
}

impl<'a, S> Window<'a, S> {
    /// The block at `cursor`.
    ///
    /// # Errors
    /// If the prediction lacks a column, or a confidence in the block is no number.
    pub fn of(
        canvas: &'a Canvas,
        (blocks, cursor): (BlockShape, usize),
        state: S,
        prediction: &'a Prediction,
    ) -> Result<Self, DecodeError> {
        let positions = blocks.window(canvas, cursor);
        let lead = blocks.lead(canvas, &positions);
        let p = prediction.numbers(Column::PChoice)?;
        let choice = prediction.ids(Column::Choice)?;
        match positions.clone().find(|&at| !p[at].is_finite()) {
            Some(at) => Err(DecodeError::NotFinite(at)),
            None => Ok(Self { canvas, state, positions, lead, choice, p, prediction }),
        }
    }

    /// Masked positions that may be written, in order.
    pub fn open(&self) -> impl Iterator<Item = usize> {
        self.positions.clone().filter(|&at| self.canvas.is_open(at))
    }

    /// Written positions that may be written anew, in order.
    pub fn written(&self) -> impl Iterator<Item = usize> {
        let free = |at: &usize| !self.canvas.cells()[*at].is_fixed();
        self.positions.clone().filter(|&at| !self.canvas.is_masked(at)).filter(free)
    }

    /// The place of a position in the block.
    pub fn place(&self, at: usize) -> usize {
        at - self.positions.start + self.lead
    }

    /// The generated position at a place of the block; none where the prompt is.
    pub fn at(&self, place: usize) -> Option<usize> {
        place.checked_sub(self.lead).map(|place| place + self.positions.start)
    }

    /// The confidences of open positions by their places in the block, −∞ at all others: what
    /// published samplers choose from.
    pub fn masked_confidences(&self) -> Vec<f32> {
        let mut values = vec![f32::NEG_INFINITY; self.lead + self.positions.len()];
        self.open().for_each(|at| values[self.place(at)] = self.p[at]);
        values
    }

    /// Open positions, most confident first, in order of positions among equals.
    pub fn ranked(&self) -> Vec<usize> {
        let mut ranked: Vec<usize> = self.open().collect();
        ranked.sort_by(|&a, &b| self.p[b].total_cmp(&self.p[a]));
        ranked
    }
}

/// What a pass writes, and why it leaves the rest.
pub(super) struct BlockPicks {
    pub mode: Mode,
    /// Open positions that get the token chosen.
    pub fills: Vec<(usize, FillRule)>,
    /// Written positions that get the token chosen in place of theirs.
    pub rewrites: Vec<(usize, FillRule)>,
    pub left: Vec<(usize, LeftRule)>,
}

/// What a step did to the block in work.
pub(super) struct BlockChange<'a> {
    /// The canvas after it, before it grows.
    pub after: &'a Canvas,
    /// Positions of the block that were open before the step.
    pub open_before: usize,
    /// Those that are open now.
    pub open_now: usize,
    /// Positions that got a token, another one or the mask, in order.
    pub changed: &'a [usize],
}

/// What becomes of a block after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockEnd {
    /// Another pass over it, which may come out differently even if nothing was written.
    GoesOn,
    /// Another pass over it, which would be the same if nothing was written.
    GoesOnIfChanged,
    /// It is done; the next one follows.
    Done,
    /// The run is over.
    Over(Over),
}

/// What tells one strategy of this kind from another.
pub(super) trait BlockSampler: Send + Sync + 'static {
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

    /// Whether a run may start so: what the source refuses is refused.
    ///
    /// # Errors
    /// [`DecodeError::Unfit`] if parameters do not go together.
    fn check(settings: &Self::Settings) -> Result<(), DecodeError>;

    /// The length of the region and the grid of its blocks.
    fn blocks(settings: &Self::Settings) -> BlockShape;

    /// True if what lies behind the length is seen by nobody, and cut off at the end; else the last
    /// block is generated to its end.
    fn cuts(settings: &Self::Settings) -> bool;

    /// What a pass is asked for.
    fn ask(settings: &Self::Settings) -> PassOptions;

    /// Logits that are lowered in a pass over the block that holds these generated positions, of which
    /// `lead` more lie before them: position, token and by how much.
    fn lowered(
        canvas: &Canvas,
        positions: Range<usize>,
        lead: usize,
        settings: &Self::Settings,
    ) -> Vec<(usize, TokenId, f32)> {
        let _ = (canvas, positions, lead, settings);
        Vec::new()
    }

    /// What to write.
    ///
    /// # Errors
    /// If the prediction lacks a column.
    fn pick(window: &Window, settings: &Self::Settings) -> Result<BlockPicks, DecodeError>;

    /// What becomes of the block.
    fn end(window: &Window, change: &BlockChange, settings: &Self::Settings) -> BlockEnd;

    /// Values of a number with fractions at which [`BlockSampler::pick`] may change, as
    /// [`Strategy::breaks`].
    ///
    /// # Errors
    /// As [`BlockSampler::pick`].
    fn breaks(
        name: &str,
        window: &Window,
        settings: &Self::Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError>;
}

/// The strategy that a sampler makes.
pub(super) struct BlockDiffusion<S>(pub S);

impl<S: BlockSampler> BlockDiffusion<S> {
    fn window<'a>(
        at: Context<'a, Self>,
        prediction: &'a Prediction,
    ) -> Result<Window<'a>, DecodeError> {
        let Context { canvas, state, settings } = at;
        Window::of(canvas, (S::blocks(settings), state.cursor), *state, prediction)
    }
}

impl<S: BlockSampler> Strategy for BlockDiffusion<S> {
    type State = State;
    type Settings = S::Settings;

    const NAME: &'static str = S::NAME;
    const PARAMS: &'static [ParamSpec] = S::PARAMS;
    const PRESETS: &'static [Preset] = S::PRESETS;
    const CHANGES_TOKENS: bool = true;
    const APPENDS_BLOCKS: bool = true;

    fn settings(params: &Params) -> Result<S::Settings, DecodeError> {
        S::settings(params)
    }

    fn lead(settings: &S::Settings, prompt: usize) -> usize {
        S::blocks(settings).layout(prompt).lead()
    }

    fn start(
        settings: &S::Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, State), DecodeError> {
        S::check(settings)?;
        Ok((S::blocks(settings).first_canvas(S::NAME, text, special)?, State::enter(0)))
    }

    fn plan(at: Context<Self>) -> Plan<PassOptions> {
        let Context { canvas, state, settings } = at;
        if let Some(finish) = BlockShape::end(canvas, state.cursor, state.over) {
            return Plan::Done(finish);
        }
        let blocks = S::blocks(settings);
        let positions = blocks.window(canvas, state.cursor);
        let lead = blocks.lead(canvas, &positions);
        let lowered = S::lowered(canvas, positions, lead, settings).into_iter();
        Plan::Predict(PassOptions {
            attention: Some(blocks.attention(canvas, S::cuts(settings))),
            lowered: lowered.map(|(at, token, by)| (at - state.cursor, token, by)).collect(),
            first_row: state.cursor,
            ..S::ask(settings)
        })
    }

    fn decide(
        at: Context<Self>,
        prediction: &Prediction,
    ) -> Result<DecisionOf<State>, DecodeError> {
        let Context { canvas, settings, .. } = at;
        let window = Self::window(at, prediction)?;
        let picks = S::pick(&window, settings)?;
        let mut verdicts = outside(canvas, window.p);
        for (at, rule) in picks.left {
            verdicts[at] = Verdict::Left { p: window.p[at], rule };
        }
        let mut writes = picks.fills;
        writes.extend(picks.rewrites);
        writes.sort_by_key(|(at, _)| *at);
        let (mut edits, mut changed) = (Vec::new(), Vec::new());
        for (at, rule) in writes {
            let (token, p, cell) = (window.choice[at], window.p[at], canvas.cells()[at]);
            let (slot, was) = (cell.slot, cell.token);
            let mask = canvas.special().mask;
            let (edit, verdict) = match (was == mask, token == mask) {
                (_, true) if was == token => {
                    verdicts[at] = Verdict::Left { p, rule: LeftRule::PredictsMask };
                    continue;
                }
                (false, _) if was == token => continue,
                (true, _) => {
                    (Edit::Fill { slot, token }, Verdict::Fill { token, p, rule, threshold: None })
                }
                (false, true) => (
                    Edit::Remask { slot },
                    Verdict::Remask { token: was, p: Some(p), rule: RemaskRule::PredictsMask },
                ),
                (false, false) => (
                    Edit::Replace { slot, token },
                    Verdict::Replace { was, token, p, rule, threshold: None },
                ),
            };
            verdicts[at] = verdict;
            edits.push(edit);
            changed.push(at);
        }
        let after = canvas.apply(&edits, 0)?.canvas;
        let open =
            |canvas: &Canvas| window.positions.clone().filter(|&at| canvas.is_open(at)).count();
        let (open_before, open_now) = (open(canvas), open(&after));
        let change = BlockChange { after: &after, open_before, open_now, changed: &changed };
        let end = S::end(&window, &change, settings);
        let draws = S::ask(settings).temperature > 0.0;
        let blocks = S::blocks(settings);
        let (next, grows) = next(&window, end, &change, (blocks, draws));
        edits.extend(grows.map(|n| Edit::Append { n, filler: Filler::Mask }));
        let over = next.over.is_some() || (grows.is_none() && next.cursor >= after.len());
        let kept =
            if over && S::cuts(settings) { kept(&after, blocks.length) } else { after.len() };
        let dropped = canvas.cells().iter().zip(after.cells()).skip(kept);
        let dropped: Vec<Drop> = dropped
            .map(|(cell, after)| {
                let written = after.token != canvas.special().mask;
                Drop { slot: cell.slot, token: written.then_some(after.token) }
            })
            .collect();
        if kept < after.len() {
            edits.push(Edit::Truncate { length: kept });
        }
        let length = kept + grows.unwrap_or(0);
        Ok(DecisionOf {
            mode: picks.mode,
            edits,
            verdicts: verdicts.into(),
            dropped,
            eos: None,
            growth: if length == canvas.len() { Growth::Stays } else { Growth::To(length) },
            next,
        })
    }

    fn edited(at: Context<Self>) -> State {
        let Context { canvas, state, settings } = at;
        let open = (0..canvas.len()).find(|&at| canvas.is_open(at));
        let Some(at) = open.or(canvas.len().checked_sub(1)) else { return State::enter(0) };
        let window = S::blocks(settings).layout(canvas.prompt().len()).around(at);
        match window.contains(&state.cursor) && state.over.is_none() {
            // Passes made over the block in work stay made.
            true => State { post_steps: 0, idle: 0, ..*state },
            false => State::enter(window.start),
        }
    }

    fn breaks(
        at: Context<Self>,
        name: &str,
        present: Value,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let window = Self::window(at, prediction)?;
        match present {
            Value::Int(present) => {
                let longest = (window.lead + window.positions.len()) as i64;
                let counted = (window.state.post_steps as i64).saturating_add(1);
                let last = present.max(longest).max(counted).saturating_add(1);
                Ok((last <= MOST_TRIED).then(|| (0..=last).map(Value::Int).collect()))
            }
            _ => S::breaks(name, &window, at.settings),
        }
    }

    fn phase(at: Context<Self>) -> Phase {
        let Context { canvas, state, settings } = at;
        S::blocks(settings).phase(canvas, state.cursor)
    }
}

/// The state after a step, and how many masks the canvas grows by.
fn next(
    window: &Window,
    end: BlockEnd,
    change: &BlockChange,
    (blocks, draws): (BlockShape, bool),
) -> (State, Option<usize>) {
    let state = window.state;
    let unchanged = change.changed.is_empty();
    let counted = match change.open_before {
        0 => State { post_steps: state.post_steps + 1, idle: 0, ..state },
        _ => State { step: state.step + 1, idle: 0, ..state },
    };
    match end {
        BlockEnd::GoesOn => (counted, None),
        BlockEnd::GoesOnIfChanged => {
            let idle = if unchanged { state.idle + 1 } else { 0 };
            let patience = if draws { IDLE } else { 1 };
            let over = (idle >= patience).then_some(Over::Stagnant);
            (State { idle, over, ..counted }, None)
        }
        BlockEnd::Over(over) => (State { over: Some(over), ..counted }, None),
        BlockEnd::Done => {
            let (cursor, n) = blocks.behind(change.after, window.positions.end);
            (State::enter(cursor), n)
        }
    }
}

/// Positions that are kept where the canvas is cut to `length`: fixed ones are not dropped.
fn kept(canvas: &Canvas, length: usize) -> usize {
    let fixed = canvas.cells().iter().rposition(Cell::is_fixed);
    length.max(fixed.map_or(0, |last| last + 1)).min(canvas.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lie_on_their_grid() {
        let check = |grid, prompt, lead, first: Range<usize>, second: Range<usize>| {
            let blocks = BlockShape { length: 16, block: 8, grid };
            let layout = blocks.layout(prompt);
            assert_eq!(layout.lead(), lead);
            assert_eq!(layout.around(0), first);
            assert_eq!(layout.around(first.end), second);
        };
        check(Grid::Start, 0, 0, 0..8, 8..16);
        check(Grid::Start, 11, 3, 0..5, 5..13);
        check(Grid::Start, 16, 0, 0..8, 8..16);
        check(Grid::Start, 15, 7, 0..1, 1..9);
        check(Grid::Prompt, 11, 0, 0..8, 8..16);
    }
}
