"""Puts the pipelines of `diffusers` that make text under the debugger: `LLaDA2Pipeline` and `DiffusionGemmaPipeline`.

    with demask.adapters.diffusers.debug(pipe) as pipe:
        output = pipe(prompt="Why is the sky blue?", gen_length=256)

Canvases come from the pipeline's `callback_on_step_end`, and edits go back through it, so that the pipeline's own output
carries them. Logits and parameters come from the calls of `pipe.scheduler.step`, which is wrapped while the pipeline runs.
Written for diffusers 0.42.
"""

from __future__ import annotations

import functools
import inspect
import sys
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from ..driving import Debug, debug as _debug
from .held import HeldTokens
from .names import name_of

# Parameters of a scheduler's `step` that may change from step to step: lowest and highest value, and what they do.
KNOBS: Dict[str, Tuple[float, float, str]] = {
    "threshold": (0.0, 1.0, "a prediction at least this probable is written"),
    "editing_threshold": (0.0, 1.0, "a token is replaced by one at least this probable"),
    "temperature": (0.0, 2.0, "0 takes the most probable token"),
    "top_p": (0.01, 1.0, "tokens are drawn from the most probable ones with this sum"),
    "top_k": (1, 1000, "tokens are drawn from this many of the most probable ones"),
    "entropy_bound": (0.0, 10.0, "more positions are accepted the higher it is"),
}
METHODS = ("auto", "greedy", "multinomial")


@contextmanager
def debug(pipe: Any, mask: Optional[int] = None, eos: Optional[int] = None, **options: Any) -> Iterator[Any]:
    """Gives a pipeline that is called as `pipe` and stops at each step of every call for a debugger that is attached.

    `mask` and `eos` are those of the pipeline's tokenizer unless they are given. `options` are those of `demask.debug`
    (`record`, `wait`, `listen`, `batch`, `top_k`, …). A callback of your own is called before the debugger.
    """
    kind = next((kind for name, kind in _KINDS.items() if any(c.__name__ == name for c in type(pipe).__mro__)), None)
    if kind is None:
        raise TypeError("there is an adapter for %s, not for %s" % (" and ".join(_KINDS), type(pipe).__name__))
    processor = getattr(pipe, "tokenizer", None) or getattr(pipe, "processor", None)
    facts: Dict[str, Any] = {
        "mask": getattr(pipe, "mask_token_id", None) if mask is None else mask,
        "eos": getattr(pipe, "eos_token_id", None) if eos is None else eos,
        "tokenizer": getattr(processor, "tokenizer", processor),
        "name": type(pipe).__name__,
        "model": name_of(pipe.model),
        "in_x": False,
    }
    with _debug(**{**facts, **options}) as dbg:
        yield kind(pipe, dbg)


