"""Parameters of a sampling loop that can be turned from the debugger while it runs."""

from __future__ import annotations

import math
from functools import total_ordering
from numbers import Integral
from typing import Any, Dict, Optional, Sequence

from .recorder import Param


@total_ordering
class Knob:
    """A parameter: `float(knob)`, `int(knob)`, `bool(knob)`, `str(knob)` and comparisons read its current value.

    name      its name
    default   its value until it is turned. Its type is the knob's: a bool, a whole number, a number, or one of `choices`
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
        self.name, self.low, self.high, self.help = str(name), low, high, str(help)
        self.choices = None if choices is None else [str(choice) for choice in choices]
        self.kind = _kind(default, low, high, choices)
        for bound in (low, high):
            if bound is not None and not math.isfinite(bound):
                raise ValueError("knob %s: a bound must be finite; leave it out where there is none" % self.name)
        self.default = self.checked(default)
        self.value: Param = self.default

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
    numbers = [number for number in (default, low, high) if number is not None]
    return "int" if all(isinstance(number, Integral) for number in numbers) else "float"
