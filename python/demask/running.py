"""Runs a sampling loop so that it can go back to any of its steps and branch there: `run`."""

from __future__ import annotations

import atexit
import sys
import threading
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from .driving import Columns, Debug, Stopped
from .go import Go
from .history import History, Node
from .link import say
from .protocol import EngineError, Message
from .records import Records
from .recorder import Values
from .snapshot import Snapshot, copied

# How long the process waits at its end for a step that is being made on a thread, seconds.
_LAST_STEP = 5.0

# One step of a sampler.
Step = Callable[[Any, Any, Debug], Any]


class _Restart(BaseException):
    """Abandons the step that is being made, to go on as the go says."""

    def __init__(self, go: Go) -> None:
        super().__init__()
        self.go = go


class Run(Debug):
    """A loop around `step_fn`; see `run`."""

    _restores = True

    def __init__(
        self,
        step_fn: Step,
        x: Values,
        state: Any,
        steps: Optional[int],
        memory: int,
        open: Optional[Iterable[int]] = None,
        **given: Any,
    ) -> None:
        try:
            self._x, self._state = copied((x, state))
        except Exception as error:
            raise TypeError(
                "the canvas and the state cannot be copied (%s: %s): keep what cannot be copied outside of the state"
                % (type(error).__name__, error)
            ) from None
        if given.get("prompt") is None and given.get("canvas") is None:
            given["canvas"] = x
        given.setdefault("name", getattr(step_fn, "__name__", "loop"))
        super().__init__(**given)
        self._make, self._limit = step_fn, steps
        self._history = History(memory)
        # The node that the next step is made from, if it is recorded, and how many steps lead to it.
        self._here: Optional[int] = None
        self._depth = 0
        self._open_after: Optional[Iterable[int]] = None
        # Whether the current step is shown or recorded; the root, where it is not recorded yet.
        self._shown = False
        self._root: Optional[Tuple[List[Optional[int]], Optional[Iterable[int]], Snapshot]] = None
        # Positions of the canvas that still hold noise.
        self._open = open
        # Whether a known step is being made again, which is not recorded.
        self._replaying = False
        self._over = False

    def go(self) -> Values:
        """Runs the loop to its end; the last canvas."""
        with self:
            try:
                self._loop()
            except Stopped:
                # Nothing remains of a step that was abandoned.
                if self._here is not None:
                    self._x, self._state = self._restored(self._here)
                raise
        return self._x

    def step(self, x: Values, *_: Any, **__: Any) -> Values:
        raise TypeError("demask.run records steps by itself: return the canvas from the function of a step")

    def start(self, x: Values, *_: Any, **__: Any) -> Values:
        raise TypeError("demask.run starts a run by itself: give it the first canvas")

    def leave_open(self, positions: Iterable[int]) -> None:
        """Says which generated positions still hold noise after this step, in a canvas that starts from random tokens."""
        if not self._replaying:
            self._open_after = positions

    # -- The loop

    def _loop(self) -> None:
        while True:
            self._guarded(self._before_step, None)
            self._over = self._limit is not None and self._depth >= self._limit
            made = None
            if not self._over:
                try:
                    self._open_after = None
                    made = self._made(self._x, self._state)
                except _Restart as restart:
                    self._guarded(lambda: self._restart_step(restart.go), None)
                    continue
            if made is not None:
                self._x, self._state = made
                self._open = self._open_after
                self._depth += 1
                self.steps += 1
                self._guarded(self._after_step, None)
                continue
            self._over = True
            if not self._guarded(self._wait_at_end, False):
                return

    def _made(self, x: Values, state: Any) -> Optional[Tuple[Values, Any]]:
        """Makes a step: the canvas and the state after it; None at the end."""
        made = self._make(x, state, self)
        if isinstance(made, tuple) and len(made) == 2 and not isinstance(made[0], int):
            return made
        return None if made is None else (made, state)

    def _before_step(self) -> None:
        """Before a step: attaches a debugger that is pending."""
        self._shown = False
        if not self._live:
            return
        self._shown = super()._poll()
        if not self._shown:
            return
        if self._records is None:
            self._root = (self._region.read(self._x), self._open, Snapshot((self._x, self._state)))
        # Before the first step, the knobs are not known: the root is recorded once that step has declared them.
        if self._just_attached and self.steps and not self._proposes:
            self._ensure_records()
            self._ask(self._move)

    def _poll(self) -> bool:
        # A debugger that comes in the middle of a step waits for its end: the loop can return only to places between steps.
        return self._shown and not self._replaying

    def _ensure_records(self) -> Records:
        """The records, with their root."""
        if self._records is None:
            assert self._root is not None
            canvas, open_, snapshot = self._root
            records = self._begin()
            records.begin(canvas, open_)
            self._root = None
            self._add_node(records, snapshot, Node(None, self._depth, self._values(), None, _digest(canvas)))
        assert self._records is not None
        return self._records

    def _records_before(self, x: Values) -> Records:
        self._ensure_records()
        return super()._records_before(x)

    def _predicted(self, x: Optional[Values], logits: Optional[Values], columns: Columns) -> None:
        if self._poll():
            self._ensure_records()
            super()._predicted(x, logits, columns)

    def _propose(
        self,
        x: Values,
        positions: Values,
        tokens: Values,
        logits: Optional[Values],
        columns: Columns,
        open: Optional[Iterable[int]],
    ) -> Tuple[Values, Values]:
        if self._replaying:
            now = self._region.read(x)
            return self._allowed(self._proposal(positions, tokens), now, now)
        return super()._propose(x, positions, tokens, logits, columns, open)

    def _after_step(self) -> None:
        """After a step: records it, and waits."""
        proposed, self._proposed, self._go_received = self._proposed, False, False
        if not self._shown:
            return
        records = self._ensure_records()
        self._x = self._put_back(self._x, records.canvas)
        records.turn(self._values())
        records.step(self._x, open=self._open)
        go, self._go_in_force = self._go_in_force, None
        digest = _digest(self._region.read(self._x))
        snapshot = Snapshot((self._x, self._state), self._history.newest)
        self._add_node(records, snapshot, Node(self._here, self._depth, self._values(), go, digest))
        last = self._limit is not None and self._depth >= self._limit
        if self._link.attached and not proposed and not last:
            self._ask(self._move)
        records.resume()

    def _add_node(self, records: Records, snapshot: Snapshot, node: Node) -> None:
        """Adds the node that was recorded last to the history."""
        assert records.node is not None
        self._history.add(records.node, node)
        self._history.keep(records.node, snapshot)
        self._here = records.node

    def _wait_at_end(self) -> bool:
        """Waits at the end; returns whether the debugger went back to an earlier node."""
        if not self._shown:
            return False
        self._ensure_records()
        return bool(self._link.attached and self._ask(self._at_end))

    def _at_end(self, go: Go) -> bool:
        if go.start == self._here and go.canvas is None and not self._turned(go):
            return False
        if go.start == self._here:
            # The last call may have changed canvas and state before it returned None.
            self._x, self._state = self._restored(go.start)
        return self._move(go)

    # -- Time travel

    def _check_start(self, go: Go) -> None:
        assert self._records is not None
        if go.start not in self._history and go.start != self._records.node:
            raise EngineError("failed", "nothing is kept of node %d: go on from one that this run has made" % go.start)

    def _apply_within(self, x: Values, go: Go) -> Values:
        assert self._records is not None
        stands = go.start == self._records.node
        if stands and go.canvas is None and not self._turned(go):
            self._go_in_force = go
            return x
        if go.start not in self._history:
            raise EngineError(
                "failed",
                "the function of the step has changed the canvas before it proposed this, so nothing can be changed here: "
                "go on, or go from the node before",
            )
        # So far the step has used other values or another canvas, so it is made anew.
        raise _Restart(go)

    def _turned(self, go: Go) -> bool:
        return any(self._knobs[name].value != value for name, value in go.values.items())

    def _restart_step(self, go: Go) -> None:
        """Abandons the current step without a trace, and goes on as the go says."""
        here = self._here
        assert here is not None and self._records is not None
        self._x, self._state = self._restored(here)
        try:
            self._move(go)
            self._proposed = False
        except (EngineError, ValueError) as error:
            self._refuse(str(error))
            self._records.at(here, self._region.read(self._x), self._history[here].values)
            self._ask(self._move)

    def _move(self, go: Go) -> bool:
        """Goes to the node that the next step is made from, and applies the go there."""
        records, here = self._records, self._here
        assert records is not None and here is not None
        if go.start == here:
            x, state = self._x, self._state
        else:
            try:
                x, state = self._restored(go.start)
            except Exception as error:
                self._restored(here)
                raise EngineError("failed", "node %d cannot be reached again: %s" % (go.start, error)) from None
        node = self._history[go.start]
        if go.canvas is not None:
            x = self._region.write(x, go.canvas)
        if go.start != here:
            for name, value in node.values.items():
                self._knobs[name].value = value
        if records.node != go.start:
            records.at(go.start, self._region.read(x), node.values)
        self._x, self._state, self._depth, self._here = x, state, node.depth, go.start
        self._apply(x, go)
        if go.canvas is not None:
            assert records.node is not None
            made = Node(go.start, node.depth, node.values, None, _digest(go.canvas), go.canvas)
            self._history.add(records.node, made)
            self._here = records.node
        # This go is for the next step, which then need not wait for one when it proposes something.
        self._go_received = True
        return True

    def _restored(self, number: int) -> Tuple[Values, Any]:
        """Canvas and state at a node; sets the generators to their states there."""
        snapshot, path = self._history.path_to(number)
        x, state = snapshot.restored()
        now = self._values(), self._go_in_force
        self._replaying = True
        try:
            for one in path:
                x, state = self._remade(self._history[one], x, state)
        finally:
            self._replaying = False
            for name, value in now[0].items():
                self._knobs[name].value = value
            self._go_in_force = now[1]
        if path and self._history[number].edited is None:
            self._history.keep(number, Snapshot((x, state), self._history.newest))
        return x, state

    def _remade(self, node: Node, x: Values, state: Any) -> Tuple[Values, Any]:
        """Makes a step or an edit again."""
        if node.edited is not None:
            return self._region.write(x, node.edited), state
        for name, value in node.values.items():
            self._knobs[name].value = value
        self._go_in_force = node.go
        before = self._region.read(x)
        made = self._made(x, state)
        if made is not None:
            x, state = self._put_back(made[0], before), made[1]
        if made is None or _digest(self._region.read(x)) != node.digest:
            raise EngineError(
                "failed",
                "a step that was made again came out differently, so the sampler depends on something that is neither in "
                "its state nor in a generator of random numbers: put it into the state",
            )
        return x, state

    def _waiting_fields(self) -> Message:
        said: Message = {"kept": {"nodes": self._history.kept, "bytes": self._history.bytes}}
        return {**said, "done": True} if self._over else said

    def _reset(self) -> None:
        super()._reset()
        self._history.clear()
        self._here, self._root, self._shown = None, None, False


