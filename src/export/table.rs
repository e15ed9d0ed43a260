//! The two tables: which columns they have, and their rows.
//!
//! Steps are numbered from 1 as everywhere. A row of the steps is what step `k` did and the canvas
//! that it left, which is what `--step k` shows. A row of the positions is one of the canvas that
//! step `k` was decided on, with what it decided.

use std::{borrow::Cow, fmt::Write as _, iter, sync::LazyLock};

use serde::Serialize;

use super::walk::{AfterCanvas, RecordingWalk, Trajectory, WalkedCanvas};
use crate::{
    canvas::{Origin, TokenId},
    decode::{Params, Reason, Value, Verdict},
    predict::{COLUMNS, Column, ColumnSpec, Piece, Vocabulary},
    session::NodeOrigin,
    trace::Recording,
};

/// The tables that a recording is exported to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// A row for each step of each branch.
    Steps,
    /// A row for each generated position at each step of each branch.
    Positions,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Whole numbers of 64 bits.
    Int,
    /// 32-bit numbers, as recorded.
    Float,
    /// Numbers of 64 bits.
    Double,
    /// Truth values, true or false.
    Flag,
    /// Text in UTF-8.
    Text,
}

impl ValueKind {
    fn name(self) -> &'static str {
        match self {
            Self::Int => "int64",
            Self::Float => "float32",
            Self::Double => "float64",
            Self::Flag => "bool",
            Self::Text => "text",
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableColumn {
    /// The name in every format.
    pub name: &'static str,
    /// The type of its values.
    pub kind: ValueKind,
    /// True if no row is without a value.
    pub always: bool,
    /// What it means, for the documents.
    pub help: &'static str,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TableValue<'a> {
    /// There is no value in this row.
    Null,
    /// A whole number.
    Int(i64),
    /// A number as recorded.
    Float(f32),
    /// A number that was computed.
    Double(f64),
    /// True or false.
    Flag(bool),
    /// Text, as hostile as it was recorded.
    Text(Cow<'a, str>),
}

const fn always(name: &'static str, kind: ValueKind, help: &'static str) -> TableColumn {
    TableColumn { name, kind, always: true, help }
}

const fn maybe(name: &'static str, kind: ValueKind, help: &'static str) -> TableColumn {
    TableColumn { name, kind, always: false, help }
}

const FILE: TableColumn = always("file", ValueKind::Text, "the recording, as it was named");
const BRANCH: TableColumn =
    always("branch", ValueKind::Int, "the branch, from 1; each is here from the start of its run");
const NODE: TableColumn =
    always("node", ValueKind::Int, "the canvas' number in the recording; branches share canvases");

const STEPS: &[TableColumn] = &[
    FILE,
    BRANCH,
    always("step", ValueKind::Int, "the step or edit, from 1, as in `--step`; 0 for the start"),
    NODE,
    always("model", ValueKind::Text, "the model's name"),
    always("strategy", ValueKind::Text, "the strategy's name"),
    maybe("branch_name", ValueKind::Text, "the branch's name"),
    always("current", ValueKind::Flag, "true on the branch that was left last"),
    always("params", ValueKind::Text, "the parameters in force, as a JSON object"),
    always("stage", ValueKind::Int, "the stage that comes next, from 1"),
    maybe("block_start", ValueKind::Int, "first position of the block in work"),
    maybe("block_end", ValueKind::Int, "the position behind it"),
    always("length", ValueKind::Int, "generated positions (N_token)"),
    always("masks", ValueKind::Int, "masked ones among them"),
    always(
        "e_token",
        ValueKind::Int,
        "positions that hold anything but a mask or an end-of-sequence token",
    ),
    always(
        "before_tail",
        ValueKind::Int,
        "positions unmasked before the tail of end-of-sequence tokens",
    ),
    maybe(
        "made",
        ValueKind::Text,
        "what led to this canvas: `step`, `edit`, or nothing at the start",
    ),
    maybe("mode", ValueKind::Text, "the kind of that step"),
    maybe("filled", ValueKind::Int, "positions it unmasked"),
    maybe("expanded", ValueKind::Int, "positions it expanded"),
    maybe("remasked", ValueKind::Int, "positions it remasked"),
    maybe("replaced", ValueKind::Int, "positions whose token it replaced"),
    maybe("refused", ValueKind::Int, "positions that were to be expanded and were not"),
    maybe("dropped", ValueKind::Int, "positions that fell off at the maximum length"),
    maybe("eos_confidence", ValueKind::Float, "the EOS confidence that it was decided on"),
    maybe("eos_threshold", ValueKind::Float, "what it is compared with"),
    maybe("eos_counted", ValueKind::Int, "positions it counts"),
    maybe("eos_window", ValueKind::Int, "what it divides by"),
    maybe("forward_ms", ValueKind::Double, "time of the forward pass; absent where none was run"),
    maybe("decide_ms", ValueKind::Double, "time of planning and deciding"),
    maybe("finish", ValueKind::Text, "on the last row of a branch, why the run is over"),
    maybe("text", ValueKind::Text, "on the last row of a branch, the text of the region"),
];

/// The columns of the positions before those of the prediction.
const POSITIONS: &[TableColumn] = &[
    FILE,
    BRANCH,
    maybe("step", ValueKind::Int, "the step or edit made on this canvas, from 1; none on the last"),
    always("before", ValueKind::Int, "steps and edits made before: `--step` shows this canvas"),
    NODE,
    always("position", ValueKind::Int, "the position, from 0 behind the prompt"),
    always("slot", ValueKind::Int, "its identity, which insertions before it do not change"),
    always("token", ValueKind::Int, "the token held"),
    maybe("text", ValueKind::Text, "its text; a control token's name"),
    always("masked", ValueKind::Flag, "true if it holds a mask"),
    always("born", ValueKind::Int, "the step that made the position; 0 for the first canvas"),
    maybe("written", ValueKind::Int, "the step that unmasked or replaced the token"),
    maybe("guess", ValueKind::Int, "the token the model would choose"),
    maybe("guess_text", ValueKind::Text, "its text"),
];

/// What was decided there, the last columns of the positions.
const DECIDED: &[TableColumn] = &[
    maybe(
        "action",
        ValueKind::Text,
        "what the step did: `fill`, `expand`, `remask`, `replace`, `refused`, `left`, `written`, …; `unrecorded` where another program did not say",
    ),
    maybe("rule", ValueKind::Text, "by which rule"),
    maybe("value", ValueKind::Float, "the number the rule looks at"),
    maybe("threshold", ValueKind::Float, "what it is compared with"),
];

/// The columns of a prediction that are numbers of the positions: first that of the guess, which
/// stands before.
fn predicted() -> impl Iterator<Item = &'static ColumnSpec> {
    let confidence = Column::PChoice.spec();
    let others = COLUMNS.iter().filter(|spec| spec.in_table && spec.column != confidence.column);
    iter::once(confidence).chain(others)
}

static POSITION_COLUMNS: LazyLock<Vec<TableColumn>> = LazyLock::new(|| {
    let predicted = predicted().map(|spec| maybe(spec.name, ValueKind::Float, spec.help));
    POSITIONS.iter().copied().chain(predicted).chain(DECIDED.iter().copied()).collect()
});

impl Table {
    /// Its columns, in order.
    pub fn columns(self) -> &'static [TableColumn] {
        match self {
            Self::Steps => STEPS,
            Self::Positions => &POSITION_COLUMNS,
        }
    }

    /// The name in file names and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Positions => "positions",
        }
    }

