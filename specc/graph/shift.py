"""The step of a sequence from which a lagged node takes its value."""

from __future__ import annotations

from msgspec import Struct


class Shift(Struct, frozen=True):
    """The base node of a lagged node, and the offset of the step: -1 is the previous step.

    `nearer` is the lagged node of the step between, whose value the step before has: `y[t-1]`.
    """

    base: str
    offset: int
    nearer: str = ""

    @property
    def source(self) -> str:
        """The node whose value at the step before it is."""
        return self.nearer or self.base
