//! The tokens that a GGUF file names, and its chat template.

use serde_json::{Map, Value};

use super::{GgufMetadata, MetadataValue};
use crate::canvas::TokenId;

/// The texts of the tokens, in the order of their ids.
pub(crate) const TOKENS: &str = "tokenizer.ggml.tokens";

/// The token of a kind (`bos`, `eos`, `mask`, …) that the file names.
///
/// # Errors
/// In words, if its value is no token.
pub(crate) fn special_token(
    metadata: &GgufMetadata,
    kind: &str,
) -> Result<Option<TokenId>, String> {
    let key = format!("tokenizer.ggml.{kind}_token_id");
    let Some(value) = metadata.get(&key) else { return Ok(None) };
    let id = metadata.whole(&key).and_then(|id| TokenId::try_from(id).ok());
    id.map(Some).ok_or_else(|| format!("`{key}` is {value}, expected the id of a token"))
}

/// What tokenizer_config.json would say: the chat template and the special tokens' names.
///
/// # Errors
/// In words, if a value is of another type.
pub(crate) fn tokenizer_config(metadata: &GgufMetadata) -> Result<Map<String, Value>, String> {
    let mut config = Map::new();
    let template = "tokenizer.chat_template";
    match metadata.get(template) {
        None => {}
        Some(MetadataValue::Text(text)) => {
            config.insert("chat_template".to_owned(), text.as_str().into());
        }
        Some(other) => return Err(format!("`{template}` is {}, expected a text", other.kind())),
    }
    let tokens = metadata.texts(TOKENS).unwrap_or_default();
    for name in ["bos", "eos", "mask", "eot"] {
        let id = special_token(metadata, name)?;
        let token = id.and_then(|id| tokens.get(id as usize));
        if let Some(token) = token {
            config.insert(format!("{name}_token"), token.as_str().into());
        }
    }
    Ok(config)
}
