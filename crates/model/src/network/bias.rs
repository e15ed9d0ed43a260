//! Who may attend to whom, as a number added to the scores.

use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor};

/// Who may attend to whom.
#[derive(Debug, Clone, Default)]
pub enum Pattern {
    /// Every position attends to every other.
    #[default]
    Full,
    /// To keys that are not 0, `[batch, length]` of u8: the others are padding.
    Keys(Tensor),
    /// To the own block and to all before it: see
    /// [`Attention::BlockCausal`](crate::predict::Attention::BlockCausal).
    BlockCausal {
        /// Positions in a block.
        block: usize,
        /// Positions missing before the first one.
        before: usize,
        /// Positions, from the first, that others may see; `None` if they all are.
        seen: Option<usize>,
    },
    /// The last positions are masks that stand for these: see
    /// [`Request::shadow`](crate::predict::Request::shadow).
    Shadow(Range<usize>),
}

impl Pattern {
    /// What is added to the scores, `[batch or 1, 1, queries or 1, length]`: 0, or the most
    /// negative number.
    pub(super) fn bias(
        &self,
        length: usize,
        dtype: DType,
        device: &Device,
    ) -> Result<Option<Tensor>> {
        let seen: Vec<bool> = match self {
            Self::Full => return Ok(None),
            Self::Keys(keys) => {
                let (batch, length) = keys.dims2()?;
                let blocked = Tensor::full(f32::MIN, (batch, length), device)?;
                let bias = keys.where_cond(&blocked.zeros_like()?, &blocked)?;
                return bias.to_dtype(dtype)?.reshape((batch, 1, 1, length)).map(Some);
            }
            Self::BlockCausal { block, before, seen } => {
                let number = |position: usize| (position + before) / block;
                let hidden = |key: usize| seen.is_some_and(|seen| key >= seen);
                pairs(length, |query, key| {
                    number(key) <= number(query) && (!hidden(key) || key == query)
                })
            }
            Self::Shadow(shadow) => shadowed(length, shadow.clone()),
        };
        let numbers: Vec<f32> =
            seen.into_iter().map(|seen| if seen { 0.0 } else { f32::MIN }).collect();
        let bias = Tensor::from_vec(numbers, (1, 1, length, length), device)?;
        bias.to_dtype(dtype).map(Some)
    }
}

impl Pattern {
    /// Whether other positions see one, for each position of each sequence of a pass.
    pub(super) fn seen(&self, batch: usize, length: usize) -> Result<Vec<bool>> {
        let first = |seen: usize| (0..batch * length).map(|row| row % length < seen).collect();
        Ok(match self {
            Self::Full | Self::BlockCausal { seen: None, .. } => vec![true; batch * length],
            Self::Keys(keys) => {
                keys.flatten_all()?.to_vec1::<u8>()?.into_iter().map(|key| key != 0).collect()
            }
            Self::BlockCausal { seen: Some(seen), .. } => first(*seen),
            Self::Shadow(shadow) => first(length.saturating_sub(shadow.len())),
        })
    }
}

/// What is added to the scores of a block that begins at position `start`, `[1, 1, queries, start +
/// queries]`: it sees all before it and itself, but positions from `seen` on are seen by themselves
/// alone.
pub(super) fn behind(
    start: usize,
    queries: usize,
    seen: usize,
    (dtype, device): (DType, &Device),
) -> Result<Tensor> {
    let keys = start + queries;
    let sees = |query: usize, key: usize| key < seen || key == start + query;
    let numbers: Vec<f32> = (0..queries * keys)
        .map(|at| if sees(at / keys, at % keys) { 0.0 } else { f32::MIN })
        .collect();
    Tensor::from_vec(numbers, (1, 1, queries, keys), device)?.to_dtype(dtype)
}

fn pairs(length: usize, sees: impl Fn(usize, usize) -> bool) -> Vec<bool> {
    (0..length * length).map(|at| sees(at / length, at % length)).collect()
}

/// A shadow sees all positions but the one it stands for, and all shadows; nobody else sees it.
fn shadowed(length: usize, shadow: Range<usize>) -> Vec<bool> {
    let own = length.saturating_sub(shadow.len());
    pairs(length, |query, key| match query.checked_sub(own) {
        None => key < own,
        Some(at) => key != shadow.start + at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seen: Vec<bool>, expected: &[&str]) {
        let pattern: String = seen.into_iter().map(|seen| if seen { 'x' } else { '.' }).collect();
        assert_eq!(pattern, expected.concat());
    }

    #[test]
    fn shadows_see_all_but_their_own_position_and_nobody_sees_them() {
        // Three positions, and the shadows of the last two.
        check(shadowed(5, 1..3), &["xxx..", "xxx..", "xxx..", "x.xxx", "xx.xx"]);
    }

    #[test]
    fn a_block_sees_itself_and_what_lies_before() {
        for (before, seen, expected) in [
            (0, None, ["xx...", "xx...", "xxxx.", "xxxx.", "xxxxx"]),
            (1, None, ["x....", "xxx..", "xxx..", "xxxxx", "xxxxx"]),
            (1, Some(4), ["x....", "xxx..", "xxx..", "xxxx.", "xxxxx"]),
        ] {
            let pattern = Pattern::BlockCausal { block: 2, before, seen };
            let bias = pattern.bias(5, DType::F32, &Device::Cpu).unwrap().unwrap();
            let numbers: Vec<f32> = bias.flatten_all().unwrap().to_vec1().unwrap();
            check(numbers.into_iter().map(|number| number == 0.0).collect(), &expected);
        }
    }
}
