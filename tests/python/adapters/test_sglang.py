"""SGLang's interface for algorithms, in a small server of our own: `step(forward_batch, full_logits, states)` writes into
`forward_batch.input_ids` [batch * block] in place, and says which blocks are done.

DEMASK_SGLANG_SOURCE names a folder with the package `sglang`, as its wheel has it: then its own algorithms are run, too.
SGLang itself cannot be imported without what it needs on a GPU.
"""

import importlib.util
import os
import sys
import types
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import torch
from common import Case, Loop, fill
from tiny import MASK, Network

from demask.adapters.sglang import debugged, plugin

SOURCE = os.environ.get("DEMASK_SGLANG_SOURCE")

BLOCK = 4
PROMPT = [5, 6, 7]


class Surest:
    """An algorithm in the manner of SGLang's: what is surer than a threshold, or else the surest."""

    def __init__(self):
        self.block_size, self.mask_id, self.threshold, self.passes = BLOCK, MASK, 0.9, 0

    def step(self, forward_batch, full_logits, states):
        self.passes += 1
        ids = forward_batch.input_ids.view(-1, BLOCK)
        masked = ids == MASK
        done = ~masked.any(1)
        p, best = full_logits.view(*ids.shape, -1).softmax(-1).max(-1)
        p = p.masked_fill(~masked, -1.0)
        chosen = (p > self.threshold) | (masked & (p == p.max(1, keepdim=True).values))
        forward_batch.input_ids.copy_(torch.where(chosen, best, ids).view(-1))
        return done.tolist()


@torch.no_grad()
def serve(algorithm, prompts, blocks):
    """Whole blocks of several requests behind their prompts, which end in the first of them."""
    network, sequences = Network(), [list(prompt) for prompt in prompts]
    begin = getattr(algorithm, "init_step_state", lambda batch: [None] * batch.batch_size)
    for block in range(blocks):
        sequences = [[*tokens, *[MASK] * ((block + 1) * BLOCK - len(tokens))] for tokens in sequences]
        whole = torch.tensor(sequences)
        first = block * BLOCK
        batch = SimpleNamespace(
            batch_size=len(prompts),
            rids=["request %d" % at for at in range(len(prompts))],
            input_ids=whole[:, first:].reshape(-1).clone(),
            positions=torch.arange(first, first + BLOCK).repeat(len(prompts)),
            dllm_prompt_mask=None,
        )
        states = begin(batch)
        while True:
            whole[:, first:] = batch.input_ids.view(-1, BLOCK)
            logits = network(whole).logits[:, first:].reshape(len(prompts) * BLOCK, -1)
            if all(algorithm.step(batch, logits, states)):
                break
        sequences = [[*tokens[:first], *part] for tokens, part in zip(sequences, batch.input_ids.view(-1, BLOCK).tolist())]
    return sequences


class Algorithms(Case):
    def loop(self, made=None, prompts=(PROMPT, [8, 9])):
        def run(options):
            algorithm = debugged(Surest, **options)()
            if made is not None:
                made.append(algorithm)
            try:
                return serve(algorithm, prompts, 3)
            finally:
                algorithm.debugger.close()

        return Loop(run)

    def test_the_first_request_is_shown_block_by_block(self):
        plain = serve(Surest(), [PROMPT, [8, 9]], 3)
        with self.loop() as loop, loop.attach() as debugger:
            debugger.through(debugger.waiting())
            self.assertEqual(loop.end(), plain)
            records = loop.records()
            [root] = [record for record in records if record["kind"] == "root"]
            self.assertEqual((root["prompt"], root["length"]), (PROMPT, 1))
            steps = [record["canvas"] for record in records if record["kind"] == "step"]
            self.assertEqual(steps[-1], plain[0][3:])
            self.assertEqual(sorted({len(step) for step in steps}), [1, 5, 9])
            self.reads_back(loop.recording, steps)

    def test_edits_are_in_what_the_server_gives(self):
        with self.loop() as loop, loop.attach() as debugger:
            node = debugger.first()
            while len(debugger.canvas()) < 5 or debugger.canvas()[1:] == [MASK] * 4:
                debugger.go(node)
                node = debugger.waiting()
            canvas = debugger.canvas()
            debugger.go(node, **fill(canvas, 0, 77))
            self.assertIn("position 0", debugger.refused())
            written = next(at for at in range(1, 5) if canvas[at] != MASK)
            debugger.go(node, **fill(canvas, written, 77))
            debugger.through(debugger.waiting())
            self.assertEqual(loop.end()[0][3 + written], 77)

    def test_a_block_that_is_edited_when_it_is_done_gets_another_pass(self):
        made = []
        with self.loop(made, prompts=(PROMPT,)) as loop, loop.attach() as debugger:
            node = debugger.first()
            debugger.go(node)
            node = debugger.waiting()
            # The block of one position is written, and found done: the server would go on.
            self.assertNotIn(MASK, debugger.canvas())
            passes = made[0].passes
            debugger.go(node, **fill(debugger.canvas(), 0, 77))
            node = debugger.waiting()
            self.assertEqual((debugger.canvas(), made[0].passes), ([77], passes + 1))
            debugger.through(node)
            self.assertEqual(loop.end()[0][3], 77)

    def test_a_server_goes_on_when_it_is_asked_to_stop(self):
        plain = serve(Surest(), [PROMPT, [8, 9]], 3)
        with self.loop() as loop, loop.attach() as debugger:
            debugger.waiting()
            debugger.send(type="stop")
            self.assertEqual(loop.end(), plain)

    def test_a_threshold_is_turned_while_it_serves(self):
        with self.loop() as loop, loop.attach() as debugger:
            node = debugger.first()
            self.assertEqual([knob["name"] for knob in debugger.knobs], ["threshold"])
            while len(debugger.canvas()) == 1:
                debugger.go(node)
                node = debugger.waiting()
            debugger.go(node, knobs={"threshold": 0.0})
            debugger.waiting()
            self.assertNotIn(MASK, debugger.canvas())
            debugger.close()
            loop.end()


