"""Tiny random models and a tokenizer for published pipelines. Needs torch, tokenizers and transformers."""

from types import SimpleNamespace

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

PAD, BOS, EOS, MASK = range(4)
WORDS = ["<pad>", "<bos>", "<eos>", "<mask>", *("w%d" % number for number in range(4, 96))]
CHAT = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def tokenizer():
    """96 words, each its own token; a chat is its messages' texts."""
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="w4"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>", "mask_token": "<mask>"}
    made = PreTrainedTokenizerFast(tokenizer_object=words, **special)
    made.chat_template = CHAT
    return made


class Network(torch.nn.Module):
    """A bidirectional network of one attention layer with random weights, float32: ids [batch, length] to logits."""

    def __init__(self, seed=0, width=32):
        super().__init__()
        torch.manual_seed(seed)
        self.embedding = torch.nn.Embedding(len(WORDS), width)
        self.places = torch.nn.Embedding(256, width)
        self.attention = torch.nn.MultiheadAttention(width, 4, batch_first=True)
        self.head = torch.nn.Linear(width, len(WORDS))
        # Such a loop should neither see masks nor the end among the predictions.
        self.never = torch.zeros(len(WORDS)).index_fill_(0, torch.tensor([PAD, BOS, EOS, MASK]), -100.0)
        self.eval()

    @property
    def device(self):
        return self.head.weight.device

    @property
    def dtype(self):
        return self.head.weight.dtype

    def forward(self, input_ids, attention_mask=None, position_ids=None, **_):
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1])[None]
        x = self.embedding(input_ids) + self.places(position_ids)
        hidden = attention_mask == 0 if attention_mask is not None and attention_mask.dim() == 2 else None
        x = x + self.attention(x, x, x, key_padding_mask=hidden, need_weights=False)[0]
        return SimpleNamespace(logits=self.head(x) * 6.0 + self.never)


class BlockNetwork(torch.nn.Module):
    """A Qwen3 with random weights whose attention is block-causal, blocks being counted from position 0.

    A 2-D mask hides positions, as `LLaDA2Pipeline` gives it; a 4-D one is taken as it is. ids [batch, length] to logits.
    """

    def __init__(self, block, seed=0):
        super().__init__()
        self.block, self.network = block, qwen(seed)
        with torch.no_grad():
            for weight in self.network.model.parameters():
                if weight.dim() > 1:
                    weight.normal_(std=1.2 / weight.shape[1] ** 0.5)
        self.never = torch.zeros(len(WORDS)).index_fill_(0, torch.tensor([PAD, BOS, EOS, MASK]), -100.0)
        self.eval()

    @property
    def device(self):
        return self.never.device

    @property
    def dtype(self):
        return self.never.dtype

    def forward(self, input_ids, attention_mask=None, position_ids=None, **_):
        mask = attention_mask
        if mask is None or mask.dim() == 2:
            blocks = torch.arange(input_ids.shape[1]) // self.block
            hidden = (blocks[None, :] > blocks[:, None])[None, None]
            if attention_mask is not None:
                hidden = hidden | (attention_mask == 0)[:, None, None, :]
            mask = torch.zeros(hidden.shape).masked_fill(hidden, torch.finfo(torch.float32).min)
        logits = self.network(input_ids, attention_mask=mask, position_ids=position_ids).logits
        return SimpleNamespace(logits=logits * 2.0 + self.never)


def gemma(seed=0):
    """A DiffusionGemma of transformers with random weights: canvases of 8 positions, 96 tokens."""
    text = {
        "vocab_size": len(WORDS),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "layer_types": ["sliding_attention", "full_attention"],
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "global_head_dim": 8,
        "sliding_window": 16,
        "max_position_embeddings": 256,
        "num_experts": 2,
        "top_k_experts": 1,
        "moe_intermediate_size": 16,
        "pad_token_id": PAD,
        "eos_token_id": EOS,
        "bos_token_id": BOS,
    }
    vision = {
        "model_type": "gemma4_vision",
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 8,
    }
    config = DiffusionGemmaConfig(
        text_config=text, vision_config=vision, canvas_length=8, boi_token_id=93, eoi_token_id=94, image_token_id=95
    )
    torch.manual_seed(seed)
    return DiffusionGemmaForBlockDiffusion(config).eval()


def qwen(seed=0):
    """A Qwen3 of transformers with random weights, which takes a 4-D mask and keeps a cache."""
    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 8}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256}
    model = Qwen3ForCausalLM(Qwen3Config(vocab_size=len(WORDS), **sizes, **heads)).eval()
    with torch.no_grad():
        # Among its predictions are neither the special tokens nor, with so little spread, always the same one.
        model.lm_head.weight.normal_(std=0.5)
        model.lm_head.weight[: MASK + 1] = 0.0
    return model
