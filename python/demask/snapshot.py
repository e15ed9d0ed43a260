"""Copies of what a sampling loop depends on: its canvas, its state, and the generators of random numbers."""

from __future__ import annotations

import copy
import pickle
import random
import sys
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

# Two functions of a generator of random numbers: one gives its state, one sets it.
_Access = Tuple[Callable[[], Any], Callable[[Any], Any]]


class Snapshot:
    """A copy of a value, with the states of all generators at that moment.

    Tensors that share memory share it in the copy. Generators and torch modules inside the value are not copied, since
    the loop may hold them by other names too: generators get back the state that they had, modules are left alone.

    size  in bytes: tensors and arrays, with shared memory counted once, and small objects
    """

    def __init__(self, value: Any, before: Optional["Snapshot"] = None) -> None:
        survey = _Survey(value)
        self._same = survey.same
        self._value = survey.copied(value)
        # A generator that has not changed since the snapshot before takes no memory.
        earlier = {} if before is None else dict(before._states)
        self._states: List[Tuple[Any, bytes]] = []
        self.size = survey.size
        for key, (get, _) in _generators(survey.generators).items():
            state = pickle.dumps(get(), pickle.HIGHEST_PROTOCOL)
            if earlier.get(key) == state:
                state = earlier[key]
            else:
                self.size += len(state)
            self._states.append((key, state))
        self._generators = survey.generators

    def restored(self) -> Any:
        """A copy of the value, which the loop may change; sets the generators to their states at the snapshot."""
        access = _generators(self._generators)
        for key, state in self._states:
            if key in access:
                access[key][1](pickle.loads(state))
        return _Survey(self._value).copied(self._value)


def copied(value: Any) -> Any:
    """A deep copy, made as a `Snapshot` makes it."""
    return _Survey(value).copied(value)


def _generators(own: List[Any]) -> Dict[Any, _Access]:
    """Access to the generators of Python, NumPy and torch, as far as they are loaded, and to those given."""
    found: Dict[Any, _Access] = {"random": (random.getstate, random.setstate)}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        found["numpy"] = (numpy.random.get_state, numpy.random.set_state)
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch"] = (torch.get_rng_state, torch.set_rng_state)
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            found["cuda"] = (torch.cuda.get_rng_state_all, torch.cuda.set_rng_state_all)
    for one in own:
        found[id(one)] = _access(one)
    return found


def _access(generator: Any) -> _Access:
    if hasattr(generator, "getstate"):
        return generator.getstate, generator.setstate
    if hasattr(generator, "get_state"):
        return generator.get_state, generator.set_state
    bits = getattr(generator, "bit_generator", generator)
    return lambda: bits.state, lambda state: setattr(bits, "state", state)


class _Survey:
    """The objects inside a value.

    same        objects that a copy shares with it, and copies that were made already, by the object's id
    generators  of random numbers
    size        bytes
    """

    def __init__(self, value: Any) -> None:
        self.same: Dict[int, Any] = {}
        self.generators: List[Any] = []
        self.size = 0
        self._memory: Set[Tuple[str, int]] = set()
        self._views: List[Any] = []
        seen: Set[int] = set()
        left = [value]
        while left:
            one = left.pop()
            if id(one) in seen or isinstance(one, (type, type(sys), type(copied), type(len))):
                continue
            seen.add(id(one))
            left.extend(self._enter(one))

    def copied(self, value: Any) -> Any:
        memo: Dict[int, Any] = dict(self.same)
        for view in self._views:
            _copy_view(view, memo)
        return copy.deepcopy(value, memo)

    def _enter(self, one: Any) -> Iterator[Any]:
        """Notes an object; yields what it contains."""
        torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
        if torch is not None and isinstance(one, torch.Tensor):
            self._tensor(one)
        elif numpy is not None and isinstance(one, numpy.ndarray):
            whole = one
            while isinstance(whole.base, numpy.ndarray):
                whole = whole.base
            self._count(("array", id(whole)), whole.nbytes)
            if whole is not one and whole.dtype != object:
                self._views.append(one)
            if one.dtype == object:
                yield from one.flat
        elif _is_generator(one):
            self.same[id(one)] = one
            self.generators.append(one)
        elif torch is not None and isinstance(one, torch.nn.Module):
            self.same[id(one)] = one
        else:
            self.size += sys.getsizeof(one, 64)
            if isinstance(one, dict):
                yield from one.keys()
                yield from one.values()
            elif isinstance(one, (list, tuple, set, frozenset)) or type(one).__name__ == "deque":
                yield from one
            yield from getattr(one, "__dict__", {}).values()
            for kind in type(one).__mro__:
                names = kind.__dict__.get("__slots__", ())
                for name in (names,) if isinstance(names, str) else names:
                    if hasattr(one, name):
                        yield getattr(one, name)

    def _tensor(self, tensor: Any) -> None:
        try:
            storage = tensor.untyped_storage()
            self._count((str(tensor.device), storage.data_ptr()), storage.nbytes())
        except (AttributeError, NotImplementedError, RuntimeError):
            self.size += tensor.element_size() * tensor.numel()
        if tensor.requires_grad and not tensor.is_leaf:
            # Such a tensor cannot be copied with what it was computed from, and a sampler does not need that.
            self.same[id(tensor)] = tensor.detach().clone()

    def _count(self, memory: Tuple[str, int], size: int) -> None:
        if memory not in self._memory:
            self._memory.add(memory)
            self.size += size


def _is_generator(one: Any) -> bool:
    if isinstance(one, random.Random):
        return True
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and isinstance(one, torch.Generator):
        return True
    if numpy is None:
        return False
    return isinstance(one, (numpy.random.Generator, numpy.random.RandomState, numpy.random.BitGenerator))


def _copy_view(view: Any, memo: Dict[int, Any]) -> None:
    """Copies an array that is a part of another one, so that it is a part of that one's copy."""
    numpy = sys.modules["numpy"]
    whole = view
    while isinstance(whole.base, numpy.ndarray):
        whole = whole.base
    if not whole.flags.c_contiguous:
        return
    if id(whole) not in memo:
        memo[id(whole)] = whole.copy()
    offset = view.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    memo[id(view)] = numpy.ndarray(view.shape, view.dtype, memo[id(whole)], offset, view.strides)
