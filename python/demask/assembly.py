"""Puts an engine together from a model, a tokenizer and the caller's arguments."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Iterable, Optional, Tuple, Union

from . import passes
from .answers import SAID_CAUSAL, Engine, Facts
from .families import FAMILIES, GRIDS, family, model_type_of
from .model import MASKS, Call, Leads, Model
from .passes import Inputs
from .probe import Findings, look_at
from .protocol import EngineError
from .request import Pass
from .tokens import Tokens, id_

if TYPE_CHECKING:
    import torch

# The longest sequence, in positions, that is assumed for a model whose configuration names none.
UNKNOWN_CONTEXT = 1 << 17

# Fields of configurations that hold the longest sequence, and the positions in a block.
_CONTEXTS = ("max_sequence_length", "max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
_BLOCKS = ("block_size", "bd_size", "block_length")

# Those that name a token which deletes a position, or puts a mask before one (LLaDA2.2).
_EDIT_TOKENS = ("delete_token_id", "split_token_id")


def engine_of(
    model: Any,
    tokenizer: Any,
    *,
    mask: Union[int, str, None] = None,
    eos: Union[int, str, None] = None,
    name: Optional[str] = None,
    attention: Union[str, int, None] = None,
    grid: Optional[str] = None,
    masks: Optional[str] = None,
    shift: Optional[bool] = None,
    context: Optional[int] = None,
    device: Union["torch.device", str, None] = None,
    probe: bool = True,
    leads: Optional[Leads] = None,
) -> Engine:
    """The engine that `serve` serves; the arguments are those of `serve`. `leads` is called before each computation with
    its inputs."""
    import torch

    config = getattr(model, "config", None)
    model_type = model_type_of(config)
    row = family(model_type)
    tokens = Tokens(tokenizer)
    call, blocks, said = row.call, row.block, row.says + (" (family %s)" % model_type if model_type else "")
    # In the configuration of an unknown family, `block_size` may be the longest sequence.
    if model_type in FAMILIES:
        blocks = next((size for size in (_whole(getattr(config, field, None)) for field in _BLOCKS) if size), blocks)
    if masks is not None:
        if masks not in MASKS:
            raise ValueError("masks=%r is not known: give one of %s" % (masks, ", ".join(MASKS)))
        call = dataclasses.replace(call, mask=masks)
    if attention is not None:
        call, blocks, said = _attention(attention, call)
    if grid not in (None, *GRIDS):
        raise ValueError("grid=%r is not known: give one of %s" % (grid, ", ".join(GRIDS)))
    if grid is not None and blocks is None:
        raise ValueError("grid=%r says where blocks begin, and none are known: give their length with attention=" % grid)
    if isinstance(model, torch.nn.Module) and model.training:
        model.eval()
    wrapped = Model(model, call, None if device is None else torch.device(device))
    wrapped.leads = leads
    try:
        wrapped.columns = _columns(wrapped, _shortest(wrapped, blocks))
    except EngineError as error:
        raise RuntimeError(error.message) from None
    if context is None:
        context = next((size for size in (_whole(getattr(config, field, None)) for field in _CONTEXTS) if size), None)
    edits = ((field, id_(getattr(config, field, None))) for field in _EDIT_TOKENS)
    facts = Facts(
        name=name or _name(model, config),
        family=model_type,
        context=context or UNKNOWN_CONTEXT,
        parameters=_size(wrapped),
        mask=_token(mask, tokens, "mask", (id_(getattr(config, "mask_token_id", None)), tokens.mask, row.mask)),
        eos=_token(eos, tokens, "eos", (tokens.eos, id_(getattr(config, "eos_token_id", None)))),
        tokens={name: token for name, token in edits if token is not None},
        shift=row.shift if shift is None else shift,
        block=blocks,
        grid=grid or row.grid,
        attention=said,
    )
    if context is None:
        facts.findings.append(
            "the longest sequence is not known, %d positions are assumed: serve takes context=" % UNKNOWN_CONTEXT
        )
    _check_tokens(facts, wrapped.columns, given=(mask is not None, eos is not None))
    sees = True
    if probe:
        said_so = attention is not None or masks is not None
        found = look_at(wrapped, tokens, facts.mask, blocks, said_so, model_type in FAMILIES)
        sees, facts.block = found.sees, found.block
        _take(found, facts, wrapped, known=model_type in FAMILIES or shift is not None)
    wrapped.try_keeping(_shortest(wrapped, facts.block))
    return Engine(wrapped, tokens, facts, sees)


def _check_tokens(facts: Facts, columns: int, given: Tuple[bool, bool]) -> None:
    """Drops special tokens that are not in the vocabulary. Raises ValueError for such a token that the caller gave
    (`given`)."""
    for name, said in zip(("mask", "eos"), given):
        token = getattr(facts, name)
        if token is None or 0 <= token < columns:
            continue
        if said:
            raise ValueError("%s=%d is not in the model's vocabulary of %d: give another token" % (name, token, columns))
        setattr(facts, name, None)
    if facts.mask is None:
        facts.findings.append("no mask token is known: give it with --mask-token")


def _take(found: Findings, facts: Facts, model: Model, known: bool) -> None:
    """Adds the findings to the facts. `known`: the caller or the family says where predictions are read."""
    facts.findings.extend(found.sentences)
    model.takes_positions = model.takes_positions and found.positions
    opened = found.call.full and not found.call.causal and found.call.mask != "keys"
    if not found.sees:
        facts.attention = "causal (found by trying)"
    elif facts.block is None and "block" in facts.attention:
        facts.attention = "full (found by trying)"
    elif opened and facts.block is None and "4-D" not in facts.attention:
        facts.attention += ", by a 4-D mask"
    if found.shift is None or found.shift == facts.shift:
        return
    if known:
        facts.findings.append(
            "predictions are read %s, but on a text masked tokens are predicted better the other way (%s)"
            % ("one position before, as said" if facts.shift else "at their own position, as said", found.reading)
        )
        return
    facts.shift = found.shift
    facts.findings.append("predictions are read one position before: on a text %s" % found.reading)


def _shortest(model: Model, block: Optional[int]) -> Inputs:
    return passes.inputs([Pass([0, 0], block=None if block is None else (block, 0, None))], model.device)


def _columns(model: Model, inputs: Inputs) -> int:
    """The number of columns of the logits. If the model raises on a mask of the family's kind, other kinds are tried; if
    it raises on all of them, the first exception is raised."""
    call = model.call
    try:
        return int(model.logits(inputs, None).shape[2])
    except EngineError:
        raise
    except Exception:
        for mask in ("additive", "boolean", "keys"):
            model.call = Call(mask, full=True)
            try:
                return int(model.logits(inputs, None).shape[2])
            except Exception:  # The exception of the first call is the one that is raised.
                continue
        raise
    finally:
        model.call = call


def _attention(attention: Union[str, int], call: Call) -> Tuple[Call, Optional[int], str]:
    """The call, the positions in a block and a description, for the caller's `attention`."""
    if attention == "full":
        full = call.mask in ("additive", "boolean", "bias")
        return dataclasses.replace(call, full=full, causal=False), None, "full (said)"
    if attention == "causal":
        return dataclasses.replace(call, causal=True), None, SAID_CAUSAL
    size = int(attention) if str(attention).isdecimal() else 0
    if size < 1:
        raise ValueError("attention=%r is not known: it is full, causal, or the positions in a block" % (attention,))
    return dataclasses.replace(call, full=True), size, "block-causal in blocks of %d (said)" % size


def _whole(value: Any) -> Optional[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _token(
    given: Union[int, str, None], tokens: Tokens, what: str, found: Iterable[Optional[int]]
) -> Optional[int]:
    """The token that the caller gave, by id or text, else the first of `found`."""
    if given is None:
        return next((token for token in found if token is not None), None)
    if isinstance(given, int):
        return given
    token = tokens.id_of(given)
    if token is None and given.isdecimal():
        token = int(given)
    if token is None:
        raise ValueError("%s=%r: the tokenizer has no such token. Give its id" % (what, given))
    return token


def _name(model: Any, config: Any) -> str:
    path = str(getattr(config, "_name_or_path", "") or "").rstrip("/")
    return path.rsplit("/", 1)[-1] or getattr(model, "__name__", type(model).__name__)


def _size(model: Model) -> int:
    """The number of parameters; 0 for a function."""
    if model.module is None:
        return 0
    count = getattr(model.module, "num_parameters", None)
    try:
        return int(count()) if callable(count) else sum(one.numel() for one in model.module.parameters())
    except Exception:  # The checkpoint's own code counts packed weights, and may fail.
        return sum(one.numel() for one in model.module.parameters())
