//! A feed-forward layer of experts: a router chooses a few of them for each position, and only those
//! are computed.

use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{DType, Module, Result, Tensor};

use super::{
    mlp::Mlp,
    routing::{RoutedBlock, Routing},
};
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
    /// outputs of its chosen experts, plus the output of the shared one. `blocks`: the rows that each
    /// row chooses with, if the routing goes by them.
    pub(super) fn forward(&self, x: &Tensor, blocks: &[RoutedBlock]) -> Result<Tensor> {
        let (device, dtype) = (x.device(), x.dtype());
        let flat = x.flatten_to(1)?;
        let (positions, width) = flat.dims2()?;
        let logits: Vec<Vec<f32>> = self.router_logits(&flat)?.to_vec2()?;
        let chosen = self.routing.choose_all(&logits, &self.bias, self.chosen, blocks);
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
