//! Fields of a config.json that no family reads, and what is known of them.

use serde_json::Value;

/// Fields that change no number of a forward pass: how a file was written, how a model is trained,
/// what else its library can do with it.
const NO_EFFECT: &[&str] = &[
    // What wrote it, and what it is loaded with.
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_attn_implementation_internal",
    "_commit_hash",
    "_experts_implementation",
    "_flash_attn_2_enabled",
    "_name_or_path",
    "architectures",
    "attn_implementation",
    "auto_map",
    "base_model_pp_plan",
    "base_model_tp_plan",
    "dtype",
    "flash_attention",
    "gradient_checkpointing",
    "keys_to_ignore_at_inference",
    "model_max_length",
    "name_or_path",
    "tokenizer_class",
    "torch_dtype",
    "transformers_version",
    "unsloth_fixed",
    "unsloth_version",
    "use_cache",
    "use_flash_attn",
    // How it is trained.
    "attention_dropout",
    "attention_probs_dropout_prob",
    "attn_pdrop",
    "classifier_dropout",
    "embd_pdrop",
    "embedding_dropout",
    "hidden_dropout",
    "hidden_dropout_prob",
    "initializer_cutoff_factor",
    "initializer_factor",
    "initializer_range",
    "mlp_dropout",
    "resid_pdrop",
    "residual_dropout",
    // It splits products of matrices and adds the parts up again.
    "chunk_size_feed_forward",
    "pretraining_tp",
    // Tokens: which of them decide is read from other fields and from the tokenizer.
    "bos_token_id",
    "cls_token_id",
    "decoder_start_token_id",
    "pad_token_id",
    "sep_token_id",
    "unk_token_id",
    // What transformers writes of its generation into every config.json.
    "bad_words_ids",
    "begin_suppress_tokens",
    "diversity_penalty",
    "do_sample",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "exponential_decay_length_penalty",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "length_penalty",
    "max_length",
    "max_new_tokens",
    "min_length",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "prefix",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "top_k",
    "top_p",
    "torchscript",
    "typical_p",
    "use_bfloat16",
    "use_return_dict",
    // Of classifiers.
    "finetuning_task",
    "id2label",
    "label2id",
    "num_labels",
    "problem_type",
];

/// Fields that ask for another network, unless they have this value (as JSON) or are null.
const NEUTRAL: &[(&str, &str)] = &[
    ("add_cross_attention", "false"),
    ("alibi", "false"),
    ("attention_bias", "false"),
    ("attention_multiplier", "null"),
    ("attention_out_bias", "false"),
    ("attention_output_bias", "false"),
    ("attention_window", "null"),
    ("attn_logit_softcapping", "null"),
    ("clip_qkv", "null"),
    ("clamp_kqv", "null"),
    ("cross_attention_hidden_size", "null"),
    ("dim_model_base", "null"),
    ("embedding_multiplier", "1"),
    ("embedding_scale", "1"),
    ("expert_capacity", "null"),
    ("final_logit_softcapping", "null"),
    ("input_emb_norm", "false"),
    ("is_causal", "false"),
    ("is_decoder", "false"),
    ("is_encoder_decoder", "false"),
    ("kv_lora_rank", "null"),
    ("layer_norm_eps", "null"),
    ("layer_types", "null"),
    ("logit_scale", "1"),
    ("logits_scaling", "1"),
    ("logits_soft_cap", "null"),
    ("mlp_bias", "false"),
    ("moe_intermediate_size", "null"),
    ("n_routed_experts", "0"),
    ("no_rope_layer_interval", "0"),
    ("no_rope_layers", "[]"),
    ("norm_bias", "false"),
    ("num_experts", "0"),
    ("num_experts_per_tok", "0"),
    ("num_local_experts", "0"),
    ("parallel_attn", "false"),
    ("pruned_heads", "{}"),
    ("q_lora_rank", "null"),
    ("qk_layernorm", "false"),
    ("qk_norm", "false"),
    ("query_pre_attn_scalar", "null"),
    ("residual_multiplier", "1"),
    ("residual_scale", "1"),
    ("rope_interleaved", "false"),
    ("rope_local_base_freq", "null"),
    ("rotary_dim", "null"),
    ("rotary_pct", "1"),
    ("scale_depth", "null"),
    ("scale_emb", "1"),
    ("scale_embedding", "false"),
    ("scale_embeddings", "false"),
    ("scale_logits", "false"),
    ("sliding_window", "null"),
    ("use_bias", "false"),
    ("use_mrope", "false"),
    ("use_parallel_residual", "false"),
    ("use_qk_norm", "false"),
    ("use_sliding_window", "false"),
];

/// Whether a field changes no number whatever its value is.
pub(super) fn has_no_effect(name: &str) -> bool {
    NO_EFFECT.contains(&name)
}

/// The value with which a field asks for nothing, where it is known that it asks for another
/// network with any other.
pub(super) fn neutral(name: &str) -> Option<Value> {
    let (_, neutral) = NEUTRAL.iter().find(|(known, _)| *known == name)?;
    serde_json::from_str(neutral).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_stands_once_and_every_neutral_value_is_json() {
        for (name, neutral) in NEUTRAL {
            assert!(!has_no_effect(name), "{name}");
            assert!(serde_json::from_str::<Value>(neutral).is_ok(), "{name}");
            assert_eq!(NEUTRAL.iter().filter(|(other, _)| other == name).count(), 1, "{name}");
        }
    }
}
