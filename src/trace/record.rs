//! The records of format version 1. Minor versions only add fields; readers ignore the unknown.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canvas::{NO_TOKEN, TokenId},
    decode::{ParamError, ParamSpec, State, Value},
    predict::Reading,
};

/// Major and minor version.
pub const VERSION: [u32; 2] = [1, 4];

/// The format's name, in every header.
pub(super) const FORMAT: &str = "demask";

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Record {
    /// First line.
    Header(Header),
    /// Token texts by id, before an id is first used.
    Tokens { tokens: BTreeMap<String, Text> },
    /// A run starts.
    Root(Root),
    /// A prediction is known.
    Prediction(Prediction),
    /// A step is made.
    Step(Step),
    /// A person edits. Since 1.1.
    Edit(Edited),
    /// A branch gets a name, or with null loses it. Since 1.1.
    Name { tip: usize, name: Option<String> },
    /// A branch is deleted, or comes back. Since 1.1.
    Delete { tip: usize, deleted: bool },
    /// A bookmark is set, or with null taken away. Since 1.1.
    Mark { node: usize, name: Option<String> },
    /// The session is closed.
    End {
        at: usize,
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
    /// `demask`.
    pub format: String,
    /// Major and minor version.
    pub version: [u32; 2],
    /// The program that wrote it.
    #[serde(default)]
    pub generator: String,
    /// The model's facts.
    pub model: Model,
    /// The decoding strategy's name.
    pub strategy: String,
    /// What the user typed, if anything.
    #[serde(default)]
    pub prompt_text: String,
    /// Columns asked for beyond what the strategy needs, and candidates kept in `top_k`.
    #[serde(default)]
    pub asked: Asked,
    /// Display columns and the significant digits they keep; all other numbers are exact.
    #[serde(default)]
    pub rounded: BTreeMap<String, u32>,
}

/// A model's facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// Short name.
    pub name: String,
    /// Architecture.
    #[serde(default)]
    pub family: String,
    /// Device computed on.
    #[serde(default)]
    pub device: String,
    /// Type computed in.
    #[serde(default)]
    pub dtype: String,
    /// Columns of the logits.
    #[serde(default)]
    pub vocabulary: usize,
    /// Longest sequence, positions.
    #[serde(default)]
    pub context: usize,
    /// Layers.
    #[serde(default)]
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
}

fn no_token() -> TokenId {
    NO_TOKEN
}

fn is_no_token(token: &TokenId) -> bool {
    *token == NO_TOKEN
}

/// The state of a strategy whose writer recorded none.
fn foreign() -> State {
    State::Foreign
}

impl Model {
    /// How its predictions are read.
    pub fn reading(&self) -> Reading {
        Reading { shift: self.shift, block: self.block.filter(|&block| block > 0) }
    }
}

/// What every request of the recording asked for, for people.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    /// Column names.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Candidates per position.
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
pub(super) enum Text {
    Whole(String),
    Bytes { hex: String },
    Control { control: String },
    None(()),
}

/// Parameters by name.
pub(super) type Params = BTreeMap<String, Param>;

/// A parameter's value; whole numbers stay whole. Names and lists since 1.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Param {
    Int(i64),
    Float(f64),
    Name(String),
    Tokens(Vec<TokenId>),
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
            Self::Tokens(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                spec.parse(&ids.join("+"))
            }
        }
    }
}

/// The start of a run: a prompt with masks behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Root {
    pub id: usize,
    #[serde(default)]
    pub prompt: Vec<TokenId>,
    /// Masks behind the prompt; absent since 1.4 where `canvas` is there.
    #[serde(default)]
    pub length: usize,
    /// What the generated region holds at the start, if it is not all masks. Since 1.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canvas: Option<Vec<TokenId>>,
    /// Absent since 1.4 in recordings of other programs' strategies.
    #[serde(default = "foreign")]
    pub state: State,
    #[serde(default)]
    pub params: Params,
}

/// A prediction. Exact: argmax, choice, p_choice, p_eos, best_unmask, p_best_unmask, p_argmax.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Prediction {
    /// 32 hexadecimal digits.
    pub key: String,
    /// Generated positions.
    pub rows: usize,
    pub columns: Columns,
    /// What the pass left uncomputed; absent where it was exact. Since 1.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<LeftOut>,
}

/// What an approximate pass did not compute: outside the window everything is that of an earlier
/// full pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct LeftOut {
    /// The canvas of the full pass, as in the `hash` of a step.
    pub from: String,
    /// First generated position computed, and the one behind the last.
    pub window: [usize; 2],
}

/// Columns, one entry per generated position unless said otherwise; `null` = not finite, absent
/// = not recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Columns {
    /// null since 1.4 where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argmax: Option<Vec<Option<TokenId>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_argmax: Option<Vec<Option<f32>>>,
    /// Absent where it equals `argmax` throughout; null since 1.4 where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Vec<Option<TokenId>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_choice: Option<Vec<Option<f32>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_eos: Option<Vec<Option<f32>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_current: Option<Vec<Option<f32>>>,
    /// Rounded; masked positions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entropy: Option<Sparse<Option<f32>>>,
    /// Rounded; masked positions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<Sparse<Option<f32>>>,
    /// What the strategy ranks by. Since 1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Vec<Option<f32>>>,
    /// KL divergence from an earlier step, nats. Since 1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kl: Option<Vec<Option<f32>>>,
    /// Probability of the token held, at the position's shadow; null where it has none. Since 1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_shadow: Option<Vec<Option<f32>>>,
    /// The best token without the mask token and its probability: only where the choice is the
    /// mask token, since nothing reads it elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_unmask: Option<Sparse<(TokenId, Option<f32>)>>,
    /// Rounded; masked positions only, without improbable candidates behind the best two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<Sparse<(Vec<TokenId>, Vec<f32>)>>,
}

