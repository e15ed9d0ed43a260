//! What everything but the tensors needs to know of a model: its facts and its token texts.

use crate::canvas::{SpecialTokens, TokenId};
use crate::escape::{characters, is_hidden, is_mark};

/// Facts of a loaded model, shown and recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFacts {
    /// Short name: the folder's, or `tiny` for the embedded one.
    pub name: String,
    /// Architecture, as `model_type` in config.json says.
    pub family: String,
    /// Device computed on, e.g. `cpu`.
    pub device: String,
    /// Type computed in, e.g. `f32`.
    pub dtype: String,
    /// Columns of the logits.
    pub vocabulary: usize,
    /// Longest sequence the model was made for, prompt included.
    pub context: usize,
    /// Number of transformer layers.
    pub layers: usize,
    /// Mask and end-of-sequence token.
    pub special: SpecialTokens,
    /// How its predictions are read.
    pub reading: Reading,
    /// Who sees whom and what says so, for the user; empty where it is not known.
    pub attention: String,
}

/// How a model wants to be run and read, whatever the strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Position `i` is predicted by the logits of position `i - 1` (Dream).
    pub shift: bool,
    /// Attention is block-causal, with this many positions in a block.
    pub block: Option<usize>,
    /// Where the blocks are counted from.
    pub grid: Grid,
}

/// Where the blocks of block-causal attention are counted from.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Grid {
    /// From the generated region, so that a block starts where it does (dLLM's bd3lm models).
    #[default]
    Prompt,
    /// From position 0, so that the prompt's tail shares the first block (LLaDA2.x, SDAR).
    Start,
}

/// What a token stands for in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Characters, none of them in part.
    Text(String),
    /// Bytes that are only part of a character.
    Bytes(Vec<u8>),
    /// A control token such as `<|eot_id|>`; its name.
    Control(String),
}

impl Piece {
    /// Bytes of the text or name.
    pub fn length(&self) -> usize {
        match self {
            Self::Text(text) | Self::Control(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// The bytes this token stands for in a text; control tokens stand for none.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Control(_) => &[],
        }
    }
}

/// Token texts by id.
pub trait Vocabulary: Send + Sync {
    /// The text of `id`; `None` if the vocabulary has none (models can have more rows than their
    /// tokenizer has tokens).
    fn piece(&self, id: TokenId) -> Option<Piece>;

    /// Every id that has a text, in order.
    fn ids(&self) -> Vec<TokenId>;

    /// The lowest id whose text, or whose name if it is a control token, is `text`.
    fn find(&self, text: &str) -> Option<TokenId> {
        self.ids().into_iter().find(|&id| match self.piece(id) {
            Some(Piece::Text(piece) | Piece::Control(piece)) => piece == text,
            Some(Piece::Bytes(_)) | None => false,
        })
    }

    /// A token as it is named in sentences: “text”, ⟨name⟩ of a control token, ⟨[E4, B8]⟩ for a part
    /// of a character, #id where there is no text.
    fn named(&self, id: TokenId) -> String {
        match self.piece(id) {
            Some(Piece::Text(text)) => format!("“{}”", escaped(&text)),
            Some(Piece::Control(name)) => format!("⟨{}⟩", escaped(&name)),
            Some(Piece::Bytes(bytes)) => format!("⟨{bytes:02X?}⟩"),
            None => format!("#{id}"),
        }
    }

    /// What the model's chat template puts behind a user's words to open the answer, control tokens
    /// by their names; `None` where no template is known.
    fn answer_opening(&self) -> Option<String> {
        None
    }

    /// The text of a run of tokens: control tokens left out, broken characters as U+FFFD.
    fn text(&self, ids: &[TokenId]) -> String {
        joined(self, ids)
    }
}

/// A text as `escape_debug` writes it, but for marks and joiners where they belong.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, (c, hidden)) in characters(text).enumerate() {
        match !hidden && (is_hidden(c) || (is_mark(c) && at > 0)) {
            true => escaped.push(c),
            false => escaped.extend(c.escape_debug()),
        }
    }
    escaped
}

/// The pieces of tokens, one behind the other.
pub fn joined(vocabulary: &(impl Vocabulary + ?Sized), ids: &[TokenId]) -> String {
    let pieces = ids.iter().filter_map(|&id| vocabulary.piece(id));
    let bytes: Vec<u8> = pieces.flat_map(|piece| piece.bytes().to_vec()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
