"""Reduces logits to the columns of a prediction, on the device: only one number or id for each row leaves it.

Definitions and ties are those of the program demask: logits are float32, sums over the vocabulary are taken in float64,
the lowest id wins among equals, a NaN is never the largest and makes every probability of its row NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Tuple

from . import noise
from .protocol import Message, packed_ids, packed_numbers
from .request import Filters, Request

if TYPE_CHECKING:
    import torch

NEVER = float("-inf")

# The columns that any request may ask for, by type.
IDS = ("argmax", "choice", "best_unmask")
NUMBERS = ("p_argmax", "p_choice", "p_eos", "entropy", "margin", "p_best_unmask", "p_current")

# How many logits are reduced at once: 16 M are 64 MB in float32, 130 rows of a vocabulary of 126,464. On a CPU it is as
# many as its caches hold.
LOGITS_AT_ONCE = 1 << 24
LOGITS_IN_CACHE = 1 << 19


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
    """Sums of rows in float64, `[rows, 1]`."""
    import torch

    wide = tensor.dtype if tensor.device.type == "mps" else torch.float64
    return tensor.sum(-1, keepdim=True, dtype=wide)


def _clean(logits: "torch.Tensor") -> "torch.Tensor":
    """Logits in which NaN is never the largest."""
    return logits.nan_to_num(nan=NEVER, posinf=float("inf"), neginf=NEVER)


class Softmax:
    """Sums over rows of logits `[rows, columns]` for their softmax."""

    def __init__(self, logits: "torch.Tensor") -> None:
        self.logits = logits
        self.max = _clean(logits).amax(-1, keepdim=True)
        self.weights = (logits - self.max).exp_()
        self.sum = _sum(self.weights)

    def p(self, ids: "torch.Tensor") -> "torch.Tensor":
        """Probabilities of one id a row, float32 `[rows]`; 0 for an id that the logits do not have."""
        known = ids < self.logits.shape[-1]
        safe = ids.clamp(max=self.logits.shape[-1] - 1)
        weights = _wide(self.weights.gather(-1, safe[:, None]))
        p = (weights / self.sum)[:, 0].float()
        return p.where(known, p.new_zeros(()))

    def all(self) -> "torch.Tensor":
        """All probabilities, float64 `[rows, columns]`."""
        return _wide(self.weights) / self.sum

    def entropy(self) -> "torch.Tensor":
        """Shannon entropy in nats, float32 `[rows]`."""
        # An impossible token (-inf) has no weight; 0 * inf would be NaN.
        terms = (self.logits - self.max).clamp_(min=-1e30).mul_(self.weights)
        return (self.sum.log() - _sum(terms) / self.sum)[:, 0].float()


def largest(logits: "torch.Tensor") -> "torch.Tensor":
    """The id of the largest logit of each row, int64 `[rows]`: the lowest id among equals; NaN is never the largest."""
    return _clean(logits).max(-1).indices


def best(logits: "torch.Tensor", k: int) -> "torch.Tensor":
    """The ids of the `k` largest logits of each row, largest first, lowest id first among equals: int64
    `[rows, min(k, columns)]`."""
    clean = _clean(logits)
    count = min(k, clean.shape[-1])
    values, ids = clean.topk(min(k + 1, clean.shape[-1]), -1)
    ids = ids[:, :count]
    # The order of equal logits depends on the device, so rows with equal ones are sorted again.
    tied = (values[:, 1:] == values[:, :-1]).any(-1).nonzero()[:, 0]
    if len(tied):
        ids[tied] = _best_of_equals(clean[tied], count)
    return ids


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
        return first, softmax.p(first)
    is_mask = first == mask
    # Where `mask` is not the best token, at most half of the sum is subtracted, so no digits are lost.
    weight = _wide(softmax.weights.gather(-1, first[:, None]))
    rest = softmax.sum - _wide(softmax.weights[:, mask : mask + 1])
    p = (weight / rest)[:, 0].float()
    token = first.where(~is_mask, top[:, 1])
    rows = is_mask.nonzero()[:, 0]
    if len(rows):
        some = softmax.logits[rows].clone()
        some[:, mask] = NEVER
        p[rows] = Softmax(some).p(token[rows])
    return token, p


class Reducer:
    """Collects the columns of a request, chunk after chunk of its rows."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.rows = 0
        wanted = set(request.columns)
        # A request of no rows is answered with empty columns.
        self.ids: Dict[str, List[int]] = {name: [] for name in IDS if name in wanted}
        self.numbers: Dict[str, List[float]] = {name: [] for name in NUMBERS if name in wanted}
        if request.score is not None and "score" in wanted:
            self.numbers["score"] = []
        if request.earlier is not None and "kl" in wanted:
            self.numbers["kl"] = []
        # Candidates: ids and probabilities, row after row.
        self.top: Tuple[List[int], List[float]] = ([], [])
        self.top_k = 0

    def push(self, logits: "torch.Tensor", earlier: Optional["torch.Tensor"] = None) -> None:
        """Reduces the next rows: `logits` are float32 `[rows, columns]` with guidance applied, `earlier` are those of the
        request's earlier canvas, if it has one."""
        import torch

        request, first, wanted = self.request, self.rows, self.request.columns
        count, columns = logits.shape
        logits = self._transformed(logits, first)
        if "kl" in wanted and earlier is not None:
            there = Softmax(self._transformed(earlier, first))
            self._number("kl", divergence(Softmax(logits), there))
        argmax = largest(logits)
        choice = argmax
        sampling = request.sampling
        if sampling is not None and ("choice" in wanted or "p_choice" in wanted):
            slots = sampling.slots[first : first + count]
            drawn = noise.gumbel(sampling.temperature, sampling.seed, sampling.step, slots, columns, logits.device)
            choice = largest(logits + drawn)
        begin = [token for token in request.begin_suppressed if token < columns]
        if begin:
            logits = logits.clone()
            logits[:, begin] = NEVER
        softmax = Softmax(logits)

        def all_rows(token: int) -> "torch.Tensor":
            return torch.full((count,), token, dtype=torch.int64, device=logits.device)

        needs_top = any(name in wanted for name in ("margin", "score", "top_k", "best_unmask", "p_best_unmask"))
        top = best(logits, max(request.top_k, 2)) if needs_top else argmax[:, None]
        made: Dict[str, Callable[[], "torch.Tensor"]] = {
            "p_argmax": lambda: softmax.p(argmax),
            "p_choice": lambda: softmax.p(choice),
            "p_eos": lambda: softmax.p(all_rows(request.eos)),
            "entropy": softmax.entropy,
            "margin": lambda: self._margin(softmax, top),
            "p_current": lambda: softmax.p(self._current(first, count, logits.device)),
        }
        if request.score == "margin":
            made["score"] = made["margin"]
        elif request.score == "neg_entropy":
            made["score"] = lambda: _neg_entropy(softmax)
        for name, make in made.items():
            if name in wanted:
                self._number(name, make())
        if "argmax" in wanted:
            self._id("argmax", argmax)
        if "choice" in wanted:
            self._id("choice", choice)
        if "best_unmask" in wanted or "p_best_unmask" in wanted:
            token, p = _without(softmax, request.mask, top)
            if "best_unmask" in wanted:
                self._id("best_unmask", token)
            if "p_best_unmask" in wanted:
                self._number("p_best_unmask", p)
        if "top_k" in wanted:
            kept = top[:, : request.top_k]
            self.top_k = kept.shape[1]
            p = (_wide(softmax.weights.gather(-1, kept)) / softmax.sum).float()
            self.top[0].extend(kept.flatten().tolist())
            self.top[1].extend(p.flatten().tolist())
        self.rows += count

    def columns(self) -> Message:
        """The columns in the form of the protocol."""
        packed: Message = {name: {"u32": packed_ids(ids)} for name, ids in self.ids.items()}
        packed.update({name: {"f32": packed_numbers(numbers)} for name, numbers in self.numbers.items()})
        if "top_k" in self.request.columns:
            ids, p = self.top
            packed["top_k"] = {"k": self.top_k, "ids": packed_ids(ids), "p": packed_numbers(p)}
        return packed

    def _id(self, name: str, values: "torch.Tensor") -> None:
        self.ids.setdefault(name, []).extend(values.tolist())

    def _number(self, name: str, values: "torch.Tensor") -> None:
        self.numbers.setdefault(name, []).extend(values.tolist())

    def _transformed(self, logits: "torch.Tensor", first: int) -> "torch.Tensor":
        """Logits after suppression and filters, as strategies read them."""
        logits = _impossible(logits, [(row - first, token) for row, token in self.request.suppressed])
        return logits if self.request.filters is None else filtered(logits, self.request.filters)

    def _current(self, first: int, count: int, device: "torch.device") -> "torch.Tensor":
        """The tokens that the rows hold now."""
        import torch

        start = self.request.rows[0] + first
        return torch.tensor(self.request.pass_.ids[start : start + count], dtype=torch.int64, device=device)

    @staticmethod
    def _margin(softmax: Softmax, top: "torch.Tensor") -> "torch.Tensor":
        """The probability of the best token minus that of the second best."""
        first = softmax.p(top[:, 0])
        return first - softmax.p(top[:, 1]) if top.shape[1] > 1 else first


def _neg_entropy(softmax: Softmax) -> "torch.Tensor":
    """Σ p ln(p + 1e-10), float32 `[rows]`."""
    p = softmax.all()
    return (p * (p + 1e-10).log()).sum(-1).float()
