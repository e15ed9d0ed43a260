"""Puts `generate` of transformers' DiffusionGemma under the debugger, by a streamer.

    with demask.adapters.transformers.debug(model, tokenizer) as streamer:
        output = model.generate(**inputs, streamer=streamer, logits_processor=streamer.processors())

Canvases are what the streamer is given: the most probable tokens after each step. The logits processors show the logits
they come from, and keep what the user writes; without them, canvases are shown, and cannot be edited.
Written for transformers 5.24.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional

from ..driving import Debug, debug as _debug
from .held import HeldTokens
from .names import name_of

KNOBS = {"t_max": "temperature at a block's first step", "t_min": "temperature at a block's last step"}


@contextmanager
def debug(model: Any, tokenizer: Any = None, **options: Any) -> Iterator["Streamer"]:
    """Gives a streamer that stops at each step of `model.generate` for a debugger that is attached.

    `options` are those of `demask.debug` (`record`, `wait`, `listen`, `batch`, `top_k`, …).
    """
    eos = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    facts: Dict[str, Any] = {
        "mask": None,
        "eos": eos[0] if isinstance(eos, (list, tuple)) else eos,
        "tokenizer": getattr(tokenizer, "tokenizer", tokenizer),
        "name": "DiffusionGemma.generate",
        "model": name_of(model),
        "in_x": False,
    }
    with _debug(**{**facts, **options}) as dbg:
        streamer = Streamer(model, dbg)
        hook = model.model.decoder.register_forward_pre_hook(streamer.reading, with_kwargs=True)
        try:
            yield streamer
        finally:
            hook.remove()


class Streamer:
    """What `generate(streamer=…)` takes. One call of `generate` after the other may use it."""

    def __init__(self, model: Any, dbg: Debug) -> None:
        self._dbg = dbg
        config = getattr(model, "generation_config", None)
        sampler = getattr(config, "sampler_config", None)
        self._bound: float = getattr(sampler, "entropy_bound", 0.1)
        self._held = HeldTokens()
        self._processors: Any = []
        self._begin()

    def _begin(self) -> None:
        self._prompt: Any = None
        self._done: List[int] = []
        # Where the block lies that is being made, and what it held after its last step.
        self._block: Optional[range] = None
        self._draft: Optional[List[int]] = None
        self._logits: Any = None

    def processors(self) -> Any:
        """A list of logits processors for one call of `generate`."""
        from transformers import LogitsProcessorList

        # `generate` adds its own to the list that it is given.
        self._processors = LogitsProcessorList([self])
        return self._processors

    def __call__(self, input_ids: Any, scores: Any, cur_step: Any) -> Any:
        """A logits processor: `scores` [batch, positions, vocabulary] of the step that is being made."""
        others = self._processors[1:]
        for other in others:
            for name, text in KNOBS.items():
                if hasattr(other, name):
                    value = float(getattr(other, name))
                    setattr(other, name, float(self._dbg.knob(name, value, 0.01, max(2.0, value), help=text)))
        self._held.write(scores[self._dbg.batch])
        if not self._dbg.live:
            return scores
        logits = scores
        for other in others:
            logits = other(input_ids, logits, cur_step=cur_step)
        self._logits = logits[self._dbg.batch]
        return scores

    def reading(self, _: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        """The decoder reads its canvas: random tokens, before a block's first step."""
        import torch

        # What is compiled must not be looked into.
        if self._block is None and not torch.compiler.is_compiling():
            ids = args[0] if args else kwargs["decoder_input_ids"]
            self._begin_block(ids[self._dbg.batch].tolist())

    def put(self, value: Any) -> None:
        """The prompt, then each block that is done, [batch, positions]."""
        block = value[self._dbg.batch].tolist()
        if self._prompt is None:
            self._prompt = block
            return
        if block != self._draft:
            # Behind the end-of-sequence token there is padding.
            self._dbg.step(self._done + block, open=[], editable=range(0))
        self._done, self._block, self._draft = self._done + block, None, None

    def put_draft(self, value: Any) -> None:
        """The most probable tokens after a step, [batch, positions]."""
        draft = value[self._dbg.batch].tolist()
        if self._block is None:
            self._begin_block(draft)
        if self._logits is None:
            what: Dict[str, Any] = {}
        else:
            open = [at for at, accepted in zip(self._block or (), self._accepted()) if not accepted]
            what = {"open": open, "logits": self._logits, "at": len(self._done)}
        self._draft, self._logits = self._show(self._dbg.step, draft, **what), None

    def _begin_block(self, tokens: List[int]) -> None:
        self._held.clear()
        self._block = range(len(self._done), len(self._done) + len(tokens))
        if self._done:
            self._show(self._dbg.step, tokens, open=self._block)
        else:
            self._show(self._dbg.start, tokens, open=self._block, prompt=self._prompt)

    def _show(self, tell: Callable[..., Any], tokens: List[int], **what: Any) -> List[int]:
        """Shows the block to the debugger. Returns it with the user's edits, which are held."""
        editable = self._block if self._processors else range(0)
        after: List[int] = tell(self._done + tokens, editable=editable, **what)[len(self._done) :]
        self._held.edited(tokens, after)
        return after

    def end(self) -> None:
        self._begin()
        self._processors = []

    def _accepted(self) -> List[bool]:
        """Which positions the step accepted: those of least entropy, as long as the entropies of those before add up to no
        more than the sampler's bound. All others hold a new random token in the canvas that the next step reads."""
        import torch

        entropy, order = torch.distributions.Categorical(logits=self._logits).entropy().sort()  # type: ignore[no-untyped-call]
        within = entropy.cumsum(-1) - entropy <= self._bound
        return [bool(accepted) for accepted in torch.empty_like(within).scatter(-1, order, within)]
