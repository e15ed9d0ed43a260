#!/usr/bin/env python3
"""Runs published samplers that revise, compare or change the length on the tiny checkpoints of tests/golden, and writes
what they did to tests/golden/traces.

How to run it (CPU only, about two minutes; the Python needs torch, safetensors, numpy, pydantic and xxhash):

    git clone https://github.com/Kamichanw/d2Cache
    git clone https://github.com/kuleshov-group/remdm
    git clone https://github.com/Feng-Hong/WINO-DLLM
    git clone https://github.com/yjyddq/rho-EOS
    git clone https://github.com/NiuHechang/Calibrated_Adaptive_Length
    python tests/reference/samplers.py --d2cache d2Cache --remdm remdm --wino WINO-DLLM --rho rho-EOS \\
        --cal Calibrated_Adaptive_Length

Traces are made of the samplers that are given: `vanilla_generate` (eb_sampler) and `klass_generate` of
src/generation; `_sample`, `_ddpm_caching_update` and `_subs_parameterization` of class `Diffusion` in diffusion.py
(remdm); `decoding_wino` of LLaDA/decoding.py (wino); `generate` of models/LLaDA_rho_EOS.py (rho_eos) and of
llada_cal/llada_cal.py (cal). Two things are put in the place of others in remdm: its draws are made from the noise that
demask has for the same seed, step and position, so that runs can be compared at all, and confidences are kept in
float32 where it has bfloat16.
`klass_generate` takes logits in float64 alone, so it is given them so. Runs are kept as those of rules.py are. Runs in
which wino takes the mask for a token are left out: it counts it as written.
"""

import argparse
import ast
import contextlib
import importlib
import io
import os
import sys
import types
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Dict, List, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "reference"), str(TESTS / "python"), str(TESTS.parent / "python")]
from networks import Network  # noqa: E402
from rules import MASK, MODELS, Endless, delimiters, functions, moved, numbers, record  # noqa: E402


class Watched:
    """A network that writes down its passes: ids, and logits."""

    device = torch.device("cpu")

    def __init__(self, network, most, dtype):
        self.network, self.most, self.dtype, self.passes = network, most, dtype, []
        self.config = SimpleNamespace(vocab_size=network.embedding.shape[0])

    def __call__(self, ids, attention_mask=None, position_ids=None, **_):
        if len(self.passes) >= self.most:
            raise Endless
        seen = attention_mask if attention_mask is not None and attention_mask.dim() == 4 else None
        with torch.no_grad():
            logits = self.network(ids, seen, None if position_ids is None else position_ids[None]).to(self.dtype)
        self.passes.append((ids[0].tolist(), logits[0].clone()))
        return SimpleNamespace(logits=logits)


def steps_of(canvases, passes, more):
    """Steps from the generated region before each pass and behind the last, the logits of each, and further columns."""
    steps = []
    for at, logits in enumerate(passes):
        p = torch.softmax(logits.double(), -1)
        best = p.max(-1)
        steps.append(
            {
                "ids_before": canvases[at],
                "argmax": best.indices.tolist(),
                "confidence": numbers(best.values),
                **more(at, p),
                "ids_after": canvases[at + 1],
            }
        )
    return steps


# ---- the samplers: each returns the steps of a run ----------------------------------------------------------------


def d2cache(generate, model, prompt, params, more):
    found = generate(model, torch.tensor([prompt]), mask_token_id=MASK, **params)
    canvas = torch.full((params["gen_length"],), MASK)
    canvases = [canvas.tolist()]
    for delta in found.deltas:
        taken = delta.transfer_index[0]
        canvas[taken] = delta.decoded_tokens[0][taken]
        canvases.append(canvas.tolist())
    passes = []
    for _, logits in model.passes:
        logits = logits[len(prompt) :]
        if "top_p" in params:
            logits = sys.modules["src.models.dream.generation_utils"].top_p_logits(logits, params["top_p"])
        if "top_k" in params:
            logits = sys.modules["src.models.dream.generation_utils"].top_k_logits(logits, params["top_k"])
        passes.append(logits)
    return steps_of(canvases, passes, lambda at, p: more(passes, at, p))


