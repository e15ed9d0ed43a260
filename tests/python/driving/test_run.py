"""Time travel in a sampler that draws from three generators and changes its state in place. Needs torch."""

import contextlib
import io
import random
import threading
import unittest

from common import Driven, needs_torch, torch

import demask
from demask.knob import Knob

if torch is not None:
    from sampler import EOS, LENGTH, MASK, PROMPT, Sampler, start

SEED = 2


class Alone:
    """The sampler without a debugger: what it is held against."""

    def __init__(self, **values):
        self.values = values

    def knob(self, name, default, low, high):
        knob = Knob(name, default, low, high)
        knob.value = self.values.get(name, default)
        return knob

    def predicted(self, **columns):
        pass

    def propose(self, x, positions, tokens):
        return positions, tokens


def alone(sampler, steps, x=None, state=None, **values):
    """Canvases of a run of this many steps that nobody debugs, and the state behind it."""
    if x is None:
        x, state = start()
        torch.manual_seed(SEED)
    dbg, canvases = Alone(**values), []
    for _ in range(steps):
        x = sampler(x, state, dbg)
        canvases.append(x[0, len(PROMPT) :].tolist())
    return canvases, x, state


@needs_torch
class Travel(Driven):
    def run_(self, sampler, **given):
        x, state = start()
        torch.manual_seed(SEED)
        facts = dict(mask=MASK, eos=EOS, name="sampler", quiet=True, wait=True, block=False)
        self.count += 1
        facts.update(listen="unix:%s" % (self.folder / ("run%d" % self.count)))
        facts.update(given)
        handle = demask.run(sampler, x, state, **facts)
        self.addCleanup(self.end, handle)
        return handle, self.client(handle)

    def end(self, handle):
        # Another test's draws must not come in between.
        with contextlib.redirect_stderr(io.StringIO()):
            handle.stop()
            handle.result(20)

    def canvas(self, client, node):
        (step,) = [step for step in client.kinds("step") if step["id"] == node]
        return step["canvas"]

    def went(self, client, node, steps, **given):
        """The nodes of so many steps from a node; `given` holds in the first one, its knobs in all."""
        nodes = []
        for _ in range(steps):
            node = client.go(node, **given)
            nodes.append(node)
            given = {}
        return nodes

    def begun(self, client, steps):
        """The nodes from the root on."""
        with contextlib.redirect_stderr(io.StringIO()):
            node = client.waiting()
        self.assertEqual(client.hello["can"][-1], "restore")
        # Without proposals the first step is made before the loop waits.
        return [0, *([] if node == 0 else [node]), *self.went(client, node, steps - node)]

    def ways(self):
        """With all snapshots, with few, and with none but the newest; with proposals and without."""
        for proposing in (False, True):
            for memory in (1 << 30, 90_000, 0):
                with self.subTest(proposing=proposing, memory=memory):
                    yield Sampler(proposing=proposing), memory

    def test_back_20_and_forward_20_is_the_same_and_what_nobody_debugs(self):
        expected, *_ = alone(Sampler(), 30)
        for sampler, memory in self.ways():
            handle, client = self.run_(sampler, memory=memory)
            nodes = self.begun(client, 30)
            self.assertEqual([self.canvas(client, node) for node in nodes[1:]], expected)
            kept = client.said[-1]["kept"]
            if memory == 1 << 30:
                self.assertEqual(kept["nodes"], 31)
            else:
                self.assertLess(kept["nodes"], 9)
            calls = sampler.calls
            again = self.went(client, nodes[10], 20)
            self.assertEqual([self.canvas(client, node) for node in again], expected[10:])
            (first,) = [step for step in client.kinds("step") if step["id"] == again[0]]
            self.assertEqual(first["parent"], nodes[10])
            # With all snapshots, going back makes no step again (a proposal that is waited for is begun, and left).
            self.assertEqual(sampler.calls - calls > 21, memory != 1 << 30)
            client.close()
            self.assertEqual(handle.result(20)[0, len(PROMPT) :].tolist(), alone(Sampler(), 60)[0][-1])

    def test_a_branch_with_another_knob_is_a_fresh_run_from_that_state(self):
        plain = Sampler()
        _, x, state = alone(plain, 7)
        expected, *_ = alone(plain, 12, x, state, temperature=3.0, count=4)
        for sampler, memory in self.ways():
            handle, client = self.run_(sampler, memory=memory)
            nodes = self.begun(client, 25)
            turned = {"temperature": 3.0, "count": 4}
            branch = self.went(client, nodes[7], 12, knobs=turned)
            self.assertEqual([self.canvas(client, node) for node in branch], expected)
            (first,) = [step for step in client.kinds("step") if step["id"] == branch[0]]
            self.assertEqual(first["params"], turned)
            # Back into the first branch, where the knobs are as they were.
            again = self.went(client, nodes[20], 2)
            self.assertEqual([self.canvas(client, node) for node in again], [self.canvas(client, node) for node in nodes[21:23]])
            client.close()
            handle.result(20)

    def test_edits_pins_and_vetoes_come_again_when_steps_are_made_again(self):
        for sampler, memory in self.ways():
            handle, client = self.run_(sampler, memory=memory)
            nodes = self.begun(client, 12)
            before = self.canvas(client, nodes[6])
            edited = [7, 7, *before[2:]]
            plain = self.canvas(client, self.went(client, nodes[6], 1)[0])
            # What the step changes is forbidden at every second position, and by its token at the others.
            changed = [at for at, (old, new) in enumerate(zip(before, plain)) if old != new and at > 1]
            self.assertGreaterEqual(len(changed), 2)
            pins, vetoes = changed[::2], [[at, plain[at]] for at in changed[1::2]]
            edits = [{"replace": [0, 7]}, {"replace": [1, 7]}]
            first = client.go(nodes[6], edits=edits, canvas=edited, pins=[0, 1, *pins], vetoes=vetoes)
            held = self.canvas(client, first)
            edit = client.kinds("edit")[-1]
            self.assertEqual((edit["parent"], edit["edits"]), (nodes[6], edits))
            (step,) = [step for step in client.kinds("step") if step["id"] == first]
            self.assertEqual(step["parent"], edit["id"])
            self.assertEqual([held[at] for at in [0, 1, *pins]], [edited[at] for at in [0, 1, *pins]])
            self.assertTrue(all(held[at] != token for at, token in vetoes))
            branch = self.went(client, first, 9)
            self.went(client, nodes[3], 2)
            again = self.went(client, branch[4], 4)
            self.assertEqual([self.canvas(client, node) for node in again], [self.canvas(client, node) for node in branch[5:]])
            # From the edit itself, with nothing forbidden this time.
            free = self.canvas(client, self.went(client, edit["id"], 1)[0])
            self.assertNotEqual(free, held)
            client.close()
            handle.result(20)

    def test_a_veto_of_what_is_proposed(self):
        handle, client = self.run_(Sampler(proposing=True))
        self.begun(client, 5)
        proposal = client.said[-2]
        before = self.canvas(client, 5)
        (at, *_) = [at for at, (old, new) in enumerate(zip(before, proposal["canvas"])) if old != new]
        token = proposal["canvas"][at]
        self.assertEqual(client.go(5, vetoes=[[at, token]]), 6)
        self.assertNotEqual(self.canvas(client, 6)[at], token)
        # A knob that is turned while a step is proposed holds in that very step.
        before = self.canvas(client, 6)
        self.assertEqual(client.go(6, knobs={"count": 8}), 7)
        written = sum(old == MASK != new for old, new in zip(before, self.canvas(client, 7)))
        self.assertGreater(written, 2)
        client.close()
        handle.result(20)

    def test_the_end_can_be_gone_back_from(self):
        for given in ({}, {"steps": 10}):
            for proposing in (False, True):
                handle, client = self.run_(Sampler(steps=10, proposing=proposing), **given)
                node = client.waiting()
                while not client.said[-1].get("done"):
                    node = client.go(node)
                nodes = [step["id"] for step in client.kinds("step")]
                self.assertEqual((len(nodes), node), (10, nodes[-1]))
                again = client.go(nodes[4])
                self.assertEqual(self.canvas(client, again), self.canvas(client, nodes[5]))
                edited = [7] * LENGTH
                client.go(again, edits=[{"replace": [0, 7]}], canvas=edited)
                node = client.go(nodes[-1], edits=[{"replace": [0, 7]}], canvas=edited)
                while not client.said[-1].get("done"):
                    node = client.go(node)
                self.assertEqual(client.kinds("edit")[-1]["parent"], nodes[-1])
                self.assertIsNone(client.go(node))
                self.assertEqual(client.records[-1], {"kind": "end", "at": node, "finish": "complete"})
                self.assertEqual(handle.result(20)[0, len(PROMPT) :].tolist(), edited)

    def test_what_was_recorded_before_somebody_came_can_be_gone_back_to(self):
        ready, more = threading.Event(), threading.Event()
        sampler = Sampler()

        def step(x, state, dbg):
            if state["made"][0] == 9:
                ready.set()
                more.wait(20)
            return sampler(x, state, dbg)

        x, state = start()
        torch.manual_seed(SEED)
        listen = "unix:%s" % (self.folder / "run")
        handle = demask.run(step, x, state, mask=MASK, quiet=True, listen=listen, block=False, record=self.path)
        self.assertTrue(ready.wait(20))
        client = self.client(handle)
        more.set()
        node = client.waiting()
        self.assertEqual(node, 10)
        again = self.went(client, 3, 4)
        self.assertEqual([self.canvas(client, node) for node in again], [self.canvas(client, node) for node in range(4, 8)])
        client.close()
        handle.result(20)

    def test_attached_in_the_middle_of_a_step(self):
        expected, *_ = alone(Sampler(), 12)
        for proposing in (False, True):
            inside, more = threading.Event(), threading.Event()
            sampler = Sampler(proposing=proposing)

            def step(x, state, dbg):
                if state["made"][0] == 4:
                    inside.set()
                    more.wait(20)
                return sampler(x, state, dbg)

            x, state = start()
            torch.manual_seed(SEED)
            listen = "unix:%s" % (self.folder / ("run%d" % proposing))
            handle = demask.run(step, x, state, mask=MASK, quiet=True, listen=listen, block=False)
            self.assertTrue(inside.wait(20))
            client = self.client(handle)
            more.set()
            self.assertEqual(client.waiting(), 0)
            self.assertEqual(client.kinds("root")[0]["canvas"], expected[4])
            self.assertEqual([knob["name"] for knob in client.kinds("header")[0]["knobs"]], ["temperature", "count"])
            for _ in range(2):
                self.assertEqual([self.canvas(client, node) for node in self.went(client, 0, 7)], expected[5:])
            client.close()
            handle.result(20)

    def test_what_a_step_depends_on_without_saying_so_is_told(self):
        hidden = [0]

        def step(x, state, dbg):
            hidden[0] += 1
            x = x.clone()
            x[0, len(PROMPT) + hidden[0] % LENGTH] = hidden[0]
            return x

        handle, client = self.run_(step, memory=0)
        nodes = self.begun(client, 6)
        client.send({"type": "go", "from": nodes[3]})
        self.assertIn("depends on something", client.until("error")["message"])
        self.assertEqual(self.canvas(client, client.go(nodes[6]))[8], 8, "one step was made again")
        client.send({"type": "go", "from": 99})
        self.assertIn("nothing is kept of node 99", client.until("error")["message"])
        client.send({"type": "stop"})
        self.assertIsNone(client.waiting())
        handle.result(20)

    def test_memory_is_bounded(self):
        wide = 25_000
        handle, client = self.run_(Sampler(wide=wide), memory=1_000_000)
        nodes = self.begun(client, 40)
        kept = [one["kept"] for one in client.said if one["type"] == "waiting"]
        self.assertGreater(kept[0]["bytes"], 4 * wide)
        self.assertLessEqual(max(one["bytes"] for one in kept), 1_000_000)
        self.assertGreater(kept[-1]["nodes"], 4)
        self.assertEqual(self.canvas(client, client.go(nodes[13])), self.canvas(client, nodes[14]))
        client.close()
        handle.result(20)

    def test_stopped_in_the_middle_of_a_step(self):
        expected, *_ = alone(Sampler(), 3)
        for proposing in (False, True):
            handle, client = self.run_(Sampler(proposing=proposing))
            self.begun(client, 3)
            client.send({"type": "stop"})
            self.assertIsNone(client.waiting())
            self.assertIsNone(client.records[-1]["finish"])
            self.assertEqual(handle.result(20)[0, len(PROMPT) :].tolist(), expected[-1])

    def test_a_handle_stops_what_waits_and_what_nobody_debugs(self):
        for wait in (False, True):
            inside = threading.Event()

            def step(x, state, dbg):
                inside.set()
                return x

            listen = "unix:%s" % (self.folder / ("run%d" % wait))
            x, state = start()
            with contextlib.redirect_stderr(io.StringIO()):
                handle = demask.run(step, x, mask=MASK, quiet=True, listen=listen, block=False, wait=wait)
                if not wait:
                    self.assertTrue(inside.wait(20))
                with self.assertRaises(TimeoutError):
                    handle.result(0.01)
                handle.stop()
                self.assertTrue(torch.equal(handle.result(20), x))

    def test_faults_of_a_step_are_the_callers(self):
        def step(x, state, dbg):
            raise ZeroDivisionError("mine")

        x, _ = start()
        listen = "unix:%s" % (self.folder / "run")
        with self.assertRaisesRegex(ZeroDivisionError, "mine"):
            demask.run(step, x, mask=MASK, quiet=True, listen=listen)
        with contextlib.redirect_stderr(io.StringIO()) as told:
            handle = demask.run(step, x, mask=MASK, quiet=True, listen=listen, block=False)
            with self.assertRaisesRegex(ZeroDivisionError, "mine"):
                handle.result(20)
        self.assertIn("step has failed", told.getvalue())
        with self.assertRaisesRegex(TypeError, "keep what cannot be copied outside"):
            demask.run(step, x, threading.Lock(), mask=MASK, quiet=True, listen=listen)

    def test_nobody_attached_is_the_plain_loop(self):
        sampler, (x, state) = Sampler(), start()
        torch.manual_seed(SEED)
        final = demask.run(sampler, x, state, mask=MASK, quiet=True, listen="unix:%s" % (self.folder / "run"), steps=30)
        self.assertEqual(final[0, len(PROMPT) :].tolist(), alone(Sampler(), 30)[0][-1])
        self.assertEqual(x[0].tolist(), PROMPT + [MASK] * LENGTH, "what it was given is not changed")
        self.assertEqual(state["made"], [0])


