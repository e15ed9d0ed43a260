//! Lists of steps, as a loop in Python writes them: JSON, or JSON lines with a canvas a line. The
//! histories of dLLM's samplers are such a list, without anything else.
//!
//! A step is a list of token ids (or of their texts), a text, or an object that has one of these
//! under a name of [`names::CANVAS`], perhaps with the confidences and guesses of its positions. The
//! list stands alone or under a name of [`names::LISTS`], beside facts: the mask, the prompt, the
//! model. Everything else is left out, and listed in a notice.
//!
//! Run logs of the DiffusionGemma nodes for ComfyUI (`dg-runlog/1`: a header, a frame a line, a final
//! record) are of this kind; their canvases have no mask and follow each other, block by block.

mod canvas;
mod facts;
mod names;
mod passes;
mod shape;
mod step;
mod value;
mod words;

use serde_json::{Map, Value};

use super::{
    Beginning, Converted, ImportFormat, Options, json, no_row, one_batch, skipped::SkippedInput,
    texts::Texts, too_much,
};
use crate::canvas::{NO_TOKEN, SpecialTokens, TokenId};
use facts::FileFacts;
use names::{KIND, RUN_LOG};
use shape::{canvas_of, is_step, listed, numbered};
use step::{CanvasForm, ReadStep, held};
use value::{ImportedBatch, ImportedFields, Wrong};

/// Everything that was read so far.
struct Gathered<'a> {
    options: &'a Options,
    steps: Vec<ReadStep>,
    facts: FileFacts,
    /// Texts of ids, where a step has both.
    texts: Texts,
    batch: ImportedBatch,
    cells: usize,
    left: SkippedInput,
}

/// Whether a text is a list of steps, or its lines are steps.
pub(super) fn shows(text: &Beginning) -> bool {
    match (text.depth, text.first) {
        (0, Some(b'{')) => text.values().iter().any(is_step),
        (0, _) => false,
        (1, Some(b'0'..=b'9' | b'-')) | (_, Some(b'"')) => true,
        (_, Some(b'{')) => {
            text.values().into_iter().any(|first| is_step(&Value::Array(vec![first])))
        }
        _ => false,
    }
}

/// Reads a list of steps.
///
/// # Errors
/// In words.
pub(super) fn read(
    bytes: &[u8],
    format: ImportFormat,
    options: &Options,
) -> Result<Converted, String> {
    let mut values = Vec::new();
    let mut notices = Vec::new();
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        match value {
            Ok(value) => values.push(value),
            Err(error) if error.is_eof() && !values.is_empty() => notices.push(format!(
                "it ends early, in line {}: what stands before is read",
                error.line()
            )),
            Err(error) => return Err(json::fault(bytes, &error)),
        }
    }
    // A list of runs is read like a file with one run a line.
    if let [Value::Array(list)] = values.as_mut_slice()
        && !list.is_empty()
        && list.iter().all(|run| listed(run).is_some())
    {
        values = std::mem::take(list);
    }
    let mut gathered = Gathered::new(options);
    let runs = values.iter().filter(|value| listed(value).is_some()).count();
    match <[Value; 1]>::try_from(values) {
        Ok([value]) => gathered.whole(value)?,
        // A file with one run a line.
        Err(mut values) if runs == values.len() && runs > 0 => {
            notices.extend(one_batch(runs, options.row));
            if options.row >= runs {
                return Err(no_row(options.row, runs));
            }
            gathered.batch.row = 0;
            gathered.whole(values.swap_remove(options.row))?;
        }
        Err(values) => {
            for (n, value) in values.into_iter().enumerate() {
                gathered.line(value).map_err(|wrong| wrong.told(format!("record {n}")))?;
            }
        }
    }
    gathered.found(format, notices)
}

/// The run of canvases from another kind of file: a batch of sequences, with `around`, the members
/// of the object that holds them.
///
/// # Errors
/// In words.
pub(super) fn of_canvases(
    canvases: Vec<Vec<TokenId>>,
    batch: usize,
    around: &Map<String, Value>,
    options: &Options,
) -> Result<Converted, String> {
    let mut gathered = Gathered::new(options);
    gathered.batch.rows = batch;
    gathered.around(around).map_err(|wrong| wrong.told("beside the canvases"))?;
    let steps = canvases.into_iter().map(|canvas| ReadStep::of_canvas(CanvasForm::Ids(canvas)));
    gathered.steps = steps.collect();
    gathered.found(ImportFormat::History, Vec::new())
}

