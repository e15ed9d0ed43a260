//! What families under the names of Hugging Face's transformers share: the fields of config.json
//! and the tensors' names of Llama and Qwen.

use serde_json::Value;

use super::{
    Unfit,
    fields::{UnreadFields, another},
    layers::{self, FULL},
    rope,
    sizes::{LARGEST_SIZE, MOST_LAYERS, head_width, possible, shared},
};
use crate::network::{Biases, Head, NetworkPart, Spec};

/// What differs between the families.
pub(super) struct Traits {
    /// Linear layers that have a bias.
    pub bias: Biases,
    /// RMSNorm on each head of queries and keys.
    pub qk_norm: bool,
    /// Width of a head where config.json does not say.
    pub head_dim: Option<usize>,
    /// `use_sliding_window` decides whether `sliding_window` counts, as in Qwen.
    pub windows: bool,
    /// The field that has the width of the feed-forward layers' branches.
    pub hidden: &'static str,
    /// Layers may all have experts, and the width be left out.
    pub experts: bool,
    /// The base of the rotation where config.json does not say.
    pub rope_theta: f64,
    /// What RMSNorm adds where config.json does not say.
    pub norm_eps: f64,
}

impl Default for Traits {
    /// Those of Qwen2.
    fn default() -> Self {
        Self {
            bias: Biases::default(),
            qk_norm: false,
            head_dim: None,
            windows: true,
            hidden: "intermediate_size",
            experts: false,
            rope_theta: 10_000.0,
            norm_eps: 1e-6,
        }
    }
}

/// The biases of Llama's network, which config.json tells.
pub(super) fn llama_biases(fields: &mut UnreadFields) -> Result<Biases, Unfit> {
    let attention = fields.flag("attention_bias", false)?;
    let mlp = fields.flag("mlp_bias", false)?;
    Ok(Biases { qkv: attention, output: attention, mlp, head: false })
}

/// Reads the fields that shape the network.
pub(super) fn spec(fields: &mut UnreadFields, traits: Traits) -> Result<Spec, Unfit> {
    let (width, layers) = (fields.size("hidden_size")?, fields.size("num_hidden_layers")?);
    let heads = fields.size("num_attention_heads")?;
    let kv_heads = fields.optional_size("num_key_value_heads")?.unwrap_or(heads);
    let head_dim = fields.optional_size("head_dim")?.or(traits.head_dim);
    let hidden = match traits.experts {
        true => fields.optional_size(traits.hidden)?.unwrap_or(1),
        false => fields.size(traits.hidden)?,
    };
    let columns = fields.size("vocab_size")?;
    let context = fields.size("max_position_embeddings")?;
    possible(
        MOST_LAYERS,
        &[
            ("num_hidden_layers", layers),
            ("num_attention_heads", heads),
            ("num_key_value_heads", kv_heads),
        ],
    )?;
    possible(
        LARGEST_SIZE,
        &[
            ("hidden_size", width),
            (traits.hidden, hidden),
            ("vocab_size", columns),
            ("max_position_embeddings", context),
            ("head_dim", head_dim.unwrap_or(1)),
        ],
    )?;
    let head_dim = head_width(("hidden_size", width), ("num_attention_heads", heads), head_dim)?;
    shared(("num_attention_heads", heads), ("num_key_value_heads", kv_heads))?;
    fields.word("hidden_act", &["silu", "swish"])?;
    everybody_sees_everybody(fields, layers, traits.windows)?;
    let bases = [rope::Base { field: "rope_theta", layers: FULL, absent: traits.rope_theta }];
    Ok(Spec {
        width,
        layers,
        heads,
        kv_heads,
        head_dim,
        rotary_dim: head_dim,
        hidden,
        experts: None,
        columns,
        context,
        norm_eps: fields.epsilon("rms_norm_eps", traits.norm_eps)?,
        rope_theta: rope::bases(fields, &bases)?.remove(0),
        bias: traits.bias,
        qk_norm: traits.qk_norm,
        fused_qkv: None,
        // A file may ship an untied head although its config says tied.
        head: match fields.flag("tie_word_embeddings", false)? {
            true => Head::OwnIfThere,
            false => Head::Own,
        },
        names,
    })
}

/// The first of Qwen's layers with a window, if `max_window_layers` is not given.
const FIRST_WINDOW: usize = 28;

/// Refuses layers that see only a window. As in transformers, `layer_types` decides if it is there,
/// and the other fields otherwise.
fn everybody_sees_everybody(
    fields: &mut UnreadFields,
    layers: usize,
    windows: bool,
) -> Result<(), Unfit> {
    let typed = layers::types(fields, layers, &[FULL])?.is_some();
    let on = fields.optional_flag("use_sliding_window")?;
    let first = fields.optional_size("max_window_layers")?.unwrap_or(FIRST_WINDOW);
    let window = fields.take("sliding_window");
    if typed || window.as_ref().is_some_and(Value::is_null) {
        return Ok(());
    }
    match (on, window) {
        // If `sliding_window` is not given, Qwen's window is 4096 positions wide.
        (Some(true), _) if !windows || first < layers => {
            Err(another("use_sliding_window", &true.into(), "false"))
        }
        (None, Some(window)) if !windows => Err(another("sliding_window", &window, "null")),
        _ => Ok(()),
    }
}

/// Names of Llama, Qwen2 and Qwen3 checkpoints.
pub(super) fn names(part: NetworkPart) -> &'static str {
    match part {
        NetworkPart::Embedding => "model.embed_tokens",
        NetworkPart::Norm => "model.norm",
        NetworkPart::Head => "lm_head",
        NetworkPart::AttentionNorm => "model.layers.{}.input_layernorm",
        NetworkPart::Query => "model.layers.{}.self_attn.q_proj",
        NetworkPart::Key => "model.layers.{}.self_attn.k_proj",
        NetworkPart::Value => "model.layers.{}.self_attn.v_proj",
        NetworkPart::QueryNorm => "model.layers.{}.self_attn.q_norm",
        NetworkPart::KeyNorm => "model.layers.{}.self_attn.k_norm",
        NetworkPart::Output => "model.layers.{}.self_attn.o_proj",
        NetworkPart::MlpNorm => "model.layers.{}.post_attention_layernorm",
        NetworkPart::Gate => "model.layers.{}.mlp.gate_proj",
        NetworkPart::Up => "model.layers.{}.mlp.up_proj",
        NetworkPart::Down => "model.layers.{}.mlp.down_proj",
    }
}
