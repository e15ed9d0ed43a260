//! What the files beside a tokenizer say of it: tokenizer_config.json, special_tokens_map.json and
//! added_tokens.json, put together as transformers does.

use std::collections::BTreeMap;

use serde_json::Value;
use tokenizers::AddedToken;

use crate::{LoadError, canvas::TokenId, files::Files, small_files::JsonObject};

/// Special tokens that have a name in transformers, which chat templates know too.
const NAMED: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"];

/// What classes of transformers take for these where the files do not say.
const OF_CLASSES: [(&str, &[&str]); 3] = [
    ("Qwen2Tokenizer", &["unk_token", "eos_token", "pad_token"]),
    ("DreamTokenizer", &["unk_token", "eos_token", "pad_token"]),
    ("GPT2Tokenizer", &["unk_token", "bos_token", "eos_token"]),
];

/// What those classes take.
const END_OF_TEXT: &str = "<|endoftext|>";

/// Fields whose value is true or false.
const FLAGS: [&str; 4] =
    ["add_bos_token", "add_eos_token", "add_prefix_space", "clean_up_tokenization_spaces"];

/// Fields that hold several tokens.
const LISTS: [&str; 2] = ["additional_special_tokens", "extra_special_tokens"];

/// The names of the files.
const CONFIG: &str = "tokenizer_config.json";
const MAP: &str = "special_tokens_map.json";
const ADDED: &str = "added_tokens.json";

/// What is said of a tokenizer beside it.
#[derive(Debug, Clone, Default)]
pub(super) struct TokenizerConfig {
    fields: JsonObject,
    /// Tokens with the ids that they are said to have.
    pub added: BTreeMap<TokenId, Added>,
}

/// A token that a file says has an id.
#[derive(Debug, Clone)]
pub(super) struct Added {
    pub token: AddedToken,
    /// The file that says so.
    pub file: &'static str,
}

