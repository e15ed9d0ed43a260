"""Records the sampling loop of a masked diffusion language model for `demask`.

One file, nothing but the standard library (Python 3.8 or later): copy it beside your code. Three lines:

    recorder = Recorder("run.jsonl", mask=126336, eos=126081, tokenizer=tokenizer, prompt=prompt_ids)
    recorder.step(x, logits=logits)   # in the loop, behind the line that writes into x
    recorder.close()

`demask replay run.jsonl` opens the file, `demask replay --follow run.jsonl` while the loop still runs. Tensors of
PyTorch, arrays of NumPy and lists will do; see docs/recorder.md of demask, and examples/python.

What has the size of the vocabulary stays where it is: only what it is reduced to comes to Python.

A wrong argument of `Recorder` raises. From then on nothing is raised: where something cannot be recorded (a full disk,
a shape that does not fit), one warning says so, recording stops, `fault` holds the reason, and the loop goes on.

Part of demask (MIT or Apache-2.0).
"""

from __future__ import annotations

import gzip
import json
import math
import os
import struct
import sys
import time
import warnings
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

try:
    import fcntl
except ImportError:  # There is none on Windows.
    fcntl = None  # type: ignore[assignment]

__all__ = ["Recorder"]

VERSION = [1, 6]
GENERATOR = "demask recorder.py 1"

# Rows of logits reduced at once: bounds what a float32 copy of them takes.
CHUNK = 64

# Significant digits of values that are only shown; everything else reads back to the same float32.
ROUNDED = {"entropy": 3, "margin": 3, "top_k": 3}

# Candidates less probable than this are left out, but for the best two.
LEAST = 0.001

# Columns that may be given in place of logits, one value a position.
IDS = ("argmax", "choice")
NUMBERS = ("p_argmax", "p_choice", "p_eos", "score")

# A parameter's value.
Param = Union[bool, int, float, str]

# What takes whole lines: it has a method `write(bytes)`.
Sink = Any

# A tensor, an array or a list of one or two dimensions, with or without a dimension for the batch in front.
Values = Any

# Columns by name, with one entry for each position: an id, a number, or pairs of both.
Columns = Dict[str, List[Any]]

# A token's text in this module: a text, the bytes of part of a character, a control token's name, or None.
Text = Union[str, bytes, Dict[str, str], None]


