//! `demask --resume`: the session that was left last, as it was left. What is needed for it is
//! kept in the state folder whenever the debugger ends.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Config, Fault, LookOptions, ModelOptions, config,
    fault::tell,
    host::Program,
    place::Place,
    progress::{self, Shown},
    script,
};
use crate::{
    debugger::{Command, Debugger},
    engine::Address,
    inspect::Condition,
    model::{
        self, BlockAttention, ChatSettings, Computing, Overrides, Precision, Quantization,
        Source as ModelSource,
    },
    predict::Vocabulary,
    session::NodeId,
    trace::{self, Header, TraceRecorder},
    tui::{self, Keep, Source, Start, View},
};

/// What is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Last {
    /// The recording with every step.
    session: PathBuf,
    /// The model it goes on with; `None` for a replay.
    model: Option<Model>,
    /// The name a replay goes by.
    name: String,
    /// Where the session was being recorded.
    recording: Option<PathBuf>,
    /// The node left.
    at: usize,
    /// The parameters as they were, by name.
    params: BTreeMap<String, String>,
    breakpoints: Vec<Point>,
    view: View,
}

/// How the model was loaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Model {
    /// Its folder or its name at the hub; `None` for the embedded one, and for an engine.
    #[serde(alias = "folder")]
    model: Option<String>,
    /// Where its engine is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    engine: Option<String>,
    device: String,
    dtype: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantize: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokenizer: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mask_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    eos_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chat_template: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    template_vars: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    block_attention: Option<String>,
}

/// A breakpoint.
#[derive(Debug, Serialize, Deserialize)]
struct Point {
    condition: String,
    enabled: bool,
}

/// The folder for what a program keeps of its own.
pub(super) fn folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let folders = etcetera::choose_base_strategy().ok()?;
    let state = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Some(state.join("demask"))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn absolute_in(overrides: Overrides) -> Overrides {
    Overrides { tokenizer: overrides.tokenizer.as_deref().map(absolute), ..overrides }
}

/// What the session came from.
pub struct Origin {
    /// How the model was loaded; `None` for a replay.
    pub model: Option<ModelOrigin>,
    /// The name a replay goes by.
    pub name: String,
    /// Where the session is being recorded.
    pub recording: Option<PathBuf>,
    /// The header of recordings of it.
    pub header: Header,
    /// Its token texts.
    pub vocabulary: Arc<dyn Vocabulary>,
}

/// How a model was loaded.
pub struct ModelOrigin {
    /// Its folder or its name at the hub; `None` for the embedded one.
    pub model: Option<String>,
    /// Where its engine is.
    pub engine: Option<String>,
    /// `--device`.
    pub device: String,
    /// `--dtype`.
    pub dtype: Precision,
    /// `--quantize`.
    pub quantize: Option<Quantization>,
    /// `--tokenizer`, `--mask-token`, `--eos-token`.
    pub overrides: Overrides,
}

impl ModelOrigin {
    /// As the options say.
    ///
    /// # Errors
    /// If they name no model.
    pub fn of(options: &ModelOptions) -> Result<Self, Fault> {
        Ok(Self {
            model: name(&options.load.source.place()?),
            engine: engine(&options.load.source.place()?),
            device: options.load.source.device.clone(),
            dtype: options.load.source.dtype,
            quantize: options.load.source.quantize,
            overrides: absolute_in(options.load.source.overrides()),
        })
    }
}

/// What `--model` takes for it, wherever the program is started from.
fn name(place: &Place) -> Option<String> {
    match place {
        Place::Here(ModelSource::Embedded) | Place::Engine(_) => None,
        Place::Here(ModelSource::Folder(folder)) => Some(absolute(folder).display().to_string()),
        Place::Here(ModelSource::Hub(repo, _)) => Some(repo.to_string()),
    }
}

/// The engine as `--engine` takes it. The token of a TCP socket is a secret and is not kept.
fn engine(place: &Place) -> Option<String> {
    match place {
        Place::Engine(Address::Unix(path)) => Some(Address::Unix(absolute(path)).to_string()),
        Place::Engine(address) => Some(address.to_string()),
        Place::Here(_) => None,
    }
}

