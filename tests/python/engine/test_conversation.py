"""Good and bad clients: standard library only, with an engine without a model."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from common import ROOT

from demask import conversation, protocol, serving
from demask.connection import listen, runtime_folder
from demask.protocol import EngineError
from demask.serving import Handle

HELLO = {"type": "hello", "protocol": 1, "program": "test", "token": None}


class Counting:
    """An engine whose passes have three layers; one that is asked to wait does so until its answer is not wanted."""

    def __init__(self):
        self.reached = threading.Event()

    def hello(self):
        return {"type": "hello", "protocol": 1}

    def texts(self, first, count):
        return {"texts": [str(at) for at in range(first, first + count)]}

    def encode(self, message):
        raise ValueError("no such text")

    def decode(self, ids):
        return {"text": str(ids)}

    def predict(self, message, progress, memory):
        for layer in range(3):
            progress(layer, 3)
        while message.get("wait"):
            self.reached.set()
            progress(2, 3)
        return {"columns": {}}


class Client:
    def __init__(self, address):
        kind, _, place = address.partition(":")
        if kind == "unix":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(place)
        else:
            host, port = place.split("#")[0].rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
        self.socket.settimeout(20)
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def send(self, *messages):
        for message in messages:
            self.raw(protocol.encode(message))

    def raw(self, data):
        self.socket.sendall(data)

    def read(self):
        """The next message other than "progress"; None at the end."""
        while True:
            line = self.lines.readline()
            if not line:
                return None
            message = protocol.decode(line)
            if message["type"] != "progress":
                return message


class Served(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "engine.sock"
        self.engine = Counting()
        self.serve("unix:%s" % self.path)

    def serve(self, address):
        self.handle = Handle(self.engine, listen(address))
        self.handle.start()
        self.addCleanup(self.handle.close)

    def greeted(self):
        client = Client(self.handle.address)
        client.send(HELLO)
        self.assertEqual(client.read()["type"], "hello")
        return client

    def works(self):
        """A new client is answered."""
        with self.greeted() as client:
            client.send({"type": "texts", "id": 7, "first": 3, "count": 2})
            self.assertEqual(client.read(), {"type": "texts", "id": 7, "texts": ["3", "4"]})

    def test_requests_are_answered_in_order(self):
        with self.greeted() as client:
            client.send(*({"type": "predict", "id": id_} for id_ in (5, 3, 9)))
            self.assertEqual([client.read()["id"] for _ in range(3)], [5, 3, 9])

    def test_layers_are_told_where_they_take_their_time(self):
        gap, conversation.GAP = conversation.GAP, 0.0
        self.addCleanup(setattr, conversation, "GAP", gap)
        with self.greeted() as client:
            client.send({"type": "predict", "id": 5})
            lines = [protocol.decode(client.lines.readline()) for _ in range(4)]
            self.assertEqual([line.get("done") for line in lines], [0, 1, 2, None])
            self.assertEqual(lines[-1], {"type": "prediction", "id": 5, "columns": {}})
            conversation.GAP = 1000.0
            client.send({"type": "predict", "id": 6})
            self.assertEqual(protocol.decode(client.lines.readline())["type"], "prediction")

    def test_what_is_cancelled_is_answered_and_the_next_goes_on(self):
        with self.greeted() as client:
            client.send({"type": "predict", "id": 1, "wait": True}, {"type": "predict", "id": 2, "wait": True})
            self.assertTrue(self.engine.reached.wait(20))
            # A request in work, one that waits, and one that was never sent.
            client.send({"type": "cancel", "id": 2}, {"type": "cancel", "id": 99}, {"type": "cancel", "id": 1})
            client.send({"type": "predict", "id": 99})
            found = [client.read() for _ in range(3)]
            self.assertEqual([(one["id"], one.get("kind")) for one in found], [(1, "cancelled"), (2, "cancelled"), (99, None)])

    def test_faults_are_told_and_the_conversation_goes_on(self):
        with self.greeted() as client:
            for data, kind, id_ in [
                (b"garbage\n", "protocol", None),
                (b'{"type":"nonsense","id":4}\n', "protocol", 4),
                (b'{"type":"predict"}\n', "protocol", None),
                (b'{"type":"predict","id":"x"}\n', "protocol", None),
                (b'{"type":"texts","id":4,"first":-1,"count":1}\n', "protocol", 4),
                (b'{"type":"decode","id":4,"ids":"x"}\n', "protocol", 4),
                (b'{"type":"encode","id":4,"text":"x"}\n', "failed", 4),
            ]:
                client.raw(data)
                answer = client.read()
                self.assertEqual((answer["kind"], answer["id"]), (kind, id_), (data, answer))
            self.assertIn("no such text", answer["message"])
            self.assertIn("ValueError", answer["traceback"])
            client.send({"type": "predict", "id": 5})
            self.assertEqual(client.read()["type"], "prediction")

    def test_clients_that_leave_do_not_stop_it(self):
        for data in [b"", b'{"type":"hel', b"\xff\xfe\n", protocol.encode(HELLO) + b'{"type":"pred', b"GET / HTTP/1.1\r\n\r\n"]:
            with Client(self.handle.address) as client:
                client.raw(data)
            self.works()
        client = self.greeted()
        client.send({"type": "predict", "id": 1, "wait": True})
        self.assertTrue(self.engine.reached.wait(20))
        client.__exit__()
        self.works()

    def test_who_asks_for_more_than_can_wait_is_let_go_like_others(self):
        before = threading.active_count()
        client = self.greeted()
        client.send({"type": "predict", "id": 1, "wait": True})
        self.assertTrue(self.engine.reached.wait(20))
        client.send(*({"type": "predict", "id": id_} for id_ in range(2, 40)))
        client.__exit__()
        # The reader is blocked by a full queue; only sending progress shows that the client is gone.
        self.works()
        until = time.monotonic() + 20
        while threading.active_count() > before and time.monotonic() < until:
            time.sleep(0.01)
        self.assertLessEqual(threading.active_count(), before)

    def test_stop_ends_the_conversation_only(self):
        with self.greeted() as client:
            client.send({"type": "stop"})
            self.assertIsNone(client.read())
        self.works()

    def test_a_second_debugger_hears_why_it_is_not_let_in(self):
        grace, serving.GRACE = serving.GRACE, 0.05
        self.addCleanup(setattr, serving, "GRACE", grace)
        with self.greeted() as first:
            with Client(self.handle.address) as second:
                second.send(HELLO)
                answer = second.read()
                self.assertIn("another debugger is at this engine", answer["message"])
                self.assertIsNone(second.read())
            first.send({"type": "predict", "id": 5})
            self.assertEqual(first.read()["id"], 5)
        serving.GRACE = grace
        self.works()

    def test_who_does_not_greet_is_not_let_in(self):
        for first, part in [
            ({"type": "texts", "id": 1, "first": 0, "count": 1}, "hello"),
            ({**HELLO, "protocol": 2}, "speaks protocol 2, and this engine 1"),
            ({"type": "hello"}, "speaks protocol"),
        ]:
            with Client(self.handle.address) as client:
                client.send(first)
                answer = client.read()
                self.assertEqual((answer["type"], answer["kind"]), ("error", "protocol"))
                self.assertIn(part, answer["message"])
                self.assertIsNone(client.read())
            self.works()

    def test_who_says_nothing_keeps_nobody_waiting(self):
        silent = [Client(self.handle.address) for _ in range(5)]
        started = time.monotonic()
        self.works()
        self.assertLess(time.monotonic() - started, conversation.PATIENCE / 2)
        for client in silent:
            client.__exit__()

    def test_who_says_nothing_is_not_waited_for_for_ever(self):
        patience, conversation.PATIENCE = conversation.PATIENCE, 0.05
        try:
            with Client(self.handle.address) as client:
                self.assertIsNone(client.read())
        finally:
            conversation.PATIENCE = patience
        self.works()

    def test_the_socket_is_this_users_own_and_goes(self):
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        with self.assertRaises(EngineError) as raised:
            listen("unix:%s" % self.path)
        self.assertIn("another engine listens there", raised.exception.message)
        with self.greeted() as client:
            self.handle.close()
            self.assertIsNone(client.read())
        self.assertFalse(self.path.exists())

    def test_a_socket_that_nobody_listens_at_is_taken_over(self):
        self.handle.close()
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(str(self.path))
        dead.close()
        self.serve("unix:%s" % self.path)
        self.works()

    def test_other_files_are_left_alone(self):
        path = self.path.with_name("letter")
        path.write_text("dear")
        with self.assertRaises(EngineError):
            listen("unix:%s" % path)
        self.assertEqual(path.read_text(), "dear")

    def test_tcp_wants_its_token(self):
        self.serve("tcp:127.0.0.1:0")
        token = self.handle.address.split("#")[1]
        self.assertGreaterEqual(len(token), 16)
        for given in (None, "", token[:-1], token + "x", 7):
            with Client(self.handle.address) as client:
                client.send({**HELLO, "token": given})
                self.assertIn("token is wrong", client.read()["message"])
                self.assertIsNone(client.read())
        with Client(self.handle.address) as client:
            client.send({**HELLO, "token": token})
            self.assertEqual(client.read()["type"], "hello")

    def test_addresses_of_others_are_refused(self):
        for address, part in [
            ("tcp:0.0.0.0:0", "ssh -L"),
            ("tcp:10.1.2.3:80", "ssh -L"),
            ("tcp:here", "is no address"),
            ("tcp:127.0.0.1:x", "is no address"),
            ("tcp:127.0.0.1:99999", "cannot listen at"),
            ("udp:1", "is no address"),
            ("unix:", "is no address"),
            ("unix:/nowhere/at/all", "cannot listen at"),
        ]:
            with self.assertRaises(EngineError, msg=address) as raised:
                listen(address)
            self.assertIn(part, raised.exception.message)


class Folder(unittest.TestCase):
    def test_sockets_lie_in_a_folder_of_ones_own(self):
        with tempfile.TemporaryDirectory() as folder:
            before = os.environ.get("XDG_RUNTIME_DIR")
            os.environ["XDG_RUNTIME_DIR"] = folder
            try:
                made = runtime_folder()
                self.assertEqual((made.parent, stat.S_IMODE(made.stat().st_mode)), (Path(folder), 0o700))
                listener = listen()
                self.assertTrue(listener.address.startswith("unix:%s/engine-" % made))
                listener.close()
                self.assertEqual(list(made.iterdir()), [])
                made.rmdir()
                made.symlink_to("/tmp")
                with self.assertRaises(EngineError):
                    runtime_folder()
            finally:
                os.environ.pop("XDG_RUNTIME_DIR")
                if before is not None:
                    os.environ["XDG_RUNTIME_DIR"] = before


class Package(unittest.TestCase):
    def test_importing_it_imports_no_library(self):
        code = (
            "import sys, demask, demask.engine, demask.serving, demask.probe, demask.loading\n"
            "demask.Recorder, demask.serve\n"
            "print([name for name in ('torch', 'numpy', 'transformers') if name in sys.modules])"
        )
        run = subprocess.run([sys.executable, "-c", code], cwd=str(ROOT / "python"), capture_output=True, text=True)
        self.assertEqual(run.stdout.strip(), "[]", run.stderr)

    def test_the_command_helps_without_torch(self):
        run = subprocess.run(
            [sys.executable, "-S", "-m", "demask.engine", "--help"],
            cwd=str(ROOT / "python"),
            capture_output=True,
            text=True,
        )
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("--trust-remote-code", run.stdout)

    def test_without_torch_one_paragraph_says_what_to_do(self):
        hello = protocol.encode(HELLO)
        command = [sys.executable, "-S", "-m", "demask.engine", "nothing"]
        run = subprocess.run(command, cwd=str(ROOT / "python"), input=hello, capture_output=True)
        error = protocol.decode(run.stdout.splitlines()[-1])
        self.assertEqual((run.returncode, error["kind"]), (1, "load"))
        self.assertIn("pip install torch", error["message"])
        self.assertIn(b"pip install torch", run.stderr)


if __name__ == "__main__":
    unittest.main()
