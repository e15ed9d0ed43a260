//! Recordings of what another program left behind: canvases, and predictions where there are any.

use std::{fs, path::Path, sync::Arc, time::Duration};

use super::{
    convert,
    record::{Header, Record, Root, Step, Timing},
    writer::{half_written, opened, unwritable},
};
use crate::{
    canvas::{Canvas, SpecialTokens, TokenId},
    decode::State,
    predict::{Key, Prediction, Vocabulary},
};

/// A run of another program, as far as it is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForeignRun {
    /// The prompt's tokens.
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
/// this program cannot open is not left behind.
///
/// # Errors
/// In words, if the file cannot be written or what is in it does not fit together.
pub fn save_foreign(
    run: &ForeignRun,
    path: &Path,
    header: &Header,
    vocabulary: Arc<dyn Vocabulary>,
) -> Result<(), String> {
    let name = path.display().to_string();
    let half = &half_written(path);
    let written = write(run, half, path, header, vocabulary)
        .map_err(|error| unwritable(&name, &error))
        .and_then(|()| super::read(half).map(drop).map_err(|error| error.to_string()))
        .and_then(|()| fs::rename(half, path).map_err(|error| unwritable(&name, &error)));
    written.inspect_err(|_| drop(fs::remove_file(half)))
}

fn write(
    run: &ForeignRun,
    half: &Path,
    path: &Path,
    header: &Header,
    vocabulary: Arc<dyn Vocabulary>,
) -> std::io::Result<()> {
    let mut writer = opened(half, path, vocabulary, header)?;
    let special = SpecialTokens { mask: header.model.mask, eos: header.model.eos };
    writer.name(run.prompt.iter().chain(&run.start).copied())?;
    let masks = run.start.iter().all(|&token| token == special.mask);
    writer.put(&Record::Root(Root {
        id: 0,
        prompt: run.prompt.clone(),
        length: run.start.len(),
        canvas: (!masks).then(|| run.start.clone()),
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
        writer.put(&Record::Step(Step {
            id: n + 1,
            parent: n,
            prediction: step.prediction.as_ref().map(|_| key.to_string()),
            params: None,
            decision: None,
            canvas: Some(step.canvas.clone()),
            state: State::Foreign,
            hash: Some(convert::hashed(&step.canvas)),
            timing: Timing { forward_ms: 1e3 * step.took.as_secs_f64(), decide_ms: 0.0 },
        }))?;
        before = &step.canvas;
    }
    writer.put(&Record::End { at: run.steps.len(), finish: None })?;
    writer.flush()
}
