//! The tokenizer: byte-level BPE learned from generated text, in the Hugging Face layout.

use std::path::Path;

use anyhow::{Result, anyhow};
use demask::eval::tasks;
use serde_json::json;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer, TokenizerBuilder};

/// LLaDA's special tokens, in the order of their ids here.
pub const SPECIALS: [&str; 6] = [
    "<|startoftext|>",
    "<|endoftext|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|mdm_mask|>",
];

/// LLaDA's chat template, as `tokenizer_config.json` carries it.
const CHAT_TEMPLATE: &str = "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";

/// The prompt's text after the chat template.
pub fn chat(prompt: &str) -> String {
    format!(
        "<|startoftext|><|start_header_id|>user<|end_header_id|>\n\n{prompt}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    )
}

/// Learns `size` entries, special tokens included, and writes the tokenizer's three files.
pub fn build(folder: &Path, size: usize, seed: u64) -> Result<()> {
    let specials: Vec<AddedToken> = SPECIALS.iter().map(|&s| AddedToken::from(s, true)).collect();
    let mut trainer = BpeTrainer::builder()
        .vocab_size(size)
        .min_frequency(2)
        .show_progress(false)
        .special_tokens(specials)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    let mut tokenizer = TokenizerBuilder::<
        BPE,
        tokenizers::NormalizerWrapper,
        ByteLevel,
        ByteLevel,
        ByteLevel,
    >::default()
    .with_model(BPE::default())
    .with_normalizer(None)
    .with_pre_tokenizer(Some(ByteLevel::new(false, true, true)))
    .with_post_processor(None)
    .with_decoder(Some(ByteLevel::default()))
    .build()
    .map_err(|e| anyhow!("tokenizer: {e}"))?;
    // Numbers up to 99 must be single tokens, so that a sum is one look-up.
    let numbers: Vec<String> = (0..100).map(|n| format!("x {n}")).collect();
    let mut text: Vec<String> = std::iter::repeat_n(numbers, 1_000).flatten().collect();
    for problem in tasks::training_mixture(seed, tasks::MIXTURE).take(12_000) {
        text.push(problem.prompt);
        text.push(problem.answer);
    }
    text.extend(std::iter::repeat_n("user\n\n assistant\n\n".to_string(), 500));
    tokenizer.train(&mut trainer, text.into_iter()).map_err(|e| anyhow!("tokenizer: {e}"))?;
    tokenizer.save(folder.join("tokenizer.json"), true).map_err(|e| anyhow!("tokenizer: {e}"))?;

    let decoder: serde_json::Map<String, serde_json::Value> = SPECIALS
        .iter()
        .enumerate()
        .map(|(id, content)| {
            let entry = json!({"content": content, "lstrip": false, "normalized": false, "rstrip": false, "single_word": false, "special": true});
            (id.to_string(), entry)
        })
        .collect();
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": SPECIALS[0],
        "eos_token": SPECIALS[1],
        "pad_token": SPECIALS[1],
        "mask_token": SPECIALS[5],
        "clean_up_tokenization_spaces": false,
        "model_max_length": 1024,
        "chat_template": CHAT_TEMPLATE,
        "added_tokens_decoder": decoder,
    });
    let map = json!({"bos_token": SPECIALS[0], "eos_token": SPECIALS[1], "pad_token": SPECIALS[1], "mask_token": SPECIALS[5]});
    std::fs::write(
        folder.join("tokenizer_config.json"),
        serde_json::to_string_pretty(&config)? + "\n",
    )?;
    std::fs::write(
        folder.join("special_tokens_map.json"),
        serde_json::to_string_pretty(&map)? + "\n",
    )?;
    Ok(())
}

/// A tokenizer with the ids training needs.
pub struct Vocabulary {
    tokenizer: Tokenizer,
    /// End of sequence and padding.
    pub eos: u32,
    /// The id of the mask token.
    pub mask: u32,
    /// The number of entries.
    pub size: usize,
    /// Whether an entry is a number with or without a leading space.
    pub is_number: Vec<bool>,
}

impl Vocabulary {
    /// Reads `tokenizer.json` from `folder`.
    pub fn load(folder: &Path) -> Result<Self> {
        let tokenizer = Tokenizer::from_file(folder.join("tokenizer.json"))
            .map_err(|e| anyhow!("tokenizer: {e}"))?;
        let id = |token: &str| tokenizer.token_to_id(token).ok_or_else(|| anyhow!("no {token}"));
        let (eos, mask) = (id(SPECIALS[1])?, id(SPECIALS[5])?);
        let size = tokenizer.get_vocab_size(true);
        let is_number = (0..size as u32)
            .map(|id| {
                let token = tokenizer.id_to_token(id).unwrap_or_default();
                let digits = token.strip_prefix('Ġ').unwrap_or(&token);
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
            })
            .collect();
        Ok(Vocabulary { tokenizer, eos, mask, size, is_number })
    }

    /// The ids of `text`; special tokens are recognised.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.tokenizer.encode_fast(text, false).expect("any text can be encoded").get_ids().to_vec()
    }

    /// The text of `ids` without special tokens.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.tokenizer.decode(ids, true).unwrap_or_default()
    }
}
