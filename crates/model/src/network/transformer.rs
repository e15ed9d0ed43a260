//! The transformer that a [`Spec`] describes.

use std::ops::ControlFlow;

use candle_core::{DType, Device, Module, Result, Tensor};

use super::{
    Batch, KvCache, Network, NetworkPart, Pattern, Prefix, Spec, bias,
    block::{Block, OtherKeys},
    rope::Rope,
    routing::{RoutedBlock, routed_blocks},
};
use crate::{
    error::Loading,
    linear::{Linear, Matrix, Norm},
    predict::{Progress, Watch},
    weights::Loader,
};

/// A transformer with its weights.
pub struct Transformer {
    embedding: Matrix,
    blocks: Vec<Block>,
    norm: Norm,
    head: Linear,
    rope: Rope,
    device: Device,
    dtype: DType,
    expert_block: Option<usize>,
}

impl Transformer {
    /// Puts the weights in place.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or does not fit into memory.
    pub(crate) fn load(spec: &Spec, loader: &mut Loader) -> Loading<Self> {
        let own = loader.has(&spec.head_name());
        loader.check(&spec.tensors(own))?;
        let name = |part| spec.name(part, 0);
        let embedding = loader.matrix(&[name(NetworkPart::Embedding)])?;
        let head = match spec.own_head(own) {
            true => loader.linear(&[name(NetworkPart::Head)], spec.bias.head)?,
            false => Linear::new(embedding.clone(), None),
        };
        let blocks = (0..spec.layers)
            .map(|layer| Block::load(spec, layer, loader))
            .collect::<Loading<_>>()?;
        let norm = loader.vector(&[format!("{}.weight", name(NetworkPart::Norm))])?;
        let rope = Rope::new(spec, loader.device()).map_err(|error| loader.failed(&error))?;
        Ok(Self {
            embedding,
            blocks,
            norm: Norm::new(norm, spec.norm_eps),
            head,
            rope,
            device: loader.device().clone(),
            dtype: loader.dtype(),
            expert_block: spec.experts.as_ref().and_then(|experts| experts.routing.block()),
        })
    }
}

impl Transformer {
    /// The positions of the rows of each sequence of a batch.
    fn positions(&self, batch: &Batch) -> Result<Tensor> {
        let length = batch.ids.dim(1)?;
        if let Some(positions) = &batch.positions {
            return Ok(positions.clone());
        }
        let mut positions: Vec<u32> = (0..length as u32).collect();
        // A shadow stands where its position stands.
        if let Pattern::Shadow(shadow) = &batch.pattern {
            let own = length.saturating_sub(shadow.len());
            positions.splice(own.., (shadow.start as u32..).take(length - own));
        }
        Tensor::from_vec(positions, length, &self.device)
    }

    /// The rows that each row of a pass chooses experts with; none where each chooses alone.
    fn routed(
        &self,
        positions: &Tensor,
        seen: impl Fn() -> Result<Vec<bool>>,
    ) -> Result<Vec<RoutedBlock>> {
        let Some(block) = self.expert_block else { return Ok(Vec::new()) };
        Ok(routed_blocks(block, &positions.to_vec1()?, &seen()?))
    }

