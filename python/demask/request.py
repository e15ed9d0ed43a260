"""The request for a forward pass, demask's `predict::Request`, checked field by field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, List, Optional, Sequence, Tuple

from .columns import COLUMNS
from .protocol import EngineError, Message

SCORES = ("margin", "neg_entropy", "gap")

# The largest token id and position number.
_LARGEST = (1 << 32) - 1


@dataclass(frozen=True)
class Pass:
    """One sequence through the model.

    `positions`: position numbers where they are not 0, 1, 2, …. Attention is full unless one of these is given:
    `block` is (positions in a block, positions missing before the first, positions that others may see or None for all),
    `keys` one flag a position that may be seen.
    """

    ids: List[int]
    positions: Optional[List[int]] = None
    block: Optional[Tuple[int, int, Optional[int]]] = None
    keys: Optional[List[bool]] = None


@dataclass(frozen=True)
class Guidance:
    """Logits are `un + (scale + 1) * (cond - un)`, in float32."""

    scale: float
    unconditional: Pass


@dataclass(frozen=True)
class Sampling:
    """Gumbel noise times `temperature` (> 0), drawn from (seed, step, slot of each row, token)."""

    temperature: float
    seed: int
    step: int
    slots: List[int]


@dataclass(frozen=True)
class Filters:
    """Applied in this order: divide by `temperature` (if over 0), keep the nucleus of probability `top_p`, keep the
    `top_k` best (0 keeps all). `strict`: the token that crosses `top_p` goes too, unless it is the best."""

    temperature: float
    top_p: float
    top_k: int
    strict: bool


@dataclass(frozen=True)
class Credits:
    """Raises logits in the choice by `alpha * log(1 + credit)`. `earlier`: (row, token, credit), in order; in masked rows of
    `rows` the best token gets `p_argmax ** gamma` on top."""

    alpha: float
    gamma: float
    rows: Tuple[int, int]
    earlier: List[Tuple[int, int, float]]


@dataclass(frozen=True)
class Request:
    """Everything a prediction depends on.

    `rows` is first and end of the positions to reduce, `suppressed` pairs of (row, token) in order, `lowered` triples of
    row, token and by how much, `shadow` first and end of the rows that get a shadow, `targets` pairs of (row, token), at
    most one a row. `memory`: the logits may be left in the program's memory.
    """

    pass_: Pass
    rows: Tuple[int, int]
    mask: int
    eos: int
    columns: Sequence[str]
    guidance: Optional[Guidance] = None
    shift: bool = False
    sampling: Optional[Sampling] = None
    suppressed: List[Tuple[int, int]] = field(default_factory=list)
    lowered: List[Tuple[int, int, float]] = field(default_factory=list)
    begin_suppressed: List[int] = field(default_factory=list)
    filters: Optional[Filters] = None
    score: Optional[str] = None
    earlier: Optional[Pass] = None
    shadow: Optional[Tuple[int, int]] = None
    credits: Optional[Credits] = None
    alternatives: Optional[int] = None
    targets: List[Tuple[int, int]] = field(default_factory=list)
    top_k: int = 0
    memory: bool = False


def _wrong(name: str, what: str) -> EngineError:
    return EngineError("protocol", "predict: %s is not %s" % (name, what))


def whole(value: Any, name: str, largest: int = _LARGEST) -> int:
    """A whole number in 0..=largest."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
        raise _wrong(name, "a whole number in 0..=%d" % largest)
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or abs(value) > 1e300:
        raise _wrong(name, "a finite number")
    return float(value)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "true or false")
    return value


def _list(value: Any, name: str) -> List[Any]:
    if not isinstance(value, list):
        raise _wrong(name, "a list")
    return value


def _object(value: Any, name: str) -> Message:
    if not isinstance(value, dict):
        raise _wrong(name, "an object")
    return value


def _ids(value: Any, name: str) -> List[int]:
    ids = _list(value, name)
    # True and False are whole numbers in Python.
    if ids and (set(map(type, ids)) != {int} or min(ids) < 0 or max(ids) > _LARGEST):
        raise _wrong(name, "a list of whole numbers in 0..=%d" % _LARGEST)
    return ids


def _pair(value: Any, name: str) -> Tuple[int, int]:
    numbers = _ids(value, name)
    if len(numbers) != 2:
        raise _wrong(name, "a pair of numbers")
    return numbers[0], numbers[1]


def _range(value: Any, name: str, end: int) -> Tuple[int, int]:
    first, last = _pair(value, name)
    if not first <= last <= end:
        raise _wrong(name, "within 0..%d" % end)
    return first, last


def _pass(value: Any, name: str) -> Pass:
    fields = _object(value, name)
    ids = _ids(fields.get("ids"), name + ".ids")
    positions = fields.get("positions")
    if positions is not None:
        positions = _ids(positions, name + ".positions")
        if len(positions) != len(ids):
            raise _wrong(name + ".positions", "as long as the sequence")
    attention = fields.get("attention", "full")
    if attention == "full":
        return Pass(ids, positions)
    attention = _object(attention, name + ".attention")
    if set(attention) == {"block_causal"}:
        block = _object(attention["block_causal"], name + ".attention.block_causal")
        size = whole(block.get("block"), name + ".attention.block_causal.block")
        if size == 0:
            raise _wrong(name + ".attention.block_causal.block", "at least 1")
        before = whole(block.get("before", 0), name + ".attention.block_causal.before")
        seen = block.get("seen")
        if seen is not None:
            seen = whole(seen, name + ".attention.block_causal.seen")
        return Pass(ids, positions, block=(size, before, seen))
    if set(attention) == {"keys"}:
        keys = [_flag(key, name + ".attention.keys") for key in _list(attention["keys"], name + ".attention.keys")]
        if len(keys) != len(ids):
            raise _wrong(name + ".attention.keys", "as long as the sequence")
        return Pass(ids, positions, keys=keys)
    raise EngineError("unsupported", "this engine knows no attention of kind %s" % ", ".join(sorted(attention)))


