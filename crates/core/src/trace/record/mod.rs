//! The records of format version 1. Minor versions only add fields; readers ignore the unknown.

mod decision;
mod knob;
mod prediction;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canvas::{NO_EOS, NO_TOKEN, SpecialTokens, TokenId},
    decode::{ParamError, ParamSpec, State, Value},
    predict::{Grid, Reading},
};

pub(super) use decision::{Dropped, Eos, RecordedDecision, Why};
pub use decision::{RecordedEdit, RecordedOverride};
pub use knob::RecordedKnob;
pub(super) use knob::knobs;
pub(super) use prediction::{
    Form, LeftOut, RecordedColumns, RecordedPrediction, RecordedValues, Sparse,
};

/// Major and minor version.
pub const VERSION: [u32; 2] = [1, 9];

/// The format's name, in every header.
pub(super) const FORMAT: &str = "demask";

/// One line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Record {
    /// What the recording is of: the first line, and only that.
    Header(Header),
    /// Token texts by id, before an id is first used.
    Tokens {
        /// Texts, by the token's id in decimal digits.
        tokens: BTreeMap<String, RecordedText>,
    },
    /// A run starts on a first canvas.
    Root(Root),
    /// A prediction is known.
    Prediction(RecordedPrediction),
    /// A step is made.
    Step(RecordedStep),
    /// The user edits. Since 1.1.
    Edit(Edited),
    /// A branch gets a name, or with null loses it. Since 1.1.
    Name {
        /// The node at the branch's end.
        tip: usize,
        /// The new name; null takes it away.
        name: Option<String>,
    },
    /// A branch is deleted, or comes back. Since 1.1.
    Delete {
        /// The node at the branch's end.
        tip: usize,
        /// False brings it back.
        deleted: bool,
    },
    /// The user's edit is undone, or redone. Since 1.5.
    Undo {
        /// The node it made: an end of the tree.
        edit: usize,
        /// False makes it again.
        undone: bool,
    },
    /// A bookmark is set, or with null taken away. Since 1.1.
    Mark {
        /// The node that is marked.
        node: usize,
        /// The bookmark's name; null takes it away.
        name: Option<String>,
    },
    /// A note is written, or removed where the text is null. Since 1.9.
    Note {
        /// The node whose canvas it is about.
        node: usize,
        /// The position that it is about, by its slot.
        slot: u32,
        /// The text of the note; null removes the note.
        text: Option<String>,
    },
    /// The session is closed.
    End {
        /// The node that the user left.
        at: usize,
        /// Why the run was over there: `complete`, `stagnant`, `out_of_steps` (1.2); null where it
        /// was left in the middle.
        #[serde(default)]
        finish: Option<String>,
    },
    /// From a later minor version.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// The first line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// The format's name: `demask`.
    pub format: String,
    /// Major and minor version.
    pub version: [u32; 2],
    /// The program that wrote it.
    #[serde(default)]
    pub generator: String,
    /// What is known of the model.
    pub model: RecordedModel,
    /// The decoding strategy's name.
    pub strategy: String,
    /// What the user typed, if anything.
    #[serde(default)]
    pub prompt_text: String,
    /// What was said about the chat template; absent where nothing was. Since 1.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<RecordedChat>,
    /// Columns asked for beyond what the strategy needs, and candidates kept in `top_k`.
    #[serde(default)]
    pub asked: RecordedRequest,
    /// Display columns and the significant digits they keep; all other numbers are exact.
    #[serde(default)]
    pub rounded: BTreeMap<String, u32>,
    /// The parameters of another program's strategy, which it reads in each step. Since 1.6.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub knobs: Vec<RecordedKnob>,
}

