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
    canvas::{FixedText, SpecialTokens, TokenId},
    decode::{self, AnyStrategy, Cache, DecodeError, Extras, ParamRole, Params},
    escape::escaped,
    model::{ChatSettings, Encoder, Loaded, Messages, Surroundings},
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
    /// What stands on the canvas from the start: the prompt with its chat template, and more.
    pub fixed: FixedText,
    /// The ids before the first hole of a text to be filled in, which end the prompt; `None` without
    /// such a text.
    pub begun: Option<Vec<TokenId>>,
    /// The user's last turn; empty for token ids, and where nothing but a text with holes is given.
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
    if options.load.prompt.surroundings()? != Surroundings::Nothing {
        takes(strategy)?;
    }
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
    let mut params = params(options, &loaded, start, &question.fixed)?;
    let extras = Extras { cache: options.cache, ..extras(options.load.candidates, &loaded.facts) };
    let header = header(&options.load, &loaded, strategy.name(), &question.text, extras);
    let refuse = |error| match error {
        DecodeError::Param(error) => Fault::usage(error),
        error => Fault::failure(error),
    };
    // Nothing is written over for a run that does not begin.
    let (fixed, special) = (&question.fixed, loaded.facts.special);
    session::start(strategy, fixed, special, &mut params, extras).map_err(refuse)?;
    let recorder = recorder(&header, &loaded)?;
    let session =
        Session::new(strategy, fixed, special, params, extras, recorder).map_err(refuse)?;
    Ok(OpenedSession { session, loaded, question, header })
}

/// Refuses a suffix or a text with holes that the strategy does not take, whatever the model is.
///
/// # Errors
/// What the strategy says.
pub fn takes(strategy: &dyn AnyStrategy) -> Result<(), Fault> {
    let (plain, params) = (FixedText::default(), Params::defaults(strategy.params()));
    let start = |text: &FixedText| {
        strategy.start(text, SpecialTokens { mask: 1, eos: 2 }, &params).map(drop)
    };
    // Some want a parameter that has no default.
    match start(&plain) {
        Ok(()) => start(&plain.clone().with_suffix([0])).map_err(Fault::usage),
        Err(_) => Ok(()),
    }
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
    let surroundings = options.prompt.surroundings()?;
    let chat = options.source.system.is_some() || !options.source.template_vars.is_empty();
    if chat && matches!(asked, AskedPrompt::Nothing) {
        return Err(Fault::usage(
            "--system and --template-var are of the chat template, which --infill puts around \
             nothing. Give a prompt, or leave them out",
        ));
    }
    // All texts are encoded before the weights are loaded, which may take minutes.
    let encode = move |tokenizer: &dyn Encoder| {
        let (ids, turns) = match asked {
            AskedPrompt::Ids(ids) => (ids, None),
            AskedPrompt::Turns(turns) => (tokenizer.encode(&turns)?, Some(turns)),
            AskedPrompt::Nothing => (Vec::new(), None),
        };
        Ok((ids, turns, surroundings.encode(tokenizer)?))
    };
    let (loaded, (ids, turns, encoded)) =
        progress::load(&options.source.place()?, &computing, shown, encode)?;
    check_ids(&loaded, &ids)?;
    let mask = loaded.facts.special.mask;
    let fixed = encoded.fixed(&ids, mask).map_err(|error| {
        let flag = if options.prompt.infill.is_some() { "--infill" } else { "--suffix" };
        Fault::usage(format!("{flag}: {error}"))
    })?;
    let unread = unread_variables(&*loaded.tokenizer);
    let masks = masks_in_prompt(mask, &ids);
    let text = turns.as_ref().map(Messages::asked).unwrap_or_default();
    let begun = options.prompt.infill.as_ref().map(|_| fixed.prompt()[ids.len()..].to_vec());
    let notes = unread.into_iter().chain(masks).collect();
    Ok((loaded, AskedQuestion { fixed, begun, text, turns, notes }))
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

/// The parameters with lengths that are those of the text and fit the model's context.
fn params(
    options: &ModelOptions,
    loaded: &Loaded,
    mut params: Params,
    text: &FixedText,
) -> Result<Params, Fault> {
    let declared = Params::defaults(params.specs());
    let given = |role| {
        let spec = declared.with_role(role);
        spec.is_some_and(|spec| options.params.has(&declared, spec.name))
    };
    take_lengths(&mut params, text, given)?;
    fit(&mut params, given(ParamRole::MaxLength), loaded, text)?;
    Ok(params)
}

/// Takes over what the holes of a text say: the length of the first canvas, and no more steps than
/// there are masks unless that was asked for. A length that was `given` must be the same.
///
/// # Errors
/// If it is another.
pub fn take_lengths(
    params: &mut Params,
    text: &FixedText,
    given: impl Fn(ParamRole) -> bool,
) -> Result<(), Fault> {
    let Some(length) = text.length() else { return Ok(()) };
    let roles = [ParamRole::FirstLength, ParamRole::Length];
    for spec in roles.into_iter().filter(|&role| given(role)).filter_map(|it| params.with_role(it))
    {
        let asked = params.count(spec.name).unwrap_or_default();
        if asked != length {
            return Err(Fault::usage(format!(
                "--{} says {asked} positions, and the text to be filled in says {length}, from its \
                 first hole to its last. Leave the parameter out",
                spec.flag()
            )));
        }
    }
    session::fit_holes(params, given(ParamRole::Steps), text).map_err(Fault::usage)
}

/// Lowers a maximum length to what the context holds, unless it was asked for. Refuses a prompt
/// that leaves no room.
pub fn fit(
    params: &mut Params,
    asked: bool,
    loaded: &Loaded,
    text: &FixedText,
) -> Result<(), Fault> {
    session::fit(params, asked, text, loaded.facts.context).map_err(|error| {
        Fault::failure(format!(
            "{error} of {}. Shorten the prompt or take a shorter canvas (--initial-gen-length or \
             --gen-length)",
            loaded.facts.name
        ))
    })
}
