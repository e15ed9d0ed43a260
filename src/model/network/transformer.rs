//! The transformer that a [`Spec`] describes.

use std::ops::ControlFlow;

use candle_core::{DType, Device, Module, Result, Tensor};

use super::{
    Batch, Head, Linear, Matrix, Network, Norm, Part, Pattern, Spec, block::Block, rope::Rope,
};
use crate::{
    model::{error::Loading, weights::Loader},
    predict::{Progress, Watch},
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
}

impl Transformer {
    /// Puts the weights in place.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or does not fit into memory.
    pub(in crate::model) fn load(spec: &Spec, loader: &mut Loader) -> Loading<Self> {
        loader.check(&spec.tensors())?;
        let name = |part| spec.name(part, 0);
        let embedding = loader.matrix(&[name(Part::Embedding)])?;
        let own = match spec.head {
            Head::Own => true,
            Head::Embedding => false,
            Head::OwnIfThere => loader.has(&format!("{}.weight", name(Part::Head))),
        };
        let head = if own {
            loader.check(&[(
                format!("{}.weight", name(Part::Head)),
                vec![spec.columns, spec.width],
            )])?;
            loader.linear(&[name(Part::Head)], spec.bias.head)?
        } else {
            Linear::new(embedding.clone(), None)
        };
        let blocks = (0..spec.layers)
            .map(|layer| Block::load(spec, layer, loader))
            .collect::<Loading<_>>()?;
        let norm = loader.vector(&[format!("{}.weight", name(Part::Norm))])?;
        let rope = Rope::new(spec, loader.device()).map_err(|error| loader.failed(&error))?;
        Ok(Self {
            embedding,
            blocks,
            norm: Norm::new(norm, spec.norm_eps),
            head,
            rope,
            device: loader.device().clone(),
            dtype: loader.dtype(),
        })
    }
}

impl Network for Transformer {
    fn hidden(&self, batch: &Batch, watch: &mut Watch) -> Result<Option<Tensor>> {
        let length = batch.ids.dim(1)?;
        let of = self.blocks.len() + 1;
        let bias = batch.pattern.bias(length, self.dtype, &self.device)?;
        let rotation = match (&batch.positions, &batch.pattern) {
            (Some(positions), _) => self.rope.at(positions)?,
            (None, pattern) => {
                let mut positions: Vec<u32> = (0..length as u32).collect();
                // A shadow stands where its position stands.
                if let Pattern::Shadow(shadow) = pattern {
                    let own = length.saturating_sub(shadow.len());
                    positions.splice(own.., (shadow.start as u32..).take(length - own));
                }
                self.rope.at(&Tensor::from_vec(positions, length, &self.device)?)?
            }
        };
        let mut x = self.embedding.rows(batch.ids, self.dtype)?;
        for (done, block) in self.blocks.iter().enumerate() {
            if let ControlFlow::Break(()) = watch(Progress { done, of }) {
                return Ok(None);
            }
            x = block.forward(&x, &rotation, bias.as_ref())?;
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
