#!/usr/bin/env python3
"""Holds `demask eval` against the published metric scripts of DAEDAL, on the same generations.

How to run it (CPU only, some seconds):

    git clone https://github.com/Li-Jinsong/DAEDAL
    pip install transformers==5.24.0
    demask eval --out OUT --problems gsm8k.jsonl --checker gsm8k --limit 50
    python tests/reference/metrics.py --daedal DAEDAL --metric gsm8k --model MODEL OUT

MODEL is the checkpoint's folder (assets/tiny for the embedded model). Every generation in OUT/samples is given to the
functions of `metrics/gsm8k.py` (or math500, humaneval, mbpp), and so are all of a recipe together. What they find must
be what OUT/results.jsonl has for each row, and what OUT/report.md and OUT/summary.csv print for the recipe, to the last
digit: accuracy, N_token, E_token, E_ratio. Programs are not run here, so for humaneval and mbpp the accuracy is left
out. It ends with 1 if anything differs.

    python tests/reference/metrics.py --daedal DAEDAL --model assets/tiny --write tests/eval-metrics

writes the texts with their published figures that `cargo test` holds the program against: ordinary texts, and
sequences of tokens that the tokenizer would have joined otherwise, or that are no valid text.

Only the functions are taken out of the files; what they print is computed here by their own expressions.
"""

import argparse
import ast
import csv
import json
import random
import re
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

from transformers import PreTrainedTokenizerFast

SEED = 15
PARSERS = {"gsm8k": "parse_gsm8k_answers_from_jsonl", "math500": "parse_math500_answers_from_jsonl"}


