#!/usr/bin/env python3
"""Makes the tiny checkpoints and golden logits of the families with experts and of SDAR: llada2-moe-a, lladamoe-a,
lladamoe-b, sdar-a and sdar-moe-a.

How to run it (CPU only, about half a minute):

    git clone https://github.com/ZHZisZZ/dllm
    pip install torch==2.15.0 transformers==4.57.1 safetensors==0.8.0 numpy==2.4.6
    python tests/reference/experts.py --dllm dllm

It rewrites only what it made itself: these models, their forward files, and their entries in
tests/golden/forward/index.json.

The networks of LLaDA2.x and LLaDA-MoE are dllm's copies of the published modeling files. SDAR's own file needs a GPU, so
transformers' Qwen3 and Qwen3-MoE are run under its mask, which is the same arithmetic.
"""

import argparse
import importlib
import json
import math
import sys
from pathlib import Path

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

sys.path.insert(0, str(Path(__file__).resolve().parent))
from forward import ENDOFTEXT, GOLDEN, IM_END, IM_START, MASK, VOCAB, Ids, plain, qwen_tokenizer, standard, write_case, write_json, write_model  # noqa: E402

SHARED = {
    "attention_dropout": 0.0,
    "eos_token_id": IM_END,
    "pad_token_id": ENDOFTEXT,
    "hidden_act": "silu",
    "hidden_size": 64,
    "initializer_range": 0.02,
    "max_position_embeddings": 2048,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
    "transformers_version": "4.57.1",
    "use_cache": False,
    "vocab_size": VOCAB,
}


