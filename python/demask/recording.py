"""A recording in a notebook or a script: the player, tables, texts, differences.

The program `demask` computes all of them, by its commands `export`, `replay` and `diff`.
"""

from __future__ import annotations

import html
import io
import json
import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Dict, List, Optional, Union

from . import program

# A row of a table without pyarrow: a value for each column, None where the recording has none.
Row = Dict[str, Any]

# The frame of the player in a notebook. Its script cannot reach the page around it.
_FRAME = (
    '<iframe title="%s" sandbox="allow-scripts" style="width: 100%%; height: 760px; border: 1px solid #8884" srcdoc="%s">'
    "</iframe>"
)


class Recording:
    """A recording of demask or of `demask.Recorder`, in any form that `demask replay` opens.

        recording = demask.Recording("run.jsonl")
        recording                         # as the last line of a cell of a notebook: the player
        recording.positions               # a row for each position of the canvas at each step

    The file is read anew each time, so a run that still goes on is shown as far as it is recorded. Everything here raises
    `RuntimeError` with the program's message if the file is no recording, and `FileNotFoundError` if the program is not
    installed.
    """

    def __init__(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """`path` is the file. Raises `FileNotFoundError` if there is none."""
        self.path = os.fspath(path)
        if not os.path.exists(self.path):
            raise FileNotFoundError("%s: there is no such file" % self.path)

    def __repr__(self) -> str:
        return "demask.Recording(%r)" % self.path

    def _repr_html_(self) -> str:
        """The player, for Jupyter."""
        page = program.run("export", "--to", "html", "--", self.path, "-").decode("utf-8")
        return _FRAME % (html.escape("demask: " + os.path.basename(self.path)), html.escape(page))

    @property
    def steps(self) -> Any:
        """The table of steps: a row for each step of each branch, and one for each start.

        A `pyarrow.Table` where pyarrow is installed, else a list of dicts with the same columns, which docs/export.md of
        demask describes. Numbers are those recorded; times are in milliseconds.
        """
        return self._table("steps")

    @property
    def positions(self) -> Any:
        """The table of positions: a row for each generated position at each step of each branch, with what the model said
        there and what the step did. In the same form as `steps`; probabilities are 0 to 1, entropies in nats."""
        return self._table("positions")

    def text(self, step: Optional[int] = None) -> str:
        """What is written after a step of the branch left last, with ▒ for each mask; after the last step if none is given.

        Steps are counted from 1, and 0 is the start. Raises `RuntimeError` if the branch has no such step.
        """
        place = "end" if step is None else "%d" % step
        told = program.run("replay", "--batch", "--no-config", "--exec", "goto %s; text" % place, "--", self.path)
        return told.decode("utf-8")[:-1]

    def diff(self, other: "Union[Recording, str, os.PathLike[str]]") -> Dict[str, Any]:
        """How this run and another differ: what `demask diff --json` prints, described in docs/diff.md of demask.

        `other` is a recording or its file; FILE@BRANCH names a branch, and @BRANCH one of this file.
        """
        there = other.path if isinstance(other, Recording) else os.fspath(other)
        found: Dict[str, Any] = json.loads(program.run("diff", "--json", "--no-config", "--", self.path, there))
        return found

    def _table(self, name: str) -> Any:
        arrow = find_spec("pyarrow") is not None
        made = program.run("export", "--to", "parquet" if arrow else "ndjson", "--table", name, "--", self.path, "-")
        return _arrow(made) if arrow else _rows(made)


def _arrow(made: bytes) -> Any:
    return import_module("pyarrow.parquet").read_table(io.BytesIO(made))


def _rows(made: bytes) -> List[Row]:
    return [json.loads(line) for line in made.splitlines()]
