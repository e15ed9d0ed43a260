"""The tiny checkpoints of tests/golden in PyTorch, float32: networks written independently of the Rust ones.

Needs torch and safetensors. `Network` reads the families llada, Dream, a2d-qwen2, a2d-qwen3 and illada.
"""

import json
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from safetensors import safe_open

LLADA = {
    "embedding": "model.transformer.wte",
    "layers": "model.transformer.blocks",
    "norm": "model.transformer.ln_f",
    "head": "model.transformer.ff_out",
    "first": "attn_norm",
    "q": "q_proj",
    "k": "k_proj",
    "v": "v_proj",
    "o": "attn_out",
    "second": "ff_norm",
    "gate": "ff_proj",
    "up": "up_proj",
    "down": "ff_out",
}
OTHERS = {
    "embedding": "model.embed_tokens",
    "layers": "model.layers",
    "norm": "model.norm",
    "head": "lm_head",
    "first": "input_layernorm",
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "o": "self_attn.o_proj",
    "q_norm": "self_attn.q_norm",
    "k_norm": "self_attn.k_norm",
    "second": "post_attention_layernorm",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}


class Layer(torch.nn.Module):
    """One layer, over weights by their parts' names."""

    def __init__(self, weights, heads, kv_heads, size, epsilon):
        super().__init__()
        self.weights, self.heads, self.kv_heads, self.size, self.epsilon = weights, heads, kv_heads, size, epsilon

    def norm(self, x, name):
        weight = self.weights.get(name + ".weight")
        return x if weight is None else F.rms_norm(x, x.shape[-1:], weight, self.epsilon)

    def linear(self, x, name):
        return F.linear(x, self.weights[name + ".weight"], self.weights.get(name + ".bias"))

    def split(self, x, heads):
        return x.view(x.shape[0], x.shape[1], heads, self.size)

    def forward(self, x, tables, mask):
        def rotate(x):
            cos, sin = tables
            a, b = x.chunk(2, dim=-1)
            return x * cos + torch.cat((-b, a), dim=-1) * sin

        h = self.norm(x, "first")
        q = rotate(self.norm(self.split(self.linear(h, "q"), self.heads), "q_norm").transpose(1, 2))
        k = rotate(self.norm(self.split(self.linear(h, "k"), self.kv_heads), "k_norm").transpose(1, 2))
        v = self.split(self.linear(h, "v"), self.kv_heads).transpose(1, 2)
        groups = self.heads // self.kv_heads
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2)
        x = x + self.linear(h.reshape(x.shape[0], x.shape[1], -1), "o")
        h = self.norm(x, "second")
        return x + self.linear(F.silu(self.linear(h, "gate")) * self.linear(h, "up"), "down")


class Network(torch.nn.Module):
    """A checkpoint folder's network over weights converted to `dtype`. `config`: its config.json."""

    def __init__(self, folder, dtype=torch.float32):
        super().__init__()
        fields = json.loads((folder / "config.json").read_text())
        self.config = SimpleNamespace(**fields, _name_or_path=str(folder))
        names = LLADA if fields["model_type"] == "llada" else OTHERS
        weights = {}
        for file in sorted(folder.glob("*.safetensors")):
            with safe_open(file, "pt") as tensors:
                for name in tensors.keys():
                    weights[name] = tensors.get_tensor(name).to(dtype)
        llada = names is LLADA
        width = fields["d_model" if llada else "hidden_size"]
        heads = fields["n_heads" if llada else "num_attention_heads"]
        kv_heads = fields.get("n_kv_heads" if llada else "num_key_value_heads") or heads
        self.size = fields.get("head_dim") or width // heads
        self.theta = fields["rope_theta"]
        self.epsilon = fields.get("rms_norm_eps", 1e-5)
        self.embedding = weights[names["embedding"] + ".weight"]
        self.last = weights[names["norm"] + ".weight"]
        tied = fields["weight_tying"] if llada else names["head"] + ".weight" not in weights
        self.head = self.embedding if tied else weights[names["head"] + ".weight"]
        parts = {path: part for part, path in names.items()}
        self.layers = torch.nn.ModuleList()
        for number in range(fields["n_layers" if llada else "num_hidden_layers"]):
            prefix = "%s.%d." % (names["layers"], number)
            mine = {}
            for name, tensor in weights.items():
                if name.startswith(prefix):
                    path, kind = name[len(prefix) :].rsplit(".", 1)
                    mine["%s.%s" % (parts[path], kind)] = tensor
            self.layers.append(Layer(mine, heads, kv_heads, self.size, self.epsilon))
        self.eval()

    def rotation(self, positions):
        """Cosines and sines `[batch or 1, 1, length, size]`."""
        powers = torch.arange(0, self.size, 2, dtype=torch.float32) / self.size
        angles = positions.float()[..., None] * (1.0 / self.theta**powers)
        angles = torch.cat((angles, angles), dim=-1)[:, None]
        dtype = self.embedding.dtype
        return angles.cos().to(dtype), angles.sin().to(dtype)

    def forward(self, input_ids, attention_mask=None, position_ids=None):
        """`input_ids` [batch, length] to logits [batch, length, columns]; a mask is added to scores."""
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1])[None]
        tables = self.rotation(position_ids)
        x = F.embedding(input_ids, self.embedding)
        for layer in self.layers:
            x = layer(x, tables, attention_mask)
        return F.linear(F.rms_norm(x, x.shape[-1:], self.last, self.epsilon), self.head)
