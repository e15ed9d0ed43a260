"""Who sees whom."""

import unittest

from common import needs_torch, torch


def drawn(allowed):
    """A mask as text: # where a position may be seen."""
    return ["".join("#" if cell else "." for cell in row) for row in allowed.tolist()]


@needs_torch
class Masks(unittest.TestCase):
    def setUp(self):
        from demask import passes
        from demask.request import Pass

        self.passes, self.Pass, self.cpu = passes, Pass, torch.device("cpu")

    def test_blocks_see_themselves_and_what_is_before(self):
        for length, block, before, expected in [
            (5, 2, 0, ["##...", "##...", "####.", "####.", "#####"]),
            (5, 2, 1, ["#....", "###..", "###..", "#####", "#####"]),
            (3, 1, 0, ["#..", "##.", "###"]),
            (3, 8, 5, ["###", "###", "###"]),
            (4, 4, 2, ["##..", "##..", "####", "####"]),
        ]:
            made = self.passes.block_causal(length, block, before, self.cpu)
            self.assertEqual(drawn(made[0]), expected, (length, block, before))

    def test_shadows_see_all_but_what_they_stand_for(self):
        made = self.passes.shadowed(4, 1, 3, self.cpu)
        self.assertEqual(drawn(made[0]), ["####..", "####..", "####..", "####..", "#.####", "##.###"])

    def test_a_batch_has_each_sequences_keys(self):
        first, second = self.Pass([1, 2, 3], keys=[True, False, True]), self.Pass([4, 5, 6])
        made = self.passes.inputs([first, second], self.cpu)
        self.assertEqual(made.ids.tolist(), [[1, 2, 3], [4, 5, 6]])
        self.assertEqual([drawn(one) for one in made.allowed], [["#.#"] * 3, ["###"] * 3])
        self.assertIsNone(made.positions)
        self.assertIsNone(self.passes.inputs([second], self.cpu).allowed)

    def test_shadows_stand_at_the_places_of_what_they_stand_for(self):
        made = self.passes.inputs([self.Pass([7, 8, 9])], self.cpu, (1, 3, 5))
        self.assertEqual((made.ids.tolist(), made.positions.tolist()), ([[7, 8, 9, 5, 5]], [[0, 1, 2, 1, 2]]))
        moved = self.Pass([7, 8, 9], positions=[4, 5, 6])
        self.assertEqual(self.passes.inputs([moved], self.cpu, (0, 1, 5)).positions.tolist(), [[4, 5, 6, 4]])

    def test_masks_to_add_are_finite(self):
        allowed = self.passes.block_causal(2, 1, 0, self.cpu)
        for dtype in (torch.float32, torch.bfloat16, torch.float16):
            mask = self.passes.additive(allowed, dtype)
            self.assertEqual((tuple(mask.shape), mask.dtype), ((1, 1, 2, 2), dtype))
            self.assertEqual(mask[0, 0, 1].tolist(), [0.0, 0.0])
            self.assertEqual(mask[0, 0, 0, 1].item(), torch.finfo(dtype).min)

    def test_masks_of_keys_are_the_same_for_all_or_refused(self):
        from demask.protocol import EngineError

        keys = self.passes.inputs([self.Pass([1, 2], keys=[True, False])], self.cpu).allowed
        self.assertEqual(self.passes.keys_only(keys, 1).tolist(), [[1, 0]])
        with self.assertRaises(EngineError):
            self.passes.keys_only(self.passes.block_causal(2, 1, 0, self.cpu), 1)


if __name__ == "__main__":
    unittest.main()
