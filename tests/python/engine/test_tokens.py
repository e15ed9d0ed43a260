"""Texts of tokens, and text to ids."""

import importlib.util
import unittest

from common import GOLDEN, needs_transformers, transformers

from demask.protocol import EngineError
from demask.tokens import Tokens


class Plain(unittest.TestCase):
    def test_whatever_tells_texts_will_do(self):
        names = ["a", b"\xe2\x96", {"control": "<eos>"}, None, b"\xc3\xa9", "\ud83d"]
        expected = ["a", {"bytes": [0xE2, 0x96]}, {"control": "<eos>"}, None, "é", "?", None, None]
        for tokenizer in (names, dict(enumerate(names)), lambda token: names[token]):
            tokens = Tokens(tokenizer)
            self.assertEqual(tokens.texts(0, 8), expected)
            self.assertEqual(tokens.texts(2, 1), [{"control": "<eos>"}])
            self.assertEqual((tokens.template, tokens.mask, tokens.eos), (False, None, None))

    def test_without_a_tokenizer_texts_are_missing_and_prompts_refused(self):
        tokens = Tokens()
        self.assertEqual(tokens.texts(0, 2), [None, None])
        for ask in (lambda: tokens.encode("x"), lambda: tokens.decode([1]), lambda: tokens.chat([], {})):
            with self.assertRaises(EngineError) as raised:
                ask()
            self.assertEqual(raised.exception.kind, "unsupported")


@needs_transformers
@unittest.skipIf(importlib.util.find_spec("tokenizers") is None, "needs tokenizers")
class Golden(unittest.TestCase):
    def test_both_libraries_tell_the_same(self):
        from tokenizers import Tokenizer

        for folder in sorted((GOLDEN / "models").iterdir()):
            one = Tokens(transformers.PreTrainedTokenizerFast.from_pretrained(str(folder)))
            other = Tokens(Tokenizer.from_file(str(folder / "tokenizer.json")))
            texts = one.texts(0, 520)
            self.assertEqual(texts, other.texts(0, 520), folder.name)
            self.assertEqual(texts[515:], [None] * 5)
            self.assertTrue(any(isinstance(text, dict) and "control" in text for text in texts))
            text = "The owl finds a drum. Ünï\n"
            for special in (True, False):
                self.assertEqual(one.encode(text, special), other.encode(text, special), folder.name)
            ids = one.encode(text, special=False)
            joined = b"".join(
                text.encode() if isinstance(text, str) else bytes(text["bytes"]) for text in (texts[token] for token in ids)
            )
            self.assertEqual(joined.decode(), text)
            self.assertEqual(one.decode(ids), text)
            self.assertEqual(one.id_of("no such token"), None)

    def test_special_tokens_are_found(self):
        for name, mask, eos in [("llada-a", 507, 503), ("qwen3-a", 507, 504), ("modernbert-a", 505, None)]:
            tokens = Tokens(transformers.PreTrainedTokenizerFast.from_pretrained(str(GOLDEN / "models" / name)))
            self.assertEqual((tokens.mask, tokens.eos), (mask, eos), name)

    def test_a_template_has_its_variables_and_the_words_begun(self):
        tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(str(GOLDEN / "models/qwen3-a"))
        tokenizer.chat_template = (
            "{% for m in messages %}<|im_start|>{{ m.role }} {{ m.content }}<|im_end|>{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>{{ mood }}{% endif %}"
        )
        tokens = Tokens(tokenizer)
        self.assertTrue(tokens.template)
        ids = tokens.chat([{"role": "user", "content": "hi"}], {"mood": "calm", "tokenize": True}, begun=": yes")
        self.assertEqual(tokens.decode(ids), "<|im_start|>user hi<|im_end|><|im_start|>calm: yes")


if __name__ == "__main__":
    unittest.main()
