"""Messages of the engine protocol: JSON in UTF-8, one object a line. docs/protocol.md describes every field."""

from __future__ import annotations

import base64
import json
import struct
import traceback
from typing import Any, Dict, List, Optional, Sequence

PROTOCOL = 1

# The longest line that is read, bytes. A request of a million positions has some ten million.
LONGEST_LINE = 64 << 20

Message = Dict[str, Any]


class EngineError(Exception):
    """A message could not be answered; `message` says why, and what to do.

    `kind` is "unsupported" (this engine cannot do it), "failed" (the model or tokenizer failed), "cancelled",
    "protocol" (the message itself is wrong) or "load". `trace` holds the last lines of a Python traceback.
    """

    def __init__(self, kind: str, message: str, trace: Optional[str] = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, trace

    def answer(self, id_: Optional[int]) -> Message:
        """The error as a message."""
        answer = {"type": "error", "id": id_, "kind": self.kind, "message": self.message}
        return {**answer, "traceback": self.trace}


def last_lines(error: BaseException) -> str:
    """The end of an exception's traceback."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__)[-6:]).rstrip()
    return "\n".join(trace.splitlines()[-16:])


def encode(message: Message) -> bytes:
    """A message as a line. Raises ValueError on numbers that JSON does not have."""
    # A tokenizer may hold half a surrogate pair, which UTF-8 cannot express; as a \u escape it is valid JSON.
    return json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """The message in a line. Raises `EngineError` of kind "protocol" where there is none."""
    try:
        message = json.loads(line.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise EngineError("protocol", "a line is not a JSON object (%s)" % error) from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise EngineError("protocol", 'a line is not a JSON object with a "type"')
    return message


def packed_ids(ids: Sequence[int]) -> str:
    """Token ids as base64 of little-endian 32-bit numbers."""
    return base64.b64encode(struct.pack("<%dI" % len(ids), *ids)).decode("ascii")


def packed_numbers(numbers: Sequence[float]) -> str:
    """float32 numbers as base64, little-endian; NaN and infinities are kept."""
    return base64.b64encode(struct.pack("<%df" % len(numbers), *numbers)).decode("ascii")


def unpacked_ids(text: str) -> List[int]:
    """The ids that `packed_ids` packed."""
    data = base64.b64decode(text, validate=True)
    return list(struct.unpack("<%dI" % (len(data) // 4), data))


def unpacked_numbers(text: str) -> List[float]:
    """The numbers that `packed_numbers` packed."""
    data = base64.b64decode(text, validate=True)
    return list(struct.unpack("<%df" % (len(data) // 4), data))
