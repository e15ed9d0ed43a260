"""What these tests share: standard library only, but where a test says so.

    python -m unittest discover -s tests/python/driving
"""

import sys
import tempfile
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "python")]

from client import Client

import demask

try:
    import torch
except ImportError:
    torch = None
try:
    import numpy
except ImportError:
    numpy = None

needs_torch = unittest.skipIf(torch is None, "needs torch")

MASK, EOS, PROMPT = 9, 8, [1, 2]


class Driven(unittest.TestCase):
    """Loops run on a thread of their own, and the test is their debugger."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "run.jsonl"
        self.count = 0

    def debug(self, **given):
        self.count += 1
        facts = dict(mask=MASK, eos=EOS, prompt=PROMPT, name="mine", quiet=True)
        facts.update(listen="unix:%s" % (self.folder / ("loop%d" % self.count)))
        facts.update(given)
        dbg = demask.debug(**facts)
        self.addCleanup(dbg.close)
        return dbg

    def start(self, loop, *given):
        """Runs a loop; what is returned gives what the loop returned, or raises what it raised."""
        found = {}

        def run():
            try:
                found["result"] = loop(*given)
            except BaseException as error:
                found["error"] = error

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def result():
            thread.join(20)
            self.assertFalse(thread.is_alive(), "the loop hangs")
            if "error" in found:
                raise found["error"]
            return found["result"]

        return result

    def client(self, dbg, **given):
        client = Client(dbg.address, **given)
        self.addCleanup(client.close)
        return client


def left_to_right(dbg, x, knob=None, proposing=False, steps=100):
    """A user's loop: writes tokens 3, 4, 5, … from left to right, as many a step as the knob says."""
    with dbg:
        for step in range(steps):
            open_ = [at for at, token in enumerate(x) if token == MASK][: int(knob or 1)]
            if not open_:
                break
            positions, tokens = open_, [3 + step % 4] * len(open_)
            argmax = [3 + step % 4] * len(x)
            if proposing:
                positions, tokens = dbg.propose(x, positions, tokens, argmax=argmax)
            for at, token in zip(positions, tokens):
                x[at] = token
            x = dbg.step(x, argmax=argmax)
    return x