class _Pipeline:
    """A pipeline whose steps go through a debugger; everything else is the pipeline's own."""

    # The tensors that the callback is given.
    tensors: List[str] = []

    def __init__(self, pipe: Any, dbg: Debug) -> None:
        self._pipe, self._dbg = pipe, dbg
        self._theirs: Optional[Callable[..., Dict[str, Any]]] = None
        self._logits: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def __call__(self, *args: Any, **given: Any) -> Any:
        bound = inspect.signature(self._pipe.__call__).bind(*args, **given)
        bound.apply_defaults()
        arguments = bound.arguments
        self._theirs = arguments["callback_on_step_end"]
        asked = getattr(self._theirs, "tensor_inputs", None) or arguments["callback_on_step_end_tensor_inputs"] or []
        arguments["callback_on_step_end"] = self._ended
        arguments["callback_on_step_end_tensor_inputs"] = list(dict.fromkeys([*self.tensors, *asked]))
        self._begun(arguments)
        with ExitStack() as stack:
            for hook in self._hooked():
                stack.callback(hook.remove)
            scheduler = self._pipe.scheduler
            step = scheduler.step
            scheduler.step = functools.wraps(step)(lambda *a, **k: self._scheduled(step, a, k))
            stack.callback(vars(scheduler).pop, "step")
            return self._returned(self._pipe(*bound.args, **bound.kwargs))

    def _scheduled(self, step: Callable[..., Any], args: Tuple[Any, ...], given: Dict[str, Any]) -> Any:
        """A call of the scheduler's `step`, with the values that the knobs have."""
        self._before(given)
        return self._decided(step(*args, **{**given, **self._turned(step, given)}))

    def _turned(self, step: Callable[..., Any], given: Dict[str, Any]) -> Dict[str, Any]:
        """The parameters of this step that are knobs. What is None is switched off, and stays so."""
        turned: Dict[str, Any] = {}
        for name, parameter in inspect.signature(step).parameters.items():
            found = (given.get(name), self._pipe.scheduler.config.get(name), parameter.default)
            value = next((value for value in found if value is not None), None)
            if value is None:
                continue
            if name == "sampling_method":
                turned[name] = self._dbg.knob(name, value, choices=METHODS, help="how a token is taken").value
            elif name in KNOBS:
                low, high, text = KNOBS[name]
                turned[name] = self._dbg.knob(name, value, min(low, value), max(high, value), help=text).value
        return turned

    def _ended(self, pipe: Any, step: int, timestep: int, tensors: Dict[str, Any]) -> Dict[str, Any]:
        if self._theirs is not None:
            tensors.update(self._theirs(pipe, step, timestep, tensors) or {})
        return {**tensors, **self._stepped(tensors)}

    def _begun(self, arguments: Dict[str, Any]) -> None:
        """A call begins."""
        raise NotImplementedError

    def _hooked(self) -> Iterator[Any]:
        """Hooks of the model that are there while the pipeline runs."""
        raise NotImplementedError

    def _before(self, given: Dict[str, Any]) -> None:
        """The scheduler is about to decide."""
        raise NotImplementedError

    def _decided(self, output: Any) -> Any:
        """The scheduler's decision; what the pipeline gets of it."""
        return output

    def _stepped(self, tensors: Dict[str, Any]) -> Dict[str, Any]:
        """A step is made; the tensors that the pipeline goes on with."""
        raise NotImplementedError

    def _returned(self, output: Any) -> Any:
        return output


