//! Attention where everybody sees everybody, a few queries at a time with all heads that read the same
//! keys: their scores stay in a core's cache, and the keys are gone through once for all of them.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    ThreadedNumbers,
    ops::{part, softmax_row},
    product,
};

/// Scores of a task, as numbers: 512 kB in f32.
const SCORES: usize = 1 << 17;

/// Fewer rows do not pay for bringing keys and values into panels.
const FEWEST_ROWS: usize = 8;

/// What each query sees: `q` `[batch, queries, heads, head_dim]`, `k` and `v`
/// `[batch, keys, kv_heads, head_dim]`, f32 on a CPU, to `[batch, queries, heads · head_dim]`.
pub(crate) fn attend(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    q.contiguous()?.apply_op3_no_bwd(&k.contiguous()?, &v.contiguous()?, &Attend)
}

struct Attend;

/// What a thread works in: its queries, their scores, and what they see.
#[derive(Default)]
struct Space {
    queries: Vec<f32>,
    scores: Vec<f32>,
    seen: Vec<f32>,
}

impl Space {
    /// Makes room for so many rows of queries.
    fn fit(&mut self, rows: usize, keys: usize, width: usize) {
        self.queries.resize(rows * width, 0.0);
        self.scores.resize(rows * keys, 0.0);
        self.seen.resize(rows * width, 0.0);
    }
}

impl CustomOp3 for Attend {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, queries, heads, width) = q_layout.shape().dims4()?;
        let (keys_batch, keys, kv_heads, kv_width) = k_layout.shape().dims4()?;
        let fits = keys_batch == batch && kv_width == width && heads.is_multiple_of(kv_heads);
        if !fits || v_layout.shape() != k_layout.shape() {
            bail!("attention of {q_layout:?} to {k_layout:?} and {v_layout:?}");
        }
        let (q, k, v) = (part(q, q_layout)?, part(k, k_layout)?, part(v, v_layout)?);
        let scale = 1.0 / (width as f32).sqrt();
        let group = heads / kv_heads;
        let at_once = (SCORES / keys).clamp(16, 128).div_ceil(group);
        let chunks = queries.div_ceil(at_once);
        let (q_row, kv_row) = (heads * width, kv_heads * width);
        let mut out = vec![0.0_f32; q.len()];
        let place = ThreadedNumbers::of(&mut out);
        let tasks = (0..batch * kv_heads * chunks).into_par_iter();
        tasks.for_each_init(Space::default, |space, task| {
            let (at, chunk) = (task / chunks, task % chunks);
            let (sequence, head) = (at / kv_heads, at % kv_heads);
            let first = chunk * at_once;
            let queries_here = at_once.min(queries - first);
            let rows = queries_here * group;
            let shared = sequence * keys * kv_row + head * width;
            // A query's heads that read the same keys lie side by side: each becomes a row.
            let from =
                |query: usize| (sequence * queries + first + query) * q_row + head * group * width;
            let wide = group * width;
            space.fit(rows, keys, width);
            for (query, held) in space.queries.chunks_exact_mut(wide).enumerate() {
                held.copy_from_slice(&q[from(query)..][..wide]);
            }
            if product::attends(keys, width) && rows >= FEWEST_ROWS {
                let shape = [width, kv_row, keys];
                space.queries.iter_mut().for_each(|number| *number *= scale);
                product::scores(&space.queries, &k[shared..], shape, &mut space.scores);
                space.scores.chunks_exact_mut(keys).for_each(softmax_row);
                product::weighted(&space.scores, &v[shared..], shape, &mut space.seen);
            } else {
                // SAFETY: pointers and strides span the rows of `queries`, `seen` and `scores`, which
                // `fit` has made room for, and one head's rows in `k` and `v`.
                unsafe {
                    by_gemm(
                        (rows, keys, width),
                        (space.scores.as_mut_ptr(), keys),
                        (space.queries.as_ptr(), width),
                        (k[shared..].as_ptr(), 1, kv_row),
                        scale,
                    );
                    space.scores.chunks_exact_mut(keys).for_each(softmax_row);
                    by_gemm(
                        (rows, width, keys),
                        (space.seen.as_mut_ptr(), width),
                        (space.scores.as_ptr(), keys),
                        (v[shared..].as_ptr(), kv_row, 1),
                        1.0,
                    );
                }
            }
            for (query, seen) in space.seen.chunks_exact(wide).enumerate() {
                // SAFETY: `out` has the shape of `q`, and no two tasks have the same queries and
                // heads, so no two threads write the same number.
                unsafe { place.at(from(query)).copy_from_nonoverlapping(seen.as_ptr(), wide) };
            }
        });
        Ok((CpuStorage::F32(out), Shape::from((batch, queries, q_row))))
    }
}

/// `out` `[m, n]` becomes `factor` times `a` `[m, k]` times `b` `[k, n]`, on this thread; a pointer
/// with the distance of its rows, that of `b` with those of its rows and columns.
///
/// # Safety
/// All elements must be there, and nobody else may use those of `out`.
unsafe fn by_gemm(
    (m, n, k): (usize, usize, usize),
    (out, out_row): (*mut f32, usize),
    (a, a_row): (*const f32, usize),
    (b, b_row, b_column): (*const f32, usize, usize),
    factor: f32,
) {
    // SAFETY: as the caller says.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out,
            1,
            out_row as isize,
            false,
            a,
            1,
            a_row as isize,
            b,
            b_column as isize,
            b_row as isize,
            0.0,
            factor,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn it_is_the_plain_formula() {
        for (batch, queries, keys, heads, kv_heads, width) in [
            (1, 1, 1, 1, 1, 2),
            (2, 37, 37, 4, 2, 16),
            (1, 5, 700, 3, 1, 8),
            (1, 300, 300, 2, 2, 4),
            // In panels.
            (1, 32, 64, 4, 2, 16),
            (2, 13, 1048, 3, 1, 24),
            (1, 9, 8, 1, 1, 8),
        ] {
            let random = |length, heads| {
                Tensor::randn(0.0_f32, 1.0, (batch, length, heads, width), &Device::Cpu).unwrap()
            };
            let (q, k, v) =
                (random(queries, heads), random(keys, kv_heads), random(keys, kv_heads));
            let ours = attend(&q, &k, &v).unwrap();
            let repeated = |x: &Tensor| {
                let x = x.transpose(1, 2).unwrap();
                candle_transformers::utils::repeat_kv(x, heads / kv_heads).unwrap()
            };
            let keys_first = repeated(&k).transpose(2, 3).unwrap().contiguous().unwrap();
            let q = (q.transpose(1, 2).unwrap().contiguous().unwrap()
                * (1.0 / (width as f64).sqrt()))
            .unwrap();
            let shares = candle_nn::ops::softmax_last_dim(&q.matmul(&keys_first).unwrap()).unwrap();
            let seen = shares.matmul(&repeated(&v).contiguous().unwrap()).unwrap();
            let theirs = seen.transpose(1, 2).unwrap().contiguous().unwrap();
            let theirs = theirs.reshape((batch, queries, heads * width)).unwrap();
            let difference = (ours - theirs).unwrap().abs().unwrap().flatten_all().unwrap();
            assert!(difference.max(0).unwrap().to_scalar::<f32>().unwrap() < 1e-5);
        }
    }
}
