//! Linear layers, dense or quantised, and the norm.

use std::sync::Arc;

use candle_core::{D, DType, Module, Result, Tensor, quantized::QTensor};

use crate::kernels::product;

/// A matrix `[outputs, inputs]` as it is held.
#[derive(Debug, Clone)]
pub enum Matrix {
    /// In the type computed in; or in bf16 or f16, which are multiplied in f32.
    Dense(Tensor),
    /// In blocks of small whole numbers with a common factor (GGML's types).
    Quantised(Arc<QTensor>),
    /// Matrices of several kinds, whose outputs lie one behind the other.
    Several(Vec<Matrix>),
}

impl Matrix {
    /// The numbers of rows and columns, in this order.
    pub fn dims(&self) -> Result<(usize, usize)> {
        match self {
            Self::Dense(tensor) => tensor.dims2(),
            Self::Quantised(tensor) => tensor.shape().dims2(),
            Self::Several(parts) => parts.iter().try_fold((0, 0), |(rows, _), part| {
                let (more, columns) = part.dims()?;
                Ok((rows + more, columns))
            }),
        }
    }

    /// The rows with these numbers: `ids` `[batch, length]` of u32 to
    /// `[batch, length, inputs]`, in `dtype`.
    pub(crate) fn rows(&self, ids: &Tensor, dtype: DType) -> Result<Tensor> {
        match self {
            Self::Dense(tensor) => {
                let (batch, length) = ids.dims2()?;
                let rows = tensor.index_select(&ids.flatten_all()?, 0)?.to_dtype(dtype)?;
                rows.reshape((batch, length, ()))
            }
            Self::Quantised(tensor) => tensor.embedding(ids)?.to_dtype(dtype),
            Self::Several(_) => candle_core::bail!("rows of several matrices"),
        }
    }

    /// `x` `[…, inputs]` to `[…, outputs]`.
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let mut shape = x.dims().to_vec();
        let inputs = shape.pop().unwrap_or(0);
        let flat = x.reshape(((), inputs))?;
        let out = match self {
            Self::Dense(tensor) => match product::dense(&flat, tensor)? {
                Some(out) => out,
                None => flat.matmul(&tensor.t()?)?,
            },
            // Quantised products are in f32.
            Self::Quantised(tensor) => {
                let flat = flat.to_dtype(DType::F32)?.contiguous()?;
                let out = match product::q8_0(&flat, tensor)? {
                    Some(out) => out,
                    None => flat.apply_op1_no_bwd(tensor.as_ref())?,
                };
                out.to_dtype(x.dtype())?
            }
            Self::Several(parts) => {
                let outs =
                    parts.iter().map(|part| part.apply(&flat)).collect::<Result<Vec<_>>>()?;
                Tensor::cat(&outs, D::Minus1)?
            }
        };
        shape.push(out.dim(D::Minus1)?);
        out.reshape(shape)
    }
}

/// A linear layer: a product with a matrix, and a bias where there is one.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    matrix: Matrix,
    bias: Option<Tensor>,
}

impl Linear {
    pub(crate) fn new(matrix: Matrix, bias: Option<Tensor>) -> Self {
        Self { matrix, bias }
    }
}

impl Module for Linear {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let out = self.matrix.apply(x)?;
        match &self.bias {
            Some(bias) => out.broadcast_add(bias),
            None => Ok(out),
        }
    }
}

/// RMSNorm over the last dimension.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    weight: Tensor,
    eps: f32,
}

impl Norm {
    pub(crate) fn new(weight: Tensor, eps: f64) -> Self {
        Self { weight, eps: eps as f32 }
    }
}

impl Module for Norm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        candle_nn::ops::rms_norm(&x.contiguous()?, &self.weight, self.eps)
    }
}
