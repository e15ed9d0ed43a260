//! Networks: token ids to hidden states, hidden states to logits.
//!
//! Two kinds: a transformer that a [`Spec`] describes, which covers nearly every family, and
//! ModernBERT, which candle has.

mod attention;
mod bias;
mod block;
mod experts;
mod mlp;
mod modernbert;
mod prefix;
mod rope;
mod routing;
mod spec;
mod transformer;

pub(super) use attention::SCORES_AT_ONCE;
pub use bias::Pattern;
pub use experts::{ExpertPart, Experts};
pub(super) use modernbert::{HEAD as MODERNBERT_HEAD, ModernBert, tensors as modernbert_tensors};
pub use prefix::Prefix;
pub use routing::Routing;
pub use spec::{Biases, Head, Names, NetworkPart, Spec};
pub use transformer::Transformer;

use candle_core::{Device, Result, Tensor};

use crate::predict::Watch;

/// Sequences of one length to run at once.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// Token ids, `[batch, length]` of u32.
    pub ids: &'a Tensor,
    /// Position numbers, `[length]` or `[batch, length]` of u32, if they are not 0, 1, 2, ….
    pub positions: Option<Tensor>,
    /// Who may attend to whom.
    pub pattern: Pattern,
}

impl<'a> Batch<'a> {
    /// Sequences in which everybody sees everybody.
    pub fn full(ids: &'a Tensor) -> Self {
        Self { ids, positions: None, pattern: Pattern::Full }
    }
}

/// Keys and values of one full pass, layer by layer: what a later pass over a window of the
/// sequence attends to outside of it.
#[derive(Debug, Clone, Default)]
pub struct KvCache {
    layers: Vec<prefix::KeyValue>,
}

/// A network with its weights.
pub trait Network: Send {
    /// Final hidden states, `[batch, length, width]`; `None` if `watch` asked to stop.
    ///
    /// # Errors
    /// If a tensor operation fails, e.g. for lack of memory, or if the network does not have this
    /// pattern or these positions.
    fn hidden(&self, batch: &Batch, watch: &mut Watch) -> Result<Option<Tensor>>;

    /// Experts that the last pass computed, and all there are, over all layers; `None` for a network
    /// without experts.
    fn experts_touched(&self) -> Option<(usize, usize)> {
        None
    }

    /// Positions in the blocks that choose experts together; `None` where each position chooses alone.
    fn expert_block(&self) -> Option<usize> {
        None
    }

    /// True if it can keep keys and values, and run a window against them.
    fn keeps(&self) -> bool {
        false
    }

    /// As [`Network::hidden`], with the keys and values of every layer.
    ///
    /// # Errors
    /// As there.
    fn keep(&self, batch: &Batch, watch: &mut Watch) -> Result<Option<(Tensor, KvCache)>> {
        Ok(self.hidden(batch, watch)?.map(|hidden| (hidden, KvCache::default())))
    }

    /// Final hidden states of a window of a sequence, `[1, window, width]`: every layer sees the
    /// window's own keys and values, and those kept of all other positions. Positions count from
    /// 0, everybody sees everybody. `ids` `[1, window]`, the first at position `start`.
    ///
    /// # Errors
    /// If a tensor operation fails, or if the network does not keep any.
    fn window(
        &self,
        ids: &Tensor,
        start: usize,
        kept: &KvCache,
        watch: &mut Watch,
    ) -> Result<Option<Tensor>> {
        let _ = (ids, start, kept, watch);
        candle_core::bail!("this network keeps no keys and values")
    }

    /// Final hidden states of the positions behind `prefix`, `[1, positions, width]`, with their keys
    /// and values behind it: [`Prefix::keep`] makes them part of it, and the next call overwrites
    /// them else. Positions count from 0. They see the prefix and each other; those from `seen` on
    /// are seen by themselves alone. `ids` `[1, positions]`.
    ///
    /// # Errors
    /// If a tensor operation fails, or if the network does not keep any.
    fn behind(
        &self,
        ids: &Tensor,
        prefix: &mut Prefix,
        seen: Option<usize>,
        watch: &mut Watch,
    ) -> Result<Option<Tensor>> {
        let _ = (ids, prefix, seen, watch);
        candle_core::bail!("this network keeps no keys and values")
    }

    /// Logits of hidden rows: `[rows, width]` to `[rows, columns]`, in f32.
    ///
    /// # Errors
    /// If a tensor operation fails.
    fn logits(&self, rows: &Tensor) -> Result<Tensor>;

    /// The device the weights are on.
    fn device(&self) -> &Device;

    /// Whether it can run other patterns than [`Pattern::Full`] and [`Pattern::Keys`], and
    /// positions of one's own.
    fn takes_patterns(&self) -> bool;
}
