#!/usr/bin/env python3
"""Encodes texts with transformers' tokenizers, for crates/model/src/tokenizer/tests.rs.

How to run it (a few seconds, no network):

    pip install transformers==5.24.0
    python tests/reference/encoding.py

Each entry of `TOKENIZERS` is a folder of small files over a vocabulary: tests/tokenizers/vocab.json and merges.txt as
slow tokenizers are saved, or the tokenizer.json of tests/golden/models/qwen3-a. What transformers makes of the texts,
without and with its special tokens, is written to tests/tokenizers/encoded.json with the files.
"""

import json
import shutil
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

TESTS = Path(__file__).resolve().parent.parent
TEXTS = [
    "Write a story, please: 12345 owls!",
    "we'll don't I'M she'd ü'Re",
    "cafe\u0301 naïve \u1100\u1161 ﬁ Å",
    "  two  blanks\n\n\nlines \t tab\r\nend \n",
    "中文 🙂 שלום नमस्ते 3٣",
    "",
    " ",
    "a<|im_start|>b <|im_end|> c<|mdm_mask|><|mdm_mask|>\n<|mask|>",
    "x <new> y<new>z <new2> <NEW>  <left> l  <right>  r <word>s <word> caf\u00e9tok cafe\u0301tok",
    "if x == {'a': [1, 2]}:\n    return x  # done",
]


def token(text, special=True, **flags):
    given = {"lstrip": False, "rstrip": False, "normalized": not special, "single_word": False}
    return {"content": text, **given, "special": special, **flags}


SPECIAL = {
    "3000": token("<|startoftext|>"),
    "3001": token("<|endoftext|>"),
    "3002": token("<|eot_id|>"),
    "3003": token("<|mdm_mask|>"),
    "3004": token("<|im_start|>"),
    "3005": token("<|im_end|>"),
    "3006": token("<|mask|>"),
}
NAMES = {"eos_token": "<|endoftext|>", "bos_token": "<|startoftext|>", "mask_token": "<|mdm_mask|>"}
MORE = {
    "3007": token("<new>"),
    "3008": token("<new2>", special=False),
    "3009": token("<left>", lstrip=True),
    "3010": token("<right>", rstrip=True),
    "3011": token("<word>", single_word=True, special=False, normalized=False),
    "3012": token("cafétok", special=False),
}


def slow(name, tokenizer_class, config, **files):
    config = {"tokenizer_class": tokenizer_class, **config}
    return {"name": name, "vocabulary": "slow", "files": {"tokenizer_config.json": config, **files}}


QWEN3 = json.loads((TESTS / "golden" / "models" / "qwen3-a" / "tokenizer_config.json").read_text())
QWEN3_MORE = {"508": token("<new>"), "509": token("<right>", rstrip=True), "510": token("<new2>", special=False)}
TOKENIZERS = [
    slow("qwen2", "Qwen2Tokenizer", {**NAMES, "added_tokens_decoder": SPECIAL}),
    slow("qwen2-flags", "Qwen2Tokenizer", {**NAMES, "added_tokens_decoder": {**SPECIAL, **MORE}}),
    slow("gpt2", "GPT2Tokenizer", {**NAMES, "added_tokens_decoder": SPECIAL}),
    slow("gpt2-flags", "GPT2Tokenizer", {**NAMES, "added_tokens_decoder": {**SPECIAL, **MORE}}),
    slow("gpt2-prefix", "GPT2Tokenizer", {**NAMES, "added_tokens_decoder": SPECIAL, "add_prefix_space": True}),
    slow(
        "gpt2-around",
        "GPT2Tokenizer",
        {**NAMES, "added_tokens_decoder": SPECIAL, "add_bos_token": True, "add_eos_token": True},
    ),
    slow("qwen2-bos", "Qwen2Tokenizer", {**NAMES, "added_tokens_decoder": SPECIAL, "add_bos_token": True}),
    slow(
        "qwen2-old-files",
        "Qwen2Tokenizer",
        {"bos_token": None},
        **{
            "special_tokens_map.json": {**NAMES, "additional_special_tokens": ["<|im_start|>", "<|im_end|>"]},
            "added_tokens.json": {
                "<|startoftext|>": 3000,
                "<|endoftext|>": 3001,
                "<|mdm_mask|>": 3002,
                "<|im_start|>": 3003,
                "<|im_end|>": 3004,
                "<new>": 3005,
            },
        },
    ),
    slow(
        "qwen2-names-only",
        "Qwen2Tokenizer",
        {**NAMES, "additional_special_tokens": ["<|im_start|>", "<|im_end|>"]},
    ),
    {
        "name": "json-and-more",
        "vocabulary": "json",
        "files": {
            "tokenizer_config.json": {
                **QWEN3,
                "added_tokens_decoder": {**QWEN3["added_tokens_decoder"], **QWEN3_MORE},
            }
        },
    },
]


def main():
    lines = []
    for entry in TOKENIZERS:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            source = TESTS / "tokenizers" if entry["vocabulary"] == "slow" else TESTS / "golden" / "models" / "qwen3-a"
            for file in ["vocab.json", "merges.txt"] if entry["vocabulary"] == "slow" else ["tokenizer.json"]:
                shutil.copy(source / file, folder)
            for file, content in entry["files"].items():
                (folder / file).write_text(json.dumps(content))
            tokenizer = AutoTokenizer.from_pretrained(folder)
            texts = [
                {
                    "text": text,
                    "bare": tokenizer.encode(text, add_special_tokens=False),
                    "around": tokenizer.encode(text, add_special_tokens=True),
                }
                for text in TEXTS
            ]
        named = {name: text for name, text in sorted(tokenizer.special_tokens_map.items())}
        lines.append(json.dumps({**entry, "named": named, "texts": texts}, ensure_ascii=False))
        print(entry["name"], type(tokenizer).__name__, len(tokenizer), named)
    (TESTS / "tokenizers" / "encoded.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