class Recorder:
    """Writes a recording, a line at a time.

    path       where; packed if it ends in `.gz`. What was there is written over. `-` is standard output. Something with
               a method `write(bytes)` that takes whole lines will do too, and stays open
    mask, eos  the ids of the mask and end-of-sequence tokens; either may be None
    prompt     the ids in front of the generated region
    in_x       False where `x` holds the generated region alone, without the prompt in front
    canvas     what `x` holds before the first step; not needed where that is the prompt and masks, as many as behind
               the first step. Without `prompt`, everything before its first mask is the prompt
    tokenizer  of transformers or tokenizers, a dict or list of texts, or a function from id to text: str, bytes,
               {"control": name} or None
    strategy, model, family, prompt_text   names for people
    top_k      candidates kept at masked positions; 0 for none
    shift      True where position i is predicted by the logits of position i - 1 (Dream)
    batch      which sequence of a batch is recorded
    knobs      the loop's parameters as the header of a recording has them; `turn` says what their values are
    """

    def __init__(
        self,
        path: Union[str, "os.PathLike[str]", Sink],
        mask: Optional[int],
        eos: Optional[int] = None,
        tokenizer: Any = None,
        prompt: Optional[Values] = None,
        in_x: bool = True,
        canvas: Optional[Values] = None,
        strategy: str = "unknown",
        model: str = "unknown",
        family: str = "",
        prompt_text: str = "",
        top_k: int = 5,
        shift: bool = False,
        batch: int = 0,
        knobs: Optional[Sequence[Mapping[str, Any]]] = None,
    ) -> None:
        sink = hasattr(path, "write") and not hasattr(path, "__fspath__")
        self.path = "the recording" if sink else os.fspath(path)
        self.mask = None if mask is None else id_of(mask)
        self.eos = None if eos is None else id_of(eos)
        self.top_k, self.shift, self.batch = int(top_k), bool(shift), int(batch)
        self.fault: Optional[str] = None
        self._texts = _texts(tokenizer)
        self._known: set[int] = set()
        self._canvas: Any = None
        self._node: Optional[int] = None
        self._nodes = 0
        self._predictions = 0
        self._predicted: Optional[str] = None
        self._params: Dict[str, Param] = {}
        # The parameters at the node that the next step is made from, as they were written.
        self._in_force: Dict[str, Param] = {}
        self._open: Optional[Tuple[float, Columns]] = None
        self._prompt: List[Any] = [] if prompt is None else ids_of(prompt, self.batch)
        self._in_x = bool(in_x)
        if canvas is not None and prompt is None:
            self._prompt = before_mask(ids_of(canvas, self.batch), self.mask)
        if self.top_k < 0:
            raise ValueError("top_k=%d: give a number of candidates, 0 for none" % self.top_k)
        strategy, model, family, prompt_text = map(whole, map(str, (strategy, model, family, prompt_text)))
        self._raw: Any = None
        if sink:
            self._file: Any = path
        else:
            self._file, self._raw = opened(self.path)
        facts: Dict[str, Any] = {"name": model, "family": family}
        facts.update({"mask": self.mask} if self.mask is not None else {})
        facts.update({"eos": self.eos} if self.eos is not None else {})
        facts.update({"shift": True} if self.shift else {})
        try:
            self._write(
                {
                    "kind": "header",
                    "format": "demask",
                    "version": VERSION,
                    "generator": GENERATOR,
                    "model": facts,
                    "strategy": strategy,
                    "prompt_text": prompt_text,
                    "asked": {"columns": [], "top_k": self.top_k},
                    "rounded": ROUNDED,
                    **({} if knobs is None else {"knobs": knobs}),
                }
            )
            self._name(token for token in (self.mask, self.eos) if token is not None)
            if canvas is not None:
                self._root(self._region(ids_of(canvas, self.batch)))
        except BaseException:
            self._shut()
            raise
        self._clock = time.perf_counter()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, canvas: Values, prompt: Optional[Values] = None, open: Optional[Iterable[int]] = None) -> None:
        """Starts a run at `canvas`: a later run, or the first one if its canvas is not all masks.

        `prompt` is the prompt of this run and of later ones, where it differs from the last; `open` as in `step`.
        """
        self._guarded(lambda: self._start(canvas, prompt, open))

    def step(
        self,
        x: Values,
        logits: Optional[Values] = None,
        at: Optional[int] = None,
        open: Optional[Iterable[int]] = None,
        **columns: Optional[Values],
    ) -> None:
        """Records that the canvas is `x` now, and what it was decided on.

        `logits` are those the step was decided on, of the canvas before it: [positions, vocabulary], with a dimension
        for the batch in front or without. In their place, or beside them to be used rather than what follows from
        them, single columns: `argmax`, `choice` (where noise was added), `p_argmax`, `p_choice` (`confidence` is the
        same), `p_eos`, `score` (what the strategy ranks by), one value a position. Both may cover the prompt or not.
        Where they cover a block alone, `at` is the generated position of their first row, less than 0 within the prompt.

        `open` are the generated positions of `x` that hold a token and are not written yet: those of a canvas that starts
        from random tokens, until they are accepted.
        """
        took = time.perf_counter() - self._clock
        self._guarded(lambda: self._step(x, self._reduced(logits, columns, x, at), took, open))
        self._clock = time.perf_counter()

    def predicted(
        self, logits: Optional[Values] = None, at: Optional[int] = None, **columns: Optional[Values]
    ) -> None:
        """Records what the next step is decided on, before it is made. The arguments are those of `step`."""
        self._guarded(lambda: self._predict(logits, columns, at))

    def turn(self, params: Mapping[str, Param]) -> None:
        """Says which values the loop's parameters have from now on; the next root or step is written with them."""
        self._params = dict(params)

    def edit(self, edits: Sequence[Mapping[str, Any]], canvas: Sequence[int]) -> None:
        """Records the user's edits: `edits` as the format writes them, and the generated region after them."""
        self._guarded(lambda: self._edit(edits, [id_of(token) for token in canvas]))

    def at(self, node: int, canvas: Sequence[Optional[int]], params: Mapping[str, Param]) -> None:
        """Goes to an earlier node: the next step starts another branch there.

        `canvas` is the generated region there, `params` are the values that the parameters had there.
        """
        self._node, self._canvas, self._in_force, self._predicted = node, list(canvas), dict(params), None
        self._clock = time.perf_counter()

    @property
    def node(self) -> Optional[int]:
        """The number of the root, step or edit that was recorded last, or that `at` went to; None before the first."""
        return self._node

    def watching(self, model: Any, batch: Optional[int] = None) -> _Watch:
        """Records the forward passes of `model`, for loops that cannot be changed: see `_Watch`."""
        return _Watch(self, model, self.batch if batch is None else batch)

    def close(self, final: Optional[Values] = None) -> None:
        """Ends the recording. `final` is what the loop returned, for one that is watched."""
        if self._open is not None:
            pending, self._open = self._open, None
            if final is not None:
                took, columns = pending
                self._guarded(lambda: self._step(final, columns, took))
        self._guarded(self._end)
        self._shut()

    # -- Writing

    def _guarded(self, work: Callable[[], None]) -> None:
        """Does something that must not stop the loop around it, unless recording has stopped."""
        if self.fault is not None or self._file is None:
            return
        try:
            work()
        except Exception as error:
            self.fault = "%s: recording stops (%s: %s)" % (self.path, type(error).__name__, error)
            self._shut()
            try:
                warnings.warn(self.fault, RuntimeWarning, stacklevel=_callers())
            except RuntimeWarning:
                # Where warnings are turned into errors, this one must not become one.
                print(self.fault, file=sys.stderr)

    def _shut(self) -> None:
        file, raw, self._file, self._raw = self._file, self._raw, None, None
        for one in (file, raw) if raw is not None else ():
            try:
                if one is not None:
                    one.close()
            except Exception:
                pass

    def _write(self, record: Mapping[str, Any]) -> None:
        data = (_json(record) + "\n").encode("utf-8")
        if self._raw is None:
            self._file.write(data)
        else:
            written(self._file, data)

    def _name(self, tokens: Iterable[Optional[int]]) -> None:
        """Writes the texts of tokens that were not named before."""
        texts = self._texts
        if texts is None:
            return
        fresh = sorted({token for token in tokens if token is not None and token not in self._known})
        if fresh:
            self._known.update(fresh)
            self._write({"kind": "tokens", "tokens": {str(token): _text(texts(token)) for token in fresh}})

    def _start(self, canvas: Values, prompt: Optional[Values], open: Optional[Iterable[int]]) -> None:
        if prompt is not None:
            self._prompt = ids_of(prompt, self.batch)
        self._root(self._region(ids_of(canvas, self.batch)), open)

    def _root(self, canvas: List[Any], open: Optional[Iterable[int]] = None) -> None:
        self._name(self._prompt)
        self._name(canvas)
        record: Dict[str, Any] = {"kind": "root", "id": self._nodes, "prompt": self._prompt, "length": len(canvas)}
        if any(token != self.mask for token in canvas):
            record["canvas"] = canvas
        if open is not None:
            record["open"] = _places(open, len(canvas))
        if self._params:
            record["params"] = self._params
        self._made(record, canvas)
        self._in_force = self._params

    def _step(self, x: Values, columns: Columns, took: float, open: Optional[Iterable[int]] = None) -> None:
        canvas = self._region(ids_of(x, self.batch))
        if self._node is None:
            # All masks: as many as there are positions now.
            if self.mask is None:
                raise ValueError("without a mask token, give the first canvas with canvas=")
            self._root([self.mask] * len(canvas))
        record: Dict[str, Any] = {"kind": "step", "id": self._nodes, "parent": self._node}
        key = self._prediction(columns) if columns else self._predicted
        if key is not None:
            record["prediction"] = key
        self._name(canvas)
        record["canvas"] = canvas
        if open is not None:
            record["open"] = _places(open, len(canvas))
        if self._params != self._in_force:
            record["params"] = self._params
        record["timing"] = {"forward_ms": _Number(1000 * took, 4), "decide_ms": 0}
        self._made(record, canvas)
        self._in_force = self._params

    def _edit(self, edits: Sequence[Mapping[str, Any]], canvas: List[Any]) -> None:
        self._name(canvas)
        predicted = self._predicted
        self._made({"kind": "edit", "id": self._nodes, "parent": self._node, "edits": edits}, canvas)
        # An edit while a step is proposed does not change what that step was decided on.
        self._predicted = predicted

    def _made(self, record: Dict[str, Any], canvas: List[Any]) -> None:
        """Writes the record of the next node."""
        self._write(record)
        self._node, self._canvas, self._predicted = self._nodes, canvas, None
        self._nodes += 1

    def _predict(
        self, logits: Optional[Values], columns: Mapping[str, Optional[Values]], at: Optional[int] = None
    ) -> None:
        if self._canvas is None:
            raise ValueError("nothing is known of the canvas that this was predicted on: give the first one with canvas=")
        found = self._reduced(logits, columns, None, at)
        self._predicted = self._prediction(found) if found else self._predicted

    def _prediction(self, columns: Columns) -> str:
        """Writes a prediction on the canvas that is; its key."""
        rows = len(self._canvas)
        for name, values in columns.items():
            if len(values) != rows:
                raise ValueError("%s has %d values on a canvas of %d" % (name, len(values), rows))
        masked = [at for at, token in enumerate(self._canvas) if token == self.mask or self.mask is None]
        key = "%032x" % (self._predictions + 1)
        self._predictions += 1
        written: Dict[str, Any] = {}
        for name in IDS:
            if name in columns:
                written[name] = columns[name]
                self._name(columns[name])
        for name in NUMBERS:
            if name in columns:
                written[name] = [_Number(value) for value in columns[name]]
        for name in ("entropy", "margin"):
            if name in columns:
                some = [at for at in masked if columns[name][at] is not None]
                values = [_Number(columns[name][at], ROUNDED[name]) for at in some]
                written[name] = {"at": some, "values": values}
        if "top_k" in columns:
            some = [at for at in masked if columns["top_k"][at] is not None]
            kept = [_kept(columns["top_k"][at]) for at in some]
            self._name(token for row in kept for token, _ in row)
            values = [[[token for token, _ in row], [_Number(p, ROUNDED["top_k"]) for _, p in row]] for row in kept]
            written["top_k"] = {"at": some, "values": values}
        self._write({"kind": "prediction", "key": key, "rows": rows, "columns": written})
        return key

    def _end(self) -> None:
        if self._node is not None:
            finish = "complete" if self.mask not in self._canvas else "out_of_steps"
            self._write({"kind": "end", "at": self._node, "finish": finish})

    # -- Reading what the loop has

    def _region(self, ids: List[Any]) -> List[Any]:
        """What lies behind the prompt."""
        start = len(self._prompt) if self._in_x else 0
        if start and ids[:start] != self._prompt:
            raise ValueError("the canvas does not begin with the prompt; in_x=False if it never does")
        return ids[start:]

    def _reduced(
        self, logits: Optional[Values], columns: Mapping[str, Optional[Values]], x: Values, at: Optional[int] = None
    ) -> Columns:
        """Columns by name, one entry a generated position of the canvas before, from which `x` was made."""
        canvas = self._region(ids_of(x, self.batch)) if self._canvas is None else self._canvas
        given: Columns = {}
        for name, values in columns.items():
            name = "p_choice" if name == "confidence" and "choice" in columns else name
            name = "p_argmax" if name == "confidence" else name
            if name not in IDS + NUMBERS:
                raise TypeError("there is no column `%s`; there are %s" % (name, ", ".join(IDS + NUMBERS)))
            if values is not None:
                read: List[Any] = ids_of(values, self.batch) if name in IDS else _floats(values, self.batch)
                start, end = self._rows(len(read), len(canvas), at)
                given[name] = _spread(name, read[start:end], at, len(canvas))
        if logits is None:
            return given
        logits = sequence_of(logits, self.batch, 2)
        start, end = self._rows(len(logits), len(canvas), at)
        if self.shift:
            # The first position of a canvas without a prompt is predicted by itself, as Dream does it.
            reduced = _reduce(logits[max(start - 1, 0) : end - 1], self.eos, self.top_k)
            if start == 0:
                first = _reduce(logits[0:1], self.eos, self.top_k)
                reduced = {name: first[name] + values for name, values in reduced.items()} if reduced else first
        else:
            reduced = _reduce(logits[start:end], self.eos, self.top_k)
        reduced = {name: _spread(name, values, at, len(canvas)) for name, values in reduced.items()}
        reduced.update(given)
        return reduced

    def _rows(self, found: int, rows: int, at: Optional[int]) -> Tuple[int, int]:
        """Start and end of those of `found` rows of predictions that are for one of the `rows` generated positions."""
        prompt = len(self._prompt)
        if at is not None:
            return max(0, -at), max(0, -at, min(found, rows - at))
        if found == rows:
            return 0, rows
        if found >= prompt + rows:
            # What lies behind was not there yet, or is padding.
            return prompt, prompt + rows
        first = "; a first step that changes the length needs canvas=" if self._canvas is None else ""
        raise ValueError("%d rows of predictions on a prompt of %d and %d positions%s" % (found, prompt, rows, first))


