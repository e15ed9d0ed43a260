//! Text to ids and back.

mod added;
mod byte_level;
mod config;
mod encoder;
mod gguf;
mod slow;

use std::{borrow::Cow, collections::HashMap, path::Path};

use config::TokenizerConfig;
pub use encoder::Encoder;
use serde_json::Value;

use super::{
    LoadError,
    chat::{Chat, ChatSettings, DEFAULT, Messages, NamedTemplate, Templates},
    files::{Files, Tensors},
    unpanicked,
};
use crate::{
    canvas::TokenId,
    predict::{Piece, Vocabulary},
};

/// The longest prompt that is encoded, bytes: a tokenizer needs a hundred times as much memory.
const LONGEST_PROMPT: usize = 1 << 22;

/// Mask tokens by their names in known tokenizers.
const MASK_NAMES: [&str; 3] = ["<|mdm_mask|>", "<|mask|>", "[MASK]"];

/// Tokens that end a turn of a conversation, by their names in known tokenizers.
const TURN_NAMES: [&str; 5] =
    ["<|eot_id|>", "<|im_end|>", "<|role_end|>", "<|end_of_turn|>", "[/Answer]"];

/// A checkpoint's tokenizer, chat template and token texts.
pub struct Tokenizer {
    place: String,
    inner: Option<tokenizers::Tokenizer>,
    pieces: HashMap<TokenId, Piece>,
    chat: Chat,
    eos: String,
    mask: Option<String>,
    turn: Option<TokenId>,
    /// `clean_up_tokenization_spaces`: decoding takes blanks away before punctuation.
    tidies: bool,
}

impl Tokenizer {
    /// Reads tokenizer.json and the chat template. A checkpoint without a tokenizer can still be
    /// given token ids. `family` is its model type, `settings` what the user says about
    /// the chat template.
    ///
    /// # Errors
    /// If a file is damaged, the tokenizer has ids the model has no row for, or there is no such
    /// template.
    pub(super) fn read(
        files: &Files,
        columns: usize,
        family: &str,
        settings: &ChatSettings,
    ) -> Result<Self, LoadError> {
        let slow = files.tokenizer.is_none() && files.slow_tokenizer.is_some();
        let place = files.name_of(if slow { "vocab.json" } else { "tokenizer.json" });
        let config = TokenizerConfig::read(files)?;
        let bytes = match (&files.tokenizer, &files.tensors) {
            (Some(bytes), _) => Some(Cow::Borrowed(bytes)),
            (None, Tensors::Gguf(file)) => gguf::json(&file.metadata, &place)?.map(Cow::Owned),
            (None, _) => slow::json(files, &config)?.map(Cow::Owned),
        };
        let inner = match &bytes {
            None => None,
            Some(bytes) => {
                let damaged = |error| {
                    LoadError::new(
                        &place,
                        format!("this is no tokenizer ({error})"),
                        "Fetch the file again from where the model came from",
                    )
                };
                let mut inner = parse(bytes).map_err(damaged)?;
                // Another's tokenizer has nothing to do with what stands beside the model's own.
                if files.tokenizer_place.is_none() {
                    added::add(&mut inner, &config, columns).map_err(|(file, problem)| {
                        LoadError::new(
                            files.name_of(file),
                            problem,
                            "Save the tokenizer again with transformers, or give another with \
                             --tokenizer FILE",
                        )
                    })?;
                }
                if files.tokenizer.is_none() {
                    added::surround(&mut inner, &config).map_err(damaged)?;
                }
                Some(inner)
            }
        };
        let mut pieces = HashMap::new();
        if let Some(inner) = &inner {
            let special: HashMap<TokenId, bool> = inner
                .get_added_tokens_decoder()
                .iter()
                .map(|(id, token)| (*id, token.special))
                .collect();
            let bytes = alphabet();
            let vocabulary = inner.get_vocab(true);
            let beyond = vocabulary.iter().filter(|(_, id)| **id as usize >= columns);
            if let Some((text, id)) = beyond.min_by_key(|(_, id)| **id) {
                let added = config.added.get(id).filter(|added| added.token.content == *text);
                return Err(LoadError::new(
                    added.map_or_else(|| place.clone(), |added| files.name_of(added.file)),
                    format!("token {id} ({text:?}) has no row in the model's {columns}"),
                    "Check that the tokenizer and config.json belong to the same model",
                ));
            }
            for (text, id) in vocabulary {
                pieces.insert(id, piece(&text, special.get(&id).copied(), &bytes));
            }
        }
        let turn = config.token("eot_token");
        let turns = turn.iter().map(String::as_str).chain(TURN_NAMES);
        let turn = inner.as_ref().and_then(|inner: &tokenizers::Tokenizer| {
            turns.into_iter().find_map(|name| inner.token_to_id(name))
        });
        let family = ChatSettings::of_family(family);
        let chat = Chat::new(&templates(files, &config), config.named(), &family, settings);
        let chat = chat.map_err(|problem| {
            let (place, what) = problem.split_once(": ").unwrap_or(("--chat-template", &problem));
            LoadError::new(place, what, "`demask info` shows the model's own")
        })?;
        Ok(Self {
            place,
            turn,
            tidies: config.field("clean_up_tokenization_spaces") == true,
            inner,
            pieces,
            chat,
            eos: config.token("eos_token").unwrap_or_default(),
            mask: config.token("mask_token"),
        })
    }

