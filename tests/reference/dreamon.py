#!/usr/bin/env python3
"""Runs DreamOn's published samplers on the tiny checkpoints of tests/golden, and writes what they did to
tests/golden/traces/dreamon.

How to run it (CPU only, a few seconds; the Python needs torch, safetensors and numpy):

    git clone https://github.com/DreamLM/DreamOn
    python tests/reference/dreamon.py --dreamon DreamOn --model FOLDER

FOLDER holds generation_utils.py of the checkpoint Dream-org/DreamOn-v0-7B (the traces here were made with a copy of its
method, found in a public repository). Two samplers are run: `MDMGenerator.batch_generate_with_expand_as_token` of
eval/generator.py, which unmasks one position a step, and `_sample` of the checkpoint's mixin, which may unmask several.
They are taken out of their files, and called with a network that writes down its passes: it is given the positions that
the samplers' attention mask leaves visible, which is what that mask amounts to. Which tokens expand and end is chosen
by what a run without any would unmask, so that both occur. Runs are kept as those of rules.py are. A step that
changes nothing ends a trace, since all after it are the same.
"""

import argparse
import ast
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.distributions as dists
import torch.nn.functional as F

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "reference"), str(TESTS / "python")]
from networks import Network  # noqa: E402
from rules import MASK, MODELS, moved, numbers, record  # noqa: E402

# Tokens that no prompt holds, where nothing is to expand or end.
NEVER = (508, 509)


class Watched:
    """A network that writes down its passes: the ids that are visible, and the logits as they are read, one position on."""

    def __init__(self, network):
        self.network, self.passes = network, []

    def __call__(self, ids, mask, positions):
        seen = int(mask[0, 0].any(-1).sum())
        assert positions[0, :seen].tolist() == list(range(seen))
        with torch.no_grad():
            logits = self.network(ids[:, :seen])
        self.passes.append((ids[0, :seen].tolist(), torch.cat((logits[0, :1], logits[0, :-1]))))
        return SimpleNamespace(logits=F.pad(logits, (0, 0, 0, ids.shape[1] - seen)))


def published(path, name):
    """A class of a file with the functions that it uses, without its imports; the class, and the space they are in."""
    tree = ast.parse(path.read_text())
    tree.body = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) or isinstance(node, ast.ClassDef) and node.name == name
    ]
    space = {"torch": torch, "F": F, "dists": dists, "nn": torch.nn, "MDMGeneratorArgs": None, "AutoTokenizer": None}
    exec(compile(tree, str(path), "exec"), space)
    return space[name], space


def of_eval(source, model, ids, params, special):
    """What the evaluation's generator makes of these ids, and how many of the generated ones it counts."""
    mask, eos, expand = special
    names = ("max_gen_len", "min_gen_len", "alg", "top_p", "steps", "delete_eos_token", "pad_eos_to_right")
    config = SimpleNamespace(
        pad_to_max_len=False,
        max_tokens=2048,
        max_prompt_len=2048,
        temperature=params["temperature"],
        alg_temp=params["alg_temp"],
        top_k=params["top_k"] or None,
        eps=1e-3,
        batch_size=1,
        device="cpu",
        show_progress=False,
        dtype="fp32",
        **{name: params[name] for name in names},
    )
    tokenizer = SimpleNamespace(mask_id=mask, eos_id=eos, expand_id=expand)
    generator = source(config, model, tokenizer)
    if params["expand_budget"] >= 0:
        generator.expand_budget = params["expand_budget"]
    return generator.batch_generate_with_expand_as_token(torch.tensor([ids]))


def of_model(source, model, ids, params, special):
    """The same of the checkpoint's own method, which says no number: it is that of the masks that were appended."""
    mask, eos, expand = special
    masks = ids.count(mask)
    config = SimpleNamespace(
        output_history=False,
        return_dict_in_generate=False,
        pad_delete_to_right=params["pad_eos_to_right"],
        eps=1e-3,
        max_length=len(ids) + params["max_gen_len"] - masks,
        expand_budget=params["expand_budget"],
        eos_token_id=eos,
        delete_token_id=eos,
        expand_token_id=expand,
        mask_token_id=mask,
        temperature=params["temperature"],
        top_k=params["top_k"] or None,
        **{name: params[name] for name in ("alg", "alg_temp", "top_p", "number_transfer_tokens")},
    )
    sampler = type("Sampler", (source,), {"__call__": lambda _, *given: model(*given)})()
    return sampler._sample(torch.tensor([ids]), ids.index(mask), masks, config), None


