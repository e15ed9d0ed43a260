"""Keeps the tokens that the user wrote, in samplers that decide every position anew at each step."""

from __future__ import annotations

from typing import Any, Dict, Sequence

# The logit of every other token at a position that is held: exp of it is 0 in every type, and so it stays finite when it
# is divided by a temperature.
_NEVER = -1e4


class HeldTokens:
    """Positions of the current block, and the tokens that they must keep."""

    def __init__(self) -> None:
        self._tokens: Dict[int, int] = {}

    def clear(self) -> None:
        """Forgets all held tokens: another block begins."""
        self._tokens.clear()

    def edited(self, before: Sequence[int], after: Sequence[int]) -> None:
        """Holds the tokens that differ between the block before the user's edits and after them."""
        for at, (old, new) in enumerate(zip(before, after)):
            if new != old:
                self._tokens[at] = new

    def write(self, logits: Any) -> Any:
        """Makes the held tokens certain in `logits` [positions, vocabulary], in place; returns them."""
        for at, token in self._tokens.items():
            logits[at].fill_(_NEVER)
            logits[at, token] = 0.0
        return logits
