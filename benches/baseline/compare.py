#!/usr/bin/env python3
"""The program beside PyTorch on the four runs of README.md, in turns; prints a table in Markdown.

    python benches/baseline/compare.py /tmp/half-b /tmp/half-b-bf16 [--turns 5] [--runs half-64,half-512]

The two folders are what model.py writes with `--dtype f32` and `--dtype bf16`. Needs torch, and the program demask (DEMASK
names it, else target/release/demask). A turn makes every run once with each contestant, so that what else the machine does
meets all of them; the best of the turns counts. Contestants of other number types come to other tokens and to other numbers of
passes, so times are those of a pass.

--llama-bench PROGRAM --gguf f32.gguf,q8_0.gguf,…   llama.cpp's own measuring program beside them, over as many positions as a
pass has. It computes the head for the last position only.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORDS = "0,2,885,3,204,204,464,293,468,467,293,764,585,339,293,752,766,19,4,2,386,88,888,3,698"
NUMBERS = ",".join(str(number) for number in range(1000, 121001, 5000))

# Flags of each run beside the lengths, and whether the model is the embedded one.
RUNS = {
    "tiny-64": (64, ["--eos-check-tokens", "16"]),
    "tiny-512": (512, ["--eos-check-tokens", "16"]),
    "half-64": (64, ["--block-length", "32", "--high-conf-threshold", "0.2", "--low-conf-threshold", "0.05"]),
    "half-512": (512, ["--block-length", "128", "--high-conf-threshold", "0.15", "--low-conf-threshold", "0.05"]),
}

# The program's contestants: flags, and whether the checkpoint is the one in bf16.
OURS = {
    "f32": ([], False),
    "bf16 held": ([], True),
    "q8_0": (["--quantize", "q8_0"], False),
    "q4_k": (["--quantize", "q4_k"], False),
}


def told(command, **variables):
    """The JSON object that a command prints."""
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **variables})
    return json.loads(run.stdout)


def flags_of(name):
    length, flags = RUNS[name]
    prompt = WORDS if name.startswith("tiny") else NUMBERS
    lengths = ["--initial-gen-length", str(length), "--max-gen-length", str(length)]
    return ["--prompt-ids", prompt, *lengths, *flags]


def torch_pass(name, folder, dtype, threads):
    """Seconds a pass in PyTorch, with all that is done for it."""
    command = [sys.executable, str(ROOT / "benches/baseline/daedal.py"), str(folder), *flags_of(name)]
    # Otherwise torch's threads wait in a loop, and take the core from what they wait for.
    run = told([*command, "--dtype", dtype, "--threads", str(threads)], OMP_WAIT_POLICY="PASSIVE")
    return run["seconds_total"] / run["nfe"]


def our_pass(name, folder, flags, threads):
    """Seconds a pass in the program, with all that is done for it."""
    program = os.environ.get("DEMASK", str(ROOT / "target/release/demask"))
    command = [program, "run", "--no-config", "--json", "--device", "cpu", *flags, *flags_of(name)]
    run = told([*command, *(["--model", str(folder)] if folder else [])], RAYON_NUM_THREADS=str(threads))
    return run["wall_seconds"]["total"] / run["passes"]


def llama_pass(program, gguf, positions, threads):
    """Seconds that llama.cpp takes for a batch of so many positions."""
    command = [program, "-m", gguf, "-p", str(positions), "-n", "0", "-b", str(positions), "-ub", str(positions)]
    return 1 / told([*command, "-t", str(threads), "-r", "1", "-o", "json"])[0]["avg_ts"] * positions


def machine():
    """The processor, and the widest instructions that matter here."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = fields.get("flags", "").split()
    named = ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"]
    family = "family %s model %s" % (fields.get("cpu family"), fields.get("model"))
    return "%s (%s): %s" % (fields.get("model name"), family, ", ".join(flag for flag in named if flag in flags))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("half", type=Path)
    parser.add_argument("half_bf16", type=Path)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", default=",".join(RUNS))
    parser.add_argument("--llama-bench", help="llama.cpp's program of this name")
    parser.add_argument("--gguf", default="", help="files for it, written by model.py")
    given = parser.parse_args()
    files = [file for file in given.gguf.split(",") if file and given.llama_bench]
    best = {}
    for name in given.runs.split(","):
        tiny = name.startswith("tiny")
        for _ in range(given.turns):
            turn = {}
            for dtype in ("float32", "bfloat16"):
                folder = ROOT / "assets/tiny" if tiny else given.half
                turn["PyTorch " + dtype] = torch_pass(name, folder, dtype, given.threads)
            for ours, (flags, bf16) in OURS.items():
                # The embedded model's rows are shorter than a block of q4_k, and it is stored in f32.
                if tiny and ours not in ("f32", "q8_0"):
                    continue
                folder = None if tiny else given.half_bf16 if bf16 else given.half
                turn[ours] = our_pass(name, folder, flags, given.threads)
            for file in files if not tiny else []:
                positions = RUNS[name][0] + len(NUMBERS.split(","))
                turn["llama.cpp " + Path(file).stem] = llama_pass(given.llama_bench, file, positions, given.threads)
            for contestant, seconds in turn.items():
                best[name, contestant] = min(seconds, best.get((name, contestant), seconds))
    contestants = list(dict.fromkeys(contestant for _, contestant in best))
    print(machine() + "; %d threads, best of %d turns, ms a pass\n" % (given.threads, given.turns))
    print("| | %s |" % " | ".join(contestants))
    print("|---" * (len(contestants) + 1) + "|")
    for name in given.runs.split(","):
        times = [best.get((name, contestant)) for contestant in contestants]
        print("| %s | %s |" % (name, " | ".join("–" if time is None else "%.1f" % (1000 * time) for time in times)))
    print("\nPyTorch's time over the program's:\n")
    pairs = [("f32", "PyTorch float32"), ("bf16 held", "PyTorch bfloat16"), ("q8_0", "PyTorch float32"), ("q8_0", "PyTorch bfloat16")]
    print("| | %s |" % " | ".join("%s to %s" % (theirs, ours) for ours, theirs in pairs))
    print("|---" * (len(pairs) + 1) + "|")
    for name in given.runs.split(","):
        ratios = [best[name, theirs] / best[name, ours] if (name, ours) in best else None for ours, theirs in pairs]
        print("| %s | %s |" % (name, " | ".join("–" if ratio is None else "%.2f" % ratio for ratio in ratios)))


if __name__ == "__main__":
    main()
