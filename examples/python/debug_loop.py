#!/usr/bin/env python3
"""A sampling loop under the debugger, with a knob and edits, in four lines (marked below).

    python examples/python/debug_loop.py        # in one terminal
    demask attach                               # in another

The model is a stand-in that needs nothing but Python; see llada_loop.py, whose model it is. With PyTorch the four lines
are the same.
"""

import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "python"), str(Path(__file__).resolve().parent)]

from llada_loop import END, MASK, MIND, PROMPT, model, text

import demask


def main():
    x = PROMPT + [MASK] * len(MIND)
    facts = dict(mask=MASK, eos=END, tokenizer=text, prompt=PROMPT, name="owl", prompt_text="Say:")
    with demask.debug(**facts, wait="--wait" in sys.argv) as dbg:  # line 1
        n = dbg.knob("per_step", 1, 1, 4, help="Positions written in a step")  # line 2
        while MASK in x:
            time.sleep(0.05)  # a model takes its time
            logits = model(x)
            masked = sorted((at for at in range(len(x)) if x[at] == MASK), key=lambda at: -max(logits[at]))
            at = masked[: int(n)]
            tokens = [logits[one].index(max(logits[one])) for one in at]
            at, tokens = dbg.propose(x, at, tokens, logits=logits)  # line 3: shown before it is done
            for one, token in zip(at, tokens):
                x[one] = token
            x = dbg.step(x)  # line 4
    print(x[len(PROMPT) :])


if __name__ == "__main__":
    main()
