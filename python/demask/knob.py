"""Parameters of a sampling loop that can be changed from the debugger while it runs."""

from __future__ import annotations

import math
from functools import total_ordering
from numbers import Integral
from typing import Any, Dict, Optional, Sequence

from .recorder import Param, whole


@total_ordering
class Knob:
    """A parameter: `float(knob)`, `int(knob)`, `bool(knob)`, `str(knob)` and comparisons read its current value.

    name      its name
    default   its value until it is changed. Its type is the knob's: a bool, a whole number, a number, or one of `choices`
    low, high the least and the greatest value of a number; None where there is none
    choices   the texts to choose from
    help      what it does, in a sentence
    """

    def __init__(
        self,
        name: str,
        default: Param,
        low: Optional[float] = None,
        high: Optional[float] = None,
        *,
        choices: Optional[Sequence[str]] = None,
        help: str = "",
    ) -> None:
        self.name, self.help = str(name), str(help)
        self.choices = None if choices is None else [str(choice) for choice in choices]
        if type(default).__module__ == "numpy" and type(default).__name__ in ("bool", "bool_"):
            default = bool(default)
        self.kind = _kind(default, low, high, choices)
        if self.kind == "choice" and not self.choices:
            raise ValueError("knob %s: choices= is empty" % self.name)
        for text in (self.name, self.help, *(self.choices or [])):
            if text != whole(text):
                raise ValueError("knob %a: half a surrogate pair, as in %a, is no text" % (self.name, text))
        self.low, self.high = self._bound(low), self._bound(high)
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("knob %s: its least value, %s, is over its greatest, %s" % (self.name, self.low, self.high))
        self.default = self.checked(default)
        self.value: Param = self.default

    def _bound(self, bound: Any) -> Optional[float]:
        """`bound` as a plain number, whatever type of number it was."""
        if bound is None:
            return None
        try:
            number = int(bound) if isinstance(bound, Integral) else float(bound)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if isinstance(bound, str) or not math.isfinite(number):
            raise ValueError("knob %s: a bound must be a finite number; leave it out where there is none" % self.name)
        return number

    def checked(self, value: Any) -> Param:
        """`value` in the type of this knob. Raises `ValueError` with the reason if the knob cannot take it."""
        switch = isinstance(value, bool)
        if self.kind == "bool":
            if value in ("true", "false"):
                return bool(value == "true")
            if switch:
                return bool(value)
            raise ValueError("knob %s takes true or false" % self.name)
        if self.kind == "choice":
            if isinstance(value, str) and value in (self.choices or []):
                return value
            raise ValueError("knob %s takes one of %s" % (self.name, ", ".join(self.choices or [])))
        try:
            number = None if switch else int(value) if self.kind == "int" else float(value)
        except (TypeError, ValueError, OverflowError):
            number = None
        if number is None or isinstance(value, str) or number != value or not math.isfinite(number):
            raise ValueError("knob %s takes a %s" % (self.name, "whole number" if self.kind == "int" else "number"))
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            low, high = ("" if bound is None else str(bound) for bound in (self.low, self.high))
            raise ValueError("knob %s takes a number in %s..%s, not %s" % (self.name, low, high, number))
        return number

    def record(self) -> Dict[str, Any]:
        """The knob as it stands in the header of a recording."""
        record: Dict[str, Any] = {"name": self.name, "kind": self.kind, "default": self.default}
        for name in ("low", "high", "choices"):
            if getattr(self, name) is not None:
                record[name] = getattr(self, name)
        return {**record, "help": self.help} if self.help else record

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        if isinstance(self.value, int):
            return self.value
        raise TypeError("knob %s holds no whole number" % self.name)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, form: str) -> str:
        return format(self.value, form)

    def __repr__(self) -> str:
        return "<knob %s = %r>" % (self.name, self.value)

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, Knob) else other))

    def __lt__(self, other: Any) -> bool:
        value: Any = self.value
        return bool(value < (other.value if isinstance(other, Knob) else other))

    # The value changes, so the hash is that of the object.
    __hash__ = object.__hash__


def _kind(default: Param, low: Optional[float], high: Optional[float], choices: Optional[Sequence[str]]) -> str:
    if choices is not None:
        return "choice"
    if isinstance(default, bool):
        return "bool"
    if isinstance(default, str):
        raise ValueError("a knob that holds a text needs choices=")
    if default is None:
        raise ValueError("a knob needs a default: true or false, a number, or a text out of choices=")
    numbers = [number for number in (default, low, high) if number is not None]
    return "int" if all(isinstance(number, Integral) for number in numbers) else "float"