/// Keeps the session when the debugger ends, for `--resume`.
pub fn keeper(origin: Origin) -> Option<Keep> {
    let folder = folder()?;
    Some(Box::new(move |debugger, view| {
        if let Err(error) = keep(&folder, &origin, debugger, view) {
            tell(&format!("the session was not kept for --resume: {error}"));
        }
    }))
}

fn keep(folder: &Path, origin: &Origin, debugger: &Debugger, view: View) -> Result<(), String> {
    let session = &debugger.session;
    let timeline = session.timeline();
    if timeline.len() == timeline.roots().len() {
        // Nothing was done: what was kept before is worth more.
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let whole = session.recorder_fault().is_none();
    let file = match origin.recording.as_deref().filter(|_| whole) {
        Some(recording) => absolute(recording),
        None => {
            let file = folder.join("last.jsonl");
            trace::save(session, &file, &origin.header, origin.vocabulary.clone())?;
            file
        }
    };
    let last = Last {
        session: file,
        model: origin.model.as_ref().map(|model| Model {
            model: model.model.clone(),
            engine: model.engine.clone(),
            device: model.device.clone(),
            dtype: model.dtype.to_string(),
            quantize: model.quantize.map(|quantize| quantize.to_string()),
            tokenizer: model.overrides.tokenizer.clone(),
            mask_token: model.overrides.mask.as_ref().map(ToString::to_string),
            eos_token: model.overrides.eos.as_ref().map(ToString::to_string),
            chat_template: model.overrides.chat.template.clone(),
            template_vars: model.overrides.chat.variables.iter().map(ToString::to_string).collect(),
            system: model.overrides.chat.system.clone(),
            block_attention: match model.overrides.attention {
                BlockAttention::Auto => None,
                said => Some(said.to_string()),
            },
        }),
        name: origin.name.clone(),
        recording: origin.recording.as_deref().filter(|_| whole).map(absolute),
        at: session.at().0,
        params: session
            .params()
            .iter()
            .map(|(spec, value)| (spec.name.to_owned(), value.to_string()))
            .collect(),
        breakpoints: debugger
            .breakpoints
            .iter()
            .map(|point| Point { condition: point.condition.to_string(), enabled: point.enabled })
            .collect(),
        view,
    };
    let text = serde_json::to_string_pretty(&last).map_err(|error| error.to_string())?;
    let path = folder.join("last.json");
    config::write_file(&path, &text).map_err(|error| format!("{}: {error}", path.display()))
}

/// What is said now in place of the model's files, else what was said then.
fn overrides(now: &Overrides, then: &Model) -> Overrides {
    let token = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
    Overrides {
        tokenizer: now.tokenizer.as_deref().map(absolute).or_else(|| then.tokenizer.clone()),
        mask: now.mask.clone().or_else(|| token(&then.mask_token)),
        eos: now.eos.clone().or_else(|| token(&then.eos_token)),
        chat: ChatSettings {
            template: now.chat.template.clone().or_else(|| then.chat_template.clone()),
            // The later before the earlier.
            variables: then
                .template_vars
                .iter()
                .filter_map(|text| text.parse().ok())
                .chain(now.chat.variables.iter().cloned())
                .collect(),
            system: now.chat.system.clone().or_else(|| then.system.clone()),
        },
        attention: match (now.attention, &then.block_attention) {
            (BlockAttention::Auto, Some(said)) => said.parse().unwrap_or_default(),
            (now, _) => now,
        },
    }
}

/// Opens the debugger where it was left.
pub fn main(
    options: &ModelOptions,
    look: &LookOptions,
    config: Config,
    mut commands: Vec<Command>,
) -> Result<ExitCode, Fault> {
    let none = || {
        Fault::failure(
            "there is no session to resume: none was left yet. Start `demask`, make a step and quit",
        )
    };
    let path = folder().ok_or_else(none)?.join("last.json");
    let text = script::read(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => none(),
        _ => Fault::failure(format!("{}: it cannot be read ({error}). Remove it", path.display())),
    })?;
    let last: Last = serde_json::from_str(&text).map_err(|error| {
        Fault::failure(format!("{}: it cannot be read ({error}). Remove it", path.display()))
    })?;
    let recording = trace::read(&last.session)?;
    let mut session = recording.session();
    if last.at < session.timeline().len() {
        session.go(NodeId(last.at));
    }
    for (name, value) in &last.params {
        let parsed = session.params().spec(name).and_then(|spec| spec.parse(value));
        if let Ok(value) = parsed {
            // Read back as it was written: it fits.
            let _ = session.set_param(name, value);
        }
    }
    let mut begin = Vec::new();
    for (id, point) in (1..).zip(&last.breakpoints) {
        if let Ok(condition) = Condition::parse(&point.condition) {
            begin.push(Command::break_when(condition));
            if !point.enabled {
                begin.push(Command::disable(id));
            }
        }
    }
    begin.append(&mut commands);
    let facts = recording.facts();
    let header = recording.header;
    let notices = recording.notices;
    let program = Program::new(&config);
    let look = look.look(&config);
    let (predictor, vocabulary, facts, source, host, origin) = match &last.model {
        None => {
            let vocabulary: Arc<dyn Vocabulary> = recording.vocabulary;
            let host = program.saving(header.clone(), vocabulary.clone());
            (None, vocabulary, facts, Source::Replay(last.name.clone()), host, None)
        }
        Some(model) => {
            let given = &options.load.source;
            let place = match (&model.engine, &model.model) {
                _ if given.model.is_some() || given.engine.is_some() => given.place()?,
                (Some(kept), _) => Place::Engine(kept.parse().map_err(Fault::failure)?),
                (None, Some(kept)) => Place::Here(given.source_named(kept)?),
                (None, None) => Place::Here(ModelSource::Embedded),
            };
            let origin = ModelOrigin {
                model: name(&place),
                engine: engine(&place),
                device: model.device.clone(),
                dtype: model.dtype.parse().unwrap_or(Precision::Auto),
                quantize: model.quantize.as_ref().and_then(|name| name.parse().ok()),
                overrides: overrides(&options.load.source.overrides(), model),
            };
            let computing = Computing {
                device: model::device(&origin.device)?,
                precision: origin.dtype,
                quantize: origin.quantize,
                overrides: origin.overrides.clone(),
            };
            let (loaded, ()) = progress::load(&place, &computing, Shown::Screen(look), |_| Ok(()))?;
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
    let origin = Origin {
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
        speed: config.look.speed,
        commands: begin,
        view: Some(last.view),
        keep: keeper(origin),
        ..Start::new(session, vocabulary, facts, source, Box::new(host))
    })
    .map_err(Fault::failure)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_then_holds_unless_something_else_is_said_now() {
        let said = |mask: Option<&str>, eos: Option<&str>| Overrides {
            tokenizer: None,
            mask: mask.map(|text| text.parse().unwrap()),
            eos: eos.map(|text| text.parse().unwrap()),
            attention: BlockAttention::Of(16),
            ..Overrides::default()
        };
        let kept = r#"{"device":"cpu","dtype":"auto","mask_token":"507","eos_token":"<|eot_id|>",
            "block_attention":"16"}"#;
        let then: Model = serde_json::from_str(kept).unwrap();
        let both = said(Some("507"), Some("<|eot_id|>"));
        assert_eq!(overrides(&Overrides::default(), &then), both.clone());
        let other = said(Some("3"), Some("<|eot_id|>"));
        assert_eq!(overrides(&said(Some("3"), None), &then), other);
        let full = Overrides { attention: BlockAttention::Full, ..Overrides::default() };
        assert_eq!(overrides(&full, &then), Overrides { attention: full.attention, ..both });
        // As older versions kept it.
        let old: Model =
            serde_json::from_str(r#"{"folder":null,"device":"cpu","dtype":"auto"}"#).unwrap();
        assert_eq!(overrides(&Overrides::default(), &old), Overrides::default());
    }
}
