"""Finds out what a model does by calling it: who sees whom, where predictions are read, what batches change.

A model that runs causally by mistake still writes plausible text, and so does one whose logits are read one position
off. A few short passes find both.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, List, Optional

from . import passes
from .model import Call, Model
from .protocol import EngineError
from .request import Pass
from .tokens import Tokens

if TYPE_CHECKING:
    import torch

# The length of the sequences that are tried, positions.
LENGTH = 12

# A difference of logits counts as rounding below this share of the difference that a visible token makes, or of the
# largest logit.
_NOTHING = 0.01

# The model is taken as shifted only if reading one position before is better by this much, nats a token.
_BETTER = 1.0

# The text on which it is tried out where predictions are read.
_TEXT = (
    "The sun rises in the east and sets in the west. Water freezes at zero degrees and boils at one hundred degrees. "
    "There are seven days in a week and twelve months in a year."
)
# One token in so many of this text is masked.
_APART = 5


@dataclass
class Findings:
    """What the passes found. `sees`: whether a position sees those behind it. `call`: how the model is called so that it
    does. `shift`: whether the logits of the position before predict better, None if that cannot be told; `reading` says
    by how much. `positions`: whether position numbers reach the model. `block`: positions in a block that it can be asked
    for. `sentences`: warnings for the user."""

    call: Call
    sees: bool = True
    shift: Optional[bool] = None
    reading: str = ""
    positions: bool = True
    block: Optional[int] = None
    sentences: List[str] = field(default_factory=list)


def look_at(
    model: Model, tokens: Tokens, mask: Optional[int], block: Optional[int], said: bool, known: bool
) -> Findings:
    """Calls the model a few times. `said`: the caller said who sees whom, which is kept; `known`: the family says which
    masks the model takes, so that a missing one is no news.

    Raises whatever the model raises on a plain pass.
    """
    probe = _Probe(model, tokens, mask, block)
    found = Findings(model.call, block=block)
    if probe.is_nan():
        found.sentences.append(
            "the model's logits are not numbers (NaN) on an ordinary sequence: load it in a type of wider range "
            "(--dtype bfloat16 or float32). Nothing else was tried out"
        )
        return found
    if not model.call.causal:
        _sight(probe, found, said)
    _masks(probe, found, known)
    _positions(probe, found)
    _batches(probe, found)
    if mask is not None:
        _shift(probe, found)
    return found


class _Probe:
    """Short sequences through the model."""

    def __init__(self, model: Model, tokens: Tokens, mask: Optional[int], block: Optional[int]) -> None:
        self.model, self.tokens, self.mask = model, tokens, mask
        # Within its block a position sees all.
        self.block = block
        self.length = LENGTH if block is None else max(2, min(LENGTH, block))
        self.ids = self._ids(self.length)
        others = self._ids(self.length + 4)[::-1]
        changed = next((token for token in others if token != self.ids[-1]), self.ids[-1])
        self.other = self.ids[:-1] + [changed]

    def _ids(self, count: int) -> List[int]:
        columns = self.model.columns
        ids: List[int] = []
        try:
            ids = [token for token in self.tokens.encode(_TEXT, special=False) if token < columns]
        except Exception:  # There is no tokenizer, or it cannot encode.
            pass
        if len(set(ids)) < 2:
            # The tokenizer knows none of these words: nothing could be told from one token over and over.
            ids = []
        made = ((at * 7919 + 13) % columns for at in range(count * 3 + 8))
        ids += [token for token in made if token != self.mask]
        return ids[:count]

    def logits(self, *sequences: List[int], **fields: object) -> "torch.Tensor":
        """Logits float32 `[batch, length, columns]` on the model's device."""
        if self.block is not None and not fields:
            fields = {"block": (self.block, 0, None)}
        all_passes = [Pass(ids, **fields) for ids in sequences]  # type: ignore[arg-type]
        return self.model.logits(passes.inputs(all_passes, self.model.device), None).float()

    def is_nan(self) -> bool:
        """Whether a plain pass gives NaN. False if the model does not take this kind of mask."""
        try:
            return bool(self.logits(self.ids).isnan().any())
        except EngineError:
            raise
        except Exception:  # The model does not take this kind of mask; other kinds are tried later.
            if not self.model.call.full:
                raise
            return False

    def change(self, **fields: object) -> float:
        """The largest change of a logit before the last position when the last token is replaced by another one."""
        moved = self.logits(self.ids, **fields)[0, :-1] - self.logits(self.other, **fields)[0, :-1]
        return float(moved.abs().max())

    def rounding(self) -> float:
        """How far logits move without a reason: from one pass to the next, and by a few units in the last place."""
        import torch

        first = self.logits(self.ids)[0]
        again = float((first - self.logits(self.ids)[0]).abs().max())
        return max(4 * again, 2 * torch.finfo(self.model.dtype).eps * float(first.abs().max()))

    def sees(self) -> bool:
        """Whether the last token changes any logit before it; in a causal model it changes none. False if the model does not
        take this kind of mask."""
        try:
            return self.change() > self.rounding()
        except EngineError:
            raise
        except Exception:  # The model does not take this kind of mask.
            if not self.model.call.full:
                raise
            return False


