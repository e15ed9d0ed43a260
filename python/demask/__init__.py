"""demask: a debugger for masked diffusion language models.

`serve(model, tokenizer)` lets the program `demask` run its strategies on your model; `Recorder` records your own
sampling loop. Importing this package imports neither torch nor transformers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List

__version__ = "0.1.0"

__all__ = ["Recorder", "serve"]

if TYPE_CHECKING:
    from .recorder import Recorder as Recorder
    from .serving import serve as serve

_HOMES = {"Recorder": "recorder", "serve": "serving"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError("module 'demask' has no attribute %r" % name)
    from importlib import import_module

    return getattr(import_module("." + home, __name__), name)


def __dir__() -> List[str]:
    return sorted([*globals(), *__all__])
