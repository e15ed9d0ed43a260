#!/usr/bin/env python3
"""Runs published samplers on the tiny checkpoints of tests/golden, and writes what they did to tests/golden/traces.

How to run it (CPU only, about a minute; the Python needs torch, safetensors and numpy):

    git clone https://github.com/pixeli99/Prophet
    git clone https://github.com/lgxi24/AdaBlock-dLLM
    git clone https://github.com/inclusionAI/dInfer
    TORCHDYNAMO_DISABLE=1 python tests/reference/rules.py --prophet Prophet --adablock AdaBlock-dLLM --dinfer dInfer

Traces are made of the samplers that are given. They are the published functions, taken out of their files and called with a network that writes down every
pass: `generate` of generate_earlyexit.py (prophet), `generate_adablock` of llada/generate_adablock.py (adablock),
`HierarchyDecoder` and `generate_hierarchy` of python/dinfer/decoding (hierarchy; the loop over blocks around the
decoder is here, since dInfer's own wants its caches), `CreditThresholdParallelDecoder` beside it (credit). No program publishes `order`: its rule is written again here.
The networks are those of tests/python/networks.py. A run is kept only if three runs with weights changed by a factor
of 1 + 1e-5 * N decide the same at every step, and if it ends (a sampler that predicts the mask goes on for ever).
"""

import argparse
import ast
import contextlib
import importlib
import io
import json
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "python"))
from networks import Network  # noqa: E402

MODELS = TESTS / "golden/models"
TRACES = TESTS / "golden/traces"
MASK = 507


class Endless(Exception):
    pass


class Watched:
    """A network that writes down its passes: the canvas before each, and the logits, guided where there are two."""

    device = torch.device("cpu")

    def __init__(self, network, most, scale=0.0):
        self.network, self.most, self.scale, self.passes = network, most, scale, []

    def __call__(self, ids, **_):
        if len(self.passes) >= self.most:
            raise Endless
        with torch.no_grad():
            logits = self.network(ids)
        guided = logits[0] if len(logits) == 1 else logits[1] + (self.scale + 1) * (logits[0] - logits[1])
        self.passes.append((ids[0].tolist(), guided))
        return SimpleNamespace(logits=logits)


