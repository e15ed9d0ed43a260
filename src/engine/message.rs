//! The messages of the protocol, one JSON object a line. Readers pass over fields that they do not
//! know; of the engine's messages, types that nobody here knows are passed over too. What is said of
//! a field here is what docs/protocol.md says of it.
//!
//! ```
//! use demask::engine::message::{FromEngine, Hello, ToEngine};
//!
//! let hello = serde_json::to_value(ToEngine::Hello(Hello::with(None)))?;
//! assert_eq!((&hello["type"], &hello["protocol"]), (&"hello".into(), &1.into()));
//! let answer: FromEngine = serde_json::from_str(r#"{"type": "ids", "id": 7, "ids": [5, 6]}"#)?;
//! assert_eq!(answer.id(), Some(7));
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::memory::MemoryAddress;
use crate::{
    canvas::TokenId,
    model::Messages,
    predict::{Grid, Request},
};

/// The version of the protocol. An engine that speaks another is refused.
pub const PROTOCOL: u32 = 1;

/// The longest message, bytes: the columns of 100,000 positions take less.
pub const LONGEST_MESSAGE: u64 = 64 << 20;

/// How many characters are shown of a line that is no message.
const CHARACTERS_SHOWN: usize = 120;

/// The beginning of a line that the other side sent, for the user.
pub fn shortened(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    let shown: String = text.chars().take(CHARACTERS_SHOWN).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{shown}{more}")
}

/// The first message of demask, to an engine and to a sampling loop.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FirstMessage")]
pub struct Hello<'a> {
    /// The version of the protocol: 1.
    pub protocol: u32,
    /// The program and its version.
    pub program: &'a str,
    /// The token that an engine or a loop on a TCP socket printed when it began to listen; null for
    /// other connections.
    pub token: Option<&'a str>,
    /// Memory of this machine in which an engine may leave logits where a request allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryAddress>,
}

impl<'a> Hello<'a> {
    /// That of this program.
    pub fn with(token: Option<&'a str>) -> Self {
        let program = concat!("demask ", env!("CARGO_PKG_VERSION"));
        Self { protocol: PROTOCOL, program, token, memory: None }
    }
}

/// What demask sends to an engine. Requests have a number, which their answers repeat.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "ToEngine")]
pub enum ToEngine<'a> {
    /// The first message, which the engine answers with its own `hello`.
    Hello(Hello<'a>),
    /// Asks for the texts of some tokens.
    Texts {
        /// The request's number, which its answer repeats.
        id: u64,
        /// The first of the tokens.
        first: u32,
        /// How many tokens from there on.
        count: u32,
    },
    /// Asks for the ids of a text.
    Encode {
        /// The request's number, which its answer repeats.
        id: u64,
        /// The conversation or the text.
        #[serde(flatten)]
        what: Encode<'a>,
    },
    /// Asks for the text of some ids, control tokens by name.
    Decode {
        /// The request's number, which its answer repeats.
        id: u64,
        /// The ids of the text.
        ids: &'a [TokenId],
    },
    /// Asks for a forward pass. *Rows* are the positions that are wanted, counted from the first of
    /// them.
    Predict {
        /// The request's number, which its answers repeat.
        id: u64,
        /// What the pass depends on.
        #[serde(flatten)]
        request: &'a Request,
        /// True if the engine may leave the logits in the memory that `hello` names, in place of
        /// columns in its answer: those of the rows in order, float32, with guidance applied, but
        /// neither noise, suppression nor filters.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        memory: bool,
    },
    /// The answer to this request is not wanted any more. The engine still answers it: by an `error`
    /// of kind `cancelled`, unless it has answered already.
    Cancel {
        /// The number of that request.
        id: u64,
    },
}

/// A conversation or a text whose ids are wanted.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Encode<'a> {
    /// A conversation, which goes through the chat template, with the generation prompt behind it.
    Chat {
        /// The turns: each has a `role`, mostly a `content`, and whatever else its template reads.
        #[schemars(schema_with = "turns")]
        messages: &'a Messages,
        /// Words that the answer begins with; they follow the template's last character.
        begun: &'a str,
        /// Variables of the template.
        variables: &'a BTreeMap<String, serde_json::Value>,
    },
    /// A text as it is.
    Text {
        /// The text, with no template around it.
        text: &'a str,
        /// Whether the tokenizer adds the special tokens that it puts around a text.
        special: bool,
    },
}

fn turns(_: &mut SchemaGenerator) -> Schema {
    let role = serde_json::json!({ "type": "string" });
    json_schema!({
        "type": "array",
        "items": { "type": "object", "properties": { "role": role }, "required": ["role"] },
    })
}