def eb_sampler(source, model, prompt, params):
    score = lambda _passes, _at, p: {"score": numbers((p * (p + 1e-10).log()).sum(-1))}  # noqa: E731
    return d2cache(source.vanilla_generate, model, prompt, params, score)


def klass(source, model, prompt, params):
    def more(passes, at, p):
        if at == 0:
            return {}
        before = torch.softmax(passes[at - 1].double(), -1)
        return {"kl": numbers((p * ((p + 1e-12).log() - (before + 1e-12).log())).sum(-1))}

    return d2cache(source.klass_generate, model, prompt, params, more)


def wino(source, model, prompt, params):
    x, _ = source.decoding_wino(model, torch.tensor([prompt]), mask_id=MASK, **params)
    length, width, start = params["gen_length"], params["block_length"], len(prompt)
    canvases = [ids[start : start + length] for ids, _ in model.passes] + [x[0, start:].tolist()]
    at_work = 0

    def more(at, plain):
        nonlocal at_work
        while MASK not in canvases[at][at_work : at_work + width]:
            at_work += width
        masked = [place for place in range(at_work, at_work + width) if canvases[at][place] == MASK]
        best = max(masked, key=lambda place: plain[place].max())
        taken = [place for place in masked if plain[place].max() > params["threshold"]] or [best]
        if any(plain[place].argmax() == MASK for place in taken):
            raise Endless
        p = torch.softmax(model.passes[at][1][start + length :].double(), -1)
        held = torch.tensor(canvases[at][at_work : at_work + width])
        seen = numbers(p.gather(-1, held[:, None])[:, 0])
        before, behind = [None] * at_work, [None] * (length - at_work - width)
        return {"block_start": at_work, "p_shadow": before + seen + behind}

    return steps_of(canvases, [logits[start : start + length] for _, logits in model.passes], more)


