//! What the page holds, as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::canvas::TokenId;

/// Everything the player knows. The names are short, since many stand thousands of times.
#[derive(Serialize)]
pub struct Player {
    pub(super) file: String,
    pub(super) model: PlayerModel,
    pub(super) strategy: String,
    pub(super) prompt_text: String,
    pub(super) notices: Vec<String>,
    pub(super) mask: TokenId,
    pub(super) eos: TokenId,
    /// Name and symbol of each parameter.
    pub(super) params: Vec<(&'static str, &'static str)>,
    /// Texts of tokens, by id.
    pub(super) tokens: BTreeMap<TokenId, PlayerText>,
    pub(super) phases: Vec<&'static str>,
    /// Kind of verdict, and its sentence with `\u{1}` for each number.
    pub(super) words: Vec<(&'static str, String)>,
    /// The columns of numbers that are shown of a position beside its confidence: name, what it is
    /// called there, and whether it is a probability.
    pub(super) numbers: Vec<(&'static str, &'static str, bool)>,
    pub(super) predictions: Vec<PlayerPrediction>,
    pub(super) nodes: Vec<PlayerNode>,
    pub(super) branches: Vec<PlayerBranch>,
    /// Which branch is shown first.
    pub(super) branch: usize,
    /// Which step of it.
    pub(super) step: usize,
}

#[derive(Serialize)]
pub(super) struct PlayerModel {
    pub(super) name: String,
    pub(super) family: String,
    pub(super) device: String,
    pub(super) dtype: String,
}

#[derive(Serialize)]
pub(super) struct PlayerBranch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Its nodes, by their place in `nodes`.
    pub(super) path: Vec<usize>,
    /// What is known on its last canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prediction: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish: Option<&'static str>,
}

/// A token's text: itself, the bytes of a part of a character, or a name to be bracketed.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum PlayerText {
    Whole(String),
    Part { b: Vec<u8> },
    Name { n: String },
}

/// A node of the run, with what changed since its parent.
#[derive(Serialize)]
pub(super) struct PlayerNode {
    /// The parent's place in the list.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<usize>,
    /// The prompt, at the start of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt: Option<Vec<TokenId>>,
    /// What stands behind the region, at the start of a run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) suffix: Vec<TokenId>,
    /// Predictions asked for on the way here.
    pub(super) nfe: u32,
    pub(super) stage: u8,
    pub(super) phase: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block: Option<(usize, usize)>,
    /// First cell that is another one, how many go, and what comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) splice: Option<Splice>,
    /// Position and token in turn, where a cell that stays holds another token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) set: Vec<usize>,
    /// Parameters that are not the parent's, by their place.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) params: BTreeMap<usize, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mark: Option<String>,
    /// The user's notes, each with its position.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<(usize, String)>,
    /// The step that led here.
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    pub(super) made: Option<Decided>,
    /// What the user did that led here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) edits: Option<Vec<String>>,
}

#[derive(Serialize)]
pub(super) struct Splice {
    pub(super) at: usize,
    pub(super) gone: usize,
    pub(super) slots: Vec<u32>,
    pub(super) tokens: Vec<TokenId>,
    /// Of each: the slot it was expanded from, or one of the numbers of [`origin`].
    pub(super) from: Vec<i64>,
}

#[derive(Serialize)]
pub(super) struct Decided {
    pub(super) mode: &'static str,
    #[serde(rename = "q", skip_serializing_if = "Option::is_none")]
    pub(super) prediction: Option<usize>,
    /// Confidence, threshold, how many count, and of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) eos: Option<(Option<f64>, Option<f64>, usize, usize)>,
    /// Sentence and number of positions in turn; sentence 0 is of those that are written.
    pub(super) why: Vec<usize>,
    /// Numbers of the sentences, in order.
    #[serde(rename = "v", skip_serializing_if = "Vec::is_empty")]
    pub(super) values: Vec<Number>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) dropped: usize,
    /// Forward pass and decision, where they took time.
    pub(super) ms: (Option<f64>, Option<f64>),
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// A number as a sentence shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Number {
    Value(f64),
    Text(String),
}

/// A prediction at masked positions.
#[derive(Serialize)]
pub(super) struct PlayerPrediction {
    /// First position and number of positions in turn.
    pub(super) at: Vec<usize>,
    /// The choices at these positions.
    #[serde(rename = "g", skip_serializing_if = "Option::is_none")]
    pub(super) guess: Option<Vec<TokenId>>,
    /// The probability of each choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) p: Option<Vec<Option<f64>>>,
    /// Those of [`Player::numbers`] that are known, by the name of their column.
    #[serde(flatten)]
    pub(super) numbers: BTreeMap<&'static str, Vec<Option<f64>>>,
    /// Token and probability in turn.
    #[serde(rename = "k", skip_serializing_if = "Option::is_none")]
    pub(super) candidates: Option<Vec<Vec<f64>>>,
}
