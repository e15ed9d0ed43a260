//! `config.json` of a LLaDA checkpoint, under the names of GSAI-ML/LLaDA-8B-Instruct.

use serde::Deserialize;

use super::LoadError;

/// The fields of a LLaDA configuration that shape the network. Others are ignored, except those
/// that would ask for a network this is not: they are refused.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LladaConfig {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; query heads share them in order. Defaults to `n_heads`.
    #[serde(default)]
    pub n_kv_heads: Option<usize>,
    /// Layers.
    pub n_layers: usize,
    /// Width of each of the two branches of the feed-forward layer.
    #[serde(default)]
    pub mlp_hidden_size: Option<usize>,
    /// That width as a multiple of `d_model`, where `mlp_hidden_size` is null.
    #[serde(default = "four")]
    pub mlp_ratio: usize,
    /// Tokens of the tokenizer.
    pub vocab_size: usize,
    /// Rows of the embedding and columns of the logits, where they are more.
    #[serde(default)]
    pub embedding_size: Option<usize>,
    /// Longest sequence, positions.
    pub max_sequence_length: usize,
    /// RMSNorm's epsilon.
    #[serde(default = "epsilon")]
    pub rms_norm_eps: f64,
    /// RoPE's base.
    #[serde(default = "theta")]
    pub rope_theta: f64,
    /// The head is the embedding.
    #[serde(default)]
    pub weight_tying: bool,
    /// Biases on every linear layer.
    #[serde(default)]
    pub include_bias: bool,
    /// Biases on the query, key and value projections.
    #[serde(default)]
    pub include_qkv_bias: bool,
    /// The mask token.
    #[serde(default)]
    pub mask_token_id: Option<u32>,
    /// The end-of-sequence token.
    #[serde(default)]
    pub eos_token_id: Option<u32>,
    #[serde(default)]
    model_type: Option<String>,
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

/// Larger numbers in a config are a mistake, or an attack on memory.
const MOST: usize = 1 << 24;

/// More layers or heads than any model has.
const MOST_LAYERS: usize = 4096;

impl LladaConfig {
    /// Reads and checks `text`, the contents of the file `place`.
    ///
    /// # Errors
    /// If it is no JSON, lacks a field, or asks for another network.
    pub fn parse(text: &str, place: &str) -> Result<Self, LoadError> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
            LoadError::new(
                place,
                format!("this is no JSON ({error})"),
                "Fetch the file again from where the model came from",
            )
        })?;
        let found = value.get("model_type").and_then(|found| found.as_str()).unwrap_or("none");
        if found != "llada" {
            return Err(LoadError::new(
                place,
                format!("`model_type` is `{}`, expected `llada`", found.escape_default()),
                "Give a LLaDA checkpoint; other architectures are not supported yet",
            ));
        }
        let config: Self = serde_json::from_value(value).map_err(|error| {
            LoadError::new(
                place,
                format!("it does not describe a LLaDA model ({error})"),
                "Compare it with the config.json of GSAI-ML/LLaDA-8B-Instruct",
            )
        })?;
        config.check().map_err(|problem| {
            LoadError::new(
                place,
                problem,
                "This network is not the one LLaDA checkpoints have; see the README for what is supported",
            )
        })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("d_model", self.d_model),
            ("n_heads", self.n_heads),
            ("n_kv_heads", self.kv_heads()),
            ("n_layers", self.n_layers),
            ("the feed-forward width", self.hidden()),
            ("vocab_size", self.vocab_size),
            ("max_sequence_length", self.max_sequence_length),
        ];
        for (name, size) in sizes {
            let most = if name.starts_with("n_") { MOST_LAYERS } else { MOST };
            if size == 0 || size > most {
                return Err(format!("{name} is {size}, expected 1..={most}"));
            }
        }
        for (name, value) in [("rms_norm_eps", self.rms_norm_eps), ("rope_theta", self.rope_theta)]
        {
            if !(value > 0.0 && value < 1e30) {
                return Err(format!("{name} is {value}, expected a number over 0"));
            }
        }
        if !self.d_model.is_multiple_of(self.n_heads) || !self.head_dim().is_multiple_of(2) {
            return Err(format!(
                "d_model {} cannot be cut into {} heads of even width",
                self.d_model, self.n_heads
            ));
        }
        if !self.n_heads.is_multiple_of(self.kv_heads()) {
            return Err(format!(
                "{} query heads cannot share {} key and value heads",
                self.n_heads,
                self.kv_heads()
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
    pub fn kv_heads(&self) -> usize {
        match (self.n_kv_heads, self.multi_query_attention) {
            (Some(heads), _) => heads,
            (None, Some(true)) => 1,
            (None, _) => self.n_heads,
        }
    }

    /// Width of a head.
    pub fn head_dim(&self) -> usize {
        self.d_model / self.n_heads
    }

    /// Width of each branch of the feed-forward layer.
    pub fn hidden(&self) -> usize {
        self.mlp_hidden_size.unwrap_or(self.mlp_ratio.saturating_mul(self.d_model))
    }

    /// Columns of the logits. Those past the tokenizer's tokens take part in argmax and softmax.
    pub fn columns(&self) -> usize {
        self.embedding_size.unwrap_or(self.vocab_size)
    }

    /// Biases on query, key and value projections.
    pub(super) fn qkv_bias(&self) -> bool {
        self.include_bias || self.include_qkv_bias
    }
}
