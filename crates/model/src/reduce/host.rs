//! Reduction on a CPU: two passes over each row where it lies, no copy of the vocabulary.

use std::borrow::Cow;

use candle_core::{CpuStorage, Result, Storage, Tensor, bail};
use rayon::prelude::*;

use super::{ReducedRow, boosts, candidates, current, lowered, suppressed};
use crate::{
    canvas::TokenId,
    kernels::{SoftmaxSums, best, largest},
    noise,
    predict::{Column, Filters, Request, Score},
};

/// Reduces logits `[rows, columns]`; the first of them is row `first` of the request.
pub(super) fn reduce(
    logits: &Tensor,
    earlier: Option<&Tensor>,
    request: &Request,
    first: usize,
) -> Result<Vec<ReducedRow>> {
    let (_, columns) = logits.dims2()?;
    let compared = |row: usize, logits: &[f32], then: &[f32]| {
        let of = |logits| Distribution::of(&transformed(logits, request, first + row));
        let mut row = reduce_row(logits, request, first + row);
        row.numbers[Column::Kl as usize] = of(logits).divergence_from(&of(then));
        row
    };
    in_place(logits, |logits| match earlier {
        None => Ok(reduce_rows(logits, columns, request, first)),
        Some(earlier) => in_place(earlier, |then| {
            let rows = logits.par_chunks_exact(columns).enumerate();
            let rows = rows.zip(then.par_chunks_exact(columns));
            rows.map(|((row, logits), then)| compared(row, logits, then)).collect()
        }),
    })?
}

/// The same for rows that lie one after the other in a slice.
pub(super) fn reduce_rows(
    logits: &[f32],
    columns: usize,
    request: &Request,
    first: usize,
) -> Vec<ReducedRow> {
    let rows = logits.par_chunks_exact(columns).enumerate();
    rows.map(|(row, logits)| reduce_row(logits, request, first + row)).collect()
}

/// Reads a tensor's numbers where they lie.
fn in_place<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let (Storage::Cpu(CpuStorage::F32(values)), Some((from, to))) =
        (&*storage, layout.contiguous_offsets())
    else {
        bail!("logits must be f32 on the CPU");
    };
    Ok(read(&values[from..to]))
}

/// A row as decisions see it: lowered, suppressed, filtered; copied only where that changes anything.
fn transformed<'a>(logits: &'a [f32], request: &Request, row: usize) -> Cow<'a, [f32]> {
    let mut logits = boosted(logits, &lowered(request, row));
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
        let softmax = SoftmaxSums::of(&[logits], best);
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

fn reduce_row(logits: &[f32], request: &Request, row: usize) -> ReducedRow {
    let mask = request.special.mask as usize;
    let mut logits = transformed(logits, request, row);
    let argmax = largest(&logits).0;
    let plain = request.credits.is_some().then(|| logits.clone());
    let mut choice = match plain {
        // It is known once the probability of the best token is.
        Some(_) => argmax,
        None => chosen(&logits, request, row, argmax),
    };
    for &token in &request.begin_suppressed {
        if let Some(logit) = logits.to_mut().get_mut(token as usize) {
            *logit = f32::NEG_INFINITY;
        }
    }
    let logits = &*logits;
    let top = best(logits, candidates(request));
    let softmax = SoftmaxSums::of(&[logits], top[0].1);
    let p = |id: TokenId| logits.get(id as usize).map_or(0.0, |&logit| softmax.p(logit));
    let mut p_choice = p(choice);
    if let Some(plain) = plain {
        let boosts = boosts(request, row, (argmax, p(argmax)));
        let with_credit = boosted(&plain, &boosts);
        choice = chosen(&with_credit, request, row, largest(&with_credit).0);
        let with_credit = boosted(logits, &boosts);
        p_choice = with_credit.get(choice as usize).map_or(0.0, |&logit| {
            SoftmaxSums::of(&[&with_credit], largest(&with_credit).1).p(logit)
        });
    }
    let (best_unmask, p_best_unmask) = without(logits, mask, top[0].0, &softmax);
    let margin = p(top[0].0) - top.get(1).map_or(0.0, |&(second, _)| p(second));
    let score = match request.score {
        None => None,
        Some(Score::Margin) => Some(margin),
        Some(Score::NegEntropy) => Some(neg_entropy(logits, &softmax)),
        Some(Score::Gap) => Some(top.get(1).map_or(f32::INFINITY, |second| top[0].1 - second.1)),
    };
    let target = request.target(row).map(|token| {
        [(Column::PTarget, p(token)), (Column::TargetRank, rank(logits, token) as f32)]
    });
    ReducedRow::of(
        [(Column::Argmax, argmax), (Column::Choice, choice), (Column::BestUnmask, best_unmask)],
        [
            (Column::PArgmax, p(argmax)),
            (Column::PChoice, p_choice),
            (Column::PEos, p(request.special.eos)),
            (Column::Entropy, softmax.entropy()),
            (Column::Margin, margin),
            (Column::PBestUnmask, p_best_unmask),
            (Column::PCurrent, p(current(request, row))),
        ]
        .into_iter()
        .chain(score.map(|score| (Column::Score, score)))
        .chain(target.into_iter().flatten()),
        top.iter().map(|&(id, _)| (id, p(id))),
    )
}