class _Watch:
    """Records a step a forward pass: the canvas is its input, the prediction its output, and the next input shows what
    came of it; the last step is written by `recorder.close(final)`, with what the loop returned.

        with recorder.watching(model) as model:
            out = generate(model, prompt)
        recorder.close(out)

    A torch module is hooked; of anything else that can be called, a wrapper is given. Passes whose input does not
    begin with the prompt (the second one of guidance, those over a part with a cache) are not recorded.
    """

    def __init__(self, recorder: Recorder, model: Any, batch: int) -> None:
        self.recorder, self.model, self.batch = recorder, model, batch
        self.handle: Any = None

    def __enter__(self) -> Any:
        if hasattr(self.model, "register_forward_hook"):
            try:
                self.handle = self.model.register_forward_hook(self._hook, with_kwargs=True)
            except TypeError:
                # Before torch 2.0.
                self.handle = self.model.register_forward_hook(lambda module, args, out: self._hook(module, args, {}, out))
            return self.model
        if not callable(self.model):
            raise TypeError("what is watched must be a torch module or a function")

        def watched(*args: Any, **kwargs: Any) -> Any:
            output = self.model(*args, **kwargs)
            self._hook(None, args, kwargs, output)
            return output

        return watched

    def __exit__(self, *_: object) -> None:
        if self.handle is not None:
            self.handle.remove()

    def _hook(self, _: Any, args: Any, kwargs: Any, output: Any) -> None:
        self.recorder._guarded(lambda: self._pass(args, kwargs, output))

    def _pass(self, args: Any, kwargs: Any, output: Any) -> None:
        recorder = self.recorder
        took = time.perf_counter() - recorder._clock
        ids = kwargs.get("input_ids")
        ids = args[0] if ids is None else ids
        ids = ids_of(ids, self.batch)
        prompt = recorder._prompt
        if recorder._canvas is None and not prompt:
            prompt = recorder._prompt = before_mask(ids, recorder.mask)
        if prompt and ids[: len(prompt)] != prompt:
            return
        logits = getattr(output, "logits", None)
        if logits is None and isinstance(output, dict):
            logits = output["logits"]
        if logits is None:
            logits = output[0] if isinstance(output, tuple) else output
        if recorder._open is not None:
            pending, recorder._open = recorder._open, None
            recorder._step(ids, pending[1], pending[0])
        elif recorder._canvas is None:
            recorder._root(recorder._region(ids))
        recorder._open = (took, recorder._reduced(logits, {}, ids))
        recorder._clock = time.perf_counter()


