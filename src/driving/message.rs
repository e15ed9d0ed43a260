//! The messages of the protocol beside the records of a recording, one JSON object a line. What is
//! said of a field here is what docs/protocol.md says of it.
//!
//! ```
//! use demask::driving::message::ToLoop;
//!
//! assert_eq!(serde_json::to_string(&ToLoop::Stop)?, r#"{"type":"stop"}"#);
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canvas::TokenId,
    debugger::Go,
    decode::{ParamKind, SWITCH, Value},
    engine::message::{Failure, Hello},
    trace::{self, Param, RecordedEdit, RecordedKnob},
};

/// What demask sends to a sampling loop.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "ToLoop")]
pub enum ToLoop<'a> {
    /// The first message, which the loop answers with its own `hello`.
    Hello(Hello<'a>),
    /// Make one step, and wait again.
    Go {
        /// The node that it starts from. One that the loop does not stand at is for loops that can
        /// `restore`: the loop first goes back there.
        from: usize,
        /// The user's edits there, in order, as in a record of an edit; with `canvas`. The loop
        /// writes that record before those of the step.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        edits: Vec<RecordedEdit>,
        /// The generated region after the edits.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Vec<TokenId>")]
        canvas: Option<&'a [TokenId]>,
        /// The values of the loop's parameters by name, from now on.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        knobs: BTreeMap<&'static str, Param>,
        /// Positions of the generated region, after the edits, that the step may not change. What
        /// it writes there is put back before it is recorded.
        #[serde(skip_serializing_if = "<[usize]>::is_empty")]
        pins: &'a [usize],
        /// Pairs of a position and a token that the step may not write there; as `pins`.
        #[serde(skip_serializing_if = "<[(usize, TokenId)]>::is_empty")]
        vetoes: &'a [(usize, TokenId)],
    },
    /// End: the loop stops here for good.
    Stop,
}

impl<'a> ToLoop<'a> {
    /// The message for a step.
    pub fn go(go: &'a Go) -> Self {
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
fn knob(kind: ParamKind, value: Value) -> Param {
    match (kind, value) {
        (ParamKind::Name { options, .. }, Value::Name(name)) if options == SWITCH => {
            Param::Switch(name == "true")
        }
        (_, value) => value.into(),
    }
}

/// What a line of a loop is: a message has a `type`, a record of a recording none.
#[derive(Debug, Deserialize)]
pub(super) struct MessageTag {
    #[serde(rename = "type")]
    pub(super) message: Option<String>,
}

/// What a sampling loop sends to demask, beside the records of its recording.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "FromLoop")]
pub enum FromLoop {
    /// The loop greets, in answer to `hello`.
    Hello(LoopGreeting),
    /// All its parameters, where it has got more of them since the header.
    Knobs {
        /// The parameters, as in a header.
        knobs: Vec<RecordedKnob>,
    },
    /// The step that it is about to make. `waiting` follows, and a `go` on that makes this step.
    Propose {
        /// The node that it starts from.
        node: usize,
        /// The key of the prediction it was decided on; null where none is recorded.
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
        /// What it keeps of its past; null if it cannot go back.
        #[serde(default)]
        kept: Option<WireStateCopies>,
        /// It has no further step to make from there.
        #[serde(default)]
        done: bool,
    },
    /// A line for the user.
    Log {
        /// The text of the line.
        text: String,
    },
    /// It cannot do what it was told, and goes on waiting; or it lets nobody in.
    Error(Failure),
    /// A type that this version does not know.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// How a loop describes itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(rename = "LoopGreeting")]
pub struct LoopGreeting {
    /// The version of the protocol: 1.
    pub protocol: u32,
    /// The loop's program and its version. It tells a loop from an engine, which has none.
    #[serde(rename = "loop", default)]
    pub program: Option<String>,
    /// The sampler's name for itself.
    #[serde(default)]
    pub name: String,
    /// The number of its process.
    #[serde(default)]
    pub pid: Option<u32>,
    /// The command line of its process.
    #[serde(default)]
    pub command: Option<String>,
    /// Steps it made before.
    #[serde(default)]
    pub steps: u64,
    /// What it can do: `edit`, `stop`, `propose` (it says what it is about to write), `restore` (it
    /// can go back to a node that it came from).
    #[serde(default)]
    pub can: Vec<String>,
}

/// What a loop keeps of its past.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[schemars(rename = "Kept")]
pub struct WireStateCopies {
    /// Nodes of which it has a copy of the state.
    pub nodes: usize,
    /// Bytes that these copies take.
    pub bytes: u64,
}
