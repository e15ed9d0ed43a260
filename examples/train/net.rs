//! The LLaDA architecture with a backward pass written by hand.
//!
//! All parameters lie in one flat vector; [`Layout`] says where. Windows are packed without
//! padding, attention runs inside each window.

use crate::batch::{Kind, Packed};
use crate::kernels as k;

/// What RMSNorm adds to the mean square, so that it divides by no 0.
pub const EPS: f32 = 1e-5;
/// The base of RoPE's frequencies (theta).
pub const THETA: f32 = 10_000.0;

/// The sizes of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub vocabulary: usize,
    pub width: usize,
    pub layers: usize,
    pub heads: usize,
    pub hidden: usize,
}

impl Shape {
    fn head(&self) -> usize {
        self.width / self.heads
    }
}

/// One named tensor in the flat vector.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub at: usize,
    pub rows: usize,
    /// 0 for a vector.
    pub columns: usize,
}

impl Entry {
    pub fn len(&self) -> usize {
        self.rows * self.columns.max(1)
    }
}

/// Offsets of one block's tensors.
#[derive(Clone, Copy)]
struct Block {
    attn_norm: usize,
    qkv: usize,
    attn_out: usize,
    ff_norm: usize,
    both: usize,
    ff_out: usize,
}

/// Where each tensor lies.
pub struct Layout {
    pub shape: Shape,
    pub entries: Vec<Entry>,
    pub total: usize,
    blocks: Vec<Block>,
    ln_f: usize,
}

impl Layout {
    pub fn new(shape: Shape) -> Self {
        let Shape { vocabulary, width: d, layers, hidden, .. } = shape;
        let mut entries: Vec<Entry> = Vec::new();
        let mut at = 0;
        let mut put = |name: String, rows: usize, columns: usize| {
            let entry = Entry { name, at, rows, columns };
            let here = at;
            at += entry.len();
            entries.push(entry);
            here
        };
        put("model.transformer.wte.weight".into(), vocabulary, d);
        let mut blocks = Vec::new();
        for layer in 0..layers {
            let name = |part: &str| format!("model.transformer.blocks.{layer}.{part}.weight");
            let attn_norm = put(name("attn_norm"), d, 0);
            let qkv = put(name("q_proj"), d, d);
            put(name("k_proj"), d, d);
            put(name("v_proj"), d, d);
            let attn_out = put(name("attn_out"), d, d);
            let ff_norm = put(name("ff_norm"), d, 0);
            let both = put(name("ff_proj"), hidden, d);
            put(name("up_proj"), hidden, d);
            let ff_out = put(name("ff_out"), d, hidden);
            blocks.push(Block { attn_norm, qkv, attn_out, ff_norm, both, ff_out });
        }
        let ln_f = put("model.transformer.ln_f.weight".into(), d, 0);
        Layout { shape, entries, total: at, blocks, ln_f }
    }
}

/// What one layer keeps for the backward pass.
#[derive(Default)]
struct Activations {
    input: Vec<f32>,
    norm: Vec<f32>,
    qkv: Vec<f32>,
    weights: Vec<f32>,
    mixed: Vec<f32>,
    middle: Vec<f32>,
    middle_norm: Vec<f32>,
    both: Vec<f32>,
    hidden: Vec<f32>,
}

/// Sums over masked positions.
#[derive(Clone, Copy, Default)]
pub struct Losses {
    /// Cross-entropy and count, by kind: number, copy, text, EOS.
    pub by_kind: [(f64, f64); 4],
}

impl Losses {
    pub fn add(&mut self, other: &Losses) {
        for (mine, theirs) in self.by_kind.iter_mut().zip(other.by_kind) {
            mine.0 += theirs.0;
            mine.1 += theirs.1;
        }
    }

    pub fn mean(&self, kind: usize) -> f64 {
        self.by_kind[kind].0 / self.by_kind[kind].1.max(1.0)
    }
}

