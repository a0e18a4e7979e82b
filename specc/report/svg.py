"""Drawings as SVG text, with the colours of the page: curves, bars, points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from specc.report.axis_range import Points, axis_range, widened

WIDTH = 640
"""The width of a drawing over the full page; two curves are side by side, `CURVE` units each."""

CURVE = 460
HEIGHT = 260
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 38

COLOURS = 10
"""The number of colours of classes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle with two axes, and the units of the drawing around it.

    The numbers of the horizontal axis are integers if it `is_whole`.
    """

    left: float
    right: float
    low: float
    high: float
    width: int = WIDTH
    height: int = HEIGHT
    is_whole: bool = False

    def across(self, x: float) -> float:
        """The place of a value of the horizontal axis."""
        return LEFT + (self.width - LEFT - RIGHT) * (x - self.left) / (self.right - self.left)

    def down(self, y: float) -> float:
        """The place of a value of the vertical axis, clipped far outside of the frame."""
        place = TOP + (self.height - TOP - BOTTOM) * (self.high - y) / (self.high - self.low)
        return min(max(place, -10.0 * self.height), 10.0 * self.height)

    def inside(self, line: str) -> str:
        """A line, clipped to the frame."""
        width, height = self.width - LEFT - RIGHT, self.height - TOP - BOTTOM
        place = f'x="{LEFT}" y="{TOP}" width="{width}" height="{height}"'
        return f'<svg {place} viewBox="{LEFT} {TOP} {width} {height}">{line}</svg>'

    def drawn(self, below: str, beside: str = "") -> str:
        """Grid lines at round values with their numbers, and the names of the axes."""
        edge, foot = self.width - RIGHT, self.height - BOTTOM
        lines = []
        for value in _round_values(self.low, self.high):
            y = self.down(value)
            lines.append(f'<line class="rule" x1="{LEFT}" x2="{edge}" y1="{y:.1f}" y2="{y:.1f}"/>')
            lines.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}">{value:g}</text>')
        for value in _round_values(self.left, self.right, 1.0 if self.is_whole else 0.0):
            x = self.across(value)
            lines.append(f'<text class="tick mid" x="{x:.1f}" y="{foot + 17}">{value:g}</text>')
        lines.append(f'<text class="axis" x="{edge}" y="{self.height - 4}">{escape(below)}</text>')
        if beside:
            words = escape(beside)
            lines.append(f'<text class="axis beside" x="{LEFT}" y="{TOP + 2}">{words}</text>')
        return "".join(lines)


def curves(series: Mapping[str, Points], title: str, below: str = "epoch") -> str:
    """Lines over a common axis; values that are not finite are left out.

    `series` has the points of each line by its name.
    """
    finite = {n: [(x, y) for x, y in p if math.isfinite(y)] for n, p in series.items()}
    lines = {name: points for name, points in finite.items() if points}
    axis = axis_range(lines.values())
    if axis is None:
        return ""
    xs = [x for points in lines.values() for x, _ in points]
    right = max(xs) if max(xs) > min(xs) else min(xs) + 1.0
    is_whole = all(x == int(x) for x in xs)
    frame = Frame(min(xs), right, axis.low, axis.high, CURVE, is_whole=is_whole)
    body = [frame.drawn(below)]
    for number, (name, points) in enumerate(lines.items()):
        places = " ".join(f"{frame.across(x):.1f},{frame.down(y):.1f}" for x, y in points)
        body.append(frame.inside(f'<polyline class="line s{number % 4}" points="{places}"/>'))
        if len(lines) > 1:
            at = TOP + 14 + 17 * number
            label = f'<text class="s{number % 4} label" x="{CURVE - RIGHT - 6}" y="{at}">'
            body.append(f"{label}{escape(name)}</text>")
    return drawing(body, title, width=CURVE)


def bars(values: Mapping[str, float], title: str, unit: str) -> str:
    """A bar for each value with its number; the largest value has the full width."""
    if not values:
        return ""
    most = max(max(values.values()), 1e-12)
    rows, height = [], 26 * len(values) + 8
    for number, (name, value) in enumerate(values.items()):
        y = 8 + 26 * number
        length = max(1.0, 330 * max(value, 0.0) / most)
        shown = f"{value:.3g} {unit}"
        rows.append(f'<text class="name" x="180" y="{y + 13}">{escape(name)}</text>')
        rows.append(f'<rect class="bar" x="190" y="{y}" width="{length:.1f}" height="18"/>')
        rows.append(f'<text x="{196 + length:.1f}" y="{y + 13}">{escape(shown)}</text>')
    return drawing(rows, title, height)


def columns(values: Mapping[int, float], title: str, below: str) -> str:
    """A column for each whole number with its height, over a common axis from 0."""
    if not values:
        return ""
    first, last = min(values), max(values)
    top = 1.05 * max(*values.values(), 1e-12)
    frame = Frame(first - 0.5, last + 0.5, 0.0, top, is_whole=True)
    base, width = frame.down(0.0), frame.across(1.0) - frame.across(0.0)
    body = [frame.drawn(below)]
    for value, height in values.items():
        up, left = frame.down(height), frame.across(value - 0.5)
        body.append(
            f'<rect class="bar" x="{left + 0.1 * width:.1f}" y="{up:.1f}" '
            f'width="{0.8 * width:.1f}" height="{base - up:.1f}"/>'
        )
    return drawing(body, title)


def points(
    places: Points,
    title: str,
    across: str,
    up: str,
    classes: Sequence[int] = (),
    names: Sequence[str] = (),
) -> str:
    """Points of two coordinates, with their axes.

    `classes` are the numbers of their classes, which determine their colours, and `names` the names
    of the classes in the legend.
    """
    if not places:
        return ""
    left, right = widened(min(x for x, _ in places), max(x for x, _ in places))
    low, high = widened(min(y for _, y in places), max(y for _, y in places))
    legend = 84 if names else 0
    frame = Frame(left, right, low, high, WIDTH - legend, 400)
    own = list(classes) or [0] * len(places)
    body = [frame.drawn(across, up)]
    body += [
        f'<circle class="dot c{number % COLOURS}" cx="{frame.across(x):.1f}" '
        f'cy="{frame.down(y):.1f}" r="2.6"/>'
        for (x, y), number in zip(places, own, strict=True)
    ]
    for number, name in enumerate(names):
        y, x = TOP + 12 + 20 * number, WIDTH - legend + 8
        body.append(f'<circle class="dot c{number % COLOURS}" cx="{x}" cy="{y - 4}" r="4"/>')
        body.append(f'<text class="beside" x="{x + 10}" y="{y}">{escape(name)}</text>')
    return drawing(body, title, 400)


def _round_values(low: float, high: float, least: float = 0.0) -> list[float]:
    """Three to six multiples of 1, 2 or 5 times a power of ten, at least `least` apart."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(least, min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(s - rough)))
    first = math.ceil(low / step)
    return [round(n * step, 12) for n in range(first, math.floor(high / step) + 1)]


def drawing(body: Sequence[str], title: str, height: int = HEIGHT, width: int = WIDTH) -> str:
    """The SVG element of a drawing, with its title for screen readers."""
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(body)}</svg>"
    )
