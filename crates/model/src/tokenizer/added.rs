//! Tokens that stand beside a tokenizer's own: in tokenizer_config.json, added_tokens.json and
//! special_tokens_map.json.

use serde_json::{Value, from_value};
use tokenizers::{AddedToken, PostProcessorWrapper, Tokenizer};

use super::{
    byte_level::around,
    config::{Added, TokenizerConfig},
};

/// Adds them as transformers does: first those with ids, in order, then special tokens that have
/// none yet. A special token is left out where the model's `columns` hold no row for it.
///
/// # Errors
/// If one would get another id than it is said to have: the file that says so, and why, in words.
pub(super) fn add(
    tokenizer: &mut Tokenizer,
    config: &TokenizerConfig,
    columns: usize,
) -> Result<(), (&'static str, String)> {
    let special = config.special();
    let known = |tokenizer: &Tokenizer, text: &str| tokenizer.token_to_id(text).is_some();
    let new: Vec<_> =
        config.added.iter().filter(|(_, added)| !known(tokenizer, &added.token.content)).collect();
    for (id, Added { token, file }) in &new {
        if let Some(other) = tokenizer.id_to_token(**id) {
            let text = &token.content;
            let problem =
                format!("the token {text:?} is said to have the id {id}, which {other:?} has");
            return Err((file, problem));
        }
    }
    let added = config.added.values().map(|Added { token, .. }| {
        let named = special.iter().any(|other| other.content == token.content);
        AddedToken { special: token.special || named, ..token.clone() }
    });
    let failed = |error: tokenizers::Error| ("tokenizer_config.json", error.to_string());
    tokenizer.add_tokens(added).map_err(failed)?;
    for (id, Added { token, file }) in new {
        let given = tokenizer.token_to_id(&token.content);
        if given != Some(*id) {
            let problem = format!(
                "the token {:?} is said to have the id {id}, and comes to have {}: ids before it \
                 have no token",
                token.content,
                given.map_or_else(|| "none".to_owned(), |given| given.to_string())
            );
            return Err((file, problem));
        }
    }
    let mut left = columns.saturating_sub(tokenizer.get_vocab_size(true));
    for token in special {
        if !known(tokenizer, &token.content) && left > 0 {
            left -= 1;
            tokenizer.add_tokens([token]).map_err(failed)?;
        }
    }
    Ok(())
}

/// Puts the tokens around a text that `add_bos_token` and `add_eos_token` ask for.
///
/// # Errors
/// In words, if the library does not take them.
pub(super) fn surround(tokenizer: &mut Tokenizer, config: &TokenizerConfig) -> Result<(), String> {
    let wanted = |flag: &str, name: &str| {
        let text = config.token(name).filter(|_| config.flag(flag))?;
        let id = tokenizer.token_to_id(&text)?;
        Some((text, id))
    };
    let bos = wanted("add_bos_token", "bos_token");
    let eos = wanted("add_eos_token", "eos_token");
    let [first, last] = [&bos, &eos].map(|token| token.as_ref().map(|(text, id)| (&**text, *id)));
    let processor = around(first, last);
    if processor != Value::Null {
        let processor: PostProcessorWrapper =
            from_value(processor).map_err(|error| error.to_string())?;
        tokenizer.with_post_processor(Some(processor));
    }
    Ok(())
}
