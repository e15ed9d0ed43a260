//! Attention without a mask. Queries lie side by side in the lanes of registers, so that keys and values
//! are read in the order they have in memory, and the result for a query does not depend on the queries
//! beside it.
//!
//! The softmax is computed online (Milakov and Gimelshein, arXiv 1805.02867): keys are taken some hundreds
//! at a time, which stay in a core's cache for all queries of a task, and earlier sums are scaled when a
//! larger score comes. So the matrix of scores is never in memory as a whole.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use pulp::{Simd, WithSimd, bytemuck};
use rayon::prelude::*;

use super::{ThreadedNumbers, exp, ops::part};

/// Keys that are taken at a time. With their values they are 240 kB for heads of 128 numbers.
const KEYS: usize = 240;

/// Queries of a task; and of a task where larger ones would leave cores idle.
const QUERIES: usize = 128;
const FEWEST_QUERIES: usize = 32;

/// The attention output of each query: `q` `[batch, heads, queries, head_dim]`, `k` and `v`
/// `[batch, kv_heads, keys, head_dim]`, f32 on a CPU, to `[batch, queries, heads · head_dim]`. Query head
/// `j` reads key head `j / (heads / kv_heads)`.
pub(crate) fn attend(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    q.contiguous()?.apply_op3_no_bwd(k, v, &Attend)
}

struct Attend;

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
        let (batch, heads, queries, width) = q_layout.shape().dims4()?;
        let (keys_batch, kv_heads, _, kv_width) = k_layout.shape().dims4()?;
        let fits = keys_batch == batch && kv_width == width && heads.is_multiple_of(kv_heads);
        if !fits || v_layout.shape() != k_layout.shape() {
            bail!("attention of {q_layout:?} to {k_layout:?} and {v_layout:?}");
        }
        let q = part(q, q_layout)?;
        let (k, v) = (HeadRows::of(k, k_layout)?, HeadRows::of(v, v_layout)?);
        // Queries that read the same keys: the query heads of a key head, one after the other.
        let sharing = heads / kv_heads * queries;
        let tasks_of = |queries| batch * kv_heads * sharing.div_ceil(queries);
        let few = tasks_of(QUERIES) < 2 * rayon::current_num_threads();
        let at_once = if few { FEWEST_QUERIES } else { QUERIES };
        let chunks = sharing.div_ceil(at_once);
        let mut out = vec![0.0_f32; q.len()];
        let place = ThreadedNumbers::of(&mut out);
        (0..tasks_of(at_once)).into_par_iter().for_each_init(Vec::new, |space, task| {
            let (at, first) = (task / chunks, task % chunks * at_once);
            let (sequence, kv_head) = (at / kv_heads, at % kv_heads);
            let from = (at * sharing + first) * width;
            let shared = KeyHead {
                queries: &q[from..from + at_once.min(sharing - first) * width],
                keys: k.head(sequence, kv_head),
                values: v.head(sequence, kv_head),
                width,
            };
            for (row, seen) in shared.run(space).chunks_exact(width).enumerate() {
                let (head, query) = ((first + row) / queries, (first + row) % queries);
                let head = kv_head * (heads / kv_heads) + head;
                let to = ((sequence * queries + query) * heads + head) * width;
                // SAFETY: `out` has as many numbers as `q`, and no two tasks have the same queries and
                // heads, so no two threads write the same number.
                unsafe { place.at(to).copy_from_nonoverlapping(seen.as_ptr(), width) };
            }
        });
        Ok((CpuStorage::F32(out), Shape::from((batch, queries, heads * width))))
    }
}

/// Keys or values `[batch, kv_heads, keys, head_dim]`. The numbers of a head are contiguous; the heads need
/// not follow each other.
struct HeadRows<'a> {
    numbers: &'a [f32],
    /// Strides of sequences and of heads.
    strides: [usize; 2],
    /// Numbers of a head.
    length: usize,
}

impl<'a> HeadRows<'a> {
    fn of(storage: &'a CpuStorage, layout: &Layout) -> Result<Self> {
        let (_, _, keys, width) = layout.shape().dims4()?;
        match (storage, layout.stride()) {
            (CpuStorage::F32(numbers), &[sequence, head, row, 1]) if row == width => Ok(Self {
                numbers: &numbers[layout.start_offset()..],
                strides: [sequence, head],
                length: keys * width,
            }),
            _ => bail!("expected f32, head by head"),
        }
    }

    fn head(&self, sequence: usize, head: usize) -> &'a [f32] {
        let [of_sequences, of_heads] = self.strides;
        &self.numbers[sequence * of_sequences + head * of_heads..][..self.length]
    }
}

