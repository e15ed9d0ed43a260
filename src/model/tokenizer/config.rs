//! What the files beside a tokenizer say of it: tokenizer_config.json, special_tokens_map.json and
//! added_tokens.json, put together as transformers does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tokenizers::AddedToken;

use crate::{
    canvas::TokenId,
    model::{LoadError, files::Files},
};

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

/// What is said of a tokenizer beside it.
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    fields: Map<String, Value>,
    /// Tokens with the ids that they are said to have.
    pub added: BTreeMap<TokenId, AddedToken>,
}

impl Config {
    /// Reads the files.
    ///
    /// # Errors
    /// If one is no JSON, or says of a token what cannot be.
    pub(super) fn read(files: &Files) -> Result<Self, LoadError> {
        let object = |file: &str, text: &Option<String>| {
            let Some(text) = text else { return Ok(Map::new()) };
            serde_json::from_str::<Map<String, Value>>(text).map_err(|error| {
                LoadError::new(
                    files.name_of(file),
                    format!("this is no JSON object ({error})"),
                    "Fetch the file again from where the model came from",
                )
            })
        };
        let mut fields = object("tokenizer_config.json", &files.tokenizer_config)?;
        let mut added = BTreeMap::new();
        let wrong = |file: &str, token: &Value| {
            LoadError::new(
                files.name_of(file),
                format!("this is no token: {token}"),
                "Fetch the file again from where the model came from",
            )
        };
        match fields.get("added_tokens_decoder").and_then(Value::as_object) {
            Some(decoder) => {
                for (id, token) in decoder {
                    let place = "tokenizer_config.json";
                    let id: TokenId = id.parse().map_err(|_| wrong(place, &Value::from(&**id)))?;
                    added.insert(id, added_token(token).ok_or_else(|| wrong(place, token))?);
                }
            }
            // Older files name the special tokens in one of their own.
            None => {
                let map = object("special_tokens_map.json", &files.special_tokens_map)?;
                fields.extend(map.into_iter().filter(|(_, value)| !value.is_null()));
            }
        }
        let mut config = Self { fields, added };
        let special: Vec<String> =
            config.special().into_iter().map(|token| token.content).collect();
        for (text, id) in object("added_tokens.json", &files.added_tokens)? {
            let number = id.as_u64().and_then(|id| TokenId::try_from(id).ok());
            let number = number.ok_or_else(|| wrong("added_tokens.json", &id))?;
            let known = config.added.values().any(|token| token.content == text);
            if !known && !config.added.contains_key(&number) {
                let special = special.contains(&text);
                let token = AddedToken::from(text, special).normalized(!special);
                config.added.insert(number, token);
            }
        }
        Ok(config)
    }

    /// transformers' class.
    pub(super) fn class(&self) -> Option<&str> {
        self.fields.get("tokenizer_class")?.as_str()
    }

    /// A field that is true or false; false where it is missing.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.fields.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A field.
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
        for name in ["additional_special_tokens", "extra_special_tokens"] {
            match self.fields.get(name) {
                Some(Value::Array(tokens)) => tokens.iter().for_each(&mut put),
                Some(Value::Object(tokens)) => tokens.values().for_each(&mut put),
                _ => {}
            }
        }
        found
    }
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
