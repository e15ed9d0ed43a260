"""Noise: the numbers that demask draws."""

import unittest

from common import needs_torch, torch


@needs_torch
class Noise(unittest.TestCase):
    # (seed, place, token): xxh3_64_with_seed of place and token, 16 bytes little-endian; made with xxhash 3.
    KNOWN = [
        (0, 0, 0, 0xD0A66A65C7528968),
        (42, 12884901895, 0, 0xE4E8EAB5F15CF53A),
        (42, 12884901895, 1, 0x4828F7A513923B41),
        (18446744073709551615, 4294967296, 126463, 0x4E43069A14A18883),
        (9223372036854775808, 18446744073709551615, 255, 0x80F7F13D4F649594),
        (7, 2147483650047, 151935, 0x1A93F8B75C3DA95B),
    ]

    def test_bits_are_those_of_xxh3(self):
        from demask import noise

        for seed, place, token, expected in self.KNOWN:
            bits = noise.bits(seed, [place], token + 1, torch.device("cpu"))
            self.assertEqual(bits[0, token].item() % 2**64, expected, (seed, place, token))

    def test_a_row_is_the_same_in_any_chunk(self):
        from demask import noise

        device, slots = torch.device("cpu"), [3, 0, 7, 2**32 - 1]
        whole = noise.gumbel(0.7, 42, 3, slots, 50, device)
        at_once, noise.AT_ONCE = noise.AT_ONCE, 60
        try:
            self.assertTrue(torch.equal(noise.gumbel(0.7, 42, 3, slots, 50, device), whole))
        finally:
            noise.AT_ONCE = at_once
        for row, slot in enumerate(slots):
            self.assertTrue(torch.equal(noise.gumbel(0.7, 42, 3, [slot], 50, device)[0], whole[row]))
        self.assertTrue(torch.equal(noise.gumbel(1.4, 42, 3, slots, 50, device), whole * 2))
        self.assertFalse(torch.equal(noise.gumbel(0.7, 42, 4, slots, 50, device), whole))
        self.assertFalse(torch.equal(noise.gumbel(0.7, 43, 3, slots, 50, device), whole))

    def test_it_is_standard_gumbel_noise(self):
        from demask import noise

        drawn = noise.gumbel(1.0, 1, 1, list(range(40)), 5000, torch.device("cpu")).double()
        self.assertAlmostEqual(drawn.mean().item(), 0.5772, delta=0.01)
        self.assertAlmostEqual(drawn.var().item(), 1.6449, delta=0.03)
        self.assertTrue(bool(drawn.isfinite().all()))


if __name__ == "__main__":
    unittest.main()
