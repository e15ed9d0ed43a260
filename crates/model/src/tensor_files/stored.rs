//! The types that tensors are stored in, and the way from them to f32.

use std::{borrow::Cow, fmt};

use candle_core::{CpuStorage, DType, Device, Result as Computed, Tensor, quantized::GgmlDType};

/// The type a tensor is stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// One number after the other.
    Plain(DType),
    /// Blocks of small whole numbers with a common factor (GGML's types), along the rows.
    Blocks(GgmlDType),
}

impl Stored {
    /// Numbers in a block; a row holds whole blocks.
    pub fn block(self) -> usize {
        match self {
            Self::Plain(_) => 1,
            Self::Blocks(dtype) => dtype.block_size(),
        }
    }

    /// Bytes of that many numbers, whole blocks; `usize::MAX` where they are too many to count.
    pub fn bytes(self, numbers: usize) -> usize {
        match self {
            Self::Plain(dtype) => numbers.saturating_mul(dtype.size_in_bytes()),
            Self::Blocks(dtype) => {
                numbers.div_ceil(dtype.block_size()).saturating_mul(dtype.type_size())
            }
        }
    }

    /// Stored numbers in f32. `bytes` are whole blocks and aligned to 8 bytes.
    pub(crate) fn widen(self, bytes: &[u8]) -> Computed<Vec<f32>> {
        Ok(match self {
            Self::Plain(DType::F32) => bytes
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
            // The upper half of an f32.
            Self::Plain(DType::BF16) => {
                bytes.chunks_exact(2).map(|b| f32::from_le_bytes([0, 0, b[0], b[1]])).collect()
            }
            Self::Plain(dtype) => {
                let length = bytes.len() / dtype.size_in_bytes();
                Tensor::from_raw_buffer(bytes, dtype, &[length], &Device::Cpu)?
                    .to_dtype(DType::F32)?
                    .to_vec1()?
            }
            Self::Blocks(dtype) => {
                let numbers = bytes.len() / dtype.type_size() * dtype.block_size();
                match dtype.from_data(Cow::Borrowed(bytes)).dequantize(numbers)? {
                    CpuStorage::F32(numbers) => numbers,
                    _ => candle_core::bail!("blocks that do not become f32"),
                }
            }
        })
    }
}

impl fmt::Display for Stored {
    /// GGML's name in small letters: `q4_k`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Plain(dtype) => f.write_str(dtype.as_str()),
            Self::Blocks(dtype) => {
                let name = format!("{dtype:?}").to_lowercase();
                match name.strip_suffix('k') {
                    Some(bits) => write!(f, "{bits}_k"),
                    None => f.write_str(&name),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sizes() {
        for (stored, name, numbers, bytes) in [
            (Stored::Plain(DType::BF16), "bf16", 10, 20),
            (Stored::Blocks(GgmlDType::Q8_0), "q8_0", 64, 68),
            (Stored::Blocks(GgmlDType::Q4K), "q4_k", 256, 144),
            (Stored::Blocks(GgmlDType::Q5_1), "q5_1", 32, 24),
        ] {
            assert_eq!(stored.to_string(), name);
            assert_eq!(stored.bytes(numbers), bytes, "{name}");
        }
    }
}
