//! Products with matrices of f32, bf16 and f16. Numbers of 16 bits are converted to f32 when a panel is
//! filled: the sums equal those of the matrix in f32, and half as many bytes are read.

use std::arch::x86_64::{
    __m256, _mm256_fmadd_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm512_fmadd_ps, _mm512_set1_ps,
    _mm512_setzero_ps,
};

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};
use half::{bf16, f16};

use super::{
    super::ops::part,
    lanes::{LANES, OutputLine, WIDE, Widens, floats, store, store_wide, transposed, wide_floats},
    panels::{FEWEST, Kernel, has_512, product, supported},
};

/// From so many rows on, a panel has two registers' outputs: with one, activations are loaded as often
/// as they are multiplied, which takes longer. For fewer, larger panels take longer to fill.
const MANY: usize = 96;

/// Whether 16-bit matrices of this type, with rows of so many numbers, are converted while they are multiplied.
pub(crate) fn widens(dtype: DType, inputs: usize) -> bool {
    matches!(dtype, DType::BF16 | DType::F16) && inputs.is_multiple_of(LANES) && supported()
}

/// `x` `[rows, inputs]` of f32 times the transposed of `matrix` `[outputs, inputs]`; `None` where
/// candle is to do it, which takes no other type than that of `x`.
pub(crate) fn dense(x: &Tensor, matrix: &Tensor) -> Result<Option<Tensor>> {
    let (rows, inputs) = x.dims2()?;
    let fits = match matrix.dtype() {
        DType::F32 => rows >= FEWEST && inputs.is_multiple_of(LANES) && supported(),
        dtype => widens(dtype, inputs),
    };
    let here = x.device().is_cpu() && x.dtype() == DType::F32 && matrix.is_contiguous();
    if !here || !fits {
        return Ok(None);
    }
    x.contiguous()?.apply_op2_no_bwd(matrix, &DenseProduct).map(Some)
}

struct DenseProduct;

impl CustomOp2 for DenseProduct {
    fn name(&self) -> &'static str {
        "product"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        matrix: &CpuStorage,
        matrix_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = x_layout.shape().dims2()?;
        let x = part(x, x_layout)?;
        let (out, outputs) = match matrix {
            CpuStorage::F32(_) => by_type::<f32>(x, shape, matrix, matrix_layout)?,
            CpuStorage::BF16(_) => by_type::<bf16>(x, shape, matrix, matrix_layout)?,
            CpuStorage::F16(_) => by_type::<f16>(x, shape, matrix, matrix_layout)?,
            _ => bail!("a product with a matrix of another type: {matrix_layout:?}"),
        };
        Ok((CpuStorage::F32(out), Shape::from((shape.0, outputs))))
    }
}

/// The product, and the number of outputs.
fn by_type<W: Widens + WithDType>(
    x: &[f32],
    (rows, inputs): (usize, usize),
    matrix: &CpuStorage,
    layout: &Layout,
) -> Result<(Vec<f32>, usize)> {
    let (outputs, columns) = layout.shape().dims2()?;
    let (Some((from, to)), true) = (layout.contiguous_offsets(), columns == inputs) else {
        bail!("{rows} x {inputs} does not fit {outputs} x {columns}");
    };
    let dense = OutputRows { weights: &matrix.as_slice::<W>()?[from..to], inputs };
    let out = match has_512() {
        true if rows < MANY => product::<_, 1>(&Wide(dense), x, (rows, inputs, outputs))?,
        true => product::<_, 2>(&Wide(dense), x, (rows, inputs, outputs))?,
        false => product(&Narrow(dense), x, (rows, inputs, outputs))?,
    };
    Ok((out, outputs))
}

/// A panel's weights of a step: for each input, those of all outputs.
#[derive(Clone, Copy)]
struct StepWeights<const LINES: usize>([[OutputLine<f32>; LINES]; LANES]);

impl<const LINES: usize> Default for StepWeights<LINES> {
    fn default() -> Self {
        Self([[OutputLine::default(); LINES]; LANES])
    }
}

/// A matrix with a row an output.
#[derive(Clone, Copy)]
struct OutputRows<'a, W> {
    weights: &'a [W],
    inputs: usize,
}

