//! Lists of steps, as a loop in Python writes them: JSON, or JSON lines with a canvas a line.
//!
//! A step is a list of token ids (or of their texts), a text, or an object that has one of these
//! under a name of [`CANVAS`], perhaps with the confidences and guesses of its positions. The list
//! stands alone or under a name of [`LISTS`], beside facts: the mask, the prompt, the model.
//! What is neither a canvas nor such a fact is left out, and said.
//!
//! Run logs of the DiffusionGemma nodes for ComfyUI (`dg-runlog/1`: a header, a frame a line, a final
//! record) are of this kind; their canvases have no mask and follow each other, block by block.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    Format, Found, MOST_CELLS, MOST_STEPS, Options, canvases, json, no_row, one_batch,
    texts::{Ids, MASK, Texts, piece},
    token,
};
use crate::{
    canvas::{NO_TOKEN, SpecialTokens, TokenId},
    predict::{Column, Data, Piece, Prediction},
    trace::ForeignRun,
};

/// Names that a list of steps may have.
pub(super) const LISTS: [&str; 13] = [
    "steps",
    "histories",
    "history",
    "frames",
    "trajectory",
    "trace",
    "canvases",
    "states",
    "snapshots",
    "intermediates",
    "iterations",
    "records",
    "sequence_history",
];

/// Names that a step's canvas may have, ids before texts.
pub(super) const CANVAS: [&str; 21] = [
    "canvas_ids",
    "canvas",
    "token_ids",
    "input_ids",
    "ids",
    "xt",
    "x_t",
    "x",
    "sequence",
    "sequences",
    "seq",
    "state",
    "output_ids",
    "output",
    "generated_ids",
    "tokens",
    "token_strs",
    "words",
    "text",
    "decoded",
    "decoded_step_text",
];

const CONFIDENCE: [&str; 9] = [
    "confidences",
    "confidence",
    "conf",
    "confs",
    "probs",
    "token_confidence",
    "token_confidences",
    "x0_p",
    "p",
];
const GUESS: [&str; 6] = ["argmax", "x0", "predictions", "predicted_ids", "pred_ids", "guesses"];
const ENTROPY: [&str; 2] = ["entropies", "entropy"];
const MASKS: [&str; 4] = ["mask_id", "mask_token_id", "mask_token", "mask"];
const EOS: [&str; 4] = ["eos_id", "eos_token_id", "eos_token", "eos"];
const PROMPT_LENGTH: [&str; 4] =
    ["prompt_length", "prompt_len", "prompt_token_len", "prompt_tokens"];
const PROMPT_IDS: [&str; 2] = ["prompt_ids", "prompt_token_ids"];
const MODEL: [&str; 4] = ["model", "model_id", "model_name", "model_repo_id"];
const STRATEGY: [&str; 5] = ["strategy", "algorithm", "alg", "sampler", "scheduler_name"];

/// Texts that stand for the mask where there are texts alone.
const MASK_TEXTS: [&str; 8] =
    ["[MASK]", "<mask>", "<|mask|>", "<|mdm_mask|>", "<|MASK|>", "<MASK>", "[M]", "▒"];

/// The run log that is known.
const RUN_LOG: &str = "dg-runlog/1";

/// What a canvas was given as.
enum Held {
    Ids(Vec<TokenId>),
    Texts(Vec<String>),
}

/// A step as it was read.
struct Step {
    held: Held,
    confidence: Option<Vec<f32>>,
    guess: Option<Vec<TokenId>>,
    entropy: Option<Vec<f32>>,
    /// Which of several canvases that follow each other.
    block: Option<u64>,
}

/// What is said beside the steps.
#[derive(Default)]
struct Facts {
    mask: Option<Value>,
    eos: Option<Value>,
    prompt: String,
    prompt_ids: Option<Vec<TokenId>>,
    prompt_length: Option<usize>,
    model: Option<String>,
    strategy: Option<String>,
    run_log: bool,
    /// Names that were not read.
    left: BTreeSet<String>,
}

/// What is gathered while reading.
#[derive(Default)]
struct Gathered {
    steps: Vec<Step>,
    facts: Facts,
    /// Texts of ids, where a step has both.
    texts: Texts,
    batch: usize,
    row: usize,
    cells: usize,
    words: bool,
}

