"""The networks of networks.py, and the engine over them, against the golden logits of tests/golden."""

import json
import unittest

from common import GOLDEN, needs_golden, predict, torch, unpacked


@needs_golden
class Golden(unittest.TestCase):
    def cases(self):
        from networks import Network
        from safetensors.torch import load_file

        models = {}
        for case in json.loads((GOLDEN / "forward/index.json").read_text()):
            name = case["model"]
            # networks.py has neither ModernBERT nor experts.
            if name.startswith("modernbert") or "moe" in name:
                continue
            if name not in models:
                models[name] = Network(GOLDEN / "models" / name)
            yield case, models[name], load_file(str(GOLDEN / "forward" / case["file"]))

    def test_logits_are_the_references(self):
        from demask.model import Call, Model
        from demask.passes import inputs
        from demask.request import Pass

        cases = 0
        for case, network, tensors in self.cases():
            model = Model(network, Call("additive"))
            ids, valid = tensors["input_ids"], tensors.get("attention_mask", torch.ones_like(tensors["input_ids"]))
            places = tensors.get("position_ids")
            block = case.get("attention", {}).get("block_causal")
            for row in range(len(ids)):
                here = valid[row].bool()
                if block is not None:
                    # Padding on the left only moves where the first block begins.
                    before = int((~here).long().sum())
                    one = Pass(ids[row, before:].tolist(), block=(block, before, None))
                else:
                    before = 0
                    positions = None if places is None else places[row].tolist()
                    one = Pass(ids[row].tolist(), positions, keys=None if bool(here.all()) else here.tolist())
                logits = model.logits(inputs([one], torch.device("cpu")), None)[0]
                expected = tensors["logits"][row, before:]
                most = (logits - expected)[here[before:]].abs().max().item()
                self.assertLess(most, max(1e-4, 1e-5 * case["logit_abs_max"]), (case["file"], row))
            cases += 1
        self.assertGreaterEqual(cases, 36)

    def test_the_engine_reads_the_rows_that_are_asked(self):
        from demask.answers import Engine, Facts
        from demask.model import Call, Model
        from demask.tokens import Tokens

        for case, network, tensors in self.cases():
            if case["attention_mask"] or case.get("attention"):
                continue
            model = Model(network, Call("additive"))
            model.columns = 512
            engine = Engine(model, Tokens(), Facts("x"))
            ids = tensors["input_ids"][0].tolist()
            expected = tensors["logits"][0].double().softmax(-1)
            for shift in (False, True):
                asked = predict(ids, [0, len(ids)], ["argmax", "p_argmax", "p_eos"], shift=shift)
                told = []
                found = unpacked(engine.predict(asked, lambda done, of: told.append((done, of)))["columns"])
                rows = [max(at - 1, 0) if shift else at for at in range(len(ids))]
                self.assertEqual(found["argmax"], expected[rows].argmax(-1).tolist(), case["file"])
                best = expected[rows].max(-1).values.tolist()
                for mine, theirs in zip(found["p_argmax"], best):
                    self.assertAlmostEqual(mine, theirs, delta=1e-4)
                layers = len(network.layers)
                self.assertEqual(told, [(done, layers + 1) for done in range(layers + 1)] + [(layers, layers + 1)])


if __name__ == "__main__":
    unittest.main()
