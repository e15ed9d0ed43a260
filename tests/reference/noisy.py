#!/usr/bin/env python3
"""Runs diffusers' `EntropyBoundScheduler` on the tiny checkpoints of tests/golden, and writes what it did to
tests/golden/traces/entropy_bound.

How to run it (CPU only, a few seconds; the Python needs torch, safetensors, numpy, xxhash and diffusers 0.42 or later):

    python tests/reference/noisy.py

The scheduler is the installed one. Its draws are made from the noise that demask has for the same seed, step and position, so
that runs can be compared at all; the loop around it is here: one canvas, whose logits are those of a network that reads
prompt and canvas. A position that is not accepted is written down as a mask. Runs are kept as those of rules.py are; those
in which the mask itself is sampled for an accepted position are left out: demask writes no mask.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import torch
from diffusers.schedulers import scheduling_entropy_bound as published

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "reference"), str(TESTS / "python"), str(TESTS.parent / "python")]
from demask import noise  # noqa: E402
from networks import Network  # noqa: E402
from rules import MASK, MODELS, moved, numbers, record  # noqa: E402
from samplers import uniform  # noqa: E402


class Drawing:
    """torch, whose draws are demask's."""

    def __init__(self):
        self.seed = self.step = self.length = 0

    def __getattr__(self, name):
        return getattr(torch, name)

    def multinomial(self, probs, num_samples, generator=None):
        places = list(range(self.length))
        drawn = noise.gumbel(1.0, self.seed, self.step + 1, places, probs.shape[-1], probs.device).double()
        return (probs.double().log() + drawn).argmax(-1, keepdim=True)

    def randint(self, low, high, size, device=None, generator=None):
        """What the next pass is given."""
        return self.input(self.step + 1, high)

    def input(self, step, vocabulary):
        drawn = [int(uniform(self.seed, step, 3, at) * vocabulary) for at in range(self.length)]
        return torch.tensor([drawn])


def run(network, prompt, params):
    """The steps of a run, or None if a mask is accepted."""
    drawing = published.torch = Drawing()
    drawing.seed, drawing.length = params["seed"], params["gen_length"]
    names = ("entropy_bound", "t_max", "t_min", "num_inference_steps")
    scheduler = published.EntropyBoundScheduler(**{name: params[name] for name in names})
    scheduler.set_timesteps(params["num_inference_steps"])
    canvas = drawing.input(0, params["vocab_size"])
    held, steps = [MASK] * params["gen_length"], []
    for drawing.step, step in enumerate(scheduler.timesteps):
        with torch.no_grad():
            logits = network(torch.cat((torch.tensor([prompt]), canvas), -1))[:, len(prompt) :]
        found = scheduler.step(logits, step, canvas)
        canvas = found.prev_sample
        accepted, sampled = found.accepted_index[0], found.sampled_tokens[0]
        p = torch.softmax(found.pred_logits[0].double(), -1)
        after = torch.where(accepted, sampled, MASK).tolist()
        if (accepted & (sampled == MASK)).any():
            return None
        steps.append(
            {
                "ids_before": held,
                "argmax": p.argmax(-1).tolist(),
                "choice": sampled.tolist(),
                "confidence": numbers(found.sampled_probs[0]),
                "score": numbers((p * (p + 1e-10).log()).sum(-1)),
                "ids_after": after,
            }
        )
        held = after
    return steps


def case(length, steps, bound, seed, t_max=0.8, t_min=0.4):
    return {
        "gen_length": length,
        "num_inference_steps": steps,
        "entropy_bound": bound,
        "t_max": t_max,
        "t_min": t_min,
        "seed": seed,
        "vocab_size": 512,
    }


CASES = [
    case(16, 12, 0.1, 1),
    case(16, 12, 2.0, 2),
    case(24, 16, 5.0, 3),
    case(32, 24, 0.5, 4),
    # One position a step, and all of them.
    case(12, 8, 0.0, 5),
    case(12, 6, 1000.0, 6),
    case(1, 4, 0.1, 7),
    case(16, 1, 1.0, 8),
    case(24, 10, 8.0, 9, t_max=0.1, t_min=0.05),
    case(24, 10, 20.0, 10, t_max=2.0, t_min=0.5),
    case(40, 12, 12.0, 11, t_max=0.5, t_min=0.5),
    case(16, 20, 3.0, 12, t_max=0.3, t_min=0.01),
    case(20, 15, 1.0, 13, t_max=0.2, t_min=1.0),
    case(48, 8, 30.0, 14),
]


def main():
    torch.set_num_threads(1)
    names = ("llada-a", "qwen3-a", "llada-b", "qwen2-a")
    networks = {name: [Network(MODELS / name)] + [moved(name, seed) for seed in (11, 12, 13)] for name in names}
    of = "diffusers %s EntropyBoundScheduler, with demask's noise" % version("diffusers")
    listed = [(names[at % 4], 4 + 3 * at % 17, 400 + at, params) for at, params in enumerate(CASES)]

    def once(network, prompt, params):
        return run(network, list(prompt), params)

    record("entropy_bound", of, listed, networks, once)


if __name__ == "__main__":
    main()
