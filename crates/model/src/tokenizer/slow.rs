//! Tokenizers saved as vocab.json and merges.txt, by transformers' classes in Python.

use serde_json::Value;

use super::{
    byte_level::{ByteLevel, QWEN2, WordSplit},
    config::TokenizerConfig,
};
use crate::{LoadError, canvas::TokenId, files::Files, small_files::object};

/// Classes that can be read, and how they cut text. Dream's is Qwen2's under its own name.
const CLASSES: [(&str, WordSplit); 5] = [
    ("Qwen2Tokenizer", QWEN2),
    ("Qwen2TokenizerFast", QWEN2),
    ("DreamTokenizer", QWEN2),
    ("GPT2Tokenizer", WordSplit::ByteLevel),
    ("GPT2TokenizerFast", WordSplit::ByteLevel),
];

/// How to get a file that can be read.
const CONVERT: &str = "Save it with transformers, which writes a tokenizer.json \
    (AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)), or give one with --tokenizer FILE";

/// What tokenizer.json would say; `None` if there is no such tokenizer.
///
/// # Errors
/// If it is damaged, or of a kind that is not known here.
pub(super) fn json(files: &Files, config: &TokenizerConfig) -> Result<Option<Vec<u8>>, LoadError> {
    let refused =
        |place: &str, problem: String| LoadError::new(files.name_of(place), problem, CONVERT);
    let Some((vocabulary, merges)) = &files.slow_tokenizer else {
        return match files.other_tokenizer {
            None => Ok(None),
            Some((file, kind)) => Err(refused(
                file,
                format!("the model's tokenizer is {kind}, which cannot be read here"),
            )),
        };
    };
    let class = config.class().unwrap_or("none");
    let Some((_, split)) = CLASSES.iter().find(|(name, _)| *name == class) else {
        let known: Vec<&str> = CLASSES.iter().map(|(name, _)| *name).collect();
        return Err(refused(
            "tokenizer_config.json",
            format!(
                "the tokenizer_class `{}` with vocab.json and merges.txt is not known here, only {}",
                class.chars().take(60).collect::<String>().escape_default(),
                known.join(", ")
            ),
        ));
    };
    let vocabulary = object(vocabulary.as_bytes(), &files.name_of("vocab.json"))?;
    let is_id = |id: &Value| id.as_u64().is_some_and(|id| TokenId::try_from(id).is_ok());
    if let Some((token, id)) = vocabulary.iter().find(|(_, id)| !is_id(id)) {
        return Err(refused("vocab.json", format!("the id of {token:?} is {id}, and no token's")));
    }
    let mut pairs = Vec::new();
    let lines = merges.lines().enumerate().filter(|(_, line)| !line.starts_with("#version"));
    for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let damaged =
            |problem: &str| refused("merges.txt", format!("line {} {problem}", index + 1));
        let pair = line.split_once(' ').filter(|(_, right)| !right.contains(' '));
        let (left, right) = pair.ok_or_else(|| damaged("is no pair of tokens"))?;
        let joined = format!("{left}{right}");
        let unknown =
            [left, right, &joined].into_iter().find(|text| !vocabulary.contains_key(*text));
        if let Some(unknown) = unknown {
            return Err(damaged(&format!("joins {unknown:?}, which vocab.json does not have")));
        }
        pairs.push((left, right));
    }
    let whole = ByteLevel {
        vocabulary,
        merges: pairs,
        added: Vec::new(),
        split,
        prefix_space: config.flag("add_prefix_space"),
        around: Value::Null,
    };
    Ok(Some(whole.json()))
}
