"""Turns a request into the inputs of the model: ids, attention masks, position numbers."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, List, Optional, Sequence, Tuple

from .protocol import EngineError
from .request import Pass

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Inputs:
    """One call of the model.

    `ids`: int64 `[batch, length]`. `allowed`: bool `[batch or 1, length, length]`, true where a position (the second
    dimension) may see another (the last); None where all see all. `positions`: int64 `[batch, length]`; None for
    0, 1, 2, …
    """

    ids: "torch.Tensor"
    allowed: Optional["torch.Tensor"]
    positions: Optional["torch.Tensor"]


def block_causal(
    length: int, block: int, before: int, device: "torch.device", seen: Optional[int] = None
) -> "torch.Tensor":
    """Who sees whom in blocks, bool `[1, length, length]`: position i sees j where `(j + before) // block` is at most
    `(i + before) // block`. Positions from `seen` on are seen by themselves alone."""
    import torch

    positions = torch.arange(length, device=device)
    blocks = (positions + before).div(block, rounding_mode="floor")
    allowed = blocks[None, :] <= blocks[:, None]
    if seen is not None:
        allowed = allowed & ((positions < seen)[None, :] | (positions[None, :] == positions[:, None]))
    return allowed[None]


def shadowed(length: int, first: int, last: int, device: "torch.device") -> "torch.Tensor":
    """Who sees whom where positions `first..last` have shadows behind the sequence, bool `[1, n, n]`.

    The sequence sees itself and no shadow; a shadow sees every position but the one it stands for, and all shadows.
    """
    import torch

    count = last - first
    allowed = torch.ones((length + count, length + count), dtype=torch.bool, device=device)
    allowed[:length, length:] = False
    rows = torch.arange(count, device=device)
    allowed[length + rows, first + rows] = False
    return allowed[None]


def inputs(passes: Sequence[Pass], device: "torch.device", shadow: Optional[Tuple[int, int, int]] = None) -> Inputs:
    """Sequences of one length as one batch. `shadow`: first and end of the positions with a shadow, and the mask token.

    The first pass says the positions and the blocks of all, as in demask; keys are each pass's own.
    """
    import torch

    length = len(passes[0].ids)
    ids = [list(one.ids) for one in passes]
    positions: Optional[List[int]] = passes[0].positions
    allowed: Optional["torch.Tensor"] = None
    if shadow is not None:
        first, last, mask = shadow
        ids = [row + [mask] * (last - first) for row in ids]
        numbers = positions if positions is not None else list(range(length))
        positions = numbers + numbers[first:last]
        allowed = shadowed(length, first, last, device)
    elif passes[0].block is not None:
        block, before, seen = passes[0].block
        allowed = block_causal(length, block, before, device, seen)
    elif any(one.keys is not None for one in passes):
        keys = [one.keys if one.keys is not None else [True] * length for one in passes]
        allowed = torch.tensor(keys, device=device)[:, None, :].expand(-1, length, -1)
    # From an array, not from lists, which torch looks through several times.
    batch = torch.frombuffer(array("q", [id_ for row in ids for id_ in row]), dtype=torch.int64).view(len(ids), -1).to(device)
    numbers_of_all = None
    if positions is not None:
        numbers_of_all = torch.tensor([positions] * len(ids), dtype=torch.int64, device=device)
    return Inputs(batch, allowed, numbers_of_all)


def additive(allowed: "torch.Tensor", dtype: "torch.dtype") -> "torch.Tensor":
    """A mask to add to attention scores, `[batch, 1, length, length]`: 0 where a position may be seen, else the least
    number of `dtype`. (−inf would make NaN of a row that sees nothing.)"""
    import torch

    mask = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device)
    return mask.masked_fill(~allowed, torch.finfo(dtype).min)[:, None]


def keys_only(allowed: "torch.Tensor", batch: int) -> "torch.Tensor":
    """A 2-D mask of keys, int64 `[batch, length]`, for models that take no other. Raises `EngineError` unless all positions
    see the same ones."""
    keys = allowed[:, 0, :]
    if not bool((allowed == keys[:, None, :]).all()):
        raise EngineError("unsupported", "this model takes no mask that differs from position to position")
    return keys.long().expand(batch, -1)
