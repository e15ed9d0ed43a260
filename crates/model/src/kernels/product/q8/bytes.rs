//! Dot products of bytes, in registers of 512 bits (AVX-512 VNNI).
//!
//! The instruction multiplies four bytes without a sign by four with one and adds them up, for sixteen
//! outputs. Activations have 16 bits, so they take it twice: x + 2¹⁵ is 256 · high + low, and what 2¹⁵
//! adds to a sum, which depends on the weights alone, is taken off where the sum starts. The whole
//! numbers are those of products of pairs, and every sum comes out the same.

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_setzero_si256,
    _mm256_slli_epi32, _mm256_sub_epi32, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
    _mm512_load_si512, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_slli_epi32,
};

use super::{
    super::{
        lanes::{
            LANES, OutputLine, WIDE, store, store_wholes, store_wide, transposed_wholes,
            wide_floats,
        },
        panels::{Kernel, has_512, supported},
    },
    blocks::{BLOCK, BYTES, Q8Blocks, WholeActivations, halves},
};

/// Fours of numbers in a block.
const FOURS: usize = BLOCK / 4;

/// Lines of outputs in a panel.
const LINES: usize = 2;

/// Whether this CPU has dot products of bytes in registers of 512 bits.
pub(super) fn has_vnni() -> bool {
    supported() && has_512() && is_x86_feature_detected!("avx512vnni")
}

/// A matrix that is multiplied by dot products of bytes.
pub(super) struct Bytes<'a>(pub Q8Blocks<'a>);

/// Activations of a block: four bytes each, and the factor.
#[derive(Clone, Copy, Default)]
pub(super) struct ByteActivations {
    high: [i32; FOURS],
    low: [i32; FOURS],
    factor: f32,
}

/// Weights of a block: of each four inputs those of all outputs, what the outputs' sums start from,
/// and their factors.
#[derive(Clone, Copy, Default)]
pub(super) struct ByteWeights {
    fours: [[OutputLine<i32>; LINES]; FOURS],
    starts: [OutputLine<i32>; LINES],
    factors: [OutputLine<f32>; LINES],
}

impl Kernel<LINES> for Bytes<'_> {
    type Left = ByteActivations;
    type Right = ByteWeights;
    const STEP: usize = BLOCK;
    // With two registers each for whole numbers and two for sums, they leave few of the 32 there are.
    const TALL: usize = 6;

    fn runs_here() -> bool {
        has_vnni()
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn left(activations: &[f32]) -> ByteActivations {
        let WholeActivations { pairs, factor } = WholeActivations::of(activations);
        let mut left = ByteActivations { factor, ..ByteActivations::default() };
        for (at, [a, b]) in pairs.as_chunks::<2>().0.iter().enumerate() {
            // Two numbers of 16 bits are in each; adding 2¹⁵ is changing the first bit.
            let pairs = [*a as u32 ^ 0x8000_8000, *b as u32 ^ 0x8000_8000];
            let bytes = |shift: u32| {
                let [a, b] = pairs.map(|pair| pair >> shift);
                let bytes = [a, a >> 16, b, b >> 16].map(|number| number as u8);
                i32::from_le_bytes(bytes)
            };
            (left.high[at], left.low[at]) = (bytes(8), bytes(0));
        }
        left
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn right(&self, first: usize, panel: &mut [ByteWeights]) {
        for (step, right) in panel.iter_mut().enumerate() {
            for at in 0..LINES * 2 {
                let (line, half) = (at / 2, at % 2);
                let mut lanes = [_mm256_setzero_si256(); LANES];
                let mut factors = [0; LANES];
                for lane in 0..LANES {
                    let block = self.0.block(first + at * LANES + lane, step);
                    factors[lane] = i16::from_le_bytes([block[0], block[1]]);
                    lanes[lane] = numbers(block);
                }
                store(halves(&factors), &mut right.factors[line].0[half]);
                let mut sum = _mm256_setzero_si256();
                for (four, column) in right.fours.iter_mut().zip(transposed_wholes(lanes)) {
                    store_wholes(column, &mut four[line].0[half]);
                    sum = _mm256_add_epi32(sum, sum_of_four(column));
                }
                // 2¹⁵ times the sum is taken off, 2⁸ of it when high bytes become worth that much.
                let start = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32::<7>(sum));
                store_wholes(start, &mut right.starts[line].0[half]);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn sums<const ROWS: usize>(
        left: &[[ByteActivations; ROWS]],
        right: &[ByteWeights],
    ) -> [[OutputLine<f32>; LINES]; ROWS] {
        let mut sums = [[_mm512_setzero_ps(); LINES]; ROWS];
        for (left, right) in left.iter().zip(right) {
            let mut whole = [[wide_wholes(&right.starts[0]), wide_wholes(&right.starts[1])]; ROWS];
            dots(&mut whole, &right.fours, |row, at| left[row].high[at]);
            for whole in whole.as_flattened_mut() {
                *whole = _mm512_slli_epi32::<8>(*whole);
            }
            dots(&mut whole, &right.fours, |row, at| left[row].low[at]);
            let factors = [wide_floats(&right.factors[0]), wide_floats(&right.factors[1])];
            for row in 0..ROWS {
                let factor = _mm512_set1_ps(left[row].factor);
                for line in 0..LINES {
                    let sum = _mm512_cvtepi32_ps(whole[row][line]);
                    let factor = _mm512_mul_ps(factors[line], factor);
                    sums[row][line] = _mm512_fmadd_ps(sum, factor, sums[row][line]);
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

/// Adds the dot products of a block's weights and so many rows' bytes, which `bytes` gives for a row and
/// each four.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn dots<const ROWS: usize>(
    whole: &mut [[__m512i; LINES]; ROWS],
    fours: &[[OutputLine<i32>; LINES]; FOURS],
    bytes: impl Fn(usize, usize) -> i32,
) {
    for (at, four) in fours.iter().enumerate() {
        let weights = [wide_wholes(&four[0]), wide_wholes(&four[1])];
        for (row, whole) in whole.iter_mut().enumerate() {
            let bytes = _mm512_set1_epi32(bytes(row, at));
            for (whole, weights) in whole.iter_mut().zip(weights) {
                *whole = _mm512_dpbusd_epi32(*whole, bytes, weights);
            }
        }
    }
}

/// The numbers of a block, four bytes a lane.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn numbers(block: &[u8; BYTES]) -> __m256i {
    let numbers = &block[BYTES - BLOCK..];
    // SAFETY: 32 bytes are there.
    unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
}

/// The sum of each lane's four bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn sum_of_four(bytes: __m256i) -> __m256i {
    let pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);
    _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))
}

/// A whole number for each output of a line, in one register.
#[inline]
#[target_feature(enable = "avx512f")]
fn wide_wholes(from: &OutputLine<i32>) -> __m512i {
    const { assert!(size_of::<OutputLine<i32>>() == 4 * WIDE) };
    // SAFETY: sixteen numbers are there, in one line of the cache.
    unsafe { _mm512_load_si512(from.0.as_ptr().cast()) }
}
