"""Calls a model: a torch module, a transformers model, or a function from ids to logits."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional

from . import passes
from .passes import Inputs
from .protocol import EngineError

if TYPE_CHECKING:
    import torch

# Called with the number of layers computed; raises if the pass is to stop.
Watch = Callable[[int], None]

# The attention mask that a model takes: a 4-D mask to add to the scores, a 4-D mask of booleans, a 4-D mask to add under
# the name `attention_bias`, a 2-D mask of keys, or none.
MASKS = ("additive", "boolean", "bias", "keys", "none")

# The argument of transformers' models for the positions whose logits are wanted.
_KEEPS = "logits_to_keep"


@dataclass(frozen=True)
class Call:
    """How a model is called.

    `mask`: one of `MASKS`. `full`: a mask is given even where every position sees all, since the model is causal without
    one. `causal`: attention is made causal where full attention is asked for.
    """

    mask: str = "additive"
    full: bool = False
    causal: bool = False


# Called before a computation with its inputs, the positions whose logits are wanted, and how the model is called.
Leads = Callable[[Inputs, Optional[List[int]], Call], None]


class Model:
    """Calls a model and reads its logits."""

    def __init__(self, function: Callable[..., Any], call: Call, device: Optional["torch.device"] = None) -> None:
        import torch

        self.function = function
        self.call = call
        self.module = function if isinstance(function, torch.nn.Module) else None
        self.device = device if device is not None else _device_of(self.module)
        self.dtype = _dtype_of(self.module)
        self.layers = _layers_of(self.module)
        self.columns = 0
        forward = self.module.forward if self.module is not None else function
        self._named = self.module is not None
        self._takes = _parameters(forward)
        # Whether position numbers reach the model.
        self.takes_positions = not self._named or "position_ids" in self._takes
        # Whether the model can compute its head for the wanted positions only.
        self.keeps = False
        # Sends the next computation to the other processes of a tensor parallel model.
        self.leads: Optional[Leads] = None

    @property
    def takes_masks(self) -> bool:
        """Whether masks that differ from position to position can be given."""
        return self.call.mask in ("additive", "boolean", "bias")

    def logits(self, inputs: Inputs, rows: Optional[List[int]], watch: Optional[Watch] = None) -> "torch.Tensor":
        """Logits of a call, `[batch, rows, columns]` in the model's own type; `rows` None means all positions.

        Raises `EngineError` of kind "failed" if the logits have another shape, and anything that the model raises.
        """
        import torch

        batch, length = inputs.ids.shape
        kept = rows if self.keeps else None
        if self.leads is not None:
            # The other processes cannot be interrupted while they compute, so a pass is cancelled only once it is done.
            self.leads(inputs, kept, self.call)
        with torch.no_grad(), _Hooks(self.layers, watch, late=self.leads is not None):
            output = self.run(inputs, kept)
        logits = _logits_in(output)
        if logits.dim() == 2 and batch == 1:
            logits = logits[None]
        expected = length if kept is None else len(kept)
        if logits.dim() != 3 or tuple(logits.shape[:2]) != (batch, expected):
            raise EngineError(
                "failed",
                "the model gave logits of shape %s for ids of shape %s: expected [%d, %d, columns]"
                % (list(logits.shape), [batch, length], batch, expected),
            )
        if self.columns and logits.shape[2] != self.columns:
            raise EngineError(
                "failed", "the model gave %d columns of logits, and %d before" % (logits.shape[2], self.columns)
            )
        if rows is not None and kept is None:
            first, count = rows[0] if rows else 0, len(rows)
            if rows == list(range(first, first + count)):
                return logits[:, first : first + count]
            logits = logits[:, torch.tensor(rows, dtype=torch.int64, device=logits.device)]
        return logits

    def try_keeping(self, inputs: Inputs) -> None:
        """Finds out whether the head can be computed for some positions only; `inputs` has at least two positions."""
        import torch

        if _KEEPS not in self._takes:
            return
        try:
            expected = self.logits(inputs, [1, 0])
            self.keeps = True
            self.keeps = torch.allclose(self.logits(inputs, [1, 0]), expected, rtol=1e-2, atol=1e-2, equal_nan=True)
        except Exception:  # The argument is a count in some models.
            self.keeps = False

    def run(self, inputs: Inputs, kept: Optional[List[int]]) -> Any:
        """Calls the model and returns its output. `kept`: the positions whose logits are wanted; None for all."""
        import torch

        mask = self._mask(inputs)
        if not self._named:
            return self.function(inputs.ids, mask, inputs.positions)
        named: Dict[str, Any] = {}
        if mask is not None:
            named["attention_bias" if self.call.mask == "bias" else "attention_mask"] = mask
        if inputs.positions is not None:
            if "position_ids" not in self._takes:
                raise EngineError("unsupported", "this model takes no position numbers")
            named["position_ids"] = inputs.positions
        if kept is not None:
            named[_KEEPS] = torch.tensor(kept, dtype=torch.int64, device=self.device)
        # Keys and values of one canvas are of no use for the next: its tokens change at any position.
        named.update({"use_cache": False} if "use_cache" in self._takes else {})
        named.update({"return_dict": True} if "return_dict" in self._takes else {})
        if "input_ids" in self._takes:
            return self.function(input_ids=inputs.ids, **named)
        return self.function(inputs.ids, **named)

    def _mask(self, inputs: Inputs) -> Optional["torch.Tensor"]:
        """The attention mask in the form that the model takes; None if it needs none."""
        import torch

        batch, length = inputs.ids.shape
        allowed = inputs.allowed
        # A causal model that takes no mask is causal by itself.
        if self.call.causal and not (allowed is None and self.call.mask == "none"):
            before = passes.block_causal(length, 1, 0, inputs.ids.device)
            allowed = before if allowed is None else allowed & before
        if allowed is None:
            if not self.call.full:
                return None
            allowed = torch.ones((1, length, length), dtype=torch.bool, device=inputs.ids.device)
        if self.call.mask == "none":
            raise EngineError("unsupported", "this model takes no attention mask")
        if self.call.mask == "keys":
            return passes.keys_only(allowed, batch)
        allowed = allowed.expand(batch, -1, -1)
        if self.call.mask == "boolean":
            return allowed[:, None]
        return passes.additive(allowed, self.dtype)


class _Hooks:
    """Calls `watch` after each layer of a pass. `late`: an exception that it raises is raised only after the pass."""

    def __init__(self, layers: List["torch.nn.Module"], watch: Optional[Watch], late: bool) -> None:
        self.layers, self.watch, self.late = layers, watch, late
        self.handles: List[Any] = []
        self.raised: Optional[Exception] = None

    def __enter__(self) -> None:
        if self.watch is None:
            return
        self._tell(0)
        for number, layer in enumerate(self.layers):

            def done(*_: Any, number: int = number) -> None:
                self._tell(number + 1)

            self.handles.append(layer.register_forward_hook(done))

    def _tell(self, done: int) -> None:
        if self.watch is None or self.raised is not None:
            return
        try:
            self.watch(done)
        except Exception as error:
            if not self.late:
                raise
            self.raised = error

    def __exit__(self, kind: Any, *_: Any) -> None:
        for handle in self.handles:
            handle.remove()
        if kind is None and self.raised is not None:
            raise self.raised


def _logits_in(output: Any) -> "torch.Tensor":
    """The logits in a model's output: a tensor, an object with `.logits`, a dict or a tuple."""
    import torch

    found = getattr(output, "logits", None)
    if found is None and isinstance(output, dict):
        found = output.get("logits")
    if found is None and isinstance(output, (tuple, list)) and len(output):
        found = output[0]
    if found is None:
        found = output
    if not isinstance(found, torch.Tensor):
        name = type(output).__name__
        raise EngineError("failed", "the model gave %s and no logits: return a tensor, or an object with `.logits`" % name)
    return found


