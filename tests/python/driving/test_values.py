"""Knobs, canvases of every kind, proposals, and snapshots."""

import json
import random
import unittest

from common import needs_torch, numpy, torch

from demask import Knob
from demask.proposal import Proposal
from demask.region import Region
from demask.snapshot import Snapshot, copied

needs_numpy = unittest.skipIf(numpy is None, "needs NumPy")


class Knobs(unittest.TestCase):
    def test_they_read_as_their_value(self):
        tau, many, sure = Knob("tau", 0.5, 0, 1), Knob("many", 3), Knob("sure", True)
        how = Knob("how", "a", choices=["a", "b"])
        self.assertEqual([one.kind for one in (tau, many, sure, how)], ["float", "int", "bool", "choice"])
        self.assertEqual((float(tau), int(many), bool(sure), str(how)), (0.5, 3, True, "a"))
        self.assertTrue(tau == 0.5 and tau < 0.6 and tau <= 0.5 and tau > 0.4 and tau >= 0.5 and tau != 0.4)
        self.assertTrue(how == "a" and how != "b" and many > tau)
        self.assertEqual((list(range(many)), "%s %s" % (many, how), f"{tau:.2f}"), ([0, 1, 2], "3 a", "0.50"))
        many.value = 4
        self.assertEqual([0] * many, [0] * 4)
        with self.assertRaises(TypeError):
            range(tau)

    def test_wrong_ones_are_told(self):
        for given in [
            dict(default="a"),
            dict(default="c", choices=["a", "b"]),
            dict(default=2.0, low=0.0, high=1.0),
            dict(default=float("nan")),
            dict(default=1.0, high=float("inf")),
            dict(default=None),
            dict(default=0.5, low=1.0, high=0.0),
            dict(default=1, low="0"),
            dict(default="a", choices=[]),
            dict(default=1, name="\ud800"),
            dict(default=1, help="\ud800"),
        ]:
            with self.assertRaises(ValueError, msg=ascii(given)):
                Knob(**{"name": "k", **given})

    @needs_numpy
    def test_numbers_of_numpy_are_plain_ones_in_a_record(self):
        tau = Knob("tau", numpy.float32(0.5), numpy.float32(0), numpy.float32(1))
        many = Knob("many", numpy.int64(3), numpy.int64(0), numpy.int64(9))
        for knob, expected in (tau, ["float", 0.5, 0.0, 1.0]), (many, ["int", 3, 0, 9]):
            record = json.loads(json.dumps(knob.record()))
            self.assertEqual([record[name] for name in ("kind", "default", "low", "high")], expected)
        self.assertEqual(Knob("sure", numpy.bool_(True)).record(), {"name": "sure", "kind": "bool", "default": True})


def kinds():
    """What makes a canvas of a list, by name."""
    found = {"list": list, "tuple": tuple}
    if torch is not None:
        found["torch"] = torch.tensor
    if numpy is not None:
        found["numpy"] = numpy.array
    return found


def listed(x):
    return x.tolist() if hasattr(x, "tolist") else [list(row) if isinstance(row, (list, tuple)) else row for row in x]


class Regions(unittest.TestCase):
    def test_written_in_place_where_that_can_be(self):
        for name, make in kinds().items():
            for in_x in (True, False):
                start = [1, 2] if in_x else []
                region = Region([1, 2], in_x, 0)
                x = make([*start, 5, 6, 7])
                if name == "torch":
                    x = x.to(torch.int32 if in_x else torch.int64)
                made = region.write(x, [5, 8, 9])
                self.assertEqual(listed(made), [*start, 5, 8, 9], name)
                self.assertEqual(type(made), type(x))
                self.assertEqual(made is x, name != "tuple", name)
                if name == "tuple":
                    with self.assertRaisesRegex(ValueError, "in place"):
                        region.write(x, [5, 8, 9], in_place=True)

    def test_one_sequence_of_a_batch(self):
        region = Region([1], True, 1)
        for name, make in kinds().items():
            x = make([[1, 5, 6], [1, 7, 8]])
            self.assertEqual(region.read(x), [7, 8])
            made = region.write(x, [9, 8])
            self.assertEqual(listed(made), [[1, 5, 6], [1, 9, 8]], name)
            with self.assertRaisesRegex(ValueError, "longer or shorter than the others"):
                region.write(x, [9])

    def test_another_length_is_a_new_canvas_of_the_same_kind(self):
        for name, make in kinds().items():
            for batched in (False, True):
                x = make([[1, 5, 6]] if batched else [1, 5, 6])
                for canvas in ([7], [7, 8, 9, 9]):
                    made = Region([1], True, 0).write(x, canvas)
                    self.assertEqual(listed(made), [[1, *canvas]] if batched else [1, *canvas], name)
                    self.assertEqual((type(made), getattr(made, "dtype", None)), (type(x), getattr(x, "dtype", None)))
                with self.assertRaisesRegex(ValueError, "make the step first"):
                    Region([1], True, 0).write(x, [7], in_place=True)

    @needs_torch
    def test_tensors_that_cannot_be_written_into(self):
        with torch.inference_mode():
            frozen = torch.tensor([[1, 2, 3]])
        for x in (frozen, torch.tensor([[1], [2], [3]]).T.contiguous().expand(1, 3)):
            made = Region([], True, 0).write(x, [1, 2, 7])
            self.assertEqual(made.tolist(), [[1, 2, 7]])
        narrow = torch.tensor([1, 2, 3], dtype=torch.uint8)
        with self.assertRaisesRegex(ValueError, "cannot be changed"):
            Region([], True, 0).write(narrow, [1, 2, 300])
        self.assertEqual(narrow.tolist(), [1, 2, 3])

    @needs_numpy
    def test_arrays_that_cannot_be_written_into(self):
        x = numpy.array([1, 2, 3])
        x.setflags(write=False)
        made = Region([], True, 0).write(x, [1, 2, 7])
        self.assertEqual((made.tolist(), x.tolist()), ([1, 2, 7], [1, 2, 3]))


