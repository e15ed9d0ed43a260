#!/usr/bin/env python3
"""A sampling loop in the manner of LLaDA's generate.py, recorded in three lines (marked below).

    python examples/python/llada_loop.py run.jsonl && demask replay run.jsonl

The model is a stand-in that needs nothing but Python: it has a sentence in mind, and is surer of what stands beside
something written. With PyTorch the three lines are the same; `x` and `logits` are tensors then.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from demask import Recorder  # line 1; or from a copy of recorder.py beside your code

TEXTS = ["<mask>", "<end>", "Say", ":", " the", " owl", " finds", " a", " drum", ".", "\n", b"\xc3", b"\xa9"]
MASK, END = 0, 1
PROMPT = [2, 3]
MIND = [4, 5, 6, 7, 8, 9, 1, 1]


def text(token):
    return {"control": TEXTS[token]} if token in (MASK, END) else TEXTS[token]


def model(x):
    """Logits of every position, [positions, vocabulary]."""
    logits = []
    for at in range(len(x)):
        row = [0.0] * len(TEXTS)
        if at >= len(PROMPT):
            token = MIND[at - len(PROMPT)]
            beside = [x[near] != MASK for near in (at - 1, at + 1) if near < len(x)]
            row[token] = 2.0 + 1.5 * sum(beside) - 0.1 * at
            row[MASK] = float("-inf")
        logits.append(row)
    return logits


def generate(recorder):
    x = PROMPT + [MASK] * len(MIND)
    while MASK in x:
        logits = model(x)
        x0 = [row.index(max(row)) for row in logits]
        order = sorted((at for at in range(len(x)) if x[at] == MASK), key=lambda at: -max(logits[at]))
        for at in order[:2]:
            x[at] = x0[at]
        recorder.step(x, logits=logits)  # line 2: behind the line that writes into x
    return x


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "run.jsonl"
    recorder = Recorder(
        path, mask=MASK, eos=END, tokenizer=text, prompt=PROMPT, strategy="llada", model="stand-in", prompt_text="Say:"
    )
    x = generate(recorder)
    recorder.close()  # line 3
    print(x[len(PROMPT) :])


if __name__ == "__main__":
    main()
