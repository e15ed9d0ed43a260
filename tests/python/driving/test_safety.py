"""Debuggers that are dead, silent or hostile, signals and forks: the loop lives. Standard library, but for one test."""

import contextlib
import io
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from client import HELLO, Client
from common import MASK, PROMPT, ROOT, Driven, needs_torch, torch

from demask import acceptor, link, protocol

HERE = Path(__file__).resolve().parent


class Endless:
    """A loop that goes on until it is told to end. It counts up in the canvas, and looks whether nothing came in between."""

    def __init__(self, dbg):
        self.dbg, self.made, self.wrong = dbg, 0, []
        self.ended = False
        self.moved = threading.Condition()

    def __call__(self):
        x = PROMPT + [0, MASK]
        with self.dbg:
            while not self.ended:
                if x != PROMPT + [self.made % 7, MASK]:
                    self.wrong.append((self.made, x))
                x[2] = (self.made + 1) % 7
                with self.moved:
                    self.made += 1
                    self.moved.notify_all()
                x = self.dbg.step(x, argmax=[3] * 4)
        return self.made

    def goes_on(self, steps=3):
        """Waits until so many more steps are made."""
        with self.moved:
            goal = self.made + steps
            return self.moved.wait_for(lambda: self.made >= goal, 20)


class Looping(Driven):
    def setUp(self):
        super().setUp()
        told = io.StringIO()
        quiet = contextlib.redirect_stderr(told)
        quiet.__enter__()
        self.addCleanup(quiet.__exit__, None, None, None)
        self.told = told

    def loop(self, **given):
        dbg = self.debug(**given)
        loop = Endless(dbg)
        self.result = self.start(loop)
        self.addCleanup(self.end, loop)
        return dbg, loop

    def end(self, loop):
        loop.ended = True
        self.result()
        self.assertEqual(loop.wrong, [])


