"""A graph as it stands in papers: circles, shaded where observed, and plates around them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from specc.graph.draw.picture import Dot, Picture, Plate, picture
from specc.graph.graph import MODEL, TypedGraph

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RADIUS = 0.27
ACROSS, DOWN = 1.5, 1.3
INK, SHADE, SOFT = "#22272e", "#cfd6df", "#7b8794"


def draw(typed: TypedGraph, form: str) -> bytes:
    """The picture as `svg` or `png`; the same bytes each time."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    shown = picture(typed)
    width, height = shown.width * ACROSS + 2.2, shown.height * DOWN + 2.2
    with mpl.rc_context({"svg.hashsalt": "specc", "svg.fonttype": "none"}):
        figure = Figure(figsize=(width, height), dpi=150)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_xlim(-1.1, width - 1.1)
        axes.set_ylim(-height + 1.1, 1.1)
        axes.set_aspect("equal")
        axes.axis("off")
        _paint(axes, typed, shown)
        out = io.BytesIO()
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(out, format=form, metadata=metadata)
    return out.getvalue()


def _paint(axes: Axes, typed: TypedGraph, shown: Picture) -> None:
    for program in typed.graph.programs.values():
        dots = _dots_of(typed, shown, program.name)
        _title(axes, program.name, dots)
        for plate in (p for p in shown.plates if p.program == program.name):
            _plate(axes, plate, [d for d in dots if d.key in plate.keys])
        for arrow in shown.arrows:
            start = next((d for d in dots if d.key == arrow.start), None)
            end = next((d for d in dots if d.key == arrow.end), None)
            if start is not None and end is not None and end.node.program == program.name:
                _arrow(axes, start, end, arrow.label, arrow.dashed)
        for dot in dots:
            _dot(axes, dot)


def _dots_of(typed: TypedGraph, shown: Picture, program: str) -> list[Dot]:
    """The dots of one program: each program has its own copy of the data that it uses."""
    count, found = 0, []
    for candidate in typed.graph.programs.values():
        size = len(candidate.written) + (0 if candidate.name == MODEL else len(candidate.inputs))
        if candidate.name == program:
            found = list(shown.dots[count : count + size])
        count += size
    return found


def _place(dot: Dot) -> tuple[float, float]:
    return dot.x * ACROSS, -dot.y * DOWN


def _title(axes: Axes, name: str, dots: list[Dot]) -> None:
    middle = (min(d.x for d in dots) + max(d.x for d in dots)) / 2 * ACROSS
    axes.text(middle, 0.82, name, ha="center", va="center", fontsize=11, color=SOFT)


def _plate(axes: Axes, plate: Plate, dots: list[Dot]) -> None:
    from matplotlib.patches import FancyBboxPatch

    if not dots:
        return
    left = min(d.x for d in dots) * ACROSS - 0.66
    right = max(d.x for d in dots) * ACROSS + 0.66
    low = -max(d.y for d in dots) * DOWN - 0.78
    high = -min(d.y for d in dots) * DOWN + 0.46
    box = FancyBboxPatch(
        (left, low),
        right - left,
        high - low,
        boxstyle="round,pad=0,rounding_size=0.12",
        fill=False,
        edgecolor=SOFT,
        linewidth=0.9,
    )
    axes.add_patch(box)
    rows = plate.label == "rows"
    x, side = (right - 0.09, "right") if rows else (left + 0.09, "left")
    axes.text(x, low + 0.08, plate.label, ha=side, va="bottom", fontsize=8, color=SOFT)


def _arrow(axes: Axes, start: Dot, end: Dot, label: str, dashed: bool) -> None:
    from matplotlib.patches import FancyArrowPatch

    if start is end:
        _loop(axes, start, label, dashed)
        return
    (x0, y0), (x1, y1) = _place(start), _place(end)
    far = abs(end.y - start.y) > 1
    bend = 0.28 if far else 0.0
    patch = FancyArrowPatch(
        (x0, y0),
        (x1, y1),
        arrowstyle="-|>",
        mutation_scale=11,
        shrinkA=30,
        shrinkB=30,
        linewidth=1.0,
        color=INK,
        linestyle=(0, (4, 2)) if dashed else "solid",
        connectionstyle=f"arc3,rad={bend}",
        zorder=2,
    )
    axes.add_patch(patch)
    if label:
        axes.text(
            (x0 + x1) / 2 + 0.08 + bend * abs(y1 - y0) / 2,
            (y0 + y1) / 2 + 0.04,
            label,
            fontsize=8,
            style="italic",
            color=SOFT,
            ha="left",
            va="center",
        )


def _loop(axes: Axes, dot: Dot, label: str, dashed: bool) -> None:
    """From one step of a sequence to the next: an arrow from a node to itself."""
    from matplotlib.patches import FancyArrowPatch

    x, y = _place(dot)
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
    place = {"ha": "center", "va": "bottom"}
    axes.text(x + 0.5, y + 0.25, label, place, fontsize=8, style="italic", color=SOFT)


def _dot(axes: Axes, dot: Dot) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch, Patch, RegularPolygon

    x, y = _place(dot)
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
    size = 11 if len(dot.label) <= 3 else 8 if len(dot.label) <= 6 else 6
    axes.text(x, y, dot.label, ha="center", va="center", fontsize=size, color=INK, zorder=4)
    below = y - RADIUS - 0.06
    axes.text(x, below, dot.shape, ha="center", va="top", fontsize=7, color=SOFT, zorder=4)