/// Reads a list of steps.
///
/// # Errors
/// In words.
pub(super) fn read(bytes: &[u8], options: &Options) -> Result<Found, String> {
    let mut gathered = Gathered { batch: 1, row: options.row, ..Gathered::default() };
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
    // A list of runs is as a run a line.
    if let [Value::Array(list)] = values.as_mut_slice()
        && list.iter().all(|run| listed(run).is_some())
    {
        values = std::mem::take(list);
    }
    let runs = values.iter().filter(|value| listed(value).is_some()).count();
    match <[Value; 1]>::try_from(values) {
        Ok([value]) => gathered.whole(value)?,
        // A run a line.
        Err(mut values) if runs == values.len() && runs > 0 => {
            notices.extend(one_batch(runs, options.row));
            if options.row >= runs {
                return Err(no_row(options.row, runs));
            }
            gathered.row = 0;
            gathered.whole(values.swap_remove(options.row))?;
        }
        Err(values) => {
            for (n, value) in values.into_iter().enumerate() {
                gathered.line(value).map_err(|problem| format!("record {n}: {problem}"))?;
            }
        }
    }
    notices.extend(one_batch(gathered.batch, options.row));
    gathered.found(options, notices)
}

/// The list of steps of an object, under its name.
fn listed(value: &Value) -> Option<&'static str> {
    let object = value.as_object()?;
    LISTS.into_iter().find(|name| object.get(*name).is_some_and(Value::is_array))
}

/// The names of an object whose canvases stand under the numbers of their steps: `0`, `step_1`; in
/// order.
fn numbered(object: &Map<String, Value>) -> Option<Vec<(usize, &str)>> {
    let number = |(name, value): (&'_ String, &Value)| {
        let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok();
        digits.filter(|_| value.is_array())
    };
    let mut names = Vec::with_capacity(object.len());
    for entry in object {
        names.push((number(entry)?, entry.0.as_str()));
    }
    names.sort_unstable();
    (names.len() > 1).then_some(names)
}

/// The canvas of an object, under its name; ids rather than texts.
fn canvas_of(object: &Map<String, Value>) -> Option<&'static str> {
    let held = |name: &&str| object.get(*name).is_some_and(|value| value.is_array());
    let of_ids = |name: &&str| {
        let ids = object.get(*name).and_then(Value::as_array);
        ids.is_some_and(|ids| ids.first().is_none_or(|id| id.is_number() || id.is_array()))
    };
    let texts = |name: &&str| object.get(*name).is_some_and(Value::is_string);
    let find = |fits: &dyn Fn(&&str) -> bool| CANVAS.into_iter().find(|name| fits(name));
    find(&of_ids).or_else(|| find(&held)).or_else(|| find(&texts))
}

/// Whether a value shows to be part of such a list: a canvas, a list of them, or a record beside
/// them.
pub(super) fn shows(value: &Value) -> bool {
    match value {
        Value::Array(members) => members.first().is_some_and(|first| match first {
            Value::Object(step) => canvas_of(step).is_some() || listed(first).is_some(),
            first => first.is_string() || first.is_number() || first.is_array(),
        }),
        Value::Object(object) => {
            let list = listed(value).and_then(|name| object.get(name)?.as_array()?.first());
            list.is_some_and(|first| !first.is_object() || shows(first))
                || canvas_of(object).is_some_and(|name| object[name].is_array())
                || run_log(object).is_some()
                || numbered(object).is_some()
        }
        _ => false,
    }
}

fn run_log(object: &Map<String, Value>) -> Option<&str> {
    object.get("schema")?.as_str().filter(|schema| schema.starts_with("dg-runlog/"))
}

fn first<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| object.get(*name)).filter(|value| !value.is_null())
}

/// A list of a position each, of a batch or not; not of distributions.
fn row_of(list: &Vec<Value>, batch: usize, row: usize) -> Option<&Vec<Value>> {
    match list.first() {
        Some(Value::Array(_)) if list.len() == batch => list.get(row)?.as_array(),
        Some(Value::Array(_)) => None,
        _ => Some(list),
    }
}

