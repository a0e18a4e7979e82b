"""The node of the numbers of the elements of a plate."""

from __future__ import annotations

from specc.graph.nodes import Deterministic


class Counter(Deterministic, frozen=True, kw_only=True):
    """The number of each element of its plate, from 0; its value is the list of all of them."""
