"""Answers to the debugger's requests, from a model and its tokenizer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Tuple

from . import __version__, passes, request as requests
from .columns import Reducer, rows_at_once
from .memory import Memory
from .model import Model
from .protocol import PROTOCOL, EngineError, Message, last_lines
from .request import Pass, Request
from .tokens import Tokens

if TYPE_CHECKING:
    import torch

# The most bytes of logits that are kept to compare a later pass with. Larger ones are computed again.
KEPT = 1 << 30

# In passes that take longer than this many seconds, the program waits for the device after each layer: a device runs
# asynchronously, and progress and cancelling would otherwise not follow what it has done.
SLOW = 0.25

# The most tokens whose texts one answer holds.
TEXTS_AT_ONCE = 1 << 17

# Called with (layers computed, layers in all), where the head counts as a layer; raises if the pass is to stop.
Progress = Callable[[int, int], None]


# How the attention is described where the caller says that the model is causal.
SAID_CAUSAL = "causal (said)"


@dataclass
class Facts:
    """What the debugger is told of the model. `context`: the longest sequence in positions, prompt included;
    `tokens`: those that the configuration names for decoding, by its names;
    `block`: positions in a block of block-causal attention; `grid`: "prompt" where blocks start at the generated region,
    "start" where they start at position 0."""

    name: str
    family: str = ""
    context: int = 0
    parameters: int = 0
    mask: Optional[int] = None
    eos: Optional[int] = None
    tokens: Dict[str, int] = field(default_factory=dict)
    shift: bool = False
    block: Optional[int] = None
    grid: str = "prompt"
    attention: str = ""
    findings: List[str] = field(default_factory=list)


class Engine:
    """Answers requests, one at a time."""

    def __init__(self, model: Model, tokens: Tokens, facts: Facts, sees: bool = True) -> None:
        """`sees`: whether a position sees those behind it."""
        self.model, self.tokens, self.facts = model, tokens, facts
        self._sees = sees and not model.call.causal
        self._slow = False
        # The last pass, the positions read of it, and their logits: a later pass may be compared with them.
        self._last: Optional[Tuple[Pass, List[int], "torch.Tensor"]] = None

    def hello(self) -> Message:
        """The greeting."""
        facts, model = self.facts, self.model
        return {
            "type": "hello",
            "protocol": PROTOCOL,
            "engine": "demask.engine " + __version__,
            "name": facts.name,
            "family": facts.family,
            "device": str(model.device),
            "dtype": str(model.dtype).replace("torch.", ""),
            "vocabulary": model.columns,
            "context": facts.context,
            "layers": len(model.layers),
            "parameters": facts.parameters,
            "mask": facts.mask,
            "eos": facts.eos,
            "tokens": facts.tokens,
            "shift": facts.shift,
            "block": facts.block,
            "grid": facts.grid,
            "attention": facts.attention,
            "template": self.tokens.template,
            "can": self.can(),
            "findings": facts.findings,
        }

    def can(self) -> List[str]:
        """The names of what requests may ask for, as in docs/protocol.md."""
        model = self.model
        can = ["guidance", "filters", "noise", "earlier", "credits", "alternatives", "lowered", "targets"]
        # Where the user says that the model is causal, requests for full attention get what the model computes.
        if self._sees or self.facts.attention == SAID_CAUSAL:
            can.append("attention_full")
        if model.call.mask != "none":
            can.append("attention_keys")
        if model.takes_masks:
            can.append("attention_blocks")
        if model.takes_positions:
            can.append("positions")
        if model.takes_masks and model.takes_positions and self._sees:
            can.append("shadow")
        if model.layers:
            can.append("progress")
        return can

    def texts(self, first: int, count: int) -> Message:
        """The texts of the ids from `first` on."""
        return {"texts": self.tokens.texts(first, min(count, TEXTS_AT_ONCE))}

    def encode(self, message: Message) -> Message:
        """The ids of a conversation or a text."""
        text, begun = message.get("text"), message.get("begun") or ""
        if isinstance(text, str):
            return {"ids": self.tokens.encode(text + str(begun), message.get("special") is not False)}
        messages, variables = message.get("messages"), message.get("variables") or {}
        if not isinstance(messages, list) or not isinstance(variables, dict):
            raise EngineError("protocol", "encode: there is neither a text nor a list of messages")
        return {"ids": self.tokens.chat(messages, variables, str(begun))}

    def decode(self, ids: List[int]) -> Message:
        """The text of ids, control tokens by name."""
        return {"text": self.tokens.decode(ids)}

    def predict(self, message: Message, progress: Progress, memory: Optional[Memory] = None) -> Message:
        """The columns of a forward pass, or its logits in `memory`, if the program takes them there. `progress` is called
        after each layer, and raises if the pass is to stop."""
        request = requests.parse(message)
        self._check(request)
        started = time.monotonic()
        if memory is not None and request.memory:
            self._leave(request, progress, memory)
            answer: Message = {"memory": True}
        else:
            answer = {"columns": self._reduced(request, progress).columns()}
        self._slow = time.monotonic() - started > SLOW
        return answer

    def _check(self, request: Request) -> None:
        """Refuses, before any computation, a request that this model cannot answer."""
        length = len(request.pass_.ids)
        if self.facts.context and length > self.facts.context:
            raise EngineError(
                "unsupported",
                "%d positions, prompt included, are more than the model's context of %d: lower max_gen_length or shorten "
                "the prompt" % (length, self.facts.context),
            )
        all_passes = _passes(request)
        all_passes += [request.earlier] if request.earlier else []
        can = None
        for one in all_passes:
            wrong = max(one.ids)
            if wrong >= self.model.columns:
                raise EngineError(
                    "unsupported", "token %d is not in the model's vocabulary of %d" % (wrong, self.model.columns)
                )
            for name, what, asked in (
                ("attention_blocks", "attention in blocks", one.block is not None),
                ("attention_keys", "hidden positions", one.keys is not None),
                ("positions", "position numbers", one.positions is not None),
                ("shadow", "shadows", request.shadow is not None),
            ):
                if not asked:
                    continue
                can = self.can() if can is None else can
                if name not in can:
                    raise EngineError("unsupported", "this model does not take %s (docs/engine.md says why)" % what)

    def _leave(self, request: Request, progress: Progress, memory: Memory) -> None:
        """Leaves the logits of a request's rows in `memory`."""
        read = _read(request)
        logits = self._logits(_passes(request), read, progress, None)
        rows = memory.rows(len(read), self.model.columns)
        if request.guidance is None:
            rows.copy_(logits[0])
        else:
            rows.copy_(_guided(logits[0].float(), logits[1].float(), request.guidance.scale))

    def _reduced(self, request: Request, progress: Progress) -> Reducer:
        first, end = request.rows
        read = _read(request)
        shadow = None
        if request.shadow is not None and "p_shadow" in request.columns:
            start, last = first + request.shadow[0], first + request.shadow[1]
            shadow = (start, last, request.mask)
        length = len(request.pass_.ids)
        wanted = read + [length + at for at in range(shadow[1] - shadow[0])] if shadow else read
        logits = self._logits(_passes(request), wanted, progress, shadow)
        earlier = self._earlier(request.earlier, read, progress) if request.earlier is not None else None
        if "kl" in request.columns:
            kept = logits[0].numel() * logits.element_size() <= KEPT
            # Copied: a model may reuse the memory for its next logits, and a view would keep those of all positions.
            self._last = (request.pass_, read, logits[0].clone()) if kept else None
        reducer = Reducer(request)
        layers, at_once = len(self.model.layers), rows_at_once(request, self.model.columns, logits.device)
        for start in range(0, len(read), at_once):
            progress(layers, layers + 1)
            rows = slice(start, min(start + at_once, len(read)))
            chunk = logits[0, rows].float()
            if request.guidance is not None:
                chunk = _guided(chunk, logits[1, rows].float(), request.guidance.scale)
            reducer.push(chunk, None if earlier is None else earlier[rows].float())
        if shadow is not None and request.shadow is not None:
            self._shadows(request, shadow, logits[0, len(read) :], reducer)
        return reducer

    def _shadows(
        self, request: Request, shadow: Tuple[int, int, int], logits: "torch.Tensor", reducer: Reducer
    ) -> None:
        """Adds `p_shadow`: the probability, at a position's shadow, of the token that the position holds. It is computed
        from plain logits, without filters or suppression, and is NaN where there is no shadow."""
        first, end = request.rows
        plain = Request(request.pass_, (shadow[0], shadow[1]), request.mask, request.eos, ["p_current"])
        seen = Reducer(plain)
        at_once = rows_at_once(plain, self.model.columns, logits.device)
        for start in range(0, len(logits), at_once):
            seen.push(logits[start : start + at_once].float())
        p = [float("nan")] * (end - first)
        p[shadow[0] - first : shadow[1] - first] = seen.numbers.get("p_current", [])
        reducer.numbers["p_shadow"] = p

    def _earlier(self, earlier: Pass, read: List[int], progress: Progress) -> "torch.Tensor":
        """The logits of an earlier canvas, `[rows, columns]`: kept from its own pass, or computed again."""
        if self._last is not None and self._last[0] == earlier and self._last[1] == read:
            return self._last[2]
        return self._logits([earlier], read, progress, None)[0]

    def _logits(
        self,
        all_passes: List[Pass],
        read: List[int],
        progress: Progress,
        shadow: Optional[Tuple[int, int, int]],
    ) -> "torch.Tensor":
        """Logits `[passes, positions read, columns]`; all passes go through the model as one batch."""
        layers = len(self.model.layers)

        def watch(done: int) -> None:
            if self._slow and done:
                _wait_for(self.model.device)
            progress(done, layers + 1)

        return self.model.logits(passes.inputs(all_passes, self.model.device, shadow), read, watch)


