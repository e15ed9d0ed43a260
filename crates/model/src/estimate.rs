//! How much memory a model needs, from its numbers alone.
//!
//! ```
//! use demask_model::{Outline, estimate::step};
//!
//! let llada_8b = Outline {
//!     layers: 32,
//!     width: 4096,
//!     heads: 32,
//!     kv_heads: 32,
//!     head_dim: 128,
//!     hidden: 12_288,
//!     vocabulary: 126_464,
//!     context: 4096,
//!     experts: None,
//! };
//! let bytes = step(&llada_8b, 2, 1024).peak();
//! assert!((1 << 26..1 << 31).contains(&bytes), "a pass takes some hundred megabytes: {bytes}");
//! ```

use candle_core::quantized::GgmlDType;
use serde::Serialize;

use super::{HeldWeights, Outline, Stored, network::SCORES_AT_ONCE, predictor::LOGITS_AT_ONCE};

/// Bytes of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct WeightBytes {
    /// As they are held.
    pub held: u64,
    /// Copies of matrices in blocks that are arranged for this processor when they are first
    /// multiplied with. They stay beside the others: candle 0.11 keeps both.
    pub arranged: u64,
}

impl WeightBytes {
    /// The sum, in bytes.
    pub fn total(self) -> u64 {
        self.held.saturating_add(self.arranged)
    }
}

/// What decides which copies are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    /// A GPU, or one for which no copies are made.
    Plain,
    /// x86 with AVX2 and FMA.
    Avx2,
    /// x86 that multiplies bytes (VNNI) too.
    Vnni,
    /// A processor with 64-bit ARM instructions.
    Arm,
}

impl Processor {
    /// That of this machine.
    pub fn here() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let avx512 = has!("avx512bw") && has!("avx512f") && has!("avx512vnni");
            if avx512 || (has!("avxvnni") && has!("avx2")) {
                return Self::Vnni;
            }
            if has!("avx2") && has!("fma") {
                return Self::Avx2;
            }
        }
        if cfg!(target_arch = "aarch64") { Self::Arm } else { Self::Plain }
    }

    /// Bytes of the copy of a matrix: 16 rows by 256 columns make a tile.
    fn copy(self, dtype: GgmlDType, rows: usize, columns: usize) -> u64 {
        if !rows.is_multiple_of(16) || !columns.is_multiple_of(256) {
            return 0;
        }
        let numbers = (rows * columns) as u64;
        match (self, dtype) {
            (Self::Avx2 | Self::Vnni, GgmlDType::Q4K) => numbers / 4 * 3,
            (Self::Avx2 | Self::Vnni, GgmlDType::Q6K) => numbers / 4 * 5,
            (Self::Vnni, GgmlDType::Q8_0) => numbers / 16 * 17,
            (
                Self::Arm,
                GgmlDType::Q4_0
                | GgmlDType::Q4K
                | GgmlDType::Q5K
                | GgmlDType::Q6K
                | GgmlDType::Q8_0,
            ) => Stored::Blocks(dtype).bytes(rows * columns) as u64,
            _ => 0,
        }
    }
}

/// A stored tensor: its shape, its type, and whether the network multiplies with it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTensor {
    /// Its dimensions, rows first.
    pub shape: Vec<usize>,
    /// The type of its numbers in the file.
    pub stored: Stored,
    /// It is a matrix of a product; an embedding that is no head is none.
    pub multiplied: bool,
}

/// Bytes of some tensors, held like this.
pub fn weights(
    tensors: impl IntoIterator<Item = StoredTensor>,
    held: HeldWeights,
    processor: Processor,
) -> WeightBytes {
    let mut sum = WeightBytes::default();
    for StoredTensor { shape, stored, multiplied } in tensors {
        let numbers = shape.iter().product();
        let (kept, copy) = match *shape {
            [rows, columns] => {
                let kept = held.matrix(stored, columns);
                let copy = match kept {
                    Stored::Blocks(dtype) if multiplied => processor.copy(dtype, rows, columns),
                    _ => 0,
                };
                (kept, copy)
            }
            _ => (Stored::Plain(held.dtype), 0),
        };
        sum.held = sum.held.saturating_add(kept.bytes(numbers) as u64);
        sum.arranged = sum.arranged.saturating_add(copy);
    }
    sum
}

/// Bytes that one forward pass needs for a while, beside the weights; where several parts take
/// turns, the largest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StepBytes {
    /// Hidden states: the residual stream, its norm, the last pass that is kept.
    pub hidden: u64,
    /// Queries, keys, values and what they see.
    pub attention: u64,
    /// Scores of a chunk of queries, before and after softmax.
    pub scores: u64,
    /// Both branches of the feed-forward layer and their product.
    pub feed_forward: u64,
    /// Logits of a chunk of rows, and their reduction.
    pub logits: u64,
}

