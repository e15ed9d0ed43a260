"""Loops that cannot be changed, watched over a socket."""

import unittest

import torch
from common import Case, Loop, fill
from tiny import MASK, Network

from demask.adapters.modules import debug

PROMPT = [5, 6, 7]


@torch.no_grad()
def generate(model, prompt, length=6, guided=False):
    """Two positions a step, the surest first, in a user's loop."""
    x = torch.tensor([[*prompt, *[MASK] * length]])
    while (x == MASK).any():
        logits = model(x).logits
        if guided:
            hidden = x.clone()
            hidden[:, : len(prompt)] = MASK
            logits = 2 * logits - model(hidden).logits
        p, best = logits.softmax(-1).max(-1)
        at = p.masked_fill(x != MASK, -1.0).topk(2).indices
        x = x.scatter(1, at, best.gather(1, at))
    return x


class Watched(Case):
    def loop(self, call=generate, **given):
        def run(options):
            with debug(Network(), mask=MASK, **options) as model:
                return call(model, PROMPT, **given)

        return Loop(run)

    def test_it_stops_before_each_pass_but_the_first(self):
        for guided in (False, True):
            with self.subTest(guided=guided), self.loop(guided=guided) as loop, loop.attach() as debugger:
                node = debugger.first()
                self.assertEqual(debugger.canvas().count(MASK), 4)
                columns = debugger.prediction()["columns"]
                with torch.no_grad():
                    logits = Network()(torch.tensor([[*PROMPT, *[MASK] * 6]])).logits[0, 3:]
                self.assertEqual(columns["argmax"], logits.argmax(-1).tolist())
                debugger.go(node)
                node = debugger.waiting()
                self.assertEqual(debugger.canvas().count(MASK), 2)
                debugger.through(node)
                returned = loop.end()[0].tolist()
                records = loop.records()
                [root] = [record for record in records if record["kind"] == "root"]
                self.assertEqual((root["prompt"], root["length"]), (PROMPT, 6))
                steps = [record["canvas"] for record in records if record["kind"] == "step"]
                # Its last canvas is returned by the loop, and never seen by the model.
                self.assertEqual([step.count(MASK) for step in steps], [4, 2])
                self.assertTrue(all(token in (MASK, last) for token, last in zip(steps[-1], returned[3:])))

    def test_nothing_is_written_into_it(self):
        plain = generate(Network(), PROMPT).tolist()
        with self.loop() as loop, loop.attach() as debugger:
            node = debugger.first()
            debugger.go(node, **fill(debugger.canvas(), 0, 77))
            self.assertIn("cannot be changed", debugger.refused())
            debugger.go(node, pins=[0])
            self.assertIn("cannot be changed", debugger.refused())
            debugger.through(node)
            self.assertEqual(loop.end().tolist(), plain)

    def test_a_function_is_watched_by_a_wrapper(self):
        network = Network()

        def run(options):
            with debug(lambda ids: network(ids).logits, mask=MASK, **options) as model:
                return generate(lambda ids: type("Output", (), {"logits": model(ids)}), PROMPT)

        with Loop(run) as loop, loop.attach() as debugger:
            debugger.through(debugger.waiting())
            loop.end()
            self.assertEqual(sum(record["kind"] == "prediction" for record in loop.records()), 3)

    def test_passes_without_ids_are_passed_over(self):
        class Embedding(Network):
            def forward(self, input_ids=None, inputs_embeds=None):
                return super().forward(input_ids) if inputs_embeds is None else inputs_embeds

        def run(options):
            with debug(Embedding(), mask=MASK, **options) as model:
                model(inputs_embeds=torch.zeros(1, 3, 4))
                return generate(model, PROMPT)

        with Loop(run) as loop, loop.attach() as debugger:
            debugger.through(debugger.waiting())
            self.assertEqual(loop.end().tolist(), generate(Network(), PROMPT).tolist())

    def test_stop_ends_it(self):
        with self.loop() as loop, loop.attach() as debugger:
            debugger.waiting()
            debugger.send(type="stop")
            self.assertIsNone(loop.end())


if __name__ == "__main__":
    unittest.main()