impl<W: Widens> OutputRows<'_, W> {
    /// Weights of the outputs from `first` on, all inputs of them; zeros for outputs that are not there.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn right<const LINES: usize>(&self, first: usize, panel: &mut [StepWeights<LINES>]) {
        let rows: [[&[W]; WIDE]; LINES] = std::array::from_fn(|line| {
            std::array::from_fn(|output| {
                let from = (first + line * WIDE + output) * self.inputs;
                self.weights.get(from..from + self.inputs).unwrap_or_default()
            })
        });
        for (step, right) in panel.iter_mut().enumerate() {
            for (line, rows) in rows.iter().enumerate() {
                for half in 0..2 {
                    let mut lanes = [_mm256_setzero_ps(); LANES];
                    for (lanes, row) in lanes.iter_mut().zip(&rows[half * LANES..]) {
                        let weights = row.get(step * LANES..).and_then(<[W]>::first_chunk);
                        // SAFETY: the CPU has what this function is compiled for.
                        *lanes = weights.map_or(*lanes, |weights| unsafe { W::widened(weights) });
                    }
                    for (lines, column) in right.0.iter_mut().zip(transposed(lanes)) {
                        store(column, &mut lines[line].0[half]);
                    }
                }
            }
        }
    }
}

/// Products in registers of 256 bits, two for the outputs of a panel.
struct Narrow<'a, W>(OutputRows<'a, W>);

impl<W: Widens> Kernel<1> for Narrow<'_, W> {
    type Left = [f32; LANES];
    type Right = StepWeights<1>;
    const STEP: usize = LANES;
    // With two registers each, and those for weights and activations, they fill the sixteen there are.
    const TALL: usize = 6;

    #[inline]
    unsafe fn left(activations: &[f32]) -> Self::Left {
        std::array::from_fn(|at| activations[at])
    }

    #[inline]
    unsafe fn right(&self, first: usize, panel: &mut [Self::Right]) {
        // SAFETY: as the caller says.
        unsafe { self.0.right(first, panel) };
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn sums<const ROWS: usize>(
        left: &[[Self::Left; ROWS]],
        right: &[Self::Right],
    ) -> [[OutputLine<f32>; 1]; ROWS] {
        let mut sums: [[__m256; 2]; ROWS] = [[_mm256_setzero_ps(); 2]; ROWS];
        for (left, right) in left.iter().zip(right) {
            for (at, [line]) in right.0.iter().enumerate() {
                let weights = [floats(&line.0[0]), floats(&line.0[1])];
                for row in 0..ROWS {
                    let activation = _mm256_set1_ps(left[row][at]);
                    sums[row][0] = _mm256_fmadd_ps(weights[0], activation, sums[row][0]);
                    sums[row][1] = _mm256_fmadd_ps(weights[1], activation, sums[row][1]);
                }
            }
        }
        let mut out = [[OutputLine::default(); 1]; ROWS];
        for (out, sums) in out.iter_mut().zip(sums) {
            store(sums[0], &mut out[0].0[0]);
            store(sums[1], &mut out[0].0[1]);
        }
        out
    }
}

/// Products in registers of 512 bits, one or two for the outputs of a panel. Every sum is over the same
/// numbers in the same order as in [`Narrow`], and comes out the same.
struct Wide<'a, W>(OutputRows<'a, W>);

