//! A feed-forward layer of experts: a router chooses a few of them for each position, and only those
//! are computed.

use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{DType, Module, Result, Tensor};

use super::mlp::Mlp;
use crate::{error::Loading, linear::Linear, weights::Loader};

/// The experts of a network.
#[derive(Debug, Clone)]
pub struct Experts {
    /// Experts of a layer.
    pub count: usize,
    /// Experts that are chosen for a position.
    pub chosen: usize,
    /// Width of each of an expert's two branches.
    pub hidden: usize,
    /// Width of the branches of the expert that is computed for every position, if there is one.
    pub shared: Option<usize>,
    /// Which layers have experts, one entry a layer.
    pub layers: Vec<bool>,
    /// How experts are chosen and weighted.
    pub routing: Routing,
    /// Names of tensors, with `{}` for the layer's number and `{expert}` for the expert's.
    pub names: fn(ExpertPart) -> &'static str,
}

/// How a router's logits choose experts, and what weights they get. All of it is in f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Routing {
    /// The best of a softmax over all experts, weighted by their probabilities.
    Softmax {
        /// The weights of those chosen are divided by their sum.
        normalized: bool,
        /// A bias is added to the probabilities, in the weights too.
        bias: bool,
    },
    /// The best of sigmoids with a bias added, of the groups of experts whose two best are best
    /// together. The weights are the sigmoids without the bias, divided by their sum if there are
    /// several, and scaled.
    GroupedSigmoid {
        /// Groups of experts, which divide their number.
        groups: usize,
        /// Groups that experts are chosen of.
        groups_chosen: usize,
        /// What the weights are multiplied with.
        scale: f32,
    },
}

/// A tensor of a layer's experts, but for its ending `.weight`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpertPart {
    /// The router, `[count, width]`.
    Router,
    /// The router's bias, `[count]`: a name without an ending.
    RouterBias,
    /// An expert's branch that goes through SiLU, `[hidden, width]`.
    Gate,
    /// An expert's plain branch, `[hidden, width]`.
    Up,
    /// An expert's way back, `[width, hidden]`.
    Down,
    /// The shared expert's branch that goes through SiLU, `[shared, width]`.
    SharedGate,
    /// The shared expert's plain branch, `[shared, width]`.
    SharedUp,
    /// The shared expert's way back, `[width, shared]`.
    SharedDown,
}

impl Experts {
    fn name(&self, part: ExpertPart, layer: usize, expert: usize) -> String {
        let name = (self.names)(part).replace("{}", &layer.to_string());
        name.replace("{expert}", &expert.to_string())
    }

    fn has_bias(&self) -> bool {
        !matches!(self.routing, Routing::Softmax { bias: false, .. })
    }

    /// Every tensor of a layer's experts with its shape.
    pub(super) fn tensors(&self, layer: usize, width: usize) -> Vec<(String, Vec<usize>)> {
        let mut all = Vec::new();
        let mut put = |part, expert, shape| {
            all.push((format!("{}.weight", self.name(part, layer, expert)), shape));
        };
        put(ExpertPart::Router, 0, vec![self.count, width]);
        for expert in 0..self.count {
            put(ExpertPart::Gate, expert, vec![self.hidden, width]);
            put(ExpertPart::Up, expert, vec![self.hidden, width]);
            put(ExpertPart::Down, expert, vec![width, self.hidden]);
        }
        if let Some(hidden) = self.shared {
            put(ExpertPart::SharedGate, 0, vec![hidden, width]);
            put(ExpertPart::SharedUp, 0, vec![hidden, width]);
            put(ExpertPart::SharedDown, 0, vec![width, hidden]);
        }
        if self.has_bias() {
            all.push((self.name(ExpertPart::RouterBias, layer, 0), vec![self.count]));
        }
        all
    }

    /// Rows of matrices, each as wide as the network, that are multiplied for a position.
    pub(super) fn active_rows(&self) -> usize {
        self.count + 3 * (self.chosen * self.hidden + self.shared.unwrap_or(0))
    }
}

/// An expert that a router chose for a position.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Chosen {
    expert: usize,
    weight: f32,
}

/// The numbers of a row with their places, greatest first, in order of places among equals.
fn ranked(scores: impl Iterator<Item = f32>) -> Vec<(usize, f32)> {
    let mut ranked: Vec<(usize, f32)> = scores.enumerate().collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranked
}

