//! What tells one transformer of this kind from another: a few numbers and switches.

use super::experts::Experts;

/// A bidirectional pre-norm transformer with RMSNorm, rotary positions (half-split), grouped
/// key/value heads and a gated feed-forward layer (SwiGLU), or experts in its place.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Width of the residual stream.
    pub width: usize,
    /// Number of transformer layers.
    pub layers: usize,
    /// Number of query heads.
    pub heads: usize,
    /// Key and value heads; query heads share them in order.
    pub kv_heads: usize,
    /// Width of a head, even.
    pub head_dim: usize,
    /// Numbers of a head that are rotated, the first ones: even, at most `head_dim`.
    pub rotary_dim: usize,
    /// Width of each of the two branches of the feed-forward layer, where a layer has no experts.
    pub hidden: usize,
    /// The experts, where layers have them.
    pub experts: Option<Experts>,
    /// Rows of the embedding and columns of the logits. Those past the tokenizer's tokens take
    /// part in argmax and softmax.
    pub columns: usize,
    /// Longest sequence the model was made for, positions.
    pub context: usize,
    /// What RMSNorm adds to the mean square, so that it divides by no 0.
    pub norm_eps: f64,
    /// The base of RoPE's frequencies (theta).
    pub rope_theta: f64,
    /// Which linear layers have a bias.
    pub bias: Biases,
    /// RMSNorm on each head of queries and keys, before the rotation (Qwen3).
    pub qk_norm: bool,
    /// The tensor that holds the projections to queries, keys and values in one, where they are
    /// not apart; `{}` stands for the layer's number.
    pub fused_qkv: Option<&'static str>,
    /// Where the head's weights are.
    pub head: Head,
    /// How the tensors are called.
    pub names: Names,
}

/// Which linear layers have a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Biases {
    /// Query, key and value projections.
    pub qkv: bool,
    /// The projection out of the attention.
    pub output: bool,
    /// All matrices of the feed-forward layer.
    pub mlp: bool,
    /// The matrix that makes the logits.
    pub head: bool,
}

/// Where the head's weights are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// In a tensor of their own.
    Own,
    /// They are the embedding's, whatever the file holds.
    Embedding,
    /// In a tensor of their own if the file has it, else the embedding's: some checkpoints whose
    /// config says that they are tied ship an untied head.
    OwnIfThere,
}

/// A tensor of the network, but for its ending `.weight` or `.bias`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkPart {
    /// Token embedding, `[columns, width]`.
    Embedding,
    /// The norm before the head.
    Norm,
    /// The head, `[columns, width]`.
    Head,
    /// Norm before the attention.
    AttentionNorm,
    /// Query projection, `[heads · head_dim, width]`.
    Query,
    /// Key projection, `[kv_heads · head_dim, width]`.
    Key,
    /// Value projection, `[kv_heads · head_dim, width]`.
    Value,
    /// Norm of each query head, `[head_dim]`.
    QueryNorm,
    /// Norm of each key head, `[head_dim]`.
    KeyNorm,
    /// Projection out of the attention, `[width, heads · head_dim]`.
    Output,
    /// Norm before the feed-forward layer.
    MlpNorm,
    /// Its branch that goes through SiLU, `[hidden, width]`.
    Gate,
    /// Its plain branch, `[hidden, width]`.
    Up,
    /// Its way back, `[width, hidden]`.
    Down,
}

/// Names of tensors, with `{}` for the layer's number.
pub type Names = fn(NetworkPart) -> &'static str;

impl Spec {
    /// The full name of a part in a layer.
    pub(crate) fn name(&self, part: NetworkPart, layer: usize) -> String {
        (self.names)(part).replace("{}", &layer.to_string())
    }

    /// The tensors whose rows are queries, keys and values, in this order.
    pub(crate) fn qkv_names(&self, layer: usize) -> Vec<String> {
        match self.fused_qkv {
            Some(fused) => vec![fused.replace("{}", &layer.to_string())],
            None => {
                let parts = [NetworkPart::Query, NetworkPart::Key, NetworkPart::Value];
                parts.iter().map(|&part| self.name(part, layer)).collect()
            }
        }
    }

    /// The experts of a layer, if it has some.
    pub(crate) fn experts_of(&self, layer: usize) -> Option<&Experts> {
        self.experts.as_ref().filter(|experts| experts.layers.get(layer) == Some(&true))
    }

    /// The tensor of a head of its own.
    pub(crate) fn head_name(&self) -> String {
        format!("{}.weight", self.name(NetworkPart::Head, 0))
    }

    /// Whether the head is a tensor of its own, given whether the file has one.
    pub(crate) fn own_head(&self, there: bool) -> bool {
        match self.head {
            Head::Own => true,
            Head::Embedding => false,
            Head::OwnIfThere => there,
        }
    }

    /// Every tensor with its shape, given whether the file has a head of its own.
    pub(crate) fn tensors(&self, head: bool) -> Vec<(String, Vec<usize>)> {
        let (width, hidden) = (self.width, self.hidden);
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let mut all = Vec::new();
        let mut put = |name: String, shape: Vec<usize>, bias: bool| {
            if bias {
                all.push((format!("{name}.bias"), vec![shape[0]]));
            }
            all.push((format!("{name}.weight"), shape));
        };
        let name = |part| self.name(part, 0);
        put(name(NetworkPart::Embedding), vec![self.columns, width], false);
        put(name(NetworkPart::Norm), vec![width], false);
        if self.own_head(head) {
            put(name(NetworkPart::Head), vec![self.columns, width], self.bias.head);
        }
        for layer in 0..self.layers {
            let name = |part| self.name(part, layer);
            put(name(NetworkPart::AttentionNorm), vec![width], false);
            let rows = if self.fused_qkv.is_some() { vec![q + 2 * kv] } else { vec![q, kv, kv] };
            for (name, rows) in self.qkv_names(layer).into_iter().zip(rows) {
                put(name, vec![rows, width], self.bias.qkv);
            }
            if self.qk_norm {
                put(name(NetworkPart::QueryNorm), vec![self.head_dim], false);
                put(name(NetworkPart::KeyNorm), vec![self.head_dim], false);
            }
            put(name(NetworkPart::Output), vec![width, q], self.bias.output);
            put(name(NetworkPart::MlpNorm), vec![width], false);
            if self.experts_of(layer).is_none() {
                put(name(NetworkPart::Gate), vec![hidden, width], self.bias.mlp);
                put(name(NetworkPart::Up), vec![hidden, width], self.bias.mlp);
                put(name(NetworkPart::Down), vec![width, hidden], self.bias.mlp);
            }
        }
        for layer in 0..self.layers {
            all.extend(self.experts_of(layer).into_iter().flat_map(|it| it.tensors(layer, width)));
        }
        all
    }

    /// Weights in the matrices of all layers that are multiplied for one position: of the experts,
    /// those that are chosen for it.
    pub fn layer_weights(&self) -> u64 {
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let layer = |layer: usize| {
            let mlp = match self.experts_of(layer) {
                None => 3 * self.hidden,
                Some(experts) => experts.active_rows(),
            };
            (self.width * (2 * q + 2 * kv + mlp)) as u64
        };
        (0..self.layers).map(layer).sum()
    }

    /// Weights of the head.
    pub fn head_weights(&self) -> u64 {
        (self.width * self.columns) as u64
    }
}
