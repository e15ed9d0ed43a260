"""Messages and requests: standard library only."""

import io
import math
import unittest

from common import EOS, MASK, f32, predict

from demask import connection, protocol, request
from demask.connection import Connection, Gone
from demask.protocol import EngineError


class Messages(unittest.TestCase):
    def test_numbers_come_back_bit_for_bit(self):
        ids, numbers = [0, 5, 2**32 - 1], [0.1, -math.inf, 1e-45, 3.0]
        self.assertEqual(protocol.unpacked_ids(protocol.packed_ids(ids)), ids)
        self.assertEqual(protocol.unpacked_numbers(protocol.packed_numbers(numbers)), [f32(n) for n in numbers])
        self.assertTrue(math.isnan(protocol.unpacked_numbers(protocol.packed_numbers([math.nan]))[0]))
        self.assertEqual(protocol.packed_ids([1, 256]), "AQAAAAABAAA=")
        self.assertEqual(protocol.packed_numbers([1.0]), "AACAPw==")

    def test_a_message_is_one_line_whatever_it_holds(self):
        text = "a\nb\u2028c \ud83d é \x00"
        line = protocol.encode({"type": "log", "text": text})
        self.assertEqual((line.count(b"\n"), line[-1:]), (1, b"\n"))
        self.assertEqual(protocol.decode(line)["text"], text)
        with self.assertRaises(ValueError):
            protocol.encode({"type": "x", "n": math.nan})

    def test_what_is_no_message_is_refused(self):
        for line in [b"", b"{", b"[]", b"1", b'"a"', b"{}", b'{"type":1}', b"\xff", b"[" * 100_000, b'{"type":"a"']:
            with self.assertRaises(EngineError, msg=line[:20]) as raised:
                protocol.decode(line)
            self.assertEqual(raised.exception.kind, "protocol")

    def test_lines_are_read_to_the_last_whole_one(self):
        def read(data):
            made = Connection(io.BytesIO(data), io.BytesIO())
            messages = []
            while True:
                try:
                    message = made.read()
                except EngineError as error:
                    messages.append(error.kind)
                    continue
                if message is None:
                    return messages
                messages.append(message["type"])

        self.assertEqual(read(b'{"type":"a"}\n\n{"type":"b"}\r\nx\n{"type":"c"}\n{"type":"d"}'), ["a", "b", "protocol", "c"])
        self.assertEqual(read(b""), [])

    def test_a_line_without_an_end_is_not_read_for_ever(self):
        longest, connection.LONGEST_LINE = connection.LONGEST_LINE, 100
        try:
            with self.assertRaises(Gone):
                Connection(io.BytesIO(b"x" * 1000), io.BytesIO()).read()
        finally:
            connection.LONGEST_LINE = longest

    def test_tokens_are_compared_whole(self):
        made = Connection(io.BytesIO(), io.BytesIO(), token="secret")
        for token, admitted in [("secret", True), ("secre", False), ("", False), (None, False), (1, False), ("sécret", False)]:
            self.assertEqual(made.admits(token), admitted, token)
        self.assertTrue(Connection(io.BytesIO(), io.BytesIO()).admits(None))


