"""Puts the samplers of dLLM (github.com/ZHZisZZ/dllm) under the debugger.

    with demask.adapters.dllm.debug(sampler) as sampler:
        output = sampler.sample(inputs, config)

Samplers that take a hook for tokens (Dream's) are debugged through it. For the others, the model is watched: they pass it
their own canvas, so the user's edits can be written there. With guidance (`cfg_scale`) they pass a copy: then the sampler
can be shown and paused, but not edited.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Optional

from ..driving import Debug, debug as _debug
from .modules import watching
from .names import name_of

HOOK = "generation_tokens_hook_func"


@contextmanager
def debug(sampler: Any, **options: Any) -> Iterator[Any]:
    """Gives a sampler whose `sample` and `infill` stop at each step for a debugger that is attached.

    `options` are those of `demask.debug` (`record`, `wait`, `listen`, `batch`, `top_k`, …). Give `shift=True` for a sampler
    that runs with `right_shift_logits`; Dream's shifts its logits before they are seen, and does not need it.
    """
    facts: Dict[str, Any] = {
        "mask": sampler.tokenizer.mask_token_id,
        "eos": sampler.tokenizer.eos_token_id,
        "tokenizer": sampler.tokenizer,
        "name": type(sampler).__name__,
        "model": name_of(sampler.model),
        "in_x": False,
    }
    with _debug(**{**facts, **options}) as dbg:
        yield _Sampler(sampler, dbg)


class _Sampler:
    """A sampler whose steps go through a debugger; everything else is the sampler's own."""

    def __init__(self, sampler: Any, dbg: Debug) -> None:
        self._sampler, self._dbg = sampler, dbg

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sampler, name)

    def sample(self, inputs: Any, config: Any = None, **given: Any) -> Any:
        return self._run(self._sampler.sample, inputs, config, given)

    def infill(self, inputs: Any, config: Any = None, **given: Any) -> Any:
        return self._run(self._sampler.infill, inputs, config, given)

    def _run(self, method: Callable[..., Any], inputs: Any, config: Any, given: Dict[str, Any]) -> Any:
        if HOOK in inspect.signature(method).parameters:
            return method(inputs, config, **{**given, HOOK: self._hook(given.get(HOOK))})
        guided = bool(given.get("cfg_scale", getattr(config, "cfg_scale", 0.0)))
        with watching(self._dbg, self._sampler.model, own=not guided) as (_, watch):
            output = method(inputs, config, **given)
            watch.end(getattr(output, "sequences", output))
        return output

    def _hook(self, theirs: Optional[Callable[..., Any]]) -> Callable[..., Any]:
        """The hook that is given each canvas [batch, positions], with the logits that it was decided on."""
        prompt = 0

        def hook(step: Optional[int], x: Any, logits: Any) -> Any:
            nonlocal prompt
            x = x if theirs is None else theirs(step, x, logits)
            row = x[self._dbg.batch]
            if step is None:
                masks = (row == self._dbg.mask).nonzero()
                prompt = int(masks[0]) if len(masks) else len(row)
                self._dbg.start(x[:, prompt:], prompt=row[:prompt], editable=range(len(row) - prompt))
            else:
                self._dbg.step(x[:, prompt:], logits=logits, at=-prompt, editable=range(len(row) - prompt))
            return x

        return hook
