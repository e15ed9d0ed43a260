"""What it costs a sampling loop to be debuggable: alone, and with a debugger attached that goes on at once.

    python benches/driving.py [--steps 200] [--positions 256] [--vocabulary 32000] [--step-ms 20]

Needs torch. A step is a matrix product that takes as long as `--step-ms` says, repeated as often as that needs. Every
ratio is of steps in turn, in one process: with `step` and without, so that what else the machine does meets both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

import torch

import demask

CLIENT = """
import json, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
send = lambda m: s.sendall(json.dumps(m).encode() + b"\\n")
send({"type": "hello", "protocol": 1, "program": "bench", "token": None})
for line in s.makefile("rb"):
    if b'"type":"waiting"' in line[:20]:
        send({"type": "go", "from": json.loads(line)["node"]})
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--positions", type=int, default=256)
    parser.add_argument("--vocabulary", type=int, default=32000)
    parser.add_argument("--step-ms", type=float, default=20.0)
    given = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    mask = given.vocabulary - 1
    x = torch.full((1, given.positions), mask)
    logits = torch.randn(1, given.positions, given.vocabulary)
    work = Work(given.step_ms / 1000)

    with demask.debug(mask=mask, quiet=True) as dbg:
        count = 200_000
        took = timed(lambda: [dbg.step(x, logits=logits) for _ in range(count)]) / count
        empty = timed(lambda: [work.nothing(x, logits=logits) for _ in range(count)]) / count
        said("a call of step, nobody attached", took - empty, given.step_ms)
        with_, without = [], []
        for turn in range(given.steps):
            # Each of both is first in turn, in time of the processor: another process takes none of it.
            pair = [lambda: without.append(timed(work, time.thread_time))]
            pair.insert(turn % 2, lambda: with_.append(timed(lambda: (work(), dbg.step(x, logits=logits)), time.thread_time)))
            for one in pair:
                one()
        ratio = statistics.median(with_) / statistics.median(without)
        print("a step of %.1f ms with it, nobody attached: ratio %.4f" % (1000 * statistics.median(without), ratio))

    for name, columns in (("canvas alone", {}), ("with logits", {"logits": logits})):
        attached(name, given, mask, x, columns)
    travelling(given, mask, x)


def attached(name: str, given: argparse.Namespace, mask: int, x: torch.Tensor, columns: dict) -> None:
    """Steps with a debugger in another process, which says go at once."""
    with tempfile.TemporaryDirectory() as folder:
        address = "unix:%s/loop" % folder
        with demask.debug(mask=mask, quiet=True, wait=True, listen=address, canvas=x) as dbg:
            client = debugger(address)
            dbg.step(x)
            took = statistics.median(timed(lambda: dbg.step(x, **columns)) for _ in range(given.steps))
        client.wait()
    said("a step to a debugger and back, %s" % name, took, given.step_ms)


def travelling(given: argparse.Namespace, mask: int, x: torch.Tensor) -> None:
    """Steps of `demask.run` with a debugger: they are kept too."""
    marks, kept = [], []

    def step(x: torch.Tensor, state: dict, dbg: demask.Debug) -> torch.Tensor:
        marks.append(time.perf_counter())
        kept[:] = [dbg._waiting_fields()["kept"]]
        torch.rand(1, generator=state["generator"])
        return x

    with tempfile.TemporaryDirectory() as folder:
        address = "unix:%s/loop" % folder
        client = debugger(address, patience=20)
        state = {"generator": torch.Generator(), "scores": torch.zeros(given.positions)}
        demask.run(step, x, state, mask=mask, quiet=True, wait=True, listen=address, steps=given.steps)
        client.wait()
    took = statistics.median(b - a for a, b in zip(marks[1:], marks[2:]))
    said("a step of demask.run, kept, to a debugger and back", took, given.step_ms)
    print("kept of a step: %.1f kB" % (kept[0]["bytes"] / kept[0]["nodes"] / 1000))


def debugger(address: str, patience: float = 0) -> subprocess.Popen:
    """A debugger in another process; it waits until somebody listens."""
    wait = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\n" if patience else ""
    return subprocess.Popen([sys.executable, "-S", "-c", wait + CLIENT, address.partition(":")[2]])


class Work:
    """Work of so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.a, self.times = torch.randn(384, 384), 1
        self()
        once = statistics.median(timed(self) for _ in range(20))
        self.times = max(1, round(seconds / once))

    def __call__(self) -> None:
        for _ in range(self.times):
            self.a @ self.a

    def nothing(self, x: torch.Tensor, logits: object = None) -> torch.Tensor:
        return x


def timed(work, clock=time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def said(what: str, seconds: float, step_ms: float) -> None:
    print("%s: %.4g ms, %.4f %% of a step of %g ms" % (what, 1000 * seconds, 100 * 1000 * seconds / step_ms, step_ms))


if __name__ == "__main__":
    main()
