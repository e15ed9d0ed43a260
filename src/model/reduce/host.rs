//! Reduction on a CPU: two passes over each row where it lies, no copy of the vocabulary.

use candle_core::{CpuStorage, Result, Storage, Tensor, bail};

use super::{Row, current};
use crate::{canvas::TokenId, model::noise, predict::Request};

/// Reduces logits `[rows, columns]`; the first of them is row `first` of the request.
pub(super) fn reduce(logits: &Tensor, request: &Request, first: usize) -> Result<Vec<Row>> {
    let (_, columns) = logits.dims2()?;
    let logits = logits.contiguous()?;
    let (storage, layout) = logits.storage_and_layout();
    let Storage::Cpu(CpuStorage::F32(values)) = &*storage else {
        bail!("logits must be f32 on the CPU");
    };
    let start = layout.start_offset();
    let values = &values[start..start + layout.shape().elem_count()];
    Ok(values
        .chunks_exact(columns)
        .enumerate()
        .map(|(row, logits)| reduce_row(logits, request, first + row))
        .collect())
}

fn reduce_row(logits: &[f32], request: &Request, row: usize) -> Row {
    let mask = request.special.mask as usize;
    let top = best(logits, request.top_k.max(2));
    let (argmax, max) = top[0];
    let softmax = Softmax::of(logits, max, None);
    let p = |id: TokenId| softmax.p(logits.get(id as usize).copied());
    let choice = match &request.sampling {
        None => argmax,
        Some(sampling) => {
            let noised = logits.iter().zip(noise::row(sampling, row, logits.len()));
            first_max(noised.map(|(logit, noise)| logit + noise)).0
        }
    };
    let others = logits.iter().enumerate().map(
        |(id, &logit)| {
            if id == mask { f32::NEG_INFINITY } else { logit }
        },
    );
    let (best_unmask, max_unmask) = first_max(others);
    let without_mask = Softmax::of(logits, max_unmask, Some(mask));
    Row {
        argmax,
        p_argmax: p(argmax),
        choice,
        p_choice: p(choice),
        p_eos: p(request.special.eos),
        entropy: softmax.entropy(),
        margin: match top.get(1) {
            Some(&(second, _)) => p(argmax) - p(second),
            None => p(argmax),
        },
        best_unmask,
        p_best_unmask: without_mask.p(logits.get(best_unmask as usize).copied()),
        p_current: p(current(request, row)),
        top: top.iter().take(request.top_k).map(|&(id, _)| (id, p(id))).collect(),
    }
}

/// A row's softmax, without its values: exp(x − max) / sum.
struct Softmax {
    max: f32,
    sum: f64,
    /// Σ exp(x − max) · (x − max)
    weighted: f64,
}

impl Softmax {
    /// Sums in f64: a sum of 126,464 numbers in f32 loses digits that thresholds look at.
    fn of(logits: &[f32], max: f32, without: Option<usize>) -> Self {
        let (mut sum, mut weighted) = (0.0_f64, 0.0_f64);
        for (id, &logit) in logits.iter().enumerate() {
            if Some(id) == without {
                continue;
            }
            let shifted = logit - max;
            let e = f64::from(shifted.exp());
            sum += e;
            // An impossible token (−∞) has no weight; 0 · ∞ would be NaN.
            if e > 0.0 {
                weighted += e * f64::from(shifted);
            } else if e.is_nan() {
                weighted = f64::NAN;
            }
        }
        Self { max, sum, weighted }
    }

    fn p(&self, logit: Option<f32>) -> f32 {
        logit.map_or(0.0, |logit| (f64::from((logit - self.max).exp()) / self.sum) as f32)
    }

    fn entropy(&self) -> f32 {
        (self.sum.ln() - self.weighted / self.sum) as f32
    }
}

/// The largest value and where it is; the first of equals.
fn first_max(values: impl Iterator<Item = f32>) -> (TokenId, f32) {
    values.enumerate().fold((0, f32::NEG_INFINITY), |best, (id, value)| {
        if value > best.1 { (id as TokenId, value) } else { best }
    })
}

/// The `k` largest values, largest first, lowest id first among equals. Never empty.
fn best(logits: &[f32], k: usize) -> Vec<(TokenId, f32)> {
    let mut top: Vec<(TokenId, f32)> = Vec::with_capacity(k + 1);
    for (id, &logit) in logits.iter().enumerate() {
        if top.len() == k && top.last().is_some_and(|last| logit <= last.1) {
            continue;
        }
        let place = top.partition_point(|&(_, other)| other >= logit);
        top.insert(place, (id as TokenId, logit));
        top.truncate(k);
    }
    top
}