    /// Tells the rows of a recording, one after the other, in the order of branches, steps and
    /// positions.
    pub(super) fn rows<E>(
        self,
        file: &str,
        recording: &Recording,
        mut tell: impl FnMut(&[TableValue]) -> Result<(), E>,
    ) -> Result<(), E> {
        let walk = RecordingWalk::new(recording);
        for trajectory in walk.trajectories() {
            for moment in walk.moments(&trajectory.path) {
                let of = RowSubject { file, recording, trajectory: &trajectory, moment: &moment };
                let mut row = Vec::with_capacity(self.columns().len());
                match self {
                    Self::Steps => {
                        of.step(&mut row);
                        tell(&row)?;
                    }
                    Self::Positions => {
                        for position in 0..moment.node.canvas.len() {
                            row.clear();
                            of.position(position, &mut row);
                            tell(&row)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// The columns of a table as Markdown, for the documents.
pub fn column_table(table: Table) -> String {
    let mut text = "| column | type | |\n|---|---|---|\n".to_owned();
    for TableColumn { name, kind, always, help } in table.columns() {
        let maybe = if *always { "" } else { ", or null" };
        let _ = writeln!(text, "| `{name}` | {}{maybe} | {help} |", kind.name());
    }
    text
}

fn int(number: usize) -> TableValue<'static> {
    TableValue::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn float(number: Option<f32>) -> TableValue<'static> {
    number.filter(|number| number.is_finite()).map_or(TableValue::Null, TableValue::Float)
}

fn or_null<T>(
    value: Option<T>,
    cell: impl FnOnce(T) -> TableValue<'static>,
) -> TableValue<'static> {
    value.map_or(TableValue::Null, cell)
}

fn word(text: &str) -> TableValue<'_> {
    TableValue::Text(Cow::Borrowed(text))
}

fn text(text: String) -> TableValue<'static> {
    TableValue::Text(Cow::Owned(text))
}

/// What a row is about.
struct RowSubject<'a> {
    file: &'a str,
    recording: &'a Recording,
    trajectory: &'a Trajectory,
    moment: &'a WalkedCanvas<'a>,
}

impl<'a> RowSubject<'a> {
    fn branch(&self, row: &mut Vec<TableValue<'a>>) {
        row.extend([word(self.file), int(self.trajectory.number)]);
    }

    fn step(&self, row: &mut Vec<TableValue<'a>>) {
        let WalkedCanvas { node, phase, next, .. } = self.moment;
        let canvas = &node.canvas;
        let (block, header) = (phase.block.as_ref(), &self.recording.header);
        self.branch(row);
        row.extend([
            int(self.moment.step),
            int(self.moment.id.0),
            word(&header.model.name),
            word(&header.strategy),
            self.trajectory.name.as_deref().map_or(TableValue::Null, word),
            TableValue::Flag(self.trajectory.current),
            text(params(&node.params)),
            int(usize::from(phase.stage)),
            or_null(block, |block| int(block.start)),
            or_null(block, |block| int(block.end)),
            int(canvas.len()),
            int(canvas.masks()),
            int(canvas.effective()),
            int(canvas.before_tail()),
            match node.made {
                NodeOrigin::Step(_) => word("step"),
                NodeOrigin::Edit(_) => word("edit"),
                NodeOrigin::Start => TableValue::Null,
            },
        ]);
        let made = node.step();
        let decision = made.map(|made| &made.decision);
        let eos = decision.and_then(|decision| decision.eos.as_ref());
        let refused = |verdict: &&Verdict| matches!(verdict, Verdict::Refused { .. });
        let time = |time: std::time::Duration| {
            // Nothing takes no time: it was not run, or not recorded.
            (!time.is_zero()).then(|| time.as_nanos() as f64 / 1e6)
        };
        row.extend([
            or_null(decision, |made| word(made.mode.name())),
            or_null(decision, |made| int(made.fills().count())),
            or_null(decision, |made| int(made.expansions().count())),
            or_null(decision, |made| int(made.remasks().count())),
            or_null(decision, |made| int(made.replacements().count())),
            or_null(decision, |made| int(made.verdicts.iter().filter(refused).count())),
            or_null(decision, |made| int(made.dropped.len())),
            float(eos.map(|eos| eos.confidence)),
            float(eos.map(|eos| eos.threshold)),
            or_null(eos.and_then(counted), int),
            or_null(eos, |eos| int(eos.window)),
            or_null(made.and_then(|made| time(made.timing.forward)), TableValue::Double),
            or_null(made.and_then(|made| time(made.timing.decide)), TableValue::Double),
        ]);
        row.extend(match next {
            AfterCanvas::End(finish) => [
                or_null(*finish, |finish| word(finish.name())),
                text(written(self.recording, canvas)),
            ],
            AfterCanvas::Step(_) | AfterCanvas::Edit => [TableValue::Null, TableValue::Null],
        });
    }

    fn position(&self, position: usize, row: &mut Vec<TableValue<'a>>) {
        let canvas = &self.moment.node.canvas;
        let cell = canvas.cells()[position];
        let vocabulary = &*self.recording.vocabulary;
        let prediction = self.moment.prediction.as_deref();
        let guess = prediction.and_then(|prediction| prediction.guess(position));
        let number = |column| float(prediction.and_then(|found| found.number(column, position)));
        self.branch(row);
        let step = match self.moment.next {
            AfterCanvas::Step(_) | AfterCanvas::Edit => int(self.moment.step + 1),
            AfterCanvas::End(_) => TableValue::Null,
        };
        row.extend([
            step,
            int(self.moment.step),
            int(self.moment.id.0),
            int(position),
            int(cell.slot.0 as usize),
            int(cell.token as usize),
            or_null(token_text(vocabulary, cell.token), text),
            TableValue::Flag(canvas.is_masked(position)),
            int(match cell.origin {
                Origin::Start | Origin::Given => 0,
                Origin::Appended { step }
                | Origin::Inserted { step, .. }
                | Origin::ByHand { step } => step as usize,
            }),
            or_null(cell.filled, |step| int(step as usize)),
            or_null(guess, |guess| int(guess as usize)),
            or_null(guess.and_then(|guess| token_text(vocabulary, guess)), text),
        ]);
        row.extend(predicted().map(|spec| number(spec.column)));
        let decision = self.moment.decision.as_ref();
        let verdict = decision.and_then(|made| made.verdicts.get(position));
        let Reason { rule, value, threshold } = verdict.map(Verdict::reason).unwrap_or_default();
        row.extend([
            or_null(verdict, |verdict| word(verdict.name())),
            or_null(rule, word),
            float(value),
            float(threshold),
        ]);
    }
}

/// How many positions a measure counts; not known where a recording only has the result.
fn counted(eos: &crate::decode::EosMeasure) -> Option<usize> {
    let known = !eos.taken.is_empty() || eos.confidence == 0.0;
    known.then_some(eos.taken.len())
}

/// The text of a token: a control token's name, U+FFFD for parts of a character.
pub(super) fn token_text(vocabulary: &dyn Vocabulary, id: TokenId) -> Option<String> {
    Some(match vocabulary.piece(id)? {
        Piece::Text(text) | Piece::Control(text) => text,
        Piece::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    })
}

/// What is written before the tail.
pub(super) fn written(recording: &Recording, canvas: &crate::canvas::Canvas) -> String {
    let mask = canvas.special().mask;
    let mut tokens = canvas.tokens();
    tokens.truncate(canvas.tail());
    tokens.retain(|&token| token != mask);
    recording.vocabulary.text(&tokens)
}

/// Parameters as a JSON object.
fn params(params: &Params) -> String {
    let values = params.iter().map(|(spec, value)| {
        let value = match value {
            Value::Int(value) => value.into(),
            Value::Float(value) => value.into(),
            Value::Name(_) | Value::Tokens(_) => value.to_string().into(),
        };
        (spec.name.to_owned(), value)
    });
    serde_json::Value::Object(values.collect()).to_string()
}
