//! The files of a checkpoint: the small ones read, the large ones found.

use std::{
    collections::BTreeMap,
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use super::{LoadError, chat::DEFAULT, tokenizer, unsupported, weights::Gguf};
use crate::bounded;

/// The contents of a checkpoint's small files, and where its tensors are.
pub struct Files {
    /// The model's short name.
    pub name: String,
    /// The folder or file, or a word for the embedded model.
    pub folder: String,
    /// config.json; empty for a GGUF file, which describes itself.
    pub config: String,
    /// tokenizer.json, if there is one.
    pub tokenizer: Option<Vec<u8>>,
    /// Where the tokenizer came from if it is not the checkpoint's own.
    pub tokenizer_place: Option<String>,
    /// tokenizer_config.json, if there is one.
    pub tokenizer_config: Option<String>,
    /// special_tokens_map.json, if there is one.
    pub special_tokens_map: Option<String>,
    /// added_tokens.json, if there is one.
    pub added_tokens: Option<String>,
    /// vocab.json and merges.txt, if there are both.
    pub slow_tokenizer: Option<(String, String)>,
    /// A tokenizer's file of a kind that is not read, and what it is.
    pub other_tokenizer: Option<(&'static str, &'static str)>,
    /// Chat templates in files of their own: the name, the file and the text of each.
    pub chat_templates: Vec<(String, String, String)>,
    /// A template that only processors of transformers read, if there is one.
    pub processor_template: Option<&'static str>,
    /// generation_config.json, if there is one.
    pub generation_config: Option<String>,
    /// The tensors.
    pub tensors: Tensors,
}

/// Where the tensors of a checkpoint are.
pub enum Tensors {
    /// In these files.
    Paths(Vec<PathBuf>),
    /// In memory, compiled in.
    Bytes(&'static [u8]),
    /// In a GGUF file.
    Gguf(Arc<Gguf>),
}

impl Files {
    /// Reads the small files of the checkpoint in `folder`, or the header of a GGUF file, and
    /// finds the tensors.
    ///
    /// # Errors
    /// If the folder is no checkpoint, or the file none that can be read.
    pub fn read(folder: &Path) -> Result<Self, LoadError> {
        let shown = folder.display().to_string();
        if !folder.exists() {
            return Err(LoadError::new(
                &shown,
                "there is no such folder or file",
                "Give a folder that holds config.json, *.safetensors and tokenizer.json, or a \
                 .gguf file",
            ));
        }
        if !folder.is_dir() {
            return Self::read_gguf(folder);
        }
        let optional = |name: &str| match read_small(&folder.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&folder.join(name), &error)),
        };
        let text = |name: &str| {
            Ok(optional(name)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let config = text("config.json")?;
        if let Some(adapter) = text("adapter_config.json")? {
            return Err(unsupported::adapter(&adapter, &shown, config.is_some()));
        }
        let Some(config) = config else {
            return Err(LoadError::new(
                &shown,
                "there is no config.json in it, so this is no model",
                "Give a folder that holds config.json, *.safetensors and tokenizer.json",
            ));
        };
        Ok(Self {
            name: folder
                .canonicalize()
                .ok()
                .as_deref()
                .and_then(Path::file_name)
                .map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned()),
            config,
            tokenizer: optional("tokenizer.json")?,
            tokenizer_place: None,
            tokenizer_config: text("tokenizer_config.json")?,
            special_tokens_map: text("special_tokens_map.json")?,
            added_tokens: text("added_tokens.json")?,
            slow_tokenizer: text("vocab.json")?.zip(text("merges.txt")?),
            other_tokenizer: OTHER_TOKENIZERS
                .into_iter()
                .find(|(file, _)| folder.join(file).is_file()),
            chat_templates: chat_templates(folder)?,
            processor_template: Some(PROCESSOR_TEMPLATE).filter(|file| folder.join(file).is_file()),
            generation_config: text("generation_config.json")?,
            tensors: Tensors::Paths(shards(folder)?),
            folder: shown,
        })
    }

    /// Opens a GGUF file. Its tokenizer stays in it until it is asked for.
    fn read_gguf(path: &Path) -> Result<Self, LoadError> {
        let shown = path.display().to_string();
        let file = Gguf::open(path)?;
        let name = path.file_name().map_or_else(|| shown.as_str().into(), |n| n.to_string_lossy());
        Ok(Self {
            name: name.trim_end_matches(".gguf").to_owned(),
            config: String::new(),
            tokenizer: None,
            tokenizer_place: None,
            tokenizer_config: Some(tokenizer::gguf::config(&file.metadata)),
            special_tokens_map: None,
            added_tokens: None,
            slow_tokenizer: None,
            other_tokenizer: None,
            chat_templates: Vec::new(),
            processor_template: None,
            generation_config: None,
            tensors: Tensors::Gguf(Arc::new(file)),
            folder: shown,
        })
    }

    /// A tokenizer.json and nothing else.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn of_tokenizer(path: &Path) -> Result<Self, LoadError> {
        let mut files = Self {
            name: String::new(),
            folder: path.display().to_string(),
            config: String::new(),
            tokenizer: None,
            tokenizer_place: None,
            tokenizer_config: None,
            special_tokens_map: None,
            added_tokens: None,
            slow_tokenizer: None,
            other_tokenizer: None,
            chat_templates: Vec::new(),
            processor_template: None,
            generation_config: None,
            tensors: Tensors::Paths(Vec::new()),
        };
        files.take_tokenizer(path)?;
        Ok(files)
    }

    /// Takes another tokenizer.json than the checkpoint's own.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn take_tokenizer(&mut self, path: &Path) -> Result<(), LoadError> {
        self.tokenizer = Some(read_small(path).map_err(|error| unreadable(path, &error))?);
        self.tokenizer_place = Some(path.display().to_string());
        Ok(())
    }

    /// Bytes of all files that were found.
    pub fn sizes(&self) -> Vec<(String, u64)> {
        let small = [
            ("config.json", Some(self.config.len()).filter(|length| *length > 0)),
            ("tokenizer.json", self.tokenizer.as_ref().map(Vec::len)),
            ("tokenizer_config.json", self.tokenizer_config.as_ref().map(String::len)),
            ("generation_config.json", self.generation_config.as_ref().map(String::len)),
        ];
        let templates = self.chat_templates.iter();
        let templates = templates.map(|(_, file, text)| (file.clone(), text.len() as u64));
        let small =
            small.into_iter().filter_map(|(name, length)| Some((name.to_owned(), length? as u64)));
        let small = small.chain(templates);
        match &self.tensors {
            // The small ones are inside it.
            Tensors::Gguf(file) => vec![(self.folder.clone(), file.length())],
            Tensors::Bytes(bytes) => {
                small.chain([("model.safetensors".to_owned(), bytes.len() as u64)]).collect()
            }
            Tensors::Paths(paths) => {
                let large = paths.iter().map(|path| {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    (name, fs::metadata(path).map_or(0, |file| file.len()))
                });
                small.chain(large).collect()
            }
        }
    }

    /// The numbers that generation_config.json holds under names of strategies.
    pub(super) fn suggested(&self) -> BTreeMap<String, Vec<(String, f64)>> {
        let text = self.generation_config.as_deref().unwrap_or("null");
        let config: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let sections = config.as_object().into_iter().flatten();
        sections
            .filter_map(|(strategy, numbers)| {
                let numbers = numbers.as_object()?.iter();
                let numbers = numbers.filter_map(|(name, n)| Some((name.clone(), n.as_f64()?)));
                Some((strategy.clone(), numbers.collect()))
            })
            .collect()
    }

    /// The file that a chat template is from.
    pub fn template_file(&self) -> &'static str {
        match (self.chat_templates.is_empty(), &self.tensors) {
            (false, _) => "chat_template.jinja",
            (true, Tensors::Gguf(_)) => "tokenizer.chat_template",
            (true, _) => "tokenizer_config.json",
        }
    }

    /// How a file of this checkpoint is called in messages.
    pub fn name_of(&self, file: &str) -> String {
        match (&self.tokenizer_place, &self.tensors) {
            (Some(place), _) if file == "tokenizer.json" => return place.clone(),
            (_, Tensors::Gguf(_)) => return self.folder.clone(),
            _ => {}
        }
        Path::new(&self.folder).join(file).display().to_string()
    }
}

