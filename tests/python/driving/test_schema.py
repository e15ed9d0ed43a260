"""What a driven loop sends fits the published schemas, and what demask sends is understood.

All other tests here check it too, line by line, in their client. tests/protocol/to_loop.jsonl is written by
tests/protocol.rs, and from_loop.jsonl here, with UPDATE_DOCUMENTS=1.
"""

import unittest

from common import MASK, PROMPT, Driven, left_to_right

import schema
from client import HELLO
from demask import go
from demask.knob import Knob
from demask.protocol import EngineError

KNOBS = [
    Knob("threshold", 0.9, 0.0, 1.0),
    Knob("count", 2, 1, 8),
    Knob("greedy", True),
    Knob("remask", "never", choices=["never", "low"]),
]

# What varies from run to run.
VARIES = {"pid": 4711, "command": "python gen.py"}


@unittest.skipIf(schema.jsonschema is None, "needs jsonschema")
class Schema(Driven):
    def test_a_conversation_fits(self):
        dbg = self.debug(wait=True)
        knob = dbg.knob("threshold", 1, 1, 8, help="tokens a step")
        result = self.start(left_to_right, dbg, PROMPT + [MASK] * 6, knob, True)
        with self.client(dbg) as client:
            self.assertEqual(client.waiting(), 0)
            dbg.knob("late", 0.5, 0.0, 1.0)
            # A proposal waits, and so does the step that is made of it.
            client.go(0, knobs={"threshold": 2})
            node = client.go(1, edits=[{"fill": [3, 4]}], canvas=[3, 3, MASK, 4, MASK, MASK])
            for wrong in ({"type": "go", "from": 99}, {"type": "nonsense"}):
                client.send(wrong)
                self.assertIn("message", client.until("error"))
            dbg._warn("a line for people")
            while node is not None:
                node = client.go(node)
        with self.client(self.debug(), greet=False) as refused:
            refused.send({**HELLO, "protocol": 2})
            refused.read()
        self.check(client.said + refused.said, client.records)
        self.assertNotIn(MASK, result())

    def check(self, said, records):
        strict = schema.validator("FromLoop")
        for line in said:
            self.assertIsNone(schema.fault(strict, line))
            for misspelt in schema.misspelt(line):
                self.assertIsNotNone(schema.fault(strict, misspelt), misspelt)
        for record in records:
            self.assertIsNone(schema.of_loop(record))
        self.assertLessEqual({"header", "root", "prediction", "step", "edit", "end"}, {one["kind"] for one in records})
        # A loop numbers its nodes in the order it writes them.
        nodes = [record["id"] for record in records if "id" in record]
        self.assertEqual(nodes, list(range(len(nodes))))
        fixed = [{key: VARIES.get(key, value) for key, value in line.items()} for line in said]
        self.assertTrue(schema.same_forms("from_loop.jsonl", fixed), "run with UPDATE_DOCUMENTS=1")

    def read(self, message):
        return go.read(message, {knob.name: knob for knob in KNOBS}, 50)

    def test_a_go_is_read_where_it_fits_and_nowhere_else(self):
        open_ = schema.validator("ToLoop", strict=False)
        refused = 0
        for message in schema.published("to_loop.jsonl"):
            if message["type"] != "go":
                continue
            read = self.read(message)
            self.assertEqual(read.start, message["from"])
            self.assertEqual([list(read.edits), dict(read.values)], [message.get("edits", []), message.get("knobs", {})])
            self.assertEqual(sorted(read.pins), message.get("pins", []))
            self.assertEqual([list(pair) for pair in read.vetoes], message.get("vetoes", []))
            self.assertEqual(list(read.canvas or []), message.get("canvas", []))
            for path, one in schema.changed(message, schema.retyped):
                # Edits go into a record as they are; who reads that checks them.
                if path == "/type" or path.startswith("/edits/") or open_.is_valid(one):
                    continue
                with self.assertRaises(EngineError, msg=(path, one)):
                    self.read(one)
                refused += 1
        with self.assertRaises(EngineError):
            self.read({"type": "go"})
        self.assertGreater(refused, 12)

    def test_a_greeting_is_understood_as_demask_sends_it(self):
        for hello in schema.published("to_loop.jsonl")[:2]:
            self.assertEqual(hello["type"], "hello")
            dbg = self.debug(**({"listen": "tcp:127.0.0.1:0"} if hello["token"] else {}))
            with self.client(dbg, greet=False) as client:
                token = dbg.address.partition("#")[2]
                client.send({**hello, "token": token} if hello["token"] else hello)
                self.assertEqual(client.read()["type"], "hello")


if __name__ == "__main__":
    unittest.main()