    /// The token with this text.
    pub(super) fn id(&self, text: &str) -> Option<TokenId> {
        self.inner.as_ref()?.token_to_id(text)
    }

    /// The end-of-sequence token that tokenizer_config.json names.
    pub(super) fn eos(&self) -> Option<TokenId> {
        self.id(&self.eos)
    }

    /// A tokenizer.json alone, for the texts of its tokens.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub fn of_file(path: &Path) -> Result<Self, LoadError> {
        let files = Files::of_tokenizer(path)?;
        Self::read(&files, TokenId::MAX as usize, "", &ChatSettings::default())
    }

    /// The mask token that tokenizer_config.json names.
    pub(super) fn named_mask(&self) -> Option<TokenId> {
        self.id(self.mask.as_ref()?)
    }

    /// The mask token: the one that tokenizer_config.json names, else by its name in known
    /// tokenizers.
    pub fn mask(&self) -> Option<TokenId> {
        self.named_mask().or_else(|| MASK_NAMES.into_iter().find_map(|name| self.id(name)))
    }

    /// The token that ends a turn of a conversation, if the tokenizer has one. It is shown to
    /// the user and decides nothing.
    pub fn end_of_turn(&self) -> Option<TokenId> {
        self.turn
    }

    /// How prompts are put into the chat template.
    pub fn chat(&self) -> &Chat {
        &self.chat
    }

    /// Tokens that have a text; 0 without a tokenizer.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether there is no tokenizer.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn tokenizer(&self) -> Result<&tokenizers::Tokenizer, String> {
        self.inner.as_ref().ok_or_else(|| {
            format!(
                "{}: there is no tokenizer. Give one with --tokenizer FILE, or token ids with \
                 --prompt-ids",
                self.place
            )
        })
    }

    fn ids_of(&self, text: String, add_special: bool) -> Result<Vec<TokenId>, String> {
        let inner = self.tokenizer()?;
        if text.len() > LONGEST_PROMPT {
            return Err(format!(
                "the prompt has {} MiB of text, and more than {} MiB fits no model. Shorten it",
                text.len() >> 20,
                LONGEST_PROMPT >> 20
            ));
        }
        let encoding = unpanicked(|| inner.encode(text, add_special))
            .map_err(|error| format!("{}: the prompt cannot be encoded ({error})", self.place))?;
        Ok(encoding.get_ids().to_vec())
    }
}

impl Encoder for Tokenizer {
    fn encode_begun(&self, messages: &Messages, begun: &str) -> Result<Vec<TokenId>, String> {
        self.tokenizer()?;
        // A template writes its own special tokens.
        let (text, add_special) = match self.chat.text(messages)? {
            None => (messages.asked(), true),
            Some(text) => (text, false),
        };
        self.ids_of(text + begun, add_special)
    }

    fn whole_text(&self, ids: &[TokenId]) -> Result<String, String> {
        let Some(inner) = &self.inner else { return Ok(String::new()) };
        let text = unpanicked(|| inner.decode(ids, false))
            .map_err(|error| format!("{}: the answer cannot be decoded ({error})", self.place))?;
        Ok(if self.tidies { tidied(text) } else { text })
    }

    fn unread_variables(&self) -> Vec<String> {
        self.chat.unread().into_iter().map(Into::into).collect()
    }

