//! Reduction by tensor operations, for devices whose memory is elsewhere: only one number or id
//! a row and column is copied.

use candle_core::{D, DType, Result, Tensor};

use super::{ReducedRow, boosts, candidates, current, lowered, suppressed};
use crate::{
    canvas::TokenId,
    noise,
    predict::{Column, Request, Score},
};

/// Reduces logits `[rows, columns]`; the first of them is row `first` of the request.
pub(super) fn reduce(
    logits: &Tensor,
    earlier: Option<&Tensor>,
    request: &Request,
    first: usize,
) -> Result<Vec<ReducedRow>> {
    let (rows, columns) = logits.dims2()?;
    let device = logits.device();
    let logits = transformed(logits, request, first)?;
    let kl = match earlier {
        None => None,
        Some(earlier) => Some(divergence(&logits, &transformed(earlier, request, first)?)?),
    };
    let argmax = logits.argmax_keepdim(D::Minus1)?;
    let chosen = |logits: &Tensor| match &request.sampling {
        None => logits.argmax_keepdim(D::Minus1),
        Some(sampling) => {
            let noise: Vec<f32> =
                (0..rows).flat_map(|row| noise::row(sampling, first + row, columns)).collect();
            let noise = Tensor::from_vec(noise, (rows, columns), device)?;
            (logits + noise)?.argmax_keepdim(D::Minus1)
        }
    };
    let plain = &logits;
    let begin: Vec<Vec<TokenId>> = (0..rows)
        .map(|_| {
            request.begin_suppressed.iter().copied().filter(|&t| (t as usize) < columns).collect()
        })
        .collect();
    let logits = &without_all(plain, &begin)?;
    let softmax = RowSoftmax::of(logits)?;
    let p_argmax = numbers(&softmax.p(logits, &argmax)?)?;
    let (choice, p_choice) = match request.credits {
        None => {
            let choice = chosen(plain)?;
            let p = softmax.p(logits, &choice)?;
            (choice, p)
        }
        Some(_) => {
            let best = ids(&argmax)?.into_iter().zip(p_argmax.iter().copied());
            let boosts: Vec<Vec<(TokenId, f32)>> =
                best.enumerate().map(|(row, best)| boosts(request, first + row, best)).collect();
            let choice = chosen(&boosted(plain, &boosts)?)?;
            let logits = boosted(logits, &boosts)?;
            let p = RowSoftmax::of(&logits)?.p(&logits, &choice)?;
            (choice, p)
        }
    };
    let constant = |ids: Vec<TokenId>| Tensor::from_vec(ids, (rows, 1), device)?.contiguous();
    let special = request.special;
    let eos = constant(vec![special.eos; rows])?;
    let now = constant((0..rows).map(|row| current(request, first + row)).collect())?;
    let unmasked = without(logits, &constant(vec![special.mask; rows])?)?;
    let best_unmask = unmasked.argmax_keepdim(D::Minus1)?;

    let (mut top_ids, mut top_p) = (Vec::new(), Vec::new());
    let mut rest = logits.clone();
    for _ in 0..candidates(request).min(columns) {
        let best = rest.argmax_keepdim(D::Minus1)?;
        top_p.push(numbers(&softmax.p(logits, &best)?)?);
        top_ids.push(ids(&best)?);
        rest = without(&rest, &best)?;
    }
    let margin = |row: usize| top_p[0][row] - top_p.get(1).map_or(0.0, |second| second[row]);
    let margin: Vec<f32> = (0..rows).map(margin).collect();
    let tokens = [
        (Column::Argmax, ids(&argmax)?),
        (Column::Choice, ids(&choice)?),
        (Column::BestUnmask, ids(&best_unmask)?),
    ];
    let mut known = vec![
        (Column::PArgmax, p_argmax),
        (Column::PChoice, numbers(&p_choice)?),
        (Column::PEos, numbers(&softmax.p(logits, &eos)?)?),
        (Column::Entropy, numbers(&softmax.entropy()?)?),
        (Column::PBestUnmask, numbers(&RowSoftmax::of(&unmasked)?.p(&unmasked, &best_unmask)?)?),
        (Column::PCurrent, numbers(&softmax.p(logits, &now)?)?),
    ];
    match request.score {
        None => {}
        Some(Score::Margin) => known.push((Column::Score, margin.clone())),
        Some(Score::NegEntropy) => {
            let p = softmax.all(logits)?;
            let sum = (&p * (&p + 1e-10)?.log()?)?.sum_keepdim(D::Minus1)?;
            known.push((Column::Score, numbers(&sum)?));
        }
        Some(Score::Gap) => {
            let best = logits.max_keepdim(D::Minus1)?;
            let others = without(logits, &logits.argmax_keepdim(D::Minus1)?)?;
            let gap = (best - others.max_keepdim(D::Minus1)?)?;
            known.push((Column::Score, numbers(&gap)?));
        }
    }
    known.push((Column::Margin, margin));
    if let Some(kl) = kl {
        known.push((Column::Kl, numbers(&kl)?));
    }
    if !request.targets.is_empty() {
        let targets: Vec<Option<TokenId>> =
            (0..rows).map(|row| request.target(first + row)).collect();
        let [p, ranks] = targeted(logits, &softmax, &targets)?;
        known.extend([(Column::PTarget, p), (Column::TargetRank, ranks)]);
    }
    Ok((0..rows)
        .map(|row| {
            let ranks = 0..top_ids.len();
            ReducedRow::of(
                tokens.iter().map(|(column, ids)| (*column, ids[row])),
                known.iter().map(|(column, numbers)| (*column, numbers[row])),
                ranks.map(|rank| (top_ids[rank][row], top_p[rank][row])),
            )
        })
        .collect())
}