def _sight(probe: _Probe, found: Findings, said: bool) -> None:
    """Whether positions see what comes behind them, and with which mask."""
    model = probe.model
    if probe.sees():
        return
    if not said:
        for mask in ("additive", "boolean", "keys"):
            model.call = Call(mask, full=True)
            if probe.sees():
                found.sentences.append(
                    "%s no position sees what comes behind it. The model is given a %s mask (%s) that opens all positions"
                    % (
                        "with the mask of its family" if found.call.full else "without a mask",
                        "2-D" if mask == "keys" else "4-D",
                        mask,
                    )
                )
                found.call = model.call
                return
        model.call = found.call
    found.sees = False
    found.sentences.append(
        "no position sees what comes behind it: the model is causal, and strategies that need full attention are refused. "
        'To run them all the same, say attention="causal" to serve, or --attention causal to the engine'
    )


def _masks(probe: _Probe, found: Findings, known: bool) -> None:
    """Whether the model heeds a mask at all."""
    model = probe.model
    if model.call.mask == "none" or model.call.causal or not found.sees:
        return
    hidden = [True] * (probe.length - 1) + [False]
    # In a mixture of experts, the tokens of other positions change the order of sums.
    least = max(probe.rounding(), _NOTHING * probe.change())
    reason = "a position that is hidden is seen all the same"
    try:
        heeds = probe.change(keys=hidden) <= least
        heeds = heeds and (not model.takes_masks or probe.change(block=(probe.length - 1, 0, None)) <= least)
    except Exception as error:  # The model does not take such a mask.
        heeds, reason = False, "it raises %s" % type(error).__name__
    if heeds:
        return
    model.call = found.call = dataclasses.replace(model.call, mask="none", full=False)
    known = known and probe.block is None
    probe.block = found.block = None
    if not known:
        found.sentences.append(
            "the model heeds no attention mask (%s): strategies that hide positions or go by blocks are refused" % reason
        )


def _positions(probe: _Probe, found: Findings) -> None:
    """Whether position numbers reach the model."""
    model = probe.model
    if not model.takes_positions:
        return
    stretched = [3 * at for at in range(probe.length)]
    try:
        plain = probe.logits(probe.ids, positions=list(range(probe.length)))
        moved = (probe.logits(probe.ids, positions=stretched) - plain).abs().max()
        found.positions = float(moved) > 0.0
    except Exception:  # The model takes no position numbers.
        found.positions = False


def _batches(probe: _Probe, found: Findings) -> None:
    """Whether the logits of a sequence change beside another sequence, or with hidden padding behind it."""
    alone = probe.logits(probe.ids)[0]
    least = _NOTHING * max(float(alone.abs().max()), 1e-6)
    try:
        both = probe.logits(probe.ids, probe.ids[::-1])[0]
    except Exception as error:
        found.sentences.append(
            "the model cannot take two sequences at once (%s): guidance does not work" % type(error).__name__
        )
        return
    _compare(alone, both, least, "beside another sequence in a batch", found)
    if probe.model.call.mask == "none" or probe.block is not None or not found.sees:
        return
    padded = probe.ids + [probe.ids[0]] * 4
    keys = [True] * probe.length + [False] * 4
    _compare(alone, probe.logits(padded, keys=keys)[0, : probe.length], least, "with hidden padding behind it", found)


def _compare(one: "torch.Tensor", other: "torch.Tensor", least: float, where: str, found: Findings) -> None:
    most = float((one - other).abs().max())
    turned = int((one.argmax(-1) != other.argmax(-1)).sum())
    if turned or most > least:
        found.sentences.append(
            "%s the logits of a sequence differ by up to %.2g, and the best token at %d of %d positions: runs with and "
            "without guidance, or of other lengths, are not comparable to the last digit" % (where, most, turned, len(one))
        )


def _shift(probe: _Probe, found: Findings) -> None:
    """Whether a masked token is predicted by its own logits or by those of the position before."""
    import torch

    if probe.mask is None or probe.mask >= probe.model.columns:
        return
    try:
        ids = [token for token in probe.tokens.encode(_TEXT, special=False) if token < probe.model.columns]
    except Exception:  # Without text there is nothing to predict.
        return
    places = list(range(_APART - 1, len(ids), _APART))
    if not places:
        return
    masked = [probe.mask if at in places else token for at, token in enumerate(ids)]
    block = None if probe.block is None else (probe.block, 0, None)
    inputs = passes.inputs([Pass(masked, block=block)], probe.model.device)
    p = torch.log_softmax(probe.model.logits(inputs, None)[0].float(), -1)
    own = sum(float(p[place, ids[place]]) for place in places) / len(places)
    before = sum(float(p[place - 1, ids[place]]) for place in places) / len(places)
    # A model that predicts neither well does not know the text, so nothing can be told from it.
    if abs(own - before) < _BETTER or max(own, before) < _BETTER - math.log(probe.model.columns):
        return
    found.shift = before > own
    found.reading = "%.1f nats a token by their own logits, %.1f by those of the position before" % (-own, -before)
