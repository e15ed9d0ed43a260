//! Requests and the key that names them.

use std::{fmt, ops::Range, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use xxhash_rust::xxh3::Xxh3;

use super::{Column, ColumnSet, RequestPart};
use crate::canvas::{Slot, SpecialTokens, TokenId};

/// Who may attend to whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// Every position to every position.
    #[default]
    Full,
    /// A position to its own block and to all before it: position i to j where
    /// (j + before) div block ≤ (i + before) div block.
    BlockCausal {
        /// Positions in a block, ≥ 1.
        block: usize,
        /// Positions that are missing before the first one, so that a block starts where the
        /// generated region does.
        before: usize,
        /// Positions, from the first, that others may attend to; those behind are attended to by
        /// themselves alone. Left out where that is all of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        seen: Option<usize>,
    },
    /// Keys that may be attended to, one flag a position.
    Keys(Vec<bool>),
}

/// One sequence through the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Pass {
    /// Token ids, prompt and generated region.
    pub ids: Vec<TokenId>,
    /// Position numbers, one for each id; null if they are 0, 1, 2, ….
    pub positions: Option<Vec<u32>>,
    /// Who may attend to whom.
    pub attention: Attention,
}

/// Classifier-free guidance by a second, unconditional pass of the same length:
/// `logits = un + (scale + 1) · (cond − un)` (LLaDA, `generate.py`).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Guidance {
    /// `cfg_scale`, > 0; `scale + 1` is rounded to f32, as in the reference.
    pub scale: f64,
    /// The canvas with its prompt masked.
    pub unconditional: Pass,
}

/// Gumbel noise for the choice of tokens, drawn from (seed, step, slot, token) alone: the same
/// request gives the same noise, however the rows are cut into chunks.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sampling {
    /// Noise is multiplied by this, > 0.
    pub temperature: f64,
    /// Seed of the run's noise.
    pub seed: u64,
    /// Number of the step on the path, 1-based.
    pub step: u32,
    /// The slot of each row, the number by which its position is known whatever is inserted before.
    #[serde(serialize_with = "numbers")]
    #[schemars(with = "Vec<u32>")]
    pub slots: Vec<Slot>,
}

/// Filters on the logits, applied in this order before anything is read from them (Dream,
/// `generation_utils.py`): divide by the temperature, keep the nucleus of probability `top_p`,
/// keep the `top_k` best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Filters {
    /// Logits are divided by this, if over 0.
    pub temperature: f64,
    /// Tokens behind this cumulative probability are impossible; 1 keeps all.
    pub top_p: f64,
    /// Only this many tokens are possible; 0 keeps all.
    pub top_k: usize,
    /// The token that crosses `top_p` is impossible too, unless it is the best (ReMDM,
    /// `diffusion.py`); Dream keeps it.
    pub strict: bool,
}

/// What the column `score` holds: greater is surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// Probability of the best token minus that of the second best.
    Margin,
    /// Σ p ln(p + 1e-10), the negative entropy as Dream computes it.
    NegEntropy,
    /// Logit of the best token minus that of the second best.
    Gap,
}

/// Credit that tokens have gathered at a position in earlier passes, which raises their logits in
/// the choice (CreditDecoding; dInfer's `parallel_strategy.py`): the columns `choice` and `p_choice`
/// are read from logits to which `alpha · ln(1 + credit)` is added. All other columns are not touched.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Credits {
    /// How much credit counts.
    pub alpha: f64,
    /// This pass counts, too: at a masked row the best token gets `p_argmax` to the power of this on
    /// top of what it has.
    pub gamma: f64,
    /// Start and end (exclusive) of the rows that are given credit.
    #[serde(serialize_with = "bounds")]
    #[schemars(with = "(usize, usize)")]
    pub rows: Range<usize>,
    /// Credit of earlier passes: row, token, and amount (float32, at least 0), in order of rows and
    /// tokens.
    pub earlier: Vec<(usize, TokenId, f32)>,
}