/// Buffers one thread works in.
#[derive(Default)]
pub struct Workspace {
    layers: Vec<Activations>,
    x: Vec<f32>,
    dx: Vec<f32>,
    d_norm: Vec<f32>,
    d_qkv: Vec<f32>,
    d_mixed: Vec<f32>,
    d_hidden: Vec<f32>,
    d_weights: Vec<f32>,
    picked: Vec<f32>,
    picked_norm: Vec<f32>,
    d_picked: Vec<f32>,
    logits: Vec<f32>,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

fn sized(buffer: &mut Vec<f32>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
}

fn zeroed(buffer: &mut Vec<f32>, len: usize) {
    sized(buffer, len);
    buffer[..len].fill(0.0);
}

impl Workspace {
    fn angles(&mut self, positions: usize, head: usize) {
        let half = head / 2;
        if self.cos.len() >= positions * half {
            return;
        }
        self.cos.clear();
        self.sin.clear();
        for p in 0..positions {
            for i in 0..half {
                let angle = p as f32 / THETA.powf(2.0 * i as f32 / head as f32);
                self.cos.push(angle.cos());
                self.sin.push(angle.sin());
            }
        }
    }

    /// The probabilities at the target rows, one row of `vocabulary` numbers each.
    pub fn probabilities(&mut self, layout: &Layout, w: &[f32], batch: &Packed) -> &[f32] {
        self.forward(layout, w, batch);
        let v = layout.shape.vocabulary;
        let n = batch.targets.len() * v;
        for row in self.logits[..n].chunks_exact_mut(v) {
            k::softmax(row);
        }
        &self.logits[..n]
    }

    /// Adds the gradient of the weighted cross-entropy divided by `total_weight` to `grad`.
    pub fn train(
        &mut self,
        layout: &Layout,
        w: &[f32],
        batch: &Packed,
        total_weight: f32,
        grad: &mut [f32],
    ) -> Losses {
        self.forward(layout, w, batch);
        let v = layout.shape.vocabulary;
        let mut losses = Losses::default();
        for (row, &(_, target, weight, kind)) in self.logits.chunks_exact_mut(v).zip(&batch.targets)
        {
            let logit = row[target as usize];
            let log_sum = k::softmax(row);
            let slot = match kind {
                Kind::Number => 0,
                Kind::Copy => 1,
                Kind::Text => 2,
                Kind::Eos => 3,
            };
            losses.by_kind[slot].0 += f64::from(log_sum - logit);
            losses.by_kind[slot].1 += 1.0;
            row[target as usize] -= 1.0;
            let scale = weight / total_weight;
            row.iter_mut().for_each(|x| *x *= scale);
        }
        self.backward(layout, w, batch, grad);
        losses
    }