/// Keys and values `[keys, width]` of a head, and some queries `[queries, width]` that attend to them.
#[derive(Clone, Copy)]
struct KeyHead<'a> {
    queries: &'a [f32],
    keys: &'a [f32],
    values: &'a [f32],
    width: usize,
}

impl KeyHead<'_> {
    /// The attention outputs of the queries, `[queries, width]`, in `space`.
    fn run(self, space: &mut Vec<f32>) -> &[f32] {
        pulp::Arch::new().dispatch(Dispatched { head: self, space: &mut *space });
        &space[..self.queries.len()]
    }
}

struct Dispatched<'a> {
    head: KeyHead<'a>,
    space: &'a mut Vec<f32>,
}

impl WithSimd for Dispatched<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Twelve registers of sums: enough to hide the latency of an addition, and every CPU has room for them.
        if self.head.queries.len() <= S::F32_LANES * self.head.width {
            attended::<S, 1, 12>(simd, self.head, self.space);
        } else {
            attended::<S, 2, 6>(simd, self.head, self.space);
        }
    }
}

/// One number of each query of a panel.
type Line<S, const REGISTERS: usize> = [<S as Simd>::f32s; REGISTERS];

/// Computes the outputs into the beginning of `space`. `TALL`: lines of sums that are in registers at a time.
#[inline(always)]
fn attended<S: Simd, const REGISTERS: usize, const TALL: usize>(
    simd: S,
    head: KeyHead,
    space: &mut Vec<f32>,
) {
    let KeyHead { queries, keys, values, width } = head;
    let lanes = REGISTERS * S::F32_LANES;
    let panels = (queries.len() / width).div_ceil(lanes);
    let of_panel = (2 * width + 2) * lanes;
    space.clear();
    // A load that crosses a cache line takes twice as long.
    let aligned = 64 / size_of::<f32>();
    space.resize(queries.len() + aligned + KEYS * lanes + panels * of_panel, 0.0);
    let (seen, held) = space.split_at_mut(queries.len());
    let aligned = held.as_ptr().align_offset(64);
    let (shares, held) = held[aligned..].split_at_mut(KEYS * lanes);
    let shares = lines::<S, REGISTERS>(shares);
    let mut held: Vec<_> = held
        .chunks_exact_mut(of_panel)
        .zip(queries.chunks(lanes * width))
        .map(|(held, queries)| Panel::<S, REGISTERS>::new(simd, held, queries, width))
        .collect();
    let chunks = keys.chunks(KEYS * width).zip(values.chunks(KEYS * width));
    for (keys, values) in chunks {
        for panel in &mut held {
            let shares = &mut shares[..keys.len() / width];
            scores::<S, REGISTERS, TALL>(simd, panel.queries, keys, shares);
            panel.share(simd, shares);
            weighted::<S, REGISTERS, TALL>(simd, shares, values, panel.seen);
        }
    }
    for (panel, seen) in held.into_iter().zip(seen.chunks_mut(lanes * width)) {
        panel.put(seen);
    }
}

#[inline(always)]
fn lines<S: Simd, const REGISTERS: usize>(numbers: &mut [f32]) -> &mut [Line<S, REGISTERS>] {
    S::as_mut_simd_f32s(numbers).0.as_chunks_mut().0
}

/// The queries of a panel, with the running state of their softmax.
struct Panel<'a, S: Simd, const REGISTERS: usize> {
    /// A line for each number of a query, scaled.
    queries: &'a [Line<S, REGISTERS>],
    /// A line for each number of their outputs, times `total`.
    seen: &'a mut [Line<S, REGISTERS>],
    /// The largest score so far.
    max: &'a mut Line<S, REGISTERS>,
    /// The sum of shares so far.
    total: &'a mut Line<S, REGISTERS>,
}

impl<'a, S: Simd, const REGISTERS: usize> Panel<'a, S, REGISTERS> {
    /// From queries `[at most so many lanes, width]`; `held` is zeros.
    #[inline(always)]
    fn new(simd: S, held: &'a mut [f32], queries: &[f32], width: usize) -> Self {
        let lanes = REGISTERS * S::F32_LANES;
        let scale = 1.0 / (width as f32).sqrt();
        for (lane, query) in queries.chunks_exact(width).enumerate() {
            let places = held[lane..].iter_mut().step_by(lanes);
            places.zip(query).for_each(|(place, number)| *place = number * scale);
        }
        let (queries, held) = lines::<S, REGISTERS>(held).split_at_mut(width);
        let (seen, held) = held.split_at_mut(width);
        let [max, total] = held else { unreachable!("two lines are left") };
        *max = [simd.splat_f32s(f32::NEG_INFINITY); REGISTERS];
        Self { queries, seen, max, total }
    }