def run(sampler, network, prompt, params):
    """The steps of a run, or None if it has none."""
    function, source, space = sampler
    text = params["text"]
    special = (MASK, params["eos_token_id"], params["expand_token_id"][0])
    behind = len(text) - 1 - max(at for at, token in enumerate(text) if token == MASK)
    model, seen, sample = Watched(network), [], space["sample_tokens"]

    def noted(logits, **given):
        found = sample(logits, **given)
        plain = {key: given[key] for key in ("temperature", "top_p", "top_k")}
        seen.append((sample(logits, **plain)[0], *found))
        return found

    space["sample_tokens"] = noted
    try:
        with torch.no_grad():
            x, count = function(source, model, prompt + text, params, special)
    except RuntimeError:
        # More positions than masks are left are asked for, or more than there is room for.
        return None
    finally:
        space["sample_tokens"] = sample
    region = lambda ids: ids[len(prompt) : len(ids) - behind]  # noqa: E731
    end = text[len(text) - behind :]
    if any(ids[len(ids) - behind :] != end for ids, _ in model.passes):
        # More positions expand than there is room for, and the end of the text is cut off; demask expands fewer.
        return None
    canvases = [region(ids) for ids, _ in model.passes]
    # Behind the last pass the visible part ends where the suffix does, of which some token is no mask.
    last = x[0].tolist()
    if count is not None:
        last = last[: len(prompt + text) - params["min_gen_len"] + count]
    else:
        last = last[: len(canvases[-1]) + len(prompt) + behind + 1]
        while last and behind and last[-behind:] != end:
            last.pop()
    canvases.append(region(last))
    steps = []
    for at, (p, score, choice) in enumerate(seen):
        ids = canvases[at]
        rows = iter(zip(numbers(p), numbers(score), choice.tolist()))
        best = region(model.passes[at][1].argmax(-1).tolist())
        found = [next(rows) if token == MASK else (None, None, best[place]) for place, token in enumerate(ids)]
        step = {"ids_before": ids, "argmax": [token for _, _, token in found], "confidence": [p for p, _, _ in found]}
        if params["alg"] != "maskgit_plus":
            step["score"] = [value for _, value, _ in found]
        steps.append({**step, "ids_after": canvases[at + 1]})
        if steps[-1]["ids_after"] == ids:
            break
    return steps


# ---- cases --------------------------------------------------------------------------------------------------------


def case(masks, most, expand, eos, suffix=5, between=0, ends=False, **more):
    """`expand`, `eos`: the number of the step, in a run without either, whose token is to be it; None for a token
    that never comes. `masks`: of each hole. `suffix`: tokens behind them, and an end of sequence where `ends`."""
    return {
        "masks": masks,
        "suffix": suffix,
        "between": between,
        "ends": ends,
        "expand": expand,
        "eos": eos,
        "max_gen_len": most,
        "steps": 128,
        "alg": "entropy",
        "alg_temp": 0.0,
        "temperature": 0.0,
        "top_p": 1.0,
        "top_k": 0,
        "expand_budget": -1,
        "number_transfer_tokens": 1,
        "delete_eos_token": True,
        "pad_eos_to_right": True,
        **more,
    }


EVAL = [
    case([4], 16, 0, 2, ends=True),
    case([8], 24, 1, 5),
    case([16], 32, 2, 9, top_p=0.9),
    # The end comes first: the whole hole goes.
    case([6], 16, None, 0),
    case([1], 12, 0, None),
    # No room from the start, and room for one.
    case([8], 8, 0, 4),
    case([8], 9, 0, 3),
    case([4], 40, 0, None, expand_budget=1),
    case([4], 40, 0, None, expand_budget=0),
    case([12], 24, 3, 6, pad_eos_to_right=False),
    case([12], 24, 2, 5, delete_eos_token=False),
    case([10], 24, 1, 4, pad_eos_to_right=False, delete_eos_token=False),
    # Every entropy is 0: a tie at each step.
    case([10], 20, 2, 6, top_k=1),
    case([70], 80, 3, 40, top_k=1),
    case([10], 24, 1, 6, alg="maskgit_plus"),
    case([10], 24, 1, 6, alg="topk_margin", top_p=0.8),
    case([9], 20, 1, 4, suffix=0),
    case([3, 4], 16, 1, 4, between=3, pad_eos_to_right=False),
    case([2, 3, 4], 20, 2, 5, between=2),
    case([8], 16, 0, None, steps=6),
    # The prompt holds the end of sequence.
    case([6], 16, 1, 3, ends=True, held=True),
    case([12], 16, 0, 3, top_k=20, top_p=0.95),
    case([12], 64, 1, 3, pad_eos_to_right=False, ends=True),
    case([5], 30, 0, None, expand_budget=3, ends=True),
    case([6], 30, 0, None, expand_budget=2, top_k=1),
    case([1], 8, None, 0, ends=True),
    case([20], 40, 1, 10, top_k=1, pad_eos_to_right=False),
    case([12], 32, 0, 7, alg="maskgit_plus", top_k=1),
    case([24], 48, 0, 12),
    case([10], 30, 0, 5, ends=True),
]

