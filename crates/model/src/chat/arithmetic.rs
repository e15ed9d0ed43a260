//! The operators of templates, with the semantics of Python.

use minijinja::{
    AutoEscape, Error, State, Value,
    value::{Tuple, ValueKind},
};

use super::{
    arguments::refused,
    budget::{self, FueledText},
    escapes, format, python,
};

/// `a + b + …`
pub(super) fn add(state: &State, terms: &[Value]) -> Result<Value, Error> {
    let Some((first, rest)) = terms.split_first() else { return Ok(Value::UNDEFINED) };
    rest.iter().try_fold(first.clone(), |left, right| sum(state, &left, right))
}

fn sum(state: &State, left: &Value, right: &Value) -> Result<Value, Error> {
    if let (Some(a), Some(b)) = (left.as_str(), right.as_str()) {
        budget::room(state, a.len().saturating_add(b.len()))?;
        let text = [a, b].concat();
        return Ok(if left.is_safe() && right.is_safe() {
            Value::from_safe_string(text)
        } else {
            text.into()
        });
    }
    let list = |value: &Value| matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
    if list(left) && list(right) && left.is_tuple() == right.is_tuple() {
        let mut items = budget::items(state, left)?;
        items.extend(budget::items(state, right)?);
        return Ok(sequence(items, left.is_tuple()));
    }
    numbers("+", left, right, i128::checked_add, |a, b| a + b)
}

/// Computes `a * b`, of numbers or of a text and how often it is repeated.
pub(super) fn multiply(state: &State, left: &Value, right: &Value) -> Result<Value, Error> {
    let times = |value: &Value| usize::try_from(whole(value)?.max(0)).ok();
    for (repeated, times) in [(left, times(right)), (right, times(left))] {
        let Some(times) = times else { continue };
        if let Some(text) = repeated.as_str() {
            budget::room(state, text.len().saturating_mul(times))?;
            let text = text.repeat(times);
            return Ok(if repeated.is_safe() {
                Value::from_safe_string(text)
            } else {
                text.into()
            });
        }
        if matches!(repeated.kind(), ValueKind::Seq | ValueKind::Iterable) {
            let items = budget::items(state, repeated)?;
            budget::room_of_list(state, items.len().saturating_mul(times))?;
            // An empty text or list stays empty, however often it is repeated.
            let times = if items.is_empty() { 0 } else { times };
            let all = (0..times).flat_map(|_| items.iter().cloned()).collect();
            return Ok(sequence(all, repeated.is_tuple()));
        }
    }
    numbers("*", left, right, i128::checked_mul, |a, b| a * b)
}

fn sequence(items: Vec<Value>, tuple: bool) -> Value {
    if tuple { Tuple::from(items).into() } else { items.into() }
}

/// A whole number, or a truth value as one.
fn whole(value: &Value) -> Option<i128> {
    match value.kind() {
        ValueKind::Bool => Some(i128::from(value.is_true())),
        _ if value.is_integer() => i128::try_from(value.clone()).ok(),
        _ => None,
    }
}

/// A number, or a truth value as one.
fn number(value: &Value) -> Option<f64> {
    let number = matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    number.then(|| whole(value).map_or_else(|| python::float_of(value), |n| Some(n as f64)))?
}

fn integer(value: i128) -> Value {
    i64::try_from(value).map_or_else(|_| value.into(), Value::from)
}

fn numbers(
    operator: &str,
    left: &Value,
    right: &Value,
    of_whole: fn(i128, i128) -> Option<i128>,
    of_floats: fn(f64, f64) -> f64,
) -> Result<Value, Error> {
    if let (Some(a), Some(b)) = (whole(left), whole(right)) {
        let done = of_whole(a, b).map(integer);
        return done.ok_or_else(|| refused(format!("`{operator}`: the number is too large")));
    }
    match (number(left), number(right)) {
        (Some(a), Some(b)) => Ok(of_floats(a, b).into()),
        _ => Err(unfit(operator, left, right)),
    }
}

fn unfit(operator: &str, left: &Value, right: &Value) -> Error {
    refused(format!("`{operator}` does not go with {} and {}", left.kind(), right.kind()))
}

