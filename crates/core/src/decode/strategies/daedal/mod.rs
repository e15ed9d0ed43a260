//! DAEDAL: variable-length denoising without training (arXiv 2508.00819), exactly as the
//! published code decides (`models/LLaDA_DAEDAL.py`, batch of one).
//!
//! Stage 1, *initial length adjustment*, grows an all-mask canvas until the model is confident
//! that it ends within it. Stage 2, *iterative mask insertion*, fills block after block and
//! replaces the least confident position by several masks. Threshold comparisons are in f32,
//! against thresholds rounded to f32. Where the code crashes (guidance once the canvas has
//! grown) this does what it meant.
//!
//! Where a suffix stands behind the region, the EOS confidence is read before it and no EOS tokens
//! are put there between the stages, as in the infilling form published with CAL
//! (`daedal_cal/daedal_cal.py` of NiuHechang/Calibrated_Adaptive_Length; preset `infill`).

mod breaks;
mod eos;
mod params;
mod stage1;
pub(super) mod stage2;

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use params::{SPECS, Settings};

use crate::{
    canvas::{Canvas, FixedText, SpecialTokens, TokenId},
    decode::{
        DecisionOf, DecodeError, Finish, ParamSpec, Params, Phase, Plan, Preset, Value,
        ask::PassOptions,
        strategy::{Context, Strategy},
    },
    predict::{Column, Prediction},
};

/// The strategy's name in flags and traces.
pub const NAME: &str = "daedal";

/// The strategy `daedal`: a canvas that grows before and while it is unmasked.
#[derive(Debug, Clone, Copy)]
pub struct Daedal;

/// What DAEDAL remembers between steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// Stage 1 (initial length) or 2 (mask insertion).
    pub stage: u8,
    /// First position of the current block; may end past the length.
    pub cursor: usize,
    /// The last step changed nothing, so none will.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stagnant: bool,
}

impl State {
    /// The current block, clipped to `length`.
    fn block(&self, length: usize, block_length: usize) -> Range<usize> {
        let start = self.cursor.min(length);
        start..start.saturating_add(block_length).min(length)
    }

    /// The state with its cursor on a block that has something to fill, if one is further on.
    /// It is already there, unless the block was made narrower since: the reference cannot do
    /// that, and without this its rules would end the run.
    fn at_work(self, canvas: &Canvas, block_length: usize) -> Self {
        let open = (self.cursor..canvas.len()).any(|at| canvas.is_open(at));
        match self.stage == 2 && open {
            true => Self { cursor: stage2::advance(canvas, self.cursor, block_length), ..self },
            false => self,
        }
    }
}

/// What both stages decide on: one entry per generated position.
pub(super) struct DaedalColumns<'a> {
    pub argmax: &'a [TokenId],
    pub choice: &'a [TokenId],
    pub p_choice: &'a [f32],
    pub p_eos: &'a [f32],
}

impl<'a> DaedalColumns<'a> {
    pub(super) fn of(prediction: &'a Prediction) -> Result<Self, DecodeError> {
        Ok(Self {
            argmax: prediction.ids(Column::Argmax)?,
            choice: prediction.ids(Column::Choice)?,
            p_choice: prediction.numbers(Column::PChoice)?,
            p_eos: prediction.numbers(Column::PEos)?,
        })
    }
}

impl Strategy for Daedal {
    type State = State;
    type Settings = Settings;

    const NAME: &'static str = NAME;
    const PARAMS: &'static [ParamSpec] = SPECS;
    const PRESETS: &'static [Preset] = params::PRESETS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Settings::of(params)
    }

    fn start(
        settings: &Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, State), DecodeError> {
        let state = State { stage: 1, cursor: 0, stagnant: false };
        Ok((text.canvas(settings.initial_gen_length, special), state))
    }

    fn plan(at: Context<Self>) -> Plan<PassOptions> {
        let Context { canvas, state, settings } = at;
        if state.stagnant {
            return Plan::Done(Finish::Stagnant);
        }
        if state.stage == 2 && state.cursor >= canvas.len() {
            return Plan::Done(Finish::Complete);
        }
        // Guidance and noise belong to stage 2 alone: stage 1 reads the plain argmax.
        let denoising = state.stage == 2;
        Plan::Predict(PassOptions {
            columns: &[
                Column::Argmax,
                Column::Choice,
                Column::PChoice,
                Column::PEos,
                Column::BestUnmask,
                Column::PBestUnmask,
            ],
            cfg_scale: if denoising { settings.cfg_scale } else { 0.0 },
            temperature: if denoising { settings.temperature } else { 0.0 },
            seed: settings.seed,
            ..PassOptions::default()
        })
    }

    fn decide(
        at: Context<Self>,
        prediction: &Prediction,
    ) -> Result<DecisionOf<State>, DecodeError> {
        match at.state.stage {
            1 => stage1::decide(at, prediction),
            _ => stage2::decide(at, prediction),
        }
    }

    fn edited(at: Context<Self>) -> State {
        let Context { canvas, state, settings } = at;
        let cursor = match state.stage {
            1 => 0,
            _ => stage2::cursor_after_edit(canvas, state.cursor, settings.block_length),
        };
        State { stage: state.stage, cursor, stagnant: false }
    }

    fn breaks(
        at: Context<Self>,
        name: &str,
        _: Value,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        breaks::breaks(at, name, prediction).map(Some)
    }

    fn phase(at: Context<Self>) -> Phase {
        let Context { canvas, state, settings } = at;
        if state.stage == 1 {
            return Phase { stage: 1, name: "initial length adjustment", block: None };
        }
        let block_length = settings.block_length.max(1);
        let state = state.at_work(canvas, block_length);
        Phase {
            stage: 2,
            name: "iterative mask insertion",
            block: Some(state.block(canvas.len(), block_length)),
        }
    }
}