class Requests(unittest.TestCase):
    def test_every_field_is_read(self):
        keys = {"ids": [5, 5, 5], "positions": None, "attention": {"keys": [True, False, True]}}
        blocks = {"ids": [1, 5, 5], "positions": [0, 1, 1], "attention": {"block_causal": {"block": 4, "before": 2}}}
        read = request.parse(
            predict(
                [1, 5, 5],
                [1, 3],
                ["argmax", "top_k"],
                guidance={"scale": 1.5, "unconditional": keys},
                shift=True,
                sampling={"temperature": 0.7, "seed": 2**64 - 1, "step": 3, "slots": [0, 7]},
                suppressed=[[0, 3], [1, 4]],
                begin_suppressed=[2],
                filters={"temperature": 0.2, "top_p": 0.95, "top_k": 3, "strict": True},
                score="neg_entropy",
                **{"pass": blocks},
            )
        )
        self.assertEqual(read.pass_, request.Pass([1, 5, 5], [0, 1, 1], block=(4, 2, None)))
        self.assertEqual(read.guidance, request.Guidance(1.5, request.Pass([5, 5, 5], keys=[True, False, True])))
        self.assertEqual(read.sampling, request.Sampling(0.7, 2**64 - 1, 3, [0, 7]))
        self.assertEqual(read.filters, request.Filters(0.2, 0.95, 3, True))
        self.assertEqual((read.rows, read.shift, read.suppressed), ((1, 3), True, [(0, 3), (1, 4)]))
        self.assertEqual((read.begin_suppressed, read.score, read.top_k), ([2], "neg_entropy", 4))
        self.assertEqual((read.mask, read.eos, read.earlier, read.shadow), (MASK, EOS, None, None))

    def test_what_is_wrong_is_named(self):
        whole = {"ids": [1, 5, 5], "attention": "full"}

        def changed(**fields):
            return {"pass": {**whole, **fields}}

        for fields, kind, part in [
            ({"pass": None}, "protocol", "pass is not an object"),
            (changed(ids=[1, -1, 2]), "protocol", "pass.ids"),
            (changed(ids=[1, True, 2]), "protocol", "pass.ids"),
            (changed(ids=[1, 2**32, 2]), "protocol", "pass.ids"),
            (changed(ids=[]), "unsupported", "empty canvas"),
            (changed(positions=[0, 1]), "protocol", "as long as the sequence"),
            (changed(attention={"keys": [True]}), "protocol", "as long as the sequence"),
            (changed(attention={"keys": [1, 0, 1]}), "protocol", "true or false"),
            (changed(attention={"block_causal": {"block": 0, "before": 0}}), "protocol", "at least 1"),
            (changed(attention={"window": 3}), "unsupported", "window"),
            (changed(attention=7), "protocol", "pass.attention"),
            ({"rows": [1, 4]}, "protocol", "rows"),
            ({"rows": [2, 1]}, "protocol", "rows"),
            ({"rows": [1]}, "protocol", "rows"),
            ({"columns": ["argmax", "best"]}, "unsupported", "best"),
            ({"score": "entropy"}, "unsupported", "entropy"),
            ({"top_k": -1}, "protocol", "top_k"),
            ({"special": {"mask": 5}}, "protocol", "special.eos"),
            ({"sampling": {"temperature": 1, "seed": 1, "step": 1, "slots": [0]}}, "protocol", "one slot a row"),
            ({"sampling": {"temperature": 1, "seed": 2**64, "step": 1, "slots": [0, 1]}}, "protocol", "sampling.seed"),
            ({"filters": {"temperature": "hot", "top_p": 1, "top_k": 0}}, "protocol", "filters.temperature"),
            ({"earlier": {"ids": [1, 5], "attention": "full"}}, "unsupported", "the same length"),
            ({"shadow": [0, 3]}, "protocol", "shadow"),
            ({"shadow": [0, 1], "shift": True}, "unsupported", "shadows"),
            ({"credits": {"alpha": 1, "gamma": 1, "rows": [0, 3], "earlier": []}}, "protocol", "credits.rows"),
            ({"credits": {"alpha": 1, "gamma": 1, "rows": [0, 2], "earlier": [[0, 1]]}}, "protocol", "triples"),
            ({"credits": {"alpha": 1, "gamma": 1, "rows": [0, 2], "earlier": [[2, 1, 1]]}}, "protocol", "credits.earlier"),
            ({"credits": {"alpha": 1, "gamma": 1, "rows": [0, 2], "earlier": [[0, 1, -1]]}}, "protocol", "at least 0"),
            ({"lowered": [[0, 1]]}, "protocol", "triples"),
            ({"lowered": [[2, 1, 1]]}, "protocol", "lowered"),
            ({"alternatives": -1}, "protocol", "alternatives"),
            ({"targets": [[9, 1]]}, "protocol", "targets"),
            ({"targets": [[0, 1], [0, 2]]}, "protocol", "targets"),
            ({"guidance": {"scale": 1, "unconditional": whole}, "earlier": whole}, "unsupported", "no guidance"),
        ]:
            with self.assertRaises(EngineError, msg=fields) as raised:
                request.parse({**predict([1, 5, 5], [1, 3], ["argmax"]), **fields})
            error = raised.exception
            self.assertEqual(error.kind, kind, error.message)
            self.assertIn(part, error.message)


if __name__ == "__main__":
    unittest.main()