/// `left % right`: a text with values formatted into it, or a remainder with the divisor's sign.
pub(super) fn remainder(state: &State, left: &Value, right: &Value) -> Result<Value, Error> {
    if left.kind() == ValueKind::String {
        let text = format::percent(state, left.as_str().unwrap_or_default(), right)?;
        return Ok(if left.is_safe() { Value::from_safe_string(text) } else { text.into() });
    }
    let by_zero = || refused("`%`: the divisor is zero");
    if let (Some(left), Some(right)) = (whole(left), whole(right)) {
        let left_over = left.checked_rem(right).ok_or_else(by_zero)?;
        let other_sign = left_over != 0 && (left_over < 0) != (right < 0);
        return Ok(integer(if other_sign { left_over + right } else { left_over }));
    }
    match (number(left), number(right)) {
        (Some(_), Some(0.0)) => Err(by_zero()),
        (Some(left), Some(right)) => {
            let left_over = left % right;
            let other_sign = left_over != 0.0 && (left_over < 0.0) != (right < 0.0);
            Ok(Value::from(if other_sign { left_over + right } else { left_over }))
        }
        _ => Err(unfit("%", left, right)),
    }
}

/// The texts of values with a separator between them, for `~` and `join`. If the template escapes
/// HTML and one of the values is marked as safe, the others are escaped.
pub(super) fn joined(state: &State, parts: &[Value], between: &Value) -> Result<Value, Error> {
    let escaping = !matches!(state.auto_escape(), AutoEscape::None)
        && (between.is_safe() || parts.iter().any(Value::is_safe));
    let shown = |value: &Value| match escaping && !value.is_safe() {
        true => Ok(escapes::html(&python::shown(state, value)?)),
        false => python::shown(state, value),
    };
    let between = shown(between)?;
    let mut text = FueledText::new(state);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push(&between)?;
        }
        match part.as_str().filter(|_| !escaping) {
            Some(part) => text.push(part)?,
            None => text.push(&shown(part)?)?,
        }
    }
    let text = text.done();
    Ok(if escaping { Value::from_safe_string(text) } else { text.into() })
}

/// `value[start:stop:step]`. A value that cannot be sliced gives an undefined value, as in Jinja2.
pub(super) fn slice(state: &State, value: &Value, bounds: [&Value; 3]) -> Result<Value, Error> {
    let bound = |bound: &Value| match bound.is_none() {
        true => Some(None),
        false => whole(bound).map(Some),
    };
    if value.is_undefined() {
        return Err(refused("something undefined cannot be sliced"));
    }
    let [Some(start), Some(stop), Some(step)] = bounds.map(bound) else {
        return Ok(Value::UNDEFINED);
    };
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(refused("a slice `[start:stop:step]` has a step of 0"));
    }
    match value.kind() {
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            budget::room(state, text.len().saturating_mul(size_of::<char>()))?;
            let chars: Vec<char> = text.chars().collect();
            let kept: String = places(chars.len(), start, stop, step).map(|at| chars[at]).collect();
            Ok(if value.is_safe() { Value::from_safe_string(kept) } else { kept.into() })
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = budget::items(state, value)?;
            let kept = places(items.len(), start, stop, step).map(|at| items[at].clone());
            Ok(sequence(kept.collect(), value.is_tuple()))
        }
        _ => Ok(Value::UNDEFINED),
    }
}

/// The indices of a slice of a sequence.
fn places(
    length: usize,
    start: Option<i128>,
    stop: Option<i128>,
    step: i128,
) -> impl Iterator<Item = usize> {
    let length = i128::try_from(length).unwrap_or(i128::MAX);
    let (lower, upper) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let inside = |index: i128| match index < 0 {
        true => index.saturating_add(length).max(lower),
        false => index.min(upper),
    };
    let first = start.map_or(if step < 0 { upper } else { lower }, inside);
    let end = stop.map_or(if step < 0 { lower } else { upper }, inside);
    let mut next = first;
    std::iter::from_fn(move || {
        let within = if step < 0 { next > end } else { next < end };
        let at = usize::try_from(next).ok().filter(|_| within)?;
        next = next.saturating_add(step);
        Some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn parts_are_pythons() {
        const MIN: i128 = i64::MIN as i128;
        for (start, stop, step, expected) in [
            (None, None, 1, "abcde"),
            (Some(1), Some(-1), 1, "bcd"),
            (Some(-2), None, 1, "de"),
            (Some(9), None, 1, ""),
            (None, Some(-9), 1, ""),
            (Some(-9), Some(9), 2, "ace"),
            (None, None, -1, "edcba"),
            (Some(-2), Some(0), -1, "dcb"),
            (Some(9), Some(-9), -2, "eca"),
            (None, None, MIN, "e"),
            (None, None, i128::MAX, "a"),
            (Some(i128::MIN), Some(i128::MAX), 1, "abcde"),
            (Some(i128::MAX), Some(i128::MIN), i128::MIN, "e"),
            (Some(3), Some(1), 1, ""),
        ] {
            let kept: String =
                places(5, start, stop, step).map(|at| b"abcde"[at] as char).collect();
            assert_eq!(kept, expected, "[{start:?}:{stop:?}:{step}]");
        }
    }
}