/// The token that is chosen: the best one, or what noise makes of it.
fn chosen(logits: &[f32], request: &Request, row: usize, best: TokenId) -> TokenId {
    let Some(sampling) = &request.sampling else { return best };
    let noised = logits.iter().zip(noise::row(sampling, row, logits.len()));
    first_max(noised.map(|(logit, noise)| logit + noise)).0
}

/// The rank of a token from 1 on: behind greater logits, and behind equal ones of lower ids. One that
/// the logits do not have is behind all that they have.
fn rank(logits: &[f32], token: TokenId) -> usize {
    let before = logits.get(..token as usize).unwrap_or(logits);
    let Some((own, behind)) = logits[before.len()..].split_first() else {
        return logits.len() + 1;
    };
    let ahead = before.iter().filter(|logit| *logit >= own).count();
    1 + ahead + behind.iter().filter(|logit| *logit > own).count()
}

/// Logits with something added to those of some tokens.
fn boosted<'a>(logits: &'a [f32], boosts: &[(TokenId, f32)]) -> Cow<'a, [f32]> {
    let mut logits = Cow::Borrowed(logits);
    for &(token, boost) in boosts {
        if let Some(logit) = logits.to_mut().get_mut(token as usize) {
            *logit += boost;
        }
    }
    logits
}

/// The best token but `mask`, and its probability where `mask` is impossible. `argmax` is the best
/// of all.
fn without(logits: &[f32], mask: usize, argmax: TokenId, softmax: &SoftmaxSums) -> (TokenId, f32) {
    let Some(&logit) = logits.get(mask) else {
        return (argmax, softmax.p(logits[argmax as usize]));
    };
    if argmax as usize != mask {
        // At most a half is taken away: no digits are lost.
        let rest = softmax.sum - f64::from(softmax.weight(logit));
        let weight = f64::from(softmax.weight(logits[argmax as usize]));
        return (argmax, (weight / rest) as f32);
    }
    let (before, behind) = (&logits[..mask], &logits[mask + 1..]);
    let (first, second) = (largest(before), largest(behind));
    let (id, max) = if first.1 >= second.1 && !before.is_empty() {
        first
    } else {
        (second.0 + mask as TokenId + 1, second.1)
    };
    (id, SoftmaxSums::of(&[before, behind], max).p(max))
}

/// Σ p ln(p + 1e-10).
fn neg_entropy(logits: &[f32], softmax: &SoftmaxSums) -> f32 {
    let terms = logits.iter().map(|&logit| {
        let p = f64::from(softmax.weight(logit)) / softmax.sum;
        p * (p + 1e-10).ln()
    });
    terms.sum::<f64>() as f32
}

/// A distribution, for comparing two: logits and the logarithm of their sum.
struct Distribution {
    logits: Vec<f32>,
    log_sum: f64,
}

impl Distribution {
    fn of(logits: &[f32]) -> Self {
        let max = largest(logits).1;
        let log_sum = f64::from(max) + SoftmaxSums::of(&[logits], max).sum.ln();
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

/// The largest value and where it is; the first of equals.
fn first_max(values: impl Iterator<Item = f32>) -> (TokenId, f32) {
    values.enumerate().fold((0, f32::NEG_INFINITY), |best, (id, value)| {
        if value > best.1 { (id as TokenId, value) } else { best }
    })
}
