//! ModernBERT as a masked language model: layers that see everything alternate with layers that see
//! their neighbours, and the head has a layer of its own before the logits.

use std::ops::ControlFlow;

use candle_core::{D, DType, Device, Module, Result, Tensor};
use candle_nn::LayerNorm;

use super::{
    Batch, Network,
    attention::attention,
    bias,
    rope::{Rope, Rotation},
};
use crate::{
    error::Loading,
    linear::{Linear, Matrix},
    predict::{Progress, Watch},
    weights::Loader,
};

/// A bidirectional pre-norm transformer with LayerNorm, rotary positions (half-split) and a gated
/// feed-forward layer (GeGLU), without biases but for that of the logits.
#[derive(Debug, Clone)]
pub struct ModernBertSpec {
    /// Width of the residual stream.
    pub width: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads, which share the width evenly.
    pub heads: usize,
    /// Width of each of the two branches of the feed-forward layer.
    pub hidden: usize,
    /// Rows of the embedding and columns of the logits.
    pub columns: usize,
    /// Longest sequence the model was made for, positions.
    pub context: usize,
    /// The norms' epsilon.
    pub norm_eps: f64,
    /// Of so many layers the first sees everything.
    pub full_every: usize,
    /// Positions on both sides together that the other layers see.
    pub window: usize,
    /// RoPE's base in layers that see everything.
    pub full_rope_theta: f64,
    /// RoPE's base in layers that see their neighbours.
    pub window_rope_theta: f64,
}

const EMBEDDING: &str = "model.embeddings.tok_embeddings";
const EMBEDDING_NORM: &str = "model.embeddings.norm";
const FINAL_NORM: &str = "model.final_norm";
const DENSE: &str = "head.dense";
const HEAD_NORM: &str = "head.norm";
const DECODER: &str = "decoder";

impl ModernBertSpec {
    /// The matrix of the head, if the file has one; otherwise the head is the embedding.
    pub(crate) const HEAD: &str = "decoder.weight";

    /// Width of a head.
    pub fn head_dim(&self) -> usize {
        self.width / self.heads
    }

    /// Weights that are multiplied with once a position, head included.
    pub(crate) fn weights(&self) -> u64 {
        let layer = 4 * self.width + 3 * self.hidden;
        (self.width * (self.layers * layer + self.width + self.columns)) as u64
    }

    /// Every tensor with its shape, given whether the file has a head of its own.
    pub(crate) fn tensors(&self, head: bool) -> Vec<(String, Vec<usize>)> {
        let (width, hidden, columns) = (self.width, self.hidden, self.columns);
        let mut all = Vec::new();
        let mut put = |name: &str, shape: Vec<usize>| all.push((format!("{name}.weight"), shape));
        put(EMBEDDING, vec![columns, width]);
        put(EMBEDDING_NORM, vec![width]);
        put(FINAL_NORM, vec![width]);
        put(DENSE, vec![width, width]);
        put(HEAD_NORM, vec![width]);
        if head {
            put(DECODER, vec![columns, width]);
        }
        for layer in 0..self.layers {
            let mut put = |name: &str, shape| put(&in_layer(layer, name), shape);
            if has_attention_norm(layer) {
                put("attn_norm", vec![width]);
            }
            put("attn.Wqkv", vec![3 * width, width]);
            put("attn.Wo", vec![width, width]);
            put("mlp_norm", vec![width]);
            put("mlp.Wi", vec![2 * hidden, width]);
            put("mlp.Wo", vec![width, hidden]);
        }
        all.push((format!("{DECODER}.bias"), vec![columns]));
        all
    }
}

fn in_layer(layer: usize, name: &str) -> String {
    format!("model.layers.{layer}.{name}")
}

/// The norm behind the embedding is the first layer's.
fn has_attention_norm(layer: usize) -> bool {
    layer > 0
}

/// The network with its weights.
pub(crate) struct ModernBert {
    embedding: Matrix,
    embedding_norm: LayerNorm,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    dense: Linear,
    head_norm: LayerNorm,
    decoder: Linear,
    full_rope: Rope,
    window_rope: Rope,
    window: usize,
    device: Device,
    dtype: DType,
}

impl ModernBert {
    /// Puts the weights in place.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or does not fit into memory.
    pub(crate) fn load(spec: &ModernBertSpec, loader: &mut Loader) -> Loading<Self> {
        let own = loader.has(ModernBertSpec::HEAD);
        loader.check(&spec.tensors(own))?;
        let eps = spec.norm_eps;
        let embedding = loader.matrix(&[EMBEDDING.to_owned()])?;
        let matrix = match own {
            true => loader.matrix(&[DECODER.to_owned()])?,
            false => embedding.clone(),
        };
        let decoder = Linear::new(matrix, Some(loader.vector(&[format!("{DECODER}.bias")])?));
        let rope = |theta, loader: &Loader| {
            let rope = Rope::new(theta, spec.head_dim(), loader.device());
            rope.map_err(|error| loader.failed(&error))
        };
        Ok(Self {
            embedding,
            embedding_norm: norm(loader, EMBEDDING_NORM, eps)?,
            layers: (0..spec.layers)
                .map(|layer| Layer::load(spec, layer, loader))
                .collect::<Loading<_>>()?,
            final_norm: norm(loader, FINAL_NORM, eps)?,
            dense: linear(loader, DENSE)?,
            head_norm: norm(loader, HEAD_NORM, eps)?,
            decoder,
            full_rope: rope(spec.full_rope_theta, loader)?,
            window_rope: rope(spec.window_rope_theta, loader)?,
            window: spec.window,
            device: loader.device().clone(),
            dtype: loader.dtype(),
        })
    }

