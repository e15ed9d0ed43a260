"""Reduces logits to the columns of a prediction, on the device: only one number or id for each row leaves it.

Definitions and ties are those of the program demask: logits are float32; sums over the vocabulary are taken in float32
within blocks of columns and in float64 over the blocks; the lowest id wins among equals; a NaN is never the largest and
makes every probability of its row NaN.

After a pass the caches of a CPU hold the model, and each call of torch costs more than what it computes for a small
vocabulary: the reduction makes few calls, and few temporary tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Tuple, TypeVar

from . import noise
from .protocol import Message, packed_ids, packed_numbers

if TYPE_CHECKING:
    import torch

    from .request import Filters, Request

Number = TypeVar("Number", int, float)

NEVER = float("-inf")



class Column(NamedTuple):
    """A column that a request may ask for. `kind`: what its values are; all but tokens and candidates are numbers.
    `needs`: the field of the request without which the column is not answered."""

    name: str
    kind: str
    needs: Optional[str] = None

    def answers(self, request: Request) -> bool:
        """Whether the answer to a request has this column."""
        return self.name in request.columns and (self.needs is None or getattr(request, self.needs) not in (None, []))


# Those of the program, which writes them to tests/protocol/columns.jsonl.
COLUMNS = (
    Column("argmax", "token"),
    Column("p_argmax", "probability"),
    Column("choice", "token"),
    Column("p_choice", "probability"),
    Column("p_eos", "probability"),
    Column("entropy", "entropy"),
    Column("margin", "probability"),
    Column("best_unmask", "token"),
    Column("p_best_unmask", "probability"),
    Column("p_current", "probability"),
    Column("top_k", "candidates"),
    Column("score", "number", "score"),
    Column("kl", "divergence", "earlier"),
    Column("p_shadow", "probability", "shadow"),
    Column("alternatives", "candidates", "alternatives"),
    Column("p_target", "probability", "targets"),
    Column("target_rank", "number", "targets"),
)

# How many logits are reduced at once: 16 M are 64 MB in float32, 130 rows of a vocabulary of 126,464. On a CPU it is as
# many as its caches hold.
LOGITS_AT_ONCE = 1 << 24
LOGITS_IN_CACHE = 1 << 19

# The columns whose sum is taken in float32.
_BLOCK = 256

# The columns of a group in which the largest logits of a long row are looked for.
_GROUP = 64


def rows_at_once(request: Request, columns: int, device: "torch.device") -> int:
    """How many rows are reduced at once: fewer where logits are sorted or compared, which takes float64 copies."""
    filters = request.filters
    heavy = request.earlier is not None or (filters is not None and (filters.top_p < 1.0 or filters.top_k > 0))
    canvases = 2 if request.guidance else 1
    at_once = LOGITS_IN_CACHE if device.type == "cpu" else LOGITS_AT_ONCE
    return max(at_once // columns // canvases // (4 if heavy else 1), 1)


def _wide(tensor: "torch.Tensor") -> "torch.Tensor":
    """The tensor in float64, except on Metal, which has no float64."""
    return tensor if tensor.device.type == "mps" else tensor.double()


def _sum(tensor: "torch.Tensor") -> "torch.Tensor":
    """Sums of rows in float64, `[rows, 1]`. `sum(dtype=float64)` would copy the whole tensor to float64 first."""
    import torch

    columns = tensor.shape[-1]
    whole = columns // _BLOCK * _BLOCK
    sums = tensor[:, :whole].view(len(tensor), whole // _BLOCK, _BLOCK).sum(-1)
    if whole < columns:
        sums = torch.cat((sums, tensor[:, whole:].sum(-1, keepdim=True)), -1)
    return _wide(sums).sum(-1, keepdim=True)


def _clean(logits: "torch.Tensor") -> "torch.Tensor":
    """Logits in which NaN is never the largest."""
    return logits.nan_to_num(nan=NEVER, posinf=float("inf"), neginf=NEVER)


class Softmax:
    """Sums over rows of logits `[rows, columns]` for their softmax."""

    def __init__(self, logits: "torch.Tensor", largest: Optional["torch.Tensor"] = None) -> None:
        """`largest`: the largest logit of each row, `[rows, 1]`, if it is known."""
        self.logits = logits
        self.max = _clean(logits).amax(-1, keepdim=True) if largest is None else largest
        self._shifted = logits - self.max
        self.weights = self._shifted.exp()
        self.sum = _sum(self.weights)

    def of(self, ids: "torch.Tensor") -> "torch.Tensor":
        """The weights of some ids a row, float32 `[rows, ids]`; the logits have all of them."""
        return self.weights.gather(-1, ids)

    def p(self, weights: "torch.Tensor") -> "torch.Tensor":
        """The probabilities that belong to weights of these rows, float32 `[rows, …]`."""
        return (_wide(weights) / self.sum).float()

    def all(self) -> "torch.Tensor":
        """All probabilities, float64 `[rows, columns]`."""
        return _wide(self.weights) / self.sum

    def entropy(self) -> "torch.Tensor":
        """Shannon entropy in nats, float32 `[rows]`. To be called once: it overwrites the shifted logits."""
        # An impossible token (-inf) has no weight; 0 * inf would be NaN.
        terms = self._shifted.clamp_(min=-1e30).mul_(self.weights)
        return (self.sum.log() - _sum(terms) / self.sum)[:, 0].float()


def largest(logits: "torch.Tensor") -> "torch.Tensor":
    """The id of the largest logit of each row, int64 `[rows]`: the lowest id among equals; NaN is never the largest."""
    found = logits.max(-1)
    return _clean(logits).max(-1).indices if bool(found.values.isnan().any()) else found.indices


def best(logits: "torch.Tensor", k: int) -> Tuple["torch.Tensor", "torch.Tensor"]:
    """The `k` largest logits of each row and their ids, largest first, lowest id first among equals: float32 and int64
    `[rows, min(k, columns)]`. NaN is never among the largest."""
    count = min(k, logits.shape[-1])
    values, ids = _topk(logits, min(k + 1, logits.shape[-1]))
    # The order of equal logits depends on the device, and `topk` takes NaN for the largest: such rows are sorted again.
    # (A row of one column is compared with itself, which a NaN is not equal to.)
    falls = values[:, :-1] > values[:, 1:] if values.shape[1] > 1 else values == values
    values, ids = values[:, :count], ids[:, :count]
    if not bool(falls.all()):
        again = (~falls.all(-1)).nonzero()[:, 0]
        clean = _clean(logits[again])
        ids[again] = _best_of_equals(clean, count)
        values[again] = clean.gather(-1, ids[again])
    return values, ids


def _topk(logits: "torch.Tensor", k: int) -> Tuple["torch.Tensor", "torch.Tensor"]:
    """`logits.topk(k)`, which is slow for long rows: first the groups of columns with the largest logits, then among
    those groups. The values are the same; which ids of equal ones are taken may differ."""
    import torch

    rows, columns = logits.shape
    whole = columns // _GROUP * _GROUP
    if whole < 2 * k * _GROUP:
        return logits.topk(k, -1)
    groups = logits[:, :whole].view(rows, whole // _GROUP, _GROUP).amax(-1).topk(k, -1).indices
    within = torch.arange(_GROUP, device=logits.device)
    ids = (groups[:, :, None] * _GROUP + within).flatten(1)
    behind = torch.arange(whole, columns, device=logits.device).expand(rows, -1)
    ids = torch.cat((ids, behind), -1)
    found = logits.gather(-1, ids).topk(k, -1)
    return found.values, ids.gather(-1, found.indices)


def _best_of_equals(clean: "torch.Tensor", k: int) -> "torch.Tensor":
    import torch

    # The bits of a float32 order like the number once those of negative ones are turned (both zeros are made equal
    # first); behind them comes the id, so that no two keys are equal.
    bits = (clean + 0.0).contiguous().view(torch.int32).to(torch.int64)
    order = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    ids = torch.arange(clean.shape[-1], dtype=torch.int64, device=clean.device)
    return ((order << 32) | (0xFFFFFFFF - ids)).topk(k, -1).indices


def _impossible(logits: "torch.Tensor", pairs: List[Tuple[int, int]]) -> "torch.Tensor":
    """Logits in which the pairs of (row, token) are impossible (-inf)."""
    import torch

    pairs = [(row, token) for row, token in pairs if 0 <= row < logits.shape[0] and token < logits.shape[1]]
    if not pairs:
        return logits
    rows, tokens = torch.tensor(pairs, dtype=torch.int64, device=logits.device).unbind(1)
    logits = logits.clone()
    logits[rows, tokens] = NEVER
    return logits


def _lowered(logits: "torch.Tensor", triples: List[Tuple[int, int, float]]) -> "torch.Tensor":
    """Logits of which those named by row and token are lowered."""
    import torch

    rows, columns = logits.shape
    triples = [(row, token, by) for row, token, by in triples if 0 <= row < rows and token < columns]
    if not triples:
        return logits
    at = torch.tensor([(row, token) for row, token, _ in triples], dtype=torch.int64, device=logits.device)
    by = torch.tensor([-by for *_, by in triples], dtype=logits.dtype, device=logits.device)
    return logits.index_put((at[:, 0], at[:, 1]), by, accumulate=True)


def filtered(logits: "torch.Tensor", filters: Filters) -> "torch.Tensor":
    """Logits in which the tokens that the filters leave out are impossible (-inf)."""
    import torch

    if filters.temperature > 0.0:
        # Some devices divide by a Python number through its reciprocal, which rounds otherwise.
        logits = logits / torch.tensor(filters.temperature, dtype=torch.float32, device=logits.device)
    if filters.top_p < 1.0:
        ordered = logits.sort(dim=-1, descending=True, stable=True)
        softmax = Softmax(ordered.values)
        through = softmax.all().cumsum(-1)
        before = torch.cat((torch.zeros_like(through[:, :1]), through[:, :-1]), -1)
        # The token that crosses top_p is the last one kept, or with `strict` the first one left out.
        reached = through.where(before > 0.0, before) if filters.strict else before
        cut = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, ordered.indices, reached > filters.top_p)
        logits = logits.masked_fill(cut, NEVER)
    if 0 < filters.top_k < logits.shape[-1]:
        bound = logits.topk(filters.top_k, -1).values[:, -1:]
        logits = logits.masked_fill(logits < bound, NEVER)
    return logits


def divergence(p: Softmax, q: Softmax) -> "torch.Tensor":
    """Σ p (ln(p + 1e-12) − ln(q + 1e-12)) of each row in nats, float32 `[rows]`."""

    def all_of(of: Softmax) -> "torch.Tensor":
        return (_wide(of.logits) - (_wide(of.max) + of.sum.log())).exp()

    first, second = all_of(p), all_of(q)
    return (first * ((first + 1e-12).log() - (second + 1e-12).log())).sum(-1).float()


def _without(softmax: Softmax, mask: int, top: "torch.Tensor") -> Tuple["torch.Tensor", "torch.Tensor"]:
    """The best token other than `mask`, and its probability if `mask` were impossible. `top`: the best two tokens."""
    first = top[:, 0]
    columns = softmax.logits.shape[-1]
    if mask >= columns or columns == 1:
        return first, softmax.p(softmax.of(first[:, None]))[:, 0]
    # Where `mask` is not the best token, whose weight is 1, at most half of the sum is subtracted: no digits are lost.
    p = (softmax.sum[:, 0] - _wide(softmax.weights[:, mask])).reciprocal_().float()
    is_mask = first == mask
    if not bool(is_mask.any()):
        return first, p
    token = first.where(~is_mask, top[:, 1])
    rows = is_mask.nonzero()[:, 0]
    some = softmax.logits[rows].clone()
    some[:, mask] = NEVER
    others = Softmax(some)
    p[rows] = others.p(others.of(token[rows][:, None]))[:, 0]
    return token, p


class Reducer:
    """Collects the columns of a request, chunk after chunk of its rows."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.rows = 0
        # A request of no rows is answered with empty columns.
        self.ids: Dict[str, List[int]] = {}
        self.numbers: Dict[str, List[float]] = {}
        for name, kind, _ in (column for column in COLUMNS if column.answers(request)):
            if kind == "token":
                self.ids[name] = []
            elif kind != "candidates":
                self.numbers[name] = []
        # How many candidates a row has in each column of them that is answered.
        self.candidates: Dict[str, int] = {}
        if "top_k" in request.columns:
            self.candidates["top_k"] = request.top_k
        if "alternatives" in request.columns and request.alternatives is not None:
            self.candidates["alternatives"] = request.alternatives
        # Their ids and probabilities, row after row.
        self.top: Dict[str, Tuple[List[int], List[float]]] = {name: ([], []) for name in self.candidates}

    def push(self, logits: "torch.Tensor", earlier: Optional["torch.Tensor"] = None) -> None:
        """Reduces the next rows: `logits` are float32 `[rows, columns]` with guidance applied, `earlier` are those of the
        request's earlier canvas, if it has one."""
        import torch

        request, first, wanted = self.request, self.rows, self.request.columns
        count, columns = logits.shape
        logits = self._transformed(logits, first)
        ids: Dict[str, "torch.Tensor"] = {}
        numbers: Dict[str, "torch.Tensor"] = {}
        if "kl" in wanted and earlier is not None:
            there = Softmax(self._transformed(earlier, first))
            numbers["kl"] = divergence(Softmax(logits), there)
        begin = [token for token in request.begin_suppressed if token < columns]
        plain = logits
        if begin:
            logits = logits.clone()
            logits[:, begin] = NEVER
        values, top = best(logits, max(request.top_k, request.alternatives or 0, 2))
        softmax = Softmax(logits, values[:, :1])
        # The weights of single tokens by the column that they are read for.
        weights: Dict[str, "torch.Tensor"] = {}
        ids["argmax"] = ids["choice"] = top[:, 0]
        if begin:
            ids["argmax"] = ids["choice"] = largest(plain)
            weights["p_argmax"] = softmax.of(ids["argmax"][:, None])
        sampling, drawn = request.sampling, None
        if sampling is not None and ("choice" in wanted or "p_choice" in wanted):
            slots = sampling.slots[first : first + count]
            drawn = noise.gumbel(sampling.temperature, sampling.seed, sampling.step, slots, columns, logits.device)
            ids["choice"] = largest(plain + drawn)
            weights["p_choice"] = softmax.of(ids["choice"][:, None])
        if "p_current" in wanted:
            weights["p_current"] = softmax.of(self._current(first, count, logits.device)[:, None])
        if request.targets and ("p_target" in wanted or "target_rank" in wanted):
            numbers["p_target"], numbers["target_rank"] = self._targeted(softmax, first)
        if "p_eos" in wanted and request.eos < columns:
            weights["p_eos"] = softmax.weights[:, request.eos, None]
        if request.credits is not None and ("choice" in wanted or "p_choice" in wanted):
            ids["choice"], numbers["p_choice"] = self._credited(plain, logits, softmax, ids["argmax"], drawn)
            weights.pop("p_choice", None)
        p = softmax.p(torch.cat((softmax.of(top), *weights.values()), -1))
        p_top = p[:, : top.shape[1]]
        numbers.update(zip(weights, p[:, top.shape[1] :].unbind(-1)))
        numbers.setdefault("p_argmax", p_top[:, 0])
        numbers.setdefault("p_choice", numbers["p_argmax"])
        if "p_eos" in wanted:
            numbers.setdefault("p_eos", torch.zeros_like(p_top[:, 0]))
        if "margin" in wanted or request.score == "margin":
            numbers["margin"] = p_top[:, 0] - p_top[:, 1] if columns > 1 else p_top[:, 0]
        if "entropy" in wanted:
            numbers["entropy"] = softmax.entropy()
        if "score" in wanted and request.score == "margin":
            numbers["score"] = numbers["margin"]
        elif "score" in wanted and request.score == "neg_entropy":
            numbers["score"] = _neg_entropy(softmax)
        elif "score" in wanted and request.score == "gap":
            numbers["score"] = values[:, 0] - values[:, 1] if columns > 1 else values[:, 0] + float("inf")
        if "best_unmask" in wanted or "p_best_unmask" in wanted:
            ids["best_unmask"], numbers["p_best_unmask"] = _without(softmax, request.mask, top)
        _append(self.ids, ids)
        _append(self.numbers, numbers)
        for name, (some, their_p) in self.top.items():
            self.candidates[name] = min(self.candidates[name], columns)
            some.extend(top[:, : self.candidates[name]].flatten().tolist())
            their_p.extend(p_top[:, : self.candidates[name]].flatten().tolist())
        self.rows += count

    def columns(self) -> Message:
        """The columns in the form of the protocol."""
        packed: Message = {name: {"u32": packed_ids(ids)} for name, ids in self.ids.items()}
        packed.update({name: {"f32": packed_numbers(numbers)} for name, numbers in self.numbers.items()})
        for name, (some, p) in self.top.items():
            packed[name] = {"k": self.candidates[name], "ids": packed_ids(some), "p": packed_numbers(p)}
        return packed

    def _transformed(self, logits: "torch.Tensor", first: int) -> "torch.Tensor":
        """Logits lowered, and after suppression and filters, as strategies read them."""
        logits = _lowered(logits, [(row - first, token, by) for row, token, by in self.request.lowered])
        logits = _impossible(logits, [(row - first, token) for row, token in self.request.suppressed])
        return logits if self.request.filters is None else filtered(logits, self.request.filters)

    def _credited(
        self,
        plain: "torch.Tensor",
        logits: "torch.Tensor",
        softmax: Softmax,
        argmax: "torch.Tensor",
        drawn: Optional["torch.Tensor"],
    ) -> Tuple["torch.Tensor", "torch.Tensor"]:
        """The choice and its probability with logits raised by credit. `plain`: before tokens that get no probability
        are made impossible; `drawn`: the noise."""
        import torch

        request, first, count = self.request, self.rows, len(plain)
        credits = request.credits
        assert credits is not None
        p = softmax.p(softmax.of(argmax[:, None]))[:, 0]
        earned = _wide(p).pow(credits.gamma).float().tolist()
        amounts = {
            (row - first, token): amount
            for row, token, amount in credits.earlier
            if first <= row < first + count and token < plain.shape[1]
        }
        held = request.pass_.ids[request.rows[0] + first : request.rows[0] + first + count]
        for row, (token, best, now) in enumerate(zip(held, argmax.tolist(), earned)):
            if token == request.mask and credits.rows[0] <= first + row < credits.rows[1]:
                amounts[row, best] = amounts.get((row, best), 0.0) + now
        if not amounts:
            credited, possible = plain, logits
        else:
            rows, tokens = torch.tensor(list(amounts), dtype=torch.int64, device=plain.device).unbind(1)
            # Sums of two float32 numbers are rounded to float32, as the program rounds them.
            amount = torch.tensor(list(amounts.values()), dtype=torch.float32, device=plain.device)
            boost = (credits.alpha * _wide(amount).log1p()).float()
            credited, possible = plain.clone(), logits.clone()
            credited[rows, tokens] += boost
            possible[rows, tokens] += boost
        choice = largest(credited if drawn is None else credited + drawn)
        raised = Softmax(possible)
        return choice, raised.p(raised.of(choice[:, None]))[:, 0]

    def _targeted(self, softmax: Softmax, first: int) -> Tuple["torch.Tensor", "torch.Tensor"]:
        """Probability and rank of the token that each row is asked about, float32 `[rows]`: NaN where it is asked about
        none. A token that the logits do not have is behind all that they have."""
        import torch

        logits = softmax.logits
        count, columns = logits.shape
        asked = {row - first: token for row, token in self.request.targets if first <= row < first + count}
        p = torch.full((count,), float("nan"), dtype=torch.float32, device=logits.device)
        ranks = p.clone()
        absent = [row for row, token in asked.items() if token >= columns]
        if absent:
            p[absent], ranks[absent] = 0.0, float(columns + 1)
        present = [(row, token) for row, token in asked.items() if token < columns]
        if present:
            rows, tokens = torch.tensor(present, dtype=torch.int64, device=logits.device).unbind(1)
            some, own = logits[rows], logits[rows, tokens][:, None]
            before = torch.arange(columns, device=logits.device) < tokens[:, None]
            # Of equals those with lower ids are ahead.
            ahead = (some > own) | ((some == own) & before)
            p[rows] = (_wide(softmax.weights[rows, tokens]) / softmax.sum[rows, 0]).float()
            ranks[rows] = (ahead.sum(-1) + 1).float()
        return p, ranks

    def _current(self, first: int, count: int, device: "torch.device") -> "torch.Tensor":
        """The tokens that the rows hold now."""
        import torch

        start = self.request.rows[0] + first
        return torch.tensor(self.request.pass_.ids[start : start + count], dtype=torch.int64, device=device)


def _append(columns: Dict[str, List[Number]], found: Dict[str, "torch.Tensor"]) -> None:
    """Appends what was found to the columns that are wanted; all come from the device at once."""
    import torch

    names = [name for name in found if name in columns]
    if names:
        for name, values in zip(names, torch.stack([found[name] for name in names]).tolist()):
            columns[name].extend(values)


def _neg_entropy(softmax: Softmax) -> "torch.Tensor":
    """Σ p ln(p + 1e-10), float32 `[rows]`."""
    p = softmax.all()
    return (p * (p + 1e-10).log()).sum(-1).float()
