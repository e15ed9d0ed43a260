//! Matrices in blocks of 32 eight-bit numbers with a common factor (GGML's Q8_0).
//!
//! A block of activations gets a factor too and becomes whole numbers of 16 bits: an instruction
//! multiplies sixteen pairs and adds them two by two, where f32 has eight. Half a step in 32,767 of
//! a block's largest is lost, far less than was when the weights were rounded to eight bits. A block
//! that is not finite comes out as NaN.

use std::arch::x86_64::{
    __m256, __m256i, _CMP_UNORD_Q, _mm_loadu_si128, _mm256_add_epi32, _mm256_and_ps,
    _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps, _mm256_cvtph_ps,
    _mm256_cvtps_epi32, _mm256_fmadd_ps, _mm256_madd_epi16, _mm256_max_ps, _mm256_movemask_ps,
    _mm256_mul_ps, _mm256_or_ps, _mm256_packs_epi32, _mm256_permute4x64_epi64, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
};

use candle_core::{
    CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail,
    quantized::{GgmlDType, QTensor},
};

use super::{
    super::ops::part,
    lanes::{LANES, OutputLine, floats, store, store_wholes, transposed_wholes, wholes},
    panels::{FEWEST, Kernel, product, supported},
};

/// Numbers with a common factor.
const BLOCK: usize = 32;

/// Pairs of numbers in a block.
const PAIRS: usize = BLOCK / 2;

/// Bytes of a block: the factor in f16, then the numbers.
const BYTES: usize = 2 + BLOCK;

/// The largest whole number an activation becomes. The sum of a block's products is at most
/// 32 · 128 times that: far from what 32 bits hold.
const LARGEST_ACTIVATION: f32 = 32_767.0;

/// `x` `[rows, inputs]` times the transposed of `matrix` `[outputs, inputs]`, in f32; `None` where
/// candle is to do it.
pub(crate) fn q8_0(x: &Tensor, matrix: &QTensor) -> Result<Option<Tensor>> {
    let (rows, inputs) = x.dims2()?;
    // candle multiplies rows of so many numbers with dot products of bytes there.
    let has_instruction = inputs.is_multiple_of(256) && is_x86_feature_detected!("avx512vnni");
    let here = matrix.device().is_cpu() && matrix.dtype() == GgmlDType::Q8_0;
    if !here || rows < FEWEST || has_instruction || !supported() {
        return Ok(None);
    }
    x.apply_op1_no_bwd(&Q8Product(matrix)).map(Some)
}

struct Q8Product<'a>(&'a QTensor);

impl CustomOp1 for Q8Product<'_> {
    fn name(&self) -> &'static str {
        "q8_0 product"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = layout.shape().dims2()?;
        let (outputs, columns) = self.0.shape().dims2()?;
        let bytes = self.0.data()?;
        let (blocks, rest) = bytes.as_chunks();
        if columns != inputs || !rest.is_empty() || blocks.len() * BLOCK != outputs * inputs {
            bail!("{rows} x {inputs} does not fit a matrix of {outputs} x {columns}");
        }
        let matrix = Q8 { blocks, a_row: inputs / BLOCK };
        let out = product(&matrix, part(storage, layout)?, (rows, inputs, outputs))?;
        Ok((CpuStorage::F32(out), Shape::from((rows, outputs))))
    }
}

struct Q8<'a> {
    blocks: &'a [[u8; BYTES]],
    /// Blocks of an output.
    a_row: usize,
}

/// Activations: pairs of 16 bits and their factor.
#[derive(Clone, Copy, Default)]
struct Left {
    pairs: [i32; PAIRS],
    factor: f32,
}

/// Weights: of each pair of inputs, those of all outputs, and the outputs' factors.
#[derive(Clone, Copy, Default)]
struct Right {
    pairs: [OutputLine<i32>; PAIRS],
    factors: OutputLine<f32>,
}

