//! The small model compiled into the binary: a folder like any other, read from memory.

use super::files::{Files, Tensors};

/// The embedded checkpoint's files.
pub(super) fn files() -> Files {
    Files {
        name: "tiny".to_owned(),
        folder: "the embedded model".to_owned(),
        config: include_str!("../../assets/tiny/config.json").to_owned(),
        tokenizer: Some(include_bytes!("../../assets/tiny/tokenizer.json").to_vec()),
        tokenizer_place: None,
        tokenizer_config: Some(include_str!("../../assets/tiny/tokenizer_config.json").to_owned()),
        special_tokens_map: None,
        added_tokens: None,
        slow_tokenizer: None,
        other_tokenizer: None,
        chat_templates: Vec::new(),
        processor_template: None,
        generation_config: Some(
            include_str!("../../assets/tiny/generation_config.json").to_owned(),
        ),
        tensors: Tensors::Bytes(include_bytes!("../../assets/tiny/model.safetensors")),
    }
}
