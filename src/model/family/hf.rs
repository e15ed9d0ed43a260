//! What families under the names of Hugging Face's transformers share: the fields of config.json
//! and the tensors' names of Llama and Qwen.

use serde_json::Value;

use super::{
    Unfit,
    fields::{Fields, another, same},
    possible, rope,
};
use crate::model::network::{Biases, Head, Part, Spec};

/// What differs between the families.
pub(super) struct Traits {
    /// Linear layers that have a bias.
    pub bias: Biases,
    /// RMSNorm on each head of queries and keys.
    pub qk_norm: bool,
    /// Width of a head where config.json does not say.
    pub head_dim: Option<usize>,
}

/// The biases of Llama's network, which config.json tells.
pub(super) fn llama_biases(fields: &mut Fields) -> Result<Biases, Unfit> {
    let attention = fields.flag("attention_bias", false)?;
    let mlp = fields.flag("mlp_bias", false)?;
    Ok(Biases { qkv: attention, output: attention, mlp, head: false })
}

/// Reads the fields that shape the network.
pub(super) fn spec(fields: &mut Fields, traits: Traits) -> Result<Spec, Unfit> {
    let (width, layers) = (fields.size("hidden_size")?, fields.size("num_hidden_layers")?);
    let heads = fields.size("num_attention_heads")?;
    let kv_heads = fields.optional_size("num_key_value_heads")?.unwrap_or(heads);
    let head_dim = fields.optional_size("head_dim")?.or(traits.head_dim);
    let hidden = fields.size("intermediate_size")?;
    let columns = fields.size("vocab_size")?;
    let context = fields.size("max_position_embeddings")?;
    possible(&[
        ("hidden_size", width),
        ("num_hidden_layers", layers),
        ("num_attention_heads", heads),
        ("num_key_value_heads", kv_heads),
        ("intermediate_size", hidden),
        ("vocab_size", columns),
        ("max_position_embeddings", context),
        ("head_dim", head_dim.unwrap_or(1)),
    ])?;
    fields.word("hidden_act", &["silu", "swish"])?;
    everybody_sees_everybody(fields, layers)?;
    let head_dim = match head_dim {
        Some(width) => width,
        None if width.is_multiple_of(heads) => width / heads,
        None => {
            return Err(Unfit::Another(format!(
                "hidden_size {width} cannot be cut into {heads} heads"
            )));
        }
    };
    let bases = [rope::Base { field: "rope_theta", layers: "full_attention", absent: 10_000.0 }];
    let spec = Spec {
        width,
        layers,
        heads,
        kv_heads,
        head_dim,
        hidden,
        columns,
        context,
        norm_eps: fields.number("rms_norm_eps", 1e-6)?,
        rope_theta: rope::bases(fields, &bases)?.remove(0),
        bias: traits.bias,
        qk_norm: traits.qk_norm,
        // A file may ship an untied head although its config says tied.
        head: match fields.flag("tie_word_embeddings", false)? {
            true => Head::OwnIfThere,
            false => Head::Own,
        },
        names,
    };
    spec.check().map_err(Unfit::Another)?;
    Ok(spec)
}

/// Refuses layers that see a window only.
fn everybody_sees_everybody(fields: &mut Fields, layers: usize) -> Result<(), Unfit> {
    let (on, window) = (fields.flag("use_sliding_window", false)?, fields.take("sliding_window"));
    // Qwen's layers before this one see everything.
    let first = fields.optional_size("max_window_layers")?;
    let there = window.as_ref().is_some_and(|window| !window.is_null());
    if on && there && first.is_none_or(|first| first < layers) {
        return Err(another("use_sliding_window", &true.into(), "false"));
    }
    match fields.take("layer_types") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(types)) => {
            let full = Value::from("full_attention");
            match types.iter().find(|found| !same(found, &full)) {
                None => Ok(()),
                Some(other) => {
                    Err(another("layer_types has a layer that", other, "`full_attention`"))
                }
            }
        }
        Some(other) => Err(another("layer_types", &other, "a list")),
    }
}

/// Names of Llama, Qwen2 and Qwen3 checkpoints.
fn names(part: Part) -> &'static str {
    match part {
        Part::Embedding => "model.embed_tokens",
        Part::Norm => "model.norm",
        Part::Head => "lm_head",
        Part::AttentionNorm => "model.layers.{}.input_layernorm",
        Part::Query => "model.layers.{}.self_attn.q_proj",
        Part::Key => "model.layers.{}.self_attn.k_proj",
        Part::Value => "model.layers.{}.self_attn.v_proj",
        Part::QueryNorm => "model.layers.{}.self_attn.q_norm",
        Part::KeyNorm => "model.layers.{}.self_attn.k_norm",
        Part::Output => "model.layers.{}.self_attn.o_proj",
        Part::MlpNorm => "model.layers.{}.post_attention_layernorm",
        Part::Gate => "model.layers.{}.mlp.gate_proj",
        Part::Up => "model.layers.{}.mlp.up_proj",
        Part::Down => "model.layers.{}.mlp.down_proj",
    }
}
