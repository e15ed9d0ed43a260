"""Memory of the program demask on this machine, in which an engine leaves logits for the program to reduce."""

from __future__ import annotations

import mmap
import os
import re
import stat
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    import torch

# Logits stand behind the key.
_KEY = 16

_PATH = re.compile(r"/proc/\d+/fd/\d+")


class Memory:
    """A file that is mapped: float32 numbers one after the other."""

    def __init__(self, mapped: mmap.mmap) -> None:
        self._mapped = mapped

    @classmethod
    def at(cls, address: Any) -> Optional["Memory"]:
        """The memory that the program's first message names; None if it names none or it is on another machine."""
        if not isinstance(address, dict):
            return None
        path, key, size = address.get("path"), address.get("key"), address.get("size")
        if not isinstance(path, str) or not _PATH.fullmatch(path) or not isinstance(size, int) or size <= _KEY:
            return None
        try:
            # The path may name anything on another machine, and to read from a terminal or a pipe would wait.
            about = os.stat(path)
            if not stat.S_ISREG(about.st_mode) or about.st_size != size:
                return None
            with open(path, "r+b") as file:
                if file.read(_KEY).hex() != key:
                    return None
                return cls(mmap.mmap(file.fileno(), size))
        except (OSError, ValueError, OverflowError):
            return None

    def rows(self, rows: int, columns: int) -> "torch.Tensor":
        """The first numbers as a float32 tensor `[rows, columns]`. Raises ValueError if they have no room."""
        import torch

        if rows == 0:
            return torch.empty(0, columns)
        found = torch.frombuffer(self._mapped, dtype=torch.float32, count=rows * columns, offset=_KEY)
        return found.view(rows, columns)