    fn encode_text(&self, text: &str) -> Result<Vec<TokenId>, String> {
        self.ids_of(text.to_owned(), false)
    }
}

impl Vocabulary for Tokenizer {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        self.pieces.get(&id).cloned()
    }

    fn ids(&self) -> Vec<TokenId> {
        let mut ids: Vec<TokenId> = self.pieces.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    fn answer_opening(&self) -> Option<String> {
        const WORDS: &str = "what somebody asks";
        let text = self.chat.text(&Messages::of(WORDS)).ok()??;
        text.rsplit_once(WORDS).map(|(_, behind)| behind.to_owned())
    }
}

/// Reads a tokenizer. Truncation and padding that were saved with it are for batches of training
/// text: here they would cut a prompt silently.
fn parse(bytes: &[u8]) -> Result<tokenizers::Tokenizer, String> {
    let mut tokenizer = unpanicked(|| tokenizers::Tokenizer::from_bytes(bytes))?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
    Ok(tokenizer)
}

/// A text without the blanks that `clean_up_tokenization_spaces` takes away, in its order.
fn tidied(text: String) -> String {
    [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ]
    .into_iter()
    .fold(text, |text, (from, to)| text.replace(from, to))
}

/// The chat templates of a checkpoint, as the tokenizers of transformers look for them: files of their own, else
/// tokenizer_config.json, which holds one or several with names. What only processors read,
/// chat_template.json, is not theirs.
fn templates(files: &Files, config: &TokenizerConfig) -> Templates {
    let named = |name: &str, text: &str, file: &str| NamedTemplate {
        name: name.to_owned(),
        text: text.to_owned(),
        place: files.name_of(file),
    };
    if !files.chat_templates.is_empty() {
        let files = files.chat_templates.iter();
        let files = files.map(|(name, file, text)| named(name, text, file));
        return Templates { named: files.collect(), fault: None };
    }
    let within = "tokenizer_config.json";
    // One text; a list of named ones, or an object of them.
    let entries: Option<Vec<(&str, &str)>> = match config.field("chat_template") {
        Value::Null => Some(Vec::new()),
        Value::String(text) => Some(vec![(DEFAULT, text)]),
        Value::Array(entries) => entries
            .iter()
            .map(|entry| Some((entry["name"].as_str()?, entry["template"].as_str()?)))
            .collect(),
        Value::Object(entries) => {
            entries.iter().map(|(name, text)| Some((name.as_str(), text.as_str()?))).collect()
        }
        Value::Bool(_) | Value::Number(_) => None,
    };
    let fault = entries.is_none().then(|| {
        format!(
            "{}: its `chat_template` is neither a text nor a list of texts, each with a `name` and \
             a `template`. Correct it, or give another with --chat-template FILE, or `none`",
            files.name_of(within)
        )
    });
    let entries = entries.unwrap_or_default().into_iter();
    Templates { named: entries.map(|(name, text)| named(name, text, within)).collect(), fault }
}

/// The text of a vocabulary entry. `special` is known for added tokens.
fn piece(text: &str, special: Option<bool>, alphabet: &HashMap<char, u8>) -> Piece {
    if let Some(special) = special {
        return if special {
            Piece::Control(text.to_owned())
        } else {
            Piece::Text(text.to_owned())
        };
    }
    if let Some(byte) = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'))
        && let Ok(byte) = u8::from_str_radix(byte, 16)
    {
        return from_bytes(vec![byte]);
    }
    let bytes: Option<Vec<u8>> = text.chars().map(|c| alphabet.get(&c).copied()).collect();
    match bytes {
        Some(bytes) => from_bytes(bytes),
        // Sentence pieces write a space as ▁.
        None => Piece::Text(text.replace('▁', " ")),
    }
}

fn from_bytes(bytes: Vec<u8>) -> Piece {
    String::from_utf8(bytes).map_or_else(|error| Piece::Bytes(error.into_bytes()), Piece::Text)
}

/// The byte-level alphabet of GPT-2: every byte as a printable character.
fn alphabet() -> HashMap<char, u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 256;
    (0..=255u8)
        .map(|byte| {
            let code = if printable(byte) {
                u32::from(byte)
            } else {
                next += 1;
                next - 1
            };
            (char::from_u32(code).unwrap_or('\u{FFFD}'), byte)
        })
        .collect()
}

#[cfg(test)]
mod tests;
