"""Logits that an engine leaves in memory of the program's."""

import os
import unittest

from common import needs_torch, predict, torch, unpacked

KEY = bytes(range(16))


@unittest.skipUnless(hasattr(os, "memfd_create"), "this system has no files in memory")
@needs_torch
class InMemory(unittest.TestCase):
    def setUp(self):
        self.file = os.memfd_create("test")
        self.addCleanup(os.close, self.file)
        self.size = len(KEY) + 4096
        os.truncate(self.file, self.size)
        os.pwrite(self.file, KEY, 0)

    def address(self, **fields):
        path = "/proc/%d/fd/%d" % (os.getpid(), self.file)
        return {"path": path, "key": KEY.hex(), "size": self.size, **fields}

    def engine(self):
        from demask.assembly import engine_of

        torch.manual_seed(0)
        logits = torch.randn(2, 8, 11).bfloat16()
        engine = engine_of(
            lambda ids, mask, positions: logits[: len(ids), : ids.shape[1]],
            None,
            mask=5,
            eos=9,
            attention="full",
            probe=False,
        )
        return engine, logits.float()

    def left(self, *shape):
        count = torch.Size(shape).numel()
        return torch.frombuffer(bytearray(os.pread(self.file, 4 * count, len(KEY))), dtype=torch.float32).view(shape)

    def test_rows_are_left_in_order_and_no_columns_sent(self):
        from demask.memory import Memory

        engine, logits = self.engine()
        message = predict([1, 5, 5, 5], (1, 4), ["argmax", "p_argmax"], memory=True)
        answer = engine.predict(message, lambda *_: None, Memory.at(self.address()))
        self.assertEqual(answer, {"memory": True})
        self.assertTrue(torch.equal(self.left(3, 11), logits[0, 1:4]))
        self.assertEqual(os.pread(self.file, len(KEY), 0), KEY)

    def test_a_shift_and_guidance_are_applied(self):
        from demask.memory import Memory

        engine, logits = self.engine()
        guidance = {"scale": 1.5, "unconditional": {"ids": [5, 5, 5], "positions": None, "attention": "full"}}
        message = predict([1, 5, 5], (0, 3), ["argmax"], memory=True, shift=True, guidance=guidance)
        engine.predict(message, lambda *_: None, Memory.at(self.address()))
        with_, without = logits[0, [0, 0, 1]], logits[1, [0, 0, 1]]
        self.assertTrue(torch.equal(self.left(3, 11), without + (with_ - without) * 2.5))

    def test_columns_are_sent_where_memory_is_not_offered_or_not_asked_for(self):
        from demask.memory import Memory

        engine, logits = self.engine()
        for memory, asked in ((None, True), (Memory.at(self.address()), False)):
            message = predict([1, 5], (0, 2), ["argmax"], memory=asked)
            answer = engine.predict(message, lambda *_: None, memory)
            self.assertEqual(unpacked(answer["columns"])["argmax"], logits[0, :2].argmax(-1).tolist())

    def test_memory_of_others_is_left_alone(self):
        from demask.memory import Memory

        wrong = [
            None,
            "/proc/1/fd/1",
            self.address(key="00" * 16),
            self.address(path="/proc/%d/fd/%d" % (os.getpid(), 1 << 20)),
            self.address(path="/etc/hostname"),
            self.address(path=3),
            self.address(size=1 << 40),
            self.address(size=-1),
            self.address(size=True),
            {},
        ]
        for address in wrong:
            self.assertIsNone(Memory.at(address), address)


if __name__ == "__main__":
    unittest.main()
