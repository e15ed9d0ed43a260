"""One model over several processes of torchrun: the first one talks to demask, and the others compute with it."""

from __future__ import annotations

import os
from typing import Any, List, Optional, Tuple

from .model import Call, Leads, Model
from .passes import Inputs

# The message to the other processes before a pass; None at the end.
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
    """A function that sends the next computation to the other processes."""

    def tell(inputs: Inputs, kept: Optional[List[int]], call: Call) -> None:
        tensors = (None if one is None else one.cpu() for one in (inputs.ids, inputs.allowed, inputs.positions))
        ids, allowed, positions = tensors
        _exchange((ids, allowed, positions, kept, call))

    return tell


def dismiss() -> None:
    """Lets the other processes end."""
    _exchange(None)


def follow(model: Any) -> None:
    """Runs the passes that the first process sends, until it is done."""
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
