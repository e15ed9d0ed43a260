//! Decoding strategies: pure functions from a canvas and a prediction to a decision.
//!
//! A [`Strategy`] *plans* the forward pass it wants next and *decides* what to do with the
//! answer. It has no clock, no device and no memory of its own: what it must remember is its
//! [`State`], kept with every step. One file (or folder) a strategy.

mod ask;
pub mod blocks;
pub mod daedal;
mod decision;
mod dream;
mod eb_sampler;
mod factor;
mod flips;
mod foreign;
mod klass;
mod low_confidence;
mod mdlm;
mod noise;
mod outcome;
mod params;
mod probability;
mod recipe;
pub mod remdm;
pub mod rho_eos;
mod schedule;
mod specs;
mod threshold;
mod verdict;
pub mod wino;

pub use decision::{Decision, Drop, EosMeasure, Growth, Mode};
pub use flips::{Flip, Flips, flips};
pub use foreign::{Foreign, Knob, KnobRange, unknown as foreign_unknown};
pub use outcome::{Next, Outcome};
pub use params::{Affects, Kind, ParamError, ParamSpec, Params, SWITCH, TokenList, Value};
pub use probability::{P, against, apart, two};
pub use recipe::{REFERENCE, Recipe, RecipeError};
pub use verdict::{FillRule, LeftRule, Measure, RefuseRule, RemaskRule, Test, Verdict};

use std::ops::Range;

use blocks::Blocks;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canvas::{Canvas, EditError, SpecialTokens, TokenId},
    predict::{ColumnSet, Grid, MissingColumn, Prediction, Reading, Request},
};

/// What a strategy remembers between steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "strategy", rename_all = "snake_case")]
pub enum State {
    /// See [`daedal`].
    Daedal(daedal::State),
    /// Of every strategy that fills a canvas of fixed length, block after block.
    Blocks(blocks::State),
    /// See [`remdm`].
    Remdm(remdm::State),
    /// See [`rho_eos`].
    RhoEos(rho_eos::State),
    /// See [`wino`].
    Wino(wino::State),
    /// Of another program: what it remembers is not known.
    #[serde(other)]
    #[schemars(skip)]
    Foreign,
}

impl State {
    /// Stage and first position of the block in work.
    pub fn place(&self) -> (u8, usize) {
        match self {
            Self::Daedal(state) => (state.stage, state.cursor),
            Self::Blocks(state) => (1, state.cursor),
            Self::Remdm(_) | Self::Foreign => (1, 0),
            Self::RhoEos(state) => (1, state.cursor),
            Self::Wino(state) => (1, state.cursor),
        }
    }
}

/// What a strategy wants next.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// This forward pass.
    Predict(Box<Request>),
    /// Nothing: the run is over.
    Done(Finish),
}

/// Why a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// Nothing is left to write.
    Complete,
    /// A step changed nothing, so no later one will.
    Stagnant,
    /// The schedule has no more steps, but masks are left.
    OutOfSteps,
    /// Another program's recording ends here, with masks left, and does not say why.
    Unrecorded,
}

impl Finish {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Complete, Self::Stagnant, Self::OutOfSteps, Self::Unrecorded];

    /// The name in traces and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Stagnant => "stagnant",
            Self::OutOfSteps => "out_of_steps",
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// Where a run stands, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Stage number from 1.
    pub stage: u8,
    /// The stage's name, e.g. `initial length adjustment`.
    pub name: &'static str,
    /// The block in work, as generated positions.
    pub block: Option<Range<usize>>,
}

impl Phase {
    /// Where a state of another strategy stands.
    fn unknown() -> Self {
        Self { stage: 1, name: "unknown", block: None }
    }
}

/// What a pass is asked for beyond what the strategy needs: what people look at, and how the model
/// is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extras {
    /// Columns to show.
    pub columns: ColumnSet,
    /// Candidates per position.
    pub top_k: usize,
    /// How the model is run and read.
    pub reading: Reading,
    /// What a pass may leave uncomputed. Strategies know nothing of it: the session sees to it.
    pub cache: Cache,
}

impl Extras {
    /// Nothing beyond what the strategy needs.
    pub const NONE: Self = Self {
        columns: ColumnSet::NONE,
        top_k: 0,
        reading: Reading { shift: false, block: None, grid: Grid::Prompt },
        cache: Cache::None,
    };
}

/// What a pass within a block may take from the full pass that began the block, instead of
/// computing it: predictions are approximate then (Fast-dLLM).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cache {
    /// Nothing: every pass is exact.
    #[default]
    None,
    /// Keys and values of everything before the block.
    Prefix,
    /// Those of everything before and behind it.
    Dual,
}

