"""Which nodes depend on which: ancestors, descendants and d-separation.

networkx's own d-separation does not finish on two thousand nodes; the search here visits every
node at most twice (Shachter 1998, "Bayes-ball").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Set

import networkx as nx

Visit = tuple[str, bool]
"""A node that the ball has come to, and whether it came from a child."""


def d_connected(digraph: nx.DiGraph[str], start: str, given: Iterable[str]) -> set[str]:
    """The nodes that are not d-separated from `start` by `given`: linear in the graph's edges."""
    observed = set(given)
    return {node for node, _ in _visits(digraph, start, observed) if node not in observed}


def _visits(digraph: nx.DiGraph[str], start: str, observed: Set[str]) -> dict[Visit, Visit | None]:
    """Every visit of the ball, with the one before it on a shortest way.

    A ball passes a node from a parent or from a child. Through an unobserved node it goes on down,
    and from a child also up; at an observed node a ball from a parent bounces back to the parents.
    """
    came: dict[Visit, Visit | None] = {(start, True): None}
    queue = deque(came)
    while queue:
        node, from_child = visit = queue.popleft()
        further: list[Visit] = []
        if node not in observed:
            further += [(child, False) for child in digraph.successors(node)]
        if from_child != (node in observed):
            further += [(parent, True) for parent in digraph.predecessors(node)]
        for following in further:
            if following not in came:
                came[following] = visit
                queue.append(following)
    return came


def open_path(
    digraph: nx.DiGraph[str], left: str, right: str, given: Iterable[str] = ()
) -> tuple[str, ...] | None:
    """A shortest path along which the two depend on each other, or None where none is open.

    Where two edges meet head to head, the path names the node at which they meet, be it that node
    or one that follows from it which is given.
    """
    came = _visits(digraph, left, set(given))
    visit: Visit | None = next(((right, c) for c in (False, True) if (right, c) in came), None)
    if visit is None or right in set(given):
        return None
    trail: list[str] = []
    while visit is not None:
        if visit[0] in trail:  # down to what is given, and back up the same way
            del trail[trail.index(visit[0]) :]
        trail.append(visit[0])
        visit = came[visit]
    return tuple(reversed(trail))


def d_separated(digraph: nx.DiGraph[str], left: str, right: str, given: Iterable[str] = ()) -> bool:
    """Whether the two are independent, given `given`, in every distribution of this graph."""
    return right not in d_connected(digraph, left, given)
