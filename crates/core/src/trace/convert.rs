//! Between the program's types and those of the format.

use std::{collections::BTreeMap, time::Duration};

use xxhash_rust::xxh3::xxh3_64;

use super::record::{
    Dropped, Eos, Form, LeftOut, Param, RecordedColumns, RecordedDecision, RecordedEdit,
    RecordedOverride, RecordedParams, RecordedPrediction, RecordedText, RecordedTiming,
    RecordedValues, Sparse, Why,
};
use crate::{
    canvas::{self, Canvas, Filler, NO_TOKEN, Slot, TokenId},
    decode::{self, FillRule, RemaskRule, Verdict},
    predict::{self, COLUMNS, Cached, Column, ColumnRecording, ColumnSpec, Data, Key, Piece},
    session,
};

/// Display columns and the significant digits they keep, for the header.
pub(super) fn rounded() -> BTreeMap<String, u32> {
    let digits = |spec: &ColumnSpec| match spec.recorded {
        ColumnRecording::Rounded(digits) => Some((spec.name.to_owned(), digits)),
        ColumnRecording::Exact | ColumnRecording::Paired(_) => None,
    };
    COLUMNS.iter().filter_map(digits).collect()
}

/// XXH3-64 over the generated region's ids.
pub(super) fn hash(canvas: &Canvas) -> String {
    hashed(&canvas.tokens())
}

pub(super) fn hashed(tokens: &[TokenId]) -> String {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
    format!("{:016x}", xxh3_64(&bytes))
}

/// What a pass left out, on a canvas of this length with such a prompt and suffix.
fn cached(Cached { from, window }: &Cached, canvas: &Canvas) -> LeftOut {
    let prompt = canvas.prompt().len();
    let end = from.ids.len().saturating_sub(canvas.suffix().len());
    LeftOut {
        from: hashed(from.ids.get(prompt..end).unwrap_or_default()),
        window: [window.start.saturating_sub(prompt), window.end.saturating_sub(prompt)],
    }
}

/// Every parameter by its name, as a recording writes them.
pub fn params_json(values: &decode::Params) -> serde_json::Value {
    serde_json::to_value(params(values)).unwrap_or_default()
}

pub(super) fn params(params: &decode::Params) -> RecordedParams {
    params.iter().map(|(spec, value)| (spec.name.to_owned(), Param::from(value))).collect()
}