impl Kernel for Q8<'_> {
    type Left = Left;
    type Right = Right;
    const STEP: usize = BLOCK;
    const TALL: usize = 6;

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn left(activations: &[f32]) -> Left {
        let (fours, _) = activations.as_chunks::<LANES>();
        let nothing = _mm256_setzero_ps();
        let without_sign = _mm256_castsi256_ps(_mm256_set1_epi32(i32::MAX));
        let (mut largest, mut nan) = (nothing, nothing);
        for lanes in fours {
            let lanes = floats(lanes);
            largest = _mm256_max_ps(largest, _mm256_and_ps(lanes, without_sign));
            nan = _mm256_or_ps(nan, _mm256_cmp_ps::<_CMP_UNORD_Q>(lanes, lanes));
        }
        let mut lanes = [0.0; LANES];
        store(largest, &mut lanes);
        let largest = lanes.into_iter().fold(0.0, f32::max);
        if _mm256_movemask_ps(nan) != 0 || largest.is_infinite() {
            return Left { pairs: [0; PAIRS], factor: f32::NAN };
        }
        // Under 1e-34 there is none, and the block counts as zeros.
        let scale = LARGEST_ACTIVATION / largest;
        if scale.is_infinite() {
            return Left::default();
        }
        let mut left = Left { pairs: [0; PAIRS], factor: largest / LARGEST_ACTIVATION };
        let scale = _mm256_set1_ps(scale);
        let (sixteens, _) = fours.as_chunks::<2>();
        for ([a, b], pairs) in sixteens.iter().zip(left.pairs.as_chunks_mut().0) {
            let whole = |lanes| _mm256_cvtps_epi32(_mm256_mul_ps(floats(lanes), scale));
            // Packing goes by halves of registers: the order is put right after it.
            let packed = _mm256_packs_epi32(whole(a), whole(b));
            store_wholes(_mm256_permute4x64_epi64::<0b11_01_10_00>(packed), pairs);
        }
        left
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn right(&self, first: usize, panel: &mut [Right]) {
        for (step, right) in panel.iter_mut().enumerate() {
            for half in 0..2 {
                let mut lanes = [[_mm256_setzero_si256(); LANES]; 2];
                let mut factors = [0; LANES];
                for lane in 0..LANES {
                    let output = first + half * LANES + lane;
                    let block = self.blocks.get(output * self.a_row + step);
                    let block = block.unwrap_or(&[0; BYTES]);
                    factors[lane] = i16::from_le_bytes([block[0], block[1]]);
                    lanes[0][lane] = widened(block, 0);
                    lanes[1][lane] = widened(block, 1);
                }
                store(halves(&factors), &mut right.factors.0[half]);
                for (lanes, lines) in lanes.into_iter().zip(right.pairs.chunks_exact_mut(LANES)) {
                    for (line, column) in lines.iter_mut().zip(transposed_wholes(lanes)) {
                        store_wholes(column, &mut line.0[half]);
                    }
                }
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn sums<const ROWS: usize>(
        left: &[[Left; ROWS]],
        right: &[Right],
    ) -> [OutputLine<f32>; ROWS] {
        let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
        for (left, right) in left.iter().zip(right) {
            let mut whole = [[_mm256_setzero_si256(); 2]; ROWS];
            for at in 0..PAIRS {
                let weights = [wholes(&right.pairs[at].0[0]), wholes(&right.pairs[at].0[1])];
                for row in 0..ROWS {
                    let pair = _mm256_set1_epi32(left[row].pairs[at]);
                    for half in 0..2 {
                        let products = _mm256_madd_epi16(weights[half], pair);
                        whole[row][half] = _mm256_add_epi32(whole[row][half], products);
                    }
                }
            }
            let factors = [floats(&right.factors.0[0]), floats(&right.factors.0[1])];
            for row in 0..ROWS {
                let factor = _mm256_set1_ps(left[row].factor);
                for half in 0..2 {
                    let sum = _mm256_cvtepi32_ps(whole[row][half]);
                    let factor = _mm256_mul_ps(factors[half], factor);
                    sums[row][half] = _mm256_fmadd_ps(sum, factor, sums[row][half]);
                }
            }
        }
        let mut out = [OutputLine::default(); ROWS];
        for (out, sums) in out.iter_mut().zip(sums) {
            store(sums[0], &mut out.0[0]);
            store(sums[1], &mut out.0[1]);
        }
        out
    }
}

/// The first or second half of a block, in 16 bits.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn widened(block: &[u8; BYTES], half: usize) -> __m256i {
    let numbers = &block[2 + half * PAIRS..][..PAIRS];
    // SAFETY: sixteen bytes are there.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(numbers.as_ptr().cast()) })
}

/// Factors in f16, made f32.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn halves(from: &[i16; LANES]) -> __m256 {
    // SAFETY: eight numbers are there.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(from.as_ptr().cast()) })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use candle_core::{Device, quantized::QStorage};
    use proptest::prelude::*;

    use super::*;

    fn random(rows: usize, columns: usize) -> Tensor {
        Tensor::randn(0.0_f32, 1.0, (rows, columns), &Device::Cpu).unwrap()
    }

    fn quantised(matrix: &Tensor) -> QTensor {
        QTensor::quantize(matrix, GgmlDType::Q8_0).unwrap()
    }

    /// Our product, where this machine has it.
    fn ours(x: &Tensor, matrix: &QTensor) -> Option<Vec<Vec<f32>>> {
        supported().then(|| x.apply_op1_no_bwd(&Q8Product(matrix)).unwrap().to_vec2().unwrap())
    }

    /// Holds it to the product with the widened matrix, as closely as whole numbers allow: half a
    /// step of each block of activations times its weights.
    fn check(x: &Tensor, matrix: &QTensor) {
        let Some(ours) = ours(x, matrix) else { return };
        let plain = matrix.dequantize(&Device::Cpu).unwrap().t().unwrap();
        let exact = x.matmul(&plain).unwrap().to_vec2::<f32>().unwrap();
        let blocks = x.abs().unwrap().reshape(((), BLOCK)).unwrap();
        let largest = blocks.max_keepdim(1).unwrap().broadcast_as(blocks.shape()).unwrap();
        let steps = largest.reshape(x.shape()).unwrap();
        let bounds = steps.matmul(&plain.abs().unwrap()).unwrap().to_vec2::<f32>().unwrap();
        for ((ours, exact), bounds) in ours.iter().zip(&exact).zip(&bounds) {
            for ((ours, exact), bound) in ours.iter().zip(exact).zip(bounds) {
                assert!((ours - exact).abs() <= 1.8e-5 * bound, "{ours} {exact} {bound}");
            }
        }
    }

    #[test]
    fn it_is_the_product_with_the_widened_matrix() {
        for (rows, inputs, outputs) in
            [(4, 32, 1), (7, 96, 700), (33, 4864, 40), (12, 1056, 17), (1541, 64, 31)]
        {
            check(&random(rows, inputs), &quantised(&random(outputs, inputs)));
        }
    }

    #[test]
    fn the_largest_numbers_there_are_fit() {
        for (number, activation) in [(-128_i8, 1e30_f32), (127, -1e30), (-128, -3.0)] {
            let block =
                [half::f16::from_f32(0.5).to_le_bytes().to_vec(), vec![number as u8; BLOCK]];
            let bytes = block.concat().repeat(3);
            let stored =
                QStorage::from_data(Cow::Owned(bytes), &Device::Cpu, GgmlDType::Q8_0).unwrap();
            let matrix = QTensor::new(stored, (1, 3 * BLOCK)).unwrap();
            let x = Tensor::full(activation, (4, 3 * BLOCK), &Device::Cpu).unwrap();
            let Some(ours) = ours(&x, &matrix) else { return };
            let exact = 96.0 * 0.5 * f32::from(number) * activation;
            assert!(ours.iter().all(|row| (row[0] / exact - 1.0).abs() < 1e-6), "{ours:?} {exact}");
        }
    }

    #[test]
    fn what_is_not_finite_is_no_number() {
        let matrix = quantised(&random(20, 96));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 9, 95] {
                let mut rows = random(7, 96).to_vec2::<f32>().unwrap();
                rows[3][at] = bad;
                let x = Tensor::new(rows, &Device::Cpu).unwrap();
                let Some(ours) = ours(&x, &matrix) else { return };
                assert!(ours[3].iter().all(|value| value.is_nan()), "{bad} at {at}");
                let others = ours[..3].iter().chain(&ours[4..]).flatten();
                assert!(others.into_iter().all(|value| value.is_finite()), "{bad} at {at}");
            }
        }
    }

    #[test]
    fn next_to_nothing_is_next_to_nothing() {
        let matrix = quantised(&random(20, 64));
        for size in [0.0, 1e-45, 1e-36, 1e-30] {
            let x = (random(5, 64) * size).unwrap();
            let Some(ours) = ours(&x, &matrix) else { return };
            assert!(
                ours.iter().flatten().all(|value| f64::from(value.abs()) <= size * 1e3 + 1e-33)
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_shape_and_size_is(
            rows in 1_usize..40,
            blocks in 1_usize..40,
            outputs in 1_usize..70,
            spread in 0.0_f64..4.0,
        ) {
            // Activations of very different sizes, as outliers make them.
            let x = (random(rows, BLOCK * blocks) * spread).unwrap().exp().unwrap();
            let x = (x * random(rows, BLOCK * blocks)).unwrap();
            let stored = quantised(&random(outputs, BLOCK * blocks));
            check(&x, &stored);
        }
    }
}