# -- Numbers and text


class _Number:
    """A number as it is written: null where it is not finite, else few digits that read back to the same float32, or
    `digits` significant ones."""

    __slots__ = ("text",)

    def __init__(self, value: float, digits: Optional[int] = None) -> None:
        value = float(value)
        if digits is None:
            self.text = _shortest(value)
        else:
            self.text = "%.*g" % (digits, value) if math.isfinite(value) else "null"


def opened(path: str) -> Tuple[Any, Any]:
    """Opens a recording for writing: the file that takes the lines, and the one below it, which is the same unless the
    lines are packed. Old contents are removed."""
    if path.endswith(".zst"):
        raise ValueError("the standard library cannot write .zst: name the recording .jsonl or .jsonl.gz")
    packed = path.endswith(".gz")
    piped = path == "-"
    place = sys.stdout.fileno() if piped else path
    raw = open(place, "ab", buffering=-1 if packed else 0, closefd=not piped)
    # The old contents are removed only once no other process is known to write the file.
    if not piped and os.path.isfile(path):
        _claim(raw, path)
        raw.truncate(0)
    return (gzip.GzipFile(filename="", mode="wb", fileobj=raw) if packed else raw), raw


def written(file: Any, data: bytes) -> None:
    """Writes a line. Packed lines are flushed each, so that they can be followed and outlive a kill."""
    while data:
        data = data[file.write(data) :]
    file.flush()


