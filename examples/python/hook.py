#!/usr/bin/env python3
"""A loop that cannot be changed, recorded by watching the model it calls.

    python examples/python/hook.py run.jsonl && demask replay run.jsonl

A canvas is the input of a forward pass, a prediction its output, and the next input shows what came of it. A torch
module is hooked where it is (`register_forward_hook`); of a function, `watching` gives a wrapper.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

import llada_loop as somebody
from demask import Recorder


def generate(model):
    """Somebody's loop: nothing in it knows of a recorder."""
    x = somebody.PROMPT + [somebody.MASK] * len(somebody.MIND)
    for at in range(len(somebody.PROMPT), len(x)):
        logits = model(x)
        x = x[:at] + [logits[at].index(max(logits[at]))] + x[at + 1 :]
    return x


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "run.jsonl"
    recorder = Recorder(path, mask=somebody.MASK, eos=somebody.END, tokenizer=somebody.text, strategy="left_to_right")
    with recorder.watching(somebody.model) as model:
        x = generate(model)
    recorder.close(x)
    print(x[len(somebody.PROMPT) :])


if __name__ == "__main__":
    main()
