"""Reliability diagrams as SVG: the accuracy of predictions against their confidence.

The left panel has a bar for the accuracy of each bin of confidence (Guo et al. 2017, figure 1) and
a mark at the mean confidence of the bin; the right panel has the fraction of rows in the bin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from specc.evaluate.calibration import Bin
from specc.report.svg import WIDTH, drawing

SIDE, TOP, FOOT = 240, 26, 34
LEFT, RIGHT = 48, WIDTH - 240 - 12
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def reliability(bins: Sequence[Bin], title: str) -> str:
    """The diagram of the bins, which are of equal width from 0 to 1."""
    total = sum(own.rows for own in bins)
    body = [*_frame(LEFT, "accuracy"), *_frame(RIGHT, "share of the rows")]
    for number, own in enumerate(bins):
        if own.rows and math.isfinite(own.confidence):
            low, high = number / len(bins), (number + 1) / len(bins)
            body.append(_bar(LEFT, low, high, own.accuracy))
            body.append(_bar(RIGHT, low, high, own.rows / total))
            y = _down(own.confidence)
            body.append(_line("mark", _across(LEFT, low), y, _across(LEFT, high), y))
    body.append(_line("ideal", _across(LEFT, 0.0), _down(0.0), _across(LEFT, 1.0), _down(1.0)))
    return drawing(body, title, TOP + SIDE + FOOT)


def _across(left: int, value: float) -> float:
    return left + SIDE * value


def _down(value: float) -> float:
    return TOP + SIDE * (1.0 - value)


def _bar(left: int, low: float, high: float, value: float) -> str:
    """A bar over the confidences from `low` to `high`, with a small gap to the next."""
    x, width = _across(left, low) + 0.7, SIDE * (high - low) - 1.4
    place = f'x="{x:.1f}" y="{_down(value):.1f}" width="{width:.1f}" height="{SIDE * value:.1f}"'
    return f'<rect class="bar" {place}/>'


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _frame(left: int, words: str) -> Iterator[str]:
    """The grid lines of a panel from 0 to 1 in both directions, with the labels of the axes."""
    for value in TICKS:
        x, y = _across(left, value), _down(value)
        yield _line("rule", left, y, left + SIDE, y)
        yield f'<text class="tick" x="{left - 8}" y="{y + 4:.1f}">{value:g}</text>'
        yield f'<text class="tick mid" x="{x:.1f}" y="{TOP + SIDE + 16}">{value:g}</text>'
    yield f'<text class="axis beside" x="{left}" y="{TOP - 12}">{escape(words)}</text>'
    yield f'<text class="axis" x="{left + SIDE}" y="{TOP + SIDE + 31}">confidence</text>'
