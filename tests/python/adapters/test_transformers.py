"""`generate` of DiffusionGemma with a tiny random model, driven over a socket."""

import unittest
from unittest.mock import patch

import torch
from common import Case, Loop, fill
from tiny import EOS, PAD, gemma, tokenizer
from transformers.models.diffusion_gemma.generation_diffusion_gemma import EntropyBoundSampler, EntropyBoundSamplerConfig

from demask.adapters.transformers import debug

PROMPT = [2, 5, 6, 7]


class Spy:
    """Sees what a streamer is given, and passes it on."""

    def __init__(self, streamer):
        self.streamer, self.drafts, self.blocks, self.noise = streamer, [], [], []

    def put(self, value):
        self.blocks.append(value[0].tolist())
        self.streamer.put(value)

    def put_draft(self, value):
        self.drafts.append(value[0].tolist())
        self.streamer.put_draft(value)

    def end(self):
        self.streamer.end()


class Streamer(Case):
    given = {
        "max_new_tokens": 16,
        "max_denoising_steps": 4,
        "confidence_threshold": 1e-9,
        "sampler_config": EntropyBoundSamplerConfig(6.0),
    }

    def loop(self, processors=True, seen=None, **given):
        def run(options):
            torch.manual_seed(3)
            model = gemma()
            model.generation_config.sampler_config = self.given["sampler_config"]
            with debug(model, tokenizer(), **options) as streamer:
                spy = Spy(streamer)
                start = EntropyBoundSampler.initialize_canvas

                def started(sampler, *args, **given):
                    canvas = start(sampler, *args, **given)
                    spy.noise.append(canvas[0].tolist())
                    return canvas

                if seen is not None:
                    seen.append(spy)
                more = {"logits_processor": streamer.processors()} if processors else {}
                with patch.object(EntropyBoundSampler, "initialize_canvas", started):
                    return model.generate(torch.tensor([PROMPT]), streamer=spy, **more, **{**self.given, **given})

        return Loop(run)

    def test_canvases_are_those_that_the_streamer_saw(self):
        for processors in (True, False):
            seen = []
            with self.subTest(processors=processors), self.loop(processors, seen) as loop, loop.attach() as debugger:
                debugger.through(debugger.waiting())
                sequence = loop.end().sequences[0].tolist()
                [spy] = seen
                self.assertEqual(len(spy.drafts), 8)
                [root] = [record for record in loop.records() if record["kind"] == "root"]
                self.assertEqual((root["prompt"], root["canvas"]), (PROMPT, spy.noise[0]))
                self.assertEqual(root["open"], list(range(8)))
                steps = [record for record in loop.records() if record["kind"] == "step"]
                whole = [spy.drafts[at] if at < 4 else spy.blocks[1] + spy.drafts[at] for at in range(8)]
                # Noise is made once for a block, and once for each step, in place of what is not accepted.
                between = spy.blocks[1] + spy.noise[5]
                self.assertEqual([step["canvas"] for step in steps][:9], [*whole[:4], between, *whole[4:]])
                self.assertEqual(sequence, PROMPT + steps[-1]["canvas"])
                self.assertEqual("prediction" in steps[0], processors)
                self.reads_back(loop.recording, steps)

    def test_open_are_the_positions_that_the_sampler_has_not_accepted(self):
        accepted = []
        accept = EntropyBoundSampler.accept_canvas

        def spied(sampler, *args):
            canvas = accept(sampler, *args)
            accepted.append(sampler.accepted_token_mask[0].tolist())
            return canvas

        with patch.object(EntropyBoundSampler, "accept_canvas", spied):
            with self.loop(max_new_tokens=8) as loop, loop.attach() as debugger:
                debugger.through(debugger.waiting())
                loop.end()
                steps = [record for record in loop.records() if record["kind"] == "step"]
        self.assertEqual([step["open"] for step in steps], [[at for at in range(8) if not row[at]] for row in accepted])
        self.assertTrue(any(0 < len(step["open"]) < 8 for step in steps))

    def test_without_a_debugger_it_does_what_it_did(self):
        def made(**more):
            torch.manual_seed(3)
            return gemma().generate(torch.tensor([PROMPT]), **more, **self.given).sequences.tolist()

        plain = made()
        torch.manual_seed(3)
        model = gemma()
        with debug(model, tokenizer(), quiet=True) as streamer:
            more = {"streamer": streamer, "logits_processor": streamer.processors()}
            self.assertEqual(model.generate(torch.tensor([PROMPT]), **more, **self.given).sequences.tolist(), plain)

    def test_an_edit_holds_until_the_end_of_its_block(self):
        with self.loop() as loop, loop.attach() as debugger:
            node = debugger.first()
            debugger.go(node, **fill(debugger.canvas(), 3, 77))
            debugger.through(debugger.waiting())
            sequence = loop.end().sequences[0, len(PROMPT) :].tolist()
            self.assertEqual(sequence[3], 77)
            self.assertNotEqual(sequence[11], 77)

    def test_a_temperature_is_turned_while_it_generates(self):
        with self.loop() as loop, loop.attach() as debugger:
            node = debugger.first()
            self.assertEqual({knob["name"]: knob["default"] for knob in debugger.knobs}, {"t_max": 0.8, "t_min": 0.4})
            before = debugger.prediction()["columns"]["p_argmax"]
            debugger.go(node, knobs={"t_max": 0.02, "t_min": 0.01})
            node = debugger.first()
            after = debugger.prediction()["columns"]["p_argmax"]
            self.assertGreater(min(after), max(before))
            debugger.through(node)

    def test_without_processors_nothing_is_taken_back(self):
        with self.loop(processors=False) as loop, loop.attach() as debugger:
            node = debugger.first()
            debugger.go(node, **fill(debugger.canvas(), 3, 77))
            debugger.refused()
            debugger.through(node)

    def test_stop_ends_it(self):
        seen = []
        with self.loop(seen=seen) as loop, loop.attach() as debugger:
            debugger.first()
            debugger.send(type="stop")
            self.assertIsNone(loop.end())
            self.assertEqual(len(seen[0].drafts), 1)

    def test_padding_behind_the_end_is_shown(self):
        with self.loop(max_denoising_steps=2, eos_token_id=EOS, pad_token_id=PAD) as loop, loop.attach() as debugger:
            node = debugger.first()
            debugger.go(node, **fill(debugger.canvas(), 2, EOS))
            debugger.through(debugger.waiting())
            sequence = loop.end().sequences[0, len(PROMPT) :].tolist()
            self.assertEqual(sequence[2:], [EOS] + [PAD] * 5)
            last = [record for record in loop.records() if record["kind"] == "step"][-1]
            self.assertEqual((last["canvas"], last["open"]), (sequence, []))


if __name__ == "__main__":
    unittest.main()
