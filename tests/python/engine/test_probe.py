"""The probe: what it finds out about models by calling them."""

import unittest

from common import needs_torch, torch

COLUMNS, WIDTH, MASK, EOS = 50, 24, 49, 48
WORDS = "the sun rises in east and sets west water freezes at zero degrees boils one hundred there are".split()


class Words:
    """A tokenizer of some words, which knows the mask by its name."""

    def encode(self, text, add_special_tokens=True):
        words = [word.strip(".").lower() for word in text.split()]
        return [WORDS.index(word) for word in words if word in WORDS]

    def convert_ids_to_tokens(self, token):
        return {**dict(enumerate(WORDS)), MASK: "[MASK]", EOS: "<eos>"}.get(token)

    def get_vocab(self):
        return {**{word: at for at, word in enumerate(WORDS)}, "[MASK]": MASK, "<eos>": EOS}


def toy(causal=False, heeds=True, positions=True, batches=True, masks="additive", knows=None):
    """A function from (ids, mask, positions) to logits: each position averages what it sees.

    `causal`: without a mask. `heeds`: a mask changes something. `knows`: it predicts the words of the probe's text, at the
    position itself (0) or one before (1).
    """
    from demask.probe import _TEXT

    made = torch.Generator().manual_seed(3)
    embedding, head = torch.randn(COLUMNS, WIDTH, generator=made), torch.randn(WIDTH, COLUMNS, generator=made)
    text = Words().encode(_TEXT)

    def model(ids, mask, position_ids):
        batch, length = ids.shape
        scores = torch.zeros(batch, length, length)
        if causal and mask is None:
            scores = scores.masked_fill(torch.ones(length, length).triu(1).bool(), -1e9)
        if heeds and mask is not None:
            assert mask.shape == (batch, 1, length, length), mask.shape
            if masks == "boolean":
                if mask.dtype != torch.bool:
                    raise TypeError("booleans, please")
                scores = scores.masked_fill(~mask[:, 0], -1e9)
            else:
                scores = scores + mask[:, 0]
        x = embedding[ids]
        if positions:
            places = torch.arange(length)[None] if position_ids is None else position_ids
            x = x * torch.cos(places[..., None] * 0.3 + torch.arange(WIDTH))
        logits = (x + scores.softmax(-1) @ x) @ head
        if not batches and batch > 1:
            logits = logits + 3 * torch.randn(logits.shape, generator=made)
        if knows is not None and length == len(text):
            for at, word in enumerate(text):
                logits[:, max(at - knows, 0), word] += 40.0
        return logits

    return model


