"""Graphs in the style of papers: circles, shaded for observed nodes, and plates."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from specc.graph.draw.extent import (
    LABEL,
    RADIUS,
    SMALL,
    TITLE,
    Box,
    Curve,
    Part,
    curves,
    picture_box,
    place,
    plates,
)
from specc.graph.draw.picture import Arrow, Dot, Picture, Plate, picture, shown_nodes
from specc.graph.graph import TypedGraph

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, SHADE, SOFT = "#22272e", "#cfd6df", "#7b8794"
COVER = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
"""The background of a text, which hides lines behind it."""


def draw(typed: TypedGraph, form: str) -> bytes:
    """The picture as `svg` or `png`, with deterministic bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    shown = picture(typed)
    parts = list(parts_of(typed, shown))
    edge = picture_box(shown, parts)
    size = (edge.right - edge.left, edge.high - edge.low)
    with mpl.rc_context({"svg.hashsalt": "specc", "svg.fonttype": "none"}):
        figure = Figure(figsize=size, dpi=150)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_xlim(edge.left, edge.right)
        axes.set_ylim(edge.low, edge.high)
        axes.set_aspect("equal")
        axes.axis("off")
        for part in parts:
            _paint(axes, shown, part)
        out = io.BytesIO()
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(out, format=form, metadata=metadata)
    return out.getvalue()


def parts_of(typed: TypedGraph, shown: Picture) -> Iterator[Part]:
    """The dots of each program, with copies of the nodes of other programs that it uses."""
    dots = iter(shown.dots)
    for program in typed.graph.declared.values():
        size = len(shown_nodes(typed.graph, program))
        yield Part(program.name, {dot.key: dot for dot in islice(dots, size)})


def _paint(axes: Axes, shown: Picture, part: Part) -> None:
    across = [place(dot)[0] for dot in part.dots.values()]
    middle = (min(across) + max(across)) / 2
    axes.text(middle, TITLE, part.name, ha="center", va="center", fontsize=11, color=SOFT)
    for plate, box in plates(shown, part):
        _plate(axes, plate, box)
    for arrow, run in curves(shown, part):
        start, end = part.dots[arrow.start], part.dots[arrow.end]
        _arrow(axes, start, end, run, arrow)
        style: dict[str, Any] = {"fontsize": LABEL, "style": "italic", "color": SOFT}
        axes.text(
            run.x, run.y, arrow.label, ha=run.side, va="center", bbox=COVER, zorder=2.5, **style
        )
    for dot in part.dots.values():
        _dot(axes, dot)


def _plate(axes: Axes, plate: Plate, box: Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    rounded = FancyBboxPatch(
        (box.left, box.low),
        box.right - box.left,
        box.high - box.low,
        boxstyle="round,pad=0,rounding_size=0.12",
        fill=False,
        edgecolor=SOFT,
        linewidth=0.9,
    )
    axes.add_patch(rounded)
    x, side = (box.right - 0.09, "right") if plate.label == "rows" else (box.left + 0.09, "left")
    axes.text(x, box.low + 0.08, plate.label, ha=side, va="bottom", fontsize=LABEL, color=SOFT)


def _arrow(axes: Axes, start: Dot, end: Dot, run: Curve, arrow: Arrow) -> None:
    from matplotlib.patches import FancyArrowPatch

    if start is end:
        _loop(axes, start, arrow.dashed)
        return
    patch = FancyArrowPatch(
        place(start),
        place(end),
        arrowstyle="-|>" if arrow.directed else "-",
        mutation_scale=11,
        shrinkA=22,
        shrinkB=22,
        linewidth=1.0,
        color=INK,
        linestyle=(0, (4, 2)) if arrow.dashed else "solid",
        connectionstyle=f"arc3,rad={run.bend}",
        zorder=2,
    )
    axes.add_patch(patch)


def _loop(axes: Axes, dot: Dot, dashed: bool) -> None:
    """An arrow from a node to itself, for the next step of a sequence."""
    from matplotlib.patches import FancyArrowPatch

    x, y = place(dot)
    patch = FancyArrowPatch(
        (x + 0.8 * RADIUS, y + 0.6 * RADIUS),
        (x + 0.8 * RADIUS, y - 0.6 * RADIUS),
        arrowstyle="-|>",
        mutation_scale=9,
        linewidth=1.0,
        color=INK,
        linestyle=(0, (4, 2)) if dashed else "solid",
        connectionstyle="arc3,rad=-1.3",
        zorder=2,
    )
    axes.add_patch(patch)


def _dot(axes: Axes, dot: Dot) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch, Patch, RegularPolygon

    x, y = place(dot)
    role = dot.node.role
    fill = SHADE if role in ("observed", "given") else "white"
    style: dict[str, Any] = {"facecolor": fill, "edgecolor": INK, "linewidth": 1.1, "zorder": 3}
    patch: Patch
    if role == "parameter":
        axes.add_patch(Circle((x, y), 0.07, facecolor=INK, zorder=3))
        axes.text(x, y + 0.13, dot.label, ha="center", va="bottom", fontsize=10, color=INK)
        axes.text(x, y - 0.13, dot.shape, ha="center", va="top", fontsize=7, color=SOFT)
        return
    if role == "let":
        patch = RegularPolygon((x, y), 4, radius=RADIUS * 1.2, **style)
    elif role == "given":
        side = RADIUS * 1.7
        corner = (x - side / 2, y - side / 2)
        patch = FancyBboxPatch(
            corner, side, side, boxstyle="round,pad=0,rounding_size=0.05", **style
        )
    else:
        patch = Circle((x, y), RADIUS, **style)
        if role == "joint":
            axes.add_patch(Circle((x, y), RADIUS * 1.15, **style))
    axes.add_patch(patch)
    label = dot.label.replace(".", ".\n")
    count = max(map(len, label.split("\n")))
    size = 11.0 if count <= 3 else 8.0 if count <= 6 else min(6.0, 72 / count)
    axes.text(x, y, label, ha="center", va="center", fontsize=size, color=INK, zorder=4)
    below = "\n".join(text for text in (dot.shape, dot.through) if text)
    middle: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": SMALL, "color": SOFT}
    axes.text(x, y - RADIUS - 0.08, below, bbox=COVER, zorder=2.6, **middle)
