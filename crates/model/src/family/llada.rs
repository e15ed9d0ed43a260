//! LLaDA: `config.json` and tensors under the names of GSAI-ML/LLaDA-8B-Instruct
//! (`modeling_llada.py`).

use super::{
    Description, Unfit,
    fields::{UnreadFields, another},
    layers::FULL,
    rope,
    sizes::{LARGEST_SIZE, MOST_LAYERS, head_width, possible, shared},
};
use crate::network::{Biases, Head, NetworkPart, Spec};

/// Fields of its own that change no number.
pub(super) const NO_EFFECT: &[&str] = &[
    // Of attention biases and norms that are refused.
    "alibi_bias_max",
    "attention_layer_norm_with_affine",
    // How it is trained.
    "init_cutoff_factor",
    "init_device",
    "init_fn",
    "init_std",
    "precision",
];

/// Describes the network of a LLaDA configuration.
pub(super) fn describe(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    let width = fields.size("d_model")?;
    let heads = fields.size("n_heads")?;
    let kv_heads = kv_heads(fields, heads)?;
    let layers = fields.size("n_layers")?;
    let hidden = fields.optional_size("mlp_hidden_size")?;
    let ratio = fields.optional_size("mlp_ratio")?.unwrap_or(4);
    let hidden = hidden.unwrap_or(ratio.saturating_mul(width));
    let tokens = fields.size("vocab_size")?;
    // Columns of the logits past the tokenizer's tokens take part in argmax and softmax.
    let columns = fields.optional_size("embedding_size")?.unwrap_or(tokens);
    let context = fields.size("max_sequence_length")?;
    possible(MOST_LAYERS, &[("n_layers", layers), ("n_heads", heads), ("n_kv_heads", kv_heads)])?;
    possible(
        LARGEST_SIZE,
        &[
            ("d_model", width),
            ("the feed-forward width", hidden),
            ("vocab_size", tokens),
            ("embedding_size", columns),
            ("max_sequence_length", context),
        ],
    )?;
    let head_dim = head_width(("d_model", width), ("n_heads", heads), None)?;
    shared(("n_heads", heads), ("n_kv_heads", kv_heads))?;
    if columns < tokens {
        return Err(Unfit::Another(format!(
            "embedding_size {columns} is smaller than vocab_size {tokens}"
        )));
    }
    unchanged(fields)?;
    let bases = [rope::Base { field: "rope_theta", layers: FULL, absent: 10_000.0 }];
    let bias = biases(fields)?;
    Ok(Description::plain(Spec {
        width,
        layers,
        heads,
        kv_heads,
        head_dim,
        rotary_dim: head_dim,
        experts: None,
        fused_qkv: None,
        hidden,
        columns,
        context,
        norm_eps: fields.epsilon("rms_norm_eps", 1e-5)?,
        rope_theta: rope::bases(fields, &bases)?.remove(0),
        bias,
        qk_norm: false,
        // Its code ties what does not say.
        head: match fields.flag("weight_tying", true)? {
            true => Head::Embedding,
            false => Head::Own,
        },
        names,
    }))
}

/// Key and value heads. The two fields for them may not contradict each other, in its own code too.
fn kv_heads(fields: &mut UnreadFields, heads: usize) -> Result<usize, Unfit> {
    let found = fields.optional_size("n_kv_heads")?;
    let expected = match fields.optional_flag("multi_query_attention")? {
        None => return Ok(found.unwrap_or(heads)),
        Some(true) => 1,
        Some(false) => heads,
    };
    match found {
        Some(found) if found != expected => Err(Unfit::Another(format!(
            "n_kv_heads is {found}, and multi_query_attention asks for {expected}"
        ))),
        _ => Ok(expected),
    }
}

/// Which linear layers have a bias. Norms with one are another network, and without a word of their
/// own they have it where the layers have.
fn biases(fields: &mut UnreadFields) -> Result<Biases, Unfit> {
    let all = fields.flag("include_bias", false)?;
    let qkv = all || fields.flag("include_qkv_bias", false)?;
    match fields.optional_flag("bias_for_layer_norm")? {
        Some(true) => Err(another("bias_for_layer_norm", &true.into(), "false")),
        None if all => Err(Unfit::Another(
            "include_bias is true and bias_for_layer_norm is null, so its norms have a bias; \
             expected false"
                .to_owned(),
        )),
        _ => Ok(Biases { qkv, output: all, mlp: all, head: all }),
    }
}

/// Refuses what would be another network.
fn unchanged(fields: &mut UnreadFields) -> Result<(), Unfit> {
    fields.word("block_type", &["llama"])?;
    fields.word("activation_type", &["silu"])?;
    fields.word("layer_norm_type", &["rms"])?;
    for (name, expected) in [
        ("rope", true),
        ("rope_full_precision", true),
        ("layer_norm_with_affine", true),
        ("alibi", false),
        ("attention_layer_norm", false),
        ("input_emb_norm", false),
        ("scale_logits", false),
    ] {
        fields.must(name, expected)?;
    }
    match fields.optional_size("block_group_size")? {
        None | Some(1) => Ok(()),
        // The same numbers, but tensors under other names.
        Some(other) => Err(another("block_group_size", &other.into(), "1")),
    }
}

fn names(part: NetworkPart) -> &'static str {
    match part {
        NetworkPart::Embedding => "model.transformer.wte",
        NetworkPart::Norm => "model.transformer.ln_f",
        NetworkPart::Head => "model.transformer.ff_out",
        NetworkPart::AttentionNorm => "model.transformer.blocks.{}.attn_norm",
        NetworkPart::Query => "model.transformer.blocks.{}.q_proj",
        NetworkPart::Key => "model.transformer.blocks.{}.k_proj",
        NetworkPart::Value => "model.transformer.blocks.{}.v_proj",
        // `attention_layer_norm` is refused, so no file needs these.
        NetworkPart::QueryNorm => "model.transformer.blocks.{}.q_norm",
        NetworkPart::KeyNorm => "model.transformer.blocks.{}.k_norm",
        NetworkPart::Output => "model.transformer.blocks.{}.attn_out",
        NetworkPart::MlpNorm => "model.transformer.blocks.{}.ff_norm",
        NetworkPart::Gate => "model.transformer.blocks.{}.ff_proj",
        NetworkPart::Up => "model.transformer.blocks.{}.up_proj",
        NetworkPart::Down => "model.transformer.blocks.{}.ff_out",
    }
}
