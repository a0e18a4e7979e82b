"""The extents of the parts of a picture in inches: texts, plates, and the complete picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from specc.graph.draw.picture import Arrow, Dot, Picture, Plate

RADIUS = 0.27
ACROSS, DOWN = 1.5, 1.3
SMALL, LABEL = 7.0, 8.0
"""The font sizes in points of texts below nodes, and of labels of arrows."""

BESIDE, ABOVE, BELOW = 0.66, 0.46, 0.86
"""The distances from the centre of a node without long texts to its plate."""

TITLE, MARGIN = 0.86, 0.3
"""The height of the name of a program, and the margin of the picture."""

NESTED = 0.12
"""The distance of a plate to one inside it."""


class Box(Struct, frozen=True):
    """A rectangle, from its lower left corner."""

    left: float
    low: float
    right: float
    high: float


class Text(Struct, frozen=True):
    """The box of a text, and the nodes that it belongs to."""

    keys: set[str]
    left: float
    right: float


class Part(Struct, frozen=True):
    """The nodes drawn for one program, including the data that it uses, by key."""

    name: str
    dots: Mapping[str, Dot]


class Curve(Struct, frozen=True):
    """The curvature of an arrow relative to its length, and the place and side of its label."""

    bend: float
    x: float
    y: float
    side: str


def place(dot: Dot) -> tuple[float, float]:
    """The centre of a node."""
    return dot.x * ACROSS, -dot.y * DOWN


def width_of(text: str, size: float) -> float:
    """The approximate width of a text of this size."""
    return 0.56 * size / 72 * len(text)


def curves(shown: Picture, part: Part) -> Iterator[tuple[Arrow, Curve]]:
    """The arrows to nodes of one program, each with its curve."""
    own = {key for key, dot in part.dots.items() if dot.node.program == part.name}
    inside = [a for a in shown.arrows if a.start in part.dots and a.end in own]
    ways = {(a.start, a.end) for a in inside}
    for arrow in inside:
        both = (arrow.end, arrow.start) in ways
        yield arrow, _curve(part.dots[arrow.start], part.dots[arrow.end], both)


def _curve(start: Dot, end: Dot, both_ways: bool) -> Curve:
    """The curve around nodes in between and next to the reverse arrow; a loop is at the right."""
    (x0, y0), (x1, y1) = place(start), place(end)
    if start is end:
        return Curve(0.0, x0 + 0.36, y0 + 0.3, "left")
    past = 0.28 if abs(end.y - start.y) > 1 else 0.0
    bend = (0.36 if x0 == x1 else 0.2) if both_ways else past
    x, y = (x0 + x1 + bend * (y1 - y0)) / 2, (y0 + y1 - bend * (x1 - x0)) / 2
    side = "right" if bend * (y1 - y0) < 0 else "left"
    return Curve(bend, x + (0.08 if side == "left" else -0.08), y + 0.04, side)


def plates(shown: Picture, part: Part) -> list[tuple[Plate, Box]]:
    """The boxes of the plates of one program, outer ones first."""
    own = [plate for plate in shown.plates if plate.program == part.name]
    own.sort(key=lambda plate: (-len(plate.keys), plate.label != "rows"))
    inside = list(texts(shown, part))
    return [(plate, _plate(plate, own[n + 1 :], part, inside)) for n, plate in enumerate(own)]


def _plate(plate: Plate, others: Sequence[Plate], part: Part, texts: Sequence[Text]) -> Box:
    keys = set(plate.keys)
    more = NESTED * sum(keys.issuperset(other.keys) for other in others)
    places = [place(part.dots[key]) for key in plate.keys]
    inside = [text for text in texts if text.keys <= keys]
    return Box(
        min([x - BESIDE for x, _ in places] + [text.left for text in inside]) - more,
        min(y for _, y in places) - BELOW - 2.2 * more,
        max([x + BESIDE for x, _ in places] + [text.right for text in inside]) + more,
        max(y for _, y in places) + ABOVE + more,
    )


def picture_box(shown: Picture, parts: Sequence[Part]) -> Box:
    """The box of the complete picture, with a margin and the names of the programs."""
    boxes = [box for part in parts for _, box in plates(shown, part)]
    for part in parts:
        low = min(place(dot)[1] for dot in part.dots.values()) - BELOW
        boxes += [Box(text.left, low, text.right, TITLE) for text in texts(shown, part)]
    return Box(
        min(box.left for box in boxes) - MARGIN,
        min(box.low for box in boxes) - MARGIN,
        max(box.right for box in boxes) + MARGIN,
        TITLE + MARGIN,
    )


def texts(shown: Picture, part: Part) -> Iterator[Text]:
    """The texts below nodes, and the labels of arrows."""
    for key, dot in part.dots.items():
        wide = max(width_of(dot.shape, SMALL), width_of(dot.through, SMALL), 2 * RADIUS) + 0.16
        middle = place(dot)[0]
        yield Text({key}, middle - wide / 2, middle + wide / 2)
    for arrow, run in curves(shown, part):
        wide = width_of(arrow.label, LABEL) + 0.1
        left = run.x if run.side == "left" else run.x - wide
        yield Text({arrow.start, arrow.end}, left, left + wide)
