"""Debugging a sampling loop that the user's own code runs: `debug`."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar, Union

from . import __version__
from .go import Go, read
from .knob import Knob
from .link import Link, loop_names, say
from .proposal import Proposal
from .protocol import PROTOCOL, EngineError, Message, encode
from .records import Records
from .recorder import Param, Values, before_mask, ids_of, sequence_of, whole
from .region import Region
from .stream import NullSink, Stream

# The most different warnings that are printed for one loop.
_MOST_WARNINGS = 100

Work = TypeVar("Work")
Columns = Mapping[str, Optional[Values]]


class Stopped(BaseException):
    """The loop was stopped from the debugger. As with Ctrl-C, `except Exception` does not catch it."""


class Debug:
    """A sampling loop that can be debugged, until `close()` or the end of `with`.

        with demask.debug(mask=126336, eos=126081, tokenizer=tokenizer, prompt=prompt_ids) as dbg:
            threshold = dbg.knob("threshold", 0.9, 0.0, 1.0)
            while …:
                logits = model(x).logits
                x = select(x, logits, float(threshold))
                x = dbg.step(x, logits=logits)

    While no debugger is attached, `step` and `propose` return at once. While one is, they wait until it lets the loop go
    on. Canvases and logits may be tensors of PyTorch, arrays of NumPy or lists.

    mask, eos   the ids of the mask and end-of-sequence tokens; None where there is none
    tokenizer   of transformers or tokenizers, a dict or list of texts, or a function from id to text
    prompt      the ids in front of the generated region
    name        the loop's name, as the debugger shows it
    in_x        False where `x` holds the generated region alone, without the prompt in front
    canvas      what `x` holds before the first step, where that is not the prompt and masks
    shift       True where position i is predicted by the logits of position i - 1 (Dream)
    batch       which sequence of a batch is debugged
    top_k       candidates shown at masked positions; 0 for none
    model, family, prompt_text   names that the debugger shows
    record      a file to record into, attached or not: `.jsonl`, or `.jsonl.gz` to pack it
    wait        True waits at the first step until a debugger is attached
    edits       False where nothing can be written into the canvas: the debugger shows it, and can pause the loop
    listen      "unix:PATH" or "tcp:127.0.0.1:PORT"; a Unix socket in the runtime folder, if not given
    quiet       True prints nothing at the start

    `address` is the one that `demask attach` takes; `steps` counts the steps made. Raises `ValueError` or `TypeError` for a
    wrong argument, `RuntimeError` if nothing can listen at the address. After that, nothing is raised but `Stopped`: where
    a step cannot be shown, a line on standard error says why, and the loop goes on.
    """

    _restores = False

    def __init__(
        self,
        *,
        mask: Optional[int],
        eos: Optional[int] = None,
        tokenizer: Any = None,
        prompt: Optional[Values] = None,
        name: str = "loop",
        in_x: bool = True,
        canvas: Optional[Values] = None,
        shift: bool = False,
        batch: int = 0,
        top_k: int = 5,
        model: str = "unknown",
        family: str = "",
        prompt_text: str = "",
        record: Optional[Union[str, "os.PathLike[str]"]] = None,
        wait: bool = False,
        edits: bool = True,
        listen: Optional[str] = None,
        quiet: bool = False,
    ) -> None:
        if prompt is None:
            prompt = before_mask(ids_of(canvas, batch), mask) if canvas is not None and in_x else []
        path = None if record is None else os.fspath(record)
        if path == "-":
            raise ValueError("record= takes the name of a file")
        self._facts: Dict[str, Any] = dict(mask=mask, eos=eos, tokenizer=tokenizer, prompt=prompt, in_x=in_x, batch=batch)
        self._facts.update(strategy=name, model=model, family=family, prompt_text=prompt_text, top_k=top_k, shift=shift)
        # A wrong argument raises here, and not later when a debugger attaches.
        self._facts["prompt"] = Records(NullSink(), **self._facts).prompt
        self.name, self.mask, self.eos, self.batch, self.shift = str(name), mask, eos, batch, shift
        self._in_x, self._canvas, self._edits = in_x, canvas, edits
        self._vocabulary: Optional[int] = None
        self._region = Region(self._facts["prompt"], in_x, batch)
        self._knobs: Dict[str, Knob] = {}
        self.steps = 0
        self._records: Optional[Records] = None
        # The go that holds for the next step.
        self._go_in_force: Optional[Go] = None
        # Whether the next step was proposed, and whether its go was received.
        self._proposed = self._go_received = False
        self._proposes = False
        # Whether a run began that was not recorded.
        self._missed = False
        # How many knobs the debugger knows, and the warnings that were printed.
        self._knobs_sent, self._warned = 0, set()  # type: int, Set[str]
        self._wait, self._closed = wait, False
        # Whether a debugger was attached that has not been asked for a go yet.
        self._just_attached = False
        # The only flag that a step reads while no debugger is attached.
        self._live = wait or path is not None
        self._link = Link(listen, self._hello, self._arrived)
        self.address = self._link.address
        # The process id finds the first loop of a process; further ones need their address.
        plain = self.address.endswith(os.sep + loop_names()[0]) and listen is None
        self.invitation = "demask attach %s" % (os.getpid() if plain else "'%s'" % self.address)
        try:
            self._stream = Stream(self._link, path)
        except BaseException:
            self._link.close()
            raise
        _OPEN.add(self)
        if not quiet:
            say("`%s` opens the debugger on %s (%s)" % (self.invitation, name, self.address.partition("#")[0]))

    # -- What the loop calls

    def knob(
        self,
        name: str,
        default: Param,
        low: Optional[float] = None,
        high: Optional[float] = None,
        *,
        choices: Optional[Sequence[str]] = None,
        help: str = "",
    ) -> Knob:
        """A parameter that can be changed from the debugger: see `Knob`. The same name again gives the same knob."""
        name = str(name)
        if name not in self._knobs:
            self._knobs[name] = Knob(name, default, low, high, choices=choices, help=help)
        return self._knobs[name]

    def start(
        self,
        x: Values,
        prompt: Optional[Values] = None,
        open: Optional[Iterable[int]] = None,
        editable: Optional[range] = None,
    ) -> Values:
        """Says that a run begins at `x`, and waits there while a debugger is attached. Returns the canvas to go on with.

        The first run does not need it: there it shows the canvas before the first step. `prompt` is the prompt of this
        run and of later ones, where it differs from the last; the other arguments are those of `step`.
        """
        if prompt is not None:
            self._facts["prompt"] = ids_of(prompt, self.batch)
            self._region = Region(self._facts["prompt"], self._in_x, self.batch)
        if not self._live:
            self._missed = True
            return x
        return self._guarded(lambda: self._start(x, prompt, open, editable), x)

    def predicted(
        self,
        logits: Optional[Values] = None,
        x: Optional[Values] = None,
        at: Optional[int] = None,
        **columns: Optional[Values],
    ) -> None:
        """Says what the next step is decided on, where that is no longer at hand when `step` is called.

        `x` is the canvas before the step, where it is not the one after the last step. The other arguments are those of
        `step`.
        """
        if self._live:
            self._guarded(lambda: self._predicted(x, logits, {**columns, "at": at}), None)

    def propose(
        self,
        x: Values,
        positions: Values,
        tokens: Values,
        logits: Optional[Values] = None,
        at: Optional[int] = None,
        open: Optional[Iterable[int]] = None,
        **columns: Optional[Values],
    ) -> Tuple[Values, Values]:
        """Shows what is about to be written, and waits. Returns what may be written.

        x          the canvas before the step
        positions  a mask of booleans in the shape of `x`, or indices into a sequence of `x`
        tokens     ids, in the shape of `positions`
        logits     and columns, and `at`: as for `step`, which then needs none
        open       generated positions that will still hold noise: see `Recorder.step`

        Returns positions and tokens without those that pins and vetoes forbid. The user's edits are written into `x` in
        place.
        """
        self._proposed = self._proposes = True
        if not self._live:
            return positions, tokens
        columns = {**columns, "at": at}
        return self._guarded(lambda: self._propose(x, positions, tokens, logits, columns, open), (positions, tokens))

    def step(
        self,
        x: Values,
        logits: Optional[Values] = None,
        at: Optional[int] = None,
        open: Optional[Iterable[int]] = None,
        editable: Optional[range] = None,
        **columns: Optional[Values],
    ) -> Values:
        """Says that the canvas is `x` now, and waits while a debugger is attached. Returns the canvas to go on with.

        The arguments are those of `Recorder.step`. The user's edits are written into `x` in place where possible; a canvas
        of another length is a new object of the same kind. Where the loop can use edits at some of the generated positions
        only, and no other length, `editable` says at which. Raises `Stopped` if the debugger stops the loop.
        """
        self.steps += 1
        if not self._live:
            self._proposed = False
            return x
        return self._guarded(lambda: self._step(x, logits, {**columns, "at": at}, open, editable), x)

    def stop(self) -> None:
        """Stops the loop at its next step, from another thread."""
        self._link.stop()
        self._live = True

    def close(self) -> None:
        """Ends the recording and closes the connection."""
        if self._closed:
            return
        self._closed, self._live = True, False
        _OPEN.discard(self)
        if self._records is not None:
            try:
                self._records.close()
            except Exception as error:
                say("the end of the recording cannot be written (%s: %s)" % (type(error).__name__, error))
        self._stream.close()
        self._link.close()

    def __enter__(self) -> "Debug":
        return self

    def __exit__(self, kind: Any, error: Any, _: Any) -> bool:
        if self._records is not None:
            self._records.left = error is not None
        self.close()
        return isinstance(error, Stopped)

    @property
    def prompt(self) -> List[Optional[int]]:
        """The ids in front of the generated region, as far as they are known."""
        return list(self._facts["prompt"])

    @property
    def live(self) -> bool:
        """Whether steps are shown or recorded, or the loop waits for a debugger. Where not, an adapter need not prepare
        anything for them, and has no reason to wait for a GPU."""
        return self._live

    @property
    def attached(self) -> bool:
        """Whether a debugger is attached."""
        return self._link.attached

    # -- What these do while steps are shown or recorded

    def _start(
        self, x: Values, prompt: Optional[Values], open: Optional[Iterable[int]], editable: Optional[range]
    ) -> Values:
        if not self._poll():
            return x
        (self._records or self._begin()).start(x, prompt, open)
        return self._pause(x, editable)

    def _predicted(self, x: Optional[Values], logits: Optional[Values], columns: Columns) -> None:
        if self._poll():
            records = self._records if x is None else self._records_before(x)
            if records is not None:
                self._reduce(records, logits, columns)

    def _propose(
        self,
        x: Values,
        positions: Values,
        tokens: Values,
        logits: Optional[Values],
        columns: Columns,
        open: Optional[Iterable[int]],
    ) -> Tuple[Values, Values]:
        if not self._poll():
            return positions, tokens
        records = self._records_before(x)
        self._reduce(records, logits, columns)
        proposal = self._proposal(positions, tokens)
        before = self._region.read(x)
        after = proposal.applied(before)
        if self._link.attached and not self._go_received:
            said: Message = {"type": "propose", "node": records.node, "prediction": records.key, "canvas": after}
            self._send(said if open is None else {**said, "open": sorted(int(place) for place in open)})
            self._go_received = self._ask(lambda go: self._apply_within(x, go)) is not None
        return self._allowed(proposal, before, self._region.read(x))

    def _proposal(self, positions: Values, tokens: Values) -> Proposal:
        return Proposal(positions, tokens, self.batch, self._region.start)

    def _allowed(
        self, proposal: Proposal, before: Sequence[Optional[int]], now: Sequence[Optional[int]]
    ) -> Tuple[Values, Values]:
        """What of a proposal may be written: it was made for `before`, which the user's edits changed to `now`."""
        go = self._go_in_force

        def refused(at: int, token: int) -> bool:
            # What the user wrote there in the meantime stays.
            return now[at] != before[at] or (go is not None and go.forbids(at, now[at], token))

        return proposal.without(refused)

    def _step(
        self,
        x: Values,
        logits: Optional[Values],
        columns: Columns,
        open: Optional[Iterable[int]],
        editable: Optional[range],
    ) -> Values:
        proposed, self._proposed, self._go_received = self._proposed, False, False
        if not self._poll():
            return x
        records = self._records
        if records is None:
            records = self._begin()
            missed = self.steps > 1 or self._missed
            if self._canvas is not None and not missed:
                records.start(self._canvas)
            elif missed or self._facts["mask"] is None:
                # Nothing is known of the canvas before.
                records.start(x, open=open)
                return x if proposed else self._pause(x, editable)
        x = self._put_back(x, records.canvas)
        records.root(x)
        self._reduce(records, logits, columns)
        records.turn(self._values())
        records.step(x, open=open)
        self._go_in_force = None
        # Where steps are proposed, the loop waits there: before the next one is made.
        return x if proposed else self._pause(x, editable)

    def _records_before(self, x: Values) -> Records:
        """The records, with `x` as the canvas before the next step."""
        records = self._records
        if records is None:
            records = self._begin()
            records.start(x)
        elif self._region.read(x) != records.canvas:
            # The loop has changed the canvas since its last step: for example, it has appended masks.
            records.step(x)
        return records

    def _begin(self) -> Records:
        self._records = Records(self._stream, knobs=[knob.record() for knob in self._knobs.values()], **self._facts)
        self._records.turn(self._values())
        self._knobs_sent = len(self._knobs)
        return self._records

    def _values(self) -> Dict[str, Param]:
        return {name: knob.value for name, knob in self._knobs.items()}

    def _reduce(self, records: Records, logits: Optional[Values], columns: Columns) -> None:
        """Records what a step is decided on, unless it was recorded before."""
        if records.key is not None:
            return
        try:
            records.predicted(logits, **columns)
            if logits is not None and self._vocabulary is None:
                self._vocabulary = len(sequence_of(logits, self.batch, 2)[0])
        except Exception as error:
            # The canvases are known all the same.
            self._warn("what a step is decided on cannot be shown (%s: %s)" % (type(error).__name__, error))

    def _put_back(self, x: Values, before: Optional[List[Optional[int]]]) -> Values:
        """`x` without the changes that pins and vetoes forbid."""
        go = self._go_in_force
        if go is None or before is None or not (go.pins or go.vetoes):
            return x
        after = self._region.read(x)
        if len(after) != len(before):
            self._warn("the step has changed the number of positions: pins and vetoes did not hold in it")
            return x
        kept = [old if go.forbids(at, old, new) else new for at, (old, new) in enumerate(zip(before, after))]
        return self._region.write(x, kept)

    # -- The debugger

    def _poll(self) -> bool:
        """Attaches a debugger that is pending. Returns whether the step is to be shown or recorded."""
        if self._wait:
            self._wait = False
            if not (self._link.attached or self._link.pending):
                say("%s waits until a debugger is attached: %s" % (self.name, self.invitation))
                self._link.wait()
        if self._link.attach():
            self._just_attached = True
            if self._records is not None and self._stream.kept:
                self._stream.repeat()
            else:
                self._reset()
        self._raise_if_stopped()
        if self._link.attached or self._stream.kept:
            return True
        self._reset()
        self._deactivate()
        return False

    def _deactivate(self) -> None:
        """Lets steps return at once, until a debugger comes."""
        self._live = False
        # Another thread may have set the flag in between.
        if self._link.pending or self._link.stopped:
            self._live = True

    def _reset(self) -> None:
        """Drops the records: the next debugger begins with new ones."""
        self._records = self._go_in_force = None

    def _raise_if_stopped(self) -> None:
        if self._link.stopped:
            raise Stopped("stopped from the debugger")

    def _pause(self, x: Values, editable: Optional[range]) -> Values:
        """Waits after a step while a debugger is attached. Returns the canvas to go on with."""
        given = self._ask(lambda go: (self._apply(x, go, editable),)) if self._link.attached else None
        return x if given is None else given[0]

    def _ask(self, apply: Callable[[Go], Work]) -> Optional[Work]:
        """Waits for a go, and applies it; None if the debugger has left."""
        records, self._just_attached = self._records, False
        if len(self._knobs) > self._knobs_sent:
            self._knobs_sent = len(self._knobs)
            self._send({"type": "knobs", "knobs": [knob.record() for knob in self._knobs.values()]})
        assert records is not None
        self._send({"type": "waiting", "node": records.node, **self._waiting_fields()})
        try:
            while self._link.attached:
                try:
                    message = self._link.next()
                except EngineError as error:
                    self._refuse(error.message)
                    self._link.detach(error.message)
                    break
                if message is None:
                    self._link.detach("it closed the connection")
                elif message["type"] == "stop":
                    raise Stopped("stopped from the debugger")
                elif message["type"] != "go":
                    self._refuse("a loop knows no message of type %.40r" % message["type"])
                else:
                    try:
                        go = read(message, self._knobs, self._vocabulary)
                        self._check_start(go)
                        return apply(go)
                    except (EngineError, ValueError) as error:
                        self._refuse(str(error))
            self._raise_if_stopped()
            return None
        finally:
            records.resume()

    def _check_start(self, go: Go) -> None:
        """Raises `EngineError` if the loop cannot go on from the node that a go names."""
        assert self._records is not None
        if go.start != self._records.node:
            raise EngineError(
                "unsupported",
                "the loop stands at node %s and cannot go back to %d, since nothing of its state is kept: a loop that "
                "demask.run runs can" % (self._records.node, go.start),
            )

    def _check_allowed(self, x: Values, go: Go, editable: Optional[range]) -> None:
        """Raises `ValueError` with the reason if the loop cannot make the edits, pins or vetoes of a go."""
        if not self._edits or (editable is not None and not editable):
            if go.canvas is not None or go.pins or go.vetoes:
                raise ValueError("this canvas cannot be changed from outside: it is only shown. Go on without edits and pins")
        elif editable is not None and go.canvas is not None:
            before = self._region.read(x)
            if len(before) != len(go.canvas):
                raise ValueError("the length of this canvas cannot be changed: give other tokens for its positions alone")
            for at, (old, new) in enumerate(zip(before, go.canvas)):
                if new != old and at not in editable:
                    first, last = editable[0], editable[-1]
                    raise ValueError("position %d cannot be changed now: positions %d to %d can" % (at, first, last))

    def _apply_within(self, x: Values, go: Go) -> Values:
        """The same as `_apply` while a step is being made."""
        return self._apply(x, go, in_place=True)

    def _apply(self, x: Values, go: Go, editable: Optional[range] = None, in_place: bool = False) -> Values:
        """Applies a go: edits and values of knobs. Returns the canvas to go on with."""
        assert self._records is not None
        self._check_allowed(x, go, editable)
        if go.canvas is not None:
            x = self._region.write(x, go.canvas, in_place)
            self._records.edit(go.edits, go.canvas)
        for name, value in go.values.items():
            self._knobs[name].value = value
        self._records.turn(self._values())
        self._go_in_force = go
        return x

    def _waiting_fields(self) -> Message:
        """Further fields of a message of type "waiting". `kept`: how many earlier nodes are kept, and their bytes."""
        return {"kept": None}

    def _refuse(self, reason: str) -> None:
        """Tells the debugger that something cannot be done."""
        # Without the `kind` that an engine's errors have: here a line with a `kind` is a record.
        self._send({"type": "error", "message": reason})

    def _send(self, message: Message) -> None:
        self._stream.send(encode(message))

    def _warn(self, text: str) -> None:
        """Prints a warning and sends it to the debugger: each one once, and at most `_MOST_WARNINGS` of them."""
        if text not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(text)
            say(text)
            self._send({"type": "log", "text": text})

    def _guarded(self, work: Callable[[], Work], otherwise: Work) -> Work:
        """Runs `work`. An error in it ends the debugging, and not the loop."""
        try:
            return work()
        except Exception as error:
            text = "the loop cannot be shown any more (%s: %s): it goes on without the debugger" % (type(error).__name__, error)
            say(text)
            self._refuse(text)
            self._link.detach("it was disconnected")
            self._stream.close()
            self._reset()
            self._deactivate()
            return otherwise

    # -- On the threads of the acceptor

    def _hello(self) -> Message:
        able = {"edit": self._edits, "stop": True, "propose": self._proposes, "restore": self._restores}
        can = [name for name, there in able.items() if there]
        greeting: Message = {"type": "hello", "protocol": PROTOCOL, "loop": "demask %s" % __version__, "name": whole(self.name)}
        greeting.update(pid=os.getpid(), command=_command(), steps=self.steps, can=can)
        return greeting

    def _arrived(self) -> None:
        self._live = not self._closed

    # -- After a fork

    def _abandon(self) -> None:
        """Stops debugging in the child of a fork: the debugger stays attached to the parent."""
        self._closed, self._live = True, False
        self._stream.abandon()
        self._link.abandon()


debug = Debug

_OPEN: "weakref.WeakSet[Debug]" = weakref.WeakSet()


def _abandon_all() -> None:
    for one in list(_OPEN):
        one._abandon()
    _OPEN.clear()


def _close_all() -> None:
    for one in list(_OPEN):
        one.close()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)


def _command() -> str:
    """The command line of this process, as it was typed."""
    arguments = getattr(sys, "orig_argv", None) or [sys.executable or "python", *sys.argv]
    return whole(" ".join([os.path.basename(arguments[0]), *arguments[1:]])[:1000])
