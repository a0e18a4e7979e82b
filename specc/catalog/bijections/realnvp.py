"""Affine couplings."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.couplings import coupling
from specc.catalog.bijections.blocks.events import halves
from specc.catalog.bijections.blocks.options import Layers
from specc.catalog.bijections.blocks.steps import chain
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Options(LinkOptions):
    """`{realnvp: {layers: 8, hidden: [128, 128]}}`."""

    realnvp: Layers = Field(description="The couplings and their networks.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """Couplings that keep one half and then the other."""
    size, given = halves(shape), options.realnvp
    made = [
        coupling("AffineCoupling", size, n, given, context, each=2) for n in range(given.layers)
    ]
    return Lowered((chain(tuple(made)),), shape)


ENTRY = Bijection(
    name="realnvp",
    summary="x_1 = u_1, x_2 = exp(s(u_1)) u_2 + t(u_1), then the other half",
    formula=(
        "in turn x_1 = u_1, x_2 = exp(s(u_1)) u_2 + t(u_1), the halves exchanged\n"
        "log |det dx/du| = sum_i s_i(u_1)"
    ),
    references=(
        Reference(
            "Dinh, Sohl-Dickstein and Bengio (2017), Density estimation using Real NVP",
            "eq. 4 to 8",
        ),
    ),
    example="{realnvp: {layers: 8, hidden: [128, 128]}}",
    Options=Options,
    lower=lower,
)
