//! Muon for the blocks' matrices, AdamW for the embedding and the norms.

use std::sync::Mutex;

use crate::kernels as k;
use crate::net::Layout;

const MUON_MOMENTUM: f32 = 0.95;
const DECAY: f32 = 0.1;

/// Momenta, flat like the parameters, and the learning rates at their height.
pub struct Optimizer {
    /// Learning rate of Muon.
    pub muon_rate: f32,
    /// Learning rate of AdamW.
    pub adam_rate: f32,
    /// Muon's momentum, AdamW's first moment.
    pub first: Vec<f32>,
    /// AdamW's second moment of each gradient.
    pub second: Vec<f32>,
}

struct Job<'a> {
    rows: usize,
    columns: usize,
    weights: &'a mut [f32],
    grad: &'a [f32],
    first: &'a mut [f32],
}

impl Optimizer {
    /// One step; `rate` is relative to the height, `step` counts from 1.
    pub fn step(
        &mut self,
        layout: &Layout,
        weights: &mut [f32],
        grad: &[f32],
        rate: f32,
        step: u64,
        threads: usize,
    ) {
        let muon_rate = rate * self.muon_rate;
        let mut jobs = Vec::new();
        let (mut w_rest, mut g_rest, mut m_rest, mut v_rest) =
            (weights, grad, &mut self.first[..], &mut self.second[..]);
        for entry in &layout.entries {
            let n = entry.len();
            let (w, w_next) = w_rest.split_at_mut(n);
            let (g, g_next) = g_rest.split_at(n);
            let (m, m_next) = m_rest.split_at_mut(n);
            let (v, v_next) = v_rest.split_at_mut(n);
            (w_rest, g_rest, m_rest, v_rest) = (w_next, g_next, m_next, v_next);
            if entry.columns > 0 && entry.name.contains("blocks") {
                jobs.push(Job {
                    rows: entry.rows,
                    columns: entry.columns,
                    weights: w,
                    grad: g,
                    first: m,
                });
            } else {
                adam(w, g, m, v, rate * self.adam_rate, step);
            }
        }
        let queue = Mutex::new(jobs);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let job = queue.lock().expect("no thread panics holding it").pop();
                        let Some(job) = job else { return };
                        muon(job, muon_rate);
                    }
                });
            }
        });
    }
}

fn adam(w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], rate: f32, step: u64) {
    let (b1, b2) = (0.9f32, 0.95f32);
    let n = step.min(10_000) as i32;
    let (c1, c2) = (1.0 / (1.0 - b1.powi(n)), 1.0 / (1.0 - b2.powi(n)));
    for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
        *m = b1 * *m + (1.0 - b1) * g;
        *v = b2 * *v + (1.0 - b2) * g * g;
        *w -= rate * (*m * c1) / ((*v * c2).sqrt() + 1e-8);
    }
}

fn muon(job: Job, rate: f32) {
    let Job { rows, columns, weights, grad, first } = job;
    let mut update = vec![0f32; rows * columns];
    for ((u, &g), m) in update.iter_mut().zip(grad).zip(first) {
        *m = MUON_MOMENTUM * *m + (1.0 - MUON_MOMENTUM) * g;
        *u = (1.0 - MUON_MOMENTUM) * g + MUON_MOMENTUM * *m;
    }
    orthogonalize(&mut update, rows, columns);
    let rate_here = rate * (rows as f32 / columns as f32).max(1.0).sqrt();
    for (w, &u) in weights.iter_mut().zip(&update) {
        *w -= rate_here * u + rate * DECAY * *w;
    }
}

/// Five Newton-Schulz steps: the singular values of `x` become about 1.
fn orthogonalize(x: &mut Vec<f32>, rows: usize, columns: usize) {
    let norm = 1.0 / (k::dot(x, x).sqrt() + 1e-12);
    x.iter_mut().for_each(|x| *x *= norm);
    let small = rows.min(columns);
    let mut gram = vec![0f32; small * small];
    let mut mix = vec![0f32; small * small];
    let mut next = x.clone();
    let (a, b, c) = (3.4445, -4.7750, 2.0315);
    for _ in 0..5 {
        if rows <= columns {
            k::product(
                &mut gram,
                small,
                small,
                small,
                columns,
                k::rows(x, columns),
                k::columns(x, columns),
                1.0,
                0.0,
            );
        } else {
            k::product(
                &mut gram,
                small,
                small,
                small,
                rows,
                k::columns(x, columns),
                k::rows(x, columns),
                1.0,
                0.0,
            );
        }
        mix.copy_from_slice(&gram);
        k::product(
            &mut mix,
            small,
            small,
            small,
            small,
            k::rows(&gram, small),
            k::rows(&gram, small),
            c,
            b,
        );
        next.copy_from_slice(x);
        if rows <= columns {
            k::product(
                &mut next,
                columns,
                rows,
                columns,
                rows,
                k::rows(&mix, small),
                k::rows(x, columns),
                1.0,
                a,
            );
        } else {
            k::product(
                &mut next,
                columns,
                rows,
                columns,
                columns,
                k::rows(x, columns),
                k::rows(&mix, small),
                1.0,
                a,
            );
        }
        std::mem::swap(x, &mut next);
    }
}