impl<'a> Gathered<'a> {
    fn new(options: &'a Options) -> Self {
        Self {
            options,
            steps: Vec::new(),
            facts: FileFacts::default(),
            texts: Texts::default(),
            batch: ImportedBatch { rows: 1, row: options.row },
            cells: 0,
            left: SkippedInput::default(),
        }
    }

    /// A file that is one value.
    fn whole(&mut self, value: Value) -> Result<(), String> {
        let told = |n: usize, path: &str| {
            let path = path.to_owned();
            move |wrong: Wrong| wrong.at(n).of(&path).told(format!("step {n} of the list"))
        };
        if let Some(name) = listed(&value)
            && let Value::Object(mut object) = value
        {
            let list = object.remove(name);
            self.around(&object).map_err(|wrong| wrong.told("beside the list of steps"))?;
            let Some(Value::Array(list)) = list else { return Ok(()) };
            for (n, step) in list.into_iter().enumerate() {
                self.line(step).map_err(told(n, name))?;
            }
            return Ok(());
        }
        match value {
            Value::Object(mut object) if numbered(&object).is_some() => self.numbered(&mut object),
            // A list of canvases, unless the list is itself a single canvas.
            Value::Array(list) if !list.first().is_some_and(Value::is_number) => {
                for (n, step) in list.into_iter().enumerate() {
                    self.line(step).map_err(told(n, ""))?;
                }
                Ok(())
            }
            value @ (Value::Object(_) | Value::Array(_)) => {
                self.line(value).map_err(|wrong| wrong.told("its only step"))
            }
            _ => Err("this is no list of steps".to_owned()),
        }
    }

