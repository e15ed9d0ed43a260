#!/usr/bin/env python3
"""Writes a LLaDA checkpoint with random weights, as safetensors, as GGUF, or both.

    python benches/baseline/model.py --out /tmp/half-b                    # 0.5 B, float32
    python benches/baseline/model.py --out /tmp/half-b --dtype bf16 --gguf /tmp/half-b.gguf --gguf-type q8_0
    python benches/baseline/model.py --from tests/golden/models/llada-a --gguf /tmp/llada-a.gguf

Needs torch, safetensors, numpy and, for --gguf, gguf (checked with 2.15.0, 0.8.0, 2.4.6, 0.19.0).

The shape is that of Qwen2.5-0.5B (24 layers of width 896, 14 heads on 2 kv heads, MLP 4864, biases on q, k and v, the
head tied to the embedding) with LLaDA's vocabulary of 126,464: 471 M weights. There is no tokenizer: give --prompt-ids.

The weights are not trained but not flat either: attention is sharp enough that positions differ, and the embedding is
scaled so that top probabilities spread over the whole range instead of staying near 1/126464. --spread is the standard
deviation of the logits.

GGUF files use llama.cpp's names for the architecture `llada`, with the rows of q and k permuted as its converter does
(`permuted` below). Biases on q, k and v are ours: llama.cpp itself expects none.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

TYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def config_of(args):
    return {
        "activation_type": "silu",
        "alibi": False,
        "architectures": ["LLaDAModelLM"],
        "attention_layer_norm": False,
        "bias_for_layer_norm": False,
        "block_group_size": 1,
        "block_type": "llama",
        "d_model": args.d_model,
        "embedding_size": args.vocab,
        "eos_token_id": args.eos,
        "include_bias": False,
        "include_qkv_bias": not args.no_qkv_bias,
        "input_emb_norm": False,
        "layer_norm_type": "rms",
        "layer_norm_with_affine": True,
        "mask_token_id": args.mask,
        "max_sequence_length": args.max_length,
        "mlp_hidden_size": args.mlp,
        "mlp_ratio": 4,
        "model_type": "llada",
        "multi_query_attention": None,
        "n_heads": args.heads,
        "n_kv_heads": args.kv_heads,
        "n_layers": args.layers,
        "pad_token_id": args.eos,
        "rms_norm_eps": 1e-05,
        "rope": True,
        "rope_full_precision": True,
        "rope_theta": args.rope_theta,
        "scale_logits": False,
        "torch_dtype": {"f32": "float32", "bf16": "bfloat16"}[args.dtype],
        "use_cache": False,
        "vocab_size": args.vocab,
        "weight_tying": not args.untied,
    }


def random_weights(config, seed, spread):
    """Float32 weights under LLaDA's tensor names."""
    rng = torch.Generator().manual_seed(seed)
    width, mlp, heads = config["d_model"], config["mlp_hidden_size"], config["n_heads"]
    kv = width // heads * config["n_kv_heads"]

    def normal(std, *shape, mean=0.0):
        return torch.empty(shape).normal_(mean, std, generator=rng)

    def linear(rows, columns, gain=1.0):
        return normal(gain / math.sqrt(columns), rows, columns)

    # A small embedding: what the layers add outweighs it, or a tied head would see the mask token everywhere.
    embedding = 0.02
    # The final norm sets the size of the hidden state, and with it the spread of the logits.
    size = spread / (math.sqrt(width) * embedding)
    # Each of the 2 x layers additions is this large, so that the residual stream ends near 1 whatever the depth.
    step = 1.0 / math.sqrt(2 * config["n_layers"])
    tensors = {"model.transformer.wte.weight": normal(embedding, config["embedding_size"], width)}
    for n in range(config["n_layers"]):
        block = f"model.transformer.blocks.{n}"
        tensors[f"{block}.attn_norm.weight"] = normal(0.1, width, mean=1.0)
        for name, rows, gain in (("q_proj", width, 1.4), ("k_proj", kv, 1.4), ("v_proj", kv, 1.0)):
            tensors[f"{block}.{name}.weight"] = linear(rows, width, gain)
            if config["include_qkv_bias"]:
                tensors[f"{block}.{name}.bias"] = normal(0.3, rows)
        tensors[f"{block}.attn_out.weight"] = linear(width, width, 2.0 * step)
        tensors[f"{block}.ff_norm.weight"] = normal(0.1, width, mean=1.0)
        tensors[f"{block}.ff_proj.weight"] = linear(mlp, width)
        tensors[f"{block}.up_proj.weight"] = linear(mlp, width)
        tensors[f"{block}.ff_out.weight"] = linear(width, mlp, 2.0 * step)
    tensors["model.transformer.ln_f.weight"] = normal(0.1 * size, width, mean=size)
    if not config["weight_tying"]:
        tensors["model.transformer.ff_out.weight"] = normal(embedding, config["embedding_size"], width)
    return tensors


# ---- GGUF ------------------------------------------------------------------------------------------------------