def rho_eos(source, model, prompt, params):
    eos = params["eos_token_id"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = source.generate(model, torch.tensor([prompt]), None, mask_id=MASK, **params)
    canvases = [ids[len(prompt) :] for ids, _ in model.passes] + [out[0][len(prompt) :].tolist()]

    def more(_, p):
        argmax = p.argmax(-1).tolist()
        found = {"p_eos": [n if token == eos else None for n, token in zip(numbers(p[:, eos]), argmax)]}
        if MASK not in argmax:
            return found
        others = p.clone()
        others[:, MASK] = 0.0
        best = (others / others.sum(-1, keepdim=True)).max(-1)
        return {**found, "best_unmask": best.indices.tolist(), "p_best_unmask": numbers(best.values)}

    return steps_of(canvases, [logits[len(prompt) :] for _, logits in model.passes], more)


def cal(source, model, prompt, params):
    given = {key: value for key, value in params.items() if value is not None}
    x, _ = source.generate(model, torch.tensor([prompt]), mask_id=MASK, **given)
    canvases = [ids[len(prompt) :] for ids, _ in model.passes] + [x[0, len(prompt) :].tolist()]
    return steps_of(canvases, [logits[len(prompt) :] for _, logits in model.passes], lambda _at, _p: {})


def remdm(source, model, prompt, params):
    """`source`: the class of the published methods, and the names that they use."""
    from demask import noise

    methods, space = source
    seed, steps, length = params["seed"], params["steps"], params["gen_length"]
    diffusion = methods()
    diffusion.mask_index, diffusion.neg_infinity, diffusion.time_conditioning = MASK, -1000000.0, False
    diffusion.device, diffusion.sampler, diffusion.parameterization = "cpu", "ddpm_cache", "subs"
    diffusion.noise = lambda t: (t, None)
    sampling = {key: params[key] for key in ("sampler", "steps", "eta", "t_on", "t_off", "alpha_on", "nucleus_p")}
    diffusion.config = SimpleNamespace(
        noise=SimpleNamespace(type="loglinear"),
        sampling=SimpleNamespace(dfm=False, noise_removal=params["noise_removal"], **sampling),
        loader=SimpleNamespace(eval_batch_size=1),
        model=SimpleNamespace(length=length),
    )
    last, found = {}, []

    def forward(x, _):
        ids = torch.cat((torch.tensor([prompt]), x), -1)
        logits = model(ids).logits[:, len(prompt) :]
        last["logits"] = logits[0].clone()
        return diffusion._subs_parameterization(logits, x)

    def note(x, choice, p, known=True):
        """A pass on `x`: what is chosen where, and its probability; what is written stands for itself."""
        masked = (x == MASK) & known
        best = torch.softmax(last["logits"].double(), -1).max(-1).indices
        p = [value if at else None for value, at in zip(numbers(p), masked.tolist())]
        found.append({"ids_before": x.tolist(), "argmax": best.tolist(), "choice": choice.tolist(), "confidence": p})

    def draw(q):
        x, step = last["x"][0], len(found)
        q = q[0].double()
        again = q[:, MASK] / q.sum(-1)
        tokens = q.clone()
        tokens[:, MASK] = 0.0
        total = tokens.sum(-1)
        tokens /= total.clamp(min=1e-300)[:, None]
        drawn = noise.gumbel(1.0, seed, step + 1, list(range(length)), q.shape[1], q.device).double()
        choice = torch.where(x == MASK, (tokens.log() + drawn).argmax(-1), x)
        # Where no token has a chance it is not known what would be chosen.
        note(x, choice, tokens.gather(-1, choice[:, None])[:, 0], total > 0)
        fills = torch.tensor([uniform(seed, step, 1, at) for at in range(length)], dtype=torch.float64) < 1 - again
        masks = torch.tensor([uniform(seed, step, 2, at) for at in range(length)], dtype=torch.float64) < again
        return torch.where(torch.where(x == MASK, ~fills, masks), MASK, choice)[None]

    update = diffusion._ddpm_caching_update

    def noted(x, *rest, **named):
        last["x"] = x
        return update(x, *rest, **named)

    diffusion.forward, diffusion._ddpm_caching_update, space["_sample_categorical"] = forward, noted, draw
    x = diffusion._sample()[0]
    if params["noise_removal"]:
        # The last pass was made on what the last step left.
        before = torch.tensor(model.passes[-1][0][len(prompt) :])
        best = last["logits"].double()
        best[:, MASK] = -torch.inf
        p = torch.softmax(best, -1).max(-1)
        note(before, torch.where(before == MASK, p.indices, before), p.values)
    after = [step["ids_before"] for step in found[1:]] + [x.tolist()]
    found = [{**step, "ids_after": ids} for step, ids in zip(found, after)]
    times = torch.linspace(1, 1e-5, steps + 1).tolist()

    def over(at):
        """Nothing can change any more, so that demask makes no such pass."""
        remasks = at < steps and params["eta"] > 0 and (params["sampler"] != "remdm-loop" or times[at] > params["t_off"])
        return MASK not in found[at]["ids_before"] and not (remasks or at < steps and params["sampler"] == "remdm-conf")

    while over(len(found) - 1):
        found.pop()
    return found


def uniform(seed, step, purpose, slot):
    """demask's noise of positions."""
    import xxhash

    places = (0, step, purpose << 32 | slot)
    bits = xxhash.xxh3_64_intdigest(b"".join(place.to_bytes(8, "little") for place in places), seed) >> 11
    return (bits + 0.5) / (1 << 53)


# ---- the published code -------------------------------------------------------------------------------------------


def of_d2cache(folder):
    """src.generation without what it imports of models, caches and configurations."""
    os.environ["MASK_TOKEN_ID"] = str(MASK)

    def module(name, **names):
        made = types.ModuleType(name)
        made.__dict__.update(names)
        sys.modules[name] = made
        return made

    space = {"torch": torch, "F": F, "Callable": object, "Sequence": list, "Mapping": dict, "overload": lambda f: f}
    common = vars(functions(folder / "src/utils/common.py", space))
    filters = vars(functions(folder / "src/models/dream/generation_utils.py", {"torch": torch, "F": F, "dists": None}))
    for name in ("src", "src.generation"):
        module(name).__path__ = [str(folder / name.replace(".", "/"))]

    class Registry:
        def __call__(self, _):
            return lambda function: function

    names = ("apply_fn", "tensor_insert", "tensor_delete", "certainty_density")
    module("src.utils", Registry=Registry, is_adapted_from_ar=lambda _: False, **{name: common[name] for name in names})
    module("src.cache", dCache=object)
    module("src.models", LLaDAModelLM=type("LLaDA", (), {}), DreamModel=type("Dream", (), {}))
    module("src.models.dream")
    wanted = {name: filters[name] for name in ("top_k_logits", "top_p_logits")}
    module("src.models.dream.generation_utils", **wanted)
    module("src.third_party", get_token_freq=None)
    vanilla, klass = (importlib.import_module("src.generation." + name) for name in ("vanilla", "klass"))
    return SimpleNamespace(vanilla_generate=vanilla.vanilla_generate, klass_generate=klass.klass_generate)


class Float32:
    """torch, with float32 for bfloat16."""

    bfloat16 = torch.float32

    def __getattr__(self, name):
        return getattr(torch, name)


def of_remdm(folder):
    """Three methods of the published class as a class of their own, and the space that they are in."""
    tree = ast.parse((folder / "diffusion.py").read_text())
    published = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Diffusion")
    names = ("_sample", "_sample_prior", "_ddpm_caching_update", "_subs_parameterization")
    methods = [node for node in published.body if isinstance(node, ast.FunctionDef) and node.name in names]
    for method in methods:
        method.decorator_list = []
    published.body, published.bases = methods, []
    tree.body = [published]
    space = {"torch": Float32(), "tqdm": lambda values: values}
    exec(compile(tree, "diffusion.py", "exec"), space)
    return space["Diffusion"], space


# ---- cases --------------------------------------------------------------------------------------------------------


def cut(length, block, **more):
    return {"gen_length": length, "block_length": block, **more}


EB_SAMPLER = [
    cut(32, 8, gamma=0.001),
    cut(32, 32, gamma=2.0),
    cut(48, 16, gamma=8.0),
    cut(16, 8, gamma=0.0),
    cut(32, 16, gamma=1000.0),
    cut(64, 64, gamma=20.0),
    cut(24, 24, gamma=5.5),
    cut(24, 8, gamma=3.0, top_k=4),
    cut(32, 8, gamma=1.0, top_p=0.5),
    cut(40, 8, gamma=12.0),
    cut(1, 1, gamma=0.5),
    cut(48, 48, gamma=40.0, top_p=0.8, top_k=20),
]

KLASS = [
    cut(32, 8, kl_threshold=0.01, kl_history_length=2, threshold=0.9, num_transfer_tokens=1),
    cut(32, 32, kl_threshold=0.05, kl_history_length=2, threshold=0.1, num_transfer_tokens=1),
    cut(48, 16, kl_threshold=0.5, kl_history_length=1, threshold=0.05, num_transfer_tokens=2),
    cut(32, 16, kl_threshold=1.0, kl_history_length=3, threshold=0.2, num_transfer_tokens=1),
    cut(24, 8, kl_threshold=0.0, kl_history_length=2, threshold=0.1, num_transfer_tokens=3),
    cut(32, 32, kl_threshold=5.0, kl_history_length=1, threshold=0.0, num_transfer_tokens=1),
    cut(32, 16, kl_threshold=0.2, kl_history_length=2, threshold=1.5, num_transfer_tokens=4),
    cut(16, 16, kl_threshold=0.3, kl_history_length=8, threshold=0.1, num_transfer_tokens=1),
    cut(32, 8, kl_threshold=0.1, kl_history_length=2, threshold=0.3, num_transfer_tokens=1, top_k=8),
    cut(40, 20, kl_threshold=0.15, kl_history_length=1, threshold=0.25, num_transfer_tokens=1),
    cut(24, 24, kl_threshold=2.0, kl_history_length=4, threshold=0.15, num_transfer_tokens=64),
    cut(64, 32, kl_threshold=0.3, kl_history_length=2, threshold=0.12, num_transfer_tokens=1),
]

WINO = [
    cut(32, 32, threshold=0.6, threshold_back=0.9),
    cut(32, 8, threshold=0.6, threshold_back=0.9),
    cut(32, 16, threshold=0.2, threshold_back=0.3),
    cut(48, 48, threshold=0.1, threshold_back=0.2),
    cut(64, 64, threshold=0.05, threshold_back=0.1),
    cut(32, 32, threshold=0.0, threshold_back=0.0),
    cut(24, 24, threshold=0.0, threshold_back=0.15),
    cut(16, 8, threshold=1.5, threshold_back=2.0),
    cut(40, 20, threshold=0.3, threshold_back=0.25),
    cut(32, 32, threshold=0.15, threshold_back=0.9),
    cut(64, 32, threshold=0.12, threshold_back=0.35),
    cut(24, 8, threshold=0.25, threshold_back=2.0),
    cut(48, 16, threshold=0.35, threshold_back=0.5),
    cut(4, 2, threshold=0.3, threshold_back=0.6),
]


def timed(sampler, steps, length, seed, eta=0.1, nucleus=0.9, clean=True, t_on=0.55, t_off=0.05, alpha_on=0.9):
    return {
        "sampler": "remdm-" + sampler,
        "steps": steps,
        "gen_length": length,
        "seed": seed,
        "eta": eta,
        "nucleus_p": nucleus,
        "noise_removal": clean,
        "t_on": t_on,
        "t_off": t_off,
        "alpha_on": alpha_on,
    }


REMDM = [
    timed("cap", 32, 32, 1, eta=0.008),
    timed("cap", 24, 24, 2, eta=0.2),
    timed("cap", 16, 32, 3, eta=1.0),
    timed("cap", 8, 16, 4, eta=0.0),
    timed("rescale", 24, 24, 5, eta=0.015),
    timed("rescale", 16, 24, 6, eta=0.5, nucleus=1.0),
    timed("rescale", 12, 16, 7, eta=1.0, nucleus=0.0),
    timed("loop", 32, 24, 8, eta=0.02),
    timed("loop", 24, 24, 9, eta=0.1, t_on=0.7, t_off=0.3, alpha_on=0.8),
    timed("loop", 16, 16, 10, eta=0.0, nucleus=0.5),
    timed("conf", 24, 24, 11),
    timed("conf", 16, 32, 12, nucleus=0.7),
    timed("conf", 12, 16, 13, nucleus=1.0),
    timed("cap", 1, 8, 14),
    timed("cap", 6, 24, 15, eta=0.3, clean=False),
]


def grown(initial, block, most, **more):
    return {"initial_gen_length": initial, "block_length": block, "max_gen_length": most, **more}


RHO = [
    grown(32, 8, 64),
    grown(32, 16, 64, scheduler="linear", expansion_factor=2),
    grown(24, 8, 48, scheduler="const", expansion_factor=3),
    grown(48, 16, 64, low_density_threshold=0.0, high_density_threshold=2.0),
    grown(48, 16, 64, low_density_threshold=0.0, high_density_threshold=0.02, eos_check_tokens=8, expansion_factor=1),
    grown(40, 8, 64, low_density_threshold=0.05, high_density_threshold=0.06, eos_check_tokens=4, expansion_factor=1),
    grown(16, 8, 16),
    grown(16, 32, 40, high_conf_threshold=0.2),
    grown(32, 32, 96, high_conf_threshold=0.0, eos_check_tokens=16),
    grown(32, 8, 80, high_conf_threshold=1.5, eos_check_tokens=8, low_density_threshold=0.1, high_density_threshold=0.15),
    grown(64, 16, 80, high_conf_threshold=0.3, low_density_threshold=0.02, high_density_threshold=0.05, eos_check_tokens=24),
    grown(20, 7, 50, scheduler="linear", expansion_factor=1, eos_check_tokens=3, low_density_threshold=0.1),
    grown(32, 8, 64, expansion_factor=0),
    grown(12, 4, 40, low_density_threshold=2.0, high_density_threshold=2.0, expansion_factor=1),
]


def tried(first, most=24, **more):
    return {"gen_length": first, "max_gen_length": most, **more}


CAL = [
    tried(8, 64),
    tried(8, use_bias=False),
    tried(12, dstep=2),
    tried(16, 48, span=4),
    tried(8, 32, span=3, dstep=1),
    tried(6, dstep=0),
    tried(1, 12),
    tried(20, 16, dstep=3, use_bias=False),
    tried(10, dstep=8, use_bias=False),
    tried(16, 32, span=8, dstep=2, block_length=8, steps=8),
    tried(9, dstep=-1),
    tried(8, 64, span=64),
    tried(12, span=2, dstep=3, steps=4),
    tried(8, 16, span=4, dstep=4, block_length=4, steps=16),
]


def main():
    arguments = argparse.ArgumentParser()
    for name in ("d2cache", "remdm", "wino", "rho", "cal"):
        arguments.add_argument("--" + name, type=Path)
    given = arguments.parse_args()
    sources = {}
    if given.d2cache:
        published, of = of_d2cache(given.d2cache), "Kamichanw/d2Cache@72feb60bb288 src/generation/"
        sources["eb_sampler"] = (eb_sampler, published, EB_SAMPLER, of + "vanilla.py vanilla_generate")
        sources["klass"] = (klass, published, KLASS, of + "klass.py klass_generate")
    if given.wino:
        published = functions(given.wino / "LLaDA/decoding.py", {"torch": torch, "np": np, "F": F})
        sources["wino"] = (wino, published, WINO, "Feng-Hong/WINO-DLLM@9549a1d0c3cb LLaDA/decoding.py decoding_wino")
    if given.rho:
        space = {"torch": torch, "F": F, "dist": torch.distributed, "Tuple": Tuple, "List": List, "Dict": Dict}
        published = functions(given.rho / "models/LLaDA_rho_EOS.py", {**space, "Optional": Optional})
        sources["rho_eos"] = (rho_eos, published, RHO, "yjyddq/rho-EOS@9cb20c66f735 models/LLaDA_rho_EOS.py generate")
    if given.cal:
        published = functions(given.cal / "llada_cal/llada_cal.py", {"torch": torch, "np": np, "F": F})
        of = "NiuHechang/Calibrated_Adaptive_Length@741e8418a88a llada_cal/llada_cal.py generate"
        sources["cal"] = (cal, published, CAL, of)
    if given.remdm:
        of = "kuleshov-group/remdm@f830d659fb98 diffusion.py Diffusion._sample, with demask's noise"
        sources["remdm"] = (remdm, of_remdm(given.remdm), REMDM, of)
    names = ("llada-a", "qwen3-a", "llada-b", "qwen2-a")
    networks = {name: [Network(MODELS / name)] + [moved(name, seed) for seed in (11, 12, 13)] for name in names}
    for kind, (sampler, source, cases, reference) in sources.items():

        def once(network, prompt, params):
            model = Watched(network, 400, torch.float64 if kind == "klass" else torch.float32)  # noqa: B023
            try:
                with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
                    return sampler(source, model, list(prompt), dict(params))  # noqa: B023
            except Endless:
                return None

        def with_eos(network, prompt, params):
            """The end of sequence is what the network predicts most, so that there is one."""
            return {**params, "eos_token_id": delimiters(network, prompt, params["initial_gen_length"], 1)[0]}

        listed = [(names[at % 4], 4 + 3 * at % 17, 200 + at, params) for at, params in enumerate(cases)]
        record(kind, reference, listed, networks, once, with_eos if kind == "rho_eos" else None)


if __name__ == "__main__":
    main()
