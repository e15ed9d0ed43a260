//! ModernBERT as a masked language model: candle's encoder, and a head that runs on the rows it
//! is asked for (candle's own runs on all).

use candle_core::{DType, Device, Module, Result, Tensor};
use candle_nn::{LayerNorm, VarBuilder, layer_norm_no_bias};
use candle_transformers::models::modernbert;

use super::{Batch, Network, Pattern};
use crate::{
    error::Loading,
    predict::{Progress, Watch},
    weights::Loader,
};

/// The encoder with its head.
pub(crate) struct ModernBert {
    encoder: modernbert::ModernBert,
    dense: candle_nn::Linear,
    norm: LayerNorm,
    decoder: candle_nn::Linear,
    device: Device,
}

/// The matrix of the head, if the file has one; otherwise the head is the embedding.
pub(crate) const HEAD: &str = "decoder.weight";

/// Every tensor with its shape, given whether the file has a head of its own.
pub(crate) fn tensors(config: &modernbert::Config, head: bool) -> Vec<(String, Vec<usize>)> {
    let (width, hidden, columns) =
        (config.hidden_size, config.intermediate_size, config.vocab_size);
    let mut all = vec![
        ("model.embeddings.tok_embeddings.weight".to_owned(), vec![columns, width]),
        ("model.embeddings.norm.weight".to_owned(), vec![width]),
        ("model.final_norm.weight".to_owned(), vec![width]),
        ("head.dense.weight".to_owned(), vec![width, width]),
        ("head.norm.weight".to_owned(), vec![width]),
        ("decoder.bias".to_owned(), vec![columns]),
    ];
    if head {
        all.push((HEAD.to_owned(), vec![columns, width]));
    }
    for layer in 0..config.num_hidden_layers {
        let mut put = |name: &str, shape: Vec<usize>| {
            all.push((format!("model.layers.{layer}.{name}.weight"), shape));
        };
        // The norm behind the embedding is the first layer's.
        if layer > 0 {
            put("attn_norm", vec![width]);
        }
        put("attn.Wqkv", vec![3 * width, width]);
        put("attn.Wo", vec![width, width]);
        put("mlp_norm", vec![width]);
        put("mlp.Wi", vec![2 * hidden, width]);
        put("mlp.Wo", vec![width, hidden]);
    }
    all
}

impl ModernBert {
    /// Puts the weights in place.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape.
    pub(crate) fn load(config: &modernbert::Config, loader: &mut Loader) -> Loading<Self> {
        let tensors = loader.all(tensors(config, loader.has(HEAD)))?;
        let vb = VarBuilder::from_tensors(tensors, loader.dtype(), loader.device());
        Self::build(config, vb).map_err(|error| loader.failed(&error))
    }

    fn build(config: &modernbert::Config, vb: VarBuilder) -> Result<Self> {
        let (width, columns) = (config.hidden_size, config.vocab_size);
        let head = vb.pp("head");
        let own = vb.contains_tensor(HEAD);
        let matrix = if own { HEAD } else { "model.embeddings.tok_embeddings.weight" };
        let matrix = vb.get((columns, width), matrix)?;
        Ok(Self {
            dense: candle_nn::linear_no_bias(width, width, head.pp("dense"))?,
            norm: layer_norm_no_bias(width, config.layer_norm_eps, head.pp("norm"))?,
            decoder: candle_nn::Linear::new(matrix, Some(vb.get(columns, "decoder.bias")?)),
            device: vb.device().clone(),
            encoder: modernbert::ModernBert::load(vb, config)?,
        })
    }
}

impl Network for ModernBert {
    fn hidden(&self, batch: &Batch, watch: &mut Watch) -> Result<Option<Tensor>> {
        // The encoder is one piece: nobody is asked on the way.
        if watch(Progress { done: 0, of: 2 }).is_break() {
            return Ok(None);
        }
        let keys = match &batch.pattern {
            Pattern::Keys(keys) => keys.clone(),
            _ => Tensor::ones(batch.ids.shape(), DType::U8, &self.device)?,
        };
        self.encoder.forward(batch.ids, &keys).map(Some)
    }

    fn logits(&self, rows: &Tensor) -> Result<Tensor> {
        let rows = self.norm.forward(&self.dense.forward(rows)?.gelu_erf()?)?;
        self.decoder.forward(&rows)?.to_dtype(DType::F32)
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn takes_patterns(&self) -> bool {
        false
    }
}