impl<W: Widens, const LINES: usize> Kernel<LINES> for Wide<'_, W> {
    type Left = [f32; LANES];
    type Right = StepWeights<LINES>;
    const STEP: usize = LANES;
    // With two registers each, and those for weights, they leave few of the 32 there are.
    const TALL: usize = 12;

    fn runs_here() -> bool {
        supported() && has_512()
    }

    #[inline]
    unsafe fn left(activations: &[f32]) -> Self::Left {
        std::array::from_fn(|at| activations[at])
    }

    #[inline]
    unsafe fn right(&self, first: usize, panel: &mut [Self::Right]) {
        // SAFETY: as the caller says.
        unsafe { self.0.right(first, panel) };
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn sums<const ROWS: usize>(
        left: &[[Self::Left; ROWS]],
        right: &[Self::Right],
    ) -> [[OutputLine<f32>; LINES]; ROWS] {
        let mut sums = [[_mm512_setzero_ps(); LINES]; ROWS];
        for (left, right) in left.iter().zip(right) {
            for (at, lines) in right.0.iter().enumerate() {
                let mut weights = [_mm512_setzero_ps(); LINES];
                for (weights, line) in weights.iter_mut().zip(lines) {
                    *weights = wide_floats(line);
                }
                for row in 0..ROWS {
                    let activation = _mm512_set1_ps(left[row][at]);
                    for line in 0..LINES {
                        sums[row][line] =
                            _mm512_fmadd_ps(weights[line], activation, sums[row][line]);
                    }
                }
            }
        }
        let mut out = [[OutputLine::default(); LINES]; ROWS];
        for (out, sums) in out.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
            store_wide(*sums, out);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use proptest::prelude::*;

    use super::*;

    fn random(rows: usize, columns: usize) -> Tensor {
        Tensor::randn(0.0_f32, 1.0, (rows, columns), &Device::Cpu).unwrap()
    }

    fn largest(difference: &Tensor) -> f32 {
        difference.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
    }

    fn check(rows: usize, inputs: usize, outputs: usize) {
        let (x, matrix) = (random(rows, inputs), random(outputs, inputs));
        let Some(ours) = dense(&x, &matrix).unwrap() else {
            assert!(!supported());
            return;
        };
        let theirs = x.matmul(&matrix.t().unwrap()).unwrap();
        let difference = largest(&(ours - theirs).unwrap());
        assert!(difference < 2e-6 * inputs as f32, "{rows} {inputs} {outputs}: {difference}");
    }

    proptest! {
        /// Runs in AVX-512 are those in AVX2, bit for bit.
        #[test]
        fn wider_registers_change_nothing(rows in 1..40_usize, steps in 1..300_usize, outputs in 1..70_usize) {
            if !supported() || !has_512() {
                return Ok(());
            }
            let inputs = steps * LANES;
            let numbers = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let (x, weights) = (numbers(random(rows, inputs)), numbers(random(outputs, inputs)));
            let dense = OutputRows { weights: &weights, inputs };
            let narrow = product(&Narrow(dense), &x, (rows, inputs, outputs)).unwrap();
            let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let wide = product::<_, 1>(&Wide(dense), &x, (rows, inputs, outputs)).unwrap();
            prop_assert_eq!(bits(&narrow), bits(&wide));
            let wide = product::<_, 2>(&Wide(dense), &x, (rows, inputs, outputs)).unwrap();
            prop_assert_eq!(bits(&narrow), bits(&wide));
        }
    }

    #[test]
    fn it_is_candles_product() {
        for (rows, inputs, outputs) in
            [(4, 8, 1), (7, 1024, 16), (12, 1032, 17), (33, 4864, 40), (1541, 64, 31)]
        {
            check(rows, inputs, outputs);
        }
    }

    #[test]
    fn numbers_of_half_the_bits_are_multiplied_as_f32() {
        if !supported() {
            return;
        }
        for dtype in [DType::BF16, DType::F16] {
            for rows in [1, 3, 4, 17] {
                let (x, matrix) = (random(rows, 1032), random(37, 1032).to_dtype(dtype).unwrap());
                let ours = dense(&x, &matrix).unwrap().unwrap();
                let matrix = matrix.to_dtype(DType::F32).unwrap();
                let wanted = match dense(&x, &matrix).unwrap() {
                    Some(wanted) => (wanted, 0.0),
                    None => (x.matmul(&matrix.t().unwrap()).unwrap(), 1e-3),
                };
                assert!(largest(&(ours - wanted.0).unwrap()) <= wanted.1, "{dtype:?} {rows}");
            }
            assert!(widens(dtype, 8) && !widens(dtype, 12));
            assert!(
                dense(&random(4, 12), &random(2, 12).to_dtype(dtype).unwrap()).unwrap().is_none()
            );
        }
    }

    #[test]
    fn a_row_is_the_same_whatever_is_beside_it() {
        let (x, matrix) = (random(23, 2056), random(50, 2056));
        let Some(all) = dense(&x, &matrix).unwrap() else { return };
        for (from, rows) in [(0, 4), (5, 7), (11, 12)] {
            let some = dense(&x.narrow(0, from, rows).unwrap(), &matrix).unwrap().unwrap();
            let same = (some - all.narrow(0, from, rows).unwrap()).unwrap();
            assert_eq!(largest(&same), 0.0);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_shape_is(rows in 4_usize..40, steps in 1_usize..40, outputs in 1_usize..70) {
            check(rows, 8 * steps, outputs);
        }
    }
}