pub(super) fn text(piece: Option<Piece>) -> RecordedText {
    match piece {
        None => RecordedText::None(()),
        Some(Piece::Text(text)) => RecordedText::Whole(text),
        Some(Piece::Bytes(bytes)) => {
            RecordedText::Bytes { hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
        }
        Some(Piece::Control(control)) => RecordedText::Control { control },
    }
}

/// `None` for a token without a text, and for hexadecimal digits that are none.
pub(super) fn piece(text: RecordedText) -> Option<Piece> {
    match text {
        RecordedText::None(()) => None,
        RecordedText::Whole(text) => Some(Piece::Text(text)),
        RecordedText::Control { control } => Some(Piece::Control(control)),
        RecordedText::Bytes { hex } => (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
            .collect::<Option<_>>()
            .map(Piece::Bytes),
    }
}

/// Ids, where they are known.
fn known(ids: &[TokenId]) -> Vec<Option<TokenId>> {
    ids.iter().map(|&id| (id != NO_TOKEN).then_some(id)).collect()
}

fn numbers(values: Vec<Option<f32>>) -> Vec<f32> {
    values.into_iter().map(|value| value.unwrap_or(f32::NAN)).collect()
}

/// A prediction on `canvas`, in the format.
pub(super) fn prediction(
    key: Key,
    from: &predict::Prediction,
    canvas: &Canvas,
    left_out: Option<&Cached>,
) -> RecordedPrediction {
    let looked_at = from.looked_at(canvas);
    let masked: Vec<usize> =
        (0..from.rows()).filter(|&position| canvas.is_masked(position)).collect();
    let finite = |value: f32| value.is_finite().then_some(value);
    let values = |column: Column| -> Option<RecordedValues> {
        Some(match Form::of(column.spec())? {
            Form::Ids => RecordedValues::Ids(known(from.ids(column).ok()?)),
            Form::Numbers => RecordedValues::Numbers(
                from.numbers(column).ok()?.iter().copied().map(finite).collect(),
            ),
            Form::Rounded => {
                let values = looked_at.numbers(column).ok()?;
                let values = masked.iter().map(|&at| finite(values[at])).collect();
                RecordedValues::Rounded(Sparse { at: masked.clone(), values })
            }
            Form::Pairs(p) => {
                let (ids, p) = (from.ids(column).ok()?, from.numbers(p).ok()?);
                let (choice, mask) = (from.ids(Column::Choice).ok()?, canvas.special().mask);
                let at: Vec<usize> = (0..from.rows()).filter(|&at| choice[at] == mask).collect();
                let values = at.iter().map(|&at| (ids[at], finite(p[at]))).collect();
                (!at.is_empty()).then_some(RecordedValues::Pairs(Sparse { at, values }))?
            }
            Form::Candidates => {
                // What decisions read is known of every row that was asked for.
                let (ranked, at) = match column.spec().is_display() {
                    true => (looked_at.ranked(column).ok()?, masked.clone()),
                    false => {
                        let ranked = from.ranked(column).ok()?;
                        let known = (0..from.rows()).filter(|&at| !ranked.row(at).is_empty());
                        (ranked, known.collect())
                    }
                };
                let values = |&at: &usize| ranked.row(at).iter().copied().unzip();
                let values = at.iter().map(values).collect();
                RecordedValues::Candidates(Sparse { at, values })
            }
        })
    };
    let chosen = from.ids(Column::Choice).ok();
    let same = chosen.is_some() && chosen == from.ids(Column::Argmax).ok();
    let columns = COLUMNS.iter().map(|spec| spec.column);
    let columns = columns.filter(|&column| column != Column::Choice || !same);
    RecordedPrediction {
        key: key.to_string(),
        rows: from.rows(),
        cached: left_out.map(|left_out| cached(left_out, canvas)),
        columns: RecordedColumns(
            columns.filter_map(|column| Some((column, values(column)?))).collect(),
        ),
    }
}

/// A prediction from the format; an error in words if a column does not fit its rows.
pub(super) fn predicted(record: RecordedPrediction) -> Result<predict::Prediction, String> {
    let rows = record.rows;
    let fits = |name: &str, found: usize| {
        if found == rows { Ok(()) } else { Err(format!("{name} has {found} of {rows} rows")) }
    };
    let mut prediction = predict::Prediction::new(rows);
    for (column, values) in record.columns.0 {
        let name = column.name();
        prediction = match values {
            RecordedValues::Ids(ids) => {
                fits(name, ids.len())?;
                let ids = ids.into_iter().map(|id| id.unwrap_or(NO_TOKEN)).collect();
                prediction.with(column, Data::Ids(ids))
            }
            RecordedValues::Numbers(values) => {
                fits(name, values.len())?;
                prediction.with(column, Data::Numbers(numbers(values)))
            }
            RecordedValues::Rounded(sparse) => {
                let values = spread(name, rows, sparse, None)?;
                prediction.with(column, Data::Numbers(numbers(values)))
            }
            RecordedValues::Pairs(sparse) => {
                let values = spread(name, rows, sparse, (0, None))?;
                let (ids, p): (Vec<TokenId>, Vec<Option<f32>>) = values.into_iter().unzip();
                let with = match column.spec().recorded {
                    ColumnRecording::Paired(with) => {
                        prediction.with(with, Data::Numbers(numbers(p)))
                    }
                    ColumnRecording::Exact | ColumnRecording::Rounded(_) => prediction,
                };
                with.with(column, Data::Ids(ids))
            }
            RecordedValues::Candidates(sparse) => {
                let values = spread(name, rows, sparse, (Vec::new(), Vec::new()))?;
                if let Some((ids, p)) = values.iter().find(|(ids, p)| ids.len() != p.len()) {
                    let (ids, p) = (ids.len(), p.len());
                    return Err(format!(
                        "{name} has {ids} tokens and {p} probabilities at one position"
                    ));
                }
                let ranked = values.into_iter().map(|(ids, p)| ids.into_iter().zip(p)).collect();
                prediction.with(column, Data::Ranked(ranked))
            }
        };
    }
    // A choice that is left out is the argmax, and so is its probability.
    if prediction.ids(Column::Choice).is_err() {
        let argmax = prediction.ids(Column::Argmax).map(<[TokenId]>::to_vec);
        let p_argmax = prediction.numbers(Column::PArgmax).map(<[f32]>::to_vec);
        if let Ok(p) = p_argmax
            && prediction.numbers(Column::PChoice).is_err()
        {
            prediction = prediction.with(Column::PChoice, Data::Numbers(p));
        }
        if let Ok(ids) = argmax {
            prediction = prediction.with(Column::Choice, Data::Ids(ids));
        }
    }
    Ok(prediction)
}

fn spread<T: Clone>(name: &str, rows: usize, sparse: Sparse<T>, none: T) -> Result<Vec<T>, String> {
    if sparse.at.len() != sparse.values.len() {
        return Err(format!(
            "{name} has {} values at {} positions",
            sparse.values.len(),
            sparse.at.len()
        ));
    }
    let mut all = vec![none; rows];
    let mut sorted = sparse.at.clone();
    sorted.sort_unstable();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("{name} has position {} twice", pair[0]));
    }
    for (at, value) in sparse.at.into_iter().zip(sparse.values) {
        *all.get_mut(at).ok_or_else(|| format!("{name} has a value at {at} of {rows}"))? = value;
    }
    Ok(all)
}

