"""Puts the algorithms of SGLang's server for diffusion language models (`--dllm-algorithm`) under the debugger.

    from sglang.srt.dllm.algorithm.low_confidence import LowConfidence
    Algorithm = demask.adapters.sglang.debugged(LowConfidence)

`plugin` is for the entry points of the group `sglang.srt.plugins`: it does that with whatever algorithm the server is
started with, where the environment has DEMASK_SGLANG.

One request is shown at a time, from its current block on: earlier blocks are in the server's cache and not at hand. The
user's edits go into `forward_batch.input_ids`. A server is not stopped: asked to stop, it goes on without the debugger.
Under tensor parallelism nothing is debugged, since every rank decides for itself. Written for the interface of SGLang 0.5:
`step(forward_batch, full_logits, states) -> List[bool]`; tested against a small imitation of its server, with two of its
own algorithms, and not in a server with a GPU.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, List, Optional

from ..driving import Debug, Stopped, debug as _debug

# Attributes of the algorithms of SGLang that may change from step to step.
KNOBS = {
    "threshold": "a prediction more probable than this is written",
    "edit_threshold": "a token is replaced by one more probable than this",
}


def debugged(algorithm: type, **options: Any) -> type:
    """A class like `algorithm` whose steps go through a debugger. `options` are those of `demask.debug`.

    Its attribute `debugger` has a `close()`; the end of the process closes it too.
    """
    shown = _Shown(options)

    def step(self: Any, forward_batch: Any, full_logits: Any, states: List[Any]) -> List[bool]:
        def plain() -> List[bool]:
            return list(algorithm.step(self, forward_batch, full_logits, states))  # type: ignore[attr-defined]

        return shown.step(self, forward_batch, full_logits, plain)

    made = {"step": step, "debugger": shown, "__module__": algorithm.__module__, "__doc__": algorithm.__doc__}
    return type(algorithm.__name__, (algorithm,), made)


def plugin() -> None:
    """Debugs the algorithm that a server is started with, if the environment has DEMASK_SGLANG. Its value: `wait` to wait
    for a debugger at the first step, or anything else."""
    asked = os.environ.get("DEMASK_SGLANG")
    if not asked:
        return
    from sglang.srt.plugins.hook_registry import HookRegistry, HookType  # type: ignore[import-not-found]

    made: Dict[type, type] = {}

    def after(found: type, *_: Any, **__: Any) -> type:
        return made.setdefault(found, debugged(found, wait=asked == "wait"))

    HookRegistry.register("sglang.srt.dllm.algorithm.get_algorithm_cls", after, HookType.AFTER)


class _Shown:
    """The request that is shown: the first one of the batch until it is done."""

    def __init__(self, options: Dict[str, Any]) -> None:
        self._options = options
        self._dbg: Optional[Debug] = None
        self._over = False
        self._request: Any = None
        self._done: List[int] = []
        self._block: List[int] = []
        self._first: Optional[int] = None
        self._prompt = 0

    def close(self) -> None:
        """Disconnects the debugger, and shows nothing any more."""
        self._over = True
        if self._dbg is not None:
            self._dbg.close()

    def step(self, algorithm: Any, batch: Any, logits: Any, plain: Callable[[], List[bool]]) -> List[bool]:
        if self._over or _ranks() > 1:
            return plain()
        if self._dbg is None:
            mask = algorithm.mask_id if algorithm.mask_id >= 0 else None
            facts = {"mask": mask, "name": type(algorithm).__name__, "model": "sglang", "in_x": False}
            self._dbg = _debug(**{**facts, **self._options})
        if not self._dbg.live:
            # A debugger that comes later sees the request from its block at that time on.
            self._first = None
            return plain()
        made: List[List[bool]] = []

        def kept() -> List[bool]:
            made.append(plain())
            return made[0]

        try:
            self._step(self._dbg, algorithm, batch, logits, kept)
        except Stopped:
            self.close()
        return made[0] if made else plain()

    def _step(self, dbg: Debug, algorithm: Any, batch: Any, logits: Any, plain: Callable[[], List[bool]]) -> None:
        size = algorithm.block_size
        rids = batch.rids or list(range(batch.batch_size))
        if self._request not in rids:
            self._request, self._first = rids[0], None
        row = rids.index(self._request)
        ids = batch.input_ids.view(batch.batch_size, size)[row]
        first = int(batch.positions.view(batch.batch_size, size)[row, 0])
        if self._first is None or first < self._first:
            fixed = batch.dllm_prompt_mask
            # The prompt ends in the first block that is made, and masks are behind it.
            self._prompt = int((ids != algorithm.mask_id if fixed is None else fixed[row]).sum())
            self._done = []
            dbg.start(self._region(ids), prompt=ids[: self._prompt].tolist(), editable=range(0))
        elif first > self._first:
            self._done, self._prompt = self._done + self._block, 0
            dbg.step(self._region(ids), editable=range(0))
        self._first = first
        for name, text in KNOBS.items():
            if isinstance(getattr(algorithm, name, None), (int, float)):
                value = float(getattr(algorithm, name))
                setattr(algorithm, name, float(dbg.knob(name, value, min(0.0, value), max(1.0, value), help=text)))
        full = getattr(logits, "full_logits", logits)
        rows = full.view(batch.batch_size, size, full.shape[-1])[row]
        # An algorithm may write into the logits.
        dbg.predicted(logits=rows, x=self._region(ids), at=len(self._done) - self._prompt)
        done = plain()
        after = self._region(ids)
        place = range(len(self._done), len(after))
        self._block = list(dbg.step(list(after), editable=place)[len(self._done) :])
        if self._block != after[len(self._done) :]:
            ids[self._prompt :] = ids.new_tensor(self._block)
            # The cache still holds what stood there before: the block needs one pass more.
            done[row] = False

    def _region(self, ids: Any) -> List[int]:
        """The generated region as far as it was seen, with `ids` as the block that is being made."""
        return [*self._done, *ids[self._prompt :].tolist()]


def _ranks() -> int:
    torch = sys.modules.get("torch")
    if torch is None or not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return 1
    return int(torch.distributed.get_world_size())
