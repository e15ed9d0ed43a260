"""The message "go": one step that the debugger asks of a sampling loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple

from .knob import Knob
from .protocol import EngineError, Message
from .recorder import Param

# The most positions, edits, pins and vetoes that are taken in at once.
MOST = 1 << 20

# The deepest nesting of an edit; the edits of the format need three levels.
_DEPTH = 4


@dataclass(frozen=True)
class Go:
    """One step to make, and what holds in it.

    start   the node it is made from
    values  the values of the knobs, from now on
    edits   the user's edits, as the format writes them; empty where there are none
    canvas  the ids of the generated region after the edits; None where nothing was edited
    pins    positions of the generated region that the step may not change
    vetoes  positions and the tokens that the step may not write there
    """

    start: int
    values: Mapping[str, Param]
    edits: Tuple[Mapping[str, Any], ...] = ()
    canvas: Optional[Tuple[int, ...]] = None
    pins: FrozenSet[int] = frozenset()
    vetoes: FrozenSet[Tuple[int, int]] = frozenset()

    def forbids(self, at: int, before: Optional[int], token: Optional[int]) -> bool:
        """Whether a step may not put `token` where `before` stands, `at` a position of the generated region."""
        return token != before and (at in self.pins or (at, token) in self.vetoes)


def read(message: Message, knobs: Mapping[str, Knob], vocabulary: Optional[int]) -> Go:
    """Reads a message of type "go". Raises `EngineError` of kind "protocol" that says what is wrong with it.

    `vocabulary`: the number of tokens, where it is known. A model may crash on an id beyond it.
    """
    values: Dict[str, Param] = {}
    given = message.get("knobs")
    for name, value in _mapping(given).items():
        if name not in knobs:
            raise _wrong("this loop has no knob %.40r" % name)
        try:
            values[name] = knobs[name].checked(value)
        except ValueError as error:
            raise _wrong(str(error)) from None
    edits, canvas = _items(message, "edits"), message.get("canvas")
    if (canvas is None) != (not edits):
        raise _wrong("`edits` and `canvas` go together: the canvas is what the edits made of it")
    for edit in edits:
        if not isinstance(edit, dict) or not _plain(edit, _DEPTH):
            raise _wrong("an edit is not one of the format's")
    vetoes = [_numbers(pair, 2) for pair in _items(message, "vetoes")]
    return Go(
        start=_number(message.get("from")),
        values=values,
        edits=tuple(edits),
        canvas=None if canvas is None else tuple(_token(item, vocabulary) for item in _items(message, "canvas")),
        pins=frozenset(_number(item) for item in _items(message, "pins")),
        vetoes=frozenset((pair[0], pair[1]) for pair in vetoes),
    )


def _wrong(message: str) -> EngineError:
    return EngineError("protocol", message)


def _mapping(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong("`knobs` is not an object of values by name")
    return value


def _items(message: Message, name: str) -> List[Any]:
    value = message.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST:
        raise _wrong("`%s` is not a list of at most %d" % (name, MOST))
    return value


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 32:
        raise _wrong("%.40r is not a whole number in 0..2^32" % (value,))
    return value


def _numbers(value: Any, count: int) -> List[int]:
    if not isinstance(value, list) or len(value) != count:
        raise _wrong("%.40r is not a list of %d numbers" % (value, count))
    return [_number(item) for item in value]


def _token(value: Any, vocabulary: Optional[int]) -> int:
    token = _number(value)
    if token >= (vocabulary or (1 << 32) - 1):
        raise _wrong("token %d is none of this model, which has %d" % (token, vocabulary or (1 << 32) - 1))
    return token


def _plain(value: Any, depth: int) -> bool:
    """Whether an edit holds nothing but whole numbers, switches, short texts, and lists and objects of them."""
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return 0 <= value < 1 << 53
    if isinstance(value, str):
        return len(value) <= 80
    if depth == 0:
        return False
    if isinstance(value, list):
        return all(_plain(item, depth - 1) for item in value)
    return isinstance(value, dict) and all(
        _plain(name, 0) and _plain(item, depth - 1) for name, item in value.items()
    )