def _claim(file: Any, path: str) -> None:
    """Takes a file for this writer until it is closed: two that write one recording would leave neither."""
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OSError(f"{path}: another run is writing it. Wait until it has ended, or give another name") from None
    except OSError:
        pass  # The file system knows no locks.


def _shortest(value: float) -> str:
    if not math.isfinite(value):
        return "null"
    if value == 0.0 or value == 1.0:
        return "%.1f" % value
    try:
        bits = struct.pack("<f", value)
    except OverflowError:
        return "null"
    for digits in range(6, 10):
        text = "%.*g" % (digits, value)
        if struct.pack("<f", float(text)) == bits:
            return text
    return text


def _json(value: Any) -> str:
    if isinstance(value, _Number):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(name) + ":" + _json(item) for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value)


def _places(open: Iterable[int], length: int) -> List[int]:
    places = sorted({int(at) for at in open})
    if places and not 0 <= places[0] <= places[-1] < length:
        raise ValueError("open positions must be generated ones, 0 to %d" % (length - 1))
    return places


def _spread(name: str, values: List[Any], at: Optional[int], rows: int) -> List[Any]:
    """The values of the positions from `at` on, padded to all `rows` positions with unknown values."""
    if at is None:
        return values
    unknown = math.nan if name in NUMBERS else None
    before = max(at, 0)
    return [unknown] * before + values + [unknown] * (rows - before - len(values))


