//! Text to token ids and back, by a tokenizer of ours or an engine's.

use crate::{Messages, canvas::TokenId, predict::Vocabulary};

/// A model's tokenizer and chat template.
pub trait Encoder: Vocabulary {
    /// The ids of a conversation: inside the chat template if there is one, otherwise a single
    /// prompt as it is. `begun`, the words that the answer begins with, follow the template's last
    /// character and belong to the prompt.
    ///
    /// # Errors
    /// In words, if there is no tokenizer, or the template refuses or is missing.
    fn encode_begun(&self, messages: &Messages, begun: &str) -> Result<Vec<TokenId>, String>;

    /// The ids of a conversation whose answer is still empty.
    ///
    /// # Errors
    /// Those of [`Self::encode_begun`].
    fn encode(&self, messages: &Messages) -> Result<Vec<TokenId>, String> {
        self.encode_begun(messages, "")
    }

    /// The ids of one prompt.
    ///
    /// # Errors
    /// Those of [`Self::encode_begun`].
    fn encode_prompt(&self, prompt: &str) -> Result<Vec<TokenId>, String> {
        self.encode(&Messages::of(prompt))
    }

    /// The text of a run of tokens with all control tokens by name, as a published evaluation
    /// reads it; empty without a tokenizer.
    ///
    /// # Errors
    /// In words, if the tokenizer's decoder refuses.
    fn whole_text(&self, ids: &[TokenId]) -> Result<String, String>;

    /// Variables that a user gave and the chat template never reads; none if that is not known.
    fn unread_variables(&self) -> Vec<String> {
        Vec::new()
    }

    /// The ids of a text as it is: no template around it, and no special token that is not written
    /// in it.
    ///
    /// # Errors
    /// In words, if there is no tokenizer or it refuses.
    fn encode_text(&self, text: &str) -> Result<Vec<TokenId>, String>;

    /// Number of tokens of a text, without special ones; 0 without a tokenizer.
    fn count(&self, text: &str) -> usize {
        self.encode_text(text).map_or(0, |ids| ids.len())
    }
}