    fn forward(&mut self, layout: &Layout, w: &[f32], batch: &Packed) {
        let Shape { vocabulary: v, width: d, heads, hidden: f, layers } = layout.shape;
        let t = batch.input.len();
        let head = layout.shape.head();
        let half = head / 2;
        let longest = batch.starts.windows(2).map(|s| s[1] - s[0]).max().unwrap_or(0);
        self.angles(longest, head);
        self.layers.resize_with(layers, Activations::default);
        sized(&mut self.x, t * d);
        for (row, &token) in self.x.chunks_exact_mut(d).zip(&batch.input) {
            row.copy_from_slice(&w[token as usize * d..][..d]);
        }
        let scale = 1.0 / (head as f32).sqrt();
        for (block, kept) in layout.blocks.iter().zip(&mut self.layers) {
            for (buffer, len) in [
                (&mut kept.input, t * d),
                (&mut kept.norm, t * d),
                (&mut kept.qkv, t * 3 * d),
                (&mut kept.mixed, t * d),
                (&mut kept.middle, t * d),
                (&mut kept.middle_norm, t * d),
                (&mut kept.both, t * 2 * f),
                (&mut kept.hidden, t * f),
            ] {
                sized(buffer, len);
            }
            let squares: usize = batch.starts.windows(2).map(|s| (s[1] - s[0]).pow(2)).sum();
            sized(&mut kept.weights, squares * heads);
            let x = &mut self.x[..t * d];
            kept.input[..t * d].copy_from_slice(x);
            k::rms_norm(x, &w[block.attn_norm..][..d], &mut kept.norm, EPS);
            k::product(
                &mut kept.qkv,
                3 * d,
                t,
                3 * d,
                d,
                k::rows(&kept.norm, d),
                k::columns(&w[block.qkv..][..3 * d * d], d),
                1.0,
                0.0,
            );
            let mut at = 0;
            for span in batch.starts.windows(2) {
                let (start, len) = (span[0], span[1] - span[0]);
                for (p, row) in
                    kept.qkv[start * 3 * d..][..len * 3 * d].chunks_exact_mut(3 * d).enumerate()
                {
                    let (cos, sin) = (&self.cos[p * half..][..half], &self.sin[p * half..][..half]);
                    for part in row[..2 * d].chunks_exact_mut(head) {
                        k::rotate(part, cos, sin, 1.0);
                    }
                }
                let qkv = &kept.qkv[start * 3 * d..][..len * 3 * d];
                for h in 0..heads {
                    let weights = &mut kept.weights[at..][..len * len];
                    at += len * len;
                    k::product(
                        weights,
                        len,
                        len,
                        len,
                        head,
                        k::rows(&qkv[h * head..], 3 * d),
                        k::columns(&qkv[d + h * head..], 3 * d),
                        scale,
                        0.0,
                    );
                    for row in weights.chunks_exact_mut(len) {
                        k::softmax(row);
                    }
                    let out = &mut kept.mixed[start * d + h * head..];
                    k::product(
                        out,
                        d,
                        len,
                        head,
                        len,
                        k::rows(weights, len),
                        k::rows(&qkv[2 * d + h * head..], 3 * d),
                        1.0,
                        0.0,
                    );
                }
            }
            k::product(
                x,
                d,
                t,
                d,
                d,
                k::rows(&kept.mixed, d),
                k::columns(&w[block.attn_out..][..d * d], d),
                1.0,
                1.0,
            );
            kept.middle[..t * d].copy_from_slice(x);
            k::rms_norm(x, &w[block.ff_norm..][..d], &mut kept.middle_norm, EPS);
            k::product(
                &mut kept.both,
                2 * f,
                t,
                2 * f,
                d,
                k::rows(&kept.middle_norm, d),
                k::columns(&w[block.both..][..2 * f * d], d),
                1.0,
                0.0,
            );
            k::swiglu(&kept.both[..t * 2 * f], f, &mut kept.hidden);
            k::product(
                x,
                d,
                t,
                d,
                f,
                k::rows(&kept.hidden, f),
                k::columns(&w[block.ff_out..][..d * f], f),
                1.0,
                1.0,
            );
        }
        let n = batch.targets.len();
        sized(&mut self.picked, n * d);
        sized(&mut self.picked_norm, n * d);
        sized(&mut self.logits, n * v);
        for (out, &(row, ..)) in self.picked.chunks_exact_mut(d).zip(&batch.targets) {
            out.copy_from_slice(&self.x[row as usize * d..][..d]);
        }
        k::rms_norm(&self.picked[..n * d], &w[layout.ln_f..][..d], &mut self.picked_norm, EPS);
        k::product(
            &mut self.logits,
            v,
            n,
            v,
            d,
            k::rows(&self.picked_norm, d),
            k::columns(&w[..v * d], d),
            1.0,
            0.0,
        );
    }