class Clients(Looping):
    def works(self, dbg, loop):
        """A new debugger can drive the loop."""
        with self.client(dbg) as client:
            node = client.waiting()
            self.assertEqual(client.go(node), node + 1)
        self.assertTrue(loop.goes_on())

    def test_who_does_not_greet_is_sent_away_and_holds_nothing_up(self):
        dbg, loop = self.loop()
        patience, link.PATIENCE = link.PATIENCE, 0.2
        self.addCleanup(setattr, link, "PATIENCE", patience)
        dbg, loop = self.loop()
        for first in [
            b"",
            b"\x00\xff\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b'{"type":"hello","protocol":',
            b"[" * 100_000 + b"\n",
            json.dumps({**HELLO, "protocol": 2}).encode() + b"\n",
            json.dumps({**HELLO, "type": "go"}).encode() + b"\n",
        ]:
            client = self.client(dbg, greet=False)
            client.raw(first)
            self.assertTrue(loop.goes_on())
            said = client.read()
            if first.endswith(b"\n"):
                self.assertEqual(said["type"], "error", first[:40])
                said = client.read()
            self.assertIsNone(said)
        self.assertFalse(dbg.attached)
        self.works(dbg, loop)

    def test_a_wrong_token_is_refused(self):
        dbg, loop = self.loop(listen="tcp:127.0.0.1:0")
        for token in ("", "#no"):
            client = Client(dbg.address.partition("#")[0] + token)
            self.addCleanup(client.close)
            self.assertIn("token is wrong", client.hello["message"])
        self.works(dbg, loop)

    def test_garbage_and_half_messages_while_the_loop_waits(self):
        dbg, loop = self.loop()
        for last in [b"}{\n", b"\xff\n", b"7\n", b'{"type":"go","fr']:
            with self.client(dbg) as client:
                client.waiting()
                client.raw(last)
                if not last.endswith(b"\n"):
                    client.close()
                else:
                    self.assertIn("JSON object", client.until("error")["message"])
                    self.assertIsNone(client.waiting())
            self.assertTrue(loop.goes_on())
        self.works(dbg, loop)

    def test_half_a_message_and_then_nothing(self):
        stalled, link.STALLED = link.STALLED, 1
        self.addCleanup(setattr, link, "STALLED", stalled)
        dbg, loop = self.loop()
        client = self.client(dbg)
        client.waiting()
        client.raw(b'{"type":"go","fr')
        self.assertIn("half a message", client.until("error")["message"])
        self.assertTrue(loop.goes_on())
        self.works(dbg, loop)

    def test_an_endless_line(self):
        dbg, loop = self.loop()
        client = self.client(dbg)
        client.waiting()
        client.raw(b" " * protocol.LONGEST_LINE)
        self.assertIn("longer than", client.until("error")["message"])
        self.assertTrue(loop.goes_on())
        self.works(dbg, loop)

    def test_who_reads_nothing_is_let_go(self):
        stalled, link.STALLED = link.STALLED, 1
        self.addCleanup(setattr, link, "STALLED", stalled)
        dbg, loop = self.loop()
        client = self.client(dbg)
        node = client.waiting()
        # Each is refused in some hundred bytes, which nobody reads.
        with contextlib.suppress(OSError):
            for _ in range(100_000):
                client.raw(b'{"type":"nonsense"}\n' * 10)
        self.assertTrue(loop.goes_on())
        client.close()
        self.works(dbg, loop)

    def test_a_second_debugger_is_told_and_a_third_comes_in_when_the_first_has_left(self):
        dbg, loop = self.loop()
        grace, link.GRACE = link.GRACE, 0.3
        self.addCleanup(setattr, link, "GRACE", grace)
        with self.client(dbg) as first:
            node = first.waiting()
            second = self.client(dbg)
            self.assertIn("another debugger is at this loop", second.hello["message"])
            self.assertEqual(second.hello["kind"], "failed")
            self.assertIsNone(second.read())
            self.assertEqual(first.go(node), node + 1)
            link.GRACE = 20
            third = self.start(lambda: self.client(dbg))
        self.assertEqual(third().hello["type"], "hello")
        third().close()

    def test_goes_that_nobody_asked_for_do_no_harm(self):
        dbg, loop = self.loop()
        with self.client(dbg) as client:
            node = client.waiting()
            for at in range(40):
                client.send({"type": "go", "from": node + at})
            for at in range(40):
                self.assertEqual(client.waiting(), node + at + 1)
        self.assertTrue(loop.goes_on())

    def test_stop_and_leave(self):
        dbg, loop = self.loop()
        with self.client(dbg) as client:
            client.waiting()
            client.send({"type": "stop"})
        self.result()
        self.assertFalse(os.path.exists(dbg.address.partition(":")[2]))

    def test_the_loop_does_not_say_that_it_goes_on_where_stop_came_last(self):
        dbg, loop = self.loop()
        with self.client(dbg) as client:
            client.waiting()
            # The loop detaches at the garbage, and finds the rest in what is left.
            client.raw(b"garbage\n" + json.dumps({"type": "stop"}).encode() + b"\n")
            self.result()
        self.assertIn("the loop is stopped by it", self.told.getvalue())
        self.assertNotIn("goes on", self.told.getvalue())

    def test_kill_9_of_the_debugger_at_random(self):
        dbg, loop = self.loop(record=self.path)
        source = random.Random(7)
        code = (
            "import sys; sys.path.insert(0, %r)\n"
            "from client import Client\n"
            "client = Client(%r)\n"
            "node = client.waiting()\n"
            "print('here', flush=True)\n"
            "while True: node = client.go(node)"
        ) % (str(HERE), dbg.address)
        for turn in range(30):
            debugger = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if turn % 3:
                self.assertEqual(debugger.stdout.read(4), b"here")
            # The moment is what is random.
            time.sleep(source.random() * (0.02 if turn % 3 else 0.1))
            debugger.kill()
            debugger.wait()
            debugger.stdout.close()
            self.assertTrue(loop.goes_on(), turn)
        self.end(loop)
        steps = [json.loads(line) for line in self.path.read_text().splitlines() if '"kind":"step"' in line]
        self.assertEqual([step["canvas"][0] for step in steps], [(at + 1) % 7 for at in range(loop.made)], "no step is lost")
        self.assertEqual([step["parent"] for step in steps], list(range(loop.made)))


