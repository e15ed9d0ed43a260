#!/usr/bin/env python3
"""Serves a checkpoint of tests/golden with PyTorch, as a user serves their own model:

    demask --engine "python tests/python/serve_llada.py tests/golden/models/llada-a"
    python tests/python/serve_llada.py tests/golden/models/llada-a --listen unix:/tmp/llada.sock

Needs torch and safetensors; the texts of tokens are there where the library tokenizers is.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests/python")]

import demask
from demask.memory import Memory
from networks import Network


def tokenizer_of(folder):
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    file = folder / "tokenizer.json"
    return Tokenizer.from_file(str(file)) if file.exists() else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="checkpoint folder: config.json and safetensors")
    parser.add_argument("--listen", metavar="ADDRESS", help="unix:PATH or tcp:127.0.0.1:PORT, in place of the pipes")
    parser.add_argument("--columns", action="store_true", help="reduce logits in PyTorch, as on a GPU")
    args = parser.parse_args()
    if args.columns:
        Memory.at = lambda _: None
    network = Network(args.folder)
    demask.serve(network, tokenizer_of(args.folder), masks="additive", listen=args.listen)


if __name__ == "__main__":
    main()
