"""Small drawings as SVG text that takes its colours from the page: curves, bars, points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 34

Points = Sequence[tuple[float, float]]


def curves(series: Mapping[str, Points], title: str, below: str = "epoch") -> str:
    """Lines over a common axis; the axis follows the last nine tenths, which the first tower over.

    Values that are not finite are left out.
    """
    finite = {n: [(x, y) for x, y in p if math.isfinite(y)] for n, p in series.items()}
    kept = {name: points for name, points in finite.items() if points}
    if not kept:
        return ""
    xs = [x for points in kept.values() for x, _ in points]
    settled = [y for points in kept.values() for _, y in points[len(points) // 10 :]]
    low, high = _widened(min(settled), max(settled))
    left, right = min(xs), max(max(xs), min(xs) + 1e-9)
    body = [_frame(low, high, left, right, below)]
    for number, (name, points) in enumerate(kept.items()):
        places = " ".join(
            f"{_across(x, left, right):.1f},{_held(_down(y, low, high)):.1f}" for x, y in points
        )
        body.append(_inside(f'<polyline class="line s{number % 4}" points="{places}"/>'))
        if len(kept) > 1:
            at = TOP + 14 + 16 * number
            label = f'<text class="s{number % 4} label" x="{WIDTH - RIGHT - 6}" y="{at}">'
            body.append(f"{label}{escape(name)}</text>")
    return drawing(body, title)


def bars(values: Mapping[str, float], title: str, unit: str) -> str:
    """A bar for each value, longest at full width, its number beside it."""
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


def points(places: Points, title: str, across: str, up: str) -> str:
    """Points of two coordinates, with their axes."""
    if not places:
        return ""
    left, right = _widened(min(x for x, _ in places), max(x for x, _ in places))
    low, high = _widened(min(y for _, y in places), max(y for _, y in places))
    body = [_frame(low, high, left, right, across, up)]
    body += [
        f'<circle class="dot" cx="{_across(x, left, right):.1f}" '
        f'cy="{_down(y, low, high):.1f}" r="2.2"/>'
        for x, y in places
    ]
    return drawing(body, title)


def _widened(low: float, high: float) -> tuple[float, float]:
    margin = 0.06 * (high - low) or max(abs(high), 1.0) * 0.06
    return low - margin, high + margin


def _across(x: float, left: float, right: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (x - left) / (right - left)


def _down(y: float, low: float, high: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - y) / (high - low)


def _held(down: float) -> float:
    """A place that is far outside of the drawing, moved nearer."""
    return min(max(down, -10.0 * HEIGHT), 10.0 * HEIGHT)


def _inside(line: str) -> str:
    """What leaves the frame is cut off there."""
    box = f"{LEFT} {TOP} {WIDTH - LEFT - RIGHT} {HEIGHT - TOP - BOTTOM}"
    x, y, width, height = box.split()
    place = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    return f'<svg {place} viewBox="{box}">{line}</svg>'


def _frame(low: float, high: float, left: float, right: float, below: str, beside: str = "") -> str:
    """Lines at round values with their numbers, and the names of the axes."""
    lines = []
    for value in _round_values(low, high):
        y = _down(value, low, high)
        lines.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        lines.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}">{value:g}</text>')
    for value in _round_values(left, right):
        x, y = _across(value, left, right), HEIGHT - BOTTOM + 16
        lines.append(f'<text class="tick mid" x="{x:.1f}" y="{y}">{value:g}</text>')
    lines.append(f'<text class="axis" x="{WIDTH - RIGHT}" y="{HEIGHT - 2}">{escape(below)}</text>')
    if beside:
        lines.append(f'<text class="axis beside" x="{LEFT}" y="{TOP + 2}">{escape(beside)}</text>')
    return "".join(lines)


def _round_values(low: float, high: float) -> list[float]:
    """Three to six multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(s - rough))
    first = math.ceil(low / step)
    return [round(n * step, 12) for n in range(first, math.floor(high / step) + 1)]


def drawing(body: Sequence[str], title: str, height: int = HEIGHT) -> str:
    """The parts of a drawing as one, with words for those who do not see it."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(body)}</svg>"
    )
