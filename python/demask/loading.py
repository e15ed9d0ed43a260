"""Loads a checkpoint with transformers."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Tuple

from .protocol import EngineError, last_lines

# Called with the step of loading that begins, in words.
Work = Callable[[str], None]

NO_TORCH = (
    "PyTorch is not installed in the Python that runs the engine (%s): pip install torch transformers, or start the engine "
    "with the Python that has it"
)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, and how it is loaded.

    `path`: a folder or a name on the Hugging Face Hub. `device`: "auto", "cpu", "cuda:0", …; `device_map`: what
    transformers takes, e.g. "auto" for several devices; `dtype`: "auto" (as saved), "bfloat16", …; `trust`: whether code
    that comes with the checkpoint may run; `parallel`: tensor parallel over the processes of torchrun.
    """

    path: str
    device: str = "auto"
    device_map: Optional[str] = None
    dtype: str = "auto"
    trust: bool = False
    revision: Optional[str] = None
    parallel: bool = False


def load(checkpoint: Checkpoint, work: Work) -> Tuple[Any, Any]:
    """The model and its tokenizer (None where there is none). Raises `EngineError` of kind "load"."""
    work("importing PyTorch")
    try:
        import torch
    except ImportError:
        raise EngineError("load", NO_TORCH % sys.executable) from None
    work("importing transformers")
    try:
        import transformers
    except ImportError:
        raise EngineError(
            "load",
            "transformers is not installed in the Python that runs the engine (%s): pip install transformers"
            % sys.executable,
        ) from None
    shared: Dict[str, Any] = {"trust_remote_code": checkpoint.trust}
    if checkpoint.revision:
        shared["revision"] = checkpoint.revision
    if checkpoint.path.startswith(("/", ".", "~")) and not os.path.isdir(os.path.expanduser(checkpoint.path)):
        raise EngineError("load", "%s: there is no such folder" % checkpoint.path)
    work("reading the configuration")
    config = _tried(transformers, checkpoint, lambda: transformers.AutoConfig.from_pretrained(checkpoint.path, **shared))
    fields: Dict[str, Any] = dict(shared)
    fields[_dtype_name(transformers)] = _dtype(torch, checkpoint.dtype)
    device = _device(torch, checkpoint.device)
    quantised = getattr(config, "quantization_config", None) is not None
    if checkpoint.parallel:
        fields.update(_parallel(transformers))
    elif checkpoint.device_map:
        fields["device_map"] = checkpoint.device_map
    elif quantised:
        # Packed weights cannot be moved once they are loaded.
        fields["device_map"] = {"": device}
    work("loading the weights")
    model = _model(transformers, checkpoint, config, fields)
    if not checkpoint.parallel and "device_map" not in fields:
        work("moving the weights to %s" % device)
        model = _tried(transformers, checkpoint, lambda: model.to(device))
    model.eval()
    work("loading the tokenizer")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint.path, **shared)
    except Exception as error:  # The tokenizer is missing, or a library that it needs is.
        print("warning: no tokenizer, so prompts must be token ids: %s" % _first_line(error), file=sys.stderr)
        tokenizer = None
    return model, tokenizer


def _model(transformers: Any, checkpoint: Checkpoint, config: Any, fields: Dict[str, Any]) -> Any:
    """The model, loaded by the first class that knows it, with an attention that takes 4-D masks."""
    failure: Optional[Exception] = None
    for name in classes(config):
        auto = getattr(transformers, name)
        for attention in ("sdpa", "eager"):
            try:
                return auto.from_pretrained(checkpoint.path, attn_implementation=attention, **fields)
            except Exception as error:  # A checkpoint's own code may raise anything.
                if "Unrecognized configuration class" in str(error):
                    break
                failure = error
                # Another attention implementation helps only if the error is about attention.
                if "attn" not in str(error) and "attention" not in str(error).lower():
                    raise _failed(transformers, checkpoint, error, config) from error
    if failure is not None:
        raise _failed(transformers, checkpoint, failure, config) from failure
    kind = getattr(config, "model_type", "?")
    raise EngineError(
        "load",
        "%s: transformers knows no language model of type %s. Update transformers, or load the model in a script that ends "
        "in demask.serve(model, tokenizer)" % (checkpoint.path, kind),
    )


def classes(config: Any) -> List[str]:
    """The names of transformers' auto classes to try, the likeliest first."""
    mine = getattr(config, "auto_map", None) or {}
    names = ["AutoModelForCausalLM", "AutoModelForMaskedLM", "AutoModel"]
    architectures = getattr(config, "architectures", None) or [""]
    if str(architectures[0]).endswith("ForMaskedLM"):
        names = ["AutoModelForMaskedLM", "AutoModelForCausalLM", "AutoModel"]
    known = [name for name in names if name in mine]
    return known or names


def _tried(transformers: Any, checkpoint: Checkpoint, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:  # Transformers and a checkpoint's own code may raise anything.
        raise _failed(transformers, checkpoint, error) from error


def _failed(transformers: Any, checkpoint: Checkpoint, error: Exception, config: Any = None) -> EngineError:
    """The error of a checkpoint that cannot be loaded, with what may help."""
    if _is_trust(error):
        return EngineError(
            "load",
            "%s comes with Python code of its own, which would run here with your rights: read it, and give "
            "--trust-remote-code if you trust it" % checkpoint.path,
        )
    message = "%s cannot be loaded: %s" % (checkpoint.path, _first_line(error))
    made, here = str(getattr(config, "transformers_version", "") or ""), str(transformers.__version__)
    if checkpoint.trust and made and made.split(".")[:2] != here.split(".")[:2]:
        message += ". Its own code was made for transformers %s, and this is %s: pip install transformers==%s" % (
            made,
            here,
            made,
        )
    return EngineError("load", message, last_lines(error))


def _is_trust(error: Exception) -> bool:
    return "trust_remote_code" in str(error)


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return "%s: %s" % (type(error).__name__, lines[0][:400] if lines else "")


def _dtype_name(transformers: Any) -> str:
    """The argument for the type: `dtype` since transformers 4.56, `torch_dtype` before."""
    major, minor = (int(part) for part in str(transformers.__version__).split(".")[:2])
    return "dtype" if (major, minor) >= (4, 56) else "torch_dtype"


def _parallel(transformers: Any) -> Dict[str, Any]:
    """The arguments that ask for tensor parallelism: newer versions of transformers take a configuration object."""
    try:
        return {"distributed_config": transformers.distributed.DistributedConfig(tp_plan="auto")}
    except (AttributeError, ImportError, TypeError):
        return {"tp_plan": "auto"}


def _dtype(torch: Any, name: str) -> Any:
    if name == "auto":
        return "auto"
    short = {"f32": "float32", "bf16": "bfloat16", "f16": "float16", "fp16": "float16", "fp32": "float32"}
    found = getattr(torch, short.get(name, name), None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise EngineError("load", "--dtype %s is not known: give auto, float32, bfloat16 or float16" % name)
    return found


def _device(torch: Any, name: str) -> str:
    if name != "auto":
        try:
            torch.device(name)
        except RuntimeError:
            raise EngineError("load", "--device %s is not known: give auto, cpu, cuda, cuda:N or mps" % name) from None
        if name.startswith("cuda") and not torch.cuda.is_available():
            raise EngineError("load", "--device %s: PyTorch sees no CUDA device here. Give --device cpu" % name)
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