/// Numbers, one a position; what is none is not known.
fn numbers(value: Option<&Value>, batch: usize, row: usize) -> Option<Vec<f32>> {
    let list = row_of(value?.as_array()?, batch, row)?;
    let number = |value: &Value| value.as_f64().map_or(f32::NAN, |number| number as f32);
    Some(list.iter().map(number).collect())
}

fn ids(list: &[Value]) -> Result<Vec<TokenId>, String> {
    let id = |(at, value): (usize, &Value)| {
        let number = value.as_i64().ok_or_else(|| format!("{value} is no token id"));
        number.and_then(token).map_err(|problem| format!("position {at}: {problem}"))
    };
    list.iter().enumerate().map(id).collect()
}

impl Gathered {
    /// A file that is one value.
    fn whole(&mut self, value: Value) -> Result<(), String> {
        let list = match (listed(&value), value) {
            (Some(name), Value::Object(mut object)) => {
                let list = object.remove(name);
                self.fact(&object)?;
                list
            }
            (_, Value::Object(object)) if numbered(&object).is_some() => {
                let names = numbered(&object).unwrap_or_default();
                Some(names.into_iter().filter_map(|(_, name)| object.get(name).cloned()).collect())
            }
            // A canvas alone, not a list of them.
            (_, value @ Value::Object(_)) => Some(Value::Array(vec![value])),
            (_, Value::Array(list)) if list.first().is_some_and(Value::is_number) => {
                Some(Value::Array(vec![Value::Array(list)]))
            }
            (_, value) => Some(value),
        };
        let Some(Value::Array(list)) = list else {
            return Err("this is no list of steps".to_owned());
        };
        for (n, step) in list.into_iter().enumerate() {
            self.line(step).map_err(|problem| format!("step {n} of the list: {problem}"))?;
        }
        Ok(())
    }

    /// A step, or a record beside them.
    fn line(&mut self, value: Value) -> Result<(), String> {
        let step = match value {
            Value::Object(object) => {
                let kind = object.get("record_type").or(object.get("type")).and_then(Value::as_str);
                let beside =
                    kind.is_some_and(|kind| ["header", "final", "meta", "end"].contains(&kind));
                match canvas_of(&object).filter(|_| !beside) {
                    Some(name) => self.step(name, &object)?,
                    None if beside || self.steps.is_empty() => return self.fact(&object),
                    None => {
                        // Behind the steps, as what came of them.
                        self.left(object.keys());
                        return Ok(());
                    }
                }
            }
            canvas => {
                let held = self.held(&canvas)?;
                Step { held, confidence: None, guess: None, entropy: None, block: None }
            }
        };
        self.cells += match &step.held {
            Held::Ids(ids) => ids.len(),
            Held::Texts(texts) => texts.len(),
        };
        if self.steps.len() > MOST_STEPS || self.cells > MOST_CELLS {
            return Err("more steps and positions than can be opened. Import a part".to_owned());
        }
        self.steps.push(step);
        Ok(())
    }

