//! Where the model is that runs: in files that are computed here, or in an engine.

use std::path::Path;

use super::Fault;
use crate::{
    engine::{self, Address},
    model::{self, Computing, Encoder, LoadWatch, Loaded, Source},
};

/// Where a model is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In files; it is computed here.
    Here(Source),
    /// In another process.
    Engine(Address),
}

impl Place {
    /// Loads the model, or connects to its engine. `watch` is told how it goes on and may end it;
    /// `warn` hears what people should know; `prepare` is given the tokenizer as soon as it is
    /// there, which is before the weights where they are loaded here.
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

    /// Its name while nothing is known of it but this.
    pub fn name(&self) -> String {
        match self {
            Self::Here(Source::Embedded) => "the embedded model".to_owned(),
            Self::Here(Source::Folder(folder)) => {
                let name = folder.file_name().unwrap_or(folder.as_os_str());
                name.to_string_lossy().into_owned()
            }
            Self::Here(Source::Hub(repo, _)) => repo.to_string(),
            Self::Engine(address) => address.to_string(),
        }
    }

    /// Refuses several users of one engine that listens on a socket: it serves one at a time.
    ///
    /// # Errors
    /// If there are several.
    pub fn serves(&self, users: usize) -> Result<(), Fault> {
        match self {
            Self::Engine(Address::Unix(_) | Address::Tcp(..)) if users > 1 => {
                Err(Fault::usage("an engine on a socket serves one at a time: give --jobs 1"))
            }
            _ => Ok(()),
        }
    }
}

/// The command that runs a model by PyTorch: that of the package `demask` in the Python that
/// `DEMASK_PYTHON` names, else in `python3`.
pub(super) fn torch(model: &str, device: &str, dtype: &str) -> Address {
    let python = std::env::var("DEMASK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    // A path means the same wherever the engine is started from.
    let model = match Path::new(model).exists() {
        true => {
            std::path::absolute(model).map_or(model.to_owned(), |path| path.display().to_string())
        }
        false => model.to_owned(),
    };
    let mut words = vec![python, "-m".to_owned(), "demask.engine".to_owned(), model];
    for (flag, value) in [("--device", device), ("--dtype", dtype)] {
        if value != "auto" {
            words.extend([flag.to_owned(), value.to_owned()]);
        }
    }
    Address::Command(words)
}
