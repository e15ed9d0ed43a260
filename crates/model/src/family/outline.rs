//! The numbers of a network, whichever it is.

use serde::Serialize;

use super::{Description, NetworkKind};
use crate::{
    Weights,
    network::{Experts, MODERNBERT_HEAD, Routing, modernbert_tensors},
};

/// The numbers of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outline {
    /// Number of transformer layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Number of query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Width of a branch of the feed-forward layer.
    pub hidden: usize,
    /// Columns of the logits.
    pub vocabulary: usize,
    /// Longest sequence that the model was made for, positions.
    pub context: usize,
    /// The experts, where layers have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experts: Option<ExpertOutline>,
}

/// The numbers of a network's experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ExpertOutline {
    /// Experts of a layer.
    pub count: usize,
    /// Experts that are chosen for a position.
    pub chosen: usize,
    /// Experts that are open to a block of so many positions, where a block chooses them at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_block: Option<(usize, usize)>,
    /// Layers that have experts.
    pub layers: usize,
    /// Width of each of an expert's two branches.
    pub hidden: usize,
    /// Width of the branches of the expert that is computed for every position, if there is one.
    pub shared: Option<usize>,
    /// Parameters of the experts that are not chosen for a position.
    pub inactive: u64,
}

impl ExpertOutline {
    fn of(experts: &Experts, width: usize) -> Self {
        let &Experts { count, chosen, hidden, shared, .. } = experts;
        let layers = experts.layers.iter().filter(|has| **has).count();
        let idle = layers as u64 * (count - chosen.min(count)) as u64;
        let inactive = idle * 3 * (hidden * width) as u64;
        let of_block = match experts.routing {
            Routing::BlockSigmoid { block, capacity, .. } => Some((capacity, block)),
            Routing::Softmax { .. } | Routing::GroupedSigmoid { .. } => None,
        };
        Self { count, chosen, of_block, layers, hidden, shared, inactive }
    }
}

impl Outline {
    /// Those of a described network.
    pub fn of(described: &Description) -> Self {
        match &described.kind {
            NetworkKind::Transformer(spec) => Self {
                layers: spec.layers,
                width: spec.width,
                heads: spec.heads,
                kv_heads: spec.kv_heads,
                head_dim: spec.head_dim,
                hidden: spec.hidden,
                vocabulary: spec.columns,
                context: spec.context,
                experts: spec
                    .experts
                    .as_ref()
                    .map(|experts| ExpertOutline::of(experts, spec.width)),
            },
            NetworkKind::ModernBert(config) => Self {
                layers: config.num_hidden_layers,
                width: config.hidden_size,
                heads: config.num_attention_heads,
                kv_heads: config.num_attention_heads,
                head_dim: config.hidden_size / config.num_attention_heads,
                hidden: config.intermediate_size,
                vocabulary: config.vocab_size,
                context: config.max_position_embeddings,
                experts: None,
            },
        }
    }
}

impl Description {
    /// Whether the head is the embedding, given the tensors that there are.
    pub(crate) fn tied(&self, weights: &Weights) -> bool {
        match &self.kind {
            NetworkKind::Transformer(spec) => !spec.own_head(weights.has(&spec.head_name())),
            NetworkKind::ModernBert(_) => !weights.has(MODERNBERT_HEAD),
        }
    }

    /// Every tensor of the network with its shape, given the tensors that there are.
    pub(crate) fn tensors(&self, weights: &Weights) -> Vec<(String, Vec<usize>)> {
        match &self.kind {
            NetworkKind::Transformer(spec) => spec.tensors(weights.has(&spec.head_name())),
            NetworkKind::ModernBert(config) => {
                modernbert_tensors(config, weights.has(MODERNBERT_HEAD))
            }
        }
    }

    /// Every tensor of the network with its shape, a head of its own among them where there may be one.
    pub fn all_tensors(&self) -> Vec<(String, Vec<usize>)> {
        match &self.kind {
            NetworkKind::Transformer(spec) => spec.tensors(true),
            NetworkKind::ModernBert(config) => modernbert_tensors(config, true),
        }
    }

    /// The base of the rotation: of all layers, or of those that see everything and of the others.
    pub fn rope_bases(&self) -> Vec<f64> {
        match &self.kind {
            NetworkKind::Transformer(spec) => vec![spec.rope_theta],
            NetworkKind::ModernBert(config) => {
                vec![config.global_rope_theta, config.local_rope_theta]
            }
        }
    }

    /// How many numbers of a head are rotated, where that is not all of them, and how many it has.
    pub fn rotated(&self) -> Option<(usize, usize)> {
        match &self.kind {
            NetworkKind::Transformer(spec) if spec.rotary_dim < spec.head_dim => {
                Some((spec.rotary_dim, spec.head_dim))
            }
            _ => None,
        }
    }

    /// The attention mask in words, for reports.
    pub fn attention(&self) -> &'static str {
        match &self.kind {
            NetworkKind::Transformer(_) => "full",
            NetworkKind::ModernBert(_) => "full in some layers, of neighbours in the others",
        }
    }
}
