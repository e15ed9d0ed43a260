"""Serves a model to the program `demask`."""

from __future__ import annotations

import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Optional, Tuple, Union

from .answers import Engine, as_error
from .assembly import engine_of
from .connection import Connection, Gone, Listener, is_child, listen as listen_at, pipes
from .conversation import Inbox, converse, greet
from .acceptor import GRACE, Acceptor
from .protocol import EngineError

if TYPE_CHECKING:
    import torch


class Handle:
    """A served model. `address` is the one that `demask --engine` takes; it is empty over pipes."""

    def __init__(self, engine: Engine, listener: Optional[Listener]) -> None:
        self._engine, self._listener = engine, listener
        self._clients: "queue.Queue[Optional[Tuple[Connection, Inbox]]]" = queue.Queue()
        self._busy = threading.Lock()
        self._thread: Optional[threading.Thread] = None
        self._closing = threading.Event()
        self._current: Optional[Connection] = None
        self.address = listener.address if listener is not None else ""

    def close(self) -> None:
        """Stops listening, and ends the current conversation."""
        self._closing.set()
        if self._listener is not None:
            self._listener.close()
        current = self._current
        if current is not None:
            current.close(0.0)
        self._clients.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _admit(self, client: Connection, inbox: Inbox) -> bool:
        if not self._busy.acquire(timeout=GRACE):
            return False
        self._clients.put((client, inbox))
        return True

    def start(self) -> None:
        """Serves on a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="demask serves", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Serves one client after the other, until `close`."""
        if self._listener is not None:
            Acceptor(self._listener, self._admit, "engine").start()
        while not self._closing.is_set():
            came = self._clients.get()
            if came is None:
                return
            client, inbox = came
            self._current = client
            try:
                converse(client, inbox, self._engine)
            finally:
                self._current = None
                self._busy.release()
                # Closing takes until the client has read the last message.
                threading.Thread(target=client.close, daemon=True).start()


def serve(
    model: Union["torch.nn.Module", Callable[..., Any]],
    tokenizer: Any = None,
    *,
    mask: Union[int, str, None] = None,
    eos: Union[int, str, None] = None,
    name: Optional[str] = None,
    attention: Union[str, int, None] = None,
    grid: Optional[str] = None,
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
    name       the model's name, as demask shows it
    attention  "full", "causal", or a number: block-causal in blocks of so many positions
    grid       where such blocks are counted from: "prompt", its end, or "start", position 0; as the model's family, else
               "prompt"
    masks      how the model takes a mask: "additive", "boolean" (both 4-D), "bias" (4-D, as `attention_bias`), "keys"
               (2-D), "none"
    shift      True where position i is predicted by the logits of position i - 1
    context    the longest sequence in positions, prompt included
    device     the device on which a function takes its ids; not needed for a module
    probe      False leaves out the passes that find out what the model does
    listen     "unix:PATH" or "tcp:127.0.0.1:PORT". If not given: the pipes of this process if demask started it, else a
               Unix socket in the runtime folder, whose address is printed on standard error
    block      False serves on a thread and returns at once; `close()` of what is returned ends it

    One debugger at a time is served, any number one after the other. Raises `ValueError` for a wrong argument, and
    `RuntimeError` if the address cannot be listened at or the model gives no logits.
    """
    # The pipes are taken before the model runs: anything that it prints would be read as a message.
    connection = pipes() if listen is None and block and is_child() else None
    try:
        engine = engine_of(
            model,
            tokenizer,
            mask=mask,
            eos=eos,
            name=name,
            attention=attention,
            grid=grid,
            masks=masks,
            shift=shift,
            context=context,
            device=device,
            probe=probe,
        )
    except Exception as error:
        if connection is not None:
            found = as_error(error)
            connection.send(EngineError("load", found.message, found.trace).answer(None))
        raise
    if connection is not None:
        inbox = Inbox(connection)
        try:
            if greet(connection, inbox):
                converse(connection, inbox, engine)
        except Gone:
            pass
        return Handle(engine, None)
    try:
        handle = at_socket(engine, listen)
    except EngineError as error:
        raise RuntimeError(error.message) from None
    if not block:
        handle.start()
        return handle
    with handle:
        try:
            handle.run()
        except KeyboardInterrupt:
            pass
    return handle


def at_socket(engine: Engine, address: Optional[str]) -> Handle:
    """Listens, and prints on standard error the command that joins the engine. Raises `EngineError` of kind "load"."""
    handle = Handle(engine, listen_at(address))
    print("demask --engine '%s'" % handle.address, file=sys.stderr, flush=True)
    return handle