class Proposals(unittest.TestCase):
    def test_indices_and_masks(self):
        for name, make in kinds().items():
            indices = Proposal(make([2, 4]), make([7, 8]), 0, 1)
            flags = Proposal(make([False, False, True, False, True]), make([0, 0, 7, 0, 8]), 0, 1)
            batched = Proposal(make([[True] * 5, [False, False, True, False, True]]), make([[0] * 5, [0, 0, 7, 0, 8]]), 1, 1)
            one = Proposal(make([[2, 4]]), make([[7, 8]]), 0, 1)
            for proposal in (indices, flags, batched, one):
                self.assertEqual(proposal.applied([5, 5, 5, 5]), [5, 7, 5, 8], name)
            refused = lambda at, token: (at, token) == (1, 7)
            self.assertEqual([listed(part) for part in indices.without(refused)], [[4], [8]], name)
            self.assertEqual(listed(flags.without(refused)[0]), [False] * 4 + [True], name)
            self.assertEqual(listed(batched.without(refused)[0]), [[True] * 5, [False] * 4 + [True]], name)
            self.assertEqual([listed(part) for part in one.without(refused)], [[[4]], [[8]]], name)
            self.assertEqual([listed(part) for part in indices.without(lambda at, token: True)], [[], []], name)
            positions = make([2, 4])
            self.assertIs(Proposal(positions, make([7, 8]), 0, 1).without(lambda at, token: False)[0], positions)
        with self.assertRaisesRegex(ValueError, "position 0 is proposed, which is not generated"):
            Proposal([0], [7], 0, 1).applied([5])
        with self.assertRaisesRegex(ValueError, "2 positions and 1 tokens"):
            Proposal([1, 2], [7], 0, 1)


class Snapshots(unittest.TestCase):
    def test_python_alone(self):
        own = random.Random(3)
        state = {"own": own, "list": [1, [2]]}
        random.seed(4)
        snapshot = Snapshot(state)
        drawn = [random.random(), own.random()]
        state["list"][1][0] = 9
        for _ in range(2):
            back = snapshot.restored()
            self.assertEqual(back["list"], [1, [2]])
            self.assertIs(back["own"], own, "the loop may hold it by another name")
            back["list"][1][0] = 8
            self.assertEqual([random.random(), own.random()], drawn)

    @needs_torch
    def test_tensors_share_memory_as_before_and_count_once(self):
        x = torch.arange(10_000)
        value = (x, {"part": x[10:20], "again": x})
        snapshot = Snapshot(value)
        self.assertLess(x.nbytes, snapshot.size)
        self.assertLess(snapshot.size, x.nbytes + 30_000)
        back = snapshot.restored()
        self.assertIs(back[1]["again"], back[0])
        back[0][10] = -1
        self.assertEqual((int(back[1]["part"][0]), int(x[10])), (-1, 10))
        self.assertEqual(int(snapshot.restored()[0][10]), 10)

    @needs_numpy
    def test_arrays_share_memory_as_before(self):
        x = numpy.arange(12).reshape(3, 4)
        back = Snapshot({"part": x[1:, ::2], "x": x, "turned": x.T}).restored()
        back["x"][1, 2] = -1
        self.assertEqual((back["part"][0, 1], back["turned"][2, 1], x[1, 2]), (-1, -1, 6))

    @needs_torch
    @needs_numpy
    def test_all_generators(self):
        own = [torch.Generator().manual_seed(1), numpy.random.default_rng(2), numpy.random.RandomState(3), random.Random(4)]

        def draw():
            return [
                float(torch.rand(1, generator=own[0])),
                own[1].random(),
                own[2].random_sample(),
                own[3].random(),
                random.random(),
                numpy.random.random(),
                float(torch.rand(1)),
            ]

        class Holder:
            __slots__ = ("inside",)

        holder = Holder()
        holder.inside = own[1]
        snapshot = Snapshot({"some": [own[0], holder], "more": own[2:]})
        drawn = draw()
        self.assertNotEqual(draw(), drawn)
        snapshot.restored()
        self.assertEqual(draw(), drawn)
        # What has not moved since the snapshot before takes no memory.
        self.assertLess(Snapshot(own, Snapshot(own)).size, Snapshot(own).size - 10_000)

    @needs_torch
    def test_modules_are_shared_and_what_has_gradients_is_copied(self):
        module = torch.nn.Linear(2, 2)
        grown = module(torch.ones(2))
        back = copied({"module": module, "grown": grown})
        self.assertIs(back["module"], module)
        self.assertTrue(torch.equal(back["grown"], grown))


class OnCuda:
    """Is tested where there is a CUDA device, and not even skipped elsewhere."""

    def test_cuda(self):
        generator = torch.Generator("cuda").manual_seed(1)
        torch.rand(1, device="cuda")
        snapshot = Snapshot({"generator": generator, "x": torch.arange(3, device="cuda")})
        draw = lambda: [float(torch.rand(1, device="cuda", generator=one)) for one in (None, generator)]
        drawn = draw()
        self.assertNotEqual(draw(), drawn)
        self.assertEqual(snapshot.restored()["x"].tolist(), [0, 1, 2])
        self.assertEqual(draw(), drawn)


if torch is not None and torch.cuda.is_available():

    class Cuda(OnCuda, unittest.TestCase):
        pass


if __name__ == "__main__":
    unittest.main()
