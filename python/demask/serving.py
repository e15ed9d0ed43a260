"""Serving a model to the program `demask`."""

from __future__ import annotations

import dataclasses
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from .answers import Engine, Facts
from .connection import Connection, Gone, Listener, is_child, listen as listen_at, pipes
from .conversation import Inbox, converse, greet
from .families import family
from .model import MASKS, Call, Model
from .protocol import EngineError
from .request import Pass
from .tokens import Tokens, id_

if TYPE_CHECKING:
    import torch

# The longest sequence of a model that does not say how long it may be, positions.
UNKNOWN_CONTEXT = 1 << 17

# Fields of configurations that hold the longest sequence, and the positions in a block.
_CONTEXTS = ("max_sequence_length", "max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
_BLOCKS = ("block_size", "bd_size", "block_length")

_BUSY = "another debugger is at this engine: quit it first, or start a second engine"


class Handle:
    """A served model. `address` is what demask takes behind `--engine`; empty over pipes."""

    def __init__(self, engine: Engine, listener: Optional[Listener]) -> None:
        self._engine, self._listener = engine, listener
        self._clients: "queue.Queue[Optional[Connection]]" = queue.Queue()
        self._busy = threading.Lock()
        self._thread: Optional[threading.Thread] = None
        self._closing = threading.Event()
        self._current: Optional[Connection] = None
        self.address = listener.address if listener is not None else ""

    def close(self) -> None:
        """Lets nobody in any more and ends the conversation that goes on."""
        self._closing.set()
        if self._listener is not None:
            self._listener.close()
        current = self._current
        if current is not None:
            current.close()
        self._clients.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self, listener: Listener) -> None:
        """Lets clients in while nobody is there, and tells the others."""
        while True:
            client = listener.accept()
            if client is None:
                return
            if self._busy.acquire(blocking=False):
                self._clients.put(client)
            else:
                threading.Thread(target=_refuse, args=(client,), daemon=True).start()

    def _serve(self) -> None:
        if self._listener is not None:
            threading.Thread(target=self._accept, args=(self._listener,), name="demask listens", daemon=True).start()
        while not self._closing.is_set():
            client = self._clients.get()
            if client is None:
                return
            self._current = client
            try:
                talk(client, lambda: self._engine)
            finally:
                self._current = None
                client.close()
                self._busy.release()


def _refuse(client: Connection) -> None:
    try:
        client.send(EngineError("failed", _BUSY).answer(None))
    except Gone:
        pass
    client.close()


def talk(connection: Connection, engine: Callable[[], Engine]) -> None:
    """Greets one client, then loads or takes the engine, then answers until the client leaves."""
    inbox = Inbox(connection)
    try:
        if greet(connection, inbox):
            converse(connection, inbox, engine())
    except Gone:
        pass


def serve(
    model: Union["torch.nn.Module", Callable[..., Any]],
    tokenizer: Any = None,
    *,
    mask: Union[int, str, None] = None,
    eos: Union[int, str, None] = None,
    name: Optional[str] = None,
    attention: Union[str, int, None] = None,
    masks: Optional[str] = None,
    shift: Optional[bool] = None,
    context: Optional[int] = None,
    device: Union["torch.device", str, None] = None,
    probe: bool = True,
    listen: Optional[str] = None,
    block: bool = True,
) -> Handle:
    """Lets demask run its strategies on a model, until it is closed.

    model      a torch module, a model of transformers, or a function from (ids, attention mask, position ids) to logits:
               ids int64 `[batch, length]`; mask float `[batch, 1, length, length]`, 0 where a position may be seen and
               the least number of the type where not, None where all may be; position ids int64 `[batch, length]`, or
               None for 0, 1, 2, …; logits `[batch, length, vocabulary]`
    tokenizer  of transformers or tokenizers; a dict or list of texts, or a function from id to text, do for reading;
               None where there is none: prompts are ids then
    mask, eos  the mask and end-of-sequence tokens, by id or text; what configuration and tokenizer say, if not given
    name       for people
    attention  "full", "causal", or a number: block-causal in blocks of so many positions
    masks      how the model takes a mask: "additive", "boolean" (both 4-D), "bias" (4-D, as `attention_bias`), "keys"
               (2-D), "none"
    shift      True where position i is predicted by the logits of position i - 1
    context    the longest sequence in positions, prompt included
    device     where a function wants its ids; a module says it itself
    probe      False takes the model as said, without a look at what it does
    listen     "unix:PATH" or "tcp:127.0.0.1:PORT". If not given: the pipes of this process where it was started as a
               child, else a Unix socket in the runtime folder, whose address is printed on standard error
    block      False serves on a thread and returns at once; `close()` of what is returned ends it

    One debugger at a time, any number one after the other. Raises `ValueError` for an argument that cannot be meant, and
    `RuntimeError` where nobody can be listened to or the model gives no logits.
    """
    engine = engine_of(
        model,
        tokenizer,
        mask=mask,
        eos=eos,
        name=name,
        attention=attention,
        masks=masks,
        shift=shift,
        context=context,
        device=device,
        probe=probe,
    )
    if listen is None and block and is_child():
        connection = pipes()
        talk(connection, lambda: engine)
        return Handle(engine, None)
    try:
        listener = listen_at(listen)
    except EngineError as error:
        raise RuntimeError(error.message) from None
    handle = Handle(engine, listener)
    print("demask --engine '%s'" % listener.address, file=sys.stderr, flush=True)
    if not block:
        handle._thread = threading.Thread(target=handle._serve, name="demask serves", daemon=True)
        handle._thread.start()
        return handle
    try:
        handle._serve()
    except KeyboardInterrupt:
        pass
    finally:
        handle.close()
    return handle


