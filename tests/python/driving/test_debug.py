"""Loops of a user's own code, debugged over the real socket."""

import contextlib
import io
import json
import threading
import unittest

from common import MASK, PROMPT, Driven, left_to_right, needs_torch, numpy, torch

import demask

X = PROMPT + [MASK] * 5


class Steps(Driven):
    def test_nobody_attached_changes_nothing(self):
        dbg = self.debug()
        x = list(X)
        self.assertIs(dbg.step(x), x)
        self.assertEqual(dbg.propose(x, [2], [3]), ([2], [3]))
        self.assertIs(dbg.start(x), x)
        self.assertEqual(left_to_right(dbg, list(X)), PROMPT + [3, 4, 5, 6, 3])
        self.assertEqual(dbg.steps, 6)

    def test_each_step_waits_for_its_go(self):
        dbg = self.debug(wait=True)
        knob = dbg.knob("many", 1, 1, 3, help="tokens a step")
        result = self.start(left_to_right, dbg, list(X), knob)
        client = self.client(dbg)
        self.assertEqual(client.hello["can"], ["edit", "stop"])
        self.assertEqual((client.hello["type"], client.hello["protocol"], client.hello["name"]), ("hello", 1, "mine"))
        self.assertEqual(client.waiting(), 1)
        (header,), (root,) = client.kinds("header"), client.kinds("root")
        self.assertEqual(header["version"], [1, 6])
        self.assertEqual(
            header["knobs"],
            [{"name": "many", "kind": "int", "default": 1, "low": 1, "high": 3, "help": "tokens a step"}],
        )
        self.assertEqual((root["prompt"], root["length"], root["params"]), (PROMPT, 5, {"many": 1}))
        self.assertEqual(client.go(1, knobs={"many": 2}), 2)
        step = client.kinds("step")[-1]
        self.assertEqual((step["canvas"], step["params"], step["parent"]), ([3, 4, 4, MASK, MASK], {"many": 2}, 1))
        self.assertEqual(client.go(2), 3)
        self.assertNotIn("params", client.kinds("step")[-1])
        self.assertIsNone(client.go(3))
        self.assertEqual(client.kinds("end"), [{"kind": "end", "at": 3, "finish": "complete"}])
        self.assertEqual(result(), PROMPT + [3, 4, 4, 5, 5])

    def test_what_came_is_a_recording(self):
        dbg = self.debug(wait=True, record=self.path)
        result = self.start(left_to_right, dbg, list(X))
        client = self.client(dbg)
        node = client.waiting()
        while node is not None:
            node = client.go(node)
        result()
        self.assertEqual([json.loads(line) for line in self.path.read_text().splitlines()], client.records)

    def test_edits_pins_and_vetoes(self):
        dbg = self.debug(wait=True)
        x = list(X)
        result = self.start(left_to_right, dbg, x, 2)
        client = self.client(dbg)
        self.assertEqual(client.waiting(), 1)
        edits = [{"fill": [4, 7]}, {"remask": 0}]
        self.assertEqual(client.go(1, edits=edits, canvas=[MASK, 3, MASK, MASK, 7], pins=[0], vetoes=[[2, 4]]), 3)
        (edit,), step = client.kinds("edit"), client.kinds("step")[-1]
        self.assertEqual((edit["id"], edit["parent"], edit["edits"]), (2, 1, edits))
        self.assertEqual((step["parent"], step["canvas"]), (2, [MASK, 3, MASK, MASK, 7]), "pinned, and forbidden")
        self.assertEqual(client.go(3), 4, "what held, held for one step")
        self.assertEqual(client.kinds("step")[-1]["canvas"], [5, 3, 5, MASK, 7])
        client.close()
        self.assertEqual(result(), PROMPT + [5, 3, 5, 6, 7])
        self.assertEqual(x, PROMPT + [5, 3, 5, 6, 7], "in place")

    def test_proposals(self):
        dbg = self.debug(wait=True)
        result = self.start(left_to_right, dbg, list(X), 2, True)
        client = self.client(dbg)
        self.assertEqual(client.waiting(), 0)
        propose = client.said[-2]
        self.assertEqual((propose["type"], propose["node"], propose["canvas"]), ("propose", 0, [3, 3, MASK, MASK, MASK]))
        self.assertEqual(propose["prediction"], client.kinds("prediction")[-1]["key"])
        self.assertEqual(client.go(0, vetoes=[[0, 3]]), 1)
        step = client.kinds("step")[-1]
        self.assertEqual((step["canvas"], step["prediction"]), ([MASK, 3, MASK, MASK, MASK], propose["prediction"]))
        self.assertEqual(client.said[-2]["canvas"], [4, 3, 4, MASK, MASK])
        edited = [MASK, 3, 7, MASK, MASK]
        self.assertEqual(client.go(1, edits=[{"fill": [2, 7]}], canvas=edited), 3)
        self.assertEqual(client.kinds("step")[-1]["canvas"], [4, 3, 7, MASK, MASK], "an edit stays")
        client.close()
        self.assertEqual(result(), PROMPT + [4, 3, 7, 5, 5])

    def test_stop(self):
        for at_propose in (False, True):
            dbg = self.debug(wait=True)
            result = self.start(left_to_right, dbg, list(X), 1, at_propose)
            client = self.client(dbg)
            client.waiting()
            client.send({"type": "stop"})
            self.assertIsNone(client.waiting())
            self.assertEqual(client.records[-1]["kind"], "end")
            self.assertIsNone(client.records[-1]["finish"])
            self.assertEqual(result()[2:4], [MASK if at_propose else 3, MASK])

    def test_a_go_that_cannot_be_done_is_refused_in_words(self):
        dbg = self.debug(wait=True)
        dbg.knob("many", 1, 1, 3)
        dbg.knob("sure", True)
        dbg.knob("how", "a", choices=["a", "b"])
        result = self.start(left_to_right, dbg, list(X))
        client = self.client(dbg)
        self.assertEqual(client.waiting(), 1)
        for given, said in [
            ({"from": 0}, "cannot go back"),
            ({"from": "1"}, "not a whole number"),
            ({"from": 1, "knobs": {"few": 1}}, "no knob 'few'"),
            ({"from": 1, "knobs": {"many": 4}}, "in 1..3"),
            ({"from": 1, "knobs": {"many": 1.5}}, "a whole number"),
            ({"from": 1, "knobs": {"sure": 3}}, "true or false"),
            ({"from": 1, "knobs": {"how": "c"}}, "one of a, b"),
            ({"from": 1, "canvas": [3, 3, 3, 3, 3]}, "go together"),
            ({"from": 1, "canvas": [-1], "edits": [{"delete": 0}]}, "not a whole number"),
            ({"from": 1, "canvas": [3] * 5, "edits": [{"fill": [0.5, 1]}]}, "not one of the format's"),
            ({"from": 1, "pins": 3}, "not a list"),
            ({"from": 1, "vetoes": [[1]]}, "not a list of 2 numbers"),
        ]:
            client.send({"type": "go", **given})
            self.assertIn(said, client.until("error")["message"])
        client.send({"type": "dance"})
        self.assertIn("'dance'", client.until("error")["message"])
        self.assertEqual(client.go(1, knobs={"many": 3, "sure": "false", "how": "b"}), 2)
        self.assertEqual(client.kinds("step")[-1]["params"], {"many": 3, "sure": False, "how": "b"})
        client.close()
        result()

    def test_attached_in_the_middle(self):
        dbg = self.debug()
        x = PROMPT + [3, 4, MASK, MASK, MASK]
        dbg.step(x)
        client = self.client(dbg)
        self.assertEqual(client.hello["steps"], 1)
        result = self.start(left_to_right, dbg, x)
        self.assertEqual(client.waiting(), 0)
        (root,) = client.kinds("root")
        self.assertEqual(root["canvas"], [3, 4, 3, MASK, MASK], "the canvas as it is now")
        self.assertEqual(client.go(0), 1)
        client.close()
        self.assertEqual(result(), PROMPT + [3, 4, 3, 4, 5])

    def test_attached_at_the_first_step_of_a_run_that_began_unseen(self):
        dbg = self.debug()
        x = dbg.start(PROMPT + [6, MASK])
        client = self.client(dbg)
        result = self.start(left_to_right, dbg, x)
        self.assertEqual(client.waiting(), 0)
        self.assertEqual(client.kinds("root")[0]["canvas"], [6, 3], "not a canvas of masks, which it never was")
        client.close()
        result()

    def test_what_was_recorded_before_is_sent(self):
        for name in ("run.jsonl", "run.jsonl.gz"):
            dbg = self.debug(record=self.folder / name)
            x = PROMPT + [3, MASK, MASK, MASK, MASK]
            dbg.step(x, argmax=[3] * 7)
            x[3] = 4
            dbg.step(x, argmax=[4] * 7)
            client = self.client(dbg)
            result = self.start(left_to_right, dbg, x)
            self.assertEqual(client.waiting(), 3)
            self.assertEqual([step["id"] for step in client.kinds("step")], [1, 2, 3])
            client.close()
            result()

    def test_detached_and_attached_again(self):
        passed = threading.Event()
        dbg = self.debug(wait=True)

        def loop():
            x = PROMPT + [MASK] * 2
            with dbg:
                dbg.step(x)
                passed.wait(20)
                x[2] = 3
                dbg.step(x)
            return x

        result = self.start(loop)
        with self.client(dbg) as first:
            self.assertEqual(first.waiting(), 1)
        second = self.client(dbg)
        passed.set()
        self.assertEqual(second.waiting(), 0)
        self.assertEqual(second.kinds("root")[0]["canvas"], [3, MASK])
        self.assertIsNone(second.go(0))
        self.assertEqual(result(), PROMPT + [3, MASK])

    def test_a_loop_that_starts_at_a_canvas_waits_there(self):
        dbg = self.debug(wait=True, prompt=[], mask=None)

        def loop():
            with dbg:
                x = dbg.start([7, 7])
                x = dbg.step([x[0], 3])
                x = dbg.start([6, 6, 6])
            return x

        result = self.start(loop)
        client = self.client(dbg)
        self.assertEqual(client.waiting(), 0)
        self.assertEqual(client.go(0, edits=[{"replace": [0, 5]}], canvas=[5, 7]), 2)
        self.assertEqual(client.kinds("step")[-1]["canvas"], [5, 3])
        self.assertEqual(client.go(2), 3)
        self.assertEqual(client.kinds("root")[-1]["canvas"], [6, 6, 6])
        self.assertIsNone(client.go(3, edits=[{"truncate": 1}], canvas=[6]))
        self.assertEqual(result(), [6])

    def test_a_knob_that_is_declared_late_is_told(self):
        dbg = self.debug(wait=True)

        def loop():
            with dbg:
                dbg.step(PROMPT + [3, MASK])
                late = dbg.knob("late", 0.5, 0, 1)
                self.assertIs(dbg.knob("late", 0.7), late)
                dbg.step(PROMPT + [3, 4])
                return float(late)

        result = self.start(loop)
        client = self.client(dbg)
        self.assertEqual(client.waiting(), 1)
        self.assertEqual(client.go(1), 2)
        self.assertEqual(client.said[-2], {"type": "knobs", "knobs": [dbg.knob("late", 0).record()]})
        self.assertEqual(client.kinds("step")[-1]["params"], {"late": 0.5})
        self.assertIsNone(client.go(2, knobs={"late": 0.25}))
        self.assertEqual(result(), 0.25)

    def test_what_is_predicted_before_the_step(self):
        dbg = self.debug(wait=True)

        def loop():
            with dbg:
                x = PROMPT + [MASK, MASK]
                dbg.predicted(argmax=[9, 9, 3, 3], x=x)
                x = dbg.step(PROMPT + [3, MASK])
                dbg.predicted(argmax=[4, 4])
                x = dbg.step(PROMPT + [3, 4])
                # Masks are put behind it without a step; what is predicted then, is on the longer canvas.
                x = [*x, MASK]
                dbg.predicted(argmax=[5, 5, 5], x=x)
                return dbg.step(PROMPT + [3, 4, 5])

        result = self.start(loop)
        client = self.client(dbg)
        node = client.waiting()
        while node is not None:
            node = client.go(node)
        self.assertEqual([line["columns"]["argmax"] for line in client.kinds("prediction")], [[3, 3], [4, 4], [5, 5, 5]])
        steps = [(step["canvas"], "prediction" in step) for step in client.kinds("step")]
        self.assertEqual(steps, [([3, MASK], True), ([3, 4], True), ([3, 4, MASK], False), ([3, 4, 5], True)])
        self.assertEqual(result(), PROMPT + [3, 4, 5])

    @needs_torch
    @unittest.skipIf(numpy is None, "needs NumPy")
    def test_tensors_and_arrays(self):
        for make in (torch.tensor, numpy.array):
            dbg = self.debug(wait=True)

            def loop():
                with dbg:
                    x = make([PROMPT + [3, MASK]])
                    same = dbg.step(x, logits=make([[[0.0] * 12] * 4]))
                    longer = dbg.step(same)
                    return x, same, longer

            result = self.start(loop)
            client = self.client(dbg)
            self.assertEqual(client.waiting(), 1)
            client.send({"type": "go", "from": 1, "edits": [{"fill": [1, 12]}], "canvas": [3, 12]})
            self.assertIn("token 12 is none of this model, which has 12", client.until("error")["message"])
            self.assertEqual(client.go(1, edits=[{"fill": [1, 7]}], canvas=[3, 7]), 3)
            self.assertIsNone(client.go(3, edits=[{"append_mask": 1}], canvas=[3, 7, MASK]))
            x, same, longer = result()
            self.assertIs(x, same)
            self.assertEqual((x.tolist(), longer.tolist()), ([PROMPT + [3, 7]], [PROMPT + [3, 7, MASK]]))
            for p in client.kinds("prediction")[0]["columns"]["p_argmax"]:
                self.assertAlmostEqual(p, 1 / 12, places=6)

    def test_stopped_is_not_caught_by_the_loop(self):
        dbg = self.debug(wait=True)

        def loop():
            x = list(X)
            try:
                while True:
                    try:
                        x = dbg.step(x)
                    except Exception:
                        pass
            except demask.Stopped:
                return "stopped"

        result = self.start(loop)
        client = self.client(dbg)
        client.waiting()
        client.send({"type": "stop"})
        self.assertEqual(result(), "stopped")

    def test_wrong_predictions_cost_the_prediction_alone(self):
        dbg = self.debug(wait=True)

        def loop():
            with dbg:
                dbg.step(PROMPT + [3, MASK], argmax=[1])
                return dbg.step(PROMPT + [3, 4], logits="no")

        with contextlib.redirect_stderr(io.StringIO()) as told:
            result = self.start(loop)
            client = self.client(dbg)
            self.assertEqual(client.waiting(), 1)
            self.assertIsNone(client.go(client.go(1)))
            result()
        self.assertEqual([step["canvas"] for step in client.kinds("step")], [[3, MASK], [3, 4]])
        self.assertFalse(client.kinds("prediction"))
        self.assertIn("what a step is decided on cannot be shown", told.getvalue())
        self.assertEqual(sum(one["type"] == "log" for one in client.said), 2)

    def test_canvases_that_cannot_be_shown_stop_no_loop(self):
        dbg = self.debug(wait=True)

        def loop():
            with dbg:
                dbg.step([7, 7, MASK])
                # A debugger that was detached is not attached again.
                self.assertFalse(dbg.attached or dbg.live)
                dbg.step([7, 7, MASK])
                return dbg.step(X)

        with contextlib.redirect_stderr(io.StringIO()) as told:
            result = self.start(loop)
            client = self.client(dbg)
            self.assertIn("does not begin with the prompt", client.until("error")["message"])
            self.assertIsNone(client.waiting())
            self.assertEqual(result(), X)
        self.assertEqual(told.getvalue().count("the loop cannot be shown any more"), 1)
        self.assertEqual(told.getvalue().count("the debugger has left"), 1)

    def test_a_name_that_is_no_text_becomes_one(self):
        dbg = self.debug()
        self.assertIs(dbg.knob(3, 0.5), dbg.knob("3", 0.5))

    def test_half_a_surrogate_pair_in_a_name(self):
        dbg = self.debug(name="a\ud800", model="m\udcff", wait=True)
        result = self.start(dbg.step, list(X))
        client = self.client(dbg)
        client.send({"type": "go", "from": client.waiting()})
        self.assertEqual(result(), X)
        header = client.kinds("header")[0]
        self.assertEqual((client.hello["name"], header["strategy"], header["model"]["name"]), ("a?", "a?", "m?"))

    def test_a_number_of_candidates_below_0_is_refused(self):
        with self.assertRaises(ValueError):
            self.debug(top_k=-1)

    def test_what_a_terminal_obeys_is_not_printed(self):
        with contextlib.redirect_stderr(io.StringIO()) as told:
            self.debug(name="a\x1b[31mb\nc\u202e", quiet=False)
        self.assertIn("on a\\x1b[31mb c\\u202e (unix:", told.getvalue())

    def test_logits_without_a_column_for_eos(self):
        dbg = self.debug(wait=True)

        def loop():
            with dbg:
                return dbg.step(PROMPT + [3, MASK], logits=[[0.0] * 8] * 4)

        with contextlib.redirect_stderr(io.StringIO()) as told:
            result = self.start(loop)
            client = self.client(dbg)
            self.assertIsNone(client.go(client.waiting()))
            result()
        self.assertIn("the logits have 8 columns, and none for eos=8", told.getvalue())


if __name__ == "__main__":
    unittest.main()
