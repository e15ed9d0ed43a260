//! Strategies behind one object-safe trait, for everything outside `decode`: found by name, with
//! [`Params`] and [`State`] in the place of their own settings and states.

use super::state::{Decision, OwnState, State};
use crate::{
    canvas::{Canvas, FixedText, SpecialTokens},
    decode::{
        Affects, BlockLayout, DecodeError, Extras, ParamRole, ParamSpec, Params, Phase, Plan,
        Preset, Value,
        strategy::{Context, Strategy},
    },
    predict::Prediction,
};

/// A decoding strategy of any kind, with its state and settings erased: what the program and its
/// table of strategies know of one.
pub trait AnyStrategy: Send + Sync {
    /// Name in flags and traces.
    fn name(&self) -> &'static str;

    /// Every parameter, with range, unit and help; the order is the order on screen.
    fn params(&self) -> &'static [ParamSpec];

    /// False for another program's strategy: its decisions are known where they are recorded, and
    /// nowhere else.
    fn decides(&self) -> bool {
        true
    }

    /// True if a step may remask a position, or replace the token that it holds.
    fn changes_tokens(&self) -> bool {
        false
    }

    /// True if the canvas grows by a block of masks whenever one is done. No position sees the
    /// masks of a later block, so it does not matter to a step whether they are there already.
    fn appends_blocks(&self) -> bool {
        false
    }

    /// Parameter sets under a name.
    fn presets(&self) -> &'static [Preset] {
        &[]
    }

    /// The first canvas and state of a run. Where holes say how long it is, the parameters are to say
    /// the same ([`Params::take_length`]).
    ///
    /// # Errors
    /// If a parameter is out of range, parameters do not go together, or the strategy does not go
    /// with the text.
    fn start(
        &self,
        text: &FixedText,
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

    /// The state after the user edited the canvas: what is remasked is to be filled again.
    ///
    /// # Errors
    /// If a parameter is out of range.
    fn edited(&self, canvas: &Canvas, state: &State, params: &Params)
    -> Result<State, DecodeError>;

    /// Where [`flips`](crate::decode::flips()) looks: values of the parameter `name` at each of which the
    /// outcome may differ from the one just below, the other parameters as they are. Thresholds are
    /// widened f32 values.
    ///
    /// Complete from the present value up to the nearest one at which the outcome does differ,
    /// on both sides; beyond that, values may be missing. Values without effect cost a decision
    /// each, so there should be few. `None` if they are not known.
    ///
    /// # Errors
    /// As [`AnyStrategy::decide`] at the present value.
    fn breaks(
        &self,
        name: &str,
        canvas: &Canvas,
        state: &State,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError>;

    /// Stage and block, for the user.
    fn phase(&self, canvas: &Canvas, state: &State, params: &Params) -> Phase;

    /// How the region generated behind `prompt` tokens lies in blocks: one block where the strategy
    /// has none.
    fn block_layout(&self, prompt: usize, params: &Params) -> BlockLayout {
        let _ = prompt;
        let width = params.count_of(ParamRole::Block);
        width.map_or(BlockLayout::ONE, |width| BlockLayout::new(width, 0))
    }
}

impl std::fmt::Debug for dyn AnyStrategy {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A strategy's own state, or the error of a state that is another strategy's.
fn own<T: OwnState>(state: &State) -> Result<&T, DecodeError> {
    T::of(state).ok_or(DecodeError::State)
}

impl<S> AnyStrategy for S
where
    S: Strategy,
    S::State: OwnState,
{
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn params(&self) -> &'static [ParamSpec] {
        S::PARAMS
    }

    fn changes_tokens(&self) -> bool {
        S::CHANGES_TOKENS
    }

    fn appends_blocks(&self) -> bool {
        S::APPENDS_BLOCKS
    }

    fn presets(&self) -> &'static [Preset] {
        S::PRESETS
    }

    fn start(
        &self,
        text: &FixedText,
        special: SpecialTokens,
        params: &Params,
    ) -> Result<(Canvas, State), DecodeError> {
        let (canvas, state) = S::start(&S::settings(params)?, text, special)?;
        Ok((canvas, state.any()))
    }

    fn plan(
        &self,
        canvas: &Canvas,
        state: &State,
        params: &Params,
        step: u32,
        extras: Extras,
    ) -> Result<Plan, DecodeError> {
        let (state, settings) = (own(state)?, &S::settings(params)?);
        Ok(match S::plan(Context { canvas, state, settings }) {
            Plan::Predict(ask) => Plan::Predict(Box::new(ask.request(canvas, step, extras))),
            Plan::Done(finish) => Plan::Done(finish),
        })
    }

    fn decide(
        &self,
        canvas: &Canvas,
        state: &State,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Decision, DecodeError> {
        let (state, settings) = (own(state)?, &S::settings(params)?);
        if prediction.rows() != canvas.len() {
            return Err(DecodeError::Rows { expected: canvas.len(), found: prediction.rows() });
        }
        let decision = S::decide(Context { canvas, state, settings }, prediction)?;
        Ok(decision.with_state(OwnState::any))
    }

    fn edited(
        &self,
        canvas: &Canvas,
        state: &State,
        params: &Params,
    ) -> Result<State, DecodeError> {
        let (state, settings) = (own(state)?, &S::settings(params)?);
        Ok(S::edited(Context { canvas, state, settings }).any())
    }

    fn breaks(
        &self,
        name: &str,
        canvas: &Canvas,
        state: &State,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let (state, settings) = (own(state)?, &S::settings(params)?);
        let spec = params.spec(name)?;
        if spec.affects != Affects::Decide {
            return Ok(Some(Vec::new()));
        }
        let present = params.get(spec.name)?;
        S::breaks(Context { canvas, state, settings }, spec.name, present, prediction)
    }

    fn phase(&self, canvas: &Canvas, state: &State, params: &Params) -> Phase {
        match (own(state), &S::settings(params)) {
            (Ok(state), Ok(settings)) => S::phase(Context { canvas, state, settings }),
            _ => Phase::unknown(),
        }
    }

    fn block_layout(&self, prompt: usize, params: &Params) -> BlockLayout {
        let width = params.count_of(ParamRole::Block);
        let lead = S::settings(params).map_or(0, |settings| S::lead(&settings, prompt));
        width.map_or(BlockLayout::ONE, |width| BlockLayout::new(width, lead))
    }
}