def spread(model, seed):
    """Random weights with which attention is sharp, routers are sure of their experts, and logits reach about 10."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted([*model.named_parameters(), *model.named_buffers()]):
            if "inv_freq" in name:
                continue
            leaf = name.rsplit(".", 1)[0].rsplit(".", 1)[-1]
            if name.endswith("expert_bias"):
                std, mean = 0.1, 0.0
            elif "embed" in leaf:
                std, mean = 1.0, 0.0
            elif weight.dim() == 1:
                std, mean = 0.1, 0.0 if name.endswith("bias") else 1.0
            else:
                gain = {"lm_head": 5.0, "gate": 2.0}.get(leaf, 1.6)
                std, mean = gain / math.sqrt(weight.shape[1]), 0.0
            weight.copy_(torch.randn(weight.shape, generator=rng) * std + mean)
    return model.eval()


def of_dllm(dllm, folder, name):
    """The configuration and the model of a package of dllm, without the rest of dllm."""
    sys.path.insert(0, str(dllm / "dllm" / "pipelines" / folder))
    try:
        for loaded in [key for key in sys.modules if key == "models" or key.startswith("models.")]:
            del sys.modules[loaded]
        package = type(sys)("models")
        package.__path__ = [str(dllm / "dllm" / "pipelines" / folder / "models")]
        sys.modules["models"] = package
        return (importlib.import_module(f"models.{kind}_{name}") for kind in ("configuration", "modeling"))
    finally:
        sys.path.pop(0)


def llada2_moe(dllm):
    config = {
        "architectures": ["LLaDA2MoeModelLM"],
        "model_type": "llada2_moe",
        **SHARED,
        "first_k_dense_replace": 1,
        "head_dim": 32,
        "intermediate_size": 96,
        "moe_intermediate_size": 32,
        "moe_router_enable_expert_bias": True,
        "n_group": 4,
        "norm_topk_prob": True,
        "num_experts": 16,
        "num_experts_per_tok": 4,
        "num_hidden_layers": 3,
        "num_shared_experts": 1,
        "output_router_logits": False,
        "partial_rotary_factor": 0.5,
        "rope_theta": 600000,
        "routed_scaling_factor": 2.5,
        "score_function": "sigmoid",
        "topk_group": 2,
        "use_bias": False,
        "use_qk_norm": True,
        "use_qkv_bias": False,
    }
    configuration, modeling = of_dllm(dllm, "llada21", "llada21_moe")
    network = configuration.LLaDA2MoeConfig(**config)
    network._attn_implementation = "sdpa"
    return spread(modeling.LLaDA2MoeModelLM(network), 41), config


def lladamoe(dllm, seed, **fields):
    config = {
        "architectures": ["LLaDAMoEModel"],
        "model_type": "llada",
        **SHARED,
        "attention_bias": False,
        "clip_qkv": None,
        "dense_intermediate_size": 96,
        "expert_intermediate_size": 32,
        "moe_layer_freq": [0, 1, 1],
        "moe_router_enable_expert_bias": True,
        "moe_router_score_function": "softmax",
        "norm_topk_prob": None,
        "num_experts": 8,
        "num_experts_per_tok": 3,
        "num_hidden_layers": 3,
        "partial_rotary_factor": 1,
        "qk_layernorm": True,
        "rope_theta": 50000,
        "routed_scaling_factor": 1,
        "router_num_group": None,
        "router_topk_group": None,
        "shared_expert_intermediate_size": 48,
        **fields,
    }
    configuration, modeling = of_dllm(dllm, "llada", "lladamoe")
    network = configuration.LLaDAMoEConfig(**config)
    network._attn_implementation = "sdpa"
    return spread(modeling.LLaDAMoEModelLM(network), seed), config


# What the published checkpoints have, and llama.cpp's files can say.
AS_PUBLISHED = {
    "moe_layer_freq": [1, 1],
    "moe_router_enable_expert_bias": False,
    "num_hidden_layers": 2,
    "shared_expert_intermediate_size": None,
}


SDAR = {
    **SHARED,
    "attention_bias": False,
    "head_dim": 32,
    "intermediate_size": 96,
    "mask_token_id": MASK,
    "max_window_layers": 3,
    "rope_theta": 1000000,
    "sliding_window": None,
    "use_sliding_window": False,
}


def sdar():
    config = {"architectures": ["SDARForCausalLM"], "model_type": "sdar", **SDAR, "block_size": 4, "num_hidden_layers": 2}
    network = Qwen3Config(**{**config, "model_type": "qwen3"})
    network._attn_implementation = "sdpa"
    return spread(Qwen3ForCausalLM(network), 43), config


def sdar_moe():
    config = {
        "architectures": ["SDARMoeForCausalLM"],
        "model_type": "sdar_moe",
        **SDAR,
        "block_size": 4,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [1],
        "moe_intermediate_size": 32,
        "norm_topk_prob": True,
        "num_experts": 8,
        "num_experts_per_tok": 3,
        "num_hidden_layers": 3,
        "router_aux_loss_coef": 0.001,
    }
    network = Qwen3MoeConfig(**{**config, "model_type": "qwen3_moe"})
    network._attn_implementation = "sdpa"
    return spread(Qwen3MoeForCausalLM(network), 44), config


def blocks(index, model, name, case, ids, size):
    """A pass in blocks of `size` from position 0 on; the mask must matter."""
    at = torch.arange(ids.shape[1]) // size
    inputs = {"input_ids": ids, "attention_mask": (at[None, :] <= at[:, None])[None, None].expand(len(ids), -1, -1, -1)}
    write_case(index, model, name, case, ids, None, inputs, {"block_causal": size})
    with torch.no_grad():
        full = model(input_ids=ids, attention_mask=torch.ones_like(inputs["attention_mask"])).logits
        assert (full - model(**inputs).logits).abs()[:, 0].max() > 0.1, case


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dllm", type=Path, required=True, help="a clone of dllm")
    dllm = parser.parse_args().dllm.resolve()
    torch.set_num_threads(1)
    index_file = GOLDEN / "forward" / "index.json"
    known = json.loads(index_file.read_text())
    made, index = ("llada2-moe-a", "lladamoe-a", "lladamoe-b", "sdar-a", "sdar-moe-a"), {}
    for name, seed, size, (model, config) in (
        ("llada2-moe-a", 1, 32, llada2_moe(dllm)),
        ("sdar-a", 2, 4, sdar()),
        ("sdar-moe-a", 3, 4, sdar_moe()),
    ):
        write_model(name, model, config, qwen_tokenizer())
        ids = Ids(seed)
        # The prompt ends within a block; the last block is whole, or not.
        blocks(index, model, name, f"1-blocks-{size}", torch.tensor([ids.canvas(11, 53, 0, 0.4)]), size)
        blocks(index, model, name, "2-blocks-8-two-rows", torch.tensor([ids.canvas(5, 30, 2, 0.5), ids.canvas(20, 17)]), 8)
    for name, seed, only, (model, config) in (
        ("lladamoe-a", 4, "1234", lladamoe(dllm, 42)),
        ("lladamoe-b", 5, "12", lladamoe(dllm, 45, **AS_PUBLISHED)),
    ):
        write_model(name, model, config, qwen_tokenizer())
        plain(index, model, name, standard(Ids(seed), only))
    entries = [entry for entry in known if entry["model"] not in made] + list(index.values())
    index_file.write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    main()
