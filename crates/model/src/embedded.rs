//! The small model compiled into the binary: a folder like any other, read from memory.

use super::{
    LoadError,
    files::{Files, Tensors},
    small_files::object,
};

/// The embedded checkpoint's files.
///
/// # Errors
/// If one is damaged, which a test rules out.
pub(super) fn files() -> Result<Files, LoadError> {
    let config = include_str!("../../../assets/tiny/config.json");
    let tokenizer = include_bytes!("../../../assets/tiny/tokenizer.json");
    let tokenizer_config = include_bytes!("../../../assets/tiny/tokenizer_config.json");
    let generation_config = include_bytes!("../../../assets/tiny/generation_config.json");
    let sizes = [
        ("config.json", config.len()),
        ("tokenizer.json", tokenizer.len()),
        ("tokenizer_config.json", tokenizer_config.len()),
        ("generation_config.json", generation_config.len()),
    ];
    Ok(Files {
        name: "tiny".to_owned(),
        folder: "the embedded model".to_owned(),
        config: config.to_owned(),
        tokenizer: Some(tokenizer.to_vec()),
        tokenizer_config: object(tokenizer_config, "tokenizer_config.json")?,
        generation_config: object(generation_config, "generation_config.json")?,
        tensors: Tensors::Bytes(include_bytes!("../../../assets/tiny/model.safetensors")),
        sizes: sizes.map(|(name, bytes)| (name.to_owned(), bytes as u64)).to_vec(),
        ..Files::default()
    })
}
