//! The files of a checkpoint: the small ones read, the large ones found.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    LoadError,
    chat::DEFAULT,
    index,
    small_files::{self, JsonObject, object, read_small, unreadable},
    tensor_files::{Gguf, tokenizer_config},
    unsupported,
};

/// The contents of a checkpoint's small files, and where its tensors are. The object of a missing
/// file is empty.
#[derive(Default)]
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
    /// The object in tokenizer_config.json; empty without the file.
    pub(super) tokenizer_config: JsonObject,
    /// The object in special_tokens_map.json; empty without the file.
    pub(super) special_tokens_map: JsonObject,
    /// The object in added_tokens.json; empty without the file.
    pub(super) added_tokens: JsonObject,
    /// vocab.json and merges.txt, if there are both.
    pub slow_tokenizer: Option<(String, String)>,
    /// A tokenizer's file of a kind that is not read, and what it is.
    pub other_tokenizer: Option<(&'static str, &'static str)>,
    /// Chat templates in files of their own: the name, the file and the text of each.
    pub chat_templates: Vec<(String, String, String)>,
    /// A template that only processors of transformers read, if there is one.
    pub processor_template: Option<&'static str>,
    /// The object in generation_config.json; empty without the file.
    pub(super) generation_config: JsonObject,
    /// Where the tensors are.
    pub tensors: Tensors,
    /// Bytes of the small files that were found, in the order in which they are read.
    pub(super) sizes: Vec<(String, u64)>,
}

/// Where the tensors of a checkpoint are.
pub enum Tensors {
    /// In safetensors files with these paths.
    Paths(Vec<PathBuf>),
    /// In memory, compiled in.
    Bytes(&'static [u8]),
    /// In a GGUF file.
    Gguf(Arc<Gguf>),
}

impl Default for Tensors {
    fn default() -> Self {
        Self::Paths(Vec::new())
    }
}

/// Reads the small files of a folder, and notes their sizes.
struct Small<'f> {
    folder: &'f Path,
    sizes: Vec<(String, u64)>,
}

impl Small<'_> {
    /// A file's bytes, if it is there.
    fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, LoadError> {
        match read_small(&self.folder.join(name)) {
            Ok(bytes) => {
                self.sizes.push((name.to_owned(), bytes.len() as u64));
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&self.folder.join(name), &error)),
        }
    }

    fn place(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// A file's text, if it is there.
    fn text(&mut self, name: &str) -> Result<Option<String>, LoadError> {
        let Some(bytes) = self.bytes(name)? else { return Ok(None) };
        small_files::text(&bytes, &self.place(name)).map(|text| Some(text.to_owned()))
    }

    /// The fields of the object that a file holds; none if it is not there.
    fn object(&mut self, name: &str) -> Result<JsonObject, LoadError> {
        let bytes = self.bytes(name)?;
        bytes.map_or_else(|| Ok(JsonObject::new()), |bytes| object(&bytes, &self.place(name)))
    }
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
        let mut small = Small { folder, sizes: Vec::new() };
        let config = small.text("config.json")?;
        if folder.join(ADAPTER).exists() {
            let adapter = small.object(ADAPTER)?;
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
            tokenizer: small.bytes("tokenizer.json")?,
            tokenizer_place: None,
            tokenizer_config: small.object("tokenizer_config.json")?,
            special_tokens_map: small.object("special_tokens_map.json")?,
            added_tokens: small.object("added_tokens.json")?,
            slow_tokenizer: small.text("vocab.json")?.zip(small.text("merges.txt")?),
            other_tokenizer: OTHER_TOKENIZERS
                .into_iter()
                .find(|(file, _)| folder.join(file).is_file()),
            generation_config: small.object("generation_config.json")?,
            chat_templates: chat_templates(&mut small)?,
            processor_template: Some(PROCESSOR_TEMPLATE).filter(|file| folder.join(file).is_file()),
            tensors: Tensors::Paths(shards(folder)?),
            folder: shown,
            sizes: small.sizes,
        })
    }

    /// Opens a GGUF file. Its tokenizer stays in it until it is asked for.
    fn read_gguf(path: &Path) -> Result<Self, LoadError> {
        let shown = path.display().to_string();
        let file = Gguf::open(path)?;
        let name = path.file_name().map_or_else(|| shown.as_str().into(), |n| n.to_string_lossy());
        Ok(Self {
            name: name.trim_end_matches(".gguf").to_owned(),
            tokenizer_config: tokenizer_config(&file.metadata)
                .map_err(|problem| LoadError::new(&shown, problem, GGUF_AGAIN))?,
            tensors: Tensors::Gguf(Arc::new(file)),
            folder: shown,
            ..Self::default()
        })
    }

    /// A tokenizer.json and nothing else.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn of_tokenizer(path: &Path) -> Result<Self, LoadError> {
        let mut files = Self { folder: path.display().to_string(), ..Self::default() };
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
        let small = self.sizes.iter().cloned();
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

    /// What generation_config.json holds under names of strategies.
    pub(super) fn suggested(&self) -> BTreeMap<String, serde_json::Value> {
        self.generation_config.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
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

/// The file that shows that a folder holds an adapter, not a model.
const ADAPTER: &str = "adapter_config.json";

/// The advice for a GGUF file with values that cannot be right.
const GGUF_AGAIN: &str =
    "Take a file that llama.cpp's converter wrote from the original checkpoint";

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

/// The file in which processors of transformers kept their chat template.
const PROCESSOR_TEMPLATE: &str = "chat_template.json";

/// The folder of chat templates beside the one to start with.
const MORE_TEMPLATES: &str = "additional_chat_templates";

/// The chat templates in files of their own: chat_template.jinja, and a folder of named ones.
fn chat_templates(small: &mut Small) -> Result<Vec<(String, String, String)>, LoadError> {
    let mut files = vec![(DEFAULT.to_owned(), "chat_template.jinja".to_owned())];
    let more = fs::read_dir(small.folder.join(MORE_TEMPLATES)).into_iter().flatten().flatten();
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
        if let Some(text) = small.text(&file)? {
            found.push((name, file, text));
        }
    }
    Ok(found)
}

/// The weight files: the one file, or those the index names, or every safetensors file.
fn shards(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let one = folder.join(index::ONE);
    if one.exists() {
        return Ok(vec![one]);
    }
    let index = folder.join(index::NAME);
    match read_small(&index) {
        Ok(bytes) => {
            let names = index::names(&bytes, &index.display().to_string())?;
            return Ok(names.into_iter().map(|name| folder.join(name)).collect());
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(unreadable(&index, &error)),
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