def _parameters(function: Callable[..., Any]) -> List[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _device_of(module: Optional["torch.nn.Module"]) -> "torch.device":
    """The device for ids: that of the embedding, since the layers may lie on several devices."""
    import torch

    if module is None:
        return torch.device("cpu")
    embedding = getattr(module, "get_input_embeddings", None)
    try:
        found = embedding() if callable(embedding) else None
    except Exception:  # Some models have the method, but no embedding under the name that it expects.
        found = None
    for source in (found, module):
        for parameter in _tensors(source):
            if parameter.device.type != "meta":
                return parameter.device
    return torch.device("cpu")


def _dtype_of(module: Optional["torch.nn.Module"]) -> "torch.dtype":
    """The floating-point type that the module computes in."""
    import torch

    said = getattr(module, "dtype", None)
    if isinstance(said, torch.dtype) and said.is_floating_point:
        return said
    return next((tensor.dtype for tensor in _tensors(module) if tensor.is_floating_point()), torch.float32)


def _tensors(module: Optional["torch.nn.Module"]) -> Iterator["torch.Tensor"]:
    if module is not None:
        yield from module.parameters()
        yield from module.buffers()


def _layers_of(module: Optional["torch.nn.Module"]) -> List["torch.nn.Module"]:
    """The layers in order: the longest list of modules of one class, and the outermost if several are equally long."""
    import torch

    found: List["torch.nn.Module"] = []
    for one in module.modules() if module is not None else []:
        if isinstance(one, torch.nn.ModuleList) and len(one) > len(found) and len({type(layer) for layer in one}) == 1:
            found = list(one)
    config = getattr(module, "config", None)
    said = getattr(config, "num_hidden_layers", getattr(config, "n_layers", None))
    # A list of experts can be longer than that of the layers.
    if isinstance(said, int) and said != len(found):
        lists = [one for one in module.modules() if isinstance(one, torch.nn.ModuleList)] if module is not None else []
        found = next((list(one) for one in lists if len(one) == said), [])
    return found
