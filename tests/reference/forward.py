#!/usr/bin/env python3
"""Makes the tiny checkpoints and golden logits of the families listed in tests/golden/FORMAT.md, "Later families".

How to run it (CPU only, about half a minute):

    git clone https://github.com/ZHZisZZ/dllm && git -C dllm checkout ca176752fbceec49c6b4777a2c18ae88e4eb10ed
    pip install torch==2.15.0 transformers==4.57.1 safetensors==0.8.0 numpy==2.4.6
    python tests/reference/forward.py --dllm dllm

It rewrites only what it made itself: the models named below, their forward files, the bd3lm files of qwen3-a, and
their entries in tests/golden/forward/index.json. With the same versions it writes the same bytes.

The networks are the published ones: a2d-Qwen2 and a2d-Qwen3 from the dllm repository, ModernBERT from transformers.
The block-causal mask is the one of `_prepare_for_sampling` in dllm's bd3lm sampler. iLLaDA is the exception: its own
modeling file is not in any repository this script could clone, so transformers' Llama is run with a full mask, which
is the same arithmetic (see FORMAT.md).
"""

import argparse
import ast
import importlib.util
import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM, ModernBertConfig, ModernBertForMaskedLM

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
VOCAB = 512
ENDOFTEXT, IM_START, IM_END, MASK = 502, 503, 504, 507
TEXT = 502  # ids below are plain tokens


def module(path):
    """A module loaded from a file, without its package (which would import much more)."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def function(path, name):
    """One top-level function of a file, without running the rest of the file."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    space = {"torch": torch}
    exec(compile(tree, str(path), "exec"), space)
    return space[name]


# ---- weights ---------------------------------------------------------------------------------------------------


def spread(model, seed, tied):
    """Random weights with enough spread that attention is sharp and logits reach about 10 to 20."""
    rng = torch.Generator().manual_seed(seed)

    def normal(shape, std, mean=0.0):
        return torch.randn(shape, generator=rng) * std + mean

    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            leaf, last = name.rsplit(".", 2)[-2:]
            if last == "bias":
                value = normal(weight.shape, 0.5 if leaf == "decoder" else 0.3)
            elif "embed" in leaf:
                value = normal(weight.shape, 1.0)
            elif leaf in ("lm_head", "decoder"):
                value = normal(weight.shape, 0.6)
            elif weight.dim() == 1:
                mean = 1.3 if leaf in ("q_norm", "k_norm") else 1.0
                if leaf == "norm" and tied and (name.startswith("model.norm") or name.startswith("head.norm")):
                    mean = 0.5
                value = normal(weight.shape, 0.1, mean)
            else:
                gain = {"q_proj": 1.7, "k_proj": 1.7, "Wqkv": 1.7, "v_proj": 1.6, "o_proj": 1.6}.get(leaf, 1.0)
                if ".attn.Wo" in name:
                    gain = 1.6
                value = normal(weight.shape, gain / math.sqrt(weight.shape[1]))
            weight.copy_(value)
    return model.eval()


# ---- checkpoint folders ----------------------------------------------------------------------------------------


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_model(name, model, config, tokenizer):
    """A folder as a published repository has it. `tokenizer`: file name to content."""
    folder = GOLDEN / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    state = model.state_dict()
    tied = getattr(model, "_tied_weights_keys", None) or []
    if model.config.tie_word_embeddings:
        state = {key: value for key, value in state.items() if key not in tied}
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "model.safetensors", {"format": "pt"})
    write_json(folder / "config.json", config)
    for file, content in tokenizer.items():
        if isinstance(content, str):
            (folder / file).write_text(content)
        else:
            write_json(folder / file, content)


def qwen_tokenizer():
    source = GOLDEN / "models" / "qwen3-a"
    files = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]
    return {file: (source / file).read_text() for file in files}


def other_tokenizer(special, roles, template=None, shift=0):
    """The byte-level BPE of qwen3-a with other special tokens. `special`: id to text; `roles`: role to text."""
    tokenizer = json.loads((GOLDEN / "models/qwen3-a/tokenizer.json").read_text())
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    tokenizer["model"]["vocab"] = {text: i + shift for text, i in tokenizer["model"]["vocab"].items()}
    tokenizer["added_tokens"] = [{"id": i, "content": text, **flags} for i, text in special.items()]
    if template:
        tokenizer["post_processor"] = template
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **roles,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1000000000000000019884624838656,
        "added_tokens_decoder": {str(i): {"content": text, **flags} for i, text in special.items()},
    }
    return {"tokenizer.json": tokenizer, "tokenizer_config.json": config, "special_tokens_map.json": roles}


# ---- cases -----------------------------------------------------------------------------------------------------


