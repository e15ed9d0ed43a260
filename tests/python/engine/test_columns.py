"""Columns against the same definitions written down plainly, a number at a time, in float64."""

import math
import random
import unittest

from common import EOS, MASK, f32, needs_torch, predict, torch, unpacked

import schema
from demask import columns

COLUMNS = 37
NEVER = -math.inf
# Shadows are read from other rows, so a row of logits does not tell them.
ALL = [column.name for column in columns.COLUMNS if column.needs != "shadow"]
# Those that nothing but the logits is needed for.
PLAIN = [column.name for column in columns.COLUMNS if column.needs is None]


def softmax(row):
    most = max(row)
    weights = [math.exp(x - most) for x in row]
    return [weight / sum(weights) for weight in weights]


def largest(row):
    return max(range(len(row)), key=lambda token: (row[token], -token))


def transformed(row, request, at):
    row = [NEVER if [at, token] in request["suppressed"] else x for token, x in enumerate(row)]
    filters = request.get("filters")
    if filters is None:
        return row
    if filters["temperature"] > 0:
        row = [f32(x / f32(filters["temperature"])) for x in row]
    if filters["top_p"] < 1:
        p, before = softmax(row), 0.0
        for token in sorted(range(len(row)), key=lambda token: (-row[token], token)):
            reached = before + p[token] if filters["strict"] and before > 0 else before
            if reached > filters["top_p"]:
                row[token] = NEVER
            before += p[token]
    if 0 < filters["top_k"] < len(row):
        least = sorted(row, reverse=True)[filters["top_k"] - 1]
        row = [x if x >= least else NEVER for x in row]
    return row


def lowered(row, request, at):
    """A row with what the request lowers."""
    row = list(row)
    for where, token, by in request.get("lowered", []):
        if where == at and token < COLUMNS:
            row[token] = f32(row[token] - by)
    return row


def raised(request, at, best, p):
    """What credit adds to the logits of a row."""
    boosts, credits = [0.0] * COLUMNS, request.get("credits")
    if credits is None:
        return boosts
    amounts = {token: amount for row, token, amount in credits["earlier"] if row == at}
    if request["pass"]["ids"][request["rows"][0] + at] == MASK and credits["rows"][0] <= at < credits["rows"][1]:
        amounts[best] = amounts.get(best, 0.0) + p ** credits["gamma"]
    for token, amount in amounts.items():
        if token < COLUMNS:
            boosts[token] = credits["alpha"] * math.log(1 + amount)
    return boosts


def reference(logits, earlier, request, noise):
    """A row of columns for each row of logits."""
    rows = []
    for at, row in enumerate(logits):
        row = transformed(lowered(row, request, at), request, at)
        argmax = largest(row)
        plain = row
        there = softmax(transformed(lowered(earlier[at], request, at), request, at))
        kl = sum(p * (math.log(p + 1e-12) - math.log(q + 1e-12)) for p, q in zip(softmax(row), there))
        row = [NEVER if token in request["begin_suppressed"] else x for token, x in enumerate(row)]
        p = softmax(row)
        boosts = raised(request, at, argmax, p[argmax])
        drawn = noise[at] if noise else [0.0] * len(row)
        choice = largest([f32(f32(x + b) + n) for x, b, n in zip(plain, boosts, drawn)])
        p_choice = softmax([f32(x + b) for x, b in zip(row, boosts)])[choice]
        order = sorted(range(len(row)), key=lambda token: (-row[token], token))
        unmasked = [NEVER if token == MASK else x for token, x in enumerate(row)]
        best = largest(unmasked)
        margin = p[order[0]] - p[order[1]]
        rows.append(
            {
                "argmax": argmax,
                "p_argmax": p[argmax],
                "choice": choice,
                "p_choice": p_choice,
                "p_eos": p[EOS],
                "entropy": -sum(x * math.log(x) for x in p if x > 0),
                "margin": margin,
                "best_unmask": best,
                "p_best_unmask": softmax(unmasked)[best],
                "p_current": p[request["pass"]["ids"][request["rows"][0] + at]],
                "top_k": [(token, p[token]) for token in order[: request["top_k"]]],
                "alternatives": [(token, p[token]) for token in order[: request.get("alternatives", 0)]],
                **target(row, p, [token for where, token in request.get("targets", []) if where == at]),
                "score": {
                    "margin": margin,
                    "neg_entropy": sum(x * math.log(x + 1e-10) for x in p),
                    "gap": row[order[0]] - row[order[1]],
                }[request["score"] or "neg_entropy"],
                "kl": kl,
            }
        )
    return rows


