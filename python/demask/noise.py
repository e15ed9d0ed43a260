"""Sampling noise as demask draws it: a function of (seed, step, slot, token) alone.

The same run, seed and step therefore draw the same noise in the program and here, whatever the device and however the
rows are cut into chunks. The bits are XXH3 (64 bits, with a seed) of 16 bytes: `step << 32 | slot`, then the token,
both as little-endian 64-bit numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, List, Sequence

if TYPE_CHECKING:
    import torch

# Bytes 24..56 of XXH3's default secret, as two pairs combined by exclusive or.
_FLIP_LOW = 0x1F67B3B7A4A44072 ^ 0x78E5C0CC4EE679CB
_FLIP_HIGH = 0x2172FFCC7DD05A82 ^ 0x8E2443F7744608B8
_AVALANCHE = 0x165667919E3779F9
_ALL = (1 << 64) - 1
_HALF = (1 << 32) - 1

# How many numbers are drawn at once: each takes several 64-bit numbers in between.
AT_ONCE = 1 << 20


def _signed(number: int) -> int:
    """The number whose two's complement in 64 bits is `number`."""
    number &= _ALL
    return number - (1 << 64) if number >> 63 else number


def _swapped(number: int) -> int:
    """The 64-bit number with its bytes in the other order."""
    return int.from_bytes(number.to_bytes(8, "little"), "big")


def bits(seed: int, places: Sequence[int], columns: int, device: "torch.device") -> "torch.Tensor":
    """XXH3 of each (place, token), token in 0..columns, as int64 `[len(places), columns]` in two's complement.

    `seed` and each place are in 0..2**64.
    """
    import torch

    low = [(place ^ (_FLIP_LOW + seed)) & _ALL for place in places]

    def column(numbers: List[int]) -> "torch.Tensor":
        return torch.tensor([_signed(number) for number in numbers], dtype=torch.int64, device=device)[:, None]

    tokens = torch.arange(columns, dtype=torch.int64, device=device)[None, :]
    high = tokens ^ _signed(_FLIP_HIGH - seed)
    # The product of two 64-bit numbers in 128 bits, out of four products of halves. Every sum and product below is
    # taken modulo 2**64, which is what int64 does.
    a_low, a_high = column([number & _HALF for number in low]), column([number >> 32 for number in low])
    b_low, b_high = high & _HALF, (high >> 32) & _HALF
    low_low, high_low = a_low * b_low, a_high * b_low
    cross = ((low_low >> 32) & _HALF) + (high_low & _HALF) + a_low * b_high
    upper = ((high_low >> 32) & _HALF) + ((cross >> 32) & _HALF) + a_high * b_high
    lower = (cross << 32) | (low_low & _HALF)
    hash_ = column([16 + _swapped(number) for number in low]) + high + (upper ^ lower)
    hash_ = (hash_ ^ ((hash_ >> 37) & ((1 << 27) - 1))) * _signed(_AVALANCHE)
    return hash_ ^ ((hash_ >> 32) & _HALF)


def gumbel(
    temperature: float, seed: int, step: int, slots: Sequence[int], columns: int, device: "torch.device"
) -> "torch.Tensor":
    """Standard Gumbel noise times `temperature`, float32 `[len(slots), columns]` on `device`.

    `-T ln(-ln u)` in float64, rounded once; `u` is uniform in 2**-54 .. 1.
    """
    import torch

    # Metal has no float64, so the CPU draws the noise for it.
    where = torch.device("cpu") if device.type == "mps" else device
    rows = max(AT_ONCE // max(columns, 1), 1)
    noise = torch.empty((len(slots), columns), dtype=torch.float32, device=where)
    for start in range(0, len(slots), rows):
        places = [(step << 32) | slot for slot in slots[start : start + rows]]
        drawn = (bits(seed, places, columns, where) >> 11) & ((1 << 53) - 1)
        uniform = (drawn.to(torch.float64) + 0.5) * math.ldexp(1.0, -53)
        noise[start : start + rows] = -temperature * (-uniform.log()).log()
    return noise.to(device)
