//! What the model said where two runs stood before the same canvas: another model, precision or
//! cache shows here before it changes what is written.

use crate::{
    canvas::{Canvas, TokenId},
    predict::{Column, Prediction},
};

/// Two guesses for one position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guesses {
    /// The step decided on them, from 1.
    pub step: usize,
    /// The position in A.
    pub position: usize,
    /// A's choice and its probability, 0..=1.
    pub a: (TokenId, f32),
    /// The same of B at the corresponding position.
    pub b: (TokenId, f32),
}

impl Guesses {
    /// |Δp|: how far the probabilities of the two choices are apart, 0..=1; 0 where one has none
    /// on record.
    pub fn apart(&self) -> f32 {
        let apart = (self.a.1 - self.b.1).abs();
        if apart.is_finite() { apart } else { 0.0 }
    }
}

/// How predictions on equal canvases compare, over the masked positions.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Predictions {
    /// Steps before which both canvases were the same, with both predictions on record.
    pub compared: usize,
    /// How many of them differ.
    pub differing: usize,
    /// Where the first of them differs most.
    pub first: Option<Guesses>,
    /// Where any of them differs most.
    pub largest: Option<Guesses>,
}

impl Predictions {
    /// Takes in a step: the canvas before it and its prediction, of each run that has one.
    pub(super) fn take(
        &mut self,
        step: usize,
        a: Option<(&Canvas, &Prediction)>,
        b: Option<(&Canvas, &Prediction)>,
    ) {
        let (Some((canvas, a)), Some((other, b))) = (a, b) else { return };
        if !super::difference::same(canvas, other) || !canvas.is_surrounded_as(other) {
            return;
        }
        let (Some(a), Some(b)) = (Choices::of(a), Choices::of(b)) else { return };
        self.compared += 1;
        let mut most: Option<Guesses> = None;
        let masked = (0..canvas.len()).filter(|&at| canvas.is_masked(at));
        for position in masked {
            let (Some(one), Some(two)) = (a.at(position), b.at(position)) else { continue };
            let absent = one.1.is_nan() || two.1.is_nan();
            if one.0 == two.0 && (absent || one.1.to_bits() == two.1.to_bits()) {
                continue;
            }
            let found = Guesses { step, position, a: one, b: two };
            if most.is_none_or(|most| found.apart() > most.apart()) {
                most = Some(found);
            }
        }
        let Some(most) = most else { return };
        self.differing += 1;
        self.first = self.first.or(Some(most));
        if self.largest.is_none_or(|largest| most.apart() > largest.apart()) {
            self.largest = Some(most);
        }
    }
}

/// The columns that are compared.
struct Choices<'a> {
    ids: &'a [TokenId],
    p: &'a [f32],
}

impl<'a> Choices<'a> {
    fn of(prediction: &'a Prediction) -> Option<Self> {
        let chosen = (Column::Choice, Column::PChoice);
        let best = (Column::Argmax, Column::PArgmax);
        [chosen, best].into_iter().find_map(|(ids, p)| {
            Some(Self { ids: prediction.ids(ids).ok()?, p: prediction.numbers(p).ok()? })
        })
    }

    fn at(&self, position: usize) -> Option<(TokenId, f32)> {
        Some((*self.ids.get(position)?, *self.p.get(position)?))
    }
}
