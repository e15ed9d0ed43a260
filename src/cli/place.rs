//! The place of the model: files, which this program computes, or an engine.

use std::path::Path;

use super::Fault;
use crate::{
    engine::{self, Address},
    model::{self, Computing, Encoder, LoadWatch, Loaded, ModelSource},
    tui,
};

/// Where a model is.
#[derive(Debug, Clone)]
pub enum ModelPlace {
    /// In files; this program computes it.
    Here(ModelSource),
    /// In another process, which computes it.
    Engine(Address),
}

impl ModelPlace {
    /// Loads the model, or connects to its engine. `watch` is called with the progress and may end
    /// it; `warn` is called with each warning for the user; `prepare` gets the tokenizer as soon as
    /// it is there. For files, that is before the weights are loaded.
    ///
    /// # Errors
    /// If the model cannot be loaded, or `prepare` refuses.
    pub(super) fn load<T>(
        &self,
        computing: &Computing,
        watch: &mut LoadWatch,
        warn: &mut dyn FnMut(String),
        prepare: impl FnOnce(&dyn Encoder) -> Result<T, String>,
    ) -> Result<(Loaded, T), Fault> {
        match self {
            Self::Engine(address) => {
                let loaded = engine::connect(address, &computing.overrides, watch, warn)?.loaded();
                let prepared = prepare(&*loaded.tokenizer).map_err(Fault::failure)?;
                Ok((loaded, prepared))
            }
            Self::Here(source) => {
                let checkpoint = model::open(source, computing, watch)?;
                for warning in checkpoint.warnings() {
                    warn(format!("warning: {warning}"));
                }
                let prepared = prepare(&checkpoint.tokenizer).map_err(Fault::failure)?;
                Ok((checkpoint.load(watch)?, prepared))
            }
        }
    }

    /// The model's name as long as it is not loaded.
    pub fn name(&self) -> String {
        match self {
            Self::Here(ModelSource::Embedded) => "the embedded model".to_owned(),
            Self::Here(ModelSource::Folder(folder)) => {
                let name = folder.file_name().unwrap_or(folder.as_os_str());
                name.to_string_lossy().into_owned()
            }
            Self::Here(ModelSource::Hub(repo, _)) => repo.to_string(),
            Self::Engine(address) => address.to_string(),
        }
    }

    /// What the screen calls it, with the name that the loaded model gives itself.
    pub fn shown(&self, name: &str) -> tui::StepSource {
        match self {
            Self::Here(_) => tui::StepSource::Live,
            Self::Engine(_) => tui::StepSource::Engine(name.to_owned()),
        }
    }

    /// Refuses several users of an engine on a socket, which serves one at a time.
    ///
    /// # Errors
    /// If `users` is more than 1 and the engine is on a socket.
    pub fn serves(&self, users: usize) -> Result<(), Fault> {
        match self {
            Self::Engine(Address::Unix(_) | Address::Tcp(..)) if users > 1 => {
                Err(Fault::usage("an engine on a socket serves one run at a time: give --jobs 1"))
            }
            _ => Ok(()),
        }
    }
}

/// The Python that runs models: the one that `DEMASK_PYTHON` names, else that of the virtual
/// environment that is active, else that of the one that pip installed this program into, else
/// `python3`.
fn python() -> String {
    let active = std::env::var_os("VIRTUAL_ENV").is_some();
    let own = || (!active).then(own_python).flatten();
    std::env::var("DEMASK_PYTHON").ok().or_else(own).unwrap_or_else(|| "python3".to_owned())
}

/// The Python of the virtual environment that this program lies in.
fn own_python() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    let environment = folder.parent()?.join("pyvenv.cfg").exists();
    environment.then(|| folder.join("python").display().to_string())
}

/// The command that runs a model with PyTorch: `python -m demask.engine`, with those of its options
/// that have a value.
pub(super) fn torch(model: &str, options: [(&str, Option<String>); 4]) -> Address {
    let python = python();
    // An absolute path, since `--resume` may start the engine in another folder.
    let model = match Path::new(model).exists() {
        true => {
            std::path::absolute(model).map_or(model.to_owned(), |path| path.display().to_string())
        }
        false => model.to_owned(),
    };
    let mut words = vec![python, "-m".to_owned(), "demask.engine".to_owned(), model];
    for (flag, value) in options {
        words.extend(value.map(|value| [flag.to_owned(), value]).into_iter().flatten());
    }
    Address::Command(words)
}
