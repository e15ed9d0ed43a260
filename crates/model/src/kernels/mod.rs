//! Loops over numbers in a CPU's memory, with as many numbers an instruction as the CPU takes and
//! on all cores: exponentials above all, which candle computes one at a time.
//!
//! Elsewhere than on a CPU candle's own operations are used.

mod attention;
mod ops;
pub(super) mod product;
mod rows;

pub(super) use attention::attend;
pub(super) use ops::{softmax, swiglu};
pub(super) use rows::{SoftmaxSums, best, largest};

/// Runs a loop compiled for the widest instructions this CPU has.
#[inline]
fn vectorized<T>(work: impl FnOnce() -> T) -> T {
    pulp::Arch::new().dispatch(work)
}

/// Whether this CPU multiplies and adds in one instruction; [`vectorized`] loops may then use it.
fn fuses() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return pulp::x86::V3::try_new().is_some();
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    return cfg!(target_arch = "aarch64");
}

/// `a · b + c`, in one instruction where that is `FUSED`: else a library would be called for it.
#[inline(always)]
fn fma<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Numbers that several threads write to, at different places.
#[derive(Clone, Copy)]
struct ThreadedNumbers(*mut f32);

// SAFETY: whoever writes to a place says why nobody else does.
unsafe impl Send for ThreadedNumbers {}
// SAFETY: as above.
unsafe impl Sync for ThreadedNumbers {}

impl ThreadedNumbers {
    fn of(numbers: &mut [f32]) -> Self {
        Self(numbers.as_mut_ptr())
    }

    /// The number at this place.
    ///
    /// # Safety
    /// It must be one of the numbers.
    unsafe fn at(self, place: usize) -> *mut f32 {
        // SAFETY: as the caller says.
        unsafe { self.0.add(place) }
    }
}

/// Below this an f32 has no exponential but 0.
const LOWEST: f32 = -87.3;
const HIGHEST: f32 = 88.0;

/// eˣ to within 2 units in the last place; 0 below −87.3, e⁸⁸ above 88, NaN for NaN. No branch, so
/// that a loop over it becomes wide instructions. `FUSED` only where it [`fuses`].
#[inline(always)]
fn exp<const FUSED: bool>(x: f32) -> f32 {
    // Adding this leaves the nearest whole number in the last bits.
    const ROUND: f32 = 12_582_912.0;
    // Comparisons, not `clamp` or `max`: those would turn NaN into a number.
    let inside = if x < LOWEST { LOWEST } else { x };
    let inside = if inside > HIGHEST { HIGHEST } else { inside };
    // x = n · ln 2 + rest, so eˣ = 2ⁿ · e^rest with |rest| ≤ ln 2 / 2.
    let shifted = fma::<FUSED>(inside, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    // ln 2 in two parts: the first has few digits, so that n times it is exact.
    let rest = fma::<FUSED>(n, 2.121_944_4e-4, fma::<FUSED>(n, -0.693_359_4, inside));
    let mut sum = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = fma::<FUSED>(sum, rest, factor);
    }
    let power = (shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127)) << 23;
    let e = sum * f32::from_bits(power);
    if x < LOWEST { 0.0 } else { e }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A feature of pulp's that is not asked for leaves loops narrow, and says nothing.
    #[test]
    fn loops_are_wide_where_the_cpu_is() {
        assert_eq!(matches!(pulp::Arch::new(), pulp::Arch::Scalar), !fuses());
        #[cfg(target_arch = "x86_64")]
        assert_eq!(fuses(), is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
    }

    #[test]
    fn exponentials_are_those_of_the_library() {
        let mut largest = 0.0_f64;
        for step in -873_000..=880_000 {
            let x = step as f32 * 1e-4;
            let expected = f64::from(x).exp();
            for found in [exp::<false>(x), exp::<true>(x)] {
                largest = largest.max((f64::from(found) - expected).abs() / expected);
            }
        }
        assert!(largest < 2.4e-7, "{largest}");
        for exp in [exp::<false>, exp::<true>] {
            assert_eq!((exp(0.0), exp(-88.0), exp(f32::NEG_INFINITY)), (1.0, 0.0, 0.0));
            assert!(exp(f32::INFINITY) > 1e38 && exp(f32::NAN).is_nan());
        }
    }
}
