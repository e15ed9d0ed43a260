//! Products with matrices in blocks of 32 eight-bit numbers with a common factor (GGML's Q8_0).
//!
//! A block of activations gets a factor too and becomes whole numbers of 16 bits. Half a step in 32,767
//! of a block's largest is lost, far less than was when the weights were rounded to eight bits. A block
//! that is not finite comes out as NaN.

mod blocks;
mod bytes;
mod pairs;

use candle_core::{
    CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail,
    quantized::{GgmlDType, QTensor},
};

use self::{
    blocks::{BLOCK, Q8Blocks},
    bytes::{Bytes, has_vnni},
    pairs::Pairs,
};
use super::{
    super::ops::part,
    panels::{FEWEST, product, supported},
};

/// `x` `[rows, inputs]` times the transposed of `matrix` `[outputs, inputs]`, in f32; `None` where
/// candle is to do it.
pub(crate) fn q8_0(x: &Tensor, matrix: &QTensor) -> Result<Option<Tensor>> {
    let (rows, inputs) = x.dims2()?;
    // candle multiplies rows of so many numbers with dot products of bytes, and brings weights into
    // their order faster.
    let has_instruction = inputs.is_multiple_of(256) && has_vnni();
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
        let matrix = Q8Blocks::new(blocks, inputs);
        let (x, shape) = (part(storage, layout)?, (rows, inputs, outputs));
        let out = match has_vnni() {
            true => product(&Bytes(matrix), x, shape)?,
            false => product(&Pairs(matrix), x, shape)?,
        };
        Ok((CpuStorage::F32(out), Shape::from((rows, outputs))))
    }
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

        /// Dot products of bytes are products of pairs, bit for bit.
        #[test]
        fn wider_registers_change_nothing(
            rows in 1_usize..20,
            blocks in 1_usize..50,
            outputs in 1_usize..70,
            bad in proptest::option::of(0_usize..32),
        ) {
            if !has_vnni() {
                return Ok(());
            }
            let inputs = BLOCK * blocks;
            let stored = quantised(&random(outputs, inputs));
            let bytes = stored.data().unwrap();
            let matrix = Q8Blocks::new(bytes.as_chunks().0, inputs);
            let mut x = random(rows, inputs).flatten_all().unwrap().to_vec1::<f32>().unwrap();
            if let Some(at) = bad {
                x[at] = f32::NAN;
            }
            let narrow = product(&Pairs(matrix), &x, (rows, inputs, outputs)).unwrap();
            let wide = product(&Bytes(matrix), &x, (rows, inputs, outputs)).unwrap();
            for (narrow, wide) in narrow.iter().zip(&wide) {
                prop_assert!(narrow.to_bits() == wide.to_bits() || narrow.is_nan() && wide.is_nan());
            }
        }

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
