"""The elimination order of variables, which should minimize the largest product.

Finding the best order is NP-hard (Arnborg, Corneil and Proskurowski 1987). The better of two greedy
heuristics is used, minimum fill-in and smallest table (Koller and Friedman 2009, section 9.4.3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

Neighbours = dict[str, set[str]]
Score = Callable[[Neighbours, str], float]


@dataclass(frozen=True, slots=True)
class Order:
    """The variables in order, and the number of entries of the largest intermediate table."""

    names: tuple[str, ...]
    largest: float


def best_order(
    scopes: Iterable[tuple[str, ...]], sizes: Mapping[str, int], free: Iterable[str]
) -> Order:
    """Return an order of all variables except `free`, whose joint table remains."""
    neighbours: Neighbours = {}
    for scope in scopes:
        for name in scope:
            neighbours.setdefault(name, set()).update(scope)
            neighbours[name].discard(name)
    last = math.prod(sizes[name] for name in free)

    def weight(joined: Neighbours, name: str) -> float:
        return math.prod(sizes[other] for other in joined[name]) * float(sizes[name])

    def fill(joined: Neighbours, name: str) -> float:
        pairs = combinations(joined[name], 2)
        return float(sum(b not in joined[a] for a, b in pairs))

    found = [_greedy(neighbours, set(free), score, weight, last) for score in (fill, weight)]
    return min(found, key=lambda order: order.largest)


def _greedy(
    neighbours: Neighbours, free: set[str], score: Score, weight: Score, last: float
) -> Order:
    joined = {name: set(others) for name, others in neighbours.items()}
    scores = {name: (score(joined, name), name) for name in joined if name not in free}
    names, largest = [], float(last)
    while scores:
        name = min(scores, key=scores.__getitem__)
        del scores[name]
        names.append(name)
        largest = max(largest, weight(joined, name))
        around = joined.pop(name)
        for other in around:
            joined[other] |= around
            joined[other] -= {other, name}
        touched = around.union(*(joined[other] for other in around))
        for other in touched & scores.keys():
            scores[other] = (score(joined, other), other)
    return Order(tuple(names), largest)
