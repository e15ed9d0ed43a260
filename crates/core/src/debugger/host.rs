//! The program around the debugger: it turns texts into tokens and writes files. The debugger knows
//! neither itself.

use std::path::{Path, PathBuf};

use crate::{
    canvas::TokenId,
    decode::{Params, Value},
    session::Session,
};

/// Some of a strategy's parameters, each by its name with its value.
pub type ParamValues = Vec<(String, Value)>;

/// The prompts that a small model was trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repertoire {
    /// A sentence that says what kind of model this is.
    pub about: String,
    /// Prompts that it answers well, each with its kind before it.
    pub prompts: Vec<(String, String)>,
}

/// The program around a debugger.
pub trait Host: Send {
    /// The prompts that the model was trained on, if they are few.
    fn repertoire(&self) -> Option<&Repertoire> {
        None
    }

    /// A notice that a prompt is unlike all that the model knows, and why; nothing if it is like
    /// them, or nobody can tell.
    fn unlike(&self, prompt: &str) -> Option<String> {
        let _ = prompt;
        None
    }

    /// A prompt's token ids, chat template and all.
    ///
    /// # Errors
    /// In words; a recording has no tokenizer.
    fn encode(&self, prompt: &str) -> Result<Vec<TokenId>, String> {
        let _ = prompt;
        Err("a recording keeps its prompt".to_owned())
    }

    /// True if prompts can be encoded.
    fn encodes(&self) -> bool {
        false
    }

    /// Writes the session to a file, to `path` or to a name of its own; answers where.
    ///
    /// # Errors
    /// In words.
    fn save(&mut self, session: &Session, path: Option<&Path>) -> Result<PathBuf, String> {
        let _ = (session, path);
        Err("there is nothing to save here".to_owned())
    }

    /// The file that [`Host::save`] would write to.
    fn saves_to(&self) -> Option<PathBuf> {
        None
    }

    /// The file that holds the run, if it is one: a recording that is replayed, or what was saved.
    fn file(&self) -> Option<PathBuf> {
        None
    }

    /// The shell command that starts the debugger on this run, word by word, to which options can be added;
    /// `None` if it is not known.
    fn started_as(&self) -> Option<Vec<String>> {
        None
    }

    /// Writes a player of the session, one page for a browser, and opens it at `place`, the end of a link, where
    /// there is a browser. Answers what to say.
    ///
    /// # Errors
    /// In words.
    fn play(&mut self, session: &Session, place: &str) -> Result<String, String> {
        let _ = (session, place);
        Err("no player can be written here".to_owned())
    }

    /// Writes a text to a file that is not there yet.
    ///
    /// # Errors
    /// In words.
    fn write(&mut self, path: &Path, text: &str) -> Result<(), String> {
        let _ = (path, text);
        Err("files cannot be written here".to_owned())
    }

    /// The presets there are.
    fn presets(&self) -> Vec<String> {
        Vec::new()
    }

    /// The parameters of a preset.
    ///
    /// # Errors
    /// In words.
    fn preset(&self, name: &str) -> Result<ParamValues, String> {
        Err(format!("there is no preset `{name}`"))
    }

    /// Keeps parameters as a preset; answers where.
    ///
    /// # Errors
    /// In words.
    fn keep_preset(&mut self, name: &str, params: &Params) -> Result<PathBuf, String> {
        let _ = (name, params);
        Err("presets cannot be kept here".to_owned())
    }

    /// The macros there are: names and commands.
    fn macros(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// A host that has nothing: a replay without files, a test.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHost;

impl Host for NoHost {}