/// A column with values at some positions only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Sparse<T> {
    pub at: Vec<usize>,
    pub values: Vec<T>,
}

/// A step from a known node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Step {
    pub id: usize,
    pub parent: usize,
    /// The prediction it was decided on; absent since 1.4 where none is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<String>,
    /// The parameters, where they differ from those of the parent's step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// Absent since 1.4 where `canvas` says what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// What the generated region holds afterwards, for writers that do not know their edits.
    /// Since 1.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canvas: Option<Vec<TokenId>>,
    /// The state afterwards; absent since 1.4 in recordings of other programs' strategies.
    #[serde(default = "foreign")]
    pub state: State,
    /// XXH3-64 over the ids of the generated region afterwards, as little-endian u32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    #[serde(default)]
    pub timing: Timing,
}

/// A person's edits of a known node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Edited {
    pub id: usize,
    pub parent: usize,
    pub edits: Vec<Edit>,
    /// The state afterwards.
    pub state: State,
    /// The parameters in force, where they differ from the parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// As in a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Timing {
    pub forward_ms: f64,
    pub decide_ms: f64,
}

/// What a step did, and why.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Decision {
    /// Absent since 1.4 in recordings of other programs' strategies.
    #[serde(default)]
    pub mode: String,
    #[serde(default)]
    pub edits: Vec<Edit>,
    /// Fills, remaskings, expansions and refusals with their numbers. Positions not named were left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<Why>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eos: Option<Eos>,
}

/// A change; slots name positions by identity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Edit {
    /// Slot, token.
    Fill(u32, TokenId),
    /// Slot, token.
    Replace(u32, TokenId),
    /// Slot.
    Remask(u32),
    /// Slot, number of masks.
    Expand(u32, usize),
    /// Number of masks.
    AppendMask(usize),
    /// Number of end-of-sequence tokens.
    AppendEos(usize),
    /// Slot, number of masks before it. Since 1.1.
    Insert(u32, usize),
    /// Slot, what is asked of it. Since 1.1.
    Wish(u32, Wish),
    /// Slot, token that must not be written there. Since 1.1.
    Veto(u32, TokenId),
    /// Slot, token that may be written there again. Since 1.1.
    Allow(u32, TokenId),
    /// Slot.
    Delete(u32),
    /// Length afterwards.
    Truncate(usize),
}

/// What a person asks of a position; what is left out is not asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Wish {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expand: Option<bool>,
}

/// Why a position was filled, masked again, expanded or refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Why {
    Fill {
        at: usize,
        token: TokenId,
        p: f32,
        rule: FillRule,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        threshold: Option<f32>,
    },
    Expand {
        at: usize,
        p: f32,
        threshold: f32,
        n: usize,
        eos: f32,
        eos_threshold: f32,
    },
    /// Since 1.1.
    Forced {
        at: usize,
        p: f32,
        n: usize,
    },
    /// Since 1.2.
    Remask {
        at: usize,
        token: TokenId,
        /// Absent where the rule knows none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        p: Option<f32>,
        rule: RemaskRule,
    },
    Refused {
        at: usize,
        p: f32,
        threshold: f32,
        because: Refusal,
    },
}

impl Why {
    /// The position it is about.
    pub fn at(&self) -> usize {
        match *self {
            Self::Fill { at, .. }
            | Self::Expand { at, .. }
            | Self::Forced { at, .. }
            | Self::Remask { at, .. }
            | Self::Refused { at, .. } => at,
        }
    }
}

/// Rules that fill.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FillRule {
    Above,
    BestOfBlock,
    WithoutMask,
    /// Since 1.2.
    Quota {
        rank: usize,
        quota: usize,
    },
    /// Since 1.2.
    Passes(Test),
    /// Since 1.2.
    Best(Test),
    /// Since 1.2.
    Drawn {
        chance: f32,
    },
}

/// Rules that mask a written position again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RemaskRule {
    Drawn { chance: f32 },
    Fails(Test),
}

/// A value against a bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Test {
    pub measure: Measure,
    /// null where it is not finite.
    pub value: Option<f32>,
    pub bound: f32,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Measure {
    Confidence,
    Rank,
    Entropy,
    Divergence,
    Verified,
}

/// Rules that refuse an expansion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Refusal {
    EosConfident {
        eos: f32,
        threshold: f32,
    },
    AtMaximum {
        length: usize,
    },
    NotLowest {
        lowest: usize,
        p: f32,
    },
    /// Since 1.1.
    Forbidden,
    /// Since 1.1.
    DropsPinned {
        pinned: usize,
    },
}

/// A position that fell off at the maximum length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Dropped {
    pub slot: u32,
    /// Absent for a mask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
}

/// The EOS confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Eos {
    /// Positions counted.
    pub counted: usize,
    /// What the sum is divided by.
    pub window: usize,
    pub confidence: f32,
    pub threshold: f32,
}
