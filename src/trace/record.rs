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
    Tokens {
        /// Texts by id.
        tokens: BTreeMap<String, Text>,
    },
    /// A run starts.
    Root(Root),
    /// A prediction is known.
    Prediction(Prediction),
    /// A step is made.
    Step(Step),
    /// A person edits. Since 1.1.
    Edit(Edited),
    /// A branch gets a name, or with null loses it. Since 1.1.
    Name {
        /// The node at the branch's end.
        tip: usize,
        /// The name.
        name: Option<String>,
    },
    /// A branch is deleted, or comes back. Since 1.1.
    Delete {
        /// The node at the branch's end.
        tip: usize,
        /// False brings it back.
        deleted: bool,
    },
    /// A bookmark is set, or with null taken away. Since 1.1.
    Mark {
        /// Where.
        node: usize,
        /// The name.
        name: Option<String>,
    },
    /// The session is closed.
    End {
        /// The node left.
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
    /// Whole characters.
    Whole(String),
    /// Part of a character.
    Bytes {
        /// Its bytes, two hexadecimal digits each.
        hex: String,
    },
    /// A control token.
    Control {
        /// Its name.
        control: String,
    },
    /// The vocabulary has no text for it.
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
    /// Absent since 1.4 in recordings of other programs' strategies.
    #[serde(default = "foreign")]
    pub state: State,
    /// The strategy's parameters.
    #[serde(default)]
    pub params: Params,
}

/// A prediction. Exact: argmax, choice, p_choice, p_eos, best_unmask, p_best_unmask, p_argmax.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Prediction {
    /// Its name: up to 32 hexadecimal digits, in our recordings the hash of the request.
    pub key: String,
    /// Generated positions.
    pub rows: usize,
    /// What is known of them.
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
    /// The best token; null since 1.4 where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argmax: Option<Vec<Option<TokenId>>>,
    /// Its probability. Exact, as all numbers are that are not said to be rounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_argmax: Option<Vec<Option<f32>>>,
    /// The token chosen, with sampling noise. Absent where it equals `argmax` throughout; null since
    /// 1.4 where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Vec<Option<TokenId>>>,
    /// Probability of the choice: the confidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_choice: Option<Vec<Option<f32>>>,
    /// Probability of the end-of-sequence token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_eos: Option<Vec<Option<f32>>>,
    /// Probability of the token held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_current: Option<Vec<Option<f32>>>,
    /// Shannon entropy, nats. Rounded; masked positions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entropy: Option<Sparse<Option<f32>>>,
    /// Probability of the best token less that of the second. Rounded; masked positions only.
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
    /// The best tokens and their probabilities. Rounded; masked positions only, without candidates
    /// under 0.001 behind the best two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<Sparse<(Vec<TokenId>, Vec<f32>)>>,
}

/// A column with values at some positions only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Sparse<T> {
    /// The positions.
    pub at: Vec<usize>,
    /// A value each.
    pub values: Vec<T>,
}

/// A step from a known node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Step {
    /// The new node's number.
    pub id: usize,
    /// The node stepped from; several steps may have one.
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
    /// How long it took.
    #[serde(default)]
    pub timing: Timing,
}

/// A person's edits of a known node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Edited {
    /// The new node's number.
    pub id: usize,
    /// The node edited.
    pub parent: usize,
    /// The edits, in order.
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
    /// The forward pass; 0 where its prediction was known.
    pub forward_ms: f64,
    /// Planning and deciding.
    pub decide_ms: f64,
}

/// What a step did, and why.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Decision {
    /// What kind of step: `grow`, `settle`, `high_conf`, `fallback`, `stuck`, `none`, since 1.2
    /// `quota`, `remask`, since 1.4 `recorded`. Absent since 1.4 in recordings of other programs.
    #[serde(default)]
    pub mode: String,
    /// The changes, in order.
    #[serde(default)]
    pub edits: Vec<Edit>,
    /// Fills, remaskings, expansions and refusals with their numbers. Positions not named were left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<Why>,
    /// Positions that fell off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
    /// The EOS confidence, where the strategy uses one.
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
    /// It stays as it is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// It is to be expanded, or never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expand: Option<bool>,
}

/// Why a position was filled, masked again, expanded or refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Why {
    /// It is written.
    Fill {
        /// The position.
        at: usize,
        /// The token.
        token: TokenId,
        /// Its confidence.
        p: f32,
        /// The rule.
        rule: FillRule,
        /// The threshold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        threshold: Option<f32>,
    },
    /// It becomes several masks.
    Expand {
        /// The position.
        at: usize,
        /// Its confidence.
        p: f32,
        /// The threshold.
        threshold: f32,
        /// Masks in its place.
        n: usize,
        /// The EOS confidence.
        eos: f32,
        /// The threshold of the EOS confidence.
        eos_threshold: f32,
    },
    /// It becomes several masks because a person asked. Since 1.1.
    Forced {
        /// The position.
        at: usize,
        /// Its confidence.
        p: f32,
        /// Masks in its place.
        n: usize,
    },
    /// It is masked again. Since 1.2.
    Remask {
        /// The position.
        at: usize,
        /// The token.
        token: TokenId,
        /// Its confidence; absent where the rule knows none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        p: Option<f32>,
        /// The rule.
        rule: RemaskRule,
    },
    /// Under the low threshold, and yet not expanded.
    Refused {
        /// The position.
        at: usize,
        /// Its confidence.
        p: f32,
        /// The threshold.
        threshold: f32,
        /// Why not.
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
    /// What is measured.
    pub measure: Measure,
    /// null where it is not finite.
    pub value: Option<f32>,
    /// The bound.
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
    /// Its slot.
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
    /// The confidence, 0..=1.
    pub confidence: f32,
    /// The threshold of this stage.
    pub threshold: f32,
}