impl Credits {
    /// What this pass gives the best token, by its probability.
    pub fn earned(&self, p: f32) -> f32 {
        f64::from(p).powf(self.gamma) as f32
    }

    /// What of it is about these rows, which are counted from the first of them.
    #[must_use]
    pub fn part(&self, rows: Range<usize>) -> Self {
        let place = |row: usize| row.clamp(rows.start, rows.end) - rows.start;
        let here = self.earlier.iter().filter(|(row, ..)| rows.contains(row));
        Self {
            rows: place(self.rows.start)..place(self.rows.end),
            earlier: here.map(|&(row, token, amount)| (row - rows.start, token, amount)).collect(),
            ..self.clone()
        }
    }

    /// What is added to logits of a row whose best token is `best`, with probability `p`.
    pub fn boosts(
        &self,
        row: usize,
        masked: bool,
        (best, p): (TokenId, f32),
    ) -> Vec<(TokenId, f32)> {
        let from = self.earlier.partition_point(|&(other, ..)| other < row);
        let here = self.earlier[from..].iter().take_while(|&&(other, ..)| other == row);
        let mut amounts: Vec<(TokenId, f32)> = here.map(|&(_, token, n)| (token, n)).collect();
        if masked && self.rows.contains(&row) {
            let earned = self.earned(p);
            match amounts.iter_mut().find(|(token, _)| *token == best) {
                Some((_, amount)) => *amount += earned,
                None => amounts.push((best, earned)),
            }
        }
        amounts.iter_mut().for_each(|(_, n)| *n = (self.alpha * f64::from(*n).ln_1p()) as f32);
        amounts
    }
}

/// An approximate pass: only a window of it is computed, and the rest is what an earlier pass left
/// (Fast-dLLM, `generate_with_prefix_cache` and `generate_with_dual_cache`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cached {
    /// The earlier canvas, of the same length and the same outside the window. Outside the window
    /// the keys, values and predictions are those of the full pass over it.
    pub from: Pass,
    /// Positions of the pass that are computed anew.
    pub window: Range<usize>,
}

/// Everything a forward pass depends on. The protocol sends it to an engine field by field
/// (docs/protocol.md). *Rows* are the positions that are wanted, counted from the first of them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Request {
    /// The pass over the canvas itself.
    pub pass: Pass,
    /// The unconditional pass, with guidance.
    pub guidance: Option<Guidance>,
    /// Start and end (exclusive) of the positions of the pass that are wanted: the generated region,
    /// or its end from the block in work on.
    #[serde(serialize_with = "bounds")]
    #[schemars(with = "(usize, usize)")]
    pub rows: Range<usize>,
    /// Position `i` reads the logits of position `i - 1` (Dream); position 0 then reads its own.
    pub shift: bool,
    /// Noise for the column `choice`; null at temperature 0.
    pub sampling: Option<Sampling>,
    /// Tokens made impossible: pairs of row and token, in order of rows.
    pub suppressed: Vec<(usize, TokenId)>,
    /// Logits that are lowered before all else: row, token and by how much (float32), in order of rows.
    pub lowered: Vec<(usize, TokenId, f32)>,
    /// Tokens that may be chosen but get no probability: impossible after the choice, before the
    /// softmax (`begin_suppress_tokens` of dLLM, `confidence_eos_eot_inf` of LLaDA).
    pub begin_suppressed: Vec<TokenId>,
    /// Filters on the logits.
    pub filters: Option<Filters>,
    /// What the column `score` holds; null where it is not wanted.
    pub score: Option<Score>,
    /// A pass over an earlier canvas of the same length, which the column `kl` compares with.
    pub earlier: Option<Pass>,
    /// Start and end (exclusive) of the rows that get a *shadow*: a mask behind the sequence, at the
    /// same place, that sees every position but the one it stands for, and all shadows; the sequence
    /// itself sees none (WINO, `decoding.py`). It says what a position would be if its token were
    /// not known: the column `p_shadow`.
    #[serde(serialize_with = "optional_bounds")]
    #[schemars(with = "Option<(usize, usize)>")]
    pub shadow: Option<Range<usize>>,
    /// Credit of tokens, which raises their logits in the choice; null where none is given.
    pub credits: Option<Credits>,
    /// How many tokens a row has in the column `alternatives`; null where it is not wanted.
    pub alternatives: Option<usize>,
    /// Tokens that are asked about, whatever would be chosen: pairs of row and token, in order of rows
    /// and at most one a row. The columns `p_target` and `target_rank` give their probability and rank.
    pub targets: Vec<(usize, TokenId)>,
    /// What is not computed but kept from an earlier pass; none asks for the exact pass.
    #[serde(skip)]
    pub cached: Option<Cached>,
    /// Mask and end-of-sequence token.
    #[serde(serialize_with = "MaskAndEos::serialize")]
    #[schemars(with = "MaskAndEos")]
    pub special: SpecialTokens,
    /// The columns that are wanted, by name.
    #[serde(serialize_with = "names")]
    #[schemars(schema_with = "names_of_columns")]
    pub columns: ColumnSet,
    /// Candidates for each row in the column `top_k`.
    pub top_k: usize,
}

