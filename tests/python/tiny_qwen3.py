#!/usr/bin/env python3
"""Writes a Qwen3 of transformers with random weights, twice: as a checkpoint that transformers loads, and as one of the same
weights that this program computes itself.

    python tests/python/tiny_qwen3.py FOLDER    # FOLDER/theirs and FOLDER/ours

Needs torch and transformers. The tokenizer is that of tests/golden/models/qwen3-a.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

GOLDEN = Path(__file__).resolve().parents[1] / "golden/models/qwen3-a"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def main():
    theirs, ours = (Path(sys.argv[1]) / name for name in ("theirs", "ours"))
    fields = json.loads((GOLDEN / "config.json").read_text())
    kept = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "head_dim")
    kept += ("num_key_value_heads", "max_position_embeddings", "rms_norm_eps", "eos_token_id", "tie_word_embeddings")
    rope = {"rope_type": "default", "rope_theta": fields["rope_theta"]}
    torch.manual_seed(1)
    model = Qwen3ForCausalLM(Qwen3Config(**{name: fields[name] for name in kept}, rope_parameters=rope))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                # With this spread attention is sharp, and probabilities differ.
                weight.normal_(std=1.5 / weight.shape[1] ** 0.5)
    model.save_pretrained(theirs)
    ours.mkdir()
    for file in theirs.glob("*.safetensors"):
        shutil.copy(file, ours)
    (ours / "config.json").write_text(json.dumps(fields))
    for name in TOKENIZER:
        shutil.copy(GOLDEN / name, theirs)
        shutil.copy(GOLDEN / name, ours)


if __name__ == "__main__":
    main()
