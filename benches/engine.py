"""What an engine costs beside the model it holds: passes that demask asks for against calls of the same model.

    python benches/engine.py [--positions 64] [--vocabulary 4096] [--pass-ms 20] [--rounds 5]

Needs torch and the program demask (DEMASK names it, else it is looked for on the path). A pass is a matrix product,
repeated until `--pass-ms` are over, and returns logits that are there already. Calls and passes take turns. A pass of an
engine also reduces the logits to what decisions need, which a sampling loop has to do too: that is timed alone as well.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "python"), str(Path(__file__).resolve().parent)]

import torch

import demask
from driving import Work, timed

PASSES = 20


def model_of(given: argparse.Namespace):
    torch.manual_seed(0)
    logits = torch.randn(1, 4 * given.positions, given.vocabulary)
    # A trained model does not write its mask.
    logits[..., -1] = -10.0
    work = Work(given.pass_ms / 1000)
    # The engine does as much work as the calls that it is held against, and does not measure its own.
    work.times = given.times = given.times or work.times

    def model(ids, mask, positions):
        if given.elsewhere:
            time.sleep(given.pass_ms / 1000)
        else:
            work()
        return logits[:, : ids.shape[1]].expand(ids.shape[0], -1, -1)

    return model


def through_demask(given: argparse.Namespace) -> float:
    """Seconds of a pass, as demask measures it from request to prediction."""
    engine = [sys.executable, __file__, "--serve"]
    engine += ["--times", str(given.times), "--positions", str(given.positions), "--vocabulary", str(given.vocabulary), "--pass-ms", str(given.pass_ms)]
    engine += ["--elsewhere"] if given.elsewhere else []
    command = [os.environ.get("DEMASK", "demask"), "bench", "--no-config", "--json", "--engine", subprocess.list2cmdline(engine)]
    command += ["--prompt-ids", "3,4", "--lengths", str(given.positions), "--repeats", str(PASSES)]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return told["lengths"][0]["pass"]["p50"] / 1000


def reduction(given: argparse.Namespace) -> float:
    """Seconds that probabilities, the best token and the best eight candidates of the logits take."""
    logits = torch.randn(given.positions, given.vocabulary)

    def reduce():
        p = torch.softmax(logits.double(), -1)
        return p.max(-1), p.topk(8, -1), -(p * p.clamp_min(1e-300).log()).sum(-1)

    return statistics.median(timed(reduce) for _ in range(PASSES))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--positions", type=int, default=64)
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--pass-ms", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--elsewhere", action="store_true", help="the pass is computed by another device: the CPU waits for it")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--times", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = model_of(given)
    if given.serve:
        demask.serve(model, mask=given.vocabulary - 1, eos=1, attention="full", masks="additive", probe=False)
        return
    ids = torch.zeros(1, given.positions + 2, dtype=torch.int64)
    calls, passes = [], []
    for _ in range(given.rounds):
        calls.append(statistics.median(timed(lambda: model(ids, None, None)) for _ in range(PASSES)))
        passes.append(through_demask(given))
    direct, engine = statistics.median(calls), statistics.median(passes)
    print("a call of the model: %.2f ms; a pass through demask: %.2f ms" % (1000 * direct, 1000 * engine))
    print("rate of passes against calls: %.1f %%" % (100 * direct / engine))
    print("reducing %d x %d logits alone: %.2f ms" % (given.positions, given.vocabulary, 1000 * reduction(given)))


if __name__ == "__main__":
    main()