impl Routing {
    /// The experts chosen by the logits of one position, best first. `bias`: one number an expert,
    /// or none.
    fn choose(self, logits: &[f32], bias: &[f32], chosen: usize) -> Vec<Chosen> {
        let bias = |expert: usize| bias.get(expert).copied().unwrap_or(0.0);
        match self {
            Self::Softmax { normalized, .. } => {
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let parts: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
                let sum: f32 = parts.iter().sum();
                let p = parts.iter().enumerate().map(|(expert, part)| part / sum + bias(expert));
                let best = ranked(p).into_iter().take(chosen);
                let best = best.map(|(expert, weight)| Chosen { expert, weight });
                match normalized {
                    true => divided(best.collect(), 0.0),
                    false => best.collect(),
                }
            }
            Self::GroupedSigmoid { groups, groups_chosen, scale } => {
                let p: Vec<f32> = logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect();
                let biased: Vec<f32> =
                    p.iter().enumerate().map(|(expert, p)| p + bias(expert)).collect();
                let size = (p.len() / groups.max(1)).max(1);
                let of_group = biased.chunks(size).map(|group| {
                    ranked(group.iter().copied()).iter().take(2).map(|(_, score)| score).sum()
                });
                let open: Vec<usize> =
                    ranked(of_group).into_iter().take(groups_chosen).map(|(at, _)| at).collect();
                let score = |expert: usize| match open.contains(&(expert / size)) {
                    true => biased[expert],
                    false => f32::NEG_INFINITY,
                };
                let best = ranked((0..p.len()).map(score)).into_iter().take(chosen);
                let best = best.map(|(expert, _)| Chosen { expert, weight: p[expert] }).collect();
                let mut best = if chosen > 1 { divided(best, 1e-20) } else { best };
                best.iter_mut().for_each(|one| one.weight *= scale);
                best
            }
        }
    }
}

/// Weights divided by their sum, to which `least` is added.
fn divided(mut chosen: Vec<Chosen>, least: f32) -> Vec<Chosen> {
    let sum = chosen.iter().map(|one| one.weight).sum::<f32>() + least;
    chosen.iter_mut().for_each(|one| one.weight /= sum);
    chosen
}

/// The experts of one layer with their weights.
pub(super) struct ExpertLayer {
    router: Linear,
    /// What is added to scores before experts are chosen; empty for none.
    bias: Vec<f32>,
    experts: Vec<Mlp>,
    shared: Option<Mlp>,
    chosen: usize,
    routing: Routing,
    /// Experts that the last pass computed.
    touched: AtomicUsize,
}

impl ExpertLayer {
    pub(super) fn load(spec: &Experts, layer: usize, loader: &mut Loader) -> Loading<Self> {
        let name = |part, expert| spec.name(part, layer, expert);
        let mlp = |loader: &mut Loader, [gate, up, down]: [ExpertPart; 3], expert| {
            Mlp::load(loader, [name(gate, expert), name(up, expert), name(down, expert)], false)
        };
        let router = loader.plain_matrix(&name(ExpertPart::Router, 0), spec.count)?;
        let bias = match spec.has_bias() {
            true => loader.numbers(&name(ExpertPart::RouterBias, 0))?,
            false => Vec::new(),
        };
        let parts = [ExpertPart::Gate, ExpertPart::Up, ExpertPart::Down];
        let experts = (0..spec.count).map(|expert| mlp(loader, parts, expert));
        let experts = experts.collect::<Loading<_>>()?;
        let parts = [ExpertPart::SharedGate, ExpertPart::SharedUp, ExpertPart::SharedDown];
        let shared = spec.shared.map(|_| mlp(loader, parts, 0)).transpose()?;
        Ok(Self {
            router: Linear::new(router, None),
            bias,
            experts,
            shared,
            chosen: spec.chosen,
            routing: spec.routing,
            touched: AtomicUsize::new(0),
        })
    }

    /// Experts that the last pass computed, and all there are.
    pub(super) fn touched(&self) -> (usize, usize) {
        (self.touched.load(Ordering::Relaxed), self.experts.len())
    }

