//! Keys and values of the beginning of a sequence, with room behind them.
//!
//! A pass over what follows writes its own keys and values into that room, so that nothing is copied
//! to attend to both, and the cost of a pass depends on what it computes.

use candle_core::{Result, Tensor};

/// Keys, rotated, and values of a layer, each `[batch, kv_heads, length, head_dim]`.
pub(super) type KeyValue = (Tensor, Tensor);

/// The room that is made first, positions.
const FIRST_ROOM: usize = 256;

/// Keys and values of the first positions of a sequence, layer by layer.
#[derive(Debug, Default)]
pub struct Prefix {
    /// Empty before the first pass.
    layers: Vec<Option<KeyValue>>,
    length: usize,
}

impl Prefix {
    /// Positions kept.
    pub fn len(&self) -> usize {
        self.length
    }

    /// True if no position is kept.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Makes the next `positions`, which the last pass computed, part of it.
    pub fn keep(&mut self, positions: usize) {
        self.length += positions;
    }

    /// Forgets what lies behind the first `length` positions.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// A copy of the first `length` positions, which later passes do not change.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn copied(&self, length: usize) -> Result<Self> {
        let length = length.min(self.length);
        let copy = |layer: &Option<KeyValue>| match layer {
            None => Ok(None),
            Some((keys, values)) => {
                Ok(Some((enlarged(keys, length, length)?, enlarged(values, length, length)?)))
            }
        };
        Ok(Self { layers: self.layers.iter().map(copy).collect::<Result<_>>()?, length })
    }

    /// The storage of every layer, with `count` of them.
    pub(super) fn layers(&mut self, count: usize) -> &mut [Option<KeyValue>] {
        self.layers.resize(count, None);
        &mut self.layers
    }
}

/// A tensor with room for `size` positions that begins with the first `length` of `old`.
fn enlarged(old: &Tensor, length: usize, size: usize) -> Result<Tensor> {
    let (batch, heads, _, width) = old.dims4()?;
    let room = size.next_power_of_two().max(FIRST_ROOM);
    let larger = Tensor::zeros((batch, heads, room, width), old.dtype(), old.device())?;
    if length > 0 {
        larger.slice_set(&old.narrow(2, 0, length)?.contiguous()?, 2, 0)?;
    }
    Ok(larger)
}

/// Writes keys and values, `[1, heads, positions, head_dim]`, behind the first `length` positions,
/// and gives those of all up to there.
pub(super) fn write(
    kept: &mut Option<KeyValue>,
    length: usize,
    k: &Tensor,
    v: &Tensor,
) -> Result<KeyValue> {
    let end = length + k.dim(2)?;
    let (keys, values) = match kept.take() {
        Some((keys, values)) if keys.dim(2)? >= end => (keys, values),
        Some((keys, values)) => (enlarged(&keys, length, end)?, enlarged(&values, length, end)?),
        None => (enlarged(k, 0, end)?, enlarged(v, 0, end)?),
    };
    keys.slice_set(&k.contiguous()?, 2, length)?;
    values.slice_set(&v.contiguous()?, 2, length)?;
    let seen = (keys.narrow(2, 0, end)?, values.narrow(2, 0, end)?);
    *kept = Some((keys, values));
    Ok(seen)
}
