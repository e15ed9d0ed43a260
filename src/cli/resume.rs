//! `demask --resume`: the session that was left last, as it was left.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use super::{
    Config, Fault, LookOptions, ModelOptions,
    fault::tell,
    host::Program,
    place::ModelPlace,
    progress::{self, ProgressTarget},
};
use crate::{
    debugger::Command,
    engine::Address,
    model::{self, Computing, ModelSource, Overrides, Precision},
    predict::Vocabulary,
    resume::{self, Last, ModelOrigin, ResumeError, SessionOrigin, absolute},
    trace::{self, TraceRecorder},
    tui::{self, Keep, Start, StepSource},
};

/// The folder for what a program keeps of its own.
pub(super) fn folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let folders = etcetera::choose_base_strategy().ok()?;
    let state = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Some(state.join("demask"))
}

fn absolute_in(overrides: Overrides) -> Overrides {
    Overrides { tokenizer: overrides.tokenizer.as_deref().map(absolute), ..overrides }
}

/// How the model of a session is loaded, as the options say.
///
/// # Errors
/// If they name no model.
pub fn model_origin(options: &ModelOptions) -> Result<ModelOrigin, Fault> {
    let given = &options.load.source;
    let place = given.place()?;
    Ok(ModelOrigin {
        model: name(&place),
        engine: engine(&place),
        device: given.device.clone(),
        dtype: given.dtype,
        quantize: given.quantize,
        overrides: absolute_in(given.overrides()),
    })
}

/// What `--model` takes for it, wherever the program is started from.
fn name(place: &ModelPlace) -> Option<String> {
    match place {
        ModelPlace::Here(ModelSource::Embedded) | ModelPlace::Engine(_) => None,
        ModelPlace::Here(ModelSource::Folder(folder)) => {
            Some(absolute(folder).display().to_string())
        }
        ModelPlace::Here(ModelSource::Hub(repo, _)) => Some(repo.to_string()),
    }
}

/// The engine as `--engine` takes it. The token of a TCP socket is a secret and is not kept.
fn engine(place: &ModelPlace) -> Option<String> {
    match place {
        ModelPlace::Engine(Address::Unix(path)) => Some(Address::Unix(absolute(path)).to_string()),
        ModelPlace::Engine(address) => Some(address.to_string()),
        ModelPlace::Here(_) => None,
    }
}

/// Keeps the session when the debugger ends, for `--resume`.
pub fn keeper(origin: SessionOrigin) -> Option<Keep> {
    let folder = folder()?;
    Some(Box::new(move |debugger, view| {
        if let Err(error) = resume::keep(&folder, &origin, debugger, view) {
            tell(&format!("the session was not kept for --resume: {error}"));
        }
    }))
}

/// Opens the debugger where it was left.
pub fn main(
    (options, look): (&ModelOptions, &LookOptions),
    config: Config,
    commands: Vec<Command>,
    ahead: bool,
) -> Result<ExitCode, Fault> {
    let last = Last::read(&folder().ok_or(ResumeError::None)?)?;
    let recording = trace::read(&last.session)?;
    let mut session = last.session(&recording);
    let breakpoints = last.breakpoints();
    let facts = recording.facts();
    let header = recording.header;
    let notices = recording.notices;
    let program = Program::new(&config);
    let look = look.look(&config);
    let (predictor, vocabulary, facts, source, host, origin) = match &last.model {
        None => {
            let vocabulary: Arc<dyn Vocabulary> = recording.vocabulary;
            let host = program.saving(header.clone(), vocabulary.clone());
            (None, vocabulary, facts, StepSource::Replay(last.name.clone()), host, None)
        }
        Some(model) => {
            let given = &options.load.source;
            let place = match (&model.engine, &model.model) {
                _ if given.model.is_some() || given.engine.is_some() => given.place()?,
                (Some(kept), _) => ModelPlace::Engine(kept.parse().map_err(Fault::failure)?),
                (None, Some(kept)) => ModelPlace::Here(given.source_named(kept)?),
                (None, None) => ModelPlace::Here(ModelSource::Embedded),
            };
            let origin = ModelOrigin {
                model: name(&place),
                engine: engine(&place),
                device: model.device.clone(),
                dtype: model.dtype.parse().unwrap_or(Precision::Auto),
                quantize: model.quantize.as_ref().and_then(|name| name.parse().ok()),
                overrides: model.overrides(&options.load.source.overrides()),
            };
            let computing = Computing {
                device: model::device(&origin.device)?,
                precision: origin.dtype,
                quantize: origin.quantize,
                overrides: origin.overrides.clone(),
            };
            let (loaded, ()) =
                progress::load(&place, &computing, ProgressTarget::Screen(look), |_| Ok(()))?;
            if loaded.facts.special != facts.special || loaded.facts.vocabulary != facts.vocabulary
            {
                return Err(Fault::failure(format!(
                    "the session was made with {}, which has another vocabulary than {}. Give \
                     that model with --model",
                    facts.name, loaded.facts.name
                )));
            }
            let source = place.shown(&loaded.facts.name);
            let host = program.encoding(&loaded);
            let tokenizer = loaded.tokenizer;
            let host = host.saving(header.clone(), tokenizer.clone());
            (Some(loaded.predictor), tokenizer as _, loaded.facts, source, host, Some(origin))
        }
    };
    if let Some(path) = &last.recording
        && origin.is_some()
    {
        let recorder = TraceRecorder::go_on(&session, path, &header, vocabulary.clone())
            .map_err(Fault::failure)?;
        session.record_to(Box::new(recorder));
    }
    let prompt_text = header.prompt_text.clone();
    let origin = SessionOrigin {
        model: origin,
        name: last.name,
        recording: last.recording.clone(),
        header,
        vocabulary: vocabulary.clone(),
    };
    tui::run(Start {
        predictor,
        recording: last.recording,
        prompt_text,
        notices,
        look,
        keymap: config.keymap,
        ahead,
        speed: config.look.speed,
        commands,
        breakpoints,
        view: Some(last.view),
        keep: keeper(origin),
        ..Start::new(session, vocabulary, facts, source, Box::new(host))
    })
    .map_err(Fault::failure)?;
    Ok(ExitCode::SUCCESS)
}

impl From<ResumeError> for Fault {
    fn from(error: ResumeError) -> Self {
        Self::failure(error)
    }
}
