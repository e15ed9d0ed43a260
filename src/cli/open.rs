//! Opening a session: load the model, read the prompt, check that both fit, start recording.

use std::path::Path;

use super::{
    Config, Fault, LoadOptions, ModelOptions,
    config::{Presets, set_all},
    progress::{self, Shown},
};
use crate::{
    canvas::TokenId,
    decode::{self, DecodeError, Extras, Params},
    model::Loaded,
    predict::{Column, ColumnSet, ModelFacts},
    session::{self, Recorder, Session},
    trace::{Header, TraceRecorder},
};

/// The prompt of the first look around.
pub const SAMPLE_PROMPT: &str = "Write a story in 7 sentences about a small owl who finds a drum.";

/// A session ready to be stepped, and its model.
pub struct Opened {
    /// The session, before its first step.
    pub session: Session,
    /// The model.
    pub loaded: Loaded,
    /// The prompt as typed, or empty for token ids.
    pub prompt: String,
    /// The header of recordings of this session.
    pub header: Header,
}

/// Loads, which is seen where `shown` says, and starts. `recorder` makes the recorder, once the header is known.
pub fn open(
    options: &ModelOptions,
    config: &Config,
    prompt: Option<&str>,
    shown: Shown,
    recorder: impl FnOnce(&Header, &Loaded) -> Result<Option<Box<dyn Recorder>>, Fault>,
) -> Result<Opened, Fault> {
    // Before the model is loaded, which may take minutes.
    let strategy = decode::strategy(&options.strategy)
        .ok_or_else(|| Fault::usage(format!("there is no strategy `{}`", options.strategy)))?;
    options.params.set(strategy, &mut Params::defaults(strategy.params()))?;
    let preset = match &options.preset {
        Some(name) => Presets::of(config).load(name)?,
        None => Vec::new(),
    };
    let (loaded, ids, prompt) = load(&options.load, prompt, shown)?;
    let mut start = Params::defaults(strategy.params());
    start.suggest(&loaded.suggested.of(strategy.name()));
    set_all(&mut start, &config.params)?;
    set_all(&mut start, &preset)?;
    options.params.set(strategy, &mut start)?;
    let params = params(options, &loaded, start, ids.len())?;
    let extras = Extras { cache: options.cache, ..extras(options.load.candidates, &loaded.facts) };
    let header = Header::new(&loaded.facts, strategy.name(), &prompt, extras);
    let refuse = |error| match error {
        DecodeError::Param(error) => Fault::usage(error),
        error => Fault::failure(error),
    };
    // Nothing is written over for a run that does not begin.
    strategy.start(&ids, loaded.facts.special, &params).map_err(refuse)?;
    let recorder = recorder(&header, &loaded)?;
    let session = Session::new(strategy, &ids, loaded.facts.special, params, extras, recorder)
        .map_err(refuse)?;
    Ok(Opened { session, loaded, prompt, header })
}

/// Loads the model and encodes the prompt; without one, the sample. The prompt as typed is empty
/// for token ids.
pub fn load(
    options: &LoadOptions,
    prompt: Option<&str>,
    shown: Shown,
) -> Result<(Loaded, Vec<TokenId>, String), Fault> {
    let computing = options.source.computing()?;
    let loaded = progress::load(&options.source.source()?, &computing, shown)?;
    let (ids, prompt) = match (&options.prompt_ids, prompt) {
        (Some(ids), _) => (ids.clone(), String::new()),
        (None, Some(text)) => (encode(&loaded, text)?, text.to_owned()),
        (None, None) => (encode(&loaded, SAMPLE_PROMPT)?, SAMPLE_PROMPT.to_owned()),
    };
    check_ids(&loaded, &ids)?;
    Ok((loaded, ids, prompt))
}

/// A recorder to a file. What is there already is not written over unless asked for.
pub fn file_recorder(
    overwrite: bool,
    path: &Path,
    header: &Header,
    loaded: &Loaded,
) -> Result<Box<dyn Recorder>, Fault> {
    nothing_lost(overwrite, path)?;
    let vocabulary = loaded.tokenizer.clone();
    let recorder = TraceRecorder::create(path, header, vocabulary).map_err(Fault::failure)?;
    Ok(Box::new(recorder))
}

/// Refuses a file that holds something, unless it may be written over.
pub fn nothing_lost(overwrite: bool, path: &Path) -> Result<(), Fault> {
    let holds = path.metadata().is_ok_and(|found| found.is_file() && found.len() > 0);
    if holds && !overwrite {
        return Err(Fault::failure(format!(
            "{}: this file exists and would be lost. Give another name, or add --overwrite",
            path.display()
        )));
    }
    Ok(())
}

/// What people look at beyond what the strategy needs.
pub fn extras(top_k: u16, facts: &ModelFacts) -> Extras {
    let columns = ColumnSet::of(&[Column::Entropy, Column::Margin, Column::TopK]);
    Extras { columns, top_k: usize::from(top_k), reading: facts.reading, ..Extras::NONE }
}

fn encode(loaded: &Loaded, text: &str) -> Result<Vec<TokenId>, Fault> {
    loaded.tokenizer.encode_prompt(text).map_err(Fault::failure)
}

fn check_ids(loaded: &Loaded, ids: &[TokenId]) -> Result<(), Fault> {
    let vocabulary = loaded.facts.vocabulary;
    match ids.iter().find(|&&id| id as usize >= vocabulary) {
        None => Ok(()),
        Some(id) => Err(Fault::usage(format!(
            "--prompt-ids: token {id} is not in the vocabulary of {} ({vocabulary} tokens). \
             Give ids below {vocabulary}",
            loaded.facts.name
        ))),
    }
}

/// What there is so far (the defaults, then what the checkpoint suggests, the configuration, the
/// preset), then the flags.
fn params(
    options: &ModelOptions,
    loaded: &Loaded,
    mut params: Params,
    prompt: usize,
) -> Result<Params, Fault> {
    let given = options.params.has(&params, "max_gen_length");
    fit(&mut params, given, loaded, prompt)?;
    Ok(params)
}

/// Lowers a maximum length to what the context holds, unless it was asked for. Refuses a prompt
/// that leaves no room.
pub fn fit(params: &mut Params, asked: bool, loaded: &Loaded, prompt: usize) -> Result<(), Fault> {
    session::fit(params, asked, prompt, loaded.facts.context).map_err(|error| {
        Fault::failure(format!(
            "{error} of {}. Shorten the prompt or take a shorter canvas (--initial-gen-length or \
             --gen-length)",
            loaded.facts.name
        ))
    })
}
