//! Recordings of what another program left behind: canvases, and predictions where there are any.

use std::{io, path::Path, sync::Arc, time::Duration};

use super::{
    TraceError, convert,
    record::{Header, Record, RecordedStep, RecordedTiming, Root},
    whole::WholeFile,
    writer::{LineSink, LineWriter, started, unwritable},
};
use crate::{
    canvas::{Canvas, TokenId},
    decode::State,
    predict::{Key, Prediction, Vocabulary},
};

/// A run of another program, as far as it is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForeignRun {
    /// The prompt's token ids.
    pub prompt: Vec<TokenId>,
    /// What the generated region holds before the first step.
    pub start: Vec<TokenId>,
    /// What was done, in order.
    pub steps: Vec<ForeignStep>,
}

/// A step of another program.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignStep {
    /// What it was decided on, if that is known: as many rows as the canvas before has positions.
    pub prediction: Option<Prediction>,
    /// What the generated region holds afterwards.
    pub canvas: Vec<TokenId>,
    /// How long it took; zero where that is not known.
    pub took: Duration,
}

/// Writes a run to `path`, over what was there; packed as its name says. It is read back first: what
/// this program cannot open is not left behind. `part` is told where it is until then.
///
/// # Errors
/// In words, if the file cannot be written or what is in it does not fit together.
pub fn save_foreign(
    run: &ForeignRun,
    path: &Path,
    header: &Header,
    vocabulary: Arc<dyn Vocabulary>,
    part: impl FnOnce(&Path),
) -> Result<(), String> {
    let name = path.display().to_string();
    let refuse = |error: io::Error| unwritable(&name, &error);
    let (file, whole) = WholeFile::begin(path, part).map_err(refuse)?;
    let writer = started(file, path, vocabulary, header).map_err(refuse)?;
    write(run, writer, header).map_err(refuse)?;
    if let Some(part) = whole.part() {
        super::read(part).map_err(|error| format!("{name}: {}", unfit(error)))?;
    }
    whole.finish().map_err(refuse)
}

/// Why what was read makes no recording: the file that says so is gone by then.
fn unfit(error: TraceError) -> String {
    match error {
        TraceError::TooLarge { .. } => {
            "it would hold more positions over its steps than can be opened. Import a part of them"
                .to_owned()
        }
        TraceError::Damaged { problem, .. } => format!(
            "what was read makes no recording ({problem}). See that --format, --mask-token and \
             --prompt-length are right"
        ),
        error => error.to_string(),
    }
}

fn write(run: &ForeignRun, mut writer: LineWriter<LineSink>, header: &Header) -> io::Result<()> {
    let special = header.model.special();
    writer.name(run.prompt.iter().chain(&run.start).copied())?;
    let masks = run.start.iter().all(|&token| token == special.mask);
    writer.put(&Record::Root(Root {
        id: 0,
        prompt: run.prompt.clone(),
        length: run.start.len(),
        canvas: (!masks).then(|| run.start.clone()),
        open: Vec::new(),
        given: Vec::new(),
        suffix: Vec::new(),
        state: State::Foreign,
        params: Default::default(),
    }))?;
    let mut before = &run.start;
    for (n, step) in run.steps.iter().enumerate() {
        let key = Key(n as u128 + 1);
        if let Some(prediction) = &step.prediction {
            writer.name(super::writer::ids_in(prediction))?;
            let canvas = Canvas::holding(run.prompt.as_slice(), before, special);
            let record = convert::prediction(key, prediction, &canvas, None);
            writer.put(&Record::Prediction(record))?;
        }
        writer.name(step.canvas.iter().copied())?;
        writer.put(&Record::Step(RecordedStep {
            id: n + 1,
            parent: n,
            prediction: step.prediction.as_ref().map(|_| key.to_string()),
            params: None,
            decision: None,
            canvas: Some(step.canvas.clone()),
            open: Vec::new(),
            state: State::Foreign,
            hash: Some(convert::hashed(&step.canvas)),
            timing: RecordedTiming { forward_ms: 1e3 * step.took.as_secs_f64(), decide_ms: 0.0 },
        }))?;
        before = &step.canvas;
    }
    writer.put(&Record::End { at: run.steps.len(), finish: None })?;
    writer.flush()
}
