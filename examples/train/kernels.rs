//! The inner loops: matrix products through the `gemm` crate, the rest written so that the
//! compiler can vectorise it.

use gemm::{Parallelism, gemm};

/// Lanes of the partial sums in reductions.
const LANES: usize = 16;

/// A matrix in a flat slice.
#[derive(Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    row: usize,
    column: usize,
}

/// Rows one after the other, `stride` apart.
pub fn rows(data: &[f32], stride: usize) -> View<'_> {
    View { data, row: stride, column: 1 }
}

/// The transpose of [`rows`].
pub fn columns(data: &[f32], stride: usize) -> View<'_> {
    View { data, row: 1, column: stride }
}

/// `out = keep * out + scale * a b` with `a` of `m x k`, `b` of `k x n` and `out` row-major
/// with rows `stride` apart.
#[allow(clippy::too_many_arguments)]
pub fn product(
    out: &mut [f32],
    stride: usize,
    m: usize,
    n: usize,
    k: usize,
    a: View,
    b: View,
    scale: f32,
    keep: f32,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(out.len() >= (m - 1) * stride + n);
    assert!(a.data.len() > (m - 1) * a.row + (k - 1) * a.column);
    assert!(b.data.len() > (k - 1) * b.row + (n - 1) * b.column);
    // SAFETY: the assertions above keep every access within the slices.
    unsafe {
        gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride as isize,
            keep != 0.0,
            a.data.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.data.as_ptr(),
            b.column as isize,
            b.row as isize,
            keep,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// The scalar product of two rows of one length.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for i in 0..LANES {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

fn largest(a: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let chunks = a.chunks_exact(LANES);
    let rest = chunks.remainder().iter().fold(f32::NEG_INFINITY, |m, &x| m.max(x));
    for x in chunks {
        for i in 0..LANES {
            most[i] = if x[i] > most[i] { x[i] } else { most[i] };
        }
    }
    most.iter().fold(rest, |m, &x| m.max(x))
}

fn sum(a: &[f32]) -> f32 {
    let mut sums = [0f32; LANES];
    let chunks = a.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().sum();
    for x in chunks {
        for i in 0..LANES {
            sums[i] += x[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// `e^x` to about 1e-7 relative, without branches.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let n = (x * std::f32::consts::LOG2_E).round_ties_even();
    let r = n.mul_add(-std::f32::consts::LN_2, x);
    let mut p = 1.0 / 720.0;
    for c in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = r.mul_add(p, c);
    }
    // SAFETY: n is within -126..=127 after the clamp.
    let n: i32 = unsafe { n.to_int_unchecked() };
    p * f32::from_bits(((n + 127) << 23) as u32)
}

/// Softmax of one row in place; returns the logarithm of the sum of exponentials.
pub fn softmax(row: &mut [f32]) -> f32 {
    let most = largest(row);
    for x in row.iter_mut() {
        *x = exp(*x - most);
    }
    let total = sum(row);
    let scale = 1.0 / total;
    for x in row.iter_mut() {
        *x *= scale;
    }
    most + total.ln()
}

/// Backward of [`softmax`]: `grad` becomes `p * (grad - sum(p * grad))`.
pub fn softmax_back(p: &[f32], grad: &mut [f32]) {
    let inner = dot(p, grad);
    for (g, &p) in grad.iter_mut().zip(p) {
        *g = p * (*g - inner);
    }
}

/// RMSNorm of each row of `x` with weights `w`.
pub fn rms_norm(x: &[f32], w: &[f32], out: &mut [f32], eps: f32) {
    let d = w.len();
    for (x, out) in x.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
        let scale = 1.0 / (dot(x, x) / d as f32 + eps).sqrt();
        for ((o, &x), &w) in out.iter_mut().zip(x).zip(w) {
            *o = x * scale * w;
        }
    }
}

/// Backward of [`rms_norm`]: adds to `dx` and `dw`.
pub fn rms_norm_back(x: &[f32], w: &[f32], dy: &[f32], dx: &mut [f32], dw: &mut [f32], eps: f32) {
    let d = w.len();
    let mut weighted = vec![0f32; d];
    for ((x, dy), dx) in x.chunks_exact(d).zip(dy.chunks_exact(d)).zip(dx.chunks_exact_mut(d)) {
        let scale = 1.0 / (dot(x, x) / d as f32 + eps).sqrt();
        for (((g, &dy), &w), (dw, &x)) in
            weighted.iter_mut().zip(dy).zip(w).zip(dw.iter_mut().zip(x))
        {
            *g = dy * w;
            *dw += dy * x * scale;
        }
        let inner = dot(&weighted, x) * scale * scale * scale / d as f32;
        for ((dx, &g), &x) in dx.iter_mut().zip(&weighted).zip(x) {
            *dx += scale * g - inner * x;
        }
    }
}

/// `silu(gate) * up` for rows that hold `gate` then `up`, each `width` long.
pub fn swiglu(both: &[f32], width: usize, out: &mut [f32]) {
    for (both, out) in both.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
        let (gate, up) = both.split_at(width);
        for ((o, &g), &u) in out.iter_mut().zip(gate).zip(up) {
            *o = g / (1.0 + exp(-g)) * u;
        }
    }
}

/// Backward of [`swiglu`]: `both` is replaced by its gradient.
pub fn swiglu_back(both: &mut [f32], width: usize, grad: &[f32]) {
    for (both, grad) in both.chunks_exact_mut(2 * width).zip(grad.chunks_exact(width)) {
        let (gate, up) = both.split_at_mut(width);
        for ((g, u), &dy) in gate.iter_mut().zip(up.iter_mut()).zip(grad) {
            let s = 1.0 / (1.0 + exp(-*g));
            let (gate, up) = (*g, *u);
            *u = dy * gate * s;
            *g = dy * up * s * (1.0 + gate * (1.0 - s));
        }
    }
}

/// Rotates the two halves of a head by the angles of its position; `sign` -1 turns it back.
pub fn rotate(head: &mut [f32], cos: &[f32], sin: &[f32], sign: f32) {
    let (low, high) = head.split_at_mut(cos.len());
    for ((a, b), (&c, &s)) in low.iter_mut().zip(high.iter_mut()).zip(cos.iter().zip(sin)) {
        let (x, y) = (*a, *b);
        *a = x * c - y * s * sign;
        *b = y * c + x * s * sign;
    }
}

/// `out += scale * x`.
pub fn add(out: &mut [f32], x: &[f32], scale: f32) {
    for (o, &x) in out.iter_mut().zip(x) {
        *o += scale * x;
    }
}
