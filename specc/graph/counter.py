"""The node of the numbers of the elements of a plate."""

from __future__ import annotations

from dataclasses import dataclass

from specc.graph.nodes import Deterministic


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter(Deterministic):
    """The number of each element of its plate, from 0; its value is the list of all of them."""