class Ids:
    """Token ids of one family: what masks, pads and ends a canvas."""

    def __init__(self, seed, mask=MASK, eos=IM_END, pad=IM_END, low=0, text=TEXT):
        self.rng = torch.Generator().manual_seed(seed)
        self.mask, self.eos, self.pad, self.low, self.text = mask, eos, pad, low, text

    def words(self, n):
        return torch.randint(self.low, self.text, (n,), generator=self.rng).tolist()

    def canvas(self, prompt, masks, eos=0, filled=0.0):
        row = self.words(prompt) + [self.mask] * masks
        for i in range(prompt, prompt + masks):
            if torch.rand(1, generator=self.rng).item() < filled:
                row[i] = self.words(1)[0]
        return row + [self.eos] * eos

    def padded(self, rows, left):
        width = max(map(len, rows))
        ids, valid = [], []
        for row in rows:
            gap = width - len(row)
            ids.append([self.pad] * gap + row if left else row + [self.pad] * gap)
            valid.append([0] * gap + [1] * len(row) if left else [1] * len(row) + [0] * gap)
        return torch.tensor(ids), torch.tensor(valid)


def standard(ids, only, longer=0):
    """The four cases of FORMAT.md: name to (input_ids, attention_mask or None)."""
    cases = {
        "1-prompt-masks": lambda: (torch.tensor([ids.canvas(5, 24 + longer)]), None),
        "2-partly-filled": lambda: (torch.tensor([ids.canvas(14, 22 + longer, 6, 0.5)]), None),
        "3-batch-right-padded": lambda: ids.padded(
            [ids.canvas(6, 18 + longer, 3, 0.1), ids.canvas(7, 10, 2, 0.2), ids.canvas(8, 14 + longer)], False
        ),
        "4-batch-left-padded": lambda: ids.padded([ids.canvas(12, 14 + longer), ids.canvas(9, 12)], True),
    }
    return {name: make() for name, make in cases.items() if name[0] in only}


def run(model, inputs):
    """Logits in float32 and the largest difference to the same code in float64, in valid rows."""

    def once(dtype):
        cast = {
            key: value.to(dtype) if key == "attention_mask" and value.is_floating_point() else value
            for key, value in inputs.items()
        }
        with torch.no_grad():
            return model.to(dtype)(**cast).logits

    single = once(torch.float32)
    double = once(torch.float64)
    model.to(torch.float32)
    return single, (single.double() - double).abs()


def write_case(index, model, name, case, ids, valid, inputs, attention=None, positions=None, more=None):
    logits, gap = run(model, inputs)
    rows = torch.ones_like(ids).bool() if valid is None else valid.bool()
    tensors = {"input_ids": ids, "logits": logits.contiguous(), **(more or {})}
    if valid is not None:
        tensors["attention_mask"] = valid
    if positions is not None:
        tensors["position_ids"] = positions
    file = f"{name}-{case}.safetensors"
    save_file(tensors, GOLDEN / "forward" / file)
    assert not logits[rows].isnan().any(), file
    entry = {
        "file": file,
        "model": name,
        "shape": list(logits.shape),
        "attention_mask": valid is not None,
        "position_ids": positions is not None,
        "logit_abs_max": logits[rows].abs().max().item(),
        "max_abs_diff_vs_float64": gap[rows].max().item(),
        "nan_rows": int(logits.isnan().any(-1).sum()),
    }
    if attention:
        entry["attention"] = attention
    index[file] = entry
    top = logits[rows].softmax(-1).max(-1).values
    print(f"{file:48} |logits| <= {entry['logit_abs_max']:5.1f}  float64 {entry['max_abs_diff_vs_float64']:.1e}  "
          f"top p {top.min():.2f}..{top.max():.2f}")


def plain(index, model, name, cases):
    for case, (ids, valid) in cases.items():
        inputs = {"input_ids": ids}
        if valid is not None:
            inputs["attention_mask"] = valid
        write_case(index, model, name, case, ids, valid, inputs)


def blocks(index, model, name, case, prepare, ids, size):
    """A pass with the mask and positions of the bd3lm sampler. Padding is every cell that holds the padding token."""
    allowed, positions = prepare(x=ids, block_size=size, pad_token_id=ENDOFTEXT)
    valid = (ids != ENDOFTEXT).long()
    padded = not bool(valid.all())
    inputs = {"input_ids": ids, "attention_mask": allowed, "position_ids": positions}
    write_case(index, model, name, case, ids, valid if padded else None, inputs, {"block_causal": size},
               positions if padded else None)
    if padded:
        return
    # The mask must matter, otherwise the case proves nothing.
    with torch.no_grad():
        full = model(input_ids=ids).logits
        masked = model(**inputs).logits
    assert (full - masked).abs()[:, 0].max() > 0.1, case


