"""The node of an element of a plate, in a row that depends on two elements."""

from __future__ import annotations

import msgspec

from specc.graph.nodes import Deterministic


class Element(Deterministic, frozen=True, kw_only=True):
    """`z[i]` of a finite latent `z` on a plate, where a node depends on `z[i]` and `z[j]`.

    As a value of its own it has all values of `z[i]` beside those of `z[j]`. `base` is `z`.
    """

    base: str = msgspec.field()
