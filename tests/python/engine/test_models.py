"""Real classes of transformers with random weights, and checkpoints of the golden data, through the engine."""

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr
from pathlib import Path

from common import GOLDEN, ROOT, needs_golden, needs_transformers, predict, torch, transformers, unpacked

from demask import protocol

SIZES = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}


def spread(model, seed=1):
    """Random weights with enough spread that attention is sharp."""
    made = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, weight in sorted(model.named_parameters()):
            if weight.dim() > 1:
                weight.copy_(torch.randn(weight.shape, generator=made) * 1.5 / weight.shape[1] ** 0.5)
    return model.eval()


class Child:
    """An engine over its pipes. Leaving it closes its input and waits for its end."""

    def __init__(self, *command):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "HF_HUB_OFFLINE": "1"}
        # If Python does not buffer its output, the client gets what was printed before `serve`, and skips it.
        environment.pop("PYTHONUNBUFFERED", None)
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, *command], stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=str(ROOT)
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _, self.told = self.process.communicate(timeout=60)
        self.told = self.told.decode()

    def send(self, message):
        self.process.stdin.write(protocol.encode(message))
        self.process.stdin.flush()

    def read(self):
        while True:
            line = self.process.stdout.readline()
            if line == b"\n":
                continue
            if not line:
                return None
            message = protocol.decode(line)
            if message["type"] not in ("progress", "loading"):
                return message

    def greeted(self):
        self.send({"type": "hello", "protocol": 1, "program": "test", "token": None})
        return self.read()

    def predict(self, message):
        self.send(message)
        answer = self.read()
        return unpacked(answer["columns"]) if answer["type"] == "prediction" else answer