OUTER = {"wte": "token_embd", "ln_f": "output_norm", "ff_out": "output"}
INNER = {
    "attn_norm": "attn_norm",
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "attn_out": "attn_output",
    "ff_norm": "ffn_norm",
    "ff_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "ff_out": "ffn_down",
}


def gguf_name(name):
    """`model.transformer.blocks.3.q_proj.weight` becomes `blk.3.attn_q.weight`."""
    parts = name.removeprefix("model.transformer.").split(".")
    if parts[0] == "blocks":
        return f"blk.{parts[1]}.{INNER[parts[2]]}.{parts[3]}"
    return f"{OUTER[parts[0]]}.{parts[1]}"


def permuted(weight, heads):
    """Rows in the order of rotation by neighbours: row i and row i + d/2 of a head become rows 2i and 2i + 1."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def add_tokenizer(writer, folder, vocab):
    from gguf import TokenType

    source = json.loads((folder / "tokenizer.json").read_text())
    texts = {i: (text, TokenType.NORMAL) for text, i in source["model"]["vocab"].items()}
    for token in source["added_tokens"]:
        texts[token["id"]] = (token["content"], TokenType.CONTROL if token["special"] else TokenType.USER_DEFINED)
    tokens = [texts.get(i, (f"[PAD{i}]", TokenType.UNUSED)) for i in range(vocab)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_types([int(kind) for _, kind in tokens])
    merges = source["model"]["merges"]
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in merges])
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    if template := settings.get("chat_template"):
        writer.add_chat_template(template)


def write_gguf(path, config, tensors, kind, tokenizer=None):
    import gguf

    kv_heads = config["n_kv_heads"] or config["n_heads"]
    vocab = config["embedding_size"] or config["vocab_size"]
    types = gguf.GGMLQuantizationType
    wanted = types[kind.upper()]
    writer = gguf.GGUFWriter(str(path), "llada")
    writer.add_file_type(gguf.LlamaFileType[{"F32": "ALL_F32"}.get(kind.upper(), f"MOSTLY_{kind.upper()}")])
    writer.add_block_count(config["n_layers"])
    writer.add_context_length(config["max_sequence_length"])
    writer.add_embedding_length(config["d_model"])
    writer.add_feed_forward_length(config["mlp_hidden_size"])
    writer.add_head_count(config["n_heads"])
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["d_model"] // config["n_heads"])
    writer.add_vocab_size(vocab)
    writer.add_causal_attention(False)
    writer.add_diffusion_shift_logits(False)
    writer.add_mask_token_id(config["mask_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    if tokenizer:
        add_tokenizer(writer, tokenizer, vocab)
    for name, tensor in tensors.items():
        data = tensor.float().numpy()
        if ".q_proj." in name:
            data = permuted(data, config["n_heads"])
        elif ".k_proj." in name:
            data = permuted(data, kv_heads)
        # As in every GGUF file: norms and biases stay float32.
        target = wanted if data.ndim == 2 and data.shape[1] % gguf.GGML_QUANT_SIZES[wanted][0] == 0 else types.F32
        writer.add_tensor(gguf_name(name), gguf.quantize(np.ascontiguousarray(data), target), raw_dtype=target)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder to write config.json and model.safetensors to")
    parser.add_argument("--from", dest="source", type=Path, help="take this LLaDA checkpoint instead of random weights")
    parser.add_argument("--gguf", type=Path, help="GGUF file to write as well")
    parser.add_argument("--gguf-type", default="f32", choices=["f32", "f16", "bf16", "q8_0", "q4_0", "q5_0"])
    parser.add_argument("--dtype", default="f32", choices=TYPES)
    parser.add_argument("--d-model", type=int, default=896)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--heads", type=int, default=14)
    parser.add_argument("--kv-heads", type=int, default=2)
    parser.add_argument("--mlp", type=int, default=4864)
    parser.add_argument("--vocab", type=int, default=126464)
    parser.add_argument("--mask", type=int, default=126336)
    parser.add_argument("--eos", type=int, default=126081)
    parser.add_argument("--max-length", type=int, default=4096)
    parser.add_argument("--rope-theta", type=float, default=1e6)
    parser.add_argument("--untied", action="store_true", help="a head of its own")
    parser.add_argument("--no-qkv-bias", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spread", type=float, default=6.0, help="standard deviation of the logits")
    args = parser.parse_args()
    if not (args.out or args.gguf):
        parser.error("nothing to write: give --out, --gguf or both")
    if args.source:
        config = json.loads((args.source / "config.json").read_text())
        tensors = {}
        for file in sorted(args.source.glob("*.safetensors")):
            tensors.update(load_file(file))
    else:
        config = config_of(args)
        tensors = random_weights(config, args.seed, args.spread)
        tensors = {name: tensor.to(TYPES[args.dtype]) for name, tensor in tensors.items()}
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        save_file(tensors, args.out / "model.safetensors", {"format": "pt"})
    if args.gguf:
        tokenizer = args.source if args.source and (args.source / "tokenizer.json").exists() else None
        write_gguf(args.gguf, config, tensors, args.gguf_type, tokenizer)
    print(f"{sum(tensor.numel() for tensor in tensors.values()):,} weights")


if __name__ == "__main__":
    main()
