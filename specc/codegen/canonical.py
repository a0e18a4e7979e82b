"""An order of the vertices of a labelled graph that follows from its structure alone.

Vertices are told apart by their labels, then by what is joined to them, and so on until nothing
changes: colour refinement, with a list of the cells that still have to be compared
(Hopcroft 1971; Berkholz, Bonsma and Grohe 2017). Where whole cells remain, as between two parts
of a model that mirror each other, one vertex is singled out and the refinement goes on, so that a
choice in one part decides its neighbours. n vertices and m edges take time O((n + m) log n).

Vertices that this leaves in one cell are nearly always mirror images, and then the order among them
does not matter. There are regular graphs in which they are not; no model looks like them.
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
    """The vertices in an order that no renaming of them and no order of the arguments changes.

    Mirror images stand in the order of `labels`: of those that lead (a property that renaming
    leaves as it is), and the others after them.
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
    """Vertices in numbered cells; a cell is split where its vertices turn out to differ."""

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
        """Compare by every waiting cell, until none is left."""
        while self.waiting:
            cell = self.waiting.popleft()
            self.is_waiting.discard(cell)
            self._compare_by(cell)

    def single_out(self, cell: int) -> None:
        """Give the first vertex of a cell a cell of its own."""
        self._split(cell, [[min(self.cells[cell], key=self.place.__getitem__)]])

    def _compare_by(self, cell: int) -> None:
        """Split the cells whose vertices are joined to this one in different ways."""
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
        """Move the parts into new cells; what is left keeps its number."""
        numbers = [cell]
        for part in parts:
            numbers.append(len(self.cells))
            self.cells.append(dict.fromkeys(part))
            for vertex in part:
                del self.cells[cell][vertex]
                self.cell_of[vertex] = numbers[-1]
        if cell not in self.is_waiting:
            # What is joined to the largest part follows from the others, and from the whole.
            numbers.remove(max(numbers, key=lambda n: len(self.cells[n])))
        for number in numbers:
            if number not in self.is_waiting:
                self.is_waiting.add(number)
                self.waiting.append(number)