@needs_torch
class Probe(unittest.TestCase):
    def engine(self, model, **said):
        from demask.assembly import engine_of

        return engine_of(model, said.pop("tokenizer", None), context=64, **said)

    def test_a_plain_model_has_nothing_to_be_told(self):
        engine = self.engine(toy(), mask=MASK)
        self.assertEqual(engine.facts.findings, [])
        for what in ("attention_full", "attention_keys", "attention_blocks", "positions", "shadow", "guidance"):
            self.assertIn(what, engine.can())
        self.assertNotIn("progress", engine.can(), "a function has no layers")
        self.assertEqual((engine.model.columns, engine.facts.mask, engine.facts.shift), (COLUMNS, MASK, False))

    def test_what_is_causal_by_mistake_is_opened(self):
        for masks in ("additive", "boolean"):
            engine = self.engine(toy(causal=True, masks=masks), mask=MASK)
            [finding] = engine.facts.findings
            self.assertIn("The model is given a 4-D mask (%s)" % masks, finding)
            self.assertEqual((engine.model.call.mask, engine.model.call.full), (masks, True))
            self.assertIn("attention_full", engine.can())
            # From then on the first position sees the last one.
            first = [self.p_first(engine, [1, 2, last]) for last in (3, 4)]
            self.assertNotEqual(*first)

    def p_first(self, engine, ids, keys=None):
        from common import predict, unpacked

        asked = predict(ids, [0, len(ids)], ["entropy"])
        asked["pass"]["attention"] = "full" if keys is None else {"keys": keys}
        return unpacked(engine.predict(asked, lambda *_: None)["columns"])["entropy"][0]

    def test_logits_that_are_no_numbers_are_told(self):
        engine = self.engine(lambda ids, mask, positions: torch.full((*ids.shape, 7), float("nan")), mask=5)
        [finding] = engine.facts.findings
        self.assertIn("NaN", finding)
        self.assertIn("--dtype", finding)

    def test_what_stays_causal_cannot_be_asked_for_full_attention(self):
        engine = self.engine(toy(causal=True, heeds=False, masks="none"), mask=MASK, masks="none")
        self.assertIn("no position sees what comes behind it", engine.facts.findings[0])
        self.assertEqual(engine.facts.attention, "causal (found by trying)")
        self.assertNotIn("attention_full", engine.can())
        self.assertNotIn("shadow", engine.can())

    def test_masks_that_are_not_heeded_are_not_offered(self):
        engine = self.engine(toy(heeds=False), mask=MASK)
        [finding] = engine.facts.findings
        self.assertIn("heeds no attention mask (a position that is hidden is seen all the same)", finding)
        for what in ("attention_keys", "attention_blocks", "shadow"):
            self.assertNotIn(what, engine.can())
        self.assertIn("attention_full", engine.can())

    def test_position_numbers_that_do_nothing_are_not_offered(self):
        engine = self.engine(toy(positions=False), mask=MASK)
        self.assertNotIn("positions", engine.can())

    def test_a_batch_that_changes_answers_is_told(self):
        engine = self.engine(toy(batches=False), mask=MASK)
        [finding] = engine.facts.findings
        self.assertIn("beside another sequence in a batch the logits of a sequence differ", finding)

    def test_where_predictions_are_read_is_found_on_a_text(self):
        for knows, shift in [(0, False), (1, True)]:
            engine = self.engine(toy(knows=knows), tokenizer=Words())
            self.assertEqual((engine.facts.shift, engine.facts.mask), (shift, MASK), knows)
            told = [finding for finding in engine.facts.findings if "one position before" in finding]
            self.assertEqual(len(told), int(shift))
        # What the caller said is kept, and the difference is reported.
        engine = self.engine(toy(knows=1), tokenizer=Words(), shift=False)
        self.assertFalse(engine.facts.shift)
        self.assertIn("predicted better the other way", engine.facts.findings[0])

    def test_what_is_said_is_kept(self):
        engine = self.engine(toy(), mask=MASK, attention="causal", eos=EOS)
        self.assertEqual((engine.facts.attention, engine.facts.findings), ("causal (said)", []))
        # Who says so gets what the model computes where full attention is asked for; who does not is refused it.
        self.assertIn("attention_full", engine.can())
        # Also where keys are hidden.
        for keys in (None, [True, False, True]):
            first = [self.p_first(engine, [1, 2, last], keys) for last in (3, 4)]
            self.assertEqual(first[0], first[1])
        # A module that takes no mask is called without one.
        alone = torch.nn.Sequential(torch.nn.Embedding(64, 4), torch.nn.Linear(4, 64))
        engine = self.engine(alone, mask=MASK, attention="causal", masks="none")
        self.assertEqual(*(self.p_first(engine, [1, 2, last]) for last in (3, 4)))
        engine = self.engine(toy(causal=True), mask=MASK, attention=4)
        self.assertEqual((engine.facts.block, engine.facts.attention), (4, "block-causal in blocks of 4 (said)"))
        self.assertEqual(engine.facts.grid, "prompt")
        engine = self.engine(toy(causal=True), mask=MASK, attention=4, grid="start")
        self.assertEqual((engine.facts.block, engine.facts.grid), (4, "start"))
        engine = self.engine(toy(causal=True), mask=MASK, attention="full")
        self.assertEqual((engine.facts.attention, engine.facts.findings), ("full (said), by a 4-D mask", []))

    def test_a_tokenizer_that_knows_no_word_tells_nothing(self):
        from tokenizers import Tokenizer, models, pre_tokenizers

        words = Tokenizer(models.WordLevel({"<unk>": 0, "w1": 1}, unk_token="<unk>"))
        words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        for causal in (False, True):
            with_none, with_words = (self.engine(toy(causal=causal), tokenizer=its, mask=MASK) for its in (None, words))
            self.assertEqual(with_words.facts.attention, with_none.facts.attention)
            self.assertEqual(with_words.can(), with_none.can())

    def test_what_cannot_be_meant_is_refused(self):
        for said, part in [
            ({"mask": 50}, "vocabulary of 50"),
            ({"mask": -1}, "vocabulary of 50"),
            ({"mask": "<none>"}, "the tokenizer has no such token"),
            ({"attention": "half"}, "full, causal, or the positions"),
            ({"attention": 4, "grid": "end"}, "prompt, start"),
            ({"grid": "start"}, "give their length with attention="),
            ({"attention": 0}, "full, causal, or the positions"),
            ({"masks": "3-D"}, "additive, boolean"),
        ]:
            with self.assertRaises(ValueError, msg=said) as raised:
                self.engine(toy(), tokenizer=Words(), **said)
            self.assertIn(part, str(raised.exception))
        for model, part in [
            (lambda ids, mask, positions: ids, "gave logits of shape [1, 1, 2]"),
            (lambda ids, mask, positions: torch.zeros(2, 3, 4), "expected [1, 2, columns]"),
            (lambda ids, mask, positions: "text", "gave str and no logits"),
        ]:
            with self.assertRaises(RuntimeError) as raised:
                self.engine(model)
            self.assertIn(part, str(raised.exception))

    def test_an_unknown_mask_is_told(self):
        self.assertIn("no mask token is known: give it with --mask-token", self.engine(toy()).facts.findings)


if __name__ == "__main__":
    unittest.main()
