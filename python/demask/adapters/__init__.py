"""Puts published pipelines and samplers under the debugger, one module a package. None is imported before it is used.

    demask.adapters.diffusers.debug(pipe)              LLaDA2Pipeline, DiffusionGemmaPipeline
    demask.adapters.transformers.debug(model, …)       generate of DiffusionGemma, by a streamer
    demask.adapters.modules.debug(model, …)            the forward passes of any torch module
    demask.adapters.dllm.debug(sampler)                samplers of dLLM
    demask.adapters.sglang                             algorithms of SGLang's dLLM server
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, List

__all__ = ["diffusers", "dllm", "modules", "sglang", "transformers"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return import_module("." + name, __name__)
    raise AttributeError("module 'demask.adapters' has no attribute %r" % name)


def __dir__() -> List[str]:
    return sorted([*globals(), *__all__])
