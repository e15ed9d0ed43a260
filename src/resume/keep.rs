//! Keeping a session when the debugger ends.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::last::{Last, LastBreakpoint, LastModel, NAME, absolute};
use crate::{
    debugger::Debugger,
    model::{BlockAttention, Overrides, Precision, Quantization},
    predict::Vocabulary,
    trace::{self, Header, WholeFile},
    tui::SavedView,
};

/// What the session came from.
pub struct SessionOrigin {
    /// How the model was loaded; `None` for a replay.
    pub model: Option<ModelOrigin>,
    /// The name a replay goes by.
    pub name: String,
    /// Where the session is being recorded.
    pub recording: Option<PathBuf>,
    /// The header of recordings of it.
    pub header: Header,
    /// The texts of the token ids.
    pub vocabulary: Arc<dyn Vocabulary>,
}

/// How a model was loaded.
pub struct ModelOrigin {
    /// Its folder or its name at the hub; `None` for the embedded one.
    pub model: Option<String>,
    /// Where its engine is.
    pub engine: Option<String>,
    /// The device, as `--device` named it.
    pub device: String,
    /// The type of number, as `--dtype` named it.
    pub dtype: Precision,
    /// What weights are rounded to, as `--quantize` named it.
    pub quantize: Option<Quantization>,
    /// What stands in place of the checkpoint's files: `--tokenizer`, `--mask-token`,
    /// `--eos-token`.
    pub overrides: Overrides,
}

/// Keeps a session in the state folder, with what was shown.
///
/// # Errors
/// In words, if it cannot be written.
pub fn keep(
    folder: &Path,
    origin: &SessionOrigin,
    debugger: &Debugger,
    view: SavedView,
) -> Result<(), String> {
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
        model: origin.model.as_ref().map(|model| LastModel {
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
                overrides_of => Some(overrides_of.to_string()),
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
            .map(|point| LastBreakpoint {
                condition: point.condition.to_string(),
                enabled: point.enabled,
                hits: point.hits,
            })
            .collect(),
        view,
    };
    let text = serde_json::to_string_pretty(&last).map_err(|error| error.to_string())?;
    let path = folder.join(NAME);
    let written = WholeFile::begin(&path, |_| {}).and_then(|(mut file, whole)| {
        file.write_all(text.as_bytes())?;
        whole.finish()
    });
    written.map_err(|error| format!("{}: {error}", path.display()))
}