def left_padded(ids, prompts, size, last):
    """Rows as the sampler builds them: the prompt fills up to a block boundary from the left, then come new blocks."""
    width = -(-max(map(len, prompts)) // size) * size
    rows = []
    for prompt in prompts:
        row = [ENDOFTEXT] * (width - len(prompt)) + prompt
        rows.append(row + ids.canvas(0, size, 0, 0.6)[:size] + [ids.mask] * last)
    return torch.tensor(rows)


def block_rows(ids, prompt, size, more):
    """One row without padding: a prompt of whole blocks, one filled block, then masks up to a ragged end."""
    return torch.tensor([ids.words(prompt) + ids.canvas(0, size, 0, 0.7) + [ids.mask] * more])


# ---- families --------------------------------------------------------------------------------------------------

QWEN = {
    "attention_dropout": 0.0,
    "bos_token_id": IM_START,
    "eos_token_id": IM_END,
    "pad_token_id": ENDOFTEXT,
    "hidden_act": "silu",
    "hidden_size": 64,
    "initializer_range": 0.02,
    "intermediate_size": 96,
    "max_position_embeddings": 2048,
    "max_window_layers": 2,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 1000000.0,
    "sliding_window": None,
    "torch_dtype": "float32",
    "transformers_version": "4.57.0",
    "use_cache": False,
    "use_sliding_window": False,
    "vocab_size": VOCAB,
}


def qwen(kind, models, seed, head=None, **fields):
    """An a2d model and its config.json. `head`: overrides what the network, not the file, does about tying."""
    source = module(models / kind / f"modeling_{kind}.py")
    name = {"qwen2": "A2DQwen2", "qwen3": "A2DQwen3"}[kind]
    config = {
        "architectures": [f"{name}LMHeadModel"],
        "model_type": f"a2d-{kind}",
        "layer_types": ["full_attention"] * 2,
        **QWEN,
        **fields,
    }
    tied = config["tie_word_embeddings"] if head is None else head
    network = getattr(source, f"{name}Config")(**{**config, "tie_word_embeddings": tied})
    network._attn_implementation = "sdpa"
    return spread(getattr(source, f"{name}LMHeadModel")(network), seed, tied), {**config, "mask_token_id": MASK}


def qwen3_a(models):
    """The network of the checkpoint that was there before."""
    source = module(models / "qwen3" / "modeling_qwen3.py")
    folder = GOLDEN / "models" / "qwen3-a"
    config = source.A2DQwen3Config(**json.loads((folder / "config.json").read_text()))
    config._attn_implementation = "sdpa"
    model = source.A2DQwen3LMHeadModel(config)
    missing, extra = model.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    assert missing == ["lm_head.weight"] and not extra
    model.tie_weights()
    return model.eval()


def modernbert():
    config = {
        "architectures": ["ModernBertForMaskedLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 502,
        "classifier_activation": "gelu",
        "classifier_bias": False,
        "classifier_dropout": 0.0,
        "classifier_pooling": "mean",
        "cls_token_id": 502,
        "decoder_bias": True,
        "deterministic_flash_attn": False,
        "embedding_dropout": 0.0,
        "eos_token_id": 503,
        "global_attn_every_n_layers": 3,
        "global_rope_theta": 160000.0,
        "gradient_checkpointing": False,
        "hidden_activation": "gelu",
        "hidden_size": 64,
        "initializer_cutoff_factor": 2.0,
        "initializer_range": 0.02,
        "intermediate_size": 96,
        "layer_norm_eps": 1e-05,
        "local_attention": 16,
        "local_rope_theta": 10000.0,
        "max_position_embeddings": 8192,
        "mlp_bias": False,
        "mlp_dropout": 0.0,
        "model_type": "modernbert",
        "norm_bias": False,
        "norm_eps": 1e-05,
        "num_attention_heads": 4,
        "num_hidden_layers": 4,
        "pad_token_id": 504,
        "position_embedding_type": "absolute",
        "repad_logits_with_grad": False,
        "sep_token_id": 503,
        "sparse_pred_ignore_index": -100,
        "sparse_prediction": False,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "transformers_version": "4.57.1",
        "vocab_size": VOCAB,
    }
    network = ModernBertConfig(**config, reference_compile=False)
    network._attn_implementation = "sdpa"
    special = dict(zip(range(502, 510), ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "[Question]", "[/Question]", "[Answer]", "[/Answer]"]))
    roles = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    around = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
        "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
        "special_tokens": {text: {"id": text, "ids": [i], "tokens": [text]} for i, text in special.items() if i < 504},
    }
    return spread(ModernBertForMaskedLM(network), 24, True), config, other_tokenizer(special, roles, around)


class Bidirectional(torch.nn.Module):
    """Llama with every cell attending to every valid one: what iLLaDA computes."""

    def __init__(self, llama):
        super().__init__()
        self.llama, self.config = llama, llama.config

    def forward(self, input_ids, attention_mask=None):
        dtype = self.llama.dtype
        valid = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        added = torch.zeros(valid.shape, dtype=dtype).masked_fill(valid == 0, torch.finfo(dtype).min)
        added = added[:, None, None, :].expand(-1, 1, valid.shape[1], -1)
        return self.llama(input_ids=input_ids, attention_mask=added, use_cache=False)


