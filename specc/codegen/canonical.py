"""A canonical order of the vertices of a labelled graph, which depends on its structure alone.

Colour refinement distinguishes vertices by their labels, then by the labels of their neighbours,
and so on until the partition is stable. A worklist of cells makes this O((n + m) log n) for n
vertices and m edges (Hopcroft 1971; Berkholz, Bonsma and Grohe 2017). If a cell still has several
vertices, as for symmetric parts of a model, one of them is individualized and the refinement
continues, so that the choice also determines its neighbours.

The vertices of a remaining cell are almost always symmetric, and then any choice gives the same
graph. They need not be in some regular graphs, which do not occur as models.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

Vertex = TypeVar("Vertex")
Edge = tuple[Vertex, str, Vertex]


def canonical_order(
    labels: Mapping[Vertex, str],
    edges: Iterable[Edge[Vertex]],
    leads: Callable[[Vertex], bool] = lambda vertex: True,
) -> list[Vertex]:
    """Return the vertices in an order that is invariant under renaming and reordering of the input.

    Symmetric vertices are ordered as in `labels`, first those for which `leads` is true, a property
    that renaming must not change.
    """
    partition = _Partition(labels, edges)
    partition.refine()
    for wanted in (leads, lambda vertex: True):
        cell = 0
        while cell < len(partition.cells):
            alike = partition.cells[cell]
            if len(alike) > 1 and any(map(wanted, alike)):
                partition.single_out(cell)
                partition.refine()
            else:
                cell += 1
    return [vertex for cell in partition.cells for vertex in cell]


class _Partition(Generic[Vertex]):
    """A partition of the vertices into numbered cells, refined by splitting cells."""

    def __init__(self, labels: Mapping[Vertex, str], edges: Iterable[Edge[Vertex]]) -> None:
        grouped: dict[str, dict[Vertex, None]] = {}
        for vertex, label in labels.items():
            grouped.setdefault(label, {})[vertex] = None
        self.cells = [grouped[label] for label in sorted(grouped)]
        self.cell_of = {v: number for number, cell in enumerate(self.cells) for v in cell}
        self.place = {vertex: number for number, vertex in enumerate(labels)}
        self.joined: dict[Vertex, list[tuple[str, Vertex]]] = {v: [] for v in labels}
        for user, label, used in edges:
            self.joined[used].append((f"< {label}", user))
            self.joined[user].append((f"> {label}", used))
        self.waiting = deque(range(len(self.cells)))
        self.is_waiting = set(self.waiting)

    def refine(self) -> None:
        """Refine by every cell of the worklist until it is empty."""
        while self.waiting:
            cell = self.waiting.popleft()
            self.is_waiting.discard(cell)
            self._compare_by(cell)

    def single_out(self, cell: int) -> None:
        """Individualize the first vertex of a cell: move it into a new cell."""
        self._split(cell, [[min(self.cells[cell], key=self.place.__getitem__)]])

    def _compare_by(self, cell: int) -> None:
        """Split the cells whose vertices have different edges to this cell."""
        ways: dict[Vertex, list[str]] = {}
        for vertex in self.cells[cell]:
            for label, other in self.joined[vertex]:
                ways.setdefault(other, []).append(label)
        touched: dict[int, dict[tuple[str, ...], list[Vertex]]] = {}
        for vertex, found in ways.items():
            alike = touched.setdefault(self.cell_of[vertex], {})
            alike.setdefault(tuple(sorted(found)), []).append(vertex)
        for number, alike in sorted(touched.items(), key=lambda item: item[0]):
            parts = [alike[way] for way in sorted(alike)]
            if sum(map(len, parts)) == len(self.cells[number]):
                parts = parts[1:]
            self._split(number, parts)

    def _split(self, cell: int, parts: Sequence[Sequence[Vertex]]) -> None:
        """Move the parts of a cell into new cells; the remaining vertices stay in the old one."""
        numbers = [cell]
        for part in parts:
            numbers.append(len(self.cells))
            self.cells.append(dict.fromkeys(part))
            for vertex in part:
                del self.cells[cell][vertex]
                self.cell_of[vertex] = numbers[-1]
        if cell not in self.is_waiting:
            # The largest part may be omitted from the worklist (Hopcroft 1971).
            numbers.remove(max(numbers, key=lambda n: len(self.cells[n])))
        for number in numbers:
            if number not in self.is_waiting:
                self.is_waiting.add(number)
                self.waiting.append(number)
