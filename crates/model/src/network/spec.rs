//! What tells one transformer of this kind from another: a few numbers and switches.

/// A bidirectional pre-norm transformer with RMSNorm, rotary positions (half-split), grouped
/// key/value heads and a gated feed-forward layer (SwiGLU).
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
    /// Width of each of the two branches of the feed-forward layer.
    pub hidden: usize,
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
        let mut put = |part, layer, shape: Vec<usize>, bias: bool| {
            let name = self.name(part, layer);
            if bias {
                all.push((format!("{name}.bias"), vec![shape[0]]));
            }
            all.push((format!("{name}.weight"), shape));
        };
        put(NetworkPart::Embedding, 0, vec![self.columns, width], false);
        put(NetworkPart::Norm, 0, vec![width], false);
        if self.own_head(head) {
            put(NetworkPart::Head, 0, vec![self.columns, width], self.bias.head);
        }
        for layer in 0..self.layers {
            put(NetworkPart::AttentionNorm, layer, vec![width], false);
            put(NetworkPart::Query, layer, vec![q, width], self.bias.qkv);
            put(NetworkPart::Key, layer, vec![kv, width], self.bias.qkv);
            put(NetworkPart::Value, layer, vec![kv, width], self.bias.qkv);
            if self.qk_norm {
                put(NetworkPart::QueryNorm, layer, vec![self.head_dim], false);
                put(NetworkPart::KeyNorm, layer, vec![self.head_dim], false);
            }
            put(NetworkPart::Output, layer, vec![width, q], self.bias.output);
            put(NetworkPart::MlpNorm, layer, vec![width], false);
            put(NetworkPart::Gate, layer, vec![hidden, width], self.bias.mlp);
            put(NetworkPart::Up, layer, vec![hidden, width], self.bias.mlp);
            put(NetworkPart::Down, layer, vec![width, hidden], self.bias.mlp);
        }
        all
    }

    /// Weights in the matrices of one layer, multiplied once a position.
    pub fn layer_weights(&self) -> u64 {
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        (self.width * (2 * q + 2 * kv + 3 * self.hidden)) as u64
    }

    /// Weights of the head.
    pub fn head_weights(&self) -> u64 {
        (self.width * self.columns) as u64
    }
}
