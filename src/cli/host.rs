//! What the debugger asks of the program around it: prompts to tokens, files, presets, macros.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    browser,
    config::{Config, Presets},
    embedded,
};
use crate::{
    canvas::TokenId,
    debugger::{Host, ParamValues, Repertoire},
    model::{Encoder, Loaded, Messages},
    predict::Vocabulary,
    session::Session,
    trace::{self, Header},
    tui,
};

/// The files, tokenizer and configuration a debugger may use.
pub struct Program {
    presets: Presets,
    macros: BTreeMap<String, String>,
    tokenizer: Option<Arc<dyn Encoder>>,
    /// The turns of the conversation whose last question is edited.
    turns: Option<Messages>,
    /// What the model knows, if that is little.
    repertoire: Option<Repertoire>,
    recording: Option<(Header, Arc<dyn Vocabulary>)>,
    /// Where the session was saved to: it may be written there anew.
    saved: Option<PathBuf>,
    /// The colours of players, as CSS.
    colors: String,
    /// The recording that is replayed.
    replayed: Option<PathBuf>,
    /// The words behind the program's name that start it on this run again.
    words: Option<Vec<String>>,
}

impl Program {
    /// One without a model: a replay.
    pub fn new(config: &Config) -> Self {
        Self {
            presets: Presets::of(config),
            macros: config.macros.clone(),
            tokenizer: None,
            turns: None,
            repertoire: None,
            recording: None,
            saved: None,
            colors: tui::css(config.colors),
            replayed: None,
            words: None,
        }
    }

    /// The run is a recording in this file.
    pub fn replaying(self, file: &Path) -> Self {
        if file == Path::new("-") {
            return self;
        }
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let words = file.to_str().map(|file| vec!["replay".to_owned(), file.to_owned()]);
        Self { replayed: Some(file), words, ..self }
    }

    /// The run was started with these words behind the program's name.
    pub fn started(self, words: Option<Vec<String>>) -> Self {
        Self { words, ..self }
    }

    /// Prompts are encoded for this model.
    pub fn encoding(self, loaded: &Loaded) -> Self {
        let repertoire = embedded::repertoire(loaded);
        Self { tokenizer: Some(loaded.tokenizer.clone()), repertoire, ..self }
    }

    /// A prompt takes the place of the last question in these turns.
    pub fn asking(self, turns: Option<Messages>) -> Self {
        Self { turns, ..self }
    }

    /// Sessions are saved under this header, with these texts.
    pub fn saving(self, header: Header, vocabulary: Arc<dyn Vocabulary>) -> Self {
        Self { recording: Some((header, vocabulary)), ..self }
    }
}

/// A name in the working directory that no file has yet.
fn unused_path() -> PathBuf {
    (1..)
        .map(|number| PathBuf::from(format!("demask-{number}.jsonl")))
        .find(|path| !path.exists())
        .unwrap_or_default()
}

impl Host for Program {
    fn repertoire(&self) -> Option<&Repertoire> {
        self.repertoire.as_ref()
    }

    fn unlike(&self, prompt: &str) -> Option<String> {
        self.repertoire.as_ref().and_then(|_| embedded::unlike(prompt))
    }

    fn encode(&self, prompt: &str) -> Result<Vec<TokenId>, String> {
        match &self.tokenizer {
            Some(tokenizer) => match &self.turns {
                Some(turns) => tokenizer.encode(&turns.asking(prompt)),
                None => tokenizer.encode_prompt(prompt),
            },
            None => Err("a recording keeps its prompt".to_owned()),
        }
    }

    fn encodes(&self) -> bool {
        self.tokenizer.is_some()
    }

    fn save(&mut self, session: &Session, path: Option<&Path>) -> Result<PathBuf, String> {
        let Some((header, vocabulary)) = &self.recording else {
            return Err("there is nothing to save here".to_owned());
        };
        let path = match (path, &self.saved) {
            (Some(path), saved) if saved.as_deref() != Some(path) && path.exists() => {
                return Err(format!("{}: this file exists; take another name", path.display()));
            }
            (Some(path), _) => path.to_owned(),
            (None, Some(saved)) => saved.clone(),
            (None, None) => unused_path(),
        };
        trace::save(session, &path, header, vocabulary.clone())?;
        self.saved = Some(path.clone());
        Ok(path)
    }

    fn saves_to(&self) -> Option<PathBuf> {
        self.recording.as_ref()?;
        Some(self.saved.clone().unwrap_or_else(unused_path))
    }

    fn file(&self) -> Option<PathBuf> {
        let file = self.saved.as_ref().or(self.replayed.as_ref())?;
        Some(std::path::absolute(file).unwrap_or_else(|_| file.clone()))
    }

    fn started_as(&self) -> Option<Vec<String>> {
        let words = self.words.iter().flatten().cloned();
        self.words.as_ref().map(|_| std::iter::once("demask".to_owned()).chain(words).collect())
    }

    fn play(&mut self, session: &Session, place: &str) -> Result<String, String> {
        let Some((header, vocabulary)) = &self.recording else {
            return Err("no player can be written here: the run cannot be saved".to_owned());
        };
        browser::play(session, header, vocabulary, &self.colors, place)
    }

    fn write(&mut self, path: &Path, text: &str) -> Result<(), String> {
        let file = std::fs::File::options().write(true).create_new(true).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
            format!("{}: it cannot be written ({error}); take another name", path.display())
        })
    }

    fn presets(&self) -> Vec<String> {
        self.presets.list()
    }

    fn preset(&self, name: &str) -> Result<ParamValues, String> {
        self.presets.load(name).map_err(|error| error.to_string())
    }

    fn keep_preset(
        &mut self,
        name: &str,
        params: &crate::decode::Params,
    ) -> Result<PathBuf, String> {
        self.presets.save(name, params).map_err(|error| error.to_string())
    }

    fn macros(&self) -> Vec<(String, String)> {
        self.macros.iter().map(|(name, text)| (name.clone(), text.clone())).collect()
    }
}
