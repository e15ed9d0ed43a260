"""Samplers of dLLM with a tiny random model, driven over a socket. DEMASK_DLLM names a folder with its source."""

import os
import sys
import types
import unittest
from pathlib import Path

import torch
from common import Case, Loop, fill
from tiny import MASK, Network, qwen, tokenizer

from demask.adapters.dllm import debug

SOURCE = os.environ.get("DEMASK_DLLM")
PROMPT = [5, 6, 7]


def sampler(path, name):
    """A sampler of dLLM. Its packages' own modules import what is needed for training, so that they are passed by."""
    parts = path.split(".")
    for depth in range(1, len(parts)):
        package = ".".join(parts[:depth])
        if package not in sys.modules:
            made = types.ModuleType(package)
            made.__path__ = [str(Path(SOURCE, *parts[:depth]))]
            sys.modules[package] = made
    __import__(path)
    return getattr(sys.modules[path], name)


# Samplers by their modules and classes, and what they are given.
SAMPLERS = {
    "mdlm": ("dllm.core.samplers.mdlm", "MDLMSampler", {"max_new_tokens": 8, "block_size": 4, "steps": 4}),
    "llada2": ("dllm.pipelines.llada2.sampler", "LLaDA2Sampler", {"max_new_tokens": 13, "block_size": 8, "threshold": 0.9}),
    "llada21": (
        "dllm.pipelines.llada21.sampler",
        "LLaDA21Sampler",
        {"max_new_tokens": 13, "block_size": 8, "threshold": 0.9, "editing_threshold": 1.0},
    ),
    "fast": ("dllm.pipelines.fastdllm.llada.sampler", "FastdLLMLLaDASampler", {"max_new_tokens": 8, "block_size": 4, "steps": 4}),
    "bd3lm": ("dllm.core.samplers.bd3lm", "BD3LMSampler", {"max_new_tokens": 8, "block_size": 4, "steps": 4}),
    "dream": (
        "dllm.pipelines.dream.sampler",
        "DreamSampler",
        {"max_new_tokens": 8, "steps": 4, "alg": "maskgit_plus", "temperature": 0.0},
    ),
}


@unittest.skipIf(SOURCE is None, "needs the source of dLLM, which DEMASK_DLLM names")
class Samplers(Case):
    def made(self, kind):
        path, name, given = SAMPLERS[kind]
        kept = sampler(path, name)(model=qwen() if kind == "bd3lm" else Network(), tokenizer=tokenizer())
        config = getattr(sys.modules[path], name + "Config")(return_dict=True, **given)
        return kept, config

    def loop(self, kind, **more):
        def run(options):
            kept, config = self.made(kind)
            for name, value in more.items():
                setattr(config, name, value)
            with debug(kept, **options) as kept:
                return kept.sample([PROMPT], config)

        return Loop(run)

    def test_canvases_are_those_of_the_samplers_history(self):
        for kind in SAMPLERS:
            with self.subTest(kind), self.loop(kind) as loop, loop.attach() as debugger:
                debugger.through(debugger.waiting())
                histories = [canvas[0].tolist() for canvas in loop.end().histories]
                records = loop.records()
                [root] = [record for record in records if record["kind"] == "root"]
                steps = [record["canvas"] for record in records if record["kind"] == "step"]
                # What puts a block of masks behind the canvas is no step of the sampler's own.
                shown = [root["prompt"] + step for step in steps if step[-4:] != [MASK] * 4 or kind != "bd3lm"]
                self.assertEqual(shown, histories[1:])
                if kind != "bd3lm":
                    self.assertEqual(root["prompt"] + [MASK] * root["length"], histories[0])
                self.assertEqual(root["prompt"][-3:], PROMPT)
                self.assertGreater(len(steps), 3)
                self.assertNotIn(MASK, steps[-1])
                self.reads_back(loop.recording, steps)

    def test_edits_are_in_the_samplers_own_output(self):
        for kind in SAMPLERS:
            with self.subTest(kind), self.loop(kind) as loop, loop.attach() as debugger:
                node = debugger.first()
                canvas = debugger.canvas()
                written = next(at for at, token in enumerate(canvas) if token != MASK)
                # The next mask is in the block that the sampler is at, and it has looked for masks before.
                masked = canvas.index(MASK)
                edited = fill(fill(canvas, written, 77)["canvas"], masked, 78)["canvas"]
                debugger.go(node, edits=[{"replace": [written, 77]}, {"fill": [masked, 78]}], canvas=edited)
                debugger.through(debugger.waiting())
                prompt = next(record["prompt"] for record in debugger.records if record["kind"] == "root")
                output = loop.end().sequences[0, len(prompt) :].tolist()
                self.assertEqual([output[written], output[masked]], [77, 78])
                if kind != "dream":
                    # Dream's writes as many tokens a step as it planned, and with fewer masks left it masks others again.
                    self.assertNotIn(MASK, output)

    def test_with_guidance_it_is_shown_only(self):
        with self.loop("mdlm", cfg_scale=1.0) as loop, loop.attach() as debugger:
            node = debugger.first()
            debugger.go(node, **fill(debugger.canvas(), 0, 77))
            self.assertIn("cannot be changed", debugger.refused())
            debugger.through(node)
            self.assertEqual(debugger.canvas(), loop.end().sequences[0, 3:].tolist())

    def test_without_a_debugger_it_does_what_it_did(self):
        for kind in SAMPLERS:
            kept, config = self.made(kind)
            plain = kept.sample([PROMPT], config).sequences.tolist()
            kept, config = self.made(kind)
            with debug(kept, quiet=True) as kept:
                self.assertEqual(kept.sample([PROMPT], config).sequences.tolist(), plain, kind)


if __name__ == "__main__":
    unittest.main()