pub(super) fn timing(from: session::Timing) -> RecordedTiming {
    let milliseconds = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
    RecordedTiming { forward_ms: milliseconds(from.forward), decide_ms: milliseconds(from.decide) }
}

pub(super) fn timed(from: RecordedTiming) -> session::Timing {
    let duration =
        |milliseconds: f64| Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or_default();
    session::Timing { forward: duration(from.forward_ms), decide: duration(from.decide_ms) }
}

/// An edit as it stands in a recording.
pub fn edit(from: canvas::Edit) -> RecordedEdit {
    match from {
        canvas::Edit::Fill { slot, token } => RecordedEdit::Fill(slot.0, token),
        canvas::Edit::Replace { slot, token } => RecordedEdit::Replace(slot.0, token),
        canvas::Edit::Remask { slot } => RecordedEdit::Remask(slot.0),
        canvas::Edit::Expand { slot, n } => RecordedEdit::Expand(slot.0, n),
        canvas::Edit::Append { n, filler: Filler::Mask } => RecordedEdit::AppendMask(n),
        canvas::Edit::Append { n, filler: Filler::Eos } => RecordedEdit::AppendEos(n),
        canvas::Edit::Split { slot, n } => RecordedEdit::Split(slot.0, n),
        canvas::Edit::Insert { slot, n } => RecordedEdit::Insert(slot.0, n),
        canvas::Edit::Override { slot, overridden } => RecordedEdit::Override(
            slot.0,
            RecordedOverride { pinned: overridden.pinned, expand: overridden.expand },
        ),
        canvas::Edit::Veto { slot, token, on: true } => RecordedEdit::Veto(slot.0, token),
        canvas::Edit::Veto { slot, token, on: false } => RecordedEdit::Allow(slot.0, token),
        canvas::Edit::Delete { slot } => RecordedEdit::Delete(slot.0),
        canvas::Edit::Truncate { length } => RecordedEdit::Truncate(length),
    }
}

pub(super) fn edited(from: RecordedEdit) -> canvas::Edit {
    match from {
        RecordedEdit::Fill(slot, token) => canvas::Edit::Fill { slot: Slot(slot), token },
        RecordedEdit::Replace(slot, token) => canvas::Edit::Replace { slot: Slot(slot), token },
        RecordedEdit::Remask(slot) => canvas::Edit::Remask { slot: Slot(slot) },
        RecordedEdit::Expand(slot, n) => canvas::Edit::Expand { slot: Slot(slot), n },
        RecordedEdit::AppendMask(n) => canvas::Edit::Append { n, filler: Filler::Mask },
        RecordedEdit::AppendEos(n) => canvas::Edit::Append { n, filler: Filler::Eos },
        RecordedEdit::Split(slot, n) => canvas::Edit::Split { slot: Slot(slot), n },
        RecordedEdit::Insert(slot, n) => canvas::Edit::Insert { slot: Slot(slot), n },
        RecordedEdit::Override(slot, overridden) => canvas::Edit::Override {
            slot: Slot(slot),
            overridden: canvas::Override { pinned: overridden.pinned, expand: overridden.expand },
        },
        RecordedEdit::Veto(slot, token) => canvas::Edit::Veto { slot: Slot(slot), token, on: true },
        RecordedEdit::Allow(slot, token) => {
            canvas::Edit::Veto { slot: Slot(slot), token, on: false }
        }
        RecordedEdit::Delete(slot) => canvas::Edit::Delete { slot: Slot(slot) },
        RecordedEdit::Truncate(length) => canvas::Edit::Truncate { length },
    }
}

