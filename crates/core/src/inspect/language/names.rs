//! The names conditions may use, as data: parsing, completion and the documents read this table.

use std::fmt::Write as _;

use crate::{
    decode::{ParamKind, ParamSpec, STRATEGIES},
    predict::{COLUMNS, Column, ColumnKind, ColumnSpec},
};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table says what each is")]
pub enum Name {
    Step,
    Stage,
    Block,
    Length,
    Max,
    Masks,
    ETokens,
    ERatio,
    BeforeTail,
    Nfe,
    TokensPerPass,
    OrderTau,
    MeanJump,
    Adjacent,
    TailFirst,
    Text,
    Done,
    Finish,
    Token,
    Masked,
    InBlock,
    Flips,
    Origin,
    Set,
    Filled,
    Expanded,
    Remasked,
    Replaced,
    Dropped,
    Appended,
    Mode,
    Fallback,
    Stuck,
    Edited,
    FillConf,
    EosConf,
    EosDensity,
    TailEos,
    Conf,
    Guess,
    Flipped,
    WillFill,
    WillExpand,
    WillDrop,
    Position,
    Slot,
    P,
    Made,
    Was,
    /// A column of numbers of the prediction.
    Column(Column),
    /// The strategy's parameter of that name.
    Param(&'static str),
}

/// What sort of value a name has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// A number that is no probability.
    Count,
    /// A probability: compared in f32, as the reference does.
    Probability,
    /// True or false: stands alone, without a comparison.
    Truth,
    /// A name such as that of a mode, compared with a text in quotes.
    Text,
    /// A token: compared with a text or with its id.
    Token,
}

/// What must be known before a name has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The canvas and the way to it.
    State,
    /// The step that led there.
    Step,
    /// The prediction that this step was decided on; behind [`AFTER`] the one on the canvas that it
    /// left.
    Prediction,
    /// The prediction on this canvas and what is decided on it.
    Pending,
    /// The row that a query is about to list.
    Row,
}

/// What a name begins with that is read from the prediction on the canvas the step left, not from
/// the one it was decided on.
pub const AFTER: &str = "after.";

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameSpec {
    /// What it stands for.
    pub name: Name,
    /// How it is written.
    pub text: &'static str,
    /// What sort of value it has.
    pub kind: NameKind,
    /// True if it is asked of a position: `conf[17]`, `conf[#52]`.
    pub indexed: bool,
    /// What must be known.
    pub reads: Reads,
    /// One line of help.
    pub help: &'static str,
}

const fn of(
    name: Name,
    text: &'static str,
    kind: NameKind,
    reads: Reads,
    help: &'static str,
) -> NameSpec {
    NameSpec { name, text, kind, indexed: false, reads, help }
}

const fn at(spec: NameSpec) -> NameSpec {
    NameSpec { indexed: true, ..spec }
}

use NameKind::{Count, Probability, Text, Token, Truth};
use Reads::{Pending, Prediction, Row, State, Step};

