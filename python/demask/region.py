"""Reads and writes the generated region of what a sampling loop calls its canvas: a tensor, an array or a list."""

from __future__ import annotations

import sys
from typing import Any, List, Optional, Sequence

from .recorder import Values, ids_of, kind_of, sequence_of


class Region:
    """Where the generated region is in `x`.

    prompt  ids in front of it; `start` of them are in `x`
    in_x    False where `x` does not hold the prompt
    batch   the sequence of a batch
    """

    def __init__(self, prompt: Sequence[Optional[int]], in_x: bool, batch: int) -> None:
        self.start, self._batch = len(prompt) if in_x else 0, batch

    def read(self, x: Values) -> List[Optional[int]]:
        """The generated region of `x`."""
        return ids_of(x, self._batch)[self.start :]

    def write(self, x: Values, canvas: Sequence[Optional[int]], in_place: bool = False) -> Values:
        """`x` with another generated region.

        It is written in place where possible; otherwise a new object of the same kind and device is returned, unless
        `in_place` forbids it. Raises `ValueError` with the reason where neither is possible.
        """
        before = self.read(x)
        changed = [at for at, (old, new) in enumerate(zip(before, canvas)) if old != new]
        if len(before) == len(canvas):
            if not changed or self._put(x, changed, canvas):
                return x
            if in_place:
                raise ValueError("this canvas cannot be changed in place: give edits back after a step")
            made = _copy(x)
            if self._put(made, changed, canvas):
                return tuple(tuple(row) if isinstance(row, list) else row for row in made) if isinstance(x, tuple) else made
            raise ValueError("this canvas, a %s, cannot be changed" % type(x).__name__)
        if in_place:
            raise ValueError("the number of positions cannot be changed before a step is made: make the step first")
        return self._replace(x, canvas)

    def _put(self, x: Values, places: List[int], canvas: Sequence[Optional[int]]) -> bool:
        """Writes single positions in place; returns whether that was possible."""
        # A sequence of a batch is a view of the tensor or array, or the list itself.
        row = sequence_of(x, self._batch, 1)
        places, values = [self.start + at for at in places], [canvas[at] for at in places]
        try:
            if kind_of(row) == "torch":
                torch = sys.modules["torch"]
                with torch.no_grad():
                    row[torch.tensor(places, device=row.device)] = torch.tensor(values, dtype=row.dtype, device=row.device)
            elif kind_of(row) == "numpy":
                row[places] = values
            else:
                for at, value in zip(places, values):
                    row[at] = value
        except (TypeError, ValueError, RuntimeError, OverflowError):
            return False
        return self.read(x) == [*canvas]

    def _replace(self, x: Values, canvas: Sequence[Optional[int]]) -> Values:
        """A canvas of another length."""
        row = sequence_of(x, self._batch, 1)
        batched = row is not x
        if batched and len(x) != 1:
            raise ValueError("one of %d sequences cannot become longer or shorter than the others" % len(x))
        kind = kind_of(row)
        if kind == "torch":
            torch = sys.modules["torch"]
            tail = torch.tensor(list(canvas), dtype=row.dtype, device=row.device)
            made = torch.cat([row[: self.start], tail])
            return made[None] if batched else made
        if kind == "numpy":
            numpy = sys.modules["numpy"]
            made = numpy.concatenate([row[: self.start], numpy.array(canvas, dtype=row.dtype)])
            return made[None] if batched else made
        made = [*row[: self.start], *canvas]
        return type(x)([type(row)(made)]) if batched else type(x)(made)


def _copy(x: Values) -> Values:
    kind = kind_of(x)
    if kind == "torch":
        return x.detach().clone()
    if kind == "numpy":
        return sys.modules["numpy"].array(x)
    return [[*row] if isinstance(row, (list, tuple)) else row for row in x]