    /// `x` `[batch, length, width]` to the same shape: for each position the weighted sum of the
    /// outputs of its chosen experts, plus the output of the shared one.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (device, dtype) = (x.device(), x.dtype());
        let flat = x.flatten_to(1)?;
        let (positions, width) = flat.dims2()?;
        let logits: Vec<Vec<f32>> = self.router_logits(&flat)?.to_vec2()?;
        let choose = |logits: &Vec<f32>| self.routing.choose(logits, &self.bias, self.chosen);
        let chosen: Vec<Vec<Chosen>> = logits.iter().map(choose).collect();
        // Each expert multiplies all of its positions at once. `places` finds the row of the outputs
        // that belongs to a position and the rank of an expert.
        let mut of_expert: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.experts.len()];
        for (position, chosen) in chosen.iter().enumerate() {
            for (rank, one) in chosen.iter().enumerate() {
                of_expert[one.expert].push((position, rank));
            }
        }
        let touched = of_expert.iter().filter(|asked| !asked.is_empty()).count();
        self.touched.store(touched, Ordering::Relaxed);
        let ranks = self.chosen.min(self.experts.len());
        let mut places = vec![0_u32; positions * ranks];
        let (mut answers, mut row) = (Vec::new(), 0);
        for (expert, asked) in of_expert.iter().enumerate().filter(|(_, asked)| !asked.is_empty()) {
            let rows: Vec<u32> = asked.iter().map(|&(position, _)| position as u32).collect();
            let rows = Tensor::from_vec(rows, asked.len(), device)?;
            answers.push(self.experts[expert].forward(&flat.index_select(&rows, 0)?)?);
            for &(position, rank) in asked {
                places[position * ranks + rank] = row;
                row += 1;
            }
        }
        let weights: Vec<f32> = chosen.iter().flatten().map(|one| one.weight).collect();
        let weights = Tensor::from_vec(weights, (positions, ranks, 1), device)?;
        let places = Tensor::from_vec(places, positions * ranks, device)?;
        let answers = Tensor::cat(&answers, 0)?.index_select(&places, 0)?.to_dtype(DType::F32)?;
        let sum = answers.reshape((positions, ranks, width))?.broadcast_mul(&weights)?.sum(1)?;
        let sum = sum.to_dtype(dtype)?.reshape(x.shape())?;
        match &self.shared {
            Some(shared) => sum + shared.forward(x)?,
            None => Ok(sum),
        }
    }

    /// The router's logits, `[positions, experts]` in f32.
    fn router_logits(&self, flat: &Tensor) -> Result<Tensor> {
        self.router.forward(&flat.to_dtype(DType::F32)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(routing: Routing, logits: &[f32], bias: &[f32], n: usize, expected: &[(usize, f32)]) {
        let chosen = routing.choose(logits, bias, n);
        let experts: Vec<usize> = chosen.iter().map(|one| one.expert).collect();
        assert_eq!(experts, expected.iter().map(|(expert, _)| *expert).collect::<Vec<_>>());
        for (one, (_, weight)) in chosen.iter().zip(expected) {
            assert!((one.weight - weight).abs() < 1e-6, "{chosen:?}, expected {expected:?}");
        }
    }

    #[test]
    fn a_softmax_chooses_the_most_probable() {
        // Probabilities 0.1, 0.2, 0.3, 0.4.
        let logits = [1.0_f32, 2.0, 3.0, 4.0].map(f32::ln);
        let plain = Routing::Softmax { normalized: false, bias: false };
        check(plain, &logits, &[], 2, &[(3, 0.4), (2, 0.3)]);
        let normalized = Routing::Softmax { normalized: true, bias: false };
        check(normalized, &logits, &[], 2, &[(3, 4.0 / 7.0), (2, 3.0 / 7.0)]);
        let biased = Routing::Softmax { normalized: false, bias: true };
        check(biased, &logits, &[0.5, 0.0, 0.0, 0.0], 2, &[(0, 0.6), (3, 0.4)]);
        // The first of equals.
        check(plain, &[0.0; 4], &[], 2, &[(0, 0.25), (1, 0.25)]);
    }

    #[test]
    fn groups_are_chosen_by_their_two_best() {
        let logit = |p: f32| (p / (1.0 - p)).ln();
        // The best expert of all is in a group whose second is bad.
        let logits = [0.9, 0.1, 0.6, 0.5].map(logit);
        let routing = Routing::GroupedSigmoid { groups: 2, groups_chosen: 1, scale: 2.0 };
        check(routing, &logits, &[0.0; 4], 2, &[(2, 2.0 * 6.0 / 11.0), (3, 2.0 * 5.0 / 11.0)]);
        check(routing, &logits, &[0.0; 4], 1, &[(2, 1.2)]);
        // The bias decides, and is in no weight.
        check(routing, &logits, &[0.0, 0.2, 0.0, 0.0], 1, &[(0, 1.8)]);
        let both = Routing::GroupedSigmoid { groups: 2, groups_chosen: 2, scale: 1.0 };
        check(both, &logits, &[0.0; 4], 1, &[(0, 0.9)]);
    }
}