/// The logits as decisions see them: lowered, suppressed, filtered.
fn transformed(logits: &Tensor, request: &Request, first: usize) -> Result<Tensor> {
    let (rows, columns) = logits.dims2()?;
    let tokens: Vec<Vec<TokenId>> =
        (0..rows).map(|row| suppressed(request, first + row, columns).collect()).collect();
    let by: Vec<Vec<(TokenId, f32)>> = (0..rows).map(|row| lowered(request, first + row)).collect();
    let mut logits = without_all(&boosted(logits, &by)?, &tokens)?;
    let Some(filters) = request.filters else { return Ok(logits) };
    if filters.temperature > 0.0 {
        logits = (logits / filters.temperature)?;
    }
    if filters.top_p < 1.0 {
        let bound = nucleus(&logits, filters.top_p, filters.strict)?;
        logits = at_least(&logits, &bound)?;
    }
    if filters.top_k > 0 && filters.top_k < columns {
        let mut rest = logits.clone();
        let mut bound = rest.max_keepdim(D::Minus1)?;
        for _ in 1..filters.top_k {
            rest = without(&rest, &rest.argmax_keepdim(D::Minus1)?)?;
            bound = rest.max_keepdim(D::Minus1)?;
        }
        logits = at_least(&logits, &bound)?;
    }
    Ok(logits)
}

/// The lowest logit of each row's nucleus, `[rows, 1]`: the lowest for which the tokens over it
/// have a probability of at most `top_p`; if `strict`, the lowest of those over it. By bisection: sorting a vocabulary needs a kernel that
/// not every device has.
fn nucleus(logits: &Tensor, top_p: f64, strict: bool) -> Result<Tensor> {
    let p = RowSoftmax::of(logits)?.all(logits)?;
    let mut inside = logits.max_keepdim(D::Minus1)?;
    // Logits further below the best than this have a probability of 0 in f32.
    let mut outside = (&inside - 104.0)?;
    for _ in 0..40 {
        let middle = ((&inside + &outside)? / 2.0)?;
        let over = logits.broadcast_gt(&middle)?.to_dtype(DType::F32)?;
        let share = (&p * over)?.sum_keepdim(D::Minus1)?;
        let fits = share.le(top_p)?;
        inside = fits.where_cond(&middle, &inside)?;
        outside = fits.where_cond(&outside, &middle)?;
    }
    // The nucleus ends with the first token at or under `inside`: whatever lies over `outside`.
    let next = logits.broadcast_gt(if strict { &inside } else { &outside })?;
    let high = Tensor::full(f32::INFINITY, logits.shape(), logits.device())?;
    let lowest = next.where_cond(logits, &high)?.min_keepdim(D::Minus1)?;
    // The best is always kept.
    lowest.minimum(&logits.max_keepdim(D::Minus1)?)
}

/// Logits under `bound` `[rows, 1]` made impossible.
fn at_least(logits: &Tensor, bound: &Tensor) -> Result<Tensor> {
    let never = Tensor::full(f32::NEG_INFINITY, logits.shape(), logits.device())?;
    logits.broadcast_ge(bound)?.where_cond(logits, &never)
}

/// Σ p (ln(p + 1e-12) − ln(q + 1e-12)) of each row, `[rows, 1]`.
fn divergence(p: &Tensor, q: &Tensor) -> Result<Tensor> {
    let (p, q) = (RowSoftmax::of(p)?.all(p)?, RowSoftmax::of(q)?.all(q)?);
    let logarithms = |x: &Tensor| (x + 1e-12)?.log();
    (&p * (logarithms(&p)? - logarithms(&q)?)?)?.sum_keepdim(D::Minus1)
}