impl TokenizerConfig {
    /// Puts together what the files say.
    ///
    /// # Errors
    /// If a file describes a token that cannot exist, or has a field of another type.
    pub(super) fn read(files: &Files) -> Result<Self, LoadError> {
        let wrong = |file: &str, problem: String| {
            let advice = "Compare it with the file of the original model, or save the tokenizer \
                          again with transformers";
            LoadError::new(files.name_of(file), problem, advice)
        };
        let mut fields = files.tokenizer_config.clone();
        check(&fields).map_err(|problem| wrong(CONFIG, problem))?;
        check(&files.special_tokens_map).map_err(|problem| wrong(MAP, problem))?;
        let mut added = BTreeMap::new();
        match fields.get("added_tokens_decoder").and_then(Value::as_object) {
            Some(decoder) => {
                for (id, value) in decoder {
                    let token = id.parse().ok().zip(added_token(value));
                    let Some((id, token)) = token else {
                        let problem = format!("added_tokens_decoder has no token: {id}: {value}");
                        return Err(wrong(CONFIG, problem));
                    };
                    added.insert(id, Added { token, file: CONFIG });
                }
            }
            // Older files name the special tokens in one of their own.
            None => {
                let map = files.special_tokens_map.iter().filter(|(_, value)| !value.is_null());
                fields.extend(map.map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        let mut config = Self { fields, added };
        let special: Vec<String> =
            config.special().into_iter().map(|token| token.content).collect();
        for (text, id) in &files.added_tokens {
            let number = id.as_u64().and_then(|id| TokenId::try_from(id).ok());
            let number = number.ok_or_else(|| {
                wrong(ADDED, format!("the id of {text:?} is {id}, and no number"))
            })?;
            let known = config.added.values().any(|added| added.token.content == *text);
            if !known && !config.added.contains_key(&number) {
                let special = special.contains(text);
                let token = AddedToken::from(text.as_str(), special).normalized(!special);
                config.added.insert(number, Added { token, file: ADDED });
            }
        }
        Ok(config)
    }

    /// The name of transformers' class.
    pub(super) fn class(&self) -> Option<&str> {
        self.fields.get("tokenizer_class")?.as_str()
    }

    /// A field that is true or false; false where it is missing.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.fields.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A field; null where it is missing.
    pub(super) fn field(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    /// A special token's text by its name.
    pub(super) fn token(&self, name: &str) -> Option<String> {
        match self.fields.get(name) {
            Some(value) => Some(added_token(value)?.content),
            None => {
                let class = self.class()?.trim_end_matches("Fast");
                let (_, names) = OF_CLASSES.iter().find(|(known, _)| *known == class)?;
                names.contains(&name).then(|| END_OF_TEXT.to_owned())
            }
        }
    }

    /// The special tokens that chat templates know, with their names.
    pub(super) fn named(&self) -> Vec<(String, String)> {
        let named = NAMED.iter().filter_map(|name| Some(((*name).to_owned(), self.token(name)?)));
        named.collect()
    }

    /// All special tokens: those with names, then the others.
    pub(super) fn special(&self) -> Vec<AddedToken> {
        let mut found: Vec<AddedToken> = Vec::new();
        let mut put = |value: &Value| {
            if let Some(token) = added_token(value)
                && !found.iter().any(|other| other.content == token.content)
            {
                let normalized = value.get("normalized").and_then(Value::as_bool).unwrap_or(false);
                found.push(AddedToken { special: true, ..token }.normalized(normalized));
            }
        };
        for name in NAMED {
            if let Some(text) = self.token(name) {
                put(self.fields.get(name).unwrap_or(&Value::from(text)));
            }
        }
        // Names of the model's own, like eot_token.
        let other = self
            .fields
            .iter()
            .filter(|(name, _)| name.ends_with("_token") && !NAMED.contains(&name.as_str()));
        for (_, value) in other.filter(|(_, value)| value.is_string() || value.is_object()) {
            put(value);
        }
        for name in LISTS {
            match self.fields.get(name) {
                Some(Value::Array(tokens)) => tokens.iter().for_each(&mut put),
                Some(Value::Object(tokens)) => tokens.values().for_each(&mut put),
                _ => {}
            }
        }
        found
    }
}

/// Checks the types of the fields that are read here. The chat template is checked where it is
/// chosen: another one may be given in its place.
///
/// # Errors
/// In words, with the first field that is of another type.
fn check(fields: &JsonObject) -> Result<(), String> {
    let tokens = |value: &Value| match value {
        Value::Array(tokens) => tokens.iter().all(|token| added_token(token).is_some()),
        Value::Object(tokens) => tokens.values().all(|token| added_token(token).is_some()),
        _ => false,
    };
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let expected = match name.as_str() {
            flag if FLAGS.contains(&flag) && !value.is_boolean() => "true or false",
            token if NAMED.contains(&token) && added_token(value).is_none() => {
                "a text, or an object with `content`"
            }
            list if LISTS.contains(&list) && !tokens(value) => "a list of tokens",
            "added_tokens_decoder" if !value.is_object() => "an object of tokens by their ids",
            "tokenizer_class" if !value.is_string() => "a text",
            _ => continue,
        };
        let shown: String = value.to_string().chars().take(60).collect();
        return Err(format!("{name} is {shown}, expected {expected}"));
    }
    Ok(())
}

/// A token: its text, or an object that holds it with its flags.
fn added_token(value: &Value) -> Option<AddedToken> {
    if let Some(text) = value.as_str() {
        return Some(AddedToken::from(text, false));
    }
    let text = value.get("content")?.as_str()?;
    let flag = |name: &str| value.get(name).and_then(Value::as_bool);
    let special = flag("special").unwrap_or(false);
    Some(
        AddedToken::from(text, special)
            .single_word(flag("single_word").unwrap_or(false))
            .lstrip(flag("lstrip").unwrap_or(false))
            .rstrip(flag("rstrip").unwrap_or(false))
            .normalized(flag("normalized").unwrap_or(!special)),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_of_another_type_is_refused_by_its_name() {
        let check = |fields: Value| check(fields.as_object().unwrap());
        for fields in [
            json!({ "eos_token": null, "add_bos_token": null, "chat_template": null }),
            json!({ "eos_token": "a", "bos_token": { "content": "b" }, "add_bos_token": true }),
            json!({ "extra_special_tokens": ["a"], "additional_special_tokens": { "x": "b" } }),
            json!({ "chat_template": "x", "added_tokens_decoder": {}, "whatever": 5 }),
            json!({ "chat_template": 5 }),
        ] {
            assert_eq!(check(fields.clone()), Ok(()), "{fields}");
        }
        for (fields, expected) in [
            (
                json!({ "add_bos_token": "true" }),
                "add_bos_token is \"true\", expected true or false",
            ),
            (json!({ "add_prefix_space": 1 }), "add_prefix_space is 1, expected true or false"),
            (json!({ "eos_token": 5 }), "eos_token is 5, expected a text, or"),
            (json!({ "mask_token": ["a"] }), "mask_token is [\"a\"], expected a text"),
            (json!({ "pad_token": {} }), "pad_token is {}, expected a text"),
            (
                json!({ "extra_special_tokens": "a" }),
                "extra_special_tokens is \"a\", expected a list",
            ),
            (json!({ "additional_special_tokens": [5] }), "tokens is [5], expected a list"),
            (json!({ "added_tokens_decoder": [] }), "added_tokens_decoder is [], expected"),
            (json!({ "tokenizer_class": 5 }), "tokenizer_class is 5, expected a text"),
        ] {
            let problem = check(fields.clone()).unwrap_err();
            assert!(problem.contains(expected), "{fields}: {problem}");
        }
    }
}
