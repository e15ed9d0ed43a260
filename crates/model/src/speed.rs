//! How fast the device multiplies matrices: what a forward pass cannot be faster than.

use std::time::{Duration, Instant};

use candle_core::{DType, Device, Result, Tensor};

use super::LoadError;
use crate::kernels::product;

/// The product measured: 512 positions through a layer from width 1024 to width 4096.
const PRODUCT: (usize, usize, usize) = (512, 1024, 4096);

/// It is done again for this long.
const LONG_ENOUGH: Duration = Duration::from_millis(300);

/// f32 products of 512 × 1024 by 1024 × 4096: floating-point operations a second, the best of some.
///
/// # Errors
/// If the device cannot.
pub fn matmul_speed(device: &Device) -> std::result::Result<f64, LoadError> {
    measure(device).map_err(|error| {
        LoadError::new("a product of matrices", error.to_string(), "Use `--device cpu`")
    })
}

fn measure(device: &Device) -> Result<f64> {
    let (m, k, n) = PRODUCT;
    let left = Tensor::ones((m, k), DType::F32, device)?;
    let right = Tensor::ones((n, k), DType::F32, device)?;
    let product = || {
        let started = Instant::now();
        // As passes multiply.
        match product::dense(&left, &right)? {
            Some(_) => {}
            None => drop(left.matmul(&right.t()?)?),
        }
        device.synchronize()?;
        Ok::<_, candle_core::Error>(started.elapsed())
    };
    // The first starts threads, or loads kernels.
    product()?;
    let started = Instant::now();
    let mut best = product()?;
    while started.elapsed() < LONG_ENOUGH {
        best = best.min(product()?);
    }
    let operations = 2.0 * m as f64 * k as f64 * n as f64;
    Ok(operations / best.as_secs_f64().max(f64::MIN_POSITIVE))
}

/// Threads that a forward pass on the CPU uses.
pub fn threads() -> usize {
    candle_core::utils::get_num_threads()
}

/// The widest instructions that products of f32 matrices use on this CPU.
pub fn instructions() -> String {
    product::instructions().to_owned()
}