def _sampling(value: Any, rows: int) -> Sampling:
    fields = _object(value, "sampling")
    slots = _ids(fields.get("slots"), "sampling.slots")
    if len(slots) != rows:
        raise _wrong("sampling.slots", "one slot a row")
    temperature = _number(fields.get("temperature"), "sampling.temperature")
    seed = whole(fields.get("seed"), "sampling.seed", (1 << 64) - 1)
    return Sampling(temperature, seed, whole(fields.get("step"), "sampling.step"), slots)


def _filters(value: Any) -> Filters:
    fields = _object(value, "filters")
    return Filters(
        _number(fields.get("temperature"), "filters.temperature"),
        _number(fields.get("top_p"), "filters.top_p"),
        whole(fields.get("top_k"), "filters.top_k"),
        _flag(fields.get("strict", False), "filters.strict"),
    )


def _triple(entry: Any, name: str, rows: int) -> Tuple[int, int, float]:
    """A row, a token and a number of at least 0."""
    if not isinstance(entry, list) or len(entry) != 3:
        raise _wrong(name, "triples of row, token and number")
    number = _number(entry[2], name)
    if number < 0.0:
        raise _wrong(name, "numbers of at least 0")
    return whole(entry[0], name, rows - 1), whole(entry[1], name), number


def _credits(value: Any, rows: int) -> Credits:
    fields = _object(value, "credits")
    earlier = [_triple(entry, "credits.earlier", rows) for entry in _list(fields.get("earlier"), "credits.earlier")]
    return Credits(
        _number(fields.get("alpha"), "credits.alpha"),
        _number(fields.get("gamma"), "credits.gamma"),
        _range(fields.get("rows"), "credits.rows", rows),
        earlier,
    )


def _targets(value: Any, rows: int) -> List[Tuple[int, int]]:
    pairs = [_pair(pair, "targets") for pair in _list(value, "targets")]
    places = [row for row, _ in pairs]
    if any(row >= rows for row in places) or any(a >= b for a, b in zip(places, places[1:])):
        raise _wrong("targets", "pairs of a row and a token, in order, at most one a row")
    return pairs


def parse(message: Message) -> Request:
    """The request in a "predict" message.

    Raises `EngineError` of kind "protocol" if a field is wrong or missing, and "unsupported" for fields that cannot be
    combined.
    """
    pass_ = _pass(message.get("pass"), "pass")
    length = len(pass_.ids)
    if length == 0:
        raise EngineError("unsupported", "an empty canvas behind an empty prompt cannot be predicted")
    rows = _range(message.get("rows"), "rows", length)
    count = rows[1] - rows[0]
    special = _object(message.get("special"), "special")
    guidance, sampling, filters = message.get("guidance"), message.get("sampling"), message.get("filters")
    score, earlier, shadow = message.get("score"), message.get("earlier"), message.get("shadow")
    credits, alternatives = message.get("credits"), message.get("alternatives")
    if guidance is not None:
        fields = _object(guidance, "guidance")
        scale = _number(fields.get("scale"), "guidance.scale")
        guidance = Guidance(scale, _pass(fields.get("unconditional"), "guidance.unconditional"))
    if score is not None and score not in SCORES:
        raise EngineError("unsupported", "this engine knows no score %r" % (score,))
    columns = _list(message.get("columns"), "columns")
    names = [column.name for column in COLUMNS]
    unknown = [column for column in columns if column not in names]
    if unknown:
        raise EngineError("unsupported", "this engine knows no column %r" % (unknown[0],))
    suppressed = [_pair(pair, "suppressed") for pair in _list(message.get("suppressed", []), "suppressed")]
    request = Request(
        pass_=pass_,
        rows=rows,
        mask=whole(special.get("mask"), "special.mask"),
        eos=whole(special.get("eos"), "special.eos"),
        columns=columns,
        guidance=guidance,
        shift=_flag(message.get("shift", False), "shift"),
        sampling=None if sampling is None else _sampling(sampling, count),
        suppressed=suppressed,
        lowered=[_triple(entry, "lowered", count) for entry in _list(message.get("lowered", []), "lowered")],
        begin_suppressed=_ids(message.get("begin_suppressed", []), "begin_suppressed"),
        filters=None if filters is None else _filters(filters),
        score=score,
        earlier=None if earlier is None else _pass(earlier, "earlier"),
        shadow=None if shadow is None else _range(shadow, "shadow", count),
        credits=None if credits is None else _credits(credits, count),
        alternatives=None if alternatives is None else whole(alternatives, "alternatives"),
        targets=_targets(message.get("targets", []), count),
        top_k=whole(message.get("top_k", 0), "top_k"),
        memory=_flag(message.get("memory", False), "memory"),
    )
    _check(request)
    return request


def _check(request: Request) -> None:
    """Refuses combinations of fields that demask's own models refuse."""
    if request.guidance and request.earlier:
        raise EngineError("unsupported", "a comparison with an earlier canvas has no guidance")
    if request.shadow is not None:
        if request.guidance or request.earlier or request.shift:
            raise EngineError("unsupported", "shadows go with neither guidance, comparison nor shift")
        if request.pass_.block or request.pass_.keys:
            raise EngineError("unsupported", "shadows need full attention")
    others = [request.guidance.unconditional] if request.guidance else []
    others += [request.earlier] if request.earlier else []
    if any(len(other.ids) != len(request.pass_.ids) for other in others):
        raise EngineError("unsupported", "the passes of a request must have the same length")
