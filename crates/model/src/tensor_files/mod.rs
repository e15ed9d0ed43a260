//! The files that tensors are in, mapped into memory: safetensors and GGUF.

mod gguf;
mod mapped;
mod safetensors;
mod stored;

use std::{ops::Range, sync::Arc};

pub(crate) use self::safetensors::Safetensors;
pub(crate) use gguf::{Gguf, GgufMetadata, MetadataValue, TOKENS, special_token, tokenizer_config};
pub use stored::Stored;

/// The files that the tensors of a checkpoint are in.
pub(crate) enum Store {
    /// One or several safetensors files.
    Safetensors(Safetensors),
    /// One GGUF file, shared with what is read lazily.
    Gguf(Arc<Gguf>),
}

/// What is known of a tensor before it is read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Info {
    pub(crate) shape: Vec<usize>,
    pub(crate) stored: Stored,
    /// The rows of heads this wide lie as pairs (see [`Info::row`]).
    pub(crate) pairs: Option<usize>,
}

impl Info {
    pub(crate) fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Numbers in a row; a vector's rows are single numbers.
    pub(crate) fn columns(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// Where the row `row` lies in the file. A head's rows lie as they are rotated: the two of a
    /// pair `(i, i + width / 2)` side by side.
    pub(crate) fn row(&self, row: usize) -> usize {
        match self.pairs {
            None => row,
            Some(width) => {
                let (head, within) = (row / width, row % width);
                let (half, pair) = (within / (width / 2), within % (width / 2));
                head * width + 2 * pair + half
            }
        }
    }
}

impl Store {
    /// What is known of a tensor.
    pub(crate) fn info(&self, name: &str) -> Option<Info> {
        match self {
            Self::Safetensors(files) => files.info(name),
            Self::Gguf(file) => file.info(name),
        }
    }

    /// The names of all tensors.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Safetensors(files) => files.names().collect(),
            Self::Gguf(file) => file.names().collect(),
        }
    }

    /// Reads some rows of a tensor in the network's order.
    pub(crate) fn rows<T>(
        &self,
        name: &str,
        rows: Range<usize>,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Option<T> {
        let info = self.info(name)?;
        let width = info.stored.bytes(info.columns());
        let (bytes, in_order) = match info.pairs {
            None => (rows.start * width..rows.end * width, true),
            Some(_) => (0..info.rows() * width, false),
        };
        let read = |bytes: &[u8]| match in_order {
            true => read(bytes),
            false => {
                let there = rows.filter_map(|row| bytes.chunks_exact(width).nth(info.row(row)));
                read(&there.collect::<Vec<_>>().concat())
            }
        };
        match self {
            Self::Safetensors(files) => files.read(name, bytes, read),
            Self::Gguf(file) => file.read(name, bytes, read),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;

    #[test]
    fn rows_of_pairs_come_back_in_halves() {
        let info = |pairs| Info { shape: vec![12, 1], stored: Stored::Plain(DType::F32), pairs };
        let order = |pairs| (0..12).map(|row| info(pairs).row(row)).collect::<Vec<_>>();
        assert_eq!(order(None), (0..12).collect::<Vec<_>>());
        assert_eq!(order(Some(6)), [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
        assert_eq!(order(Some(2)), (0..12).collect::<Vec<_>>());
    }
}
