"""Affine maps of each entry by the draw's entries before it."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.couplings import autoregressive, reversing
from specc.catalog.bijections.blocks.events import vector
from specc.catalog.bijections.blocks.options import Layers
from specc.catalog.bijections.blocks.steps import chain
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Options(LinkOptions):
    """`{iaf: {layers: 5, hidden: [128, 128]}}`."""

    iaf: Layers = Field(description="The layers and their networks.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """Layers with the order of the entries reversed between them."""
    size, given = vector(shape), options.iaf
    layer = autoregressive("InverseAutoregressive", size, given, context, each=2)
    return Lowered((chain(reversing([layer] * given.layers)),), shape)


ENTRY = Bijection(
    name="iaf",
    summary="x_i = exp(-a_i) (u_i - b_i), with a_i, b_i of u_1, ..., u_(i-1)",
    formula=(
        "x_i = exp(-a_i) (u_i - b_i), (a_i, b_i) = net_i(u_1, ..., u_(i-1))\n"
        "log |det dx/du| = -sum_i a_i"
    ),
    references=(
        Reference(
            "Kingma et al. (2016), Improving variational inference with inverse"
            " autoregressive flow",
            "section 3",
        ),
    ),
    example="{iaf: {layers: 5, hidden: [128, 128]}}",
    Options=Options,
    lower=lower,
    inverse="one pass for each entry",
)