    fn left<'a>(&mut self, names: impl Iterator<Item = &'a String>) {
        // An object may hold any number of them.
        const MOST: usize = 64;
        for name in names {
            if self.facts.left.len() < MOST {
                self.facts.left.insert(name.chars().take(40).collect());
            }
        }
    }

    fn step(&mut self, name: &str, object: &Map<String, Value>) -> Result<Step, String> {
        let held = self.held(&object[name])?;
        let (batch, row) = (self.batch, self.row);
        let guess = first(object, &GUESS).and_then(Value::as_array);
        let guess = guess.and_then(|list| row_of(list, batch, row)).map(|list| {
            let id = |value: &Value| value.as_i64().and_then(|id| token(id).ok());
            list.iter().map(|value| id(value).unwrap_or(NO_TOKEN)).collect()
        });
        if let Held::Ids(ids) = &held {
            let texts = ["tokens", "token_strs", "words", "texts"].iter().find_map(|other| {
                let list = object.get(*other).filter(|_| *other != name)?.as_array()?;
                (list.len() == ids.len()).then_some(list)
            });
            for (&id, text) in ids.iter().zip(texts.into_iter().flatten()) {
                if let Some(text) = text.as_str() {
                    self.texts.0.entry(id).or_insert_with(|| piece(text));
                }
            }
        }
        let known =
            [&CONFIDENCE[..], &GUESS, &ENTROPY, &CANVAS, &["step", "step_idx", "i"]].concat();
        let known = [&known[..], &["record_type", "type", "canvas_idx", "t", "texts"]].concat();
        self.left(object.keys().filter(|name| !known.contains(&name.as_str())));
        Ok(Step {
            held,
            confidence: numbers(first(object, &CONFIDENCE), batch, row),
            guess,
            entropy: numbers(first(object, &ENTROPY), batch, row),
            block: object.get("canvas_idx").and_then(Value::as_u64),
        })
    }

    /// A canvas: ids, texts of tokens, one text, or a batch of them.
    fn held(&mut self, value: &Value) -> Result<Held, String> {
        match value {
            Value::String(text) => {
                self.words = true;
                Ok(Held::Texts(words(text)))
            }
            Value::Array(list) => match list.first() {
                Some(Value::Array(_)) => {
                    self.batch = self.batch.max(list.len());
                    let row = list.get(self.row).ok_or_else(|| no_row(self.row, list.len()))?;
                    match row.as_array().and_then(|row| row.first()) {
                        Some(Value::Array(_)) => Err("its canvas is nested too deep".to_owned()),
                        _ => self.held(row),
                    }
                }
                Some(Value::String(_)) => {
                    let text = |text: &Value| {
                        text.as_str().map(str::to_owned).ok_or_else(|| format!("{text} is no text"))
                    };
                    list.iter().map(text).collect::<Result<_, _>>().map(Held::Texts)
                }
                _ => ids(list).map(Held::Ids),
            },
            _ => Err("it is neither a list of tokens nor an object with one".to_owned()),
        }
    }

    /// Facts beside the steps.
    fn fact(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        if let Some(schema) = run_log(object) {
            if schema != RUN_LOG {
                return Err(format!(
                    "a run log in the format {schema:?}, of which only {RUN_LOG} is known"
                ));
            }
            self.facts.run_log = true;
        }
        let facts = &mut self.facts;
        let text = |names| first(object, names).and_then(Value::as_str).map(str::to_owned);
        facts.mask = first(object, &MASKS).cloned().or(facts.mask.take());
        facts.eos = first(object, &EOS).cloned().or(facts.eos.take());
        facts.model = text(&MODEL).or(facts.model.take());
        facts.strategy = text(&STRATEGY).or(facts.strategy.take());
        let length = first(object, &PROMPT_LENGTH).and_then(Value::as_u64);
        facts.prompt_length = length.and_then(|n| usize::try_from(n).ok()).or(facts.prompt_length);
        let prompt = object.get("prompt").or(object.get("prompt_text"));
        if let Some(text) = prompt.and_then(Value::as_str) {
            facts.prompt = text.to_owned();
        }
        let of_prompt = first(object, &PROMPT_IDS).or(prompt).and_then(Value::as_array);
        if let Some(list) = of_prompt {
            let wrong = |problem| format!("the prompt: {problem}");
            facts.prompt_ids = Some(ids(list).map_err(wrong)?);
        }
        let known = [&MASKS[..], &EOS, &MODEL, &STRATEGY, &PROMPT_LENGTH, &PROMPT_IDS].concat();
        let known =
            [&known[..], &["prompt", "prompt_text", "schema", "record_type", "type"]].concat();
        self.left(object.keys().filter(|name| !known.contains(&name.as_str())));
        Ok(())
    }

    fn found(self, options: &Options, mut notices: Vec<String>) -> Result<Found, String> {
        let Self { steps, facts, texts, words, .. } = self;
        if steps.is_empty() {
            return Err("there is no canvas in it to begin with".to_owned());
        }
        let of_texts = steps.iter().filter(|step| matches!(step.held, Held::Texts(_))).count();
        if of_texts != 0 && of_texts != steps.len() {
            return Err("some of its canvases are ids and some are texts".to_owned());
        }
        let (canvases, mask, eos, texts) = match of_texts {
            0 => with_ids(&steps, &facts, texts, options)?,
            _ => with_texts(&steps, &facts, &mut notices, words)?,
        };
        let canvases = if facts.run_log { behind(canvases, &steps) } else { canvases };
        let run = run_of(&canvases, mask, &facts, options)?;
        let run = told(run, &steps, mask, &mut notices);
        let special =
            SpecialTokens { mask: mask.unwrap_or(NO_TOKEN), eos: eos.unwrap_or(NO_TOKEN) };
        let mut found = Found::new(Format::Steps, special, run);
        if facts.run_log {
            notices.push(format!("it is a run log of DiffusionGemma ({RUN_LOG})"));
        }
        if mask.is_none() {
            notices.push(
                "it has no mask: every position is written from the start, and what changes is \
                 replaced. Where there is one, give it with --mask-token"
                    .to_owned(),
            );
        }
        let left: Vec<String> = facts.left.into_iter().collect();
        if !left.is_empty() {
            notices.push(format!("not read: {}", left.join(", ")));
        }
        found.prompt = facts.prompt;
        found.model = facts.model.unwrap_or(found.model);
        found.strategy = facts.strategy.unwrap_or(found.strategy);
        found.texts = texts;
        found.notices = notices;
        Ok(found)
    }
}

