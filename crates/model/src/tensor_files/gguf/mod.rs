//! A GGUF file, mapped into memory: what llama.cpp and its tools write. A header says what the
//! model is and where its tensors lie.

mod header;
mod metadata;
mod tokens;

use std::{
    collections::HashMap,
    ops::Range,
    path::{Path, PathBuf},
};

use memmap2::Mmap;

use super::{
    Info,
    mapped::{forget, map},
};
use crate::{LoadError, file_names};

use header::{GgufHeader, Tensor};
pub(crate) use metadata::{GgufMetadata, GgufValue as MetadataValue};
pub(crate) use tokens::{TOKENS, special_token, tokenizer_config};

/// A file with its header read, or all parts of one that was cut.
pub struct Gguf {
    maps: Vec<Mmap>,
    /// What the file says of the model: the first part, where it was cut.
    pub(crate) metadata: GgufMetadata,
    tensors: HashMap<String, GgufPlace>,
}

/// Where a tensor is.
struct GgufPlace {
    /// Index into the maps of the file's parts.
    map: usize,
    bytes: Range<usize>,
    info: Info,
}

/// Longest header read, bytes: those of real files take some dozen megabytes at most.
const LONGEST_HEADER: usize = 1 << 28;

/// What the name of a tensor ends in that holds the matrices of all experts of a layer, one behind the
/// other. It is cut into those: `blk.0.ffn_up_exps.weight` into `blk.0.ffn_up_exps.3.weight` and so on.
const STACKED: &str = "_exps.weight";

/// What to do with parts that are not all there.
const JOIN: &str = "Put all parts into one folder, under the names that llama.cpp gave them \
                    (NAME-00001-of-00003.gguf), or join them with `llama-gguf-split --merge`";

impl Gguf {
    /// Opens a file and reads its header; of one that was cut, all parts.
    ///
    /// # Errors
    /// If it is no GGUF file, is cut off, or has tensors that cannot be read; if a part is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let names = file_names::parts(&name);
        let paths: Vec<PathBuf> = match &names {
            None => vec![path.to_owned()],
            Some(names) => names.iter().map(|name| path.with_file_name(name)).collect(),
        };
        if let Some(missing) = paths.iter().find(|part| !part.exists()) {
            return Err(LoadError::new(
                missing.display().to_string(),
                format!("this part of a model in {} GGUF files is not there", paths.len()),
                JOIN,
            ));
        }
        let mut whole: Option<Self> = None;
        for (at, path) in paths.iter().enumerate() {
            let (map, header) = read(path)?;
            let place = path.display().to_string();
            let split = |key: &str| header.metadata.whole(&format!("split.{key}"));
            let says = (split("no").unwrap_or(0), split("count").unwrap_or(1).max(1));
            // One whose name says that it is a part may be whole all the same, if it is alone.
            if says != (at as i128, paths.len() as i128) {
                return Err(LoadError::new(
                    place,
                    format!(
                        "it says that it is part {} of {}, and by its name it is part {} of {}",
                        says.0.saturating_add(1),
                        says.1,
                        at + 1,
                        paths.len()
                    ),
                    JOIN,
                ));
            }
            match &mut whole {
                None => whole = Some(Self::first(map, header, &place)?),
                Some(whole) => whole.add(map, header.tensors, header.data, &place)?,
            }
        }
        whole.ok_or_else(|| LoadError::new(path.display().to_string(), "it has no parts", JOIN))
    }

    fn first(map: Mmap, header: GgufHeader, place: &str) -> Result<Self, LoadError> {
        let GgufHeader { metadata, tensors, data } = header;
        let mut first = Self { maps: Vec::new(), metadata, tensors: HashMap::new() };
        first.add(map, tensors, data, place)?;
        Ok(first)
    }

    /// Adds the tensors of a part.
    fn add(
        &mut self,
        map: Mmap,
        tensors: Vec<(String, Tensor)>,
        data: usize,
        place: &str,
    ) -> Result<(), LoadError> {
        for (name, tensor) in tensors {
            let size = tensor.stored.bytes(tensor.numbers());
            let start = usize::try_from(tensor.offset).ok().and_then(|at| data.checked_add(at));
            let bytes = start.and_then(|start| Some(start..start.checked_add(size)?));
            let Some(bytes) = bytes.filter(|bytes| bytes.end <= map.len()) else {
                return Err(LoadError::new(
                    place,
                    format!(
                        "the tensor `{}` lies beyond the end of the file ({} bytes)",
                        name.escape_default(),
                        map.len()
                    ),
                    "Fetch the file again: it is cut or damaged",
                ));
            };
            let (map, stored) = (self.maps.len(), tensor.stored);
            if let (Some(layer), [experts, rows, columns]) =
                (name.strip_suffix(STACKED), &tensor.shape[..])
            {
                let size = stored.bytes(rows * columns);
                for expert in 0..*experts {
                    let info = Info { shape: vec![*rows, *columns], stored, pairs: None };
                    let start = bytes.start + expert * size;
                    let place = GgufPlace { map, bytes: start..start + size, info };
                    self.tensors.insert(format!("{layer}_exps.{expert}.weight"), place);
                }
                continue;
            }
            let pairs = pairs(&self.metadata, &name, &tensor.shape);
            let info = Info { shape: tensor.shape, stored, pairs };
            self.tensors.insert(name, GgufPlace { map, bytes, info });
        }
        self.maps.push(map);
        Ok(())
    }

    /// Shape, type and order of a tensor.
    pub(super) fn info(&self, name: &str) -> Option<Info> {
        self.tensors.get(name).map(|place| place.info.clone())
    }

    /// Shape of a tensor.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|place| &*place.info.shape)
    }

    /// Bytes of the file, or of all its parts.
    pub(crate) fn length(&self) -> u64 {
        self.maps.iter().map(|map| map.len() as u64).sum()
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
        let GgufPlace { map, bytes: all, .. } = self.tensors.get(name)?;
        let (map, bytes) = (&self.maps[*map], all.start + bytes.start..all.start + bytes.end);
        let read = read(map.get(bytes.clone())?);
        forget(map, bytes);
        Some(read)
    }
}

/// Maps a file and reads its header.
fn read(path: &Path) -> Result<(Mmap, GgufHeader), LoadError> {
    let map = map(path)?;
    let header = GgufHeader::read(&map[..map.len().min(LONGEST_HEADER)])
        .map_err(|fault| LoadError::new(path.display().to_string(), fault.problem, fault.advice))?;
    Ok((map, header))
}

/// The width of the heads whose rows lie as pairs: the converter does that to the queries and
/// keys of the architectures that llama.cpp rotates pair by pair.
fn pairs(metadata: &GgufMetadata, name: &str, shape: &[usize]) -> Option<usize> {
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
