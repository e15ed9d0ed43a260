"""The nodes of a run, and how to get back to them."""

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
    values    of the knobs in the step that made it
    holds     what held in that step
    digest    a hash of the generated region
    edited    the generated region where a person made it; None where a step or the start did
    snapshot  None where a step is to be made again to get here
    """

    parent: Optional[int]
    depth: int
    values: Mapping[str, Param]
    holds: Optional[Go]
    digest: int
    edited: Optional[Tuple[int, ...]] = None
    snapshot: Optional[Snapshot] = None


class History:
    """`memory` bounds, in bytes, what snapshots take. Over it, those of every second node stay, then of every fourth, and
    so on; those of roots and of the newest node always do."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self.clear()

    def clear(self) -> None:
        self._nodes: Dict[int, Node] = {}
        self._kept: Dict[int, Snapshot] = {}
        self._apart = 1
        self._newest: Optional[int] = None
        self.bytes = 0

    def __contains__(self, number: int) -> bool:
        return number in self._nodes

    def __getitem__(self, number: int) -> Node:
        return self._nodes[number]

    @property
    def kept(self) -> int:
        """Nodes that there are snapshots of."""
        return len(self._kept)

    @property
    def newest(self) -> Optional[Snapshot]:
        """The snapshot that was taken last."""
        return None if self._newest is None else self._kept[self._newest]

    def add(self, number: int, node: Node) -> None:
        self._nodes[number] = node

    def keep(self, number: int, snapshot: Snapshot) -> None:
        """Keeps a snapshot of a node, and drops others if they are too many."""
        self._drop(number)
        self._nodes[number].snapshot = self._kept[number] = snapshot
        self._newest = number
        self.bytes += snapshot.size
        while self.bytes > self._memory and self._thin():
            pass

    def way(self, number: int) -> Tuple[Snapshot, List[int]]:
        """The nearest snapshot before a node, and the nodes to be made again from there, in order."""
        way: List[int] = []
        node = self._nodes[number]
        while node.snapshot is None:
            way.append(number)
            assert node.parent is not None, "a root has a snapshot"
            number = node.parent
            node = self._nodes[number]
        return node.snapshot, way[::-1]

    def _thin(self) -> bool:
        """Drops some snapshots; whether there may be more to drop."""
        optional = [one for one in self._kept if one != self._newest and self._nodes[one].parent is not None]
        extra = [one for one in optional if self._nodes[one].depth % self._apart]
        if not extra:
            self._apart *= 2
        for number in extra:
            self._drop(number)
        return bool(optional)

    def _drop(self, number: int) -> None:
        snapshot = self._kept.pop(number, None)
        if snapshot is not None:
            self._nodes[number].snapshot = None
            self.bytes -= snapshot.size
