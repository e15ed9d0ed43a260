//! What families under the names of Hugging Face's transformers share: the fields of config.json
//! and the tensors' names of Llama and Qwen.

use serde::Deserialize;
use serde_json::Value;

use super::{Unfit, possible};
use crate::model::network::{Biases, Head, Part, Spec};

/// The fields that shape the network.
#[derive(Deserialize)]
pub(super) struct Config {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    #[serde(default)]
    num_key_value_heads: Option<usize>,
    #[serde(default)]
    head_dim: Option<usize>,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "epsilon")]
    rms_norm_eps: f64,
    #[serde(default = "theta")]
    rope_theta: f64,
    #[serde(default)]
    rope_scaling: Option<Value>,
    #[serde(default)]
    hidden_act: Option<String>,
    #[serde(default)]
    pub tie_word_embeddings: bool,
    #[serde(default)]
    pub attention_bias: bool,
    #[serde(default)]
    pub mlp_bias: bool,
    /// LayerNorm in place of RMSNorm, if it is not null.
    #[serde(default)]
    layer_norm_eps: Option<f64>,
    #[serde(default)]
    pub mask_token_id: Option<u32>,
    #[serde(default)]
    eos_token_id: Option<Value>,
}

fn epsilon() -> f64 {
    1e-6
}

fn theta() -> f64 {
    10_000.0
}

impl Config {
    /// The network, but for what differs between the families.
    pub(super) fn spec(&self, bias: Biases, qk_norm: bool) -> Result<Spec, Unfit> {
        let kv_heads = self.num_key_value_heads.unwrap_or(self.num_attention_heads);
        possible(&[
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", kv_heads),
            ("intermediate_size", self.intermediate_size),
            ("vocab_size", self.vocab_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("head_dim", self.head_dim.unwrap_or(1)),
        ])?;
        match &self.rope_scaling {
            None | Some(Value::Null) => {}
            Some(scaling) => {
                return Err(Unfit::Another(format!("rope_scaling is {scaling}, expected null")));
            }
        }
        if let Some(eps) = self.layer_norm_eps {
            return Err(Unfit::Another(format!(
                "layer_norm_eps is {eps}, expected null (RMSNorm)"
            )));
        }
        if let Some(activation) = self.hidden_act.as_deref().filter(|name| *name != "silu") {
            return Err(Unfit::Another(format!("hidden_act is `{activation}`, expected `silu`")));
        }
        let head_dim = match self.head_dim {
            Some(width) => width,
            None if self.hidden_size.is_multiple_of(self.num_attention_heads) => {
                self.hidden_size / self.num_attention_heads
            }
            None => {
                return Err(Unfit::Another(format!(
                    "hidden_size {} cannot be cut into {} heads",
                    self.hidden_size, self.num_attention_heads
                )));
            }
        };
        let spec = Spec {
            width: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            kv_heads,
            head_dim,
            hidden: self.intermediate_size,
            columns: self.vocab_size,
            context: self.max_position_embeddings,
            norm_eps: self.rms_norm_eps,
            rope_theta: self.rope_theta,
            bias,
            qk_norm,
            // A file may ship an untied head although its config says tied.
            head: if self.tie_word_embeddings { Head::OwnIfThere } else { Head::Own },
            names,
        };
        spec.check().map_err(Unfit::Another)?;
        Ok(spec)
    }

    /// The end-of-sequence token: a number, or the first of a list.
    pub(super) fn eos(&self) -> Option<u32> {
        let eos = self.eos_token_id.as_ref()?;
        let id = eos.as_u64().or_else(|| eos.as_array()?.first()?.as_u64())?;
        u32::try_from(id).ok()
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
