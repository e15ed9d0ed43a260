"""Tests of python/demask/recorder.py: standard library only. With torch or NumPy installed, those too.

    python3 -m unittest discover -s tests/python
"""

import gzip
import io
import json
import math
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import warnings
from contextlib import redirect_stderr
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python/demask"))

# The file alone, as a user has it who copied it.
import recorder as demask_recorder
from recorder import Recorder

try:
    import torch
except ImportError:
    torch = None
try:
    import numpy
except ImportError:
    numpy = None

MASK, EOS = 9, 8


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


class Base(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "run.jsonl"

    def lines(self, path=None, kind=None):
        path = path or self.path
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        self.assertTrue(data.endswith(b"\n"))
        lines = [json.loads(line) for line in data.decode("utf-8").splitlines()]
        return [line for line in lines if kind in (None, line["kind"])]


class Lists(Base):
    def test_a_loop_is_written_a_line_at_a_time(self):
        texts = {1: "a", 2: b"\xff", 3: None, 4: b"\xc3\xa9", 5: "\ud800", EOS: {"control": "end"}, MASK: {"control": "mask"}}
        recorder = Recorder(self.path, mask=MASK, eos=EOS, tokenizer=texts, prompt=[1, 2], strategy="mine")
        recorder.step([1, 2, 3, MASK, MASK], argmax=[1, 2, 3, 4, 5], confidence=[1, 1, 0.5, 0.25, -math.inf])
        self.assertEqual(len(self.lines(kind="step")), 1, "it is on the disk before the next step")
        recorder.step([1, 2, 3, 4, EOS])
        recorder.close()
        header, *_ = self.lines()
        self.assertEqual((header["format"], header["version"], header["strategy"]), ("demask", [1, 6], "mine"))
        self.assertEqual((header["model"]["mask"], header["model"]["eos"]), (MASK, EOS))
        named = {}
        for line in self.lines(kind="tokens"):
            self.assertFalse(set(named) & set(line["tokens"]), "named once")
            named.update(line["tokens"])
        expected = {"1": "a", "2": {"hex": "ff"}, "3": None, "4": "\u00e9", "5": "?"}
        expected.update({"8": {"control": "end"}, "9": {"control": "mask"}})
        self.assertEqual(named, expected)
        (root,) = self.lines(kind="root")
        self.assertEqual((root["prompt"], root["length"], "canvas" in root), ([1, 2], 3, False))
        (prediction,) = self.lines(kind="prediction")
        self.assertEqual(prediction["columns"], {"argmax": [3, 4, 5], "p_argmax": [0.5, 0.25, None]})
        first, second = self.lines(kind="step")
        self.assertEqual((first["parent"], first["prediction"], first["canvas"]), (0, prediction["key"], [3, MASK, MASK]))
        self.assertEqual((second["parent"], second["canvas"], "prediction" in second), (1, [3, 4, EOS], False))
        (end,) = self.lines(kind="end")
        self.assertEqual((end["at"], end["finish"]), (2, "complete"))

    def test_logits_are_reduced(self):
        ln = math.log
        rows = [[0.0] * 4, [ln(0.5), ln(0.25), ln(0.25), -math.inf], [math.nan] * 4]
        with Recorder(self.path, mask=3, eos=1, top_k=2) as recorder:
            recorder.step([3, 3, 3], logits=rows)
        (line,) = self.lines(kind="prediction")
        columns = line["columns"]
        self.assertEqual(columns["argmax"][:2], [0, 0])
        self.assertEqual(columns["p_argmax"], [0.25, 0.5, None])
        self.assertEqual(columns["p_eos"], [0.25, 0.25, None])
        self.assertEqual(columns["entropy"], {"at": [0, 1, 2], "values": [1.39, 1.04, None]})
        self.assertEqual(columns["top_k"]["values"], [[[0, 1], [0.25, 0.25]], [[0, 1], [0.5, 0.25]], [[], []]])

    def test_shifted_logits_belong_to_the_position_behind(self):
        def one(token):
            return [9.0 if at == token else 0.0 for at in range(10)]

        with Recorder(self.path, mask=MASK, prompt=[1], shift=True) as recorder:
            recorder.step([1, 4, 5], logits=[one(4), one(5), one(7)])
        with Recorder(self.folder / "bare.jsonl", mask=MASK, shift=True) as recorder:
            recorder.step([4, 5], logits=[one(4), one(5)])
        (line,) = self.lines(kind="prediction")
        self.assertEqual(line["columns"]["argmax"], [4, 5])
        (line,) = self.lines(self.folder / "bare.jsonl", kind="prediction")
        self.assertEqual(line["columns"]["argmax"], [4, 4])

    def test_the_canvas_may_be_anywhere(self):
        canvases = {
            "whole": dict(prompt=[1, 2], x=[1, 2, 3, MASK]),
            "batch": dict(prompt=[[5, 5], [1, 2]], batch=1, x=[[5, 5, 3, MASK], [1, 2, 3, MASK]]),
            "alone": dict(prompt=[1, 2], in_x=False, x=[3, MASK]),
            "given": dict(canvas=[1, 2, MASK, MASK], x=[1, 2, 3, MASK]),
        }
        for name, given in canvases.items():
            path = self.folder / name
            x = given.pop("x")
            with Recorder(path, mask=MASK, **given) as recorder:
                recorder.step(x, p_argmax=[0.5] * 4 if name != "batch" else [[0.5] * 4] * 2)
            self.assertIsNone(recorder.fault, name)
            (root,), (step,) = self.lines(path, "root"), self.lines(path, "step")
            self.assertEqual((root["prompt"], step["canvas"]), ([1, 2], [3, MASK]), name)

    def test_a_canvas_that_grows_and_does_not_start_as_masks(self):
        with Recorder(self.path, mask=MASK, prompt=[1], canvas=[1, MASK, 4]) as recorder:
            recorder.step([1, 5, MASK, MASK, 4], argmax=[1, 5, 4])
            recorder.start([1, MASK])
            recorder.step([1, 4])
        roots, steps = self.lines(kind="root"), self.lines(kind="step")
        self.assertEqual([root.get("canvas") for root in roots], [[MASK, 4], None])
        self.assertEqual([(step["id"], step["parent"]) for step in steps], [(1, 0), (3, 2)])

    def test_branches_edits_and_parameters(self):
        knobs = [{"name": "tau", "kind": "float", "default": 0.5, "low": 0.0, "high": 1.0}]
        recorder = Recorder(self.path, mask=MASK, knobs=knobs)
        recorder.turn({"tau": 0.5})
        self.assertIsNone(recorder.node)
        recorder.step([4, MASK, MASK])
        recorder.predicted(argmax=[5, 5, 5])
        recorder.step([4, 5, MASK])
        recorder.edit([{"replace": [0, 7]}], [7, 5, MASK])
        self.assertEqual(recorder.node, 3)
        recorder.turn({"tau": 0.25})
        recorder.step([7, 5, 6])
        recorder.at(1, [4, MASK, MASK], {"tau": 0.5})
        recorder.step([4, MASK, 6], argmax=[4, 4, 6])
        recorder.turn({"tau": 0.5})
        recorder.at(1, [4, MASK, MASK], {"tau": 0.5})
        recorder.step([4, 6, 6])
        recorder.close()
        self.assertIsNone(recorder.fault)
        header, root, *rest = self.lines()
        self.assertEqual((header["version"], header["knobs"], root["params"]), ([1, 6], knobs, {"tau": 0.5}))
        found = [(line["id"], line["parent"], line.get("params"), "prediction" in line) for line in rest if "parent" in line]
        turned = {"tau": 0.25}
        self.assertEqual(found[:3], [(1, 0, None, False), (2, 1, None, True), (3, 2, None, False)])
        self.assertEqual(found[3:], [(4, 3, turned, False), (5, 1, turned, True), (6, 1, None, False)])
        (edit,) = self.lines(kind="edit")
        self.assertEqual(edit["edits"], [{"replace": [0, 7]}])
        self.assertEqual(rest[-1], {"kind": "end", "at": 6, "finish": "complete"})

    def test_lines_go_to_whatever_writes_them(self):
        class Sink:
            def __init__(self):
                self.lines = []

            def write(self, data):
                self.lines.append(json.loads(data))

        sink = Sink()
        with Recorder(sink, mask=MASK) as recorder:
            recorder.step([4, MASK])
        self.assertEqual([line["kind"] for line in sink.lines], ["header", "root", "step", "end"])

        class Full(Sink):
            def write(self, data):
                raise OSError("no room")

        with self.assertRaises(OSError):
            Recorder(Full(), mask=MASK)

    def test_numbers_read_back_to_the_same_float32(self):
        source = random.Random(1)
        for _ in range(20000):
            (value,) = struct.unpack("<f", struct.pack("<I", source.getrandbits(32)))
            text = demask_recorder._shortest(value)
            if math.isfinite(value):
                self.assertEqual(f32(float(text)), value)
                json.loads(text)
            else:
                self.assertEqual(text, "null")
        self.assertEqual(demask_recorder._shortest(f32(0.1)), "0.1")
        self.assertEqual(demask_recorder._shortest(1e39), "null")


class Faults(Base):
    def test_wrong_arguments_are_told_at_once(self):
        for error, given in [
            (OSError, dict(path=self.folder / "none" / "run.jsonl")),
            (ValueError, dict(path=self.folder / "run.jsonl.zst")),
            (ValueError, dict(mask=-1)),
            (TypeError, dict(tokenizer=7)),
            (ValueError, dict(prompt=[[[1]]])),
        ]:
            with self.assertRaises(error, msg=str(given)):
                Recorder(**{"path": self.path, "mask": MASK, **given})

    def test_what_cannot_be_recorded_stops_no_loop(self):
        for given in [
            dict(x=[1, MASK], argmax=[]),
            dict(x=[1, MASK], logits="no"),
            dict(x="no"),
            dict(x={1: MASK}),
            dict(x=7),
            dict(x=[2, MASK]),
            dict(x=[1, MASK], colour=[1]),
        ]:
            recorder = Recorder(self.path, mask=MASK, prompt=[1], canvas=[1, MASK])
            recorder.step([1, MASK])
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                recorder.step(**given)
                recorder.step([1, 4])
                recorder.close()
            self.assertEqual(len(caught), 1, given)
            self.assertEqual(caught[0].filename, __file__, "it points at the line of the loop")
            self.assertIn("recording stops", recorder.fault)
            if not isinstance(given["x"], list):
                self.assertIn("expected a list, an array or a tensor", recorder.fault)
            self.assertEqual(len(self.lines(kind="step")), 1, "what was recorded before is whole")

    def test_predictions_of_another_canvas_are_told_from_the_first_step_on(self):
        for argmax in ([4], [1, 4], [1, 4, 4]):
            recorder = Recorder(self.path, mask=MASK, prompt=[1])
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                recorder.step([1, MASK, MASK, MASK], argmax=argmax)
                recorder.close()
            fits = len(argmax) == 3
            self.assertEqual((len(caught), recorder.fault is None), (0, True) if fits else (1, False), argmax)

    def test_of_a_row_that_is_not_finite_nothing_is_known(self):
        rows = [[0.0, 1.0, 2.0], [0.0, math.nan, 1.0], [-math.inf] * 3]
        with Recorder(self.path, mask=2, eos=1) as recorder:
            recorder.step([2, 2, 2], logits=rows)
        (prediction,) = self.lines(kind="prediction")
        columns = prediction["columns"]
        self.assertEqual(columns["argmax"], [2, None, None])
        for name in ("p_argmax", "p_eos"):
            self.assertEqual([value is None for value in columns[name]], [False, True, True], name)
        self.assertEqual([value is None for value in columns["entropy"]["values"]], [False, True, True])

    def test_logits_of_uneven_rows_are_told(self):
        recorder = Recorder(self.path, mask=2)
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            recorder.step([2, 2], logits=[[0.0, 1.0], [0.0]])
        self.assertIn("different lengths", recorder.fault)

    def test_standard_output_is_written_into_and_stays_open(self):
        code = (
            "import sys; sys.path.insert(0, %r)\n"
            "from recorder import Recorder\n"
            "with Recorder('-', mask=9) as r: r.step([4, 9])\n"
            "print('{}')"
        ) % str(ROOT / "python/demask")
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=self.folder)
        kinds = [json.loads(line).get("kind") for line in told.stdout.splitlines()]
        self.assertEqual(kinds, ["header", "root", "step", "end", None])
        self.assertFalse((self.folder / "-").exists())

    def test_warnings_made_errors_stop_no_loop(self):
        recorder = Recorder(self.path, mask=MASK)
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()) as told:
            warnings.simplefilter("error")
            recorder.step("no")
        self.assertIn("recording stops", told.getvalue())

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full here")
    def test_a_full_disk_stops_no_loop(self):
        with self.assertRaises(OSError):
            Recorder("/dev/full", mask=MASK)
        recorder = Recorder(self.path, mask=MASK)
        recorder._file.close()
        recorder._file = recorder._raw = open("/dev/full", "wb", buffering=0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            recorder.step([MASK])
        self.assertEqual(len(caught), 1)

    def test_a_kill_loses_no_step(self):
        for name in ("run.jsonl", "run.jsonl.gz"):
            path = self.folder / name
            code = (
                "import os, signal, sys; sys.path.insert(0, %r); from recorder import Recorder\n"
                "r = Recorder(%r, mask=9)\nfor n in range(3): r.step([n, 9])\nos.kill(os.getpid(), signal.SIGKILL)"
            ) % (str(ROOT / "python/demask"), str(path))
            done = subprocess.run([sys.executable, "-c", code])
            self.assertEqual(done.returncode, -signal.SIGKILL)
            data = path.read_bytes()
            if name.endswith(".gz"):
                import zlib

                data = zlib.decompressobj(31).decompress(data)
            self.assertEqual(data.count(b'"kind":"step"'), 3, name)

    def test_a_recording_has_one_writer(self):
        with Recorder(self.path, mask=0, eos=1) as first:
            with self.assertRaisesRegex(OSError, "another run is writing it"):
                Recorder(self.path, mask=0, eos=1)
            first.step([2, 0])
        self.assertIsNone(first.fault)
        self.assertTrue(self.lines(kind="header"))
        with Recorder(self.path, mask=0, eos=1):
            pass
        self.assertEqual(len(self.lines(kind="header")), 1)


class Watching(Base):
    def check(self, model, generate):
        recorder = Recorder(self.path, mask=MASK)
        with recorder.watching(model) as watched:
            out = generate(watched)
        recorder.close(out)
        self.assertIsNone(recorder.fault)
        self.assertEqual([step["canvas"] for step in self.lines(kind="step")], [[4, MASK], [4, 4]])
        self.assertEqual([line["columns"]["argmax"] for line in self.lines(kind="prediction")], [[4, 4]] * 2)
        self.assertEqual(self.lines(kind="root")[0]["prompt"], [1, 2])

    def test_a_function_is_wrapped_and_other_passes_are_left_out(self):
        def model(ids):
            return {"logits": [[[3.0 if token == 4 else 0.0 for token in range(10)] for _ in ids[0]]]}

        def generate(model):
            model([[1, 2, MASK, MASK]])
            model([[MASK, MASK, MASK, MASK]])
            model([[1, 2, 4, MASK]])
            return [[1, 2, 4, 4]]

        self.check(model, generate)

    @unittest.skipUnless(torch, "torch is not installed")
    def test_a_torch_module_is_hooked(self):
        class Output:
            def __init__(self, logits):
                self.logits = logits

        class Model(torch.nn.Module):
            def forward(self, input_ids):
                return Output(torch.nn.functional.one_hot(torch.full_like(input_ids, 4), 10).float())

        model = Model()

        def generate(_):
            model(input_ids=torch.tensor([[1, 2, MASK, MASK]]))
            model(torch.tensor([[1, 2, 4, MASK]]))
            return torch.tensor([[1, 2, 4, 4]])

        self.check(model, generate)
        self.assertFalse(model._forward_hooks)


class Texts(Base):
    def test_pieces_of_byte_level_and_sentence_piece_tokenizers(self):
        class Added:
            def __init__(self, special):
                self.special = special

        class Tokenizer:
            all_special_ids = [0]

            def __init__(self, pieces):
                self.pieces = pieces
                self.added_tokens_decoder = {1: Added(False), 2: Added(True)}

            def __call__(self, text):
                raise AssertionError("a tokenizer is no function of ids")

            def convert_ids_to_tokens(self, token):
                return self.pieces[token] if token < len(self.pieces) else None

            def get_vocab(self):
                return dict.fromkeys([*self.pieces, *(["\u0120"] if "\u010a" in self.pieces else [])], 0)

        for pieces, expected in [
            (
                ["<s>", "<think>", "<eot>", "\u0120the", "\u010a", "\u00c3\u00a9", "\u00c3"],
                [{"control": "<s>"}, "<think>", {"control": "<eot>"}, " the", "\n", "\u00e9", {"hex": "c3"}, None],
            ),
            (
                ["<s>", "<think>", "<eot>", "\u2581the", "<0x0A>", "\u00e9", "<0xC3>"],
                [{"control": "<s>"}, "<think>", {"control": "<eot>"}, " the", "\n", "\u00e9", {"hex": "c3"}, None],
            ),
        ]:
            text = demask_recorder._texts(Tokenizer(pieces))
            self.assertEqual([demask_recorder._text(text(token)) for token in range(8)], expected)


class Same(Base):
    """Tensors and arrays give what lists give."""

    def check(self, convert):
        source = random.Random(7)
        for vocabulary in (3, 50):
            rows = [[f32(source.gauss(0, 4)) for _ in range(vocabulary)] for _ in range(70)]
            rows[3][1] = -math.inf
            x = [1, 2] + [source.choice([0, 1]) for _ in range(68)]
            columns = []
            for name, value in [("lists", lambda values: values), ("others", convert)]:
                path = self.folder / name
                with Recorder(path, mask=0, eos=1, prompt=value([1, 2])) as recorder:
                    recorder.step(value([x]), logits=value([rows]))
                    recorder.step(value(x), argmax=value(x), confidence=value([0.5] * 70))
                self.assertIsNone(recorder.fault)
                columns.append([line["columns"] for line in self.lines(path, "prediction")])
                steps = [line["canvas"] for line in self.lines(path, "step")]
                self.assertEqual(steps, [x[2:]] * 2)
            for expected, found in zip(*columns):
                self.assertEqual(expected.keys(), found.keys())
                self.assertEqual(expected["argmax"], found["argmax"])
                for name in ("p_argmax", "p_eos"):
                    for a, b in zip(expected.get(name, []), found.get(name, [])):
                        self.assertAlmostEqual(a, b, places=5)
                for (ids, p), (other, q) in zip(*[c.get("top_k", {"values": []})["values"] for c in (expected, found)]):
                    self.assertEqual(ids, other)
                    self.assertTrue(all(abs(a - b) <= 0.011 * a for a, b in zip(p, q)), (p, q))
                for a, b in zip(*[c.get("entropy", {"values": []})["values"] for c in (expected, found)]):
                    self.assertAlmostEqual(a, b, places=1)

    @unittest.skipUnless(torch, "torch is not installed")
    def test_torch(self):
        self.check(torch.tensor)

    @unittest.skipUnless(torch, "torch is not installed")
    def test_half_precision_needs_no_more_memory_than_a_chunk(self):
        with Recorder(self.path, mask=0, eos=1) as recorder:
            recorder.step(torch.zeros(130, dtype=torch.long), logits=torch.zeros(1, 130, 100, dtype=torch.bfloat16, requires_grad=True))
        self.assertIsNone(recorder.fault)
        self.assertEqual(self.lines(kind="prediction")[0]["columns"]["p_eos"], [0.01] * 130)

    @unittest.skipUnless(numpy, "NumPy is not installed")
    def test_numpy(self):
        self.check(numpy.array)


if __name__ == "__main__":
    unittest.main()
