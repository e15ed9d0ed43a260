"""demask: a debugger for masked diffusion language models.

`serve(model, tokenizer)` lets the program `demask` run its strategies on your model; `debug()` lets it attach to your own
sampling loop, `Recorder` records that loop, `Recording` shows a recording in a notebook. Importing this package imports
neither torch nor transformers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List

__version__ = "0.1.0"

__all__ = ["Debug", "Knob", "Recorder", "Recording", "Stopped", "debug", "run", "serve"]

if TYPE_CHECKING:
    from .driving import Debug as Debug, Stopped as Stopped, debug as debug
    from .knob import Knob as Knob
    from .recorder import Recorder as Recorder
    from .recording import Recording as Recording
    from .running import run as run
    from .serving import serve as serve

_HOMES = {
    "Debug": "driving",
    "Knob": "knob",
    "Recorder": "recorder",
    "Recording": "recording",
    "Stopped": "driving",
    "debug": "driving",
    "run": "running",
    "serve": "serving",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "adapters":
        return import_module(".adapters", __name__)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError("module 'demask' has no attribute %r" % name)
    return getattr(import_module("." + home, __name__), name)


def __dir__() -> List[str]:
    return sorted([*globals(), *__all__])
