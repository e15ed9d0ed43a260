//! Reduction by tensor operations, for devices whose memory is elsewhere: only one number or id
//! a row and column is copied.

use candle_core::{D, DType, Result, Tensor};

use super::{Row, current};
use crate::{canvas::TokenId, model::noise, predict::Request};

/// Reduces logits `[rows, columns]`; the first of them is row `first` of the request.
pub(super) fn reduce(logits: &Tensor, request: &Request, first: usize) -> Result<Vec<Row>> {
    let (rows, columns) = logits.dims2()?;
    let device = logits.device();
    let softmax = Softmax::of(logits)?;
    let argmax = logits.argmax_keepdim(D::Minus1)?;
    let choice = match &request.sampling {
        None => argmax.clone(),
        Some(sampling) => {
            let noise: Vec<f32> =
                (0..rows).flat_map(|row| noise::row(sampling, first + row, columns)).collect();
            let noise = Tensor::from_vec(noise, (rows, columns), device)?;
            (logits + noise)?.argmax_keepdim(D::Minus1)?
        }
    };
    let constant = |ids: Vec<TokenId>| Tensor::from_vec(ids, (rows, 1), device)?.contiguous();
    let special = request.special;
    let eos = constant(vec![special.eos; rows])?;
    let now = constant((0..rows).map(|row| current(request, first + row)).collect())?;
    let unmasked = without(logits, &constant(vec![special.mask; rows])?)?;
    let best_unmask = unmasked.argmax_keepdim(D::Minus1)?;
    let entropy = softmax.entropy()?;

    let (mut top_ids, mut top_p) = (Vec::new(), Vec::new());
    let mut rest = logits.clone();
    for _ in 0..request.top_k.max(2).min(columns) {
        let best = rest.argmax_keepdim(D::Minus1)?;
        top_p.push(numbers(&softmax.p(logits, &best)?)?);
        top_ids.push(ids(&best)?);
        rest = without(&rest, &best)?;
    }
    let argmax_ids = ids(&argmax)?;
    let p_argmax = numbers(&softmax.p(logits, &argmax)?)?;
    let choice_ids = ids(&choice)?;
    let p_choice = numbers(&softmax.p(logits, &choice)?)?;
    let p_eos = numbers(&softmax.p(logits, &eos)?)?;
    let p_current = numbers(&softmax.p(logits, &now)?)?;
    let best_unmask_ids = ids(&best_unmask)?;
    let p_best_unmask = numbers(&Softmax::of(&unmasked)?.p(&unmasked, &best_unmask)?)?;
    let entropy = numbers(&entropy)?;
    Ok((0..rows)
        .map(|row| Row {
            argmax: argmax_ids[row],
            p_argmax: p_argmax[row],
            choice: choice_ids[row],
            p_choice: p_choice[row],
            p_eos: p_eos[row],
            entropy: entropy[row],
            margin: top_p[0][row] - top_p.get(1).map_or(0.0, |second| second[row]),
            best_unmask: best_unmask_ids[row],
            p_best_unmask: p_best_unmask[row],
            p_current: p_current[row],
            top: (0..request.top_k.min(top_ids.len()))
                .map(|rank| (top_ids[rank][row], top_p[rank][row]))
                .collect(),
        })
        .collect())
}

struct Softmax {
    max: Tensor,
    sum: Tensor,
    weighted: Tensor,
}

impl Softmax {
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

    fn entropy(&self) -> Result<Tensor> {
        self.sum.log()? - (&self.weighted / &self.sum)?
    }
}

/// Logits with one id a row, `[rows, 1]`, made impossible.
fn without(logits: &Tensor, ids: &Tensor) -> Result<Tensor> {
    let never = Tensor::full(f32::NEG_INFINITY, ids.shape(), logits.device())?;
    logits.contiguous()?.scatter(&ids.contiguous()?, &never, D::Minus1)
}

fn ids(column: &Tensor) -> Result<Vec<TokenId>> {
    column.to_dtype(DType::U32)?.flatten_all()?.to_vec1()
}

fn numbers(column: &Tensor) -> Result<Vec<f32>> {
    column.flatten_all()?.to_vec1()
}
