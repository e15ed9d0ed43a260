//! Products with a matrix in blocks of eight-bit numbers (GGML's Q8_0).
//!
//! candle multiplies such blocks as whole numbers, which is fast where the CPU has an instruction
//! for it (AVX-512 VNNI, or dot products on ARM) and very slow elsewhere: 25 GFLOP/s against 180
//! in f32 on two cores of a Zen 3. There a panel of rows is widened to f32 in the cache and
//! multiplied as such; the matrix stays a quarter of its size in memory.

use candle_core::{
    CpuStorage, CustomOp1, Layout, Result, Shape, bail,
    quantized::{GgmlDType, QTensor},
};
use rayon::prelude::*;

use super::{Place, ops::part, vectorized};

/// Numbers with a common factor.
const BLOCK: usize = 32;

/// Bytes of a block: the factor in f16, then the numbers.
const BYTES: usize = 2 + BLOCK;

/// Numbers of a panel: 256 kB in f32, within a core's second cache.
const PANEL: usize = 1 << 16;

/// Fewer rows than this are multiplied as they are stored: reading the matrix takes the time.
const FEWEST: usize = 4;

/// Whether [`product`] is the faster way for `rows` rows through this matrix.
pub(in crate::model) fn wanted(matrix: &QTensor, rows: usize) -> bool {
    let (Ok((_, inputs)), true) = (matrix.shape().dims2(), matrix.dtype() == GgmlDType::Q8_0)
    else {
        return false;
    };
    matrix.device().is_cpu() && rows >= FEWEST && !has_instruction(inputs)
}

/// Whether candle has a fast way for rows of this many numbers on this CPU.
fn has_instruction(inputs: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    return inputs.is_multiple_of(256) && is_x86_feature_detected!("avx512vnni");
    #[cfg(not(target_arch = "x86_64"))]
    return inputs > 0;
}

/// `x` `[rows, inputs]` times the transposed of `matrix` `[outputs, inputs]`.
pub(in crate::model) struct Product<'a>(pub &'a QTensor);

impl CustomOp1 for Product<'_> {
    fn name(&self) -> &'static str {
        "q8_0 product"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = layout.shape().dims2()?;
        let (outputs, columns) = self.0.shape().dims2()?;
        let bytes = self.0.data()?;
        if columns != inputs || bytes.len() != outputs * inputs / BLOCK * BYTES {
            bail!("{rows} x {inputs} does not fit a matrix of {outputs} x {columns}");
        }
        let x = part(storage, layout)?;
        let mut out = vec![0.0_f32; rows * outputs];
        let at_once = (PANEL / inputs).max(1);
        let place = Place::of(&mut out);
        let panels = bytes.par_chunks(at_once * inputs / BLOCK * BYTES).enumerate();
        panels.for_each_init(Vec::new, |panel, (number, stored)| {
            widen(stored, panel);
            let first = number * at_once;
            let width = panel.len() / inputs;
            // SAFETY: the pointers and strides span exactly `x` (rows × inputs), `panel` (width ×
            // inputs) and columns `first..first + width` of `out` (rows × outputs): `width` is at
            // most what is left of `outputs`, since the stored bytes are. Panels write different
            // columns, so no two threads write the same number.
            unsafe {
                gemm::gemm(
                    rows,
                    width,
                    inputs,
                    place.at(first),
                    1,
                    outputs as isize,
                    false,
                    x.as_ptr(),
                    1,
                    inputs as isize,
                    panel.as_ptr(),
                    inputs as isize,
                    1,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
        });
        Ok((CpuStorage::F32(out), Shape::from((rows, outputs))))
    }
}

/// Blocks to numbers.
fn widen(blocks: &[u8], out: &mut Vec<f32>) {
    out.resize(blocks.len() / BYTES * BLOCK, 0.0);
    vectorized(
        #[inline(always)]
        || {
            for (block, out) in blocks.chunks_exact(BYTES).zip(out.chunks_exact_mut(BLOCK)) {
                let factor = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
                for (out, &stored) in out.iter_mut().zip(&block[2..]) {
                    *out = f32::from(stored as i8) * factor;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn it_is_the_product_with_the_widened_matrix() {
        for (rows, inputs, outputs) in [(4, 32, 1), (7, 96, 700), (33, 4864, 40)] {
            let x = Tensor::randn(0.0_f32, 1.0, (rows, inputs), &Device::Cpu).unwrap();
            let matrix = Tensor::randn(0.0_f32, 1.0, (outputs, inputs), &Device::Cpu).unwrap();
            let stored = QTensor::quantize(&matrix, GgmlDType::Q8_0).unwrap();
            let ours = x.apply_op1_no_bwd(&Product(&stored)).unwrap();
            let plain = stored.dequantize(&Device::Cpu).unwrap().t().unwrap();
            let difference = (ours - x.matmul(&plain).unwrap()).unwrap().abs().unwrap();
            let largest = difference.flatten_all().unwrap().max(0).unwrap();
            assert!(largest.to_scalar::<f32>().unwrap() < 1e-3);
        }
    }
}
