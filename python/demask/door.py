"""Lets debuggers in, one after the other."""

from __future__ import annotations

import threading
from typing import Callable, Optional

from .connection import Connection, Gone, Listener
from .conversation import PATIENCE, Inbox, greet
from .protocol import EngineError

# How long a new client waits for the previous one to leave, seconds.
GRACE = 3.0

# How many clients may greet at the same time.
DOORS = 32


class Door:
    """Accepts clients, each on a thread of its own, so that a silent one does not keep others waiting.

    `admit` takes a client that has greeted, and says whether it could: a client that it does not take is told that
    another debugger is at this `host`, and is sent away.
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
        self._doors = threading.Semaphore(DOORS)

    def open(self) -> None:
        """Lets clients in until the listener is closed, on a thread of its own."""
        threading.Thread(target=self._accept, name="demask listens", daemon=True).start()

    def _accept(self) -> None:
        while True:
            client = self._listener.accept()
            if client is None:
                return
            if self._doors.acquire(blocking=False):
                threading.Thread(target=self._let_in, args=(client,), name="demask greets", daemon=True).start()
            else:
                client.close(0.0)

    def _let_in(self, client: Connection) -> None:
        """Waits for a client's greeting; only then does the client become the one that is served."""
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
            self._doors.release()
        inbox.drop()
        client.close()