pub(super) fn decision(from: &decode::Decision) -> RecordedDecision {
    RecordedDecision {
        mode: from.mode.name().to_owned(),
        edits: from.edits.iter().copied().map(edit).collect(),
        why: from
            .verdicts
            .iter()
            .enumerate()
            .filter_map(|(at, verdict)| why(at, verdict))
            .collect(),
        dropped: from
            .dropped
            .iter()
            .map(|drop| Dropped { slot: drop.slot.0, token: drop.token })
            .collect(),
        eos: from.eos.as_ref().map(|eos| Eos {
            counted: eos.taken.len(),
            window: eos.window,
            confidence: eos.confidence,
            threshold: eos.threshold,
        }),
    }
}

fn why(at: usize, verdict: &Verdict) -> Option<Why> {
    match *verdict {
        // What was there before is told by the canvas.
        Verdict::Fill { rule: FillRule::Unrecorded, .. }
        | Verdict::Replace { rule: FillRule::Unrecorded, .. }
        | Verdict::Remask { rule: RemaskRule::Unrecorded, .. } => None,
        Verdict::Fill { token, p, rule, threshold }
        | Verdict::Replace { token, p, rule, threshold, .. } => {
            Some(Why::Fill { at, token, p, rule, threshold })
        }
        Verdict::Remask { token, p, rule } => Some(Why::Remask { at, token, p, rule }),
        Verdict::Expand { p, threshold, n, eos, eos_threshold } => {
            Some(Why::Expand { at, p, threshold, n, eos, eos_threshold })
        }
        Verdict::ExpandToken { token, p, n, rule } => {
            Some(Why::ExpandToken { at, token, p, n, rule })
        }
        Verdict::Split { token, p, n, rule } => Some(Why::Split { at, token, p, n, rule }),
        Verdict::Delete { token, p, rule } => Some(Why::Delete { at, token, p, rule }),
        Verdict::Forced { p, n } => Some(Why::Forced { at, p, n }),
        Verdict::Refused { p, threshold, rule } => {
            Some(Why::Refused { at, p, threshold, because: rule })
        }
        Verdict::Unchanged | Verdict::Left { .. } | Verdict::Grown { .. } | Verdict::Unrecorded => {
            None
        }
    }
}

/// The verdicts a recorded decision gives its reasons for; the others are unknown.
pub(super) fn verdicts(why: &[Why], rows: usize) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::Unrecorded; rows];
    for why in why {
        let (at, verdict) = match *why {
            Why::Fill { at, token, p, rule, threshold } => {
                (at, Verdict::Fill { token, p, rule, threshold })
            }
            Why::Expand { at, p, threshold, n, eos, eos_threshold } => {
                (at, Verdict::Expand { p, threshold, n, eos, eos_threshold })
            }
            Why::ExpandToken { at, token, p, n, rule } => {
                (at, Verdict::ExpandToken { token, p, n, rule })
            }
            Why::Split { at, token, p, n, rule } => (at, Verdict::Split { token, p, n, rule }),
            Why::Delete { at, token, p, rule } => (at, Verdict::Delete { token, p, rule }),
            Why::Forced { at, p, n } => (at, Verdict::Forced { p, n }),
            Why::Remask { at, token, p, rule } => (at, Verdict::Remask { token, p, rule }),
            Why::Refused { at, p, threshold, because } => {
                (at, Verdict::Refused { p, threshold, rule: because })
            }
        };
        if let Some(place) = verdicts.get_mut(at) {
            *place = verdict;
        }
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaskings_are_read_as_they_were_written() {
        let test = decode::Test { measure: decode::Measure::Verified, value: 0.25, bound: 0.9 };
        for (p, rule) in [
            (None, RemaskRule::Drawn { chance: 0.008 }),
            (Some(0.5), RemaskRule::Drawn { chance: 0.1 }),
            (Some(0.25), RemaskRule::Fails(test)),
        ] {
            let verdict = Verdict::Remask { token: 7, p, rule };
            let text = serde_json::to_string(&why(2, &verdict)).unwrap();
            let read: Why = serde_json::from_str(&text).unwrap();
            assert_eq!(verdicts(&[read], 3)[2], verdict, "{text}");
        }
    }
}