impl StepBytes {
    /// Bytes needed where the step needs most.
    pub fn peak(self) -> u64 {
        self.hidden + (self.attention + self.scores).max(self.feed_forward).max(self.logits)
    }
}

/// Bytes of a forward pass over one sequence of `length` positions in a type of `size` bytes.
pub fn step(outline: &Outline, size: usize, length: usize) -> StepBytes {
    let Outline { width, heads, kv_heads, head_dim, hidden, vocabulary, .. } = *outline;
    let bytes =
        |numbers: &[usize]| numbers.iter().fold(1_u64, |all, n| all.saturating_mul(*n as u64));
    let queries = (SCORES_AT_ONCE / heads.saturating_mul(length).max(1)).max(16).min(length);
    let rows = (LOGITS_AT_ONCE / vocabulary.max(1)).max(1).min(length);
    let all_heads = heads + 2 * kv_heads;
    StepBytes {
        hidden: bytes(&[3, length, width, size]),
        // Projected, rotated in f32, and what the heads see.
        attention: bytes(&[length, all_heads, head_dim, size + 4])
            + bytes(&[2, length, heads, head_dim, size]),
        scores: bytes(&[2, queries, heads, length, size]),
        feed_forward: bytes(&[4, length, hidden, size]),
        logits: bytes(&[2, rows, vocabulary, 4]),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::kernels::product;

    /// The numbers of LLaDA-8B.
    const LARGE: Outline = Outline {
        layers: 32,
        width: 4096,
        heads: 32,
        kv_heads: 32,
        head_dim: 128,
        hidden: 12288,
        vocabulary: 126_464,
        context: 4096,
        experts: None,
    };

    fn held(dtype: DType, quantize: Option<&str>) -> HeldWeights {
        HeldWeights::on(&Device::Cpu, dtype, quantize.map(|name| name.parse().unwrap()))
    }

    fn matrix(rows: usize, columns: usize, stored: Stored) -> StoredTensor {
        StoredTensor { shape: vec![rows, columns], stored, multiplied: true }
    }

    #[test]
    fn weights_as_they_are_held() {
        let [f32, bf16] = [DType::F32, DType::BF16].map(Stored::Plain);
        let widened = if product::widens(DType::BF16, 256) { 2 } else { 4 };
        let q6 = Stored::Blocks(GgmlDType::Q6K);
        for (stored, held, processor, kept, arranged) in [
            (f32, held(DType::F32, None), Processor::Avx2, 4 * 4096, 0),
            (bf16, held(DType::F32, None), Processor::Avx2, widened * 4096, 0),
            (bf16, held(DType::BF16, None), Processor::Avx2, 2 * 4096, 0),
            (bf16, held(DType::F32, Some("q4_k")), Processor::Plain, 16 * 144, 0),
            (bf16, held(DType::F32, Some("q4_k")), Processor::Avx2, 16 * 144, 3072),
            (bf16, held(DType::F32, Some("q8_0")), Processor::Avx2, 128 * 34, 0),
            (bf16, held(DType::F32, Some("q8_0")), Processor::Vnni, 128 * 34, 4352),
            (q6, held(DType::F32, None), Processor::Avx2, 16 * 210, 5120),
            (q6, held(DType::F32, Some("q4_k")), Processor::Plain, 16 * 144, 0),
        ] {
            let sum = weights([matrix(16, 256, stored)], held, processor);
            assert_eq!((sum.held, sum.arranged), (kept, arranged), "{stored} {held}");
        }
        let looked_up = StoredTensor { multiplied: false, ..matrix(16, 256, q6) };
        let sum = weights([looked_up], held(DType::F32, None), Processor::Avx2);
        assert_eq!(sum.arranged, 0);
        let norm = StoredTensor { shape: vec![10], ..matrix(1, 1, bf16) };
        let sum = weights([norm], held(DType::F32, Some("q4_k")), Processor::Plain);
        assert_eq!(sum.held, 40);
    }

    #[test]
    fn a_step_grows_with_its_length_and_chunks_do_not() {
        let (short, long) = (step(&LARGE, 4, 512), step(&LARGE, 4, 4096));
        assert_eq!(short.hidden * 8, long.hidden);
        assert_eq!(short.feed_forward * 8, long.feed_forward);
        assert_eq!(short.logits, long.logits);
        assert!(long.scores <= short.scores.max(1 << 26));
        assert!(short.peak() < 1 << 28, "{short:?}");
        assert!(short.peak() < long.peak());
    }
}