    /// Turns scores into weights relative to the largest score so far.
    #[inline(always)]
    fn share(&mut self, simd: S, scores: &mut [Line<S, REGISTERS>]) {
        for at in 0..REGISTERS {
            let mut max = self.max[at];
            for score in scores.iter() {
                // NaN is never the largest, and makes the sum NaN.
                let larger = simd.greater_than_f32s(score[at], max);
                max = simd.select_f32s(larger, score[at], max);
            }
            let scale = exponentials(simd, simd.sub_f32s(self.max[at], max));
            let mut total = simd.mul_f32s(self.total[at], scale);
            for score in scores.iter_mut() {
                score[at] = exponentials(simd, simd.sub_f32s(score[at], max));
                total = simd.add_f32s(total, score[at]);
            }
            for seen in self.seen.iter_mut() {
                seen[at] = simd.mul_f32s(seen[at], scale);
            }
            self.max[at] = max;
            self.total[at] = total;
        }
    }

    /// Writes their outputs, `[at most so many lanes, width]`.
    #[inline(always)]
    fn put(self, to: &mut [f32]) {
        let lanes = REGISTERS * S::F32_LANES;
        let seen: &[f32] = bytemuck::cast_slice(self.seen.as_flattened());
        let total: &[f32] = bytemuck::cast_slice(self.total.as_slice());
        for (lane, to) in to.chunks_exact_mut(self.seen.len()).enumerate() {
            let numbers = seen[lane..].iter().step_by(lanes);
            to.iter_mut().zip(numbers).for_each(|(to, number)| *to = number / total[lane]);
        }
    }
}

/// e to the power of each.
#[inline(always)]
fn exponentials<S: Simd>(_: S, mut powers: S::f32s) -> S::f32s {
    let lanes: &mut [f32] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut powers));
    for lane in lanes {
        *lane = if S::F32_LANES > 1 { exp::<true>(*lane) } else { exp::<false>(*lane) };
    }
    powers
}

/// Products of queries with keys `[keys, width]`: a line of `scores` for each key.
#[inline(always)]
fn scores<S: Simd, const REGISTERS: usize, const TALL: usize>(
    simd: S,
    queries: &[Line<S, REGISTERS>],
    keys: &[f32],
    scores: &mut [Line<S, REGISTERS>],
) {
    let width = queries.len();
    let mut tall = scores.chunks_exact_mut(TALL);
    let mut rows = keys.chunks_exact(TALL * width);
    for (scores, keys) in (&mut tall).zip(&mut rows) {
        scores.copy_from_slice(&scores_of::<S, REGISTERS, TALL>(simd, queries, keys));
    }
    let rest = rows.remainder().chunks_exact(width);
    for (score, key) in tall.into_remainder().iter_mut().zip(rest) {
        [*score] = scores_of::<S, REGISTERS, 1>(simd, queries, key);
    }
}

#[inline(always)]
fn scores_of<S: Simd, const REGISTERS: usize, const TALL: usize>(
    simd: S,
    queries: &[Line<S, REGISTERS>],
    keys: &[f32],
) -> [Line<S, REGISTERS>; TALL] {
    let width = queries.len();
    let keys: [&[f32]; TALL] = std::array::from_fn(|key| &keys[key * width..][..width]);
    let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; TALL];
    for (at, queries) in queries.iter().enumerate() {
        for (sums, key) in sums.iter_mut().zip(keys) {
            let number = simd.splat_f32s(key[at]);
            for (sum, &query) in sums.iter_mut().zip(queries) {
                *sum = simd.mul_add_e_f32s(number, query, *sum);
            }
        }
    }
    sums
}

/// Adds values `[keys, width]`, weighted by a line of `shares` each, to the outputs.
#[inline(always)]
fn weighted<S: Simd, const REGISTERS: usize, const TALL: usize>(
    simd: S,
    shares: &[Line<S, REGISTERS>],
    values: &[f32],
    seen: &mut [Line<S, REGISTERS>],
) {
    let width = seen.len();
    let mut tall = seen.chunks_exact_mut(TALL);
    let mut first = 0;
    for seen in &mut tall {
        weighted_of::<S, REGISTERS, TALL>(simd, shares, (&values[first..], width), seen);
        first += TALL;
    }
    for seen in tall.into_remainder().chunks_exact_mut(1) {
        weighted_of::<S, REGISTERS, 1>(simd, shares, (&values[first..], width), seen);
        first += 1;
    }
}

