//! The EOS confidence: how sure the model is that the answer ends within the canvas.

use super::Columns;
use crate::{
    canvas::TokenId,
    decode::{DecodeError, EosMeasure},
};

/// Walks from the tail, takes up to `window` positions whose argmax is EOS, adjacent or not,
/// masked or not, and divides the sum of their P(EOS) by `window`. Sum and division in f64 over
/// f32 probabilities, then rounded to f32, as the reference does.
pub(super) fn measure(
    columns: &Columns,
    eos: TokenId,
    window: usize,
    threshold: f32,
) -> Result<EosMeasure, DecodeError> {
    let taken: Vec<usize> = (0..columns.argmax.len())
        .rev()
        .filter(|&position| columns.argmax[position] == eos)
        .take(window)
        .collect();
    let mut sum = 0.0_f64;
    for &position in &taken {
        let p = columns.p_eos[position];
        if !p.is_finite() {
            return Err(DecodeError::NotFinite(position));
        }
        sum += f64::from(p);
    }
    Ok(EosMeasure { taken, window, confidence: (sum / window as f64) as f32, threshold })
}