/// What an engine sends to demask.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "FromEngine")]
pub enum FromEngine {
    /// The engine greets: its model is loaded.
    Hello(Box<EngineGreeting>),
    /// The model is still being loaded; any number of times before `hello`.
    Loading {
        /// What is being done, in words.
        work: String,
        /// How much of it is done, in any unit.
        #[serde(default)]
        done: u64,
        /// The whole of it in that unit; 0 if that is not known.
        #[serde(default)]
        of: u64,
    },
    /// A line for the user, before `hello`; later ones are not shown.
    Log {
        /// The text of the line.
        text: String,
    },
    /// The answer to `texts`.
    Texts {
        /// The number of the request that it answers.
        id: u64,
        /// A text for each token, in order; null for a token without one.
        texts: Vec<Option<TokenText>>,
    },
    /// The answer to `encode`.
    Ids {
        /// The number of the request that it answers.
        id: u64,
        /// The ids of the text, in order.
        ids: Vec<TokenId>,
    },
    /// The answer to `decode`.
    Text {
        /// The number of the request that it answers.
        id: u64,
        /// The text of the ids, in one piece.
        text: String,
    },
    /// A layer is done; at most 50 such messages a second.
    Progress {
        /// The number of the request that it is about.
        id: u64,
        /// Layers computed so far.
        done: usize,
        /// Layers in all; the head counts as a layer.
        of: usize,
    },
    /// The answer to `predict`.
    Prediction {
        /// The number of the request that it answers.
        id: u64,
        /// The columns that were asked for, by name.
        #[serde(default)]
        columns: BTreeMap<String, WireValues>,
        /// True if the logits are in memory, and no columns are here.
        #[serde(default)]
        memory: bool,
    },
    /// A request failed, or the engine did.
    Error(Failure),
    /// A type that this version does not know.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

impl FromEngine {
    /// The number of the request that this is about.
    pub fn id(&self) -> Option<u64> {
        match self {
            Self::Texts { id, .. }
            | Self::Ids { id, .. }
            | Self::Text { id, .. }
            | Self::Progress { id, .. }
            | Self::Prediction { id, .. } => Some(*id),
            Self::Error(failure) => failure.id,
            Self::Hello(_) | Self::Loading { .. } | Self::Log { .. } | Self::Unknown => None,
        }
    }
}

/// What an engine or a sampling loop could not do.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Failure {
    /// The request's number; null if it is about no request, as always in a sampling loop.
    #[serde(default)]
    pub id: Option<u64>,
    /// What kind of failure it is.
    #[serde(default)]
    pub kind: ErrorKind,
    /// What is wrong and what to do, in one paragraph.
    pub message: String,
    /// The last lines of Python's traceback.
    #[serde(default)]
    pub traceback: Option<String>,
}

/// The kinds of failures that the program tells apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// This engine or loop cannot do what was asked.
    Unsupported,
    /// It was tried, and it failed.
    #[default]
    Failed,
    /// The request was cancelled.
    Cancelled,
    /// A message was not understood.
    Protocol,
    /// The model could not be loaded.
    Load,
}

/// How an engine describes itself and its model, once that is loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EngineGreeting")]
pub struct EngineGreeting {
    /// The version of the protocol: 1.
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
    /// The mask token; null where the model has none.
    #[serde(default)]
    pub mask: Option<TokenId>,
    /// The end-of-sequence token; null where the model has none.
    #[serde(default)]
    pub eos: Option<TokenId>,
    /// Tokens that the model's configuration names for decoding: `delete_token_id` and
    /// `split_token_id`, where it has them.
    #[serde(default)]
    pub tokens: BTreeMap<String, TokenId>,
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
    /// Names of what requests may ask for: `attention_full`, `attention_keys` and
    /// `attention_blocks` (the forms of `attention`), `positions`, `guidance`, `filters`, `noise`
    /// (`sampling`), `earlier`, `shadow`, `credits`, `alternatives`, `lowered`, `targets`. What is not named is not asked for. An engine may also
    /// name `progress` (it sends that).
    #[serde(default)]
    pub can: Vec<String>,
    /// Warnings about the model for the user, a sentence each.
    #[serde(default)]
    pub findings: Vec<String>,
}

/// What a token stands for in a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TokenText {
    /// Characters, none of them in part.
    Text(String),
    /// A control token such as `<|eot_id|>`.
    Control {
        /// The token's name, as it is shown.
        control: String,
    },
    /// Part of a character.
    Bytes {
        /// The bytes, in order.
        bytes: Vec<u8>,
    },
}

/// The values of a column: base64 of little-endian numbers, one a row.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Values")]
pub enum WireValues {
    /// Candidates, the column `top_k`: `k` a row, row after row, best first.
    Ranked {
        /// Candidates in a row.
        k: usize,
        /// Their ids, as base64 of u32.
        ids: String,
        /// Their probabilities, as base64 of f32.
        p: String,
    },
    /// Token ids: `argmax`, `choice`, `best_unmask`.
    Ids {
        /// Base64 of u32 numbers.
        u32: String,
    },
    /// Numbers: all other columns.
    Numbers {
        /// Base64 of f32 numbers.
        f32: String,
    },
}