    /// What layers that see everything need to know of a batch, and what the others need.
    fn surroundings(&self, batch: &Batch) -> Result<[Surroundings; 2]> {
        let length = batch.ids.dim(1)?;
        let positions = Tensor::arange(0_u32, length as u32, &self.device)?;
        let full = batch.pattern.bias(length, self.dtype, &self.device)?;
        let near = bias::neighbours(length, self.window / 2, self.dtype, &self.device)?;
        let near = match (&full, near) {
            (Some(full), Some(near)) => Some(full.broadcast_minimum(&near)?),
            (full, near) => near.or_else(|| full.clone()),
        };
        Ok([
            Surroundings { rotation: self.full_rope.at(&positions)?, bias: full },
            Surroundings { rotation: self.window_rope.at(&positions)?, bias: near },
        ])
    }
}

/// Where the positions of a batch stand, and which of them a layer sees.
struct Surroundings {
    rotation: Rotation,
    bias: Option<Tensor>,
}

impl Network for ModernBert {
    fn hidden(&self, batch: &Batch, watch: &mut Watch) -> Result<Option<Tensor>> {
        let of = self.layers.len() + 1;
        let [full, near] = self.surroundings(batch)?;
        let mut x = self.embedding_norm.forward(&self.embedding.rows(batch.ids, self.dtype)?)?;
        for (done, layer) in self.layers.iter().enumerate() {
            if let ControlFlow::Break(()) = watch(Progress { done, of }) {
                return Ok(None);
            }
            x = layer.forward(&x, if layer.sees_everything { &full } else { &near })?;
        }
        self.final_norm.forward(&x).map(Some)
    }

    fn logits(&self, rows: &Tensor) -> Result<Tensor> {
        let rows = self.head_norm.forward(&self.dense.forward(rows)?.gelu_erf()?)?;
        self.decoder.forward(&rows)?.to_dtype(DType::F32)
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn takes_patterns(&self) -> bool {
        false
    }
}

/// Attention and feed-forward layer, each behind a norm and beside the residual stream.
struct Layer {
    sees_everything: bool,
    attention_norm: Option<LayerNorm>,
    /// Queries, keys and values, one behind the other.
    qkv: Linear,
    output: Linear,
    mlp_norm: LayerNorm,
    /// The branch that goes through GELU, and the plain one behind it.
    gate_up: Linear,
    down: Linear,
    heads: usize,
}

impl Layer {
    fn load(spec: &ModernBertSpec, layer: usize, loader: &mut Loader) -> Loading<Self> {
        let name = |name| in_layer(layer, name);
        let eps = spec.norm_eps;
        Ok(Self {
            sees_everything: layer.is_multiple_of(spec.full_every),
            attention_norm: match has_attention_norm(layer) {
                true => Some(norm(loader, &name("attn_norm"), eps)?),
                false => None,
            },
            qkv: linear(loader, &name("attn.Wqkv"))?,
            output: linear(loader, &name("attn.Wo"))?,
            mlp_norm: norm(loader, &name("mlp_norm"), eps)?,
            gate_up: linear(loader, &name("mlp.Wi"))?,
            down: linear(loader, &name("mlp.Wo"))?,
            heads: spec.heads,
        })
    }

    /// The next residual stream, `[batch, length, width]`.
    fn forward(&self, x: &Tensor, around: &Surroundings) -> Result<Tensor> {
        let (batch, length, width) = x.dims3()?;
        let qkv = match &self.attention_norm {
            Some(norm) => self.qkv.forward(&norm.forward(x)?)?,
            None => self.qkv.forward(x)?,
        };
        let part = |at: usize| {
            let part = qkv.narrow(D::Minus1, at * width, width)?;
            part.reshape((batch, length, self.heads, width / self.heads))
        };
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let (q, k) = (around.rotation.apply(&q)?, around.rotation.apply(&k)?);
        let x = (x + self.output.forward(&attention(&q, &k, &v, around.bias.as_ref())?)?)?;

        let gate_up = self.gate_up.forward(&self.mlp_norm.forward(&x)?)?;
        let branches = gate_up.chunk(2, D::Minus1)?;
        x + self.down.forward(&(branches[0].gelu_erf()? * &branches[1])?)?
    }
}

fn norm(loader: &mut Loader, name: &str, eps: f64) -> Loading<LayerNorm> {
    let weight = loader.vector(&[format!("{name}.weight")])?;
    Ok(LayerNorm::new_no_bias(weight, eps))
}

fn linear(loader: &mut Loader, name: &str) -> Loading<Linear> {
    loader.linear(&[name.to_owned()], false)
}