/// Every name but those of columns and of parameters, which are names too.
pub const NAMES: &[NameSpec] = &[
    of(Name::Step, "step", Count, State, "number of the step or edit, from 1; 0 at the start"),
    of(Name::Stage, "stage", Count, State, "stage that comes next, from 1"),
    of(Name::Block, "block", Count, State, "block in work, from 1; 0 for none"),
    of(Name::Length, "length", Count, State, "generated positions, N_token"),
    of(Name::Max, "max", Count, State, "max_gen_length"),
    of(Name::Masks, "masks", Count, State, "masked positions"),
    of(Name::ETokens, "e_token", Count, State, "positions that hold anything but EOS or a mask"),
    of(Name::ERatio, "e_ratio", Probability, State, "e_token / length"),
    of(Name::BeforeTail, "before_tail", Count, State, "positions unmasked before the tail of EOS"),
    of(Name::Nfe, "nfe", Count, State, "forward passes asked for up to this canvas"),
    of(Name::TokensPerPass, "tokens_per_pass", Count, State, "e_token / nfe"),
    of(
        Name::OrderTau,
        "order_tau",
        Count,
        State,
        "Kendall's τ-b between position and unmasking step: 1 is left to right",
    ),
    of(
        Name::MeanJump,
        "mean_jump",
        Count,
        State,
        "mean distance between positions unmasked one after the other",
    ),
    of(Name::Adjacent, "adjacent", Probability, State, "share of these distances that are 1"),
    of(
        Name::TailFirst,
        "tail_first",
        Probability,
        State,
        "share of pairs of a tail and a content position in which the tail one was unmasked first",
    ),
    of(Name::Text, "text", Text, State, "the answer as it stands, masks left out"),
    of(Name::Done, "done", Truth, State, "the run is over"),
    of(
        Name::Finish,
        "finish",
        Text,
        State,
        "why it is over: complete, stagnant, out_of_steps, eos, unrecorded; empty while it is not",
    ),
    at(of(
        Name::Token,
        "token",
        Token,
        State,
        "what the position holds: compare with a text or an id",
    )),
    at(of(Name::Masked, "masked", Truth, State, "it holds a mask")),
    at(of(Name::InBlock, "in_block", Count, State, "number of the position's block, from 1")),
    at(of(Name::Flips, "flips", Count, Prediction, "how often its guess has changed")),
    at(of(
        Name::Origin,
        "born",
        Count,
        State,
        "step that inserted or appended it; 0 from the start",
    )),
    at(of(Name::Set, "set", Count, State, "step that wrote it; 0 for none")),
    of(Name::Filled, "filled", Count, Step, "positions unmasked by the step that led here"),
    of(Name::Expanded, "expanded", Count, Step, "positions it expanded"),
    of(Name::Remasked, "remasked", Count, Step, "positions it remasked"),
    of(Name::Replaced, "replaced", Count, Step, "positions whose token it replaced"),
    of(Name::Dropped, "dropped", Count, Step, "positions it dropped at the maximum length"),
    of(Name::Appended, "appended", Count, Step, "positions it added at the tail"),
    of(
        Name::Mode,
        "mode",
        Text,
        Step,
        "its kind: grow, settle, high_conf, fallback, stuck, quota, remask, none",
    ),
    of(
        Name::Fallback,
        "fallback",
        Truth,
        Step,
        "it unmasked the best of the block, none was over τ_high",
    ),
    of(
        Name::Stuck,
        "stuck",
        Truth,
        Step,
        "it unmasked a token although every position predicted the mask",
    ),
    of(Name::Edited, "edited", Truth, Step, "an edit by the user led here"),
    of(Name::FillConf, "fill_conf", Probability, Step, "the lowest confidence it unmasked with"),
    of(
        Name::EosConf,
        "eos_conf",
        Probability,
        Prediction,
        "EOS confidence; if the strategy computes none, DAEDAL's, over W_eos or 32 positions",
    ),
    of(
        Name::EosDensity,
        "eos_density",
        Probability,
        Prediction,
        "share of masked positions whose argmax is EOS: the density of the ρ-EOS paper",
    ),
    of(
        Name::TailEos,
        "tail_eos",
        Probability,
        Prediction,
        "mean P(EOS) over the last W_eos positions of the canvas, or the last 32",
    ),
    of(
        Name::Flipped,
        "flipped",
        Count,
        Prediction,
        "masked positions whose guess is another than a step before",
    ),
    of(Name::WillFill, "will_fill", Count, Pending, "positions the pending step unmasks"),
    of(Name::WillExpand, "will_expand", Count, Pending, "positions it expands"),
    of(Name::WillDrop, "will_drop", Count, Pending, "positions it drops"),
    at(of(Name::Conf, "conf", Probability, Prediction, "confidence")),
    at(of(Name::Guess, "guess", Token, Prediction, "the token the model would choose")),
    of(Name::Position, "position", Count, Row, "number of the row's position"),
    of(Name::Slot, "slot", Count, Row, "its identity"),
    of(
        Name::P,
        "p",
        Probability,
        Row,
        "confidence it was unmasked, replaced, expanded or refused with",
    ),
    of(Name::Made, "made", Count, Row, "masks an expansion made"),
    of(Name::Was, "was", Token, Row, "the token that was replaced or remasked"),
];

/// The columns of predictions that are numbers of a position, but for the confidence, which is
/// called `conf`.
fn columns() -> impl Iterator<Item = NameSpec> {
    let named = |spec: &&ColumnSpec| spec.in_table && spec.column != Column::PChoice;
    COLUMNS.iter().filter(named).map(|spec| {
        let kind = match spec.kind {
            ColumnKind::Probability => Probability,
            _ => Count,
        };
        at(of(Name::Column(spec.column), spec.name, kind, Prediction, spec.help))
    })
}

/// Every parameter of every strategy, once.
pub(super) fn params() -> impl Iterator<Item = &'static ParamSpec> {
    let all = STRATEGIES.iter().enumerate();
    all.flat_map(|(at, strategy)| {
        strategy.params().iter().filter(move |spec| {
            STRATEGIES[..at].iter().all(|older| older.params().iter().all(|p| p.name != spec.name))
        })
    })
}

/// A parameter as a name.
pub(super) fn of_param(spec: &'static ParamSpec) -> NameSpec {
    let kind = match spec.kind {
        ParamKind::Float { .. } if spec.unit == "probability" => Probability,
        ParamKind::Name { .. } | ParamKind::Tokens | ParamKind::Text { .. } => Text,
        _ => Count,
    };
    of(Name::Param(spec.name), spec.name, kind, State, spec.help)
}

/// Names that can be used; a query's rows have more.
pub(super) fn known(row: bool) -> impl Iterator<Item = NameSpec> {
    let names = NAMES.iter().copied().filter(move |spec| row || spec.reads != Row);
    names.chain(columns()).chain(params().map(of_param))
}

/// The table in Markdown.
pub fn name_table() -> String {
    let mut table = String::from("| name | is | of | what |\n|---|---|---|---|\n");
    for spec in NAMES.iter().copied().chain(columns()) {
        let index = if spec.indexed { "[i]" } else { "" };
        let kind = match spec.kind {
            Count => "number",
            Probability => "probability",
            Truth => "yes or no",
            Text => "text",
            Token => "token",
        };
        let read = match spec.reads {
            State => "the canvas after the step",
            Step => "the step",
            Prediction => "the prediction it was decided on, or `after.`",
            Pending => "the step that comes next",
            Row => "a query's row",
        };
        let _ = writeln!(table, "| `{}{index}` | {kind} | {read} | {} |", spec.text, spec.help);
    }
    table
}