    fn backward(&mut self, layout: &Layout, w: &[f32], batch: &Packed, grad: &mut [f32]) {
        let Shape { vocabulary: v, width: d, heads, hidden: f, .. } = layout.shape;
        let t = batch.input.len();
        let n = batch.targets.len();
        let head = layout.shape.head();
        let half = head / 2;
        let scale = 1.0 / (head as f32).sqrt();

        k::product(
            &mut grad[..v * d],
            d,
            v,
            d,
            n,
            k::columns(&self.logits, v),
            k::rows(&self.picked_norm, d),
            1.0,
            1.0,
        );
        sized(&mut self.d_norm, t * d);
        k::product(
            &mut self.d_norm,
            d,
            n,
            d,
            v,
            k::rows(&self.logits, v),
            k::rows(&w[..v * d], d),
            1.0,
            0.0,
        );
        zeroed(&mut self.d_picked, n * d);
        k::rms_norm_back(
            &self.picked[..n * d],
            &w[layout.ln_f..][..d],
            &self.d_norm,
            &mut self.d_picked,
            &mut grad[layout.ln_f..][..d],
            EPS,
        );
        zeroed(&mut self.dx, t * d);
        for (g, &(row, ..)) in self.d_picked.chunks_exact(d).zip(&batch.targets) {
            k::add(&mut self.dx[row as usize * d..][..d], g, 1.0);
        }
        sized(&mut self.d_hidden, t * f);
        sized(&mut self.d_mixed, t * d);
        sized(&mut self.d_qkv, t * 3 * d);
        let dx = &mut self.dx[..t * d];
        for (block, kept) in layout.blocks.iter().zip(&mut self.layers).rev() {
            // Feed-forward.
            k::product(
                &mut grad[block.ff_out..][..d * f],
                f,
                d,
                f,
                t,
                k::columns(dx, d),
                k::rows(&kept.hidden, f),
                1.0,
                1.0,
            );
            k::product(
                &mut self.d_hidden,
                f,
                t,
                f,
                d,
                k::rows(dx, d),
                k::rows(&w[block.ff_out..][..d * f], f),
                1.0,
                0.0,
            );
            k::swiglu_back(&mut kept.both[..t * 2 * f], f, &self.d_hidden);
            k::product(
                &mut grad[block.both..][..2 * f * d],
                d,
                2 * f,
                d,
                t,
                k::columns(&kept.both, 2 * f),
                k::rows(&kept.middle_norm, d),
                1.0,
                1.0,
            );
            k::product(
                &mut self.d_norm,
                d,
                t,
                d,
                2 * f,
                k::rows(&kept.both, 2 * f),
                k::rows(&w[block.both..][..2 * f * d], d),
                1.0,
                0.0,
            );
            k::rms_norm_back(
                &kept.middle[..t * d],
                &w[block.ff_norm..][..d],
                &self.d_norm,
                dx,
                &mut grad[block.ff_norm..][..d],
                EPS,
            );
            // Attention.
            k::product(
                &mut grad[block.attn_out..][..d * d],
                d,
                d,
                d,
                t,
                k::columns(dx, d),
                k::rows(&kept.mixed, d),
                1.0,
                1.0,
            );
            k::product(
                &mut self.d_mixed,
                d,
                t,
                d,
                d,
                k::rows(dx, d),
                k::rows(&w[block.attn_out..][..d * d], d),
                1.0,
                0.0,
            );
            let mut at = 0;
            for span in batch.starts.windows(2) {
                let (start, len) = (span[0], span[1] - span[0]);
                let qkv = &kept.qkv[start * 3 * d..][..len * 3 * d];
                let d_qkv = &mut self.d_qkv[start * 3 * d..][..len * 3 * d];
                sized(&mut self.d_weights, len * len);
                for h in 0..heads {
                    let weights = &kept.weights[at..][..len * len];
                    at += len * len;
                    let d_out = &self.d_mixed[start * d + h * head..];
                    let (q, key, value) =
                        (&qkv[h * head..], &qkv[d + h * head..], &qkv[2 * d + h * head..]);
                    k::product(
                        &mut d_qkv[2 * d + h * head..],
                        3 * d,
                        len,
                        head,
                        len,
                        k::columns(weights, len),
                        k::rows(d_out, d),
                        1.0,
                        0.0,
                    );
                    k::product(
                        &mut self.d_weights,
                        len,
                        len,
                        len,
                        head,
                        k::rows(d_out, d),
                        k::columns(value, 3 * d),
                        1.0,
                        0.0,
                    );
                    for (p, g) in
                        weights.chunks_exact(len).zip(self.d_weights.chunks_exact_mut(len))
                    {
                        k::softmax_back(p, g);
                    }
                    k::product(
                        &mut d_qkv[h * head..],
                        3 * d,
                        len,
                        head,
                        len,
                        k::rows(&self.d_weights, len),
                        k::rows(key, 3 * d),
                        scale,
                        0.0,
                    );
                    k::product(
                        &mut d_qkv[d + h * head..],
                        3 * d,
                        len,
                        head,
                        len,
                        k::columns(&self.d_weights, len),
                        k::rows(q, 3 * d),
                        scale,
                        0.0,
                    );
                }
                for (p, row) in d_qkv.chunks_exact_mut(3 * d).enumerate() {
                    let (cos, sin) = (&self.cos[p * half..][..half], &self.sin[p * half..][..half]);
                    for part in row[..2 * d].chunks_exact_mut(head) {
                        k::rotate(part, cos, sin, -1.0);
                    }
                }
            }
            k::product(
                &mut grad[block.qkv..][..3 * d * d],
                d,
                3 * d,
                d,
                t,
                k::columns(&self.d_qkv, 3 * d),
                k::rows(&kept.norm, d),
                1.0,
                1.0,
            );
            k::product(
                &mut self.d_norm,
                d,
                t,
                d,
                3 * d,
                k::rows(&self.d_qkv, 3 * d),
                k::rows(&w[block.qkv..][..3 * d * d], d),
                1.0,
                0.0,
            );
            k::rms_norm_back(
                &kept.input[..t * d],
                &w[block.attn_norm..][..d],
                &self.d_norm,
                dx,
                &mut grad[block.attn_norm..][..d],
                EPS,
            );
        }
        for (row, &token) in dx.chunks_exact(d).zip(&batch.input) {
            k::add(&mut grad[token as usize * d..][..d], row, 1.0);
        }
    }
}
