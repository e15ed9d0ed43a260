//! Decoding strategies: pure functions from a canvas and a prediction to a decision.
//!
//! An [`AnyStrategy`] *plans* the forward pass it wants next and *decides* what to do with the
//! answer. It has no clock, no device and no memory of its own: what it must remember is its
//! [`State`], kept with every step. One file (or folder) a strategy.
//!
//! ```
//! use demask_core::{
//!     canvas::SpecialTokens,
//!     decode::{Extras, Plan, Recipe},
//!     predict::{Column, Data, Prediction},
//! };
//!
//! let recipe = Recipe::parse("low_confidence:gen_length=2,block_length=2,steps=2")?;
//! let (strategy, params) = (recipe.strategy, recipe.params(&[])?);
//! let special = SpecialTokens { mask: 9, eos: 8 };
//! let (canvas, state) = strategy.start(&(&[1, 2]).into(), special, &params)?;
//! let Plan::Predict(request) = strategy.plan(&canvas, &state, &params, 1, Extras::NONE)? else {
//!     unreachable!("nothing is unmasked yet")
//! };
//! assert_eq!((request.pass.ids.as_slice(), request.rows), ([1, 2, 9, 9].as_slice(), 2..4));
//!
//! // What a model might answer: a token for both positions, and more confidence in the second.
//! let answer = Prediction::new(2)
//!     .with(Column::Argmax, Data::Ids(vec![5, 6]))
//!     .with(Column::Choice, Data::Ids(vec![5, 6]))
//!     .with(Column::PChoice, Data::Numbers(vec![0.4, 0.9]))
//!     .with(Column::PEos, Data::Numbers(vec![0.0, 0.0]));
//! let decision = strategy.decide(&canvas, &state, &params, &answer)?;
//! assert_eq!(decision.fills().collect::<Vec<_>>(), [(1, 6)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ask;
pub mod block_diffusion;
pub mod blocks;
mod decision;
mod filtering;
mod flips;
mod foreign;
mod layout;
mod noise;
mod outcome;
mod params;
mod probability;
mod ranking;
mod recipe;
mod schedule;
mod specs;
mod strategies;
mod strategy;
mod top_k;
mod verdict;
mod verdicts;

pub use decision::{DecisionOf, Drop, EosMeasure, Growth, Mode};
pub use flips::{Flip, Flips, flips};
pub use foreign::{Foreign, Knob, KnobRange, unknown as foreign_unknown};
pub use layout::BlockLayout;
pub use outcome::{Next, Outcome};
pub use params::{
    Affects, ParamError, ParamKind, ParamRole, ParamSpec, Params, SWITCH, TokenList, Value,
};
pub use probability::{ShownProbability, against, apart, two};
pub use recipe::{REFERENCE, Recipe, RecipeError};
pub use strategies::{
    AnyStrategy, Decision, STRATEGIES, State, cal, daedal, dreamon, entropy_bound, indel, remdm,
    rho_eos, strategy, wino,
};
pub use verdict::{
    FillRule, LeftRule, Measure, PositionEffect, Reason, RefuseRule, RemaskRule, Test, Verdict,
    finite,
};
pub use verdicts::{EachVerdict, Verdicts};

use std::ops::Range;

use crate::{
    canvas::EditError,
    predict::{ColumnSet, Grid, MissingColumn, Reading, Request},
};

/// What a strategy wants next.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan<R = Box<Request>> {
    /// The answer to this request; [`AnyStrategy::decide`] takes it.
    Predict(R),
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
    /// An end-of-sequence token ended it, whatever is left behind that.
    EndOfSequence,
    /// Another program's recording ends here, with masks left, and does not say why.
    Unrecorded,
}

impl Finish {
    /// Every reason, for tables and for reading its name.
    pub const ALL: [Self; 5] =
        [Self::Complete, Self::Stagnant, Self::OutOfSteps, Self::EndOfSequence, Self::Unrecorded];

    /// The name in traces and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Stagnant => "stagnant",
            Self::OutOfSteps => "out_of_steps",
            Self::EndOfSequence => "eos",
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// Where a run stands, for the user.
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

/// What a pass is asked for beyond what the strategy needs: what the user looks at, and how the model
/// is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extras {
    /// Columns beyond those that the decision reads.
    pub columns: ColumnSet,
    /// Candidates kept for each position; 0 is none.
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
    /// Every kind, for completion and help.
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
        /// Generated positions of the canvas.
        expected: usize,
        /// Rows of the prediction.
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
    /// Parameters that it sets, by name; the others keep their values.
    pub values: &'static [(&'static str, Value)],
}
