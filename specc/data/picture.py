"""Plots of data: a grid for rows that are pictures, histograms for other fields."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from specc.counted import noun
from specc.data.describe import own_values
from specc.data.elementwise import factor_of
from specc.data.table import Array, Column, Part
from specc.runtime.fields import Data, Field

ROWS = 20_000
"""The most rows in a histogram, evenly spread over all rows."""

PICTURES = 64
SEPARATE = 8
"""The most numbers per row of a field that has a histogram for each of them."""

FEW = 40
"""The most different integers that have a bar each."""

CROWDED = 0.9
"""The fraction of the values in one bar above which the axis is logarithmic."""

BLUE = "#2b5c8a"
LINES = (BLUE, "#c2571a", "#3f7d3a", "#7a4a8c")


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing: pictures, points, or the values of the first part and of the others."""

    title: str
    grid: Array | None = None
    points: Array | None = None
    values: Mapping[str, Array] | None = None
    classes: tuple[str, ...] = ()


def picture(sources: Sequence[tuple[Mapping[str, Part], Data]]) -> bytes:
    """A PNG with a panel for each field, or for each of its numbers if they are few.

    `sources` are the parts of each source, with the source.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [
        panel
        for parts, data in sources
        for name, field in data.fields.items()
        for panel in _panels(parts, name, field)
    ]
    across = min(len(panels), 2 if len(panels) < 5 else 4)
    down = math.ceil(len(panels) / across)
    figure = Figure(figsize=(4.6 * across, 3.8 * down), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    for number, panel in enumerate(panels):
        axes = figure.add_subplot(down, across, number + 1)
        axes.set_title(panel.title, loc="left", fontsize=10)
        if panel.grid is not None:
            axes.imshow(panel.grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_axis_off()
        elif panel.points is not None:
            axes.plot(*panel.points.T, ",", color=BLUE, alpha=0.5)
            axes.set_aspect("equal", "datalim")
            axes.tick_params(labelsize=8)
        else:
            _histogram(axes, panel)
    found = BytesIO()
    figure.savefig(found, format="png")
    return found.getvalue()


# panels


def _panels(parts: Mapping[str, Part], name: str, field: Field) -> Iterator[Panel]:
    """The panels of a field: a grid of pictures, points, or histograms."""
    part = next(iter(parts))
    column = parts[part][name]
    if column.raw.dtype.kind not in "biuf":
        return
    if field.picture is not None and math.prod(field.picture) == math.prod(column.shape):
        shown = min(PICTURES, len(column))
        title = f"{name}: the first {shown} of {len(column)} rows of {part}"
        yield Panel(title, grid=_grid(_rows(column, shown, evenly=False), field.picture))
        return
    size = math.prod(column.shape)
    if column.shape == (2,) and column.lengths is None:
        points = _rows(column, ROWS) * factor_of(field, column)
        yield Panel(
            f"{name}: {len(points)} {noun(len(points), 'row')} of {part}", points=_complete(points)
        )
    if column.lengths is None and column.shape and size <= SEPARATE:
        for number in range(size):
            own = column.names[number] if column.names else str(number)
            values = {n: _one(field, p[name], number) for n, p in parts.items()}
            yield Panel(f"{name}[{own}]", values=values)
        return
    values = {n: _all(field, p[name]) for n, p in parts.items()}
    what = "" if not column.shape else f": all {size} numbers of a row"
    yield Panel(f"{name}{what}", values=values, classes=column.classes)


def _rows(column: Column, count: int, evenly: bool = True) -> Array:
    """`count` raw rows: at equal distances if `evenly`, else the first ones."""
    if not evenly or len(column) <= count:
        return column.rows(0, count)
    return column.take(np.linspace(0, len(column) - 1, count).astype(np.int64)).rows(0, count)


def _one(field: Field, column: Column, number: int) -> Array:
    raw = _rows(column, ROWS)
    return _finite(raw.reshape(len(raw), -1)[:, number] * factor_of(field, column))


def _all(field: Field, column: Column) -> Array:
    count = min(len(column), max(1, 4_000_000 // max(1, math.prod(column.shape))), ROWS)
    chosen = column.take(np.linspace(0, len(column) - 1, count).astype(np.int64))
    return _finite(own_values(chosen, 0, chosen.rows(0, count)) * factor_of(field, column))


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)] if values.dtype.kind == "f" else values


def _complete(rows: Array) -> Array:
    """The rows without missing or infinite numbers."""
    return rows[np.isfinite(rows).all(1)] if rows.dtype.kind == "f" else rows


def _grid(raw: Array, shape: tuple[int, ...]) -> Array:
    """Pictures side by side, [height, width] or [height, width, 3], from 0 (black) to 1."""
    rows = _channels_last(raw.astype(np.float64), shape)
    finite = rows[np.isfinite(rows)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    rows = np.nan_to_num((rows - low) / ((high - low) or 1.0), nan=0.5, posinf=1.0, neginf=0.0)
    count, height, width, channels = rows.shape
    across = math.ceil(math.sqrt(count))
    down, gap = math.ceil(count / across), max(1, height // 14)
    sheet = np.ones((down * (height + gap) - gap, across * (width + gap) - gap, channels))
    for number, row in enumerate(rows):
        top, left = (number // across) * (height + gap), (number % across) * (width + gap)
        sheet[top : top + height, left : left + width] = row
    return sheet[..., 0] if channels == 1 else sheet


def _channels_last(raw: Array, shape: tuple[int, ...]) -> Array:
    if len(shape) == 2:
        return raw.reshape(-1, *shape, 1)
    found = raw.reshape(-1, *shape)
    return found.transpose(0, 2, 3, 1) if shape[0] in (1, 3) else found


# histograms


def _histogram(axes: Any, panel: Panel) -> None:  # noqa: ANN401
    """Histograms of the parts, normalized each: the first one filled, the others as lines."""
    assert panel.values is not None
    there = {name: values for name, values in panel.values.items() if values.size}
    axes.spines[["top", "right"]].set_visible(False)
    if not there:
        axes.text(0.5, 0.5, "no values", ha="center", transform=axes.transAxes)
        return
    every = np.concatenate(list(there.values()))
    edges = _edges(every)
    for number, (name, values) in enumerate(there.items()):
        line = {"histtype": "step", "color": LINES[number % len(LINES)], "linewidth": 1.4}
        style = line if number else {"color": BLUE, "alpha": 0.75}
        shares, _, _ = axes.hist(values, edges, weights=_weights(values), label=name, **style)
        if len(shares) > 2 and max(shares) > CROWDED:
            axes.set_yscale("log")
    axes.set_ylabel("share of the values", fontsize=8)
    axes.tick_params(labelsize=8)
    if panel.classes and len(panel.classes) <= FEW:
        axes.set_xticks(range(len(panel.classes)), panel.classes, rotation=45, ha="right")
    if len(there) > 1:
        axes.legend(frameon=False, fontsize=8)


def _weights(values: Array) -> Array:
    return np.full(values.shape, 1.0 / values.size)


def _edges(values: Array) -> Array:
    """The edges of bars: one for each integer if they are few, else 40 of equal width."""
    low, high = float(values.min()), float(values.max())
    if high - low < FEW and bool((values == np.floor(values)).all()):
        return np.arange(low - 0.5, high + 1.0)
    return np.linspace(low, high if high > low else low + 1.0, 41)