def own(name):
    """A module of SGLang's own, with empty ones in place of what it imports and does not use here."""
    spec = importlib.util.spec_from_file_location(name, Path(SOURCE, *name.split(".")).with_suffix(".py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@unittest.skipIf(SOURCE is None, "needs the files of SGLang, which DEMASK_SGLANG_SOURCE names")
class Own(Case):
    def setUp(self):
        """The packages that the algorithms import, as far as they use them."""
        algorithms = "sglang.srt.dllm.algorithm"
        empty = {
            algorithms: ["get_algorithm"],
            "sglang.srt.dllm.config": ["DllmConfig"],
            "sglang.srt.layers.logits_processor": ["LogitsProcessorOutput"],
            "sglang.srt.model_executor.forward_batch_info": ["ForwardBatch"],
            "sglang.srt.model_executor.model_runner": ["ModelRunner"],
            "sglang.srt.server_args": ["ServerArgs"],
        }
        made = {"sglang.srt.utils": types.ModuleType("sglang.srt.utils")}
        made["sglang.srt.utils"].is_npu = lambda: False
        for name, contents in empty.items():
            made[name] = types.ModuleType(name)
            for one in contents:
                setattr(made[name], one, type(one, (), {}))
        for name in [*made, "sglang.srt.plugins.hook_registry"]:
            parts = name.split(".")
            for depth in range(1, len(parts)):
                package = ".".join(parts[:depth])
                made.setdefault(package, types.ModuleType(package)).__path__ = []
        for name, module in made.items():
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(made[parent], child, module)
        patched = patch.dict(sys.modules, made)
        patched.start()
        self.addCleanup(patched.stop)
        own(algorithms + ".base")
        self.algorithms = {name: own("%s.%s" % (algorithms, name)).Algorithm for name in ("low_confidence", "joint_threshold")}

    def served(self, algorithm):
        config = SimpleNamespace(
            block_size=BLOCK,
            mask_id=MASK,
            first_done_first_out_mode=False,
            # No token is so sure that it would replace another one.
            algorithm_config={"threshold": 0.9, "edit_threshold": 2.0},
        )
        return serve(algorithm(config), [PROMPT, [8, 9]], 3)

    def test_its_own_algorithms_are_driven(self):
        for kind, algorithm in self.algorithms.items():
            plain = self.served(algorithm)

            def run(options, algorithm=algorithm):
                made = debugged(algorithm, **options)
                try:
                    return self.served(made)
                finally:
                    made.debugger.close()

            with self.subTest(kind), Loop(run) as loop, loop.attach() as debugger:
                node = debugger.first()
                while len(debugger.canvas()) < 5 or debugger.canvas()[1:] == [MASK] * 4:
                    debugger.go(node)
                    node = debugger.waiting()
                written = next(at for at in range(1, 5) if debugger.canvas()[at] != MASK)
                debugger.go(node, **fill(debugger.canvas(), written, 77))
                debugger.through(debugger.waiting())
                sequences = loop.end()
                self.assertEqual(sequences[0][3 + written], 77)
                self.assertEqual(sequences[1], plain[1])

    def test_the_plugin_wraps_what_the_server_looks_up(self):
        registry = own("sglang.srt.plugins.hook_registry").HookRegistry
        package = sys.modules["sglang.srt.dllm.algorithm"]
        package.get_algorithm_cls = lambda name: self.algorithms[name]
        with patch.dict(os.environ, {"DEMASK_SGLANG": "1"}):
            plugin()
        registry.apply_hooks()
        found = package.get_algorithm_cls("low_confidence")
        self.assertTrue(issubclass(found, self.algorithms["low_confidence"]))
        self.assertIsNot(found, self.algorithms["low_confidence"])
        self.assertIs(found, package.get_algorithm_cls("low_confidence"))


if __name__ == "__main__":
    unittest.main()