def _digest(canvas: Sequence[Optional[int]]) -> int:
    return hash(tuple(canvas))


class Handle:
    """A run on a thread of its own. `address` is the one that `demask attach` takes."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.address = run.address
        self._found: Dict[str, Any] = {}
        self._thread = threading.Thread(target=self._go, args=(_modes(),), name="demask runs", daemon=True)
        self._thread.start()
        # A thread that still computes while the interpreter shuts down may crash the process.
        atexit.register(self._leave)

    def result(self, timeout: Optional[float] = None) -> Values:
        """Waits for the last canvas; raises what the loop raised, or `TimeoutError` after so many seconds."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError("the loop has not ended yet")
        if "error" in self._found:
            raise self._found["error"]
        return self._found["result"]

    def stop(self) -> None:
        """Ends the loop at its next step."""
        self._run.stop()

    def _leave(self) -> None:
        self.stop()
        self._thread.join(_LAST_STEP)

    def _go(self, modes: List[Callable[[], Any]]) -> None:
        try:
            for mode in modes:
                mode()
            self._found["result"] = self._run.go()
        except BaseException as error:
            self._found["error"] = error
            say("%s has failed (%s: %s)" % (self._run.name, type(error).__name__, error))
        finally:
            atexit.unregister(self._leave)


