"""Residual blocks with an inverse."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.contractions import Blocks, blocks
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Options(LinkOptions):
    """`{residual: {layers: 8, hidden: [128, 128]}}`."""

    residual: Blocks = Field(description="The blocks and their networks.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """Blocks one after the other."""
    return blocks("residual.InvertibleResidual", ("g",), options.residual, shape, context)


ENTRY = Bijection(
    name="residual",
    summary="u = x + g(x), g of Lipschitz constant less than 1",
    formula=(
        "u = x + g(x), Lip(g) < 1\n"
        "log |det du/dx| = log det(I + dg/dx) = sum_k (-1)^(k + 1) tr((dg/dx)^k) / k"
    ),
    references=(
        Reference("Behrmann et al. (2019), Invertible residual networks", "sections 2 and 3"),
        Reference(
            "Chen, Behrmann, Duvenaud and Jacobsen (2019), Residual flows for invertible generative"
            " modeling",
            "eq. 4 to 6",
        ),
        Reference(
            "Delattre et al. (2023), Efficient bound of Lipschitz constant for convolutional layers"
            " by Gram iteration",
            "section 3",
        ),
    ),
    example="{residual: {layers: 8, hidden: [128, 128]}}",
    Options=Options,
    lower=lower,
    forward="a fixed point",
    stochastic=True,
)
