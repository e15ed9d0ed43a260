//! The messages of the protocol beside the records of a recording, one JSON object a line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    canvas::TokenId,
    debugger::Go,
    decode::{self, Kind, SWITCH},
    trace,
};

/// Messages to a sampling loop.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Tell<'a> {
    /// The first message.
    Hello {
        /// The version of the protocol.
        protocol: u32,
        /// This program and its version.
        program: &'a str,
        /// The token that a loop at a TCP socket printed.
        token: Option<&'a str>,
    },
    /// Make one step.
    Go {
        /// The node that it starts from.
        from: usize,
        /// A person's edits there, as in a record of an edit.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        edits: Vec<Value>,
        /// The generated region after them.
        #[serde(skip_serializing_if = "Option::is_none")]
        canvas: Option<&'a [TokenId]>,
        /// The values of the loop's parameters.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        knobs: BTreeMap<&'static str, Value>,
        /// Positions that the step may not change.
        #[serde(skip_serializing_if = "<[usize]>::is_empty")]
        pins: &'a [usize],
        /// Positions, each with a token that the step may not write there.
        #[serde(skip_serializing_if = "<[(usize, TokenId)]>::is_empty")]
        vetoes: &'a [(usize, TokenId)],
    },
    /// End.
    Stop,
}

impl<'a> Tell<'a> {
    /// The message for a step.
    pub(super) fn go(go: &'a Go) -> Self {
        Self::Go {
            from: go.from.0,
            edits: go.edits.iter().map(|&edit| trace::edit_on_record(edit)).collect(),
            canvas: go.canvas.as_deref(),
            knobs: go
                .params
                .iter()
                .map(|(spec, value)| (spec.name, knob(spec.kind, value)))
                .collect(),
            pins: &go.pins,
            vetoes: &go.vetoes,
        }
    }
}

/// The value of a parameter; a switch is true or false.
fn knob(kind: Kind, value: decode::Value) -> Value {
    match (kind, value) {
        (Kind::Name { options, .. }, decode::Value::Name(name)) if options == SWITCH => {
            (name == "true").into()
        }
        (_, decode::Value::Int(value)) => value.into(),
        (_, decode::Value::Float(value)) => value.into(),
        (_, decode::Value::Name(name)) => name.into(),
        (_, decode::Value::Tokens(list)) => list.ids().into(),
    }
}

/// What a line of a loop is: a message has a `type`, a record of a recording none.
#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    #[serde(rename = "type")]
    pub(super) message: Option<String>,
}

/// Messages of a sampling loop.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Heard {
    /// The first message.
    Hello(Greeting),
    /// The step that it is about to make.
    Propose {
        /// The node that it starts from.
        node: usize,
        /// The name of the prediction it was decided on.
        #[serde(default)]
        prediction: Option<String>,
        /// The generated region as it would be afterwards.
        canvas: Vec<TokenId>,
        /// Positions that would still hold noise.
        #[serde(default)]
        open: Vec<usize>,
    },
    /// It waits until it is told to go on.
    Waiting {
        /// The node that it stands at.
        node: usize,
        /// What it keeps of its past.
        #[serde(default)]
        kept: Option<Kept>,
        /// It has no further step to make from there.
        #[serde(default)]
        done: bool,
    },
    /// A line for people.
    Log {
        /// The line.
        text: String,
    },
    /// It cannot do what it was told.
    Error {
        /// Why, in a sentence.
        message: String,
    },
    /// A type that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How a loop describes itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Greeting {
    /// The version of the protocol.
    pub(super) protocol: u32,
    /// The loop's program and its version. An engine has none.
    #[serde(rename = "loop", default)]
    pub(super) program: Option<String>,
    /// The sampler's name.
    #[serde(default)]
    pub(super) name: String,
    /// Steps it made before.
    #[serde(default)]
    pub(super) steps: u64,
    /// What it can do, by name.
    #[serde(default)]
    pub(super) can: Vec<String>,
}

/// What a loop keeps of its past.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Kept {
    /// Nodes of which it has a copy of the state.
    pub(super) nodes: usize,
    /// Bytes that these copies take.
    pub(super) bytes: u64,
}