/// What was said about the chat template that the prompt was put into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Chat")]
pub struct RecordedChat {
    /// Another template than the model's own to start with: a name, a file, or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Its variables, as they were given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// The system prompt; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// What a recording says of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Model")]
pub struct RecordedModel {
    /// A short name, as it is shown to the user.
    pub name: String,
    /// Family of the architecture, such as `llada`.
    #[serde(default)]
    pub family: String,
    /// The device that it was computed on.
    #[serde(default)]
    pub device: String,
    /// The type of number that it was computed in.
    #[serde(default)]
    pub dtype: String,
    /// Columns of the logits. Here and below, absent where it is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub vocabulary: usize,
    /// Longest sequence it was made for, positions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub context: usize,
    /// Number of transformer layers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub layers: usize,
    /// The mask token. Absent since 1.4 where there is none.
    #[serde(default = "no_token", skip_serializing_if = "is_no_token")]
    pub mask: TokenId,
    /// The end-of-sequence token. Absent since 1.4 where it is not known.
    #[serde(default = "no_token", skip_serializing_if = "is_no_token")]
    pub eos: TokenId,
    /// Position `i` is predicted at position `i - 1`. Since 1.3.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shift: bool,
    /// Positions in a block, where attention is block-causal. Since 1.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<usize>,
    /// Where the blocks are counted from. Since 1.5.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub grid: Grid,
    /// Who sees whom and what says so, for the user. Since 1.5.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub attention: String,
}

fn no_token() -> TokenId {
    NO_TOKEN
}

fn is_no_token(token: &TokenId) -> bool {
    matches!(*token, NO_TOKEN | NO_EOS)
}

fn is_usual(grid: &Grid) -> bool {
    *grid == Grid::default()
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The state of a strategy whose writer recorded none.
fn foreign() -> State {
    State::Foreign
}

fn is_foreign(state: &State) -> bool {
    *state == State::Foreign
}

impl RecordedModel {
    /// Its mask and end-of-sequence tokens, or what stands for those that are not known.
    pub fn special(&self) -> SpecialTokens {
        let neither = is_no_token(&self.mask) && is_no_token(&self.eos);
        SpecialTokens { mask: self.mask, eos: if neither { NO_EOS } else { self.eos } }
    }

    /// How its predictions are read.
    pub fn reading(&self) -> Reading {
        Reading { shift: self.shift, block: self.block.filter(|&block| block > 0), grid: self.grid }
    }
}

/// What every request of the recording asked for, for the user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Asked")]
pub struct RecordedRequest {
    /// Names of the columns beyond those that decisions read.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Candidates kept for each position; 0 is none.
    #[serde(default)]
    pub top_k: usize,
    /// What passes left uncomputed: `prefix` or `dual`; absent where all are exact. Since 1.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
}

/// A token's text: a string, bytes that are part of a character, a control token's name, or
/// null where the vocabulary has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Text")]
pub(super) enum RecordedText {
    /// Characters, none of them in part.
    Whole(String),
    /// Part of a character.
    Bytes {
        /// Its bytes, two hexadecimal digits each.
        hex: String,
    },
    /// A control token such as `<|eot_id|>`.
    Control {
        /// The token's name, as it is shown.
        control: String,
    },
    /// The vocabulary has no text for it.
    None(()),
}

/// A strategy's parameters, by name.
pub(super) type RecordedParams = BTreeMap<String, Param>;

/// A parameter's value; whole numbers stay whole. Names and lists since 1.2, true and false since 1.6.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Param {
    /// A whole number, such as a length.
    Int(i64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A name, or a line of text.
    Name(String),
    /// A list of token ids.
    Tokens(Vec<TokenId>),
    /// A switch, as a boolean.
    Switch(bool),
}

impl From<Value> for Param {
    fn from(value: Value) -> Self {
        match value {
            Value::Int(value) => Self::Int(value),
            Value::Float(value) => Self::Float(value),
            Value::Name(name) => Self::Name(name.to_owned()),
            Value::Tokens(list) => Self::Tokens(list.ids().to_vec()),
        }
    }
}

impl Param {
    /// The value, as `spec` has it.
    pub fn value(&self, spec: &ParamSpec) -> Result<Value, ParamError> {
        match self {
            Self::Int(value) => spec.check(Value::Int(*value)),
            Self::Float(value) => spec.check(Value::Float(*value)),
            Self::Name(name) => spec.parse(name),
            Self::Switch(on) => spec.parse(&on.to_string()),
            Self::Tokens(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                spec.parse(&ids.join("+"))
            }
        }
    }
}

/// The start of a run: a prompt with masks behind it, and perhaps a suffix behind these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Root {
    /// The node's number: whatever the writer likes, once a file.
    pub id: usize,
    /// Ids of the prompt.
    #[serde(default)]
    pub prompt: Vec<TokenId>,
    /// Masks behind the prompt; absent since 1.4 where `canvas` is there.
    #[serde(default)]
    pub length: usize,
    /// What the generated region holds at the start, if it is not all masks. Since 1.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canvas: Option<Vec<TokenId>>,
    /// Positions of `canvas` that nothing is written at yet: it holds noise there. Since 1.6.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<usize>,
    /// Positions of `canvas` whose token is fixed: text between two holes. Since 1.7.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<usize>,
    /// Ids of what stands behind the generated region on every canvas of the run. Since 1.7.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suffix: Vec<TokenId>,
    /// Absent since 1.4 in recordings of other programs' strategies.
    #[serde(default = "foreign", skip_serializing_if = "is_foreign")]
    pub state: State,
    /// The strategy's parameters, by name.
    #[serde(default)]
    pub params: RecordedParams,
}

/// A step from a known node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Step")]
pub(super) struct RecordedStep {
    /// The new node's number.
    pub id: usize,
    /// The node stepped from; several steps may have one.
    pub parent: usize,
    /// The prediction it was decided on; absent since 1.4 where none is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<String>,
    /// The parameters, where they differ from those of the parent's step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<RecordedParams>,
    /// Absent since 1.4 where `canvas` says what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<RecordedDecision>,
    /// What the generated region holds afterwards, for writers that do not know their edits.
    /// Since 1.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canvas: Option<Vec<TokenId>>,
    /// Positions of `canvas` that nothing is written at yet: it holds noise there. Since 1.6.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<usize>,
    /// The state afterwards; absent since 1.4 in recordings of other programs' strategies.
    #[serde(default = "foreign", skip_serializing_if = "is_foreign")]
    pub state: State,
    /// XXH3-64 over the ids of the generated region afterwards, as little-endian u32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// How long it took; absent where it is not known.
    #[serde(default, skip_serializing_if = "RecordedTiming::is_unknown")]
    pub timing: RecordedTiming,
}

/// The user's edits of a known node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Edited {
    /// The new node's number.
    pub id: usize,
    /// The node whose canvas was edited.
    pub parent: usize,
    /// The edits, in order.
    pub edits: Vec<RecordedEdit>,
    /// The state afterwards; absent since 1.5 in recordings of other programs' strategies.
    #[serde(default = "foreign", skip_serializing_if = "is_foreign")]
    pub state: State,
    /// The parameters in force, where they differ from the parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<RecordedParams>,
    /// As in a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// The time that a step took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "Timing")]
pub(super) struct RecordedTiming {
    /// The forward pass; 0 where its prediction was known.
    pub forward_ms: f64,
    /// Planning the request and deciding on the answer.
    pub decide_ms: f64,
}

impl RecordedTiming {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}