def _passes(request: Request) -> List[Pass]:
    """The passes that the logits of a request are computed from, in order."""
    return [request.pass_] + ([request.guidance.unconditional] if request.guidance else [])


def _read(request: Request) -> List[int]:
    """The positions whose logits the rows read. With a shift, it is the one before; position 0 reads its own."""
    return [max(row - 1, 0) if request.shift else row for row in range(*request.rows)]


def _guided(logits: "torch.Tensor", without: "torch.Tensor", scale: float) -> "torch.Tensor":
    """Logits with guidance away from those of the unconditional pass."""
    return without + (logits - without) * (scale + 1.0)


def _wait_for(device: "torch.device") -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def as_error(error: BaseException) -> EngineError:
    """The error for people, with the end of the traceback unless the request itself was wrong."""
    if isinstance(error, EngineError):
        return error
    trace = last_lines(error)
    text = "%s: %s" % (type(error).__name__, error)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower() or "can't allocate memory" in str(error):
        message = (
            "the device has too little memory for this pass: make the canvas shorter, turn guidance off, or load the model "
            "in a smaller type (--dtype bfloat16) or over several devices (--device-map auto)"
        )
        return EngineError("failed", message, trace)
    return EngineError("failed", "the model raised %s" % text.splitlines()[0][:500], trace)