type Canvases = (Vec<Vec<TokenId>>, Option<TokenId>, Option<TokenId>, Option<Texts>);

/// A token that a file names by its id.
fn named(fact: &Option<Value>) -> Result<Option<TokenId>, String> {
    fact.as_ref().and_then(Value::as_i64).map(token).transpose()
}

fn with_ids(
    steps: &[Step],
    facts: &Facts,
    texts: Texts,
    options: &Options,
) -> Result<Canvases, String> {
    let held = |step: &Step| match &step.held {
        Held::Ids(ids) => ids.clone(),
        Held::Texts(_) => Vec::new(),
    };
    let canvases: Vec<Vec<TokenId>> = steps.iter().map(held).collect();
    let of_text = |wanted: &dyn Fn(&str) -> bool| {
        let mut known = texts.0.iter();
        let text = |piece: &Piece| match piece {
            Piece::Text(text) | Piece::Control(text) => wanted(text),
            Piece::Bytes(_) => false,
        };
        known.find(|(_, piece)| text(piece)).map(|(id, _)| *id)
    };
    let said = |fact: &Option<Value>| {
        let text = fact.as_ref().and_then(Value::as_str)?;
        of_text(&|other| other == text)
    };
    let mask = options.mask.or(named(&facts.mask)?).or_else(|| said(&facts.mask));
    let mask = mask.or_else(|| of_text(&|text| MASK_TEXTS.contains(&text)));
    let eos = options.eos.or(named(&facts.eos)?).or_else(|| said(&facts.eos));
    if mask.is_none() && !facts.run_log {
        return Err(canvases::no_mask("a list of steps", &canvases));
    }
    let texts = (!texts.0.is_empty()).then_some(texts);
    Ok((canvases, mask, eos, texts))
}

fn with_texts(
    steps: &[Step],
    facts: &Facts,
    notices: &mut Vec<String>,
    words: bool,
) -> Result<Canvases, String> {
    let said = facts.mask.as_ref().and_then(Value::as_str);
    let is_mask = |text: &str| Some(text.trim()) == said || MASK_TEXTS.contains(&text.trim());
    let mut ids = Ids::new();
    let mut any = false;
    let canvases = steps
        .iter()
        .map(|step| match &step.held {
            Held::Ids(ids) => ids.clone(),
            Held::Texts(texts) => texts
                .iter()
                .map(|text| match is_mask(text) {
                    true => {
                        any = true;
                        MASK
                    }
                    false => ids.of(text),
                })
                .collect(),
        })
        .collect();
    if !any {
        return Err(format!(
            "its canvases are texts, and none of them is a mask that is known ({}). Write its text \
             into the file as `mask_token`, or the token ids instead of the texts",
            MASK_TEXTS.join(", ")
        ));
    }
    notices.push(match words {
        true => {
            "it has texts alone: a position is a word or a mask, with an id of this program's, \
                 so where a word is several tokens the length changes"
                .to_owned()
        }
        false => "it has no token ids: each text has an id of this program's".to_owned(),
    });
    let eos = facts.eos.as_ref().and_then(Value::as_str).and_then(|text| ids.find(text));
    Ok((canvases, Some(MASK), eos, Some(ids.texts)))
}

