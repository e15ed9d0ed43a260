"""What an engine sends fits the published schema, and what demask sends is understood, over real sockets and pipes.

tests/protocol/to_engine.jsonl is written by tests/protocol.rs, and from_engine.jsonl here, with UPDATE_DOCUMENTS=1.
"""

import json
import tempfile
import unittest
from pathlib import Path

from common import GOLDEN, needs_golden

import demask
from demask import conversation, request
from demask.columns import COLUMNS
from demask.protocol import EngineError
from test_conversation import Client
from test_models import Child

import schema

# What a request may leave out: it is then asked for nothing of the kind.
DEFAULTS = {
    "guidance", "shift", "sampling", "suppressed", "begin_suppressed", "filters", "score", "earlier", "shadow", "top_k",
    "credits", "alternatives", "lowered", "targets", "positions", "attention", "before", "strict",
}  # fmt: skip


@unittest.skipIf(schema.jsonschema is None, "needs jsonschema")
@needs_golden
class Schema(unittest.TestCase):
    def setUp(self):
        from networks import Network
        from tokenizers import Tokenizer

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        gap, conversation.GAP = conversation.GAP, 0.0
        self.addCleanup(setattr, conversation, "GAP", gap)
        checkpoint = GOLDEN / "models/llada-a"
        tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
        # The golden requests name its mask and end-of-sequence token.
        self.handle = demask.serve(
            Network(checkpoint), tokenizer, mask=5, eos=9, masks="additive", block=False, listen="unix:%s/e" % self.folder
        )
        self.addCleanup(self.handle.close)

    def asked(self, *messages):
        """The lines that the engine sends to a client that says this, up to the answer of each request."""
        with Client(self.handle.address) as client:
            client.send(*messages)
            waiting = [message.get("id") for message in messages if message["type"] not in ("hello", "cancel")]
            lines = []
            while waiting or not lines:
                line = client.lines.readline()
                if not line:
                    break
                lines.append(json.loads(line))
                if lines[-1]["type"] not in ("progress", "hello") and lines[-1]["id"] in waiting:
                    waiting.remove(lines[-1]["id"])
        return lines

    def test_a_conversation_fits_both_ways(self):
        sent = schema.published("to_engine.jsonl")
        hello, requests = sent[0], [message for message in sent if "id" in message]
        self.assertEqual(hello["type"], "hello")
        lines = self.asked(hello, *requests, {"type": "texts", "id": 50, "first": 0, "count": 512})
        forms = {type(text) for text in lines[-1]["texts"]}
        self.assertEqual(forms, {str, dict, type(None)}, "texts, control tokens or parts of characters, and none")
        answers = {line["id"]: line for line in lines if line.get("id") and line["type"] != "progress"}
        for message in requests:
            expected = {"texts": "texts", "encode": "ids", "decode": "text", "predict": "prediction"}.get(message["type"])
            # This tokenizer has no chat template.
            expected = "error" if "messages" in message else expected
            if expected is not None:
                self.assertEqual(answers[message["id"]]["type"], expected, answers[message["id"]])
            if expected == "prediction":
                asked = request.parse(message)
                wanted = [column.name for column in COLUMNS if column.answers(asked)]
                self.assertEqual(sorted(answers[message["id"]]["columns"]), sorted(wanted))
        # What goes wrong.
        lines += self.asked({**hello, "protocol": 2})
        lines += self.asked(hello, {"type": "nonsense", "id": 1}, {"type": "predict", "id": 2}, {"type": "texts"})
        with Child("-m", "demask.engine", "no-such-folder") as child:
            child.send(hello)
            while True:
                line = child.process.stdout.readline()
                if not line:
                    break
                lines += [json.loads(line)] if line.strip() else []
        self.assertEqual(lines[-1]["kind"], "load")
        self.check(lines)

    def check(self, lines):
        strict = schema.validator("FromEngine")
        for line in lines:
            self.assertIsNone(schema.fault(strict, line))
            for misspelt in schema.misspelt(line):
                self.assertIsNotNone(schema.fault(strict, misspelt), misspelt)
        self.assertTrue(schema.same_forms("from_engine.jsonl", lines), "run with UPDATE_DOCUMENTS=1")

    def test_a_request_is_read_where_it_fits_and_nowhere_else(self):
        open_ = schema.validator("ToEngine", strict=False)
        refused = 0
        for message in schema.published("to_engine.jsonl"):
            if message["type"] != "predict":
                continue
            request.parse(message)
            changes = [(path, one, path) for path, one in schema.changed(message, schema.retyped)]
            fields = schema.changed(message, lambda held, key: schema.without(held, key) if isinstance(held, dict) else held)
            changes += [(path, one, path.rsplit("/", 1)[1]) for path, one in fields]
            for path, one, name in changes:
                if path in ("/type", "/id") or name in DEFAULTS or open_.is_valid(one):
                    continue
                with self.assertRaises(EngineError, msg=(path, one)):
                    request.parse(one)
                refused += 1
        self.assertGreater(refused, 150)


if __name__ == "__main__":
    unittest.main()
