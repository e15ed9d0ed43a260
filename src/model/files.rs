//! The files of a checkpoint: the small ones read, the large ones found.

use std::{
    collections::BTreeMap,
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use super::LoadError;

/// The contents of a checkpoint's small files, and where its tensors are.
pub struct Files {
    /// The model's short name.
    pub name: String,
    /// The folder, or a word for the embedded model.
    pub folder: String,
    /// config.json.
    pub config: String,
    /// tokenizer.json, if there is one.
    pub tokenizer: Option<Vec<u8>>,
    /// tokenizer_config.json, if there is one.
    pub tokenizer_config: Option<String>,
    /// chat_template.jinja, if there is one.
    pub chat_template: Option<String>,
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
}

impl Files {
    /// Reads the small files of the checkpoint in `folder` and finds its tensors.
    ///
    /// # Errors
    /// If the folder is no checkpoint.
    pub fn read(folder: &Path) -> Result<Self, LoadError> {
        let shown = folder.display().to_string();
        if !folder.is_dir() {
            return Err(LoadError::new(
                &shown,
                if folder.exists() { "this is not a folder" } else { "there is no such folder" },
                "Give a folder that holds config.json, *.safetensors and tokenizer.json",
            ));
        }
        let optional = |name: &str| match read_small(&folder.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&folder.join(name), &error)),
        };
        let text = |name: &str| {
            Ok(optional(name)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let Some(config) = text("config.json")? else {
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
            tokenizer_config: text("tokenizer_config.json")?,
            chat_template: text("chat_template.jinja")?,
            generation_config: text("generation_config.json")?,
            tensors: Tensors::Paths(shards(folder)?),
            folder: shown,
        })
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

    /// How a file of this checkpoint is called in messages.
    pub fn name_of(&self, file: &str) -> String {
        Path::new(&self.folder).join(file).display().to_string()
    }
}

/// Largest file read as a whole, bytes: tokenizers have some dozen megabytes.
const LARGEST: u64 = 1 << 28;

/// A file's contents. A pipe or device could keep us waiting, or never end.
fn read_small(path: &Path) -> std::io::Result<Vec<u8>> {
    plain(path)?;
    if fs::metadata(path)?.len() > LARGEST {
        return Err(std::io::Error::other("it is too large"));
    }
    fs::read(path)
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
        return Err(LoadError::new(
            folder.display().to_string(),
            "there is no safetensors file in it",
            "Give a checkpoint stored as safetensors",
        ));
    }
    Ok(found)
}
