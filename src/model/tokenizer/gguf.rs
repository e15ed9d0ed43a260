//! The tokenizer inside a GGUF file, written as the tokenizer.json and tokenizer_config.json it
//! was made from.

use serde_json::{Map, Value, json};

use super::byte_level::{ByteLevel, QWEN2, Split};
use crate::model::{
    LoadError,
    weights::{Metadata, MetadataValue},
};

/// How text is cut into words, under GGUF's `tokenizer.ggml.pre`.
const SPLITS: [(&str, Split); 5] = [
    ("gpt-2", Split::ByteLevel),
    ("qwen2", QWEN2),
    ("llada-moe", BAILING),
    ("bailingmoe", BAILING),
    ("bailingmoe2", BAILING),
];

const BAILING: Split = Split::Pattern {
    regex: r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    composed: false,
};

/// Kinds of tokens in `tokenizer.ggml.token_type`.
const UNKNOWN: i64 = 2;
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
const UNUSED: i64 = 5;

/// What tokenizer_config.json would say: the chat template and the special tokens' names.
pub(in crate::model) fn config(metadata: &Metadata) -> String {
    let mut config = Map::new();
    if let Some(template) = metadata.text("tokenizer.chat_template") {
        config.insert("chat_template".to_owned(), template.into());
    }
    let tokens = metadata.texts("tokenizer.ggml.tokens").unwrap_or_default();
    for name in ["bos", "eos", "mask", "eot"] {
        let id = metadata.whole(&format!("tokenizer.ggml.{name}_token_id"));
        let token = id.and_then(|id| tokens.get(usize::try_from(id).ok()?));
        if let Some(token) = token {
            config.insert(format!("{name}_token"), token.as_str().into());
        }
    }
    Value::Object(config).to_string()
}

/// What stands around a text that is taken as it is: `add_bos_token` and `add_eos_token`. A chat
/// template writes its own.
fn around(metadata: &Metadata) -> Result<Value, String> {
    let tokens = metadata.texts("tokenizer.ggml.tokens").unwrap_or_default();
    let mut special = Map::new();
    let mut piece = |name: &str| {
        let flag = format!("tokenizer.ggml.add_{name}_token");
        match metadata.get(&flag) {
            None | Some(MetadataValue::Flag(false)) => return Ok(None),
            Some(MetadataValue::Flag(true)) => {}
            Some(other) => {
                return Err(format!("`{flag}` is {}, expected true or false", other.kind()));
            }
        }
        let key = format!("tokenizer.ggml.{name}_token_id");
        let id = metadata.whole(&key).and_then(|id| usize::try_from(id).ok());
        let Some((id, token)) = id.and_then(|id| Some((id, tokens.get(id)?))) else {
            return Err(format!("`{flag}` is true, and `{key}` names no token"));
        };
        special.insert(token.clone(), json!({ "id": token, "ids": [id], "tokens": [token] }));
        Ok(Some(json!({ "SpecialToken": { "id": token, "type_id": 0 } })))
    };
    let (first, last) = (piece("bos")?, piece("eos")?);
    if special.is_empty() {
        return Ok(Value::Null);
    }
    let text = |id: &str| json!({ "Sequence": { "id": id, "type_id": 0 } });
    let single: Vec<Value> = first.into_iter().chain([text("A")]).chain(last).collect();
    Ok(json!({
        "type": "TemplateProcessing", "single": single, "pair": [text("A"), text("B")],
        "special_tokens": special,
    }))
}

/// What tokenizer.json would say; `None` if the file has no tokenizer.
///
/// # Errors
/// If it is of a kind that is not known here.
pub(super) fn json(metadata: &Metadata, place: &str) -> Result<Option<Vec<u8>>, LoadError> {
    let refused = |problem: String| {
        LoadError::new(
            place,
            problem,
            "Give the tokenizer.json of the original model with --tokenizer FILE",
        )
    };
    if let Some(whole) = metadata.text("tokenizer.huggingface.json") {
        return Ok(Some(whole.as_bytes().to_vec()));
    }
    let Some(tokens) = metadata.texts("tokenizer.ggml.tokens") else { return Ok(None) };
    let short = |text: &str| text.chars().take(40).collect::<String>().escape_default().to_string();
    match metadata.text("tokenizer.ggml.model") {
        Some("gpt2") => {}
        other => {
            return Err(refused(format!(
                "its tokenizer is of the kind `{}`, and only `gpt2` can be read",
                short(other.unwrap_or("none"))
            )));
        }
    }
    let pre = metadata.text("tokenizer.ggml.pre").unwrap_or("none");
    let Some((_, split)) = SPLITS.iter().find(|(name, _)| *name == pre) else {
        let known: Vec<&str> = SPLITS.iter().map(|(name, _)| *name).collect();
        return Err(refused(format!(
            "its tokenizer cuts text as `{}`, and only {} are known",
            short(pre),
            known.join(", ")
        )));
    };
    let Some(merges) = metadata.texts("tokenizer.ggml.merges") else {
        return Err(refused("`tokenizer.ggml.merges` is missing".to_owned()));
    };
    let kinds = metadata.wholes("tokenizer.ggml.token_type").unwrap_or_default();
    let (mut vocabulary, mut added) = (Map::new(), Vec::new());
    for (id, token) in tokens.iter().enumerate() {
        let kind = kinds.get(id).copied();
        if kind == Some(UNUSED) {
            continue;
        }
        vocabulary.insert(token.clone(), id.into());
        if matches!(kind, Some(UNKNOWN | CONTROL | USER_DEFINED)) {
            added.push(json!({
                "id": id, "content": token, "special": kind != Some(USER_DEFINED),
                "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            }));
        }
    }
    let merges: Vec<(&str, &str)> = merges.iter().filter_map(|pair| pair.split_once(' ')).collect();
    let around = around(metadata).map_err(refused)?;
    let whole = ByteLevel { vocabulary, merges, added, split, prefix_space: false, around };
    Ok(Some(whole.json()))
}
