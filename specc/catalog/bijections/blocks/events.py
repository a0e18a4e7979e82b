"""Checks of the event shapes that a bijection accepts."""

from __future__ import annotations

from specc.catalog.entry import Shape
from specc.catalog.link import LinkShapeError
from specc.catalog.links.blocks.spatial import words


def vector(shape: Shape) -> int:
    """The size of a vector; raises `LinkShapeError` for any other event."""
    if len(shape) != 1:
        raise LinkShapeError(
            f"maps vectors, and is given {words(shape)}", "give the node a shape such as `[2]`"
        )
    return shape[0]


def halves(shape: Shape) -> int:
    """The size of a vector of at least two entries; raises `LinkShapeError` for any other event."""
    size = vector(shape)
    if size < 2:
        raise LinkShapeError(
            "maps one half of a vector as the other half says, and is given [1]",
            "give the node two entries or more, or use `maf` or `nsf` with `autoregressive: true`",
        )
    return size


def channels(shape: Shape) -> int:
    """The first size of a vector or an image; raises `LinkShapeError` for any other event."""
    if len(shape) not in (1, 3):
        raise LinkShapeError(
            f"maps vectors and images [channels, height, width], and is given {words(shape)}",
            "give the node a shape such as `[2]` or `[3, 32, 32]`",
        )
    return shape[0]