class Lists(Driven):
    """Without torch."""

    def test_a_canvas_that_starts_from_noise(self):
        def step(x, state, dbg):
            accepted = state["accepted"] = state["accepted"] + 1
            dbg.leave_open(range(accepted, 4))
            return [3] * accepted + [random.randrange(4, 9) for _ in range(4 - accepted)]

        random.seed(3)
        facts = dict(mask=None, quiet=True, wait=True, block=False, open=range(4), steps=4, memory=0)
        facts.update(listen="unix:%s" % (self.folder / "run"))
        with contextlib.redirect_stderr(io.StringIO()):
            handle = demask.run(step, [7, 8, 7, 8], {"accepted": 0}, **facts)
            client = self.client(handle)
            self.assertEqual(client.waiting(), 1)
        self.assertEqual((client.kinds("root")[0]["canvas"], client.kinds("root")[0]["open"]), ([7, 8, 7, 8], [0, 1, 2, 3]))
        self.assertEqual([client.go(1), client.go(2), client.go(3), client.go(2)], [2, 3, 4, 5])
        opened = [step.get("open") for step in client.kinds("step")]
        self.assertEqual(opened, [[1, 2, 3], [2, 3], [3], [], [3]])
        self.assertEqual(client.kinds("step")[4]["canvas"], client.kinds("step")[2]["canvas"])
        client.close()
        self.assertEqual(handle.result(20), [3] * 4)

    def test_a_sampler_of_lists(self):
        def step(x, state, dbg):
            if 9 not in x:
                return None
            x[state.choice([at for at, token in enumerate(x) if token == 9])] = random.randrange(3, 8)
            return x, state

        random.seed(3)
        listen = "unix:%s" % (self.folder / "run")
        facts = dict(mask=9, prompt=[1, 2], quiet=True, wait=True, block=False, listen=listen, memory=0)
        with contextlib.redirect_stderr(io.StringIO()):
            handle = demask.run(step, [1, 2] + [9] * 12, random.Random(4), **facts)
            client = self.client(handle)
            node = client.waiting()
        while node < 9:
            node = client.go(node)
        first = [step["canvas"] for step in client.kinds("step")]
        node = 2
        for _ in range(7):
            node = client.go(node)
        self.assertEqual([step["canvas"] for step in client.kinds("step")][9:], first[2:])
        client.close()
        self.assertNotIn(9, handle.result(20))


if __name__ == "__main__":
    unittest.main()