def _kept(row: List[Tuple[int, float]]) -> List[Tuple[int, float]]:
    return [pair for rank, pair in enumerate(row) if rank < 2 or pair[1] >= LEAST]


# -- Tensors, arrays and lists


def kind_of(values: Values) -> str:
    """`torch`, `numpy` or `list`. Neither library is imported: who has its values has it loaded."""
    module = type(values).__module__.split(".")[0]
    if "torch" in sys.modules and isinstance(values, sys.modules["torch"].Tensor):
        return "torch"
    if "numpy" in sys.modules and (module == "numpy" or hasattr(values, "__array__")):
        return "numpy"
    return "list"


def _callers() -> int:
    """How many calls above `_guarded` the loop is, as `warnings.warn` counts."""
    level = 1
    frame: Any = sys._getframe(1)
    here = frame.f_code.co_filename
    while frame is not None and frame.f_code.co_filename == here:
        level, frame = level + 1, frame.f_back
    return level


def sequence_of(values: Values, batch: int, dimensions: int) -> Any:
    """The values of one sequence of a batch, where there is a batch."""
    kind = kind_of(values)
    if kind == "list" and (isinstance(values, (str, bytes, dict)) or not hasattr(values, "__len__")):
        name = type(values).__name__
        raise TypeError("expected a list, an array or a tensor with a dimension of positions, found %s" % name)
    if kind == "list":
        depth, inner = 0, values
        while isinstance(inner, (list, tuple, range)) or (depth < dimensions and hasattr(inner, "__getitem__")):
            depth += 1
            if len(inner) == 0:
                break
            inner = inner[0]
    else:
        if kind == "numpy" and not hasattr(values, "ndim"):
            values = sys.modules["numpy"].asarray(values)
        depth = values.ndim
    if depth == dimensions + 1:
        return values[batch]
    if depth > dimensions + 1 or (depth < dimensions and len(values) != 0):
        raise ValueError("expected %d or %d dimensions, found %d" % (dimensions, dimensions + 1, depth))
    return values


def before_mask(ids: List[Any], mask: Optional[int]) -> List[Any]:
    """The ids before the first mask: the prompt, where it is not given."""
    return ids[: ids.index(mask)] if mask in ids else []


def _list(values: Values, batch: int) -> List[Any]:
    values = sequence_of(values, batch, 1)
    return list(values.tolist() if hasattr(values, "tolist") else values)


