//! Tokenizers saved as vocab.json and merges.txt, by transformers' classes in Python.

use serde_json::{Map, Value};

use super::{
    byte_level::{ByteLevel, QWEN2, Split},
    config::Config,
};
use crate::model::{LoadError, files::Files};

/// Classes that can be read, and how they cut text. Dream's is Qwen2's under its own name.
const CLASSES: [(&str, Split); 5] = [
    ("Qwen2Tokenizer", QWEN2),
    ("Qwen2TokenizerFast", QWEN2),
    ("DreamTokenizer", QWEN2),
    ("GPT2Tokenizer", Split::ByteLevel),
    ("GPT2TokenizerFast", Split::ByteLevel),
];

/// How to get a file that can be read.
const CONVERT: &str = "Save it with transformers, which writes a tokenizer.json \
    (AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)), or give one with --tokenizer FILE";

/// What tokenizer.json would say; `None` if there is no such tokenizer.
///
/// # Errors
/// If it is damaged, or of a kind that is not known here.
pub(super) fn json(files: &Files, config: &Config) -> Result<Option<Vec<u8>>, LoadError> {
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
    let vocabulary: Map<String, Value> = serde_json::from_str(vocabulary)
        .map_err(|error| refused("vocab.json", format!("it is no vocabulary ({error})")))?;
    if let Some((token, id)) = vocabulary.iter().find(|(_, id)| id.as_u64().is_none()) {
        return Err(refused("vocab.json", format!("the id of {token:?} is {id}, and no number")));
    }
    let mut pairs = Vec::new();
    let lines = merges.lines().enumerate().filter(|(_, line)| !line.starts_with("#version"));
    for (index, line) in lines {
        match line.split_once(' ').filter(|(_, right)| !right.contains(' ')) {
            Some(pair) => pairs.push(pair),
            None if line.is_empty() => {}
            None => {
                let problem = format!("line {} is no pair of tokens", index + 1);
                return Err(refused("merges.txt", problem));
            }
        }
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
