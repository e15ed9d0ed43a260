//! A GGUF file, mapped into memory: what llama.cpp and its tools write. A header says what the
//! model is and where its tensors lie.

mod header;
mod metadata;

use std::{collections::HashMap, ops::Range, path::Path};

use memmap2::Mmap;

use super::{
    Info,
    mapped::{forget, map},
};
use crate::model::LoadError;

use header::Header;
pub(in crate::model) use metadata::{Metadata, Value as MetadataValue};

/// A file with its header read.
pub struct Gguf {
    map: Mmap,
    /// What the file says of the model.
    pub(in crate::model) metadata: Metadata,
    tensors: HashMap<String, Place>,
}

/// Where a tensor is.
struct Place {
    bytes: Range<usize>,
    info: Info,
}

/// Longest header read, bytes: those of real files take some dozen megabytes at most.
const LONGEST_HEADER: usize = 1 << 28;

impl Gguf {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// If it is no GGUF file, is cut, or has tensors that cannot be read.
    pub(in crate::model) fn open(path: &Path) -> Result<Self, LoadError> {
        let place = path.display().to_string();
        let map = map(path)?;
        let Header { metadata, tensors, data } =
            Header::read(&map[..map.len().min(LONGEST_HEADER)])
                .map_err(|fault| LoadError::new(&place, fault.problem, fault.advice))?;
        let mut places = HashMap::new();
        for (name, tensor) in tensors {
            let size = tensor.stored.bytes(tensor.numbers());
            let start = usize::try_from(tensor.offset).ok().and_then(|at| data.checked_add(at));
            let bytes = start.and_then(|start| Some(start..start.checked_add(size)?));
            let Some(bytes) = bytes.filter(|bytes| bytes.end <= map.len()) else {
                return Err(LoadError::new(
                    &place,
                    format!(
                        "the tensor `{}` lies beyond the end of the file ({} bytes)",
                        name.escape_default(),
                        map.len()
                    ),
                    "Fetch the file again: it is cut or damaged",
                ));
            };
            let pairs = pairs(&metadata, &name, &tensor.shape);
            let info = Info { shape: tensor.shape, stored: tensor.stored, pairs };
            places.insert(name, Place { bytes, info });
        }
        Ok(Self { map, metadata, tensors: places })
    }

    /// Shape, type and order of a tensor.
    pub(super) fn info(&self, name: &str) -> Option<Info> {
        self.tensors.get(name).map(|place| place.info.clone())
    }

    /// Shape of a tensor.
    pub(in crate::model) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|place| &*place.info.shape)
    }

    /// Bytes of the file.
    pub(in crate::model) fn length(&self) -> u64 {
        self.map.len() as u64
    }

    /// The names of all tensors.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Reads some bytes of a tensor, and forgets the pages they came from.
    pub(super) fn read<T>(
        &self,
        name: &str,
        bytes: Range<usize>,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Option<T> {
        let all = &self.tensors.get(name)?.bytes;
        let bytes = all.start + bytes.start..all.start + bytes.end;
        let read = read(self.map.get(bytes.clone())?);
        forget(&self.map, bytes);
        Some(read)
    }
}

/// The width of the heads whose rows lie as pairs: the converter does that to the queries and
/// keys of the architectures that llama.cpp rotates pair by pair.
fn pairs(metadata: &Metadata, name: &str, shape: &[usize]) -> Option<usize> {
    if metadata.text("general.architecture") != Some("llada") {
        return None;
    }
    let part = name.strip_prefix("blk.")?.split_once('.')?.1;
    let heads = match part {
        "attn_q.weight" | "attn_q.bias" => metadata.whole("llada.attention.head_count"),
        "attn_k.weight" | "attn_k.bias" => metadata
            .whole("llada.attention.head_count_kv")
            .or_else(|| metadata.whole("llada.attention.head_count")),
        _ => None,
    };
    let width = shape.first()?.checked_div(usize::try_from(heads?).ok()?)?;
    (width >= 2).then_some(width)
}
