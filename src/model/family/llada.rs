//! LLaDA: `config.json` and tensors under the names of GSAI-ML/LLaDA-8B-Instruct
//! (`modeling_llada.py`).

use serde::Deserialize;
use serde_json::Value;

use super::{Description, Kind, Unfit, fields, possible};
use crate::model::network::{Biases, Head, Part, Spec};

/// Describes the network of a LLaDA configuration.
pub(super) fn describe(config: Value) -> Result<Description, Unfit> {
    let config: Config = fields(config)?;
    possible(&[
        ("d_model", config.d_model),
        ("n_heads", config.n_heads),
        ("n_kv_heads", config.kv_heads()),
        ("n_layers", config.n_layers),
        ("the feed-forward width", config.hidden()),
        ("vocab_size", config.vocab_size),
        ("max_sequence_length", config.max_sequence_length),
    ])?;
    config.check().map_err(Unfit::Another)?;
    let spec = config.spec();
    spec.check().map_err(Unfit::Another)?;
    Ok(Description {
        kind: Kind::Transformer(spec),
        shift: false,
        mask: config.mask_token_id,
        eos: config.eos_token_id,
    })
}

fn names(part: Part) -> &'static str {
    match part {
        Part::Embedding => "model.transformer.wte",
        Part::Norm => "model.transformer.ln_f",
        Part::Head => "model.transformer.ff_out",
        Part::AttentionNorm => "model.transformer.blocks.{}.attn_norm",
        Part::Query => "model.transformer.blocks.{}.q_proj",
        Part::Key => "model.transformer.blocks.{}.k_proj",
        Part::Value => "model.transformer.blocks.{}.v_proj",
        // `attention_layer_norm` is refused, so no file needs these.
        Part::QueryNorm => "model.transformer.blocks.{}.q_norm",
        Part::KeyNorm => "model.transformer.blocks.{}.k_norm",
        Part::Output => "model.transformer.blocks.{}.attn_out",
        Part::MlpNorm => "model.transformer.blocks.{}.ff_norm",
        Part::Gate => "model.transformer.blocks.{}.ff_proj",
        Part::Up => "model.transformer.blocks.{}.up_proj",
        Part::Down => "model.transformer.blocks.{}.ff_out",
    }
}

/// The fields of a LLaDA configuration that shape the network. Others are ignored, except those
/// that would ask for a network this is not: they are refused.
#[derive(Deserialize)]
struct Config {
    /// Width of the residual stream.
    d_model: usize,
    /// Query heads.
    n_heads: usize,
    /// Key and value heads; query heads share them in order. Defaults to `n_heads`.
    #[serde(default)]
    n_kv_heads: Option<usize>,
    /// Layers.
    n_layers: usize,
    /// Width of each of the two branches of the feed-forward layer.
    #[serde(default)]
    mlp_hidden_size: Option<usize>,
    /// That width as a multiple of `d_model`, where `mlp_hidden_size` is null.
    #[serde(default = "four")]
    mlp_ratio: usize,
    /// Tokens of the tokenizer.
    vocab_size: usize,
    /// Rows of the embedding and columns of the logits, where they are more.
    #[serde(default)]
    embedding_size: Option<usize>,
    /// Longest sequence, positions.
    max_sequence_length: usize,
    /// RMSNorm's epsilon.
    #[serde(default = "epsilon")]
    rms_norm_eps: f64,
    /// RoPE's base.
    #[serde(default = "theta")]
    rope_theta: f64,
    /// The head is the embedding.
    #[serde(default)]
    weight_tying: bool,
    /// Biases on every linear layer.
    #[serde(default)]
    include_bias: bool,
    /// Biases on the query, key and value projections.
    #[serde(default)]
    include_qkv_bias: bool,
    /// The mask token.
    #[serde(default)]
    mask_token_id: Option<u32>,
    /// The end-of-sequence token.
    #[serde(default)]
    eos_token_id: Option<u32>,
    #[serde(default = "llama")]
    block_type: String,
    #[serde(default = "silu")]
    activation_type: String,
    #[serde(default = "rms")]
    layer_norm_type: String,
    #[serde(default = "yes")]
    rope: bool,
    #[serde(default)]
    alibi: bool,
    #[serde(default)]
    attention_layer_norm: bool,
    #[serde(default)]
    input_emb_norm: bool,
    #[serde(default)]
    scale_logits: bool,
    #[serde(default)]
    bias_for_layer_norm: Option<bool>,
    #[serde(default)]
    multi_query_attention: Option<bool>,
}

fn four() -> usize {
    4
}
fn epsilon() -> f64 {
    1e-5
}
fn theta() -> f64 {
    10_000.0
}
fn yes() -> bool {
    true
}
fn llama() -> String {
    "llama".to_owned()
}
fn silu() -> String {
    "silu".to_owned()
}
fn rms() -> String {
    "rms".to_owned()
}

impl Config {
    fn spec(&self) -> Spec {
        Spec {
            width: self.d_model,
            layers: self.n_layers,
            heads: self.n_heads,
            kv_heads: self.kv_heads(),
            head_dim: self.d_model / self.n_heads,
            hidden: self.hidden(),
            columns: self.columns(),
            context: self.max_sequence_length,
            norm_eps: self.rms_norm_eps,
            rope_theta: self.rope_theta,
            bias: Biases {
                qkv: self.include_bias || self.include_qkv_bias,
                output: self.include_bias,
                mlp: self.include_bias,
                head: self.include_bias,
            },
            qk_norm: false,
            head: if self.weight_tying { Head::Embedding } else { Head::Own },
            names,
        }
    }

    fn check(&self) -> Result<(), String> {
        if !self.d_model.is_multiple_of(2 * self.n_heads) {
            return Err(format!(
                "d_model {} cannot be cut into {} heads of even width",
                self.d_model, self.n_heads
            ));
        }
        if self.columns() < self.vocab_size {
            return Err(format!(
                "embedding_size {} is smaller than vocab_size {}",
                self.columns(),
                self.vocab_size
            ));
        }
        let fields = [
            ("block_type", self.block_type.as_str(), "llama"),
            ("activation_type", self.activation_type.as_str(), "silu"),
            ("layer_norm_type", self.layer_norm_type.as_str(), "rms"),
        ];
        for (name, found, expected) in fields {
            if found != expected {
                return Err(format!("{name} is `{found}`, expected `{expected}`"));
            }
        }
        let flags = [
            ("rope", self.rope, true),
            ("alibi", self.alibi, false),
            ("attention_layer_norm", self.attention_layer_norm, false),
            ("input_emb_norm", self.input_emb_norm, false),
            ("scale_logits", self.scale_logits, false),
            ("bias_for_layer_norm", self.bias_for_layer_norm == Some(true), false),
        ];
        for (name, found, expected) in flags {
            if found != expected {
                return Err(format!("{name} is {found}, expected {expected}"));
            }
        }
        Ok(())
    }

    /// Key and value heads.
    fn kv_heads(&self) -> usize {
        match (self.n_kv_heads, self.multi_query_attention) {
            (Some(heads), _) => heads,
            (None, Some(true)) => 1,
            (None, _) => self.n_heads,
        }
    }

    /// Width of each branch of the feed-forward layer.
    fn hidden(&self) -> usize {
        self.mlp_hidden_size.unwrap_or(self.mlp_ratio.saturating_mul(self.d_model))
    }

    /// Columns of the logits. Those past the tokenizer's tokens take part in argmax and softmax.
    fn columns(&self) -> usize {
        self.embedding_size.unwrap_or(self.vocab_size)
    }
}