/// A text as words with the blanks before them, and masks.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut rest, mut word) = (text, String::new());
    let mut finish = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    while let Some(next) = rest.chars().next() {
        if let Some(mask) = MASK_TEXTS.into_iter().find(|mask| rest.starts_with(mask)) {
            // Blanks between masks are how they were joined.
            if word.trim().is_empty() {
                word.clear();
            }
            finish(&mut word);
            word.push_str(mask);
            finish(&mut word);
            rest = &rest[mask.len()..];
            continue;
        }
        if next.is_whitespace() && !word.trim().is_empty() {
            finish(&mut word);
        }
        word.push(next);
        rest = &rest[next.len_utf8()..];
    }
    finish(&mut word);
    words
}

/// Canvases that follow each other, each behind those that are done.
fn behind(canvases: Vec<Vec<TokenId>>, steps: &[Step]) -> Vec<Vec<TokenId>> {
    let mut done: Vec<TokenId> = Vec::new();
    let mut before: Option<(Option<u64>, Vec<TokenId>)> = None;
    let mut whole = Vec::with_capacity(canvases.len());
    for (canvas, step) in canvases.into_iter().zip(steps) {
        if let Some((block, last)) = &before
            && *block != step.block
        {
            done.extend(last);
        }
        whole.push([&done[..], &canvas].concat());
        before = Some((step.block, canvas));
    }
    whole
}

fn run_of(
    canvases: &[Vec<TokenId>],
    mask: Option<TokenId>,
    facts: &Facts,
    options: &Options,
) -> Result<ForeignRun, String> {
    let prompt = facts.prompt_ids.as_deref().unwrap_or_default();
    let in_front = !prompt.is_empty() && canvases.iter().all(|canvas| canvas.starts_with(prompt));
    let length = match options.prompt_length.or(facts.prompt_length) {
        Some(length) => Some(length),
        None if in_front => Some(prompt.len()),
        // The canvases hold what is generated alone.
        None if facts.prompt_ids.is_some() || facts.run_log => Some(0),
        None => None,
    };
    let mut run = canvases::run(canvases, mask, length)?;
    if run.prompt.is_empty() && !in_front {
        run.prompt = prompt.to_vec();
    }
    Ok(run)
}

/// Puts what is known of the passes to the steps of a run.
///
/// A record's numbers are those of the pass that made its canvas, or of the pass on it, which makes
/// the next one: which it is shows in what is filled, the surest positions.
fn told(
    mut run: ForeignRun,
    steps: &[Step],
    mask: Option<TokenId>,
    notices: &mut Vec<String>,
) -> ForeignRun {
    let any =
        |step: &Step| step.confidence.is_some() || step.guess.is_some() || step.entropy.is_some();
    if !steps.iter().any(any) {
        notices.push("it holds canvases alone: no prediction, no confidence, no times".to_owned());
        return run;
    }
    let before: Vec<Vec<TokenId>> = std::iter::once(run.start.clone())
        .chain(run.steps.iter().map(|step| step.canvas.clone()))
        .collect();
    let masked = |token: TokenId| Some(token) == mask;
    let fits = |n: usize, at: usize| {
        let confidence = steps[at].confidence.as_deref()?;
        let rows = placed(confidence, before[n].len(), run.prompt.len())?;
        let (then, now) = (&before[n], &before[n + 1]);
        let open =
            (0..then.len().min(now.len())).filter(|&at| masked(then[at]) && rows[at].is_finite());
        let (filled, left): (Vec<usize>, Vec<usize>) = open.partition(|&at| !masked(now[at]));
        let least = filled.iter().map(|&at| rows[at]).reduce(f32::min)?;
        let most = left.iter().map(|&at| rows[at]).reduce(f32::max)?;
        Some(least >= most)
    };
    let count =
        |ahead: usize| (0..run.steps.len()).filter(|&n| fits(n, n + ahead) == Some(true)).count();
    let (with, on) = (count(1), count(0));
    let ahead = usize::from(with >= on);
    let mut unfit = 0;
    for (n, made) in run.steps.iter_mut().enumerate() {
        let record = &steps[n + ahead];
        if !any(record) {
            continue;
        }
        match prediction(record, &before[n], &made.canvas, run.prompt.len(), mask) {
            Some(prediction) => made.prediction = Some(prediction),
            None => unfit += 1,
        }
    }
    notices.push(match ahead {
        1 => {
            "numbers are taken as those of the pass that made the canvas they stand with".to_owned()
        }
        _ => "numbers are taken as those of the pass on the canvas they stand with: its surest \
              positions are what is filled next"
            .to_owned(),
    });
    if unfit > 0 {
        notices.push(format!(
            "{unfit} steps have another number of values than of positions: those are left out"
        ));
    }
    run
}