def id_of(value: Any) -> int:
    token = int(value)
    if not 0 <= token < 2**32 - 1:
        raise ValueError("%d is no token id" % token)
    return token


def ids_of(values: Values, batch: int) -> List[Optional[int]]:
    return [None if value is None else id_of(value) for value in _list(values, batch)]


def _floats(values: Values, batch: int) -> List[float]:
    return [math.nan if value is None else float(value) for value in _list(values, batch)]


def _reduce(logits: Any, eos: Optional[int], top_k: int) -> Columns:
    """Columns of rows of logits."""
    columns: Columns = {}
    if kind_of(logits) == "list" and len(logits) and kind_of(logits[0]) != "list":
        # A list of tensors or arrays.
        logits = sys.modules[kind_of(logits[0])].stack(list(logits))
    if eos is not None and len(logits) and eos >= len(logits[0]):
        raise ValueError("the logits have %d columns, and none for eos=%d" % (len(logits[0]), eos))
    reduce = {"torch": _reduce_torch, "numpy": _reduce_numpy, "list": _reduce_lists}[kind_of(logits)]
    for start in range(0, len(logits), CHUNK):
        for name, values in reduce(logits[start : start + CHUNK], eos, top_k).items():
            columns.setdefault(name, []).extend(values)
    return columns


def _columns(
    argmax: List[int],
    p_argmax: List[float],
    p_eos: Optional[List[float]],
    entropy: List[float],
    tokens: Optional[List[List[int]]],
    p: Optional[List[List[float]]],
) -> Columns:
    # Of a row that is not finite nothing is known.
    known = [token if math.isfinite(value) else None for token, value in zip(argmax, p_argmax)]
    columns: Columns = {"argmax": known, "p_argmax": p_argmax, "entropy": entropy}
    if p_eos is not None:
        columns["p_eos"] = p_eos
    if tokens is not None and p is not None:
        columns["top_k"] = [
            [(token, value) for token, value in zip(*row) if math.isfinite(value)] for row in zip(tokens, p)
        ]
    return columns


def _reduce_torch(logits: Any, eos: Optional[int], top_k: int) -> Columns:
    logits = logits.detach().float()
    whole = logits.logsumexp(-1)
    best, argmax = logits.max(-1)
    # 0 · ln 0 is 0, not NaN.
    log = logits - whole[:, None]
    entropy = -(log.exp() * log.clamp(min=-1e30)).sum(-1)
    tokens = p = None
    if top_k > 0:
        values, tokens = logits.topk(min(top_k, logits.shape[-1]), -1)
        p = (values - whole[:, None]).exp().tolist()
        tokens = tokens.tolist()
    p_eos = None if eos is None else (logits[:, eos] - whole).exp().tolist()
    return _columns(argmax.tolist(), (best - whole).exp().tolist(), p_eos, entropy.tolist(), tokens, p)


def _reduce_numpy(logits: Any, eos: Optional[int], top_k: int) -> Columns:
    np = sys.modules["numpy"]
    logits = np.asarray(logits).astype(np.float32)
    with np.errstate(all="ignore"):
        best = logits.max(-1, keepdims=True)
        whole = best + np.log(np.exp(logits - best).sum(-1, keepdims=True))
        log = logits - whole
        entropy = -(np.exp(log) * log.clip(-1e30)).sum(-1)
        tokens = p = None
        if top_k > 0:
            count = min(top_k, logits.shape[-1])
            some = np.argpartition(-logits, count - 1, axis=-1)[:, :count]
            order = np.argsort(-np.take_along_axis(logits, some, -1), axis=-1, kind="stable")
            some = np.take_along_axis(some, order, -1)
            p = np.exp(np.take_along_axis(log, some, -1)).tolist()
            tokens = some.tolist()
        p_eos = None if eos is None else np.exp(log[:, eos]).tolist()
        p_argmax = np.exp(best - whole)[:, 0].tolist()
    return _columns(logits.argmax(-1).tolist(), p_argmax, p_eos, entropy.tolist(), tokens, p)


