//! Rotary positions, in f32. The tables are made for each pass: that takes a millisecond, where
//! tables for the longest context a config may name would take gigabytes.

use candle_core::{D, DType, Device, Result, Tensor};

use super::Spec;

/// The frequencies of a model's rotation.
pub(super) struct Rope {
    /// `[1, rotary_dim / 2]`
    frequencies: Tensor,
}

impl Rope {
    pub(super) fn new(spec: &Spec, device: &Device) -> Result<Self> {
        let half = spec.rotary_dim / 2;
        let frequencies: Vec<f32> = (0..half)
            .map(|i| 1.0 / (spec.rope_theta as f32).powf(2.0 * i as f32 / (2 * half) as f32))
            .collect();
        Ok(Self { frequencies: Tensor::from_vec(frequencies, (1, half), device)? })
    }

    /// The rotation at these positions, `[length]` or `[batch, length]` of u32.
    pub(super) fn at(&self, positions: &Tensor) -> Result<Rotation> {
        let mut shape = positions.dims().to_vec();
        let angles = positions.to_dtype(DType::F32)?.reshape(((), 1))?.matmul(&self.frequencies)?;
        shape.push(angles.dim(1)?);
        Ok(Rotation {
            cos: angles.cos()?.reshape(shape.as_slice())?,
            sin: angles.sin()?.reshape(shape)?,
        })
    }
}

/// cos and sin at some positions, `[length, rotary_dim / 2]`, a batch before it where they differ.
pub(super) struct Rotation {
    cos: Tensor,
    sin: Tensor,
}

impl Rotation {
    /// Rotates queries or keys `[batch, heads, length, head_dim]`, half-split, in f32 whatever
    /// the computing type (`rope_full_precision`). Numbers behind the rotary ones stay.
    pub(super) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let (all, rotary) = (x.dim(D::Minus1)?, 2 * self.cos.dim(D::Minus1)?);
        if rotary < all {
            let first = self.apply(&x.narrow(D::Minus1, 0, rotary)?)?;
            let rest = x.narrow(D::Minus1, rotary, all - rotary)?;
            return Tensor::cat(&[&first, &rest], D::Minus1);
        }
        let rotated = candle_nn::rotary_emb::rope(
            &x.to_dtype(DType::F32)?.contiguous()?,
            &self.cos,
            &self.sin,
        )?;
        rotated.to_dtype(x.dtype())
    }
}
