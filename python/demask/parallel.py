"""One model over several processes, as torchrun starts them: the first one talks, the others compute along."""

from __future__ import annotations

import os
from typing import Any, List, Optional, Tuple

from .model import Call, Leads, Model
from .passes import Inputs

# What is sent before a pass; None at the end.
_Work = Optional[Tuple[Any, Any, Any, Optional[List[int]], Call]]


def processes() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """The number of this process among them."""
    return int(os.environ.get("RANK", "0"))


def _exchange(work: _Work) -> _Work:
    import torch

    box = [work]
    torch.distributed.broadcast_object_list(box, src=0)
    return box[0]


def leads() -> Leads:
    """Tells the other processes what to compute next."""

    def tell(inputs: Inputs, kept: Optional[List[int]], call: Call) -> None:
        tensors = (None if one is None else one.cpu() for one in (inputs.ids, inputs.allowed, inputs.positions))
        ids, allowed, positions = tensors
        _exchange((ids, allowed, positions, kept, call))

    return tell


def dismiss() -> None:
    """Lets the other processes end."""
    _exchange(None)


def follow(model: Any) -> None:
    """Computes along until the first process is done."""
    import torch

    wrapped = Model(model, Call())
    while True:
        work = _exchange(None)
        if work is None:
            return
        ids, allowed, positions, kept, wrapped.call = work
        device = wrapped.device
        moved = [None if one is None else one.to(device) for one in (allowed, positions)]
        with torch.no_grad():
            wrapped.run(Inputs(ids.to(device), moved[0], moved[1]), kept)
