"""The nodes of a run, and the snapshots to return to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Tuple

from .go import Go
from .recorder import Param
from .snapshot import Snapshot


@dataclass
class Node:
    """A root, a step or an edit, by the number of its record.

    parent    the node it was made from; None for a root
    depth     steps before it
    values    the values of the knobs in the step that made it
    go        the go of that step
    digest    a hash of the generated region
    edited    the generated region, where the user's edits made it; None for a step or a root
    snapshot  None where steps must be made again to get here
    """

    parent: Optional[int]
    depth: int
    values: Mapping[str, Param]
    go: Optional[Go]
    digest: int
    edited: Optional[Tuple[int, ...]] = None
    snapshot: Optional[Snapshot] = None


class History:
    """Nodes by number, with a bound of `memory` bytes on their snapshots.

    Over the bound, the snapshots of every second node stay, then of every fourth, and so on; those of roots and of the
    newest node always stay.
    """

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self.clear()

    def clear(self) -> None:
        self._nodes: Dict[int, Node] = {}
        self._kept: Dict[int, Snapshot] = {}
        self._interval = 1
        self._newest: Optional[int] = None
        self.bytes = 0

    def __contains__(self, number: int) -> bool:
        return number in self._nodes

    def __getitem__(self, number: int) -> Node:
        return self._nodes[number]

    @property
    def kept(self) -> int:
        """How many nodes have a snapshot."""
        return len(self._kept)

    @property
    def newest(self) -> Optional[Snapshot]:
        """The snapshot that was taken last."""
        return None if self._newest is None else self._kept[self._newest]

    def add(self, number: int, node: Node) -> None:
        self._nodes[number] = node

    def keep(self, number: int, snapshot: Snapshot) -> None:
        """Keeps a snapshot of a node, and drops others over the bound."""
        self._drop(number)
        self._nodes[number].snapshot = self._kept[number] = snapshot
        self._newest = number
        self.bytes += snapshot.size
        while self.bytes > self._memory and self._thin():
            pass

    def path_to(self, number: int) -> Tuple[Snapshot, List[int]]:
        """The nearest snapshot before a node, and the nodes to be made again from there, in order."""
        path: List[int] = []
        node = self._nodes[number]
        while node.snapshot is None:
            path.append(number)
            assert node.parent is not None, "a root has a snapshot"
            number = node.parent
            node = self._nodes[number]
        return node.snapshot, path[::-1]

    def _thin(self) -> bool:
        """Drops some snapshots; returns whether there may be more to drop."""
        optional = [one for one in self._kept if one != self._newest and self._nodes[one].parent is not None]
        extra = [one for one in optional if self._nodes[one].depth % self._interval]
        if not extra:
            self._interval *= 2
        for number in extra:
            self._drop(number)
        return bool(optional)

    def _drop(self, number: int) -> None:
        snapshot = self._kept.pop(number, None)
        if snapshot is not None:
            self._nodes[number].snapshot = None
            self.bytes -= snapshot.size
