"""What these tests share: a small debugger at the other end of the socket.

    python -m unittest discover -s tests/python/adapters

They need torch, transformers, tokenizers and diffusers. DEMASK_BIN, a `demask` program, reads what they record;
DEMASK_DLLM is a folder with the source of dLLM, DEMASK_SGLANG_SOURCE one with that of SGLang: without them the tests of these
are skipped.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests/python")]

import schema

# Nothing here is downloaded.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
warnings.filterwarnings("ignore", category=UserWarning)
warnings.filterwarnings("ignore", category=FutureWarning)

# How long anything here may take, seconds.
PATIENCE = 60.0


class Loop:
    """A user's loop on a thread, waiting for a debugger at a Unix socket. `run` is given what `debug` takes, and returns
    what the loop returned."""

    def __init__(self, run, **options):
        self.folder = tempfile.TemporaryDirectory()
        self.address = str(Path(self.folder.name) / "loop.sock")
        self.recording = str(Path(self.folder.name) / "run.jsonl")
        options = {"listen": "unix:" + self.address, "wait": True, "quiet": True, "record": self.recording, **options}
        self.returned = self.raised = None

        def work():
            try:
                self.returned = run(options)
            except BaseException as error:
                self.raised = error

        self.thread = threading.Thread(target=work)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end()
        self.folder.cleanup()

    def end(self):
        """Waits for the loop; what it returned."""
        self.thread.join(PATIENCE)
        if self.thread.is_alive():
            raise AssertionError("the loop does not end")
        if self.raised is not None:
            raised, self.raised = self.raised, None
            raise raised
        return self.returned

    def attach(self):
        return Debugger(self)

    def records(self):
        """The lines that were recorded."""
        return [json.loads(line) for line in Path(self.recording).read_text().splitlines()]


class Debugger:
    """A debugger that is attached to a loop. `records` holds what it was sent."""

    def __init__(self, loop):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        while True:
            try:
                self.socket.connect(loop.address)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                # The loop is on its way to its first step.
                if not loop.thread.is_alive():
                    loop.end()
                    raise
                loop.thread.join(0.01)
        self.file = self.socket.makefile("rb")
        self.records, self.knobs = [], []
        self.send(type="hello", protocol=1, program="test", token=None)
        self.hello = self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, **message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def read(self):
        """The next message; None at the end. Records are kept."""
        line = b"" if self.file.closed else self.file.readline()
        if not line:
            # The loop waits until what it said last is read.
            self.close()
            return None
        message = schema.checked(json.loads(line))
        if "kind" in message:
            self.records.append(message)
        if message.get("kind") == "header" or message.get("type") == "knobs":
            self.knobs = message.get("knobs", [])
        return message

    def waiting(self):
        """Reads until the loop waits; its node, None where the loop has ended. Errors are raised."""
        while True:
            message = self.read()
            if message is None:
                return None
            if message.get("type") == "error":
                raise AssertionError(message["message"])
            if message.get("type") == "waiting":
                return message["node"]

    def first(self):
        """Goes on where the run begins; the node at which the loop waits after its first step."""
        self.go(self.waiting())
        return self.waiting()

    def refused(self):
        """Reads the reason why a go was refused."""
        while True:
            message = self.read()
            if message.get("type") == "error":
                return message["message"]

    def go(self, node, **fields):
        self.send(type="go", **{"from": node}, **fields)

    def through(self, node):
        """Lets the loop run to its end, a step at a time."""
        while node is not None:
            self.go(node)
            node = self.waiting()

    def canvas(self):
        """The generated region as it was shown last."""
        return self.node(self.records)["canvas"]

    @staticmethod
    def node(records):
        return [record for record in records if record["kind"] in ("root", "step")][-1]

    def prediction(self):
        """The prediction that the last step was made on."""
        key = self.node(self.records)["prediction"]
        return next(record for record in self.records if record["kind"] == "prediction" and record["key"] == key)

    def close(self):
        self.file.close()
        self.socket.close()


def fill(canvas, at, token):
    """A go's fields for a token that the user writes. The slots of a canvas that never changed its length are its
    positions."""
    return {"edits": [{"replace": [at, token]}], "canvas": [*canvas[:at], token, *canvas[at + 1 :]]}


class Case(unittest.TestCase):
    def reads_back(self, path, canvases):
        """The recording ends with a text that `demask` finds in it, if there is one."""
        program = os.environ.get("DEMASK_BIN")
        if program:
            told = subprocess.run([program, "info", "--no-config", path], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(told.returncode, 0, told.stderr)
            self.assertIn(str(len(canvases)), told.stdout)
