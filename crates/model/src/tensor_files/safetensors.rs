//! Safetensors files, mapped into memory.

use std::{collections::HashMap, ops::Range, path::PathBuf};

use candle_core::DType;
use memmap2::Mmap;
use safetensors::{SafeTensors, tensor::TensorInfo};

use super::{
    Info, Stored,
    mapped::{forget, map},
};
use crate::LoadError;

/// The tensors of one or several files.
pub(crate) struct Safetensors {
    files: Vec<TensorBytes>,
    tensors: HashMap<String, SafetensorsPlace>,
}

/// Where a tensor is.
struct SafetensorsPlace {
    file: usize,
    bytes: Range<usize>,
    shape: Vec<usize>,
    dtype: DType,
}

enum TensorBytes {
    Mapped(Mmap),
    Embedded(&'static [u8]),
}

impl TensorBytes {
    fn all(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Embedded(bytes) => bytes,
        }
    }
}

impl Safetensors {
    /// One file in memory, compiled in.
    pub(crate) fn embedded(bytes: &'static [u8], place: &str) -> Result<Self, LoadError> {
        let mut all = Self { files: Vec::new(), tensors: HashMap::new() };
        all.add(TensorBytes::Embedded(bytes), place)?;
        Ok(all)
    }

    /// Maps these files and reads their headers.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, LoadError> {
        let mut all = Self { files: Vec::new(), tensors: HashMap::new() };
        for path in paths {
            all.add(TensorBytes::Mapped(map(path)?), &path.display().to_string())?;
        }
        Ok(all)
    }

    fn add(&mut self, bytes: TensorBytes, place: &str) -> Result<(), LoadError> {
        let damaged = |error: String| {
            LoadError::new(
                place,
                format!("this is not a whole safetensors file ({error})"),
                "Fetch the file again: it is cut or damaged",
            )
        };
        let all = bytes.all();
        // This also checks that the tensors lie inside the file.
        let whole = SafeTensors::deserialize(all).map_err(|error| damaged(error.to_string()))?;
        let (header, metadata) =
            SafeTensors::read_metadata(all).map_err(|error| damaged(error.to_string()))?;
        // Before the header stands its length.
        let data = header + 8;
        for name in whole.names() {
            let Some(TensorInfo { dtype, shape, data_offsets: (from, to) }) = metadata.info(name)
            else {
                continue;
            };
            if self.tensors.contains_key(name) {
                return Err(LoadError::new(
                    place,
                    format!("`{}` is in another file of the model, too", name.escape_debug()),
                    "Leave one copy of the weights in the folder: one file, or those that its \
                     index names",
                ));
            }
            let place = SafetensorsPlace {
                file: self.files.len(),
                bytes: data + from..data + to,
                shape: shape.clone(),
                // What has no name here cannot be computed with; the check says so.
                dtype: DType::try_from(*dtype).unwrap_or(DType::U8),
            };
            self.tensors.insert(name.to_owned(), place);
        }
        self.files.push(bytes);
        Ok(())
    }

    /// Shape and type of a tensor.
    pub(crate) fn info(&self, name: &str) -> Option<Info> {
        self.tensors.get(name).map(|place| Info {
            shape: place.shape.clone(),
            stored: Stored::Plain(place.dtype),
            pairs: None,
        })
    }

    /// Calls tensors something else: the names they have now under the new ones.
    pub(crate) fn rename(&mut self, names: HashMap<String, String>) {
        let taken: Vec<(String, Option<SafetensorsPlace>)> =
            names.into_iter().map(|(new, old)| (new, self.tensors.remove(&old))).collect();
        self.tensors.extend(taken.into_iter().filter_map(|(new, place)| Some((new, place?))));
    }

    /// The names of all tensors.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Reads some bytes of a tensor, and forgets the pages they came from: what is mapped counts
    /// as the program's memory until then.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        bytes: Range<usize>,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Option<T> {
        let place = self.tensors.get(name)?;
        let file = &self.files[place.file];
        let bytes = place.bytes.start + bytes.start..place.bytes.start + bytes.end;
        let read = read(file.all().get(bytes.clone())?);
        if let TensorBytes::Mapped(map) = file {
            forget(map, bytes);
        }
        Some(read)
    }
}
