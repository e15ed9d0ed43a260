//! The gated feed-forward layer (SwiGLU).

use candle_core::{Module, Result, Tensor};

use crate::{error::Loading, kernels::swiglu, linear::Linear, weights::Loader};

/// Two branches side by side, one of which goes through SiLU, multiplied and projected back.
pub(super) struct Mlp {
    /// Both branches in one product.
    gate_up: Linear,
    down: Linear,
}

impl Mlp {
    /// `names`: the branch that goes through SiLU, the plain one, and the way back.
    pub(super) fn load(loader: &mut Loader, names: [String; 3], bias: bool) -> Loading<Self> {
        let [gate, up, down] = names;
        Ok(Self { gate_up: loader.linear(&[gate, up], bias)?, down: loader.linear(&[down], bias)? })
    }

    /// `x` `[…, width]` to the same shape.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.down.forward(&swiglu(&self.gate_up.forward(x)?)?)
    }
}
