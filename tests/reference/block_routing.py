#!/usr/bin/env python3
"""Writes tests/golden/block_routing.json: which experts SGLang's kernels choose for blocks of positions.

How to run it (CPU only, some seconds):

    pip install torch triton
    pip download --no-deps sglang==0.5.23
    unzip sglang-*.whl sglang/srt/models/llada2.py
    python tests/reference/block_routing.py --llada2 sglang/srt/models/llada2.py

The two kernels are taken out of the published file and run by Triton's interpreter, with triton.language's exp in place
of CUDA's.
"""

import argparse
import importlib.util
import json
import os
import tempfile
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "1"
import torch  # noqa: E402
import triton  # noqa: E402

OUT = Path(__file__).resolve().parent.parent / "golden/block_routing.json"

# Name, positions, experts, block, capacity, chosen.
CASES = [
    ("plain", 8, 8, 4, 4, 2),
    ("a last block that is cut", 10, 16, 4, 6, 3),
    ("shorter than a block", 5, 16, 8, 5, 4),
    ("as many as are chosen", 8, 8, 4, 2, 2),
    ("all experts", 8, 8, 4, 8, 2),
    ("one expert", 8, 8, 4, 4, 1),
    ("ties", 8, 8, 4, 4, 2),
    ("blocks of one", 6, 12, 1, 4, 2),
    ("a large bias", 16, 16, 16, 6, 2),
]


def kernels(path):
    """The published kernels, as a module."""
    text = path.read_text()
    start, end = text.index("@triton.jit\ndef _block_aggregation_kernel"), text.index("def block_topk_triton")
    text = "import triton\nimport triton.language as tl\n" + text[start:end].replace("libdevice.exp(", "tl.exp(")
    file = Path(tempfile.mkdtemp()) / "kernels.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location("kernels", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def chosen(module, logits, bias, block, capacity, many):
    """Experts and weights of each position, best first."""
    positions, experts = logits.shape
    blocks, power = triton.cdiv(positions, block), triton.next_power_of_2
    allowed = torch.empty((blocks, capacity), dtype=torch.int32)
    ids = torch.empty((positions, many), dtype=torch.int32)
    weights = torch.empty((positions, many), dtype=torch.float32)
    strides = (logits.stride(0), logits.stride(1), bias.stride(0))
    module._block_aggregation_kernel[(blocks,)](
        logits, bias, allowed, positions, experts, block, capacity, *strides, BLOCK_SIZE_E=power(experts), BLOCK_SIZE_T=block
    )
    module._token_topk_kernel[(positions,)](
        logits, bias, allowed, ids, weights, positions, experts, capacity, block, many, *strides,
        BLOCK_SIZE_C=power(capacity), TOPK_POW2=power(many),
    )
    return ids, weights


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llada2", type=Path, required=True, help="SGLang's models/llada2.py")
    module = kernels(parser.parse_args().llada2)
    rng = torch.Generator().manual_seed(5)
    cases = []
    for name, positions, experts, block, capacity, many in CASES:
        logits = torch.randn((positions, experts), generator=rng)
        bias = torch.randn((experts,), generator=rng) * (0.5 if name == "a large bias" else 0.05)
        if name == "ties":
            logits, bias = logits.round(), torch.zeros(experts)
        ids, weights = chosen(module, logits, bias, block, capacity, many)
        case = {"name": name, "block": block, "capacity": capacity, "chosen": many}
        case |= {"logits": logits.tolist(), "bias": bias.tolist(), "experts": ids.tolist(), "weights": weights.tolist()}
        cases.append(case)
    OUT.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
