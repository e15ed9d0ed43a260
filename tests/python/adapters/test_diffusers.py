"""Pipelines of diffusers with tiny random models, driven over a socket."""

import inspect
import json
import os
import subprocess
import tempfile
import threading
import unittest

import torch
from common import PATIENCE, Case, Loop, fill
from diffusers import (
    BlockRefinementScheduler,
    DiffusionGemmaPipeline,
    DiscreteDDIMScheduler,
    EntropyBoundScheduler,
    LLaDA2Pipeline,
)
from tiny import EOS, MASK, BlockNetwork, Network, gemma, tokenizer

import demask
from demask.adapters.diffusers import debug

PROMPT = "w5 w6 w7 w8 w9"


def quiet(pipe):
    pipe.set_progress_bar_config(disable=True)
    return pipe


class Kept:
    """A callback of the user's own, which keeps the canvases that the pipeline had."""

    def __init__(self, name, first=0):
        self.name, self.first, self.canvases = name, first, []

    def __call__(self, pipe, step, timestep, tensors):
        self.canvases.append(tensors[self.name][0, self.first :].tolist())
        return tensors


class OurBlocks(Case):
    """`joint_threshold` over an engine, against what `LLaDA2Pipeline` recorded with the same network."""

    def demask(self, *args):
        """What the program prints as JSON."""
        program = os.environ.get("DEMASK_BIN")
        if not program:
            self.skipTest("DEMASK_BIN names no program")
        told = subprocess.run([program, args[0], "--no-config", *args[1:]], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(told.returncode, 0, told.stderr)
        return json.loads(told.stdout)

    def check(self, seed, replaced, **given):
        """`given`: parameters of both. Some tokens are replaced, if `replaced` says so."""
        network = BlockNetwork(block=8, seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            theirs, ours = ("%s/%s.jsonl" % (folder, name) for name in ("theirs", "ours"))
            pipe = quiet(LLaDA2Pipeline(network, BlockRefinementScheduler(), tokenizer()))
            # The last block ends with the text, for what lies behind it only the program shows.
            sizes = {"gen_length": 19, "block_length": 8, "num_inference_steps": 4, **given}
            with debug(pipe, record=theirs, listen="unix:%s/loop" % folder, quiet=True) as driven:
                driven(PROMPT, use_chat_template=False, eos_early_stop=False, sampling_method="greedy", **sizes)
            flags = [text for name, value in sizes.items() for text in ("--" + name.replace("_", "-"), str(value))]
            served = {"mask": MASK, "eos": EOS, "attention": 8, "grid": "start", "masks": "additive", "context": 256}
            with demask.serve(network, tokenizer(), **served, listen="unix:%s/engine" % folder, block=False) as engine:
                run = ["--strategy", "joint_threshold", "--variant", "diffusers", "--eos-early-stop=false", *flags]
                run += ["--prompt-ids", "5,6,7,8,9", "--record", ours, "--json", "--engine", engine.address]
                told = self.demask("run", *run)
            self.assertEqual(told["replaced"] > 0, replaced)
            verified = self.demask("verify", "--json", ours)
            self.assertEqual((verified["equal"], verified["decisions"]), (True, verified["steps"]))
            found = self.demask("diff", "--json", theirs, ours)
            self.assertEqual((found["equal"], found["same_start"], found["differing_steps"]), (True, True, 0))
            self.assertEqual(found["fills"], {"alike": 19, "other_step": 0, "other_token": 0, "only_a": 0, "only_b": 0})

    def test_the_recordings_are_equal(self):
        self.check(1, True, threshold=0.6, editing_threshold=0.4, max_post_steps=4)
        self.check(2, True, threshold=0.3, editing_threshold=0.2, max_post_steps=16)
        self.check(3, False, threshold=0.9, editing_threshold=0.0, max_post_steps=16)


class LLaDA2(Case):
    given = {
        "use_chat_template": False,
        "gen_length": 16,
        "block_length": 8,
        "num_inference_steps": 4,
        "threshold": 0.9,
        "editing_threshold": None,
        "eos_early_stop": False,
        "sampling_method": "greedy",
        "output_type": "text",
    }

    def pipe(self):
        return quiet(LLaDA2Pipeline(Network(), BlockRefinementScheduler(), tokenizer()))

    def loop(self, callback=None, **given):
        def run(options):
            with debug(self.pipe(), **options) as pipe:
                return pipe(PROMPT, callback_on_step_end=callback, **{**self.given, **given})

        return Loop(run)

    def test_edits_are_in_the_pipelines_own_output(self):
        kept = Kept("block_x", first=5)
        with self.loop(kept) as loop, loop.attach() as debugger:
            node = debugger.first()
            first = debugger.canvas()
            self.assertEqual(len(first), 16)
            self.assertEqual(first[3:], [MASK] * 13, "the first block has three positions behind the prompt")
            written = next(at for at in range(3) if first[at] != MASK)
            # One position that was written, and one of a block that is to come.
            edited = fill(fill(first, written, 77)["canvas"], 10, 78)["canvas"]
            edits = [{"replace": [written, 77]}, {"fill": [10, 78]}]
            debugger.go(node, edits=edits, canvas=edited)
            node = debugger.waiting()
            self.assertEqual(debugger.canvas()[written], 77)
            debugger.through(node)
            output = loop.end()
            sequence = output.sequences[0].tolist()
            self.assertEqual([sequence[written], sequence[10]], [77, 78])
            self.assertEqual(output.texts[0].split()[10], "w78")
            records = loop.records()
            steps = [record["canvas"] for record in records if record["kind"] == "step"]
            self.assertEqual(steps[-1], sequence)
            # What the pipeline had after each step, as far as it had got.
            self.assertEqual([step[: len(had)] for step, had in zip(steps, kept.canvases)], [had[:16] for had in kept.canvases])
            [edit] = [record for record in records if record["kind"] == "edit"]
            self.assertEqual(edit["edits"], edits)
            self.reads_back(loop.recording, steps)

    def test_what_a_step_was_decided_on_is_shown_for_its_block(self):
        with self.loop() as loop, loop.attach() as debugger:
            node = debugger.first()
            with torch.no_grad():
                x = torch.tensor([[5, 6, 7, 8, 9, MASK, MASK, MASK]])
                p = Network()(x).logits[0, 5:].softmax(-1)
            columns = debugger.prediction()["columns"]
            self.assertEqual(columns["argmax"][:3], p.argmax(-1).tolist())
            self.assertEqual(columns["argmax"][3:], [None] * 13)
            for shown, known in zip(columns["p_argmax"], p.max(-1).values.tolist()):
                self.assertAlmostEqual(shown, known, places=5)
            debugger.through(node)

    def test_a_threshold_is_turned_while_the_pipeline_runs(self):
        with self.loop() as loop, loop.attach() as debugger:
            node = debugger.first()
            knobs = {knob["name"]: knob for knob in debugger.knobs}
            self.assertEqual(knobs["threshold"]["default"], 0.9)
            self.assertNotIn("editing_threshold", knobs, "editing is switched off")
            self.assertIn(MASK, debugger.canvas()[:3])
            debugger.go(node, knobs={"threshold": 0.0})
            node = debugger.waiting()
            self.assertNotIn(MASK, debugger.canvas()[:3])
            self.assertEqual(debugger.node(debugger.records)["params"]["threshold"], 0.0)
            debugger.through(node)

    def test_stop_ends_the_pipeline(self):
        kept = Kept("block_x")
        with self.loop(kept) as loop, loop.attach() as debugger:
            debugger.first()
            debugger.send(type="stop")
            self.assertIsNone(debugger.waiting())
            self.assertIsNone(loop.end())
            self.assertEqual(len(kept.canvases), 1)

    def test_the_second_sequence_of_a_batch_is_shown_and_edited(self):
        prompts = [PROMPT, "w20 w21 w22 w23 w24"]

        def run(options):
            with debug(self.pipe(), batch=1, **options) as pipe:
                return pipe(prompts, **self.given).sequences.tolist()

        plain = self.pipe()(prompts, **self.given).sequences.tolist()
        with Loop(run) as loop, loop.attach() as debugger:
            node = debugger.first()
            debugger.go(node, **fill(debugger.canvas(), 15, 77))
            debugger.through(debugger.waiting())
            sequences = loop.end()
            self.assertEqual((sequences[0], sequences[1][15]), (plain[0], 77))
            self.assertEqual(debugger.canvas(), sequences[1])

    def test_a_call_with_another_mask_token_is_told(self):
        with debug(self.pipe(), quiet=True) as pipe:
            with self.assertRaisesRegex(ValueError, r"debug\(pipe, mask=90\)"):
                pipe(PROMPT, mask_token_id=90, **self.given)

    def test_another_length_is_refused_and_the_loop_waits_on(self):
        with self.loop() as loop, loop.attach() as debugger:
            node = debugger.first()
            canvas = debugger.canvas()
            debugger.go(node, edits=[{"append_mask": 1}], canvas=[*canvas, MASK])
            self.assertIn("length", debugger.refused())
            debugger.through(node)
            self.assertEqual(len(loop.end().sequences[0]), 16)

    def test_without_a_debugger_the_pipeline_does_what_it_did(self):
        plain = self.pipe()(PROMPT, **self.given)
        with debug(self.pipe(), quiet=True) as pipe:
            once, twice = (pipe(PROMPT, **self.given) for _ in range(2))
        self.assertEqual(once.texts, plain.texts)
        self.assertEqual(twice.texts, plain.texts)
        self.assertNotIn("step", vars(pipe.scheduler))

    def test_what_is_edited_before_the_first_step_is_seen_by_it(self):
        with self.loop() as loop, loop.attach() as debugger:
            node = debugger.waiting()
            canvas = [MASK] * 16
            debugger.go(node, edits=[{"fill": [1, 77]}], canvas=fill(canvas, 1, 77)["canvas"])
            node = debugger.waiting()
            with torch.no_grad():
                logits = Network()(torch.tensor([[5, 6, 7, 8, 9, MASK, 77, MASK]])).logits[0, 5:]
            self.assertEqual(debugger.prediction()["columns"]["argmax"][:3], logits.argmax(-1).tolist())
            debugger.through(node)
            self.assertEqual(loop.end().sequences[0, 1].item(), 77)

    def test_two_calls_are_two_runs_of_one_recording(self):
        def run(options):
            with debug(self.pipe(), **options) as pipe:
                return [pipe(prompt, **self.given).sequences[0].tolist() for prompt in (PROMPT, "w20 w21")]

        with Loop(run) as loop, loop.attach() as debugger:
            debugger.through(debugger.waiting())
            returned = loop.end()
            records = loop.records()
            roots = [at for at, record in enumerate(records) if record["kind"] == "root"]
            self.assertEqual([records[at]["prompt"] for at in roots], [[5, 6, 7, 8, 9], [20, 21]])
            runs = [records[roots[0] : roots[1]], records[roots[1] :]]
            self.assertEqual([debugger.node(run)["canvas"] for run in runs], returned)


class Gemma(Case):
    given = {"gen_length": 16, "num_inference_steps": 4, "confidence_threshold": None}
    schedulers = {
        "entropy": lambda: EntropyBoundScheduler(entropy_bound=6.0),
        "ddim": DiscreteDDIMScheduler,
        "blocks": lambda: BlockRefinementScheduler(threshold=0.5),
    }

    def pipe(self, scheduler):
        model = gemma()
        decoder = model.model.decoder
        mask = decoder.create_diffusion_decoder_attention_mask
        if "past_key_values" not in inspect.signature(mask).parameters:
            # Diffusers 0.42 calls it so; transformers 5.24 has another name for it.
            decoder.create_diffusion_decoder_attention_mask = lambda past_key_values, **rest: mask(cache=past_key_values, **rest)
        return quiet(DiffusionGemmaPipeline(model, self.schedulers[scheduler](), tokenizer()))

    def loop(self, scheduler, callback=None, **given):
        def run(options):
            with debug(self.pipe(scheduler), **options) as pipe:
                made = torch.Generator().manual_seed(1)
                return pipe(PROMPT, callback_on_step_end=callback, generator=made, **{**self.given, **given})

        return Loop(run)

    def test_without_a_debugger_the_pipeline_does_what_it_did(self):
        for scheduler in self.schedulers:

            def made(pipe):
                return pipe(PROMPT, generator=torch.Generator().manual_seed(1), **self.given).sequences.tolist()

            plain = made(self.pipe(scheduler))
            with debug(self.pipe(scheduler), quiet=True) as pipe:
                self.assertEqual(made(pipe), plain, scheduler)

    def test_canvases_are_those_that_the_pipeline_had(self):
        for scheduler in self.schedulers:
            kept = Kept("canvas")
            with self.subTest(scheduler), self.loop(scheduler, kept) as loop, loop.attach() as debugger:
                debugger.through(debugger.waiting())
                sequence = loop.end().sequences[0].tolist()
                records = loop.records()
                [root] = [record for record in records if record["kind"] == "root"]
                self.assertEqual(root["prompt"], [5, 6, 7, 8, 9])
                self.assertEqual(root["open"], list(range(8)))
                steps = [record for record in records if record["kind"] == "step"]
                # Four steps a block; between the blocks, the second one's random tokens.
                self.assertEqual(len(steps), 9)
                self.assertEqual([step["canvas"] for step in steps[:4]], kept.canvases[:4])
                self.assertEqual([step["canvas"] for step in steps[5:]], [sequence[:8] + had for had in kept.canvases[4:]])
                self.assertEqual(steps[4]["canvas"][:8], sequence[:8])
                self.assertEqual(steps[4]["open"], list(range(8, 16)))
                self.assertEqual(steps[-1]["canvas"], sequence)
                self.assertNotIn("prediction", steps[4])
                self.assertEqual(len(debugger.prediction()["columns"]["argmax"]), 16)
                self.reads_back(loop.recording, steps)

    def test_somebody_may_attach_in_the_middle(self):
        there, came = threading.Event(), threading.Event()

        def callback(pipe, step, timestep, tensors):
            if step == 5:
                there.set()
                came.wait(PATIENCE)
            return tensors

        def run(options):
            with debug(self.pipe("blocks"), **{**options, "wait": False, "record": None}) as pipe:
                return pipe(PROMPT, callback_on_step_end=callback, **self.given)

        with Loop(run) as loop:
            there.wait(PATIENCE)
            with loop.attach() as debugger:
                came.set()
                node = debugger.waiting()
                [root] = [record for record in debugger.records if record["kind"] == "root"]
                self.assertEqual((root["prompt"], len(root["canvas"])), ([5, 6, 7, 8, 9], 16))
                debugger.go(node, **fill(root["canvas"], 12, 77))
                debugger.through(debugger.waiting())
                self.assertEqual(loop.end().sequences[0, 12].item(), 77)

    def test_open_are_the_positions_that_the_scheduler_has_not_accepted(self):
        accepted = []

        class Spied(EntropyBoundScheduler):
            def step(self, *args, **given):
                output = super().step(*args, **given)
                accepted.append(output.accepted_index[0].tolist())
                return output

        def run(options):
            pipe = self.pipe("entropy")
            pipe.scheduler = Spied(entropy_bound=6.0)
            with debug(pipe, **options) as pipe:
                return pipe(PROMPT, **{**self.given, "gen_length": 8})

        with Loop(run) as loop, loop.attach() as debugger:
            debugger.through(debugger.waiting())
            loop.end()
            steps = [record for record in loop.records() if record["kind"] == "step"]
            self.assertEqual([step["open"] for step in steps], [[at for at in range(8) if not row[at]] for row in accepted])
            self.assertTrue(any(0 < len(step["open"]) < 8 for step in steps))

    def test_an_edit_holds_until_the_end_of_its_block(self):
        for scheduler in self.schedulers:
            with self.subTest(scheduler), self.loop(scheduler) as loop, loop.attach() as debugger:
                node = debugger.first()
                debugger.go(node, **fill(debugger.canvas(), 3, 77))
                debugger.through(debugger.waiting())
                sequence = loop.end().sequences[0].tolist()
                self.assertEqual(sequence[3], 77)
                # It is held nowhere else.
                self.assertNotEqual(sequence[11], 77)

    def test_an_edit_after_the_last_step_is_in_the_output(self):
        # All of it has converged after one step, and the pipeline takes the most probable tokens in place of the canvas.
        given = {"confidence_threshold": 1e9, "stability_threshold": 0, "gen_length": 8}
        for given in ({**given, "num_inference_steps": 1}, {"num_inference_steps": 1, "gen_length": 8}):
            for scheduler in self.schedulers:
                with self.subTest(scheduler, **given), self.loop(scheduler, **given) as loop, loop.attach() as debugger:
                    node = debugger.first()
                    debugger.go(node, **fill(debugger.canvas(), 3, 77))
                    debugger.through(debugger.waiting())
                    self.assertEqual(loop.end().sequences[0, 3].item(), 77)

    def test_the_second_sequence_of_a_batch_is_shown_and_edited(self):
        def run(options):
            with debug(self.pipe("blocks"), batch=1, **options) as pipe:
                made = torch.Generator().manual_seed(1)
                return pipe([PROMPT, "w20 w21 w22 w23 w24"], generator=made, **self.given).sequences.tolist()

        with Loop(run) as loop, loop.attach() as debugger:
            node = debugger.first()
            debugger.go(node, **fill(debugger.canvas(), 3, 77))
            debugger.through(debugger.waiting())
            sequences = loop.end()
            self.assertEqual(sequences[1][3], 77)
            self.assertNotEqual(sequences[0][3], 77)
            self.assertEqual(debugger.canvas(), sequences[1])
            self.assertEqual(loop.records()[-1]["kind"], "end")

    def test_blocks_that_are_done_cannot_be_edited(self):
        with self.loop("blocks") as loop, loop.attach() as debugger:
            node = debugger.waiting()
            while len(debugger.canvas()) == 8:
                debugger.go(node)
                node = debugger.waiting()
            debugger.go(node, **fill(debugger.canvas(), 3, 77))
            self.assertIn("position 3", debugger.refused())
            debugger.through(node)
            self.assertNotEqual(loop.end().sequences[0, 3].item(), 77)

    def test_a_block_that_converged_is_shown_as_it_ended(self):
        kept = Kept("canvas")
        given = {"confidence_threshold": 1e9, "stability_threshold": 1, "num_inference_steps": 8}
        with self.loop("entropy", kept, **given) as loop, loop.attach() as debugger:
            debugger.through(debugger.waiting())
            sequence = loop.end().sequences[0].tolist()
            steps = [record["canvas"] for record in loop.records() if record["kind"] == "step"]
            self.assertEqual(steps[-1], sequence)
            self.assertIn(sequence[:8], steps)


if __name__ == "__main__":
    unittest.main()
