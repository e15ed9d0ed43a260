"""Connections to a debugger: over the pipes of a child process, a Unix socket, or a TCP socket of this machine."""

from __future__ import annotations

import hmac
import io
import ipaddress
import os
import secrets
import socket
import stat
import struct
import sys
import tempfile
import threading
from pathlib import Path
from typing import Callable, Iterable, Optional, Protocol

from .memory import Memory
from .protocol import LONGEST_LINE, EngineError, Message, decode, encode

# How long a client that is refused may take to read the reason, seconds.
_LAST_WORDS = 2.0


class Lines(Protocol):
    """A source of lines."""

    def readline(self, limit: int, /) -> bytes: ...


class Sink(Protocol):
    """A sink of lines."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> None: ...


class Gone(Exception):
    """The other side no longer reads."""


class Connection:
    """One client. `token`: the token that its first message must hold; None if it needs none."""

    def __init__(
        self,
        source: Lines,
        sink: Sink,
        token: Optional[str] = None,
        close: Optional[Callable[[float], None]] = None,
        abandon: Optional[Callable[[], None]] = None,
    ) -> None:
        self._source, self._sink, self._close, self._abandon = source, sink, close, abandon
        self._lock, self._broken = threading.Lock(), False
        self.token = token
        # Where the client takes logits, once it has greeted.
        self.memory: Optional[Memory] = None

    def read(self) -> Optional[Message]:
        """The next message; None at the end. A last line without a line end is ignored.

        Raises `EngineError` of kind "protocol" for a line that is not a message, and `Gone` for a line that is too long:
        after it, the start of the next message is unknown.
        """
        while True:
            try:
                line = self._source.readline(LONGEST_LINE)
            except (OSError, ValueError):
                return None
            if len(line) >= LONGEST_LINE and not line.endswith(b"\n"):
                raise Gone("a message is longer than %d bytes" % LONGEST_LINE)
            if not line.endswith(b"\n"):
                return None
            if line.strip():
                return decode(line)

    def send(self, message: Message) -> None:
        """Sends a message. Raises `Gone` if the other side has closed the connection."""
        self.write(encode(message))

    def write(self, data: bytes) -> None:
        """Sends whole lines. Raises `Gone` if the other side has closed the connection."""
        if self._broken:
            raise Gone("it was interrupted in the middle of a message")
        try:
            with self._lock:
                self._sink.write(data)
                self._sink.flush()
        except (OSError, ValueError) as error:
            raise Gone(str(error)) from None
        except BaseException:
            # Ctrl-C: it is unknown how much of the message was sent.
            self._broken = True
            raise

    def admits(self, token: object) -> bool:
        """Whether a client with this token is let in. Every wrong token takes the same time to compare."""
        if self.token is None:
            return True
        return isinstance(token, str) and hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())

    def close(self, patience: float = _LAST_WORDS) -> None:
        """Ends the connection, once the other side has read its last words or `patience` seconds have gone by."""
        if self._close is not None:
            self._close(patience)

    def abandon(self) -> None:
        """Closes the connection in this process alone: after a fork, the other process still uses it."""
        if self._abandon is not None:
            self._abandon()


def is_child() -> bool:
    """Whether standard input and output are pipes, as those of a process that demask started. The kernel of a notebook
    may have such pipes too, and does not count."""
    if "ipykernel" in sys.modules:
        return False

    def pipe(number: int) -> bool:
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            return False
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

    return pipe(0) and pipe(1)


def pipes() -> Connection:
    """The pipes of this process, kept for the protocol alone.

    From then on, what the process prints goes to standard error, and its standard input is empty.
    """
    sink = os.fdopen(os.dup(1), "wb")
    source = os.fdopen(os.dup(0), "rb")
    # An unfinished line that the script printed must not run into the first message; readers ignore empty lines.
    sink.write(b"\n")
    sink.flush()
    # Text that Python still buffers for standard output goes to standard error too.
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):
        pass
    return Connection(source, sink)


class Listener:
    """A socket that listens for clients; `address` is the one that a debugger is given."""

    def __init__(self, sock: socket.socket, address: str, token: Optional[str], path: Optional[Path]) -> None:
        self._socket, self.address, self._token, self._path = sock, address, token, path
        # How long a client may stop while it sends or reads a message, seconds. None: for ever.
        self.patience: Optional[float] = None
        self._closed = False

    def accept(self) -> Optional[Connection]:
        """The next client; None once the listener is closed."""
        while not self._closed:
            try:
                client, _ = self._socket.accept()
            except OSError:
                if self._closed:
                    return None
                continue
            if client.family != getattr(socket, "AF_UNIX", None):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _of_socket(client, self._token, self.patience)
        return None

    def close(self) -> None:
        """Stops listening, and removes the file of a Unix socket."""
        if self._closed:
            return
        self._closed = True
        try:
            # This wakes up the thread that waits in `accept`.
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.abandon()
        if self._path is not None:
            try:
                self._path.unlink()
            except OSError:
                pass

    def abandon(self) -> None:
        """Closes the socket in this process alone: after a fork, the other process goes on listening."""
        self._closed = True
        self._socket.close()


class _Sender:
    """Sends to a socket without a buffer: after Ctrl-C, the contents of a buffer would be sent twice."""

    def __init__(self, client: socket.socket) -> None:
        self._socket = client

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def flush(self) -> None:
        pass


class _Lines:
    """Lines from a socket. One that has begun must go on within `patience` seconds."""

    def __init__(self, client: socket.socket, patience: float) -> None:
        self._socket, self._patience, self._data = client, patience, bytearray()

    def readline(self, limit: int) -> bytes:
        seen = 0
        while True:
            end = self._data.find(b"\n", seen) + 1
            if end or len(self._data) >= limit:
                return self._taken(end or limit)
            seen = len(self._data)
            _set_timeout(self._socket, socket.SO_RCVTIMEO, self._patience if seen else 0)
            try:
                data = self._socket.recv(1 << 16)
            except (BlockingIOError, socket.timeout):
                raise Gone("half a message came, and no more of it") from None
            if not data:
                return self._taken(seen)
            self._data += data

    def _taken(self, size: int) -> bytes:
        line = bytes(self._data[:size])
        del self._data[:size]
        return line


def _set_timeout(client: socket.socket, option: int, seconds: float) -> None:
    """Bounds how long a call may wait at a socket in one direction; a Python timeout would hold for both."""
    if sys.platform == "win32":
        client.setsockopt(socket.SOL_SOCKET, option, int(1000 * seconds))
    else:
        client.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(seconds), 0))


def _of_socket(client: socket.socket, token: Optional[str], patience: Optional[float]) -> Connection:
    def close(patience: float) -> None:
        try:
            client.shutdown(socket.SHUT_WR)
            client.settimeout(patience)
            # If a socket is closed before it has read everything, the system may discard what it sent last.
            while patience and client.recv(1 << 16):
                pass
        except OSError:
            pass
        try:
            # This wakes up the thread that reads from the socket.
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        client.close()

    if patience is None:
        source: Lines = io.BufferedReader(socket.SocketIO(client, "r"))
    else:
        source = _Lines(client, patience)
        _set_timeout(client, socket.SO_SNDTIMEO, patience)
    return Connection(source, _Sender(client), token, close, client.close)


def runtime_folder() -> Path:
    """The folder for sockets: `demask` in XDG_RUNTIME_DIR, else a folder of this user in the temporary folder.

    Raises `EngineError` if that folder belongs to another user.
    """
    named = os.environ.get("XDG_RUNTIME_DIR")
    if named and os.path.isdir(named):
        folder = Path(named) / "demask"
    else:
        user = os.getuid() if hasattr(os, "getuid") else 0
        folder = Path(tempfile.gettempdir()) / ("demask-%d" % user)
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or (hasattr(os, "getuid") and about.st_uid != os.getuid()):
        raise EngineError("load", "%s is not this user's own folder: remove it, or set XDG_RUNTIME_DIR" % folder)
    os.chmod(folder, 0o700)
    return folder


def listen(address: Optional[str] = None, names: Optional[Iterable[str]] = None, host: str = "engine") -> Listener:
    """Listens at `unix:PATH` or `tcp:127.0.0.1:PORT` (port 0: any free one); without an address, at a Unix socket in the
    runtime folder, under the first of `names` that is free. `host` names what listens, in messages.

    A TCP socket gets a random token, which is part of `Listener.address`. Raises `EngineError` of kind "load" if the
    address is malformed, is in use, or can be reached from other machines.
    """
    if address is None:
        folder = runtime_folder()
        for name in names or ["engine-%d-%s.sock" % (os.getpid(), secrets.token_hex(3))]:
            try:
                return _unix(folder / name, host)
            except EngineError as error:
                taken = error
        raise taken
    kind, _, rest = address.partition(":")
    if kind == "unix" and rest:
        return _unix(Path(rest), host)
    if kind == "tcp":
        return _tcp(address, rest)
    raise EngineError("load", "%s is no address: give unix:PATH or tcp:127.0.0.1:PORT" % address)


def _unix(path: Path, host: str) -> Listener:
    if not hasattr(socket, "AF_UNIX"):
        raise EngineError("load", "this system has no Unix sockets: listen at tcp:127.0.0.1:0")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_dead(path, host)
        mask = os.umask(0o177)
        try:
            sock.bind(str(path))
        finally:
            os.umask(mask)
        os.chmod(path, 0o600)
        sock.listen(8)
    except OSError as error:
        sock.close()
        message = "cannot listen at unix:%s (%s): listen at another address" % (path, error)
        raise EngineError("load", message) from None
    return Listener(sock, "unix:%s" % path, None, path)


def _remove_dead(path: Path, host: str) -> None:
    """Removes a socket at which no process listens any more. Raises `OSError` if one does, or if it is not a socket."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError("a file that is not a socket has this name")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError("another %s listens there" % host)


def _tcp(address: str, rest: str) -> Listener:
    host, _, port = rest.rpartition(":")
    host = host.strip("[]")
    try:
        loopback = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        number = int(port)
    except ValueError:
        raise EngineError("load", "%s is no address: give tcp:127.0.0.1:PORT" % address) from None
    if not loopback.is_loopback:
        raise EngineError(
            "load",
            "%s can be reached from other machines, and the connection is not encrypted: listen at tcp:127.0.0.1:%d, and "
            "forward the port with ssh -L" % (address, number),
        )
    sock = socket.socket(socket.AF_INET6 if loopback.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((str(loopback), number))
        sock.listen(8)
    except (OSError, OverflowError) as error:
        sock.close()
        message = "cannot listen at %s (%s): give another port; port 0 takes any free one" % (address, error)
        raise EngineError("load", message) from None
    token = secrets.token_urlsafe(18)
    shown = "[%s]" % loopback if loopback.version == 6 else str(loopback)
    return Listener(sock, "tcp:%s:%d#%s" % (shown, sock.getsockname()[1], token), token, None)
