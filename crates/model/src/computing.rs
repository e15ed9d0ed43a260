//! What a model is computed on and in.

use candle_core::Device;

use super::{Overrides, Precision, Quantization};

/// What to compute on and in, and what is said in place of the checkpoint's files.
#[derive(Debug, Clone)]
pub struct Computing {
    /// The device that weights and passes are on.
    pub device: Device,
    /// The type of number that is computed in.
    pub precision: Precision,
    /// What matrices are rounded to on the way into memory.
    pub quantize: Option<Quantization>,
    /// What is said in place of the checkpoint's files.
    pub overrides: Overrides,
}

impl Computing {
    /// On this device, in the precision that suits it.
    pub fn on(device: Device) -> Self {
        Self { device, precision: Precision::Auto, quantize: None, overrides: Overrides::default() }
    }
}
