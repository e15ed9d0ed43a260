"""The conversation of the engine with one debugger, from the first message to the last."""

from __future__ import annotations

import queue
import threading
import time
from typing import Callable, Optional, Set, Union

from .answers import Engine, as_error
from .connection import Connection, Gone
from .memory import Memory
from .protocol import PROTOCOL, EngineError, Message

# How long a client may take to send its first message, seconds.
PATIENCE = 10.0

# The least time between two messages of progress, seconds: each one wakes the client up.
GAP = 0.1

# The most requests that may wait. Further ones are not read until there is room.
_WAITING = 16


class Cancelled(Exception):
    """The answer to the current request is not wanted any more."""


class Inbox:
    """Reads messages on a thread of its own, so that a request can be cancelled while it is computed."""

    def __init__(self, connection: Connection, last: Optional[str] = "stop") -> None:
        """`last`: the type of the message after which nothing is read any more."""
        self._connection, self._last = connection, last
        self._queue: "queue.Queue[Union[Message, EngineError, None]]" = queue.Queue(_WAITING)
        self._lock = threading.Lock()
        self._waiting: Set[int] = set()
        self._cancelled: Set[int] = set()
        self._dropped = False
        # Set once the other side has closed the connection.
        self.gone = threading.Event()
        threading.Thread(target=self._read, name="demask reads", daemon=True).start()

    def _read(self) -> None:
        try:
            while not self._dropped:
                try:
                    message = self._connection.read()
                except EngineError as error:
                    self._queue.put(error)
                    continue
                if message is None or message["type"] == self._last:
                    return
                id_ = message.get("id")
                with self._lock:
                    if message["type"] == "cancel":
                        # A request that was answered already, or never sent, cannot be cancelled.
                        self._cancelled |= {id_} & self._waiting if isinstance(id_, int) else set()
                        continue
                    if isinstance(id_, int):
                        self._waiting.add(id_)
                self._queue.put(message)
        except Gone as error:
            self._queue.put(EngineError("protocol", str(error)))
        finally:
            self.gone.set()
            self._queue.put(None)

    def next(self, patience: Optional[float] = None) -> Optional[Message]:
        """The next message other than "cancel"; None at the end, or if none comes for `patience` seconds.

        Raises `EngineError` for a line that is not a message.
        """
        try:
            message = self._queue.get(timeout=patience)
        except queue.Empty:
            return None
        if isinstance(message, EngineError):
            raise message
        return message

    def unwanted(self, id_: int) -> bool:
        """Whether the answer to this request is not wanted any more."""
        return self.gone.is_set() or id_ in self._cancelled

    def drop(self) -> None:
        """Stops reading, and forgets the requests that wait."""
        self._dropped = True
        try:
            while True:
                self._queue.get_nowait()
        except queue.Empty:
            pass

    def answered(self, id_: int) -> None:
        """Forgets a request that was answered."""
        with self._lock:
            self._waiting.discard(id_)
            self._cancelled.discard(id_)


def greet(connection: Connection, inbox: Inbox, host: str = "engine", patience: float = PATIENCE) -> bool:
    """Reads a client's first message; whether the client is let in. If not, it is sent the reason. May raise `Gone`."""
    try:
        hello = inbox.next(patience)
        if hello is None:
            return False
        if hello["type"] != "hello":
            raise EngineError("protocol", 'the first message must be of type "hello"')
        if not connection.admits(hello.get("token")):
            raise EngineError("protocol", "the token is wrong: give the address as the %s printed it, with #TOKEN" % host)
        if hello.get("protocol") != PROTOCOL:
            raise EngineError(
                "protocol",
                "%s speaks protocol %s, and this %s %d: use the Python package `demask` that came with that program"
                % (str(hello.get("program"))[:80], str(hello.get("protocol"))[:20], host, PROTOCOL),
            )
    except EngineError as error:
        connection.send(error.answer(None))
        return False
    connection.memory = Memory.at(hello.get("memory"))
    return True


def converse(connection: Connection, inbox: Inbox, engine: Engine) -> None:
    """Sends the engine's greeting and answers requests, in order, until the client leaves."""
    try:
        connection.send(engine.hello())
        while True:
            try:
                message = inbox.next()
            except EngineError as error:
                connection.send(error.answer(None))
                continue
            if message is None:
                return
            _answer(connection, inbox, engine, message)
    except Gone:
        pass
    finally:
        inbox.drop()


def _answer(connection: Connection, inbox: Inbox, engine: Engine, message: Message) -> None:
    kind, id_ = message["type"], message.get("id")
    if isinstance(id_, bool) or not isinstance(id_, int):
        connection.send(EngineError("protocol", "a message of type %.40r has no whole number `id`" % kind).answer(None))
        return

    told = time.monotonic()

    def progress(done: int, of: int) -> None:
        nonlocal told
        if inbox.unwanted(id_):
            raise Cancelled
        now = time.monotonic()
        if now - told >= GAP:
            told = now
            connection.send({"type": "progress", "id": id_, "done": done, "of": of})

    answers: "dict[str, tuple[str, Callable[[], Message]]]" = {
        "texts": ("texts", lambda: engine.texts(_number(message, "first"), _number(message, "count"))),
        "encode": ("ids", lambda: engine.encode(message)),
        "decode": ("text", lambda: engine.decode(_numbers(message, "ids"))),
        "predict": ("prediction", lambda: engine.predict(message, progress, connection.memory)),
    }
    try:
        if kind not in answers:
            raise EngineError("protocol", "this engine knows no message of type %.40r" % kind)
        name, make = answers[kind]
        if inbox.unwanted(id_):
            raise Cancelled
        answer = {"type": name, "id": id_, **make()}
    except Gone:
        raise
    except Cancelled:
        answer = EngineError("cancelled", "cancelled").answer(id_)
    except Exception as error:  # A model or a tokenizer may raise anything.
        answer = as_error(error).answer(id_)
    inbox.answered(id_)
    connection.send(answer)


def _number(message: Message, name: str) -> int:
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 32:
        raise EngineError("protocol", "%s: %s is not a whole number in 0..2^32" % (message["type"], name))
    return value


def _numbers(message: Message, name: str) -> "list[int]":
    values = message.get(name)
    if not isinstance(values, list):
        raise EngineError("protocol", "%s: %s is not a list" % (message["type"], name))
    return [_number({"type": message["type"], name: value}, name) for value in values]
