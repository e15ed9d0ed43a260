//! The tokenizer inside a GGUF file, written as the tokenizer.json it was made from.

use serde_json::{Map, Value, json};

use super::byte_level::{ByteLevel, QWEN2, WordSplit, around};
use crate::{
    LoadError,
    tensor_files::{GgufMetadata, MetadataValue, TOKENS, special_token},
};

/// The kind of each token.
const KINDS: &str = "tokenizer.ggml.token_type";
/// The merges: pairs of tokens.
const MERGES: &str = "tokenizer.ggml.merges";

/// How text is cut into words, under GGUF's `tokenizer.ggml.pre`.
const SPLITS: [(&str, WordSplit); 5] = [
    ("gpt-2", WordSplit::ByteLevel),
    ("qwen2", QWEN2),
    ("llada-moe", BAILING),
    ("bailingmoe", BAILING),
    ("bailingmoe2", BAILING),
];

const BAILING: WordSplit = WordSplit::Pattern {
    regex: r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    composed: false,
};

/// Kinds of tokens in `tokenizer.ggml.token_type`.
const UNKNOWN: i64 = 2;
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
const UNUSED: i64 = 5;

/// What stands around a text that is taken as it is: `add_bos_token` and `add_eos_token`. A chat
/// template writes its own.
fn surrounding(metadata: &GgufMetadata) -> Result<Value, String> {
    let tokens = metadata.texts(TOKENS).unwrap_or_default();
    let piece = |name: &str| {
        let flag = format!("tokenizer.ggml.add_{name}_token");
        match metadata.get(&flag) {
            None | Some(MetadataValue::Flag(false)) => return Ok(None),
            Some(MetadataValue::Flag(true)) => {}
            Some(other) => {
                return Err(format!("`{flag}` is {}, expected true or false", other.kind()));
            }
        }
        let id = special_token(metadata, name)?;
        let found = id.and_then(|id| Some((tokens.get(id as usize)?.as_str(), id)));
        found.map(Some).ok_or_else(|| {
            format!("`{flag}` is true, and `tokenizer.ggml.{name}_token_id` names no token")
        })
    };
    Ok(around(piece("bos")?, piece("eos")?))
}

/// What tokenizer.json would say; `None` if the file has no tokenizer.
///
/// # Errors
/// If it is of a kind that is not known here.
pub(super) fn json(metadata: &GgufMetadata, place: &str) -> Result<Option<Vec<u8>>, LoadError> {
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
    let tokens = match metadata.get(TOKENS) {
        None => return Ok(None),
        Some(MetadataValue::Texts(tokens)) => tokens,
        Some(other) => {
            return Err(refused(format!(
                "`{TOKENS}` is {}, expected a list of texts",
                other.kind()
            )));
        }
    };
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
    let Some(merges) = metadata.texts(MERGES) else {
        return Err(refused(format!("`{MERGES}` is missing")));
    };
    let kinds = match metadata.get(KINDS) {
        None => &[],
        Some(MetadataValue::Wholes(kinds)) if kinds.len() == tokens.len() => &kinds[..],
        Some(_) => {
            let tokens = tokens.len();
            return Err(refused(format!("`{KINDS}` is no list of {tokens} numbers, one a token")));
        }
    };
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
    let pairs = merges.iter().enumerate().map(|(at, pair)| {
        let problem = || refused(format!("entry {at} of `{MERGES}` is no pair of tokens"));
        pair.split_once(' ').ok_or_else(problem)
    });
    let merges = pairs.collect::<Result<Vec<_>, _>>()?;
    let around = surrounding(metadata).map_err(refused)?;
    let whole = ByteLevel { vocabulary, merges, added, split, prefix_space: false, around };
    Ok(Some(whole.json()))
}
