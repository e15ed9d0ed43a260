//! What a model does with held-out problems: generation by DAEDAL, the tail signal it lives on,
//! rank correlation. The figures of the embedded model's card come from here.
//!
//! ```
//! use demask::eval::measure::rank_correlation;
//!
//! assert_eq!(rank_correlation(&[(1.0, 10.0), (2.0, 40.0), (3.0, 90.0)]), 1.0);
//! ```

use std::{ops::ControlFlow, time::Duration};

use crate::{
    canvas::TokenId,
    decode::{DecodeError, Extras, Params, Value, daedal::Daedal},
    model::Loaded,
    predict::PredictError,
    session::{Pending, Session, StepError},
};

/// Why a measurement did not come about.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The strategy could not go on.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The model could not.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// A step did not fit.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The prompt could not be encoded, in words.
    #[error("{0}")]
    Prompt(String),
}

/// A finished generation, with what was counted on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The answer, without its tail of end-of-sequence tokens.
    pub text: String,
    /// Length when stage 1 stopped, positions, before EOS tokens were appended.
    pub stage1: usize,
    /// Length in the end (N_token).
    pub length: usize,
    /// Tokens before the EOS tail (E_token).
    pub effective: usize,
    /// Expansions in stage 2.
    pub expansions: usize,
    /// Steps: predictions asked for (NFE).
    pub steps: u32,
}

/// The parameters to measure a model with: the defaults, what it suggests, and `changes`.
///
/// # Errors
/// If a change does not fit.
pub fn params(model: &Loaded, changes: &[(&str, Value)]) -> Result<Params, DecodeError> {
    let mut params = Params::defaults(crate::decode::daedal::SPECS);
    params.suggest(&model.suggested.of(crate::decode::daedal::NAME));
    for (name, value) in changes {
        params.set(name, *value)?;
    }
    Ok(params)
}

fn session(model: &Loaded, prompt: &str, params: Params) -> Result<Session, MeasureError> {
    let ids: Vec<TokenId> = model.tokenizer.encode_prompt(prompt).map_err(MeasureError::Prompt)?;
    let extras = Extras::NONE;
    Ok(Session::new(&Daedal, &ids, model.facts.special, params, extras, None)?)
}

/// Runs the model until a decision is pending; false if the run is over.
fn ready(model: &mut Loaded, session: &mut Session) -> Result<bool, MeasureError> {
    loop {
        match session.pending().clone() {
            Pending::Decided { .. } => return Ok(true),
            Pending::Done(_) => return Ok(false),
            Pending::Failed(error) => return Err(error.into()),
            Pending::Wanted { key, request } => {
                let go_on = &mut |_| ControlFlow::Continue(());
                let prediction = model.predictor.predict(&request, go_on)?;
                session.supply(key, prediction, Duration::ZERO);
            }
        }
    }
}

/// Generates an answer by DAEDAL.
///
/// # Errors
/// [`MeasureError`].
pub fn generate(
    model: &mut Loaded,
    prompt: &str,
    params: Params,
) -> Result<Generated, MeasureError> {
    let mut session = session(model, prompt, params)?;
    let (mut stage1, mut expansions) = (session.canvas().len(), 0);
    while ready(model, &mut session)? {
        if session.phase().stage == 1 {
            stage1 = session.canvas().len();
        }
        if let Pending::Decided { decision, .. } = session.pending() {
            expansions += decision.expansions().count();
        }
        session.step()?;
    }
    let canvas = session.canvas();
    Ok(Generated {
        text: model.tokenizer.text(&canvas.tokens()[..canvas.tail()]),
        stage1,
        length: canvas.len(),
        effective: canvas.tail(),
        expansions,
        steps: session.node().depth,
    })
}

/// The EOS confidence of the first prediction on an all-mask canvas of `length` positions.
///
/// # Errors
/// [`MeasureError`].
pub fn tail_confidence(
    model: &mut Loaded,
    prompt: &str,
    length: usize,
    params: &Params,
) -> Result<f64, MeasureError> {
    let mut params = params.clone();
    params.set("initial_gen_length", Value::Int(length as i64)).map_err(DecodeError::from)?;
    let mut session = session(model, prompt, params)?;
    ready(model, &mut session)?;
    match session.pending() {
        Pending::Decided { decision, .. } => {
            Ok(decision.eos.as_ref().map_or(0.0, |eos| f64::from(eos.confidence)))
        }
        _ => Ok(0.0),
    }
}

/// Number of tokens of an answer.
pub fn token_count(model: &Loaded, answer: &str) -> usize {
    model.tokenizer.count(answer)
}

/// Spearman's rank correlation, ties at their mean rank. NaN for fewer than two pairs or if
/// either side is constant.
pub fn rank_correlation(pairs: &[(f64, f64)]) -> f64 {
    let left = ranks(&pairs.iter().map(|pair| pair.0).collect::<Vec<_>>());
    let right = ranks(&pairs.iter().map(|pair| pair.1).collect::<Vec<_>>());
    let mean = (pairs.len() as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    product(&left, &right) / (product(&left, &left) * product(&right, &right)).sqrt()
}

fn ranks(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .map(|value| {
            let below = values.iter().filter(|other| *other < value).count() as f64;
            let equal = values.iter().filter(|other| *other == value).count() as f64;
            below + (equal + 1.0) / 2.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::rank_correlation;

    #[test]
    fn ranks_correlate_as_they_should() {
        let close = |pairs: &[(f64, f64)], expected: f64| {
            let found = rank_correlation(pairs);
            assert!((found - expected).abs() < 1e-12, "{found}");
        };
        close(&[(1.0, 10.0), (2.0, 100.0), (3.0, 1000.0)], 1.0);
        close(&[(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)], -1.0);
        close(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0)], 0.8);
        close(&[(1.0, 1.0), (1.0, 1.0), (2.0, 2.0), (2.0, 2.0)], 1.0);
        assert!(rank_correlation(&[(1.0, 1.0), (1.0, 2.0)]).is_nan());
    }
}
