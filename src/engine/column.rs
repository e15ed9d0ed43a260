//! The columns of an answer, checked against what was asked.

use std::{collections::BTreeMap, ops::RangeInclusive};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::message::WireValues;
use crate::{
    canvas::TokenId,
    predict::{Column, ColumnKind, Data, Prediction, Ranked, Request},
};

/// What rounding may add to a probability.
const SLACK: f32 = 1e-3;

/// The prediction in an answer to `request`. Token ids must be below `vocabulary`.
///
/// # Errors
/// In words, if a column is missing, has another length, or holds an id outside the vocabulary.
pub(super) fn prediction(
    request: &Request,
    columns: &BTreeMap<String, WireValues>,
    vocabulary: u32,
) -> Result<Prediction, String> {
    let rows = request.rows.len();
    let mut prediction = Prediction::new(rows);
    for column in request.answered() {
        let name = column.name();
        let values =
            columns.get(name).ok_or_else(|| format!("its answer has no column `{name}`"))?;
        let data = data(column, values, rows, vocabulary)
            .map_err(|problem| format!("column `{name}` of its answer {problem}"))?;
        prediction = prediction.with(column, data);
    }
    Ok(prediction)
}

fn data(column: Column, values: &WireValues, rows: usize, vocabulary: u32) -> Result<Data, String> {
    let kind = column.spec().kind;
    // Engines compute in few bits, so an entropy has no upper bound here.
    let (least, most) = kind.bounds(0);
    let possible = least - SLACK..=most + SLACK;
    match (kind, values) {
        (ColumnKind::Token, WireValues::Ids { u32 }) => {
            Ok(Data::Ids(tokens(u32, rows, vocabulary)?))
        }
        (ColumnKind::Candidates, WireValues::Ranked { k, ids, p }) => {
            let count = rows.checked_mul(*k).ok_or("is too long")?;
            let (ids, p) = (tokens(ids, count, vocabulary)?, numbers(p, count)?);
            within(&p, possible)?;
            let row = |row: usize| {
                let at = row * k..(row + 1) * k;
                ids[at.clone()].iter().copied().zip(p[at].iter().copied()).collect::<Vec<_>>()
            };
            Ok(Data::Ranked((0..rows).map(row).collect::<Ranked>()))
        }
        (ColumnKind::Token | ColumnKind::Candidates, _) => Err("is of another type".to_owned()),
        (_, WireValues::Numbers { f32 }) => {
            let values = numbers(f32, rows)?;
            within(&values, possible)?;
            Ok(Data::Numbers(values))
        }
        _ => Err("is of another type".to_owned()),
    }
}

fn tokens(text: &str, count: usize, vocabulary: u32) -> Result<Vec<TokenId>, String> {
    let ids: Vec<TokenId> = words(text, count)?.into_iter().map(u32::from_le_bytes).collect();
    match ids.iter().find(|&&id| id >= vocabulary) {
        Some(id) => Err(format!("names token {id} of a vocabulary of {vocabulary}")),
        None => Ok(ids),
    }
}

/// Checks a range. NaN is let through: where it is read, it is refused.
fn within(values: &[f32], possible: RangeInclusive<f32>) -> Result<(), String> {
    match values.iter().find(|value| !value.is_nan() && !possible.contains(value)) {
        Some(value) => Err(format!("holds {value}, which it cannot be")),
        None => Ok(()),
    }
}

fn numbers(text: &str, count: usize) -> Result<Vec<f32>, String> {
    Ok(words(text, count)?.into_iter().map(f32::from_le_bytes).collect())
}

fn words(text: &str, count: usize) -> Result<Vec<[u8; 4]>, String> {
    let bytes = BASE64_STANDARD.decode(text).map_err(|error| format!("is no base64 ({error})"))?;
    let (words, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() || words.len() != count {
        return Err(format!("has {} bytes, which are not {count} values", bytes.len()));
    }
    Ok(words.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        canvas::SpecialTokens,
        predict::{Attention, ColumnSet, Pass, Score},
    };

    const VOCABULARY: u32 = 10;

    fn request(columns: &[Column], score: Option<Score>) -> Request {
        Request {
            pass: Pass { ids: vec![1, 5, 5], positions: None, attention: Attention::Full },
            guidance: None,
            rows: 1..3,
            shift: false,
            sampling: None,
            suppressed: Vec::new(),
            lowered: Vec::new(),
            begin_suppressed: Vec::new(),
            filters: None,
            score,
            earlier: None,
            shadow: None,
            credits: None,
            alternatives: None,
            targets: Vec::new(),
            cached: None,
            special: SpecialTokens { mask: 5, eos: 9 },
            columns: ColumnSet::of(columns),
            top_k: 2,
        }
    }

    fn packed(words: &[[u8; 4]]) -> String {
        BASE64_STANDARD.encode(words.concat())
    }

    fn ids(values: &[u32]) -> WireValues {
        WireValues::Ids { u32: packed(&values.iter().map(|v| v.to_le_bytes()).collect::<Vec<_>>()) }
    }

    fn p(values: &[f32]) -> String {
        packed(&values.iter().map(|v| v.to_le_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn columns_are_read_bit_for_bit() {
        let request = request(&[Column::Argmax, Column::PEos, Column::TopK, Column::Score], None);
        let WireValues::Ids { u32: candidates } = ids(&[1, 2, 3, 4]) else { unreachable!() };
        let columns = BTreeMap::from([
            ("argmax".to_owned(), ids(&[3, 9])),
            ("p_eos".to_owned(), WireValues::Numbers { f32: p(&[0.1, f32::NAN]) }),
            (
                "top_k".to_owned(),
                WireValues::Ranked { k: 2, ids: candidates, p: p(&[0.5, 0.25, 1.0, 0.0]) },
            ),
        ]);
        let read = prediction(&request, &columns, VOCABULARY).unwrap();
        assert_eq!(read.ids(Column::Argmax), Ok(&[3, 9][..]));
        let eos = read.numbers(Column::PEos).unwrap();
        assert!(eos[0] == 0.1 && eos[1].is_nan());
        assert_eq!(read.top_k(1), [(3, 1.0), (4, 0.0)]);
        assert!(read.numbers(Column::Score).is_err(), "nothing said what to score");
    }

    #[test]
    fn lies_are_named() {
        let check = |column: Column, values: Option<WireValues>, expected: &str| {
            let columns = values.map(|values| (column.name().to_owned(), values));
            let request = request(&[column], None);
            let error =
                prediction(&request, &columns.into_iter().collect(), VOCABULARY).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(Column::Argmax, None, "no column `argmax`");
        check(Column::Argmax, Some(ids(&[3])), "has 4 bytes");
        check(Column::Argmax, Some(ids(&[3, 10])), "token 10 of a vocabulary of 10");
        check(Column::Argmax, Some(WireValues::Ids { u32: "?".into() }), "no base64");
        check(Column::PEos, Some(ids(&[3, 4])), "another type");
        check(Column::TopK, Some(WireValues::Numbers { f32: p(&[0.5, 0.5]) }), "another type");
        check(Column::PEos, Some(WireValues::Numbers { f32: p(&[0.5, 1.5]) }), "holds 1.5");
        check(Column::Entropy, Some(WireValues::Numbers { f32: p(&[-1.0, 0.5]) }), "holds -1");
        let k = usize::MAX;
        let ranked = WireValues::Ranked { k, ids: String::new(), p: String::new() };
        check(Column::TopK, Some(ranked), "too long");
    }
}