    /// Steps under their numbers.
    fn numbered(&mut self, object: &mut Map<String, Value>) -> Result<(), String> {
        let names = numbered(object).unwrap_or_default();
        if let Some(same) = names.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(format!(
                "`{}` and `{}` are one step. Give each step a number of its own",
                same[0].1, same[1].1
            ));
        }
        let names: Vec<(usize, String)> =
            names.into_iter().map(|(number, name)| (number, name.to_owned())).collect();
        let steps: Vec<_> = names
            .into_iter()
            .filter_map(|(number, name)| Some((number, object.remove(&name)?, name)))
            .collect();
        self.around(object).map_err(|wrong| wrong.told("beside the steps"))?;
        for (number, step, name) in steps {
            self.line(step).map_err(|wrong| wrong.told(format!("`{name}`")))?;
            if let Some(step) = self.steps.last_mut() {
                step.number = step.number.or(i64::try_from(number).ok());
            }
        }
        Ok(())
    }

    /// An object that is no step: facts, and what is left out.
    fn around(&mut self, object: &Map<String, Value>) -> Result<(), Wrong> {
        let mut fields = ImportedFields::new(object);
        fields.text(&KIND);
        self.facts.read(&mut fields, self.options, &mut self.left)?;
        self.left.names(fields.left());
        Ok(())
    }

    /// A step, or a record beside them.
    fn line(&mut self, value: Value) -> Result<(), Wrong> {
        let (canvas, rows) = match &value {
            Value::Object(object) => {
                let kind = KIND.iter().find_map(|kind| object.get(*kind)).and_then(Value::as_str);
                let around =
                    kind.is_some_and(|kind| ["header", "final", "meta", "end"].contains(&kind));
                let Some(name) = canvas_of(object).filter(|_| !around) else {
                    return self.around(object);
                };
                held(&object[name], self.batch.row).map_err(|wrong| wrong.of(name))?
            }
            canvas => held(canvas, self.batch.row)?,
        };
        self.batch.rows = self.batch.rows.max(rows);
        self.cells += canvas.len();
        if let Some(too_much) = too_much(self.steps.len(), self.cells) {
            return Err(Wrong::new(too_much));
        }
        let step = match &value {
            Value::Object(object) => self.step(canvas, object)?,
            _ => ReadStep::of_canvas(canvas),
        };
        self.steps.push(step);
        Ok(())
    }

    fn step(&mut self, canvas: CanvasForm, object: &Map<String, Value>) -> Result<ReadStep, Wrong> {
        let mut fields = ImportedFields::new(object);
        fields.text(&KIND);
        if let Some(name) = canvas_of(object) {
            fields.take(&[name]);
        }
        self.facts.read(&mut fields, self.options, &mut self.left)?;
        let n = self.steps.len();
        let (texts, left) = (&mut self.texts, &mut self.left);
        let mut step = ReadStep::of_object(canvas, n, &mut fields, self.batch, texts, left);
        // The canvases of other loops hold the whole sequence.
        if self.facts.run_log {
            step.block =
                fields.take_if(&["canvas_idx"], Value::is_u64).and_then(|(_, n)| n.as_u64());
        }
        self.left.names(fields.left());
        Ok(step)
    }

    fn found(self, format: ImportFormat, mut notices: Vec<String>) -> Result<Converted, String> {
        let Self { options, steps, facts, texts, batch, mut left, .. } = self;
        if steps.is_empty() {
            return Err("there is no canvas in it to begin with".to_owned());
        }
        if batch.row >= batch.rows {
            return Err(no_row(batch.row, batch.rows));
        }
        notices.extend(one_batch(batch.rows, batch.row));
        let what = match format {
            ImportFormat::History => "a list of canvases",
            _ => "a list of steps",
        };
        let read = canvas::tokens(&steps, &facts, texts, options, what, &mut left)?;
        notices.extend(read.notice);
        let canvases = match facts.run_log {
            true => canvas::behind(read.canvases, &steps),
            false => read.canvases,
        };
        let own_ids = steps.iter().any(|step| !matches!(step.held, CanvasForm::Ids(_)));
        let prompt_ids = facts.prompt_ids.as_deref().filter(|_| !own_ids);
        if own_ids && facts.prompt_ids.is_some() {
            left.value("the prompt's ids, where the canvases are texts", || {
                "in the file".to_owned()
            });
        }
        let (run, guessed_prompt) =
            canvas::run_of(&canvases, read.mask, prompt_ids, &facts, options, &mut left)?;
        notices.extend(renumbered(&steps).filter(|_| !facts.run_log));
        let run = passes::told(run, &steps, read.mask, &mut notices, &mut left);
        let special = SpecialTokens {
            mask: read.mask.unwrap_or(NO_TOKEN),
            eos: read.eos.unwrap_or(NO_TOKEN),
        };
        let mut found = Converted::new(format, special, run);
        if facts.run_log {
            notices.push(format!("it is a run log of DiffusionGemma ({RUN_LOG})"));
        }
        if read.mask.is_none() {
            notices.push(
                "it has no mask: every position is written from the start, and what changes is \
                 replaced. Where there is one, give it with --mask-token"
                    .to_owned(),
            );
        }
        notices.extend(left.notices());
        found.prompt = facts.prompt.unwrap_or_default();
        found.model = facts.model.unwrap_or(found.model);
        found.strategy = facts.strategy.unwrap_or(found.strategy);
        found.texts = read.texts;
        found.notices = notices;
        found.guessed_prompt = guessed_prompt;
        Ok(found)
    }
}

/// A notice if the numbers of a file's steps do not follow each other: a recording counts steps
/// from 0, in the order of the file.
fn renumbered(steps: &[ReadStep]) -> Option<String> {
    let numbers: Vec<(usize, i64)> =
        steps.iter().enumerate().filter_map(|(n, step)| Some((n, step.number?))).collect();
    let gap = numbers.windows(2).find(|pair| {
        let apart = i64::try_from(pair[1].0 - pair[0].0).unwrap_or(i64::MAX);
        pair[0].1.checked_add(apart) != Some(pair[1].1)
    })?;
    Some(format!(
        "its numbers of steps do not follow each other (after {} comes {}): here steps are counted \
         from 0, as they stand in the file",
        gap[0].1, gap[1].1
    ))
}
