//! How much of a canvas a prediction expects to be end of sequence: what length rules look at, for every
//! run, whether its strategy has such a rule or not.

use crate::{
    canvas::Canvas,
    decode::EosMeasure,
    predict::{Column, Prediction},
};

/// W_eos where the strategy has none: that of DAEDAL's published code.
pub(super) const USUAL_WINDOW: usize = 32;

/// DAEDAL's EOS confidence ([`EosMeasure`]), 0..=1. `None` where the prediction does not hold the columns.
pub(super) fn eos_confidence(
    prediction: &Prediction,
    canvas: &Canvas,
    window: usize,
) -> Option<f32> {
    let argmax = prediction.ids(Column::Argmax).ok()?;
    let p = prediction.numbers(Column::PEos).ok()?;
    let measure = EosMeasure::of(argmax, p, canvas.special().eos, window, 0.0);
    Some(measure.ok()?.confidence)
}

/// ρ-EOS's density as its paper has it: the share of the masked positions whose argmax is EOS, 0..=1.
/// `None` without a mask or where the prediction does not hold the column.
pub(super) fn density(prediction: &Prediction, canvas: &Canvas) -> Option<f32> {
    let argmax = prediction.ids(Column::Argmax).ok()?;
    let special = canvas.special();
    let masked = canvas.cells().iter().zip(argmax).filter(|(cell, _)| cell.token == special.mask);
    let (mut masks, mut to_end) = (0, 0);
    for (_, argmax) in masked {
        masks += 1_u32;
        to_end += usize::from(*argmax == special.eos);
    }
    finite(to_end as f64 / f64::from(masks))
}

/// The mean P(EOS) over the last `window` positions, or all where there are fewer, 0..=1. `None` where
/// the prediction does not hold the column.
pub(super) fn mean(prediction: &Prediction, window: usize) -> Option<f32> {
    let p = prediction.numbers(Column::PEos).ok()?;
    let tail = &p[p.len().saturating_sub(window)..];
    finite(tail.iter().map(|p| f64::from(*p)).sum::<f64>() / tail.len() as f64)
}

fn finite(number: f64) -> Option<f32> {
    number.is_finite().then_some(number as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{canvas::SpecialTokens, predict::Data};

    #[test]
    fn measures_are_those_computed_by_hand() {
        let special = SpecialTokens { mask: 9, eos: 8 };
        let canvas = Canvas::holding(vec![], &[5, 9, 9, 9, 8], special);
        let ids = Data::Ids(vec![5, 8, 4, 8, 8]);
        let numbers = Data::Numbers(vec![0.0, 0.5, 0.25, 0.75, 1.0]);
        let none = Prediction::new(5);
        let prediction = none.clone().with(Column::Argmax, ids).with(Column::PEos, numbers);
        // The last three whose argmax is EOS: 1, 0.75 and 0.5.
        for (window, expected) in [(1, 1.0), (2, 0.875), (3, 0.75), (4, 0.5625), (9, 0.25)] {
            assert_eq!(eos_confidence(&prediction, &canvas, window), Some(expected), "{window}");
        }
        // Two of the three masks.
        assert_eq!(density(&prediction, &canvas), Some((2.0 / 3.0) as f32));
        for (window, expected) in [(1, 1.0), (2, 0.875), (5, 0.5), (9, 0.5)] {
            assert_eq!(mean(&prediction, window), Some(expected), "{window}");
        }
        let whole = Canvas::holding(vec![], &[5, 5, 5, 8, 8], special);
        assert_eq!(density(&prediction, &whole), None, "there is no mask");
        assert_eq!(eos_confidence(&none, &canvas, 3), None);
        assert_eq!((density(&none, &canvas), mean(&none, 3)), (None, None));
    }

    #[test]
    fn the_eos_confidence_is_the_one_that_daedal_decided_on() {
        let path = "../../recordings/stage-2-expansions.jsonl";
        let recording = crate::trace::read(path.as_ref()).unwrap();
        let session = recording.session();
        let path = session.timeline().path(recording.recorded.end);
        let mut compared = 0;
        for pair in path.windows(2) {
            let node = &session.timeline()[pair[1]];
            let Some(step) = node.step() else { continue };
            let (Some(prediction), Some(eos)) =
                (session.prediction(step.prediction), &step.decision.eos)
            else {
                continue;
            };
            let before = &session.timeline()[pair[0]].canvas;
            assert_eq!(eos_confidence(&prediction, before, eos.window), Some(eos.confidence));
            compared += 1;
        }
        assert!(compared > 50, "{compared} steps");
    }
}