def functions(path, space):
    """The top-level functions of a file, without its imports and the rest of it."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    exec(compile(tree, str(path), "exec"), space)
    return SimpleNamespace(**space)


# ---- the samplers: each returns the canvas, and notes on each pass where there are any ----------------------------


def prophet(source, model, prompt, params):
    thresholds = {name: params[name + "_threshold"] for name in ("early", "mid", "late")}
    keys = ("steps", "gen_length", "block_length", "cfg_scale")
    given = {key: params[key] for key in keys if key in params}
    start = len(prompt) + params["answer_start_pos"]
    ids = torch.tensor([prompt])
    x, _ = source.generate(
        model, ids, mask_id=MASK, analyze_gap=True, answer_start_pos=start, early_exit_thresholds=thresholds, **given
    )
    return x, None


def adablock(source, model, prompt, params):
    x, passes, blocks = source.generate_adablock(model, torch.tensor([prompt]), mask_id=MASK, **params)
    starts, start = [], 0
    for n, width in zip(passes, blocks):
        starts += [{"block_start": start, "block_end": start + width}] * n
        start += width
    return x, starts


def hierarchy(source, model, prompt, params):
    given = {key: value for key, value in params.items() if key != "variant"}
    if params.get("variant") == "fast_v2":
        loop = importlib.import_module("published.generate_hierarchy").generate_hierarchy
        steps = params["gen_length"]
        return loop(model, torch.tensor([prompt]), steps=steps, mask_id=MASK, decoding="hierarchy_fast_v2", **given)[0], None
    length, width = given.pop("gen_length"), given.pop("block_length")
    decoder = source.HierarchyDecoder(temperature=0, mask_id=MASK, **given)
    return blockwise(decoder, model, prompt, length, width)


def blockwise(decoder, model, prompt, length, width):
    x = torch.full((1, len(prompt) + length), MASK)
    x[0, : len(prompt)] = torch.tensor(prompt)
    for at in range(len(prompt), len(prompt) + length, width):
        while (x[:, at : at + width] == MASK).any():
            decoder.decode(model(x).logits[:, at : at + width], at, at + width, x)
    return x, None


def credit(source, model, prompt, params):
    """Notes what credit makes of each pass: choice and confidence of the positions of the block."""
    given = {key: value for key, value in params.items() if key not in ("gen_length", "block_length")}
    decoder = source.CreditThresholdParallelDecoder(temperature=0, mask_id=MASK, **given)
    notes, fuse = [], decoder._apply_credit_fusion

    def noted(logits, masks, key):
        fused = fuse(logits, masks, key)
        plain = model.passes[-1][1][len(prompt) :].clone()
        best = torch.softmax(plain.double(), -1).max(-1).values
        plain[key[0] - len(prompt) : key[1] - len(prompt)] = fused[0]
        p = torch.softmax(plain.double(), -1).max(-1)
        # What is written keeps credit there that nothing reads.
        masked = [token == MASK for token in model.passes[-1][0][len(prompt) :]]
        sure = [value if at else None for value, at in zip(numbers(p.values), masked)]
        notes.append({"p_argmax": numbers(best), "choice": p.indices.tolist(), "confidence": sure})
        return fused

    decoder._apply_credit_fusion = noted
    return blockwise(decoder, model, prompt, params["gen_length"], params["block_length"])[0], notes


def order(_, model, prompt, params):
    """What may come next is asked anew at every step, from the edges."""
    length, most = params["gen_length"], params["num_transfer_tokens"]
    text = params["order"]
    if text in ("left_to_right", "right_to_left"):
        sequence = list(range(length))[:: 1 if text == "left_to_right" else -1]
        before = {at: set() for at in sequence}
    elif ">" not in text:
        sequence = [at for part in text.split("+") for at in spread(part)]
        before = {at: set() for at in sequence}
    else:
        before = {at: set() for at in range(length)}
        for chain in text.split(";"):
            groups = [[at for part in group.split("+") for at in spread(part)] for group in chain.split(">")]
            for earlier, later in zip(groups, groups[1:]):
                for at in later:
                    before[at] |= set(earlier)
        sequence, placed = [], set()
        while len(sequence) < length:
            at = min(at for at in range(length) if at not in placed and before[at] <= placed)
            sequence.append(at)
            placed.add(at)
    x = torch.full((1, len(prompt) + length), MASK)
    x[0, : len(prompt)] = torch.tensor(prompt)
    written = set()
    while len(written) < length:
        best = model(x).logits[0, len(prompt) :].argmax(-1)
        ready = [at for at in sequence if at not in written and before[at] <= written][:most]
        for at in ready:
            if best[at] == MASK:
                raise Endless
            x[0, len(prompt) + at] = best[at]
        written |= set(ready)
    return x, None


def spread(part):
    ends = [int(end) for end in part.split("-")]
    if ends[0] <= ends[-1]:
        return list(range(ends[0], ends[-1] + 1))
    return list(range(ends[0], ends[-1] - 1, -1))


# ---- runs ---------------------------------------------------------------------------------------------------------


def run(sampler, source, network, prompt, params):
    """The passes of a run with what came of each, or None if it does not end."""
    model = Watched(network, 6 * params["gen_length"], params.get("cfg_scale", 0.0))
    try:
        with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
            x, notes = sampler(source, model, list(prompt), dict(params))
    except Endless:
        return None
    canvases = [ids for ids, _ in model.passes] + [x[0].tolist()]
    steps = []
    for at, (_, logits) in enumerate(model.passes):
        logits = logits[len(prompt) :]
        p = torch.softmax(logits.double(), -1).max(-1)
        step = {
            "ids_before": canvases[at][len(prompt) :],
            "argmax": p.indices.tolist(),
            "confidence": numbers(p.values),
            **(notes[at] if notes else {}),
        }
        if sampler is prophet:
            two = logits.topk(2, -1).values
            step["score"] = numbers(two[:, 0] - two[:, 1])
        step["ids_after"] = canvases[at + 1][len(prompt) :]
        steps.append(step)
    return steps


def numbers(values):
    """float32 in the shortest digits that read back the same."""
    return [json.loads(str(np.float32(value))) for value in values.tolist()]


def moved(name, seed):
    """The network with its weights changed a little."""
    network = Network(MODELS / name)
    rng = torch.Generator().manual_seed(seed)
    changed = {}

    def change(tensor):
        if id(tensor) not in changed:
            noise = torch.empty_like(tensor).normal_(generator=rng)
            changed[id(tensor)] = tensor * (1 + 1e-5 * noise)
        return changed[id(tensor)]

    network.embedding, network.head = change(network.embedding), change(network.head)
    for layer in network.layers:
        layer.weights = {part: change(tensor) for part, tensor in layer.weights.items()}
    return network


def cases(kind, names):
    """Model, prompt length, seed of the prompt, parameters."""
    made = {"order": ORDER, "prophet": PROPHET, "adablock": ADABLOCK, "hierarchy": HIERARCHY, "credit": CREDIT}[kind]
    for at, params in enumerate(made):
        yield names[at % len(names)], 4 + 3 * at % 17, 100 + at, params


def chain(length, step):
    return "+".join(str(at % length) for at in range(0, length * step, step))


ORDER = [
    {"gen_length": 16, "num_transfer_tokens": 1, "order": "left_to_right"},
    {"gen_length": 24, "num_transfer_tokens": 3, "order": "right_to_left"},
    {"gen_length": 16, "num_transfer_tokens": 1, "order": chain(16, 5)},
    {"gen_length": 32, "num_transfer_tokens": 4, "order": "16-31+15-0"},
    {"gen_length": 32, "num_transfer_tokens": 8, "order": "0-7>8-15>16-23>24-31"},
    {"gen_length": 16, "num_transfer_tokens": 64, "order": "0>1+2;1>3+4;2>5+6;3-6>7-14;15"},
    {"gen_length": 16, "num_transfer_tokens": 2, "order": "15>14>13>0;0>1-12"},
    {"gen_length": 1, "num_transfer_tokens": 1, "order": "0"},
]


def prophecy(early, mid, late, start, steps, length, block, **more):
    return {
        "early_threshold": early,
        "mid_threshold": mid,
        "late_threshold": late,
        "answer_start_pos": start,
        "steps": steps,
        "gen_length": length,
        "block_length": block,
        **more,
    }


PROPHET = [
    prophecy(7.5, 5.0, 2.5, 24, 32, 32, 8),
    prophecy(7.5, 5.0, 2.5, 0, 32, 32, 32),
    prophecy(1.0, 1.0, 1.0, 10, 16, 16, 8),
    prophecy(2.0, 1.5, 1.0, 40, 48, 48, 16),
    prophecy(3.0, 2.0, 0.5, 30, 64, 32, 16),
    prophecy(1000.0, 1000.0, 1000.0, 8, 16, 16, 8),
    prophecy(0.0, 0.0, 0.0, 8, 16, 16, 8),
    prophecy(2.0, 2.0, 1.2, 60, 32, 32, 8),
    prophecy(4.0, 3.0, 1.0, 29, 16, 32, 16),
    prophecy(1000.0, 1.2, 1000.0, 0, 12, 24, 8),
    prophecy(1000.0, 1000.0, 1.1, 3, 30, 24, 8, cfg_scale=1.5),
    prophecy(1.6, 1.4, 1.2, 12, 24, 24, 24),
]


def blocks(threshold, delimiter, ids, length, block):
    return {
        "threshold": threshold,
        "delimiter_threshold": delimiter,
        "delimiter_ids": ids,
        "gen_length": length,
        "init_block_length": block,
    }


# `n` stands for the n most frequent predictions of the first pass.
ADABLOCK = [
    blocks(0.9, 0.3, 1, 32, 8),
    blocks(0.9, 0.05, 3, 48, 16),
    blocks(0.5, 0.1, 8, 32, 8),
    blocks(0.2, 0.0, 4, 40, 12),
    blocks(1.0, 0.2, 8, 32, 32),
    blocks(0.9, 2.0, 8, 32, 10),
    blocks(0.3, 0.1, 8, 16, 64),
    blocks(0.0, 0.1, 6, 32, 8),
    blocks(0.4, 0.15, 8, 64, 16),
    blocks(0.9, 0.0, 8, 3, 2),
    blocks(0.6, 0.02, 2, 36, 7),
    blocks(0.25, 0.3, 8, 64, 32),
]


def parted(threshold, low, length, block, **more):
    return {"threshold": threshold, "low_threshold": low, "gen_length": length, "block_length": block, **more}


HIERARCHY = [
    parted(0.9, 0.4, 32, 8),
    parted(0.9, 0.4, 32, 32),
    parted(0.5, 0.1, 48, 16),
    parted(2.0, 0.0, 32, 32),
    parted(0.0, 0.0, 16, 8),
    parted(0.6, 0.05, 64, 64),
    parted(2.0, 1.5, 16, 16),
    parted(0.2, 0.5, 32, 16),
    parted(0.9, 0.4, 32, 8, variant="fast_v2"),
    parted(0.5, 0.1, 48, 16, variant="fast_v2"),
    parted(0.6, 0.05, 64, 64, variant="fast_v2"),
    parted(0.2, 0.5, 32, 16, variant="fast_v2"),
    parted(2.0, 0.0, 32, 32, variant="fast_v2"),
    parted(0.8, 0.2, 24, 24),
]


def credited(threshold, length, block, alpha=0.7, gamma=0.2, beta=0.8):
    return {
        "threshold": threshold,
        "credit_alpha": alpha,
        "boost_gamma": gamma,
        "decay_beta": beta,
        "gen_length": length,
        "block_length": block,
    }


CREDIT = [
    credited(0.9, 32, 8),
    credited(0.9, 32, 32),
    credited(0.9, 48, 16, alpha=3.0),
    credited(0.5, 48, 16, alpha=2.0, gamma=0.5, beta=0.7),
    credited(0.0, 16, 8),
    credited(2.0, 24, 24, alpha=4.0),
    credited(0.9, 32, 16, alpha=0.0),
    credited(0.9, 32, 16, alpha=2.0, beta=0.0),
    credited(0.9, 32, 16, alpha=1.5, beta=1.0),
    credited(0.8, 24, 8, alpha=6.0, gamma=0.0),
    credited(0.95, 16, 64, alpha=5.0, gamma=1.0, beta=0.9),
    credited(1.0, 40, 8, alpha=2.5, gamma=2.0, beta=0.95),
    credited(0.3, 64, 64, alpha=1.0),
    credited(0.6, 20, 7, alpha=3.0),
]


def delimiters(network, prompt, length, most):
    """The most frequent predictions of the first pass."""
    ids = torch.tensor([prompt + [MASK] * length])
    with torch.no_grad():
        best = network(ids)[0, len(prompt) :].argmax(-1).tolist()
    ranked = sorted((token for token in set(best) if token != MASK), key=lambda token: (-best.count(token), token))
    return ranked[:most]


def main():
    arguments = argparse.ArgumentParser()
    for name in ("prophet", "adablock", "dinfer"):
        arguments.add_argument("--" + name, type=Path)
    given = arguments.parse_args()
    sources = {"order": (order, None, "the rule of tests/golden/FORMAT.md, written in tests/reference/rules.py")}
    if given.prophet:
        sources["prophet"] = (
            prophet,
            functions(given.prophet / "generate_earlyexit.py", {"torch": torch, "np": np, "F": F}),
            "pixeli99/Prophet@460afe41c706 generate_earlyexit.py generate",
        )
    if given.adablock:
        sources["adablock"] = (
            adablock,
            functions(given.adablock / "llada/generate_adablock.py", {"torch": torch, "np": np, "F": F, "LLaDAModelLM": None}),
            "lgxi24/AdaBlock-dLLM@491b20580ad9 llada/generate_adablock.py generate_adablock",
        )
    if given.dinfer:
        package = types.ModuleType("published")
        package.__path__ = [str(given.dinfer / "python/dinfer/decoding")]
        sys.modules["published"] = package
        decoders = importlib.import_module("published.parallel_strategy")
        of = "inclusionAI/dInfer@fce4e3280410 python/dinfer/decoding "
        sources["hierarchy"] = (hierarchy, decoders, of + "HierarchyDecoder, or generate_hierarchy")
        sources["credit"] = (credit, decoders, of + "CreditThresholdParallelDecoder")
    names = ("llada-a", "qwen3-a", "llada-b", "qwen2-a")
    networks = {name: [Network(MODELS / name)] + [moved(name, seed) for seed in (11, 12, 13)] for name in names}
    for kind, (sampler, source, reference) in sources.items():

        def once(network, prompt, params):
            return run(sampler, source, network, prompt, params)  # noqa: B023

        record(kind, reference, cases(kind, names), networks, once)


def record(kind, reference, cases, networks, once, prepare=None, first=0):
    """Writes a trace of each case: of the first of four prompts whose run is the same with slightly other weights.
    `prepare`: what becomes of the parameters once the prompt is known. `first`: the number of the first trace; from 1
    on, those there are stay."""
    folder = TRACES / kind
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json") if first == 0 else ():
        old.unlink()
    for at, (name, length, seed, params) in enumerate(cases, first):
        network, *others = networks[name]
        config = json.loads((MODELS / name / "config.json").read_text())
        for more in range(0, 4000, 1000):
            rng = torch.Generator().manual_seed(seed + more)
            prompt = torch.randint(0, 500, (length,), generator=rng).tolist()
            chosen = dict(params)
            if kind == "adablock":
                chosen["delimiter_ids"] = delimiters(network, prompt, params["gen_length"], params["delimiter_ids"])
            if prepare:
                chosen = prepare(network, prompt, chosen)
            steps = once(network, prompt, chosen)
            if steps and all(same(steps, once(other, prompt, chosen)) for other in others):
                break
        else:
            print(kind, at, "left out")
            continue
        trace = {
            "format": "daedal-golden-trace/1",
            "kind": kind,
            "name": "%s-%02d" % (name, at),
            "model": name,
            "mask_id": MASK,
            "eos_token_id": chosen.pop("eos_token_id", config["eos_token_id"]),
            "reference": reference,
            "prompt": prompt,
            **({"text": chosen.pop("text")} if "text" in chosen else {}),
            "params": chosen,
            "final_ids": steps[-1]["ids_after"],
            "n_steps": len(steps),
        }
        lines = [json.dumps(key) + ":" + json.dumps(value, separators=(",", ":")) for key, value in trace.items()]
        rows = ",\n".join(json.dumps(step, separators=(",", ":")) for step in steps)
        text = "{\n" + ",\n".join(lines) + ',\n"steps":[\n' + rows + "\n]\n}\n"
        (folder / (trace["name"] + ".json")).write_text(text)
        print(kind, trace["name"], len(steps), "steps")


def same(steps, others):
    canvases = lambda run: run and [(step["ids_before"], step["ids_after"]) for step in run]  # noqa: E731
    return canvases(steps) == canvases(others)


if __name__ == "__main__":
    main()
