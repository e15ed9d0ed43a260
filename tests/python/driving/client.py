"""A debugger over the real socket, as small as can be."""

import json
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import schema

HELLO = {"type": "hello", "protocol": 1, "program": "test", "token": None}


class Client:
    """A debugger. `records` holds the lines that make a recording, `said` all other messages."""

    def __init__(self, address, greet=True):
        kind, _, place = address.partition(":")
        if kind == "unix":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(place)
            token = None
        else:
            place, _, token = place.partition("#")
            host, port = place.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
        self.socket.settimeout(20)
        self.lines = self.socket.makefile("rb")
        self.records, self.said = [], []
        if greet:
            self.send({**HELLO, "token": token})
            self.hello = self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.lines.close()
        self.socket.close()

    def send(self, message):
        self.raw(json.dumps(message).encode() + b"\n")

    def raw(self, data):
        self.socket.sendall(data)

    def read(self):
        """The next line; None at the end."""
        line = b"" if self.lines.closed else self.lines.readline()
        if not line:
            self.close()
            return None
        message = schema.checked(json.loads(line))
        # What comes before the first message is no record, whatever it holds.
        (self.records if "kind" in message and (self.records or self.said) else self.said).append(message)
        return message

    def until(self, kind):
        """The next message of this type."""
        while True:
            message = self.read()
            if message is None or message.get("type") == kind:
                return message

    def waiting(self):
        """The node at which the loop waits next; None at the end."""
        message = self.until("waiting")
        return None if message is None else message["node"]

    def go(self, start, **given):
        """Sends a go; the node at which the loop waits next."""
        self.send({"type": "go", "from": start, **given})
        return self.waiting()

    def kinds(self, kind):
        return [record for record in self.records if record["kind"] == kind]
