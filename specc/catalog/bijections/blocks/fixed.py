"""Bijections without parameters, entry by entry, of any shape."""

from __future__ import annotations

from specc.catalog.bijection import Lower
from specc.catalog.bijections.blocks.steps import step
from specc.catalog.entry import Lowered, Shape
from specc.catalog.link import LinkOptions


def elementwise(kind: str) -> Lower[LinkOptions]:
    """The `lower` of an elementwise class of the run time."""

    def lower(options: LinkOptions, shape: Shape, context: int) -> Lowered:
        del options, context
        return Lowered((step(f"elementwise.{kind}", options={"rank": len(shape)}),), shape)

    return lower
