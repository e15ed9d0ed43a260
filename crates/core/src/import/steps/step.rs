//! A step: its canvas, and its values for each position.

use serde_json::Value;

use super::{
    super::{
        no_row,
        skipped::SkippedInput,
        texts::{Texts, piece},
        token,
    },
    names::{CONFIDENCE, ENTROPY, GUESS, NUMBER, TEXTS},
    value::{ImportedBatch, ImportedColumn, ImportedFields, Wrong, ids, shown, whole},
    words::words,
};
use crate::canvas::{NO_TOKEN, TokenId};

/// The form in which a file has a canvas.
pub enum CanvasForm {
    Ids(Vec<TokenId>),
    /// A text for each token.
    Texts(Vec<String>),
    /// Words and masks of a running text.
    Words(Vec<String>),
}

impl CanvasForm {
    pub fn len(&self) -> usize {
        match self {
            Self::Ids(ids) => ids.len(),
            Self::Texts(texts) | Self::Words(texts) => texts.len(),
        }
    }
}

/// A step as it was read.
pub struct ReadStep {
    pub held: CanvasForm,
    /// Probabilities as they are in the file; NaN where there is none.
    pub confidence: Option<ImportedColumn<f32>>,
    /// [`NO_TOKEN`] where there is none.
    pub guess: Option<ImportedColumn<TokenId>>,
    /// Nats; NaN where there is none.
    pub entropy: Option<ImportedColumn<f32>>,
    /// Which of several canvases that follow each other.
    pub block: Option<u64>,
    /// The number that the file gives it.
    pub number: Option<i64>,
}

impl ReadStep {
    pub fn of_canvas(held: CanvasForm) -> Self {
        Self { held, confidence: None, guess: None, entropy: None, block: None, number: None }
    }

    /// The step of an object whose canvas is `held`; `n` is its place among the steps. The texts of
    /// its ids are added to `texts`.
    pub fn of_object(
        held: CanvasForm,
        n: usize,
        fields: &mut ImportedFields,
        batch: ImportedBatch,
        texts: &mut Texts,
        left: &mut SkippedInput,
    ) -> Self {
        let number = |value: &Value| value.as_f64().map(|number| number as f32);
        let id = |value: &Value| whole(value).and_then(|id| token(id).ok());
        let mut step = Self::of_canvas(held);
        step.confidence = fields
            .take(&CONFIDENCE)
            .and_then(|field| batch.column(field, (n, f32::NAN), number, left));
        step.guess =
            fields.take(&GUESS).and_then(|field| batch.column(field, (n, NO_TOKEN), id, left));
        step.entropy = fields
            .take(&ENTROPY)
            .and_then(|field| batch.column(field, (n, f32::NAN), number, left));
        let is_whole = |value: &Value| whole(value).is_some();
        step.number = fields.take_if(&NUMBER, is_whole).and_then(|(_, value)| whole(value));
        if let CanvasForm::Ids(ids) = &step.held {
            let of_each = |value: &Value| {
                value.as_array().is_some_and(|list| {
                    list.len() == ids.len() && list.iter().all(Value::is_string)
                })
            };
            let around = fields.take_if(&TEXTS, of_each).and_then(|(_, value)| value.as_array());
            for (&id, text) in ids.iter().zip(around.into_iter().flatten()) {
                let Some(text) = text.as_str() else { continue };
                let known = texts.0.entry(id).or_insert_with(|| piece(text));
                if *known != piece(text) {
                    left.value("another text of an id that has one", || {
                        format!("{text:?} of {id} in step {n}")
                    });
                }
            }
        }
        step
    }
}

/// A canvas: ids, texts of tokens, one text, or a batch of these, of which `row` is taken. Also
/// returns the size of the batch.
pub fn held(value: &Value, row: usize) -> Result<(CanvasForm, usize), Wrong> {
    match value {
        Value::String(text) => Ok((CanvasForm::Words(words(text)), 1)),
        Value::Array(list) => match list.first() {
            Some(Value::Array(_)) => {
                let canvas = list.get(row).ok_or_else(|| no_row(row, list.len()))?;
                let first = canvas.as_array().and_then(|canvas| canvas.first());
                if first.is_some_and(Value::is_array) {
                    return Err(Wrong::new(
                        "its canvas is nested too deep. Write a list of tokens, or a batch of them",
                    )
                    .at(row));
                }
                held(canvas, row).map(|(held, _)| (held, list.len())).map_err(|wrong| wrong.at(row))
            }
            Some(Value::String(_)) => {
                let text = |(at, text): (usize, &Value)| {
                    text.as_str().map(str::to_owned).ok_or_else(|| {
                        Wrong::new(format!(
                            "{} is no text, as what stands before it. Write a text at each position",
                            shown(text)
                        ))
                        .at(at)
                    })
                };
                let texts: Result<_, _> = list.iter().enumerate().map(text).collect();
                Ok((CanvasForm::Texts(texts?), 1))
            }
            _ => Ok((CanvasForm::Ids(ids(list)?), 1)),
        },
        value => Err(Wrong::new(format!(
            "{} is neither a list of tokens nor an object with one",
            shown(value)
        ))),
    }
}