class Process(Looping):
    """What a whole process does."""

    def process(self, code, **environment):
        head = "import os, sys; sys.path[:0] = [%r]; import demask\n" % str(ROOT / "python")
        # What a shell runs in the background ignores Ctrl-C, and so do its children.
        head += "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.folder), **environment}
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", head + code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def sockets(self):
        return sorted(path.name for path in (self.folder / "demask").iterdir())

    def test_sockets_are_this_users_alone_and_are_removed(self):
        process = self.process(
            "one = demask.debug(mask=9)\n"
            "two = demask.debug(mask=9)\n"
            "print(one.address); print(two.address)\n"
            "sys.stdin.read()\n"
        )
        addresses = [process.stdout.readline().strip() for _ in range(2)]
        names = ["loop-%d.sock" % process.pid, "loop-%d-2.sock" % process.pid]
        self.assertEqual(addresses, ["unix:%s" % (self.folder / "demask" / name) for name in names])
        for name in names:
            self.assertEqual(stat.S_IMODE(os.stat(self.folder / "demask" / name).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.folder / "demask").st_mode), 0o700)
        _, told = process.communicate("")
        self.assertIn("`demask attach %d` opens the debugger on loop (%s)" % (process.pid, addresses[0]), told)
        self.assertIn("`demask attach '%s'`" % addresses[1], told)
        self.assertEqual(self.sockets(), [], "closed at the end of the process")

    def test_ctrl_c_while_it_waits(self):
        code = (
            "with demask.debug(mask=9, prompt=[1], wait=%r, canvas=[1, 9, 9]) as dbg:\n"
            "    x = [1, 9, 9]\n"
            "    print(dbg.address)\n"
            "    for at in range(1000000): x = dbg.step(x)\n"
        )
        for waiting in ("for somebody", "for a go"):
            process = self.process(code % True)
            address = process.stdout.readline().strip()
            while "waits until" not in process.stderr.readline():
                pass
            if waiting == "for a go":
                client = Client(address)
                client.waiting()
            process.send_signal(signal.SIGINT)
            if waiting == "for a go":
                # Where Ctrl-C has cut a message off, nothing comes behind it.
                self.assertIn(client.read(), (None, {"kind": "end", "at": 1, "finish": None}))
                self.assertIsNone(client.read())
            _, told = process.communicate(timeout=60)
            self.assertIn("KeyboardInterrupt", told)
            self.assertEqual(self.sockets(), [])

    def test_kill_9_of_the_loop(self):
        process = self.process(
            "dbg = demask.debug(mask=9, prompt=[1], wait=True, listen='unix:%s')\n"
            "print(dbg.address)\n"
            "while True: dbg.step([1, 9])\n" % self.path
        )
        client = Client(process.stdout.readline().strip())
        node = client.waiting()
        process.kill()
        process.wait()
        while client.read() is not None:
            self.fail("it is dead")
        # The next loop takes the name.
        dbg, loop = self.loop(listen="unix:%s" % self.path)
        self.assertTrue(loop.goes_on())

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_a_fork_leaves_the_debugger_to_the_parent(self):
        for name in ("run.jsonl", "run.jsonl.gz"):
            process = self.process(
                "x = [1, 9, 9]\n"
                "with demask.debug(mask=9, prompt=[1], wait=True, record=%r) as dbg:\n"
                "    print(dbg.address)\n"
                "    x = dbg.step(x)\n"
                "    child = os.fork()\n"
                "    if child == 0:\n"
                "        for at in range(100): dbg.step(x)\n"
                "        dbg.close()\n"
                "        sys.exit(7)\n"
                "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if hasattr(os, 'waitstatus_to_exitcode') else 7)\n"
                "    x = dbg.step(x)\n"
                "    x = dbg.step(x)\n" % str(self.folder / name)
            )
            client = Client(process.stdout.readline().strip())
            self.assertEqual(client.waiting(), 1)
            self.assertEqual(client.go(1), 2)
            self.assertEqual(process.stdout.readline().strip(), "7")
            self.assertEqual(self.sockets(), ["loop-%d.sock" % process.pid])
            client.close()
            process.communicate()
            self.assertEqual(process.returncode, 0)
            data = (self.folder / name).read_bytes()
            if name.endswith(".gz"):
                import gzip

                data = gzip.decompress(data)
            kinds = [json.loads(line)["kind"] for line in data.splitlines()]
            self.assertEqual(kinds, ["header", "root", "step", "step", "step", "end"])

    @needs_torch
    def test_the_workers_of_a_data_loader(self):
        class Numbers(torch.utils.data.Dataset):
            def __len__(self):
                return 6

            def __getitem__(self, at):
                return at

        dbg = self.debug(wait=True)

        def loop():
            with dbg:
                for step, found in enumerate(torch.utils.data.DataLoader(Numbers(), num_workers=2)):
                    dbg.step(PROMPT + [int(found), MASK])
            return step

        result = self.start(loop)
        client = self.client(dbg)
        node = client.waiting()
        for _ in range(5):
            node = client.go(node)
        self.assertIsNone(client.go(node))
        self.assertEqual([step["canvas"][0] for step in client.kinds("step")], list(range(6)))
        self.assertEqual(result(), 5)


if __name__ == "__main__":
    unittest.main()
