//! Reduction on a CPU: two passes over each row where it lies, no copy of the vocabulary.

use std::borrow::Cow;

use candle_core::{CpuStorage, Result, Storage, Tensor, bail};

use super::{Row, current, suppressed};
use crate::{
    canvas::TokenId,
    model::noise,
    predict::{Filters, Request, Score},
};

/// Reduces logits `[rows, columns]`; the first of them is row `first` of the request.
pub(super) fn reduce(
    logits: &Tensor,
    earlier: Option<&Tensor>,
    request: &Request,
    first: usize,
) -> Result<Vec<Row>> {
    let (rows, _) = logits.dims2()?;
    let mut reduced = Vec::with_capacity(rows);
    each_row(logits, &mut |row, logits| reduced.push(reduce_row(logits, request, first + row)))?;
    if let Some(earlier) = earlier {
        // Row by row against the other: two chunks are in reach, as they are.
        let mut then: Vec<Distribution> = Vec::with_capacity(rows);
        each_row(earlier, &mut |row, logits| {
            then.push(Distribution::of(&transformed(logits, request, first + row)));
        })?;
        each_row(logits, &mut |row, logits| {
            let now = Distribution::of(&transformed(logits, request, first + row));
            reduced[row].kl = now.divergence_from(&then[row]);
        })?;
    }
    Ok(reduced)
}

/// Calls `read` with every row where it lies.
fn each_row(logits: &Tensor, read: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
    let (_, columns) = logits.dims2()?;
    let logits = logits.contiguous()?;
    let (storage, layout) = logits.storage_and_layout();
    let Storage::Cpu(CpuStorage::F32(values)) = &*storage else {
        bail!("logits must be f32 on the CPU");
    };
    let start = layout.start_offset();
    let values = &values[start..start + layout.shape().elem_count()];
    values.chunks_exact(columns).enumerate().for_each(|(row, logits)| read(row, logits));
    Ok(())
}

/// A row as decisions see it: suppressed, filtered; copied only where that changes anything.
fn transformed<'a>(logits: &'a [f32], request: &Request, row: usize) -> Cow<'a, [f32]> {
    let mut logits = Cow::Borrowed(logits);
    for token in suppressed(request, row, logits.len()) {
        logits.to_mut()[token as usize] = f32::NEG_INFINITY;
    }
    if let Some(filters) = request.filters {
        filter(logits.to_mut(), filters);
    }
    logits
}

fn filter(logits: &mut [f32], filters: Filters) {
    if filters.temperature > 0.0 {
        let temperature = filters.temperature as f32;
        logits.iter_mut().for_each(|logit| *logit /= temperature);
    }
    if filters.top_p < 1.0 {
        let mut order: Vec<u32> = (0..logits.len() as u32).collect();
        order.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]));
        let best = order.first().map_or(0.0, |&best| logits[best as usize]);
        let softmax = Softmax::of(logits, best, None);
        let mut before = 0.0_f64;
        for token in order {
            let logit = &mut logits[token as usize];
            let p = f64::from((*logit - best).exp()) / softmax.sum;
            // The token that crosses the bound is the last one kept, or the first one not.
            let sum = if filters.strict && before > 0.0 { before + p } else { before };
            if sum > filters.top_p {
                *logit = f32::NEG_INFINITY;
            }
            before += p;
        }
    }
    if filters.top_k > 0 && filters.top_k < logits.len() {
        let mut sorted = logits.to_vec();
        let (_, kth, _) = sorted.select_nth_unstable_by(filters.top_k - 1, |a, b| b.total_cmp(a));
        let kth = *kth;
        logits.iter_mut().filter(|logit| **logit < kth).for_each(|l| *l = f32::NEG_INFINITY);
    }
}

fn reduce_row(logits: &[f32], request: &Request, row: usize) -> Row {
    let mask = request.special.mask as usize;
    let mut logits = transformed(logits, request, row);
    let argmax = first_max(logits.iter().copied()).0;
    let choice = match &request.sampling {
        None => argmax,
        Some(sampling) => {
            let noised = logits.iter().zip(noise::row(sampling, row, logits.len()));
            first_max(noised.map(|(logit, noise)| logit + noise)).0
        }
    };
    for &token in &request.begin_suppressed {
        if let Some(logit) = logits.to_mut().get_mut(token as usize) {
            *logit = f32::NEG_INFINITY;
        }
    }
    let logits = &*logits;
    let top = best(logits, request.top_k.max(2));
    let softmax = Softmax::of(logits, top[0].1, None);
    let p = |id: TokenId| softmax.p(logits.get(id as usize).copied());
    let others = logits.iter().enumerate().map(
        |(id, &logit)| {
            if id == mask { f32::NEG_INFINITY } else { logit }
        },
    );
    let (best_unmask, max_unmask) = first_max(others);
    let without_mask = Softmax::of(logits, max_unmask, Some(mask));
    let margin = p(top[0].0) - top.get(1).map_or(0.0, |&(second, _)| p(second));
    Row {
        argmax,
        p_argmax: p(argmax),
        choice,
        p_choice: p(choice),
        p_eos: p(request.special.eos),
        entropy: softmax.entropy(),
        margin,
        best_unmask,
        p_best_unmask: without_mask.p(logits.get(best_unmask as usize).copied()),
        p_current: p(current(request, row)),
        score: match request.score {
            None => 0.0,
            Some(Score::Margin) => margin,
            Some(Score::NegEntropy) => softmax.neg_entropy(logits),
        },
        kl: 0.0,
        top: top.iter().take(request.top_k).map(|&(id, _)| (id, p(id))).collect(),
    }
}

/// A distribution, for comparing two: logits and the logarithm of their sum.
struct Distribution {
    logits: Vec<f32>,
    log_sum: f64,
}

impl Distribution {
    fn of(logits: &[f32]) -> Self {
        let max = first_max(logits.iter().copied()).1;
        let log_sum = f64::from(max) + Softmax::of(logits, max, None).sum.ln();
        Self { logits: logits.to_vec(), log_sum }
    }

    /// Σ p (ln(p + 1e-12) − ln(q + 1e-12)), in nats.
    fn divergence_from(&self, other: &Self) -> f32 {
        let pairs = self.logits.iter().zip(&other.logits);
        let sum: f64 = pairs
            .map(|(&p, &q)| {
                let p = (f64::from(p) - self.log_sum).exp();
                let q = (f64::from(q) - other.log_sum).exp();
                p * ((p + 1e-12).ln() - (q + 1e-12).ln())
            })
            .sum();
        sum as f32
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

    /// Σ p ln(p + 1e-10).
    fn neg_entropy(&self, logits: &[f32]) -> f32 {
        let terms = logits.iter().map(|&logit| {
            let p = f64::from((logit - self.max).exp()) / self.sum;
            p * (p + 1e-10).ln()
        });
        terms.sum::<f64>() as f32
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
