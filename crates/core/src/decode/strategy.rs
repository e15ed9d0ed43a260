//! The trait of a decoding strategy: pure functions over a state and settings of its own.
//!
//! The rest of the program meets a strategy as an [`AnyStrategy`], which reads the parameters into
//! the strategy's settings and takes its state out of the run's [`State`].
//!
//! [`AnyStrategy`]: super::AnyStrategy
//! [`State`]: super::State

use super::{
    DecisionOf, DecodeError, ParamSpec, Params, Phase, Plan, Preset, Value, ask::PassOptions,
};
use crate::{
    canvas::{Canvas, FixedText, SpecialTokens},
    predict::Prediction,
};

/// A decoding strategy with its own types of state and settings.
pub(super) trait Strategy: Send + Sync + 'static {
    /// What it remembers between steps.
    type State: Clone;

    /// Its parameters, read once for each call.
    type Settings;

    /// Name in flags and traces.
    const NAME: &'static str;

    /// Every parameter, with range, unit and help; the order is the order on screen.
    const PARAMS: &'static [ParamSpec];

    /// Parameter sets under a name.
    const PRESETS: &'static [Preset] = &[];

    /// True if a step may remask a position, or replace the token that it holds.
    const CHANGES_TOKENS: bool = false;

    /// True if the canvas grows by a block of masks whenever one is done.
    const APPENDS_BLOCKS: bool = false;

    /// Positions of the first block that the prompt takes, where blocks lie on a grid that begins
    /// with the sequence.
    fn lead(settings: &Self::Settings, prompt: usize) -> usize {
        let _ = (settings, prompt);
        0
    }

    /// Reads the parameters.
    ///
    /// # Errors
    /// If one is missing: `params` are another strategy's.
    fn settings(params: &Params) -> Result<Self::Settings, DecodeError>;

    /// The first canvas and state of a run.
    ///
    /// # Errors
    /// If parameters do not go together, or the strategy does not go with the text.
    fn start(
        settings: &Self::Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, Self::State), DecodeError>;

    /// The next forward pass, or the end of the run.
    fn plan(at: Context<Self>) -> Plan<PassOptions>;

    /// What to do with the answer.
    ///
    /// # Errors
    /// If the prediction does not fit the canvas or lacks a column.
    fn decide(
        at: Context<Self>,
        prediction: &Prediction,
    ) -> Result<DecisionOf<Self::State>, DecodeError>;

    /// The state after the user edited the canvas: what is remasked is to be filled again.
    fn edited(at: Context<Self>) -> Self::State;

    /// Values of the parameter `name`, whose value is `present`, at which the outcome of a step may
    /// differ; as [`AnyStrategy::breaks`]. Asked only for parameters that decisions depend on.
    ///
    /// [`AnyStrategy::breaks`]: super::AnyStrategy::breaks
    ///
    /// # Errors
    /// As [`Strategy::decide`].
    fn breaks(
        at: Context<Self>,
        name: &str,
        present: Value,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError>;

    /// Stage and block, for the user.
    fn phase(at: Context<Self>) -> Phase;
}

/// Where a run stands: what a strategy is asked about.
pub(super) struct Context<'a, S: Strategy + ?Sized> {
    /// The canvas before the step.
    pub canvas: &'a Canvas,
    /// What the strategy remembers.
    pub state: &'a S::State,
    /// The parameters, as they are now, in the strategy's own type.
    pub settings: &'a S::Settings,
}

// Derived, these would ask that the strategy itself can be copied.
impl<S: Strategy + ?Sized> Clone for Context<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Strategy + ?Sized> Copy for Context<'_, S> {}