impl Request {
    /// How many canvases the model evaluates: two with guidance.
    pub fn canvases(&self) -> usize {
        1 + usize::from(self.guidance.is_some())
    }

    /// The token that is asked about in a row, if one is.
    pub fn target(&self, row: usize) -> Option<TokenId> {
        let at = self.targets.binary_search_by_key(&row, |&(row, _)| row).ok()?;
        self.targets.get(at).map(|&(_, token)| token)
    }

    /// The columns that the answer holds: those asked for, where the request has what they need.
    pub fn answered(&self) -> impl Iterator<Item = Column> {
        self.columns.iter().filter(|column| match column.spec().needs {
            None => true,
            Some(RequestPart::Score) => self.score.is_some(),
            Some(RequestPart::Earlier) => self.earlier.is_some(),
            Some(RequestPart::Shadow) => self.shadow.is_some(),
            Some(RequestPart::Alternatives) => self.alternatives.is_some(),
            Some(RequestPart::Targets) => !self.targets.is_empty(),
        })
    }

    /// The name of this request's prediction: a 128-bit XXH3 over all fields. Part of the trace
    /// format: the order and the widths below never change within a major version.
    pub fn key(&self) -> Key {
        let mut hash = Xxh3::new();
        let mut put = |number: u64| hash.update(&number.to_le_bytes());
        put_pass(&mut put, &self.pass);
        match &self.guidance {
            None => put(0),
            Some(guidance) => {
                put(1);
                put(guidance.scale.to_bits());
                put_pass(&mut put, &guidance.unconditional);
            }
        }
        put(self.rows.start as u64);
        put(self.rows.end as u64);
        put(u64::from(self.shift));
        match &self.sampling {
            None => put(0),
            Some(sampling) => {
                put(1);
                put(sampling.temperature.to_bits());
                put(sampling.seed);
                put(u64::from(sampling.step));
                sampling.slots.iter().for_each(|slot| put(u64::from(slot.0)));
            }
        }
        put(u64::from(self.special.mask));
        put(u64::from(self.special.eos));
        put(u64::from(self.columns.bits()));
        put(self.top_k as u64);
        // Behind all else, so that requests without any keep the keys they had before.
        for &(row, token) in &self.suppressed {
            put(row as u64);
            put(u64::from(token));
        }
        // The same holds for these; each part begins with a number that no row or token has.
        if !self.begin_suppressed.is_empty() {
            put(u64::MAX);
            self.begin_suppressed.iter().for_each(|&token| put(u64::from(token)));
        }
        if let Some(filters) = self.filters {
            put(u64::MAX - 1);
            put(filters.temperature.to_bits());
            put(filters.top_p.to_bits());
            put(filters.top_k as u64);
            if filters.strict {
                put(u64::MAX - 5);
            }
        }
        if let Some(score) = self.score {
            put(u64::MAX - 2);
            put(score as u64);
        }
        if let Some(earlier) = &self.earlier {
            put(u64::MAX - 3);
            put_pass(&mut put, earlier);
        }
        if let Some(shadow) = &self.shadow {
            put(u64::MAX - 4);
            put(shadow.start as u64);
            put(shadow.end as u64);
        }
        if let Some(cached) = &self.cached {
            // One less than what marks strict filters.
            put(u64::MAX - 6);
            put_pass(&mut put, &cached.from);
            put(cached.window.start as u64);
            put(cached.window.end as u64);
        }
        if let Some(credits) = &self.credits {
            put(u64::MAX - 7);
            put(credits.alpha.to_bits());
            put(credits.gamma.to_bits());
            put(credits.rows.start as u64);
            put(credits.rows.end as u64);
            for &(row, token, amount) in &credits.earlier {
                put(row as u64);
                put(u64::from(token));
                put(u64::from(amount.to_bits()));
            }
        }
        if let Some(alternatives) = self.alternatives {
            put(u64::MAX - 8);
            put(alternatives as u64);
        }
        if !self.lowered.is_empty() {
            put(u64::MAX - 9);
            for &(row, token, amount) in &self.lowered {
                put(row as u64);
                put(u64::from(token));
                put(u64::from(amount.to_bits()));
            }
        }
        if !self.targets.is_empty() {
            put(u64::MAX - 10);
            for &(row, token) in &self.targets {
                put(row as u64);
                put(u64::from(token));
            }
        }
        Key(hash.digest128())
    }
}

