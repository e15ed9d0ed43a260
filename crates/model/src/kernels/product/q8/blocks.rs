//! Blocks of weights as they lie, and blocks of activations as whole numbers.

use std::arch::x86_64::{
    __m256, _CMP_UNORD_Q, _mm_loadu_si128, _mm256_and_ps, _mm256_castsi256_ps, _mm256_cmp_ps,
    _mm256_cvtph_ps, _mm256_cvtps_epi32, _mm256_max_ps, _mm256_movemask_ps, _mm256_mul_ps,
    _mm256_or_ps, _mm256_packs_epi32, _mm256_permute4x64_epi64, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setzero_ps,
};

use super::super::lanes::{LANES, floats, store, store_wholes};

/// Numbers with a common factor.
pub(super) const BLOCK: usize = 32;

/// Pairs of numbers in a block.
pub(super) const PAIRS: usize = BLOCK / 2;

/// Bytes of a block: the factor in f16, then the numbers.
pub(super) const BYTES: usize = 2 + BLOCK;

/// The largest whole number an activation becomes. The sum of a block's products is at most
/// 32 · 128 times that: far from what 32 bits hold.
const LARGEST_ACTIVATION: f32 = 32_767.0;

/// A matrix in blocks.
#[derive(Clone, Copy)]
pub(super) struct Q8Blocks<'a> {
    blocks: &'a [[u8; BYTES]],
    /// Blocks of an output.
    a_row: usize,
}

impl<'a> Q8Blocks<'a> {
    /// A matrix with so many inputs an output.
    pub(super) fn new(blocks: &'a [[u8; BYTES]], inputs: usize) -> Self {
        Self { blocks, a_row: inputs / BLOCK }
    }

    /// A block of an output; zeros where there is no such output.
    pub(super) fn block(&self, output: usize, step: usize) -> &[u8; BYTES] {
        self.blocks.get(output * self.a_row + step).unwrap_or(&[0; BYTES])
    }
}

/// Activations of a block as whole numbers: pairs of 16 bits and their factor.
#[derive(Clone, Copy, Default)]
pub(super) struct WholeActivations {
    pub pairs: [i32; PAIRS],
    pub factor: f32,
}

impl WholeActivations {
    /// A block of activations. The factor is NaN if one of them is not finite.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn of(activations: &[f32]) -> Self {
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
            return Self { pairs: [0; PAIRS], factor: f32::NAN };
        }
        // Under 1e-34 there is none, and the block counts as zeros.
        let scale = LARGEST_ACTIVATION / largest;
        if scale.is_infinite() {
            return Self::default();
        }
        let mut left = Self { pairs: [0; PAIRS], factor: largest / LARGEST_ACTIVATION };
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
}

/// Factors in f16, made f32.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn halves(from: &[i16; LANES]) -> __m256 {
    // SAFETY: eight numbers are there.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(from.as_ptr().cast()) })
}
