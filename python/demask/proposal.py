"""What a sampling loop is about to write, before it writes it."""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Sequence, Tuple

from .recorder import Values, id_of, kind_of, sequence_of


class Proposal:
    """Tokens for positions.

    positions  a mask of booleans in the shape of `x`, or indices into a sequence of `x`
    tokens     in the shape of `positions`
    offset     the index of the first generated position in a sequence of `x`
    """

    def __init__(self, positions: Values, tokens: Values, batch: int, offset: int) -> None:
        self._positions, self._tokens, self._batch = positions, tokens, batch
        self._row = sequence_of(positions, batch, 1)
        self._token_row = sequence_of(tokens, batch, 1)
        places = _values(self._row)
        self._flags = any(isinstance(place, bool) for place in places)
        if len(places) != len(self._token_row):
            raise ValueError("%d positions and %d tokens are proposed" % (len(places), len(self._token_row)))
        self._offset = offset
        ids = _values(self._token_row)
        at = [at for at, place in enumerate(places) if place is True or not self._flags]
        # Where each one is in `positions`, its generated position, and its token.
        self.items: List[Tuple[int, int, int]] = [
            (one, (one if self._flags else int(places[one])) - offset, id_of(ids[one])) for one in at
        ]

    def applied(self, canvas: Sequence[Optional[int]]) -> List[Optional[int]]:
        """The generated region `canvas` with the tokens written into it."""
        after = list(canvas)
        for _, at, token in self.items:
            if not 0 <= at < len(after):
                raise ValueError("position %d is proposed, which is not generated" % (at + self._offset))
            after[at] = token
        return after

    def without(self, refused: Callable[[int, int], bool]) -> Tuple[Values, Values]:
        """Positions and tokens as they were given, without the pairs for which `refused` is true."""
        out = [one for one, at, token in self.items if refused(at, token)]
        if not out:
            return self._positions, self._tokens
        if self._flags:
            return self._cleared(out), self._tokens
        kept = [one for one in range(len(self._row)) if one not in set(out)]
        return self._picked(self._positions, self._row, kept), self._picked(self._tokens, self._token_row, kept)

    def _cleared(self, out: List[int]) -> Values:
        """The mask without some positions."""
        whole, batched = self._positions, self._row is not self._positions
        if kind_of(whole) == "list":
            row: Any = [bool(flag) and at not in out for at, flag in enumerate(self._row)]
            return [row if at == self._batch else one for at, one in enumerate(whole)] if batched else row
        clone = whole.clone() if kind_of(whole) == "torch" else whole.copy()
        (clone[self._batch] if batched else clone)[out] = False
        return clone

    def _picked(self, whole: Values, row: Values, kept: List[int]) -> Values:
        """Some entries of a list of indices or tokens."""
        if row is not whole and len(whole) != 1:
            # All sequences of a batch need the same number of entries; what is refused is put back after the step.
            return whole
        some: Any = [row[one] for one in kept] if kind_of(row) == "list" else row[kept]
        if row is whole:
            return some
        return [some] if kind_of(whole) == "list" else some[None]


def _values(row: Values) -> List[Any]:
    return list(row.tolist() if hasattr(row, "tolist") else row)