fn numbers<S: Serializer>(slots: &[Slot], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(slots.iter().map(|slot| slot.0))
}

/// A range as a pair of its start and its end, which is exclusive.
fn bounds<S: Serializer>(range: &Range<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    [range.start, range.end].serialize(serializer)
}

fn optional_bounds<S: Serializer>(
    range: &Option<Range<usize>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    range.as_ref().map(|range| [range.start, range.end]).serialize(serializer)
}

/// The tokens that a strategy must know by number.
#[derive(Serialize, JsonSchema)]
#[serde(remote = "SpecialTokens")]
#[schemars(rename = "SpecialTokens")]
struct MaskAndEos {
    /// Stands for "not written yet".
    mask: TokenId,
    /// End of sequence: fills the tail behind an answer.
    eos: TokenId,
}

fn names<S: Serializer>(columns: &ColumnSet, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(columns.iter().map(Column::name))
}

fn names_of_columns(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "enum": Column::ALL.map(Column::name) } })
}

fn put_pass(put: &mut impl FnMut(u64), pass: &Pass) {
    put(pass.ids.len() as u64);
    pass.ids.iter().for_each(|&id| put(u64::from(id)));
    match &pass.positions {
        None => put(0),
        Some(positions) => {
            put(1);
            positions.iter().for_each(|&position| put(u64::from(position)));
        }
    }
    match &pass.attention {
        Attention::Full => put(0),
        Attention::BlockCausal { block, before, seen } => {
            put(if seen.is_some() { 3 } else { 1 });
            put(*block as u64);
            put(*before as u64);
            seen.iter().for_each(|&seen| put(seen as u64));
        }
        Attention::Keys(keys) => {
            put(2);
            keys.iter().for_each(|&key| put(u64::from(key)));
        }
    }
}

/// The name of a prediction: 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u128);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Key {
    /// A name that no request has, for step number `n` of a recording that names none.
    pub fn none(n: usize) -> Self {
        Self(u128::MAX - n as u128)
    }
}

impl FromStr for Key {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}