/// Values of the generated region of so many positions, wherever they begin: at the prompt or behind.
fn placed<T: Copy>(values: &[T], positions: usize, prompt: usize) -> Option<Vec<T>> {
    match values.len() {
        n if n == positions => Some(values.to_vec()),
        // The canvas may have grown since.
        n if n >= prompt + positions => Some(values[prompt..prompt + positions].to_vec()),
        n if n > positions => Some(values[..positions].to_vec()),
        _ => None,
    }
}

/// What is known of a pass on the canvas `before` that made `after`; `None` if it does not fit.
fn prediction(
    step: &Step,
    before: &[TokenId],
    after: &[TokenId],
    prompt: usize,
    mask: Option<TokenId>,
) -> Option<Prediction> {
    let rows = before.len();
    // Where a token was written, that was the guess.
    let changed = |at: usize| {
        after.get(at).copied().filter(|&token| token != before[at] && Some(token) != mask)
    };
    let open = |at: usize| Some(before[at]) == mask || changed(at).is_some();
    let at_open = |numbers: Vec<f32>| {
        let number = |(at, p): (usize, f32)| if open(at) { p } else { f32::NAN };
        numbers.into_iter().enumerate().map(number).collect::<Vec<f32>>()
    };
    let mut made = Prediction::new(rows);
    let guess = match &step.guess {
        Some(guess) => placed(guess, rows, prompt)?,
        None => vec![NO_TOKEN; rows],
    };
    if step.confidence.is_some() || step.guess.is_some() {
        let guess = guess.into_iter().enumerate();
        let argmax = guess.map(|(at, guess)| match (open(at), same_length(before, after)) {
            (false, _) => NO_TOKEN,
            (true, true) => changed(at).unwrap_or(guess),
            (true, false) => guess,
        });
        made = made.with(Column::Argmax, Data::Ids(argmax.collect()));
    }
    if let Some(confidence) = &step.confidence {
        let p = placed(confidence, rows, prompt)?.into_iter();
        // Loops put −∞ where nothing may be filled.
        let p = p.map(|p| if (0.0..=1.0).contains(&p) { p } else { f32::NAN }).collect();
        made = made.with(Column::PArgmax, Data::Numbers(at_open(p)));
    }
    if let Some(entropy) = &step.entropy {
        let entropy = placed(entropy, rows, prompt)?.into_iter();
        let entropy = entropy.map(|nats| if nats >= 0.0 { nats } else { f32::NAN }).collect();
        made = made.with(Column::Entropy, Data::Numbers(at_open(entropy)));
    }
    Some(made)
}

fn same_length(a: &[TokenId], b: &[TokenId]) -> bool {
    a.len() == b.len()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn texts_fall_into_words_and_masks() {
        for (text, expected) in [
            ("", &[][..]),
            ("The cat", &["The", " cat"]),
            ("The <mask> <mask>.", &["The", "<mask>", "<mask>", "."]),
            ("[MASK][MASK] end\n", &["[MASK]", "[MASK]", " end", "\n"]),
            ("a  b", &["a", "  b"]),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }
}