class _LLaDA2(_Pipeline):
    """`LLaDA2Pipeline`: blocks of masks after a prompt; the user may edit all of them, later ones too."""

    tensors = ["block_x"]

    def _begun(self, arguments: Dict[str, Any]) -> None:
        mask = arguments["mask_token_id"]
        if mask not in (None, self._dbg.mask):
            raise ValueError("the call has the mask token %s: tell the debugger too, with debug(pipe, mask=%s)" % (mask, mask))
        arguments["mask_token_id"] = self._dbg.mask
        if arguments["eos_token_id"] is None:
            arguments["eos_token_id"] = self._dbg.eos
        self._length: int = arguments["gen_length"]
        self._behind: Optional[int] = None

    def _hooked(self) -> Iterator[Any]:
        yield self._pipe.model.register_forward_pre_hook(self._passing, with_kwargs=True)

    def _passing(self, _: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        """The model reads the prompt and the blocks up to the one that is refined."""
        window = args[0] if args else kwargs["input_ids"]
        self._until = window.shape[1]
        if self._behind is None:
            row = window[self._dbg.batch].tolist()
            self._behind = row.index(self._dbg.mask)
            region = self._region(window)
            self._dbg.start(region, prompt=row[: self._behind], editable=range(region.shape[1]))

    def _before(self, given: Dict[str, Any]) -> None:
        self._logits = given["model_output"]

    def _stepped(self, tensors: Dict[str, Any]) -> Dict[str, Any]:
        region = self._region(tensors["block_x"])
        at = self._until - self._logits.shape[1] - (self._behind or 0)
        # What the user edits is written into the pipeline's own tensor.
        self._dbg.step(region, logits=self._logits, at=at, editable=range(region.shape[1]))
        return {}

    def _region(self, window: Any) -> Any:
        """The generated region [batch, positions], a view of the pipeline's canvas.

        The pipeline gives the blocks up to the present one, a view of its whole canvas, which has the blocks to come too.
        """
        whole = window if window._base is None else window._base
        behind = self._behind or 0
        return whole[:, behind : behind + self._length]


class _DiffusionGemma(_Pipeline):
    """`DiffusionGemmaPipeline`: a block of random tokens behind those that are done, without a mask token.

    Every step decides every position of the block anew. What the user writes into it is held until the block is done: the
    logits make it certain. Blocks that are done are in the cache and cannot be edited.
    """

    tensors = ["canvas"]

    def _begun(self, arguments: Dict[str, Any]) -> None:
        self._prompt: Any = None
        self._done: List[Any] = []
        self._canvas: Any = None
        self._held = HeldTokens()

    def _hooked(self) -> Iterator[Any]:
        yield self._pipe.model.model.encoder.register_forward_pre_hook(self._encoding, with_kwargs=True)
        yield self._pipe.model.register_forward_pre_hook(self._passing, with_kwargs=True)

    def _encoding(self, _: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        """The encoder reads the prompt, and then each block that is done."""
        ids = args[0] if args else kwargs["input_ids"]
        if self._prompt is None:
            self._prompt = ids
        else:
            self._closed(ids)
            self._done.append(ids.clone())
        self._canvas = None

    def _passing(self, _: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        """The decoder reads the block that is being made: random tokens before its first step."""
        if self._canvas is not None:
            return
        self._canvas = kwargs["decoder_input_ids"]
        self._held.clear()
        if self._done:
            self._show(self._dbg.step, self._canvas, open=self._block)
        else:
            self._show(self._dbg.start, self._canvas, open=self._block, prompt=self._prompt)

    def _before(self, given: Dict[str, Any]) -> None:
        self._logits = given["model_output"]
        self._held.write(self._logits[self._dbg.batch])
        if given["timestep"] == 0:
            self._accepted: Any = False

    def _decided(self, output: Any) -> Any:
        self._output = output
        if "transfer_index" in output:
            # Positions stay accepted until the block is done.
            self._accepted = output.transfer_index | self._accepted
        elif "accepted_index" in output:
            self._accepted = output.accepted_index
        else:
            # Such a scheduler accepts nothing for good: what differs from the prediction is noise.
            self._accepted = output.prev_sample == output.sampled_tokens
        return output

    def _stepped(self, tensors: Dict[str, Any]) -> Dict[str, Any]:
        self._canvas = tensors["canvas"]
        if not self._dbg.live:
            return {}
        accepted = self._accepted[self._dbg.batch].tolist()
        open = [at for at, closed in zip(self._block, accepted) if not closed]
        if self._show(self._dbg.step, self._canvas, open=open, logits=self._logits, at=self._block[0]):
            # A block that has become stable ends with the most probable tokens.
            self._held.write(self._output.pred_logits[self._dbg.batch])
        return {"canvas": self._canvas}

    def _returned(self, output: Any) -> Any:
        if self._canvas is not None:
            self._closed(output[0][:, -self._canvas.shape[1] :])
        return output

    @property
    def _block(self) -> range:
        """Where the block lies in the generated region."""
        first = sum(block.shape[1] for block in self._done)
        return range(first, first + self._canvas.shape[1])

    def _closed(self, block: Any) -> None:
        """Shows a block that is done, if it ended with other tokens than the canvas of its last step."""
        if self._dbg.live and not bool((block == self._canvas).all()):
            self._dbg.step(self._whole(block), open=[], editable=range(0))

    def _whole(self, block: Any) -> Any:
        torch = sys.modules["torch"]
        return torch.cat([*self._done, block], dim=-1)

    def _show(self, tell: Callable[..., Any], block: Any, **what: Any) -> bool:
        """Shows the block to the debugger, and writes the user's edits into it; returns whether there were any."""
        if not self._dbg.live:
            # A debugger that attaches later needs the prompt of the run.
            if "prompt" in what:
                tell(block, **what)
            return False
        row = block[self._dbg.batch]
        before = row.tolist()
        row.copy_(tell(self._whole(block), editable=self._block, **what)[self._dbg.batch, self._block[0] :])
        after = row.tolist()
        self._held.edited(before, after)
        return bool(before != after)


_KINDS = {"LLaDA2Pipeline": _LLaDA2, "DiffusionGemmaPipeline": _DiffusionGemma}
