"""The records of a loop under the debugger."""

from __future__ import annotations

import time
from typing import Any, Callable, Iterable, List, Optional

from .recorder import Recorder, Values, ids_of


class Records(Recorder):
    """A recorder that raises its errors to the caller."""

    # Whether the loop ended by an exception.
    left = False

    def _guarded(self, work: Callable[[], None]) -> None:
        work()

    @property
    def prompt(self) -> List[Any]:
        """The ids in front of the generated region."""
        return self._prompt

    @property
    def canvas(self) -> Optional[List[Optional[int]]]:
        """The generated region that the next step is made from; None before the first root."""
        canvas: Optional[List[Optional[int]]] = self._canvas
        return canvas

    @property
    def key(self) -> Optional[str]:
        """The prediction that the next step is decided on, where it is recorded already."""
        return self._predicted

    def begin(self, canvas: List[Optional[int]], open: Optional[Iterable[int]]) -> None:
        """Starts a run at a generated region; `open` as in `Recorder.step`."""
        self._root(canvas, open)

    def root(self, x: Values) -> None:
        """Starts at as many masks as `x` has generated positions, unless a run has started."""
        if self._canvas is None:
            self._root([self.mask] * len(self._region(ids_of(x, self.batch))))

    def _end(self) -> None:
        if not self.left:
            super()._end()
        elif self._node is not None:
            self._write({"kind": "end", "at": self._node, "finish": None})

    def resume(self) -> None:
        """Restarts the clock: time spent waiting for the user does not count as the loop's."""
        self._clock = time.perf_counter()
