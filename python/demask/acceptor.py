"""Accepts the connections of debuggers and reads their greetings."""

from __future__ import annotations

import threading
from typing import Callable, Optional

from .connection import Connection, Gone, Listener
from .conversation import PATIENCE, Inbox, greet
from .protocol import EngineError

# How long a new client waits for the previous one to leave, seconds.
GRACE = 3.0

# How many clients may be greeting at the same time.
MOST_GREETING = 32


class Acceptor:
    """Accepts clients, each on a thread of its own, so that a silent one does not keep others waiting.

    `admit` is called with each client that has greeted, and returns whether the client was admitted. A client that was
    not is told that another debugger is attached to this `host`, and is disconnected.
    """

    def __init__(
        self,
        listener: Listener,
        admit: Callable[[Connection, Inbox], bool],
        host: str,
        last: Optional[str] = "stop",
        patience: float = PATIENCE,
    ) -> None:
        self._listener, self._admit, self._host, self._last, self._patience = listener, admit, host, last, patience
        self._greeting = threading.Semaphore(MOST_GREETING)

    def start(self) -> None:
        """Accepts clients on a thread of its own, until the listener is closed."""
        threading.Thread(target=self._accept, name="demask listens", daemon=True).start()

    def _accept(self) -> None:
        while True:
            client = self._listener.accept()
            if client is None:
                return
            if self._greeting.acquire(blocking=False):
                threading.Thread(target=self._greet, args=(client,), name="demask greets", daemon=True).start()
            else:
                client.close(0.0)

    def _greet(self, client: Connection) -> None:
        """Waits for a client's greeting, and only then offers the client to `admit`."""
        inbox = Inbox(client, self._last)
        try:
            if greet(client, inbox, self._host, self._patience):
                if self._admit(client, inbox):
                    return
                busy = "another debugger is at this {0}: quit that one first, or start a second {0}".format(self._host)
                client.send(EngineError("failed", busy).answer(None))
        except Gone:
            pass
        finally:
            self._greeting.release()
        inbox.drop()
        client.close()
