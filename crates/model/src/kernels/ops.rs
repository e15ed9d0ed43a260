//! Tensor operations made of exponentials.

use candle_core::{CpuStorage, CustomOp1, D, InplaceOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{exp, fuses, rows, vectorized};

/// SwiGLU: `[…, 2 · hidden]`, gate before up, to `silu(gate) · up`, `[…, hidden]`.
pub(crate) fn swiglu(gate_up: &Tensor) -> Result<Tensor> {
    if gate_up.device().is_cpu() && gate_up.dtype() == candle_core::DType::F32 {
        return gate_up.contiguous()?.apply_op1_no_bwd(&SwiGlu);
    }
    let hidden = gate_up.dim(D::Minus1)? / 2;
    let gate = gate_up.narrow(D::Minus1, 0, hidden)?;
    gate.silu()? * gate_up.narrow(D::Minus1, hidden, hidden)?
}

/// Softmax over the last dimension. The scores may be written over: nobody else may hold them.
pub(crate) fn softmax(scores: Tensor) -> Result<Tensor> {
    if scores.device().is_cpu() && scores.dtype() == candle_core::DType::F32 {
        scores.inplace_op1(&SoftmaxOp { columns: scores.dim(D::Minus1)? })?;
        return Ok(scores);
    }
    candle_nn::ops::softmax_last_dim(&scores)
}

struct SwiGlu;

impl CustomOp1 for SwiGlu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = part(storage, layout)?;
        let mut shape = layout.shape().dims().to_vec();
        let Some(width) = shape.last_mut() else { bail!("swiglu of a single number") };
        let hidden = *width / 2;
        *width = hidden;
        let mut out = vec![0.0_f32; values.len() / 2];
        let rows = out.par_chunks_exact_mut(hidden).zip(values.par_chunks_exact(2 * hidden));
        rows.for_each(|(out, row)| {
            let (gate, up) = row.split_at(hidden);
            match fuses() {
                true => vectorized(
                    #[inline(always)]
                    || gated::<true>(out, gate, up),
                ),
                false => vectorized(
                    #[inline(always)]
                    || gated::<false>(out, gate, up),
                ),
            }
        });
        Ok((CpuStorage::F32(out), Shape::from(shape)))
    }
}

#[inline(always)]
fn gated<const FUSED: bool>(out: &mut [f32], gate: &[f32], up: &[f32]) {
    for ((out, &gate), &up) in out.iter_mut().zip(gate).zip(up) {
        *out = gate / (1.0 + exp::<FUSED>(-gate)) * up;
    }
}

struct SoftmaxOp {
    columns: usize,
}

impl InplaceOp1 for SoftmaxOp {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(values), Some((from, to))) = (storage, layout.contiguous_offsets())
        else {
            bail!("softmax wants contiguous f32");
        };
        values[from..to].par_chunks_exact_mut(self.columns).for_each(softmax_row);
        Ok(())
    }
}

/// Scores to shares of 1.
fn softmax_row(row: &mut [f32]) {
    let max = rows::max(row);
    match fuses() {
        true => vectorized(
            #[inline(always)]
            || shares::<true>(row, max),
        ),
        false => vectorized(
            #[inline(always)]
            || shares::<false>(row, max),
        ),
    }
}

#[inline(always)]
fn shares<const FUSED: bool>(row: &mut [f32], max: f32) {
    let mut lanes = [0.0_f32; 16];
    let mut chunks = row.chunks_exact_mut(16);
    for chunk in &mut chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *value = exp::<FUSED>(*value - max);
            *lane += *value;
        }
    }
    let mut sum: f32 = lanes.iter().sum();
    for value in chunks.into_remainder() {
        *value = exp::<FUSED>(*value - max);
        sum += *value;
    }
    let share = 1.0 / sum;
    row.iter_mut().for_each(|value| *value *= share);
}

pub(super) fn part<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((from, to))) => Ok(&values[from..to]),
        _ => bail!("expected contiguous f32"),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Module};

    use super::*;

    #[test]
    fn they_are_candles_operations() {
        let x = Tensor::randn(0.0_f32, 4.0, (3, 5, 74), &Device::Cpu).unwrap();
        let close = |ours: &Tensor, theirs: &Tensor| {
            let size = (theirs.abs().unwrap() + 1.0).unwrap();
            let difference = ((ours - theirs).unwrap().abs().unwrap() / size).unwrap();
            let largest = difference.flatten_all().unwrap().max(0).unwrap();
            let largest = largest.to_scalar::<f32>().unwrap();
            assert!(largest < 1e-6, "{largest}");
        };
        close(&softmax(x.copy().unwrap()).unwrap(), &candle_nn::ops::softmax_last_dim(&x).unwrap());
        close(&swiglu(&x).unwrap(), &candle_nn::Activation::Swiglu.forward(&x).unwrap());
    }

    #[test]
    fn a_row_that_is_blocked_but_for_one_sees_that_one() {
        let x = Tensor::new(&[[f32::MIN, 3.0, f32::MIN]], &Device::Cpu).unwrap();
        assert_eq!(softmax(x).unwrap().to_vec2::<f32>().unwrap(), [[0.0, 1.0, 0.0]]);
    }
}