impl Cache {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::None, Self::Prefix, Self::Dual];

    /// The name in flags and traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Prefix => "prefix",
            Self::Dual => "dual",
        }
    }
}

/// A fault of the run, not of the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The prediction lacks a column the strategy reads.
    #[error(transparent)]
    Missing(#[from] MissingColumn),
    /// A parameter that is unknown, of the wrong type or out of range.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The state is another strategy's.
    #[error("the state is another strategy's")]
    State,
    /// Parameters that do not go together, in words.
    #[error("{0}")]
    Unfit(String),
    /// The prediction asks for an edit that cannot be, e.g. to write the mask token.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The prediction is for another number of positions.
    #[error("the prediction has {found} rows, the canvas {expected} generated positions")]
    Rows {
        /// Generated positions.
        expected: usize,
        /// Rows found.
        found: usize,
    },
    /// The prediction holds a NaN where a decision needs a number.
    #[error("position {0} has no finite confidence: the model computes NaN or infinity there")]
    NotFinite(usize),
}

/// Parameters of a strategy under a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preset {
    /// Letters, digits and hyphens.
    pub name: &'static str,
    /// What it is for, one line.
    pub help: &'static str,
    /// What it sets.
    pub values: &'static [(&'static str, Value)],
}

/// A decoding strategy.
pub trait Strategy: Send + Sync {
    /// Name in flags and traces.
    fn name(&self) -> &'static str;

    /// Every parameter, with range, unit and help; the order is the order on screen.
    fn params(&self) -> &'static [ParamSpec];

    /// False for another program's strategy: its decisions are known where they are recorded, and
    /// nowhere else.
    fn decides(&self) -> bool {
        true
    }

    /// True if a step may mask written positions again.
    fn revises(&self) -> bool {
        false
    }

    /// Parameter sets under a name.
    fn presets(&self) -> &'static [Preset] {
        &[]
    }

    /// The first canvas and state of a run.
    ///
    /// # Errors
    /// If a parameter is out of range.
    fn start(
        &self,
        prompt: &[TokenId],
        special: SpecialTokens,
        params: &Params,
    ) -> Result<(Canvas, State), DecodeError>;

    /// The next forward pass. `step` is the number the step will have on its path, from 1.
    ///
    /// # Errors
    /// If a parameter is out of range.
    fn plan(
        &self,
        canvas: &Canvas,
        state: &State,
        params: &Params,
        step: u32,
        extras: Extras,
    ) -> Result<Plan, DecodeError>;

    /// What to do with the answer.
    ///
    /// # Errors
    /// If the prediction does not fit the canvas or lacks a column.
    fn decide(
        &self,
        canvas: &Canvas,
        state: &State,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Decision, DecodeError>;

    /// The state after a person edited the canvas: what is masked again is to be filled again.
    ///
    /// # Errors
    /// If a parameter is out of range.
    fn edited(&self, canvas: &Canvas, state: &State, params: &Params)
    -> Result<State, DecodeError>;

    /// Where [`flips`] looks: values of the parameter `name` at each of which the outcome may
    /// differ from the one just below, the other parameters as they are. Thresholds are widened
    /// f32 values.
    ///
    /// Complete from the present value up to the nearest one at which the outcome does differ,
    /// on both sides; beyond that, values may be missing. Values without effect cost a decision
    /// each, so there should be few. `None` if they are not known.
    ///
    /// # Errors
    /// As [`Strategy::decide`] at the present value.
    fn breaks(
        &self,
        name: &str,
        canvas: &Canvas,
        state: &State,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError>;

    /// Stage and block, for people.
    fn phase(&self, canvas: &Canvas, state: &State, params: &Params) -> Phase;
}

impl std::fmt::Debug for dyn Strategy {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The strategies there are, by name.
pub const STRATEGIES: &[&dyn Strategy] = &[
    &daedal::Daedal,
    &Blocks(low_confidence::LowConfidence),
    &Blocks(threshold::Threshold),
    &Blocks(factor::Factor),
    &Blocks(mdlm::Mdlm),
    &Blocks(dream::Dream),
    &Blocks(eb_sampler::EbSampler),
    &Blocks(klass::Klass),
    &remdm::Remdm,
    &rho_eos::RhoEos,
    &wino::Wino,
];

/// The strategy called `name`.
pub fn strategy(name: &str) -> Option<&'static dyn Strategy> {
    STRATEGIES.iter().copied().find(|strategy| strategy.name() == name)
}
