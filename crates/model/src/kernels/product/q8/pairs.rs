//! Products of pairs of 16 bits, in registers of 256 bits (AVX2): an instruction multiplies sixteen
//! numbers and adds them two by two, where f32 has eight.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps,
    _mm256_fmadd_ps, _mm256_madd_epi16, _mm256_mul_ps, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_setzero_si256,
};

use super::{
    super::{
        lanes::{LANES, OutputLine, floats, store, store_wholes, transposed_wholes, wholes},
        panels::Kernel,
    },
    blocks::{BLOCK, BYTES, PAIRS, Q8Blocks, WholeActivations, halves},
};

/// A matrix that is multiplied by products of pairs.
pub(super) struct Pairs<'a>(pub Q8Blocks<'a>);

/// Weights: of each pair of inputs, those of all outputs, and the outputs' factors.
#[derive(Clone, Copy, Default)]
pub(super) struct PairWeights {
    pairs: [OutputLine<i32>; PAIRS],
    factors: OutputLine<f32>,
}

impl Kernel<1> for Pairs<'_> {
    type Left = WholeActivations;
    type Right = PairWeights;
    const STEP: usize = BLOCK;
    const TALL: usize = 6;

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn left(activations: &[f32]) -> WholeActivations {
        WholeActivations::of(activations)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn right(&self, first: usize, panel: &mut [PairWeights]) {
        for (step, right) in panel.iter_mut().enumerate() {
            for half in 0..2 {
                let mut lanes = [[_mm256_setzero_si256(); LANES]; 2];
                let mut factors = [0; LANES];
                for lane in 0..LANES {
                    let block = self.0.block(first + half * LANES + lane, step);
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
        left: &[[WholeActivations; ROWS]],
        right: &[PairWeights],
    ) -> [[OutputLine<f32>; 1]; ROWS] {
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
        let mut out = [[OutputLine::default(); 1]; ROWS];
        for (out, sums) in out.iter_mut().zip(sums) {
            store(sums[0], &mut out[0].0[0]);
            store(sums[1], &mut out[0].0[1]);
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
