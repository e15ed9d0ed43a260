//! Tensors by name: looked up in the files of a checkpoint, checked, and put in place.

mod loader;
mod names;

use std::collections::BTreeMap;

use candle_core::DType;

use super::{
    LoadError,
    files::{Files, Tensors},
    tensor_files::{Info, Safetensors, Store, Stored},
    unsupported,
};

pub use loader::HeldWeights;
pub(super) use loader::Loader;

/// Rows of tensors that are compared at once.
const COMPARED: usize = 1024;

/// The tensors of a checkpoint, not yet in memory.
pub struct Weights {
    place: String,
    /// What the tensors must fit.
    described: &'static str,
    store: Store,
    /// What was done to the names in the files, in words.
    pub renamed: Vec<String>,
}

impl Weights {
    /// Opens the weight files and reads their headers.
    ///
    /// # Errors
    /// If one is missing, cut or no safetensors.
    pub fn open(files: &Files) -> Result<Self, LoadError> {
        let store = match &files.tensors {
            Tensors::Bytes(bytes) => Safetensors::embedded(bytes, &files.folder)?,
            Tensors::Paths(paths) => Safetensors::open(paths)?,
            Tensors::Gguf(file) => {
                return Ok(Self {
                    place: files.folder.clone(),
                    described: "the file's own description",
                    store: Store::Gguf(file.clone()),
                    renamed: Vec::new(),
                });
            }
        };
        Self::of_safetensors(store, &files.folder)
    }

    fn of_safetensors(mut store: Safetensors, place: &str) -> Result<Self, LoadError> {
        if let Some(refused) = unsupported::by_tensors(store.names(), place) {
            return Err(refused);
        }
        let renamed = names::renamed(store.names()).map_err(|name| {
            LoadError::new(
                place,
                format!(
                    "two of its tensors are `{}` once what wrappers put in front of the names is \
                     taken off",
                    name.escape_debug()
                ),
                "Save the model once more, from outside of the wrapper",
            )
        })?;
        store.rename(renamed.names);
        Ok(Self {
            place: place.to_owned(),
            described: "config.json",
            store: Store::Safetensors(store),
            renamed: renamed.notices,
        })
    }

    /// The type that most bytes of the weights are in.
    pub fn stored(&self) -> Stored {
        let mut bytes: BTreeMap<String, (u64, Stored)> = BTreeMap::new();
        for (_, shape, stored) in self.tensors() {
            let numbers = shape.iter().product();
            bytes.entry(stored.to_string()).or_insert((0, stored)).0 +=
                stored.bytes(numbers) as u64;
        }
        let most = bytes.into_values().max_by_key(|(bytes, _)| *bytes);
        most.map_or(Stored::Plain(DType::F32), |(_, stored)| stored)
    }

    /// Bytes of all tensors.
    pub fn bytes(&self) -> u64 {
        self.tensors().map(|(_, shape, stored)| stored.bytes(shape.iter().product()) as u64).sum()
    }

    /// Every tensor: its name, shape and type.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, Vec<usize>, Stored)> {
        self.store.names().into_iter().filter_map(|name| {
            let info = self.store.info(name)?;
            Some((name, info.shape, info.stored))
        })
    }

    /// Whether there is such a tensor.
    pub(super) fn has(&self, name: &str) -> bool {
        self.store.info(name).is_some()
    }

    /// Whether there are two such tensors, and they hold the same numbers.
    pub(super) fn same(&self, one: &str, other: &str) -> bool {
        let infos = self.store.info(one).zip(self.store.info(other));
        let Some((info, _)) = infos.filter(|(one, other)| one == other) else { return false };
        (0..info.rows()).step_by(COMPARED).all(|row| {
            let rows = row..info.rows().min(row + COMPARED);
            let bytes = |name: &str| self.store.rows(name, rows.clone(), <[u8]>::to_vec);
            bytes(one) == bytes(other)
        })
    }

    /// A tensor that could not be read although its header was.
    fn unread(&self, name: &str) -> LoadError {
        LoadError::new(
            &self.place,
            format!("`{name}` cannot be read"),
            "Fetch the file again: it is cut or damaged",
        )
    }

    /// Checks that every tensor in `expected` is there with its shape and a type that can be
    /// computed with.
    ///
    /// # Errors
    /// One that names the first few that are not.
    pub(super) fn check(&self, expected: &[(String, Vec<usize>)]) -> Result<(), LoadError> {
        let problems: Vec<String> = expected
            .iter()
            .filter_map(|(name, shape)| {
                let Some(Info { shape: found, stored, .. }) = self.store.info(name) else {
                    return Some(format!("`{name}` {shape:?} is missing"));
                };
                if found != *shape {
                    return Some(format!("`{name}` is {found:?}, expected {shape:?}"));
                }
                match stored {
                    Stored::Plain(DType::F32 | DType::F16 | DType::BF16) => None,
                    Stored::Blocks(_) if shape.len() == 2 => None,
                    _ => Some(format!("`{name}` is stored as {stored}, expected f32, f16 or bf16")),
                }
            })
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        let more = match problems.len() {
            0..=3 => String::new(),
            n => format!(", and {} more", n - 3),
        };
        let described = self.described;
        Err(LoadError::new(
            &self.place,
            format!(
                "the tensors do not fit {described}: {}{more}",
                problems[..problems.len().min(3)].join(", ")
            ),
            match &self.store {
                Store::Safetensors(_) => {
                    "Check that config.json and the weights belong together and that all shards \
                     are there"
                }
                Store::Gguf(_) => {
                    "Fetch the file again, or take one that llama.cpp's converter wrote"
                }
            },
        ))
    }
}
