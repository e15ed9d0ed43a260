#!/usr/bin/env python3
"""DAEDAL on PyTorch, CPU: what the program's speed is compared with. Prints one JSON object.

    python benches/baseline/daedal.py /tmp/half-b --prompt-ids 1,2,3 --initial-gen-length 64 --max-gen-length 64 --threads 2
    python benches/baseline/daedal.py --gemm --threads 2
    python benches/baseline/daedal.py --check tests/golden
    python benches/baseline/daedal.py assets/tiny --prompt-ids 1,2,3 --record run.jsonl

Needs torch and safetensors (checked with 2.15.0 and 0.8.0).

This is code of our own after the rules in tests/golden/FORMAT.md, with the costs of the published implementation: a
forward pass over the whole sequence at every step, logits for every position, softmax and argmax over the whole
vocabulary. (The published one does softmax and argmax twice a step, once more for the EOS confidence; here once.)
Attention is torch's fused scaled_dot_product_attention. Temperature 0 and one sequence only.

--check runs every DAEDAL trace of the golden data and compares the final ids: all of them agree (59 of 59 with torch
2.15.0 on x86-64, guided runs included).

--record writes every step with python/demask/recorder.py: `demask replay` opens it.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/python"))

from networks import Network


DEFAULTS = {
    "initial_gen_length": 64,
    "max_gen_length": 2048,
    "block_length": 32,
    "cfg_scale": 0.0,
    "high_conf_threshold": 0.9,
    "low_conf_threshold": 0.1,
    "expansion_factor": 8,
    "eos_confidence_threshold": 0.5,
    "expand_eos_confidence_threshold": 0.9,
    "eos_check_tokens": 32,
}


class Run:
    """One generation. `canvas` holds prompt and generated region."""

    def __init__(self, model, prompt, params, mask, eos, recorder=None):
        self.model, self.prompt, self.params, self.mask, self.eos = model, prompt, params, mask, eos
        self.recorder = recorder
        self.passes, self.forward, self.steps, self.gap = 0, 0.0, [], float("inf")

    def predict(self, canvas, guided):
        """Logits, top token, its probability and the EOS confidence of a canvas."""
        start = time.perf_counter()
        ids = canvas[None]
        scale = self.params["cfg_scale"] if guided else 0.0
        if scale > 0:
            bare = ids.clone()
            bare[:, : len(self.prompt)] = self.mask
            with_prompt, without = self.model(torch.cat((ids, bare))).chunk(2)
            logits = without + (scale + 1) * (with_prompt - without)
            self.passes += 2
        else:
            logits = self.model(ids)
            self.passes += 1
        logits = logits[0].float()
        self.forward += time.perf_counter() - start
        self.logits = logits
        token = logits.argmax(-1)
        probabilities = F.softmax(logits, dim=-1)
        confidence = probabilities.gather(-1, token[:, None])[:, 0]
        count = self.params["eos_check_tokens"]
        taken = [at for at in range(len(canvas) - 1, len(self.prompt) - 1, -1) if token[at] == self.eos][:count]
        total = sum(probabilities[at, self.eos].item() for at in taken)
        return logits, token, confidence, torch.tensor(total / count, dtype=torch.float32)

    def near(self, values, bound):
        """Remembers how near a value came to a threshold."""
        if values.numel():
            self.gap = min(self.gap, (values - bound).abs().min().item())

    def made(self, canvas):
        """A step was made, on the logits computed last."""
        if self.recorder:
            self.recorder.step(canvas, logits=self.logits)

    def run(self):
        p, start = self.params, len(self.prompt)
        length, most = p["initial_gen_length"], p["max_gen_length"]

        def masks(n):
            return torch.full((n,), self.mask, dtype=torch.long)

        canvas = torch.cat((torch.tensor(self.prompt, dtype=torch.long), masks(length)))
        if self.recorder:
            # The first step may make it longer.
            self.recorder.start(canvas)
        while True:
            begun = time.perf_counter()
            *_, eos = self.predict(canvas, guided=False)
            self.steps.append(time.perf_counter() - begun)
            grown = min(length + p["expansion_factor"], most)
            if not (eos < p["eos_confidence_threshold"] and length < most) or grown <= length:
                break
            canvas = torch.cat((canvas, masks(grown - length)))
            length = grown
            self.made(canvas)
        settled = min(length + p["eos_check_tokens"] // 2, most)
        tail = torch.full((max(settled - length, 0),), self.eos, dtype=torch.long)
        canvas, length = torch.cat((canvas, tail))[: start + settled], settled
        self.made(canvas)

        cursor = 0
        while cursor < length:
            begun = time.perf_counter()
            before = canvas
            logits, token, confidence, eos = self.predict(canvas, guided=True)
            here = torch.zeros_like(canvas, dtype=torch.bool)
            here[start + cursor : start + min(cursor + p["block_length"], length)] = True
            here &= canvas == self.mask
            fill = here & (confidence > p["high_conf_threshold"]) & (token != self.mask)
            self.near(confidence[here], p["high_conf_threshold"])
            if not fill.any() and here.any():
                at = here.nonzero()[:, 0]
                order = confidence[at].sort(descending=True, stable=True).indices
                named = [i for i in at[order].tolist() if token[i] != self.mask]
                if named:
                    fill[named[0]] = True
                else:
                    rest = logits[at].clone()
                    rest[:, self.mask] = -torch.inf
                    best, tokens = F.softmax(rest, dim=-1).max(-1)
                    chosen = best.argmax()
                    token[at[chosen]] = tokens[chosen]
                    fill[at[chosen]] = True
            low = (here & ~fill & (confidence < p["low_conf_threshold"])).nonzero()[:, 0]
            self.near(confidence[here & ~fill], p["low_conf_threshold"])
            grow = eos < p["expand_eos_confidence_threshold"] and length < most and len(low) > 0
            canvas = torch.where(fill, token, canvas)
            if grow:
                at = low[confidence[low].argmin()].item()
                length = min(length + p["expansion_factor"] - 1, most)
                canvas = torch.cat((canvas[:at], masks(p["expansion_factor"]), canvas[at + 1 :]))[: start + length]
            while cursor < length:
                window = canvas[start + cursor : start + min(cursor + p["block_length"], length)]
                if (window == self.mask).any():
                    break
                cursor += p["block_length"]
            self.steps.append(time.perf_counter() - begun)
            self.made(canvas)
            if torch.equal(canvas, before):
                break
        return canvas[start:].tolist()


def gemm():
    """GFLOP/s of float32 matrix products of the shapes that a pass is made of."""
    result = {}
    for rows, inner, columns in ((90, 896, 4864), (576, 896, 4864), (512, 896, 126464)):
        a, b = torch.randn(rows, inner), torch.randn(columns, inner)
        flop = 2.0 * rows * inner * columns
        a @ b.T
        times = []
        while len(times) < 3 or (sum(times) < 1.0 and len(times) < 200):
            start = time.perf_counter()
            a @ b.T
            times.append(time.perf_counter() - start)
        result[f"{rows}x{inner}x{columns}"] = round(flop / min(times) / 1e9, 1)
    return result


def check(golden):
    """Final ids of every DAEDAL trace. Exits with 1 if one differs."""
    models, wrong, runs = {}, [], 0
    for file in sorted((golden / "traces/daedal").glob("*.json")):
        trace = json.loads(file.read_text())
        name = trace["model"]
        if name not in models:
            models[name] = Network(golden / "models" / name)
        params = {key: trace["params"][key] for key in DEFAULTS}
        run = Run(models[name], trace["prompt"], params, trace["mask_id"], trace["eos_token_id"])
        runs += 1
        if run.run() != trace["final_ids"] or len(run.steps) != trace["n_steps"]:
            wrong.append(file.stem)
    print(json.dumps({"runs": runs, "different": wrong}))
    sys.exit(bool(wrong))


def recording(args, prompt, mask, eos):
    """A recorder with the texts of the model's tokenizer, if it has one and the library that reads it is there."""
    sys.path.insert(0, str(ROOT / "python"))
    from demask import Recorder

    tokenizer = args.model / "tokenizer.json"
    if tokenizer.exists():
        try:
            from tokenizers import Tokenizer

            tokenizer = Tokenizer.from_file(str(tokenizer))
        except ImportError:
            tokenizer = None
    else:
        tokenizer = None
    names = {"strategy": "daedal.py", "model": args.model.name, "top_k": args.candidates}
    return Recorder(args.record, mask=mask, eos=eos, prompt=prompt, tokenizer=tokenizer, **names)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?", help="checkpoint folder: config.json and safetensors")
    parser.add_argument("--prompt-ids", default="", help="token ids: 1,2,3")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32", help="the type computed in")
    parser.add_argument("--gemm", action="store_true", help="measure matrix products only")
    parser.add_argument("--check", type=Path, metavar="GOLDEN", help="compare with the golden traces only")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write a recording of the run")
    parser.add_argument("--candidates", type=int, default=5, help="candidates per position in the recording")
    for name, value in DEFAULTS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    with torch.no_grad():
        if args.gemm:
            print(json.dumps({"threads": torch.get_num_threads(), "gflops": gemm()}))
            return
        if args.check:
            check(args.check)
        if not (args.model and args.prompt_ids):
            parser.error("give a model folder and --prompt-ids")
        begun = time.perf_counter()
        model = Network(args.model, getattr(torch, args.dtype))
        loaded = time.perf_counter() - begun
        prompt = [int(i) for i in args.prompt_ids.split(",")]
        params = {name: getattr(args, name) for name in DEFAULTS}
        mask, eos = model.config.mask_token_id, model.config.eos_token_id
        model(torch.tensor([prompt + [mask] * params["initial_gen_length"]]))  # warm-up
        recorder = recording(args, prompt, mask, eos) if args.record else None
        run = Run(model, prompt, params, mask, eos, recorder)
        begun, worked = time.perf_counter(), time.process_time()
        ids = run.run()
        total, worked = time.perf_counter() - begun, time.process_time() - worked
    if recorder:
        recorder.close()
    print(
        json.dumps(
            {
                "ids": ids,
                "steps": len(run.steps),
                "nfe": run.passes,
                "seconds_total": round(total, 3),
                "seconds_forward": round(run.forward, 3),
                "seconds_cpu": round(worked, 3),
                "step_median_ms": round(1000 * statistics.median(run.steps), 1),
                "load_seconds": round(loaded, 3),
                "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "threads": torch.get_num_threads(),
                "nearest_threshold": run.gap,
            }
        )
    )


if __name__ == "__main__":
    main()
