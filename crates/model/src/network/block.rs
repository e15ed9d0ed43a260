//! A transformer block: attention and feed-forward layer, each behind its norm.

use candle_core::{Module, Result, Tensor};

use super::{
    NetworkPart, Spec,
    attention::attention,
    experts::ExpertLayer,
    mlp::Mlp,
    prefix::{self, KeyValue},
    rope::Rotation,
    routing::RoutedBlock,
};
use crate::{
    error::Loading,
    linear::{Linear, Norm},
    weights::Loader,
};

/// What a layer sees beside the positions that it computes.
pub(super) enum OtherKeys<'a> {
    /// Nothing.
    Nothing,
    /// A longer sequence, of which they are a window that begins at this position.
    Window(&'a KeyValue, usize),
    /// What comes before them, of which there are so many positions; their own keys and values are
    /// written behind it.
    Prefix(&'a mut Option<KeyValue>, usize),
}

/// `all` with its positions from `start` on replaced by `window`.
fn within(all: &Tensor, window: &Tensor, start: usize) -> Result<Tensor> {
    let end = start + window.dim(2)?;
    let before = all.narrow(2, 0, start)?;
    let behind = all.narrow(2, end, all.dim(2)?.saturating_sub(end))?;
    let parts = [&before, window, &behind];
    let parts: Vec<&Tensor> = parts.into_iter().filter(|part| part.elem_count() > 0).collect();
    Tensor::cat(&parts, 2)
}

enum FeedForward {
    Dense(Mlp),
    Experts(ExpertLayer),
}

/// Attention and feed-forward layer, each behind a norm and beside the residual stream.
pub(super) struct Block {
    attention_norm: Norm,
    /// Queries, keys and values in one product.
    qkv: Linear,
    /// Norms of query and key heads.
    qk_norm: Option<(Norm, Norm)>,
    output: Linear,
    mlp_norm: Norm,
    feed_forward: FeedForward,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

impl Block {
    pub(super) fn load(spec: &Spec, layer: usize, loader: &mut Loader) -> Loading<Self> {
        let name = |part| spec.name(part, layer);
        let bias = spec.bias;
        let norm = |loader: &mut Loader, part| {
            Ok(Norm::new(loader.vector(&[format!("{}.weight", name(part))])?, spec.norm_eps))
        };
        Ok(Self {
            attention_norm: norm(loader, NetworkPart::AttentionNorm)?,
            qkv: loader.linear(&spec.qkv_names(layer), bias.qkv)?,
            qk_norm: match spec.qk_norm {
                true => Some((
                    norm(loader, NetworkPart::QueryNorm)?,
                    norm(loader, NetworkPart::KeyNorm)?,
                )),
                false => None,
            },
            output: loader.linear(&[name(NetworkPart::Output)], bias.output)?,
            mlp_norm: norm(loader, NetworkPart::MlpNorm)?,
            feed_forward: match spec.experts_of(layer) {
                Some(experts) => FeedForward::Experts(ExpertLayer::load(experts, layer, loader)?),
                None => {
                    let parts = [NetworkPart::Gate, NetworkPart::Up, NetworkPart::Down];
                    FeedForward::Dense(Mlp::load(loader, parts.map(name), bias.mlp)?)
                }
            },
            heads: spec.heads,
            kv_heads: spec.kv_heads,
            head_dim: spec.head_dim,
        })
    }

    /// Experts that the last pass computed, and all there are; none in a layer without.
    pub(super) fn experts_touched(&self) -> Option<(usize, usize)> {
        match &self.feed_forward {
            FeedForward::Dense(_) => None,
            FeedForward::Experts(experts) => Some(experts.touched()),
        }
    }

    /// The next residual stream, `[batch, length, width]`, with the keys and values seen. `routed`: the
    /// rows that each row chooses experts with.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        rotation: &Rotation,
        bias: Option<&Tensor>,
        around: OtherKeys,
        routed: &[RoutedBlock],
    ) -> Result<(Tensor, KeyValue)> {
        let (q, k, v) = self.project(x, rotation)?;
        let (k, v) = match around {
            OtherKeys::Nothing => (k, v),
            OtherKeys::Window((keys, values), start) => {
                (within(keys, &k, start)?, within(values, &v, start)?)
            }
            OtherKeys::Prefix(kept, length) => prefix::write(kept, length, &k, &v)?,
        };
        let seen = attention(&q, &k, &v, bias)?;
        Ok((self.close(x, &seen, routed)?, (k, v)))
    }

    /// Queries, keys and values of the residual stream, rotated, each
    /// `[batch, heads, length, head_dim]`.
    fn project(&self, x: &Tensor, rotation: &Rotation) -> Result<(Tensor, Tensor, Tensor)> {
        let (batch, length, _) = x.dims3()?;
        let qkv = self.qkv.forward(&self.attention_norm.forward(x)?)?;
        let all = self.heads + 2 * self.kv_heads;
        let qkv = qkv.reshape((batch, length, all, self.head_dim))?;
        let part =
            |first: usize, heads: usize| qkv.narrow(2, first, heads)?.transpose(1, 2)?.contiguous();
        let q = part(0, self.heads)?;
        let k = part(self.heads, self.kv_heads)?;
        let v = part(self.heads + self.kv_heads, self.kv_heads)?;
        let (q, k) = match &self.qk_norm {
            None => (q, k),
            Some((q_norm, k_norm)) => (q_norm.forward(&q)?, k_norm.forward(&k)?),
        };
        Ok((rotation.apply(&q)?, rotation.apply(&k)?, v))
    }

    /// What follows the attention: projection out, feed-forward layer, residuals.
    fn close(&self, x: &Tensor, seen: &Tensor, routed: &[RoutedBlock]) -> Result<Tensor> {
        let x = (x + self.output.forward(seen)?)?;
        let normed = self.mlp_norm.forward(&x)?;
        match &self.feed_forward {
            FeedForward::Dense(mlp) => x + mlp.forward(&normed)?,
            FeedForward::Experts(experts) => x + experts.forward(&normed, routed)?,
        }
    }
}