def _reduce_lists(logits: Sequence[Sequence[float]], eos: Optional[int], top_k: int) -> Columns:
    if len({len(row) for row in logits}) > 1:
        raise ValueError("the rows of the logits have different lengths")
    rows = [_reduce_row([float(value) for value in row], eos, top_k) for row in logits]
    argmax, p_argmax, p_eos, entropy, tokens, p = map(list, zip(*rows))
    return _columns(argmax, p_argmax, None if eos is None else p_eos, entropy, tokens if top_k > 0 else None, p)


def _reduce_row(
    row: List[float], eos: Optional[int], top_k: int
) -> Tuple[int, float, Optional[float], float, List[int], List[float]]:
    best = max(row)
    if not math.isfinite(best) or any(map(math.isnan, row)):
        return 0, math.nan, math.nan, math.nan, [], []
    weights = [math.exp(value - best) for value in row]
    whole = sum(weights)
    p = [weight / whole for weight in weights]
    entropy = -sum(value * math.log(value) for value in p if value > 0)
    some = sorted(range(len(p)), key=lambda token: -p[token])[:top_k] if top_k > 0 else []
    argmax = row.index(best)
    p_eos = None if eos is None else p[eos]
    return argmax, p[argmax], p_eos, entropy, some, [p[token] for token in some]


# -- Texts of tokens


def _texts(tokenizer: Any) -> Optional[Callable[[int], Text]]:
    """A function from a token's id to its text, or None."""
    if tokenizer is None:
        return None
    if hasattr(tokenizer, "convert_ids_to_tokens"):
        special = {int(token) for token in getattr(tokenizer, "all_special_ids", [])}
        added = getattr(tokenizer, "added_tokens_decoder", {})
        return _pieces(tokenizer.convert_ids_to_tokens, special, added, tokenizer)
    if hasattr(tokenizer, "id_to_token"):
        added = tokenizer.get_added_tokens_decoder() if hasattr(tokenizer, "get_added_tokens_decoder") else {}
        return _pieces(tokenizer.id_to_token, set(), added, tokenizer)
    text: Optional[Callable[[int], Text]] = None
    if isinstance(tokenizer, dict):
        text = tokenizer.get
    elif isinstance(tokenizer, (list, tuple)):
        text = lambda token: tokenizer[token] if token < len(tokenizer) else None
    elif callable(tokenizer):
        text = tokenizer
    elif hasattr(tokenizer, "decode"):
        text = lambda token: tokenizer.decode([token])
    if text is not None:
        return text
    raise TypeError("tokenizer= takes a tokenizer, a dict or list of texts, or a function from id to text")


def _pieces(piece_of: Callable[[int], Any], special: set[int], added: Any, tokenizer: Any) -> Callable[[int], Text]:
    """Texts from the pieces of a tokenizer of Hugging Face."""
    vocabulary = tokenizer.get_vocab() if hasattr(tokenizer, "get_vocab") else {}
    bytes_of = _alphabet() if not vocabulary or "\u0120" in vocabulary else {}

    def text(token: int) -> Text:
        piece = piece_of(token)
        known = added.get(token) if hasattr(added, "get") else None
        if token in special or getattr(known, "special", False):
            return {"control": str(piece)}
        if piece is None or known is not None:
            return None if piece is None else str(piece)
        if isinstance(piece, bytes):
            return piece
        if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
            try:
                return bytes([int(piece[3:5], 16)])
            except ValueError:
                pass
        if bytes_of and all(character in bytes_of for character in piece):
            return bytes(bytes_of[character] for character in piece)
        # Sentence pieces write a space as this.
        return str(piece).replace("\u2581", " ")

    return text


def _alphabet() -> Dict[str, int]:
    """Bytes by the printable characters that stand for them in byte-level BPE, since GPT-2."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    alphabet = {chr(byte): byte for byte in plain}
    alphabet.update({chr(256 + at): byte for at, byte in enumerate(others)})
    return alphabet


def _text(text: Text) -> Union[str, Dict[str, str], None]:
    """A text as the format has it."""
    if text is None:
        return None
    if isinstance(text, dict):
        return {"control": str(text["control"])}
    if isinstance(text, (bytes, bytearray)):
        try:
            return bytes(text).decode("utf-8")
        except UnicodeDecodeError:
            return {"hex": bytes(text).hex()}
    return whole(str(text))


def whole(text: str) -> str:
    """`text` with a question mark in place of each half of a surrogate pair, which is no text."""
    return text.encode("utf-8", "replace").decode("utf-8")
