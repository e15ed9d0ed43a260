"""How models of the known families are called: one row for each family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional

from .model import Call

# Where blocks of attention may be counted from: the start of the generated region, or position 0.
GRIDS = ("prompt", "start")


@dataclass(frozen=True)
class Family:
    """How models of one `model_type` are called and read.

    `call`: how they take masks. `shift`: position i is predicted by the logits of position i − 1. `block`: positions in a
    block of block-causal attention, with the blocks from the start of the generated region (`grid` "prompt") or from
    position 0 ("start"). `mask`: the mask token where neither the configuration nor the tokenizer names it. `says`: who
    sees whom, in words.
    """

    call: Call
    says: str
    shift: bool = False
    block: Optional[int] = None
    grid: str = "prompt"
    mask: Optional[int] = None


# Models that see all positions without a mask, and take a 4-D mask where some are to be hidden.
_FULL = Call("additive")
# Models that are causal unless a 4-D mask says otherwise.
_OPENED = Call("additive", full=True)
# The same with a mask of booleans: these models would read an additive mask the wrong way round.
_OPENED_BY_BOOLEANS = Call("boolean", full=True)

_ITSELF = "full"
_BY_MASK = "full, by a 4-D mask"
_BLOCKS = "block-causal, by a 4-D mask"

# By `model_type` of config.json. If a checkpoint comes with another version of the code, the probe finds that out.
FAMILIES: Dict[str, Family] = {
    "llada": Family(Call("bias"), _ITSELF, mask=126336),
    "illada": Family(_FULL, _ITSELF, mask=5),
    "lladamoe": Family(Call("keys", full=True), _ITSELF, mask=156895),
    "llada_moe": Family(Call("keys", full=True), _ITSELF, mask=156895),
    "llada2_moe": Family(_OPENED, _BLOCKS, block=32, grid="start", mask=156895),
    "Dream": Family(Call("boolean"), _ITSELF, shift=True, mask=151666),
    "sdar": Family(_OPENED_BY_BOOLEANS, _BLOCKS, block=4, grid="start", mask=151669),
    "sdar_moe": Family(_OPENED_BY_BOOLEANS, _BLOCKS, block=4, grid="start", mask=151669),
    "nemotron_labs_diffusion": Family(Call("boolean"), _BLOCKS, block=32, mask=100),
    "a2d-qwen2": Family(_FULL, _ITSELF),
    "a2d-qwen3": Family(_FULL, _ITSELF),
    "a2d-llama": Family(_FULL, _ITSELF),
    "modernbert": Family(Call("keys"), "full, some layers in a window"),
    "qwen2": Family(_OPENED, _BY_MASK),
    "qwen3": Family(_OPENED, _BY_MASK),
    "qwen3_moe": Family(_OPENED, _BY_MASK),
    "llama": Family(_OPENED, _BY_MASK),
}

# A model of an unknown family gets no mask where all positions may be seen.
UNKNOWN = Family(_FULL, "as the model does it")


def model_type_of(config: Any) -> str:
    """The `model_type` of a configuration, empty where it has none. LLaDA-MoE's files have that of LLaDA."""
    model_type = str(getattr(config, "model_type", "") or "")
    return "lladamoe" if model_type == "llada" and getattr(config, "num_experts", None) else model_type


def family(model_type: str) -> Family:
    """The row of a `model_type`, or that of unknown ones."""
    return FAMILIES.get(model_type, UNKNOWN)