MODEL = [
    case([8], 24, 1, 4, expand_budget=48, number_transfer_tokens=2),
    case([12], 32, 1, 5, expand_budget=64, number_transfer_tokens=3, pad_eos_to_right=False),
    case([16], 48, 2, 7, expand_budget=96, number_transfer_tokens=4),
    case([20], 64, 3, 12, expand_budget=128, number_transfer_tokens=5, alg="maskgit_plus"),
    case([24], 64, 0, 15, expand_budget=128, number_transfer_tokens=3, top_k=1),
    case([8], 16, 0, 5, expand_budget=32, pad_eos_to_right=False, top_p=0.9),
    case([6, 6], 30, 1, 6, expand_budget=60, number_transfer_tokens=2, between=4, pad_eos_to_right=False),
    case([14], 30, 4, 9, expand_budget=60, number_transfer_tokens=2, alg="topk_margin"),
    case([40], 60, 2, 20, expand_budget=120, number_transfer_tokens=4, top_k=1, pad_eos_to_right=False),
    case([18], 40, 0, 6, expand_budget=80, number_transfer_tokens=3),
    case([12], 24, 0, 8, expand_budget=48, number_transfer_tokens=2, pad_eos_to_right=False),
    case([16], 40, 0, 5, expand_budget=80, number_transfer_tokens=2, ends=True),
]


def prepared(sampler, seed):
    """What becomes of a case once network and prompt are known: a text with masks, and the two tokens."""

    def prepare(network, prompt, given):
        params = dict(given)
        rng = torch.Generator().manual_seed(seed + len(prompt))
        some = lambda n: torch.randint(0, 500, (n,), generator=rng).tolist()  # noqa: E731
        holes = params.pop("masks")
        between, suffix = params.pop("between"), params.pop("suffix")
        ends, held = params.pop("ends"), params.pop("held", False)
        places = (params.pop("expand"), params.pop("eos"))
        text = []
        for at, masks in enumerate(holes):
            text += (some(between) if at else []) + [MASK] * masks
        text += some(suffix)
        params["min_gen_len"] = sum(holes)
        tokens = list(NEVER)
        # The end first where it stands in the text, on which everything else depends.
        for which in (1, 0) if ends else (0, 1):
            trial = {**params, "expand_token_id": [tokens[0]], "eos_token_id": tokens[1], "number_transfer_tokens": 1}
            trial["text"] = text + tokens[1:] * ends
            written = [
                now
                for step in run(sampler, network, prompt, trial) or []
                if len(step["ids_before"]) == len(step["ids_after"])
                for was, now in zip(step["ids_before"], step["ids_after"])
                if was != now
            ]
            # Fixed text that holds the token would expand, too: demask leaves it as it is.
            written = [token for token in written if token not in prompt + trial["text"]]
            if places[which] is not None and len(written) > places[which]:
                tokens[which] = written[places[which]]
        text += tokens[1:] * ends
        if held:
            prompt[0] = tokens[1]
        return {**params, "text": text, "expand_token_id": [tokens[0]], "eos_token_id": tokens[1]}

    return prepare


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--dreamon", type=Path, required=True)
    arguments.add_argument("--model", type=Path)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    names = ("dream-a", "llada-a", "qwen3-a", "llada-b")
    networks = {name: [Network(MODELS / name)] + [moved(name, seed) for seed in (11, 12, 13)] for name in names}
    of = "DreamLM/DreamOn@8a0a54918412 eval/generator.py MDMGenerator.batch_generate_with_expand_as_token"
    sources = [(EVAL, of, (of_eval, *published(given.dreamon / "eval/generator.py", "MDMGenerator")), 0)]
    if given.model:
        of = "generation_utils.py of Dream-org/DreamOn-v0-7B, DreamOnGenerationMixin._sample, from a public copy"
        mixin = published(given.model / "generation_utils.py", "DreamOnGenerationMixin")
        sources.append((MODEL, of, (of_model, *mixin), 50))
    for cases, reference, sampler, first in sources:
        listed = [(names[at % 4], 3 + 3 * at % 11, 300 + first + at, params) for at, params in enumerate(cases)]

        def once(network, prompt, params):
            return run(sampler, network, list(prompt), params)  # noqa: B023

        record("dreamon", reference, listed, networks, once, prepared(sampler, first), first)


if __name__ == "__main__":
    main()
