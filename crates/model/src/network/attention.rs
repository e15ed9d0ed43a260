//! Attention of queries to keys, in chunks of queries: the matrix of scores of a long sequence
//! would be the largest thing in memory.

use candle_core::{DType, Result, Tensor};

use crate::kernels::{attend, softmax};

/// Scores held at once, as numbers: 32 MB in f32.
pub(crate) const SCORES_AT_ONCE: usize = 1 << 23;

/// What each query sees.
///
/// `q` `[batch, heads, queries, head_dim]`, `k` and `v` `[batch, kv_heads, keys, head_dim]`;
/// query head `j` reads key head `j / (heads / kv_heads)`. `bias` as in `Pattern::bias`. Returns
/// `[batch, queries, heads · head_dim]`.
pub(super) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    if bias.is_none() && q.device().is_cpu() && q.dtype() == DType::F32 {
        return attend(q, k, v);
    }
    let (batch, heads, queries, head_dim) = q.dims4()?;
    let (_, kv_heads, keys, _) = k.dims4()?;
    let groups = heads / kv_heads;
    // Query heads that share keys lie one behind the other: one product for all of them.
    let q = (q * (1.0 / (head_dim as f64).sqrt()))?
        .reshape((batch, kv_heads, groups, queries, head_dim))?;
    let k = k.transpose(2, 3)?.contiguous()?;
    let v = v.contiguous()?;
    let at_once = (SCORES_AT_ONCE / (batch * heads * keys)).max(16);
    let mut seen = Vec::new();
    for start in (0..queries).step_by(at_once) {
        let rows = at_once.min(queries - start);
        let q = q.narrow(3, start, rows)?.contiguous()?.reshape((
            batch,
            kv_heads,
            groups * rows,
            head_dim,
        ))?;
        let scores = q.matmul(&k)?.reshape((batch, heads, rows, keys))?;
        let scores = match bias {
            None => scores,
            // One row for all queries, or one a query.
            Some(bias) if bias.dim(2)? == 1 => scores.broadcast_add(bias)?,
            Some(bias) => scores.broadcast_add(&bias.narrow(2, start, rows)?)?,
        };
        let shares = softmax(scores)?.reshape((batch, kv_heads, groups * rows, keys))?;
        seen.push(shares.matmul(&v)?.reshape((batch, heads, rows, head_dim))?);
    }
    let seen = if seen.len() == 1 { seen.remove(0) } else { Tensor::cat(&seen, 2)? };
    seen.transpose(1, 2)?.contiguous()?.reshape((batch, queries, heads * head_dim))
}
