"""d-separation: which nodes of a graph depend on each other.

The d-separation of networkx does not finish on two thousand nodes; the search here visits every
node at most twice (Shachter 1998, "Bayes-ball").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Set

import networkx as nx

Visit = tuple[str, bool]
"""A node, and whether the ball reaches it from a child."""


def _visits(digraph: nx.DiGraph[str], start: str, observed: Set[str]) -> dict[Visit, Visit | None]:
    """Return every visit of the ball, with its predecessor on a shortest path.

    At an unobserved node the ball continues to the children, and if it comes from a child also to
    the parents; at an observed node a ball from a parent returns to the parents.
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
    """Return a shortest open path between the two nodes; None if they are d-separated.

    A collider on the path is open because it, or one of its descendants, is given.
    """
    came = _visits(digraph, left, set(given))
    visit: Visit | None = next(((right, c) for c in (False, True) if (right, c) in came), None)
    if visit is None or right in set(given):
        return None
    trail: list[str] = []
    while visit is not None:
        if visit[0] in trail:  # a detour to an observed node and back
            del trail[trail.index(visit[0]) :]
        trail.append(visit[0])
        visit = came[visit]
    return tuple(reversed(trail))
