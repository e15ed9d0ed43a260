//! Flips: how far a parameter must move until a step has another outcome.
//!
//! A strategy says where its outcome may change ([`AnyStrategy::breaks`]); here each place is tried
//! by deciding again, so an answer is exact and costs no forward pass.

use super::{AnyStrategy, DecodeError, Outcome, Params, State, Value};
use crate::{canvas::Canvas, predict::Prediction};

/// The nearest value at which the outcome differs, on one side of the present one.
#[derive(Debug, Clone, PartialEq)]
pub struct Flip {
    /// The first value with another outcome, moving outwards.
    pub at: Value,
    /// Its neighbour: the last value with the present outcome.
    pub last: Value,
    /// The outcome at `at`.
    pub outcome: Outcome,
}

/// The nearest flips of one parameter; `None` if the outcome stays up to the end of the range.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flips {
    /// Below the present value.
    pub down: Option<Flip>,
    /// Above the present value.
    pub up: Option<Flip>,
}

/// How far the parameter `name` must move, the others as they are, until what is decided on
/// `prediction` has another outcome. A whole number moves by 1, a threshold from one f32 value to
/// the next, since that is what decisions compare; the present value counts as the f32 next to it.
/// A value at which nothing can be decided has another outcome, too ([`Next::Failed`]). What only
/// the forward pass or the first canvas depends on never flips, nor does what is no number.
///
/// `None` if the strategy does not know where to look.
///
/// [`Next::Failed`]: super::Next::Failed
///
/// # Errors
/// If the step cannot be decided at the present value, or there is no such parameter.
pub fn flips(
    strategy: &dyn AnyStrategy,
    canvas: &Canvas,
    state: &State,
    params: &Params,
    name: &str,
    prediction: &Prediction,
) -> Result<Option<Flips>, DecodeError> {
    let Some((min, max)) = params.spec(name)?.bounds() else {
        return Ok(Some(Flips::default()));
    };
    let present = match params.get(name)? {
        Value::Float(value) => f64::from(value as f32),
        other => other.as_f64(),
    };
    let decision = strategy.decide(canvas, state, params, prediction)?;
    let now = Outcome::of(strategy, canvas, params, &decision)?;
    let mut moved = params.clone();
    let mut other = |at: Value, last: Value| -> Result<Option<Flip>, DecodeError> {
        moved.set(name, at)?;
        let outcome = match strategy.decide(canvas, state, &moved, prediction) {
            Ok(decision) => Outcome::of(strategy, canvas, &moved, &decision)?,
            Err(_) => Outcome::failed(canvas),
        };
        Ok((outcome != now).then_some(Flip { at, last, outcome }))
    };

    let Some(mut breaks) = strategy.breaks(name, canvas, state, params, prediction)? else {
        return Ok(None);
    };
    breaks.sort_by(|a, b| a.as_f64().total_cmp(&b.as_f64()));
    breaks.dedup();
    let above = breaks.partition_point(|value| value.as_f64() <= present);
    let mut flips = Flips::default();
    for &at in breaks[above..].iter().take_while(|at| at.as_f64() <= max) {
        flips.up = other(at, below(at))?;
        if flips.up.is_some() {
            break;
        }
    }
    for &last in breaks[..above].iter().rev().take_while(|last| below(**last).as_f64() >= min) {
        flips.down = other(below(last), last)?;
        if flips.down.is_some() {
            break;
        }
    }
    Ok(Some(flips))
}

/// The next value down.
fn below(value: Value) -> Value {
    match value {
        Value::Int(value) => Value::Int(value.saturating_sub(1)),
        Value::Float(value) => Value::Float(f64::from((value as f32).next_down())),
        other => other,
    }
}
