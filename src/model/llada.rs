//! The LLaDA network: pre-norm transformer blocks with RMSNorm, rotary positions, grouped
//! key/value heads, SwiGLU, and attention in both directions (`modeling_llada.py`).

use std::ops::{ControlFlow, Range};

use candle_core::{D, DType, Device, Module, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_transformers::{
    models::with_tracing::{Embedding, Linear, RmsNorm, linear_b},
    utils::repeat_kv,
};

use super::{LladaConfig, LoadError, Weights};
use crate::predict::{Progress, Watch};

/// Query rows per attention chunk: bounds the score matrix at `heads × 512 × length`.
const QUERY_ROWS: usize = 512;

/// A LLaDA network with its weights.
pub struct Llada {
    config: LladaConfig,
    embedding: Embedding,
    blocks: Vec<Block>,
    norm: RmsNorm,
    head: Linear,
    rope: Rope,
    device: Device,
    dtype: DType,
}

impl Llada {
    /// Puts the weights in place.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or does not fit into memory.
    pub fn load(
        config: &LladaConfig,
        weights: &Weights,
        dtype: DType,
        device: &Device,
    ) -> std::result::Result<Self, LoadError> {
        weights.check(&expected(config))?;
        Self::build(config, weights, dtype, device)
            .map_err(|error| LoadError::tensor(weights.place(), &error))
    }

    fn build(
        config: &LladaConfig,
        weights: &Weights,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let vb = weights.builder(dtype, device)?.pp("model.transformer");
        let embedding = Embedding::new(config.columns(), config.d_model, vb.pp("wte"))?;
        let head = if config.weight_tying {
            Linear::from_weights(embedding.embeddings().clone(), None)
        } else {
            linear_b(config.d_model, config.columns(), config.include_bias, vb.pp("ff_out"))?
        };
        let blocks = (0..config.n_layers)
            .map(|layer| Block::build(config, vb.pp("blocks").pp(layer)))
            .collect::<Result<_>>()?;
        Ok(Self {
            embedding,
            blocks,
            norm: RmsNorm::new(config.d_model, config.rms_norm_eps, vb.pp("ln_f"))?,
            head,
            rope: Rope::new(config, device)?,
            config: config.clone(),
            device: device.clone(),
            dtype,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &LladaConfig {
        &self.config
    }

    /// The device the weights are on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Final hidden states, before the last norm: `ids` `[batch, length]` of u32 to
    /// `[batch, length, d_model]`. `keys` `[batch, length]` (1 = may be attended to) masks
    /// padding. With `shadow` the last positions are masks that stand for those positions: see
    /// [`Request::shadow`](crate::predict::Request::shadow). `None` if `watch` asked to stop.
    ///
    /// # Errors
    /// If a tensor operation fails, e.g. for lack of memory.
    pub fn hidden(
        &self,
        ids: &Tensor,
        keys: Option<&Tensor>,
        shadow: Option<Range<usize>>,
        watch: &mut Watch,
    ) -> Result<Option<Tensor>> {
        let length = ids.dim(1)?;
        let of = self.blocks.len() + 1;
        let mut bias = keys.map(|keys| self.key_bias(keys)).transpose()?;
        let mut positions: Vec<u32> = (0..length as u32).collect();
        if let Some(shadow) = shadow {
            let own = length.saturating_sub(shadow.len());
            let places = (shadow.start as u32..).take(length - own);
            positions.splice(own.., places);
            let shadows = self.shadow_bias(length, shadow)?;
            bias = Some(match bias {
                // Twice the most negative number would be no number.
                Some(bias) => bias.broadcast_minimum(&shadows)?,
                None => shadows,
            });
        }
        let (cos, sin) = self.rope.rows(positions)?;
        let mut x = self.embedding.forward(ids)?;
        for (done, block) in self.blocks.iter().enumerate() {
            if let ControlFlow::Break(()) = watch(Progress { done, of }) {
                return Ok(None);
            }
            x = block.forward(&x, &cos, &sin, bias.as_ref())?;
        }
        Ok(Some(x))
    }

    /// Logits of hidden rows: `[rows, d_model]` to `[rows, columns]`, in f32.
    ///
    /// # Errors
    /// If a tensor operation fails.
    pub fn logits(&self, rows: &Tensor) -> Result<Tensor> {
        self.head.forward(&self.norm.forward(rows)?)?.to_dtype(DType::F32)
    }

    /// An additive bias `[batch, 1, 1, length]`: the most negative number where a key may not be
    /// attended to.
    fn key_bias(&self, keys: &Tensor) -> Result<Tensor> {
        let (batch, length) = keys.dims2()?;
        let blocked = Tensor::full(f32::MIN, (batch, length), keys.device())?;
        keys.where_cond(&blocked.zeros_like()?, &blocked)?
            .to_dtype(self.dtype)?
            .reshape((batch, 1, 1, length))
    }

    /// An additive bias `[1, 1, length, length]` for a sequence whose last positions are the
    /// shadows of `shadow`.
    fn shadow_bias(&self, length: usize, shadow: Range<usize>) -> Result<Tensor> {
        let seen = seen(length, shadow);
        let blocked: Vec<f32> =
            seen.into_iter().map(|seen| if seen { 0.0 } else { f32::MIN }).collect();
        Tensor::from_vec(blocked, (1, 1, length, length), &self.device)?.to_dtype(self.dtype)
    }
}

/// Who sees whom in a sequence whose last positions are the shadows of `shadow`, row by row.
fn seen(length: usize, shadow: Range<usize>) -> Vec<bool> {
    let own = length.saturating_sub(shadow.len());
    let sees = move |query: usize, key: usize| match query.checked_sub(own) {
        None => key < own,
        Some(at) => key != shadow.start + at,
    };
    (0..length * length).map(|at| sees(at / length, at % length)).collect()
}

/// Every tensor of a checkpoint with its shape.
fn expected(config: &LladaConfig) -> Vec<(String, Vec<usize>)> {
    let (d, hidden, columns) = (config.d_model, config.hidden(), config.columns());
    let kv = config.kv_heads() * config.head_dim();
    let mut tensors =
        vec![("wte.weight".to_owned(), vec![columns, d]), ("ln_f.weight".to_owned(), vec![d])];
    let mut linear = |name: String, inputs: usize, outputs: usize, bias: bool| {
        if bias {
            tensors.push((format!("{name}.bias"), vec![outputs]));
        }
        tensors.push((format!("{name}.weight"), vec![outputs, inputs]));
    };
    if !config.weight_tying {
        linear("ff_out".to_owned(), d, columns, config.include_bias);
    }
    for layer in 0..config.n_layers {
        let name = |part: &str| format!("blocks.{layer}.{part}");
        linear(name("q_proj"), d, d, config.qkv_bias());
        linear(name("k_proj"), d, kv, config.qkv_bias());
        linear(name("v_proj"), d, kv, config.qkv_bias());
        linear(name("attn_out"), d, d, config.include_bias);
        linear(name("ff_proj"), d, hidden, config.include_bias);
        linear(name("up_proj"), d, hidden, config.include_bias);
        linear(name("ff_out"), hidden, d, config.include_bias);
    }
    for layer in 0..config.n_layers {
        tensors.push((format!("blocks.{layer}.attn_norm.weight"), vec![d]));
        tensors.push((format!("blocks.{layer}.ff_norm.weight"), vec![d]));
    }
    tensors.into_iter().map(|(name, shape)| (format!("model.transformer.{name}"), shape)).collect()
}

/// Rotary positions in f32. The tables are made for each pass: that takes a millisecond, where
/// tables for the longest context a config may name would take gigabytes.
struct Rope {
    /// `[1, head_dim / 2]`
    frequencies: Tensor,
}

impl Rope {
    fn new(config: &LladaConfig, device: &Device) -> Result<Self> {
        let half = config.head_dim() / 2;
        let frequencies: Vec<f32> = (0..half)
            .map(|i| 1.0 / (config.rope_theta as f32).powf(2.0 * i as f32 / (2 * half) as f32))
            .collect();
        Ok(Self { frequencies: Tensor::from_vec(frequencies, (1, half), device)? })
    }

    /// cos and sin at these positions, `[length, head_dim / 2]`.
    fn rows(&self, positions: Vec<u32>) -> Result<(Tensor, Tensor)> {
        let length = positions.len();
        let angles = Tensor::from_vec(positions, length, self.frequencies.device())?
            .to_dtype(DType::F32)?
            .reshape((length, 1))?
            .matmul(&self.frequencies)?;
        Ok((angles.cos()?, angles.sin()?))
    }
}

/// One transformer block.
struct Block {
    attn_norm: RmsNorm,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    attn_out: Linear,
    ff_norm: RmsNorm,
    ff_proj: Linear,
    up_proj: Linear,
    ff_out: Linear,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

impl Block {
    fn build(config: &LladaConfig, vb: candle_nn::VarBuilder) -> Result<Self> {
        let (d, hidden) = (config.d_model, config.hidden());
        let kv = config.kv_heads() * config.head_dim();
        let (qkv_bias, bias) = (config.qkv_bias(), config.include_bias);
        Ok(Self {
            attn_norm: RmsNorm::new(d, config.rms_norm_eps, vb.pp("attn_norm"))?,
            q_proj: linear_b(d, d, qkv_bias, vb.pp("q_proj"))?,
            k_proj: linear_b(d, kv, qkv_bias, vb.pp("k_proj"))?,
            v_proj: linear_b(d, kv, qkv_bias, vb.pp("v_proj"))?,
            attn_out: linear_b(d, d, bias, vb.pp("attn_out"))?,
            ff_norm: RmsNorm::new(d, config.rms_norm_eps, vb.pp("ff_norm"))?,
            ff_proj: linear_b(d, hidden, bias, vb.pp("ff_proj"))?,
            up_proj: linear_b(d, hidden, bias, vb.pp("up_proj"))?,
            ff_out: linear_b(hidden, d, bias, vb.pp("ff_out"))?,
            heads: config.n_heads,
            kv_heads: config.kv_heads(),
            head_dim: config.head_dim(),
        })
    }

    fn forward(
        &self,
        x: &Tensor,
        cos: &Tensor,
        sin: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor> {
        let x = (x + self.attention(&self.attn_norm.forward(x)?, cos, sin, bias)?)?;
        let h = self.ff_norm.forward(&x)?;
        let h = (self.ff_proj.forward(&h)?.silu()? * self.up_proj.forward(&h)?)?;
        x + self.ff_out.forward(&h)?
    }

    fn attention(
        &self,
        x: &Tensor,
        cos: &Tensor,
        sin: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Tensor> {
        let (batch, length, _) = x.dims3()?;
        let split = |x: Tensor, heads: usize| {
            x.reshape((batch, length, heads, self.head_dim))?.transpose(1, 2)?.contiguous()
        };
        let q = rotate(&split(self.q_proj.forward(x)?, self.heads)?, cos, sin)?;
        let k = rotate(&split(self.k_proj.forward(x)?, self.kv_heads)?, cos, sin)?;
        let v = split(self.v_proj.forward(x)?, self.kv_heads)?;
        let groups = self.heads / self.kv_heads;
        let k = repeat_kv(k, groups)?.transpose(2, 3)?.contiguous()?;
        let v = repeat_kv(v, groups)?.contiguous()?;
        let scale = 1.0 / (self.head_dim as f64).sqrt();
        let chunks = (0..length)
            .step_by(QUERY_ROWS)
            .map(|start| {
                let rows = QUERY_ROWS.min(length - start);
                let q = q.narrow(2, start, rows)?.contiguous()?;
                let scores = (q.matmul(&k)? * scale)?;
                let scores = match bias {
                    // One row for all queries, or one a query.
                    Some(bias) if bias.dim(2)? == 1 => scores.broadcast_add(bias)?,
                    Some(bias) => scores.broadcast_add(&bias.narrow(2, start, rows)?)?,
                    None => scores,
                };
                softmax_last_dim(&scores)?.matmul(&v)
            })
            .collect::<Result<Vec<_>>>()?;
        let out = if chunks.len() == 1 { chunks[0].clone() } else { Tensor::cat(&chunks, 2)? };
        let out = out.transpose(1, 2)?.reshape((batch, length, ()))?;
        self.attn_out.forward(&out)
    }
}

/// Half-split rotation in f32, whatever the computing type (`rope_full_precision`).
fn rotate(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    debug_assert_eq!(x.dim(D::Minus1)?, 2 * cos.dim(D::Minus1)?);
    candle_nn::rotary_emb::rope(&x.to_dtype(DType::F32)?, cos, sin)?.to_dtype(x.dtype())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shadows_see_all_but_their_own_position_and_nobody_sees_them() {
        // Three positions, and the shadows of the last two.
        let expected = ["xxx..", "xxx..", "xxx..", "x.xxx", "xx.xx"].concat();
        let pattern: String =
            seen(5, 1..3).into_iter().map(|seen| if seen { 'x' } else { '.' }).collect();
        assert_eq!(pattern, expected);
    }
}
