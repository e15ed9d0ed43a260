//! The files of a checkpoint, and its tensors by name, checked before anything is computed.

use std::{
    collections::BTreeMap,
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use candle_core::{
    DType, Device,
    safetensors::{MmapedSafetensors, SliceSafetensors},
};
use candle_nn::{VarBuilder, var_builder::SimpleBackend};

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
fn plain(path: &Path) -> std::io::Result<()> {
    if fs::metadata(path)?.is_file() {
        Ok(())
    } else {
        Err(std::io::Error::other("it is not a plain file"))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> LoadError {
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

/// The tensors of a checkpoint.
pub struct Weights {
    place: String,
    store: Store,
    dtype: DType,
}

enum Store {
    Mapped(Vec<PathBuf>, MmapedSafetensors),
    Embedded(&'static [u8], SliceSafetensors<'static>),
}

impl Weights {
    /// Opens the weight files and reads their headers.
    ///
    /// # Errors
    /// If one is missing, cut or no safetensors.
    pub fn open(files: &Files) -> Result<Self, LoadError> {
        let damaged = |place: String, error: candle_core::Error| {
            LoadError::new(
                place,
                format!("this is not a whole safetensors file ({error})"),
                "Fetch the file again: it is cut or damaged",
            )
        };
        let store = match &files.tensors {
            Tensors::Bytes(bytes) => {
                let tensors = SliceSafetensors::new(bytes)
                    .map_err(|error| damaged(files.folder.clone(), error))?;
                Store::Embedded(bytes, tensors)
            }
            Tensors::Paths(paths) => {
                for path in paths {
                    plain(path)
                        .and_then(|()| fs::File::open(path))
                        .map_err(|error| unreadable(path, &error))?;
                    // SAFETY: as below.
                    unsafe { MmapedSafetensors::new(path) }
                        .map_err(|error| damaged(path.display().to_string(), error))?;
                }
                // SAFETY: a mapped file must not be changed while it is mapped. Weight files are
                // written once and read by everyone; reading 16 GB into memory of our own
                // instead would double what a model needs.
                let mapped = unsafe { MmapedSafetensors::multi(paths) }
                    .map_err(|error| damaged(files.folder.clone(), error))?;
                Store::Mapped(paths.clone(), mapped)
            }
        };
        let mut weights = Self { place: files.folder.clone(), store, dtype: DType::F32 };
        weights.dtype = match weights.shape_of("model.transformer.wte.weight") {
            Some((_, dtype)) => dtype,
            None => DType::F32,
        };
        Ok(weights)
    }

    /// The type the weights are stored in.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The folder, for messages.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    fn shape_of(&self, name: &str) -> Option<(Vec<usize>, DType)> {
        let view = match &self.store {
            Store::Mapped(_, tensors) => tensors.get(name).ok()?,
            Store::Embedded(_, tensors) => tensors.get(name).ok()?,
        };
        let dtype = DType::try_from(view.dtype()).unwrap_or(DType::U8);
        Some((view.shape().to_vec(), dtype))
    }

    /// Checks that every tensor in `expected` is there with its shape and a type that can be
    /// computed with.
    ///
    /// # Errors
    /// One that names the first few that are not.
    pub(super) fn check(&self, expected: &[(String, Vec<usize>)]) -> Result<(), LoadError> {
        let problems: Vec<String> = expected
            .iter()
            .filter_map(|(name, shape)| match self.shape_of(name) {
                None => Some(format!("`{name}` {shape:?} is missing")),
                Some((found, _)) if found != *shape => {
                    Some(format!("`{name}` is {found:?}, expected {shape:?}"))
                }
                Some((_, DType::F32 | DType::F16 | DType::BF16)) => None,
                Some((_, dtype)) => Some(format!(
                    "`{name}` is stored as {}, expected f32, f16 or bf16",
                    dtype.as_str()
                )),
            })
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        let more = match problems.len() {
            0..=3 => String::new(),
            n => format!(", and {} more", n - 3),
        };
        Err(LoadError::new(
            &self.place,
            format!(
                "the tensors do not fit config.json: {}{more}",
                problems[..problems.len().min(3)].join(", ")
            ),
            "Check that config.json and the weights belong together and that all shards are there",
        ))
    }

    /// A builder over the tensors, which converts them to `dtype` on `device`.
    ///
    /// # Errors
    /// If a file can no longer be read.
    pub(super) fn builder(
        &self,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<VarBuilder<'static>> {
        let backend: Box<dyn SimpleBackend> = match &self.store {
            // SAFETY: as in `open`.
            Store::Mapped(paths, _) => Box::new(unsafe { MmapedSafetensors::multi(paths) }?),
            Store::Embedded(bytes, _) => Box::new(SliceSafetensors::new(bytes)?),
        };
        Ok(VarBuilder::from_backend(backend, dtype, device.clone()))
    }
}