/// Largest file read as a whole, bytes: tokenizers have some dozen megabytes.
const LARGEST: u64 = 1 << 28;

/// A file's contents. A pipe or device could keep us waiting, or never end.
pub(super) fn read_small(path: &Path) -> std::io::Result<Vec<u8>> {
    plain(path)?;
    bounded::read(path, LARGEST)
}

/// Files of tokenizers that are not read.
const OTHER_TOKENIZERS: [(&str, &str); 8] = [
    ("tokenizer.model", "a SentencePiece model"),
    ("spiece.model", "a SentencePiece model"),
    ("sentencepiece.bpe.model", "a SentencePiece model"),
    ("spm.model", "a SentencePiece model"),
    ("tekken.json", "in Mistral's own format"),
    ("qwen.tiktoken", "in tiktoken's format"),
    ("vocab.txt", "a WordPiece vocabulary"),
    ("vocab.json", "a vocabulary without merges.txt"),
];

/// The chat template of processors, in an older form.
const PROCESSOR_TEMPLATE: &str = "chat_template.json";

/// The folder of chat templates beside the one to start with.
const MORE_TEMPLATES: &str = "additional_chat_templates";

/// The chat templates in files of their own: chat_template.jinja, and a folder of named ones.
fn chat_templates(folder: &Path) -> Result<Vec<(String, String, String)>, LoadError> {
    let mut files = vec![(DEFAULT.to_owned(), "chat_template.jinja".to_owned())];
    let more = fs::read_dir(folder.join(MORE_TEMPLATES)).into_iter().flatten().flatten();
    let mut more: Vec<_> = more
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let name = file.strip_suffix(".jinja")?.to_owned();
            Some((name, format!("{MORE_TEMPLATES}/{file}")))
        })
        .collect();
    more.sort();
    files.extend(more);
    let mut found = Vec::new();
    for (name, file) in files {
        match read_small(&folder.join(&file)) {
            Ok(bytes) => found.push((name, file, String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&folder.join(&file), &error)),
        }
    }
    Ok(found)
}

