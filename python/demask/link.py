"""The connection between a sampling loop and the debugger that is attached to it."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Callable, List, Optional

from .connection import Connection, Gone, Listener, listen as listen_at
from .conversation import Inbox
from .acceptor import GRACE, Acceptor
from .protocol import EngineError, Message

# How long a debugger may take to send its first message, seconds.
PATIENCE = 3.0

# How long a debugger may pause in the middle of a message, seconds.
STALLED = 10.0

# How many messages of a debugger that has left are still read, and how long to wait for each, seconds.
_LAST_MESSAGES = 32
_LAST_WAIT = 0.2

# How many loops of one process may be debugged at once.
LOOPS = 64


class Client:
    """A debugger that has greeted."""

    def __init__(self, connection: Connection, inbox: Inbox) -> None:
        self.connection, self.inbox = connection, inbox
        # Held until the greeting is sent, so that the loop's messages come after it.
        self.greeting = threading.Lock()
        # Whether the loop has detached it. The thread that reads from it may notice later.
        self.detached = False

    @property
    def gone(self) -> bool:
        return self.detached or self.inbox.gone.is_set()


class Link:
    """Listens for debuggers. At most one of them is attached: the loop's thread attaches it when it is ready to.

    hello    gives the first message that a debugger is sent
    arrived  is called when a debugger has been admitted, on another thread than the loop's
    """

    def __init__(self, address: Optional[str], hello: Callable[[], Message], arrived: Callable[[], None]) -> None:
        try:
            self._listener: Listener = listen_at(address, loop_names(), "loop")
        except EngineError as error:
            raise RuntimeError(error.message) from None
        except OSError as error:
            raise RuntimeError("no socket can be made (%s): give another place with listen=" % error) from None
        self._listener.patience = STALLED
        self.address = self._listener.address
        self._hello, self._arrived = hello, arrived
        self._admitting, self._closed = threading.Lock(), False
        self._wake = threading.Event()
        # The client that was admitted last, and the one that the loop has attached.
        self._client: Optional[Client] = None
        self._attached: Optional[Client] = None
        # Whether a debugger asked the loop to stop before it left.
        self.stopped = False
        Acceptor(self._listener, self._admit, "loop", None, PATIENCE).start()

    # -- On the threads of the acceptor

    def _admit(self, connection: Connection, inbox: Inbox) -> bool:
        until = time.monotonic() + GRACE
        if not self._admitting.acquire(timeout=GRACE):
            return False
        try:
            before = self._client
            if before is not None and not before.inbox.gone.wait(max(0.0, until - time.monotonic())):
                return False
            if self._closed:
                raise Gone("the loop has ended")
            client = Client(connection, inbox)
            with client.greeting:
                # Set before the greeting is sent: once a client has read it, the next step attaches that client.
                self._client = client
                self._wake.set()
                self._arrived()
                connection.send(self._hello())
        finally:
            self._admitting.release()
        if before is not None:
            before.connection.close(0.0)
        return True

    # -- On the loop's thread

    @property
    def attached(self) -> bool:
        """Whether a debugger is attached, as far as the loop knows."""
        return self._attached is not None

    @property
    def pending(self) -> bool:
        """Whether a debugger has been admitted and is not attached yet."""
        client = self._client
        return client is not None and client is not self._attached and not client.gone

    def attach(self) -> bool:
        """Attaches the debugger that is pending; returns whether there was one."""
        client = self._client
        if client is None or client is self._attached or client.gone:
            return False
        with client.greeting:
            self._attached = client
        return True

    def wait(self) -> None:
        """Waits until a debugger is pending, or the loop is stopped."""
        while not (self.pending or self.stopped):
            self._wake.clear()
            if not (self.pending or self.stopped):
                self._wake.wait()

    def stop(self) -> None:
        """Ends the loop's waiting, from another thread: as if the debugger had sent "stop" and left."""
        self.stopped = True
        self._wake.set()
        client = self._attached
        if client is not None:
            client.connection.close(0.0)

    def write(self, data: bytes) -> None:
        """Sends whole lines. Raises `Gone` if no debugger is attached."""
        if self._attached is None:
            raise Gone("no debugger is attached")
        self._attached.connection.write(data)

    def next(self) -> Optional[Message]:
        """Waits for the next message; None at the end. Raises `EngineError` for a line that is not a message."""
        if self._attached is None:
            return None
        inbox = self._attached.inbox
        message = inbox.next()
        if message is not None and isinstance(message.get("id"), int):
            # A "go" needs no number; where it has one, it counts as answered, so that it cannot be cancelled.
            inbox.answered(message["id"])
        return message

    def detach(self, reason: str) -> None:
        """Detaches a debugger that has left or cannot be reached. Its last messages are read: "stop" may be among them."""
        client, self._attached = self._attached, None
        if client is None:
            return
        try:
            for _ in range(_LAST_MESSAGES):
                # Once it has closed the connection, everything it sent is in the inbox.
                message = client.inbox.next(0.0 if client.gone else _LAST_WAIT)
                if message is None or message["type"] == "stop":
                    self.stopped = message is not None
                    break
        except EngineError:
            pass
        say("the debugger has left (%s): the loop %s" % (reason, "is stopped by it" if self.stopped else "goes on"))
        client.detached = True
        client.connection.close(0.0)
        client.inbox.drop()

    def close(self) -> None:
        """Stops listening; the connection is closed once the debugger has read what it was sent."""
        self._closed = True
        self._listener.close()
        client, self._attached = self._client, None
        if client is not None:
            client.connection.close()
            client.inbox.drop()

    def abandon(self) -> None:
        """Closes the sockets in the child of a fork; those of the parent stay open."""
        self._listener.abandon()
        if self._client is not None:
            self._client.connection.abandon()
        self._client = self._attached = None


def loop_names() -> List[str]:
    """The names of this process's sockets, in order."""
    pid = os.getpid()
    return ["loop-%d%s.sock" % (pid, "" if number == 1 else "-%d" % number) for number in range(1, LOOPS + 1)]


def say(text: str) -> None:
    """Prints a line on standard error. Control characters, which names and errors may hold, are printed as escapes."""
    line = "".join(one if one.isprintable() else " " if one == "\n" else ascii(one)[1:-1] for one in text)
    try:
        print("demask: %s" % line, file=sys.stderr, flush=True)
    except (AttributeError, OSError, ValueError):
        pass