    /// Final hidden states. `around`: what `batch` is a window of, and where it begins there;
    /// `keep` gets keys and values.
    fn run(
        &self,
        batch: &Batch,
        around: Option<(&KvCache, usize)>,
        mut keep: Option<&mut KvCache>,
        watch: &mut Watch,
    ) -> Result<Option<Tensor>> {
        let of = self.blocks.len() + 1;
        let bias = batch.pattern.bias(batch.ids.dim(1)?, self.dtype, &self.device)?;
        let positions = self.positions(batch)?;
        let rotation = self.rope.at(&positions)?;
        let (sequences, length) = batch.ids.dims2()?;
        let routed = self.routed(&positions, || batch.pattern.seen(sequences, length))?;
        let mut x = self.embedding.rows(batch.ids, self.dtype)?;
        for (done, block) in self.blocks.iter().enumerate() {
            if let ControlFlow::Break(()) = watch(Progress { done, of }) {
                return Ok(None);
            }
            let around =
                match around.and_then(|(kept, start)| Some((kept.layers.get(done)?, start))) {
                    Some((kept, start)) => OtherKeys::Window(kept, start),
                    None => OtherKeys::Nothing,
                };
            let (next, (k, v)) = block.forward(&x, &rotation, bias.as_ref(), around, &routed)?;
            if let Some(keep) = &mut keep {
                // A view would hold queries, keys and values of the layer.
                keep.layers.push((k.contiguous()?, v.contiguous()?));
            }
            x = next;
        }
        Ok(Some(x))
    }
}

impl Network for Transformer {
    fn experts_touched(&self) -> Option<(usize, usize)> {
        let layers = self.blocks.iter().filter_map(Block::experts_touched);
        layers.reduce(|(touched, all), (more, of)| (touched + more, all + of))
    }

    fn hidden(&self, batch: &Batch, watch: &mut Watch) -> Result<Option<Tensor>> {
        self.run(batch, None, None, watch)
    }

    fn expert_block(&self) -> Option<usize> {
        self.expert_block
    }

    fn keeps(&self) -> bool {
        true
    }

    fn keep(&self, batch: &Batch, watch: &mut Watch) -> Result<Option<(Tensor, KvCache)>> {
        let mut kept = KvCache { layers: Vec::with_capacity(self.blocks.len()) };
        let hidden = self.run(batch, None, Some(&mut kept), watch)?;
        Ok(hidden.map(|hidden| (hidden, kept)))
    }

    fn window(
        &self,
        ids: &Tensor,
        start: usize,
        kept: &KvCache,
        watch: &mut Watch,
    ) -> Result<Option<Tensor>> {
        let first = start as u32;
        let positions: Vec<u32> = (first..).take(ids.dim(1)?).collect();
        let positions = Tensor::from_vec(positions, ids.dim(1)?, &self.device)?;
        let batch = Batch { ids, positions: Some(positions), pattern: Pattern::Full };
        self.run(&batch, Some((kept, start)), None, watch)
    }

    fn behind(
        &self,
        ids: &Tensor,
        prefix: &mut Prefix,
        seen: Option<usize>,
        watch: &mut Watch,
    ) -> Result<Option<Tensor>> {
        let (start, length) = (prefix.len(), ids.dim(1)?);
        let of = self.blocks.len() + 1;
        let hidden = seen.filter(|&seen| seen < start + length);
        let bias = hidden
            .map(|seen| bias::behind(start, length, seen, (self.dtype, &self.device)))
            .transpose()?;
        let positions: Vec<u32> = (start as u32..).take(length).collect();
        let positions = Tensor::from_vec(positions, length, &self.device)?;
        let rotation = self.rope.at(&positions)?;
        let seen =
            || Ok((start..start + length).map(|at| seen.is_none_or(|seen| at < seen)).collect());
        let routed = self.routed(&positions, seen)?;
        let mut x = self.embedding.rows(ids, self.dtype)?;
        for (done, (block, kept)) in
            self.blocks.iter().zip(prefix.layers(self.blocks.len())).enumerate()
        {
            if let ControlFlow::Break(()) = watch(Progress { done, of }) {
                return Ok(None);
            }
            let around = OtherKeys::Prefix(kept, start);
            x = block.forward(&x, &rotation, bias.as_ref(), around, &routed)?.0;
        }
        Ok(Some(x))
    }

    fn logits(&self, rows: &Tensor) -> Result<Tensor> {
        self.head.forward(&self.norm.forward(rows)?)?.to_dtype(DType::F32)
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn takes_patterns(&self) -> bool {
        true
    }
}