def illada():
    config = {
        "architectures": ["ILLaDAForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 96,
        "layer_norm_eps": None,
        "max_position_embeddings": 8192,
        "mlp_bias": False,
        "model_type": "illada",
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
        "pad_token_id": 1,
        "resid_pdrop": 0.0,
        "rms_norm_eps": 1e-06,
        "rope_scaling": None,
        "rope_theta": 500000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "transformers_version": "4.57.1",
        "use_cache": False,
        "vocab_size": VOCAB,
    }
    plain_fields = {key: value for key, value in config.items() if key not in ("model_type", "architectures")}
    network = LlamaConfig(**plain_fields)
    network._attn_implementation = "sdpa"
    return spread(LlamaForCausalLM(network), 25, True), config


# iLLaDA's special tokens come first in the vocabulary and its config.json names no mask token.
ILLADA_MASK = 5


def illada_tokenizer():
    special = dict(enumerate(["<[BOS]>", "<[PAD]>", "<[EOS]>", "<[UNK]>", "<[SEP]>", "<[MASK]>"]))
    roles = {"bos_token": "<[BOS]>", "eos_token": "<[EOS]>", "pad_token": "<[PAD]>"}
    return other_tokenizer(special, roles, shift=len(special))


# ---- all together ----------------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dllm", type=Path, required=True, help="clone of ZHZisZZ/dllm at ca176752fbce")
    source = parser.parse_args().dllm
    models = source / "dllm/pipelines/a2d/models"
    prepare = function(source / "dllm/core/samplers/bd3lm.py", "_prepare_for_sampling")
    torch.set_num_threads(1)
    index = {}

    model, config = qwen("qwen2", models, 21, tie_word_embeddings=True)
    write_model("qwen2-a", model, config, qwen_tokenizer())
    plain(index, model, "qwen2-a", standard(Ids(1), "1234"))
    ids = Ids(2, pad=ENDOFTEXT)
    blocks(index, model, "qwen2-a", "5-blocks-8", prepare, block_rows(ids, 16, 8, 11), 8)
    blocks(index, model, "qwen2-a", "6-blocks-32-left-padded", prepare,
           left_padded(ids, [ids.words(23)], 32, 0), 32)

    model = qwen3_a(models)
    ids = Ids(3, pad=ENDOFTEXT)
    blocks(index, model, "qwen3-a", "5-blocks-32", prepare, block_rows(ids, 32, 32, 16), 32)
    blocks(index, model, "qwen3-a", "6-blocks-8", prepare, block_rows(ids, 16, 8, 11), 8)
    blocks(index, model, "qwen3-a", "7-blocks-32-left-padded", prepare, left_padded(ids, [ids.words(21)], 32, 32), 32)
    blocks(index, model, "qwen3-a", "8-blocks-8-left-padded", prepare,
           left_padded(ids, [ids.words(13), ids.words(6)], 8, 5), 8)

    model, config = qwen("qwen3", models, 22, head=False, head_dim=32, attention_bias=False, tie_word_embeddings=True)
    write_model("qwen3-untied-head", model, config, qwen_tokenizer())
    case, (ids, _) = next(iter(standard(Ids(4), "2").items()))
    with torch.no_grad():
        hidden = model.model(input_ids=ids).last_hidden_state
        tied = hidden @ model.model.embed_tokens.weight.T
    write_case(index, model, "qwen3-untied-head", case, ids, None, {"input_ids": ids}, more={"logits_tied": tied})

    model, config = qwen("qwen3", models, 23, head_dim=16, attention_bias=True, tie_word_embeddings=True)
    write_model("qwen3-bias", model, config, qwen_tokenizer())
    plain(index, model, "qwen3-bias", standard(Ids(5), "2"))

    model, config, tokenizer = modernbert()
    write_model("modernbert-a", model, config, tokenizer)
    ids = Ids(6, mask=505, eos=509, pad=504)
    cases = standard(ids, "12", 16)
    cases.update(standard(ids, "34", 6))
    plain(index, model, "modernbert-a", cases)

    model, config = illada()
    write_model("illada-a", model, config, illada_tokenizer())
    plain(index, Bidirectional(model).eval(), "illada-a", standard(Ids(7, mask=ILLADA_MASK, eos=2, pad=1, low=6, text=508), "24"))

    path = GOLDEN / "forward" / "index.json"
    entries = [entry for entry in json.loads(path.read_text()) if entry["file"] not in index]
    path.write_text(json.dumps(entries + list(index.values()), indent=1))


if __name__ == "__main__":
    main()
