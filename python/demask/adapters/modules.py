"""Puts a loop that cannot be changed under the debugger: its torch module (or function) is watched from outside.

    with demask.adapters.modules.debug(model, mask=126336, tokenizer=tokenizer) as model:
        output = generate(model, prompt)

A canvas is the input of a forward pass, a prediction its output, and the next input shows what came of it: the loop is
paused before each pass but the first. Nothing can be written
into it, since the loop may not read again what it passed to the model.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from ..driving import Debug, debug as _debug
from .names import name_of


@contextmanager
def debug(model: Any, mask: int, **options: Any) -> Iterator[Any]:
    """Gives the model, or for a function a wrapper of it. `options` are those of `demask.debug`; without `prompt`,
    everything before the first mask is the prompt.
    One run is watched: another prompt needs another `with`."""
    facts: Dict[str, Any] = {"mask": mask, "name": "watched", "model": name_of(model), "in_x": False, "edits": False}
    with _debug(**{**facts, **options}) as dbg, watching(dbg, model) as (watched, _):
        yield watched


@contextmanager
def watching(dbg: Debug, model: Any, own: bool = False) -> Iterator[Tuple[Any, "Watch"]]:
    """Gives what to call in place of `model`, and the `Watch` on it. `own`: see `Watch`."""
    watch = Watch(dbg, own)
    with ExitStack() as hooks:
        if hasattr(model, "register_forward_pre_hook"):
            hooks.callback(model.register_forward_pre_hook(watch.before, with_kwargs=True).remove)
            hooks.callback(model.register_forward_hook(lambda _, __, output: watch.after(output)).remove)
            yield model, watch
        elif callable(model):

            def watched(*args: Any, **kwargs: Any) -> Any:
                watch.before(None, args, kwargs)
                output = model(*args, **kwargs)
                watch.after(output)
                return output

            yield watched, watch
        else:
            raise TypeError("what is watched must be a torch module or a function")
        watch.end()


class Watch:
    """The forward passes of a loop.

    Passes whose input does not begin with the prompt (the second one of guidance, for example) are passed over.

    own  the input of a pass is the loop's own canvas, or a part of it, which it reads again after the pass: the user's
         edits are written there. What is written after the loop has looked for masks is also made certain in the logits
         of the pass, so that the loop writes the same token where it still sees a mask.
    """

    def __init__(self, dbg: Debug, own: bool = False) -> None:
        self._dbg, self._own = dbg, own
        self._prompt: Optional[List[Optional[int]]] = None
        self._whole: Any = None
        self._last: List[Optional[int]] = []
        # Whether the current pass is shown, and whether the result of the last one is still to be shown.
        self._seen = self._pending = False
        self._edited: Dict[int, Optional[int]] = {}

    def before(self, _: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        """A pass is about to be made."""
        self._seen = False
        if self._prompt is not None and not self._dbg.live:
            return
        ids: Any = kwargs.get("input_ids")
        ids = args[0] if ids is None and args else ids
        if not hasattr(ids, "dim") or ids.dim() != 2:
            # For example, a pass over embeddings shows no canvas.
            return
        whole, first = _whole(ids) if self._own else (ids, 0)
        row = whole[self._dbg.batch].tolist()
        masked = self._dbg.mask in row
        if self._prompt is None and (masked or self._dbg.prompt):
            prompt = self._dbg.prompt or row[: row.index(self._dbg.mask)]
            if row[: len(prompt)] == prompt:
                self._prompt = prompt
                self._show(whole, self._dbg.start, prompt=prompt)
        elif self._prompt is not None and row[: len(self._prompt)] == self._prompt:
            self._show(whole, self._dbg.step)
        if self._prompt is None or row[: len(self._prompt)] != self._prompt:
            return
        # A pass without masks that fills a cache decides nothing.
        self._seen = masked or not kwargs.get("use_cache")
        self._whole, self._at = whole, first - len(self._prompt)

    def after(self, output: Any) -> None:
        """A pass is made."""
        if not self._seen:
            return
        self._pending = True
        logits = getattr(output, "logits", None)
        if logits is None:
            logits = output["logits"] if isinstance(output, dict) else output[0] if isinstance(output, tuple) else output
        self._dbg.predicted(logits=logits, x=self._region(self._whole), at=self._at)
        shift = 1 if self._dbg.shift else 0
        for position, token in self._edited.items():
            row = position - self._at - shift
            if 0 <= row < logits.shape[1]:
                logits[self._dbg.batch, row] = float("-inf")
                logits[self._dbg.batch, row, token] = 0.0

    def end(self, final: Any = None) -> None:
        """The loop has ended. `final` is what it returned; without it, what the last pass was given is read again."""
        if not self._pending or not self._dbg.live:
            return
        if final is None and self._read(self._whole) == self._last:
            # The loop has written somewhere else.
            return
        self._own = False
        self._show(self._whole if final is None else final, self._dbg.step)

    def _show(self, whole: Any, tell: Callable[..., Any], **what: Any) -> None:
        region, before = self._region(whole), self._read(whole)
        tell(region, editable=range(len(before) if self._own else 0), **what)
        self._last, self._pending = self._read(whole), False
        written = [(at, new) for at, (old, new) in enumerate(zip(before, self._last)) if new not in (old, self._dbg.mask)]
        self._edited = dict(written)

    def _region(self, whole: Any) -> Any:
        return whole[:, len(self._prompt or []) :]

    def _read(self, whole: Any) -> List[Optional[int]]:
        return list(self._region(whole)[self._dbg.batch].tolist())


def _whole(ids: Any) -> Tuple[Any, int]:
    """The canvas that `ids` is a part of [batch, positions], and where it begins there."""
    base = ids._base
    if base is None or base.dim() != 2 or base.shape[0] != ids.shape[0]:
        return ids, 0
    return base, (ids.storage_offset() - base.storage_offset()) % base.stride(0)
