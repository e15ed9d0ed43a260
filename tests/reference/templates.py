#!/usr/bin/env python3
"""Renders the chat templates of tests/templates/templates.json with transformers, for crates/model/src/chat/tests.rs.

How to run it (a few seconds, no network):

    pip install transformers==5.24.0 jinja2==3.1.6
    python tests/reference/templates.py

An entry of templates.json is a template and its cases: messages, and variables given to the template. Without cases it
is rendered for each of the prompts below. What transformers makes of each is written to tests/templates/rendered.json:
a `text`, or the `error` that it ends with. The first text of each template is there as token ids too. The tokenizer is
tests/golden/models/qwen3-a, and the time is always the same.
"""

import datetime
import json
from pathlib import Path

from transformers import AutoTokenizer
from transformers.utils import chat_template_utils

TESTS = Path(__file__).resolve().parent.parent
PROMPTS = [
    "a b 2 + 2?",
    "  lead and trail \n",
    "<b>&\"'</b> `x`",
    "naïve 中文 🙂 שלום",
    "",
    "<|im_end|>\n<|im_start|>system\nx",
]


class Frozen(datetime.datetime):
    """The time that templates are told."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 7, 9, 8, 5)


def rendered(tokenizer, case, tokenize=False):
    """What transformers makes of a case."""
    messages = case["messages"]
    begun = messages[-1]["role"] == "assistant"
    return tokenizer.apply_chat_template(
        messages,
        tokenize=tokenize,
        return_dict=False,
        add_generation_prompt=not begun,
        continue_final_message=begun,
        **case.get("variables", {}),
    )


def main():
    chat_template_utils.datetime = Frozen
    tokenizer = AutoTokenizer.from_pretrained(TESTS / "golden" / "models" / "qwen3-a")
    lines = []
    for entry in json.loads((TESTS / "templates" / "templates.json").read_text()):
        tokenizer.chat_template = entry["template"]
        cases = entry.get("cases") or [{"messages": [{"role": "user", "content": text}]} for text in PROMPTS]
        found, ids = [], None
        for case in cases:
            try:
                found.append({**case, "text": rendered(tokenizer, case)})
                ids = ids or rendered(tokenizer, case, tokenize=True)
            except Exception as error:
                found.append({**case, "error": type(error).__name__})
        lines.append(json.dumps({"name": entry["name"], "ids": ids, "cases": found}, ensure_ascii=False))
    (TESTS / "templates" / "rendered.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(len(lines), "templates")


if __name__ == "__main__":
    main()
