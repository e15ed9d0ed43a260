"""The way between a sampling loop and the debugger that is attached to it."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Callable, List, Optional

from .connection import Connection, Gone, Listener, listen as listen_at
from .conversation import Inbox
from .door import GRACE, Door
from .protocol import EngineError, Message

# How long a debugger may take to send its first message, seconds.
PATIENCE = 3.0

# How long it may stop in the middle of a message, seconds.
STALLED = 10.0

# How many messages of a lost debugger are still looked at, and how long each may take to come in, seconds.
_LAST_WORDS = 32
_LAST_WORD = 0.2

# How many loops of one process may be debugged at once.
LOOPS = 64


class Guest:
    """A debugger that has greeted."""

    def __init__(self, connection: Connection, inbox: Inbox) -> None:
        self.connection, self.inbox = connection, inbox
        # Is held until the first message is on its way: the loop's own come behind it.
        self.greeting = threading.Lock()

    @property
    def gone(self) -> bool:
        return self.inbox.gone.is_set()


class Link:
    """Listens for debuggers. At most one of them is attached; the loop's thread takes it in when it is ready to.

    hello    the first message that a debugger is sent
    arrived  is called when a debugger is at the door, on another thread than the loop's
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
        self._came = threading.Event()
        # Who is at the door, and who of them the loop has taken in.
        self._guest: Optional[Guest] = None
        self._taken: Optional[Guest] = None
        # Whether a debugger asked the loop to stop before it left.
        self.stopped = False
        Door(self._listener, self._admit, "loop", None, PATIENCE).open()

    # -- On the threads of the door

    def _admit(self, connection: Connection, inbox: Inbox) -> bool:
        until = time.monotonic() + GRACE
        if not self._admitting.acquire(timeout=GRACE):
            return False
        try:
            before = self._guest
            if before is not None and not before.inbox.gone.wait(max(0.0, until - time.monotonic())):
                return False
            if self._closed:
                raise Gone("the loop has ended")
            guest = Guest(connection, inbox)
            with guest.greeting:
                # Who has read the greeting is seen by the next step.
                self._guest = guest
                self._came.set()
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
        """Whether a debugger was taken in, and has not been lost since."""
        return self._taken is not None

    @property
    def expected(self) -> bool:
        """Whether somebody is at the door who was not taken in yet."""
        guest = self._guest
        return guest is not None and guest is not self._taken and not guest.gone

    def take(self) -> bool:
        """Takes in who is at the door. Whether somebody is there who was not there before."""
        guest = self._guest
        if guest is None or guest is self._taken or guest.gone:
            return False
        with guest.greeting:
            self._taken = guest
        return True

    def expect(self) -> None:
        """Waits until somebody is at the door, or the loop is stopped."""
        while not (self.expected or self.stopped):
            self._came.clear()
            if not (self.expected or self.stopped):
                self._came.wait()

    def stop(self) -> None:
        """Ends waiting, from another thread: as if the debugger had asked to stop, and left."""
        self.stopped = True
        self._came.set()
        guest = self._taken
        if guest is not None:
            guest.connection.close(0.0)

    def write(self, data: bytes) -> None:
        """Sends whole lines. Raises `Gone` if nobody is there any more."""
        if self._taken is None:
            raise Gone("nobody is attached")
        self._taken.connection.write(data)

    def next(self) -> Optional[Message]:
        """Waits for the next message; None at the end. Raises `EngineError` for a line that is not a message."""
        if self._taken is None:
            return None
        inbox = self._taken.inbox
        message = inbox.next()
        if message is not None and isinstance(message.get("id"), int):
            # A go needs no number, and one that has it is not cancelled.
            inbox.answered(message["id"])
        return message

    def lose(self, reason: str) -> None:
        """Lets go of a debugger that has left, or that nobody can talk with. The last it said may be to stop."""
        guest, self._taken = self._taken, None
        if guest is None:
            return
        say("the debugger has left (%s): the loop goes on" % reason)
        try:
            for _ in range(_LAST_WORDS):
                # Once it has hung up, all it said is here.
                message = guest.inbox.next(0.0 if guest.gone else _LAST_WORD)
                if message is None or message["type"] == "stop":
                    self.stopped = message is not None
                    break
        except EngineError:
            pass
        guest.connection.close(0.0)
        guest.inbox.drop()

    def close(self) -> None:
        """Stops listening; the debugger is let go once it has read what it was sent."""
        self._closed = True
        self._listener.close()
        guest, self._taken = self._guest, None
        if guest is not None:
            guest.connection.close()
            guest.inbox.drop()

    def abandon(self) -> None:
        """Lets go of the sockets in the child of a fork; the parent's stay as they are."""
        self._listener.abandon()
        if self._guest is not None:
            self._guest.connection.abandon()
        self._guest = self._taken = None


def loop_names() -> List[str]:
    """The names of this process's sockets, in order."""
    pid = os.getpid()
    return ["loop-%d%s.sock" % (pid, "" if number == 1 else "-%d" % number) for number in range(1, LOOPS + 1)]


def say(text: str) -> None:
    """Tells somebody at the loop's terminal."""
    try:
        print("demask: %s" % text, file=sys.stderr, flush=True)
    except (AttributeError, OSError, ValueError):
        pass