def target(row, p, asked):
    """Probability and rank of the token that a row is asked about."""
    if not asked:
        return {"p_target": math.nan, "target_rank": math.nan}
    token = asked[0]
    if token >= len(row):
        return {"p_target": 0.0, "target_rank": float(len(row) + 1)}
    order = sorted(range(len(row)), key=lambda token: (-row[token], token))
    return {"p_target": p[token], "target_rank": float(order.index(token) + 1)}


class Table(unittest.TestCase):
    def test_the_columns_are_those_of_the_program(self):
        theirs = [(column["name"], column["kind"], column["needs"]) for column in schema.published("columns.jsonl")]
        self.assertEqual([tuple(column) for column in columns.COLUMNS], theirs, "tests/protocol/columns.jsonl")

    def test_the_recorder_rounds_as_the_program_does(self):
        from demask import recorder

        digits = {column["name"]: column["digits"] for column in schema.published("columns.jsonl")}
        # It need not have every column.
        self.assertEqual(recorder.ROUNDED, {name: digits[name] for name in recorder.ROUNDED})
        for name in recorder.IDS + recorder.NUMBERS:
            self.assertIsNone(digits[name], name)


@needs_torch
class Columns(unittest.TestCase):
    def reduced(self, logits, request, earlier=None, chunks=None):
        from demask.columns import Reducer
        from demask.request import parse

        reducer = Reducer(parse(request))
        start = 0
        for count in chunks or [len(logits)]:
            end = start + count
            reducer.push(torch.tensor(logits[start:end]), None if earlier is None else torch.tensor(earlier[start:end]))
            start = end
        return unpacked(reducer.columns())

    def rows(self, count, seed=7):
        """Rows of logits with ties, impossible tokens, and the mask as the best of some rows."""
        source = random.Random(seed)
        rows = [[f32(source.choice([source.gauss(0, 3), 1.5, -0.25])) for _ in range(COLUMNS)] for _ in range(count)]
        for row in rows[::3]:
            row[MASK] = 9.0
        for row in rows[::4]:
            row[source.randrange(COLUMNS)] = NEVER
        return rows

    def close(self, found, expected, where):
        for at, row in enumerate(expected):
            for name, value in row.items():
                mine = found[name][at]
                if name in ("top_k", "alternatives"):
                    self.assertEqual([token for token, _ in mine], [token for token, _ in value], (where, at))
                    pairs = [(a, b) for (_, a), (_, b) in zip(mine, value)]
                elif isinstance(value, int):
                    self.assertEqual(mine, value, (where, at, name))
                    continue
                else:
                    pairs = [(mine, value)]
                for a, b in pairs:
                    if math.isnan(b):
                        # Where only the mask is possible, nothing is left without it.
                        self.assertTrue(math.isnan(a), (where, at, name))
                        continue
                    self.assertAlmostEqual(a, b, delta=2e-6 * max(1, abs(b)), msg=(where, at, name))

    def test_they_are_what_their_definitions_say(self):
        from demask import noise

        rows = 12
        now, then = self.rows(rows), self.rows(rows, 8)
        sampling = {"temperature": 1.5, "seed": 7, "step": 2, "slots": list(range(100, 100 + rows))}
        drawn = noise.gumbel(1.5, 7, 2, sampling["slots"], COLUMNS, torch.device("cpu")).tolist()
        pairs = [[0, MASK], [1, 2], [1, 30], [4, 7], [4, 100]]
        lowered = [[0, 3, 2.5], [1, 30, 1.0], [5, 12, 0.7], [5, 999, 1.0], [9, MASK, 20.0]]
        ids = [3, 2] + [at % COLUMNS for at in range(rows)]
        earlier = {"ids": ids, "attention": "full"}
        for filters in [
            None,
            {"temperature": 0.2, "top_p": 0.95, "top_k": 0, "strict": False},
            {"temperature": 0.7, "top_p": 0.9, "top_k": 0, "strict": True},
            {"temperature": 0.0, "top_p": 0.5, "top_k": 3, "strict": False},
            {"temperature": 1.5, "top_p": 1.0, "top_k": 5, "strict": False},
            {"temperature": 1.1, "top_p": 0.0, "top_k": 0, "strict": True},
        ]:
            for score in ("margin", "neg_entropy", "gap"):
                for noisy in (None, sampling):
                    request = predict(ids, [2, 2 + rows], ALL, suppressed=pairs, begin_suppressed=[3, 99], earlier=earlier)
                    request["targets"] = [[0, 5], [1, 30], [2, MASK], [5, 999], [9, EOS], [11, 12]]
                    request.update(filters=filters, score=score, sampling=noisy, top_k=6, alternatives=8, lowered=lowered)
                    expected = reference(now, then, request, drawn if noisy else None)
                    self.close(self.reduced(now, request, then), expected, (filters, score))

    def test_credit_raises_what_is_chosen(self):
        from demask import noise

        rows = 12
        now = self.rows(rows)
        ids = [3, 2] + [MASK] * 9 + [3] * 3
        sampling = {"temperature": 1.5, "seed": 7, "step": 2, "slots": list(range(rows))}
        drawn = noise.gumbel(1.5, 7, 2, sampling["slots"], COLUMNS, torch.device("cpu")).tolist()
        earlier = [[0, 4, 0.5], [1, 3, 2.0], [1, 9, 7.5], [4, 99, 1.0], [5, 12, 40.0], [10, 2, 3.0]]
        wanted, differs = PLAIN, 0
        for begin in ([], [3, 99]):
            for noisy in (None, sampling):
                request = predict(ids, [2, 2 + rows], wanted, suppressed=[[3, 4]], begin_suppressed=begin)
                request.update(sampling=noisy, score=None, top_k=6, credits={"alpha": 2.5, "gamma": 0.5, "rows": [1, 11], "earlier": earlier})
                expected = reference(now, now, request, drawn if noisy else None)
                expected = [{name: row[name] for name in wanted} for row in expected]
                found = self.reduced(now, request, chunks=[5, 1, 6])
                self.close(found, expected, (begin, noisy))
                differs += 0 if noisy else sum(a != b for a, b in zip(found["argmax"], found["choice"]))
        self.assertGreater(differs, 0)

    def test_chunks_do_not_matter(self):
        rows, ids = self.rows(12), [1] * 12
        sampling = {"temperature": 0.7, "seed": 7, "step": 2, "slots": list(range(12))}
        wanted = [name for name in ALL if name != "kl"]
        request = predict(ids, [0, 12], wanted, sampling=sampling, suppressed=[[2, 1], [6, 3], [6, 4]], score="margin")
        request["alternatives"], request["targets"] = 5, [[at, at * 7 % COLUMNS] for at in range(12)]
        self.assertEqual(self.reduced(rows, request), self.reduced(rows, request, chunks=[5, 1, 6]))

    def test_ties_go_to_the_lowest_id(self):
        flat = self.reduced([[0.0] * COLUMNS, [-0.0, 0.0] * 18 + [0.0]], predict([1, 1], [0, 2], PLAIN))
        for row in (0, 1):
            self.assertEqual([flat[name][row] for name in ("argmax", "choice", "best_unmask")], [0, 0, 0])
            self.assertEqual([token for token, _ in flat["top_k"][row]], [0, 1, 2, 3])
            self.assertAlmostEqual(flat["entropy"][row], math.log(COLUMNS), places=5)

    def test_the_best_of_long_rows_are_those_of_a_sort(self):
        from demask.columns import best

        source = random.Random(3)
        for columns in (2, 640, 1000, 3001):
            rows = [[f32(source.gauss(0, 1)) for _ in range(columns)] for _ in range(5)]
            rows.append([float(source.randrange(4)) for _ in range(columns)])
            rows.append([NEVER] * (columns - 1) + [1.0])
            rows.append([math.nan if at % 7 == 0 else f32(x) for at, x in enumerate(rows[0])])
            values, ids = best(torch.tensor(rows), 4)
            for at, row in enumerate(rows):
                clean = [NEVER if math.isnan(x) else x for x in row]
                order = sorted(range(columns), key=lambda token: (-clean[token], token))[:4]
                self.assertEqual(ids[at].tolist(), order, (columns, at))
                self.assertEqual(values[at].tolist(), [clean[token] for token in order], (columns, at))

    def test_nan_never_becomes_a_number(self):
        one = [0.5] * COLUMNS
        one[3] = math.nan
        found = self.reduced([one, [math.nan] * COLUMNS, [0.5] * COLUMNS], predict([1] * 3, [0, 3], PLAIN))
        for name in ("p_argmax", "p_choice", "p_eos", "entropy", "margin", "p_best_unmask", "p_current"):
            self.assertTrue(math.isnan(found[name][0]) and math.isnan(found[name][1]), name)
            self.assertFalse(math.isnan(found[name][2]), name)
        self.assertEqual((found["argmax"][0], found["argmax"][2]), (0, 0))

    def test_a_mask_that_the_logits_lack_takes_nothing(self):
        request = predict([1], [0, 1], PLAIN, special={"mask": 1000, "eos": 1000})
        found = self.reduced([[1.0, 3.0, 2.0]], request)
        self.assertEqual((found["best_unmask"], found["p_eos"]), ([1], [0.0]))
        self.assertEqual(found["p_best_unmask"], found["p_argmax"])
        self.assertEqual(len(found["top_k"][0]), 3, "fewer tokens than candidates")


if __name__ == "__main__":
    unittest.main()
