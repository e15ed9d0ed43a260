//! LLaDA in plain loops of f64, as slow and as simple as can be, with the one liberty that keys
//! and values of some positions may be those of another canvas. What the networks do fast is held
//! against it.

use std::{collections::HashMap, ops::Range};

use candle_core::{DType, Device, safetensors};

use super::golden;

/// A matrix `[rows, columns]` or a vector, row after row.
struct Weights {
    numbers: Vec<f64>,
    columns: usize,
}

/// A golden LLaDA checkpoint without biases or shared heads.
pub struct Naive {
    weights: HashMap<String, Weights>,
    layers: usize,
    heads: usize,
    theta: f64,
}

type Rows = Vec<Vec<f64>>;

/// Keys and values of each layer: one row a position.
pub type KeyValues = Vec<(Rows, Rows)>;

impl Naive {
    /// Reads the checkpoint of this name.
    pub fn read(name: &str) -> Self {
        let folder = golden().join("models").join(name);
        let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        let file = safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap();
        let weights = file
            .into_iter()
            .map(|(name, tensor)| {
                let columns = *tensor.dims().last().unwrap();
                let flat = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
                let name = name.replace("model.transformer.", "").replace(".weight", "");
                (name, Weights { numbers: flat.to_vec1().unwrap(), columns })
            })
            .collect();
        Self {
            weights,
            layers: config["n_layers"].as_u64().unwrap() as usize,
            heads: config["n_heads"].as_u64().unwrap() as usize,
            theta: config["rope_theta"].as_f64().unwrap(),
        }
    }

    fn product(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let matrix = &self.weights[name];
        let rows = matrix.numbers.chunks(matrix.columns);
        rows.map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
    }

    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let scale = 1.0 / (mean + 1e-5).sqrt();
        x.iter().zip(&self.weights[name].numbers).map(|(x, w)| x * scale * w).collect()
    }

    fn rotated(&self, x: &[f64], position: usize) -> Vec<f64> {
        let mut rotated = x.to_vec();
        let width = x.len() / self.heads;
        for head in 0..self.heads {
            for i in 0..width / 2 {
                let angle = position as f64 / self.theta.powf(2.0 * i as f64 / width as f64);
                let (a, b) = (head * width + i, head * width + width / 2 + i);
                rotated[a] = x[a] * angle.cos() - x[b] * angle.sin();
                rotated[b] = x[b] * angle.cos() + x[a] * angle.sin();
            }
        }
        rotated
    }

    /// What a query gets of the positions that it `sees`.
    fn attended(
        &self,
        q: &[f64],
        keys: &Rows,
        values: &Rows,
        sees: impl Fn(usize) -> bool,
    ) -> Vec<f64> {
        let width = q.len() / self.heads;
        let mut seen = vec![0.0; q.len()];
        for head in 0..self.heads {
            let part = head * width..(head + 1) * width;
            let scores = keys.iter().enumerate().map(|(at, key)| {
                let dot = q[part.clone()].iter().zip(&key[part.clone()]).map(|(a, b)| a * b);
                let score = (dot.sum::<f64>() / (width as f64).sqrt()).exp();
                if sees(at) { score } else { 0.0 }
            });
            let scores: Vec<f64> = scores.collect();
            let all: f64 = scores.iter().sum();
            for (score, value) in scores.iter().zip(values) {
                for i in part.clone() {
                    seen[i] += score / all * value[i];
                }
            }
        }
        seen
    }

    /// Logits of the positions in `window` and the keys and values that were seen; outside the
    /// window these are `kept`'s.
    pub fn run(
        &self,
        ids: &[u32],
        window: Range<usize>,
        kept: Option<&KeyValues>,
    ) -> (Rows, KeyValues) {
        self.pass(ids, window, kept, |_, _| true)
    }

    /// Logits of all positions, where a position (the first number) only attends to those that it
    /// `sees` (the second).
    pub fn masked(&self, ids: &[u32], sees: impl Fn(usize, usize) -> bool) -> Rows {
        self.pass(ids, 0..ids.len(), None, sees).0
    }

    fn pass(
        &self,
        ids: &[u32],
        window: Range<usize>,
        kept: Option<&KeyValues>,
        sees: impl Fn(usize, usize) -> bool,
    ) -> (Rows, KeyValues) {
        let embedding = &self.weights["wte"];
        let row = |id: u32| {
            let start = id as usize * embedding.columns;
            embedding.numbers[start..start + embedding.columns].to_vec()
        };
        let mut x: Rows = ids[window.clone()].iter().map(|&id| row(id)).collect();
        let mut all = Vec::new();
        for layer in 0..self.layers {
            let name = |part: &str| format!("blocks.{layer}.{part}");
            let fresh: Vec<(Vec<f64>, Vec<f64>, Vec<f64>)> = x
                .iter()
                .zip(window.clone())
                .map(|(x, position)| {
                    let x = self.norm(&name("attn_norm"), x);
                    let turned = |part| self.rotated(&self.product(&name(part), &x), position);
                    (turned("q_proj"), turned("k_proj"), self.product(&name("v_proj"), &x))
                })
                .collect();
            let there = |position: usize| {
                let at = position.checked_sub(window.start)?;
                fresh.get(at).map(|(_, k, v)| (k.clone(), v.clone()))
            };
            let (keys, values): (Rows, Rows) = (0..ids.len())
                .map(|position| {
                    there(position).unwrap_or_else(|| {
                        let (keys, values) = &kept.unwrap()[layer];
                        (keys[position].clone(), values[position].clone())
                    })
                })
                .unzip();
            for ((x, (q, _, _)), position) in x.iter_mut().zip(&fresh).zip(window.clone()) {
                let seen = self.attended(q, &keys, &values, |key| sees(position, key));
                let seen = self.product(&name("attn_out"), &seen);
                x.iter_mut().zip(seen).for_each(|(x, seen)| *x += seen);
                let inner = self.norm(&name("ff_norm"), x);
                let gate = self.product(&name("ff_proj"), &inner);
                let up = self.product(&name("up_proj"), &inner);
                let product = gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u);
                let down = self.product(&name("ff_out"), &product.collect::<Vec<f64>>());
                x.iter_mut().zip(down).for_each(|(x, down)| *x += down);
            }
            all.push((keys, values));
        }
        let logits = x.iter().map(|x| self.product("ff_out", &self.norm("ln_f", x))).collect();
        (logits, all)
    }
}
