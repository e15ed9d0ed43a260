"""Writes the lines of a loop under the debugger: into a file, to the debugger, or both."""

from __future__ import annotations

import gzip
from typing import Any, Iterator, Optional

from .connection import Gone
from .link import Link, say
from .protocol import LONGEST_LINE
from .recorder import opened, written


class Stream:
    """A sink of a `Recorder`. A file that is full, or a debugger that has left, does not stop the loop."""

    def __init__(self, link: Link, path: Optional[str]) -> None:
        self._link, self._path = link, path
        self._file: Any = None
        self._raw: Any = None
        if path is not None:
            self._file, self._raw = opened(path)

    @property
    def kept(self) -> bool:
        """Whether a file holds all lines so far."""
        return self._file is not None

    def write(self, data: bytes) -> None:
        if self._file is not None:
            try:
                written(self._file, data)
            except (OSError, ValueError) as error:
                say("%s: recording stops (%s); the loop goes on" % (self._path, error))
                self.close()
        self.send(data)

    def send(self, data: bytes) -> None:
        """Sends lines to the debugger alone."""
        if not self._link.attached:
            return
        try:
            if len(data) > LONGEST_LINE:
                raise Gone("a step takes more than %d bytes" % LONGEST_LINE)
            self._link.write(data)
        except Gone as gone:
            self._link.detach(str(gone))

    def close(self) -> None:
        """Closes the file."""
        file, raw, self._file, self._raw = self._file, self._raw, None, None
        for one in (file, raw):
            try:
                if one is not None:
                    one.close()
            except (OSError, ValueError):
                pass

    def repeat(self) -> None:
        """Sends the debugger what the file holds."""
        for line in self._lines():
            self.send(line)

    def _lines(self) -> Iterator[bytes]:
        path = str(self._path)
        with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
            try:
                yield from file
            except EOFError:
                # Packed data that is still being written has no end yet.
                pass

    def abandon(self) -> None:
        """Closes the file in the child of a fork, without writing anything into it."""
        file, raw, self._file, self._raw = self._file, self._raw, None, None
        if file is not raw:
            file.fileobj = None
        if raw is not None:
            raw.close()


class NullSink:
    """A sink that discards everything."""

    def write(self, data: bytes) -> None:
        pass
