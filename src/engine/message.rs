//! The messages of the protocol, one JSON object a line. Readers pass over fields that they do not
//! know; of the engine's messages, types that nobody here knows are passed over too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    canvas::TokenId,
    model::Messages,
    predict::{Grid, Request},
};

/// The version of the protocol. An engine that speaks another is refused.
pub const PROTOCOL: u32 = 1;

/// The longest message, bytes: the columns of 100,000 positions take less.
pub const LONGEST: u64 = 64 << 20;

/// How many characters are shown of a line that is no message.
const SHOWN: usize = 120;

/// The beginning of a line that the other side sent, for people.
pub fn shortened(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    let shown: String = text.chars().take(SHOWN).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{shown}{more}")
}

/// Messages that demask sends. Requests have a number, which their answers repeat.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Ask<'a> {
    /// The first message.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// The program and its version.
        program: &'a str,
        /// The token that an engine on a TCP socket printed when it began to listen.
        token: Option<&'a str>,
    },
    /// The texts of some tokens.
    Texts {
        /// The request's number.
        id: u64,
        /// The first token.
        first: u32,
        /// How many.
        count: u32,
    },
    /// The ids of a text.
    Encode {
        /// The request's number.
        id: u64,
        /// The conversation or the text.
        #[serde(flatten)]
        what: Encode<'a>,
    },
    /// The text of some ids, control tokens by name.
    Decode {
        /// The request's number.
        id: u64,
        /// The tokens.
        ids: &'a [TokenId],
    },
    /// A forward pass.
    Predict {
        /// The request's number.
        id: u64,
        /// The request itself.
        #[serde(flatten)]
        request: &'a Request,
    },
    /// The answer to this request is not wanted any more. The engine still answers it, by an error.
    Cancel {
        /// The request's number.
        id: u64,
    },
}

/// A conversation or a text whose ids are wanted.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Encode<'a> {
    /// A conversation, through the chat template, with the generation prompt behind it.
    Chat {
        /// The turns.
        messages: &'a Messages,
        /// Words that the answer begins with; they follow the template's last character.
        begun: &'a str,
        /// Variables of the template.
        variables: &'a BTreeMap<String, serde_json::Value>,
    },
    /// A text as it is.
    Text {
        /// The text.
        text: &'a str,
        /// Whether the tokenizer adds the special tokens that it puts around a text.
        special: bool,
    },
}

/// Messages that an engine sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Tell {
    /// The model is loaded.
    Hello(Box<Greeting>),
    /// The model is still being loaded.
    Loading {
        /// The current step of loading, in words.
        work: String,
        /// How much of this step is done, in any unit.
        #[serde(default)]
        done: u64,
        /// The whole of this step in that unit; 0 if that is not known.
        #[serde(default)]
        of: u64,
    },
    /// A line for the user.
    Log {
        /// The line.
        text: String,
    },
    /// Token texts, in order.
    Texts {
        /// The request's number.
        id: u64,
        /// A text for each token; none for a token without a text.
        texts: Vec<Option<TokenText>>,
    },
    /// Token ids.
    Ids {
        /// The request's number.
        id: u64,
        /// The ids.
        ids: Vec<TokenId>,
    },
    /// A text.
    Text {
        /// The request's number.
        id: u64,
        /// The text.
        text: String,
    },
    /// A layer is done.
    Progress {
        /// The request's number.
        id: u64,
        /// Layers done.
        done: usize,
        /// Layers in all; the head counts as one.
        of: usize,
    },
    /// The answer of a forward pass.
    Prediction {
        /// The request's number.
        id: u64,
        /// The columns by name.
        columns: BTreeMap<String, Values>,
    },
    /// A request failed, or the engine did.
    Error {
        /// The request's number; none if it is about no request.
        id: Option<u64>,
        /// What kind of failure it is.
        kind: ErrorKind,
        /// What is wrong and what to do, in one paragraph.
        message: String,
        /// The last lines of Python's traceback.
        traceback: Option<String>,
    },
    /// A type that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Tell {
    /// The number of the request that this is about.
    pub fn id(&self) -> Option<u64> {
        match self {
            Self::Texts { id, .. }
            | Self::Ids { id, .. }
            | Self::Text { id, .. }
            | Self::Progress { id, .. }
            | Self::Prediction { id, .. } => Some(*id),
            Self::Error { id, .. } => *id,
            Self::Hello(_) | Self::Loading { .. } | Self::Log { .. } | Self::Unknown => None,
        }
    }
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request cannot be answered by this engine.
    Unsupported,
    /// The computation failed.
    Failed,
    /// The request was cancelled.
    Cancelled,
    /// A message was not understood.
    Protocol,
    /// The model could not be loaded.
    Load,
}

/// How an engine describes itself and its model, once that is loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Greeting {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The engine's program and its version.
    pub engine: String,
    /// The model's short name.
    pub name: String,
    /// Its architecture, as `model_type` in config.json says; empty for a function.
    #[serde(default)]
    pub family: String,
    /// The device that the model is on, e.g. `cuda:0`.
    pub device: String,
    /// The type that the model computes in, e.g. `bfloat16`.
    pub dtype: String,
    /// Columns of the logits.
    pub vocabulary: u32,
    /// Longest sequence in positions, prompt included.
    pub context: usize,
    /// Transformer layers; 0 if that is not known.
    #[serde(default)]
    pub layers: usize,
    /// The number of parameters; 0 if that is not known.
    #[serde(default)]
    pub parameters: u64,
    /// The mask token.
    #[serde(default)]
    pub mask: Option<TokenId>,
    /// The end-of-sequence token.
    #[serde(default)]
    pub eos: Option<TokenId>,
    /// Position `i` is predicted by the logits of position `i - 1`.
    #[serde(default)]
    pub shift: bool,
    /// Positions in a block of block-causal attention.
    #[serde(default)]
    pub block: Option<usize>,
    /// Where the blocks are counted from.
    #[serde(default)]
    pub grid: Grid,
    /// Who sees whom, and how that is known, in words.
    #[serde(default)]
    pub attention: String,
    /// Whether there is a chat template.
    #[serde(default)]
    pub template: bool,
    /// Names of what requests may ask for (docs/engine.md).
    #[serde(default)]
    pub can: Vec<String>,
    /// Warnings about the model for the user, a sentence each.
    #[serde(default)]
    pub findings: Vec<String>,
}

/// A token's text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum TokenText {
    /// Whole characters.
    Text(String),
    /// A control token.
    Control {
        /// Its name.
        control: String,
    },
    /// Part of a character.
    Bytes {
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// The values of a column: base64 of little-endian numbers, one a row.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// Candidates: `k` a row, row after row, best first.
    Ranked {
        /// Candidates in a row.
        k: usize,
        /// Their ids, u32.
        ids: String,
        /// Their probabilities, f32.
        p: String,
    },
    /// Token ids.
    Ids {
        /// u32.
        u32: String,
    },
    /// Numbers.
    Numbers {
        /// f32.
        f32: String,
    },
}