def functions(path):
    """The top-level functions of a file, without running the rest of it."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    space = {"re": re, "ast": ast, "json": json, "Dict": Dict, "List": List, "Optional": Optional, "Set": Set}
    space["Tuple"] = Tuple
    exec(compile(tree, str(path), "exec"), space)
    return space


def measured(metric, name, samples, tokenizer):
    """Of each sample: tokens, those that are padding, and whether it is right (None where a program must run)."""
    if name in PARSERS:
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            for sample in samples:
                file.write(json.dumps(sample, ensure_ascii=False) + "\n")
            file.flush()
            items = metric[PARSERS[name]](file.name, tokenizer)[2]
        return [(item["total_raw_tokens"], item["eot_occurrences"], item["is_correct"]) for item in items]
    texts = [sample["resps"][0][0] for sample in samples]
    return [(metric["count_total_tokens"](t, tokenizer), metric["count_special_tokens"](t), None) for t in texts]


def printed(found):
    """What the scripts print, by their own expressions."""
    processed = len(found)
    tokens, padding = sum(n for n, _, _ in found), sum(p for _, p, _ in found)
    share = (padding / tokens * 100) if tokens > 0 else 0
    figures = {
        "n_token": f"{tokens / processed:.2f}",
        "e_token": f"{(tokens - padding) / processed:.2f}",
        "e_ratio": f"{100 - share:.2f}",
    }
    right = [correct for _, _, correct in found]
    if None not in right:
        figures["accuracy"] = f"{(sum(right) / processed) * 100:.2f}"
    return figures


def compare(args, tokenizer):
    metric = functions(args.daedal / "metrics" / f"{args.metric}.py")
    rows = [json.loads(line) for line in (args.results / "results.jsonl").open(encoding="utf-8")]
    with (args.results / "summary.csv").open(encoding="utf-8", newline="") as file:
        summary = {line["recipe"]: line for line in csv.DictReader(file) if not line["task"]}
    table = (args.results / "report.md").read_text(encoding="utf-8").split("## Summary")[1]
    table = [line.split(" | ") for line in table.splitlines() if re.match(r"\| [A-Z]+ \|", line)]
    wrong = 0
    for number, file in enumerate(sorted(args.results.glob("samples/*/*.jsonl"))):
        samples = [json.loads(line) for line in file.open(encoding="utf-8")]
        recipe = samples[0]["recipe"]
        found = measured(metric, args.metric, samples, tokenizer)
        own = {row["problem"]: row for row in rows if row["recipe"] == recipe}
        for sample, (tokens, padding, correct) in zip(samples, found, strict=True):
            row = own[sample["doc_id"]]
            theirs = (sample["resps"][0][0], tokens, tokens - padding, correct)
            ours = (row["generation"], row["n_token"], row["e_token"], correct and row["correct"])
            if correct is False:
                ours = (*ours[:3], row["correct"])
            if ours != theirs:
                wrong += 1
                print(f"{recipe}, problem {sample['doc_id']}: {ours[1:]} here, {theirs[1:]} published: {theirs[0]!r}")
        theirs = printed(found)
        cells = table[number]
        shown = dict(zip(["accuracy", "n_token", "e_token", "e_ratio"], [cell.split()[0] for cell in cells[3:7]]))
        filed = {name: float(summary[recipe][name]) for name in shown}
        filed = {name: f"{value * (100 if name in ('accuracy', 'e_ratio') else 1):.2f}" for name, value in filed.items()}
        for name, value in theirs.items():
            if shown[name] != value or abs(float(filed[name]) - float(value)) > 0.0101:
                wrong += 1
                print(f"{recipe}: {name} {shown[name]} in the report, {filed[name]} in the file, {value} published")
        words = ", ".join(f"{name} {value}" for name, value in theirs.items())
        differ = "canvas positions differ from N_token" if any(r["length"] != r["n_token"] for r in own.values()) else ""
        print(f"{recipe}: {len(found)} generations: {words} {differ}".rstrip())
    print(f"{wrong} differences")
    return 1 if wrong else 0


TEXTS = [
    ("18", "18"),
    ("She has 18 stamps.", "18"),
    ("She has \\boxed{18} stamps.", "18"),
    ("<reasoning>\n9 + 9 = 18.\n</reasoning>\n<answer>\n\\boxed{18}\n</answer>", "18"),
    ("<reasoning>\n9 + 9 = 17.\n</reasoning>\n<answer>\n\\boxed{17}\n</answer>", "18"),
    ("<answer>18</answer>", "18"),
    ("\\boxed{18", "18"),
    ("\\boxed{\\frac12}", "0.5"),
    ("\\boxed{1,234}", "1234"),
    ("a<|endoftext|>b \\boxed{7}", "7"),
    ("\\boxed 7$ or so", "7"),
    ("naïve café — 字 👩‍🚀 \u0301x", "0"),
    ("def f(x):\n    return x\n[DONE]\n", "0"),
    ("", "0"),
]


def generations(tokenizer):
    """Ids with the answers wanted. Texts are given whole, in parts, and with padding before, between and behind."""
    draw = random.Random(SEED)
    eos, mask = tokenizer.eos_token_id, tokenizer.mask_token_id
    ids = []
    for text, target in TEXTS:
        whole = tokenizer.encode(text, add_special_tokens=False)
        parts = [token for char in text for token in tokenizer.encode(char, add_special_tokens=False)]
        for tokens in (whole, parts):
            ids.append((tokens, target))
            ids.append((tokens + [eos] * draw.randrange(1, 20), target))
            if tokens:
                at = draw.randrange(len(tokens))
                ids.append((tokens[:at] + [eos] * 3 + tokens[at:] + [eos], target))
    special = [eos, mask, *tokenizer.convert_tokens_to_ids(["<|eot_id|>", "<|startoftext|>"])]
    for _ in range(20):
        # Any tokens at all: halves of characters, special ones in the middle.
        ids.append(([draw.choice([draw.randrange(len(tokenizer)), draw.choice(special)]) for _ in range(24)], "1"))
    return [(tokens, target) for tokens, target in ids if None not in tokens]


def write(args, tokenizer):
    args.write.mkdir(exist_ok=True)
    for name in ("gsm8k", "math500", "humaneval", "mbpp"):
        metric = functions(args.daedal / "metrics" / f"{name}.py")
        items = generations(tokenizer)
        samples = [
            {"doc": {}, "target": target, "resps": [[tokenizer.decode(tokens, skip_special_tokens=False)]]}
            for tokens, target in items
        ]
        found = measured(metric, name, samples, tokenizer)
        lines = [
            {
                "ids": tokens,
                "target": target,
                "text": sample["resps"][0][0],
                "n_token": n,
                "e_token": n - padding,
                "correct": correct,
            }
            for (tokens, target), sample, (n, padding, correct) in zip(items, samples, found, strict=True)
        ]
        whole = {"printed": printed(found), "generations": lines}
        rows = ",\n".join(json.dumps(line, ensure_ascii=False) for line in whole["generations"])
        head = json.dumps(whole["printed"])
        (args.write / f"{name}.json").write_text(f'{{"printed": {head},\n"generations": [\n{rows}\n]}}\n', encoding="utf-8")
        print(f"{name}: {len(lines)} generations, {head}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--daedal", type=Path, required=True, help="a clone of Li-Jinsong/DAEDAL")
    parser.add_argument("--model", type=Path, required=True, help="the checkpoint's folder, for its tokenizer")
    parser.add_argument("--metric", choices=["gsm8k", "math500", "humaneval", "mbpp"], default="gsm8k")
    parser.add_argument("--write", type=Path, help="write the texts for the tests here, and compare nothing")
    parser.add_argument("results", type=Path, nargs="?", help="the folder that `demask eval --out` wrote")
    args = parser.parse_args()
    if args.write is None and args.results is None:
        parser.error("give the results' folder, or --write")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(args.model)
    return write(args, tokenizer) if args.write else compare(args, tokenizer)


if __name__ == "__main__":
    sys.exit(main())
