"""Runs somebody's sampling loop, so that it can go back to any of its steps and on from there in another way."""

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

# One step of somebody's sampler.
Step = Callable[[Any, Any, Debug], Any]


class _Travel(BaseException):
    """Leaves a step in the middle, to go on from another place."""

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
        # The node that the next step is made from, if it is recorded, and the steps before it.
        self._here: Optional[int] = None
        self._depth = 0
        self._leaves: Optional[Iterable[int]] = None
        # Whether the step that is being made is recorded; the root, where nothing was recorded before it.
        self._telling = False
        self._root: Optional[Tuple[List[Optional[int]], Optional[Iterable[int]], Snapshot]] = None
        # Positions of the canvas that hold a token and are not written yet.
        self._open = open
        # Whether a step is being made again, which nobody needs to be told of.
        self._again = False
        self._over = False

    def go(self) -> Values:
        """Runs the loop to its end; the last canvas."""
        with self:
            try:
                self._loop()
            except Stopped:
                # Of a step that is left in the middle nothing remains.
                if self._here is not None:
                    self._x, self._state = self._restored(self._here)
                raise
        return self._x

    def step(self, x: Values, *_: Any, **__: Any) -> Values:
        raise TypeError("demask.run records steps by itself: return the canvas from the function of a step")

    def start(self, x: Values, *_: Any, **__: Any) -> Values:
        raise TypeError("demask.run starts a run by itself: give it the first canvas")

    def leave_open(self, positions: Iterable[int]) -> None:
        """Says which generated positions will hold a token and not be written yet when this step is made: those of a canvas
        that starts from random tokens, until they are accepted."""
        if not self._again:
            self._leaves = positions

    # -- The loop

    def _loop(self) -> None:
        while True:
            self._surely(self._arrive, None)
            self._over = self._limit is not None and self._depth >= self._limit
            made = None
            if not self._over:
                try:
                    self._leaves = None
                    made = self._made(self._x, self._state)
                except _Travel as travel:
                    self._surely(lambda: self._leave(travel.go), None)
                    continue
            if made is not None:
                self._x, self._state = made
                self._open = self._leaves
                self._depth += 1
                self.steps += 1
                self._surely(self._behind, None)
                continue
            self._over = True
            if not self._surely(self._linger, False):
                return

    def _made(self, x: Values, state: Any) -> Optional[Tuple[Values, Any]]:
        """Makes a step: the canvas and the state after it; None at the end."""
        made = self._make(x, state, self)
        if isinstance(made, tuple) and len(made) == 2 and not isinstance(made[0], int):
            return made
        return None if made is None else (made, state)

    def _arrive(self) -> None:
        """Before a step: takes in who is at the door."""
        self._telling = False
        if not self._live:
            return
        self._telling = super()._meet()
        if not self._telling:
            return
        if self._records is None:
            self._root = (self._region.read(self._x), self._open, Snapshot((self._x, self._state)))
        # Before the first step, knobs are not known: then the root is recorded when that step has shown them.
        if self._came and self.steps and not self._proposes:
            self._begun()
            self._ask(self._take)

    def _meet(self) -> bool:
        # Who comes in the middle of a step has to wait for its end: only there can it be come back to.
        return self._telling and not self._again

    def _begun(self) -> Records:
        """The records, with their root."""
        if self._records is None:
            assert self._root is not None
            canvas, open_, snapshot = self._root
            records = self._begin()
            records.begin(canvas, open_)
            self._root = None
            self._note(records, snapshot, Node(None, self._depth, self._values(), None, _digest(canvas)))
        assert self._records is not None
        return self._records

    def _before(self, x: Values) -> Records:
        self._begun()
        return super()._before(x)

    def _predicted(self, x: Optional[Values], logits: Optional[Values], columns: Columns) -> None:
        if self._meet():
            self._begun()
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
        if self._again:
            now = self._region.read(x)
            return self._allowed(self._proposal(positions, tokens), now, now)
        return super()._propose(x, positions, tokens, logits, columns, open)

    def _behind(self) -> None:
        """After a step: records it, and waits."""
        proposed, self._proposed, self._granted = self._proposed, False, False
        if not self._telling:
            return
        records = self._begun()
        self._x = self._put_back(self._x, records.canvas)
        records.turn(self._values())
        records.step(self._x, open=self._open)
        holds, self._holds = self._holds, None
        digest = _digest(self._region.read(self._x))
        snapshot = Snapshot((self._x, self._state), self._history.newest)
        self._note(records, snapshot, Node(self._here, self._depth, self._values(), holds, digest))
        last = self._limit is not None and self._depth >= self._limit
        if self._link.attached and not proposed and not last:
            self._ask(self._take)
        records.resume()

    def _note(self, records: Records, snapshot: Snapshot, node: Node) -> None:
        """Takes the node in that was recorded last."""
        assert records.node is not None
        self._history.add(records.node, node)
        self._history.keep(records.node, snapshot)
        self._here = records.node

    def _linger(self) -> bool:
        """At the end: whether somebody goes back before it is one."""
        if not self._telling:
            return False
        self._begun()
        return bool(self._link.attached and self._ask(self._at_end))

    def _at_end(self, go: Go) -> bool:
        if go.start == self._here and go.canvas is None and not self._turned(go):
            return False
        if go.start == self._here:
            # The last call may have changed them before it found that it had nothing to do.
            self._x, self._state = self._restored(go.start)
        return self._take(go)

    # -- Time travel

    def _reach(self, go: Go) -> None:
        assert self._records is not None
        if go.start not in self._history and go.start != self._records.node:
            raise EngineError("failed", "nothing is kept of node %d: go on from one that this run has made" % go.start)

    def _obey_within(self, x: Values, go: Go) -> Values:
        assert self._records is not None
        stands = go.start == self._records.node
        if stands and go.canvas is None and not self._turned(go):
            self._holds = go
            return x
        if go.start not in self._history:
            raise EngineError(
                "failed",
                "the function of the step has changed the canvas before it proposed this, so nothing can be changed here: "
                "go on, or go from the node before",
            )
        # What the step has done so far, it has done with other values or on another canvas.
        raise _Travel(go)

    def _turned(self, go: Go) -> bool:
        return any(self._knobs[name].value != value for name, value in go.values.items())

    def _leave(self, go: Go) -> None:
        """Leaves a step in the middle, of which nothing remains."""
        here = self._here
        assert here is not None and self._records is not None
        self._x, self._state = self._restored(here)
        try:
            self._take(go)
            self._proposed = False
        except (EngineError, ValueError) as error:
            self._refuse(str(error))
            self._records.at(here, self._region.read(self._x), self._history[here].values)
            self._ask(self._take)

    def _take(self, go: Go) -> bool:
        """Goes to where the next step is to be made from."""
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
        self._obey(x, go)
        if go.canvas is not None:
            assert records.node is not None
            made = Node(go.start, node.depth, node.values, None, _digest(go.canvas), go.canvas)
            self._history.add(records.node, made)
            self._here = records.node
        # This go is the step's, which does not ask for one where it proposes something.
        self._granted = True
        return True

    def _restored(self, number: int) -> Tuple[Values, Any]:
        """Canvas and state at a node, and the generators set as they were there."""
        snapshot, way = self._history.way(number)
        x, state = snapshot.restored()
        now = self._values(), self._holds
        self._again = True
        try:
            for one in way:
                x, state = self._remade(self._history[one], x, state)
        finally:
            self._again = False
            for name, value in now[0].items():
                self._knobs[name].value = value
            self._holds = now[1]
        if way and self._history[number].edited is None:
            self._history.keep(number, Snapshot((x, state), self._history.newest))
        return x, state

    def _remade(self, node: Node, x: Values, state: Any) -> Tuple[Values, Any]:
        """Makes a step or an edit again."""
        if node.edited is not None:
            return self._region.write(x, node.edited), state
        for name, value in node.values.items():
            self._knobs[name].value = value
        self._holds = node.holds
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

    def _standing(self) -> Message:
        said: Message = {"kept": {"nodes": self._history.kept, "bytes": self._history.bytes}}
        return {**said, "done": True} if self._over else said

    def _forget(self) -> None:
        super()._forget()
        self._history.clear()
        self._here, self._root, self._telling = None, None, False


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
        # A thread that computes while the interpreter goes away may take the process down with a crash.
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
    """Sets on another thread what torch keeps for each: whether gradients are wanted."""
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
    """Runs a sampling loop under the debugger, which can then go back to any step, and on from there in another way.

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
    open     generated positions of `x` that hold a token and are not written yet; `dbg.leave_open` says it of each step
    block    False runs it on a thread of its own, as in a notebook, and returns a `Handle`

    The other arguments are those of `debug`. While somebody is attached, or with `record=`, each step's canvas and state are
    kept, and the states of the generators of Python, NumPy and torch, on the CPU and on CUDA. Returns the last canvas.
    """
    made = Run(step_fn, x, state, steps, memory, open, **given)
    return made.go() if block else Handle(made)
