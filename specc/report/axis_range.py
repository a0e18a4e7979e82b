"""The range of the vertical axis of curves, which may leave out large values of early epochs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Points = Sequence[tuple[float, float]]

TOWERING = 3.0
"""Early values are left out if they make the axis longer than this multiple of the other values."""


@dataclass(frozen=True, slots=True)
class AxisRange:
    """An axis from `low` to `high`; `beyond` of `count` values are outside, up to `farthest`."""

    low: float
    high: float
    beyond: int
    count: int
    farthest: float

    def words(self, each: str = "epochs") -> str:
        """`the axis leaves out 5 of 200 epochs, up to 187.3`; "" if it shows all of them."""
        if not self.beyond:
            return ""
        way = "up" if self.farthest > self.high else "down"
        left_out = f"the axis leaves out {self.beyond} of {self.count} {each}"
        return f"{left_out}, {way} to {self.farthest:.4g}"


def axis_range(series: Iterable[Points]) -> AxisRange | None:
    """The axis for all series; None if no value is finite.

    It shows every value, unless those of the first tenth are much larger than the others.
    """
    finite = [[y for _, y in points if math.isfinite(y)] for points in series]
    finite = [values for values in finite if values]
    if not finite:
        return None
    every = [y for values in finite for y in values]
    settled = [y for values in finite for y in values[len(values) // 10 :]]
    low, high = min(settled), max(settled)
    if max(every) - min(every) <= TOWERING * (high - low) or low == high:
        low, high = min(every), max(every)
    low, high = widened(low, high)
    off = [y for y in every if not low <= y <= high]
    middle = (low + high) / 2
    farthest = max(off, key=lambda y: abs(y - middle), default=high)
    return AxisRange(low, high, len(off), len(every), farthest)


def widened(low: float, high: float) -> tuple[float, float]:
    """The range with a margin at both ends, also if it is a single value."""
    margin = 0.06 * (high - low) or max(abs(high), 1.0) * 0.06
    return low - margin, high + margin
