"""Additive couplings and a scale."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.couplings import coupling
from specc.catalog.bijections.blocks.events import halves
from specc.catalog.bijections.blocks.options import Layers
from specc.catalog.bijections.blocks.steps import chain, step
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.options import Depth


class Nice(Layers):
    """The options under `nice:`."""

    layers: Depth = Field(4, description="How many couplings there are.")


class Options(LinkOptions):
    """`{nice: {layers: 4, hidden: [128, 128]}}`."""

    nice: Nice = Field(description="The couplings and their networks.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """A scale next to the draw, then couplings that keep one half and then the other."""
    size, given = halves(shape), options.nice
    made = [
        coupling("AdditiveCoupling", size, n, given, context, each=1) for n in range(given.layers)
    ]
    scale = step("scale.Scale", size, own={"log_scale": (size,)})
    return Lowered((chain((scale, *made)),), shape)


ENTRY = Bijection(
    name="nice",
    summary="u <- exp(s) u, then x_1 = u_1, x_2 = u_2 + t(u_1), then the other half",
    formula=(
        "v = exp(s) u, then in turn x_1 = v_1, x_2 = v_2 + t(v_1), the halves exchanged\n"
        "log |det dx/du| = sum_i s_i"
    ),
    references=(
        Reference(
            "Dinh, Krueger and Bengio (2015), NICE: Non-linear independent components estimation",
            "sections 3.2 and 3.3",
        ),
    ),
    example="{nice: {layers: 4, hidden: [128, 128]}}",
    Options=Options,
    lower=lower,
)
