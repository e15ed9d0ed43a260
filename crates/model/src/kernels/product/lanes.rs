//! Registers of eight lanes, between memory and arithmetic.

use std::arch::x86_64::{
    __m256, __m256i, __m512, _mm_loadu_si128, _mm256_castps_si256, _mm256_castsi256_ps,
    _mm256_cvtepu16_epi32, _mm256_cvtph_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_slli_epi32, _mm256_storeu_ps,
    _mm256_unpackhi_ps, _mm256_unpacklo_ps, _mm512_load_ps, _mm512_store_ps,
};

use half::{bf16, f16};

/// Lanes of a register, as numbers of 32 bits.
pub(super) const LANES: usize = 8;

/// Outputs of a panel.
pub(super) const WIDE: usize = 2 * LANES;

/// A number for each output of a panel, in one line of the cache.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct OutputLine<T>(pub [[T; LANES]; 2]);

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn floats(from: &[f32; LANES]) -> __m256 {
    // SAFETY: eight numbers are there.
    unsafe { _mm256_loadu_ps(from.as_ptr()) }
}

/// Numbers that convert to f32 without loss.
pub(super) trait Widens: Copy + Send + Sync {
    /// Eight numbers as f32.
    ///
    /// # Safety
    /// The CPU must have AVX2, FMA and F16C.
    unsafe fn widened(from: &[Self; LANES]) -> __m256;
}

impl Widens for f32 {
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn widened(from: &[Self; LANES]) -> __m256 {
        floats(from)
    }
}

impl Widens for bf16 {
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn widened(from: &[Self; LANES]) -> __m256 {
        // SAFETY: eight numbers are there.
        let upper = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
        _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(upper)))
    }
}

impl Widens for f16 {
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn widened(from: &[Self; LANES]) -> __m256 {
        // SAFETY: eight numbers are there.
        _mm256_cvtph_ps(unsafe { _mm_loadu_si128(from.as_ptr().cast()) })
    }
}

/// A number for each output of a panel, in one register.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn wide_floats(from: &OutputLine<f32>) -> __m512 {
    // SAFETY: sixteen numbers are there, in one line of the cache.
    unsafe { _mm512_load_ps(from.0.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store_wide(lanes: __m512, to: &mut OutputLine<f32>) {
    // SAFETY: there is room for sixteen numbers, in one line of the cache.
    unsafe { _mm512_store_ps(to.0.as_mut_ptr().cast(), lanes) }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn wholes(from: &[i32; LANES]) -> __m256i {
    // SAFETY: eight numbers are there.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn store(lanes: __m256, to: &mut [f32; LANES]) {
    // SAFETY: there is room for eight numbers.
    unsafe { _mm256_storeu_ps(to.as_mut_ptr(), lanes) }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn store_wholes(lanes: __m256i, to: &mut [i32; LANES]) {
    // SAFETY: there is room for eight numbers.
    unsafe { _mm256_storeu_ps(to.as_mut_ptr().cast(), _mm256_castsi256_ps(lanes)) }
}

/// Transposes 8 rows of 8 numbers.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn transposed(rows: [__m256; 8]) -> [__m256; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    // Of each half: pairs of rows, then fours.
    let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
    let (ef, gh) = (_mm256_unpacklo_ps(e, f), _mm256_unpacklo_ps(g, h));
    let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
    let (ef_high, gh_high) = (_mm256_unpackhi_ps(e, f), _mm256_unpackhi_ps(g, h));
    let fours = [(ab, cd, ef, gh), (ab_high, cd_high, ef_high, gh_high)].map(|(ab, cd, ef, gh)| {
        [
            (_mm256_shuffle_ps::<0x44>(ab, cd), _mm256_shuffle_ps::<0x44>(ef, gh)),
            (_mm256_shuffle_ps::<0xee>(ab, cd), _mm256_shuffle_ps::<0xee>(ef, gh)),
        ]
    });
    let [[first, second], [third, fourth]] = fours;
    let low = |(a, b)| _mm256_permute2f128_ps::<0x20>(a, b);
    let high = |(a, b)| _mm256_permute2f128_ps::<0x31>(a, b);
    [
        low(first),
        low(second),
        low(third),
        low(fourth),
        high(first),
        high(second),
        high(third),
        high(fourth),
    ]
}

/// As [`transposed`], of whole numbers.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn transposed_wholes(rows: [__m256i; 8]) -> [__m256i; 8] {
    let rows = rows.map(|row| _mm256_castsi256_ps(row));
    transposed(rows).map(|column| _mm256_castps_si256(column))
}
