//! Products of activations with a matrix of weights, f32, bf16, f16 or in blocks of eight-bit numbers
//! (GGML's Q8_0), on a CPU with AVX2; in registers of AVX-512 where the CPU has them, with the same sums
//! in the same order.
//!
//! A task is a panel: as many outputs as one or two registers of 512 bits have lanes. Its weights are
//! brought into the order of the loop once and stay in a core's cache while all rows pass by, some rows
//! at a time in registers. Tasks are many and small, so a core that is held up keeps nobody waiting. A
//! row comes out the same whatever rows are beside it.
//!
//! Elsewhere, and for fewer rows, candle's own products are used: it has dot products of bytes
//! where the CPU has them (AVX-512 VNNI, ARM).

#[cfg(target_arch = "x86_64")]
mod dense;
#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod panels;
#[cfg(target_arch = "x86_64")]
mod q8;

#[cfg(target_arch = "x86_64")]
pub(crate) use self::{
    dense::{dense, widens},
    panels::instructions,
    q8::q8_0,
};

/// On other processors candle multiplies, and these are never called.
#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use candle_core::{DType, Result, Tensor, quantized::QTensor};

    pub(crate) fn widens(_: DType, _: usize) -> bool {
        false
    }

    pub(crate) fn dense(_: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(None)
    }

    pub(crate) fn q8_0(_: &Tensor, _: &QTensor) -> Result<Option<Tensor>> {
        Ok(None)
    }

    pub(crate) fn instructions() -> &'static str {
        if cfg!(target_arch = "aarch64") { "NEON" } else { "none of its own" }
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) use elsewhere::{dense, instructions, q8_0, widens};
