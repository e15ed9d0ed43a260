//! Files of `torch.save`: a zip archive, not packed, with a pickle and the numbers of its tensors.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
    rc::Rc,
};

use zip::{CompressionMethod, ZipArchive};

use super::pickle::{Id, Pickle};

/// How such a file begins.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";

/// Numbers that all tensors asked for may have together.
const MOST_NUMBERS: usize = 1 << 24;

/// The pickle may have so many bytes; what it unfolds into is some dozen times that.
const LONGEST_PICKLE: usize = 8 << 20;

/// A file that was opened.
pub(super) struct Torch {
    archive: Archive,
    /// In front of every entry's name.
    prefix: String,
    pickle: Pickle,
    storages: HashMap<String, Rc<Vec<i64>>>,
    numbers: usize,
}

/// The archive, and how many bytes it has.
struct Archive(ZipArchive<Cursor<Vec<u8>>>, u64);

/// A tensor of whole numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WholeNumbers {
    pub shape: Vec<usize>,
    /// The values, row after row.
    pub values: Vec<i64>,
}

impl WholeNumbers {
    /// The rows of a matrix; a list is one row. `None` for what has more dimensions.
    pub fn rows(&self) -> Option<Vec<&[i64]>> {
        match *self.shape.as_slice() {
            [_] => Some(vec![&self.values]),
            [rows, 0] => Some(vec![&[][..]; rows.min(1)]),
            [_, width] => Some(self.values.chunks(width).collect()),
            _ => None,
        }
    }
}

fn damaged(error: impl std::fmt::Display) -> String {
    format!("the archive is damaged ({error})")
}

impl Torch {
    /// Opens the contents of a file.
    ///
    /// # Errors
    /// In words.
    pub fn open(bytes: Vec<u8>) -> Result<Self, String> {
        let length = bytes.len() as u64;
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        let mut archive = Archive(archive, length);
        let found = archive.0.file_names().filter_map(Result::ok).find_map(|name| {
            name.strip_suffix("data.pkl")
                .filter(|prefix| prefix.is_empty() || prefix.ends_with('/'))
                .map(str::to_owned)
        });
        let prefix = found.ok_or("there is no data.pkl in it: torch.save did not write it")?;
        if let Ok(order) = archive.entry(&format!("{prefix}byteorder"))
            && order != b"little"
        {
            return Err("its numbers are big-endian. Save it on a little-endian machine".to_owned());
        }
        let pickle = archive.entry(&format!("{prefix}data.pkl"))?;
        if pickle.len() > LONGEST_PICKLE {
            return Err("it holds too much beside tensors".to_owned());
        }
        let pickle = Pickle::read(&pickle)?;
        Ok(Self { archive, prefix, pickle, storages: HashMap::new(), numbers: 0 })
    }

    /// What was saved, but for the numbers of tensors.
    pub fn pickle(&self) -> &Pickle {
        &self.pickle
    }

    /// The tensor at a node; `None` if there is none.
    ///
    /// # Errors
    /// In words, if it holds no whole numbers or does not fit its storage.
    pub fn tensor(&mut self, id: Id) -> Result<Option<WholeNumbers>, String> {
        let Some(layout) = self.pickle.tensor(id) else { return Ok(None) };
        let storage = self.storage(&layout.storage, &layout.class)?;
        let outside = || "a tensor lies outside of its storage".to_owned();
        if layout.shape.len() != layout.strides.len() || layout.shape.len() > 4 {
            return Err("a tensor has a shape that is not read here".to_owned());
        }
        let count = layout.shape.iter().try_fold(1_usize, |count, &n| count.checked_mul(n));
        let count = count.filter(|&count| count <= storage.len()).ok_or_else(outside)?;
        self.numbers += count;
        if self.numbers > MOST_NUMBERS {
            return Err("it holds too many numbers".to_owned());
        }
        let mut values = Vec::with_capacity(count);
        let mut at = vec![0; layout.shape.len()];
        for _ in 0..count {
            let place =
                at.iter().zip(&layout.strides).try_fold(layout.offset, |place, (n, stride)| {
                    place.checked_add(stride.checked_mul(*n)?)
                });
            let value = place.and_then(|place| storage.get(place)).ok_or_else(outside)?;
            values.push(*value);
            for (n, &most) in at.iter_mut().zip(&layout.shape).rev() {
                *n += 1;
                if *n < most {
                    break;
                }
                *n = 0;
            }
        }
        Ok(Some(WholeNumbers { shape: layout.shape, values }))
    }

    fn storage(&mut self, name: &str, class: &str) -> Result<Rc<Vec<i64>>, String> {
        if let Some(known) = self.storages.get(name) {
            return Ok(known.clone());
        }
        let width = match class {
            "LongStorage" => 8,
            "IntStorage" => 4,
            "ShortStorage" => 2,
            "CharStorage" | "ByteStorage" | "BoolStorage" => 1,
            other => {
                return Err(format!(
                    "a tensor is a {}, where token ids or positions are needed",
                    other.chars().take(40).collect::<String>()
                ));
            }
        };
        let bytes = self.archive.entry(&format!("{}data/{name}", self.prefix))?;
        if bytes.len() / width > MOST_NUMBERS {
            return Err("it holds too many numbers".to_owned());
        }
        let signed = class != "ByteStorage";
        let values = bytes.chunks_exact(width).map(|number| {
            let fill = if signed && number[width - 1] > 0x7f { 0xff } else { 0 };
            let mut value = [fill; 8];
            value[..width].copy_from_slice(number);
            i64::from_le_bytes(value)
        });
        let values = Rc::new(values.collect::<Vec<_>>());
        self.storages.insert(name.to_owned(), values.clone());
        Ok(values)
    }
}

impl Archive {
    /// An entry's bytes: never more than the archive has.
    fn entry(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let entry = self.0.by_name(name).map_err(|error| {
            format!("{} cannot be read from the archive ({error})", name.escape_default())
        })?;
        if entry.compression() != CompressionMethod::Stored || entry.size() > self.1 {
            return Err("its entries are packed, which torch.save never does".to_owned());
        }
        let mut bytes = Vec::new();
        entry.take(self.1).read_to_end(&mut bytes).map_err(damaged)?;
        Ok(bytes)
    }
}