/// Probability and rank of one token a row; NaN where none is asked about. A token that the logits do
/// not have is behind all that they have.
fn targeted(
    logits: &Tensor,
    softmax: &RowSoftmax,
    targets: &[Option<TokenId>],
) -> Result<[Vec<f32>; 2]> {
    let (rows, columns) = logits.dims2()?;
    let device = logits.device();
    let has = |token: &TokenId| (*token as usize) < columns;
    let ids: Vec<TokenId> =
        targets.iter().map(|target| target.filter(has).unwrap_or_default()).collect();
    let ids = Tensor::from_vec(ids, (rows, 1), device)?;
    let logits = logits.contiguous()?;
    let own = logits.gather(&ids, D::Minus1)?;
    // Of equals those with lower ids are ahead.
    let before = Tensor::arange(0, columns as u32, device)?.broadcast_lt(&ids)?;
    let equal = logits.broadcast_eq(&own)?;
    let greater = logits.broadcast_gt(&own)?.to_dtype(DType::F32)?;
    let ahead = (greater + (equal * before)?.to_dtype(DType::F32)?)?.sum_keepdim(D::Minus1)?;
    let (p, ahead) = (numbers(&softmax.p(&logits, &ids)?)?, numbers(&ahead)?);
    let known = |targets: &[Option<TokenId>], row: usize, value: f32, without: f32| {
        targets[row].map_or(f32::NAN, |token| if has(&token) { value } else { without })
    };
    let p = p.into_iter().enumerate().map(|(row, p)| known(targets, row, p, 0.0));
    let behind = (columns + 1) as f32;
    let ranks = ahead.into_iter().enumerate().map(|(row, n)| known(targets, row, n + 1.0, behind));
    Ok([p.collect(), ranks.collect()])
}

struct RowSoftmax {
    max: Tensor,
    sum: Tensor,
    weighted: Tensor,
}

impl RowSoftmax {
    fn of(logits: &Tensor) -> Result<Self> {
        let max = logits.max_keepdim(D::Minus1)?;
        let shifted = logits.broadcast_sub(&max)?;
        let e = shifted.exp()?;
        // An impossible token (−∞) has no weight; 0 · ∞ would be NaN.
        let weighted = (&e * shifted.clamp(-1e30, 0.0)?)?.sum_keepdim(D::Minus1)?;
        Ok(Self { max, sum: e.sum_keepdim(D::Minus1)?, weighted })
    }

    /// Probabilities of `ids` `[rows, 1]`.
    fn p(&self, logits: &Tensor, ids: &Tensor) -> Result<Tensor> {
        let e = (logits.gather(ids, D::Minus1)? - &self.max)?.exp()?;
        e / &self.sum
    }

    /// The probabilities of every token in every row.
    fn all(&self, logits: &Tensor) -> Result<Tensor> {
        logits.broadcast_sub(&self.max)?.exp()?.broadcast_div(&self.sum)
    }

    fn entropy(&self) -> Result<Tensor> {
        self.sum.log()? - (&self.weighted / &self.sum)?
    }
}

/// Logits with one id a row, `[rows, 1]`, made impossible.
fn without(logits: &Tensor, ids: &Tensor) -> Result<Tensor> {
    let never = Tensor::full(f32::NEG_INFINITY, ids.shape(), logits.device())?;
    logits.contiguous()?.scatter(&ids.contiguous()?, &never, D::Minus1)
}

/// Logits with some ids of each row made impossible.
fn without_all(logits: &Tensor, ids: &[Vec<TokenId>]) -> Result<Tensor> {
    let most = ids.iter().map(Vec::len).max().unwrap_or(0);
    (0..most).try_fold(logits.clone(), |logits, at| {
        // A row with fewer ids names its last one again; one without any keeps what it has.
        let kept = logits.narrow(D::Minus1, 0, 1)?.flatten_all()?.to_vec1::<f32>()?;
        let (id, value): (Vec<TokenId>, Vec<f32>) = ids
            .iter()
            .zip(kept)
            .map(|(ids, kept)| match ids.get(at).or(ids.last()) {
                Some(&id) => (id, f32::NEG_INFINITY),
                None => (0, kept),
            })
            .unzip();
        let shape = (ids.len(), 1);
        let id = Tensor::from_vec(id, shape, logits.device())?;
        let value = Tensor::from_vec(value, shape, logits.device())?;
        logits.contiguous()?.scatter(&id, &value, D::Minus1)
    })
}

/// Logits with something added to those of some tokens of each row.
fn boosted(logits: &Tensor, boosts: &[Vec<(TokenId, f32)>]) -> Result<Tensor> {
    let most = boosts.iter().map(Vec::len).max().unwrap_or(0);
    let columns = logits.dim(D::Minus1)?;
    (0..most).try_fold(logits.clone(), |logits, at| {
        let known = |&(token, boost): &(TokenId, f32)| {
            if (token as usize) < columns { (token, boost) } else { (0, 0.0) }
        };
        // A row with fewer tokens adds nothing to its first.
        let next = |boosts: &Vec<(TokenId, f32)>| boosts.get(at).map_or((0, 0.0), known);
        let (id, boost): (Vec<TokenId>, Vec<f32>) = boosts.iter().map(next).unzip();
        let shape = (boosts.len(), 1);
        let id = Tensor::from_vec(id, shape, logits.device())?;
        let boost = Tensor::from_vec(boost, shape, logits.device())?;
        let logits = logits.contiguous()?;
        let raised = (logits.gather(&id, D::Minus1)? + boost)?;
        logits.scatter(&id, &raised, D::Minus1)
    })
}

fn ids(column: &Tensor) -> Result<Vec<TokenId>> {
    column.to_dtype(DType::U32)?.flatten_all()?.to_vec1()
}

fn numbers(column: &Tensor) -> Result<Vec<f32>> {
    column.flatten_all()?.to_vec1()
}