/// An error unless `path` is a plain file.
pub(super) fn plain(path: &Path) -> std::io::Result<()> {
    if fs::metadata(path)?.is_file() {
        Ok(())
    } else {
        Err(std::io::Error::other("it is not a plain file"))
    }
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> LoadError {
    LoadError::new(
        path.display().to_string(),
        format!("it cannot be read ({error})"),
        "Check its permissions and that the download is complete",
    )
}

/// The weight files: those the index names, or the one file, or every safetensors file.
fn shards(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let index = folder.join("model.safetensors.index.json");
    let read = match read_small(&index) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(unreadable(&index, &error)),
    };
    if let Some(text) = read {
        let bad = |problem: String| {
            LoadError::new(index.display().to_string(), problem, "Fetch the file again")
        };
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| bad(format!("it is no JSON ({error})")))?;
        let names: BTreeSet<&str> = value
            .get("weight_map")
            .and_then(|map| map.as_object())
            .ok_or_else(|| bad("it has no `weight_map`".to_owned()))?
            .values()
            .filter_map(|name| name.as_str())
            .collect();
        // A name may not lead out of the folder.
        let plain = |name: &&&str| {
            let mut parts = Path::new(**name).components();
            matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
        };
        if let Some(name) = names.iter().find(|name| !plain(name)) {
            return Err(bad(format!("it names a file elsewhere: {}", name.escape_default())));
        }
        return Ok(names.into_iter().map(|name| folder.join(name)).collect());
    }
    let one = folder.join("model.safetensors");
    if one.exists() {
        return Ok(vec![one]);
    }
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|error| unreadable(folder, &error))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(unsupported::no_safetensors(folder));
    }
    Ok(found)
}
