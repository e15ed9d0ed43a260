//! Opening a session: load the model, read the prompt, check that both fit, start recording.

use std::path::Path;

use super::{
    Config, Fault, LoadOptions, ModelOptions,
    config::{Presets, set_all},
    fault::tell,
    place::ModelPlace,
    progress::{self, ProgressTarget},
    prompt::{AskedPrompt, masks_in_prompt},
};
use crate::{
    canvas::TokenId,
    decode::{self, Cache, DecodeError, Extras, ParamRole, Params},
    escape::escaped,
    model::{ChatSettings, Encoder, Loaded, Messages},
    predict::{ColumnSet, ModelFacts},
    session::{self, Recorder, Session},
    trace::{Header, RecordedChat, TraceRecorder},
};

/// The prompt of the first look around.
pub const SAMPLE_PROMPT: &str = "Write a story in 7 sentences about a small owl who finds a drum.";

/// A session ready to be stepped, and its model.
pub struct OpenedSession {
    /// The session, before its first step.
    pub session: Session,
    /// The model, with its tokenizer.
    pub loaded: Loaded,
    /// What the model is asked.
    pub question: AskedQuestion,
    /// The header of recordings of this session.
    pub header: Header,
}

/// What a model is asked.
pub struct AskedQuestion {
    /// The prompt as token ids, chat template and all.
    pub ids: Vec<TokenId>,
    /// The user's last turn; empty for token ids.
    pub text: String,
    /// All turns; `None` for token ids.
    pub turns: Option<Messages>,
    /// Warnings for the user before the run.
    pub notes: Vec<String>,
}

impl AskedQuestion {
    /// Says on stderr what should be known before the run.
    pub fn tell(&self) {
        for note in &self.notes {
            tell(&format!("note: {note}"));
        }
    }
}

/// Loads, which is seen where `shown` says, and starts. `recorder` makes the recorder, once the header is known.
pub fn open(
    options: &ModelOptions,
    config: &Config,
    asked: AskedPrompt,
    shown: ProgressTarget,
    recorder: impl FnOnce(&Header, &Loaded) -> Result<Option<Box<dyn Recorder>>, Fault>,
) -> Result<OpenedSession, Fault> {
    // Before the model is loaded, which may take minutes.
    let strategy = decode::strategy(&options.strategy)
        .ok_or_else(|| Fault::usage(format!("there is no strategy `{}`", options.strategy)))?;
    options.params.set(strategy, &mut Params::defaults(strategy.params()), None)?;
    if options.cache != Cache::None && matches!(options.load.source.place()?, ModelPlace::Engine(_))
    {
        return Err(Fault::usage(
            "--cache keeps keys and values of earlier passes, which an engine does not. Leave it \
             out",
        ));
    }
    let preset = match &options.preset {
        Some(name) => Presets::of(config).load(name)?,
        None => Vec::new(),
    };
    let (loaded, question) = load(&options.load, asked, shown)?;
    let mut start = Params::defaults(strategy.params());
    start.suggest(&loaded.suggested.of(strategy.name()));
    for problem in left_out(&loaded, strategy) {
        tell(&escaped(&format!("warning: generation_config.json suggests {problem}; left out")));
    }
    set_all(&mut start, &config.params)?;
    set_all(&mut start, &preset)?;
    options.params.set(strategy, &mut start, Some(&*loaded.tokenizer))?;
    let params = params(options, &loaded, start, question.ids.len())?;
    let extras = Extras { cache: options.cache, ..extras(options.load.candidates, &loaded.facts) };
    let header = header(&options.load, &loaded, strategy.name(), &question.text, extras);
    let refuse = |error| match error {
        DecodeError::Param(error) => Fault::usage(error),
        error => Fault::failure(error),
    };
    // Nothing is written over for a run that does not begin.
    strategy.start(&(&question.ids).into(), loaded.facts.special, &params).map_err(refuse)?;
    let recorder = recorder(&header, &loaded)?;
    let special = loaded.facts.special;
    let session =
        Session::new(strategy, &question.ids, special, params, extras, recorder).map_err(refuse)?;
    Ok(OpenedSession { session, loaded, question, header })
}

/// The header of a recording of a run with these options.
pub fn header(
    options: &LoadOptions,
    loaded: &Loaded,
    strategy: &str,
    prompt: &str,
    extras: Extras,
) -> Header {
    let ChatSettings { template, variables, system } = options.source.overrides().chat;
    let variables = variables.into_iter().map(|variable| (variable.name, variable.given));
    let chat = RecordedChat { template, variables: variables.collect(), system };
    // A prompt of token ids does not go through the template.
    let used = options.prompt.prompt_ids.is_none() && chat != RecordedChat::default();
    Header { chat: used.then_some(chat), ..Header::new(&loaded.facts, strategy, prompt, extras) }
}

/// What the checkpoint suggests for a strategy and nobody can follow, in words.
fn left_out(loaded: &Loaded, strategy: &dyn decode::AnyStrategy) -> Vec<String> {
    let (numbers, others) = loaded.suggested.own(strategy.name());
    let refused = Params::defaults(strategy.params()).suggest(&numbers);
    let others = others.into_iter().map(|name| format!("{name}, which is no number"));
    refused.iter().map(|error| format!("what does not fit ({error})")).chain(others).collect()
}

/// Loads the model and encodes what it is asked.
pub fn load(
    options: &LoadOptions,
    asked: AskedPrompt,
    shown: ProgressTarget,
) -> Result<(Loaded, AskedQuestion), Fault> {
    let computing = options.source.computing()?;
    // The prompt is encoded before the weights are loaded, which may take minutes.
    let encode = |tokenizer: &dyn Encoder| match asked {
        AskedPrompt::Ids(ids) => Ok((ids, None)),
        AskedPrompt::Turns(turns) => Ok((tokenizer.encode(&turns)?, Some(turns))),
    };
    let (loaded, (ids, turns)) =
        progress::load(&options.source.place()?, &computing, shown, encode)?;
    check_ids(&loaded, &ids)?;
    let unread = unread_variables(&*loaded.tokenizer);
    let masks = masks_in_prompt(loaded.facts.special.mask, &ids);
    let text = turns.as_ref().map(Messages::asked).unwrap_or_default();
    Ok((
        loaded,
        AskedQuestion { ids, text, turns, notes: unread.into_iter().chain(masks).collect() },
    ))
}

/// A warning about variables that the chat template never reads.
pub fn unread_variables(tokenizer: &dyn Encoder) -> Option<String> {
    let unread = tokenizer.unread_variables();
    (!unread.is_empty()).then(|| {
        format!(
            "the chat template never reads `{}` (--template-var), so it changes nothing",
            unread.join("`, `")
        )
    })
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

/// What the user looks at beyond what the strategy needs.
pub fn extras(top_k: u16, facts: &ModelFacts) -> Extras {
    Extras {
        columns: ColumnSet::display(),
        top_k: usize::from(top_k),
        reading: facts.reading,
        ..Extras::NONE
    }
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
    let max = params.with_role(ParamRole::MaxLength);
    let given = max.is_some_and(|spec| options.params.has(&params, spec.name));
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