#[inline(always)]
fn weighted_of<S: Simd, const REGISTERS: usize, const TALL: usize>(
    simd: S,
    shares: &[Line<S, REGISTERS>],
    (values, width): (&[f32], usize),
    seen: &mut [Line<S, REGISTERS>],
) {
    let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; TALL];
    sums.copy_from_slice(seen);
    for (shares, values) in shares.iter().zip(values.chunks(width)) {
        for (sums, &value) in sums.iter_mut().zip(&values[..TALL]) {
            let value = simd.splat_f32s(value);
            for (sum, &share) in sums.iter_mut().zip(shares) {
                *sum = simd.mul_add_e_f32s(value, share, *sum);
            }
        }
    }
    seen.copy_from_slice(&sums);
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Device};
    use proptest::prelude::*;

    use super::*;

    fn random(shape: (usize, usize, usize, usize)) -> Tensor {
        Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap()
    }

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// The formula with candle's operations.
    fn expected(q: &Tensor, k: &Tensor, v: &Tensor) -> Tensor {
        let (batch, heads, queries, width) = q.dims4().unwrap();
        let repeated = |x: &Tensor| {
            let groups = heads / x.dim(1).unwrap();
            let x = x.contiguous().unwrap();
            candle_transformers::utils::repeat_kv(x, groups).unwrap().contiguous().unwrap()
        };
        let q = (q * (1.0 / (width as f64).sqrt())).unwrap();
        let scores = q.matmul(&repeated(k).t().unwrap().contiguous().unwrap()).unwrap();
        let shares = candle_nn::ops::softmax(&scores, D::Minus1).unwrap();
        let seen = shares.matmul(&repeated(v)).unwrap().transpose(1, 2).unwrap();
        seen.reshape((batch, queries, heads * width)).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_the_plain_formula(
            (batch, kv_heads, group) in (1..3_usize, 1..3_usize, 1..4_usize),
            (queries, keys, width) in (1..80_usize, 1..600_usize, 1..40_usize),
        ) {
            let q = random((batch, kv_heads * group, queries, width));
            let [k, v] = [(); 2].map(|()| random((batch, kv_heads, keys, width)));
            let ours = numbers(&attend(&q, &k, &v).unwrap());
            for (ours, theirs) in ours.iter().zip(numbers(&expected(&q, &k, &v))) {
                prop_assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");
            }
        }

        #[test]
        fn a_query_is_the_same_whatever_is_beside_it(
            queries in 2..80_usize, from in 0..79_usize, keys in 1..600_usize,
        ) {
            let from = from.min(queries - 1);
            let q = random((1, 1, queries, 24));
            let [k, v] = [(); 2].map(|()| random((1, 1, keys, 24)));
            let all = numbers(&attend(&q, &k, &v).unwrap());
            let some = attend(&q.narrow(2, from, queries - from).unwrap(), &k, &v).unwrap();
            prop_assert_eq!(&all[from * 24..], numbers(&some));
        }
    }

    #[test]
    fn heads_may_lie_apart_but_not_their_keys() {
        let q = random((1, 4, 3, 8));
        let [k, v] = [(); 2].map(|()| random((1, 2, 9, 8)));
        let narrow = |x: &Tensor| x.narrow(2, 0, 5).unwrap();
        let apart = attend(&q, &narrow(&k), &narrow(&v)).unwrap();
        let together = [&k, &v].map(|x| narrow(x).contiguous().unwrap());
        assert_eq!(numbers(&apart), numbers(&attend(&q, &together[0], &together[1]).unwrap()));
        let turned = |x: &Tensor| x.transpose(1, 2).unwrap().contiguous().unwrap();
        let turned = [&k, &v].map(|x| turned(x).transpose(1, 2).unwrap());
        assert!(attend(&q, &turned[0], &turned[1]).is_err());
    }

    #[test]
    fn larger_scores_that_come_later_are_shared_out_right() {
        let keys: Vec<f32> = (0..700).flat_map(|key| [key as f32, -3.0]).collect();
        let k = Tensor::from_vec(keys, (1, 1, 700, 2), &Device::Cpu).unwrap();
        let q = Tensor::new(&[[[[1.0_f32, 0.0], [-1.0, 0.5], [0.0, 9.0]]]], &Device::Cpu).unwrap();
        let v = random((1, 1, 700, 2));
        let (ours, theirs) = (attend(&q, &k, &v).unwrap(), expected(&q, &k, &v));
        for (ours, theirs) in numbers(&ours).iter().zip(numbers(&theirs)) {
            assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");
        }
    }

    #[test]
    fn a_number_that_is_none_spoils_only_its_query() {
        let mut queries = vec![0.5_f32; 40 * 8];
        queries[3 * 8] = f32::NAN;
        let q = Tensor::from_vec(queries, (1, 1, 40, 8), &Device::Cpu).unwrap();
        let [k, v] = [(); 2].map(|()| random((1, 1, 300, 8)));
        for (query, seen) in numbers(&attend(&q, &k, &v).unwrap()).chunks(8).enumerate() {
            assert!(seen.iter().all(|number| number.is_nan() == (query == 3)), "{query}");
        }
    }
}
