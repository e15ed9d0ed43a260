"""What these tests share. Those that need torch, transformers or safetensors are skipped where it is not installed.

    python -m unittest discover -s tests/python/engine
"""

import struct
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests/golden"
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests/python")]

try:
    import torch
except ImportError:
    torch = None
try:
    import transformers
except ImportError:
    transformers = None
try:
    import safetensors
except ImportError:
    safetensors = None

needs_torch = unittest.skipIf(torch is None, "needs torch")
needs_transformers = unittest.skipIf(torch is None or transformers is None, "needs torch and transformers")
needs_golden = unittest.skipIf(torch is None or safetensors is None, "needs torch and safetensors")

MASK, EOS = 5, 9


def f32(value):
    """The float32 nearest to a number."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def predict(ids, rows, columns, id=1, **fields):
    """A "predict" message."""
    message = {
        "type": "predict",
        "id": id,
        "pass": {"ids": list(ids), "positions": None, "attention": "full"},
        "rows": list(rows),
        "special": {"mask": MASK, "eos": EOS},
        "columns": list(columns),
        "top_k": 4,
    }
    message.update(fields)
    return message


def unpacked(columns):
    """Columns of a "prediction" message as lists; of candidates, a list of (id, p) a row."""
    from demask.protocol import unpacked_ids, unpacked_numbers

    lists = {}
    for name, column in columns.items():
        if "k" in column:
            k, pairs = column["k"], list(zip(unpacked_ids(column["ids"]), unpacked_numbers(column["p"])))
            lists[name] = [pairs[at : at + k] for at in range(0, len(pairs), k)] if k else []
        else:
            lists[name] = unpacked_ids(column["u32"]) if "u32" in column else unpacked_numbers(column["f32"])
    return lists