def engine_of(
    model: Any,
    tokenizer: Any,
    *,
    mask: Union[int, str, None] = None,
    eos: Union[int, str, None] = None,
    name: Optional[str] = None,
    attention: Union[str, int, None] = None,
    masks: Optional[str] = None,
    shift: Optional[bool] = None,
    context: Optional[int] = None,
    device: Union["torch.device", str, None] = None,
    probe: bool = True,
) -> Engine:
    """What `serve` serves; its arguments mean the same."""
    import torch

    config = getattr(model, "config", None)
    model_type = str(getattr(config, "model_type", "") or "")
    row = family(model_type)
    tokens = Tokens(tokenizer)
    call, blocks, said = row.call, row.block, row.says + (" (family %s)" % model_type if model_type else "")
    if blocks is None and model_type:
        blocks = next((size for size in (_whole(getattr(config, field, None)) for field in _BLOCKS) if size), None)
    if masks is not None:
        if masks not in MASKS:
            raise ValueError("masks=%r: it is one of %s" % (masks, ", ".join(MASKS)))
        call = dataclasses.replace(call, mask=masks)
    if attention is not None:
        call, blocks, said = _attention(attention, call)
    if isinstance(model, torch.nn.Module) and model.training:
        model.eval()
    wrapped = Model(model, call, None if device is None else torch.device(device))
    findings = []
    try:
        wrapped.columns = wrapped.logits(_first(wrapped, blocks), None).shape[2]
    except EngineError as error:
        raise RuntimeError(error.message) from None
    if context is None:
        context = next((size for size in (_whole(getattr(config, field, None)) for field in _CONTEXTS) if size), None)
    if context is None:
        context = UNKNOWN_CONTEXT
        findings.append("the longest sequence is not known: %d positions are assumed" % context)
    facts = Facts(
        name=name or _name(model, config),
        family=model_type,
        context=context,
        parameters=_size(wrapped),
        mask=_token(mask, tokens, "mask", (id_(getattr(config, "mask_token_id", None)), tokens.mask, row.mask)),
        eos=_token(eos, tokens, "eos", (tokens.eos, id_(getattr(config, "eos_token_id", None)))),
        shift=row.shift if shift is None else shift,
        block=blocks,
        grid=row.grid,
        attention=said,
        findings=findings,
    )
    if facts.mask is not None and facts.mask >= wrapped.columns:
        facts.mask = None
    return Engine(wrapped, tokens, facts)


def _first(model: Model, block: Optional[int]) -> Any:
    from . import passes

    return passes.inputs([Pass([0, 0], block=None if block is None else (block, 0))], model.device)


def _attention(attention: Union[str, int], call: Call) -> Any:
    """The call, the block and what is said of them, for what somebody said."""
    if attention == "full":
        full = call.mask in ("additive", "boolean", "bias")
        return dataclasses.replace(call, full=full, causal=False), None, "full (said)"
    if attention == "causal":
        return dataclasses.replace(call, causal=True), None, "causal (said)"
    size = int(attention) if str(attention).isdecimal() else 0
    if size < 1:
        raise ValueError("attention=%r: it is full, causal, or the positions in a block" % (attention,))
    return dataclasses.replace(call, full=True), size, "block-causal in blocks of %d (said)" % size


def _whole(value: Any) -> Optional[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _token(given: Union[int, str, None], tokens: Tokens, what: str, found: Any) -> Optional[int]:
    if given is None:
        return next((token for token in found if token is not None), None)
    if isinstance(given, int):
        return given
    token = tokens.id_of(given)
    if token is None and given.isdecimal():
        token = int(given)
    if token is None:
        raise ValueError("%s=%r: the tokenizer has no such token" % (what, given))
    return token


def _name(model: Any, config: Any) -> str:
    path = str(getattr(config, "_name_or_path", "") or "").rstrip("/")
    return path.rsplit("/", 1)[-1] or getattr(model, "__name__", type(model).__name__)


def _size(model: Model) -> int:
    """Numbers in the weights; 0 if that is not known."""
    if model.module is None:
        return 0
    count = getattr(model.module, "num_parameters", None)
    try:
        return int(count()) if callable(count) else sum(one.numel() for one in model.module.parameters())
    except Exception:  # Packed weights are counted by their own code.
        return sum(one.numel() for one in model.module.parameters())