def _modes() -> List[Callable[[], Any]]:
    """Functions that set torch's per-thread modes, such as whether gradients are wanted, on another thread as they are here."""
    torch = sys.modules.get("torch")
    if torch is None:
        return []
    grad, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    modes: List[Callable[[], Any]] = [lambda: torch.set_grad_enabled(grad)]
    if inference:
        modes.append(lambda: torch.inference_mode().__enter__())
    return modes


def run(
    step_fn: Step,
    x: Values,
    state: Any = None,
    *,
    steps: Optional[int] = None,
    memory: int = 1 << 30,
    block: bool = True,
    open: Optional[Iterable[int]] = None,
    **given: Any,
) -> Any:
    """Runs a sampling loop under the debugger, which can then go back to any step and branch there.

        def step(x, state, dbg):
            if not (x == mask).any():
                return None
            threshold = dbg.knob("threshold", 0.9, 0.0, 1.0)
            logits = model(x).logits
            dbg.predicted(logits=logits)
            return select(x, logits, float(threshold), generator=state["generator"])

        final = demask.run(step, x, {"generator": generator}, mask=126336, eos=126081, tokenizer=tokenizer)

    step_fn  makes a step: from the canvas, the state and `Debug` to the canvas after it; or to the canvas and the state; or
             to None at the end. It may change both in place
    x        the first canvas; it is copied
    state    whatever else a step depends on; it is copied, but for torch modules and generators of random numbers in it
    steps    the most steps; None where `step_fn` ends the loop
    memory   bounds, in bytes, what is kept to go back. Over it, fewer nodes are kept, and the steps in between are made
             again: exactly, as long as a step depends on nothing but canvas, state, knobs and generators of random numbers
    open     generated positions of `x` that hold noise; `dbg.leave_open` says which do after each step
    block    False runs it on a thread of its own, as in a notebook, and returns a `Handle`

    The other arguments are those of `debug`. While a debugger is attached, or with `record=`, each step's canvas and state are
    kept, and the states of the generators of Python, NumPy and torch, on the CPU and on CUDA. Returns the last canvas.
    """
    made = Run(step_fn, x, state, steps, memory, open, **given)
    return made.go() if block else Handle(made)
