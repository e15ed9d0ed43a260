#!/usr/bin/env python3
"""Writes the files of this folder that PyTorch has to write: what others would have saved, very small.

    python tests/import/make.py        # needs torch (2.15.0 wrote those that are here)

The run is made up: a prompt of two tokens, six positions in two blocks of three, one of them forced.
"""

from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
MASK = 126336
PROMPT, WIDTH, BLOCK = [11, 12], 6, 3
# What the model guesses at every position, prompt included, at each step; and where each step writes, from the start.
GUESSES = [
    [7, 7, 21, 29, 23, 24, 25, 126081],
    [7, 7, 29, 22, 29, 24, 25, 126081],
    [7, 7, 21, 22, 23, 24, 26, 126081],
    [7, 7, 21, 22, 23, 24, 25, 126081],
]
WRITES = [[2, 4], [3], [5], [7]]
FORCED = {6: 99}


def canvases():
    canvas = PROMPT + [MASK] * WIDTH
    for at, token in FORCED.items():
        canvas[at] = token
    yield list(canvas)
    for guesses, writes in zip(GUESSES, WRITES):
        for at in writes:
            canvas[at] = guesses[at]
        yield list(canvas)


class SamplerOutput:
    """As dLLM's, by name: an object whose fields are pickled."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


def main():
    *_, last = run = list(canvases())
    blocks = [range(0, 2), range(2, 4)]
    torch.save(
        {
            "x0_history": [torch.tensor([GUESSES[step] for step in block]) for block in blocks],
            "true_indices_history": [[torch.tensor([[0, at] for at in WRITES[step]]) for step in block] for block in blocks],
            "correct": True,
            "pred_text": "größer",
            "ans_posidx": 4,
            "pred_ans": "23",
            "gt_text": "23",
            "pred_token_id": [23],
            "gt_token_id": [23],
            "prompt_token_len": len(PROMPT),
            "gen_ids": last[len(PROMPT) :],
        },
        HERE / "question_0000_steps_004.pt",
    )
    # A batch of two, the second the first without its forced token, as tensors.
    batch = [torch.tensor([canvas, [MASK if token == 99 else token for token in canvas]]) for canvas in run]
    torch.save(batch, HERE / "histories.pt")
    torch.save({"sequences": batch[-1], "histories": batch}, HERE / "output.pt")
    SamplerOutput.__module__ = "dllm.core.samplers.base"
    import sys
    import types

    module = types.ModuleType("dllm.core.samplers.base")
    module.SamplerOutput = SamplerOutput
    for name in ("dllm", "dllm.core", "dllm.core.samplers"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules[module.__name__] = module
    torch.save(SamplerOutput(sequences=batch[-1], histories=batch), HERE / "object.pt")
    # A view with strides of its own, in numbers of four bytes.
    torch.save(torch.tensor(run, dtype=torch.int32).T.contiguous().T, HERE / "stacked.pt")
    torch.save([torch.rand(8)], HERE / "floats.pt")


if __name__ == "__main__":
    main()
