"""Residual blocks, each followed by the inverse of another."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.contractions import Blocks, blocks
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Options(LinkOptions):
    """`{implicit: {layers: 8, hidden: [128, 128]}}`."""

    implicit: Blocks = Field(description="The blocks and their networks.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """Blocks one after the other."""
    return blocks("implicit.Implicit", ("g", "h"), options.implicit, shape, context)


ENTRY = Bijection(
    name="implicit",
    summary="u + h(u) = x + g(x), g and h of Lipschitz constants less than 1",
    formula=(
        "u + h(u) = x + g(x), Lip(g) < 1, Lip(h) < 1\n"
        "log |det du/dx| = log det(I + dg/dx) - log det(I + dh/du)"
    ),
    references=(
        Reference("Lu, Chen, Li, Wang and Zhu (2021), Implicit normalizing flows", "eq. 4 to 10"),
    ),
    example="{implicit: {layers: 8, hidden: [128, 128]}}",
    Options=Options,
    lower=lower,
    forward="a fixed point",
    inverse="a fixed point",
    stochastic=True,
)
