//! ModernBERT as a masked language model, as dLLM's chat models have it.

use candle_transformers::models::modernbert;
use serde::Deserialize;
use serde_json::Value;

use super::{Description, Kind, Unfit, fields, possible};

/// Fields that candle's configuration does not have.
#[derive(Deserialize)]
struct More {
    #[serde(default)]
    mask_token_id: Option<u32>,
    #[serde(default)]
    eos_token_id: Option<u32>,
}

/// Describes the network of a ModernBERT configuration.
pub(super) fn describe(mut config: Value) -> Result<Description, Unfit> {
    let more: More = fields(config.clone())?;
    if let Some(config) = config.as_object_mut() {
        // Written by transformers under either name.
        if let Some(eps) = config.get("norm_eps").cloned() {
            config.entry("layer_norm_eps").or_insert(eps);
        }
        // Labels are for classifiers; half of their fields would be an error.
        for name in ["id2label", "label2id", "classifier_pooling"] {
            config.remove(name);
        }
    }
    let config: modernbert::Config = fields(config)?;
    possible(&[
        ("hidden_size", config.hidden_size),
        ("num_hidden_layers", config.num_hidden_layers),
        ("num_attention_heads", config.num_attention_heads),
        ("intermediate_size", config.intermediate_size),
        ("vocab_size", config.vocab_size),
        ("max_position_embeddings", config.max_position_embeddings),
        ("global_attn_every_n_layers", config.global_attn_every_n_layers.min(1)),
    ])?;
    if !config.hidden_size.is_multiple_of(2 * config.num_attention_heads) {
        return Err(Unfit::Another(format!(
            "hidden_size {} cannot be cut into {} heads of even width",
            config.hidden_size, config.num_attention_heads
        )));
    }
    Ok(Description {
        kind: Kind::ModernBert(config),
        shift: false,
        mask: more.mask_token_id,
        eos: more.eos_token_id,
    })
}
