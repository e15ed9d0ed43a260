"""Known families: their table in docs/engine.md, and models that take their masks in each manner."""

import os
import types
import unittest

from common import GOLDEN, ROOT, needs_golden, predict, torch, unpacked

from demask.families import FAMILIES, model_type_of

MARK = "<!-- families -->"

MANNERS = {"additive": "4-D", "boolean": "4-D, booleans", "bias": "4-D, as `attention_bias`", "keys": "2-D", "none": "none"}


def table():
    """The families as docs/engine.md shows them."""
    lines = ["| `model_type` | attention | attention mask | shift | block | mask token |", "|---|---|---|---|---|---|"]
    for name, row in FAMILIES.items():
        where = "from position 0" if row.grid == "start" else "from the prompt's end"
        block = "" if row.block is None else "%d, %s" % (row.block, where)
        mask = MANNERS[row.call.mask] + (", always" if row.call.full else "")
        shift, token = "yes" if row.shift else "", "" if row.mask is None else str(row.mask)
        lines.append("| `%s` | %s | %s | %s | %s | %s |" % (name, row.says, mask, shift, block, token))
    return "\n".join(lines)


class Table(unittest.TestCase):
    def test_the_documents_table_is_the_codes(self):
        page = ROOT / "docs/engine.md"
        text = page.read_text()
        before, _, rest = text.partition(MARK)
        _, found, after = rest.partition(MARK)
        self.assertTrue(found, "the page has no two marks %r" % MARK)
        made = before + MARK + "\n" + table() + "\n" + MARK + after
        if "UPDATE_DOCUMENTS" in os.environ:
            page.write_text(made)
            return
        self.assertEqual(text, made, "run with UPDATE_DOCUMENTS=1")


@needs_golden
class Manners(unittest.TestCase):
    """The golden network behind the manners in which published code takes masks."""

    def served(self, family, manner, name="llada-a", **said):
        from demask.assembly import engine_of
        from networks import Network

        network = Network(GOLDEN / "models" / name)
        network.config.model_type = family

        class Published(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.network, self.config = network, network.config

            forward = manner

        return engine_of(Published(), None, **said), network

    def same(self, engine, network, attention, reference):
        ids = [3, 77, 507, 507, 12, 507, 503, 503]
        asked = predict(ids, [0, 8], ["p_argmax"], special={"mask": 507, "eos": 503})
        asked["pass"]["attention"] = attention
        found = unpacked(engine.predict(asked, lambda *_: None)["columns"])["p_argmax"]
        with torch.no_grad():
            logits = network(torch.tensor([ids]), reference)[0]
        for mine, theirs in zip(found, logits.double().softmax(-1).max(-1).values.tolist()):
            self.assertAlmostEqual(mine, theirs, delta=1e-5)

    BLOCKS = {"block_causal": {"block": 4, "before": 0}}

    def blocks(self):
        from demask.passes import block_causal

        return block_causal(8, 4, 0, torch.device("cpu"))[:, None]

    def test_booleans_that_are_always_wanted(self):
        def sdar(self, input_ids, attention_mask=None, position_ids=None):
            return self.network(input_ids, attention_mask.bool(), position_ids)

        engine, network = self.served("sdar", sdar)
        self.assertEqual((engine.facts.block, engine.facts.grid, engine.facts.findings), (4, "start", []))
        self.assertEqual(engine.facts.mask, 507, "what the configuration says goes first")
        self.same(engine, network, self.BLOCKS, self.blocks())
        self.same(engine, network, "full", None)

    def test_a_version_that_takes_another_mask_is_found_out(self):
        def additive(self, input_ids, attention_mask=None, position_ids=None):
            if attention_mask.dtype == torch.bool:
                raise TypeError("a mask to add, please")
            return self.network(input_ids, attention_mask, position_ids)

        engine, network = self.served("sdar", additive)
        self.assertEqual((engine.model.call.mask, engine.model.call.full), ("additive", True))
        self.assertIn("with the mask of its family", engine.facts.findings[0])
        self.same(engine, network, self.BLOCKS, self.blocks())

    def test_blocks_are_not_offered_where_no_mask_is_heeded(self):
        def ignoring(self, input_ids, attention_mask=None, position_ids=None):
            return self.network(input_ids, None, position_ids)

        engine, network = self.served("llada2_moe", ignoring)
        self.assertIn("heeds no attention mask", engine.facts.findings[0])
        self.assertEqual((engine.facts.block, engine.model.call.mask), (None, "none"))
        self.assertEqual(engine.facts.attention, "full (found by trying)")
        self.assertNotIn("attention_blocks", engine.can())
        self.same(engine, network, "full", None)

    def test_llada_takes_a_bias_where_its_code_heeds_one(self):
        def heeding(self, input_ids, attention_mask=None, attention_bias=None):
            return self.network(input_ids, attention_bias)

        def ignoring(self, input_ids, attention_mask=None, attention_bias=None):
            return self.network(input_ids)

        engine, network = self.served("llada", heeding)
        self.assertEqual(engine.facts.findings, [])
        self.assertIn("attention_blocks", engine.can())
        self.assertNotIn("positions", engine.can())
        self.same(engine, network, self.BLOCKS, self.blocks())
        engine, network = self.served("llada", ignoring)
        self.assertEqual(engine.facts.findings, [], "known of the family")
        self.assertNotIn("attention_blocks", engine.can())
        self.same(engine, network, "full", None)

    def test_llada_moe_calls_itself_llada(self):
        for experts, expected in ((64, "lladamoe"), (None, "llada")):
            config = types.SimpleNamespace(model_type="llada", num_experts=experts)
            self.assertEqual(model_type_of(config), expected)
        self.assertEqual(model_type_of(types.SimpleNamespace()), "")

    def test_masks_of_keys(self):
        def moe(self, input_ids, attention_mask=None, position_ids=None):
            if attention_mask is not None and attention_mask.dim() != 2:
                raise ValueError("a 2-D mask, please")
            mask = None if attention_mask is None else attention_mask[:, None, None, :].bool()
            return self.network(input_ids, mask, position_ids)

        engine, network = self.served("lladamoe", moe)
        self.assertEqual(engine.facts.findings, [])
        self.assertIn("attention_keys", engine.can())
        self.assertNotIn("attention_blocks", engine.can())
        hidden = torch.tensor([True] * 6 + [False] * 2)[None, None, None]
        self.same(engine, network, {"keys": [True] * 6 + [False] * 2}, hidden)

    def test_dream_is_shifted_and_takes_booleans(self):
        def dream(self, input_ids, attention_mask="full", position_ids=None):
            mask = None if isinstance(attention_mask, str) else attention_mask.bool()
            return self.network(input_ids, mask, position_ids)

        engine, network = self.served("Dream", dream, "dream-a")
        self.assertEqual((engine.facts.shift, engine.facts.findings), (True, []))
        self.same(engine, network, self.BLOCKS, self.blocks())

    def test_a_block_of_the_configuration_counts_for_known_families_only(self):
        from networks import Network

        from demask.assembly import engine_of

        for family, block in [("a2d-qwen3", 16), ("nanogpt", None)]:
            network = Network(GOLDEN / "models/qwen3-a")
            network.config.model_type, network.config.block_size = family, 16
            network.config.delete_token_id, network.config.split_token_id = 7, None
            facts = engine_of(network, None).facts
            self.assertEqual((facts.block, facts.tokens), (block, {"delete_token_id": 7}), family)


if __name__ == "__main__":
    unittest.main()