@needs_transformers
class Transformers(unittest.TestCase):
    def tiny(self, kind, **fields):
        config = getattr(transformers, kind + "Config")(**{**SIZES, **fields})
        return spread(getattr(transformers, kind + "ForCausalLM")(config))

    def engine(self, model, **said):
        from demask.assembly import engine_of

        return engine_of(model, None, mask=507, eos=504, **said)

    def test_causal_classes_see_all_and_heed_masks(self):
        for kind, fields in [("Qwen3", {"head_dim": 16}), ("Qwen2", {}), ("Llama", {})]:
            engine = self.engine(self.tiny(kind, **fields))
            self.assertEqual(engine.facts.findings, [], kind)
            self.assertEqual(engine.facts.attention, "full, by a 4-D mask (family %s)" % kind.lower())
            self.assertEqual(len(engine.model.layers), 3)
            for what in ("attention_full", "attention_keys", "attention_blocks", "positions", "shadow", "progress"):
                self.assertIn(what, engine.can(), kind)

    def test_an_unknown_class_is_opened_too(self):
        engine = self.engine(self.tiny("Mistral", sliding_window=None))
        self.assertIn("is given a 4-D mask (additive)", engine.facts.findings[0])
        self.assertIn("attention_full", engine.can())

    def test_a_full_mask_gives_what_the_network_gives_that_knows_no_other(self):
        """Our Qwen3 of networks.py, over the same weights, has no causal mode at all."""
        from networks import Network

        with tempfile.TemporaryDirectory() as folder:
            model = self.tiny("Qwen3", head_dim=16, tie_word_embeddings=False, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
            model.save_pretrained(folder)
            file = Path(folder) / "config.json"
            file.write_text(json.dumps({**json.loads(file.read_text()), "rope_theta": 10000.0}))
            network = Network(Path(folder))
        ids = [3, 77, 507, 507, 12, 507, 503, 503]
        columns = ["argmax", "p_argmax", "entropy", "p_eos"]
        theirs, ours = self.engine(model), self.engine(network, masks="additive")
        for attention in ("full", {"block_causal": {"block": 4, "before": 1}}, {"keys": [True] * 6 + [False] * 2}):
            asked = predict(ids, [2, 8], columns)
            asked["pass"]["attention"] = attention
            one, other = (unpacked(engine.predict(asked, lambda *_: None)["columns"]) for engine in (theirs, ours))
            self.assertEqual(one["argmax"], other["argmax"], attention)
            for name in columns[1:]:
                for a, b in zip(one[name], other[name]):
                    self.assertAlmostEqual(a, b, delta=1e-4, msg=(attention, name))

    def test_only_the_rows_asked_for_reach_the_head(self):
        model = self.tiny("Qwen3", head_dim=16)
        engine, seen = self.engine(model), []
        model.lm_head.register_forward_hook(lambda module, args, output: seen.append(args[0].shape[1]))
        engine.predict(predict([1] * 20 + [507] * 5, [20, 25], ["argmax"]), lambda *_: None)
        self.assertEqual(seen, [5])

    def test_a_pass_is_given_up_between_two_layers(self):
        engine = self.engine(self.tiny("Qwen3", head_dim=16))
        told = []

        class Enough(Exception):
            pass

        def progress(done, of):
            told.append((done, of))
            if done == 2:
                raise Enough

        asked = predict([1, 2, 507], [2, 3], ["argmax"])
        with self.assertRaises(Enough):
            engine.predict(asked, progress)
        self.assertEqual(told, [(0, 4), (1, 4), (2, 4)])
        # No hook is left behind.
        told.clear()
        engine.predict(asked, lambda *step: told.append(step))
        self.assertEqual(told, [(0, 4), (1, 4), (2, 4), (3, 4), (3, 4)])

    def test_what_a_model_raises_is_told_with_its_last_lines(self):
        from demask.answers import as_error

        engine = self.engine(self.tiny("Qwen3", head_dim=16))

        def broken(module, args):
            raise RuntimeError("CUDA error: device-side assert\nmore")

        engine.model.layers[1].register_forward_pre_hook(broken)
        try:
            engine.predict(predict([1, 507], [1, 2], ["argmax"]), lambda *_: None)
            self.fail("nothing was raised")
        except RuntimeError as raised:
            error = as_error(raised)
        self.assertEqual(error.message, "the model raised RuntimeError: CUDA error: device-side assert")
        self.assertIn("in broken", error.trace)
        memory = as_error(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
        self.assertIn("--device-map auto", memory.message)

    def test_the_command_serves_a_checkpoint(self):
        with tempfile.TemporaryDirectory() as folder:
            self.tiny("Qwen3", head_dim=16).save_pretrained(folder)
            for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
                shutil.copy(GOLDEN / "models/qwen3-a" / name, folder)
            file = Path(folder) / "tokenizer_config.json"
            template = "{% for m in messages %}{{ m['content'] }}<|im_end|>{% endfor %}{{ word }}"
            file.write_text(json.dumps({**json.loads(file.read_text()), "chat_template": template}))
            with Child("-m", "demask.engine", folder, "--device", "cpu") as child:
                hello = child.greeted()
                self.assertEqual((hello["family"], hello["mask"], hello["eos"]), ("qwen3", 507, 504))
                self.assertEqual((hello["template"], hello["context"], hello["dtype"]), (True, 256, "float32"))
                messages = [{"role": "user", "content": "hello"}]
                child.send({"type": "encode", "id": 1, "messages": messages, "variables": {"word": "a"}, "begun": "b"})
                ids = child.read()["ids"]
                child.send({"type": "decode", "id": 2, "ids": ids})
                self.assertEqual(child.read()["text"], "hello<|im_end|>ab")
                found = child.predict(predict(ids + [507] * 3, [len(ids), len(ids) + 3], ["argmax"]))
                self.assertEqual(len(found["argmax"]), 3)
            self.assertEqual(child.process.returncode, 0, child.told)

    @unittest.skipIf(importlib.util.find_spec("accelerate") is None, "needs accelerate")
    def test_two_processes_share_a_model(self):
        asked = predict([3, 77, 507, 507, 12], [0, 5], ["argmax", "p_argmax"])
        with tempfile.TemporaryDirectory() as folder:
            self.tiny("Qwen3", head_dim=16).save_pretrained(folder)
            command = ["-m", "demask.engine", folder, "--device", "cpu", "--mask-token", "507"]
            found = []
            for launcher in ([], ["-m", "torch.distributed.run", "--nproc-per-node", "2"]):
                with Child(*launcher, *command) as child:
                    self.assertEqual(child.greeted()["mask"], 507)
                    # A pass that is cancelled on the way leaves both unchanged.
                    child.send({**asked, "id": 7})
                    child.send({"type": "cancel", "id": 7})
                    self.assertIn(child.read()["type"], ("error", "prediction"))
                    found.append(child.predict(asked))
                self.assertEqual(child.process.returncode, 0, child.told)
        self.assertEqual(found[0]["argmax"], found[1]["argmax"])
        for one, two in zip(found[0]["p_argmax"], found[1]["p_argmax"]):
            self.assertAlmostEqual(one, two, delta=1e-5)

    def test_a_model_that_is_shared_is_given_up_behind_the_pass(self):
        engine, told, others = self.engine(self.tiny("Qwen3", head_dim=16)), [], []
        engine.model.leads = lambda inputs, kept, call: others.append(kept)

        class Enough(Exception):
            pass

        def progress(done, of):
            told.append(done)
            raise Enough

        with self.assertRaises(Enough):
            engine.predict(predict([1, 2, 507], [2, 3], ["argmax"]), progress)
        self.assertEqual((told, others), ([0], [[2]]), "nobody is asked again, and the pass is made to its end")

    def test_a_checkpoint_with_code_of_its_own_is_refused_by_name(self):
        with Child("-m", "demask.engine", str(GOLDEN / "models/llada-a"), "--device", "cpu") as child:
            error = child.greeted()
            self.assertEqual((error["type"], error["kind"]), ("error", "load"))
            self.assertIn("--trust-remote-code", error["message"])
        self.assertEqual(child.process.returncode, 1)


@needs_golden
class Golden(unittest.TestCase):
    SCRIPT = "tests/python/serve_llada.py"

    def test_a_script_serves_over_its_pipes(self):
        with Child(self.SCRIPT, str(GOLDEN / "models/llada-a")) as child:
            hello = child.greeted()
            self.assertEqual((hello["name"], hello["vocabulary"], hello["layers"]), ("llada-a", 512, 2))
            self.assertEqual((hello["mask"], hello["eos"], hello["context"]), (507, 503, 1024))
            child.send({"type": "texts", "id": 1, "first": 500, "count": 14})
            texts = child.read()["texts"]
            self.assertEqual(texts[2:4], [{"control": "<|startoftext|>"}, {"control": "<|endoftext|>"}])
            self.assertEqual(texts[8:], [None] * 6, "ids without a text")
        self.assertEqual((child.process.returncode, child.told), (0, ""))

    def test_what_a_script_prints_does_not_reach_the_protocol(self):
        code = (
            "import sys; sys.path[:0] = ['python', 'tests/python']\n"
            "import os, demask, torch\n"
            "print('loading')\n"
            "def model(ids, mask, positions):\n"
            "    print('a pass'); os.write(1, b'from C\\n')\n"
            "    return torch.zeros(*ids.shape, 7)\n"
            "demask.serve(model, mask=5, eos=6, context=9, probe=False)\n"
            "print('the end')\n"
        )
        with Child("-c", code) as child:
            hello = child.greeted()
            self.assertEqual((hello["type"], hello["vocabulary"]), ("hello", 7))
            special = {"mask": 5, "eos": 6}
            self.assertEqual(child.predict(predict([1, 5], [1, 2], ["argmax"], special=special))["argmax"], [0])
            refused = child.predict(predict([5] * 10, [0, 10], ["argmax"], special=special))
            self.assertEqual(refused["kind"], "unsupported")
            self.assertIn("context of 9", refused["message"])
            refused = child.predict(predict([1, 7], [1, 2], ["argmax"], special=special))
            self.assertIn("token 7 is not in the model's vocabulary of 7", refused["message"])
        for said in ("loading", "a pass", "from C", "the end"):
            self.assertIn(said, child.told)

    def test_a_notebook_goes_on_while_its_model_is_served(self):
        import demask
        from networks import Network
        from test_conversation import HELLO, Client

        with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()) as told:
            network = Network(GOLDEN / "models/llada-a").train()
            with demask.serve(network, listen="unix:%s/e.sock" % folder, masks="additive", block=False) as handle:
                self.assertEqual(told.getvalue(), "demask --engine '%s'\n" % handle.address)
                with Client(handle.address) as client:
                    client.send(HELLO, predict([3, 77, 507], [0, 3], ["argmax"], special={"mask": 507, "eos": 503}))
                    self.assertEqual(client.read()["name"], "llada-a")
                    with torch.no_grad():
                        expected = network(torch.tensor([[3, 77, 507]]))[0].argmax(-1).tolist()
                    self.assertEqual(unpacked(client.read()["columns"])["argmax"], expected)
            self.assertEqual(os.listdir(folder), [])
            with self.assertRaises(RuntimeError):
                demask.serve(network, listen="unix:/nowhere/at/all", block=False)

    def test_guidance_is_one_batch_and_comparisons_need_no_second_pass(self):
        from demask.answers import Engine, Facts
        from demask.model import Call, Model
        from demask.tokens import Tokens
        from networks import Network

        network, calls = Network(GOLDEN / "models/llada-a"), []
        network.register_forward_pre_hook(lambda module, args, kwargs: calls.append(kwargs["input_ids"].shape[0]), with_kwargs=True)
        model = Model(network, Call("additive"))
        model.columns = 512
        engine = Engine(model, Tokens(), Facts("x"))
        with torch.no_grad():
            one, other = [3, 77, 507, 507, 12, 507], [507, 507, 507, 507, 12, 507]
            logits = [network(input_ids=torch.tensor([ids]))[0, 2:] for ids in (one, other)]
        calls.clear()

        def found(columns, **fields):
            asked = predict(one, [2, 6], columns, special={"mask": 507, "eos": 503}, **fields)
            return unpacked(engine.predict(asked, lambda *_: None)["columns"])

        guided = found(["p_argmax"], guidance={"scale": 1.5, "unconditional": {"ids": other, "attention": "full"}})
        expected = (logits[1] + 2.5 * (logits[0] - logits[1])).double().softmax(-1).max(-1).values
        for mine, theirs in zip(guided["p_argmax"], expected.tolist()):
            self.assertAlmostEqual(mine, theirs, delta=1e-5)
        self.assertEqual(calls, [2])
        calls.clear()
        earlier = {"ids": other, "attention": "full"}
        p, q = (rows.double().softmax(-1) for rows in logits)
        expected = (p * ((p + 1e-12).log() - (q + 1e-12).log())).sum(-1)
        for passes in (2, 1):
            compared = found(["kl"], earlier=earlier)
            for mine, theirs in zip(compared["kl"], expected.tolist()):
                self.assertAlmostEqual(mine, theirs, delta=1e-4)
            self.assertEqual(len(calls), passes if passes == 2 else 2)
            calls.clear()
        # The logits of the last request are kept, so a comparison with it takes one pass.
        asked = predict(other, [2, 6], ["kl"], earlier={"ids": one, "attention": "full"}, special={"mask": 507, "eos": 503})
        engine.predict(asked, lambda *_: None)
        self.assertEqual(len(calls), 1)

    def test_a_shadow_is_a_mask_in_the_place_of_a_token(self):
        """The shadow of a token sees everything but that token. That is a canvas with a mask at this position, except that
        the mask also changes the other positions; with one layer it does not."""
        from demask.answers import Engine, Facts
        from demask.model import Call, Model
        from demask.tokens import Tokens
        from networks import Network

        network = Network(GOLDEN / "models/llada-a")
        network.layers = network.layers[:1]
        model = Model(network, Call("additive"))
        model.columns = 512
        engine = Engine(model, Tokens(), Facts("x"))
        ids = [3, 77, 20, 507, 12, 30]
        special = {"mask": 507, "eos": 503}
        shadowed = unpacked(
            engine.predict(predict(ids, [2, 6], ["p_shadow", "p_current"], shadow=[2, 3], special=special), lambda *_: None)["columns"]
        )
        hidden = ids[:4] + [507] + ids[5:]
        with torch.no_grad():
            expected = network(input_ids=torch.tensor([hidden]))[0, 4].double().softmax(-1)[12].item()
            plain = network(input_ids=torch.tensor([ids]))[0, 2:].double().softmax(-1)
        self.assertAlmostEqual(shadowed["p_shadow"][2], expected, delta=1e-5)
        self.assertEqual([p == p for p in shadowed["p_shadow"]], [False, False, True, False])
        for at, mine in enumerate(shadowed["p_current"]):
            self.assertAlmostEqual(mine, plain[at, ids[2 + at]].item(), delta=1e-5, msg="the sequence sees no shadow")


if __name__ == "__main__":
    unittest.main()
