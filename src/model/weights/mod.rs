//! Tensors by name: looked up in the files of a checkpoint, checked, and put in place.

mod loader;
mod safetensors;

use candle_core::DType;

use self::safetensors::Safetensors;
use super::{
    LoadError,
    files::{Files, Tensors},
};

pub use loader::Held;
pub(super) use loader::Loader;

/// The tensors of a checkpoint, not yet in memory.
pub struct Weights {
    place: String,
    store: Safetensors,
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
        };
        Ok(Self { place: files.folder.clone(), store })
    }

    /// The type that most weights are stored in.
    pub fn dtype(&self) -> DType {
        self.store.main_dtype()
    }

    /// Bytes of all tensors.
    pub fn bytes(&self) -> u64 {
        self.store.bytes()
    }

    /// Checks that every tensor in `expected` is there with its shape and a type that can be
    /// computed with.
    ///
    /// # Errors
    /// One that names the first few that are not.
    pub(super) fn check(&self, expected: &[(String, Vec<usize>)]) -> Result<(), LoadError> {
        let problems: Vec<String> = expected
            .iter()
            .filter_map(|(name, shape)| match self.store.info(name) {
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
}
